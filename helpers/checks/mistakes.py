"""The vocabulary of mistakes: one row a mistake, "slug: what the student reads", and how it shows.

*errors({"not-a-class: the class is used without brackets.": "TypeError: .* is not a Module"})
*values({"doubled: everything is twice as large.": lambda case: {...}})       the arrays that it gives
*values_by(output, {"doubled: everything is twice as large.": lambda x: 2 * x})   output(...) makes them of a function
*properties({"too-short: a row is missing.": lambda observed, expected, case: ...})
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from helpers.checks.exercise import Misconception

Mistakes = tuple[Misconception, ...]


def _made(rows: Mapping[str, Any], how: str, make: Callable[[Any], Any] = lambda value: value) -> Mistakes:
    return tuple(
        Misconception(slug, message, **{how: make(value)})
        for slug, _, message, value in ((*row.partition(": "), value) for row, value in rows.items())
    )


def errors(rows: Mapping[str, str]) -> Mistakes:
    """Mistakes that raise: row -> a regular expression that is found in "TypeName: text" of the error."""
    return _made(rows, "raises")


def values(rows: Mapping[str, Any]) -> Mistakes:
    """Mistakes that give other values: row -> `produces(case)`, the arrays that were seen."""
    return _made(rows, "produces")


def values_by(make: Callable[[Any], Any], rows: Mapping[str, Any]) -> Mistakes:
    """As `values`, where `make` makes `produces` of what stands in the row."""
    return _made(rows, "produces", make)


def properties(rows: Mapping[str, Any]) -> Mistakes:
    """Mistakes that are known by a property: row -> `when(observed, expected, case)`."""
    return _made(rows, "when")


def properties_by(make: Callable[[Any], Any], rows: Mapping[str, Any]) -> Mistakes:
    """As `properties`, where `make` makes `when` of what stands in the row."""
    return _made(rows, "when", make)
