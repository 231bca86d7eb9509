"""What goes into a student's object and comes out of it: cases drawn from a seed, and arrays by name.

Tools for the observers (`to_array`, `to_tensor`, `fill`) and for who draws inputs (`tensor`, `weights`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if (
    TYPE_CHECKING
):  # grading only counts and records where no object is observed: torch takes 500 MB and seconds
    import torch

Case = dict[str, Any]  # one set of inputs, drawn from a seed
Arrays = Mapping[str, np.ndarray]  # what was observed on one case, by name


# Observed of every exercise where it can be: they are not compared, but cost what they were seen with.
CHANGED = "changed: "  # ... and the name of the input that the student's code wrote into
LEARNS = "a gradient reaches all that it depends on"


class Unfit(Exception):
    """The student's object can't be observed; the text is a sentence that says what to do."""


class Stopped(Exception):
    """The student's code raised when some arrays had been seen already; these still earn their points.

    Use it as `raise Stopped(seen) from error`.
    """

    def __init__(self, seen: Arrays) -> None:
        super().__init__("stopped by an error of the student's code")
        self.seen = seen


def to_array(value: Any, what: str, hint: str = "") -> np.ndarray:
    """A float64 array from what the student's code gave; complex, ragged or missing values are refused.

    Args:
        value: tensor on any device, array, number, or nested list.
        what: how to call it in a message, e.g. "getPositionEncoding(4, 4)".
        hint: a sentence to add when the value is None.

    Raises:
        Unfit: with a sentence that says what came instead of numbers.
    """
    import torch

    if value is None:
        raise Unfit(f"{what} gave None. {hint or 'Does your function end with `return ...`?'}")
    if value is ...:
        raise Unfit(f"{what} is still `...`.")
    if isinstance(value, torch.Tensor):
        if value.device.type == "meta":
            raise Unfit(
                f"{what} is on device 'meta', which holds shapes but no numbers. Make it on the device "
                "of the input, for instance with `device=x.device`."
            )
        value = value.detach().to("cpu", torch.float64 if not value.is_complex() else value.dtype).numpy()
    try:
        array = np.asarray(value)
        if np.iscomplexobj(array):
            raise Unfit(f"{what} holds complex numbers; real ones are expected.")
        if array.dtype.kind in "SU":
            raise TypeError("text that looks like a number is still text")
        return array.astype(np.float64)
    except (TypeError, ValueError):
        raise Unfit(
            f"{what} should be an array or a tensor of numbers but is a {type(value).__name__}."
        ) from None


def to_tensor(value: Any, what: str, hint: str = "") -> torch.Tensor:
    """`value` if it is a torch tensor with numbers in it; else `Unfit` says what it is instead."""
    import torch

    if isinstance(value, torch.Tensor):
        to_array(value, what)
        return value
    if value is None or value is ...:
        to_array(value, what, hint)
    raise Unfit(f"{what} should be a torch tensor but is a {type(value).__name__}.")


def fill(module: torch.nn.Module, seed: int = 0, scale: float = 0.5) -> torch.nn.Module:
    """Give every parameter reproducible values that depend on its name, shape and `seed` only.

    Two modules with the same parameter names get the same weights, whatever order they were made in.
    All values are normal around 0 with deviation `scale`.
    """
    import torch

    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.copy_(weights(name, tuple(parameter.shape), seed, scale))
    return module


def weights(name: str, shape: Sequence[int], seed: int = 0, scale: float = 0.5) -> torch.Tensor:
    """The values that `fill` gives to the parameter `name` of this shape (float32 tensor)."""
    import torch

    rng = np.random.default_rng([seed, *name.encode(), *shape])
    return torch.from_numpy(rng.normal(0.0, scale, tuple(shape)).astype(np.float32))


def tensor(rng: np.random.Generator, *shape: int, scale: float = 1.0) -> torch.Tensor:
    """A float32 tensor of normal numbers with deviation `scale`."""
    import torch

    return torch.from_numpy(rng.normal(0.0, scale, shape).astype(np.float32))
