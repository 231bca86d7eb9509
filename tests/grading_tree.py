"""Tools of the tests: a folder below grading/ with submissions in it, graded with the fake judge, and all that it holds."""

import atexit
import io
import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook
from rich.console import Console

from course.base.paths import ROOT
from course.grading import pool, run
from course.grading.gradebook import Course, quiet
from tests import fake_judge

PART = "2_build_a_vit"
NAMES = ("q3_class_token", "q6_residual_block")
# who, and what the fake judge is told about every notebook of theirs
CLASS = {
    "ada": {"points": 1},
    "ben": {"points": 0.5},
    "cleo": {"points": 0},
    "dora": {"points": 1, "attention": ["look at [bold]me[/bold]"]},
}
DUMP = """\
select student.id, assignment.name, notebook.name, base_cell.name, grade.auto_score, grade.manual_score,
       grade.extra_credit, grade.needs_manual_grade, submitted_assignment.timestamp, submitted_notebook.late_submission_penalty
from grade
join submitted_notebook on submitted_notebook.id = grade.notebook_id
join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id
join assignment on assignment.id = submitted_assignment.assignment_id
join student on student.id = submitted_assignment.student_id
join notebook on notebook.id = submitted_notebook.notebook_id
join base_cell on base_cell.id = grade.cell_id
"""
COMMENTS = """\
select student.id, notebook.name, base_cell.name, comment.auto_comment, comment.manual_comment
from comment
join submitted_notebook on submitted_notebook.id = comment.notebook_id
join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id
join student on student.id = submitted_assignment.student_id
join notebook on notebook.id = submitted_notebook.notebook_id
join base_cell on base_cell.id = comment.cell_id
"""


@cache
def known() -> Path:
    """A gradebook that knows the part; nbgrader takes seconds to make one."""
    path = ROOT / "grading" / "test-grade" / f"known-{os.getpid()}" / "gradebook.db"
    path.parent.mkdir(parents=True)
    os.environ["VIT_GRADING"] = str(path.parent.relative_to(ROOT))
    with quiet():
        course = Course()
        course.prepare(course.releases(PART), [])
    atexit.register(shutil.rmtree, path.parent, True)
    return path


class Tree:
    """grading/test-grade/<name>, emptied."""

    def __init__(self, name: str) -> None:
        self.below = f"grading/test-grade/{name}"
        self.folder = ROOT / self.below
        self.url = os.environ.get("VIT_GRADEBOOK") or f"sqlite:///{self.folder / 'gradebook.db'}"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        if self.url.startswith("sqlite"):
            shutil.copy(known(), self.folder / "gradebook.db")
        os.environ["VIT_GRADING"] = self.below

    def hand_in(self, student: str, names=NAMES, **fake) -> None:
        for name in names:
            nb = nbformat.read(ROOT / "notebooks" / PART / f"{name}.ipynb", as_version=4)
            nb.metadata["fake"] = fake
            path = self.folder / "submitted" / student / PART / f"{name}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(nb))

    def hand_in_all(self, **fake) -> "Tree":
        for student, says in CLASS.items():
            self.hand_in(student, **says, **fake)
        return self

    def grade(self, *students: str, perform=fake_judge.perform, **settings) -> str:
        """Grade here; what was printed, with `well` noted."""
        said = io.StringIO()
        console = Console(file=said, width=100)
        settings.setdefault("jobs", 2)
        pool.ahead(False)  # imports once what else each worker of each run would
        try:
            self.well = run.grade(
                PART,
                students,
                sandboxed=settings.pop("sandboxed", False),
                perform=perform,
                console=console,
                **settings,
            )
        finally:
            self.said = said.getvalue()
        return self.said

    def start(self, *before: str, jobs: int = 2) -> subprocess.Popen:
        """The command with the fake judge in a process of its own, behind the words of another command."""
        code = "from tests import fake_judge; fake_judge.main()"
        return subprocess.Popen(
            [*before, sys.executable, "-c", code, PART, str(jobs)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def gradebook(self) -> list[tuple]:
        """Every grade and comment."""
        from sqlalchemy import text

        with Gradebook(self.url, "vit") as book:
            rows = [*book.db.execute(text(DUMP)), *book.db.execute(text(COMMENTS))]
        plain = [tuple(int(cell) if isinstance(cell, bool) else cell for cell in row) for row in rows]
        return sorted(plain, key=repr)

    def files(self, kind: str, pattern: str) -> dict[str, bytes]:
        folder = self.folder / kind
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob(pattern)}

    def records(self) -> dict[str, bytes]:
        """All that they say but when they were judged."""
        found = self.files("records", "*.json")
        return {name: re.sub(rb'"judged": "[^"]*"', b"", content) for name, content in found.items()}

    def all(self) -> tuple:
        """Gradebook, records and autograded notebooks, to be compared."""
        return self.gradebook(), self.records(), self.files("autograded", "*.ipynb")

    def points(self) -> dict[str, float]:
        with Gradebook(self.url, "vit") as book:
            return {s.student.id: s.score for s in book.assignment_submissions(PART)}

    def remove(self) -> None:
        os.environ.pop("VIT_GRADING", None)
        shutil.rmtree(self.folder, ignore_errors=True)


def rest(process: subprocess.Popen) -> str:
    """What it still says; it has ended then (communicate() would lose what readline() has read ahead)."""
    with process.stdout as out:
        said = out.read()
    process.wait()
    return said


def path_of(tree: Tree, student: str, name: str = NAMES[0]) -> Path:
    return tree.folder / "submitted" / student / PART / f"{name}.ipynb"
