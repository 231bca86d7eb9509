"""A page for every student: the total over all parts, every notebook, when and in which file it came, and its feedback.

It is grading/feedback/<student>/index.html, above the feedback pages, to which it links by relative paths: the folder can be
given away as it is.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from nbgrader.api import Gradebook, Notebook, SubmittedAssignment, SubmittedNotebook

from course.base import paths, settings
from course.collecting import collected, late
from course.collecting.collected import COUNTS, CollectError, Entry
from course.returning.points import ExportError, Student, students
from course.returning.report.page import ReportError, environment, style
from helpers.files import write
from helpers.progress import CONTENTS, part_name


@dataclass
class Row:
    """One notebook of one student; `page` is the feedback page's address from here, "" if there is none."""

    title: str
    most: float
    points: float | None = None
    file: str = ""
    when: str = ""
    late: bool = False
    attempts: int = 0
    page: str = ""


@dataclass
class PartResult:
    title: str
    outcome: Student
    rows: list[Row] = field(default_factory=list)


def make() -> list[Path]:
    """Write the pages of all who handed something in.

    Raises ReportError: there is no gradebook, or collect's record can't be read.
    """
    grading = paths.grading()
    if (book := settings.gradebook()) is None:
        raise ReportError("There is no gradebook: nothing has been graded yet.")
    try:
        with book:
            found = _parts(book, grading)
    except (CollectError, ExportError) as error:
        raise ReportError(str(error)) from None
    template = environment().get_template("student_page/index.html.j2")
    written = []
    for who, parts in sorted(found.items()):
        if not any(part.outcome.status != "missing" for part in parts):
            continue
        final = [part for part in parts if part.outcome.points]
        cells = parts[0].outcome.cells
        text = template.render(
            name=f"{cells['first_name']} {cells['last_name']}".strip() or who,
            parts=parts,
            total=sum(float(part.outcome.points) for part in final),
            most=sum(float(part.outcome.cells["max_score"]) for part in parts),
            final=len(final),
            style=style("class_report/page.css"),
        )
        path = grading / "feedback" / who / "index.html"
        write(path, text.encode())
        written.append(path)
    return written


def _parts(book: Gradebook, grading: Path) -> dict[str, list[PartResult]]:
    """student -> all parts that the gradebook knows, in their order."""
    told = json.loads(CONTENTS.read_text("utf-8"))
    titles = {(part["part"], n["notebook"]): n["title"] for part in told for n in part["notebooks"]}
    found: dict[str, list[PartResult]] = {}
    for assignment in sorted(book.assignments, key=lambda assignment: assignment.name):
        name = assignment.name
        outcomes = students(book, name, grading)
        sent = late.by_date(collected.load(grading, name), {s.id: s.due for s in outcomes if s.due})
        came: dict[tuple[str | None, str | None], list[Entry]] = {}
        for entry in sent.files:
            if entry.verdict in (*COUNTS, "superseded"):
                came.setdefault((entry.student, entry.notebook), []).append(entry)
        scores = _scores(book, assignment.id)
        notebooks = [(n.name, n.max_score) for n in assignment.notebooks]
        notebooks.sort(
            key=lambda n: (list(titles).index((name, n[0])) if (name, n[0]) in titles else 99, n[0])
        )
        for student in outcomes:
            part = PartResult(part_name(name), student)
            for notebook, most in notebooks:
                files = came.get((student.id, notebook), [])
                row = Row(titles.get((name, notebook), notebook), most, attempts=len(files))
                for entry in (entry for entry in files if entry.verdict in COUNTS):
                    row.file, row.when, row.late = entry.path, (entry.date or "")[:16], entry.late
                if student.points:
                    row.points = scores.get((student.id, notebook))
                if (grading / "feedback" / student.id / name / f"{notebook}.html").is_file():
                    row.page = quote(f"{name}/{notebook}.html")
                part.rows.append(row)
            found.setdefault(student.id, []).append(part)
    return found


def _scores(book: Gradebook, assignment: str) -> dict[tuple[str, str], float]:
    """(student, notebook) -> points; one query for all."""
    sent = SubmittedAssignment
    rows = (
        book.db.query(sent.student_id, Notebook.name, SubmittedNotebook.score)
        .join(SubmittedNotebook, SubmittedNotebook.assignment_id == sent.id)
        .join(Notebook, SubmittedNotebook.notebook_id == Notebook.id)
        .filter(sent.assignment_id == assignment)
    )
    return {(who, name): score for who, name, score in rows}


def summary(written: list[Path]) -> str:
    """What the command prints."""
    there = Counter(path.parents[1] for path in written)
    return "\n".join(f"wrote {number} pages {folder}/STUDENT/index.html" for folder, number in there.items())
