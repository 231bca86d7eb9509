"""Observes mask_future: what the student's object gives, whatever that is. Judged in helpers/exercises/causal_mask.py."""

import numpy as np

from helpers.checks.arrays import Arrays, Case, Unfit, to_array
from helpers.checks.observe import Observer

MASK, MASKED = "mask", "masked"
HIDDEN = -1e8  # what is below counts as minus infinity: softmax gives it a weight of 0


def observe(obj, case: Case) -> Arrays:
    if not callable(obj):
        raise Unfit("mask_future should be a function: keep the line `def mask_future(scores):`.")
    result = obj(case["scores"])
    if result is None:
        raise Unfit("mask_future gave None. Does it end with `return mask, masked`?")
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise Unfit(
            "mask_future should return two matrices: keep the line `return mask, masked` that was given."
        )
    seen = {
        key: to_array(value, key)
        for key, value in zip((MASK, MASKED), result, strict=True)
        if value is not ...
    }
    if MASKED in seen:
        seen[MASKED] = np.where(seen[MASKED] < HIDDEN, -np.inf, seen[MASKED])
    return seen


observer = Observer("mask_future", observe)
