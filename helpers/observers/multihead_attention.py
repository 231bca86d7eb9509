"""Observes MultiheadAttention: what the student's object gives, whatever that is. Judged in helpers/exercises/multihead_attention.py."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F

from helpers.checks.alone import Place
from helpers.checks.arrays import Arrays, Case, Unfit, fill, to_array, to_tensor
from helpers.checks.objects import has_linear, learns, need_class
from helpers.checks.observe import Observer

SPLIT = ("q", "k", "v")
MERGED, OUTPUT = "merged values", "output"
MASKED, ATTENTION = "output with a mask", "attention with a mask"
SCALE = 0.3


def build(obj, case: Case) -> torch.nn.Module:
    need_class(obj, "class MultiheadAttention(nn.Module)", torch.nn.Module)
    input_dim, embed_dim = case["x"].shape[-1], case["embed_dim"]
    module = obj(input_dim, embed_dim, case["heads"])
    for name, outs, ins in (("qkv_proj", 3 * embed_dim, input_dim), ("o_proj", embed_dim, embed_dim)):
        if not has_linear(module, name, outs, ins):
            raise Unfit(
                f"MultiheadAttention needs self.{name}, a Linear layer of the sizes that were given: keep that line."
            )
    return fill(module, case["seed"], SCALE).eval()


def by_torch(q, k, v, mask=None):
    """values and attention, as the notebook's function gives them."""
    visible = None if mask is None else mask != 0
    identity = torch.eye(k.shape[-2]).expand(*k.shape[:-1], -1)
    return F.scaled_dot_product_attention(q, k, v, visible), F.scaled_dot_product_attention(
        q, k, identity, visible
    )


@contextmanager
def in_place_of_theirs(obj, function) -> Iterator[None]:
    """While this lasts, the student's class finds `function` under the name scaled_dot_product."""
    found = getattr(obj.__dict__.get("forward"), "__globals__", {})
    missing = object()
    before = found.get("scaled_dot_product", missing)
    found["scaled_dot_product"] = function
    try:
        yield
    finally:
        found.pop("scaled_dot_product")
        if before is not missing:
            found["scaled_dot_product"] = before


def steps(obj, module: torch.nn.Module, case: Case, tolerant: bool) -> Arrays:
    """What the class hands to attention, and what it makes of what it gets back."""
    seen: dict = {}

    def given(q, k, v, mask=None):
        seen.update(zip(SPLIT, (q, k, v), strict=True))
        return case["out"], torch.zeros(*case["out"].shape[:3], case["out"].shape[2])

    def at_o_proj(_, args):
        if "q" in seen:
            seen[MERGED] = args[0]

    hook = module.o_proj.register_forward_pre_hook(at_o_proj)
    try:
        with in_place_of_theirs(obj, given), torch.no_grad():
            module(case["x"])
    except Exception:
        merged = seen.get(MERGED)
        too_wide = isinstance(merged, torch.Tensor) and merged.shape[-1:] != (case["embed_dim"],)
        if not seen or not (tolerant or too_wide):  # else its shape says more than the error of o_proj
            raise
    finally:
        hook.remove()
    return {key: to_array(value, key) for key, value in seen.items() if isinstance(value, torch.Tensor)}


def observe(obj, case: Case) -> Arrays:
    from helpers.checks.observe import blanks_left

    module = build(obj, case)
    left = bool(blanks_left(obj))
    seen = dict(steps(obj, module, case, tolerant=left))
    try:
        with in_place_of_theirs(obj, by_torch), torch.no_grad():
            output = module(case["x"])
            masked = module(case["x"], mask=case["mask"], return_attention=True)
    except Exception:
        if not left and "q" not in seen:
            raise
        return seen  # the steps tell more
    if isinstance(output, (tuple, list)):
        raise Unfit(
            "forward(x) should give the output alone unless return_attention=True: keep the last line."
        )
    if not isinstance(masked, (tuple, list)) or len(masked) != 2:
        raise Unfit("forward(x, return_attention=True) should give output and attention: keep the last line.")
    to_tensor(output, "forward(x)")
    seen |= {OUTPUT: to_array(output, OUTPUT), MASKED: to_array(masked[0], MASKED)}
    seen[ATTENTION] = to_array(masked[1], ATTENTION)
    with in_place_of_theirs(obj, by_torch):
        return seen | learns(module, module, case["x"])


def merged(local: Mapping[str, Any]) -> torch.Tensor:
    """Something of the right shape that depends on the student's values."""
    shape = *local["x"].shape[:2], local["self"].o_proj.in_features
    return local["x"].new_ones(shape) * local["values"].square().mean()


places = {
    "qkv =": Place("qkv", which=lambda text: "qkv_proj" not in text),
    "values =": Place("values", which=lambda text: "scaled_dot_product" not in text, below=merged),
}
observer = Observer("MultiheadAttention", observe, places)
