"""What became of one exercise: numbers and sentences, to be counted, kept in a record, or shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from helpers.checks.differences import Differences
from helpers.checks.observe import State


class Mark(NamedTuple):
    """What became of one part of an exercise; of what the verdict says, `said` is about this part."""

    state: State
    label: str
    points: float
    max_points: float
    said: tuple[str, ...] = ()
    misconceptions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What became of one exercise: state, points, the tutor's sentences, and the mistake's name if it is a known one."""

    key: str
    name: str
    state: State
    points: float
    max_points: float
    lines: tuple[str, ...] = ()
    parts: tuple[Mark, ...] = ()
    misconceptions: tuple[str, ...] = ()
    pictures: tuple[Differences, ...] = ()  # where the arrays differ
