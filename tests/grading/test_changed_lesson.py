"""A lesson whose points or questions change in mid-course: the gradebook follows, and nobody's earlier points are given as final."""

import copy
import shutil

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import SaveCells
from sqlalchemy import text
from traitlets.config import Config

from course.base import settings
from course.base.assignment import FollowCells
from course.base.paths import ROOT
from course.grading import run
from course.grading.gradebook import Course
from course.returning.export import export
from tests.grading_tree import CLASS, NAMES, PART, Tree
from tests.notebooks import cell_of

pytestmark = pytest.mark.grading

Q3, Q6 = NAMES
SOME = ("ada", "ben")
CHECK = "check_q6_residual_add"
CELLS = """\
select notebook.name, base_cell.name, base_cell.type, grade_cells.max_score, grade_cells.cell_type
from base_cell join notebook on notebook.id = base_cell.notebook_id left join grade_cells on grade_cells.id = base_cell.id
"""
SOURCES = """\
select notebook.name, notebook.kernelspec, source_cell.name, source_cell.cell_type, source_cell.locked, source_cell.source,
       source_cell.checksum
from source_cell join notebook on notebook.id = source_cell.notebook_id
"""


class Lesson:
    """Lessons of a tree's own, in the place of solutions/."""

    def __init__(self, tree: Tree, monkeypatch) -> None:
        self.below = f"{tree.below}/solutions"
        self.folder = ROOT / self.below / PART
        shutil.copytree(ROOT / "solutions" / PART, self.folder)
        real = settings.load

        def load() -> Config:
            config = real()
            config.CourseDirectory.source_directory = self.below
            config.CourseDirectory.release_directory = f"{tree.below}/release"
            return config

        monkeypatch.setattr(settings, "load", load)

    def change(self, *changes) -> None:
        for change in changes:
            change(self)

    def edit(self, name: str, edit) -> None:
        path = self.folder / f"{name}.ipynb"
        nb = nbformat.read(path, as_version=4)
        edit(nb)
        nbformat.write(nb, path)


def worth(points: float):
    def edit(nb) -> None:
        cell_of(nb, CHECK).metadata.nbgrader.points = points

    return lambda lesson: lesson.edit(Q6, edit)


def one_question_less(lesson: Lesson) -> None:
    def edit(nb) -> None:
        nb.cells.remove(cell_of(nb, "check_q3_repeat_warmup"))

    lesson.edit(Q3, edit)


def one_question_more(lesson: Lesson) -> None:
    def edit(nb) -> None:
        more = copy.deepcopy(cell_of(nb, CHECK))
        more.id = more.metadata.nbgrader.grade_id = "check_once_more"
        nb.cells.append(more)

    lesson.edit(Q6, edit)


def another_test(lesson: Lesson) -> None:
    """The cell has the name and the points that it had, and asks another question."""

    def edit(nb) -> None:
        cell_of(nb, CHECK).source = 'check("q3_class_token")'

    lesson.edit(Q6, edit)


def one_notebook_less(lesson: Lesson) -> None:
    (lesson.folder / f"{Q3}.ipynb").unlink()


def one_notebook_more(lesson: Lesson) -> None:
    shutil.copy(lesson.folder / f"{Q3}.ipynb", lesson.folder / "q9_new.ipynb")


CHANGES = {
    "more points": ([worth(2)], f"{Q6}: {CHECK} gives 2 instead of 1"),
    "question less": ([one_question_less], f"{Q3}: check_q3_repeat_warmup is not asked any more"),
    "all of it": ([worth(2), one_question_less, one_question_more], "gives 2 instead of 1"),
    "notebook less": ([one_notebook_less], f"{Q3} is not in the lesson any more"),
    "notebook more": ([one_notebook_more], "q9_new is new"),
}


@pytest.fixture
def tree(request):
    tree = Tree(request.node.name.translate({ord(c): "-" for c in "[] "}))
    yield tree
    tree.remove()


def generated(tree: Tree, succeeds: bool = True) -> None:
    """`nbgrader generate_assignment`."""
    config = Course(False).config
    result = NbGraderAPI(CourseDirectory(config=config), config=config).generate_assignment(PART)
    assert result["success"] is succeeds, result


def statuses(outcome) -> dict[str, str]:
    return {student.id: student.status for student in outcome.students}


@pytest.mark.parametrize(
    ("what", "with_nbgrader"),
    [
        ("more points", True),
        ("question less", True),
        ("all of it", False),
        ("notebook less", False),
        ("notebook more", True),
    ],
)
def test_nobodys_points_are_final_until_they_are_graded_by_the_lesson_of_today(
    tree, monkeypatch, what, with_nbgrader
):
    lesson = Lesson(tree, monkeypatch)
    for student in SOME:
        tree.hand_in(student, **CLASS[student])
    tree.grade()
    assert set(statuses(export(PART, "csv")).values()) == {"incomplete"}  # two of seven, and final
    changes, said = CHANGES[what]
    lesson.change(*changes)
    outcome = export(PART, "csv")
    assert statuses(outcome) == dict.fromkeys(SOME, "not graded") and not outcome.exported
    assert said in outcome.people[0] and f"python -m course grade {PART}" in outcome.people[0]
    if with_nbgrader:  # it refuses other notebooks once somebody has handed in; the next `grade` does it
        generated(tree, succeeds="notebook" not in what)
        outcome = export(PART, "csv")
        removed = ["question less"]  # what is left was given for what is still asked, and is right
        kept = {student.status for student in outcome.students}
        assert kept == ({"incomplete"} if what in removed else {"not graded"})
    tree.grade()
    assert tree.well
    told = f"The lesson has changed since it was last graded: {said}"
    assert with_nbgrader or (said in tree.said and "The lesson has changed since" in tree.said), told
    assert set(statuses(export(PART, "csv")).values()) == {"incomplete"}
    found = tree.gradebook()
    # as if the lesson had always been so
    for path in (tree.folder / "gradebook.db", tree.folder / "autograded"):
        path.unlink() if path.is_file() else shutil.rmtree(path)
    tree.grade()
    assert "changed since" not in tree.said
    assert tree.gradebook() == found


def test_a_cell_that_asks_something_else_is_open_again(tree, monkeypatch):
    lesson = Lesson(tree, monkeypatch)
    tree.hand_in("ada")
    tree.grade()
    lesson.change(another_test)
    generated(tree)
    assert set(statuses(export(PART, "csv")).values()) == {"not graded"}
    with Gradebook(tree.url, "vit") as book:
        grade = book.find_grade(CHECK, Q6, PART, "ada")
        assert (grade.auto_score, grade.needs_manual_grade) == (None, True)


def test_points_by_hand_stay_and_are_asked_for_again_or_named_if_their_question_is_gone(tree, monkeypatch):
    lesson = Lesson(tree, monkeypatch)
    tree.hand_in_all().grade()
    with Gradebook(tree.url, "vit") as book:
        book.find_grade(CHECK, Q6, PART, "cleo").manual_score = 0.25
        book.find_grade("check_q3_repeat_warmup", Q3, PART, "ben").manual_score = 0.75
        book.db.commit()
    lesson.change(worth(2), one_question_less)
    tree.grade()
    assert f"ben had 0.75 points by hand for {Q3}: check_q3_repeat_warmup, which is gone" in tree.said
    assert (
        "Points of 1 answer were given by hand before the answer, or what it can earn, changed" in tree.said
    )
    assert f"cleo ({Q6})" in tree.said
    outcome = export(PART, "csv")
    assert statuses(outcome)["cleo"] == "needs a person" and statuses(outcome)["ada"] == "incomplete"
    with Gradebook(tree.url, "vit") as book:
        grade = book.find_grade(CHECK, Q6, PART, "cleo")
        assert (grade.manual_score, grade.needs_manual_grade) == (0.25, True)
        grade.needs_manual_grade = False  # as formgrader does when a person gives points
        book.db.commit()
    tree.grade(again=True)
    assert statuses(export(PART, "csv"))["cleo"] == "incomplete"


def test_what_only_the_words_changed_leaves_points_as_they_are(tree, monkeypatch):
    lesson = Lesson(tree, monkeypatch)
    tree.hand_in("ada")
    tree.grade()

    def edit(nb) -> None:
        nb.cells[0].source += "\n\nOne word more."

    lesson.edit(Q6, edit)
    assert set(statuses(export(PART, "csv")).values()) == {"incomplete"}
    before = tree.gradebook()
    monkeypatch.setattr(run.build, "unbuilt", lambda part: f"Not built: {part}.")
    tree.grade()
    assert "changed since" not in tree.said and tree.gradebook() == before
    assert f"Not built: {PART}." in tree.said


def test_the_gradebook_has_what_nbgraders_own_step_would_write(tree, monkeypatch):
    def cells() -> list[list[tuple]]:
        with Gradebook(tree.url, "vit") as book:
            return [sorted(map(tuple, book.db.execute(text(query))), key=repr) for query in (CELLS, SOURCES)]

    (tree.folder / "gradebook.db").unlink()
    Lesson(tree, monkeypatch)
    course = Course(False)
    course.prepare(course.releases(PART), [])
    ours = cells()
    (tree.folder / "gradebook.db").unlink()
    config = Course(False).config
    steps = config.GenerateAssignment.preprocessors
    config.GenerateAssignment.preprocessors = [SaveCells if s is FollowCells else s for s in steps]
    assert NbGraderAPI(CourseDirectory(config=config), config=config).generate_assignment(PART)["success"]
    assert cells() == ours and len(ours[0]) > 20
