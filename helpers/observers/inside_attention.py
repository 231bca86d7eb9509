"""Observes attention_weights: what the student's object gives, whatever that is. Judged in helpers/exercises/inside_attention.py."""

from helpers.checks.arrays import Arrays, Case, Unfit
from helpers.checks.objects import results
from helpers.checks.observe import Observer

SCORES, A = "scores", "A"


def observe(obj, case: Case) -> Arrays:
    if not callable(obj):
        raise Unfit("attention_weights should be a function: keep the line `def attention_weights(q, k):`.")
    return results(obj(case["q"], case["k"]), (SCORES, A), "attention_weights", "tensors")


observer = Observer("attention_weights", observe)
