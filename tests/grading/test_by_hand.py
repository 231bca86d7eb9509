"""Points, extra credit and comments that a person gave: final until the answer changes, however it is graded again."""

import json

import nbformat
import pytest
from nbgrader.api import Gradebook

from course.grading.gradebook import Course
from course.returning.export import export
from tests.grading.test_changed_lesson import Lesson
from tests.grading_tree import NAMES, PART, Tree, path_of
from tests.notebooks import cell_of

pytestmark = pytest.mark.grading

NAME, KEY = NAMES[1], "q6_residual_add"
WRITTEN = "why_a_residual"


def written(lesson) -> None:
    """A question that is answered in words."""

    def edit(nb) -> None:
        own = {
            "grade_id": WRITTEN,
            "grade": True,
            "solution": True,
            "locked": False,
            "task": False,
            "points": 2,
        }
        cell = nbformat.v4.new_markdown_cell("YOUR ANSWER HERE", id=WRITTEN)
        cell.metadata.nbgrader = {**own, "schema_version": 3, "cell_type": "markdown"}
        nb.cells.append(cell)

    lesson.edit(NAME, edit)


def words_only(lesson) -> None:
    lesson.edit(NAME, lambda nb: nb.cells[0].update(source=nb.cells[0].source + "\n\nOne word more."))


def hand_in(tree: Tree, answer: str = "return x", words: str = "It adds.", note: str = "") -> None:
    tree.hand_in("ada", points=0)
    path = path_of(tree, "ada", NAME)
    nb = nbformat.read(path, as_version=4)
    cell_of(nb, KEY).source = answer
    cell = nbformat.v4.new_markdown_cell(words, id=WRITTEN)
    cell.metadata.nbgrader = {"grade_id": WRITTEN, "solution": True, "grade": True, "points": 2}
    cell.metadata.nbgrader |= {"schema_version": 3, "locked": False, "task": False, "cell_type": "markdown"}
    nb.cells += [cell, nbformat.v4.new_markdown_cell(note, id="note")]
    path.write_text(json.dumps(nb))


@pytest.fixture
def lesson(request, monkeypatch):
    """Graded once; then a person gave points, extra credit and a comment in formgrader."""
    tree = Tree(request.node.name.translate({ord(c): "-" for c in "[] "}))
    lesson = Lesson(tree, monkeypatch)
    lesson.tree = tree
    lesson.change(written)
    hand_in(tree)
    said = tree.grade()
    assert (
        f"1 written answer waits for points by hand in {NAME}: jupyter lab, menu Nbgrader, Formgrader" in said
    )
    assert status() == "not graded"
    with Gradebook(tree.url, "vit") as book:
        for cell, points, extra in ((f"check_{KEY}", 0.5, 0.25), (WRITTEN, 1.5, None)):
            grade = book.find_grade(cell, NAME, PART, "ada")
            grade.manual_score, grade.extra_credit, grade.needs_manual_grade = points, extra, False
        book.find_comment(WRITTEN, NAME, PART, "ada").manual_comment = "Well said."
        book.db.commit()
    assert status() == "incomplete"
    yield lesson
    tree.remove()


def status() -> str:
    (ada,) = export(PART, "csv").students
    return ada.status


def given(tree: Tree) -> tuple:
    with Gradebook(tree.url, "vit") as book:
        grades = [book.find_grade(cell, NAME, PART, "ada") for cell in (f"check_{KEY}", WRITTEN)]
        comment = book.find_comment(WRITTEN, NAME, PART, "ada").manual_comment
        return *((g.manual_score, g.extra_credit) for g in grades), comment


def asked(tree: Tree) -> list[bool]:
    with Gradebook(tree.url, "vit") as book:
        return [book.find_grade(c, NAME, PART, "ada").needs_manual_grade for c in (f"check_{KEY}", WRITTEN)]


STAYS = ((0.5, 0.25), (1.5, None), "Well said.")
SAME = {
    "force": lambda lesson: lesson.tree.grade(again=True),
    "another release": lambda lesson: (words_only(lesson), lesson.tree.grade()),
    "a later file": lambda lesson: (hand_in(lesson.tree, note="More."), lesson.tree.grade()),
    "other records": lambda lesson: (
        [path.unlink() for path in (lesson.tree.folder / "records").glob("*.json")],
        lesson.tree.grade(),
    ),
}


@pytest.mark.parametrize("how", SAME)
def test_the_same_answer_needs_nobody_again(lesson, how):
    SAME[how](lesson)
    assert lesson.tree.well
    assert given(lesson.tree) == STAYS and asked(lesson.tree) == [False, False]
    assert status() == "incomplete" and "by hand" not in lesson.tree.said
    assert lesson.tree.points()["ada"] == 2.25


@pytest.mark.parametrize(
    ("how", "who"),
    [({"answer": "return -x"}, [True, False]), ({"words": "It multiplies."}, [False, True])],
    ids=["code", "words"],
)
def test_another_answer_keeps_the_points_and_asks(lesson, how, who):
    tree = lesson.tree
    hand_in(tree, **how)
    tree.grade()
    assert given(tree) == STAYS and asked(tree) == who
    assert status() == "needs a person"
    assert f"they stay, but look again: ada ({NAME}). jupyter lab" in tree.said
    tree.grade(again=True)
    assert asked(tree) == who, "graded again is not looked at"


def test_what_a_killed_run_left_is_not_taken_for_the_answer_that_was_looked_at(lesson):
    """It has written the new answer where the earlier one stood, and no points."""
    tree = lesson.tree
    hand_in(tree, answer="return -x")
    graded = tree.folder / "autograded" / "ada" / PART / f"{NAME}.ipynb"
    nb = nbformat.read(graded, as_version=4)
    cell_of(nb, KEY).source = "return -x"
    del nb.metadata["vit"]
    graded.chmod(0o644)
    nbformat.write(nb, graded)
    tree.grade()
    assert given(tree) == STAYS and asked(tree)[0]


def test_pages_of_the_points_before_are_gone(lesson):
    tree = lesson.tree
    page = tree.folder / "feedback" / "ada" / PART / f"{NAME}.html"
    page.parent.mkdir(parents=True)
    page.write_text("1 of 1")
    tree.grade()
    assert page.exists()
    tree.grade(again=True)
    assert not page.exists()
    assert Course(False).dir.feedback_directory == f"{tree.below}/feedback"
