"""Attention weights (softmax of each row of scores) and the weighted sums of the values."""

import numpy as np
import torch

from helpers.checks.arrays import Arrays, Case, tensor, to_array
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import values, values_of
from helpers.checks.softmaxes import ERRORS, SOFTMAXES, SUMS, rows
from helpers.observers.attention_output import ATTENTION, VALUES, observer


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    sizes = ((5, 3, ""), (4, 6, ", causal mask"), (6 + int(rng.integers(3)), 2, ""))
    return [
        {
            "scores": tensor(rng, n, n) + (torch.full((n, n), -torch.inf).triu(1) if masked else 0),
            "V": tensor(rng, n, d_v),
            "label": f"n = {n} tokens, d_v = {d_v}{masked}",
        }
        for n, d_v, masked in sizes
    ]


def expected(case: Case) -> Arrays:
    weights = rows(case["scores"])
    return {ATTENTION: to_array(weights, ATTENTION), VALUES: to_array(torch.mm(weights, case["V"]), VALUES)}


def of_own_weights(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    """Right for the student's own weights."""
    n = len(case["scores"])
    own = seen.get(ATTENTION)
    if own is None or own.shape != (n, n):
        return False
    with np.errstate(invalid="ignore"):  # minus infinity, where the softmax is missing
        return exercise.close(seen[VALUES], np.matmul(own, case["V"].double().numpy()), nan=True)


def weights_and_values(case: Case) -> tuple[torch.Tensor, torch.Tensor]:
    return rows(case["scores"]), case["V"]


misconceptions = (
    *values({
        "swapped-results: the two results are returned in the other order: values first, then attention.":
            lambda case: {ATTENTION: expected(case)[VALUES], VALUES: expected(case)[ATTENTION]},
    }),
    *values_of(ATTENTION, ("scores",), SOFTMAXES),
    *values_of(ATTENTION, ("scores", "V"), {
        "scaled-again: the scores are divided by a square root again: they come scaled already.":
            lambda s, v: rows(s * v.shape[1] ** -0.5),
        "scaled-again-by-tokens: the scores are divided by a square root again: they come scaled already.":
            lambda s, v: rows(s * len(v) ** -0.5),
    }),
    *values_of(VALUES, weights_and_values, SUMS),
    *values_of(VALUES, ("scores", "V"), {
        "scores-instead-of-weights: the values are weighed with the scores: use the weights that come out of the softmax.": torch.mm,
    }),
    *ERRORS,
)  # fmt: skip


def given(case: Case) -> dict:
    return {"attention =": rows(case["scores"])}


parts = (
    Part("attention weights", 1, (ATTENTION,), blank="attention ="),
    Part("weighted sum of the values", 1, (VALUES,), own=of_own_weights, blank="values ="),
)
hints = (
    "Look at the table A above: which way do the numbers sum to 1? And how did the loops of step 5 combine A and V?",
    "Axis 0 runs down a column, axis 1 runs along a row. A weighted sum for each row is one product of matrices: "
    "(n, n) times (n, d_v).",
    "attention: torch.softmax of the scores along axis 1 (or -1). values: `attention`, then `@`, then V.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, given=given)
