"""How `python -m course grade` grows: with submissions, with a cluster's workers, and with poison among the others.

    python -m benchmarks.scale                 writes benchmarks/scale.json
    make notebooks                             stamps the sentences of README.md from that file

In the first runs each student hands in one notebook, Q6 of Part 2: the shortest, so what is not the notebooks' own shows
most. Poison is one submission in a hundred: a loop that never ends, and a list that grows for ever, in turn. The class
(`--class`) sends the whole part. Dask is asked with one worker and with two on this machine, in turn, after a round that
has judged the solutions; beside it stands what two processes that only count do more than one. Memory is the
coordinator's peak, as the system counts it.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import nbformat
import torch

from benchmarks import grade
from benchmarks.grade import PART, lay_out, tree
from course import demo
from course.sandbox.limits import Limits
from helpers.training import checkpoints, loop
from tests.dask_cluster import Cluster

NAME = "q6_residual_block"
POISON = ("while True:\n    pass", "hoard = []\nwhile True:\n    hoard.append(bytearray(10**8))")


def single(students: int, poison: int = 0) -> dict[tuple[str, str], nbformat.NotebookNode]:
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


def graded(folder: Path, *where: str) -> dict[str, float]:
    """Seconds of the command, and the peak of the coordinator's memory in MB."""
    env = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", "course", "grade", PART, *where]
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


def on_dask(folder: Path, students: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of each round with one worker and with two."""
    notebooks, seconds = grade.submissions(students), {"1": [], "2": []}
    with ExitStack() as until_the_end:
        addresses = {}
        for workers in seconds:
            place = folder.parent / f"dask{workers}"
            place.mkdir()
            cluster = Cluster(place, int(workers))
            until_the_end.callback(cluster.end)
            addresses[workers] = cluster.address
        for number in range(rounds + 1):
            for workers, address in addresses.items():
                lay_out(folder, notebooks)
                took = graded(folder, "--scheduler", address)["seconds"]
                print(f"Dask, {workers}: {took} s{' (not counted)' * (not number)}", flush=True)
                if number:
                    seconds[workers].append(took)
    return seconds


def ceiling() -> float:
    """How many times as much two processes count as one alone: what the machine's second core is worth."""

    def seconds(processes: int) -> float:
        begun = time.perf_counter()
        running = [
            subprocess.Popen([sys.executable, "-c", "sum(i * i for i in range(50_000_000))"])
            for _ in range(processes)
        ]
        for process in running:
            process.wait()
        return time.perf_counter() - begun

    return round(statistics.median(2 * seconds(1) / seconds(2) for _ in range(3)), 2)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--poisoned", type=int, default=200, help="submissions of which 1 %% are poison")
    parser.add_argument("--class", type=int, default=300, dest="whole", help="students of the whole part")
    parser.add_argument(
        "--dask", type=int, default=20, help="students of the whole part, judged on a cluster"
    )
    parser.add_argument("--rounds", type=int, default=3, help="on each cluster")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("scale.json"))
    options = parser.parse_args()
    os.environ.update(VIT_OFFLINE="1", OMP_NUM_THREADS="1")
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
            lay_out(folder, single(students, bad))
            took = graded(folder, "--jobs", str(options.jobs))
            report["runs"].append({"submissions": students, "poison": bad, **took})
            print(report["runs"][-1], flush=True)
        report["dask"] = {
            "notebooks": len(grade.submissions(options.dask)),
            "seconds": on_dask(folder, options.dask, options.rounds),
            "ceiling": ceiling(),
        }
        print(report["dask"], flush=True)
        lay_out(folder, notebooks := grade.submissions(options.whole))
        took = graded(folder, "--jobs", str(options.jobs))
        report["class"] = {"students": options.whole, "notebooks": len(notebooks), **took}
        print(report["class"], flush=True)
    checkpoints.write_json(options.out, report)


if __name__ == "__main__":
    main()
