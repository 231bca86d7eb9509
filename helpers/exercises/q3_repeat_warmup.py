"""Q3 warm-up: the shapes that einops' `repeat` gives, predicted before they are run."""

import numpy as np

from helpers.checks import predicted_shapes as shapes
from helpers.checks.arrays import Arrays, Case
from helpers.checks.exercise import Exercise
from helpers.observers.q3_repeat_warmup import PATTERNS, SIZES, observer

PIXELATE = "h w -> (h i) (w j)"  # what is done to the reduced picture


def cases(seed: int) -> list[Case]:
    return [{}]


def expected(case: Case) -> Arrays:
    from einops import reduce, repeat

    image = np.zeros(tuple(SIZES.values()))
    small = reduce(image, "(h i) (w j) -> h w", "mean", i=2, j=2)
    given = {p: {k: n for k, n in sizes.items() if k not in SIZES} for p, sizes in PATTERNS.items()}
    made = {p: repeat(image, p, **sizes).shape for p, sizes in given.items() if p != "pixelate"}
    return shapes.as_arrays({**made, "pixelate": repeat(small, PIXELATE, i=2, j=2).shape})


def plain(axes: list[list[str]], sizes: dict[str, int]) -> list[int]:
    """As if nothing had been repeated."""
    return [sizes["h"], sizes["w"]]


def swapped(axes: list[list[str]], sizes: dict[str, int]) -> list[int]:
    return shapes.in_order((1, 0, *range(2, len(axes))))(axes, sizes)


def on_pixelate(rule: shapes.Rule) -> shapes.Rule:
    return lambda axes, sizes: rule(shapes.groups(PIXELATE), sizes)


misconceptions = (
    *shapes.no_shape(PATTERNS),
    *shapes.wrong_shapes(PATTERNS, {
        "not-repeated: the shape is that of the image: a letter that stands on the right only adds its size, or multiplies by it.":
            (plain, 0, 1, 2, 3),
        "added: the sizes in the bracket are added: a bracket multiplies.": (shapes.added, 1, 2, 3),
        "apart: the letters of a bracket are kept as axes of their own: a bracket is one axis.":
            (shapes.apart, 1, 2, 3),
        "first-letter: only the first letter of a bracket is counted: a bracket multiplies.":
            (shapes.first_only, 1, 2),
        "new-axis-first: the new axis stands in front: c is the last letter on the right.":
            (shapes.in_order((2, 0, 1)), 0),
        "swapped: height and width are swapped: read the right side letter by letter.": (swapped, 0, 1, 2, 3),
        "other-axis: the width is repeated: the bracket holds n and h, so the height grows.":
            (lambda a, s: [30, 80], 1),
        "both-axes: both axes are repeated: only the height has a bracket.": (lambda a, s: [60, 80], 1),
        "i-for-j: the factors are mixed up: i = 2 stands with h, j = 3 with w.":
            (shapes.with_sizes(i=3, j=2), 2),
        "i-for-both: the width is repeated i times too: j = 3 stands with w.": (shapes.with_sizes(j=2), 2),
        "halved: h and w are halved: on the right side a bracket joins, so they grow.":
            (lambda a, s: [15, 20], 3),
        "one-axis: only one of the two axes is repeated: both have a bracket.":
            (shapes.with_sizes(j=1), 2, 3),
        "left-small: only the first step is done: `reduce` halves both sides, `repeat` then doubles them again.":
            (plain, 4),
        "only-repeated: only the second step is done: `reduce` has halved both sides before.":
            (lambda a, s: [60, 80], 4),
    }),
    *shapes.wrong_shapes(PATTERNS, {
        "apart: the letters of a bracket are kept as axes of their own: a bracket is one axis.":
            (on_pixelate(shapes.apart), 4),
        "swapped: height and width are swapped.": (lambda a, s: [40, 30], 4),
    }),
)  # fmt: skip


def formula(key: str, index: tuple[int, ...], case: Case) -> str:
    if "pixelate" not in key:
        return shapes.shape_formula(key, index, case, PATTERNS)
    return "height and width" if key.startswith("axes of ") else f"{('30', '40')[index[0]]} / 2 * 2"


parts = shapes.shape_parts(PATTERNS)
hints = (
    "`repeat` reads like `rearrange`, but letters may appear on the right that the left does not have: their sizes are passed along.",
    "A new letter by itself is a new axis of that size. A new letter in a bracket multiplies that axis.",
    "The pixelated picture is first made half as high and half as wide, then every pixel becomes a block of 2 x 2: "
    "compare its size with the original.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, shapes.shape_place, formula)
