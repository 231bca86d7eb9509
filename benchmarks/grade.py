"""Grading by ours and by the peers: same submissions, same machine, one after another in one run.

    python benchmarks/grade.py                 writes benchmarks/grade.json; needs `pip install otter-grader==7.0.0`
    python benchmarks/grade.py --students 2 --many 3 --out elsewhere.json      a try-out
    make notebooks                             stamps the table of README.md from that file

Stock is `nbgrader autograde` of the same release with nbgrader's own steps: one notebook after another, no sandbox.
Ours is `python -m course grade` with the sandbox. otter-grader grades the same notebooks with `otter run`'s function,
its tests asking the same `check`, in one process that has imported everything; no sandbox either.
Points of stock and ours are compared student by student and notebook by notebook. A larger class (`--many`) is graded
by ours alone: the peers' seconds grow with the notebooks, ours have some seconds that do not.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import nbformat
import torch

from course import demo
from course.base.paths import ROOT
from helpers.training import checkpoints, loop

PART = "2_build_a_vit"
STOCK = """
from nbconvert.exporters import NotebookExporter
c.Autograde.exporter_class = NotebookExporter
c.Autograde.autograde_preprocessors = Autograde.autograde_preprocessors.default_args[0]
"""


def tree(folder: Path) -> Path:
    """A copy of what git knows, so that nothing here changes."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in names.decode().split("\0")[:-1]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    return folder


def submissions(students: int) -> dict[tuple[str, str], nbformat.NotebookNode]:
    """(student, notebook) -> what they send: all right, typical mistakes, untouched in turn; no two files alike."""
    kinds, found = list(demo.STUDENTS), {}
    for number in range(students):
        for path in sorted((ROOT / "notebooks" / PART).glob("*.ipynb")):
            nb = demo.submission(kinds[number % len(kinds)], path.name, PART)
            for cell in nb.cells:
                if cell.metadata.get("nbgrader", {}).get("solution"):
                    cell.source += f"\n# student {number}"
            found[f"student{number:03}", path.stem] = nb
    return found


def lay_out(folder: Path, notebooks: dict) -> None:
    """grading/ as it is before grading: what was submitted, and an empty gradebook that knows the release."""
    shutil.rmtree(folder / "grading", ignore_errors=True)
    for (student, name), nb in notebooks.items():
        there = folder / "grading" / "submitted" / student / PART
        there.mkdir(parents=True, exist_ok=True)
        nbformat.write(nb, there / f"{name}.ipynb")
    run(folder, "nbgrader", "generate_assignment", PART)


def run(folder: Path, *command: str) -> float:
    """Seconds that `python -m command` took in `folder`."""
    env = {**os.environ, "VIT_OFFLINE": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(folder)}
    # no pipe: processes that a command has started, and that end after it, hold it open
    with tempfile.TemporaryFile("w+") as said:
        begun = time.perf_counter()
        code = subprocess.call(
            [sys.executable, "-m", *command], cwd=folder, env=env, stdout=said, stderr=subprocess.STDOUT
        )
        seconds = time.perf_counter() - begun
        said.seek(0)
        if code not in (0, 1):  # 1: somebody needs a look
            sys.exit(f"{command} failed:\n{said.read()[-3000:]}")
    return seconds


def points(folder: Path) -> dict[str, dict[str, float]]:
    table = demo.points(folder / "grading", PART)
    return {student: {name: score for name, (score, _) in row.items()} for student, row in table.items()}


def otter(folder: Path, notebooks: dict) -> float:
    """Seconds that otter-grader takes for the same notebooks; its tests ask `check`."""
    from otter.api import grade_submission

    jobs, archives = [], {}
    folder.mkdir()
    for (student, name), nb in notebooks.items():
        if name not in archives:
            archives[name] = folder / f"{name}.zip"
            with zipfile.ZipFile(archives[name], "w") as archive:
                archive.writestr("otter_config.json", json.dumps({"pdf": False, "print_summary": False}))
                for key in keys_of(nb):
                    case = {
                        "code": f'>>> bool(check.verdict("{key}", globals()).points > 0)\nTrue',
                        "hidden": False,
                    }
                    suite = {"cases": [case], "scored": True, "setup": "", "teardown": "", "type": "doctest"}
                    test = {"name": key, "points": 1, "suites": [suite]}
                    archive.writestr(f"tests/{key}.py", f"OK_FORMAT = True\ntest = {test!r}\n")
        path = folder / student / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nb = nbformat.from_dict(nb)
        for cell in nb.cells:
            if cell.metadata.get("nbgrader", {}).get("grade"):
                cell.source = "\n".join(
                    f'grader.check("{key}")' for key in keys_of(nb) if f'"{key}"' in cell.source
                )
        nb.cells.insert(0, nbformat.v4.new_code_cell("import otter\ngrader = otter.Notebook()"))
        nbformat.write(nb, path)
        jobs.append((path, archives[name]))
    begun = time.perf_counter()
    results = [grade_submission(str(path), str(archive), quiet=True).results for path, archive in jobs]
    seconds = time.perf_counter() - begun
    passed = [sum(one.score > 0 for one in result.values()) for result in results]
    asked = [len(result) for result in results]
    if asked != [len(keys_of(nb)) for nb in notebooks.values()]:
        sys.exit(f"otter-grader did not run its tests: {asked}")
    print(f"otter: {sum(passed)} of {sum(asked)} tests passed")
    return seconds


def keys_of(nb: nbformat.NotebookNode) -> list[str]:
    return [
        cell.source.split('check("', 1)[1].split('"', 1)[0]
        for cell in nb.cells
        if cell.metadata.get("nbgrader", {}).get("grade") and 'check("' in cell.source
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--students", type=int, default=10)
    parser.add_argument("--many", type=int, default=50, help="students of the larger class")
    parser.add_argument(
        "--rounds", type=int, default=3, help="of ours; the peers, who take minutes, run once"
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("grade.json"))
    options = parser.parse_args()
    notebooks = submissions(options.students)
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = tree(Path(scratch) / "course")
        ours = (folder / "nbgrader_config.py").read_text("utf-8")
        for _ in range(options.rounds):
            for jobs in (1, 2):
                lay_out(folder, notebooks)
                took = run(folder, "course", "grade", PART, "--jobs", str(jobs))
                seconds.setdefault(f"ours, {jobs} worker{'s' * (jobs > 1)}", []).append(took)
                print(f"ours, {jobs}: {took:.1f} s", flush=True)
        mine = points(folder)
        many, took = submissions(options.many), []
        for _ in range(options.rounds):
            lay_out(folder, many)
            took.append(run(folder, "course", "grade", PART, "--jobs", "2"))
            print(f"{options.many} students: {took[-1]:.1f} s", flush=True)
        (folder / "nbgrader_config.py").write_text(ours + STOCK, "utf-8")
        lay_out(folder, notebooks)
        seconds["nbgrader autograde"] = [run(folder, "nbgrader", "autograde", PART)]
        print(f"stock: {seconds['nbgrader autograde'][0]:.1f} s", flush=True)
        stock = points(folder)
        seconds["otter-grader"] = [otter(Path(scratch) / "otter", notebooks)]
        print(f"otter: {seconds['otter-grader'][0]:.1f} s", flush=True)
    different = [
        f"{student}, {name}: {stock[student][name]} by nbgrader, {value} by ours"
        for student, row in mine.items()
        for name, value in row.items()
        if abs(stock[student][name] - value) > 1e-6
    ]
    report = {
        "machine": loop.machine(torch.device("cpu")),
        "students": options.students,
        "notebooks": len(notebooks),
        "seconds": seconds,  # of each round
        "many": {"students": options.many, "notebooks": len(many), "seconds": took},
        "different_points": different,
    }
    checkpoints.write_json(options.out, report)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
