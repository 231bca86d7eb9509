"""The vocabulary of attention: what goes wrong with a softmax of scores, and with a weighted sum of values."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from helpers.checks.mistakes import errors


def rows(scores: torch.Tensor) -> torch.Tensor:
    """Weights that sum to 1 along the last axis."""
    return (scores - scores.logsumexp(dim=-1, keepdim=True)).exp()


def without(rows: Mapping[str, Any], *slugs: str) -> dict[str, Any]:
    """The rows but for these."""
    return {row: made for row, made in rows.items() if row.partition(":")[0] not in slugs}


def in_proportion(seen: np.ndarray | None, wanted: np.ndarray) -> bool:
    """What was seen is the right values times one number, which is not 0."""
    if seen is None or seen.shape != wanted.shape or not seen.any():
        return False
    factor = (seen * wanted).sum() / (wanted * wanted).sum()
    return np.allclose(seen, factor * wanted, rtol=1e-3, atol=1e-5)


# weights made from the scores
SOFTMAXES = {
    "columns: the columns sum to 1: softmax goes along each row, where one query spreads its weight over the keys.":
        lambda s: s.softmax(-2),
    "no-softmax: the softmax is missing.": lambda s: s,
    "softmax-over-all: one softmax was taken over all scores at once: each row sums to 1 by itself.":
        lambda s: s.flatten(-2).softmax(-1).unflatten(-1, s.shape[-2:]),
    "softmax-twice: the softmax is taken twice.": lambda s: rows(rows(s)),
    "element-wise: softmax was taken of each entry alone, which always gives 1: it works on a whole row.":
        lambda s: s.unsqueeze(-1).softmax(-1).squeeze(-1),
    "exponential: the exponentials are not divided by the sum of their row.": torch.exp,
    "sigmoid: a sigmoid stands in place of the softmax: its rows do not sum to 1.": torch.sigmoid,
    "log-softmax: these are logarithms of the weights: use softmax, not log_softmax.":
        lambda s: s.log_softmax(-1),
    "minus: the scores have the wrong sign, so the least alike get the most weight.":
        lambda s: (-s).softmax(-1),
    "divided-by-sum: the scores are divided by their sum: softmax takes exponentials first.":
        lambda s: s / s.sum(-1, True),
    "divided-by-other-sum: the exponentials are divided by the sum of a column or of everything: each row has a sum of its own.":
        lambda s: s.exp() / s.exp().sum(-1),
    "divided-by-total: the exponentials are divided by the sum of a column or of everything: each row has a sum of its own.":
        lambda s: s.exp() / s.exp().sum(),
    "argmax: the best key gets all the weight: softmax shares it out.":
        lambda s: F.one_hot(s.argmax(-1), s.shape[-1]).to(s),
    "transposed: the scores, or the weights, are transposed: rows are queries.": lambda s: rows(s.mT),
    "transposed-after: the scores, or the weights, are transposed: rows are queries.": lambda s: rows(s).mT,
}  # fmt: skip

# values made from the weights and V
SUMS = {
    "weights-transposed: the weights are read by columns: each row of `attention` weighs the values for one query.":
        lambda a, v: torch.mm(a.mT, v),
    "unweighted: the values come out as they went in: the weights are not used.": lambda a, v: v,
    "all-summed: the values are added without weights.": lambda a, v: v.sum(0).expand_as(v),
    "mean: every value has the same weight: the weights are not used.": lambda a, v: v.mean(0).expand_as(v),
    "average: the weighted values are averaged: the weights sum to 1 already, so a sum is enough.":
        lambda a, v: torch.mm(a, v) / len(v),
    "own-weight-only: each value is only multiplied by its own weight, and nothing is mixed: use a product of matrices.":
        lambda a, v: a.diagonal()[:, None] * v,
    "column-sums: the values are multiplied by the sums of the columns: use a product of matrices.":
        lambda a, v: a.sum(0)[:, None] * v,
    "result-transposed: the result is transposed: tokens are rows.": lambda a, v: torch.mm(a, v).mT,
    "value-first: the value's numbers stand in the rows: the weights come first, then V.":
        lambda a, v: torch.mm(v.mT, a),
    "value-first-transposed: the value's numbers stand in the rows, as columns: tokens are rows.":
        lambda a, v: torch.mm(v.mT, a.mT),
    "best-only: only the value with the largest weight is taken: all are mixed.": lambda a, v: v[a.argmax(1)],
    "weights-returned: `values` holds the weights themselves: they still have to weigh V.": lambda a, v: a,
    "residual: V is added to the weighted sums.": lambda a, v: torch.mm(a, v) + v,
}  # fmt: skip

ERRORS = errors({
    "softmax-without-axis: the softmax is not told its axis: add `dim=...` with the axis of the keys.": r"softmax\(\) missing .*dim|softmax\(\) received an invalid combination",
    "softmax-no-such-axis: an axis is named that is not there: axes count from 0, and -1 is the last. (Counted from the end, the last two are -2 and -1, however many there are.)": "IndexError: Dimension out of range",
    "softmax-module: nn.Softmax is used as a function: it is a layer, made first with its axis and called afterwards. The function is torch.softmax.": "must be Tensor, not Softmax|dim must be an int or None|'Softmax' (object )?and|'Softmax'|is a Softmax",
    "sizes-do-not-fit: the sizes do not fit: weights (n, n) times values (n, d_v) give (n, d_v), in this order, with `@`.": "shapes cannot be multiplied|size mismatch|must match the size of tensor|Expected size for first two dimensions",
    "dot-of-matrices: torch.dot is given matrices: it takes two vectors. All rows at once are a product of matrices, `@`.": "1D tensors expected|vector, matrix, or other",
    "other-name: a name is used that this function does not know: look at its inputs in the line with `def`.": "NameError",
})  # fmt: skip
