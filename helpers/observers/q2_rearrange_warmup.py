"""Observes rearrange_shapes: what the student's object gives, whatever that is. Judged in helpers/exercises/q2_rearrange_warmup.py."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from helpers.checks.arrays import Arrays, Case, Unfit
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


# --- a dict of predicted shapes -------------------------------------------------------------------


def observe_shapes(obj: Any, patterns: Mapping[str, Any], name: str) -> dict[str, np.ndarray]:
    """Of each prediction the sizes and their number; 0 sizes where it is no tuple of numbers; nothing where it is open."""
    if not isinstance(obj, Mapping):
        raise Unfit(
            f"{name} should be the dict that was given, pattern: shape; now it is a {type(obj).__name__}."
        )
    seen: dict[str, np.ndarray] = {}
    for pattern in patterns:
        if pattern not in obj:
            raise Unfit(f"{name} has no entry {pattern!r}: keep the patterns on the left as they were given.")
        if obj[pattern] is ...:
            continue
        shape = as_shape(obj[pattern])
        seen[f"axes of {pattern}"] = np.array(float(len(shape)))
        seen[pattern] = np.array(shape)
    return seen


def as_shape(value: Any) -> list[float]:
    """A tuple, list, torch.Size, 1-D array or single number as a list of floats; [] for anything else."""
    try:
        array = np.atleast_1d(np.asarray(value, dtype=np.float64))
    except (TypeError, ValueError):
        return []
    return array.tolist() if array.ndim == 1 and array.size <= 10 and np.isfinite(array).all() else []


def observe(obj: Any, case: Case) -> Arrays:
    return observe_shapes(obj, PATTERNS, "rearrange_shapes")


observer = Observer("rearrange_shapes", observe)
