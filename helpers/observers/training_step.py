"""Observes training_step: what becomes of a small model's parameters. Judged in helpers/exercises/training_step.py."""

import numpy as np
import torch
from torch import nn

from helpers.checks.arrays import Arrays, Case, Unfit, fill, to_array
from helpers.checks.objects import need_function
from helpers.checks.observe import Observer

FIRST = "the loss of the first step"
ONE = "the parameters after one step"
SEVERAL = "the parameters after several steps"
LOSSES = "the losses of several steps"
BEFORE, LEFT = "the parameters before", "gradients that are left"


def model_of(case: Case) -> nn.Module:
    """A small classifier; the same weights whenever it is made."""
    inputs, hidden, classes = case["sizes"]
    layers = nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, classes)
    return fill(nn.Sequential(nn.Flatten(), *layers), case["seed"])


def flat(model: nn.Module) -> np.ndarray:
    return to_array(torch.cat([p.detach().flatten() for p in model.parameters()]), "the parameters")


def observe(obj, case: Case) -> Arrays:
    need_function(obj, "def training_step(model, images, labels, optimizer):")
    model = model_of(case)
    optimizer = torch.optim.SGD(model.parameters(), lr=case["lr"], momentum=case["momentum"])
    seen, losses = {BEFORE: flat(model)}, []
    last = len(case["images"]) - 1
    for number, (images, labels) in enumerate(zip(case["images"], case["labels"], strict=True)):
        # the case's own tensors come last: whoever writes into them spoils no other step
        batch = (images, labels) if number == last else (images.clone(), labels.clone())
        loss = to_array(
            obj(model, *batch, optimizer), "training_step(...)", "Keep the line `return loss.item()`."
        )
        if loss.shape != ():
            raise Unfit(
                f"training_step should return one number, the mean loss of the batch, but gave shape {loss.shape}."
            )
        losses.append(float(loss))
        if number == 0:
            seen |= {FIRST: np.array(losses[0]), ONE: flat(model)}
            left = any(p.grad is not None and p.grad.any() for p in model.parameters())
            seen[LEFT] = np.array(float(left))
    return {**seen, LOSSES: np.array(losses), SEVERAL: flat(model)}


observer = Observer("training_step", observe)
