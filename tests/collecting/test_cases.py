"""Inputs that failed once, from public bug reports (tests/cases): each stands for a kind."""

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from course.__main__ import app
from course.base import paths, settings
from course.collecting import roster
from course.notebook.read import parse
from course.notebook.rebuild import answers, rebuild
from tests import notebooks
from tests.collecting.test_collect import packed

CASES = Path(__file__).parents[1] / "cases"
PART = "2_build_a_vit"
NAMES = ["q1_positional_encoding", "q2_patch_embedding", "q3_class_token", "q6_residual_block"]
Q1, Q2, Q3, Q6 = NAMES


def released(name, folder="notebooks"):
    return notebooks.read(notebooks.ROOT / folder / PART / f"{name}.ipynb")


def rebuilt(case, name):
    data = case if isinstance(case, bytes) else (CASES / f"{case}.ipynb").read_bytes()
    clean, repairs = rebuild(released(name), parse(data))
    return answers(clean), repairs


def solved(name):
    return answers(released(name, "solutions"))


def cells(*sources, **metadata):
    made = [{"cell_type": "code", "source": source, "metadata": {}, "outputs": []} for source in sources]
    return json.dumps({"cells": made, "metadata": metadata, "nbformat": 4}).encode()


# --- answers in other cells -----------------------------------------------------------------------


def test_an_answer_merged_into_a_given_cell_is_found():
    got, repairs = rebuilt("q3_answer_merged_into_given_cell", Q3)
    assert got == solved(Q3)
    assert [r.what for r in repairs if r.cell == "q3_class_token"] == [
        "the answer stood in another cell and was found there by what it defines"
    ]


def test_two_answers_in_one_cell_both_count():
    got, _ = rebuilt("q2_two_answers_in_the_first_cell", Q2)
    right = solved(Q2)
    assert got["q2_patch_embedding"] == right["q2_patch_embedding"]
    assert got["q2_rearrange_warmup"].startswith(right["q2_rearrange_warmup"])


@pytest.mark.parametrize("place", ["q2_rearrange_warmup", "check_q2_patch_embedding", None])
def test_an_answer_beside_its_untouched_cell_counts(place):
    notebook, right = json.loads(dumped(Q2)), solved(Q2)
    if place:
        cell = next(
            c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == place
        )
        cell["source"] = "".join(cell["source"]) + "\n\n" + right["q2_patch_embedding"]
    else:
        notebook["cells"] += json.loads(
            cells(right["q2_patch_embedding"], 'rearrange_shapes = "an experiment"')
        )["cells"]
    got, repairs = rebuilt(json.dumps(notebook).encode(), Q2)
    assert got["q2_patch_embedding"] == right["q2_patch_embedding"]
    assert "experiment" not in got["q2_rearrange_warmup"]
    assert ("matched", "q2_patch_embedding") in [(r.kind, r.cell) for r in repairs]


@pytest.mark.parametrize(
    "pair", [path for path in notebooks.SOLUTIONS if notebooks.exercises_of(path)], ids=lambda path: path.stem
)
def test_all_answers_in_one_cell_without_a_name(pair):
    release = notebooks.read(notebooks.ROOT / "notebooks" / pair.parent.name / pair.name)
    right = {n: s for n, s in answers(notebooks.read(pair)).items() if "# blank" in s}
    one = "%matplotlib inline\ndef helper():\n    pass\n\n\n" + "\n\n\n".join(right.values())
    clean, _ = rebuild(release, parse(cells(one)))
    got = answers(clean)
    assert all(right[name].strip() in got[name] for name in right)
    assert "def helper" in next(iter(got[name] for name in right)), "a helper runs before the first check"
    again, _ = rebuild(release, parse(json.dumps(clean).encode()))
    assert again == clean


def test_an_answer_in_another_cell_that_python_cannot_read_is_told():
    both = "\n".join(solved(Q2).values()) + "\nx = = 1"
    _, repairs = rebuilt(cells(both), Q2)
    assert any(r.human and "stand in another cell" in r.what for r in repairs)


# --- files ----------------------------------------------------------------------------------------


def test_a_list_of_lines_without_line_ends():
    got, repairs = rebuilt("q1_source_lines_without_newlines", Q1)
    assert got == solved(Q1)
    assert "lists of lines without line ends were read as lines" in [r.what for r in repairs]


def test_a_notebook_without_cells_is_told():
    _, repairs = rebuilt("q1_no_cells", Q1)
    assert any(r.human and "no cells at all" in r.what for r in repairs)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python reads it")
def test_python_newer_than_the_graders():
    _, repairs = rebuilt("q1_python312_fstring", Q1)
    assert [r.what for r in repairs if r.human] == [
        f"it was written with Python 3.12, and this machine's 3.{sys.version_info.minor} cannot read it; grade with 3.12"
    ]


@pytest.mark.parametrize("version, told", [("3.99.1", True), ("3.9.1", False), (3, False)])
def test_the_python_of_a_notebook_matters_where_it_does_not_parse(version, told):
    stub = solved(Q1)["q1_position_encoding"]
    for source, wrong in ((stub, False), (stub + "\nnew syntax here", True)):
        _, repairs = rebuilt(cells(source, language_info={"name": "python", "version": version}), Q1)
        assert any(r.kind == "python" for r in repairs) == (told and wrong)
        data = cells(source, language_info={"name": "python", "version": version})
        clean, _ = rebuild(released(Q1), parse(data))
        assert rebuild(released(Q1), parse(json.dumps(clean).encode())) == (
            clean,
            [r for r in repairs if r.kind == "python"],
        )


# --- whose it is ----------------------------------------------------------------------------------


def own(name, who) -> bytes:
    """A right answer that is nobody else's: the solution without its marks, and a line of their own."""
    notebook = json.loads(json.dumps(released(name)))
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            right = "\n".join(line.split("  # blank")[0] for line in solved(name)[cell["id"]].split("\n"))
            cell["source"] = f"{right}\n# {who}"
    return json.dumps(notebook).encode()


@pytest.fixture
def command(tmp_path, monkeypatch):
    """command(argument, ...) -> exit code and output of `python -m course collect 2_build_a_vit argument ...`"""

    def run(*arguments):
        monkeypatch.setenv("VIT_GRADING", str(tmp_path / "grading"))
        monkeypatch.setenv("COLUMNS", "120")
        result = CliRunner().invoke(app, ["collect", PART, *map(str, arguments)])
        text = result.output + (str(result.exception) if isinstance(result.exception, SystemExit) else "")
        return result.exit_code, text

    return run


def roster_of(tmp_path, data):
    (tmp_path / "grading").mkdir(exist_ok=True)
    (tmp_path / "grading" / "roster.csv").write_bytes(data if isinstance(data, bytes) else data.encode())


def answer_of(tmp_path, student, name=Q1):
    path = tmp_path / "grading" / "submitted" / student / PART / f"{name}.ipynb"
    return answers(notebooks.read(path))


@pytest.mark.parametrize("line", (CASES / "file_names.txt").read_text("utf-8").splitlines())
def test_names_of_single_files(inbox, line):
    name, student = line.split("\t")
    report = inbox({f"all/{name}": own(Q1, "x"), "all/zoe_q1.ipynb": own(Q1, "z")})
    assert set(report.students) == {student, "zoe"} and not report.people


@pytest.mark.parametrize(
    "names",
    [
        ["q1.ipynb", "q1 (1).ipynb", "q1 (2).ipynb"],
        ["q1_positional_encoding.ipynb", "Copy of q1_positional_encoding.ipynb", "q1(1).ipynb"],
        ["q1 - v1.ipynb", "q1 - v2.ipynb"],
    ],
)
def test_where_nobody_is_named_nobody_is_merged(inbox, tmp_path, command, names):
    files = {f"spring/{name}": own(Q1, name) for name in names}
    report = inbox(files | {"spring/q1 (9).ipynb": b""})
    assert report.students == {} and len(report.people) == len(names) + 1
    (tmp_path / "inbox" / "spring" / "q1 (9).ipynb").unlink()
    code, said = command(tmp_path / "inbox" / "spring")
    assert code == 1 and said.count("different versions") == 2 and "--who" in said  # left out, and asked
    archive = tmp_path / "drive-download-20260302T100000Z-001.zip"
    archive.write_bytes(packed(files))
    assert inbox({}, paths=[archive]).students == {}
    assert set(inbox({}, paths=[tmp_path / "inbox" / "spring"], student="ada").students) == {"ada"}


def guesses(report):
    return {e.student: e.attention for e in report.entries if "taken for the student" in e.attention}


@pytest.mark.parametrize(
    "top, names, student, after",
    [
        ("submissions.zip", ["q6 - Fay Fox.ipynb"], "Fay_Fox", "file"),
        ("hw.zip", ["q6 - Fay Fox.ipynb", "q1 - Fay Fox (1).ipynb"], "Fay_Fox", "file"),
        ("hw.zip", ["김민준 - q6.ipynb"], "김민준", "file"),
        ("ada_q6.ipynb", [""], "ada", "file"),
        ("ada.zip", ["q6_residual_block.ipynb"], "ada", "archive"),
        ("ada.zip", ["q6/q6.ipynb", "q1_positional_encoding/q1.ipynb"], "ada", "archive"),
        ("ada.zip", ["my_q6.ipynb", "q1.ipynb"], "ada", "archive"),
        ("ada.zip", [f"vit-course-main/notebooks/{PART}/q6_residual_block.ipynb"], "ada", "archive"),
        ("some_folder", ["q6.ipynb", "q1.ipynb"], "some_folder", "folder"),
        ("hw.zip", ["ada_work/q6.ipynb"], "ada_work", "folder"),
        ("hw.zip", ["hw_ada_lovelace_2026/q6.ipynb"], "lovelace", "folder"),
    ],
)
def test_who_is_only_guessed_is_named(inbox, top, names, student, after):
    files = {name: own(Q1 if "q1" in name else Q6, student) for name in names}
    files = {top: packed(files)} if ".zip" in top else {f"{top}/{n}".rstrip("/"): d for n, d in files.items()}
    report = inbox(files)
    assert set(report.students) == {student} and report.people == []
    assert guesses(report)[student].startswith(
        f"taken for the student {student}, after the {after}'s name; if"
    )
    assert guesses(inbox(files)) == guesses(report), "also the next time"


@pytest.mark.parametrize(
    "top, name",
    [
        *[
            (top, "q6.ipynb")
            for top in ("Part 2.zip", "hw1.zip", "downloads", "submissions (1).zip", "q6.zip")
        ],
        *[("hw.zip", name) for name in ("my_q6.ipynb", "q6 - second try.ipynb", "q6 - Final Version.ipynb")],
        ("vit-course-main.zip", f"vit-course-main/notebooks/{PART}/q6_residual_block.ipynb"),
        ("all.zip", "week 1/q6.ipynb"),
    ],
)
def test_what_only_says_what_it_is_names_nobody(inbox, top, name):
    data = own(Q6, "x")
    report = inbox({top: packed({name: data})} if ".zip" in top else {f"{top}/{name}": data})
    assert report.students == {} and "--student ID" in report.people[0]


def test_names_that_stand_beside_each_other_are_a_class(inbox, tmp_path):
    one = {f"{who}.zip": packed({f"vit-course-main/{who}/q1.ipynb": own(Q1, who)}) for who in ("ada", "ben")}
    report = inbox(one)
    assert set(report.students) == {"ada", "ben"} and not guesses(report)
    assert not guesses(inbox({"ada.zip": one["ada.zip"]})), "known by now"
    report = inbox(one | {"ada (1).zip": packed({"q1.ipynb": own(Q1, "again")})})
    assert set(guesses(report)) == {"ada_(1)"}
    report = inbox({"week/cleo/q1.ipynb": own(Q1, "c"), "week/dora/q2.ipynb": own(Q2, "d")})
    assert set(guesses(report)) == {"cleo", "dora"}


def test_this_folder_has_a_name(inbox, tmp_path, monkeypatch):
    (tmp_path / "ada" / "empty").mkdir(parents=True)
    (tmp_path / "ada" / "q1.ipynb").write_bytes(own(Q1, "ada"))
    for here, path in (("ada", "."), ("ada/empty", "..")):
        monkeypatch.chdir(tmp_path / here)
        report = inbox({}, paths=[Path(path)])
        assert set(report.students) == {"ada"} and report.entries[0].path == "ada/q1.ipynb"


def test_sections_of_a_course_are_nobody(inbox):
    names = ["Section A/ada/q1.ipynb", "Section A/ben/q2.ipynb", "Section B/cy/q1.ipynb"]
    report = inbox({"all.zip": packed({name: own(Q1 if "q1" in name else Q2, name) for name in names})})
    assert set(report.students) == {"ada", "ben", "cy"} and not report.people


def test_who_is_on_the_roster_is_no_guess(inbox, tmp_path):
    roster_of(tmp_path, "id,first_name,last_name\nada,Ada,Lovelace\n")
    files = {"stuff/my ada_q1.ipynb": own(Q1, "1"), "stuff/q2.ipynb": own(Q2, "2")}
    report = inbox({"Ada Lovelace.zip": packed(files)})
    assert set(report.students) == {"ada"} and not guesses(report) and not report.people


def test_one_folder_in_archives_of_two_is_asked_about(inbox):
    report = inbox(
        {
            f"{who}.zip": packed({f"mine/{q}.ipynb": own(Q1 if q == "q1" else Q2, who)})
            for who, q in (("ada", "q1"), ("ben", "q2"))
        }
    )
    assert report.students == {} and "mine lies in ada.zip and in ben.zip: if all are one" in report.people[0]
    assert set(inbox({"cleo.zip": packed({"mine/q1.ipynb": own(Q1, "c")})}).students) == {"mine"}
    report = inbox({"dora.zip": packed({"mine/q2.ipynb": own(Q2, "d")})})
    assert "mine lies in cleo.zip and in dora.zip" in report.people[0]


@pytest.mark.parametrize("form", ["canvas", "moodle", "gradescope"])
def test_a_class_s_archive_beside_others_is_no_student(inbox, form):
    files = {
        "canvas": {"a_101_1_q6.ipynb": own(Q6, "a"), "b_102_2_q6.ipynb": own(Q6, "b")},
        "moodle": {f"{who}_1_assignsubmission_file_/q6.ipynb": own(Q6, who) for who in ("Ada A", "Ben B")},
    }
    data = packed(files[form]) if form in files else (CASES / "gradescope_export.zip").read_bytes()
    alone = inbox({"alone/lms.zip": data})
    assert len(alone.students) == (3 if form == "gradescope" else 2) and not alone.people
    report = inbox({"in/lms.zip": data, "in/cleo.zip": packed({"q6.ipynb": own(Q6, "c")})})
    assert set(report.students) - set(alone.students) == {"cleo"}
    assert "in/lms.zip is what an LMS gives of several students; collect it by itself" in report.people[0]


def test_a_guess_is_mended_with_student_and_stays_mended(inbox, tmp_path, monkeypatch):
    archive = {"stuff.zip": packed({"q1.ipynb": own(Q1, "a"), "q2.ipynb": dumped(Q2)})}
    inbox(archive)
    monkeypatch.setenv("VIT_GRADING", str(tmp_path / "grading"))
    with settings.Gradebook(f"sqlite:///{tmp_path / 'grading' / 'gradebook.db'}", "vit") as book:
        book.add_student("stuff")  # as grading does
    assert guesses(inbox(archive))
    (tmp_path / "grading" / "autograded" / "stuff" / PART).mkdir(parents=True)
    report = inbox({}, paths=[tmp_path / "inbox" / "stuff.zip"], student="ada")
    assert set(report.students) == {"ada"} and len(report.people) == 1
    assert "stuff: graded already" in report.people[0]
    assert report.entries[0].attention == "collected for stuff before"
    assert not (tmp_path / "grading" / "submitted" / "stuff").exists()
    assert set(inbox(archive).students) == {"ada"} and not guesses(inbox(archive))


def test_a_guess_is_mended_by_a_roster(inbox, tmp_path):
    archive = {"stuff.zip": packed({"q1.ipynb": own(Q1, "a")})}
    inbox(archive)
    roster_of(tmp_path, "id,archive\nada,stuff\n")
    assert set(inbox({}).students) == {"ada"} and not guesses(inbox(archive))


def test_the_same_file_of_two_is_nobody_s_mistake(inbox, tmp_path):
    """Ben, who is on no roster, worked with Ada: what is said of her file says nothing of his."""
    roster_of(tmp_path, "id,canvas\nada,101\n")
    inbox({"s.zip": packed({"benb_102_2_q1.ipynb": own(Q1, "both")})})
    inbox({"ada.ipynb": own(Q1, "both")}, student="ada")
    assert set(inbox({"s.zip": packed({"benb_102_2_q1.ipynb": own(Q1, "both")})}).students) == {"ada", "102"}


def test_a_folder_of_a_group_is_not_one_student(inbox):
    files = {f"{group}/{who}/q1.ipynb": own(Q1, who) for group, who in ("Aa", "Ab", "Bc")}
    report = inbox({"all.zip": packed(files)})
    assert set(report.students) == {"B"} and len(report.people) == 2
    assert "2 of q1_positional_encoding" in report.people[0]


def test_a_folder_of_somebody_known_is_theirs(inbox, tmp_path):
    roster_of(tmp_path, "id,first_name,last_name\nada,Ada,Lovelace\n")
    report = inbox({"Ada Lovelace/q1.ipynb": own(Q1, "1"), "Ada Lovelace/q1 (1).ipynb": own(Q1, "2")})
    assert set(report.students) == {"ada"}


def test_google_classroom(inbox):
    names = ["Ada Lovelace", "김민준", "Jean-Luc Picard", "Nguyễn Văn An"]
    report = inbox(
        {f"class/q1_positional_encoding - {name}.ipynb": own(Q1, name) for name in names}
        | {f"class/{name} - q2.ipynb": own(Q2, name) for name in names}
        | {"class/q1_positional_encoding - Ada Lovelace (1).ipynb": own(Q1, "later")}
    )
    assert len(report.students) == 4 and all(set(some) == {Q1, Q2} for some in report.students.values())


def test_solutions_of_a_clone_are_no_hand_in(inbox, tmp_path, command):
    report = inbox({"all.zip": (CASES / "clone_in_folders.zip").read_bytes()})
    assert set(report.students) == {"ada", "ben"}
    assert answer_of(tmp_path, "ada", Q6) == answers(released(Q6))
    code, said = command(tmp_path / "inbox" / "all.zip")
    assert code == 1 and "solutions/ is the course's and no hand-in" in said
    assert said.count("no hand-in") == 2  # a line a student
    clone = {"clone/notebooks/2_build_a_vit/q1_positional_encoding.ipynb": own(Q1, "a")}
    clone["clone/solutions/2_build_a_vit/q1_positional_encoding.ipynb"] = dumped(Q1, "solutions")
    clone["clone/tests/cases/q1_positional_encoding.ipynb"] = own(Q1, "nobody")
    assert set(inbox(clone).students) == {"ada", "ben", "clone"}


def test_a_clone_in_a_zip_of_canvas(inbox):
    clone = {f"vit-course-main/solutions/{PART}/{Q1}.ipynb": dumped(Q1, "solutions")}
    clone |= {
        f"vit-course-main/notebooks/{PART}/{Q1}.ipynb": own(Q1, "ada"),
        "vit-course-main/README.md": b"",
    }
    report = inbox({"s.zip": packed({"lovelaceada_101_1_vit-course-main.zip": packed(clone)})})
    assert [(e.student, e.verdict) for e in report.entries if e.notebook] == [("101", "collected")]
    assert {e.student for e in report.entries} == {"101"} and len(report.people) == 1


def dumped(name, folder="notebooks"):
    return (notebooks.ROOT / folder / PART / f"{name}.ipynb").read_bytes()


def test_an_untouched_release_in_a_folder_of_single_files_is_nobodys(inbox):
    report = inbox({"all/q1_positional_encoding.ipynb": dumped(Q1), "all/ada_q1.ipynb": own(Q1, "ada")})
    assert set(report.students) == {"ada"} and not report.people


def test_answers_of_the_shipped_solution_are_shown_to_somebody(inbox, tmp_path, command):
    inbox({"all/ada/q1.ipynb": dumped(Q1, "solutions"), "all/ben/q1.ipynb": own(Q1, "ben")})
    code, said = command(tmp_path / "inbox" / "all")
    assert code == 0 and "the same to the byte as in solutions/: q1_position_encoding" in said
    assert "ben:" not in said


# --- which attempt counts -------------------------------------------------------------------------


@pytest.mark.parametrize("case, student", [("blank_later_canvas", "101"), ("blank_beside_copy1", "ada")])
def test_an_untouched_later_file_does_not_beat_a_filled_one(inbox, tmp_path, case, student):
    report = inbox({"all.zip": (CASES / f"{case}.zip").read_bytes()})
    assert answer_of(tmp_path, student, Q6) != answers(released(Q6))
    if case == "blank_later_canvas":
        assert len(report.people) == 1 and "nothing is filled in, so" in report.people[0]


@pytest.mark.parametrize("later", [dumped(Q1), (CASES / "q1_no_cells.ipynb").read_bytes(), b"%PDF"])
def test_nothing_that_comes_later_empties_an_answer(inbox, tmp_path, later):
    inbox({"one.zip": packed({"a_101_1_q1.ipynb": own(Q1, "a")})})
    report = inbox({"two.zip": packed({"a_101_2_q1.ipynb": later})})
    assert answer_of(tmp_path, "101") == rebuilt(own(Q1, "a"), Q1)[0]
    assert len(report.people) == 1 and "one.zip/a_101_1_q1.ipynb counts" in report.people[0]


@pytest.mark.parametrize("left", ["", "# I gave up\n\n", "{given}\n# todo\n"])
def test_an_answer_that_was_emptied_later_does_not_count(inbox, tmp_path, left):
    inbox({"one.zip": packed({"a_101_1_q1.ipynb": own(Q1, "a")})})
    later = json.loads(dumped(Q1))
    for cell in later["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            cell["source"] = left.replace("{given}", "".join(cell["source"]))
    report = inbox({"two.zip": packed({"a_101_2_q1.ipynb": json.dumps(later).encode()})})
    assert answer_of(tmp_path, "101") == rebuilt(own(Q1, "a"), Q1)[0]
    assert len(report.people) == 1 and "nothing is filled in, so one.zip/a_101_1_q1" in report.people[0]


def test_a_broken_file_that_was_sent_again_is_nobodys_business(inbox):
    files = {"a_101_1_q1.ipynb": b"%PDF", "a_101_2_q1.ipynb": own(Q1, "a")}
    report = inbox({"one.zip": packed(files)})
    assert [e.verdict for e in report.entries] == ["superseded", "collected"] and not report.people


def test_what_comes_after_a_file_by_hand_is_told(inbox, tmp_path):
    one = {"one.zip": packed({"a_101_1_q1.ipynb": own(Q1, "first")})}
    inbox(one)
    assert inbox({"mail/q1.ipynb": own(Q1, "mail")}, student="101").people == []
    assert inbox(one).people == []
    report = inbox({"two.zip": packed({"a_101_2_q1.ipynb": own(Q1, "second")})})
    assert "# mail" in answer_of(tmp_path, "101")["q1_position_encoding"]
    assert len(report.people) == 1 and "given with --student and counts" in report.people[0]
    inside = tmp_path / "inbox" / "two.zip" / "a_101_2_q1.ipynb"  # as the report names it
    assert inbox({}, paths=[inside], student="101").people == []
    assert "# second" in answer_of(tmp_path, "101")["q1_position_encoding"]
    inbox({"mail/q1.ipynb": own(Q1, "mail")}, student="101")
    assert "# mail" in answer_of(tmp_path, "101")["q1_position_encoding"]


# --- rosters --------------------------------------------------------------------------------------

ADA = "Ada Lovelace_7_assignsubmission_file_/q1.ipynb"
JM = "Jürgen Müller_8_assignsubmission_file_/q1.ipynb"


@pytest.mark.parametrize(
    "data",
    [
        (CASES / "roster_semicolon.csv").read_bytes(),
        (CASES / "roster_utf16.csv").read_bytes(),
        "id\tfirst_name\tlast_name\nada\tAda\tLovelace\njm\tJürgen\tMüller\n".encode("utf-16-le"),
        "sep=;\r\nid;first_name;last_name\r\nada;Ada;Lovelace\r\njm;Jürgen;Müller\r\n",
        "Vorname;Nachname;Matrikelnummer\nAda;Lovelace;ada\nJürgen;Müller;jm\n".encode("cp1252"),
        "Vorname, Nachname, Kennung\nAda, Lovelace, ada\nJürgen, Müller, jm\n",
        'Kennung;"Vorname, Nachname"\nada;Ada, Lovelace\njm;Jürgen, Müller\n',
        'id,"Nachname, Vorname"\nada,"Lovelace, Ada"\njm,"Müller, Jürgen"\n',
        "Identifiant;Nom;Prénom;Adresse de courriel\nada;Lovelace;Ada;\njm;Müller;Jürgen;\n",
        "Nombre de usuario,Nombre,Apellido(s)\nada,Ada,Lovelace\njm,Jürgen,Müller\n",
        "Matrícula\tNome\tSobrenome\nada\tAda\tLovelace\njm\tJürgen\tMüller\n",
        "who,full\nada,Ada Lovelace\njm,Jürgen Müller\n",
    ],
    ids=range(12),
)
def test_rosters_as_spreadsheets_write_them(inbox, tmp_path, data):
    roster_of(tmp_path, data)
    report = inbox({"moodle.zip": packed({ADA: own(Q1, "ada"), JM: own(Q1, "jm")})})
    assert set(report.students) == {"ada", "jm"} and not report.people and not report.missing


def test_ids_that_differ_in_signs_only_are_two(inbox, tmp_path):
    roster_of(tmp_path, "id\n1-12\n11-2\n")
    report = inbox({"all/1-12/q1.ipynb": own(Q1, "a")})
    assert set(report.students) == {"1-12"} and report.missing == ["11-2"] and not report.people
    report = inbox({"all/112/q1.ipynb": own(Q1, "b")})
    assert set(report.students) == {"1-12", "112"} and "112 is 1-12 or 11-2" in report.people[0]


def test_whoever_hands_in_with_a_group_at_moodle_is_guessed(inbox, tmp_path):
    roster_of(tmp_path, "id,first_name,last_name\nada,Ada,Lovelace\njp,Jean-Luc,Picard\n")
    names = ["Group A-Ada Lovelace_1", "Jean-Luc Picard_2"]
    files = {f"{name}_assignsubmission_file_/q1.ipynb": own(Q1, name) for name in names}
    report = inbox({"m.zip": packed(files)})
    assert "jp" in report.students and len(report.people) == 1
    assert "Did you mean ada (Ada Lovelace)?" in report.people[0]


@pytest.mark.parametrize(
    "written, sent, said",
    [
        ("7", "007", "Did you mean 7 (Ada Lo)?"),
        ("0071", "71", "Did you mean 0071 (Ada Lo)?"),
        ("71.0", "71", "Did you mean 71.0 (Ada Lo)?"),
        ('"=""007"""', "007", ""),
    ],
)
def test_zeros_that_a_spreadsheet_takes_or_adds(inbox, tmp_path, written, sent, said):
    roster_of(tmp_path, f"id,first_name,last_name\n{written},Ada,Lo\nben,Ben,Bo\n")
    people = inbox({f"all/{sent}/q1.ipynb": own(Q1, "a"), "all/ben/q1.ipynb": own(Q1, "b")}).people
    assert said in people[0] if said else not people


@pytest.mark.parametrize(
    "head, written",
    [
        ("name", "Ada Lovelace"),
        ("Name", "Lovelace, Ada"),
        ("Vorname, Nachname", "Ada, Lovelace"),
        ("姓名", "Ada Lovelace"),
    ],
)
def test_a_name_in_one_column_is_two(tmp_path, head, written):
    roster_of(tmp_path, f'id;"{head}"\nada;{written}\n')
    person = roster.load(tmp_path / "grading").people["ada"]
    assert (person["first_name"], person["last_name"]) == ("Ada", "Lovelace")


@pytest.mark.parametrize(
    "data, why",
    [
        (
            "Vorname;Nachname\nAda;Lovelace\n",
            "UTF-8, separated by a semicolon, columns: first_name (Vorname), last_",
        ),
        ("ada,Ada,Lovelace,ada@example.edu\n", "its first line has no headings"),
        ("id|first_name\nada|Ada\n", "it has no column id"),
        ("id,name\n1,Ada\n1,Ben\n", "two different students with the id 1"),
        ("id,name\nAda,Ada\nada,Adam\n", "two different students with the id ada, after Ada"),
        ("id,name\n2.02301E+08,Ada Lovelace\n", "2.02301E+08 (Ada Lovelace): a spreadsheet has rounded"),
        ("Course 12,,\nid,first_name,last_name\nada,Ada,Lovelace\n", "its headings stand in line 2"),
        ("id,first_name,last_name\n,Ada,Lovelace\n", "has no id for Ada Lovelace"),
        ("id;name\n1;Łukasz\n".encode("cp1250"), "no text in UTF-8"),
        (packed({"xl/workbook.xml": b"x"}), "save it again as CSV UTF-8"),
    ],
)
def test_a_roster_that_is_not_understood_is_refused(inbox, tmp_path, command, data, why):
    roster_of(tmp_path, data)
    (tmp_path / "s.zip").write_bytes(packed({ADA: own(Q1, "ada")}))
    code, said = command(tmp_path / "s.zip")
    assert code == 1 and "roster.csv" in said and why in said
    assert not (tmp_path / "grading" / "submitted").exists()


def test_a_roster_added_or_corrected_later_holds_for_what_was_collected(inbox, tmp_path):
    files = {
        "s.zip": packed(
            {"lovelaceada_101_1_q1.ipynb": own(Q1, "ada"), "byronben_102_2_q1.ipynb": own(Q1, "ben")}
        )
    }
    inbox(files)
    (tmp_path / "grading" / "autograded" / "101" / PART).mkdir(parents=True)
    roster_of(tmp_path, "id,canvas\nada,101\nben,102\n")
    report = inbox({})
    assert set(report.students) == {"ada", "ben"} and report.changed == {"101": "ada", "102": "ben"}
    assert len(report.people) == 1 and "101: graded already" in report.people[0]
    assert sorted(p.name for p in (tmp_path / "grading" / "submitted").iterdir()) == ["ada", "ben"]
    assert "# ada" in answer_of(tmp_path, "ada")["q1_position_encoding"]
    roster_of(tmp_path, "id,canvas\nada,102\nben,101\n")  # they were the wrong way round
    assert inbox({}).people == []
    assert "# ben" in answer_of(tmp_path, "ada")["q1_position_encoding"]
    assert "# ada" in answer_of(tmp_path, "ben")["q1_position_encoding"]
    assert inbox(files).people == []


KIMS = "id,first_name,last_name\nkim1,민준,김\nkim2,민준,김\njm,Jürgen,Müller\nada,Ada,Lovelace\n"


@pytest.mark.parametrize(
    "files, student, said",
    [
        ({"x/김민준/q1.ipynb": 1}, "김민준", "김민준 is kim1 or kim2 in {}, and nothing says which: collect the file with --student kim1 or --student kim2"),
        ({"m.zip": "김민준_1_assignsubmission_file_/q1.ipynb"}, "김민준", "until then they are 김민준."),
        ({"x/Jurgen Mueller/q1.ipynb": 1}, "Jurgen_Mueller", "Jurgen_Mueller is not in {}. Did you mean jm (Jürgen Müller)? If so, write Jurgen Mueller into their row there, or collect the file with --student jm; if not, add them."),
        ({"m.zip": "Lovelace Adda_1_assignsubmission_file_/q1.ipynb"}, "Lovelace_Adda", "Did you mean ada (Ada Lovelace)?"),
        ({"ada (1).zip": "q1.ipynb"}, "ada_(1)", "ada_(1) is not in {}. Did you mean ada (Ada Lovelace)?"),
        ({"x/zoe/q1.ipynb": 1}, "zoe", "zoe is not in {}; add them there, or collect the file with --student."),
    ],
    ids=range(6),
)  # fmt: skip
def test_who_is_not_on_the_roster_is_told_with_whom_it_may_be(inbox, tmp_path, files, student, said):
    roster_of(tmp_path, KIMS)
    files = {
        n: packed({name: own(Q1, "x")}) if isinstance(name, str) else own(Q1, "x")
        for n, name in files.items()
    }
    report = inbox(files)
    assert set(report.students) == {student} and len(report.people) == 1
    assert said.format(tmp_path / "grading" / "roster.csv") in report.people[0]


@pytest.mark.parametrize("below", ["grading", "grading/autumn", "/srv/vit"])
def test_the_roster_is_named_where_it_lies(below):
    assert paths.shown(notebooks.ROOT / below / "roster.csv") == f"{below}/roster.csv"


def test_two_numbers_of_canvas_are_two(inbox, tmp_path):
    roster_of(
        tmp_path, "id,first_name,last_name,canvas,points\nada,Ada,Lovelace,101,102\nben,Ben,Bo,105,88\n"
    )
    names = ["lovelaceada_101_1_q1.ipynb", "boben_105_2_q1.ipynb", "cyco_88_3_q1.ipynb"]
    report = inbox({"s.zip": packed({name: own(Q1, name) for name in names})})
    assert set(report.students) == {"ada", "ben", "88"} and len(report.people) == 1
    assert "cyco has Canvas' number 88" in report.people[0] and "both are ben" in report.people[0]


def test_two_who_are_one_by_a_newer_roster_are_told(inbox, tmp_path):
    roster_of(tmp_path, "id,first_name,last_name\ns1,Ada,Lovelace\ns2,Ben,Bo\n")
    assert not inbox({"all/Ada Lovelace/q1.ipynb": own(Q1, "a"), "all/s2/q1.ipynb": own(Q1, "b")}).people
    roster_of(tmp_path, "id,first_name,last_name\ns2,Ada,Lovelace\ns1,Ben,Bo\n")
    report = inbox({})
    assert report.missing == ["s1"] and len(report.people) == 1
    assert report.people[0].startswith("s2: all/") and "nothing says which is later" in report.people[0]
    assert not inbox({}).people


def test_two_of_one_name_are_told_by_their_ids(inbox):
    files = {f"Kim_{n}_assignsubmission_file_/q1.ipynb": own(Q1, str(n)) for n in (1, 2)}
    report = inbox({"m.zip": packed(files)})
    assert [p.partition(": ")[2] for p in report.people] == [
        f"Kim_{other} may be somebody else of that name, so this one is Kim_{one}; if they are one person, collect the files "
        f"of both again with --student Kim_{other}."
        for one, other in ((1, 2), (2, 1))
    ]
    report = inbox(files | {"m.zip": packed(files)}, student="Kim_1", paths=[])
    assert set(report.students) == {"Kim_1"}


# --- messages -------------------------------------------------------------------------------------


def test_an_empty_student(tmp_path, command):
    (tmp_path / "q1.ipynb").write_bytes(own(Q1, "a"))
    code, said = command(tmp_path / "q1.ipynb", "--student", "")
    assert code == 1 and "--student has no id" in said and not (tmp_path / "grading" / "submitted").exists()


def test_a_typo_in_student(tmp_path, command):
    (tmp_path / "q1.ipynb").write_bytes(own(Q1, "a"))
    assert command(tmp_path / "q1.ipynb", "--student", "ada")[0] == 0
    code, said = command(tmp_path / "q1.ipynb", "--student", "adda")
    assert code == 1 and "Nobody is called 'adda' yet. Did you mean ada? Nothing was collected." in said
    assert command(tmp_path / "q1.ipynb", "--student", "ben")[0] == 0  # they worked together
    assert (tmp_path / "grading" / "submitted" / "ada").exists()
    roster_of(tmp_path, "id,name\nada,Ada\n")
    code, said = command(tmp_path / "q1.ipynb", "--student", "adda")
    assert code == 1 and "has no student 'adda'. Did you mean ada (Ada)? Nothing was collected." in said
    roster_of(tmp_path, KIMS)
    code, said = command(tmp_path / "q1.ipynb", "--student", "김민준")
    assert code == 1 and "Did you mean kim1 (민준 김) or kim2 (민준 김)?" in said


def test_a_file_in_an_archive_by_the_name_that_reports_give_it(tmp_path, command):
    (tmp_path / "s.zip").write_bytes(packed({"who.ipynb": own(Q1, "a"), "q2.ipynb": own(Q2, "a")}))
    code, said = command(tmp_path / "s.zip" / "who.ipynb", "--student", "ada")
    assert code == 0 and "1 file came, 1 will be graded." in said
    code, said = command(tmp_path / "s.zip" / "q9.ipynb", "--student", "ada")
    assert code == 1 and "is not in s.zip" in said


def test_one_line_a_student(tmp_path, command):
    files = {f"{who}/{name}.ipynb": cells("x = 1") for who in ("ada", "ben") for name in (Q1, Q2, Q3)}
    (tmp_path / "s.zip").write_bytes(packed(files))
    code, said = command(tmp_path / "s.zip")
    assert code == 1 and "Needs somebody (2):" in said
    assert sum(line.startswith("  - ada:") for line in said.splitlines()) == 2  # repaired, needs somebody


def test_other_archives_are_named(tmp_path, command):
    for ending in (".rar", ".7z", ".tar.gz"):
        (tmp_path / f"all{ending}").write_bytes(b"Rar!")
        code, said = command(tmp_path / f"all{ending}")
        assert code == 1 and "unpack it and give the folder" in said and ending[-3:] in said
