"""Files from bug reports (tests/cases) through the real commands: points in the gradebook, words on the page."""

import shutil
import sys

import pytest
from bs4 import BeautifulSoup

from tests.collecting.test_cases import CASES
from tests.collecting.test_collect import packed
from tests.grading import test_plugins
from tests.grading.test_plugins import command

pytestmark = [pytest.mark.grading, pytest.mark.needs("sandbox")]
PART = "2_build_a_vit"
EXPECTED = {
    "q1_source_lines_without_newlines": ("q1_positional_encoding", 3),
    "q2_two_answers_in_the_first_cell": ("q2_patch_embedding", 4),
    "q3_answer_merged_into_given_cell": ("q3_class_token", 3),
    "q1_no_cells": ("q1_positional_encoding", 0),
    "q1_python312_fstring": ("q1_positional_encoding", 3 if sys.version_info >= (3, 12) else 0),
}
TOLD = {"q1_no_cells": "no answer cell of this notebook is in the file; it has no cells at all"}
if sys.version_info < (3, 12):
    TOLD["q1_python312_fstring"] = "it was written with Python 3.12, and this machine's 3."


def test_cases_from_archive_to_page(tmp_path, monkeypatch):
    below = "grading/test-cases"
    monkeypatch.setattr(test_plugins, "BELOW", below)
    monkeypatch.setattr(test_plugins, "FOLDER", test_plugins.ROOT / below)
    shutil.rmtree(test_plugins.FOLDER, ignore_errors=True)
    archive = tmp_path / "all.zip"
    archive.write_bytes(
        packed({f"all/{c}/{c[:2]}.ipynb": (CASES / f"{c}.ipynb").read_bytes() for c in EXPECTED})
    )
    said = command("course", "collect", PART, str(archive), check=False)
    for case, words in TOLD.items():
        assert any(case in line and words in line for line in said.splitlines()), said
    command("course", "grade", PART, "--jobs", "2")
    assert test_plugins.points() == {case: points for case, (_, points) in EXPECTED.items()}
    command("nbgrader", "generate_feedback", PART)
    for case, (name, _) in EXPECTED.items():
        page = test_plugins.FOLDER / "feedback" / case / PART / f"{name}.html"
        text = " ".join(BeautifulSoup(page.read_text("utf-8"), "html.parser").get_text(" ").split())
        assert (f"Your teacher is told this about your file: {TOLD.get(case)}" in text) == (case in TOLD)
    shutil.rmtree(test_plugins.FOLDER)
