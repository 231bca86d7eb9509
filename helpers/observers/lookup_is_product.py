"""Observes embed: what the student's object gives, whatever that is. Judged in helpers/exercises/lookup_is_product.py."""

from helpers.checks.alone import Place
from helpers.checks.arrays import Arrays, Case, to_array
from helpers.checks.objects import need_function, two
from helpers.checks.observe import Observer

KEYS = ("product", "rows")


def observe(obj, case: Case) -> Arrays:
    need_function(obj, "def embed(...)")
    result = two(obj(case["indices"], case["W"]), "product, rows", "embed", "tensors")
    return {
        key: to_array(value, key, f"Behind `{key} =` a tensor should stand.")
        for key, value in zip(KEYS, result, strict=True)
        if value is not ...  # left blank
    }


places = {"product =": Place("product"), "rows =": Place("rows")}
observer = Observer("embed", observe, places)
