"""Observes layer_norm: what the student's object gives, whatever that is. Judged in helpers/exercises/q7_layer_norm.py."""

from helpers.checks.alone import Place
from helpers.checks.arrays import Arrays, Case, to_array
from helpers.checks.objects import need_function
from helpers.checks.observe import Observer

VARIANCE, OUT = "variance", "out"


def observe(obj, case: Case) -> Arrays:
    need_function(obj, "def layer_norm(x, scale, shift, eps=1e-5):")
    found = obj(case["x"], case["scale"], case["shift"], eps=case["eps"])
    key = VARIANCE if case.get("alone") == "variance =" else OUT  # by itself it comes out as it is
    return {key: to_array(found, key)}


places = {
    "variance =": Place("variance"),
    "out =": Place("out", below=lambda local: local["variance"]),
}
observer = Observer("layer_norm", observe, places)
