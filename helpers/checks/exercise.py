"""An exercise: what goes in, what is right, what earns points, what may go wrong, and hints."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from helpers.checks.arrays import Arrays, Case
from helpers.checks.observe import Observer


@dataclass(frozen=True)
class Part:
    """What earns points of its own: one blank, or one statement about it.

    Args:
        label: what the student reads, e.g. "cosine in the odd columns".
        points: what it is worth.
        keys: the observed arrays that must agree with the expected ones (within the tolerances).
        own: `own(observed, expected, case)`, where all `keys` were seen: right as well, for what the student's other
            blanks gave.
        agrees: decides instead of `keys`, as `agrees(observed, expected, case)`, where closeness is not the question.
        blank: text that stands in the line of this part's blank; while that line holds `...`,
            the part is *not attempted* rather than wrong.
        alone: the observed arrays that must agree instead where this blank is tried by itself.
    """

    label: str
    points: float
    keys: tuple[str, ...] = ()
    own: Callable[[Arrays, Arrays, Case], bool] | None = None
    agrees: Callable[[Arrays, Arrays, Case], bool] | None = None
    blank: str = ""
    alone: tuple[str, ...] = ()


@dataclass(frozen=True)
class Misconception:
    """A known way to be wrong, recognised by the very values (or the very error) that it produces.

    Args:
        name: a slug that tests name it by, e.g. "exponent-i-over-d".
        message: the sentence that the student reads; it completes "this is what you get when ...".
        produces: `produces(case)` gives the arrays that this mistake yields (any subset of the observed keys).
        raises: a regular expression found in "TypeName: text" of the error that this mistake raises.
        when: `when(observed, expected, case)`, for mistakes that are a property rather than fixed values.
    """

    name: str
    message: str
    produces: Callable[[Case], Arrays] | None = None
    raises: str | None = None
    when: Callable[[Arrays, Arrays, Case], bool] | None = None


@dataclass(frozen=True)
class Exercise:
    """An exercise, observed the same way in the student's notebook and in grading.

    Args:
        cases: `cases(seed)` draws the inputs, a list of dicts; all dimensions differ, so a swapped axis shows.
        observer: runs the student's object; a module of helpers/observers.
        expected: `expected(case)` gives the same arrays from a library equivalent or a property.
        parts: what earns points.
        misconceptions: checked in order; the first that fits every case is named.
        hints: from a nudge to nearly the answer.
        place: `place(key, index, case)` names a position for messages, e.g. "P[1, 2]".
        formula: `formula(key, index, case)` says how the value there arises, e.g. "sin(1 / 100^(2/4))".
        rtol, atol: tolerances; the defaults fit float32.
        given: `given(case)`: blank -> the right value for this case, given while a blank below it is tried by itself.
    """

    observer: Observer
    cases: Callable[[int], list[Case]]
    expected: Callable[[Case], Arrays]
    parts: tuple[Part, ...]
    misconceptions: tuple[Misconception, ...] = ()
    hints: tuple[str, ...] = ()
    place: Callable[[str, tuple[int, ...], Case], str] | None = None
    formula: Callable[[str, tuple[int, ...], Case], str] | None = None
    rtol: float = 1e-4
    atol: float = 1e-5
    given: Callable[[Case], dict[str, Any]] = lambda case: {}
    key: str = field(default="", compare=False)  # the module's name, filled in by `load`

    @property
    def name(self) -> str:
        """What the student defines, e.g. "getPositionEncoding"."""
        return self.observer.name

    @property
    def points(self) -> float:
        return round(sum(part.points for part in self.parts), 4)  # thirds must add up to 1 for nbgrader

    def alone(self, seed: int) -> dict[str, list[Case]]:
        """For each blank that can be tried by itself, cases of its own, with the values of the blanks above it."""
        blanks = list(self.observer.places)
        found = {}
        for n, blank in enumerate(blanks):
            found[blank] = self.cases(seed + 1 + n)
            for case in found[blank]:
                values = self.given(copy.deepcopy(case))
                case |= {"alone": blank, "given": {k: v for k, v in values.items() if k in blanks[:n]}}
        return found

    def close(self, a: np.ndarray, b: np.ndarray, nan: bool = False) -> bool:
        """Same shape and same values within the tolerances; NaN equals NaN only if `nan`."""
        return a.shape == b.shape and np.allclose(a, b, rtol=self.rtol, atol=self.atol, equal_nan=nan)

    def same(self, seen: Arrays, wanted: Arrays, *keys: str) -> bool:
        """All of these arrays were seen, and they are close to those that were wanted."""
        return all(key in seen and self.close(seen[key], wanted[key]) for key in keys)
