"""Observes split_qkv: what the student's object gives, whatever that is. Judged in helpers/exercises/inside_qkv.py."""

from helpers.checks.arrays import Arrays, Case, Unfit
from helpers.checks.objects import results
from helpers.checks.observe import Observer

NAMES = ("q", "k", "v")


def observe(obj, case: Case) -> Arrays:
    if not callable(obj):
        raise Unfit("split_qkv should be a function: keep the line `def split_qkv(qkv, num_heads):`.")
    return results(obj(case["x"], case["heads"]), NAMES, "split_qkv", "tensors")


observer = Observer("split_qkv", observe)
