"""How `python -m course grade` grows with the number of submissions, and what poisonous ones cost the others.

    python -m benchmarks.scale                 writes benchmarks/scale.json (a quarter of an hour on two cores)
    make notebooks                             stamps the sentence of README.md from that file

Each student hands in one notebook, Q6 of Part 2: the shortest, so what is not the notebooks' own shows most. Poison is
one submission in a hundred: a loop that never ends, and a list that grows for ever, in turn. Memory is the
coordinator's peak, as the system counts it. Last, students who send all of Part 2, by one and by two workers of a Dask
cluster on this machine, in turn.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import torch

from benchmarks import grade
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


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[str]:
    """The address of a Dask scheduler with so many workers, on this machine."""
    file, env = folder / "scheduler.json", {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    here = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file)]
    begun = []
    with open(folder / "log-of-dask", "wb") as log:
        how = {"cwd": folder, "env": env, "stdout": log, "stderr": log}
        try:
            begun.append(
                subprocess.Popen([sys.executable, "-m", "dask", "scheduler", *here, "--port", "0"], **how)
            )
            while not file.exists():
                time.sleep(0.1)
            one = ["--nthreads", "1", "--nworkers", str(workers), "--local-directory", str(folder / "dask")]
            begun.append(subprocess.Popen([sys.executable, "-m", "dask", "worker", *here, *one], **how))
            yield json.loads(file.read_text())["address"]
        finally:
            for process in reversed(begun):
                process.terminate()
                process.wait(60)
            file.unlink(missing_ok=True)


def graded(folder: Path, *how: str) -> dict[str, float]:
    """Seconds of the command, and the peak of the coordinator's memory in MB."""
    env = {**os.environ, "VIT_OFFLINE": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", "course", "grade", PART, *how]
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
    parser.add_argument("--students", type=int, default=10, help="of the runs on a cluster")
    parser.add_argument("--rounds", type=int, default=3, help="of these runs")
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
            report["runs"].append(
                {"submissions": students, "poison": bad, **graded(folder, "--jobs", str(options.jobs))}
            )
            print(report["runs"][-1], flush=True)
        seconds: dict[str, list[float]] = {"1": [], "2": []}
        for _ in range(options.rounds):
            for workers, found in seconds.items():
                lay_out(folder, grade.submissions(options.students))
                with cluster(folder, int(workers)) as address:
                    found.append(graded(folder, "--scheduler", address)["seconds"])
                print(f"Dask, {workers}: {found[-1]} s", flush=True)
        report["cluster"] = {"notebooks": len(grade.submissions(options.students)), "seconds": seconds}
    checkpoints.write_json(options.out, report)


if __name__ == "__main__":
    main()
