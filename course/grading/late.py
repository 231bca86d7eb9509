"""Late penalties, by nbgrader's own late-submission plug-in, in the gradebook: also where the due date, the policy or the
points have changed since a student was graded, and where the LMS says late without a time.

nbgrader's autograder gives the same penalties, but only while it grades a student.
"""

from datetime import timedelta
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry, SubmittedAssignment
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy import false, or_
from traitlets.config import Config

from course.collecting import collected
from course.collecting.collected import COUNTS

BY = timedelta(seconds=1)  # what is late without a time is late by so much


def settle(book: Gradebook, part: str, grading: Path, config: Config) -> list[str]:
    """Give everybody of a part the penalty that the due date and the policy say; -> whose changed.

    Args:
        grading: folder with collect's record, which knows who is late without a time.
        config: nbgrader's settings: `AssignLatePenalties.plugin_class`, `LateSubmissionPlugin.penalty_method`.
    """
    try:
        assignment = book.find_assignment(part)
    except MissingEntry:
        return []
    step = AssignLatePenalties(config=config)
    step.init_plugin()
    untimed = _untimed(grading, part)
    changed = []
    everybody = book.db.query(SubmittedAssignment).filter(SubmittedAssignment.assignment_id == assignment.id)
    for sent in everybody.filter(SubmittedAssignment.student_id.in_(untimed)):
        due = sent.duedate if assignment.duedate else None
        sent.timestamp = due + BY if due and untimed[sent.student_id] else None
    book.db.flush()
    fined = SubmittedAssignment.late_submission_penalty > 0
    late = SubmittedAssignment.timestamp > assignment.duedate if assignment.duedate else false()
    for sent in everybody.filter(or_(late, fined)).all():
        seconds = sent.total_seconds_late if assignment.duedate else 0
        for notebook in sent.notebooks:
            penalty = None
            if seconds > 0:
                penalty = step.plugin_inst.late_submission_penalty(sent.student_id, notebook.score, seconds)
            if penalty is not None:
                penalty = min(max(penalty, 0.0), notebook.score)
            if (penalty or 0.0) != (notebook.late_submission_penalty or 0.0):
                notebook.late_submission_penalty = penalty
                changed.append(sent.student_id)
    book.db.commit()
    return sorted(set(changed))


def _untimed(grading: Path, part: str) -> dict[str, bool]:
    """Who is in collect's record, and has no time of handing in -> whether the LMS calls one of them late."""
    late: dict[str, bool] = {}
    timed = set()
    for entry in collected.load(grading, part).files:
        if entry.student and entry.verdict in COUNTS:
            late[entry.student] = late.get(entry.student, False) or entry.late
            timed |= {entry.student} if entry.date else set()
    timed |= {path.parent.parent.name for path in grading.glob(f"submitted/*/{part}/timestamp.txt")}
    return {student: is_late for student, is_late in late.items() if student not in timed}
