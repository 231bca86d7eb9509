"""Inputs that failed once, from public bug reports (tests/cases): each stands for a kind."""

import json
import sys
from pathlib import Path

import pytest

from course.notebook.read import parse
from course.notebook.rebuild import answers, rebuild
from tests import notebooks

CASES = Path(__file__).parents[1] / "cases"
PART = "2_build_a_vit"
NAMES = ["q1_positional_encoding", "q2_patch_embedding", "q3_class_token", "q6_residual_block"]
Q1, Q2, Q3, Q6 = NAMES


def released(name, folder="notebooks"):
    return notebooks.read(notebooks.ROOT / folder / PART / f"{name}.ipynb")


def rebuilt(case, name):
    data = case if isinstance(case, bytes) else (CASES / f"{case}.ipynb").read_bytes()
    clean, repairs = rebuild(released(name), parse(data))
    return answers(clean), repairs


def solved(name):
    return answers(released(name, "solutions"))


def cells(*sources, **metadata):
    made = [{"cell_type": "code", "source": source, "metadata": {}, "outputs": []} for source in sources]
    return json.dumps({"cells": made, "metadata": metadata, "nbformat": 4}).encode()


# --- answers in other cells -----------------------------------------------------------------------


def test_an_answer_merged_into_a_given_cell_is_found():
    got, repairs = rebuilt("q3_answer_merged_into_given_cell", Q3)
    assert got == solved(Q3)
    assert [r.what for r in repairs if r.cell == "q3_class_token"] == [
        "the cell had lost its name and was recognised in another cell, by what it defines"
    ]


def test_two_answers_in_one_cell_both_count():
    got, _ = rebuilt("q2_two_answers_in_the_first_cell", Q2)
    right = solved(Q2)
    assert got["q2_patch_embedding"] == right["q2_patch_embedding"]
    assert got["q2_rearrange_warmup"].startswith(right["q2_rearrange_warmup"])


@pytest.mark.parametrize("pair", notebooks.SOLUTIONS, ids=lambda path: path.stem)
def test_all_answers_in_one_cell_without_a_name(pair):
    release = notebooks.read(notebooks.ROOT / "notebooks" / pair.parent.name / pair.name)
    right = {n: s for n, s in answers(notebooks.read(pair)).items() if "# blank" in s}
    one = "%matplotlib inline\ndef helper():\n    pass\n\n\n" + "\n\n\n".join(right.values())
    clean, _ = rebuild(release, parse(cells(one)))
    got = answers(clean)
    assert all(right[name].strip() in got[name] for name in right)
    assert "def helper" in next(iter(got[name] for name in right)), "a helper runs before the first check"
    again, _ = rebuild(release, parse(json.dumps(clean).encode()))
    assert again == clean


def test_an_answer_in_another_cell_that_python_cannot_read_is_told():
    both = "\n".join(solved(Q2).values()) + "\nx = = 1"
    _, repairs = rebuilt(cells(both), Q2)
    assert any(r.human and "stand in another cell" in r.what for r in repairs)


# --- files ----------------------------------------------------------------------------------------


def test_a_list_of_lines_without_line_ends():
    got, repairs = rebuilt("q1_source_lines_without_newlines", Q1)
    assert got == solved(Q1)
    assert "lists of lines without line ends were read as lines" in [r.what for r in repairs]


def test_a_notebook_without_cells_is_told():
    _, repairs = rebuilt("q1_no_cells", Q1)
    assert any(r.human and "no cells at all" in r.what for r in repairs)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python reads it")
def test_python_newer_than_the_graders():
    _, repairs = rebuilt("q1_python312_fstring", Q1)
    assert [r.what for r in repairs if r.human] == [
        f"it was written with Python 3.12, and this machine's 3.{sys.version_info.minor} cannot read it; grade with 3.12"
    ]


@pytest.mark.parametrize("version, told", [("3.99.1", True), ("3.9.1", False), (3, False)])
def test_the_python_of_a_notebook_matters_where_it_does_not_parse(version, told):
    stub = solved(Q1)["q1_position_encoding"]
    for source, wrong in ((stub, False), (stub + "\nnew syntax here", True)):
        _, repairs = rebuilt(cells(source, language_info={"name": "python", "version": version}), Q1)
        assert any(r.kind == "python" for r in repairs) == (told and wrong)
