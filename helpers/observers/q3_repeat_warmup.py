"""Observes repeat_shapes: what the student's object gives, whatever that is. Judged in helpers/exercises/q3_repeat_warmup.py."""

from typing import Any

from helpers.checks.arrays import Arrays, Case
from helpers.checks.objects import observe_shapes
from helpers.checks.observe import Observer

SIZES = {"h": 30, "w": 40}
# pattern -> the size of each of its letters; what is not h or w is passed to `repeat`
PATTERNS = {
    "h w -> h w c": {**SIZES, "c": 3},
    "h w -> (n h) w": {**SIZES, "n": 2},
    "h w -> (i h) (j w)": {**SIZES, "i": 2, "j": 3},
    "h w -> (h i) (w j)": {**SIZES, "i": 2, "j": 2},
    "pixelate": {"h": 15, "w": 20, "i": 2, "j": 2},
}


def observe(obj: Any, case: Case) -> Arrays:
    return observe_shapes(obj, PATTERNS, "repeat_shapes")


observer = Observer("repeat_shapes", observe)
