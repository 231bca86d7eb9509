"""One small module a blank: what goes in, what is right, what may go wrong.

A module `helpers/exercises/<key>.py` defines `exercise = Exercise(...)`; `check("<key>")` finds it by
its file name, so adding an exercise is adding a file, and one of the same name in helpers/observers. Nothing here may
contain the text of an answer: expected values come from library equivalents, from properties, or from the slides' numbers.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from difflib import get_close_matches

from helpers.checks.exercise import Exercise
from helpers.checks.mistakes import ANYWHERE, SPOILT, UNKNOWN_NAMES


class UnknownExercise(LookupError):
    """There is no exercise of this name; the text says which is near."""


def names() -> list[str]:
    """Keys of all exercises, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load(key: str) -> Exercise:
    """The exercise of module `helpers/exercises/<key>.py`, with the mistakes that every exercise knows around its own.

    Raises:
        UnknownExercise: if there is none; the message names the nearest.
    """
    if f"{__name__}.{key}" not in sys.modules and key not in names():
        near = [name for name in names() if name.startswith(key)] or get_close_matches(key, names(), 3, 0.4)
        named = " or ".join(f'"{name}"' for name in near)
        more = f"Did you mean {named}?" if near else f"There are: {', '.join(names())}."
        raise UnknownExercise(f'There is no exercise "{key}". {more}')
    exercise = importlib.import_module(f"{__name__}.{key}").exercise
    if not exercise.key:
        object.__setattr__(exercise, "key", key)
        everywhere = (*SPOILT, *UNKNOWN_NAMES, *exercise.misconceptions, *ANYWHERE)
        object.__setattr__(exercise, "misconceptions", everywhere)
    return exercise
