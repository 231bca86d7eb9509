"""`python -m course export`: grades and feedback from nbgrader's gradebook back to the LMS.

Below grading/ (`VIT_GRADING`):

    export/<part>/grades.csv             --to csv: nbgrader's columns, and the status of every student
    export/<part>/<lms>.csv              the file of grades that the LMS gave, one column filled
    export/<part>/<lms>-feedback.zip     the feedback pages under the names that the LMS takes back

A module an LMS: `NAME`; `UPLOAD`, where to go with the files; `is_it(head)`, `WANTED` and `fill_in(sheet, points)` where
it takes grades from a file; `feedback_names(student, pages, collected)`, or the sentence `NO_FEEDBACK`.

Whoever handed in nothing has an empty cell, never 0. Points that are not final (course.returning.points says which) are kept
back unless forced.
"""

import csv
import io
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from nbgrader.plugins import ExportPlugin
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from traitlets import Bool, Enum, Unicode

from course.authoring import build
from course.base import paths, settings
from course.base.settings import Gradebook, shown
from course.base.text import printable
from course.collecting import collected, roster
from course.collecting.collected import CollectError
from course.returning import blackboard, brightspace, canvas, ilias, moodle
from course.returning.points import COLUMNS, SETTLED, ExportError, Student, students
from course.returning.sheets import LmsError, Points, read_sheet
from helpers.files import write

# in the order in which a file is looked at
LMS = {
    "canvas": canvas,
    "brightspace": brightspace,
    "blackboard": blackboard,
    "moodle": moodle,
    "ilias": ilias,
}
FILLED = {name: lms for name, lms in LMS.items() if hasattr(lms, "fill_in")}
TAKE_NOTHING = {
    "gradescope": "Gradescope takes no points from a file: they are typed in, or its own autograder gives them.",
    "google": "Google Classroom takes no points from a file: they are typed in, from --to csv opened as a Sheet.",
}
TO = ("csv", *LMS, *TAKE_NOTHING)


@dataclass
class Outcome:
    """What one export did, for people to read."""

    part: str
    students: list[Student]
    exported: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)  # whose row in the LMS's file leaves open who they are
    people: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)


# --- to a file ------------------------------------------------------------------------------------


def safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula (OWASP's advice: an apostrophe before = + - @ and controls)."""
    return f"'{text}" if text.lstrip(" ")[:1] in tuple("=+-@\t\r\n＝＋－＠") else text


class LmsExport(ExportPlugin):
    """nbgrader's export plug-in: `nbgrader export` and `python -m course export` both come here."""

    lms = Enum(["csv", *LMS], "csv", help="what the file is for").tag(config=True)
    sheet = Unicode(help="the LMS's file of grades to fill").tag(config=True)
    column = Unicode(help="title or number of the assignment in it").tag(config=True)
    force = Bool(False, help="export points that are not final").tag(config=True)

    def export(self, gradebook: Gradebook) -> None:
        try:
            names = [str(n) for n in self.assignment] or [a.name for a in gradebook.assignments]
            text, outcomes = self.form(gradebook, names)
            write(Path(self.to or "grades.csv"), text)
        except (ExportError, CollectError, LmsError, OSError) as error:
            raise SystemExit(f"Nothing was exported. {error}") from None
        for outcome in outcomes:
            for sentence in outcome.people:
                self.log.warning(sentence)

    def form(self, book: Gradebook, parts: list[str]) -> tuple[bytes, list[Outcome]]:
        """The file's content and what became of each part's students."""
        if self.lms != "csv" and len(parts) != 1:
            raise ExportError(f"An LMS takes one part at a time; name one of: {', '.join(parts)}.")
        grading = paths.grading()
        outcomes = []
        for part in parts:
            some = students(book, part, grading, self.force)
            some = [s for s in some if not self.student or s.id in map(str, self.student)]
            outcome = Outcome(part, some, {s.id for s in some if s.points})
            for s in some:
                if s.status not in SETTLED:
                    kept = "exported as it stands" if s.points else "kept back"
                    outcome.people.append(f"{s.id}: {s.status}, {kept}: {s.note}.")
            outcomes.append(outcome)
        if self.lms == "csv":
            rows = [s.cells for outcome in outcomes for s in outcome.students]
            return _table(COLUMNS, [[row[column] for column in COLUMNS] for row in rows]), outcomes
        return self._for_lms(outcomes[0], grading), outcomes

    def _for_lms(self, outcome: Outcome, grading: Path) -> bytes:
        lms = LMS[self.lms]
        outcome.notes.append(lms.UPLOAD)
        everybody = {s.id for s in outcome.students}
        points = {s.id: s.points for s in outcome.students if s.points}
        if not self.sheet:
            if self.lms in FILLED and lms is not moodle:
                raise ExportError(
                    f"{lms.NAME} takes grades back in its own file: give {lms.WANTED} with --gradebook FILE."
                )
            outcome.notes += [WITHOUT_WORKSHEET] * (lms is moodle)
            rows = [[s.id, s.cells["email"], s.points] for s in outcome.students if s.points]
            return _table(("ID number", "Email address", outcome.part), rows)
        sheet, _ = read_sheet(Path(self.sheet), lms)
        most = float(outcome.students[0].cells["max_score"]) if outcome.students else 0.0
        known = collected.load(grading, outcome.part)
        filled = lms.fill_in(
            sheet,
            Points(outcome.part, points, most, known, _ways(grading, outcome, known), everybody, self.column),
        )
        outcome.exported, outcome.refused = filled.filled, filled.refused
        outcome.people += filled.people
        if lost := sorted(points.keys() - filled.there):
            outcome.people.append(f"Graded but not in {sheet.name} ({len(lost)}): {', '.join(lost)}.")
        if absent := sorted(everybody - points.keys() - filled.there):
            names = ", ".join(absent)
            outcome.notes.append(f"Without points and not in {sheet.name} ({len(absent)}): {names}.")
        if filled.strangers:
            names = "; ".join(filled.strangers)
            outcome.notes.append(f"In {sheet.name} but unknown here ({len(filled.strangers)}): {names}.")
        return sheet.bytes()


WITHOUT_WORKSHEET = (
    "In Moodle: Grades, Import, CSV file; map ID number or Email address, and the last column. "
    "Where Moodle knows neither, give the assignment's grading worksheet with --gradebook FILE."
)


def _ways(grading: Path, outcome: Outcome, known: collected.Collected) -> roster.Roster:
    """Everybody of the course by id, by the roster, and by the name in the LMS, where only one is called so."""
    rows = [s.cells | {"id": s.id} for s in outcome.students]
    who = roster.load(grading) if (grading / "roster.csv").exists() else roster.build(rows)
    called: dict[str, set[str]] = {}
    for key, name in known.names.items():
        if key in known.ids:
            called.setdefault(roster.plain(name), set()).add(known.ids[key])
    names = {way: next(iter(ids)) for way, ids in called.items() if way and len(ids) == 1}
    everybody = {roster.plain(s.id): s.id for s in outcome.students}
    return roster.Roster(who.ids, names | everybody | (who.ways or {}))


def _table(head: tuple[str, ...], rows: list[list[str]]) -> bytes:
    numbers = {"raw_score", "late_submission_penalty", "score", "max_score"}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(safe, head))
    for row in rows:
        writer.writerow([c if h in numbers else safe(c) for h, c in zip(head, row, strict=True)])
    return text.getvalue().encode()


# --- the command ----------------------------------------------------------------------------------


def export(part: str, to: str, sheet: Path | None = None, column: str = "", force: bool = False) -> Outcome:
    """Write the part's grades, and for an LMS its feedback, below grading/export/<part>/.

    Args:
        to: csv, or one of LMS; "" for the LMS that has given `sheet`.
        sheet: the LMS's own file of grades.
        column: title or number of the assignment in it; Canvas: "new" for a new one.
        force: also export points that are not final.

    Raises:
        ExportError: nothing was written, and why.
    """
    if to in TAKE_NOTHING:
        raise ExportError(
            f"{TAKE_NOTHING[to]} --to csv gives the table; feedback pages are in grading/feedback/."
        )
    if to not in ("", *TO) or not (to or sheet):
        raise ExportError(
            f"Say what takes the grades with --to, one of: {', '.join(TO)}; or give its file with --gradebook."
        )
    if (sheet and to not in ("", *FILLED)) or (column and not sheet):
        raise ExportError(f"--gradebook is for {', '.join(FILLED)}, --column for a column of that file.")
    try:
        if sheet and not to:
            _, found = read_sheet(sheet, *FILLED.values())
            to = next(name for name, lms in FILLED.items() if lms is found)
        # nbgrader's own settings decide which gradebook it is
        config = settings.load()
        url = make_url(config.CourseDirectory.db_url)
        plugin = LmsExport(config=config)
        plugin.lms, plugin.sheet, plugin.column, plugin.force = to, str(sheet or ""), column, force
        grading = paths.grading()
        if (book := settings.gradebook()) is None:
            raise ExportError(f"There is no gradebook {shown(url)}: nothing has been graded yet.")
        with book:
            content, (outcome,) = plugin.form(book, [part])
        outcome.notes += filter(None, [build.unbuilt(part)])
        folder = grading / "export" / part
        with _staged(folder) as stage:
            (stage / ("grades.csv" if to == "csv" else f"{to}.csv")).write_bytes(content)
            if to != "csv":
                _feedback(to, outcome, grading, stage / f"{to}-feedback.zip")
            outcome.paths = [folder / path.name for path in sorted(stage.iterdir())]
        if to != "csv" and folder / f"{to}-feedback.zip" not in outcome.paths:
            (folder / f"{to}-feedback.zip").unlink(missing_ok=True)  # an older export's
        return outcome
    except (CollectError, LmsError) as error:
        raise ExportError(str(error)) from None
    except SQLAlchemyError as error:
        reason = getattr(error, "orig", None) or error
        raise ExportError(
            f"The gradebook {shown(url)} cannot be read ({reason}). If something is grading, wait for it and "
            "export again; if it is from another version of nbgrader, `nbgrader db upgrade`."
        ) from None
    except OSError as error:
        raise ExportError(
            f"{error.filename or 'A file'}: {error.strerror or error}. Make room or make the folder writable, then "
            "export again."
        ) from None


@contextmanager
def _staged(folder: Path) -> Iterator[Path]:
    """A folder whose files move to `folder` together, once all of them are whole on the disk."""
    folder.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(dir=folder, prefix=".", suffix=".part"))
    try:
        yield stage
        for path in stage.iterdir():
            with path.open("rb+") as stream:
                os.fsync(stream.fileno())
        for path in list(stage.iterdir()):
            os.chmod(path, 0o644)
            os.replace(path, folder / path.name)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _feedback(to: str, outcome: Outcome, grading: Path, path: Path) -> None:
    """The zip of the pages of all whose points are exported."""
    lms, known = LMS[to], collected.load(grading, outcome.part)
    if hasattr(lms, "NO_FEEDBACK"):
        outcome.notes.append(lms.NO_FEEDBACK)
        return
    without, nameless, refused, members = [], [], [], {}
    for student in outcome.students:
        if not student.points:
            continue
        found = sorted((grading / "feedback" / student.id / outcome.part).glob("*.html"))
        pages = {page.stem: page for page in found if page.is_file() and not page.is_symlink()}
        names = lms.feedback_names(student.id, pages, known)
        if student.id in outcome.refused:
            refused += [student.id] * bool(names)
            continue
        members |= names
        if not pages:
            without.append(student.id)
        elif not names:
            nameless.append(student.id)
    if without:
        outcome.notes.append(
            f"No feedback pages ({len(without)}): {', '.join(without)}. "
            f"Make them with `nbgrader generate_feedback {outcome.part}` and export again."
        )
    if refused:
        outcome.notes.append(
            f"Feedback that could go to somebody else is left out ({len(refused)}): {', '.join(refused)}."
        )
    if nameless:
        outcome.notes.append(
            f"Feedback has no name that {lms.NAME} takes back, as the files were not collected from its "
            f"archive ({len(nameless)}): {', '.join(nameless)}."
        )
    if not members:
        return
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, pages in sorted(members.items()):
            if len(pages) == 1:
                _add(archive, name, pages[0][1].read_bytes())
                continue
            inner = io.BytesIO()
            with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as several:
                for inside, page in pages:
                    _add(several, inside, page.read_bytes())
            _add(archive, name, inner.getvalue())


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    """Without the file's date, so that the same feedback is the same archive."""
    archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)


def show(outcome: Outcome) -> int:
    """Print what happened; the exit code: 0 when all was exported, 1 when somebody needs a human."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from course.collecting.report import needs_somebody

    console = Console(highlight=False)
    missing = [s.id for s in outcome.students if s.status == "missing"]
    some = [s.id for s in outcome.students if s.status == "incomplete"]
    kept = [s for s in outcome.students if s.status not in SETTLED]
    table = Table(box=None, show_header=False)
    table.add_row("exported", str(len(outcome.exported)))
    table.add_row("missing", str(len(missing)), Text(printable(", ".join(missing))))
    table.add_row("incomplete", str(len(some)), Text(printable(", ".join(some))))
    table.add_row("not final", str(len(kept)), Text(printable(", ".join(s.id for s in kept))))
    console.print(Text(f"Export of {outcome.part}"))
    console.print(table)
    for path in outcome.paths:
        console.print(Text(f"wrote {path}"), soft_wrap=True)
    for sentence in outcome.notes:
        console.print(Text(printable(sentence)), soft_wrap=True)
    return needs_somebody(outcome.people, console)
