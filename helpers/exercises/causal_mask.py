"""The causal mask: a query may see its own key and those before it."""

import numpy as np
import torch

from helpers.checks.arrays import Arrays, Case, tensor, to_array
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import errors, properties, values, values_by, values_of
from helpers.checks.objects import hidden_is_infinite
from helpers.observers.causal_mask import MASK, MASKED, observer


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    sizes = (5, 3, 6 + int(rng.integers(4)))
    return [{"scores": tensor(rng, n, n), "label": f"n = {n} tokens"} for n in sizes]


def allowed(case: Case) -> torch.Tensor:
    """True where the position of the key is at most that of the query."""
    position = torch.arange(len(case["scores"]))
    return position[None, :] <= position[:, None]


def put(case: Case, where: torch.Tensor | np.ndarray, value: float) -> np.ndarray:
    """The scores with `value` in the places `where`."""
    changed = case["scores"].double().numpy().copy()
    changed[np.asarray(where, dtype=bool)] = value
    return changed


def expected(case: Case) -> Arrays:
    return {MASK: to_array(allowed(case), MASK), MASKED: put(case, ~allowed(case), -np.inf)}


def of_own_mask(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    """Right for the student's own mask."""
    own = seen.get(MASK)
    if own is None or own.shape != wanted[MASK].shape or not (own == 0).any() or not (own != 0).any():
        return False
    return exercise.close(seen[MASKED], put(case, own == 0, -np.inf))


def right_mask(case: Case) -> tuple[torch.Tensor]:
    return (allowed(case).double(),)


def masked(make):
    """`make(scores, a, case)` for a mistake in the masked scores, where `a` is the right mask."""

    def produces(case: Case) -> Arrays:
        made = to_array(make(case["scores"].double(), *right_mask(case), case), MASKED)
        return {MASKED: hidden_is_infinite(made)}

    return produces


def diagonal(a: torch.Tensor, offset: int = 0) -> torch.Tensor:
    """Ones on one diagonal, zeros elsewhere."""
    return torch.diag_embed(torch.ones(len(a) - abs(offset)), offset).double()


misconceptions = (
    *values_of(MASK, right_mask, {
        "upside-down: the mask shows the future and hides the past: the ones belong on and below the diagonal.":
            lambda a: a.T,
        "ones-are-hidden: ones and zeros of the mask have changed places: 1 means visible, 0 hidden.":
            lambda a: 1 - a,
        "diagonal-hidden: the diagonal is hidden: a token may look at itself (or the first one would see nothing at all).":
            lambda a: a - diagonal(a),
        "one-too-many: the mask shows one token of the future: the diagonal itself is the last that may be seen.":
            lambda a: a + diagonal(a, 1),
        "diagonal-only: each token sees nothing but itself: what came before it may be seen, too.": diagonal,
        "nothing-hidden: the mask is all ones: nothing is hidden.": torch.ones_like,
        "all-hidden: the mask is all zeros: everything is hidden.": torch.zeros_like,
        "infinity-in-mask: the mask holds minus infinity: here it says only 1 (visible) or 0 (hidden); the infinities come in the next line.":
            lambda a: (1 / a).where(a > 0, -torch.inf).where(a == 0, 0.0),
        "infinity-and-ones: the mask holds minus infinity: here it says only 1 (visible) or 0 (hidden); the infinities come in the next line.":
            lambda a: a.where(a > 0, -torch.inf),
        "one-row: the mask is one row: it needs one for every query, n x n.": lambda a: a[-1],
    }),
    *values({
        "scores-in-mask: the scores themselves stand in the mask: it holds ones where they may be seen, not the scores.":
            lambda case: {MASK: put(case, ~allowed(case), 0.0)},
    }),
    *values_by(masked, {
        "zero-instead: the future gets the score 0, or nearly 0 (-9e-15 is tiny, -9e15 is huge): that is a score like any other. It should be minus infinity.":
            lambda s, a, case: s * a,
        "past-hidden: the places with mask 1 are hidden: minus infinity belongs where mask is 0.":
            lambda s, a, case: put(case, a > 0, -np.inf),
        "unchanged: the scores come out as they went in: nothing is hidden.": lambda s, a, case: s,
        "mask-added: the mask is added to the scores: 1 and 0 hide nothing.": lambda s, a, case: s + a,
        "plus-infinity: the future gets plus infinity: that would take all the weight. The sign is missing.":
            lambda s, a, case: put(case, a == 0, np.inf),
        "one-subtracted: the future gets 1 less: softmax would still give it some weight. It should be minus infinity.":
            lambda s, a, case: s - (1 - a),
        "minus-one: the future gets the score -1: softmax would still give it some weight. It should be minus infinity.":
            lambda s, a, case: put(case, a == 0, -1.0),
        "mask-filled: the visible places hold the mask, not the scores: fill the scores.":
            lambda s, a, case: a.where(a > 0, -torch.inf),
        "scores-lost: the visible places hold zeros, not the scores: fill the scores.":
            lambda s, a, case: a.where(a == 0, 0.0).where(a > 0, -torch.inf),
        "softmax-too: a softmax was taken too: that comes in the next step.":
            lambda s, a, case: torch.from_numpy(put(case, a == 0, -np.inf)).softmax(1),
    }),
    *properties({
        "zero-times-infinity: infinity is multiplied by the mask: 0 times infinity is not a number (NaN). Fill instead of multiplying.":
            lambda seen, wanted, case: MASKED in seen and np.isnan(seen[MASKED]).any(),
    }),
    *properties({
        "size-written-out: the mask has always 5 rows and columns: it needs n of each.":
            lambda seen, wanted, case: MASK in seen and seen[MASK].shape == (5, 5),
    }),
    *errors({
        "mask-not-boolean: masked_fill is given numbers: it wants True and False, as a comparison of the mask with 0 gives.": "only supports bool(ean)? masks|expects? .*mask.* bool|condition.*bool|where expected condition",
        "not-a-size: tril or triu is given a number: they cut a matrix, so make an n x n matrix of ones first.": r"tri[lu]\(\): argument 'input' .* must be Tensor|tri[lu]\(\) received an invalid combination",
        "vector-cut: tril or triu is given a vector: make an n x n matrix of ones, not n ones.": "must have at least 2 dimensions",
        'infinity-without-name: `inf` is used without saying whose: write math.inf, or float("inf").': "NameError: name '(inf|Infinity|infinity)'",
        "sizes-differ: mask and scores do not have the same size: the mask is n x n.": "must match the size of tensor|must be broadcastable|mask .* shape",
        "no-value: masked_fill is not told what to fill in: it takes the places and the value.": r"masked_fill\(\).*(missing|invalid combination)",
    }),
)  # fmt: skip


def given(case: Case) -> dict:
    return {"mask =": allowed(case)}


parts = (
    Part("mask", 1, (MASK,), blank="mask ="),
    Part("masked scores", 1, (MASKED,), own=of_own_mask, blank="masked ="),
)
hints = (
    "Write the mask for three tokens on paper: token 0 sees one key, token 1 sees two, token 2 sees three.",
    "torch.tril keeps what is on and below the diagonal of a matrix and writes 0 elsewhere. What matrix do you "
    "give it?",
    "mask: the lower triangle (tril) of an n x n matrix of ones. masked: call `masked_fill` on the scores, "
    "with two things in brackets: where (the places in which the mask equals 0), and what (minus infinity, -math.inf).",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, given=given)
