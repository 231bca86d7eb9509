"""nbgrader's gradebook in PostgreSQL: the same as in SQLite, and a server that goes away."""

import os
import sqlite3
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from course.base.paths import ROOT
from course.collecting import roster
from course.grading import gradebook
from course.grading.gradebook import Course, GradeError
from course.grading.progress import Progress
from tests.grading_tree import CLASS, Tree
from tests.postgres import Postgres

pytestmark = pytest.mark.grading


@pytest.fixture(scope="module")
def server():
    server = Postgres()
    yield server
    server.end()


@pytest.fixture
def tree(request, server, monkeypatch):
    name = request.node.name
    monkeypatch.setenv("VIT_GRADEBOOK", server.database(name[:60]))
    tree = Tree(name).hand_in_all()
    yield tree
    tree.remove()


@pytest.fixture(scope="module")
def expected():
    """The class in SQLite."""
    tree = Tree("sqlite").hand_in_all()
    tree.grade()
    found = tree.gradebook()
    tree.remove()
    return found


def test_the_same_gradebook(expected, tree, monkeypatch):
    tree.grade()
    assert tree.well and tree.gradebook() == expected
    assert not (tree.folder / "gradebook.db").exists()
    assert "8 of them by an earlier run" in tree.grade()
    tree.grade(again=True)
    assert tree.gradebook() == expected
    assert roster.load(tree.folder).people.keys() == set(CLASS)
    assert "secret" not in Course().shown and "course:***@127.0.0.1" in Course().shown
    # another gradebook: nobody stays out of it because of what lies in the tree
    monkeypatch.delenv("VIT_GRADEBOOK")
    tree.grade()
    tree.url = f"sqlite:///{tree.folder / 'gradebook.db'}"
    assert tree.gradebook() == expected


def test_a_server_that_is_away_for_a_while(expected, tree, server, monkeypatch):
    monkeypatch.setattr(gradebook, "PAUSES", (0.1,))
    recorded, said = [], []

    def record(self, part, student, real=Course.record):
        recorded.append(student)
        if len(recorded) == 2:
            server.stop()
        return real(self, part, student)

    def say(self, text, real=Progress.say):
        real(self, text)
        if "out of reach" in text:
            said.append(text)
            server.start()

    monkeypatch.setattr(Course, "record", record)
    monkeypatch.setattr(Progress, "say", say)
    tree.grade()
    assert tree.well and tree.gradebook() == expected
    (text,) = said
    assert text.startswith("The gradebook postgresql+psycopg://course:***@127.0.0.1:")
    assert "refused" in text and text.endswith("; trying again for 180 seconds.")
    assert len(recorded) == len(CLASS)


def test_a_server_that_stays_away(expected, tree, server, monkeypatch):
    monkeypatch.setattr(gradebook, "PAUSES", (0.1,))
    monkeypatch.setattr(gradebook, "PATIENCE", 1)
    real = Course.record

    def record(self, part, student):
        if student == "cleo":
            server.stop()
        return real(self, part, student)

    monkeypatch.setattr(Course, "record", record)
    with pytest.raises(
        GradeError, match=r"is out of reach .*kept in grading/records: mend it, then run the same"
    ):
        tree.grade()
    with pytest.raises(GradeError, match="is out of reach"):
        tree.grade()
    server.start()
    monkeypatch.setattr(Course, "record", real)
    tree.grade()
    assert tree.well and tree.gradebook() == expected


def test_a_sqlite_file_that_somebody_holds(expected, monkeypatch):
    monkeypatch.setattr(gradebook, "PAUSES", (0.1,))
    tree = Tree("held").hand_in_all()
    Gradebook(tree.url, "vit").close()
    other = sqlite3.connect(Path(tree.folder / "gradebook.db"), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    said = []

    def say(self, text, real=Progress.say):
        real(self, text)
        if "database is locked" in text:
            said.append(text)
            other.close()

    monkeypatch.setattr(Progress, "say", say)
    tree.grade()
    assert tree.well and len(said) == 1 and tree.gradebook() == expected
    tree.remove()


@pytest.mark.parametrize("absolute", [True, False])
def test_grading_may_lie_outside_of_the_checkout(tmp_path, monkeypatch, absolute):
    monkeypatch.setenv("VIT_GRADING", str(tmp_path) if absolute else os.path.relpath(tmp_path, ROOT))
    (tmp_path / "submitted" / "ada" / "2_build_a_vit").mkdir(parents=True)
    (tmp_path / "submitted" / "ben" / "3_train_on_cifar10").mkdir(parents=True)
    assert Course().students("2_build_a_vit") == ["ada"]
