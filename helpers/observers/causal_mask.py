"""Observes mask_future: what the student's object gives, whatever that is. Judged in helpers/exercises/causal_mask.py."""

import numpy as np

from helpers.checks.arrays import Arrays, Case
from helpers.checks.objects import need_function, results
from helpers.checks.observe import Observer

MASK, MASKED = "mask", "masked"
HIDDEN = -1e8  # what is below counts as minus infinity: softmax gives it a weight of 0


def observe(obj, case: Case) -> Arrays:
    need_function(obj, "def mask_future(scores):")
    seen = results(obj(case["scores"]), (MASK, MASKED), "mask_future", "two matrices")
    if MASKED in seen:
        seen[MASKED] = np.where(seen[MASKED] < HIDDEN, -np.inf, seen[MASKED])
    return seen


observer = Observer("mask_future", observe)
