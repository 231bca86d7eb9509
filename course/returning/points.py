"""What nbgrader's gradebook, roster.csv and collect's record say of every student of a part.

Status of a student: `graded`, `incomplete` (graded, but not all notebooks were handed in; the others give 0), `missing` (nothing
was handed in), `not graded` (a cell has no points yet, a newer file waits, or the lesson asks something else since) or
`needs a person` (formgrader asks for a look). Points are nbgrader's: the sum less the late penalty that its plug-in
recorded, at least 0.
"""

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from nbgrader.api import Grade, Gradebook, MissingEntry, Notebook, SubmittedAssignment, SubmittedNotebook

from course.base import settings
from course.base.assignment import differences, points_in, points_of
from course.base.paths import ROOT
from course.base.text import digest
from course.collecting import collected, roster
from course.collecting.collected import COUNTS, Entry
from course.notebook.read import LARGEST
from course.notebook.release import JudgeError, Release
from course.returning.sheets import plain_number

COLUMNS = (
    "assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email",
    "raw_score", "late_submission_penalty", "score", "max_score", "status", "note",
)  # fmt: skip


FINAL = ("graded", "incomplete")  # their points go out
SETTLED = (*FINAL, "missing")


class ExportError(Exception):
    """Nothing was exported; the text says what to change."""


@dataclass
class Student:
    """One student's outcome in one part; points are plain decimals, "" where there are none; `due` is in UTC."""

    id: str
    cells: dict[str, str] = field(default_factory=dict)
    status: str = "missing"
    note: str = ""
    due: datetime | None = None

    @property
    def points(self) -> str:
        return self.cells.get("score", "")

    def late(self, entry: Entry) -> bool:
        """Whether a file came late: by its time and the due date, as the penalty; where one is not known, as the LMS says."""
        if self.due is None or entry.date is None:
            return entry.late
        return datetime.fromisoformat(entry.date.removesuffix(" UTC")) > self.due


def students(book: Gradebook, part: str, grading: Path, force: bool = False) -> list[Student]:
    """Everybody in the gradebook, in grading/roster.csv and in collect's record, with their points in `part`.

    Raises ExportError: the gradebook does not know `part`.
    """
    try:
        assignment = book.find_assignment(part)
    except MissingEntry:
        there = ", ".join(a.name for a in book.assignments) or "none"
        raise ExportError(f"The gradebook has no assignment {part!r}; it has: {there}.") from None
    known = {cells["id"]: cells for cells in roster.of_gradebook(book)}
    listed = roster.load(grading).people if (grading / "roster.csv").exists() else {}
    received = _received(grading, part)
    everybody = sorted({*known, *(listed or {}), *received}, key=str.casefold)
    sent = SubmittedAssignment
    about = sent.timestamp, sent.score, sent.late_submission_penalty, sent.extension
    rows = book.db.query(sent.student_id, *about)
    scores = {row.student_id: row for row in rows.filter(sent.assignment_id == assignment.id)}
    graded, waiting, looks = _cells(book, assignment.id)
    wanted = {notebook.name for notebook in assignment.notebooks if notebook.max_score}
    changed = changes(book, part)
    result = []
    for who in everybody:
        person = (listed or {}).get(who, {}) | {k: v for k, v in known.get(who, {}).items() if v}
        student = Student(who, {column: person.get(column, "") for column in COLUMNS}, due=assignment.duedate)
        student.cells |= {"assignment": part, "student_id": who, "duedate": str(assignment.duedate or "")}
        student.cells["max_score"] = plain_number(assignment.max_score)
        if (score := scores.get(who)) is None:
            if who in received:
                student.status, student.note = "not graded", received[who]
        else:
            student.cells["timestamp"] = str(score.timestamp or "")
            if student.due and score.extension:
                student.due += score.extension
            open_ones = waiting.get(who, set()) | (wanted - graded.get(who, set()))
            sent_in, newer = _files(grading, who, part, wanted)
            if changed:
                student.status = "not graded"
                student.note = (
                    f"the lesson has changed since ({'; '.join(changed)}): python -m course grade {part}"
                )
            elif newer:
                student.status = "not graded"
                student.note = f"newer files wait ({', '.join(newer)}): python -m course grade {part}"
            elif open_ones:
                student.status = "not graded"
                student.note = f"no points yet in {', '.join(sorted(open_ones))}"
            elif who in looks:
                student.status = "needs a person"
                student.note = f"formgrader asks for a look at {', '.join(sorted(looks[who]))}"
            elif sent_in and sent_in != wanted:
                student.status = "incomplete"
                missing = ", ".join(sorted(wanted - sent_in))
                student.note = f"{len(sent_in)} of {len(wanted)} notebooks were handed in, without {missing}"
            else:
                student.status = "graded"
            if student.status in FINAL or force:
                student.cells["raw_score"] = plain_number(score.score)
                student.cells["late_submission_penalty"] = plain_number(score.late_submission_penalty)
                student.cells["score"] = plain_number(max(0.0, score.score - score.late_submission_penalty))
        student.cells |= {"status": student.status, "note": student.note}
        result.append(student)
    return result


def changes(book: Gradebook, part: str) -> list[str]:
    """Phrases: what the lessons ask otherwise than the gradebook; points given before are not final then.

    Raises ExportError if a lesson can't be read.
    """
    try:
        now = asked(part)
    except JudgeError as error:
        raise ExportError(str(error)) from None
    return differences(points_in(book, part), now) if now else []


def asked(part: str) -> dict[str, dict[str, float]]:
    """Notebook -> grade_id -> the most points, of the lessons of today; {} for a part that has none here."""
    folder = ROOT / settings.load().CourseDirectory.source_directory / part
    return {path.stem: _points(path, path.stat().st_mtime_ns) for path in sorted(folder.glob("*.ipynb"))}


@lru_cache(maxsize=64)
def _points(path: Path, written: int) -> dict[str, float]:
    """Kept, as every feedback page asks; `written` tells another file of that name."""
    return points_of(Release.read(path).notebook)


def _files(grading: Path, who: str, part: str, wanted: set[str]) -> tuple[set[str], list[str]]:
    """The notebooks that a student handed in, and those of them that are not graded as they lie there."""
    there, newer = set(), []
    for path in sorted((grading / "submitted" / who / part).glob("*.ipynb")):
        if path.stem in wanted:
            there.add(path.stem)
            graded = grading / "autograded" / who / part / path.name
            if path.is_file() and not path.is_symlink():
                with path.open("rb") as file:
                    stamp = digest(file.read(LARGEST + 1)).encode()
                if not graded.is_file() or stamp not in graded.read_bytes():
                    newer.append(path.stem)
    return there, newer


def _cells(book: Gradebook, assignment: str) -> tuple[dict[str, set[str]], ...]:
    """student -> notebooks with graded cells, with cells without any points, with cells that want a look."""
    graded: dict[str, set[str]] = {}
    waiting: dict[str, set[str]] = {}
    looks: dict[str, set[str]] = {}
    sent, points = SubmittedAssignment, (Grade.auto_score, Grade.manual_score, Grade.needs_manual_grade)
    rows = (
        book.db.query(sent.student_id, Notebook.name, *points)
        .join(SubmittedNotebook, Grade.notebook_id == SubmittedNotebook.id)
        .join(sent, SubmittedNotebook.assignment_id == sent.id)
        .join(Notebook, SubmittedNotebook.notebook_id == Notebook.id)
        .filter(sent.assignment_id == assignment)
    )
    for who, notebook, auto, manual, look in rows:
        graded.setdefault(who, set()).add(notebook)
        if auto is None and manual is None:
            waiting.setdefault(who, set()).add(notebook)
        elif look:
            looks.setdefault(who, set()).add(notebook)
    return graded, waiting, looks


def _received(grading: Path, part: str) -> dict[str, str]:
    """Who handed something in by collect's record or nbgrader's folder -> why they may have no points."""
    result = {path.parent.name: "handed in, not autograded" for path in grading.glob(f"submitted/*/{part}")}
    for entry in collected.load(grading, part).files:
        if entry.student and entry.student not in result:
            if entry.verdict in COUNTS:
                result[entry.student] = "handed in, not autograded"
            elif entry.verdict in ("unreadable", "not a notebook"):
                result[entry.student] = "nothing that they sent could be read; see collect"
    return result
