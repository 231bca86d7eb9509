"""Feedback pages: what stands on top, at each blank, and what must not be there."""

import itertools
import re

import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_output

from course.judging import judge
from course.returning import feedback
from helpers import exercises
from helpers.checks import judge as grading
from helpers.checks import render
from tests import pages

pytestmark = pytest.mark.grading


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    paths = pages.make(tmp_path_factory.mktemp("feedback"))
    return {
        student: {name: BeautifulSoup(path.read_text("utf-8"), "html.parser") for name, path in found.items()}
        for student, found in paths.items()
    }


def table(page) -> list[list[str]]:
    return [
        [" ".join(cell.get_text(" ").split()) for cell in row.find_all(["th", "td"])]
        for row in page.find("table").find_all("tr")
    ]


def test_the_summary_names_student_notebook_points_and_every_blank(made):
    page = made["ben"][pages.Q1]
    assert page.h1.text == "Q1 · Positional encoding: feedback for <b>Ben</b> O'Neill & Sons"
    assert page.title.text == page.h1.text
    assert "2 of 3 points" in " ".join(page.find(class_="total").text.split())
    assert table(page) == [
        ["Exercise", "Verdict", "Points"],
        ["getPositionEncoding", "✗ incorrect", "2 of 3"],
        ["denominator", "✗ incorrect", "0 of 1"],
        [
            "For getPositionEncoding(4, 4, n=100): P[1, 2] should be sin(1 / 100^(2/4)) = 0.0998 but is 0.3110. "
            "That is what you get when the exponent is i/d instead of 2i/d."
        ],
        ["sine in the even columns", "✓ correct", "1 of 1"],
        ["cosine in the odd columns", "✓ correct", "1 of 1"],
    ]
    anchor = page.find("table").a["href"].removeprefix("#")
    assert "incorrect: getPositionEncoding" in page.find(id=anchor).text


def test_at_the_blank_stand_the_tutors_words_and_where_the_arrays_differ(made):
    result = made["ben"][pages.Q1].find(id="check_q1_position_encoding")
    assert "That is what you get when the exponent is i/d instead of 2i/d." in result.text
    assert (
        "P: 6 of 16 entries differ (3 too large, 3 too small), all in rows 1 to 3 and columns 2 and 3."
        in result.text
    )
    assert [table.caption.text for table in result.find_all("table")] == ["expected: P", "yours: P"]
    assert made["ada"][pages.Q1].find(id="check_q1_position_encoding").table is None


def test_what_is_graded_by_hand(made):
    ada, ben = (made[student][pages.INSIDE] for student in ("ada", "ben"))
    assert ["Written answer", "✓ graded by hand", "2.5 of 3"] in table(ada)
    assert ["Written answer", "○ not graded yet", "0 of 3"] in table(ben)
    assert "still to be graded" not in ada.find(class_="total").text
    assert "1 still to be graded" in ben.find(class_="total").text
    answer = ada.find(id=pages.QUESTION)
    assert "Head 3 looks at edges, says ada." in answer.text
    assert "Well seen: head 3 indeed." in answer.find(class_="comment").text
    assert made["ben"][pages.INSIDE].find(id=pages.QUESTION).find(class_="comment") is None


@pytest.mark.parametrize("student", pages.STUDENTS)
@pytest.mark.parametrize("name", [pages.Q1, pages.INSIDE])
def test_a_page_is_one_accessible_document_that_needs_nothing_from_elsewhere(made, student, name):
    page = made[student][name]
    assert page.html["lang"] == "en"
    assert len(page.find_all("h1")) == 1
    levels = [int(tag.name[1]) for tag in page.find_all(re.compile("^h[1-6]$"))]
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels)), levels
    assert [tag for tag in page.find_all("img") if len(tag["alt"].split()) < 3] == []
    assert page.find_all(["script", "link", "iframe", "form"]) == []
    assert [tag["src"] for tag in page.find_all(src=True) if not tag["src"].startswith("data:")] == []
    ids = [tag["id"] for tag in page.find_all(id=True)]
    assert len(ids) == len(set(ids))
    assert [a["href"] for a in page.find_all("a", href=re.compile("^#")) if a["href"][1:] not in ids] == []
    assert len(str(page)) < 1_500_000  # with the figures of the notebook in it


def test_figures_formulas_and_what_a_student_wrote(made):
    page = made["ada"][pages.Q1]
    assert page.find_all("math")
    page = made["ada"][pages.INSIDE]
    notes = page.find(string=re.compile("I also tried")).find_parent("p")
    assert notes.find("mfrac") is not None
    assert "nosuchcommand" in notes.text
    assert "from elsewhere" in notes.text and notes.find("img") is None
    assert page.find(string=re.compile("My notes")).find_parent().name == "h3"
    assert "EVIL" in str(page)


def test_nothing_of_the_hidden_inputs_or_the_answers(made):
    text = made["ben"][pages.Q1].text
    assert "seed" not in text.split("Your notebook")[0]
    for case in exercises.load("q1_position_encoding").cases(1)[1:]:
        assert case.get("label", "getPositionEncoding(4, 4, n=100)") not in text.replace(
            "getPositionEncoding(4, 4, n=100)", ""
        )


def test_no_map_of_hidden_inputs():
    exercise = exercises.load("q1_position_encoding")
    cases = exercise.cases(0)
    right = [exercise.expected(case) for case in cases]
    wrong = [{key: array + 1 for key, array in arrays.items()} for arrays in right]
    public, hidden = grading.judge(exercise, cases, right), grading.judge(exercise, cases, wrong)
    assert hidden.pictures
    both = judge.combine(exercise, public, hidden, wrong)
    assert both.points == 0 and both.pictures == ()
    assert "<img" not in render.bundle(both)["text/html"]


def test_a_blank_keeps_the_maximum_of_the_day_it_was_judged():
    parts = [["correct", "the sum", 2.0, 5.0], ["correct", "as an older version noted it", 1.0]]
    told = {"name": "ResidualAdd", "state": "incorrect", "parts": [*parts, ["incorrect", "rest", 0.0, 7.0]]}
    cell = new_code_cell(
        outputs=[new_output("display_data", metadata={"vit": told})],
        metadata={
            "nbgrader": {"grade_id": "check_q6_residual_add", "score": 2, "points": 12, "solution": False}
        },
    )
    cell.metadata.nbgrader.update(waiting=False, by_hand=False)
    found = [(part["name"], part["score"], part["most"]) for part in feedback.row(cell)["parts"]]
    assert found == [("the sum", 2.0, 5.0), ("rest", 0.0, 7.0)]
