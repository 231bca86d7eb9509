"""The feedback page of one notebook: nbgrader's own command (and formgrader's button) with a template of the course.

`Summary` stands in the place of nbgrader's GetGrades and gathers what the page says on top; `FeedbackPage` renders
the notebook so that the page is one document in itself: its headings below the page's own, formulas as MathML,
nothing fetched from elsewhere. The page is templates/feedback_page/index.html.j2.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from latex2mathml.converter import convert as mathml
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import GetGrades

from course.authoring.figures import reading
from course.returning.points import changes
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
        with Gradebook(at["db_url"]) as gradebook:
            student = gradebook.find_student(at["student"])
            names = [name for name in (student.first_name, student.last_name) if name]
            changed = bool(changes(gradebook, at["assignment"]))
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
        }
        for cell in nb.cells:
            describe(cell)
        return nb, resources


def title(nb: NotebookNode) -> str:
    """The notebook's first heading."""
    lines = (line for cell in nb.cells if cell.cell_type == "markdown" for line in cell.source.splitlines())
    return next((line[2:].strip() for line in lines if line.startswith("# ")), "")


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
    # an older version's parts have three entries
    for state, name, points, most in (part for part in told["parts"] if len(part) == 4):
        found["parts"].append({"name": name, "score": points, "most": most, **said(State(state))})
    if len(found["parts"]) == 1:
        found["parts"] = []
    return {**found, "name": told["name"], "by_hand": own["by_hand"], **said(State(told["state"]))}


def said(state: State) -> dict[str, str]:
    return {"mark": MARKS.get(state, WRONG[0]), "verdict": state.value, "look": LOOKS.get(state, "wrong")}


def describe(cell: NotebookNode) -> None:
    """Give the figures of a cell an alt text: the line that `helpers.show` prints under a figure."""
    for output in cell.get("outputs", []):
        for mime in ("image/png", "image/jpeg"):
            if mime in output.get("data", {}):
                alt = reading(cell) or "A figure made by the code above, without a description."
                output.metadata.setdefault(mime, nbformat.NotebookNode())["alt"] = alt


class Words(IPythonRenderer):
    """Markdown of a notebook inside a page: headings two levels down, formulas as MathML, no picture from elsewhere."""

    def __init__(self, page: FeedbackPage, **options: Any) -> None:
        super().__init__(escape=False, exclude_anchor_links=True, **options)
        self._page = page

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        self._page.level = min(level + 2, self._page.level + 1, 6)  # none is left out
        return super().heading(text, self._page.level, **attrs)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return super().image(text, url, title) if url.startswith(("data:", "attachment:")) else text

    def inline_math(self, body: str) -> str:
        return self._math(body, "inline")

    def block_math(self, body: str) -> str:
        return self._math(body, "block")

    def latex_environment(self, name: str, body: str) -> str:
        return self._math(f"\\begin{{{name}}}{body}\\end{{{name}}}", "block")

    def _math(self, body: str, display: str) -> str:
        try:
            return mathml(body.strip(), display=display)
        except Exception:  # a student's formula; latex2mathml has many errors of its own
            return f"<code>{self.escape_html(body)}</code>"


class FeedbackPage(HTMLExporter):
    """nbconvert's HTML with the course's template."""

    level = 2  # of the latest heading on the page

    def from_notebook_node(self, nb: NotebookNode, resources: Any = None, **kw: Any) -> tuple[str, Any]:
        self.level = 2
        return super().from_notebook_node(nb, resources, **kw)

    def markdown2html(self, context: Any, source: str) -> str:
        attachments = context.get("cell", {}).get("attachments", {})
        return MarkdownWithMath(renderer=Words(self, attachments=attachments)).render(source)

    markdown2html.jinja_pass_arg = HTMLExporter.markdown2html.jinja_pass_arg
