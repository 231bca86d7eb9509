"""Observes attention_output: what the student's object gives, whatever that is. Judged in helpers/exercises/attention_output.py."""

from helpers.checks.alone import Place
from helpers.checks.arrays import Arrays, Case
from helpers.checks.objects import need_function, results
from helpers.checks.observe import Observer

ATTENTION, VALUES = "attention", "values"


def observe(obj, case: Case) -> Arrays:
    need_function(obj, "def attention_output(scores, V):")
    return results(obj(case["scores"], case["V"]), (VALUES, ATTENTION), "attention_output", "two tensors")


places = {"attention =": Place("attention"), "values =": Place("values")}
observer = Observer("attention_output", observe, places)
