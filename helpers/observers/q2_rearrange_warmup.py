"""Observes rearrange_shapes: what the student's object gives, whatever that is. Judged in helpers/exercises/q2_rearrange_warmup.py."""

from typing import Any

from helpers.checks.arrays import Arrays, Case
from helpers.checks.objects import observe_shapes
from helpers.checks.observe import Observer

SIZES = {"b": 32, "h": 30, "w": 40, "c": 3}
HALVED = {"b": 32, "i": 2, "j": 2, "h": 15, "w": 20, "c": 3}  # h and w once i and j are split off
# pattern -> the size of each of its letters
PATTERNS = {
    "b h w c -> b h w c": SIZES,
    "b h w c -> (b h) w c": SIZES,
    "b h w c -> h (b w) c": SIZES,
    "b (i h) (j w) c -> (b i j) h w c": HALVED,
    "b (h i) (w j) c -> b h w (c i j)": HALVED,
}


def observe(obj: Any, case: Case) -> Arrays:
    return observe_shapes(obj, PATTERNS, "rearrange_shapes")


observer = Observer("rearrange_shapes", observe)
