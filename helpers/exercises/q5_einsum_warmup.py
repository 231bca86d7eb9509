"""Q5, warm-up: einsum strings for five operations that have a name of their own."""

from collections.abc import Callable

import numpy as np
import torch

from helpers.checks.arrays import Arrays, Case, tensor, to_array
from helpers.checks.exercise import Exercise, Misconception, Part
from helpers.observers.q5_einsum_warmup import LIBRARY, PROBLEMS, observer


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    sizes = [(3, 4, 5, 2), (4, 6 + int(rng.integers(3)), 3, 5)]
    return [
        {
            "matrix product": (tensor(rng, i, j), tensor(rng, j, k)),
            "batched product": (tensor(rng, b, i, j), tensor(rng, b, j, k)),
            "outer product": (tensor(rng, i), tensor(rng, k)),
            "trace": (tensor(rng, j, j),),
            "weighted sum": (tensor(rng, j), tensor(rng, j, i)),
            "label": f"fresh tensors with axes of length {', '.join(map(str, sorted({i, j, k, b})))}",
        }
        for i, j, k, b in sizes
    ]


def expected(case: Case) -> Arrays:
    return {name: to_array(operation(*case[name]), name) for name, operation in LIBRARY.items()}


def each(name: str, slug: str, message: str, values: Callable[..., torch.Tensor]) -> Misconception:
    """A mistake in one entry: `values(*tensors)` is what it gives instead."""
    return Misconception(
        slug, f"in `{name}` {message}", lambda case: {name: to_array(values(*case[name]), name)}
    )


def problem(name: str, number: int) -> Misconception:
    slug, _, message = PROBLEMS[number]
    return Misconception(
        f"{name.replace(' ', '-')}-{slug}",
        f"in `{name}` {message}",
        lambda case: {f"{name}: problem": np.array(float(number))},
    )


PRODUCT, BATCH, OUTER, TRACE, WEIGHTED = LIBRARY
misconceptions = (
    each(
        PRODUCT,
        "product-transposed",
        "the two letters of the result are the wrong way round: rows first.",
        lambda A, B: (A @ B).T,
    ),
    each(
        PRODUCT,
        "product-not-summed",
        "the shared letter is kept on the right, so nothing is summed: a matrix product sums over it.",
        lambda A, B: A[:, :, None] * B,
    ),
    each(
        PRODUCT,
        "product-all-summed",
        "nothing stands on the right, so everything is summed into one number.",
        lambda A, B: (A @ B).sum(),
    ),
    each(
        PRODUCT,
        "product-columns-summed",
        "the last letter is missing on the right, so the columns are summed too.",
        lambda A, B: (A @ B).sum(1),
    ),
    each(
        PRODUCT,
        "product-rows-summed",
        "the first letter is missing on the right, so the rows are summed too.",
        lambda A, B: (A @ B).sum(0),
    ),
    each(
        PRODUCT,
        "product-keeps-shared-left",
        "the wrong letter is dropped: the result keeps the rows of A and the columns of B.",
        lambda A, B: A * B.sum(1),
    ),
    each(
        PRODUCT,
        "product-keeps-shared-right",
        "the wrong letter is dropped: the result keeps the rows of A and the columns of B.",
        lambda A, B: A.sum(0)[:, None] * B,
    ),
    each(
        PRODUCT,
        "product-not-shared",
        "the axes that belong together have two different letters: each is summed by itself.",
        lambda A, B: torch.outer(A.sum(1), B.sum(0)),
    ),
    each(
        BATCH,
        "batch-summed",
        "the batch letter is missing on the right, so the matrices of the batch are added up.",
        lambda X, Y: torch.bmm(X, Y).sum(0),
    ),
    each(
        BATCH,
        "batch-crossed",
        "the batch axis has two letters, so every X meets every Y: one letter makes them run along together.",
        lambda X, Y: X[:, None] @ Y[None],
    ),
    each(
        BATCH,
        "batch-not-shared",
        "the batch axis of one tensor has a letter of its own, which is then summed.",
        lambda X, Y: X @ Y.sum(0),
    ),
    each(
        BATCH,
        "batch-transposed",
        "the last two letters of the result are the wrong way round.",
        lambda X, Y: torch.bmm(X, Y).mT,
    ),
    each(
        BATCH,
        "batch-last",
        "the batch letter stands last on the right: it is the first axis of the result.",
        lambda X, Y: torch.bmm(X, Y).permute(1, 2, 0),
    ),
    each(
        BATCH,
        "batch-in-the-middle",
        "the batch letter stands in the middle on the right: it is the first axis of the result.",
        lambda X, Y: torch.bmm(X, Y).transpose(0, 1),
    ),
    each(
        BATCH,
        "batch-not-summed",
        "the shared inner letter is kept on the right, so nothing is summed.",
        lambda X, Y: X[..., None] * Y[:, None],
    ),
    each(
        OUTER,
        "outer-transposed",
        "the two letters of the result are the wrong way round: u runs down the rows.",
        lambda u, v: torch.outer(v, u),
    ),
    each(
        OUTER,
        "outer-summed",
        "nothing stands on the right, so all products are summed: an outer product sums nothing.",
        lambda u, v: u.sum() * v.sum(),
    ),
    each(
        OUTER,
        "outer-row-summed",
        "a letter is missing on the right, so v is summed: an outer product sums nothing.",
        lambda u, v: u * v.sum(),
    ),
    each(
        OUTER,
        "outer-column-summed",
        "a letter is missing on the right, so u is summed: an outer product sums nothing.",
        lambda u, v: u.sum() * v,
    ),
    each(
        TRACE,
        "trace-diagonal",
        "the letter is kept on the right, so you get the diagonal: the trace is its sum.",
        torch.diagonal,
    ),
    each(
        TRACE,
        "trace-total",
        "the two axes have different letters, so all entries are summed: rows and columns should run "
        "along together.",
        torch.sum,
    ),
    each(TRACE, "trace-row-sums", "each row is summed: that is no trace.", lambda S: S.sum(1)),
    each(TRACE, "trace-column-sums", "each column is summed: that is no trace.", lambda S: S.sum(0)),
    each(TRACE, "trace-unchanged", "nothing is summed: the matrix comes back as it is.", lambda S: S),
    each(TRACE, "trace-transposed", "nothing is summed: the matrix comes back transposed.", lambda S: S.T),
    each(
        WEIGHTED,
        "weighted-not-summed",
        "the letter of the rows is kept on the right, so they are weighted but not added up.",
        lambda w, V: w[:, None] * V,
    ),
    each(
        WEIGHTED,
        "weighted-wrong-axis",
        "the columns are summed and the rows kept: it is the rows that are added up.",
        lambda w, V: w * V.sum(1),
    ),
    each(
        WEIGHTED,
        "weighted-all-summed",
        "nothing stands on the right, so everything is summed into one number.",
        lambda w, V: (w[:, None] * V).sum(),
    ),
    each(
        WEIGHTED,
        "weighted-not-shared",
        "the weights have a letter of their own, so each row gets the sum of all weights.",
        lambda w, V: w.sum() * V.sum(0),
    ),
    *(problem(name, number) for name in LIBRARY for number in PROBLEMS),
)


parts = tuple(Part(name, 1 / len(LIBRARY), (name,), blank=f"{name}: ...") for name in LIBRARY)
hints = (
    "Write one letter for each axis of each tensor first, and ask only: which axes run along together? "
    "Those share a letter.",
    "Then write on the right of `->` the letters of the axes that the result still has, in its order. "
    "What is missing there is summed.",
    "Matrix product: the inner axes share a letter and it disappears. The batch adds one letter in front, "
    "everywhere. Outer product: two letters, both kept. Trace: one letter twice, nothing kept. "
    "Weighted sum: the weights share the rows' letter, which disappears.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints)
