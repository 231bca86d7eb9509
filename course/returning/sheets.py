"""A table that an LMS gives and takes back: read as it came, one column filled, everything else as it was.

A cell that somebody set to EX (excused) or N/A (not assigned) stays.
"""

import csv
import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

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
    mark: bool = False  # begins with a byte order mark
    newline: str = "\n"

    def column(self, *titles: str) -> int | None:
        """Where the first of these titles stands."""
        places = [self.rows[0].index(title) for title in titles if title in self.rows[0]]
        return places[0] if places else None

    def bytes(self) -> bytes:
        text = io.StringIO()
        csv.writer(text, delimiter=self.delimiter, lineterminator=self.newline).writerows(self.rows)
        return text.getvalue().encode("utf-8-sig" if self.mark else "utf-8")


Row = tuple[list[str], str, str | None]  # as it came, what to call it, whose it is


@dataclass
class Filled:
    """What became of the students: `filled` have their points in the sheet now."""

    filled: set[str] = field(default_factory=set)
    there: set[str] = field(default_factory=set)  # students who have a row
    strangers: list[str] = field(default_factory=list)  # rows that are nobody's
    people: list[str] = field(default_factory=list)


def read_sheet(path: Path, want: str, is_it: Callable[[list[str]], bool]) -> Sheet:
    """The CSV file at `path`.

    Args:
        want: what it should be, as the end of a sentence.
        is_it: whether a row is the heading of such a file.

    Raises:
        LmsError: if it is anything else.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LmsError(f"{path} cannot be read ({error.strerror}); give {want}.") from None
    if data[:2] == b"PK":
        raise LmsError(f"{path} is a spreadsheet or an archive, no CSV; give {want}.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise LmsError(
            f"{path} is not in UTF-8: a spreadsheet program saved it. Download it again; give {want}."
        ) from None
    damage = ""
    for delimiter in ",;\t":
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
        except csv.Error as error:
            damage = damage or f" and is damaged ({error})"
            continue
        sheet = Sheet(path.name, rows, delimiter, data[:3] == b"\xef\xbb\xbf")
        sheet.newline = "\r\n" if "\r\n" in text else "\n"
        head = rows[0] if rows else []
        if is_it(head):
            return sheet
    start = text.splitlines()[0][:60] if text.strip() else "nothing"
    raise LmsError(f"{path} begins with {start!r}{damage}; give {want}.")


def fill(result: Filled, rows: list[Row], place: int, points: dict[str, str], lms: str) -> Filled:
    """Write each student's points; `who` is None for a stranger's row and empty where it was said already."""
    owners = Counter(who for _, _, who in rows)
    for row, label, who in rows:
        if who is None:
            result.strangers.append(label)
        elif who and owners[who] > 1:
            result.people.append(f"{label}: more than one row is {who}; nothing was filled in there.")
        if not who:
            continue
        result.there.add(who)
        if owners[who] > 1 or who not in points:
            continue
        row.extend([""] * (place + 1 - len(row)))
        if row[place].strip().upper() in KEPT:
            result.people.append(f"{label}: {lms} says {row[place]}, which stays; {points[who]} were earned.")
        else:
            row[place] = points[who]
            result.filled.add(who)
    return result


def plain_number(value: float) -> str:
    """7.5, 0, 3.3333: no exponent, no trailing zeros, no noise of binary fractions."""
    return f"{value + 0.0:.4f}".rstrip("0").rstrip(".")


def cell(row: list[str], place: int | None) -> str:
    return row[place] if place is not None and place < len(row) else ""


def number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None
