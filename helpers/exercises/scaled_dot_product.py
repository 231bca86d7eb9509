"""Scaled dot-product attention for any number of axes in front, with an optional mask: four blanks.

Each blank is judged by what the others leave of it: the scores through their softmax (or through a known
wrong one), the softmax by the sums of its rows, the mask beside the student's own unmasked weights, the
weighted sum with the student's own weights.
"""

import numpy as np
import torch
import torch.nn.functional as F

from helpers.checks.arrays import Arrays, Case, tensor, to_array
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import errors, prefixed, properties, values, values_by, values_of
from helpers.checks.objects import hidden_is_infinite
from helpers.checks.softmaxes import ERRORS, SUMS, rows, without
from helpers.checks.softmaxes import SOFTMAXES as SOFTMAXES_OF_MATRICES
from helpers.observers.scaled_dot_product import (
    ATTENTION,
    MASKED,
    MASKED_SCORES,
    MASKED_VALUES,
    SCORES,
    VALUES,
    observer,
)

SOFTMAXES = {
    "axis-0: the softmax runs along axis 0, the batch: it belongs on the last axis, the keys.":
        lambda s: s.softmax(0),
    "axis-1: the softmax runs along axis 1: with axes in front that is not the last one any more.":
        lambda s: s.softmax(1),
    "softmax-guessed: the softmax is not told its axis, and takes the first or the second: it belongs on the last axis, the keys.":
        lambda s: s.softmax(0 if s.dim() == 3 else 1),
    "axis-2: the softmax runs along axis 2: count from the end, so that it is the last axis however many there are.":
        lambda s: s.softmax(2),
    # without the one that needs matrices, and two that are mistakes in the scores as well
    **without(SOFTMAXES_OF_MATRICES, "divided-by-other-sum", "minus", "transposed"),
}  # fmt: skip


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    made = []
    for front, n, d_k, d_v in (((2, 3), 5, 4, 6), ((3,), 6 + int(rng.integers(3)), 5, 2)):
        told, mask = "mask of True and False", torch.ones(n, n).tril().bool()
        if len(front) == 2:  # numbers, one mask for all heads
            told, drawn = "mask of 0 and 1", rng.random((front[0], 1, n, n)) < 0.5
            mask = torch.from_numpy(drawn | np.eye(n, dtype=bool)).float()
        q, k, v = (tensor(rng, *front, n, d) for d in (d_k, d_k, d_v))
        label = f"q {tuple(q.shape)}, v {tuple(v.shape)}, {told}"
        made.append({"q": q, "k": k, "v": v, "mask": mask, "label": label})
    return made


def raw(case: Case) -> torch.Tensor:
    return torch.einsum("...ac, ...bc -> ...ab", case["q"], case["k"])


def right_scores(case: Case) -> torch.Tensor:
    return raw(case) * case["q"].shape[-1] ** -0.5


def hide(case: Case, scores: torch.Tensor, value: float = -torch.inf) -> torch.Tensor:
    """Scores with `value` where the mask is 0."""
    return scores.where(case["mask"].expand(scores.shape).bool(), value)


def expected(case: Case) -> Arrays:
    q, k, v = case["q"], case["k"], case["v"]
    identity = torch.eye(q.shape[-2]).expand(*q.shape[:-1], -1)
    seen = case["mask"].bool()
    found = {
        ATTENTION: F.scaled_dot_product_attention(q, k, identity),
        VALUES: F.scaled_dot_product_attention(q, k, v),
        MASKED: F.scaled_dot_product_attention(q, k, identity, seen),
        MASKED_VALUES: F.scaled_dot_product_attention(q, k, v, seen),
        SCORES: right_scores(case),
        MASKED_SCORES: hide(case, right_scores(case)),
    }
    return {key: to_array(value, key) for key, value in found.items()}


def place(key: str, index: tuple[int, ...], case: Case) -> str:
    name, masked, _ = key.partition(" with the mask")
    return f"{name}{list(index)}{' (with the mask)' if masked else ''}"


def close(seen: Arrays, key: str, values) -> bool:
    return key in seen and exercise.close(seen[key], to_array(values, key))


def of_wrong_softmax(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    """The right scores, behind a known mistake in the softmax."""
    scores = right_scores(case)
    return any(close(seen, ATTENTION, make(scores)) for make in SOFTMAXES.values())


def of_own_scores(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    """Rows are shares of 1, whatever the scores were."""
    own = seen[ATTENTION]
    if own.shape != wanted[ATTENTION].shape:
        return False
    shares = (own >= 0).all() and np.allclose(own.sum(-1), 1, atol=1e-4)
    return bool(shares) and not of_wrong_softmax(seen, wanted, case)


def of_own_weights(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    """The mask does to the student's own weights what it should."""
    if ATTENTION not in seen or seen[ATTENTION].shape != wanted[ATTENTION].shape:
        return False
    # the visible part of the student's own weights, as shares of 1
    if exercise.same(seen, wanted, ATTENTION) or of_own_scores(seen, wanted, case):
        visible = seen[ATTENTION] * case["mask"].double().numpy()
        if exercise.close(seen[MASKED], visible / visible.sum(-1, keepdims=True)):
            return True
    scores = right_scores(case)
    return any(
        close(seen, ATTENTION, make(scores))
        and exercise.close(seen[MASKED], hidden_is_infinite(to_array(make(hide(case, scores, fill)), MASKED)))
        for make in SOFTMAXES.values()
        for fill in (-torch.inf, -9e15)  # not the same where an axis is hidden as a whole
    )


def values_agree(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    """The student's own weights times v, without and with the mask."""
    v = case["v"].double().numpy()
    for key, weights in ((VALUES, ATTENTION), (MASKED_VALUES, MASKED)):
        if key == MASKED_VALUES and key not in seen:
            continue  # the mask's blank is still open
        if key not in seen or weights not in seen:
            return False
        if exercise.close(seen[key], wanted[key]):
            continue
        own = seen[weights]
        if own.shape != wanted[weights].shape or seen[key].shape != wanted[key].shape:
            return False
        if np.isfinite(own).all() and not np.allclose(seen[key], np.matmul(own, v), rtol=1e-3, atol=1e-4):
            return False
    return True


def scores_are(make):
    """Weights of `make(s, q, k, d_k)`, where `s` are the scores that are not scaled yet."""

    def produces(case: Case) -> Arrays:
        q, k = case["q"], case["k"]
        made = make(raw(case), q, k, q.shape[-1])
        if case.get("alone") == "scores = ...":
            return {SCORES: to_array(made, SCORES)}
        return {ATTENTION: to_array(rows(made), ATTENTION)}

    return produces


def to_mask(case: Case) -> tuple[torch.Tensor, torch.Tensor, Case]:
    """The right scores, and 1 where the mask shows them."""
    scores = right_scores(case)
    return scores, case["mask"].expand(scores.shape).to(scores), case


def weighted(make):
    """A mistake in the weighted sum, made for each head of each sentence by itself."""

    def produces(case: Case) -> Arrays:
        weights, v = rows(right_scores(case)).flatten(0, -3), case["v"].flatten(0, -3)
        made = torch.stack([make(a, b) for a, b in zip(weights, v, strict=True)])
        return {VALUES: to_array(made.unflatten(0, case["v"].shape[:-2]), VALUES)}

    return produces


misconceptions = (
    *values({
        "swapped-results: the two results are returned in the other order: values first, then attention.":
            lambda case: {ATTENTION: expected(case)[VALUES], VALUES: expected(case)[ATTENTION]},
    }),
    *values_by(scores_are, {
        "scores-transposed: the keys ask the queries: q comes first, and the keys are transposed.":
            lambda s, q, k, d: s.mT * d**-0.5,
        "scores-not-scaled: the scores are not divided by sqrt(d_k).": lambda s, q, k, d: s,
        "scores-no-root: the scores are divided by d_k: the square root is missing.":
            lambda s, q, k, d: s / d,
        "scores-multiplied: the scores are multiplied by sqrt(d_k): divide by it.":
            lambda s, q, k, d: s * d**0.5,
        "scores-sqrt-tokens: the scores are divided by sqrt(n), the number of tokens: d_k is wanted.":
            lambda s, q, k, d: s / q.shape[-2] ** 0.5,
        "scores-half-d-k: the scores are divided by d_k / 2: the square root is `** 0.5`, or math.sqrt.":
            lambda s, q, k, d: s / (d / 2),
        "scores-twice-d-k: the scores are divided by d_k and by 2: Python reads `/ d_k ** 1 / 2` from the left. Write `** 0.5`.":
            lambda s, q, k, d: s / d / 2,
        "scores-squared: the scores are divided by d_k squared: take the root.": lambda s, q, k, d: s / d**2,
        "scores-queries-with-queries: queries meet queries: the keys are not used.":
            lambda s, q, k, d: torch.matmul(q, q.mT) * d**-0.5,
        "scores-keys-with-keys: keys meet keys: the queries are not used.":
            lambda s, q, k, d: torch.matmul(k, k.mT) * d**-0.5,
        "scores-element-wise: queries and keys are multiplied entry by entry (`*`): every query should meet every key.":
            lambda s, q, k, d: q * k * d**-0.5,
        "scores-fixed-8: the scores are divided by 8, or by its root, whatever the size: use d_k.": lambda s, q, k, d: s / 8,
        "scores-fixed-root-8: the scores are divided by 8, or by its root, whatever the size: use d_k.":
            lambda s, q, k, d: s / 8**0.5,
        "scores-minus: the scores have the wrong sign.": lambda s, q, k, d: -s * d**-0.5,
    }),
    *values_of(ATTENTION, lambda case: (rows(raw(case)) * case["q"].shape[-1] ** -0.5,), {
        "scale-after-softmax: the division by sqrt(d_k) comes after the softmax: divide the scores, before the softmax, or the rows no longer sum to 1.":
            lambda weights: weights,
    }),
    *values_of(ATTENTION, lambda case: (right_scores(case),), SOFTMAXES),
    *values_of(MASKED, to_mask, {
        "mask-upside-down: the visible keys are hidden and the hidden ones are seen: fill where the mask is 0.":
            lambda s, visible, case: rows(s.where(visible == 0, -torch.inf)).nan_to_num(1 / s.shape[-1]),
        "mask-not-used: the mask changes nothing: fill where it is 0.": lambda s, visible, case: rows(s),
        "filled-with-zero: the hidden scores are set to 0, or nearly 0 (-9e-15 is tiny, -9e15 is huge): that is a score like any other. Use -9e15, or minus infinity.":
            lambda s, visible, case: rows(hide(case, s, 0.0)),
        "filled-with-minus-one: the hidden scores are set to -1: softmax still gives them some weight. Use minus infinity, or -9e15.":
            lambda s, visible, case: rows(hide(case, s, -1.0)),
        "filled-with-plus-infinity: the hidden scores are set to a huge positive number, so they take all the weight: the minus is missing.":
            lambda s, visible, case: hide(case, s, 1e30).softmax(-1),
        "filled-with-one: the hidden scores are set to 1: softmax still gives them some weight. Use minus infinity, or -9e15.":
            lambda s, visible, case: rows(hide(case, s, 1.0)),
        "mask-added: the mask is added to the scores: the hidden ones need to become minus infinity (or -9e15).":
            lambda s, visible, case: rows(s + visible),
        "mask-after-softmax: the mask comes after the softmax, so the rows do not sum to 1: fill the scores, before it.":
            lambda s, visible, case: rows(s) * visible,
        "causal-always: the future is hidden whatever the mask says: use the mask that was given.":
            lambda s, visible, case: rows(s.where(torch.ones_like(s).tril() > 0, -torch.inf)),
    }),
    *values_by(weighted, prefixed(SUMS, "values-")),
    *values({
        "values-scores-instead-of-weights: the values are weighed with the scores: use the weights that come out of the softmax.":
            lambda case: {VALUES: to_array(torch.matmul(right_scores(case), case["v"]), VALUES)},
    }),
    *properties({
        "other-cell: the attention does not hang on the inputs: it is made of matrices of other cells (Q, K, E or A). Here they are q, k and v, in small letters.":
            lambda seen, wanted, case: ATTENTION in seen and seen[ATTENTION].ndim < case["q"].ndim,
        "values-keys-mixed: the keys (or queries) are mixed instead of the values: the weights weigh v.":
            lambda seen, wanted, case: (
                close(seen, VALUES, torch.matmul(rows(right_scores(case)), case["k"]))
                or close(seen, VALUES, torch.matmul(rows(right_scores(case)), case["q"]))
            ),
    }),
    *errors({
        "axes-do-not-fit: the axes do not fit. For scores, swap the last two axes of k: transpose with -2 and -1 (`.T` and transpose(0, 1) are for matrices). For values, `@` and not `*`: (n, n) times (n, d_v). And it is q, k and v, in small letters: Q, K and V belong to other cells.":
            "must match the size of tensor|Expected size for first two dimensions|shapes cannot be multiplied"
            "|Expected batch2_sizes|expected .* to have .* but got|only supported on (matrices|2-D)",
        "mask-not-inverted: `~` is used on numbers: compare the mask with 0 instead, that works for numbers and for True and False.": "bitwise_not|unary ~|operator.invert",
        "fill-arguments: masked_fill is given something else than it takes: first the places, a tensor of True and False (as a comparison of the mask with 0 gives), then the number that is put there.": r"masked_fill\(\) (received|missing)",
        "mask-as-index: the mask stands as an index, which would take scores out: they all stay, and some are replaced.": "shape of the mask",
        "infinity-without-name: `inf` is used without saying whose: write math.inf, or float(\"inf\").": "NameError: name '(inf|Infinity|infinity)'",
        "mask-not-boolean: masked_fill is given numbers as places: it wants True and False, as a comparison of the mask with 0 gives.": "only supports bool(ean)? masks|mask.* bool",
        "mask-subtracted: a True-False mask is used in a subtraction: compare it with 0 instead.": "Subtraction, the `-` operator, with (a bool|two bool)",
        "root-of-a-number: torch.sqrt is given a plain number: use math.sqrt, or `** 0.5`.": r"sqrt\(\): argument 'input' .* must be Tensor, not (int|float)",
        "transpose-without-axes: transpose is not told which two axes to swap: the last two are -2 and -1.": r"transpose\(\).*(missing|invalid combination)",
    }),
    *ERRORS,
)  # fmt: skip


def given(case: Case) -> dict:
    scores = right_scores(case)
    hidden = hide(case, scores)
    return {"scores = ...": scores, "masked_fill(": hidden, "attention =": (rows(scores), rows(hidden))}


parts = (
    Part("scores, scaled", 0.5, (ATTENTION,), own=of_wrong_softmax, blank="scores = ...", alone=(SCORES,)),
    Part("mask", 0.5, (MASKED,), own=of_own_weights, blank="masked_fill(", alone=(MASKED_SCORES,)),
    Part("attention weights", 0.5, (ATTENTION,), own=of_own_scores, blank="attention ="),
    Part("weighted sum of the values", 0.5, (VALUES, MASKED_VALUES), agrees=values_agree, blank="values ="),
)
hints = (
    "It is your three functions again. Ask of each line: which axes does it mean, and how are they counted from "
    "the end?",
    "k has to be transposed in its last two axes; softmax runs along the last; masked_fill takes places (True "
    "and False) and a number.",
    "scores: q, `@`, k with axes -2 and -1 transposed, divided by math.sqrt of d_k. masked_fill: where mask "
    "equals 0, and -9e15. attention: softmax of scores with dim=-1. values: attention, `@`, v.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, place, given=given)
