"""Submissions that try to earn what they should not, that are broken, or that are right in unusual ways.

One file a family; an entry says how the submission is made from the solution and what it must get. Each goes the real
way: rebuilt from the release, run in a sandboxed kernel, judged outside of it. The release is a small notebook made
of real exercises, so that a kernel has nothing to do but the entry's own work.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from course.judging.records import Record
from course.notebook.release import Release, grade_id
from course.sandbox.limits import Limits
from helpers.checks import render
from helpers.checks.observe import State
from tests import notebooks

SETUP = """\
import math
import sys
import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from einops.layers.torch import Rearrange
from torch import nn

from helpers import check
"""
LIMITS = Limits(cell_seconds=60, notebook_seconds=240)


@dataclass(frozen=True)
class Entry:
    """One submission.

    Args:
        answers: key -> what stands in the answer cell: a text, or {text of the solution: what is there instead};
            exercises that are not named keep the solution's answer.
        before: a cell of the student's own, ahead of all answers.
        after: one behind the answer cell of a key.
        edit: changes the notebook or gives the bytes that are handed in instead.
        points: key -> points; what is not named gets none. None: whatever it gets, it gets a verdict.
        states: key -> its verdict, where it matters.
        never: must not be in anything that was displayed.
        seconds, megabytes: the most that it may take of the judge itself, where that is measured.
    """

    name: str
    answers: Mapping[str, str | Mapping[str, str]] = field(default_factory=dict)
    before: str = ""
    after: Mapping[str, str] = field(default_factory=dict)
    edit: Callable[[NotebookNode], bytes | None] | None = None
    points: Mapping[str, float] | None = field(default_factory=dict)
    states: Mapping[str, State] = field(default_factory=dict)
    limits: Limits = LIMITS
    never: str = "ESCAPED"
    seconds: float = 30
    megabytes: float = 300

    def __str__(self) -> str:
        return self.name


def faults(entry: Entry, course: Release, record: Record) -> list[str]:
    """What is wrong with what an entry got, a sentence each."""
    verdicts = {course.tests[test]: verdict for test, verdict in record.verdicts.items()}
    found = []
    for key, verdict in verdicts.items():
        must = verdict.points if entry.points is None else entry.points.get(key, 0)
        if verdict.points != must:
            found.append(
                f"{key} got {verdict.points:g} points and should get {must:g}: {render.text(verdict)}"
            )
        if entry.states.get(key, verdict.state) is not verdict.state:
            found.append(f"{key} is {verdict.state.value!r} and should be {entry.states[key].value!r}")
        if not verdict.points and verdict.state is State.CORRECT:
            found.append(f"{key} is correct and got nothing")
        if not verdict.lines and verdict.state is not State.CORRECT:
            found.append(f"{key} is {verdict.state.value!r} and nobody is told why")
    shown = [cell.get("outputs") for cell in record.content["cells"]]
    if entry.never and entry.never in json.dumps([shown, [render.text(v) for v in verdicts.values()]]):
        found.append(f"{entry.never} was displayed")
    return found


@cache
def release(*keys: str) -> Release:
    """A notebook with just these exercises: setup, and each one's real answer and test cell."""
    cells = [new_code_cell(SETUP, id="setup", metadata={"tags": ["setup"]})]
    for key in keys:
        solution = notebooks.read(notebooks.ROOT / "solutions" / notebooks.notebook_of(key))
        cells += [notebooks.cell_of(solution, key), notebooks.cell_of(solution, f"check_{key}")]
    nb = new_notebook(cells=cells, metadata={"language_info": {"name": "python"}})
    return Release("hostile", "mini", nbformat.writes(nb).encode())


def submission(entry: Entry, course: Release) -> bytes:
    """What the student of this entry hands in."""
    nb = nbformat.from_dict(course.notebook)
    solved = {grade_id(cell): cell.source for cell in course.solution.cells}
    cells = []
    for cell in nb.cells:
        key = grade_id(cell)
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = notebooks.apply(solved[key], entry.answers.get(key, {}))
        cells.append(cell)
        if cell.id == "setup" and entry.before:
            cells.append(new_code_cell(entry.before, id="own"))
        if key in entry.after:
            cells.append(new_code_cell(entry.after[key], id=f"own-{key}".replace("_", "-")))
    nb.cells = cells
    if entry.edit and (instead := entry.edit(nb)) is not None:
        return instead
    return nbformat.writes(nb).encode()
