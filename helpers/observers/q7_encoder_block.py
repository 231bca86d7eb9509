"""Observes TransformerEncoderBlock: what the student's object gives, whatever that is. Judged in helpers/exercises/q7_encoder_block.py."""

import numpy as np
import torch
from torch import nn

from helpers.checks.alone import Place
from helpers.checks.arrays import Arrays, Case, to_array, weights
from helpers.checks.objects import build, learns, need_class
from helpers.checks.observe import Observer
from helpers.vit import pieces
from helpers.vit.model import borrowed

PROJECTIONS = ("queries", "keys", "values", "projection")
HALVES = ("attention half", "feed-forward half")
HANDED = tuple(f"dropout inside of the {name} (1 for all of it)" for name in HALVES)


def is_attention(module: nn.Module) -> bool:
    return isinstance(module, nn.MultiheadAttention) or all(hasattr(module, name) for name in PROJECTIONS)


def kind_of(module: nn.Module) -> str:
    if is_attention(module):
        return "attention"
    return "norm" if isinstance(module, nn.LayerNorm) else "linear" if isinstance(module, nn.Linear) else ""


def parts_run(module: nn.Module, x: torch.Tensor) -> list[nn.Module]:
    """LayerNorms, attentions and the Linear layers outside of them, in the order in which they run first."""
    inside = {id(m) for a in module.modules() if is_attention(a) for m in a.modules() if m is not a}
    order: list[nn.Module] = []

    def note(m, inputs):
        if m not in order:
            order.append(m)

    watched = [m for m in module.modules() if kind_of(m) and id(m) not in inside]
    hooks = [m.register_forward_pre_hook(note) for m in watched]
    try:
        module(x)  # hooks also keep nn.TransformerEncoderLayer off its fused path
    finally:
        for hook in hooks:
            hook.remove()
    return order


def halves_of(block: nn.Module) -> list[nn.Module]:
    """The two halves if the block is a plain nn.Sequential of two modules, as the exercise's frame makes it."""
    plain = isinstance(block, nn.Sequential) and type(block).forward is nn.Sequential.forward
    return list(block) if plain and len(block) == 2 else []


def roles(block: nn.Module, x: torch.Tensor) -> dict[str, nn.Module]:
    """Role -> module, e.g. "norm.0.0" is the first LayerNorm of half 0 and "linear.1.1" the second Linear of half 1."""
    order = parts_run(block, x)
    halves = halves_of(block)
    own = [{id(m) for m in half.modules()} for half in halves]
    mixed = any(len({kind_of(m) for m in order if id(m) in ids} - {"norm"}) > 1 for ids in own)
    found: dict[str, nn.Module] = {}
    for kind, usual_half in (("norm", None), ("attention", 0), ("linear", 1)):
        for number, module in enumerate(m for m in order if kind_of(m) == kind):
            if halves and not mixed:
                half = 0 if id(module) in own[0] else 1
                nth = len([role for role in found if role.startswith(f"{kind}.{half}.")])
            elif usual_half is None:  # the first norm that runs belongs to the first half, ...
                half, nth = number, 0
            else:
                half, nth = usual_half, number
            found[f"{kind}.{half}.{nth}"] = module
    return found


def give_weights(found: dict[str, nn.Module], seeds: dict[str, int]) -> None:
    """Set every module's parameters by its role; `seeds` holds one seed for each kind."""

    def values(role: str, parameter: torch.Tensor) -> torch.Tensor:
        made = weights(role, tuple(parameter.shape), seeds[role.split(".")[0]])
        return made + 1 if role.startswith("norm") and role.endswith("weight") else made

    with torch.no_grad():
        for role, module in found.items():
            if isinstance(module, nn.MultiheadAttention):
                size = module.embed_dim
                for kind, shape in (("weight", (size, size)), ("bias", (size,))):
                    stacked = [
                        weights(f"{role}.{name}.{kind}", shape, seeds["attention"])
                        for name in PROJECTIONS[:3]
                    ]
                    getattr(module, f"in_proj_{kind}").copy_(torch.cat(stacked))
                    last = weights(f"{role}.projection.{kind}", shape, seeds["attention"])
                    getattr(module.out_proj, kind).copy_(last)
                continue
            for name, parameter in module.named_parameters():
                parameter.copy_(values(f"{role}.{name}", parameter))


def observe(obj, case: Case) -> Arrays:
    """What the block and each of its halves compute, and what dropout=1 leaves of them in training."""
    line = "class TransformerEncoderBlock(nn.Sequential):"
    need_class(obj, line)
    sizes = {name: case[name] for name in ("emb_size", "num_heads", "expansion")}
    x = case["x"]
    # The course's feed-forward block stands in, so that a slip in the student's own costs nothing here.
    feed_forward = pieces.load("q7_feed_forward")
    with borrowed(obj, FeedForwardBlock=feed_forward):
        block, dropped = (build(obj, line, **sizes, dropout=dropout) for dropout in (0.0, 1.0))
        found = roles(block, x)
        seeds = dict.fromkeys(("norm", "attention", "linear"), case["seed"])
        give_weights(found, seeds)
        seen: dict[str, np.ndarray] = {}
        with torch.no_grad():
            if "alone" not in case:
                seen["output"] = to_array(block(x), "TransformerEncoderBlock(...)(x)")
            for name, half in zip(HALVES, halves_of(block), strict=False):
                seen[name] = to_array(half(x), f"the {name}")

            kinds = [role.split(".")[0] for role in found]
            seen["at work"] = np.array([kinds.count("attention"), kinds.count("linear")], float)

            # What each half hands on to the layers inside of it.
            for name, half in zip(HANDED, halves_of(dropped), strict=False):
                workers = [m for m in half.modules() if is_attention(m) or isinstance(m, feed_forward)]
                inner = [m for worker in workers for m in worker.modules()]
                shares = [m.p if isinstance(m, nn.Dropout) else getattr(m, "dropout", 1.0) for m in inner]
                seen[name] = np.array(
                    float(all(share == 1.0 for share in shares if isinstance(share, float)))
                )

            # In training with dropout=1 nothing of a half's branch arrives: other weights, same output.
            found = roles(dropped, x)
            outputs = []
            for change in ({}, {"attention": 1}, {"linear": 1}):
                give_weights(found, {kind: seed + change.get(kind, 0) for kind, seed in seeds.items()})
                outputs.append(to_array(dropped.train()(x), "TransformerEncoderBlock(...)(x)"))
        seen |= learns(block, block, x)
        usual, *others = outputs
        seen["dropped"] = np.array([np.abs(other - usual).max() for other in others])
    return seen


places = {
    "# the attention half": Place("ResidualAdd(", nth=0, calls=2, above=lambda value, local: nn.Identity()),
    "# the feed-forward half": Place("ResidualAdd(", nth=1, calls=2, below=lambda local: nn.Identity()),
}
observer = Observer("TransformerEncoderBlock", observe, places)
