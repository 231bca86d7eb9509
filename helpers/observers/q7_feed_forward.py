"""Observes FeedForwardBlock: what the student's object gives, whatever that is. Judged in helpers/exercises/q7_feed_forward.py."""

import numpy as np
import torch
from torch import nn

from helpers.checks.alone import Place
from helpers.checks.arrays import Arrays, Case, Unfit, fill, to_array
from helpers.checks.objects import as_module, learns, need_class
from helpers.checks.observe import Observer


def observe(obj, case: Case) -> Arrays:
    """Sizes of the two Linear layers and, where they fit each other, what the block computes."""
    line = "class FeedForwardBlock(nn.Sequential):"
    sizes = {name: case[name] for name in ("emb_size", "expansion")}
    need_class(obj, line)
    block = as_module(obj(**sizes, dropout=0.0), line, "keep the line")
    failure = None
    with torch.no_grad():
        try:
            block(case["x"])  # also lets a LazyLinear find its size
        except RuntimeError as error:
            failure = error
    linears = [module for module in block.modules() if isinstance(module, nn.Linear)]
    if len(linears) != 2:
        raise Unfit(f"FeedForwardBlock should hold two nn.Linear layers but holds {len(linears)}.")
    sizes = [[linear.in_features, linear.out_features] for linear in linears]
    seen = {"first": np.array(sizes[0], float), "second": np.array(sizes[1], float)}
    if failure is not None:
        if sizes[0][0] == case["x"].shape[-1] and sizes[0][1] == sizes[1][0]:
            raise failure  # the sizes fit, so something else is wrong
        return seen
    fill(nn.ModuleDict(dict(zip(("first", "second"), linears, strict=True))), case["seed"])
    seen["output"] = to_array(block(case["x"]), "FeedForwardBlock(...)(x)")
    seen |= learns(block, block, case["x"])
    return seen


places = {
    "# wider": Place("nn.Linear(", nth=0, calls=2, above=lambda value, local: nn.Linear(*value)),
    "# back": Place("nn.Linear(", nth=1, calls=2, below=lambda local: nn.LazyLinear(1)),
}
observer = Observer("FeedForwardBlock", observe, places)
