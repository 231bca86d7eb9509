"""A copy of grading/ is a backup, and works in another checkout: nothing is run again, the points are the same."""

import csv
import os
import shutil
import subprocess
import sys

import pytest

from course.base.paths import ROOT
from course.collecting.collect import collect
from course.returning.export import export
from tests.collecting.test_collect import packed
from tests.commands.test_forget import notebook
from tests.commands.test_instructors import clone
from tests.grading_tree import CLASS, PART, Tree

pytestmark = pytest.mark.grading


def grades(folder) -> list[list[str]]:
    with open(folder / "export" / PART / "grades.csv", newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))


def test_grading_moves_to_another_checkout(tmp_path):
    tree = Tree("moving").hand_in_all()
    archive = tmp_path / "all.zip"
    archive.write_bytes(packed({"all/eva/q6_residual_block.ipynb": notebook("EVA")}))
    try:
        collect(PART, [archive], grading=tree.folder)
        tree.grade()
        export(PART, "csv")
        before = grades(tree.folder)
        # nbgrader's log says where things were; nobody reads it
        places = [
            p.name for p in tree.folder.rglob("*") if p.is_file() and str(ROOT).encode() in p.read_bytes()
        ]
        assert set(places) <= {"nbgrader.log"}, "no absolute path"
        other = tmp_path / "elsewhere" / "course"
        clone(other)
        shutil.copytree(tree.folder, other / "grading")
    finally:
        tree.remove()
    environment = {**os.environ, "PYTHONPATH": str(other)}
    environment.pop("VIT_GRADING", None)

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, *words], cwd=other, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode in (0, 1), done.stderr
        return done.stdout + done.stderr

    said = run("-c", "from tests import fake_judge; fake_judge.main()", PART)
    assert "9 of 9 notebooks judged" in said and "9 of them by an earlier run" in said, said
    assert f"{len(CLASS) + 1} of {len(CLASS) + 1} students are in the gradebook." in said
    (other / "grading" / "export" / PART / "grades.csv").unlink()
    run("-m", "course", "export", PART, "--to", "csv")
    assert grades(other / "grading") == before and len(before) == len(CLASS) + 2
    assert "eva" in run("-m", "course", "collect", PART, str(archive))  # what came is known
    assert "9 of them by an earlier run" in run("-c", "from tests import fake_judge; fake_judge.main()", PART)
