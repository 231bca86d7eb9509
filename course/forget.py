"""`python -m course forget STUDENT`: a person's work, points and names, removed below grading/; what stays is named.

Removed are the folders of their name (submitted/, autograded/, feedback/, nbgrader's exchange), what received/ and records/
hold of nobody else, their entries in collected/ and the gradebook, and what shows the whole class: export/, report/,
grades.csv and nbgrader.log, which the next run of each command makes anew. It can be run again if it was stopped.

Not touched, and named: roster.csv and the archives as they came, which are the teacher's own files.
"""

import hashlib
import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from course.base import paths, settings
from course.base.settings import Gradebook
from course.base.text import digest
from course.collecting import collected, roster
from course.collecting.received import Received
from course.collecting.sheet import decode
from course.notebook.read import Unreadable
from helpers.files import write

CLASS = ("export", "report", "grades.csv", "nbgrader.log")  # of everybody, and made anew


class ForgetError(Exception):
    """Nothing was removed; the text says why."""


@dataclass
class Traces:
    """Where a student is found. `theirs` and `shared` are removed; `stays` are sentences on what is not."""

    student: str
    grading: Path
    theirs: list[Path] = field(default_factory=list)
    shared: list[Path] = field(default_factory=list)  # about the whole class
    entries: dict[str, int] = field(default_factory=dict)  # part -> files in collect's record
    points: int = 0  # submissions in the gradebook
    known: bool = False  # to the gradebook
    stays: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """What would be removed, to be read before it is."""
        kinds: dict[str, list[Path]] = {}
        for path in self.theirs:
            kinds.setdefault(path.relative_to(self.grading).parts[0], []).append(path)
        for kind, some in kinds.items():
            one = "" if len(some) > 1 else f" ({some[0].relative_to(self.grading)})"
            yield f"{kind}/: {len(some)}{one}"
        for part, number in self.entries.items():
            yield f"collected/{part}.json: {number} files"
        if self.known:
            yield f"gradebook: the student, with {self.points} submissions, points and comments"
        for path in self.shared:
            yield f"{path.relative_to(self.grading)}: whole, as it shows everybody; it is made anew"


def find(student: str) -> Traces:
    """Where this student is found below grading/.

    Raises:
        ForgetError: nowhere.
        CollectError: collect's record, or the roster, can't be read.
    """
    grading = paths.grading()
    traces = Traces(student, grading)
    records = {path.stem: collected.load(grading, path.stem) for path in grading.glob("collected/*.json")}
    for kind in ("submitted", "autograded", "feedback"):
        traces.theirs += [path for path in grading.glob(f"{kind}/*") if path.name == student]
    for path in grading.glob("exchange/*/inbound/*"):
        traces.theirs += [path] if path.name.startswith(f"{student}+") else []
    for part, record in records.items():
        if mine := [entry for entry in record.files if entry.student == student]:
            traces.entries[part] = len(mine)
            names = sorted({entry.path for entry in mine})
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            traces.stays.append(
                f"the archive or folder that you gave to collect still holds {', '.join(names[:3])}{more}; collecting "
                "it again brings it back."
            )
    if (book := settings.gradebook()) is not None:
        with book:
            found = [one for one in book.students if one.id == student]
            traces.known, traces.points = bool(found), sum(len(one.submissions) for one in found)
    traces.stays += _in_the_roster(student, grading)
    if not (traces.theirs or traces.entries or traces.known):
        meant = roster.load(grading).did_you_mean(student, there=_everybody(grading, records))
        only = f" But {traces.stays[0]}" if traces.stays else ""
        raise ForgetError(f"Nothing below {grading} is {student}'s.{meant}{only}")
    traces.theirs += sorted(_received(student, grading, records)) + sorted(_records(student, grading))
    traces.shared = [grading / name for name in CLASS if (grading / name).exists()]
    return traces


def _everybody(grading: Path, records: dict[str, collected.Collected]) -> set[str]:
    found = {path.name for path in grading.glob("submitted/*")}
    return found | {entry.student for record in records.values() for entry in record.files if entry.student}


def _in_the_roster(student: str, grading: Path) -> Iterator[str]:
    path = grading / "roster.csv"
    for cells in roster.rows(path) if path.exists() else ():
        if cells["id"] == student:
            lines = decode(path.read_bytes())[0].splitlines()
            there = [
                str(n) for n, line in enumerate(lines, 1) if cells["written"] in re.split(r"[,;\t\"]", line)
            ]
            yield f"{path.relative_to(grading.parent)}, line {' or '.join(there)}, is yours to remove."


def _received(student: str, grading: Path, records: dict[str, collected.Collected]) -> Iterator[Path]:
    """Files in received/ that are this student's alone: as they came, and as they were rebuilt."""
    others = {e.received for record in records.values() for e in record.files if e.student != student}
    for part, record in records.items():
        folder = paths.ROOT / "notebooks" / part
        releases = {path.stem: nbformat.read(path, as_version=4) for path in folder.glob("*.ipynb")}
        store = Received(grading, {part: releases}, part, paths.ROOT / "solutions" / part)
        for entry in record.files:
            if entry.student != student or not entry.received:
                continue
            names = {entry.received}
            try:
                clean = store.rebuilt(entry.received, entry.notebook).content
                names.add(hashlib.sha256(clean).hexdigest())
            except (Unreadable, KeyError):
                pass
            for name in names - others:
                if (path := grading / "received" / f"{name}.ipynb").exists():
                    yield path


def _records(student: str, grading: Path) -> Iterator[Path]:
    """Records of work that nobody else has handed in as it is now: this student's, and of older files of anybody."""
    others = {
        digest(path.read_bytes())
        for path in grading.glob("submitted/*/*/*.ipynb")
        if path.parents[1].name != student and path.is_file()
    }
    for path in grading.glob("records/**/*.json"):
        match = re.search(rb'"submission": "([0-9a-f]{64})"', path.read_bytes())
        if match and match[1].decode() not in others:
            yield path


def remove(traces: Traces) -> None:
    """Remove all of it; collect's record, which tells the rest, last. Raises OSError if a file can't be removed."""
    for path in (*traces.theirs, *traces.shared):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    if traces.known and (book := settings.gradebook()) is not None:
        with book:
            book.remove_student(traces.student)
        _overwrite(book)
    for part in traces.entries:
        path = traces.grading / "collected" / f"{part}.json"
        content = json.loads(path.read_text("utf-8"))
        keys = {key for key, who in content["ids"].items() if who == traces.student}
        content["files"] = [entry for entry in content["files"] if entry["student"] != traces.student]
        for name in ("ids", "names"):
            content[name] = {key: value for key, value in content[name].items() if key not in keys}
        content["students"].pop(traces.student, None)
        content["missing"] = [who for who in content["missing"] if who != traces.student]
        write(path, (json.dumps(content, indent=1, ensure_ascii=True, sort_keys=True) + "\n").encode())


def _overwrite(book: Gradebook) -> None:
    """SQLite leaves what was deleted in free pages of its file; PostgreSQL has its own vacuum."""
    if book.engine.dialect.name == "sqlite":
        with sqlite3.connect(book.engine.url.database) as database:
            database.execute("VACUUM")
        database.close()
