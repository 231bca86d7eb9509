"""Observes scaled_scores: what the student's object gives, whatever that is. Judged in helpers/exercises/attention_scores.py."""

from helpers.checks.arrays import Arrays, Case, Unfit, to_array
from helpers.checks.observe import Observer

E, SCALED = "E", "scaled"


def observe(obj, case: Case) -> Arrays:
    if not callable(obj):
        raise Unfit("scaled_scores should be a function: keep the line `def scaled_scores(Q, K):`.")
    result = obj(case["Q"], case["K"])
    if result is None:
        raise Unfit("scaled_scores gave None. Does it end with `return E, scaled`?")
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise Unfit(
            "scaled_scores should return two matrices: keep the line `return E, scaled` that was given."
        )
    return {
        key: to_array(value, key) for key, value in zip((E, SCALED), result, strict=True) if value is not ...
    }


observer = Observer("scaled_scores", observe)
