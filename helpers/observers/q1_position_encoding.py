"""Observes getPositionEncoding: what the student's object gives, whatever that is. Judged in helpers/exercises/q1_position_encoding.py."""

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


observer = Observer("getPositionEncoding", observe)
