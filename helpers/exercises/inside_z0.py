"""z0 = [class; patches] + positions (Dosovitskiy et al. 2021, equation 1), for tensors as timm keeps them."""

import numpy as np
import torch
import torch.nn.functional as F

from helpers.checks.arrays import Arrays, Case, tensor, to_array
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import errors, values_of
from helpers.observers.inside_z0 import TOKENS, Z0, observer


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    return [
        {
            "patches": tensor(rng, b, n, d),
            "class_token": tensor(rng, 1, 1, d),
            "positions": tensor(rng, 1, n + 1, d),
            "label": f"{b} images of {n} patches, {d} numbers a token",
        }
        for b, n, d in ((2, 5, 7), (3, 4, 6 + int(rng.integers(3))))
    ]


def joined(case: Case) -> torch.Tensor:
    """Room for one more token in front, filled with the class token."""
    tokens = F.pad(case["patches"], (0, 0, 1, 0))
    tokens[:, 0] += case["class_token"].flatten()
    return tokens


def expected(case: Case) -> Arrays:
    tokens = joined(case)
    return {TOKENS: to_array(tokens, TOKENS), Z0: to_array(torch.add(tokens, case["positions"]), Z0)}


def of_own_tokens(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    """Right for the student's own tokens."""
    own = seen.get(TOKENS)
    positions = case["positions"].double().numpy()
    if own is None or own.ndim != 3 or own.shape[1:] != positions.shape[1:]:
        return False
    return exercise.close(seen[Z0], np.add(own, positions))


def to_join(case: Case) -> tuple[torch.Tensor, ...]:
    """The patches, the class token of each image (b, 1, d), and the positions."""
    return case["patches"], joined(case)[:, :1], case["positions"]


def to_add(case: Case) -> tuple[torch.Tensor, torch.Tensor]:
    """The right tokens, and the positions."""
    return joined(case), case["positions"]


def first_rows(tokens: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    changed = tokens.clone()
    changed[:, :1] += positions[:, :1]
    return changed


misconceptions = (
    *values_of(TOKENS, to_join, {
        "at-the-end: the class token stands behind the patches: the model was trained with it in front, as token 0.":
            lambda patches, row, positions: torch.hstack([patches, row]),
        "added-to-patches: the class token is added to every patch: it becomes a token of its own, in front of them.":
            lambda patches, row, positions: patches + row,
        "patches-only: `tokens` holds the patches alone: the class token comes in front of them.":
            lambda patches, row, positions: patches,
        "class-only: `tokens` holds the class token alone: the patches come behind it.":
            lambda patches, row, positions: row,
        "first-patch-lost: the class token takes the place of the first patch: the sequence should grow by one.":
            lambda patches, row, positions: torch.hstack([row, patches[:, 1:]]),
        "zeros-in-front: the token in front is all zeros: the learned class_token belongs there.":
            lambda patches, row, positions: torch.hstack([0 * row, patches]),
        "mean-in-front: the token in front is the mean of the patches: the learned class_token belongs there.":
            lambda patches, row, positions: torch.hstack([patches.mean(1, keepdim=True), patches]),
        "positions-too-early: `tokens` has the positions in it already: they are added in the next line.":
            lambda patches, row, positions: torch.hstack([row, patches]).add(positions),
    }),
    *values_of(Z0, to_add, {
        "no-positions: the positions are not added.": lambda tokens, positions: tokens,
        "positions-alone: z0 holds the positions alone: they are added to the tokens.":
            lambda tokens, positions: positions,
        "positions-alone-everywhere: z0 holds the positions alone: they are added to the tokens.":
            lambda tokens, positions: positions.expand_as(tokens),
        "multiplied: the tokens are multiplied by the positions: add them.":
            lambda tokens, positions: tokens.mul(positions),
        "subtracted: the positions are subtracted: add them.":
            lambda tokens, positions: tokens.sub(positions),
        "added-twice: the positions are added twice.": lambda tokens, positions: tokens + 2 * positions,
        "patches-positioned-only: the class token gets no position: `positions` has a row for it too, row 0.":
            lambda tokens, positions: tokens + positions - first_rows(0 * tokens, positions),
        "first-only: only the class token gets its position: every token gets one.":
            lambda tokens, positions: first_rows(tokens, positions),
        "class-position-everywhere: every token gets the position of the class token: each has a row of its own.":
            lambda tokens, positions: tokens + positions[:, :1],
        "joined-images: the positions are appended as one more image: they are added, number by number.":
            lambda tokens, positions: torch.vstack([tokens, positions]),
        "joined: the positions are appended as more tokens: they are added, number by number.":
            lambda tokens, positions: torch.hstack([tokens, positions.expand_as(tokens)]),
        "shifted: the positions are shifted by one: row 0 belongs to the class token.":
            lambda tokens, positions: tokens + positions.roll(-1, 1),
    }),
    *errors({
        "not-expanded: the class token is there once, but each image of the batch needs it: repeat or expand it along axis 0, as often as there are images.": r"except in dimension 1\. Expected size (1 but got|\d+ but got size 1 )",
        "token-of-another: what is joined to the patches has other sizes: `model`, `x` and `D` belong to the notebook's own model. The class token of this call is class_token.": "Sizes of tensors must match except in dimension 1",
        "wrong-axis: the tensors are joined along another axis than that of the tokens, which is axis 1 of (b, tokens, D).": "Sizes of tensors must match except in dimension [02]",
        "stacked: torch.stack makes a new axis and wants equal shapes: the token axis is there already, so use torch.cat.": "stack expects each tensor to be equal size",
        "no-list: torch.cat is given single tensors: it takes a list of them, in square brackets.": r"cat\(\) (got|received|takes)|concat.*invalid combination|argument 'tensors'",
        "sizes-do-not-fit: the sizes do not fit: there are as many positions as patches, and one more for the class token. `tokens` should have one row more than `patches`. (`model` and `x` belong to the notebook's own model.)": "must match the size of tensor",
        "other-name: a name is used that this function does not know: its inputs are patches, class_token and positions.": "NameError",
    }),
)  # fmt: skip


def given(case: Case) -> dict:
    return {"tokens =": joined(case)}


parts = (
    Part("class token in front of the patches", 1, (TOKENS,), blank="tokens ="),
    Part("positions added", 1, (Z0,), own=of_own_tokens, blank="z0 ="),
)
hints = (
    "Count rows: how many patches are there, how many rows has `positions`? What is the one more for?",
    "torch.cat joins a list of tensors along an axis (dim). The class token is (1, 1, D): `expand` makes it "
    "(b, 1, D) without copying.",
    "tokens: torch.cat of a list, the expanded class token first and the patches second, along axis 1. "
    "z0: the sum of the tokens and the positions.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, given=given)
