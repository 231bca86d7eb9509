"""Observes split_qkv: what the student's object gives, whatever that is. Judged in helpers/exercises/inside_qkv.py."""

import torch

from helpers.checks.arrays import Arrays, Case
from helpers.checks.objects import need_function, results
from helpers.checks.observe import Observer

NAMES = ("q", "k", "v")


def observe(obj, case: Case) -> Arrays:
    need_function(obj, "def split_qkv(qkv, num_heads):")
    return results(obj(case["x"], case["heads"]), NAMES, "split_qkv", "3 tensors", torch.Tensor)


observer = Observer("split_qkv", observe)
