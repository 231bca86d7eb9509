"""The forms in which Canvas and Moodle take grades and feedback back.

As their own source code reads them (canvas-lms `gradebook_importer.rb` and `abstract_assignment.rb`, Moodle
`mod/assign/feedback/{offline,file}`); no running LMS was asked.

    Canvas gradebook    Student,ID,SIS User ID,SIS Login ID,Section,Part 2 (4711),...
                        "Manual Posting" row, "Points Possible" row, one row a student, found by ID
    Moodle worksheet    Identifier,Full name,Email address,Status,Grade,Maximum Grade,...,Last modified (grade),...
                        found by the number in "Participant 4711"; a grade above the maximum is skipped in silence
    Canvas feedback     lovelaceada_101_9001_q1.html: the user's and the attachment's number are what is read
    Moodle feedback     Ada Lovelace_4711_assignsubmission_file_/q1.html: the number is what is read

Only cells of one column change; a cell that somebody set to EX (excused) or N/A (not assigned) stays.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from course.collecting.archives import MOODLE, by_lms, safe_id
from course.collecting.roster import Roster, plain

KEPT = {"EX", "N/A"}
csv.field_size_limit(2**27)  # feedback comments are long


class LmsError(Exception):
    """The file is not what the LMS gives; the text says what to download instead."""


@dataclass
class Record:
    """What collect knows of a part: key of the sender -> student, -> name in the LMS; all files."""

    ids: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    files: list[dict] = field(default_factory=list)

    def participants(self) -> dict[str, str]:
        """Moodle's participant number -> key."""
        found = ((re.search(r"(?:\0|^participant )(\d+)$", key, re.I), key) for key in self.ids)
        return {match[1]: key for match, key in found if match}


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


@dataclass
class Filled:
    """What became of the students: `filled` have their points in the sheet now."""

    filled: set[str] = field(default_factory=set)
    there: set[str] = field(default_factory=set)  # students who have a row
    strangers: list[str] = field(default_factory=list)  # rows that are nobody's
    people: list[str] = field(default_factory=list)


# --- grades ---------------------------------------------------------------------------------------


def read(path: Path, kind: str) -> Sheet:
    """The gradebook (kind "canvas") or grading worksheet ("moodle") at `path`.

    Raises:
        LmsError: if it is anything else.
    """
    want = {
        "canvas": "the gradebook that Canvas exports (Grades, Export; the file begins with Student,ID)",
        "moodle": "the grading worksheet of the assignment in Moodle "
        "(Download grading worksheet; with the columns Identifier, Grade and Last modified (grade))",
    }[kind]
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
        canvas = len(head) > 3 and head[0] in ("Student", "LastName") and "ID" in head and "Section" in head
        moodle = {"Identifier", "Grade", "Last modified (grade)"} <= set(head)
        if canvas if kind == "canvas" else moodle:
            return sheet
    start = text.splitlines()[0][:60] if text.strip() else "nothing"
    raise LmsError(f"{path} begins with {start!r}{damage}; give {want}.")


def fill_canvas(
    sheet: Sheet, part: str, most: float, points: dict[str, str], record: Record, roster: Roster, column: str
) -> Filled:
    """Write `points` (student -> plain decimal) into the part's column of Canvas' gradebook.

    Args:
        most: points possible by our count; the file's is compared with it.
        column: title or number of the assignment, "" for the one called like the part, "new" for a new column.

    Raises:
        LmsError: no column, or more than one, is meant.
    """
    number, head = sheet.column("ID"), sheet.rows[0]
    assert number is not None
    titles = {
        place: match for place, title in enumerate(head) if (match := re.fullmatch(r"(.*) \((\d+)\)", title))
    }
    wanted = column or part
    meant = [p for p, m in titles.items() if wanted in (m[0], m[2]) or plain(m[1]) == plain(wanted)]
    possible = next((row for row in sheet.rows if row and "Points Possible" in row[0]), None)
    result = Filled()
    if column == "new":
        meant = [max(titles, default=head.index("Section")) + 1]
        for row in filter(None, sheet.rows):
            row.insert(meant[0], part if row is head else plain_number(most) if row is possible else "")
    if len(meant) != 1:
        there = ", ".join(f'"{head[place]}"' for place in titles) or "none"
        raise LmsError(
            f"{sheet.name} has {f'{len(meant)} columns' if meant else 'no column'} for {wanted}; say which is meant "
            f'with --column "NAME (NUMBER)", or --column new for one more assignment. The assignments are: {there}.'
        )
    place = meant[0]
    if possible is not None and _number(_cell(possible, place)) not in (None, most):
        result.people.append(
            f"Canvas counts {head[place]} out of {possible[place]}, the gradebook out of {plain_number(most)}: "
            f"set the assignment's points in Canvas to {plain_number(most)}."
        )
    others = [p for t in ("SIS User ID", "SIS Login ID") if (p := sheet.column(t)) is not None]
    rows = []
    for row in sheet.rows[1:]:
        if row is possible or len(row) <= number or not row[number].strip():
            continue  # points possible, manual posting
        name = ", ".join(row[:number])
        texts = [_cell(row, p) for p in others]
        who = record.ids.get(row[number].strip()) or roster.find(row[number], *texts, name)
        rows.append((row, f"{name} ({row[number]})", who))
    return _fill(result, rows, place, points, "Canvas")


def fill_moodle(
    sheet: Sheet, most: float, points: dict[str, str], record: Record, roster: Roster, students: set[str]
) -> Filled:
    """Write `points` into the column Grade of Moodle's grading worksheet."""
    place, highest = sheet.column("Grade"), sheet.column("Maximum Grade")
    number, full, mail = (sheet.column(t) for t in ("Identifier", "Full name", "Email address"))
    assert place is not None and number is not None
    participants = record.participants()
    result, rows, limits = Filled(), [], set()
    for row in sheet.rows[1:]:
        if len(row) <= max(place, number):
            continue
        name = _cell(row, full)
        label = " ".join(filter(None, (name, f"({row[number]})")))
        digits = re.search(r"\d+$", row[number].strip())
        key = participants.get(digits[0]) if digits else None
        if key is not None:
            who, known = record.ids[key], record.names.get(key, "")
            if (
                name
                and known
                and not known.casefold().startswith("participant")
                and plain(name) != plain(known)
            ):
                result.people.append(
                    f"{row[number]} is {name} in {sheet.name} but was {known} when the part was collected: "
                    "is it the worksheet of this part? Nothing was filled in there."
                )
                who = ""
        else:
            who = roster.find(_cell(row, mail), name)
            who = (
                who or record.ids.get(name) or (safe_id(name) if name and safe_id(name) in students else None)
            )
        rows.append((row, label, who))
        if (limit := _number(_cell(row, highest))) is not None:
            limits.add(limit)
            if who in points and float(points[who]) > limit:
                result.people.append(
                    f"{label}: {points[who]} is more than Moodle's maximum of {plain_number(limit)}; "
                    "Moodle will leave it out without a word."
                )
    if limits - {most}:
        result.people.append(
            f"Moodle counts out of {', '.join(map(plain_number, sorted(limits)))}, the gradebook out of "
            f"{plain_number(most)}: set the assignment's maximum grade in Moodle to {plain_number(most)}."
        )
    return _fill(result, rows, place, points, "Moodle")


def _fill(
    result: Filled,
    rows: list[tuple[list[str], str, str | None]],
    place: int,
    points: dict[str, str],
    lms: str,
) -> Filled:
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


def _cell(row: list[str], place: int | None) -> str:
    return row[place] if place is not None and place < len(row) else ""


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


# --- feedback -------------------------------------------------------------------------------------


def feedback_names(
    kind: str, student: str, pages: dict[str, Path], record: Record
) -> dict[str, list[tuple[str, Path]]]:
    """The names under which the LMS takes a student's feedback back.

    Args:
        pages: notebook -> HTML page.

    Returns:
        name in the archive -> [(name of the page, page)]; several pages where one file brought several
        notebooks. What is not in it has no name: the student's files did not come from this LMS.
    """
    moodle = kind == "moodle"
    came: list[tuple[str, str]] = []  # notebook, what the LMS called the file or its folder; the best last
    for entry in sorted(record.files, key=lambda e: (e["verdict"] != "superseded", e["order"])):
        for component in entry["path"].split("/") if entry["student"] == student else ():
            sender = by_lms(component)
            if sender and record.ids.get(sender.key) == student:
                if bool(MOODLE.match(component)) == moodle:
                    came.append((entry["notebook"] or "", component))
                break
    result: dict[str, list[tuple[str, Path]]] = {}
    for notebook, page in pages.items():
        named = [component for about, component in came if about == notebook] or [c for _, c in came]
        if not named:
            continue
        if moodle:
            match = MOODLE.match(named[-1])
            if match and match["number"]:
                folder = f"{match['name']}_{match['number']}_assignsubmission_file_"
                result[f"{folder}/{page.name}"] = [(page.name, page)]
        else:
            result.setdefault(named[-1], []).append((page.name, page))
    if moodle:
        return result
    # Canvas reads two numbers and shows the name of the file that was handed in; the ending says what it is now
    return {
        str(PurePosixPath(name).with_suffix(".html" if len(both) == 1 else ".zip")): both
        for name, both in result.items()
    }
