"""A table that an LMS gives and takes back: read as it came, one column filled, everything else as it was.

A cell that somebody set to EX (excused) or N/A (not assigned) stays.
"""

import csv
import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from course.collecting.collected import Collected
from course.collecting.roster import Roster
from course.collecting.sheet import COLUMNS, SEPARATORS, begin, decode, plain

KEPT = {"EX", "N/A"}
csv.field_size_limit(2**27)  # for the whole process, as csv has no other way: feedback comments are long


class LmsError(Exception):
    """The file is not what the LMS gives; the text says what to download instead."""


@dataclass
class Sheet:
    """A CSV file as it came; `rows` are changed in place."""

    name: str
    rows: list[list[str]]
    delimiter: str = ","
    newline: str = "\n"
    encoding: str = "utf-8"  # in which it is written back
    quoted: bool = False  # every cell of it

    @property
    def head(self) -> list[str]:
        return [title.strip() for title in self.rows[0]]

    def column(self, *titles: str) -> int | None:
        """Where the first of these titles stands."""
        head = self.head
        return next((head.index(title) for title in titles if title in head), None)

    def meaning(self, *columns: str) -> list[int]:
        """Where columns stand that mean one of these, as in a roster's heading (id, name, email, ...)."""
        return [place for place, title in enumerate(self.head) if COLUMNS.get(plain(title)) in columns]

    def bytes(self) -> bytes:
        text = io.StringIO()
        quoting = csv.QUOTE_ALL if self.quoted else csv.QUOTE_MINIMAL
        csv.writer(text, delimiter=self.delimiter, lineterminator=self.newline, quoting=quoting).writerows(
            self.rows
        )
        return text.getvalue().encode(self.encoding)


@dataclass
class Points:
    """What is to be filled in.

    of: student -> plain decimal.
    most: points possible by our count; the LMS's own is compared with it.
    students: everybody of the course, those without points too.
    column: which of the file's columns is meant, by title or number; "" for the one called like the part.
    """

    part: str
    of: dict[str, str]
    most: float
    collected: Collected
    roster: Roster
    students: set[str]
    column: str = ""


Row = tuple[list[str], str, str | None, bool]  # as it came, what to call it, whose, by the LMS's number?


@dataclass
class Filled:
    """What became of the students: `filled` have their points in the sheet now."""

    filled: set[str] = field(default_factory=set)
    there: set[str] = field(default_factory=set)  # students who have a row
    refused: set[str] = field(default_factory=set)  # whose row leaves open who they are
    strangers: list[str] = field(default_factory=list)  # rows that are nobody's
    people: list[str] = field(default_factory=list)


def read_sheet(path: Path, *wanted: ModuleType) -> tuple[Sheet, ModuleType]:
    """The CSV file at `path`, and whose it is of the LMSs that are possible.

    Args:
        wanted: modules with `is_it(head)`, whether a row is the heading of such a file, and `WANTED`, what the file
            is, as the end of a sentence.

    Raises:
        LmsError: if it is anything else.
    """
    want = " or ".join(lms.WANTED for lms in wanted)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LmsError(f"{path} cannot be read ({error.strerror}); give {want}.") from None
    if data[:2] == b"PK":
        raise LmsError(f"{path} is a spreadsheet or an archive, no CSV; give {want}.")
    text, found = decode(data)
    if not found or "\0" in text:
        raise LmsError(
            f"{path} is no text in UTF-8, UTF-16 or CP1252: another program saved it. Download it again; give {want}."
        )
    text, said = begin(text)
    damage = ""
    for delimiter in dict.fromkeys((said or ",", *SEPARATORS)):
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
        except csv.Error as error:
            damage = damage or f" and is damaged ({error})"
            continue
        sheet = Sheet(path.name, rows or [[]], delimiter, quoted=text.startswith('"'))
        for lms in wanted:
            if lms.is_it(sheet.head):
                sheet.newline = "\r\n" if "\r\n" in text else "\n"
                marked = data[:3] == b"\xef\xbb\xbf"
                # what a spreadsheet program has saved in CP1252 goes back as the LMS gave it, in UTF-8
                sheet.encoding = "utf-16" if found == "UTF-16" else "utf-8-sig" if marked else "utf-8"
                return sheet, lms
    start = text.splitlines()[0][:60] if text.strip() else "nothing"
    raise LmsError(f"{path} begins with {start!r}{damage}; give {want}.")


def the_column(sheet: Sheet, points: Points, columns: dict[int, tuple[str, ...]], more: str = "") -> int:
    """Where the column stands that is meant.

    Args:
        columns: place of every assignment's column -> its title, and what else it may be called.
        more: what else can be done if none is found, as a part of a sentence.

    Raises:
        LmsError: no column, or more than one, is meant.
    """
    wanted = points.column or points.part
    meant = [p for p, (title, *ways) in columns.items() if wanted in ways or plain(title) == plain(wanted)]
    if len(meant) != 1:
        there = ", ".join(f'"{sheet.rows[0][place]}"' for place in columns) or "none"
        raise LmsError(
            f"{sheet.name} has {f'{len(meant)} columns' if meant else 'no column'} for {wanted}; say which is meant "
            f"with --column NAME{more}. The assignments are: {there}."
        )
    return meant[0]


def other_maximum(lms: str, title: str, theirs: float | None, points: Points) -> list[str]:
    """A sentence where the LMS counts out of another number."""
    if theirs in (None, points.most):
        return []
    return [
        f"{lms} counts {title} out of {plain_number(theirs)}, the gradebook out of {plain_number(points.most)}: "
        f"set the assignment's points in {lms} to {plain_number(points.most)}."
    ]


def fill(result: Filled, rows: list[Row], place: int, points: Points, lms: str) -> Filled:
    """Write each student's points; `who` is None for a stranger's row and empty where it was said already.

    Where a row is somebody's by number, another one of the same name is a namesake's.
    """
    known = {who for *_, who, by_number in rows if by_number}
    whose = [None if who in known and not by_number else who for *_, who, by_number in rows]
    owners = Counter(whose)
    for (row, label, *_), who in zip(rows, whose, strict=True):
        if who is None:
            result.strangers.append(label)
        elif who and owners[who] > 1:
            result.people.append(f"{label}: more than one row is {who}; nothing was filled in there.")
            result.refused.add(who)
        if not who:
            continue
        result.there.add(who)
        if owners[who] > 1 or who not in points.of:
            continue
        row.extend([""] * (place + 1 - len(row)))
        if row[place].strip().upper() in KEPT:
            result.people.append(
                f"{label}: {lms} says {row[place]}, which stays; {points.of[who]} were earned."
            )
        else:
            row[place] = points.of[who]
            result.filled.add(who)
    return result


def in_folders(
    lms: Callable, folder: Callable[[str], str], student: str, pages: dict[str, Path], collected: Collected
) -> dict[str, list]:
    """Name in the archive of feedback -> page, for an LMS that knows a student by the name of a folder.

    Args:
        lms: its `sender`, or another function that knows the names which it gives.
        folder: the folder of feedback, by the name under which the student's files came; "" where there is none.
        pages: notebook -> HTML page.
    """
    result: dict[str, list[tuple[str, Path]]] = {}
    for notebook, page in pages.items():
        if inside := folder(collected.named(lms, student, notebook)):
            result[f"{inside}/{page.name}"] = [(page.name, page)]
    return result


def plain_number(value: float) -> str:
    """7.5, 0, 3.3333: no exponent, no trailing zeros, no noise of binary fractions."""
    return f"{value + 0.0:.4f}".rstrip("0").rstrip(".")


def name_of(row: list[str], places: list[int]) -> tuple[str, str]:
    """A name that stands in several cells: as the columns have it, "Lovelace, Ada", and turned, "Ada Lovelace"."""
    cells = [row[place].strip() for place in places if place < len(row)]
    return ", ".join(cells), " ".join(reversed(cells))


def cell(row: list[str], place: int | None) -> str:
    return row[place] if place is not None and place < len(row) else ""


def number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None
