"""Observes PatchEmbedding: what the student's object gives, whatever that is. Judged in helpers/exercises/q3_class_token.py."""

from typing import Any

import numpy as np
import torch

from helpers.checks.alone import Place
from helpers.checks.arrays import Arrays, Case, Unfit, fill, to_array, to_tensor
from helpers.checks.objects import learns, patch_embedding
from helpers.checks.observe import Observer

OUT = "the output"
PATCHES = "self.projection(x)"
GRADIENT = "the gradient of the class token"
TOKENS, REACHED = "cls_tokens", "whether a gradient reaches the class token (1 for yes)"


def observe(obj: Any, case: Case) -> Arrays:
    module = patch_embedding(obj, case)
    token = getattr(module, "cls_token", None)
    if not isinstance(token, torch.nn.Parameter):
        raise Unfit("self.cls_token should be an nn.Parameter: keep the line in __init__ that makes it.")
    if token.numel() != case["emb_size"]:
        raise Unfit(
            f"self.cls_token has shape {tuple(token.shape)}; one vector of emb_size numbers was given, (1, 1, emb_size)."
        )
    if not callable(getattr(module, "projection", None)):
        raise Unfit("There is no self.projection: keep the lines in __init__ that make it.")
    fill(module, case["seed"])
    with torch.no_grad():
        token.copy_(case["token"].view(token.shape))
        patches = to_array(module.projection(case["x"].clone()), "self.projection(x)")
    out = to_tensor(module(case["x"]), "The output of PatchEmbedding", "Does forward end with `return x`?")
    fits = out.ndim == 3 and (out.shape[0], out.shape[2]) == (len(case["x"]), case["emb_size"])
    if out.requires_grad:
        (out * (case["loss"] if fits else 1)).sum().backward()
    if case.get("alone") == "# the pattern":  # then the tokens come out as they are
        reached = float(token.grad is not None and bool(token.grad.any()))
        return {TOKENS: to_array(out, TOKENS), REACHED: np.array(reached)}
    gradient = torch.zeros(case["emb_size"]) if token.grad is None else token.grad.flatten()
    return {
        OUT: to_array(out, "The output of PatchEmbedding"),
        PATCHES: patches,
        GRADIENT: to_array(gradient, GRADIENT),
        **learns(module.projection, module, case["x"]),  # what reaches the token is asked above
    }


places = {
    "# the pattern": Place("cls_tokens"),
    "x = ...": Place(
        "x", which=lambda text: text != "x = self.projection(x)", below=lambda local: local["cls_tokens"]
    ),
}
observer = Observer("PatchEmbedding", observe, places)
