"""Observes ResidualAdd: what the student's object gives, whatever that is. Judged in helpers/exercises/q6_residual_add.py."""

import numpy as np
import torch
from torch import nn

from helpers.checks.arrays import Arrays, Case, fill, to_array, to_tensor
from helpers.checks.objects import need_class
from helpers.checks.observe import Observer


class Scaled(nn.Module):
    """A layer with keyword arguments: scale * tanh(Linear(x)) + shift."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.linear = nn.Linear(size, size)

    def forward(self, x, *, scale=1.0, shift=0.0):
        return torch.tanh(self.linear(x)) * scale + shift


class Fn(nn.Module):
    """The module that is handed to the student's class; it counts its calls."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        shape = case["x"].shape
        kinds = {
            "Linear": lambda: nn.Linear(shape[-1], shape[-1]),
            "Scaled": lambda: Scaled(shape[-1]),
            "Conv1d": lambda: nn.Conv1d(shape[1], shape[1], kernel_size=3, padding=1),
            "Identity": nn.Identity,
        }
        self.inner = fill(kinds[case["kind"]](), case["seed"], scale=0.4)
        self.calls = 0

    def forward(self, x, **kwargs):
        self.calls += 1
        return self.inner(x, **kwargs)


def observe(obj, case: Case) -> Arrays:
    need_class(obj, "class ResidualAdd(...):", nn.Module)
    fn, x = Fn(case), case["x"].clone()
    module = obj(fn).eval()
    with torch.no_grad():
        output = module(x, **case["kwargs"])
    seen = {
        "output": to_array(
            to_tensor(output, "What forward gives", "Does it end with `return out`?"), "output"
        ),
        "x after the call": to_array(x, "x"),
        "calls of fn": np.array(float(fn.calls)),
        "parameters found": np.array(float(sum(p.numel() for p in module.parameters()))),
    }
    if output.shape == x.shape and torch.equal(x, case["x"]):
        seen["gradient of x"] = gradient(module, case)
    return seen


def gradient(module: nn.Module, case: Case) -> np.ndarray:
    """What a backward pass leaves in x.grad; zeros if the output is cut off from x."""
    x = case["x"].clone().requires_grad_()
    with torch.enable_grad():
        output = module(x, **case["kwargs"])
        if output.requires_grad:
            output.backward(case["upstream"].to(output.dtype))
    return to_array(torch.zeros_like(x) if x.grad is None else x.grad, "x.grad")


observer = Observer("ResidualAdd", observe)
