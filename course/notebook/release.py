"""A notebook of the course as grading sees it: its tests, its blanks, and the inputs that a release is tried on.

All of it comes from the solution notebook; nothing is taken from a student's file, nor from notebooks/, where somebody
may be working.
"""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import ComputeChecksums, LockCells

from course.base.text import digest
from course.notebook.blanks import KeepLeftHandSide
from course.notebook.cells import check_called, grade_id, is_test
from helpers import exercises
from helpers.checks.arrays import Case

PUBLIC, HIDDEN = "public", "hidden"


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

        Raises JudgeError if there is none, or a test cell of it calls no known check.
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
        return digest(self.part, self.name, self.content)

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
        for cell in filter(is_test, self.solution.cells):
            key = check_called(cell.source)
            if key not in exercises.names():
                raise JudgeError(
                    f'{self.part}/{self.name}: test cell {grade_id(cell)} should be check("<key>") of a known exercise.'
                )
            found[grade_id(cell)] = key
        return found

    def seed(self, key: str) -> int:
        """Of the hidden inputs: the same for every student and every run of this release."""
        return int.from_bytes(hashlib.sha256(f"hidden {self.digest} {key}".encode()).digest()[:4], "big")

    def cases(self, key: str) -> dict[str, list[Case]]:
        """The inputs of an exercise, by set: made once, so nobody may write into them."""
        if key not in self._cases:
            exercise = exercises.load(key)
            self._cases[key] = {PUBLIC: exercise.cases(0), HIDDEN: exercise.cases(self.seed(key))}
        return self._cases[key]

    def alone(self, key: str) -> dict[str, dict[str, list[Case]]]:
        """Inputs for each blank that can be tried by itself, blank -> set of inputs -> cases: from top to bottom."""
        if key not in self._alone:
            exercise = exercises.load(key)
            found = {PUBLIC: exercise.alone(0), HIDDEN: exercise.alone(self.seed(key))}
            self._alone[key] = {
                blank: {name: found[name][blank] for name in found} for blank in found[PUBLIC]
            }
        return self._alone[key]

    @cached_property
    def _cases(self) -> dict[str, dict[str, list[Case]]]:
        return {}

    @cached_property
    def _alone(self) -> dict[str, dict[str, dict[str, list[Case]]]]:
        return {}
