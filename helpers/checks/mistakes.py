"""The vocabulary of mistakes: one row a mistake, "slug: what the student reads", and how it shows.

*errors({"not-a-class: the class is used without brackets.": "TypeError: .* is not a Module"})
*values({"doubled: everything is twice as large.": lambda case: {...}})       the arrays that it gives
*values_by(output, {"doubled: everything is twice as large.": lambda x: 2 * x})   output(...) makes them of a function
*values_of("y", ("x",), {"doubled: everything is twice as large.": lambda x: 2 * x})   ... of "x" in the case
*properties({"too-short: a row is missing.": lambda observed, expected, case: ...})
*values_by(always, {f"always-{n}: {n} is written out.": n for n in (3, 5)})   one row for 3 and one for 5
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from helpers.checks.arrays import Case, to_array
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


Given = Callable[[Case], tuple] | tuple[str, ...]


def values_of(key: str, given: Given, rows: Mapping[str, Any]) -> Mistakes:
    """As `values`, of one array: row -> a function that makes what was seen as `key`.

    Args:
        given: what the functions are given: names of the case's entries, or `given(case)`.
    """

    def of(made: Callable[..., Any]) -> Callable[[Case], Any]:
        inputs = given if callable(given) else lambda case: [case[name] for name in given]
        return lambda case: {key: to_array(made(*inputs(case)), key)}

    return _made(rows, "produces", of)


def itself(case: Case) -> tuple[Case]:
    """For `values_of`: the functions are given the case."""
    return (case,)


def properties(rows: Mapping[str, Any]) -> Mistakes:
    """Mistakes that are known by a property: row -> `when(observed, expected, case)`."""
    return _made(rows, "when")


def properties_by(make: Callable[[Any], Any], rows: Mapping[str, Any]) -> Mistakes:
    """As `properties`, where `make` makes `when` of what stands in the row."""
    return _made(rows, "when", make)


def prefixed(rows: Mapping[str, Any], slug: str = "", message: str = "") -> dict[str, Any]:
    """The rows with this in front of each slug and of each message."""
    return {slug + row.replace(": ", f": {message}", 1): value for row, value in rows.items()}


def row_by_row(*groups: Mistakes) -> Mistakes:
    """Groups of the same length: the first mistake of each, then the second of each, ..."""
    return tuple(mistake for row in zip(*groups, strict=True) for mistake in row)
