"""Observes scaled_scores: what the student's object gives, whatever that is. Judged in helpers/exercises/attention_scores.py."""

from helpers.checks.alone import Place
from helpers.checks.arrays import Arrays, Case
from helpers.checks.objects import need_function, results
from helpers.checks.observe import Observer

E, SCALED = "E", "scaled"


def observe(obj, case: Case) -> Arrays:
    need_function(obj, "def scaled_scores(Q, K):")
    return results(obj(case["Q"], case["K"]), (E, SCALED), "scaled_scores", "two matrices")


places = {"E =": Place("E"), "scaled =": Place("scaled")}
observer = Observer("scaled_scores", observe, places)
