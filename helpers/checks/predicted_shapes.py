"""The vocabulary of a dict of predicted shapes, einops pattern -> shape: parts, places, formulas, mistakes."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from helpers.checks.arrays import Arrays, Case
from helpers.checks.exercise import Part
from helpers.checks.mistakes import Mistakes, properties, values_by


def as_arrays(shapes: Mapping[str, Any]) -> Arrays:
    """pattern -> shape, as `observe_shapes` gives it."""
    return {
        key: value
        for pattern, shape in shapes.items()
        for key, value in (
            (f"axes of {pattern}", np.array(float(len(shape)))),
            (pattern, np.array(shape, float)),
        )
    }


def shape_parts(patterns: Mapping[str, Any]) -> tuple[Part, ...]:
    """One part a prediction, one point in all."""
    return tuple(Part(f"`{p}`", 1 / len(patterns), (f"axes of {p}", p), blank=f"{p}: ...") for p in patterns)


def shape_place(key: str, index: tuple[int, ...], case: Case) -> str:
    if key.startswith("axes of "):
        return f"The number of axes of `{key.removeprefix('axes of ')}`"
    return f"Axis {index[0]} of `{key}`"


def groups(pattern: str) -> list[list[str]]:
    """The letters of each axis on the right of the arrow: "a b -> (a b) 1" gives [["a", "b"], ["1"]]."""
    found: list[list[str]] = []
    inside = False
    for token in pattern.split("->")[-1].split(",")[0].replace("(", " ( ").replace(")", " ) ").split():
        if token in "()":
            inside = token == "("
            if inside:
                found.append([])
        elif inside:
            found[-1].append(token)
        else:
            found.append([token])
    return found


def shape_formula(
    key: str, index: tuple[int, ...], case: Case, patterns: Mapping[str, Mapping[str, int]]
) -> str:
    axes = groups(key.removeprefix("axes of "))
    if key.startswith("axes of "):
        return "one for each of " + ", ".join(f"({' '.join(g)})" if len(g) > 1 else g[0] for g in axes)
    letters = axes[index[0]]
    sizes = " * ".join(str(patterns[key][letter]) for letter in letters)
    return f"{' * '.join(letters)} = {sizes}" if len(letters) > 1 else letters[0]


Rule = Callable[[list[list[str]], Mapping[str, int]], list[int]]


def no_shape(patterns: Mapping[str, Any]) -> Mistakes:
    def when(observed: Arrays, wanted: Arrays, case: Case) -> bool:
        return any(observed.get(f"axes of {p}", 1) == 0 for p in patterns)

    return properties({"no-shape: the prediction is not a tuple of whole numbers, such as (2, 5).": when})


def wrong_shapes(patterns: Mapping[str, Mapping[str, int]], rows: Mapping[str, tuple]) -> Mistakes:
    """Row -> (rule, number, ...): `rule(axes, sizes)` makes the wrong shape of the patterns with these numbers."""
    keys = list(patterns)

    def made(wrong: tuple[Rule, str]) -> Callable[[Case], Arrays]:
        rule, p = wrong
        return lambda case: as_arrays({p: rule(groups(p), patterns[p])})

    each = {
        row.replace(": ", f"-{n + 1}: in `{keys[n]}` ", 1): (rule, keys[n])
        for row, (rule, *numbers) in rows.items()
        for n in numbers
    }
    return values_by(made, each)


def added(axes: list[list[str]], sizes: Mapping[str, int]) -> list[int]:
    return [sum(sizes[x] for x in axis) for axis in axes]


def apart(axes: list[list[str]], sizes: Mapping[str, int]) -> list[int]:
    return [sizes[x] for axis in axes for x in axis]


def first_only(axes: list[list[str]], sizes: Mapping[str, int]) -> list[int]:
    return [sizes[axis[0]] for axis in axes]


def without(letter: str) -> Rule:
    """The letter left out, with its axis if it has one of its own."""

    def rule(axes: list[list[str]], sizes: Mapping[str, int]) -> list[int]:
        return [math.prod(sizes[x] for x in axis if x != letter) for axis in axes if axis != [letter]]

    return rule


def in_order(order: tuple[int, ...]) -> Rule:
    return lambda axes, sizes: [math.prod(sizes[x] for x in axes[n]) for n in order]


def with_sizes(**changed: int) -> Rule:
    """The right rule with wrong sizes for some letters."""
    return lambda axes, sizes: [math.prod({**sizes, **changed}[x] for x in axis) for axis in axes]


def like(pattern: str) -> Rule:
    """The shape that another pattern gives."""
    return lambda axes, sizes: [math.prod(sizes[x] for x in axis) for axis in groups(pattern)]
