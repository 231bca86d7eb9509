"""Observes best_class: what the student's object gives, whatever that is. Judged in helpers/exercises/q0_best_class.py."""

from helpers.checks.arrays import Arrays, Case, to_array
from helpers.checks.objects import need_function
from helpers.checks.observe import Observer

BEST = "best"


def observe(obj, case: Case) -> Arrays:
    need_function(obj, "def best_class(logits):")
    return {BEST: to_array(obj(case["logits"]), "best_class(logits)")}


observer = Observer("best_class", observe)
