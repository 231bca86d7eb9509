"""Observes FeedForwardBlock: what the student's object gives, whatever that is. Judged in helpers/exercises/q7_feed_forward.py."""

import numpy as np
import torch
from torch import nn

from helpers.checks.arrays import Arrays, Case, Unfit, to_array, weights
from helpers.checks.observe import Observer


def observe(obj, case: Case) -> Arrays:
    """Sizes of the two Linear layers and, where they fit each other, what the block computes."""
    if not isinstance(obj, type):
        raise Unfit(
            "FeedForwardBlock should be a class: keep the line `class FeedForwardBlock(nn.Sequential):`."
        )
    block = obj(emb_size=case["emb_size"], expansion=case["expansion"], dropout=0.0)
    if not isinstance(block, nn.Module):
        raise Unfit(
            "FeedForwardBlock should be an nn.Module: keep the line `class FeedForwardBlock(nn.Sequential):`."
        )
    block.eval()
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
    with torch.no_grad():
        for name, linear in zip(("first", "second"), linears, strict=True):
            for kind, parameter in linear.named_parameters():
                parameter.copy_(weights(f"{name}.{kind}", tuple(parameter.shape), case["seed"]))
        what = "FeedForwardBlock(...)(x)"
        seen["output"] = to_array(block(case["x"]), what)
    return seen


observer = Observer("FeedForwardBlock", observe)
