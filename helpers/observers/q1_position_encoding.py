"""Observes getPositionEncoding: what the student's object gives, whatever that is. Judged in helpers/exercises/q1_position_encoding.py."""

from helpers.checks.alone import Place
from helpers.checks.arrays import Arrays, Case, Unfit, to_array
from helpers.checks.objects import need_function
from helpers.checks.observe import Observer

DENOMINATORS = "denominators"


def observe(obj, case: Case) -> Arrays:
    need_function(obj, "def getPositionEncoding(...)")
    result = obj(case["seq_len"], case["d"], n=case["n"])
    P = to_array(result, case["label"], "Does the function end with `return P`, after the loops?")
    if str(getattr(result, "dtype", "float")).removeprefix("torch.").startswith(("int", "uint", "bool")):
        raise Unfit(
            f"P holds whole numbers ({result.dtype}), so every sine is cut to 0 or 1: make it float, as np.zeros does."
        )
    if case.get("alone") == "denominator =":  # then the even columns hold it, from position 1 on
        return {DENOMINATORS: P[1:, : 2 * (case["d"] // 2) : 2]} if P.ndim == 2 else {"P": P}
    return {"P": P}


places = {
    "denominator =": Place("denominator", above=lambda value, local: value[local["i"]]),
    "P[k, 2 * i] =": Place(
        "P[k, 2 * i]",
        above=lambda value, local: value[local["k"]][local["i"]],
        below=lambda local: local["denominator"],
    ),
    "P[k, 2 * i + 1] =": Place("P[k, 2 * i + 1]", below=lambda local: 0.0),
}
observer = Observer("getPositionEncoding", observe, places)
