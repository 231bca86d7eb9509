"""Observes transformer_input: what the student's object gives, whatever that is. Judged in helpers/exercises/inside_z0.py."""

import torch

from helpers.checks.alone import Place
from helpers.checks.arrays import Arrays, Case
from helpers.checks.objects import need_function, results
from helpers.checks.observe import Observer

TOKENS, Z0 = "tokens", "z0"


def observe(obj, case: Case) -> Arrays:
    need_function(obj, "def transformer_input(...):", " that was given")
    result = obj(case["patches"], case["class_token"], case["positions"])
    return results(result, (TOKENS, Z0), "transformer_input", "2 matrices of tokens", torch.Tensor)


places = {"tokens =": Place("tokens"), "z0 =": Place("z0")}
observer = Observer("transformer_input", observe, places)
