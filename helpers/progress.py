"""`progress()`: what is done, part by part, and what comes next.

Every check in a notebook leaves a note beside it: `.progress/<exercise>.json`, one small file an exercise, so
notebooks that are open at once never write the same one. `progress()` reads the notes of all parts that lie
together, as in the course's own folder. It counts an exercise as done when its check has once said *correct*;
trying something else afterwards does not take that away, but is mentioned. Notes are for the student: grading
neither reads nor writes any. VIT_PROGRESS=off keeps none. Deleting `.progress` starts over.
"""

import html
import json
import os
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.files import write

FOLDER = ".progress"
VERSION = 1
CONTENTS = Path(__file__).with_name("contents.json")  # written by `make notebooks`
DONE = "correct"
LARGEST = 2_000  # bytes of a note


@dataclass(frozen=True)
class Note:
    """What the checks of one exercise said."""

    best: str  # verdict, e.g. "correct", "not attempted"
    last: str
    points: float  # the most that was reached
    when: float  # of the latest check, seconds since 1970
    version: int = VERSION


# --- the notes ------------------------------------------------------------------------------------


def note(key: str, verdict: str, points: float, folder: Path | None = None) -> None:
    """Remember what a check said, in `folder` or where the notebook is; a folder that can't be written is left alone."""
    if os.environ.get("VIT_PROGRESS") == "off" or os.environ.get("NBGRADER_EXECUTION"):
        return
    path = (folder or Path.cwd()) / FOLDER / f"{key}.json"
    with suppress(OSError):
        old = _read(path)
        keep = old is not None and verdict != DONE and (old.best == DONE or old.points > points)
        most = max(points, old.points) if old else points
        new = Note(old.best if keep else verdict, last=verdict, points=most, when=round(time.time(), 3))
        write(path, json.dumps(vars(new)).encode())


def _read(path: Path) -> Note | None:
    """A note; None if there is none, or it is damaged or of another version."""
    try:
        with path.open("rb") as file:
            found = Note(**json.loads(file.read(LARGEST)))
        texts = isinstance(found.best, str) and isinstance(found.last, str)
        whole = found.version == VERSION and texts and 0 <= found.points < 1000 and 0 <= found.when
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    return found if whole else None


def notes(parts: Iterable[str], here: Path) -> tuple[dict[str, Note], int]:
    """The notes of this folder and of the course's parts around it, by exercise, and how many could not be read."""
    around = (here, here.parent, here / "notebooks")
    folders = dict.fromkeys([here, *(top / part for top in around for part in parts)])
    found: dict[str, Note] = {}
    unread = 0
    for folder in folders:
        for path in sorted((folder / FOLDER).glob("*.json")):
            told = _read(path)
            if told is None:
                unread += 1
            elif path.stem not in found or _rank(told) > _rank(found[path.stem]):
                found[path.stem] = told
    return found, unread


def _rank(told: Note) -> tuple:
    return told.best == DONE, told.points, told.when


# --- the table ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One notebook: its part, path and title, how many of its exercises are done, points, and what to do there."""

    part: str
    path: str
    title: str
    done: int
    exercises: int
    points: float
    most: float
    by_hand: float  # of `most`, for what no check sees: a question in words
    latest: float
    todo: str
    changed: str

    @property
    def counted(self) -> str:
        """The points as people read them."""
        by_hand = f", {self.by_hand:g} by hand" if self.by_hand else ""
        return f"{self.points:g} of {self.most:g}{by_hand}"

    @property
    def state(self) -> str:
        if self.done == self.exercises:
            return "✓ done"
        return "… begun" if self.latest else "○ not begun"


def rows(contents: list[dict[str, Any]], found: Mapping[str, Note]) -> list[Row]:
    return [row(part["part"], nb, found) for part in contents for nb in part["notebooks"] if nb["exercises"]]


def row(part: str, nb: dict[str, Any], found: Mapping[str, Note]) -> Row:
    keys = nb["exercises"]
    told = {key: found[key] for key in keys if key in found}
    open_ = [key for key in keys if key not in told or told[key].best != DONE]
    changed = [keys[k]["name"] for k, n in told.items() if n.best == DONE and n.last != DONE]
    return Row(
        part=part,
        path=f"{part}/{nb['notebook']}.ipynb",
        title=nb["title"],
        done=len(keys) - len(open_),
        exercises=len(keys),
        points=sum(min(n.points, keys[k]["points"]) for k, n in told.items()),
        most=sum(entry["points"] for entry in keys.values()) + nb.get("by_hand", 0),
        by_hand=nb.get("by_hand", 0),
        latest=max((n.when for n in told.values()), default=0.0),
        todo=_todo(open_[0], keys[open_[0]]["name"], told.get(open_[0])) if open_ else "",
        changed=", ".join(changed),
    )


def _todo(key: str, name: str, told: Note | None) -> str:
    if told is None:
        return f"{name} has not been checked yet"
    hint = "" if told.last == "not attempted" else f'; stuck? check.hint("{key}")'
    return f"the check of {name} says {told.last}{hint}"


class Overview:
    """The table as text and as HTML; `here` is the folder in which it is asked for."""

    def __init__(self, table: list[Row], unread: int, here: str = "") -> None:
        self.rows, self.unread, self.here = table, unread, here
        parts = dict.fromkeys(row.part for row in table)
        inside = {part: [row for row in table if row.part == part] for part in parts}
        self.parts = {_heading(part, some): some for part, some in inside.items()}

    def lines(self) -> list[str]:
        """What to do next, and what the table counts."""
        # where you were last; before the first check, the first notebook of this folder's part
        last = max(
            range(len(self.rows)),
            key=lambda i: (self.rows[i].latest, self.rows[i].part == self.here),
            default=0,
        )
        left = [row for row in self.rows[last:] + self.rows[:last] if row.done < row.exercises]
        if not left:
            said = ["Everything is done: every check of the course has said correct."]
        else:
            row = left[0]
            said = [f"Next: {row.title} ({row.path}): {row.todo}."]
        for row in self.rows:
            if row.changed:
                said.append(
                    f"{row.title}: {row.changed} was correct, but not when last checked. Mend it before you hand in."
                )
        if self.unread:
            many = "1 note" if self.unread == 1 else f"{self.unread} notes"
            said.append(f"{many} could not be read; run the checks of a notebook that is missing again.")
        said.append(
            "This counts the checks that you ran in this folder. Grading is separate; points by hand are those of a "
            "question in words, which your teacher reads."
        )
        return said

    def __str__(self) -> str:
        said = []
        width = max((len(row.title) for row in self.rows), default=0)
        for heading, inside in self.parts.items():
            said.append(heading)
            for row in inside:
                count = f"{row.done} of {row.exercises}"
                said.append(
                    f"  {row.state:<13}{row.title:<{width}}  {count:>6} checks, points: {row.counted}"
                )
        return "\n".join([*said, "", *self.lines()])

    def _repr_html_(self) -> str:
        body = []
        for heading, inside in self.parts.items():
            text = html.escape(heading)
            body.append(f'<tr><th scope="rowgroup" colspan="4" style="text-align:left">{text}</th></tr>')
            for row in inside:
                text = html.escape(row.title)
                body.append(f'<tr><th scope="row" style="text-align:left;font-weight:normal">{text}</th>')
                for text in (row.state, f"{row.done} of {row.exercises}", row.counted):
                    body.append(f'<td style="text-align:left">{text}</td>')
                body.append("</tr>")
        head = "".join(
            f'<th scope="col" style="text-align:left">{name}</th>'
            for name in ("Notebook", "State", "Checks correct", "Points")
        )
        first, *others = (html.escape(line) for line in self.lines())
        rest = "".join(f"<p>{line}</p>" for line in others)
        return (
            f"<p><strong>{first}</strong></p><table><caption>Your progress in the course</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>{rest}"
        )


def part_name(part: str) -> str:
    """ "2_build_a_vit" as people write it: "Part 2 · Build a ViT"."""
    number, _, words = part.partition("_")
    if not number.isdigit():
        return part
    name = words.replace("_", " ").capitalize().replace("vit", "ViT").replace("cifar10", "CIFAR-10")
    return f"Part {number} · {name}"


def _heading(part: str, inside: list[Row]) -> str:
    done = sum(row.done == row.exercises for row in inside)
    return (
        f"{part_name(part)}: {done} of {len(inside)} notebooks done, "
        f"{sum(row.points for row in inside):g} of {sum(row.most for row in inside):g} points"
    )


def progress() -> None:
    """Show what is done, by part, and the next step; offline, from the notes of your own checks."""
    try:
        contents = json.loads(CONTENTS.read_text("utf-8"))
    except OSError:  # a grading kernel, which knows of no other notebook
        print("There is no list of the notebooks here.")
        return
    found, unread = notes([part["part"] for part in contents], Path.cwd())
    overview = Overview(rows(contents, found), unread, Path.cwd().name)
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        data = {"text/plain": str(overview), "text/html": overview._repr_html_()}
        ipython.display.display(data, raw=True)
    else:
        print(overview)
