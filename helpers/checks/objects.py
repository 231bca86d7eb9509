"""Tools of the observers: what several exercises ask of a student's object, and what they say when it is not so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from helpers.checks.arrays import Arrays, Case, Unfit, to_array


def results(result, names: tuple[str, ...], function: str, what: str) -> Arrays:
    """What a function returned, by name; what is still `...` is left out."""
    line = f"`return {', '.join(names)}`"
    if result is None:
        raise Unfit(f"{function} gave None. Does it end with {line}?")
    if not isinstance(result, (tuple, list, torch.Tensor)) or len(result) != len(names):
        raise Unfit(f"{function} should return {len(names)} {what}: keep the line {line} that was given.")
    return {
        name: to_array(value, name) for name, value in zip(names, result, strict=True) if value is not ...
    }


def pair(result, name: str) -> Arrays:
    """`values, attention` as a function returned them; what is still `...` is left out."""
    if result is None:
        raise Unfit(f"{name} gave None. Does it end with `return values, attention`?")
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise Unfit(
            f"{name} should return two tensors: keep the line `return values, attention` that was given."
        )
    return {
        key: to_array(value, key)
        for key, value in zip(("values", "attention"), result, strict=True)
        if value is not ...
    }


def make(obj: Any, name: str, case: Case) -> torch.nn.Module:
    """The student's module for this case, in eval mode."""
    if not isinstance(obj, type):
        raise Unfit(
            f"{name} should be a class, but now it is a {type(obj).__name__}: keep `class {name}(nn.Module):`."
        )
    module = obj(
        in_channels=case["in_channels"],
        patch_size=case["patch_size"],
        emb_size=case["emb_size"],
        img_size=case["x"].shape[2],
    )
    if not isinstance(module, torch.nn.Module):
        raise Unfit(f"{name} should be an nn.Module: keep `class {name}(nn.Module):`.")
    return module.eval()


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
