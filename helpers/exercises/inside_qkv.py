"""The output of timm's `qkv` layer, (b, n, 3 D), taken apart into queries, keys and values of every head."""

import numpy as np
import torch

from helpers.checks.arrays import Case, tensor, to_array
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import errors, properties, values_by
from helpers.observers.inside_qkv import NAMES, observer


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    return [
        {
            "x": tensor(rng, b, n, 3 * h * d),
            "heads": h,
            "label": f"qkv {(b, n, 3 * h * d)}, {h} heads of {d} numbers",
        }
        for b, n, h, d in ((2, 5, 4, 6), (1, 7 + int(rng.integers(3)), 2, 5))
    ]


def thirds(case: Case) -> torch.Tensor:
    """(3, b, n, h, d), in timm's order."""
    parts = torch.stack(case["x"].tensor_split(3, dim=-1))
    return parts.unflatten(-1, (case["heads"], -1))


def right(case: Case) -> torch.Tensor:
    return thirds(case).transpose(2, 3)


def stacked(make):
    """`make(case)`: what came out in place of queries, keys and values, stacked."""
    return lambda case: {name: to_array(x, name) for name, x in zip(NAMES, make(case), strict=True)}


expected = stacked(right)


def read_as(case: Case, *order: str) -> torch.Tensor:
    """The last axis read in another order of (three, h, d), then as (three, b, h, n, d)."""
    sizes = {"three": 3, "h": case["heads"], "d": case["x"].shape[-1] // 3 // case["heads"]}
    there = case["x"].unflatten(-1, [sizes[name] for name in order])  # (b, n, ...)
    axes = [2 + order.index(name) for name in sizes]
    return there.permute(axes[0], 0, axes[1], 1, axes[2])


misconceptions = (
    *values_by(stacked, {
        "h-three-d: the heads are taken apart first, then queries, keys and values: in timm's layer all queries stand first, then all keys, then all values.":
            lambda c: read_as(c, "h", "three", "d"),
        "h-d-three: every third number is taken: in timm's layer all queries stand first, then all keys, then all values.":
            lambda c: read_as(c, "h", "d", "three"),
        "d-h-three: every third number is taken: in timm's layer all queries stand first, then all keys, then all values.":
            lambda c: read_as(c, "d", "h", "three"),
        "three-d-h: the numbers of the heads are mixed: each head owns neighbouring numbers, so h stands before d in the brackets.":
            lambda c: read_as(c, "three", "d", "h"),
        "d-three-h: the brackets are read in the wrong order: queries, keys and values first, then the heads, then the numbers of each.":
            lambda c: read_as(c, "d", "three", "h"),
        "h-swapped-three: the brackets are read in the wrong order: queries, keys and values first, then the heads, then the numbers of each.":
            lambda c: read_as(c, "three", "h", "d").roll(1, 0),
        "tokens-before-heads: the axes are (b, n, h, d): attention wants the heads in front of the tokens, (b, h, n, d).":
            thirds,
        "heads-first: the heads stand in front of the batch: the order is (b, h, n, d).":
            lambda c: right(c).transpose(1, 2),
        "numbers-before-tokens: the axes are (b, h, d, n): each token's d numbers come last, (b, h, n, d).":
            lambda c: right(c).mT,
        "not-split-in-heads: the three are apart, but the heads are not: each is still (b, n, D).":
            lambda c: thirds(c).flatten(-2),
        "one-head-axis: the head axis has size 1: all heads are still in one.":
            lambda c: thirds(c).flatten(-2).unsqueeze(2),
        "reshaped: the numbers are reshaped straight to (three, b, h, n, d): that cuts tokens apart. Name every axis, and let the tokens keep their place until the end.":
            lambda c: c["x"].reshape(right(c).shape),
        "keys-and-queries-swapped: the keys stand where the queries belong: the order in timm's layer is queries, keys, values.":
            lambda c: right(c)[[1, 0, 2]],
        "reversed: the order is reversed: in timm's layer it is queries, keys, values.":
            lambda c: right(c).flip(0),
        "heads-are-numbers: num_heads is passed along for the numbers of a head, so there are as many heads as a head should have numbers.":
            lambda c: c["x"].unflatten(-1, (3, -1, c["heads"])).permute(2, 0, 3, 1, 4),
        "same-three-times: queries, keys and values are the same numbers: each is another third of the last axis.":
            lambda c: right(c)[[0, 0, 0]],
    }),
    *properties({
        "cut-elsewhere: queries, keys and values are cut at a number that belongs to the notebook's own model: each is a third of the last axis of this `qkv`, however long that is.":
            lambda seen, wanted, case: sum(seen[name].shape[-1] for name in NAMES) == case["x"].shape[-1]
            and seen["q"].shape[-1] != wanted["q"].shape[-1] * case["heads"],
    }),
    *errors({
        "no-arrow: the pattern has no arrow: left of `->` stands what comes in, right of it what goes out.": r"\(expected 2, got 1\)",
        "too-few: queries, keys and values are not on an axis of their own in front: then Python can't hand them out to three names.": "too many values to unpack|not enough values to unpack",
        "sizes-of-another: the sizes that are passed along do not fit the last axis: queries, keys and values are 3, and the heads are the argument num_heads. (`heads`, `D` or a number written out belong to the notebook's own model.)": "EinopsError.*(can't divide|Shape mismatch)",
        "sizes-missing: einops can't work out the sizes inside of the brackets: pass all but one along, as in `rearrange(x, pattern, h=...)`.": "EinopsError.*Could not infer",
        "size-without-letter: a size is passed along for a name that the pattern does not have.": "EinopsError.*not used in transform",
        "brackets-missing: a pattern does not fit the tensor's axes: (b, n, 3 D) has three, and the last one is written as three names in brackets.": "EinopsError.*(Wrong shape|expected [0-9]+ dims|only for one axis|dims)",
        "names-differ: left and right of the arrow do not hold the same names: rearrange moves axes, it never drops one.": "EinopsError.*(Identifiers only on one side|are not in expression|not found in|Unknown)",
        "images-taken: an index in square brackets takes whole images out of the batch: what is cut in three is the last axis.": "IndexError: index 2 is out of bounds for dimension 0",
        "pattern-not-read: einops can't read the pattern: left, arrow, right, with one name for each axis.": "EinopsError",
        "shape-impossible: the sizes do not multiply to what is there: the last axis is 3 times heads times numbers of a head.": r"shape '.*' is invalid|is invalid for input of size|don't multiply up|split_with_sizes|number of dimensions",
        "other-name: a name is used that this function does not know: its inputs are qkv and num_heads.": "NameError",
    }),
)  # fmt: skip

parts = (Part("queries, keys and values of every head", 1, NAMES, blank="q, k, v ="),)
hints = (
    "Three things are packed into the last axis: which of the three, which head, which number. Which changes slowest?",
    "Left of the arrow the last axis is a bracket with three names. On the right the one for queries, keys and "
    "values comes first, so that Python can hand its three entries to three names.",
    "The bracket is (three h d). On the right: three, then the batch, the heads, the tokens, the numbers.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints)
