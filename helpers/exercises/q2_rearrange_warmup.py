"""Q2 warm-up: the shapes that five einops patterns give, predicted before they are run.

The tools for a dict of predicted shapes (`observe_shapes`, `shape_parts`, ...) serve Q3's warm-up too.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from helpers.checks.arrays import Arrays, Case
from helpers.checks.exercise import Exercise, Misconception, Part
from helpers.observers.q2_rearrange_warmup import (
    PATTERNS,
    SIZES,
    observer,
)

# --- a dict of predicted shapes -------------------------------------------------------------------


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


def no_shape(patterns: Mapping[str, Any]) -> Misconception:
    def when(observed: Arrays, wanted: Arrays, case: Case) -> bool:
        return any(observed.get(f"axes of {p}", 1) == 0 for p in patterns)

    return Misconception(
        "no-shape", "the prediction is not a tuple of whole numbers, such as (2, 5).", when=when
    )


Rule = Callable[[list[list[str]], Mapping[str, int]], list[int]]


def wrong_shape(
    name: str, message: str, rule: Rule, patterns: Mapping[str, Mapping[str, int]], *numbers: int
):
    """Misconceptions, one for each of the patterns: the shape that `rule(axes, sizes)` makes of it."""
    keys = list(patterns)
    return [
        Misconception(
            f"{name}-{n + 1}",
            f"in `{keys[n]}` {message}",
            lambda case, p=keys[n]: as_arrays({p: rule(groups(p), patterns[p])}),
        )
        for n in numbers or range(len(keys))
    ]


def added(axes: list[list[str]], sizes: Mapping[str, int]) -> list[int]:
    return [sum(sizes[x] for x in axis) for axis in axes]


def apart(axes: list[list[str]], sizes: Mapping[str, int]) -> list[int]:
    return [sizes[x] for axis in axes for x in axis]


def first_only(axes: list[list[str]], sizes: Mapping[str, int]) -> list[int]:
    return [sizes[axis[0]] for axis in axes]


def without_batch(axes: list[list[str]], sizes: Mapping[str, int]) -> list[int]:
    return [math.prod(sizes[x] for x in axis if x != "b") for axis in axes if axis != ["b"]]


def in_order(order: tuple[int, ...]) -> Rule:
    return lambda axes, sizes: [math.prod(sizes[x] for x in axes[n]) for n in order]


def with_sizes(**changed: int) -> Rule:
    """The right rule with wrong sizes for some letters."""
    return lambda axes, sizes: [math.prod({**sizes, **changed}[x] for x in axis) for axis in axes]


def like(pattern: str) -> Rule:
    """The shape that another pattern gives."""
    return lambda axes, sizes: [math.prod(sizes[x] for x in axis) for axis in groups(pattern)]


# --- this exercise --------------------------------------------------------------------------------


def cases(seed: int) -> list[Case]:
    return [{}]


def expected(case: Case) -> Arrays:
    from einops import rearrange

    images = np.broadcast_to(np.float32(0), tuple(SIZES.values()))
    return as_arrays(
        {p: rearrange(images, p, **({"i": 2, "j": 2} if "i" in s else {})).shape for p, s in PATTERNS.items()}
    )


def mistakes() -> list[Misconception]:
    made = (
        ("added", "the sizes in the bracket are added: a bracket multiplies.", added, (1, 2, 3, 4)),
        (
            "apart",
            "the letters of a bracket are kept as axes of their own: a bracket is one axis.",
            apart,
            (1, 2, 3, 4),
        ),
        (
            "no-batch",
            "the batch is left out: the list of 32 images is an axis too, the letter b.",
            without_batch,
            (0, 1, 2, 3, 4),
        ),
        (
            "first-letter",
            "only the first letter of a bracket is counted: a bracket multiplies.",
            first_only,
            (1, 2, 3, 4),
        ),
        (
            "swapped",
            "height and width are swapped: read the right side letter by letter.",
            in_order((0, 2, 1, 3)),
            (0, 3, 4),
        ),
        (
            "channels-first",
            "the channels are moved to where PyTorch keeps them: here c stays last.",
            in_order((0, 3, 1, 2)),
            (0,),
        ),
        (
            "swapped",
            "the first two axes are swapped: read the right side letter by letter.",
            in_order((1, 0, 2)),
            (1, 2),
        ),
        (
            "other-way",
            "the images are laid side by side: the bracket (b h) stacks them along the height.",
            like("b h w c -> h (b w) c"),
            (1,),
        ),
        (
            "other-way",
            "the images are stacked on top of each other: the bracket (b w) puts them along the width.",
            like("b h w c -> (b h) w c"),
            (2,),
        ),
        ("wrong-side", "b is multiplied with the height: the bracket holds b and w.", with_sizes(w=30), (2,)),
        (
            "not-divided",
            "h and w keep their full size: (i h) is 30 with i = 2, so h is what is left.",
            with_sizes(h=30, w=40),
            (3, 4),
        ),
        (
            "doubled",
            "h and w are multiplied by 2: on the left side a bracket is taken apart, so they shrink.",
            with_sizes(h=60, w=80),
            (3, 4),
        ),
        ("one-factor", "only one of i and j is counted in the bracket.", with_sizes(j=1), (3, 4)),
        (
            "to-batch",
            "the pieces i and j are put into the batch: here they stand with c.",
            like("b (i h) (j w) c -> (b i j) h w c"),
            (4,),
        ),
    )
    return [
        m for name, text, rule, numbers in made for m in wrong_shape(name, text, rule, PATTERNS, *numbers)
    ]


exercise = Exercise(
    observer=observer,
    cases=cases,
    expected=expected,
    parts=shape_parts(PATTERNS),
    misconceptions=(no_shape(PATTERNS), *mistakes()),
    hints=(
        "Write the size under each letter on the left: b = 32, h = 30, w = 40, c = 3. Nothing is lost, so the "
        "product of all sizes is the same on both sides.",
        "Each letter, or each bracket, right of the arrow is one axis of the result. A bracket's size is the product of its letters.",
        "A bracket on the left takes an axis apart: (i h) has size 30 and i = 2, so h = 15. "
        "In the last pattern c, i and j end up in one axis: 3 times 2 times 2.",
    ),
    place=shape_place,
    formula=partial(shape_formula, patterns=PATTERNS),
)
