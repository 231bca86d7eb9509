"""Which given cells show in every student's notebook what they show in the solution's."""

import copy

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course.judging.given import untouched
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
        ("torch.zeros = torch.ones", "other same"),
        ("other = 1", "other"),
        ("x = other = 1", "other"),
        ("%%time\ntokens = 5", "same other hangs hangs-too"),
        ("tokens = 5\nimport sys", "same other hangs hangs-too"),
        ("tokens = 5\ntorch.set_default_dtype(torch.float64)", "same other hangs hangs-too"),
        ("del pictures", "same"),
        ("pictures.append(1)", "same"),
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
    "wrong",
    [
        "def f(a, a): pass",  # refused by Python's table of symbols, not by its parser
        "def f():\n    x = 1\n    global x",
        "nonlocal x",
        "def f():\n    from math import *",
        "[x := 1 for x in y]",
        "from __future__ import braces",
        "(" * 5000,
        "x = '" + "a" * 30_000 + "'",
        "a = 1\n" * 3_000 + "%time x\n" * 40,
    ],
)
def test_what_cannot_be_read_is_the_students(release, wrong):
    nb = copy.deepcopy(release.solution)
    nb.cells[1].source = wrong
    assert untouched(release, nb) == {"setup"}


def test_a_function_above_that_looks_at_an_answer(release):
    solution = copy.deepcopy(release.solution)
    solution.cells[0].source += "\ndef run(x):\n    return tokens * x"
    solution.cells[4].source = "show(run(3))"
    changed = Release("part", "name", nbformat.writes(solution).encode())
    assert "same" not in untouched(changed, changed.solution)


@pytest.mark.parametrize(
    "answer, drawn",
    [
        ("tokens = 1", False),
        ("operands = brand = 1", False),
        ("tokens = torch.randn(3)", True),
        ("x = my_rand(3)", True),
    ],
)
def test_random_numbers_are_others_after_a_student_has_drawn_some(release, answer, drawn):
    solution = copy.deepcopy(release.solution)
    solution.cells[4].source = "show(torch.rand(2))"
    changed = Release("part", "name", nbformat.writes(solution).encode())
    nb = changed.solution
    nb.cells[1].source = answer
    assert ("same" not in untouched(changed, nb)) is drawn
