"""Scaled dot-product attention for any number of axes in front, with an optional mask: four blanks.

Each blank is judged by what the others leave of it: the scores through their softmax (or through a known
wrong one), the softmax by the sums of its rows, the mask beside the student's own unmasked weights, the
weighted sum with the student's own weights.
"""

import numpy as np
import torch
import torch.nn.functional as F

from helpers.checks.arrays import Arrays, Case, tensor, to_array
from helpers.checks.exercise import Exercise, Misconception, Part
from helpers.checks.mistakes import errors, properties, values
from helpers.checks.softmaxes import ERRORS, SUMS, rows
from helpers.checks.softmaxes import SOFTMAXES as SOFTMAXES_OF_MATRICES
from helpers.observers.scaled_dot_product import (
    ATTENTION,
    MASKED,
    MASKED_VALUES,
    VALUES,
    hidden_is_infinite,
    observer,
)

# without the one that needs matrices, and two that are mistakes in the scores as well
SOFTMAXES = tuple(
    entry
    for entry in SOFTMAXES_OF_MATRICES
    if entry[0] not in ("divided-by-other-sum", "minus", "transposed")
)


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    made = []
    for front, n, d_k, d_v in (((2, 3), 5, 4, 6), ((3,), 6 + int(rng.integers(3)), 5, 2)):
        if len(front) == 2:  # numbers, one mask for all heads
            mask = torch.from_numpy((rng.random((front[0], 1, n, n)) < 0.5).astype(np.float32))
            mask = torch.maximum(mask, torch.eye(n))
            told = "mask of 0 and 1"
        else:
            position = torch.arange(n)
            mask = position[None, :] <= position[:, None]
            told = "mask of True and False"
        q, k = tensor(rng, *front, n, d_k), tensor(rng, *front, n, d_k)
        made.append(
            {
                "q": q,
                "k": k,
                "v": tensor(rng, *front, n, d_v),
                "mask": mask,
                "label": f"q {tuple(q.shape)}, v {(*front, n, d_v)}, {told}",
            }
        )
    return made


def raw(case: Case) -> torch.Tensor:
    return torch.einsum("...ac, ...bc -> ...ab", case["q"], case["k"])


def right_scores(case: Case) -> torch.Tensor:
    return raw(case) * case["q"].shape[-1] ** -0.5


def hide(case: Case, scores: torch.Tensor, value: float = -torch.inf) -> torch.Tensor:
    """Scores with `value` where the mask is 0."""
    return scores.where(case["mask"].expand(scores.shape).bool(), torch.tensor(value))


def expected(case: Case) -> Arrays:
    q, k, v = case["q"], case["k"], case["v"]
    identity = torch.eye(q.shape[-2]).expand(*q.shape[:-1], -1)
    seen = case["mask"].bool()
    found = {
        ATTENTION: F.scaled_dot_product_attention(q, k, identity),
        VALUES: F.scaled_dot_product_attention(q, k, v),
        MASKED: F.scaled_dot_product_attention(q, k, identity, seen),
        MASKED_VALUES: F.scaled_dot_product_attention(q, k, v, seen),
    }
    return {key: to_array(value, key) for key, value in found.items()}


def place(key: str, index: tuple[int, ...], case: Case) -> str:
    name, masked, _ = key.partition(" with the mask")
    return f"{name}{list(index)}{' (with the mask)' if masked else ''}"


def close(seen: Arrays, key: str, values) -> bool:
    return key in seen and exercise.close(seen[key], to_array(values, key))


def wrong_softmaxes(case: Case) -> list:
    return [make for _, _, make in (*SOFTMAXES, *AXES)]


def scores_agree(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    if close(seen, ATTENTION, wanted[ATTENTION]):
        return True
    scores = right_scores(case)
    return any(close(seen, ATTENTION, make(scores)) for make in wrong_softmaxes(case))


def softmax_agrees(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    """Rows are shares of 1, whatever the scores were."""
    if ATTENTION not in seen or seen[ATTENTION].shape != wanted[ATTENTION].shape:
        return False
    own = seen[ATTENTION]
    if exercise.close(own, wanted[ATTENTION]):
        return True
    shares = (own >= 0).all() and np.allclose(own.sum(-1), 1, atol=1e-4)
    scores = right_scores(case)
    return bool(shares) and not any(close(seen, ATTENTION, make(scores)) for make in wrong_softmaxes(case))


def mask_agrees(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    if MASKED not in seen:
        return False
    if exercise.close(seen[MASKED], wanted[MASKED]):
        return True
    if ATTENTION not in seen or seen[ATTENTION].shape != wanted[ATTENTION].shape:
        return False
    if softmax_agrees(seen, wanted, case):  # the visible part of the student's own weights, as shares of 1
        visible = seen[ATTENTION] * case["mask"].double().numpy()
        if exercise.close(seen[MASKED], visible / visible.sum(-1, keepdims=True)):
            return True
    scores = right_scores(case)
    return any(
        close(seen, ATTENTION, make(scores))
        and exercise.close(seen[MASKED], hidden_is_infinite(to_array(make(hide(case, scores, fill)), MASKED)))
        for make in wrong_softmaxes(case)
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


AXES = (
    ("axis-0", "the softmax runs along axis 0, the batch: it belongs on the last axis, the keys", lambda s: s.softmax(0)),
    ("axis-1", "the softmax runs along axis 1: with axes in front that is not the last one any more", lambda s: s.softmax(1)),
    ("axis-2", "the softmax runs along axis 2: count from the end, so that it is the last axis however many there are", lambda s: s.softmax(2)),
)  # fmt: skip

SCORES = (
    ("transposed", "the keys ask the queries: q comes first, and the keys are transposed", lambda q, k: torch.matmul(k, q.mT) * q.shape[-1] ** -0.5),
    ("not-scaled", "the scores are not divided by sqrt(d_k)", lambda q, k: torch.matmul(q, k.mT)),
    ("no-root", "the scores are divided by d_k: the square root is missing", lambda q, k: torch.matmul(q, k.mT) / q.shape[-1]),
    ("multiplied", "the scores are multiplied by sqrt(d_k): divide by it", lambda q, k: torch.matmul(q, k.mT) * q.shape[-1] ** 0.5),
    ("sqrt-tokens", "the scores are divided by sqrt(n), the number of tokens: d_k is wanted", lambda q, k: torch.matmul(q, k.mT) / q.shape[-2] ** 0.5),
    ("half-d-k", "the scores are divided by d_k / 2: the square root is `** 0.5`, or math.sqrt", lambda q, k: torch.matmul(q, k.mT) / (q.shape[-1] / 2)),
    ("twice-d-k", "the scores are divided by d_k and by 2: Python reads `/ d_k ** 1 / 2` from the left. Write `** 0.5`", lambda q, k: torch.matmul(q, k.mT) / q.shape[-1] / 2),
    ("squared", "the scores are divided by d_k squared: take the root", lambda q, k: torch.matmul(q, k.mT) / q.shape[-1] ** 2),
    ("queries-with-queries", "queries meet queries: the keys are not used", lambda q, k: torch.matmul(q, q.mT) * q.shape[-1] ** -0.5),
    ("keys-with-keys", "keys meet keys: the queries are not used", lambda q, k: torch.matmul(k, k.mT) * q.shape[-1] ** -0.5),
    ("minus", "the scores have the wrong sign", lambda q, k: torch.matmul(-q, k.mT) * q.shape[-1] ** -0.5),
)  # fmt: skip


def wrong_weights(slug: str, message: str, make) -> Misconception:
    return Misconception(slug, f"{message}.", lambda case: {ATTENTION: to_array(make(case), ATTENTION)})


def wrong_mask(slug: str, message: str, make) -> Misconception:
    """`make(case, scores, visible)` gives the masked weights of a mistake in the second blank."""

    def produces(case: Case) -> Arrays:
        scores = right_scores(case)
        visible = case["mask"].expand(scores.shape).to(scores)
        return {MASKED: to_array(make(case, scores, visible), MASKED)}

    return Misconception(slug, f"{message}.", produces)


def wrong_values(slug: str, message: str, make) -> Misconception:
    """A mistake in the weighted sum, made for each head of each sentence by itself."""

    def produces(case: Case) -> Arrays:
        front = case["v"].shape[:-2]
        weights, v = rows(right_scores(case)).flatten(0, -3), case["v"].flatten(0, -3)
        made = torch.stack([make(a, b) for a, b in zip(weights, v, strict=True)])
        return {VALUES: to_array(made.unflatten(0, front), VALUES)}

    return Misconception(slug, f"{message}.", produces)


def scale_after(case: Case) -> torch.Tensor:
    return rows(raw(case)) * case["q"].shape[-1] ** -0.5


misconceptions = (
    *values({
        "swapped-results: the two results are returned in the other order: values first, then attention.":
            lambda case: {ATTENTION: expected(case)[VALUES], VALUES: expected(case)[ATTENTION]},
    }),
    *(
        wrong_weights(f"scores-{slug}", text, lambda case, make=make: rows(make(case["q"], case["k"])))
        for slug, text, make in SCORES
    ),
    wrong_weights(
        "scale-after-softmax",
        "the division by sqrt(d_k) comes after the softmax: divide the scores, before the softmax, or the rows no "
        "longer sum to 1",
        scale_after,
    ),
    *(
        wrong_weights(slug, text, lambda case, make=make: make(right_scores(case)))
        for slug, text, make in (*AXES, *SOFTMAXES)
    ),
    wrong_mask(
        "mask-upside-down",
        "the visible keys are hidden and the hidden ones are seen: fill where the mask is 0",
        lambda case, s, visible: rows(s.where(visible == 0, torch.tensor(-torch.inf))).nan_to_num(
            1 / s.shape[-1]
        ),
    ),
    wrong_mask(
        "mask-not-used", "the mask changes nothing: fill where it is 0", lambda case, s, visible: rows(s)
    ),
    wrong_mask(
        "filled-with-zero",
        "the hidden scores are set to 0, or nearly 0 (-9e-15 is tiny, -9e15 is huge): that is a score like any other. "
        "Use -9e15, or minus infinity",
        lambda case, s, visible: rows(hide(case, s, 0.0)),
    ),
    wrong_mask(
        "filled-with-minus-one",
        "the hidden scores are set to -1: softmax still gives them some weight. Use minus infinity, or -9e15",
        lambda case, s, visible: rows(hide(case, s, -1.0)),
    ),
    wrong_mask(
        "filled-with-plus-infinity",
        "the hidden scores are set to a huge positive number, so they take all the weight: the minus is missing",
        lambda case, s, visible: hide(case, s, 1e30).softmax(-1),
    ),
    wrong_mask(
        "filled-with-one",
        "the hidden scores are set to 1: softmax still gives them some weight. Use minus infinity, or -9e15",
        lambda case, s, visible: rows(hide(case, s, 1.0)),
    ),
    wrong_mask(
        "mask-after-softmax",
        "the mask comes after the softmax, so the rows do not sum to 1: fill the scores, before it",
        lambda case, s, visible: rows(s) * visible,
    ),
    wrong_mask(
        "causal-always",
        "the future is hidden whatever the mask says: use the mask that was given",
        lambda case, s, visible: rows(
            s.where(torch.ones_like(s).cumsum(-1) <= torch.ones_like(s).cumsum(-2), torch.tensor(-torch.inf))
        ),
    ),
    *(wrong_values(f"values-{slug}", text, make) for slug, text, make in SUMS),
    *values({
        "values-scores-instead-of-weights: the values are weighed with the scores: use the weights that come out of the softmax.":
            lambda case: {VALUES: to_array(torch.matmul(right_scores(case), case["v"]), VALUES)},
    }),
    *properties({
        "values-keys-mixed: the keys (or queries) are mixed instead of the values: the weights weigh v.":
            lambda seen, wanted, case: (
                close(seen, VALUES, torch.matmul(rows(right_scores(case)), case["k"]))
                or close(seen, VALUES, torch.matmul(rows(right_scores(case)), case["q"]))
            ),
    }),
    *errors({
        "axes-do-not-fit: the axes do not fit. For scores, swap the last two axes of k: transpose with -2 and -1 (`.T` and transpose(0, 1) are for matrices). For values, `@` and not `*`: (n, n) times (n, d_v).":
            "must match the size of tensor|Expected size for first two dimensions|shapes cannot be multiplied"
            "|Expected batch2_sizes|expected .* to have .* but got|only supported on (matrices|2-D)",
        "mask-not-inverted: `~` is used on numbers: compare the mask with 0 instead, that works for numbers and for True and False.": "bitwise_not|unary ~|operator.invert",
        "mask-not-boolean: masked_fill is given numbers as places: it wants True and False, as a comparison of the mask with 0 gives.": "only supports bool(ean)? masks|mask.* bool",
        "mask-subtracted: a True-False mask is used in a subtraction: compare it with 0 instead.": "Subtraction, the `-` operator, with (a bool|two bool)",
        "root-of-a-number: torch.sqrt is given a plain number: use math.sqrt, or `** 0.5`.": r"sqrt\(\): argument 'input' .* must be Tensor, not (int|float)",
        "transpose-without-axes: transpose is not told which two axes to swap: the last two are -2 and -1.": r"transpose\(\).*(missing|invalid combination)",
    }),
    *ERRORS,
)  # fmt: skip


parts = (
    Part("scores, scaled", 0.5, (ATTENTION,), own=scores_agree, blank="scores = ..."),
    Part("mask", 0.5, (MASKED,), own=mask_agrees, blank="masked_fill("),
    Part("attention weights", 0.5, (ATTENTION,), own=softmax_agrees, blank="attention ="),
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
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, place)
