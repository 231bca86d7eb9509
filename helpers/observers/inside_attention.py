"""Observes attention_weights: what the student's object gives, whatever that is. Judged in helpers/exercises/inside_attention.py."""

import torch

from helpers.checks.alone import Place
from helpers.checks.arrays import Arrays, Case
from helpers.checks.objects import need_function, results
from helpers.checks.observe import Observer

SCORES, A = "scores", "A"


def observe(obj, case: Case) -> Arrays:
    need_function(obj, "def attention_weights(q, k):")
    return results(obj(case["q"], case["k"]), (SCORES, A), "attention_weights", "2 tensors", torch.Tensor)


places = {"scores =": Place("scores"), "A =": Place("A")}
observer = Observer("attention_weights", observe, places)
