"""Observes cosine_similarity: what the student's object gives, whatever that is. Judged in helpers/exercises/cosine_similarity.py."""

from helpers.checks.arrays import Arrays, Case, to_array
from helpers.checks.objects import need_function
from helpers.checks.observe import Observer

KEY = "similarity"


def observe(obj, case: Case) -> Arrays:
    need_function(obj, "def cosine_similarity(...)")
    result = to_array(
        obj(case["a"], case["b"]),
        "cosine_similarity(a, b)",
        "Does it end with `return similarity`?",
    )
    return {KEY: result.reshape(()) if result.size == 1 else result}


observer = Observer("cosine_similarity", observe)
