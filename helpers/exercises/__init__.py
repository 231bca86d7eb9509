"""One small module a blank: what goes in, how the student's object is observed, what may go wrong.

A module `helpers/exercises/<key>.py` defines `exercise = Exercise(...)`; `check("<key>")` finds it by
its file name, so adding an exercise is adding a file. Nothing here may contain the text of an answer:
expected values come from library equivalents, from properties, or from the slides' numbers.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if (
    TYPE_CHECKING
):  # grading only counts and records where no object is observed: torch takes 500 MB and seconds
    import torch

Case = dict[str, Any]  # one set of inputs, drawn from a seed
Arrays = Mapping[str, np.ndarray]  # what was observed on one case, by name


class Unfit(Exception):
    """The student's object can't be observed; the text is a sentence that says what to do."""


class Stopped(Exception):
    """The student's code raised when some arrays had been seen already; these still earn their points.

    Use it as `raise Stopped(seen) from error`.
    """

    def __init__(self, seen: Arrays) -> None:
        super().__init__("stopped by an error of the student's code")
        self.seen = seen


@dataclass(frozen=True)
class Part:
    """One blank, or one statement about it, that earns points of its own.

    Args:
        label: what the student reads, e.g. "cosine in the odd columns".
        points: what it is worth.
        keys: the observed arrays that must agree with the expected ones (within the tolerances).
        agrees: decides instead of `keys`, as `agrees(observed, expected, case)`, where closeness is not the question.
        blank: text that stands in the line of this part's blank; while that line holds `...`,
            the part is *not attempted* rather than wrong.
    """

    label: str
    points: float
    keys: tuple[str, ...] = ()
    agrees: Callable[[Arrays, Arrays, Case], bool] | None = None
    blank: str = ""


@dataclass(frozen=True)
class Misconception:
    """A known way to be wrong, recognised by the very values (or the very error) that it produces.

    Args:
        name: a slug that tests name it by, e.g. "exponent-i-over-d".
        message: the sentence that the student reads; it completes "this is what you get when ...".
        produces: `produces(case)` gives the arrays that this mistake yields (any subset of the observed keys).
        raises: a regular expression found in "TypeName: text" of the error that this mistake raises.
        when: `when(observed, expected, case)`, for mistakes that are a property rather than fixed values.
    """

    name: str
    message: str
    produces: Callable[[Case], Arrays] | None = None
    raises: str | None = None
    when: Callable[[Arrays, Arrays, Case], bool] | None = None


@dataclass(frozen=True)
class Exercise:
    """An exercise, observed the same way in the student's notebook and in grading.

    Args:
        name: what the student defines, e.g. "getPositionEncoding".
        cases: `cases(seed)` draws the inputs, a list of dicts; all dimensions differ, so a swapped axis shows.
        observe: `observe(obj, case)` runs the student's object and returns named arrays. It must not
            look at the expected values; it may raise `Unfit` with a sentence for the student, or `Stopped`.
        expected: `expected(case)` gives the same arrays from a library equivalent or a property.
        parts: what earns points.
        misconceptions: checked in order; the first that fits every case is named.
        hints: from a nudge to nearly the answer.
        place: `place(key, index, case)` names a position for messages, e.g. "P[1, 2]".
        formula: `formula(key, index, case)` says how the value there arises, e.g. "sin(1 / 100^(2/4))".
        rtol, atol: tolerances; the defaults fit float32.
    """

    name: str
    cases: Callable[[int], list[Case]]
    observe: Callable[[Any, Case], Arrays]
    expected: Callable[[Case], Arrays]
    parts: tuple[Part, ...]
    misconceptions: tuple[Misconception, ...] = ()
    hints: tuple[str, ...] = ()
    place: Callable[[str, tuple[int, ...], Case], str] | None = None
    formula: Callable[[str, tuple[int, ...], Case], str] | None = None
    rtol: float = 1e-4
    atol: float = 1e-5
    key: str = field(default="", compare=False)  # the module's name, filled in by `load`

    @property
    def points(self) -> float:
        return round(sum(part.points for part in self.parts), 4)  # thirds must add up to 1 for nbgrader

    def close(self, a: np.ndarray, b: np.ndarray, nan: bool = False) -> bool:
        """Same shape and same values within the tolerances; NaN equals NaN only if `nan`."""
        return a.shape == b.shape and np.allclose(a, b, rtol=self.rtol, atol=self.atol, equal_nan=nan)


def names() -> list[str]:
    """Keys of all exercises, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load(key: str) -> Exercise:
    """The exercise of module `helpers/exercises/<key>.py`.

    Raises:
        KeyError: if there is none; the message lists what there is.
    """
    if key not in names():
        raise KeyError(f"there is no exercise {key!r}; there are: {', '.join(names())}")
    exercise = importlib.import_module(f"{__name__}.{key}").exercise
    object.__setattr__(exercise, "key", key)
    return exercise


# --- tools for `observe` ------------------------------------------------------------------------


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
