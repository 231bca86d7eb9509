"""Observes feature_maps: what the student's object gives, whatever that is. Judged in helpers/exercises/feature_maps.py."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from helpers.checks.alone import Place
from helpers.checks.arrays import Arrays, Case, Unfit, fill, to_array
from helpers.checks.objects import need_function
from helpers.checks.observe import Observer

MAPS = ("first map", "second map", "third map")
ENTRIES, HOOKED, LEFT = "entries of maps", "hooks on the layers", "hooks left behind"


class Network(nn.Sequential):
    """Layers one after the other; it notes which of them have forward hooks while it runs."""

    hooked: tuple[str, ...] = ()

    def forward(self, x):
        self.hooked = tuple(name for name, module in self.named_modules() if module._forward_hooks)
        return super().forward(x)


def network_of(case: Case) -> Network:
    """Like torchvision's VGG: ReLUs that write into the tensor that they get."""
    layers = (
        nn.Conv2d(3, 4, kernel_size=3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, kernel_size=3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(6, 5, kernel_size=3),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(5, 7),
    )
    return fill(Network(*layers), case["seed"], scale=0.4).eval()


def observe(obj, case: Case) -> Arrays:
    need_function(obj, "def feature_maps(network, names, image):")
    network = network_of(case)
    maps = obj(network, list(case["names"]), case["image"])
    step_by_step(network, case["image"])
    if not isinstance(maps, dict):
        given = "None" if maps is None else f"a {type(maps).__name__}"
        raise Unfit(
            f"feature_maps should return the dict `maps` but gave {given}. Does it end with `return maps`?"
        )
    seen = {
        key: to_array(maps[name], f"maps[{name!r}]")
        for key, name in zip(MAPS, case["names"], strict=True)
        if name in maps
    }
    seen[ENTRIES] = np.array(float(len(maps)))
    seen[HOOKED] = np.array([float(name in network.hooked) for name in ("", *dict(network.named_children()))])
    seen[LEFT] = np.array(float(sum(len(module._forward_hooks) for module in network.modules())))
    return seen


class Kept:
    """In place of a hook: who is to be called for which layer. Nothing calls it but `observe`."""

    def __init__(self, local: Mapping[str, Any]) -> None:
        local["network"].__dict__.setdefault("kept", []).append((local["layer"], local["keep"]))

    def remove(self) -> None:
        pass


@torch.no_grad()
def step_by_step(network: Network, image: torch.Tensor) -> None:
    """Each layer in turn, and what the student keeps of it."""
    x = image[None]
    for layer in network:
        inputs, x = x, layer(x)
        for other, keep in network.__dict__.get("kept", ()):
            if other is layer:
                keep(layer, (inputs,), x)


places = {
    "maps[name] =": Place("maps[name]", above=lambda value, local: value[local["name"]].clone()),
    "handle =": Place("handle", below=Kept),
}
observer = Observer("feature_maps", observe, places)
