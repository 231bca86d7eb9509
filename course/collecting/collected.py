"""What collect has recorded of a part, for those who give grades and feedback back."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from course.base.paths import shown
from course.collecting.lms import by_lms
from course.collecting.names import Sender
from course.collecting.sheet import CollectError

__all__ = ["COUNTS", "CollectError", "Collected", "Entry", "load"]

COUNTS = ("collected", "repaired")  # verdicts of files that will be graded


class Order(NamedTuple):
    """What tells a later attempt from an earlier one, 0 where nothing is known; times in seconds."""

    by_hand: int = 0  # given with --student
    given: int = 0  # place on the command line
    came: float = 0.0  # when it was handed in, as the LMS says
    attachment: int = 0  # Canvas's number
    saved: float = 0.0  # as its archive says; of an LMS's archive, the download
    copy: int = 0  # the 2 of q1 (2).ipynb
    disk: float = 0.0  # when it was written, as this disk says


@dataclass
class Entry:
    """One file that came, and its verdict.

    verdict: collected, repaired, superseded (another attempt counts), unreadable, not a notebook,
        not this part, no student, course file.
    """

    path: str
    student: str | None = None
    notebook: str | None = None
    verdict: str = ""
    why: str = ""
    human: str = ""  # what somebody has to do, as a sentence; empty if nothing
    received: str | None = None
    late: bool = False
    date: str | None = None
    order: Order = field(default_factory=Order)
    repairs: list[dict[str, Any]] = field(default_factory=list)
    key: str | None = None  # of the sender; None if given by hand
    run: int = 0  # in which run of collect it came first
    attention: str = ""  # what somebody may want to look at, though nothing has to be done
    lms: str = ""  # which LMS named it
    also: list[str] = field(default_factory=list)  # other notebooks of which it holds answers
    guessed: bool = False  # nobody is known by the name after which the student is called

    def __post_init__(self) -> None:
        if len(self.order) == 5:  # a record from before it had names
            hand, number, saved, copy, disk = self.order
            came, attachment = saved if self.date else 0.0, 0 if hand else int(number)
            self.order = int(hand), 0, came, attachment, saved, int(copy), disk
        self.order = Order(*self.order)


@dataclass
class Collected:
    """Key of the sender -> student, key -> name in the LMS, and all files."""

    ids: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    files: list[Entry] = field(default_factory=list)

    def named(self, lms: Callable[[str], Sender | None], student: str, notebook: str) -> str:
        """What this LMS called the file, or its folder, in which the student's notebook came: the one that counts, else
        that of another notebook of theirs; "" if none came from there."""
        came: list[tuple[str, str]] = []  # notebook, name; the best last
        for entry in sorted(self.files, key=lambda e: (e.verdict != "superseded", e.run, e.order)):
            for component in entry.path.split("/") if entry.student == student else ():
                sender = by_lms(component) or lms(component)
                if sender and self.ids.get(sender.key) == student:
                    if lms(component) == sender:
                        came.append((entry.notebook or "", component))
                    break
        named = [component for about, component in came if about == notebook] or [c for _, c in came]
        return named[-1] if named else ""


def load(grading: Path, part: str) -> Collected:
    """What is below `grading`; empty where nothing was collected.

    Raises CollectError if it can't be read; the text says what to do.
    """
    path = grading / "collected" / f"{part}.json"
    if not path.exists():
        return Collected()
    try:
        content = json.loads(path.read_text("utf-8"))
        files = [Entry(**entry) for entry in content["files"]]
        return Collected(content["ids"], content["names"], files)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CollectError(
            f"{shown(path)} cannot be read ({error}). Nothing was changed. Move it away and collect all files of the "
            "part again: notebooks as they came are in received/, and those that are graded stay in submitted/."
        ) from None
