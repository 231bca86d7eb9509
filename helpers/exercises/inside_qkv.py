"""The output of timm's `qkv` layer, (b, n, 3 D), taken apart into queries, keys and values of every head."""

from collections.abc import Callable

import numpy as np
import torch

from helpers.checks.arrays import Arrays, Case, tensor, to_array
from helpers.checks.exercise import Exercise, Misconception, Part
from helpers.checks.mistakes import errors
from helpers.observers.inside_qkv import NAMES, observer


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    made = []
    for b, n, h, d in ((2, 5, 4, 6), (1, 7 + int(rng.integers(3)), 2, 5)):
        x = tensor(rng, b, n, 3 * h * d)
        made.append({"x": x, "heads": h, "label": f"qkv {tuple(x.shape)}, {h} heads of {d} numbers"})
    return made


def thirds(case: Case) -> torch.Tensor:
    """(3, b, n, h, d), in timm's order."""
    parts = torch.stack(case["x"].tensor_split(3, dim=-1))
    return parts.unflatten(-1, (case["heads"], -1))


def expected(case: Case) -> Arrays:
    return named(thirds(case).transpose(2, 3))


def named(three) -> Arrays:
    return {name: to_array(value, name) for name, value in zip(NAMES, three, strict=True)}


# --- what goes wrong ------------------------------------------------------------------------------


def mistake(slug: str, message: str, values: Callable[[Case], torch.Tensor]) -> Misconception:
    """`values(case)`: what came out in place of queries, keys and values, stacked."""
    return Misconception(slug, message, lambda case: named(values(case)))


def apart(case: Case, *order: str) -> dict[str, int]:
    size = case["x"].shape[-1] // 3 // case["heads"]
    sizes = {"three": 3, "h": case["heads"], "d": size}
    return {name: sizes[name] for name in order}


def read_as(case: Case, *order: str) -> torch.Tensor:
    """The last axis read in another order of (three, h, d), then as (three, b, h, n, d)."""
    there = case["x"].unflatten(-1, tuple(apart(case, *order).values()))  # (b, n, ...)
    axes = [2 + order.index(name) for name in ("three", "h", "d")]
    return there.permute(axes[0], 0, axes[1], 1, axes[2])


def right(case: Case) -> torch.Tensor:
    return thirds(case).transpose(2, 3)


misconceptions = (
    mistake("h-three-d", "the heads are taken apart first, then queries, keys and values: in timm's layer all queries stand first, then all keys, then all values.", lambda c: read_as(c, "h", "three", "d")),
    mistake("h-d-three", "every third number is taken: in timm's layer all queries stand first, then all keys, then all values.", lambda c: read_as(c, "h", "d", "three")),
    mistake("d-h-three", "every third number is taken: in timm's layer all queries stand first, then all keys, then all values.", lambda c: read_as(c, "d", "h", "three")),
    mistake("three-d-h", "the numbers of the heads are mixed: each head owns neighbouring numbers, so h stands before d in the brackets.", lambda c: read_as(c, "three", "d", "h")),
    mistake("d-three-h", "the brackets are read in the wrong order: queries, keys and values first, then the heads, then the numbers of each.", lambda c: read_as(c, "d", "three", "h")),
    mistake("h-swapped-three", "the brackets are read in the wrong order: queries, keys and values first, then the heads, then the numbers of each.", lambda c: read_as(c, "three", "h", "d").roll(1, 0)),
    mistake("tokens-before-heads", "the axes are (b, n, h, d): attention wants the heads in front of the tokens, (b, h, n, d).", thirds),
    mistake("heads-first", "the heads stand in front of the batch: the order is (b, h, n, d).", lambda c: right(c).transpose(1, 2)),
    mistake("numbers-before-tokens", "the axes are (b, h, d, n): each token's d numbers come last, (b, h, n, d).", lambda c: right(c).mT),
    mistake("not-split-in-heads", "the three are apart, but the heads are not: each is still (b, n, D).", lambda c: thirds(c).flatten(-2)),
    mistake("one-head-axis", "the head axis has size 1: all heads are still in one.", lambda c: thirds(c).flatten(-2).unsqueeze(2)),
    mistake("reshaped", "the numbers are reshaped straight to (three, b, h, n, d): that cuts tokens apart. Name every axis, and let the tokens keep their place until the end.", lambda c: c["x"].reshape(right(c).shape)),
    mistake("keys-and-queries-swapped", "the keys stand where the queries belong: the order in timm's layer is queries, keys, values.", lambda c: right(c)[[1, 0, 2]]),
    mistake("reversed", "the order is reversed: in timm's layer it is queries, keys, values.", lambda c: right(c).flip(0)),
    mistake("same-three-times", "queries, keys and values are the same numbers: each is another third of the last axis.", lambda c: right(c)[[0, 0, 0]]),
    *errors({
        "no-arrow: the pattern has no arrow: left of `->` stands what comes in, right of it what goes out.": r"\(expected 2, got 1\)",
        "too-few: queries, keys and values are not on an axis of their own in front: then Python can't hand them out to three names.": "too many values to unpack|not enough values to unpack",
        "brackets-missing: a pattern does not fit the tensor's axes: (b, n, 3 D) has three, and the last one is written as three names in brackets.": "EinopsError.*(Wrong shape|expected [0-9]+ dims|Shape mismatch|can't divide|only for one axis|dims)",
        "names-differ: left and right of the arrow do not hold the same names: rearrange moves axes, it never drops one.": "EinopsError.*(Identifiers only on one side|are not in expression|not found in|Unknown|not used in transform|Could not infer)",
        "pattern-not-read: einops can't read the pattern: left, arrow, right, with one name for each axis.": "EinopsError",
        "shape-impossible: the sizes do not multiply to what is there: the last axis is 3 times heads times numbers of a head.": r"shape '.*' is invalid|is invalid for input of size|don't multiply up|split_with_sizes|number of dimensions",
        "other-name: a name is used that this function does not know: its inputs are qkv and num_heads.": "NameError",
    }),
)  # fmt: skip

exercise = Exercise(
    observer=observer,
    cases=cases,
    expected=expected,
    parts=(Part("queries, keys and values of every head", 1, NAMES, blank="q, k, v ="),),
    misconceptions=misconceptions,
    hints=(
        "Three things are packed into the last axis: which of the three, which head, which number. Which changes slowest?",
        "Left of the arrow the last axis is a bracket with three names. On the right the one for queries, keys and "
        "values comes first, so that Python can hand its three entries to three names.",
        "The bracket is (three h d). On the right: three, then the batch, the heads, the tokens, the numbers.",
    ),
)
