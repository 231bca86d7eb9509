"""A = softmax(q k^T / sqrt(d)) for all heads of one block at once."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F

from helpers.checks.arrays import Arrays, Case, tensor, to_array
from helpers.checks.exercise import Exercise, Misconception, Part
from helpers.checks.mistakes import errors, values
from helpers.checks.softmaxes import ERRORS, rows
from helpers.checks.softmaxes import SOFTMAXES as SOFTMAXES_OF_MATRICES
from helpers.observers.inside_attention import SCORES, A, observer

# "columns" is said for any number of axes; the divided ones need matrices
LEFT_OUT = ("divided-by-other-sum", "divided-by-total", "softmax-over-all")


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


def softmax_agrees(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    """Right, or right for the student's own scores."""
    if A not in seen:
        return False
    if exercise.close(seen[A], wanted[A]):
        return True
    own = seen.get(SCORES)
    if own is None or own.ndim != 4 or seen[A].shape != own.shape:
        return False
    return exercise.close(seen[A], rows(torch.from_numpy(own)).numpy())


# --- what goes wrong ------------------------------------------------------------------------------


def wrong_scores(slug: str, message: str, values: Callable[[torch.Tensor, Case], torch.Tensor]):
    """`values(products, case)`, the products not being scaled yet."""
    return Misconception(slug, message, lambda case: {SCORES: to_array(values(products(case), case), SCORES)})


def head_dim(case: Case) -> int:
    return case["q"].shape[-1]


misconceptions = (
    wrong_scores("no-scale", "the scores are not divided by sqrt(d).", lambda s, c: s),
    wrong_scores("no-root", "the scores are divided by d: the square root is missing.", lambda s, c: s / head_dim(c)),
    wrong_scores("multiplied", "the scores are multiplied by sqrt(d): divide by it.", lambda s, c: s * head_dim(c) ** 0.5),
    wrong_scores("sqrt-emb-size", "the scores are divided by sqrt(D), the width of all heads together: d is the length of one query in one head.", lambda s, c: s / (head_dim(c) * s.shape[1]) ** 0.5),
    wrong_scores("sqrt-tokens", "the scores are divided by the square root of the number of tokens: d is the length of one query.", lambda s, c: s / s.shape[-1] ** 0.5),
    wrong_scores("sqrt-heads", "the scores are divided by the square root of the number of heads: d is the length of one query.", lambda s, c: s / s.shape[1] ** 0.5),
    wrong_scores("sqrt-64", "the scores are divided by 8, the root of ViT-Base's 64: take d from the shape of q, models differ.", lambda s, c: s / 8),
    wrong_scores("transposed", "the keys ask the queries: q comes first, so that rows are queries.", lambda s, c: s.mT * head_dim(c) ** -0.5),
    wrong_scores("queries-with-queries", "queries meet queries: the keys are not used.", lambda s, c: torch.cdist(c["q"], c["q"]).square().neg().add(c["q"].square().sum(-1)[..., None]).add(c["q"].square().sum(-1)[..., None, :]) / 2 * head_dim(c) ** -0.5),
    wrong_scores("softmax-too-early", "`scores` has the softmax in it already: that comes in the next line.", lambda s, c: rows(s * head_dim(c) ** -0.5)),
    *(
        Misconception(
            slug, f"{text}.", lambda case, make=make: {A: to_array(make(scaled(case)), A)}
        )
        for slug, text, make in SOFTMAXES_OF_MATRICES
        if slug not in LEFT_OUT
    ),
    *values({
        "softmax-heads: the softmax runs over the heads: it runs over the keys, the last axis.": lambda c: {A: to_array(scaled(c).softmax(1), A)},
        "softmax-batch: the softmax runs over the batch: it runs over the keys, the last axis.": lambda c: {A: to_array(scaled(c).softmax(0), A)},
        "scaled-after: the scaling comes after the softmax: then the rows no longer sum to 1.": lambda c: {A: to_array(rows(products(c)) * head_dim(c) ** -0.5, A)},
        "scaled-twice: the scores are scaled once more in the line of the softmax.": lambda c: {A: to_array(rows(products(c) / head_dim(c)), A)},
    }),
    *errors({
        "layer-not-called: nn.Softmax is a layer: it is made first with its axis, and then called with the scores.": "but is a Softmax",
        "not-transposed: the sizes do not fit: swap the last two axes of k, so that (n, d) meets (d, n). `.T` would turn all four axes around.": "Expected size for first two dimensions|must match the size of tensor|shapes cannot be multiplied|size mismatch|only supported on matrices|deprecated|einsum",
    }),
    *ERRORS,
)  # fmt: skip

exercise = Exercise(
    observer=observer,
    cases=cases,
    expected=expected,
    parts=(
        Part("scaled scores", 1, (SCORES,), blank="scores ="),
        Part("softmax over the keys", 1, (A,), softmax_agrees, blank="A ="),
    ),
    misconceptions=misconceptions,
    hints=(
        "Write the shapes down: (b, h, n, d) times what gives (b, h, n, n)? And along which axis should A sum to 1?",
        "`k.transpose(-2, -1)` swaps the last two axes. d is the last size of q: `q.shape[-1]`.",
        "scores: q, then `@`, then the transposed k, divided by the square root of d (`** 0.5`). A: the softmax of "
        "the scores along dim=-1.",
    ),
)
