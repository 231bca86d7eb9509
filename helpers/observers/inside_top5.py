"""Observes top_classes: what the student's object gives, whatever that is. Judged in helpers/exercises/inside_top5.py."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from helpers.checks.alone import Place
from helpers.checks.arrays import Arrays, Case, Unfit, to_array
from helpers.checks.objects import need_function
from helpers.checks.observe import Observer

CLASSES, PROBABILITIES, SHARES = "classes", "probabilities", "all probabilities"
UNKNOWN = -1.0  # code of an entry that is none of the names


def observe(obj, case: Case) -> Arrays:
    need_function(obj, "def top_classes(...):", " that was given")
    result = obj(case["logits"], case["names"], case["k"])
    if result is None:
        raise Unfit("top_classes gave None. Does it end with the `return [...]` that was given?")
    try:
        pairs = [(name, probability) for name, probability in result]
    except (TypeError, ValueError):
        raise Unfit(
            "top_classes should return a list of pairs (name, probability): keep the `return [...]` that was given."
        ) from None
    if any(probability is ... for _, probability in pairs):
        return {}
    numbers = [to_array(probability, "a probability").reshape(-1) for _, probability in pairs]
    if any(len(number) != 1 for number in numbers):
        raise Unfit("Each pair should hold one name and one number.")
    if case.get("alone") == "probabilities =":  # then all of them come, in the order of the classes
        return {SHARES: np.array([number[0] for number in numbers])}
    there = {name: float(i) for i, name in enumerate(case["names"])}
    return {
        CLASSES: np.array(
            [there.get(name, UNKNOWN) if isinstance(name, str) else UNKNOWN for name, _ in pairs]
        ),
        PROBABILITIES: np.array([number[0] for number in numbers]),
    }


def all_of_them(local: Mapping[str, Any]) -> tuple[list, list[int]]:
    """All that the student has made, whatever its shape; where they stand is not asked then."""
    shares = to_array(local["probabilities"], "probabilities").reshape(-1).tolist()
    return shares, [0] * len(shares)


places = {
    "probabilities =": Place("probabilities"),
    "values, indices =": Place("values, indices", below=all_of_them),
}
observer = Observer("top_classes", observe, places)
