"""The feedback page of one notebook: nbgrader's own command (and formgrader's button) with a template of the course.

`Summary` stands in the place of nbgrader's GetGrades and gathers what the page says on top. The page,
templates/feedback_page/index.html.j2, is one document in itself: its headings below the page's own, formulas as MathML,
nothing fetched from elsewhere. Formgrader's own page gets the same words (`words`) and templates/formgrader_page.
"""

from __future__ import annotations

import itertools
from datetime import date
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode
from nbgrader.preprocessors import GetGrades
from pygments.formatters import HtmlFormatter

from course.base import paths, settings
from course.base.settings import Gradebook
from course.collecting import late
from course.notebook.cells import is_own, is_test
from course.returning.points import changes
from course.returning.words import TOP
from helpers.checks.observe import State
from helpers.checks.render import MARKS, WRONG
from helpers.progress import part_name

TEMPLATES = Path(__file__).resolve().parent / "templates"
LOOKS = {State.CORRECT: "right", State.NOT_ATTEMPTED: "open"}


class Summary(GetGrades):
    """Scores and comments from the gradebook, as nbgrader has it; then the rows of the page's table."""

    def _get_score(self, cell: NotebookNode, resources: Any) -> None:
        super()._get_score(cell, resources)
        own = cell.metadata.nbgrader
        where = (self.notebook_id, self.assignment_id, self.student_id)
        grade = self.gradebook.find_grade(own["grade_id"], *where)
        own["open"] = grade.auto_score is None and grade.manual_score is None
        own["waiting"] = bool(grade.needs_manual_grade)
        own["by_hand"] = grade.manual_score is not None

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        nb, resources = super().preprocess(nb, resources)
        at = resources["nbgrader"]
        course = self.parent.parent.coursedir
        with Gradebook(course.db_url, course.course_id) as gradebook:
            student = gradebook.find_student(at["student"])
            names = [name for name in (student.first_name, student.last_name) if name]
            where = gradebook, at["assignment"]
            changed = "the lesson has changed since" if changes(*where) else ""
            if late.changes(*where, paths.grading(), settings.load(), at["student"]):
                changed = changed or "the penalty for handing in late has changed since"
            came = gradebook.find_submission(at["assignment"], at["student"]).timestamp
        rows = [row(cell) for cell in nb.cells if "score" in cell.metadata.get("nbgrader", {})]
        resources["vit"] = {
            "title": title(nb) or at["notebook"],
            "student": " ".join(names) or at["student"],
            "part": part_name(at["assignment"]),
            "score": at["score"],
            "most": at["max_score"],
            "late": at["late_penalty"],
            "changed": changed,
            "waiting": sum(cell.metadata.get("nbgrader", {}).get("waiting", False) for cell in nb.cells),
            "rows": rows,
            "came": f"{came:%Y-%m-%d %H:%M} UTC" if came else "",
            "made": f"{date.today():%Y-%m-%d}",
            "level": TOP,  # of the latest heading on the page
            "dark": HtmlFormatter(style="github-dark").get_style_defs(".highlight"),
        }
        fold(nb.cells)
        for cell in nb.cells:
            describe(cell)
        return nb, resources


def title(nb: NotebookNode) -> str:
    """The notebook's first heading that is the course's."""
    texts = (cell.source for cell in nb.cells if cell.cell_type == "markdown" and not is_own(cell))
    lines = (line for text in texts for line in text.splitlines())
    return next((line[2:].strip() for line in lines if line.startswith("# ")), "")


def fold(cells: list[NotebookNode]) -> None:
    """Mark where a part of the notebook begins, and ends, that is the course's alone: the page folds it."""
    for given, part in itertools.groupby(cells, lambda cell: not (is_own(cell) or is_test(cell))):
        part = list(part)
        if given:
            texts = (cell.source for cell in part if cell.cell_type == "markdown")
            headings = (line.lstrip("# ") for text in texts for line in text.splitlines() if line[:1] == "#")
            part[0].metadata["unfold"] = next(headings, "") or "a cell of code"
            part[-1].metadata["folded"] = True


def row(cell: NotebookNode) -> dict[str, Any]:
    """One graded cell as a row of the table, with a row of its own for each blank if there are several."""
    own = cell.metadata.nbgrader
    found = {"anchor": own["grade_id"], "score": own["score"], "most": own["points"], "parts": []}
    outputs = cell.get("outputs", [])
    told = next((o.metadata["vit"] for o in outputs if "vit" in o.get("metadata", {})), None)
    if own["solution"] or told is None or own.get("open"):
        words = ("○", "not graded yet", "open") if own["waiting"] else ("✓", "graded by hand", "right")
        how = dict(zip(("mark", "verdict", "look"), words, strict=True))
        name = told["name"] if told else "Written answer"
        return {**found, "name": name, "by_hand": False, **how}
    # an older version's parts have three entries, or four
    for state, name, points, most, *said in (part for part in told["parts"] if len(part) > 3):
        row = {"name": name, "score": points, "most": most, "said": (*said, "")[0]}
        found["parts"].append({**row, **looks(State(state))})
    if len(found["parts"]) == 1:
        found["parts"] = []
    found["said"] = "" if any(part["said"] for part in found["parts"]) else told.get("said", "")
    return {**found, "name": told["name"], "by_hand": own["by_hand"], **looks(State(told["state"]))}


def looks(state: State) -> dict[str, str]:
    return {"mark": MARKS.get(state, WRONG[0]), "verdict": state.value, "look": LOOKS.get(state, "wrong")}


def describe(cell: NotebookNode) -> None:
    """Give the figures that a student's code draws an alt text; the course's own have one."""
    for output in cell.get("outputs", []):
        for mime in ("image/png", "image/jpeg"):
            if mime in output.get("data", {}):
                alt = "A figure made by the code above, without a description."
                output.metadata.setdefault(mime, nbformat.NotebookNode())["alt"] = alt


class FeedbackPage(HTMLExporter):
    """nbconvert's HTML with the course's template; nbgrader_config.py gives both, and the filter of `words`."""
