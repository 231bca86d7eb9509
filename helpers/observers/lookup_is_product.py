"""Observes embed: what the student's object gives, whatever that is. Judged in helpers/exercises/lookup_is_product.py."""

from helpers.checks.arrays import Arrays, Case, Unfit, to_array
from helpers.checks.objects import need_function
from helpers.checks.observe import Observer

KEYS = ("product", "rows")


def observe(obj, case: Case) -> Arrays:
    need_function(obj, "def embed(...)")
    result = obj(case["indices"].clone(), case["W"].clone())
    if result is None:
        raise Unfit("embed gave None: keep the line `return product, rows`.")
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        what = (
            f"{len(result)} things" if isinstance(result, (tuple, list)) else f"one {type(result).__name__}"
        )
        raise Unfit(f"embed should return two tensors, `product, rows`, but returns {what}.")
    return {
        key: to_array(value, key, f"Behind `{key} =` a tensor should stand.")
        for key, value in zip(KEYS, result, strict=True)
        if value is not ...  # left blank
    }


observer = Observer("embed", observe)
