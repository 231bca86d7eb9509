"""What the end of `grade` has for people, and the command's exit codes."""

import shutil

import pytest
from nbgrader.api import Gradebook
from typer.testing import CliRunner

from course.__main__ import app
from course.base import paths
from course.grading import people
from course.grading import run as grading
from course.returning.export import export
from tests.grading_tree import NAMES, PART, Tree, path_of

pytestmark = pytest.mark.grading


@pytest.fixture
def tree(request):
    tree = Tree(request.node.name)
    yield tree
    tree.remove()


def test_one_run_in_full(tree):
    """Two files of the same bytes, an answer under another name, some of the notebooks, names from the roster."""
    (tree.folder / "roster.csv").write_text(
        'id,name,email\nada,"Lovelace, Ada",ada@x.org\nben,Ben Ô,\nnobody,No Body,\n', "utf-8"
    )
    for student in ("ada", "ben"):
        tree.hand_in(student)
    copy = path_of(tree, "ben", f"{NAMES[1]}-Copy1")
    shutil.copy(path_of(tree, "ben", NAMES[1]), copy)
    (copy.parent / "old").mkdir()
    shutil.copy(copy, copy.parent / "old" / "q6.ipynb")
    (copy.parent / ".ipynb_checkpoints").mkdir()
    shutil.copy(copy, copy.parent / ".ipynb_checkpoints" / "x-checkpoint.ipynb")
    said = tree.grade(jobs=1)
    (line,) = [line for line in said.splitlines() if line.startswith("  ben: ")]
    assert f"called old/q6.ipynb, {NAMES[1]}-Copy1.ipynb, so that was not graded" in line
    assert (
        "2 students handed in some of the notebooks only, and get 0 for the others: ada 2 of 8, ben 2 of 8."
        in said
    )
    assert "earlier run" not in said and "of the same bytes" in said
    assert "earlier run" in tree.grade() and "of the same bytes" not in tree.said
    with Gradebook(tree.url, "vit") as book:
        found = {s.id: (s.first_name, s.last_name, s.email) for s in book.students}
    assert found == {"ada": ("Ada", "Lovelace", "ada@x.org"), "ben": ("Ben", "Ô", None)}
    (tree.folder / "roster.csv").write_text("id,first_name,last_name\nada,Augusta,King\n")
    tree.grade()
    rows = {student.id: student.cells for student in export(PART, "csv").students}
    assert (rows["ada"]["first_name"], rows["ada"]["last_name"]) == ("Augusta", "King")
    assert (rows["ada"]["email"], rows["ben"]["last_name"]) == ("ada@x.org", "Ô"), (
        "what it does not say stays"
    )


def test_long_lists_end():
    assert people.handed_in_some({"ada": 7, "none": 0}, 7) == []
    (said,) = people.handed_in_some({f"s{n:02}": 1 for n in range(20)}, 7)
    assert said.startswith("20 students handed in some") and said.endswith("s07 1 of 7 and 12 more.")
    (one,) = people.handed_in_some({"ada": 1, "ben": 7}, 7)
    assert one == "1 student handed in some of the notebooks only, and get 0 for the others: ada 1 of 7."


def code(*words: str) -> int:
    return CliRunner().invoke(app, words).exit_code


def test_exit_codes(tree, monkeypatch, tmp_path):
    """Those of the table in docs/instructors.md."""
    monkeypatch.setattr(grading, "grade", lambda *_, **__: True)
    assert code("grade", PART) == 0
    monkeypatch.setattr(grading, "grade", lambda *_, **__: False)
    assert code("grade", PART) == 1
    for error, number in ((grading.GradeError("why"), 1), (KeyboardInterrupt(), 130)):

        def fail(*_, error=error, **__):
            raise error

        monkeypatch.setattr(grading, "grade", fail)
        assert code("grade", PART) == number
    monkeypatch.undo()
    notebook = paths.ROOT / "notebooks" / PART / f"{NAMES[1]}.ipynb"
    filled = tmp_path / "ada" / notebook.name
    filled.parent.mkdir()
    shutil.copy(paths.ROOT / "solutions" / PART / notebook.name, filled)
    assert code("collect", PART, str(tmp_path)) == 0
    (tmp_path / "ada" / "q3_class_token.ipynb").write_text("{")
    assert code("collect", PART, str(tmp_path)) == 1
    assert code("collect", "nine", str(tmp_path)) == 1
    assert code("export", PART, "--to", "csv") == 1, "ada waits for grade"
    assert code("report", PART) == 1
    for command in ("collect", "grade", "export", "report"):
        assert code(command) == code(command, PART, "--nonsense") == 2


@pytest.mark.parametrize(
    ("where", "refused"),
    [("grading", ""), ("grading/autumn", ""), ("../elsewhere", ""), ("autumn", "yes"), ("docs", "yes"), (".", "yes"),
     ("grading/../docs", "yes"), (str(paths.ROOT / "autumn"), "yes")],
)  # fmt: skip
def test_what_students_sent_is_nowhere_where_git_sees_it(monkeypatch, where, refused):
    monkeypatch.setenv("VIT_GRADING", where)
    assert bool(paths.published()) is bool(refused)
    if refused:
        said = CliRunner().invoke(app, ["export", PART, "--to", "csv"])
        assert said.exit_code == 1 and f"VIT_GRADING={where} would put what students sent" in str(
            said.exception
        )
