"""Points that a person gave in formgrader: they stay, and are final until the answer changes."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader import api
from nbgrader.preprocessors import SaveAutoGrades
from nbgrader.utils import compute_checksum, is_locked, rmtree
from sqlalchemy import or_, select

from course.base.settings import Gradebook
from course.base.text import digest
from course.notebook.cells import check_called, grade_id, is_answer, record


class SavePoints(SaveAutoGrades):
    """nbgrader's step asks a person again whenever points given by hand meet a regrade; here, only if the answer changed."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        at = resources["nbgrader"]
        self._before = self.parent.before.get((at["student"], at["notebook"]), {})
        self._now = answers(nb)
        nb, resources = super().preprocess(nb, resources)
        # a page that shows other points than the gradebook; nbgrader would keep it
        course = self.parent.parent.coursedir
        page = Path(course.format_path(course.feedback_directory, at["student"], at["assignment"]))
        if page.is_dir():
            rmtree(str(page))
        return nb, resources

    def _add_score(self, cell: NotebookNode, resources: Any) -> None:
        place = (grade_id(cell), self.notebook_id, self.assignment_id, self.student_id)
        asked = self.gradebook.find_grade(*place).needs_manual_grade
        super()._add_score(cell, resources)
        grade = self.gradebook.find_grade(*place)
        if grade.manual_score is not None or grade.extra_credit:
            answer = check_called(cell.source) or grade_id(cell)
            same = answer in self._now and self._now[answer] == self._before.get(answer)
            none = grade.manual_score is None and grade.auto_score is None
            grade.needs_manual_grade = none or asked or not same
            self.gradebook.db.commit()


def answers(nb: NotebookNode) -> dict[str, str]:
    """grade_id -> digest of the answer; where its cell is as it was given out, of all code that the student may write."""
    code = [cell.source for cell in nb.cells if cell.cell_type == "code" and not is_locked(cell)]
    found = {}
    for cell in filter(is_answer, nb.cells):
        open_ = cell.cell_type == "code" and record(cell).get("checksum") == compute_checksum(cell)
        found[grade_id(cell)] = digest(*code) if open_ else digest(cell.source)
    return found


def answers_before(converter: Any) -> dict[tuple[str, str], dict[str, str]]:
    """(student, notebook) -> `answers`, of the autograded notebooks in which somebody gave points by hand.

    Those that a run was killed over say nothing.
    """
    course, students = converter.coursedir, {Path(folder).parent.name for folder in converter.assignments}
    by_hand = or_(api.Grade.manual_score.is_not(None), api.Grade.extra_credit.is_not(None))
    query = (
        select(api.SubmittedAssignment.student_id, api.Notebook.name)
        .join(api.SubmittedNotebook, api.SubmittedNotebook.assignment_id == api.SubmittedAssignment.id)
        .join(api.Notebook, api.Notebook.id == api.SubmittedNotebook.notebook_id)
        .join(api.Assignment, api.Assignment.id == api.Notebook.assignment_id)
        .join(api.Grade, api.Grade.notebook_id == api.SubmittedNotebook.id)
        .where(api.Assignment.name == course.assignment_id, by_hand)
        .distinct()
    )
    with Gradebook(course.db_url, course.course_id) as book:
        found = [tuple(row) for row in book.db.execute(query) if row[0] in students]
    before = {}
    for student, notebook in found:
        path = Path(course.format_path(course.autograded_directory, student, course.assignment_id))
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            nb = nbformat.read(path / f"{notebook}.ipynb", as_version=4)
            before[student, notebook] = answers(nb) if "vit" in nb.metadata else {}
    return before
