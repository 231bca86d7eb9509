"""Seconds and memory of `python -m course report` on a made-up class.

    python -m benchmarks.report --students 300      2,100 records below grading/benchmark-report, which stays to be looked at

Answers are those of tests/answers: each student is right more or less often, and wrong answers are drawn so that some
misconceptions are common and most are rare. A record carries as much output as one of a notebook with figures.
"""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone

from nbformat.v4 import new_output

from course.base.paths import ROOT
from course.judging import records
from tests import notebooks
from tests.returning import classroom
from tests.returning.classroom import OPEN, PART, Class

BELOW = "grading/benchmark-report"
OUTPUT = 60_000  # characters of figures in a record
START = datetime(2026, 3, 2, 8, tzinfo=timezone.utc)


def make(students: int) -> None:
    """The class, its submissions and records; each distinct notebook is judged once."""
    draw = random.Random(14)
    folder = ROOT / BELOW
    shutil.rmtree(folder, ignore_errors=True)
    made = Class(folder)
    names = [path.stem for path in notebooks.SOLUTIONS if path.parent.name == PART]
    kept = records.save
    figure = new_output("display_data", data={"image/png": "A" * OUTPUT})

    def with_figures(where, record):
        next(cell for cell in record.content.cells if cell.cell_type == "code").outputs = [figure]
        return kept(where, record)

    records.save = with_figures
    everybody = [f"student{number:03}" for number in range(students)]
    for student in everybody[: -max(1, students // 40)]:
        able, late, last = draw.random(), draw.random() < 0.1, draw.randrange(3, 8)
        came = START + timedelta(hours=draw.triangular(0, 7 * 24, 6 * 24) + 24 * late)
        for name in names[:last] if draw.random() < 0.15 else names:
            answers = {key: answer(draw, key, able) for key in classroom.release(name).tests.values()}
            attention = ["The cell ran into its time limit twice."] if draw.random() < 0.004 else []
            how = {
                "date": f"{came:%Y-%m-%d %H:%M:%S.%f} UTC",
                "late": late,
                "earlier": draw.choice((0, 0, 0, 1, 2)),
            }
            made.send(student, name, answers, attention=attention, **how)
    made.done(roster=everybody)
    records.save = kept


def answer(draw: random.Random, key: str, able: float) -> classroom.Change:
    if draw.random() < 0.25 + 0.7 * able:
        return {}
    if draw.random() < 0.12:
        return OPEN
    wrong = notebooks.answers(key).WRONG
    return wrong[min(int(draw.expovariate(1 / 6)), len(wrong) - 1)][1]


def measure() -> None:
    command = [sys.executable, "-m", "course", "report", PART]
    env = {**os.environ, "VIT_GRADING": BELOW, "PYTHONPATH": str(ROOT)}
    begun = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, env=env) as run:
        peak = 0
        while run.poll() is None:
            with open(f"/proc/{run.pid}/status") as status:
                said = re.search(r"VmHWM:\s+(\d+)", status.read())
            peak = max(peak, int(said[1]) if said else 0)
            time.sleep(0.05)
    there = list((ROOT / BELOW / "records").glob("*.json"))
    size = sum(path.stat().st_size for path in there) / 1e6
    sent = len(list((ROOT / BELOW / "submitted").glob(f"*/{PART}/*.ipynb")))
    print(
        f"{sent} submissions, {len(there)} records, {size:.0f} MB: {time.perf_counter() - begun:.1f} s, "
        f"{peak / 1024:.0f} MB at most, exit code {run.returncode}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--students", type=int, default=300)
    parser.add_argument("--keep", action="store_true", help="measure the class that is there")
    options = parser.parse_args()
    if not options.keep:
        make(options.students)
    measure()


if __name__ == "__main__":
    main()
