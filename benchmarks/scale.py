"""How `python -m course grade` grows with the number of submissions, and what poisonous ones cost the others.

    python -m benchmarks.scale                 writes benchmarks/scale.json (a quarter of an hour on two cores)
    make notebooks                             stamps the sentence of README.md from that file

Each student hands in one notebook, Q6 of Part 2: the shortest, so what is not the notebooks' own shows most. Poison is
one submission in a hundred: a loop that never ends, and a list that grows for ever, in turn. Memory is the
coordinator's peak, as the system counts it.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import torch

from benchmarks.grade import PART, lay_out, tree
from course import demo
from course.sandbox.limits import Limits
from helpers.training import checkpoints, loop

NAME = "q6_residual_block"
POISON = ("while True:\n    pass", "hoard = []\nwhile True:\n    hoard.append(bytearray(10**8))")


def submissions(students: int, poison: int = 0) -> dict[tuple[str, str], nbformat.NotebookNode]:
    """(student, notebook) -> what they send: no two files alike; the last `poison` of them poisonous."""
    found = {}
    for number in range(students):
        nb = demo.submission(list(demo.STUDENTS)[number % 3], f"{NAME}.ipynb", PART)
        answer = next(cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("solution"))
        answer.source += f"\n# student {number}"
        if number >= students - poison:
            answer.source += f"\n{POISON[number % 2]}"
        found[f"student{number:04}", NAME] = nb
    return found


def graded(folder: Path, jobs: int) -> dict[str, float]:
    """Seconds of the command, and the peak of the coordinator's memory in MB."""
    env = {**os.environ, "VIT_OFFLINE": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", "course", "grade", PART, "--jobs", str(jobs)]
    begun, peak = time.perf_counter(), 0
    with open(folder / "log", "w+") as log, subprocess.Popen(command, cwd=folder, env=env, stdout=log) as run:
        while run.poll() is None:
            said = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{run.pid}/status").read_text())
            peak = max(peak, int(said[1]) if said else 0)
            time.sleep(0.2)
    seconds = time.perf_counter() - begun
    if run.returncode not in (0, 1):  # 1: somebody needs a look
        sys.exit((folder / "log").read_text()[-3000:])
    return {"seconds": round(seconds, 1), "coordinator_mb": round(peak / 1024, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--poisoned", type=int, default=200, help="submissions of which 1 %% are poison")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("scale.json"))
    options = parser.parse_args()
    poison = max(1, options.poisoned // 100)
    runs = [(size, 0) for size in options.sizes] + [(options.poisoned, 0), (options.poisoned, poison)]
    report = {
        "machine": loop.machine(torch.device("cpu")),
        "jobs": options.jobs,
        "cell_seconds": Limits().cell_seconds,
        "runs": [],
    }
    with tempfile.TemporaryDirectory() as scratch:
        folder = tree(Path(scratch) / "course")
        for students, bad in runs:
            lay_out(folder, submissions(students, bad))
            report["runs"].append({"submissions": students, "poison": bad, **graded(folder, options.jobs)})
            print(report["runs"][-1], flush=True)
    checkpoints.write_json(options.out, report)


if __name__ == "__main__":
    main()
