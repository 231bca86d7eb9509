"""Observes PositionalEmbedding: what the student's object gives, whatever that is. Judged in helpers/exercises/q4_positional_embedding.py."""

import torch
from torch import nn

from helpers.checks.alone import Place
from helpers.checks.arrays import Arrays, Case, Stopped, Unfit, to_array
from helpers.checks.objects import learns, need_class
from helpers.checks.observe import Observer

TABLE = "sinusoids_positions"


# The addition is tried with tables of our own, so a wrong number of rows does not cost its point.


def observe(obj, case: Case) -> Arrays:
    need_class(obj, "class PositionalEmbedding(...):", nn.Module)
    seen = {}
    module = build(obj, case)
    table = getattr(module, TABLE, None)
    if table is None:
        raise Unfit(f"The object has no self.{TABLE}: keep the name that was given.")
    table = to_array(table, f"self.{TABLE}")
    seen[TABLE] = table[0] if table.ndim == 3 and len(table) == 1 else table
    for learnable, key in ((False, "output"), (True, "output with learnable=True")):
        try:
            with torch.no_grad():
                output = prepared(module, case, learnable)(case["x"])
        except Exception as error:
            raise Stopped(seen) from error
        if output is not ...:
            what = f"What forward gives for learnable={learnable}"
            seen[key] = to_array(output, what, "Does it end with `return x`?")
    return seen | learns(module, module, case["x"])


def build(obj: type, case: Case) -> nn.Module:
    return obj(patch_size=case["patch_size"], emb_size=case["emb_size"], img_size=case["img_size"])


def prepared(module: nn.Module, case: Case, learnable: bool) -> nn.Module:
    """The student's object, with the values of the case in both tables."""
    dtype = getattr(getattr(module, TABLE, None), "dtype", torch.float64)
    values = {
        "cls_token": nn.Parameter(case["cls"].clone()),
        "learnable_positions": nn.Parameter(case["learned"].clone()),
        TABLE: case["fixed"].to(dtype if dtype.is_floating_point else torch.float32),
        "learnable": learnable,
    }
    for name, value in values.items():
        for held in (module.__dict__, module._parameters, module._buffers):
            held.pop(name, None)  # a parameter would refuse a plain tensor
        setattr(module, name, value)
    return module.eval()


places = {
    "seq_len, d =": Place("seq_len, d"),
    "x =": Place("x", which=lambda text: "cat" not in text, below=lambda local: local["x"]),
}
observer = Observer("PositionalEmbedding", observe, places)
