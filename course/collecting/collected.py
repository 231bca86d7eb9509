"""What collect has recorded of a part, for those who give grades and feedback back."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course.collecting.lms import by_lms
from course.collecting.names import Sender
from course.collecting.sheet import CollectError

__all__ = ["COUNTS", "CollectError", "Collected", "Entry", "load"]

COUNTS = ("collected", "repaired")  # verdicts of files that will be graded


@dataclass
class Entry:
    """One file that came, and its verdict.

    verdict: collected, repaired, superseded (another attempt counts), unreadable, not a notebook,
        not this part, no student, course file.
    order: what makes an attempt later than another: given by hand, Canvas attachment (by hand: the run), date, copy,
        file time.
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
    order: list[float] = field(default_factory=list)
    repairs: list[dict[str, Any]] = field(default_factory=list)
    key: str | None = None  # of the sender; None if given by hand
    run: int = 0  # in which run of collect it came first
    attention: str = ""  # what somebody may want to look at, though nothing has to be done


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
        for entry in sorted(self.files, key=lambda e: (e.verdict != "superseded", e.order)):
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
            f"{path} cannot be read ({error}). Nothing was changed. Move it away and collect all files of the "
            "part again: notebooks as they came are in received/, and those that are graded stay in submitted/."
        ) from None
