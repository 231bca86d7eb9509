"""A notebook of the course as grading sees it: its tests, its blanks, and the inputs that a release is tried on.

All of it comes from the solution notebook; nothing is taken from a student's file, nor from notebooks/, where somebody
may be working.
"""

from __future__ import annotations

import copy
import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import ComputeChecksums, LockCells

from course.judging import records
from course.notebook.blanks import KeepLeftHandSide
from helpers import exercises
from helpers.checks.arrays import Case

PUBLIC, HIDDEN = "public", "hidden"
TEST = re.compile(r'^\s*check\("(\w+)"\)\s*$')


class JudgeError(Exception):
    """The release can't be graded; the text says what is wrong with it. No student causes this."""


@dataclass(frozen=True)
class Release:
    """A notebook of the course, from the solution; nothing is taken from a student's file or from notebooks/."""

    part: str
    name: str
    content: bytes  # of the solution notebook

    @classmethod
    def read(cls, path: Path) -> Release:
        """The release of solution notebook `path`, .../<part>/<name>.ipynb.

        Raises:
            JudgeError: if there is none, or a test cell of it calls no known check.
        """
        try:
            release = cls(path.parent.name, path.stem, path.read_bytes())
            _ = release.tests
        except OSError as error:
            raise JudgeError(
                f"There is no solution {path}: {error.strerror}. Run `make notebooks`."
            ) from None
        return release

    @cached_property
    def digest(self) -> str:
        return records.digest(self.part, self.name, self.content)

    @cached_property
    def solution(self) -> NotebookNode:
        return nbformat.reads(self.content.decode(), as_version=4)

    @cached_property
    def notebook(self) -> NotebookNode:
        """What students get: the solution with its blanks open."""
        nb, resources = copy.deepcopy(self.solution), {}
        for step in (KeepLeftHandSide(), LockCells(), ComputeChecksums()):
            nb, resources = step.preprocess(nb, resources)
        return nb

    @cached_property
    def tests(self) -> dict[str, str]:
        """grade_id of every test cell -> key of its exercise, in order."""
        found = {}
        for cell in self.solution.cells:
            record = cell.metadata.get("nbgrader", {})
            if record.get("grade") and not record.get("solution"):
                called = TEST.match(cell.source)
                if not called or called[1] not in exercises.names():
                    raise JudgeError(
                        f'{self.part}/{self.name}: test cell {record["grade_id"]} should be check("<key>") of a known exercise.'
                    )
                found[record["grade_id"]] = called[1]
        return found

    def seed(self, key: str) -> int:
        """Of the hidden inputs: the same for every student and every run of this release."""
        return int.from_bytes(hashlib.sha256(f"hidden {self.digest} {key}".encode()).digest()[:4], "big")

    def cases(self, key: str) -> dict[str, list[Case]]:
        exercise = exercises.load(key)
        return {PUBLIC: exercise.cases(0), HIDDEN: exercise.cases(self.seed(key))}


def grade_id(cell: NotebookNode) -> str:
    record = cell.metadata.get("nbgrader")
    found = record.get("grade_id") if isinstance(record, dict) else None
    return found if isinstance(found, str) else ""
