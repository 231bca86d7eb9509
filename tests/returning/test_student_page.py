"""A page a student: total, all notebooks, when and which file, links to the feedback pages."""

from datetime import datetime

import pytest
from bs4 import BeautifulSoup
from nbgrader.api import Gradebook

from course.returning import points
from course.returning.report import student
from course.returning.report.page import ReportError, gather
from tests.returning.classroom import PART, Class, autograded

pytestmark = pytest.mark.filterwarnings("ignore:Object of type <Submitted")

Q1, Q6 = "q1_positional_encoding", "q6_residual_block"


@pytest.fixture
def grading(tmp_path, monkeypatch):
    monkeypatch.setenv("VIT_GRADING", str(tmp_path))
    monkeypatch.setattr(points, "asked", lambda part: {})  # the gradebook here has questions of its own
    return tmp_path


@pytest.fixture
def made(grading):
    course = Class(grading)
    course.send("ada", Q1, date="2026-03-01 10:00:00.000000 UTC", earlier=1, grade=False)
    course.send("ada", Q6, date="2026-03-03 10:00:00.000000 UTC")
    course.send("ben", Q6, grade=False)
    course.done()
    with Gradebook(f"sqlite:///{grading / 'gradebook.db'}", "vit") as book:
        book.add_assignment("1_words_to_attention")
        book.add_assignment(PART, duedate=datetime(2026, 3, 2))
        for name, most in ((Q1, 3), (Q6, 1)):
            book.add_notebook(name, PART)
            book.add_grade_cell("test", name, PART, max_score=most, cell_type="code")
        for who, first, scores in (("ada", "Ada", (2, 1)), ("ben", "<b>Ben", (None, 1))):
            book.update_or_create_student(who, first_name=first)
            book.update_or_create_submission(PART, who, timestamp=datetime(2026, 3, 3))
            for name, score in zip((Q1, Q6), scores, strict=True):
                grade = book.find_grade("test", name, PART, who)
                grade.auto_score, grade.needs_manual_grade = score, score is None
            autograded(grading, who)
        book.update_or_create_student("nobody")
        book.db.commit()
    feedback = grading / "feedback" / "ada" / PART / f"{Q1}.html"
    feedback.parent.mkdir(parents=True)
    feedback.write_text("<p>well done")
    return {path.parent.name: path for path in student.make()}


def words(tag) -> str:
    return " ".join(tag.text.split())


def test_everything_of_a_student_stands_on_one_page(made):
    page = BeautifulSoup(made["ada"].read_text("utf-8"), "html.parser")
    assert page.h1.text == "All notebooks of Ada"
    assert words(page.dl).startswith("points so far3 of 4")
    assert [[words(cell) for cell in row.find_all(["th", "td"])] for row in page.tbody.find_all("tr")] == [
        ["Q1 · Positional encoding", "2 of 3", "2026-03-01 10:00, attempt 2", f"ada_{Q1}.ipynb"],
        ["Q6 · Residual block", "1 of 1", "2026-03-03 10:00, late", f"ada_{Q6}.ipynb"],
    ]
    (link,) = page.find_all("a")
    assert (made["ada"].parent / link["href"]).read_text() == "<p>well done"
    assert "Nothing handed in." in page.find("section").text


def test_what_is_not_final_has_no_points(made):
    page = BeautifulSoup(made["ben"].read_text("utf-8"), "html.parser")
    assert page.h1.text == "All notebooks of <b>Ben"
    assert "Points are not final yet." in page.text
    assert words(page.dl).startswith("points so far0 of 4")
    assert set(made) == {"ada", "ben"}  # nobody handed in nothing


def test_late_is_what_the_due_date_says_also_on_the_class_page(made, grading):
    assert [row["late"] for row in gather(PART, grading).tables["students"]] == [1, 0, 0]
    with Gradebook(f"sqlite:///{grading / 'gradebook.db'}", "vit") as book:
        book.grant_extension(PART, "ada", hours=48)
    assert gather(PART, grading).summary["late"] == 0
    assert ", late" not in student.make()[0].read_text("utf-8")


def test_without_a_gradebook_it_says_so(grading):
    with pytest.raises(ReportError, match="nothing has been graded"):
        student.make()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_mend(made, page, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page.emulate_media(color_scheme=scheme)
    page.goto(made["ada"].as_uri())
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert found.response["incomplete"] == []
    page.set_viewport_size({"width": 390, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
