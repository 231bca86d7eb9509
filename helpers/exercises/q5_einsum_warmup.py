"""Q5, warm-up: einsum strings for five operations that have a name of their own."""

from collections.abc import Callable, Mapping

import numpy as np
import torch

from helpers.checks.arrays import Arrays, Case, tensor, to_array
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import Mistakes, prefixed, values_by, values_of
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


def entry(name: str, rows: Mapping[str, Callable[..., torch.Tensor]]) -> Mistakes:
    """What one entry gives instead: row -> a function of its tensors."""
    return values_of(name, lambda case: case[name], prefixed(rows, message=f"in `{name}` "))


def problem(key: str):
    """The number that stands for a kind of error."""
    return lambda number: lambda case: {key: np.array(float(number))}


def problems(name: str) -> Mistakes:
    rows = {f"{slug}: {message}": number for number, (slug, _, message) in PROBLEMS.items()}
    rows = prefixed(rows, f"{name.replace(' ', '-')}-", f"in `{name}` ")
    return values_by(problem(f"{name}: problem"), rows)


PRODUCT, BATCH, OUTER, TRACE, WEIGHTED = LIBRARY
misconceptions = (
    *entry(PRODUCT, {
        "product-transposed: the two letters of the result are the wrong way round: rows first.":
            lambda A, B: (A @ B).T,
        "product-not-summed: the shared letter is kept on the right, so nothing is summed: a matrix product sums over it.":
            lambda A, B: A[:, :, None] * B,
        "product-all-summed: nothing stands on the right, so everything is summed into one number.":
            lambda A, B: (A @ B).sum(),
        "product-columns-summed: the last letter is missing on the right, so the columns are summed too.":
            lambda A, B: (A @ B).sum(1),
        "product-rows-summed: the first letter is missing on the right, so the rows are summed too.":
            lambda A, B: (A @ B).sum(0),
        "product-keeps-shared-left: the wrong letter is dropped: the result keeps the rows of A and the columns of B.":
            lambda A, B: A * B.sum(1),
        "product-keeps-shared-right: the wrong letter is dropped: the result keeps the rows of A and the columns of B.":
            lambda A, B: A.sum(0)[:, None] * B,
        "product-not-shared: the axes that belong together have two different letters: each is summed by itself.":
            lambda A, B: torch.outer(A.sum(1), B.sum(0)),
    }),
    *entry(BATCH, {
        "batch-summed: the batch letter is missing on the right, so the matrices of the batch are added up.":
            lambda X, Y: torch.bmm(X, Y).sum(0),
        "batch-crossed: the batch axis has two letters, so every X meets every Y: one letter makes them run along together.":
            lambda X, Y: X[:, None] @ Y[None],
        "batch-not-shared: the batch axis of one tensor has a letter of its own, which is then summed.":
            lambda X, Y: X @ Y.sum(0),
        "batch-transposed: the last two letters of the result are the wrong way round.":
            lambda X, Y: torch.bmm(X, Y).mT,
        "batch-last: the batch letter stands last on the right: it is the first axis of the result.":
            lambda X, Y: torch.bmm(X, Y).permute(1, 2, 0),
        "batch-in-the-middle: the batch letter stands in the middle on the right: it is the first axis of the result.":
            lambda X, Y: torch.bmm(X, Y).transpose(0, 1),
        "batch-not-summed: the shared inner letter is kept on the right, so nothing is summed.":
            lambda X, Y: X[..., None] * Y[:, None],
    }),
    *entry(OUTER, {
        "outer-transposed: the two letters of the result are the wrong way round: u runs down the rows.":
            lambda u, v: torch.outer(v, u),
        "outer-summed: nothing stands on the right, so all products are summed: an outer product sums nothing.":
            lambda u, v: u.sum() * v.sum(),
        "outer-row-summed: a letter is missing on the right, so v is summed: an outer product sums nothing.":
            lambda u, v: u * v.sum(),
        "outer-column-summed: a letter is missing on the right, so u is summed: an outer product sums nothing.":
            lambda u, v: u.sum() * v,
    }),
    *entry(TRACE, {
        "trace-diagonal: the letter is kept on the right, so you get the diagonal: the trace is its sum.":
            torch.diagonal,
        "trace-total: the two axes have different letters, so all entries are summed: rows and columns should run along together.":
            torch.sum,
        "trace-row-sums: each row is summed: that is no trace.": lambda S: S.sum(1),
        "trace-column-sums: each column is summed: that is no trace.": lambda S: S.sum(0),
        "trace-unchanged: nothing is summed: the matrix comes back as it is.": lambda S: S,
        "trace-transposed: nothing is summed: the matrix comes back transposed.": lambda S: S.T,
    }),
    *entry(WEIGHTED, {
        "weighted-not-summed: the letter of the rows is kept on the right, so they are weighted but not added up.":
            lambda w, V: w[:, None] * V,
        "weighted-wrong-axis: the columns are summed and the rows kept: it is the rows that are added up.":
            lambda w, V: w * V.sum(1),
        "weighted-all-summed: nothing stands on the right, so everything is summed into one number.":
            lambda w, V: (w[:, None] * V).sum(),
        "weighted-not-shared: the weights have a letter of their own, so each row gets the sum of all weights.":
            lambda w, V: w.sum() * V.sum(0),
    }),
    *(mistake for name in LIBRARY for mistake in problems(name)),
)  # fmt: skip


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
