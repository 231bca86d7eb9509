"""What the course left behind before its rooms were made (commit 515deae): records of other fields, and a gradebook.

cases/older holds what `grade` wrote there, of one notebook of one student with a grade by hand; most outputs were taken out.
"""

import json
import sqlite3

import nbformat
import pytest
from nbgrader.api import Gradebook

from course.base.paths import ROOT
from course.base.text import digest
from course.judging import records
from course.returning.report.page import ReportError, gather
from tests.grading_tree import PART, Tree, path_of

CASES = ROOT / "tests" / "cases" / "older"
NAME = "q6_residual_block"
NOTE = "1 record is left out, as written by an older version of the course."

pytestmark = pytest.mark.grading


@pytest.fixture
def tree():
    made = Tree("older")
    (made.folder / "gradebook.db").unlink()
    with sqlite3.connect(made.folder / "gradebook.db") as book:
        book.executescript((CASES / "gradebook.sql").read_text())
    book.close()
    made.hand_in("ben", (NAME,), points=0)
    sent = path_of(made, "ben", NAME)
    record = json.loads((CASES / "record.json").read_text()) | {"submission": digest(sent.read_bytes())}
    made.old = made.folder / "records" / f"{record['key']}.json"
    made.old.parent.mkdir()
    made.old.write_text(json.dumps(record, indent=1))
    graded = nbformat.read(sent, as_version=4)
    stamp = {
        "record": record["key"],
        "content": "of then",
        "verdict": "incorrect",
        "sandbox": record["level"],
    }
    graded.metadata["vit"] = {**stamp, "submission": record["submission"]}
    path = made.folder / "autograded" / "ben" / PART / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(graded, path)
    yield made
    made.remove()


def test_it_is_judged_again_and_nothing_is_lost(tree):
    kept = tree.old.read_bytes()
    with pytest.raises(
        ReportError, match=f"^Nothing of {PART} is graded by this version of the course yet, 1 noteb"
    ):
        gather(PART, tree.folder)
    tree.grade()
    assert (
        tree.well
        and "as another version of the course or of its libraries had done it: 1 notebook." in tree.said
    )
    with Gradebook(f"sqlite:///{tree.folder / 'gradebook.db'}", "vit") as book:
        grade = book.find_grade("check_q6_residual_add", NAME, PART, "ben")
        assert (grade.auto_score, grade.manual_score, grade.needs_manual_grade) == (0, 0.5, False)
    assert tree.points() == {"ben": 0.5}
    assert tree.old.read_bytes() == kept
    notes = gather(PART, tree.folder).notes
    assert NOTE in notes and not [note for note in notes if "damaged" in note or "not graded" in note]


def test_it_is_not_taken_for_damaged_nor_what_is_damaged_for_it(tree):
    assert records.read(tree.old) is None and records.is_older(tree.old)
    text = tree.old.read_text()
    for damaged in (text[:-20], "", "[]", text.replace('"key": "66', '"key": "77')):
        tree.old.write_text(damaged)
        assert not records.is_older(tree.old)
