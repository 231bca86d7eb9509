"""Exporting: everybody's points once, in the LMS's own form; whoever has none is told apart and named."""

import csv
import io
import os
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from datetime import datetime

import pytest
from nbgrader.api import Gradebook
from typer.testing import CliRunner

from course.__main__ import app
from course.base import paths
from course.base.paths import ROOT
from course.collecting.collect import collect
from course.returning import export as exporter
from course.returning import points, sheets
from course.returning.export import export, safe
from course.returning.points import ExportError
from tests import notebooks
from tests.returning.classroom import autograded

# nbgrader 0.9's add_submission with SQLAlchemy 2.1
pytestmark = pytest.mark.filterwarnings("ignore:Object of type <Submitted")

PART = "2_build_a_vit"
Q1, Q2 = "q1_positional_encoding", "q2_patch_embedding"


def solution(name) -> bytes:
    return (notebooks.ROOT / "solutions" / PART / f"{name}.ipynb").read_bytes()


@pytest.fixture
def grading(tmp_path, monkeypatch):
    folder = tmp_path / "grading"
    folder.mkdir()
    monkeypatch.setenv("VIT_GRADING", str(folder))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(points, "asked", lambda part: {Q1: {"test": 3}, Q2: {"test": 4}})  # as `empty` has it
    return folder


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """A gradebook with two notebooks, of 3 and 4 points; made once, as nbgrader starts alembic for a new one."""
    path = tmp_path_factory.mktemp("empty") / "gradebook.db"
    with Gradebook(f"sqlite:///{path}", "vit") as gradebook:
        gradebook.add_assignment(PART, duedate=datetime(2026, 3, 1))
        for name, points in ((Q1, 3), (Q2, 4)):
            gradebook.add_notebook(name, PART)
            gradebook.add_grade_cell("test", name, PART, max_score=points, cell_type="code")
    return path


@pytest.fixture
def book(grading, empty):
    shutil.copy(empty, grading / "gradebook.db")
    with Gradebook(f"sqlite:///{grading / 'gradebook.db'}", "vit") as gradebook:
        yield gradebook


def hand_in(book, student, q1=None, q2=None, penalty=None, look=False, **person):
    """A submission as autograding leaves it; None is a cell that was never graded."""
    book.update_or_create_student(student, **person)
    book.update_or_create_submission(PART, student, timestamp=datetime(2026, 3, 2, 12))
    for name, score in ((Q1, q1), (Q2, q2)):
        grade = book.find_grade("test", name, PART, student)
        grade.auto_score = score
        grade.needs_manual_grade = score is None or look
    autograded(paths.grading(), student)
    book.find_submission_notebook(Q2, PART, student).late_submission_penalty = penalty
    book.db.commit()


def page(grading, student, *names):
    for name in names or (Q1, Q2):
        path = grading / "feedback" / student / PART / f"{name}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"<p>{student} {name}</p>", encoding="utf-8")


def table(path):
    with open(path, newline="", encoding="utf-8-sig") as stream:
        return list(csv.reader(stream))


def grades(grading):
    head, *rows = table(grading / "export" / PART / "grades.csv")
    return {row["student_id"]: row for row in (dict(zip(head, r, strict=True)) for r in rows)}


def archive(path):
    with zipfile.ZipFile(path) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def packed(files) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for name, data in files.items():
            opened.writestr(zipfile.ZipInfo(name, (2026, 3, 1, 12, 0, 0)), data)
    return buffer.getvalue()


def received(tmp_path, files, grading):
    """What the LMS gave, taken in by collect."""
    path = tmp_path / "submissions.zip"
    path.write_bytes(packed(files))
    return collect(PART, [path], grading=grading)


# --- who has which points -------------------------------------------------------------------------


def test_missing_is_not_zero_and_what_is_not_final_is_kept_back(grading, book):
    hand_in(book, "ada", 3, 3.5)
    hand_in(book, "zero", 0, 0)
    hand_in(book, "half", 3, None)
    hand_in(book, "look", 3, 4, look=True)
    book.add_student("absent")
    (grading / "submitted" / "waiting" / PART).mkdir(parents=True)
    (grading / "roster.csv").write_text("id,email\nada,ada@x.org\nlisted,l@x.org\n")
    outcome = export(PART, "csv")
    rows = grades(grading)
    assert {who: (row["score"], row["status"]) for who, row in rows.items()} == {
        "ada": ("6.5", "graded"),
        "zero": ("0", "graded"),
        "half": ("", "not graded"),
        "look": ("", "needs a person"),
        "absent": ("", "missing"),
        "listed": ("", "missing"),
        "waiting": ("", "not graded"),
    }
    assert rows["ada"]["email"] == "ada@x.org" and rows["ada"]["max_score"] == "7"
    assert rows["half"]["note"] == f"no points yet in {Q2}"
    assert outcome.exported == {"ada", "zero"}
    assert [sentence.split(":")[0] for sentence in outcome.people] == ["half", "look", "waiting"]

    forced = export(PART, "csv", force=True)
    rows = grades(grading)
    assert (rows["half"]["score"], rows["look"]["score"], rows["waiting"]["score"]) == ("3", "7", "")
    assert "exported as it stands" in forced.people[0] and rows["absent"]["score"] == ""


def test_late_penalty_is_the_gradebooks(grading, book, monkeypatch):
    monkeypatch.setattr(points.late, "changes", lambda *_: [])  # as if a policy gave these
    hand_in(book, "late", 3, 4, penalty=1.25)
    hand_in(book, "lost", 1, 2, penalty=5)
    export(PART, "csv")
    rows = grades(grading)
    assert (rows["late"]["raw_score"], rows["late"]["late_submission_penalty"]) == ("7", "1.25")
    assert (rows["late"]["score"], rows["lost"]["score"]) == ("5.75", "0")
    for student in ("late", "lost"):
        submission = book.find_submission(PART, student)
        assert float(rows[student]["raw_score"]) == submission.score


@pytest.mark.parametrize(
    "value, text",
    [(0.1 + 0.2, "0.3"), (1e-9, "0"), (-0.0, "0"), (10.0, "10"), (100.0, "100"), (10 / 3, "3.3333"), (1e16, "1" + "0" * 16)],
)  # fmt: skip
def test_decimals_are_plain(value, text):
    assert sheets.plain_number(value) == text


def test_names_are_quoted_and_are_no_formulas(grading, book):
    names = {
        "a": 'Lovelace, "Ada"\nCountess',
        "b": "=cmd|' /C calc'!A1",
        "c": "+49",
        "d": "-1+1",
        "e": "@SUM(A1)",
        "f": "\t=1",
        "g": "Zoë 名前 🎓",
        "h": "  =1+1",
        "i": "O'Brien-Ng",
    }
    for student, name in names.items():
        hand_in(book, student, 1, 1, last_name=name)
    export(PART, "csv")
    rows = grades(grading)
    assert {s: row["last_name"] for s, row in rows.items()} == {
        s: f"'{name}" if s in "bcdefh" else name for s, name in names.items()
    }
    assert {row["score"] for row in rows.values()} == {"2"}
    assert safe("") == "" and safe("-5") == "'-5"


def test_some_of_the_notebooks_is_not_poor_work(grading, book, tmp_path):
    received(
        tmp_path,
        {f"ada/{Q1}.ipynb": solution(Q1), f"zoe/{Q1}.ipynb": solution(Q1), f"zoe/{Q2}.ipynb": solution(Q2)},
        grading,
    )
    hand_in(book, "ada", 3, 0)
    hand_in(book, "zoe", 3, 0)
    outcome = export(PART, "csv")
    rows = grades(grading)
    assert (rows["ada"]["status"], rows["zoe"]["status"]) == ("incomplete", "graded")
    assert rows["ada"]["note"] == f"1 of 2 notebooks were handed in, without {Q2}"
    assert rows["ada"]["score"] == "3" and outcome.exported == {"ada", "zoe"} and not outcome.people
    result = CliRunner().invoke(app, ["export", PART, "--to", "csv"])
    assert result.exit_code == 0 and "incomplete  1  ada" in result.output


@pytest.mark.parametrize("file", ["another", "graded never"])
def test_a_newer_file_that_is_not_graded_makes_the_earlier_points_not_final(grading, book, tmp_path, file):
    received(tmp_path, {f"ada/{Q1}.ipynb": solution(Q1), f"ada/{Q2}.ipynb": solution(Q2)}, grading)
    hand_in(book, "ada", 3, 4)
    assert export(PART, "csv").exported == {"ada"}
    if file == "another":
        (grading / "submitted" / "ada" / PART / f"{Q2}.ipynb").write_bytes(solution(Q2) + b"\n")
    else:  # a run that was killed has left the points of the file before
        (grading / "autograded" / "ada" / PART / f"{Q2}.ipynb").unlink()
    outcome = export(PART, "csv")
    assert (
        not outcome.exported
        and f"newer files wait ({Q2}): python -m course grade {PART}" in outcome.people[0]
    )


def test_a_lesson_that_is_not_built_is_named(grading, book, monkeypatch):
    hand_in(book, "ada", 3, 4)
    monkeypatch.setattr(exporter.build, "unbuilt", lambda part: f"Changed: {part}.")
    assert f"Changed: {PART}." in export(PART, "csv").notes


def test_a_lesson_that_asks_something_else_is_named_with_the_command(grading, book, monkeypatch):
    hand_in(book, "ada", 3, 4)
    monkeypatch.setattr(points, "asked", lambda part: {Q1: {"test": 3, "more": 1}, Q2: {"test": 5}})
    result = CliRunner().invoke(app, ["export", PART, "--to", "csv"])
    flat = " ".join(result.output.split())
    assert result.exit_code == 1
    assert f"({Q1}: more is new; {Q2}: test gives 5 instead of 4): python -m course grade {PART}" in flat


# --- Canvas ---------------------------------------------------------------------------------------

CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Note,Part 1 (41),2 Build a ViT (42),Final Score\r\n"
    ",,,,,,,Manual Posting,\r\n"
    "    Points Possible,,,,,,15,7,(read only)\r\n"
    '"Lovelace, ""Ada""",101,s-101,ada,"A, B",,15,,99.5\r\n'
    "\"=\"\"evil\"\"\",102,s-102,geb,A,=1+1,,5,\r\n"
    "Noether Emmy,104,s-104,emmy,A,,,EX,\r\n"
    "Turing Alan,105,,alan,A,,,,\r\n"
    '"Student, Test",999,,test,A,,,,\r\n'
)  # fmt: skip


@pytest.fixture
def canvas(tmp_path, grading, book):
    """Submissions from Canvas, collected and graded; -> the gradebook that Canvas exports."""
    received(
        tmp_path,
        {
            f"lovelaceada_101_9001_{Q1}.ipynb": solution(Q1),
            f"lovelaceada_LATE_101_9007_{Q1}-1.ipynb": solution(Q1) + b"\n",
            f"lovelaceada_101_9002_Copy of {Q2}.ipynb": solution(Q2),
            f"boolegeorge_102_9003_{Q1}.ipynb": solution(Q1),
            "noethere_104_9004_all.zip": packed(
                {f"hw/{Q1}.ipynb": solution(Q1), f"{Q2}.ipynb": solution(Q2)}
            ),
            f"gone_106_9006_{Q1}.ipynb": solution(Q1),
        },
        grading,
    )
    for student, earned in {"101": (3, 4), "102": (0, 0), "104": (1, 1), "106": (2, 2)}.items():
        hand_in(book, student, *earned)
        page(grading, student, *([Q1] if student in ("102", "106") else []))
    path = tmp_path / "canvas_export.csv"
    path.write_bytes(b"\xef\xbb\xbf" + CANVAS.encode())
    return path


def test_canvas_and_back(grading, canvas):
    outcome = export(PART, "canvas", canvas, column="42")
    written = grading / "export" / PART / "canvas.csv"
    before, after = table(canvas), table(written)
    assert written.read_bytes().startswith(b"\xef\xbb\xbfStudent,ID") and b"\r\n" in written.read_bytes()
    place = before[0].index("2 Build a ViT (42)")
    assert {row[1]: row[place] for row in after[3:]} == {
        "101": "7", "102": "0", "104": "EX", "105": "", "999": "",
    }  # fmt: skip
    for old, new in zip(before, after, strict=True):
        assert old[:place] + old[place + 1 :] == new[:place] + new[place + 1 :]
    assert outcome.exported == {"101", "102"}
    assert any("Noether Emmy (104): Canvas says EX, which stays; 2 were earned." in s for s in outcome.people)
    assert "Graded but not in canvas_export.csv (1): 106." in outcome.people
    assert any("unknown here (2): Turing Alan (105); Student, Test (999)" in s for s in outcome.notes)

    pages = archive(grading / "export" / PART / "canvas-feedback.zip")
    assert set(pages) == {
        f"lovelaceada_LATE_101_9007_{Q1}-1.html",
        f"lovelaceada_101_9002_Copy of {Q2}.html",
        f"boolegeorge_102_9003_{Q1}.html",
        "noethere_104_9004_all.zip",
        f"gone_106_9006_{Q1}.html",
    }
    assert pages[f"lovelaceada_101_9002_Copy of {Q2}.html"] == f"<p>101 {Q2}</p>".encode()
    inner = zipfile.ZipFile(io.BytesIO(pages["noethere_104_9004_all.zip"]))
    assert set(inner.namelist()) == {f"{Q1}.html", f"{Q2}.html"}


def test_canvas_finds_the_column_or_says_what_there_is(grading, canvas):
    export(PART, "canvas", canvas)  # "2 Build a ViT" is the part's name but for spaces and capitals
    assert table(grading / "export" / PART / "canvas.csv")[3][7] == "7"
    with pytest.raises(ExportError, match=r'no column for Part 9; .*"Part 1 \(41\)", "2 Build a ViT \(42\)"'):
        export(PART, "canvas", canvas, column="Part 9")
    export(PART, "canvas", canvas, column="new")
    after = table(grading / "export" / PART / "canvas.csv")
    assert [row[8] for row in after[:4]] == [PART, "", "7", "7"] and after[3][9] == "99.5"


def test_canvas_semicolons_and_other_points(grading, canvas):
    text = CANVAS.replace(",", ";").replace("15;7;", "15;100,00;").replace('"A; B"', '"A, B"')
    canvas.write_text(text, encoding="utf-8", newline="")
    outcome = export(PART, "canvas", canvas)
    assert "out of 100, the gradebook out of 7" in outcome.people[0]
    assert (grading / "export" / PART / "canvas.csv").read_text("utf-8").startswith("Student;ID;")


# --- Moodle ---------------------------------------------------------------------------------------

MOODLE = (
    'Identifier,"Full name","Email address",Status,Grade,"Maximum Grade","Last modified (grade)","Feedback comments"\n'
    '"Participant 4711","Ada Lovelace",ada@x.org,Submitted,,7.00,-,"<p>so, ""far""\nso good</p>"\n'
    '"Participant 4712","Zoë Müller",zoe@x.org,Submitted,1.00,7.00,-,\n'
    '"Participant 4713","Ada Lovelace",ada2@x.org,Submitted,,7.00,-,\n'
    '"Participant 4714","Emmy Noether",emmy@x.org,"No submission",,7.00,-,\n'
    '"Participant 4715","Alan Turing",alan@x.org,"No submission",,7.00,-,\n'
)  # fmt: skip


@pytest.fixture
def moodle(tmp_path, grading, book):
    (grading / "roster.csv").write_text(
        "id,first_name,last_name,email\nmueller7,Zoë,Müller,zoe@x.org\nemmy,E.,N.,emmy@x.org\n"
    )
    report = received(
        tmp_path,
        {
            f"Ada Lovelace_4711_assignsubmission_file_/{Q1}.ipynb": solution(Q1),
            f"Ada Lovelace_4713_assignsubmission_file/{Q1}.ipynb": solution(Q1),
            f"Zoë Müller_4712_assignsubmission_file_/work/{Q1}.ipynb": solution(Q1),
        },
        grading,
    )
    assert set(report.students) == {"Ada_Lovelace_4711", "Ada_Lovelace_4713", "mueller7"}
    for student, earned in {"Ada_Lovelace_4711": 3, "Ada_Lovelace_4713": 2, "mueller7": 0}.items():
        hand_in(book, student, earned, 0)
        page(grading, student, Q1)
    path = tmp_path / "worksheet.csv"
    path.write_text(MOODLE, encoding="utf-8", newline="")
    return path


def test_moodle_and_back(grading, moodle):
    outcome = export(PART, "moodle", moodle)
    before, after = table(moodle), table(grading / "export" / PART / "moodle.csv")
    assert [row[4] for row in after] == ["Grade", "3", "0", "2", "", ""]
    assert [row[:4] + row[5:] for row in after] == [row[:4] + row[5:] for row in before]
    assert not outcome.people
    assert any("unknown here (1): Alan Turing (Participant 4715)" in s for s in outcome.notes)
    assert archive(grading / "export" / PART / "moodle-feedback.zip") == {
        f"Ada Lovelace_4711_assignsubmission_file_/{Q1}.html": f"<p>Ada_Lovelace_4711 {Q1}</p>".encode(),
        f"Ada Lovelace_4713_assignsubmission_file_/{Q1}.html": f"<p>Ada_Lovelace_4713 {Q1}</p>".encode(),
        f"Zoë Müller_4712_assignsubmission_file_/{Q1}.html": f"<p>mueller7 {Q1}</p>".encode(),
    }


def test_the_worksheet_of_another_part_gives_nobody_anothers_points(grading, moodle):
    moodle.write_text(MOODLE.replace("4711", "1").replace("4712", "4711"), encoding="utf-8", newline="")
    outcome = export(PART, "moodle", moodle)
    after = table(grading / "export" / PART / "moodle.csv")
    assert [row[4] for row in after[1:4]] == ["", "1.00", "2"]
    assert any(
        "Participant 4711 is Zoë Müller in worksheet.csv but was Ada Lovelace" in s for s in outcome.people
    )
    pages = archive(grading / "export" / PART / "moodle-feedback.zip")
    assert not any("_4711_" in name for name in pages) and len(pages) == 2, "Zoë would read Ada's"
    assert "Feedback that could go to somebody else is left out (1): Ada_Lovelace_4711." in outcome.notes


def test_a_namesake_who_sent_nothing_takes_nothing_away(grading, canvas):
    namesake = '"Lovelace, ""Ada""",107,,ada2,A,,,,\n'
    canvas.write_text(CANVAS + namesake, encoding="utf-8", newline="")
    outcome = export(PART, "canvas", canvas)
    points = {row[1]: row[7] for row in table(grading / "export" / PART / "canvas.csv")[3:]}
    assert (points["101"], points["107"]) == ("7", "") and "101" in outcome.exported
    assert any('Lovelace, "Ada" (107)' in note for note in outcome.notes)
    assert not any("more than one row" in sentence for sentence in outcome.people)


def test_a_namesake_in_moodle_who_sent_nothing(tmp_path, grading, book):
    received(tmp_path, {f"Ada Lovelace_4711_assignsubmission_file_/{Q1}.ipynb": solution(Q1)}, grading)
    hand_in(book, "Ada_Lovelace", 3, 1)
    path = tmp_path / "worksheet.csv"
    path.write_text(MOODLE, encoding="utf-8", newline="")
    outcome = export(PART, "moodle", path)
    assert [row[4] for row in table(grading / "export" / PART / "moodle.csv")[1:4]] == ["4", "1.00", ""]
    assert outcome.exported == {"Ada_Lovelace"} and not outcome.people


def test_a_group_before_the_name_in_moodle(tmp_path, grading, book):
    received(
        tmp_path, {f"Group A-Ada Lovelace_4711_assignsubmission_file_/{Q1}.ipynb": solution(Q1)}, grading
    )
    hand_in(book, "Group_A-Ada_Lovelace", 3, 1)
    path = tmp_path / "worksheet.csv"
    path.write_text(MOODLE, encoding="utf-8", newline="")
    outcome = export(PART, "moodle", path)
    assert outcome.exported == {"Group_A-Ada_Lovelace"} and not outcome.people


def test_whoever_has_two_rows_has_no_feedback_either(grading, canvas):
    canvas.write_text(CANVAS + "Lovelace Ada again,101,,,A,,,,\n", encoding="utf-8", newline="")
    outcome = export(PART, "canvas", canvas)
    assert sum("more than one row is 101" in sentence for sentence in outcome.people) == 2
    pages = archive(grading / "export" / PART / "canvas-feedback.zip")
    assert pages and not any("_101_" in name for name in pages)
    assert "Feedback that could go to somebody else is left out (1): 101." in outcome.notes


def test_moodle_maximum_and_names_without_a_record(grading, book, tmp_path):
    hand_in(book, "Emmy_Noether", 3, 4)
    hand_in(book, "Ada_Lovelace", 1, 1)
    path = tmp_path / "worksheet.csv"
    path.write_text(MOODLE.replace("7.00", "5.00"), encoding="utf-8", newline="")
    outcome = export(PART, "moodle", path)
    after = table(grading / "export" / PART / "moodle.csv")
    assert [row[4] for row in after[1:]] == ["", "1.00", "", "7", ""], "two rows are called Ada Lovelace"
    text = "\n".join(outcome.people)
    assert "7 is more than Moodle's maximum of 5" in text and "set the assignment's maximum grade" in text
    assert text.count("more than one row is Ada_Lovelace") == 2
    assert not (grading / "export" / PART / "moodle-feedback.zip").exists()
    assert any("generate_feedback" in note for note in outcome.notes)


def test_moodle_without_a_worksheet(grading, book):
    hand_in(book, "ada", 3, 4, email="ada@x.org")
    hand_in(book, "half", 3, None)
    book.add_student("absent")
    export(PART, "moodle")
    assert table(grading / "export" / PART / "moodle.csv") == [
        ["ID number", "Email address", PART],
        ["ada", "ada@x.org", "7"],
    ]


# --- feedback -------------------------------------------------------------------------------------


def test_feedback_is_only_pages_of_students_whose_points_go_out(grading, canvas, book):
    hand_in(book, "102", 3, None)
    other = grading / "feedback" / "101" / PART
    (other / "secret.txt").write_text("no")
    if sys.platform != "win32":
        (other / "linked.html").symlink_to("/etc/passwd")
    export(PART, "canvas", canvas)
    pages = archive(grading / "export" / PART / "canvas-feedback.zip")
    assert not [name for name in pages if "_102_" in name or "secret" in name or "linked" in name]
    # pages are gone: so is the archive of the export before
    for path in (grading / "feedback").rglob("*.html"):
        path.unlink()
    export(PART, "canvas", canvas)
    assert not (grading / "export" / PART / "canvas-feedback.zip").exists()


def test_feedback_without_a_name_is_told(grading, book, canvas):
    hand_in(book, "ada", 3, 4)
    page(grading, "ada")
    outcome = export(PART, "canvas", canvas)
    assert any(
        "no name that Canvas takes back" in note and note.endswith("(1): ada.") for note in outcome.notes
    )


# --- faults, each with its sentence ---------------------------------------------------------------


@pytest.mark.parametrize(
    "content, words",
    [
        (b"PK\x03\x04", "is a spreadsheet or an archive"),
        ("Student,ID,Section,Łukasz\n".encode("cp1250"), "is no text in UTF-8"),
        (b"", "begins with 'nothing'"),
        (b"name,points\nada,3\n", "begins with 'name,points'"),
        (MOODLE.encode(), "begins with 'Identifier,"),
        (CANVAS.encode()[:400] + b'"', "is damaged"),
        (None, "cannot be read"),
    ],
)
def test_the_wrong_file(grading, book, tmp_path, content, words):
    hand_in(book, "ada", 3, 4)
    path = tmp_path / "given.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ExportError, match=words) as error:
        export(PART, "canvas", path)
    assert "give the gradebook that Canvas exports" in str(error.value)
    assert not (grading / "export").exists()


def test_unknown_part_no_gradebook_and_no_sheet(grading, book):
    with pytest.raises(ExportError, match=f"no assignment 'part9'; it has: {PART}"):
        export("part9", "csv")
    with pytest.raises(ExportError, match="give the gradebook that Canvas exports"):
        export(PART, "canvas")
    book.close()
    (grading / "gradebook.db").unlink()
    with pytest.raises(ExportError, match="There is no gradebook"):
        export(PART, "csv")
    assert not (grading / "gradebook.db").exists()


def test_a_locked_and_a_broken_gradebook(grading, book, monkeypatch):
    hand_in(book, "ada", 3, 4)
    book.close()
    path = grading / "gradebook.db"
    real = exporter.Gradebook  # do not wait for the lock
    monkeypatch.setattr(exporter, "Gradebook", lambda url, course: real(f"{url}?timeout=0", course))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(ExportError, match=r"cannot be read \(database is locked\).*wait"):
        export(PART, "csv")
    other.close()
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(ExportError, match="not a database"):
        export(PART, "csv")
    assert not (grading / "export").exists()


def test_a_full_disk_leaves_the_earlier_export(grading, canvas, monkeypatch):
    export(PART, "canvas", canvas)
    folder = grading / "export" / PART
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(*_):
        raise OSError(28, "No space left on device", "x.zip")

    monkeypatch.setattr(exporter, "_add", full)
    with pytest.raises(ExportError, match=r"x\.zip: No space left on device\. Make room"):
        export(PART, "canvas", canvas, column="new")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_folder_that_cannot_be_written(grading, book):
    hand_in(book, "ada", 3, 4)
    (grading / "export").write_text("in the way")  # root writes into read-only folders
    with pytest.raises(ExportError, match="make the folder writable"):
        export(PART, "csv")


def test_a_broken_record(grading, book):
    (grading / "collected").mkdir()
    (grading / "collected" / f"{PART}.json").write_text("{")
    with pytest.raises(ExportError, match="collect all files of the part again"):
        export(PART, "csv")


# --- the commands ---------------------------------------------------------------------------------


def test_the_command(grading, canvas, book):
    book.add_student("[bold]x[/nope]\x1b[2J")
    result = CliRunner().invoke(app, ["export", PART, "--to", "canvas", "--gradebook", str(canvas)])
    assert result.exit_code == 1  # 104 is excused, 106 is not in Canvas
    flat = " ".join(result.output.split())
    assert "exported 2" in flat and "missing 1 [bold]x[/nope]?[2J" in flat and "canvas-feedback.zip" in flat
    assert "Needs somebody (2):" in flat and "\x1b[2J" not in result.output
    result = CliRunner().invoke(app, ["export", PART, "--to", "csv"])
    assert result.exit_code == 0 and "Needs somebody" not in result.output
    result = CliRunner().invoke(app, ["export", PART, "--to", "csv", "--column", "x"])
    assert result.exit_code == 1 and not isinstance(result.exception, (TypeError, ValueError))


@pytest.mark.grading
def test_nbgrader_export_gives_the_same_file(grading, book, tmp_path):
    hand_in(book, "ada", 3, 4, last_name='Lovelace, "Ada"')
    hand_in(book, "half", 3, None)
    book.add_student("absent")
    book.close()
    export(PART, "csv")
    code = f"from course.returning import points; points.asked = lambda part: {points.asked(PART)}"
    code += "; from nbgrader.apps import NbGraderApp; NbGraderApp.launch_instance(['export'])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (grading / "grades.csv").read_bytes() == (grading / "export" / PART / "grades.csv").read_bytes()
    assert "half: not graded, kept back" in done.stderr
