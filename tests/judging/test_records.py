"""A record's key: what would be judged otherwise today is judged again, and nothing else is."""

import shutil
from pathlib import Path

import pytest

import course
import helpers
from course.judging import records

KEYS = ("q6_residual_add", "q1_position_encoding")


@pytest.fixture
def version(tmp_path, monkeypatch):
    """version(path, text): that of a copy of the course in which the file has a line more."""
    for package in (course, helpers):
        shutil.copytree(
            Path(package.__file__).parent,
            tmp_path / package.__name__,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    monkeypatch.setattr(records, "__file__", str(tmp_path / "course" / "judging" / "records.py"))
    monkeypatch.setattr(
        records.exercises, "__file__", str(tmp_path / "helpers" / "exercises" / "__init__.py")
    )

    def get(path: str = "", keys=KEYS) -> str:
        if path:
            with (tmp_path / path).open("a") as file:
                file.write("# a comment\n")
        records.version.cache_clear()
        return records.version(keys)

    yield get
    records.version.cache_clear()


@pytest.mark.parametrize("path", [
    "course/judging/judge.py", "course/notebook/rebuild.py", "course/sandbox/sandbox.py", "helpers/checks/judge.py",
    "helpers/exercises/q6_residual_add.py", "helpers/observers/q6_residual_add.py", "helpers/vit/model.py",
])  # fmt: skip
def test_what_decides_is_in_it(version, path):
    assert version() != version(path)


@pytest.mark.parametrize("path", [
    "course/authoring/gallery.py", "course/collecting/canvas.py", "course/returning/export.py", "course/grading/run.py",
    "course/doctor.py", "helpers/show.py", "helpers/exercises/q5_attention.py",
])  # fmt: skip
def test_what_judges_nothing_is_not(version, path):
    assert version() == version(path)


@pytest.mark.parametrize("library", ["torch", "numpy", "einops"])
def test_so_are_the_libraries_that_compute(version, monkeypatch, library):
    before, real = version(), records.importlib.metadata.version
    monkeypatch.setattr(
        records.importlib.metadata, "version", lambda name: "9" if name == library else real(name)
    )
    assert version() != before
