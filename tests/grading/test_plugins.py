"""nbgrader's commands with the judge in them: odd files, manual grades, a killed run, one path to the points."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbgrader.api import Gradebook
from typer.testing import CliRunner

from course import demo
from course.__main__ import app
from course.base.paths import ROOT
from tests import notebooks

pytestmark = [pytest.mark.grading, pytest.mark.needs("sandbox")]

PART, NAME, KEY = demo.PART, "q6_residual_block", "q6_residual_add"
BELOW = "grading/test-pipeline"
FOLDER = ROOT / BELOW


def handed_in(student: str, data: bytes) -> Path:
    path = FOLDER / "submitted" / student / PART / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def notebook(answer: str = "x + self.fn(x, **kwargs)", change=None) -> bytes:
    nb = demo.submission("ada", f"{NAME}.ipynb")
    cell = notebooks.cell_of(nb, KEY)
    assert "x + self.fn(x, **kwargs)" in cell.source
    cell.source = cell.source.replace("x + self.fn(x, **kwargs)", answer)
    if change:
        change(nb)
    return nbformat.writes(nb).encode()


def twice(nb) -> None:
    nb.cells += [nbformat.from_dict(notebooks.cell_of(nb, f"check_{KEY}")) for _ in range(2)]
    nb.cells[-1].id, nb.cells[-2].id = "one-more", "and-another"


def from_the_future(nb) -> None:
    for cell in nb.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata["nbgrader"]["schema_version"] = 99


def with_scripts(nb) -> None:
    evil = "<script>alert('EVIL')</script><img src=x onerror=alert('EVIL')>"
    nb.cells.append(nbformat.v4.new_markdown_cell(evil))
    code = f"from IPython.display import HTML, Javascript, display\ndisplay(HTML({evil!r}), Javascript('EVIL()'))\nprint({evil!r})"
    nb.cells.append(nbformat.v4.new_code_cell(code))


CASES = Path(__file__).parents[1] / "cases"
# first lines of right answers that can't be run here
ELSEWHERE = {"colab": "q6_colab_drive_on_top_of_the_answer", "package": "q6_package_of_their_own_on_top"}
LINES = {
    "colab": ["Line 1, `from google.colab import drive`", "Line 2, `drive.mount('/content/drive')`"],
    "package": ["Line 1, `import torchinfo`"],
}
STUDENTS = {
    "right": (lambda: notebook(), 1),
    "wrong": (lambda: notebook("x"), 0),
    "twice": (lambda: notebook(change=twice), 1),
    "future": (lambda: notebook(change=from_the_future), 1),
    "broken": (lambda: b'{"cells": [', 0),
    "empty": (lambda: b"", 0),
    "evil": (lambda: notebook(change=with_scripts), 1),
    **{
        student: (lambda case=case: (CASES / f"{case}.ipynb").read_bytes(), 1)
        for student, case in ELSEWHERE.items()
    },
}


def command(*words: str, check: bool = True, **environment: str) -> str:
    """What a command says. The course's own run here, which has imported all that they need, if the environment is ours."""
    settings = {"VIT_GRADING": BELOW, "PATH": os.defpath, **environment}
    if words[0] == "course" and not environment and "HOME" in os.environ:
        done = CliRunner().invoke(app, words[1:], env=settings)
        code, said = done.exit_code, done.output
    else:
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=ROOT,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
        )
        code, said = done.returncode, done.stdout + done.stderr
    assert not check or code == 0, said
    return said


def points() -> dict[str, float]:
    with Gradebook(f"sqlite:///{FOLDER / 'gradebook.db'}") as gradebook:
        return {s.student.id: s.score for s in gradebook.assignment_submissions(PART)}


def graded(student: str) -> Path:
    return FOLDER / "autograded" / student / PART / f"{NAME}.ipynb"


@pytest.fixture(scope="module")
def course():
    """All students, graded by `python -m course grade`; what it printed."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    for student, (make, _) in STUDENTS.items():
        handed_in(student, make())
    said = command("course", "grade", PART)
    return said, points()


def test_every_submission_has_a_verdict_and_nobody_stops_the_others(course):
    said, found = course
    assert found == {student: most for student, (_, most) in STUDENTS.items()}
    for student, verdict in {"right": "correct", "wrong": "incorrect", "broken": "could not be read"}.items():
        assert any(line.startswith(student) and verdict in line for line in said.splitlines()), said
    assert "Look at these yourself:" in said
    for student in ("broken", "empty"):
        assert f"  {student}, {NAME}: The file" in said
    for student, lines in LINES.items():
        for line in lines:
            assert f"  {student}, {NAME}: {KEY}: {line}, was not run for grading" in said
    for student in STUDENTS:
        level = json.loads(graded(student).read_text())["metadata"]["vit"]["sandbox"]
        assert level.startswith("bubblewrap")


def test_nbgraders_own_command_gives_the_same_points(course):
    before = points()
    command("nbgrader", "autograde", PART, "--force")
    assert points() == before


def test_a_manual_grade_survives(course):
    with Gradebook(f"sqlite:///{FOLDER / 'gradebook.db'}") as gradebook:
        grade = gradebook.find_grade(f"check_{KEY}", NAME, PART, "wrong")
        grade.manual_score = 0.5
        gradebook.db.commit()
    assert points()["wrong"] == 0.5
    command("course", "grade", PART, "--student", "wrong", "--force")
    assert points()["wrong"] == 0.5
    command("nbgrader", "autograde", PART, "--student=wrong", "--force")
    with Gradebook(f"sqlite:///{FOLDER / 'gradebook.db'}") as gradebook:
        grade = gradebook.find_grade(f"check_{KEY}", NAME, PART, "wrong")
        assert (grade.manual_score, grade.auto_score, grade.needs_manual_grade) == (0.5, 0, False)
        grade.manual_score = None
        gradebook.db.commit()


def test_who_was_being_graded_when_the_run_was_killed_is_graded_by_the_next(course):
    """A killed run leaves the rebuilt notebook without verdict, and no points."""
    shutil.copy(FOLDER / "submitted" / "right" / PART / f"{NAME}.ipynb", graded("right").with_suffix(".tmp"))
    os.replace(graded("right").with_suffix(".tmp"), graded("right"))
    with Gradebook(f"sqlite:///{FOLDER / 'gradebook.db'}") as gradebook:
        gradebook.find_grade(f"check_{KEY}", NAME, PART, "right").auto_score = None
        gradebook.db.commit()
    before = {student: graded(student).stat().st_mtime_ns for student in STUDENTS}
    command("nbgrader", "autograde", PART)
    assert points()["right"] == 1
    again = {s for s in STUDENTS if graded(s).stat().st_mtime_ns != before[s]}
    assert again == {"right"}


def test_a_newer_file_is_graded(course):
    handed_in("wrong", notebook())
    command("course", "grade", PART, "--student", "wrong")
    assert points()["wrong"] == 1


def test_feedback_shows_the_words_of_the_check_and_runs_nothing(course):
    command("nbgrader", "generate_feedback", PART, "--force")
    page = (FOLDER / "feedback" / "evil" / PART / f"{NAME}.html").read_text("utf-8")
    assert "correct: ResidualAdd" in page
    assert "EVIL" in page, "the text itself is shown"
    parsed = BeautifulSoup(page, "html.parser")
    assert not [script for script in parsed.find_all("script") if "EVIL" in str(script)]
    assert not [tag for tag in parsed.find_all(True) for name in tag.attrs if name.startswith("on")]
    assert not [tag for tag in parsed.find_all(["img", "iframe"]) if tag.get("src") == "x"]
    assert parsed.find(id=f"check_{KEY}").find_all("strong")[1].text.startswith("✓ correct")
    for student, lines in LINES.items():
        page = BeautifulSoup(
            (FOLDER / "feedback" / student / PART / f"{NAME}.html").read_text("utf-8"), "html.parser"
        )
        assert page.find(id=f"check_{KEY}").find_all("strong")[1].text.startswith("✓ correct")
        for line in lines:
            assert f"{line}, was not run for grading (" in page.text
    unread = (FOLDER / "feedback" / "broken" / PART / f"{NAME}.html").read_text("utf-8")
    assert "file that could not be read" in unread


def test_without_a_sandbox_nbgrader_is_refused_with_the_reason_or_told_to_do_without(course, tmp_path):
    bwrap = tmp_path / "bwrap"
    bwrap.write_text("#!/bin/sh\necho bwrap: No permissions >&2\nexit 1\n")
    bwrap.chmod(0o755)
    path = {"PATH": f"{tmp_path}:{os.defpath}"}
    before = points()
    autograde = ("nbgrader", "autograde", PART, "--student=right", "--force")
    for words in (autograde, ("course", "grade", PART, "--student", "right", "--force")):
        said = command(*words, check=False, **path)
        assert 'because bubblewrap cannot build a sandbox here ("bwrap: No permissions"): ' in said
        assert points() == before
    command(*autograde, "--Judge.sandboxed=False", **path)
    assert points() == before
    assert json.loads(graded("right").read_text())["metadata"]["vit"]["sandbox"] == "none"


@pytest.mark.parametrize("home", [None, "/proc/nowhere"])
def test_without_a_home(course, home, monkeypatch):
    monkeypatch.delenv("HOME")
    command("course", "grade", PART, "--student", "right", "--force", **({"HOME": home} if home else {}))
    assert points()["right"] == 1
    assert json.loads(graded("right").read_text())["metadata"]["vit"]["sandbox"].startswith("bubblewrap")


# What is parsed and rebuilt is so in a process of its own (course/base/bounded.py), whoever asks for it.
COUNTING = """\
import sys
if sys.orig_argv[-1] == "course.base.bounded":
    from course.notebook import read, rebuild

    def counted(call):
        def counting(*arguments):
            with open({path!r}, "a") as file:
                print(call.__name__, file=file)
            return call(*arguments)
        return counting

    read.parse, rebuild.rebuild = counted(read.parse), counted(rebuild.rebuild)
    del sys.modules["course.base.bounded"]  # it is to be run
"""


def test_a_submission_is_parsed_and_rebuilt_once_by_collect_and_once_by_the_judge(tmp_path, monkeypatch):
    below, came, calls = f"{BELOW}-once", tmp_path / f"{NAME}.ipynb", tmp_path / "calls"
    monkeypatch.setattr(sys.modules[__name__], "FOLDER", ROOT / below)
    shutil.rmtree(ROOT / below, ignore_errors=True)
    came.write_bytes(notebook())
    (tmp_path / "sitecustomize.py").write_text(COUNTING.format(path=str(calls)))
    path = os.pathsep.join([str(tmp_path), str(ROOT), os.environ["PYTHONPATH"]])
    autograde = ("nbgrader", "autograde", PART)
    for words, times in (
        (("course", "collect", PART, str(came), "--student", "ada"), 1),
        (("course", "grade", PART), 1),
        (("course", "grade", PART), 0),
        (autograde, 0),
        ((*autograde, "--force"), 1),
    ):
        if words == autograde:
            shutil.rmtree(ROOT / below / "autograded")
        calls.write_text("")
        command(*words, VIT_GRADING=below, PYTHONPATH=path)
        assert sorted(calls.read_text().split()) == ["parse"] * times + ["rebuild"] * times, words
        assert words[1] == "collect" or (graded("ada").is_file() and points() == {"ada": 1})
    shutil.rmtree(ROOT / below)


def test_the_command_says_what_it_cannot_do(course):
    assert "There is no part 'nope'; there are " in command("course", "grade", "nope", check=False)
    said = command("course", "grade", PART, "--student", "nobody", check=False)
    assert f"Nothing of nobody is in {BELOW}/submitted/*/{PART}." in said
