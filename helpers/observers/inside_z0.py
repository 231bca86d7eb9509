"""Observes transformer_input: what the student's object gives, whatever that is. Judged in helpers/exercises/inside_z0.py."""

from helpers.checks.arrays import Arrays, Case, Unfit
from helpers.checks.objects import results
from helpers.checks.observe import Observer

TOKENS, Z0 = "tokens", "z0"


def observe(obj, case: Case) -> Arrays:
    if not callable(obj):
        raise Unfit(
            "transformer_input should be a function: keep the line `def transformer_input(...):` that was given."
        )
    result = obj(case["patches"], case["class_token"], case["positions"])
    return results(result, (TOKENS, Z0), "transformer_input", "matrices of tokens")


observer = Observer("transformer_input", observe)
