"""The vocabulary of mistakes: one row a mistake, "slug: what the student reads", and how it shows.

*errors({"not-a-class: the class is used without brackets.": "TypeError: .* is not a Module"})
*values({"doubled: everything is twice as large.": lambda case: {...}})       the arrays that it gives
*values_by(output, {"doubled: everything is twice as large.": lambda x: 2 * x})   output(...) makes them of a function
*values_of("y", inputs, {"doubled: everything is twice as large.": lambda x: 2 * x})   ... of the array "y" alone
*properties({"too-short: a row is missing.": lambda observed, expected, case: ...})
*for_each((3, 5), lambda n: values({f"always-{n}: {n} is written out.": ...}))   the rows are there for 3 and for 5
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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


def values_of(key: str, given: Callable[[Case], tuple], rows: Mapping[str, Any]) -> Mistakes:
    """As `values`, of one array: row -> a function of what `given(case)` lists, which makes what was seen as `key`."""
    return _made(rows, "produces", lambda made: lambda case: {key: to_array(made(*given(case)), key)})


def properties(rows: Mapping[str, Any]) -> Mistakes:
    """Mistakes that are known by a property: row -> `when(observed, expected, case)`."""
    return _made(rows, "when")


def properties_by(make: Callable[[Any], Any], rows: Mapping[str, Any]) -> Mistakes:
    """As `properties`, where `make` makes `when` of what stands in the row."""
    return _made(rows, "when", make)


def for_each(options: Iterable[Any], group: Callable[[Any], Mistakes]) -> Mistakes:
    """The rows of `group(option)` for every option: the first row of all of them, then the second, ..."""
    return tuple(mistake for row in zip(*map(group, options), strict=True) for mistake in row)
