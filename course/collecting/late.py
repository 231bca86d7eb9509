"""What the due date and the late policy, nbgrader's own plug-in, take off today.

nbgrader's autograder gives the same penalties, but only while it grades a student. Here the gradebook is compared with them:
date, policy, an extension, points or timestamp.txt may have changed since, and of whom the LMS says late without a time nbgrader
knows nothing.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from nbgrader.api import Assignment, Gradebook, SubmittedAssignment, SubmittedNotebook
from nbgrader.preprocessors import AssignLatePenalties
from nbgrader.utils import parse_utc
from sqlalchemy import false, func, or_
from traitlets.config import Config

from course.collecting import collected
from course.collecting.collected import COUNTS, Collected, CollectError

BY = timedelta(seconds=1)  # what is late without a time is late by so much, so that any extension forgives it


class Change(NamedTuple):
    """A notebook of a student whose penalty in the gradebook is not today's."""

    student: str
    notebook: str  # id of nbgrader's SubmittedNotebook
    before: float
    now: float


def changes(book: Gradebook, part: str, grading: Path, config: Config, student: str = "") -> list[Change]:
    """Compares, and writes nothing.

    Args:
        grading: folder with collect's record, which knows who is late without a time.
        config: nbgrader's settings: `AssignLatePenalties.plugin_class`, `LateSubmissionPlugin.penalty_method`.
        student: look at this one only.

    Raises CollectError if the policy can't be used.
    """
    assignment = book.find_assignment(part)
    with _policy():
        step = AssignLatePenalties(config=config)
        step.init_plugin()
    due, known = assignment.duedate, times(assignment, grading)
    sent, copy = SubmittedAssignment, SubmittedNotebook
    afterwards = [who for who, came in known.items() if came and due and came > due]
    late = or_(sent.timestamp > due, sent.student_id.in_(afterwards)) if due else false()
    # one query; through nbgrader's objects it would be one for each student
    columns = (sent.student_id, sent.timestamp, sent.extension, copy.id, copy.score)
    rows = (
        book.db.query(*columns, func.coalesce(copy.late_submission_penalty, 0.0))
        .join(copy, copy.assignment_id == sent.id)
        .filter(sent.assignment_id == assignment.id, or_(late, copy.late_submission_penalty > 0))
    )
    found = []
    if student:
        rows = rows.filter(sent.student_id == student)
    for who, stamp, extension, notebook, score, before in rows:
        came, now = known.get(who, stamp), 0.0
        seconds = (came - due - (extension or timedelta(0))).total_seconds() if due and came else 0.0
        if seconds > 0:
            with _policy():
                given = step.plugin_inst.late_submission_penalty(who, score, seconds)
                now = min(max(given or 0.0, 0.0), score)
        if now != before:
            found.append(Change(who, notebook, before, now))
    return found


@contextmanager
def _policy() -> Iterator[None]:
    """What stands in nbgrader_config.py may be a teacher's own class."""
    try:
        yield
    except Exception as error:
        raise CollectError(
            f"The late policy in nbgrader_config.py can't be used ({type(error).__name__}: {' '.join(str(error).split())}). "
            "Mend it, then run this again."
        ) from error


def times(assignment: Assignment, grading: Path) -> dict[str, datetime | None]:
    """When work counts as handed in: what submitted/ says, else, of those in collect's record, `BY` after the due date if the
    LMS calls it late, None if not. Of all others the gradebook knows.
    """
    part, due = assignment.name, assignment.duedate
    late: dict[str, bool] = {}
    timed: set[str] = set()
    for entry in collected.load(grading, part).files:
        if entry.student and entry.verdict in COUNTS:
            late[entry.student] = late.get(entry.student, False) or entry.late
            timed |= {entry.student} if entry.date else set()
    found = {who: due + BY if due and is_late else None for who, is_late in late.items() if who not in timed}
    for path in grading.glob(f"submitted/*/{part}/timestamp.txt"):
        who = path.parent.parent.name
        found.pop(who, None)
        with suppress(OSError, ValueError):  # nbgrader's autograder names it
            found[who] = parse_utc(path.read_text("utf-8").strip())
    return found


def by_date(came: Collected, due: Mapping[str, datetime]) -> Collected:
    """With files late by each student's due date; where that, or the file's time, is not known the LMS's word stays."""
    files = [
        replace(entry, late=parse_utc(entry.date) > due[entry.student])
        if entry.date and entry.student in due
        else entry
        for entry in came.files
    ]
    return replace(came, files=files)
