"""One small module a blank: what goes in, what is right, what may go wrong.

A module `helpers/exercises/<key>.py` defines `exercise = Exercise(...)`; `check("<key>")` finds it by
its file name, so adding an exercise is adding a file, and one of the same name in helpers/observers. Nothing here may
contain the text of an answer: expected values come from library equivalents, from properties, or from the slides' numbers.
"""

from __future__ import annotations

import importlib
import pkgutil

from helpers.checks.exercise import Exercise
from helpers.checks.mistakes import ANYWHERE, UNKNOWN_NAMES


def names() -> list[str]:
    """Keys of all exercises, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load(key: str) -> Exercise:
    """The exercise of module `helpers/exercises/<key>.py`, with the mistakes that every exercise knows around its own.

    Raises:
        KeyError: if there is none; the message lists what there is.
    """
    if key not in names():
        raise KeyError(f"there is no exercise {key!r}; there are: {', '.join(names())}")
    exercise = importlib.import_module(f"{__name__}.{key}").exercise
    if not exercise.key:
        object.__setattr__(exercise, "key", key)
        everywhere = (*UNKNOWN_NAMES, *exercise.misconceptions, *ANYWHERE)
        object.__setattr__(exercise, "misconceptions", everywhere)
    return exercise
