"""`python -m course forget`: nothing of a person is left below grading/, everything of the others is, and what stays is said."""

import json

import nbformat
import pytest
from nbgrader.api import Gradebook
from typer.testing import CliRunner

from course.__main__ import app
from course.base.paths import ROOT
from course.collecting.collect import collect
from course.returning.export import export
from tests.collecting.test_collect import packed
from tests.grading_tree import NAMES, PART, Tree

pytestmark = pytest.mark.grading
NAME = NAMES[1]


def notebook(who, line="") -> bytes:
    nb = nbformat.read(ROOT / "notebooks" / PART / f"{NAME}.ipynb", as_version=4)
    nb.metadata["fake"] = {"points": 1}
    cell = next(cell for cell in nb.cells if cell.id == "q6_residual_add")
    cell.source += f"\n# {who} {line}"
    return nbformat.writes(nb).encode()


def forget(*words, answer="y\n"):
    result = CliRunner().invoke(app, ["forget", *words], input=answer)
    said = result.output + (str(result.exception) if isinstance(result.exception, SystemExit) else "")
    return result.exit_code, said


@pytest.fixture
def tree(request, tmp_path, monkeypatch):
    """Two students, one with two attempts, collected, graded, with feedback, export, a report and a hub's hand-in."""
    monkeypatch.setenv("COLUMNS", "200")
    tree = Tree(request.node.name)
    stamp = "attempt_2026-03-0{}-10-00-00"
    files = {
        f"Part 2_lovelace_{stamp.format(1)}_q6.ipynb": notebook("LOVELACE", "first"),
        f"Part 2_lovelace_{stamp.format(2)}_q6.ipynb": notebook("LOVELACE", "second"),
        f"Part 2_boole_{stamp.format(2)}_q6.ipynb": notebook("BOOLE"),
        f"Part 2_lovelace_{stamp.format(2)}.txt": b"Name: Ada Countess (lovelace)\n",
    }
    for number, some in enumerate((list(files)[:1], files)):
        (tmp_path / f"{number}.zip").write_bytes(packed({name: files[name] for name in some}))
        collect(PART, [tmp_path / f"{number}.zip"], grading=tree.folder)
        tree.grade()
    (tree.folder / "roster.csv").write_text(
        "id;name;email\nboole;Boole;b@x.org\nlovelace;Ada Countess;a@x.org\n"
    )
    with Gradebook(tree.url, "vit") as book:
        book.find_student("lovelace").first_name = "Countess"
        book.db.commit()
    for who in ("lovelace", "boole"):
        page = tree.folder / "feedback" / who / PART / f"{NAME}.html"
        page.parent.mkdir(parents=True)
        page.write_text(who)
        inbound = tree.folder / "exchange" / "vit" / "inbound" / f"{who}+{PART}+2026-03-01 10:00:00 UTC+xyz"
        inbound.mkdir(parents=True)
        (inbound / f"{NAME}.ipynb").write_bytes(notebook(who.upper()))
    export(PART, "csv")
    (tree.folder / "nbgrader.log").write_text("graded lovelace")
    yield tree
    tree.remove()


def holding(tree, *words):
    """Files whose name or content has one of the words, in capitals or not."""
    found = set()
    for path in tree.folder.rglob("*"):
        text = str(path.relative_to(tree.folder)).encode() + (path.read_bytes() if path.is_file() else b"")
        if any(word.encode().lower() in text.lower() for word in words):
            found.add(str(path.relative_to(tree.folder)))
    return found


def test_nothing_is_left_of_who_is_forgotten(tree):
    kinds = {name.split("/")[0] for name in holding(tree, "lovelace")}
    assert kinds >= {
        "received",
        "submitted",
        "autograded",
        "feedback",
        "records",
        "collected",
        "gradebook.db",
        "export",
    }
    boole = {name: (tree.folder / name).read_bytes() for name in holding(tree, "boole") - holding(tree, "lovelace")
             if (tree.folder / name).is_file()}  # fmt: skip
    assert len(boole) > 5
    code, said = forget("lovelace")
    assert code == 0, said
    assert "records/: 2" in said and f"collected/{PART}.json: 4 files" in said and "1 submissions" in said
    assert holding(tree, "lovelace", "countess") == {"roster.csv"}
    assert "roster.csv, line 3, is yours to remove" in said
    assert "still holds 0.zip/Part 2_lovelace_attempt_2026-03-01" in said and "brings it back" in said
    assert {name: (tree.folder / name).read_bytes() for name in boole} == boole
    assert tree.points() == {"boole": 1}
    assert "1 of them by an earlier run" in tree.grade()
    export(PART, "csv")
    code, said = forget("lovelace")
    assert code == 1 and "lovelace's. But" in said and "roster.csv, line 3" in said


def test_it_asks_and_no_is_no(tree):
    before = {path: path.read_bytes() for path in tree.folder.rglob("*") if path.is_file()}
    for answer, words in (("n\n", "Nothing was removed."), ("", "nobody answered")):
        code, said = forget("lovelace", answer=answer)
        assert code == 1 and words in said and "submitted/: 1" in said
    code, said = forget("lovelac")
    assert code == 1 and "Did you mean lovelace (Ada Countess)?" in said
    for name in ("..", "*", ""):
        assert forget(name, "--yes")[0] == 1
    assert {path: path.read_bytes() for path in tree.folder.rglob("*") if path.is_file()} == before


def test_what_is_another_students_too_stays(tree, tmp_path):
    path = tmp_path / "g.zip"
    people = "".join(f"  - :name: {who}\n    :sid: {who}\n" for who in ("lovelace", "cleo"))
    both = f"submission_1:\n  :submitters:\n{people}".encode()
    path.write_bytes(packed({"x/submission_1/q6.ipynb": notebook("BOTH"), "x/submission_metadata.yml": both}))
    (tree.folder / "roster.csv").unlink()
    collect(PART, [path], grading=tree.folder)
    tree.grade()
    assert forget("lovelace", "--yes", answer="")[0] == 0
    entries = json.loads((tree.folder / "collected" / f"{PART}.json").read_text())["files"]
    theirs = [entry["received"] for entry in entries if entry["student"] == "cleo" and entry["received"]]
    assert theirs and all((tree.folder / "received" / f"{name}.ipynb").exists() for name in theirs)
    assert "2 of them by an earlier run" in tree.grade()
