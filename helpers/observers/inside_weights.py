"""Observes convert: what the student's object gives, whatever that is. Judged in helpers/exercises/inside_weights.py."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from helpers.checks.alone import Place
from helpers.checks.arrays import CHANGED, Arrays, Case, Unfit, fill, to_array
from helpers.checks.objects import NO_VALUE, need_function
from helpers.checks.observe import Observer

PATCH, EPS = "the weight of the patch embedding", "log10(eps)"
THREE = ("queries", "keys", "values")
WEIGHTS = tuple(f"the weight of the {part}" for part in THREE)
BIASES = tuple(f"the bias of the {part}" for part in THREE)
NOTHING = (..., ..., ...)
NO_EPS = 99.0  # eps is no positive number


def timm_model(case: Case) -> torch.nn.Module:
    from timm.models.vision_transformer import VisionTransformer

    sizes = {name: case[name] for name in ("patch_size", "embed_dim", "num_heads", "depth")}
    model = VisionTransformer(img_size=2 * case["patch_size"], num_classes=5, mlp_ratio=2, **sizes)
    return fill(model, case["seed"]).eval().requires_grad_(False)


def observe(obj: Any, case: Case) -> Arrays:
    need_function(obj, "def convert(model):", " that was given")
    model = timm_model(case)
    result = obj(model)
    if not isinstance(result, (tuple, list)) or len(result) != 2 or not isinstance(result[0], Mapping):
        raise Unfit("convert should return a dict of tensors and a number: keep the line `return mine, eps`.")
    mine, eps = result
    last = f"blocks.{case['depth'] - 1}.attn"
    names = {PATCH: "patch_embed.proj.weight"}
    for kind, whats in (("weight", WEIGHTS), ("bias", BIASES)):
        names |= {what: f"{last}.{part}.{kind}" for part, what in zip(THREE, whats, strict=True)}
    missing = sorted(({"cls_token", "pos_embed", "head.weight"} | set(names.values())) - set(mine))
    if missing:
        raise Unfit(f"`mine` has nothing under '{missing[0]}': keep the names that the given lines make.")
    seen = {what: to_array(mine[name], what) for what, name in names.items() if mine[name] is not ...}
    if eps is not ...:
        number = to_array(eps, "eps", NO_VALUE.format("eps")).reshape(-1)
        positive = len(number) == 1 and 0 < number[0] < math.inf
        seen[EPS] = np.array(math.log10(number[0]) if positive else NO_EPS)
    before = timm_model(case).state_dict()
    if any(not torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items()):
        seen[f"{CHANGED}model"] = np.array(1.0)
    return seen


places = {
    "mine[name] =": Place("mine[name]", which=lambda text: text != "mine[name] = tensor"),
    "queries, keys, values =": Place(
        "queries, keys, values", above=lambda value, local: NOTHING, below=lambda local: NOTHING
    ),
    "eps =": Place("eps"),
}
observer = Observer("convert", observe, places)
