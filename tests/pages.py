"""Feedback pages for the tests, made by nbgrader's own classes under nbgrader_config.py, without starting a kernel.

Two notebooks of two students go through autograding and feedback as formgrader's buttons would do it; only what
`judge.grade` would see of a running kernel is put in its place.
"""

import copy
import shutil
import warnings
from pathlib import Path
from unittest import mock

import nbformat
import numpy as np
from nbformat.v4 import new_output
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import SAWarning
from traitlets.config import PyFileConfigLoader

from course.base.paths import ROOT
from course.base.text import digest
from course.judging import judge, reading, records
from course.judging.records import Record
from helpers import exercises
from helpers.check import check
from helpers.checks.judge import nothing
from helpers.checks.observe import State
from tests import notebooks

PART, Q1, INSIDE = "all_in_one", "q1_positional_encoding", "inside_a_pretrained_vit"
QUESTION = "inside_head_question"
STUDENTS = {"ada": ("Ada", "Lovelace"), "ben": ("<b>Ben</b>", "O'Neill & Sons")}
MISTAKE = ("np.power(n, 2 * i / d)", "np.power(n, i / d)")
OWN = """### My notes

I also tried $\\frac{1}{2}$ and $\\nosuchcommand{$ and ![from elsewhere](https://example.org/x.png)

<script>alert('EVIL')</script>"""
DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="


def grade(release, data, folder, **_):
    """In the place of `judge.grade`: answers are tried here, and one cell has a figure."""
    found = copy.deepcopy(reading.read(release, data))
    nb, repairs = found.nb, found.repairs
    marks = {}
    for test, key in release.tests.items():
        source = found.texts[key].source
        assert not found.texts[key].error
        if key == "q1_position_encoding":
            namespace = {"np": np}
            exec(source, namespace)
            marks[test] = check.verdict(key, namespace)
        else:
            marks[test] = nothing(exercises.load(key), State.NOT_ATTEMPTED, ["Still to fill in: `...`"])
    nb.cells = [cell if cell.cell_type != "code" else {**cell, "outputs": []} for cell in nb.cells]
    second = [cell for cell in nb.cells if cell["cell_type"] == "code"][1]
    second["outputs"] = [
        new_output("display_data", data={"image/png": DOT, "text/plain": "<Figure>"}),
        new_output(
            "display_data",
            data={"text/plain": "What to see: one grey dot, and nothing\nelse."},
            metadata={"vit": {"reading": "one grey dot, and nothing else."}},
        ),
        new_output("error", ename="ValueError", evalue="no", traceback=["\x1b[31mValueError\x1b[0m: no"]),
    ]
    record = Record(
        key="0" * 64,
        part=release.part,
        notebook=release.name,
        submission=digest(data),
        release=release.digest,
        version="",
        level="none",
        verdicts=marks,
        content=nb,
        repairs=tuple(repair.what for repair in repairs),
    )
    records.save(folder, record)
    kept = records.load(folder, record.key)
    assert kept == record
    return judge.with_verdicts(kept), kept


def submission(student: str, solution: Path) -> nbformat.NotebookNode:
    nb = notebooks.read(ROOT / "notebooks" / solution.parent.name / solution.name)
    if solution.stem == Q1:
        answer = notebooks.cell_of(notebooks.read(solution), "q1_position_encoding").source
        notebooks.cell_of(nb, "q1_position_encoding").source = (
            answer.replace(*MISTAKE) if student == "ben" else answer
        )
    else:
        written = notebooks.cell_of(nb, QUESTION)
        written.source = f"Head 3 looks at edges, says {student}."
        nb.cells.insert(nb.cells.index(written) + 1, nbformat.v4.new_markdown_cell(OWN))
    return nb


def make(root: Path) -> dict[str, dict[str, Path]]:
    """Grade and write feedback below `root`; student -> notebook -> page."""
    config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    config.CourseDirectory.root = str(root)
    config.CourseDirectory.db_url = f"sqlite:///{root / 'gradebook.db'}"
    config.NbGrader.logfile = ""
    sources = [next(p for p in notebooks.SOLUTIONS if p.stem == name) for name in (Q1, INSIDE)]
    (root / "solutions" / PART).mkdir(parents=True)
    for path in sources:
        shutil.copy(path, root / "solutions" / PART / path.name)
        for student in STUDENTS:
            there = root / config.CourseDirectory.submitted_directory / student / PART
            there.mkdir(parents=True, exist_ok=True)
            nbformat.write(submission(student, path), there / path.name)
    api = NbGraderAPI(CourseDirectory(config=config), config=config)
    went_well(api.generate_assignment(PART))
    with (
        mock.patch("course.grading.plugins.judge.grade", grade),
        mock.patch("course.grading.plugins.why_not", lambda: ""),
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", category=SAWarning)  # nbgrader's way with SQLAlchemy
        for student in STUDENTS:
            went_well(api.autograde(PART, student))
    with Gradebook(config.CourseDirectory.db_url) as gradebook:
        for student, (first, last) in STUDENTS.items():
            gradebook.update_or_create_student(student, first_name=first, last_name=last)
        written = gradebook.find_grade(QUESTION, INSIDE, PART, "ada")
        written.manual_score, written.needs_manual_grade = 2.5, False  # as formgrader does
        gradebook.find_comment(QUESTION, INSIDE, PART, "ada").manual_comment = "Well seen: `head` 3 indeed."
        gradebook.db.commit()
    for student in STUDENTS:
        went_well(api.generate_feedback(PART, student))
    folder = root / config.CourseDirectory.feedback_directory
    return {
        student: {path.stem: folder / student / PART / f"{path.stem}.html" for path in sources}
        for student in STUDENTS
    }


def went_well(result: dict) -> None:
    assert result["success"], result.get("error") or result.get("log")
