"""Tools of the observers: what several exercises ask of a student's object.

Where it is not so they raise Unfit, with the sentence that the student reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from helpers.checks.alone import INSTEAD
from helpers.checks.arrays import LEARNS, Arrays, Case, Unfit, to_array

if TYPE_CHECKING:
    import torch


NO_VALUE = "What stands behind `{} =` gives nothing."


def need_function(obj: Any, line: str, more: str = "") -> None:
    """Refuse what can't be called, with the line that was given: "def embed(...):"."""
    if not callable(obj):
        raise Unfit(f"{_name(line)} should be a function: keep the line `{line}`{more}.")


def need_class(obj: Any, line: str, base: type = object) -> None:
    """Refuse what is no class (of this kind), with the line that was given: "class ViT(nn.Module):"."""
    if not isinstance(obj, type) or not issubclass(obj, base):
        raise Unfit(f"{_name(line)} should be a class: keep the line `{line}`.")


def build(obj: Any, line: str, *inputs: Any, **sizes: Any) -> torch.nn.Module:
    """A module of the student's class, in eval mode; `line` is the one that was given."""
    need_class(obj, line)
    return as_module(obj(*inputs, **sizes), line)


def as_module(module: Any, line: str, keep: str = "keep") -> torch.nn.Module:
    """The module in eval mode; refuses what is no nn.Module."""
    import torch

    if not isinstance(module, torch.nn.Module):
        raise Unfit(f"{_name(line)} should be an nn.Module: {keep} `{line}`.")
    return module.eval()


def _name(line: str) -> str:
    return line.split()[1].partition("(")[0].rstrip(":")


def has_linear(module: torch.nn.Module, name: str, out_features: int, in_features: int) -> bool:
    """Whether `module.name` is a Linear layer of these sizes, by its parameters."""
    import torch

    layer = getattr(module, name, None)
    named = layer.named_parameters() if isinstance(layer, torch.nn.Module) else ()
    shapes = {key: tuple(parameter.shape) for key, parameter in named}
    return shapes == {"weight": (out_features, in_features), "bias": (out_features,)}


def results(result: Any, names: tuple[str, ...], function: str, what: str, *kinds: type) -> Arrays:
    """What a function returned, by name; what is still `...` is left out.

    Args:
        what: how many of what should be returned, e.g. "two tensors".
        kinds: what may hold them, besides a tuple or a list.
    """
    line = f"`return {', '.join(names)}`"
    if result is None:
        raise Unfit(f"{function} gave None. Does it end with {line}?")
    if not isinstance(result, (tuple, list, *kinds)) or len(result) != len(names):
        raise Unfit(f"{function} should return {what}: keep the line {line} that was given.")
    return {
        name: to_array(value, name, NO_VALUE.format(name))
        for name, value in zip(names, result, strict=True)
        if value is not ...
    }


def two(result: Any, names: str, function: str, what: str) -> Any:
    """What a function returned, if it is two things: names "product, rows", what "tensors"."""
    if result is None:
        raise Unfit(f"{function} gave None: keep the line `return {names}`.")
    several = isinstance(result, (tuple, list))
    if not several or len(result) != 2:
        given = f"{len(result)} things" if several else f"one {type(result).__name__}"
        raise Unfit(f"{function} should return two {what}, `{names}`, but returns {given}.")
    return result


def learns(module: torch.nn.Module, forward: Callable[..., Any], x: torch.Tensor) -> Arrays:
    """Whether a gradient reaches the input and all parameters on which `forward(x)` depends: 1, or 0 where one is cut off.

    What the output depends on is measured: it is moved a little, and the output looked at again.
    """
    import torch

    def output(x: torch.Tensor) -> torch.Tensor:
        result = forward(x)
        return result if isinstance(result, torch.Tensor) else torch.zeros(())

    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        before = output(x.clone())
    given = getattr(type(module).forward, "__globals__", {}).get(INSTEAD)
    leaves = [
        x.detach().clone().requires_grad_(),
        *module.parameters(),
        *getattr(given, "leaves", {}).values(),
    ]
    try:
        with torch.enable_grad():
            found = output(leaves[0] * 1)  # not the leaf itself, which nobody may write into
            weighed = (found * torch.randn(found.shape, generator=generator)).sum()
            if weighed.requires_grad:
                weighed.backward()
    except RuntimeError:  # a detour through numpy, which refuses tensors that learn
        return {LEARNS: np.array(0.0)}
    cut = [leaf for leaf in leaves if leaf.grad is None or not leaf.grad.any()]
    for leaf in leaves:
        leaf.grad = None
    with torch.no_grad():
        for leaf in cut:
            kept = leaf.clone()
            leaf += torch.randn(leaf.shape, generator=generator)
            after = output(leaves[0].detach().clone())
            leaf.copy_(kept)
            if after.shape != before.shape or not torch.allclose(after, before, rtol=1e-3, atol=1e-4):
                return {LEARNS: np.array(0.0)}
    return {LEARNS: np.array(1.0)}


def patch_embedding(obj: Any, case: Case) -> torch.nn.Module:
    """The student's PatchEmbedding for this case, in eval mode."""
    line = "class PatchEmbedding(nn.Module):"
    if not isinstance(obj, type):
        raise Unfit(f"PatchEmbedding should be a class, but now it is a {type(obj).__name__}: keep `{line}`.")
    sizes = {name: case[name] for name in ("in_channels", "patch_size", "emb_size")}
    return build(obj, line, **sizes, img_size=case["x"].shape[2])


def hidden_is_infinite(scores: np.ndarray) -> np.ndarray:
    """What is below -1e8 counts as minus infinity: softmax gives it a weight of 0."""
    return np.where(scores < -1e8, -np.inf, scores)


def observe_shapes(obj: Any, patterns: Mapping[str, Any], name: str) -> dict[str, np.ndarray]:
    """Of each prediction the sizes and their number; 0 sizes where it is no tuple of numbers; nothing where it is open."""
    if not isinstance(obj, Mapping):
        raise Unfit(
            f"{name} should be the dict that was given, pattern: shape; now it is a {type(obj).__name__}."
        )
    seen: dict[str, np.ndarray] = {}
    for pattern in patterns:
        if pattern not in obj:
            raise Unfit(f"{name} has no entry {pattern!r}: keep the patterns on the left as they were given.")
        if obj[pattern] is ...:
            continue
        shape = as_shape(obj[pattern])
        seen[f"axes of {pattern}"] = np.array(float(len(shape)))
        seen[pattern] = np.array(shape)
    return seen


def as_shape(value: Any) -> list[float]:
    """A tuple, list, torch.Size, 1-D array or single number as a list of floats; [] for anything else."""
    try:
        array = np.atleast_1d(np.asarray(value, dtype=np.float64))
    except (TypeError, ValueError):
        return []
    return array.tolist() if array.ndim == 1 and array.size <= 10 and np.isfinite(array).all() else []
