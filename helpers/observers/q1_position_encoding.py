"""Observes getPositionEncoding: what the student's object gives, whatever that is. Judged in helpers/exercises/q1_position_encoding.py."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from helpers.checks.alone import Place
from helpers.checks.arrays import Arrays, Case, Unfit, to_array
from helpers.checks.objects import need_function
from helpers.checks.observe import Observer


def observe(obj, case: Case) -> Arrays:
    need_function(obj, "def getPositionEncoding(...)")
    result = obj(case["seq_len"], case["d"], n=case["n"])
    P = to_array(result, case["label"], "Does the function end with `return P`, after the loops?")
    if str(getattr(result, "dtype", "float")).removeprefix("torch.").startswith(("int", "uint", "bool")):
        raise Unfit(
            f"P holds whole numbers ({result.dtype}), so every sine is cut to 0 or 1: make it float, as np.zeros does."
        )
    return {"P": P}


def wave(local: Mapping[str, Any]) -> np.complex128:
    """The point on the unit circle that the student's denominator leads to."""
    with np.errstate(all="ignore"):
        return np.exp(1j * np.float64(local["k"]) / np.float64(local["denominator"]))


places = {
    "denominator =": Place("denominator", above=lambda value, local: value[local["i"]]),
    "P[k, 2 * i] =": Place(
        "P[k, 2 * i]", above=lambda value, local: wave(local).imag, below=lambda local: wave(local).imag
    ),
    "P[k, 2 * i + 1] =": Place("P[k, 2 * i + 1]", below=lambda local: wave(local).real),
}
observer = Observer("getPositionEncoding", observe, places)
