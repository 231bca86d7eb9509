"""A made-up class for the report: answers of tests/answers, tried here by `check` as the judge would; records as it keeps them."""

import contextlib
import copy
import functools
import io
import json
import re
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

import einops
import nbformat
import numpy as np
import torch
import torch.nn.functional as F
from einops.layers.torch import Rearrange
from torch import nn

from course.base.paths import ROOT
from course.base.text import digest
from course.judging import judge, records
from course.notebook.cells import grade_id
from course.notebook.release import Release
from helpers import exercises
from helpers.check import check
from helpers.checks.judge import nothing
from helpers.checks.observe import State
from helpers.checks.verdict import Verdict
from helpers.vit import pieces

PART = "2_build_a_vit"
NAMES = {
    "np": np,
    "torch": torch,
    "nn": nn,
    "F": F,
    "rearrange": einops.rearrange,
    "repeat": einops.repeat,
    "Rearrange": Rearrange,
}
OPEN = "open"  # an answer that was not begun

Change = Mapping[str, str] | str  # as in tests/answers; "open"; or the whole cell


@functools.cache
def release(name: str) -> Release:
    return Release.read(ROOT / "solutions" / PART / f"{name}.ipynb")


@functools.cache
def _solutions(name: str) -> dict[str, str]:
    nb = release(name).solution
    wanted = set(release(name).tests.values())
    return {grade_id(cell): cell.source for cell in nb.cells if grade_id(cell) in wanted}


@functools.cache
def _around(name: str) -> dict:
    """What the notebook's cells define, as far as they run here."""
    namespace = {name: pieces.load(key) for key, name in pieces.NAMES.items()} | NAMES
    for cell in release(name).solution.cells:
        if cell.cell_type == "code" and re.match("class |def |@|import |from ", cell.source):
            with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
                exec(cell.source, namespace)
    return namespace


@functools.cache
def verdict(name: str, key: str, source: str) -> Verdict:
    namespace = dict(_around(name))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(source, namespace)
            return check.verdict(key, namespace)
    except Exception as error:
        said = [f"{type(error).__name__}: {error}"]
        return nothing(exercises.load(key), State.ERROR, said)


def submission(name: str, answers: Mapping[str, Change], who: str = "") -> bytes:
    """The notebook with these answers, right where nothing is said; with `who` no two are the same bytes."""
    nb = copy.deepcopy(release(name).notebook)
    for cell in nb.cells:
        if (source := _solutions(name).get(grade_id(cell))) is None:
            continue
        change = answers.get(grade_id(cell), {})
        if change == OPEN:
            continue
        if isinstance(change, str):
            source = change
        else:
            for old, new in change.items():
                assert old in source, old
                source = source.replace(old, new)
        cell.source = source
    if who:
        nb.metadata["who"] = who
    return nbformat.writes(nb).encode()


def judged(name: str, data: bytes, attention: Iterable[str] = (), **changed) -> records.Record:
    """The record that `grade` would keep; `changed` are fields of another time's."""
    of = release(name)
    nb = nbformat.reads(data.decode(), as_version=4)
    given = {grade_id(cell): cell.source for cell in of.notebook.cells}
    marks = {}
    for test, key in of.tests.items():
        source = next(cell.source for cell in nb.cells if grade_id(cell) == key)
        if source == given[key]:
            marks[test] = nothing(exercises.load(key), State.NOT_ATTEMPTED, ["Still to fill in: `...`"])
        else:
            marks[test] = verdict(name, key, source)
    settings = {
        "key": judge.key_of(of, data),
        "submission": digest(data),
        "release": of.digest,
        "version": judge.version_of(of),
        "level": "namespaces",
        "verdicts": marks,
    }
    fixed = {"part": PART, "notebook": name, "content": nb, "attention": tuple(attention)}
    return records.Record(**{**settings, **fixed, **changed})


def autograded(folder: Path, student: str) -> None:
    """All that this student has in submitted/ is graded as it lies there."""
    for path in folder.glob(f"submitted/{student}/{PART}/*.ipynb"):
        graded = folder / "autograded" / student / PART / path.name
        graded.parent.mkdir(parents=True, exist_ok=True)
        graded.write_text(json.dumps({"metadata": {"vit": {"submission": digest(path.read_bytes())}}}))


class Class:
    """grading/ of a made-up class, below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: list[dict] = []
        self.ids: dict[str, str] = {}

    def send(self, student: str, name: str, answers: Mapping[str, Change] = {}, **how) -> bytes:
        """One notebook: into submitted/, into collect's record, and judged unless `grade=False`."""
        data = submission(name, answers, "" if how.get("same") else student)
        path = self.folder / "submitted" / student / PART / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self.ids[student] = student
        entry = {"path": f"{student}_{name}.ipynb", "student": student, "notebook": name}
        entry |= {"date": how.get("date"), "late": how.get("late", False), "human": how.get("human", "")}
        entry["received"] = how.get("received") or digest(student, name)
        for verdict in ["superseded"] * how.get("earlier", 0) + ["collected"]:
            self.files.append({**entry, "verdict": verdict})
        if how.get("grade", True):
            records.save(self.folder / "records", judged(name, data, how.get("attention", ())))
        return data

    def before(self, name: str, data: bytes, **changed) -> None:
        """A record of these bytes from an earlier time."""
        records.save(
            self.folder / "records",
            judged(name, data, **{"judged": "2023-11-14T22:13:20.000000+00:00"} | changed),
        )

    def done(self, roster: Iterable[str] = (), names: Mapping[str, str] = {}) -> None:
        """Write what collect keeps, and the roster."""
        content = {"ids": self.ids, "names": dict(names), "files": self.files}
        path = self.folder / "collected" / f"{PART}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
        if roster:
            (self.folder / "roster.csv").write_text("id\n" + "\n".join(roster) + "\n")
