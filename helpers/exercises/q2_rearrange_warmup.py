"""Q2 warm-up: the shapes that five einops patterns give, predicted before they are run."""

from functools import partial

import numpy as np

from helpers.checks import predicted_shapes as shapes
from helpers.checks.arrays import Arrays, Case
from helpers.checks.exercise import Exercise
from helpers.observers.q2_rearrange_warmup import PATTERNS, SIZES, observer


def cases(seed: int) -> list[Case]:
    return [{}]


def expected(case: Case) -> Arrays:
    from einops import rearrange

    images = np.broadcast_to(np.float32(0), tuple(SIZES.values()))
    return shapes.as_arrays(
        {p: rearrange(images, p, **({"i": 2, "j": 2} if "i" in s else {})).shape for p, s in PATTERNS.items()}
    )


misconceptions = (
    *shapes.no_shape(PATTERNS),
    *shapes.wrong_shapes(PATTERNS, {
        "added: the sizes in the bracket are added: a bracket multiplies.": (shapes.added, 1, 2, 3, 4),
        "apart: the letters of a bracket are kept as axes of their own: a bracket is one axis.":
            (shapes.apart, 1, 2, 3, 4),
        "no-batch: the batch is left out: the list of 32 images is an axis too, the letter b.":
            (shapes.without("b"), 0, 1, 2, 3, 4),
        "first-letter: only the first letter of a bracket is counted: a bracket multiplies.":
            (shapes.first_only, 1, 2, 3, 4),
        "swapped: height and width are swapped: read the right side letter by letter.":
            (shapes.in_order((0, 2, 1, 3)), 0, 3, 4),
        "channels-first: the channels are moved to where PyTorch keeps them: here c stays last.":
            (shapes.in_order((0, 3, 1, 2)), 0),
        "swapped: the first two axes are swapped: read the right side letter by letter.":
            (shapes.in_order((1, 0, 2)), 1, 2),
        "other-way: the images are laid side by side: the bracket (b h) stacks them along the height.":
            (shapes.like("b h w c -> h (b w) c"), 1),
        "other-way: the images are stacked on top of each other: the bracket (b w) puts them along the width.":
            (shapes.like("b h w c -> (b h) w c"), 2),
        "wrong-side: b is multiplied with the height: the bracket holds b and w.": (shapes.with_sizes(w=30), 2),
        "no-colours: the colours are left out: they are an axis too, the letter c.":
            (shapes.without("c"), 0, 1, 2, 3, 4),
        "not-divided: h and w keep their full size: (i h) is 30 with i = 2, so h is what is left.":
            (shapes.with_sizes(h=30, w=40), 3),
        "not-divided: h and w keep their full size: (h i) is 30 with i = 2, so h is what is left.":
            (shapes.with_sizes(h=30, w=40), 4),
        "height-not-divided: h keeps its full size: the height of 30 is i times h, and i is 2.": (shapes.with_sizes(h=30), 3, 4),
        "width-not-divided: w keeps its full size: the width of 40 is j times w, and j is 2.": (shapes.with_sizes(w=40), 3, 4),
        "unchanged: the shape is still that of the images: what is taken apart on the left stands in other places on the right.":
            (lambda axes, sizes: list(SIZES.values()), 3, 4),
        "taken-off: i and j are subtracted: (i h) is i times h.": (shapes.with_sizes(h=28, w=38), 3),
        "taken-off: i and j are subtracted: (h i) is h times i.": (shapes.with_sizes(h=28, w=38), 4),
        "joined: images and rows are joined, but there is no bracket on the right.": (shapes.like("b h w c -> (b h) w c"), 0),
        "wrong-side: b is multiplied with the width: the bracket holds b and h.": (shapes.like("b h w c -> (b w) h c"), 1),
        "pixels-joined: height and width are multiplied: the bracket holds b and h.": (shapes.like("b h w c -> b (h w) c"), 1),
        "pixels-joined: height and width are multiplied: the bracket holds b and w.": (lambda axes, sizes: [30, 1200, 3], 2),
        "doubled: h and w are multiplied by 2: on the left side a bracket is taken apart, so they shrink.":
            (shapes.with_sizes(h=60, w=80), 3, 4),
        "one-factor: only one of i and j is counted in the bracket.": (shapes.with_sizes(j=1), 3, 4),
        "to-batch: the pieces i and j are put into the batch: here they stand with c.":
            (shapes.like("b (i h) (j w) c -> (b i j) h w c"), 4),
    }),
)  # fmt: skip

parts = shapes.shape_parts(PATTERNS)
hints = (
    "Write the size under each letter on the left: b = 32, h = 30, w = 40, c = 3. Nothing is lost, so the "
    "product of all sizes is the same on both sides.",
    "Each letter, or each bracket, right of the arrow is one axis of the result. A bracket's size is the product of its letters.",
    "A bracket on the left takes an axis apart: (i h) has size 30 and i = 2, so h = 15. "
    "In the last pattern c, i and j end up in one axis: 3 times 2 times 2.",
)
formula = partial(shapes.shape_formula, patterns=PATTERNS)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, shapes.shape_place, formula)
