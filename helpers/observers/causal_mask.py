"""Observes mask_future: what the student's object gives, whatever that is. Judged in helpers/exercises/causal_mask.py."""

import torch

from helpers.checks.alone import Place
from helpers.checks.arrays import Arrays, Case
from helpers.checks.objects import hidden_is_infinite, need_function, results
from helpers.checks.observe import Observer

MASK, MASKED = "mask", "masked"


def observe(obj, case: Case) -> Arrays:
    need_function(obj, "def mask_future(scores):")
    seen = results(obj(case["scores"]), (MASK, MASKED), "mask_future", "two matrices")
    if MASKED in seen:
        seen[MASKED] = hidden_is_infinite(seen[MASKED])
    return seen


class Mask(torch.Tensor):
    """True and False that can be used as ones and zeros, too."""

    def __rsub__(self, other):
        return other - self.as_subclass(torch.Tensor).float()

    def __sub__(self, other):
        return self.as_subclass(torch.Tensor).float() - other


places = {
    "mask =": Place("mask", above=lambda value, local: value.as_subclass(Mask)),
    "masked =": Place("masked"),
}
observer = Observer("mask_future", observe, places)
