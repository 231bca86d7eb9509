"""What a run has for people: names from the roster, what waits in formgrader, who sent a part of the notebooks, and files
that no lesson asks for."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from nbgrader import api
from sqlalchemy import or_, select

from course.notebook.release import Release

MOST = 8  # names in one sentence
FORMGRADER = "jupyter lab, menu Nbgrader, Formgrader, Manual Grading"


def name(book: api.Gradebook, roster: Mapping[str, Mapping[str, str]], students: Iterable[str]) -> None:
    """Write names and addresses of the roster (id -> row) into the gradebook: of these students, and of all it knows.

    What the roster does not say stays as it is.
    """
    known = {student.id: student for student in book.students}
    for who in sorted({*known, *students} & roster.keys()):
        row = {key: roster[who].get(key, "") for key in ("first_name", "last_name", "email")}
        student = known.get(who) or api.Student(id=who)
        book.db.add(student)
        for key, value in row.items():
            if value and getattr(student, key) != value:
                setattr(student, key, value)
    book.db.commit()


def others(folder: Path, releases: Iterable[Release]) -> str:
    """A sentence about notebooks in a student's folder that are not graded, as no notebook of the part has their name."""
    asked = {folder / f"{release.name}.ipynb" for release in releases}
    found = [path for path in sorted(folder.rglob("*.ipynb")) if path not in asked]
    names = [str(path.relative_to(folder)) for path in found if ".ipynb_checkpoints" not in path.parts]
    if not names:
        return ""
    return (
        f"no notebook of this part is called {some(names)}, so that was not graded. If it is their answer, put it in "
        "the place of the notebook that it belongs to, and grade again."
    )


def handed_in_some(counts: Mapping[str, int], of: int) -> list[str]:
    """A sentence about students who sent some of the notebooks: their points are low for what is not there.

    Args:
        counts: student -> notebooks that lie in submitted/.
    """
    few = [f"{who} {number} of {of}" for who, number in sorted(counts.items()) if 0 < number < of]
    if not few:
        return []
    students = "1 student" if len(few) == 1 else f"{len(few)} students"
    return [f"{students} handed in some of the notebooks only, and get 0 for the others: {some(few)}."]


def waiting(book: api.Gradebook, part: str, releases: Iterable[Release]) -> list[str]:
    """Sentences about what waits for a person in formgrader, and where it is."""
    tests = {test for release in releases for test in release.tests}
    sent, grade = api.SubmittedAssignment, api.Grade
    rows = book.db.execute(
        select(sent.student_id, api.Notebook.name, api.BaseCell.name, grade.manual_score, grade.extra_credit)
        .join(api.Assignment, api.Assignment.id == sent.assignment_id)
        .join(api.SubmittedNotebook, api.SubmittedNotebook.assignment_id == sent.id)
        .join(api.Notebook, api.Notebook.id == api.SubmittedNotebook.notebook_id)
        .join(grade, grade.notebook_id == api.SubmittedNotebook.id)
        .join(api.BaseCell, api.BaseCell.id == grade.cell_id)
        .where(api.Assignment.name == part, grade.needs_manual_grade)
        .where(
            or_(grade.manual_score.is_not(None), grade.extra_credit.is_not(None), grade.auto_score.is_(None))
        )
        .order_by(sent.student_id, api.Notebook.name)
    )
    found = []
    open_, again = [], []
    for who, notebook, cell, manual, extra in rows:
        if manual is not None or extra:
            again.append((who, notebook))
        elif cell not in tests:  # what a check has not judged is not for formgrader
            open_.append((who, notebook))
    if open_:
        where = ", ".join(dict.fromkeys(notebook for _, notebook in open_))
        answers = "1 written answer waits" if len(open_) == 1 else f"{len(open_)} written answers wait"
        found.append(f"{answers} for points by hand in {where}: {FORMGRADER}, {part}.")
    if again:
        who = some(dict.fromkeys(f"{student} ({notebook})" for student, notebook in again))
        given = "Points of 1 answer" if len(again) == 1 else f"Points of {len(again)} answers"
        found.append(
            f"{given} were given by hand before the answer, or what it can earn, changed; they stay, but look again: "
            f"{who}. {FORMGRADER}, {part}."
        )
    return found


def some(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:MOST]) + (f" and {len(names) - MOST} more" if len(names) > MOST else "")
