"""A = softmax(q k^T / sqrt(d)) for all heads of one block at once."""

import numpy as np
import torch
import torch.nn.functional as F

from helpers.checks.arrays import Arrays, Case, tensor, to_array
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import errors, properties, values_of
from helpers.checks.softmaxes import ERRORS, SOFTMAXES, in_proportion, rows, without
from helpers.observers.inside_attention import SCORES, A, observer

# the others need matrices
WITH_HEADS = without(SOFTMAXES, "divided-by-other-sum", "divided-by-total", "softmax-over-all")


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    sizes = [(2, 4, 5, 3), (1, 3, 6 + int(rng.integers(3)), 8)]
    return [
        {
            "q": tensor(rng, b, h, n, d),
            "k": tensor(rng, b, h, n, d),
            "label": f"batch {b}, {h} heads, {n} tokens, d = {d}",
        }
        for b, h, n, d in sizes
    ]


def products(case: Case) -> torch.Tensor:
    return torch.einsum("...ac, ...bc -> ...ab", case["q"], case["k"])


def scaled(case: Case) -> torch.Tensor:
    return products(case) * case["q"].shape[-1] ** -0.5


def expected(case: Case) -> Arrays:
    q = case["q"]
    identity = torch.eye(q.shape[2]).expand(*q.shape[:2], -1, -1)
    weights = F.scaled_dot_product_attention(q, case["k"], identity)
    return {SCORES: to_array(scaled(case), SCORES), A: to_array(weights, A)}


def of_own_scores(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    """Right for the student's own scores."""
    own = seen.get(SCORES)
    if own is None or own.ndim != 4 or seen[A].shape != own.shape:
        return False
    return exercise.close(seen[A], rows(torch.from_numpy(own)).numpy())


def unscaled(case: Case) -> tuple[torch.Tensor, int, Case]:
    """Scores that are not scaled yet, and d."""
    return products(case), case["q"].shape[-1], case


misconceptions = (
    *values_of(SCORES, unscaled, {
        "no-scale: the scores are not divided by sqrt(d).": lambda s, d, c: s,
        "no-root: the scores are divided by d: the square root is missing.": lambda s, d, c: s / d,
        "multiplied: the scores are multiplied by sqrt(d): divide by it.": lambda s, d, c: s * d**0.5,
        "sqrt-emb-size: the scores are divided by sqrt(D), the width of all heads together: d is the length of one query in one head.":
            lambda s, d, c: s / (d * s.shape[1]) ** 0.5,
        "sqrt-tokens: the scores are divided by the square root of the number of tokens: d is the length of one query.":
            lambda s, d, c: s / s.shape[-1] ** 0.5,
        "sqrt-heads: the scores are divided by the square root of the number of heads: d is the length of one query.":
            lambda s, d, c: s / s.shape[1] ** 0.5,
        "sqrt-64: the scores are divided by 8, the root of ViT-Base's 64: take d from the shape of q, models differ.":
            lambda s, d, c: s / 8,
        "keys-first: the keys ask the queries: q comes first, so that rows are queries.":
            lambda s, d, c: s.mT * d**-0.5,
        "queries-with-queries: queries meet queries: the keys are not used.":
            lambda s, d, c: products({**c, "k": c["q"]}) * d**-0.5,
        "wrong-axes-meet: the tokens are summed and the numbers of a query are left: the keys are to be transposed, not the queries.":
            lambda s, d, c: torch.einsum("...ac, ...ad -> ...cd", c["q"], c["k"]),
        "softmax-too-early: `scores` has the softmax in it already: that comes in the next line.":
            lambda s, d, c: rows(s * d**-0.5),
    }),
    *values_of(A, lambda case: (scaled(case),), WITH_HEADS),
    *values_of(A, unscaled, {
        "softmax-heads: the softmax runs over the heads: it runs over the keys, the last axis.":
            lambda s, d, c: (s * d**-0.5).softmax(1),
        "softmax-batch: the softmax runs over the batch: it runs over the keys, the last axis.":
            lambda s, d, c: (s * d**-0.5).softmax(0),
        "scaled-after: the scaling comes after the softmax: then the rows no longer sum to 1.":
            lambda s, d, c: rows(s) * d**-0.5,
        "scaled-twice: the scores are scaled once more in the line of the softmax.": lambda s, d, c: rows(s / d),
    }),
    *properties({
        "other-divisor: the scores are divided (or multiplied) by another number than the root of d: take it from the shape of q. `D`, `heads` and `block` belong to the notebook's own model.":
            lambda seen, wanted, case: in_proportion(seen.get(SCORES), wanted[SCORES]),
    }),
    *errors({
        "layer-not-called: nn.Softmax is a layer: it is made first with its axis, and then called with the scores.": "but is a Softmax",
        "not-transposed: the sizes do not fit: swap the last two axes of k, so that (n, d) meets (d, n). `.T` would turn all four axes around.": "Expected size for first two dimensions|must match the size of tensor|shapes cannot be multiplied|size mismatch|only supported on matrices|deprecated|einsum",
    }),
    *ERRORS,
)  # fmt: skip


def given(case: Case) -> dict:
    return {"scores =": scaled(case)}


parts = (
    Part("scaled scores", 1, (SCORES,), blank="scores ="),
    Part("softmax over the keys", 1, (A,), own=of_own_scores, blank="A ="),
)
hints = (
    "Write the shapes down: (b, h, n, d) times what gives (b, h, n, n)? And along which axis should A sum to 1?",
    "`k.transpose(-2, -1)` swaps the last two axes. d is the last size of q: `q.shape[-1]`.",
    "scores: q, then `@`, then the transposed k, divided by the square root of d (`** 0.5`). A: the softmax of "
    "the scores along dim=-1.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, given=given)
