"""nbgrader's whole pipeline on three students, as `make demo` runs it, and what it leaves on the disk."""

import subprocess

import pytest

from course import demo
from course.build import ROOT
from tests import notebooks

pytestmark = pytest.mark.grading


@pytest.fixture(scope="module")
def graded():
    folder = ROOT / "grading" / "test"
    before = subprocess.run(["git", "status", "--short"], cwd=ROOT, capture_output=True, text=True).stdout
    table = demo.run(folder)
    after = subprocess.run(["git", "status", "--short"], cwd=ROOT, capture_output=True, text=True).stdout
    return folder, table, before, after


def test_full_partial_and_no_points(graded):
    _, table, _, _ = graded
    names = [path.stem for path in notebooks.RELEASES if path.parent.name == demo.PART]
    assert {student: sorted(scores) for student, scores in table.items()} == {s: names for s in demo.STUDENTS}
    maximum = {name: m for name, (_, m) in table["ada"].items()}
    assert all(m > 0 for m in maximum.values())
    assert {name: points for name, (points, _) in table["ada"].items()} == maximum
    assert {points for points, _ in table["cleo"].values()} == {0}
    ben, total = sum(p for p, _ in table["ben"].values()), sum(maximum.values())
    assert 0.3 * total < ben < 0.8 * total


def test_feedback_pages_hold_the_tutors_sentences(graded):
    folder, _, _, _ = graded
    for student in demo.STUDENTS:
        pages = sorted((folder / "feedback" / student / demo.PART).glob("*.html"))
        assert len(pages) == len(list((ROOT / "notebooks" / demo.PART).glob("*.ipynb")))
    page = (folder / "feedback" / "ben" / demo.PART / "q1_positional_encoding.html").read_text("utf-8")
    assert "That is what you get when the exponent is i/d instead of 2i/d." in page


def test_export_holds_the_three_students(graded):
    folder, table, _, _ = graded
    rows = (folder / "grades.csv").read_text().splitlines()
    assert len(rows) == 1 + len(table)


def test_nbgrader_writes_under_grading_only(graded):
    _, _, before, after = graded
    assert after == before


def test_the_report_shows_points_by_question_and_the_pages(graded):
    folder, table, _, _ = graded
    text = demo.report(table, folder)
    for student in demo.STUDENTS:
        assert f"feedback/{student}/{demo.PART}/" in text
    assert "q1" in text and "total" in text


def test_a_failing_step_says_which_and_where_its_log_is(tmp_path, monkeypatch):
    monkeypatch.setattr(demo.subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 1))
    with pytest.raises(
        demo.DemoError, match=r"`nbgrader generate_assignment .*` failed; its output is in .*demo\.log"
    ):
        demo.run(ROOT / "grading" / "test-failing")


def test_every_mistake_is_still_in_its_solution():
    made = {
        cell.id
        for path in notebooks.RELEASES
        for cell in demo.submission("ben", path.name, path.parent.name).cells
    }
    assert demo.MISTAKES.keys() <= made


def test_an_unknown_part_is_told_what_there_is(tmp_path):
    with pytest.raises(demo.DemoError, match="no part 'q1'; there are 1_words_to_attention, 2_build_a_vit"):
        demo.run(tmp_path / "demo", "q1")


def test_mistakes_must_still_be_in_the_solutions(monkeypatch):
    monkeypatch.setitem(demo.MISTAKES, "q1_position_encoding", {"no such text": ""})
    with pytest.raises(demo.DemoError, match="no such text"):
        demo.submission("ben", "q1_positional_encoding.ipynb")
