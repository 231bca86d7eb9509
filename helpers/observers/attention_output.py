"""Observes attention_output: what the student's object gives, whatever that is. Judged in helpers/exercises/attention_output.py."""

from helpers.checks.arrays import Arrays, Case, Unfit, to_array
from helpers.checks.observe import Observer

ATTENTION, VALUES = "attention", "values"


def observe(obj, case: Case) -> Arrays:
    if not callable(obj):
        raise Unfit(
            "attention_output should be a function: keep the line `def attention_output(scores, V):`."
        )
    return pair(obj(case["scores"], case["V"]), "attention_output")


def pair(result, name: str) -> Arrays:
    """`values, attention` as a function returned them; what is still `...` is left out."""
    if result is None:
        raise Unfit(f"{name} gave None. Does it end with `return values, attention`?")
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise Unfit(
            f"{name} should return two tensors: keep the line `return values, attention` that was given."
        )
    return {
        key: to_array(value, key)
        for key, value in zip((VALUES, ATTENTION), result, strict=True)
        if value is not ...
    }


observer = Observer("attention_output", observe)
