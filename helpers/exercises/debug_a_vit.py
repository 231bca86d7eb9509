"""Four bugs that a training program can live with: softmax over queries, positions twice, pairs torn apart, dropout left off.

Each function is judged by itself, by what a library gives or by a property, so that any repair is right.
"""

import numpy as np
import torch
import torch.nn.functional as F

from helpers.checks.arrays import Arrays, Case, tensor, to_array
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import errors, properties, values_of
from helpers.observers.debug_a_vit import (
    AGAIN,
    ANSWERS,
    CAME,
    LABELS,
    MODE,
    MOVED,
    SHARE,
    SHARES,
    TOKENS,
    classifier,
    observer,
)


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    return [
        {
            **{name: tensor(rng, b, heads, n, d) for name in "qkv"},
            "patches": tensor(rng, b, n, d),
            "class_token": tensor(rng, 1, 1, d),
            "positions": tensor(rng, 1, 1 + n, d),
            "images": tensor(rng, count, 1, 2, 3),
            "labels": torch.from_numpy(rng.integers(0, classes, count)),
            "classes": classes,
            "seed": int(rng.integers(1000)),
            "label": f"{b} pictures of {n} patches",
        }
        for b, heads, n, d, classes, count in ((2, 3, 5, 4, 6, 41), (4, 2, 3, 6, 5, 53))
    ]


@torch.no_grad()
def logits(case: Case) -> torch.Tensor:
    return classifier(case).eval()(case["images"])


def right_share(case: Case) -> float:
    return float(np.mean(logits(case).max(dim=1).indices.numpy() == case["labels"].numpy()))


def expected(case: Case) -> Arrays:
    tokens = np.concatenate([case["class_token"].expand(len(case["patches"]), 1, -1), case["patches"]], 1)
    return {
        ANSWERS: to_array(F.scaled_dot_product_attention(case["q"], case["k"], case["v"]), ANSWERS),
        TOKENS: to_array(tokens, TOKENS) + to_array(case["positions"], TOKENS),
        CAME: np.arange(len(case["labels"]), dtype=float),
        LABELS: to_array(case["labels"], LABELS),
        MOVED: np.array(1.0),
        AGAIN: np.array(1.0),
        SHARE: np.array(right_share(case)),
        SHARES: np.array([right_share(case)] * 2),
        MODE: np.array(1.0),
    }


def scaled(case: Case) -> tuple[torch.Tensor, ...]:
    q, k, v = case["q"], case["k"], case["v"]
    return torch.einsum("bhid, bhjd -> bhij", q, k) / np.sqrt(q.shape[-1]), q, k, v


def joined(case: Case) -> tuple[torch.Tensor, ...]:
    """Class token and patches in a row, the positions, and the patches."""
    token = case["class_token"].expand(len(case["patches"]), 1, -1)
    return torch.cat([token, case["patches"]], 1), case["positions"], case["patches"]


misconceptions = (
    *values_of(ANSWERS, scaled, {
        "columns: the softmax still runs over the queries: a token's shares, over the keys, add up to 1, and keys are the last axis.":
            lambda s, q, k, v: s.softmax(2).matmul(v),
        "over-heads: the softmax runs over the heads: keys are the last axis of the scores.": lambda s, q, k, v: s.softmax(1).matmul(v),
        "over-batch: the softmax runs over the pictures of the batch: keys are the last axis of the scores.": lambda s, q, k, v: s.softmax(0).matmul(v),
        "unscaled: the scores are not divided by the root of the head's size: that line was right.":
            lambda s, q, k, v: F.scaled_dot_product_attention(q, k, v, scale=1.0),
        "no-softmax: the softmax is gone: it was right to take one, only its axis was not.": lambda s, q, k, v: s.matmul(v),
        "shares-only: the shares are returned, and no values were mixed with them.": lambda s, q, k, v: s.softmax(3),
        "keys-ask: keys and queries have changed places: each row of the scores belongs to a query.":
            lambda s, q, k, v: F.scaled_dot_product_attention(k, q, v),
    }),
    *values_of(TOKENS, joined, {
        "twice: the patches still get their positions twice.": lambda x, p, patches: torch.cat([x[:, :1] + p[:, :1], patches + 2 * p[:, 1:]], 1),
        "all-twice: all tokens get their positions twice.": lambda x, p, patches: x + 2 * p,
        "no-positions: no token has a position any more: add them once.": lambda x, p, patches: x,
        "token-without: the class token got a position before, the first row, and should have it still.":
            lambda x, p, patches: torch.cat([x[:, :1], patches + p[:, 1:]], 1),
        "token-only: the class token alone has a position.": lambda x, p, patches: torch.cat([x[:, :1] + p[:, :1], patches], 1),
        "no-token: the class token is gone.": lambda x, p, patches: patches + p[:, 1:],
        "token-last: the class token stands behind the patches: it was first, and the first row of the positions is its own.":
            lambda x, p, patches: torch.cat([patches, x[:, :1]], 1) + p,
    }),
    *properties({
        "sampled: some pictures came twice and others not at all: a random order holds each of them once.":
            lambda seen, wanted, case: len(seen[CAME]) == len(wanted[CAME]) and not np.array_equal(seen[CAME], wanted[CAME]) and seen[CAME].min() >= 0,
        "some-lost: not all pictures come back.": lambda seen, wanted, case: len(seen[CAME]) < len(wanted[CAME]),
        "not-shuffled: pictures and labels go together, but nothing is shuffled any more: one random order for both.":
            lambda seen, wanted, case: not seen[MOVED] and exercise.same(seen, wanted, CAME, LABELS),
        "labels-alone: the labels are shuffled and the pictures are not: one random order for both.": lambda seen, wanted, case: not seen[MOVED],
        "always-the-same: the order is the same each time: a new one for every epoch keeps batches from repeating.":
            lambda seen, wanted, case: not seen[AGAIN] and exercise.same(seen, wanted, CAME, LABELS),
        "torn-apart: pictures and labels still get orders of their own: draw one order and use it for both.":
            lambda seen, wanted, case: not exercise.same(seen, wanted, LABELS) and exercise.same(seen, wanted, CAME),
    }),
    *properties({
        "dropout-on: the same pictures get another accuracy the second time: dropout is at work, so it was not measured in eval mode.":
            lambda seen, wanted, case: not exercise.close(seen[SHARES][0], seen[SHARES][1]),
        "left-in-eval: the accuracy is right, and the model is still in eval mode after it: dropout stays off for the rest of the training.":
            lambda seen, wanted, case: exercise.same(seen, wanted, SHARES) and not seen[MODE],
        "percent: the accuracy is given in percent: a share, 0 to 1, was asked.":
            lambda seen, wanted, case: exercise.close(seen[SHARE], 100 * wanted[SHARE]),
        "counted: right guesses are counted: a share, 0 to 1, was asked.":
            lambda seen, wanted, case: exercise.close(seen[SHARE], len(case["labels"]) * wanted[SHARE]),
        "wrong-ones: it is the share of wrong guesses.": lambda seen, wanted, case: exercise.close(seen[SHARE], 1 - wanted[SHARE]),
    }),
    *errors({
        "eval-needs-brackets: a mode is set by calling a method of the model: `vit.eval()`, `vit.train()`.": r"AttributeError: '(function|method|bool)'",
        "positions-too-many: the positions have a row for the class token: they fit after it has joined the patches.": r"size of tensor a \((5|3)\) must match the size of tensor b \((6|4)\)",
        "not-expanded: the class token is one for all pictures: `expand` (or `repeat`) makes one for each before it joins.":
            r"Sizes of tensors must match except in dimension 1",
    }),
)  # fmt: skip


def place(key: str, index: tuple[int, ...], case: Case) -> str:
    if key == ANSWERS and len(index) == 4:
        return f"picture {index[0]}, head {index[1]}, token {index[2]}, number {index[3]} of {key}"
    if key == TOKENS and len(index) == 3:
        return f"picture {index[0]}, token {index[1]}, number {index[2]} of {key}"
    if key == LABELS:
        return f"the label of picture {index[0]}"
    if key in (MOVED, AGAIN, MODE):
        return f"{key} (1: yes, 0: no)"
    return key


parts = (
    Part("attend", 1, (ANSWERS,), blank="answers ="),
    Part("tokens", 1, (TOKENS,), blank="x ="),
    Part("shuffled", 1, (CAME, LABELS, MOVED, AGAIN), blank="pairs ="),
    Part("accuracy", 1, (SHARES, MODE), blank="share ="),
)
hints = (
    "Each symptom points to one function: rows that do not add up to 1; a black picture whose tokens are not the positions; digits with "
    "labels of others; a model that has no dropout after the first epoch.",
    "attend: over which axis? tokens: how often does a patch meet the positions? shuffled: how many random orders are drawn? accuracy: "
    "in which mode does it leave the model?",
    "attend: the keys are the last axis. tokens: leave out the first addition. shuffled: draw one order, and index both with it. "
    "accuracy: call `vit.train()` after the share is known.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, place)
