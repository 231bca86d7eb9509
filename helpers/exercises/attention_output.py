"""Attention weights (softmax of each row of scores) and the weighted sums of the values."""

import numpy as np
import torch

from helpers.checks.arrays import Arrays, Case, tensor, to_array
from helpers.checks.exercise import Exercise, Misconception, Part
from helpers.checks.mistakes import values
from helpers.checks.softmaxes import ERRORS, SOFTMAXES, SUMS, rows
from helpers.observers.attention_output import ATTENTION, VALUES, observer


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    made = []
    for n, d_v, hides in ((5, 3, False), (4, 6, True), (6 + int(rng.integers(3)), 2, False)):
        scores = tensor(rng, n, n)
        if hides:  # as the causal mask does
            row, column = torch.triu_indices(n, n, 1)
            scores[row, column] = -torch.inf
        label = f"n = {n} tokens, d_v = {d_v}{', causal mask' if hides else ''}"
        made.append({"scores": scores, "V": tensor(rng, n, d_v), "label": label})
    return made


def expected(case: Case) -> Arrays:
    weights = rows(case["scores"])
    return {ATTENTION: to_array(weights, ATTENTION), VALUES: to_array(torch.mm(weights, case["V"]), VALUES)}


def values_agree(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    """Right, or right for the student's own weights."""
    if VALUES not in seen:
        return False
    if exercise.close(seen[VALUES], wanted[VALUES]):
        return True
    n = len(case["scores"])
    own = seen.get(ATTENTION)
    if own is None or own.shape != (n, n):
        return False
    with np.errstate(invalid="ignore"):  # minus infinity, where the softmax is missing
        return exercise.close(seen[VALUES], np.matmul(own, case["V"].double().numpy()), nan=True)


# --- what goes wrong ------------------------------------------------------------------------------


def weights_from(values):
    """Values of `attention` for a mistake in the first blank; the weighted sum is another question."""
    return lambda case: {ATTENTION: to_array(values(case["scores"]), ATTENTION)}


def wrong_sum(slug: str, message: str, values) -> Misconception:
    """`values(a, V)` for a mistake in the second blank, the weights being right."""
    return Misconception(
        slug, f"{message}.", lambda case: {VALUES: to_array(values(rows(case["scores"]), case["V"]), VALUES)}
    )


misconceptions = (
    *values({
        "swapped-results: the two results are returned in the other order: values first, then attention.":
            lambda case: {ATTENTION: expected(case)[VALUES], VALUES: expected(case)[ATTENTION]},
    }),
    *(Misconception(slug, f"{text}.", weights_from(values)) for slug, text, values in SOFTMAXES),
    *values({
        "scaled-again: the scores are divided by a square root again: they come scaled already.":
            lambda case: {ATTENTION: to_array(rows(case["scores"] * case["V"].shape[1] ** -0.5), ATTENTION)},
        "scaled-again-by-tokens: the scores are divided by a square root again: they come scaled already.":
            lambda case: {ATTENTION: to_array(rows(case["scores"] * len(case["V"]) ** -0.5), ATTENTION)},
    }),
    *(wrong_sum(*entry) for entry in SUMS),
    *values({
        "scores-instead-of-weights: the values are weighed with the scores: use the weights that come out of the softmax.":
            lambda case: {VALUES: to_array(torch.mm(case["scores"], case["V"]), VALUES)},
    }),
    *ERRORS,
)  # fmt: skip

exercise = Exercise(
    observer=observer,
    cases=cases,
    expected=expected,
    parts=(
        Part("attention weights", 1, (ATTENTION,), blank="attention ="),
        Part("weighted sum of the values", 1, (VALUES,), values_agree, blank="values ="),
    ),
    misconceptions=misconceptions,
    hints=(
        "Look at the table A above: which way do the numbers sum to 1? And how did the loops of step 5 combine A and V?",
        "Axis 0 runs down a column, axis 1 runs along a row. A weighted sum for each row is one product of matrices: "
        "(n, n) times (n, d_v).",
        "attention: torch.softmax of the scores along axis 1 (or -1). values: `attention`, then `@`, then V.",
    ),
)
