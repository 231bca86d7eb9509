"""Observes transformer_input: what the student's object gives, whatever that is. Judged in helpers/exercises/inside_z0.py."""

import torch

from helpers.checks.arrays import Arrays, Case, Unfit, to_array
from helpers.checks.observe import Observer

TOKENS, Z0 = "tokens", "z0"


def observe(obj, case: Case) -> Arrays:
    if not callable(obj):
        raise Unfit(
            "transformer_input should be a function: keep the line `def transformer_input(...):` that was given."
        )
    result = obj(case["patches"], case["class_token"], case["positions"])
    return results(result, (TOKENS, Z0), "transformer_input", "matrices of tokens")


def results(result, names: tuple[str, ...], function: str, what: str) -> Arrays:
    """What a function returned, by name; what is still `...` is left out."""
    line = f"`return {', '.join(names)}`"
    if result is None:
        raise Unfit(f"{function} gave None. Does it end with {line}?")
    if not isinstance(result, (tuple, list, torch.Tensor)) or len(result) != len(names):
        raise Unfit(f"{function} should return {len(names)} {what}: keep the line {line} that was given.")
    return {
        name: to_array(value, name) for name, value in zip(names, result, strict=True) if value is not ...
    }


observer = Observer("transformer_input", observe)
