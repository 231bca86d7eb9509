"""Observes EarlyStopping: what the student's object gives, whatever that is. Judged in helpers/exercises/early_stopping.py."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from helpers.checks.alone import Place
from helpers.checks.arrays import Arrays, Case, Unfit, to_array
from helpers.checks.objects import need_class
from helpers.checks.observe import Observer

IMPROVED, WAITED, STOP = "improved", "self.waited", "stop"
STEP = "_step"  # an attribute of the student's object while it is tried: the number of the loss


def observe(obj, case: Case) -> Arrays:
    need_class(obj, "class EarlyStopping:")
    rule = obj(case["patience"])
    seen: dict[str, list] = {IMPROVED: [], WAITED: [], STOP: []}
    for number, loss in enumerate(case["losses"]):
        rule.__dict__[STEP] = number
        result = rule.step(loss)
        if result is None:
            raise Unfit("step gave None. Does it end with `return improved, stop`?")
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise Unfit("step should return two bools: keep the line `return improved, stop`.")
        for key, value in zip((IMPROVED, STOP), result, strict=True):
            if value is not ...:
                seen[key].append(flag(value, key))
        waited = getattr(rule, "waited", None)
        if waited is not None and waited is not ...:
            seen[WAITED].append(to_array(waited, WAITED).item())
    return {key: np.array(values, dtype=np.float64) for key, values in seen.items() if values}


def flag(value, name: str) -> float:
    """0.0 or 1.0; anything but a bool (or a 0 or 1) is refused."""
    array = to_array(value, name)
    if array.shape != () or float(array) not in (0.0, 1.0):
        raise Unfit(f"{name} should be True or False but is {value!r}.")
    return float(array)


def of_this_step(value: list, local: Mapping[str, Any]) -> Any:
    return value[local["self"].__dict__[STEP]]


places = {
    "improved =": Place("improved", above=of_this_step),
    "self.waited =": Place("self.waited", within="step", above=of_this_step),
    "stop =": Place("stop"),
}
observer = Observer("EarlyStopping", observe, places)
