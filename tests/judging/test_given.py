"""Which given cells show in every student's notebook what they show in the solution's."""

import copy

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course.judging.given import idle, untouched
from course.notebook.cells import EXTRA
from course.notebook.release import Release

ANSWER = {
    "nbgrader": {"grade_id": "answer", "solution": True, "grade": False, "schema_version": 3, "locked": False}
}
TEST = {
    "nbgrader": {
        "grade_id": "check",
        "solution": False,
        "grade": True,
        "points": 1,
        "schema_version": 3,
        "locked": True,
    }
}


@pytest.fixture(scope="module")
def release() -> Release:
    cells = [
        new_code_cell("import torch\npictures = torch.ones(2)", id="setup"),
        new_code_cell("tokens = pictures + 1", id="answer", metadata=ANSWER),
        new_code_cell('check("q6_residual_add")', id="check", metadata=TEST),
        new_markdown_cell("Look:", id="text"),
        new_code_cell("show(pictures)", id="same"),
        new_code_cell("mean = tokens.mean()", id="hangs"),
        new_code_cell("show(mean)", id="hangs-too"),
        new_code_cell("other = torch.zeros(3)\nshow(other)", id="other"),
        new_code_cell(
            'check("q7_layer_norm")',
            id="last",
            metadata={"nbgrader": {**TEST["nbgrader"], "grade_id": "last"}},
        ),
        new_code_cell("show(other, mean)", id="below"),
    ]
    nb = new_notebook(cells=cells, metadata={"language_info": {"name": "python"}})
    return Release("part", "name", nbformat.writes(nb).encode())


@pytest.mark.parametrize(
    "answer, also_theirs",
    [
        ("tokens = 5", ""),
        ("tokens = pictures.add_(1)", "same"),  # in place
        ("pictures[0] = 5", "same"),
        ("def pictures(): pass", "same"),
        ("import os as pictures", "same"),
        ("for pictures in []: pass", "same"),
        ("torch.zeros = torch.ones", "other"),
        ("other = 1", "other"),
        ("x = other = 1", "other"),
        ("%%time\ntokens = 5", ""),
        ("from torch import *", "same other hangs hangs-too"),
        ("exec('pictures = 1')", "same other hangs hangs-too"),
        ("tokens = (", "same other hangs hangs-too"),
    ],
)
def test_what_hangs_on_an_answer(release, answer, also_theirs):
    nb = copy.deepcopy(release.solution)
    nb.cells[1].source = answer
    hangs = {"hangs", "hangs-too"} if "tokens =" in answer or also_theirs.count("hangs") else set()
    given = {"setup", "same", "hangs", "hangs-too", "other"}
    assert untouched(release, nb) == given - hangs - set(also_theirs.split())


def test_what_a_student_has_added_or_changed(release):
    nb = copy.deepcopy(release.solution)
    nb.cells.insert(4, new_code_cell("pictures = None", id=f"{EXTRA}1"))
    nb.cells[7].source += "\nmine = 1"
    assert untouched(release, nb) == {"setup", "other"}


@pytest.mark.parametrize(
    "cell, below, skipped",
    [
        ("show(pictures)", "", True),
        ("some = pictures * 2\nfor one in some:\n    show(one)", "", True),
        ("found = []\nfound.append(1)\nshow(found)", "", True),
        ("other = torch.zeros(3)", "tokens = other", False),
        ("other = torch.zeros(3)", "def f():\n    return other", False),
        ("other = torch.zeros(3)", "eval('other')", False),
        ("torch.set_num_threads(1)", "", False),
        ("torch.manual_seed(0)\nshow(torch.rand(2))", "", False),
        ("def f():\n    torch.manual_seed(0)\nshow(f())", "", False),
        ("pictures[0] = 2", "tokens = pictures", False),
        ("pictures.add_(2)", "tokens = pictures", False),
        ("show(tokens)", "", False),
    ],
)
def test_what_only_shows_something_is_not_run(release, cell, below, skipped):
    """Unless a cell below it uses what it binds, or it does something besides."""
    solution = copy.deepcopy(release.solution)
    solution.cells[4].source = cell
    changed = Release("part", "name", nbformat.writes(solution).encode())
    nb = changed.solution
    nb.cells.insert(5, new_code_cell(below, id=f"{EXTRA}1"))
    assert ("same" in idle(changed, nb)) is skipped
