"""Observes MultiHeadAttention: what the student's object gives, whatever that is. Judged in helpers/exercises/q5_attention.py."""

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from helpers.checks.alone import Place
from helpers.checks.arrays import Arrays, Case, Stopped, Unfit, fill, to_array, to_tensor
from helpers.checks.objects import has_linear, learns, need_class
from helpers.checks.observe import Observer

LINEARS = ("queries", "keys", "values", "projection")
PRODUCTS = ("einsum", "matmul", "bmm")  # `@` is matmul
SCALE = 0.25  # of the weights: small enough that no softmax saturates

ATT = "att"
SUMMED = "out after einsum"
MERGED = "out after rearrange"
BOTH = "out before projection"  # einsum and rearrange together
OUTPUT = "output"
# what is seen of a blank that is tried by itself, and where
ALONE = {"att =": (ATT, "att"), "torch.einsum(": (SUMMED, "summed"), "rearrange(": (MERGED, "merged")}


# what gathers heads, and not what sums values
MERGE = re.compile("rearrange|permute|transpose|axes|movedim|flatten|shape|view|cat|stack|unbind")


class FirstProduct(TorchFunctionMode):
    """Sees the first product of tensors after `armed` was set, and puts `instead` in place of its result."""

    def __init__(self, instead: torch.Tensor | None = None) -> None:
        super().__init__()
        self.instead, self.armed, self.result = instead, False, None

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if not self.armed or getattr(func, "__name__", "").strip("_") not in PRODUCTS:
            return func(*args, **(kwargs or {}))
        self.armed = False
        self.result = self.instead if self.instead is not None else func(*args, **(kwargs or {}))
        return self.result


def build(obj, case: Case) -> torch.nn.Module:
    need_class(obj, "class MultiHeadAttention(nn.Module)", torch.nn.Module)
    emb_size = case["x"].shape[-1]
    module = obj(emb_size, case["heads"])
    for name in LINEARS:
        if not has_linear(module, name, emb_size, emb_size):
            raise Unfit(
                f"MultiHeadAttention needs self.{name}, a Linear layer from emb_size to emb_size: keep the line that was given."
            )
    return fill(module, case["seed"], SCALE).eval()


def run(
    module: torch.nn.Module, x: torch.Tensor, att: torch.Tensor | None = None, out: torch.Tensor | None = None
) -> tuple[dict, FirstProduct]:
    """One forward pass; `att` and `out` replace what the first and second blank give.

    Returns what went into `att_drop` and `projection`, what came out of forward or the error that ended it, and
    the product that was seen.
    """
    went: dict = {}
    product = FirstProduct(out)

    def at_dropout(_, args):
        went["att"] = args[0]
        product.armed = product.result is None
        return (att,) if att is not None else None

    def at_projection(_, args):
        went["merged"] = args[0]

    hooks = [module.projection.register_forward_pre_hook(at_projection)]
    if isinstance(getattr(module, "att_drop", None), torch.nn.Module):
        hooks.append(module.att_drop.register_forward_pre_hook(at_dropout))
    try:
        with torch.no_grad(), product:
            went["output"] = module(x)
    except Exception as error:
        too_wide = "merged" in went and went["merged"].shape[-1:] != x.shape[-1:]
        if not too_wide:  # else the shape of `merged` says it better than the projection's error
            went["error"] = error
    finally:
        for hook in hooks:
            hook.remove()
    return went, product


def observe(obj, case: Case) -> Arrays:
    module = build(obj, case)
    plain, _ = run(module, case["x"])
    if "alone" in case:
        key, hook = ALONE[case["alone"]]
        if hook not in plain and hook not in module.__dict__:
            raise plain.get("error", Unfit(f"{key} could not be observed."))
        seen = {key: to_array(module.__dict__.get(hook, plain.get(hook)), key)}
        return seen | (learns(module, module, case["x"]) if "output" in plain else {})
    if "output" in plain:
        if isinstance(plain["output"], (tuple, list)):
            raise Unfit("forward should return the output alone, as the given last line does.")
        to_tensor(plain["output"], "forward(x)", "Does it end with `return self.projection(out)`?")
    given, product = run(module, case["x"], att=case["att"])
    merging, replaced = run(module, case["x"], att=case["att"], out=case["out"])
    found = {
        ATT: plain.get("att"),
        SUMMED: product.result,
        BOTH: given.get("merged") if "att" in given else None,
        MERGED: merging.get("merged") if replaced.result is not None else None,
        OUTPUT: plain.get("output"),
    }
    seen = {key: to_array(value, key) for key, value in found.items() if isinstance(value, torch.Tensor)}
    if "error" in plain:
        raise Stopped(seen) from plain["error"]
    return seen | (learns(module, module, case["x"]) if "output" in plain else {})


def weighed(local: Mapping[str, Any]) -> torch.Tensor:
    """Something of the right shape that depends on the student's att."""
    return local["x"] * local["att"].square().mean()


def kept(local: Mapping[str, Any]) -> torch.Tensor:
    """The same for the student's out, which is kept to be looked at."""
    local["self"].__dict__.setdefault("summed", local["out"])
    return local["x"] * local["out"].square().mean()


places = {
    "att =": Place("att", which=lambda text: "att_drop" not in text),
    "torch.einsum(": Place("out", which=lambda text: not MERGE.search(text), below=weighed),
    "rearrange(": Place("out", which=lambda text: bool(MERGE.search(text)), below=kept),
}
observer = Observer("MultiHeadAttention", observe, places)
