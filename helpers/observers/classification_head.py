"""Observes ClassificationHead: what the student's object gives, whatever that is. Judged in helpers/exercises/classification_head.py."""

import numpy as np
import torch
from torch import nn

from helpers.checks.alone import Place
from helpers.checks.arrays import Arrays, Case, Stopped, Unfit, to_array, weights
from helpers.checks.objects import build, learns
from helpers.checks.observe import Observer

SIZES = "the sizes of self.linear"
READ = "what self.linear gets"
LOGITS = "the logits"


def observe(obj, case: Case) -> Arrays:
    """Sizes of the linear layer, what reaches it, and the logits, each as far as the student's code comes."""
    sizes = {name: case[name] for name in ("emb_size", "num_classes")}
    head = build(obj, "class ClassificationHead(nn.Module):", **sizes)
    for name, kind in (("norm", nn.LayerNorm), ("linear", nn.Linear)):
        if not isinstance(getattr(head, name, None), kind):
            raise Unfit(
                f"self.{name} should be an nn.{kind.__name__}: keep this name, for trained weights are loaded into it later."
            )
    linear = head.linear
    seen = {SIZES: np.array([linear.in_features, linear.out_features, float(linear.bias is not None)])}
    with torch.no_grad():
        for name, module in (("norm", head.norm), ("linear", linear)):
            for kind, parameter in module.named_parameters():
                parameter.copy_(value(f"{name}.{kind}", tuple(parameter.shape), case))
        caught: list[torch.Tensor] = []
        linear.register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0]))
        try:
            logits = head(case["x"])
        except Exception as error:
            raise Stopped(seen | what_was_read(caught)) from error
    seen |= what_was_read(caught) | learns(head, head, case["x"])
    seen[LOGITS] = to_array(logits, "ClassificationHead(...)(x)", "Does forward end with `return ...`?")
    return seen


def what_was_read(caught: list) -> Arrays:
    if caught and not isinstance(caught[0], torch.Tensor) and caught[0] is not ...:
        raise Unfit(f"self.linear should get a tensor but gets a {type(caught[0]).__name__}.")
    return {READ: to_array(caught[0], READ)} if caught and caught[0] is not ... else {}


def value(name: str, shape: tuple[int, ...], case: Case) -> torch.Tensor:
    """The value of a parameter; scales of the norm lie around 1."""
    return weights(name, shape, case["seed"]) + (name == "norm.weight")


places = {
    "self.linear": Place("self.linear", above=lambda value, local: nn.Linear(*value)),
    "class_token =": Place("class_token", below=lambda local: local["encoded"].prod(1)),
}
observer = Observer("ClassificationHead", observe, places)
