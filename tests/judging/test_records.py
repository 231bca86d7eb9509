"""A record's key: what would be judged otherwise today is judged again, and nothing else is."""

import json
import os
import shutil
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

import course
import helpers
from course.judging import records
from helpers import exercises
from helpers.checks.judge import nothing
from helpers.checks.observe import State

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
    "helpers/exercises/__init__.py", "helpers/observers/__init__.py", "helpers/checks/differences.py",
    "course/base/bounded.py", "course/base/text.py",
])  # fmt: skip
def test_what_decides_is_in_it(version, path):
    assert version() != version(path)


@pytest.mark.parametrize("path", [
    "course/authoring/gallery.py", "course/collecting/canvas.py", "course/returning/export.py", "course/grading/run.py",
    "course/doctor.py", "helpers/show.py", "helpers/exercises/q5_attention.py",
    "helpers/checks/render.py", "helpers/checks/draw.py", "helpers/vit/timm_weights.py", "course/base/paths.py",
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


# --- judged again ---------------------------------------------------------------------------------


def record(points: float, **changed) -> records.Record:
    mark = replace(nothing(exercises.load(KEYS[0]), State.INCORRECT, [""]), points=points)
    return records.Record("k", "part", "q6", "s", "r", "g", "none", {"check_q6": mark}, {}, **changed)


def test_a_record_says_when_and_is_the_same_whenever_that_was(tmp_path):
    before = datetime.now(timezone.utc)
    records.save(tmp_path, record(1))
    kept = records.load(tmp_path, "k")
    assert before <= datetime.fromisoformat(kept.judged) <= datetime.now(timezone.utc)
    assert kept == record(1) and records.digest_of(kept) == records.digest_of(record(1))
    assert records.digest_of(kept) != records.digest_of(record(2))


def test_one_of_an_older_version_has_the_time_of_its_file(tmp_path):
    path = records.save(tmp_path, record(1))
    content = json.loads(path.read_bytes())
    del content["judged"]
    path.write_text(json.dumps(content))
    os.utime(path, (1_700_000_000, 1_700_000_000))
    assert records.load(tmp_path, "k").judged == "2023-11-14T22:13:20.000000+00:00"


def test_another_verdict_keeps_the_one_before_and_no_more_than_a_few(tmp_path):
    for points in (1, 1, 1):
        records.save(tmp_path, record(points))
    assert not (tmp_path / "earlier").exists(), "the same verdict is no change"
    for points in range(2, 12):
        records.save(tmp_path, record(points))
    old = [records.read(path) for path in sorted((tmp_path / "earlier").iterdir())]
    assert [one.points for one in old] == list(range(11 - records.EARLIER, 11))
    assert sorted(one.judged for one in old) == [one.judged for one in old]
    assert records.load(tmp_path, "k").points == 11
