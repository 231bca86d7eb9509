"""Observes scaled_dot_product: what the student's object gives, whatever that is. Judged in helpers/exercises/scaled_dot_product.py."""

from helpers.checks.alone import Place
from helpers.checks.arrays import Arrays, Case, Stopped
from helpers.checks.objects import hidden_is_infinite, need_function, results
from helpers.checks.observe import Observer

ATTENTION, VALUES = "attention", "values"
MASKED, MASKED_VALUES = "attention with the mask", "values with the mask"
SCORES, MASKED_SCORES = "scores", "scores with the mask"
AS_SCORES = {"scores = ...": (SCORES, ATTENTION), "masked_fill(": (MASKED_SCORES, MASKED)}


def observe(obj, case: Case) -> Arrays:
    need_function(obj, "def scaled_dot_product(...):")
    inputs = (case["q"], case["k"], case["v"])
    names = (VALUES, ATTENTION)
    seen = results(obj(*inputs), names, "scaled_dot_product", "two tensors")
    try:
        what = "scaled_dot_product with a mask"
        masked = results(obj(*inputs, mask=case["mask"]), names, what, "two tensors")
    except Exception as error:
        raise Stopped(seen) from error
    if ATTENTION in masked:
        seen[MASKED] = hidden_is_infinite(masked[ATTENTION])
    if VALUES in masked:
        seen[MASKED_VALUES] = masked[VALUES]
    if case.get("alone") in AS_SCORES:  # then the scores come out as they are
        key, of = AS_SCORES[case["alone"]]
        return {key: seen[of]} if of in seen else {}
    return seen


places = {
    "scores = ...": Place("scores", which=lambda text: "mask" not in text),
    "masked_fill(": Place("scores", which=lambda text: "mask" in text, below=lambda local: local["scores"]),
    "attention =": Place(
        "attention",
        above=lambda value, local: value[local["mask"] is not None],
        below=lambda local: local["scores"],
    ),
    "values =": Place("values"),
}
observer = Observer("scaled_dot_product", observe, places)
