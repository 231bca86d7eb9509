"""Observes attention_output: what the student's object gives, whatever that is. Judged in helpers/exercises/attention_output.py."""

from helpers.checks.arrays import Arrays, Case, Unfit
from helpers.checks.objects import pair
from helpers.checks.observe import Observer

ATTENTION, VALUES = "attention", "values"


def observe(obj, case: Case) -> Arrays:
    if not callable(obj):
        raise Unfit(
            "attention_output should be a function: keep the line `def attention_output(scores, V):`."
        )
    return pair(obj(case["scores"], case["V"]), "attention_output")


observer = Observer("attention_output", observe)
