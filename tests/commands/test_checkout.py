"""Where a checkout lies, and what may be done there: odd paths, a folder that can't be written, a disk that is full."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from course import demo
from course.sandbox import bubblewrap
from tests import notebooks
from tests.commands.test_instructors import clone

pytestmark = pytest.mark.grading
PART, NAME = demo.PART, "q6_residual_block"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """A fresh clone below a folder whose name has all that shells and addresses dislike."""
    target = tmp_path_factory.mktemp("checkout") / "a b ü & 'c' #1" / "course"
    clone(target)
    return target


def run(target: Path, *words: str, before: tuple[str, ...] = ()) -> tuple[int, str]:
    """A command's exit code and what it said, never a traceback."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VIT_GRAD")}
    done = subprocess.run(
        [*before, sys.executable, "-m", *words],
        cwd=target,
        env=kept | {"PYTHONPATH": str(target), "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    assert "Traceback" not in done.stdout, done.stdout
    return done.returncode, done.stdout


def elsewhere(*how: str) -> tuple[str, ...]:
    """Words before a command that make parts of the disk other than usual for it."""
    return (bubblewrap.bubblewrap(), "--dev-bind", "/", "/", *how)


@pytest.mark.needs("sandbox")
def test_a_checkout_that_cannot_be_written(checkout):
    read_only = elsewhere("--ro-bind", str(checkout), str(checkout))
    grading = checkout / "grading"
    sent = checkout.parent / f"{NAME}.ipynb"
    nbformat.write(demo.submission("ada", sent.name), sent)
    code, said = run(checkout, "course", "doctor", before=read_only)
    assert (
        code == 1
        and f"course folder: grading writes to {grading}, which you may not: copy the course" in said
    )
    for words in (["grade", PART], ["demo"], ["collect", PART, str(sent), "--student", "ada"]):
        code, said = run(checkout, "course", *words, before=read_only)
        *_, last = said.splitlines()
        assert code == 1 and last.startswith(str(grading)), said
        assert last.endswith(
            "can't be written (Read-only file system): let the course lie where you may write, then run it again."
        )
    assert not grading.exists()


@pytest.mark.needs("sandbox")
def test_a_disk_that_is_full(checkout):
    """In the middle of a command of nbgrader's."""
    (checkout / "grading").mkdir()
    full = elsewhere("--size", "560000", "--tmpfs", str(checkout / "grading"))
    code, said = run(checkout, "course", "demo", before=full)
    (checkout / "grading").rmdir()
    assert code == 1 and ("No space left on device" in said or "disk is full" in said), said


def test_nothing_is_made_before_it_is_written(checkout):
    """nbgrader's settings are loaded by much that writes nothing, students' JupyterLab among it."""
    grading = checkout / "grading"
    assert run(checkout, "nbgrader", "list")[0] == 0
    assert not grading.exists()
    assert run(checkout, "nbgrader", "generate_assignment", PART)[0] == 0
    assert [path.name for path in grading.iterdir()] == ["gradebook.db"]
    code, said = run(checkout, "nbgrader", "release_assignment", PART)
    assert code == 0 and (grading / "exchange" / "vit" / "outbound" / PART / f"{NAME}.ipynb").exists(), said


def test_a_path_that_shells_dislike(checkout):
    sent = checkout / "grading" / "submitted" / "ada" / PART / f"{NAME}.ipynb"
    sent.parent.mkdir(parents=True)
    nbformat.write(demo.submission("ada", sent.name), sent)
    code, said = run(checkout, "course", "grade", PART, *(["--no-sandbox"] if bubblewrap.why_not() else []))
    assert code == 0, said
    with Gradebook(f"sqlite:///{checkout / 'grading' / 'gradebook.db'}") as book:
        assert [s.score for s in book.assignment_submissions(PART)] == [1]


@pytest.mark.needs("sandbox")
def test_a_path_that_nbgrader_takes_for_a_pattern(tmp_path):
    target = tmp_path / "[x]" / "course"
    clone(target)
    for words in (["doctor"], ["grade", PART], ["demo"]):
        code, said = run(target, "course", *words)
        assert code == 1 and f"nbgrader takes the [ in {target} for a pattern" in said, said
        assert "move the course's folder to a path without [ and ]" in said


def test_what_goes_with_no_notebook(checkout):
    """Neither training runs nor anybody's notes are handed out, collected or sent back."""
    from traitlets.config import PyFileConfigLoader

    ignored = (
        PyFileConfigLoader("nbgrader_config.py", path=str(checkout)).load_config().CourseDirectory.ignore
    )
    assert {"my_vit", "my_vgg", ".progress", ".ipynb_checkpoints", "__pycache__", "*.pyc", "feedback"} == {
        *ignored
    }


def test_the_commands_of_the_staff_on_a_students_machine():
    """`make lab` brings no typer."""
    code = "import runpy, sys; sys.modules['typer'] = None; runpy.run_module('course', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], cwd=notebooks.ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    assert (
        done.stderr.startswith("The staff's packages are not installed: make setup")
        and done.stderr.count("\n") == 1
    )
