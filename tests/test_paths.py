"""A checkout in a folder whose name has blanks, umlauts, & and '."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from course import demo, walls
from tests.lab import copy_course

PART, NAME = "2_build_a_vit", "q6_residual_block"


@pytest.mark.grading
def test_a_notebook_is_graded_in_a_folder_with_an_odd_name(tmp_path):
    course = copy_course(tmp_path / "Über Söhne & Töchter" / "l'école du ViT")
    for solution in (course / "solutions" / PART).glob("*.ipynb"):
        if solution.stem != NAME:  # they would have to be released, too
            solution.unlink()
    path = course / "grading" / "submitted" / "ada" / PART / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(demo.submission("ada", path.name), path)
    env = {**os.environ, "PYTHONPATH": str(course), "COLUMNS": "200"}
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env["PATH"]])
    env.pop("VIT_GRADING", None)

    def said(*words: str, cwd: Path = course) -> str:
        done = subprocess.run(
            [sys.executable, *words], cwd=cwd, env=env, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    imports = "import helpers; from helpers import check, data, show; print(helpers.__file__)"
    assert str(course) in said("-c", imports, cwd=course / "notebooks" / PART)
    said("-m", "course", "grade", PART, *(["--no-sandbox"] if walls.why_not() else []))
    with Gradebook(f"sqlite:///{course / 'grading' / 'gradebook.db'}") as book:
        assert [(s.student.id, s.score) for s in book.assignment_submissions(PART)] == [("ada", 1)]
