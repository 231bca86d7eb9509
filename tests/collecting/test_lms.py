"""What each LMS gives, in its documented form: found by looking, everybody with their name, nobody invented."""

import time
from datetime import datetime

import pytest

from course.collecting import blackboard, brightspace, zip_names
from course.collecting.collected import load
from tests.collecting.test_cases import CASES, PART, Q1, Q6, answer_of, command, own, roster_of
from tests.collecting.test_collect import packed

__all__ = ["command"]  # fixtures


def names(report):
    return {student: report.names.get(student, "") for student in report.students}


NOTE = """Name: {} ({})
Assignment: Part 2
Date Submitted: Monday, March 2, 2026 10:00:00 AM CET
Current Grade: Not graded yet

Files:
\tOriginal filename: q1.ipynb
"""


def test_blackboard(inbox, tmp_path):
    def attempt(user, stamp, name="", data=None):
        stem = f"Part 2_{user}_attempt_{stamp}"
        note = NOTE.format("Ada Lovelace" if user == "ada" else "Ben Byron", user).encode()
        return {f"{stem}.txt": note, **({f"{stem}_q1.ipynb": data} if data else {})}

    files = attempt("ada", "2026-03-01-10-00-00", data=own(Q1, "first"))
    files |= attempt("ada", "2026-03-02-10-00-00", data=own(Q1, "second"))
    files |= attempt("ben_b", "2026-03-02-11-00-00", data=own(Q1, "ben"))
    report = inbox({"gradebook_ML_Part2_2026-03-03.zip": packed(files)})
    assert names(report) == {"ada": "Ada Lovelace", "ben_b": "Ben Byron"} and not report.people
    assert "# second" in answer_of(tmp_path, "ada")["q1_position_encoding"]
    forged = {
        "Part 2_eve_attempt_2026-03-02-10-00-00_x_ada_attempt_2026-03-09-10-00-00_q1.ipynb": own(Q1, "eve")
    }
    report = inbox({"later.zip": packed(forged)})
    assert [entry.student for entry in report.entries] == ["eve"]
    only = {k: v for k, v in attempt("cleo", "2026-03-02-10-00-00").items()}
    assert "cleo sent no notebook" in inbox({"text.zip": packed(only)}).people[0]


def test_brightspace(inbox, tmp_path):
    files = {
        "index.html": b"<html>",
        "111-900 - Ada Lovelace - Mar 1, 2026 1159 PM/q1.ipynb": own(Q1, "first"),
        "111-900 - Ada Lovelace - Mar 2, 2026 1030 AM/q1.ipynb": own(Q1, "second"),
        "112-900 - Zoë Müller - Mar 2, 2026 10-30 AM/q1.ipynb": own(Q1, "zoe"),
        "113-900 - Jean-Luc Picard - 2 mars 2026 10:30/q1.ipynb": own(Q1, "picard"),
        "114-900 - 김민준 - Mar 2, 2026 1030 AM - q1.ipynb": own(Q1, "kim"),
    }
    report = inbox({"Part 2 Download Mar 3, 2026 900 AM.zip": packed(files)})
    assert names(report) == {
        "111": "Ada Lovelace",
        "112": "Zoë Müller",
        "113": "Jean-Luc Picard",
        "114": "김민준",
    }
    assert not report.people and "# second" in answer_of(tmp_path, "111")["q1_position_encoding"]


def test_a_roster_later_than_brightspace(inbox, tmp_path):
    files = {"d.zip": packed({"111-900 - Ada L. - Mar 2, 2026 1030 AM/q1.ipynb": own(Q1, "ada")})}
    assert set(inbox(files).students) == {"111"}
    roster_of(tmp_path, "id,d2l\nada,111\n")
    assert set(inbox(files).students) == {"ada"} and inbox(files).people == []


def test_a_date_in_a_name_is_no_canvas(inbox):
    report = inbox({"submissions_2026_03_02.zip": packed({"ada/q1.ipynb": own(Q1, "ada")})})
    assert set(report.students) == {"ada"}


@pytest.mark.parametrize(
    "text, when",
    [
        ("Mar 2, 2026 1030 AM", datetime(2026, 3, 2, 10, 30)),
        ("Sept. 17, 2026 245 PM", datetime(2026, 9, 17, 14, 45)),
        ("September 17, 2026 12-05 AM", datetime(2026, 9, 17, 0, 5)),
        ("Mar 2, 2026 1330", datetime(2026, 3, 2, 13, 30)),
        ("2 mars 2026 10:30", None),
        ("Mar 42, 2026 1030 AM", None),
    ],
)
def test_times_of_brightspace(text, when):
    assert brightspace.sender(f"1-2 - Ada - {text}").when == when
    assert blackboard.sender("a_b_attempt_2026-99-02-10-00-00_q1.ipynb") is None


def test_gradescope(inbox, tmp_path):
    report = inbox({"export.zip": (CASES / "gradescope_export.zip").read_bytes()})
    assert names(report) == {"101": "Ada Lovelace", "102": "Ben Byron", "103": "Cleo Curie"}
    assert answer_of(tmp_path, "102", Q6) == answer_of(tmp_path, "103", Q6)
    assert not report.people
    roster_of(tmp_path, "id,email\nada,ada@example.edu\nben,ben@example.edu\ncleo,cleo@example.edu\n")
    assert set(inbox({"export.zip": (CASES / "gradescope_export.zip").read_bytes()}).students)


@pytest.mark.parametrize(
    "listed, said",
    [
        (None, "does not say whose it is"),
        (b"submission_1:\n  :submitters: []\n", "does not say whose it is"),
        (b"a: [", "could not be read"),
        (b"a: !ruby/object:Evil {}", "could not be read"),
        (b"- 1", "could not be read"),
    ],
)
def test_gradescope_without_its_list(inbox, listed, said):
    files = {"x/submission_1/q1.ipynb": own(Q1, "a"), "x/submission_2/q1.ipynb": own(Q1, "b")}
    files |= {"x/submission_metadata.yml": listed} if listed else {}
    report = inbox({"export.zip": packed(files)})
    assert report.students == {} and any(said in sentence for sentence in report.people)


def test_a_list_inside_a_students_folder_says_nothing(inbox):
    files = {
        "x/submission_1/q1.ipynb": own(Q1, "a"),
        "x/submission_1/submission_metadata.yml": b"submission_1: {}",
    }
    files["x/submission_metadata.yml"] = (
        b"submission_1:\n  :submitters:\n  - :name: Ada\n    :sid: ''\n    :email: a@b.c\n"
    )
    assert set(inbox({"export.zip": packed(files)}).students) == {"a@b.c"}


@pytest.mark.parametrize("around", ["", "multi_feedback/"])
def test_ilias(inbox, around):
    files = {
        "Part_2/Lovelace_Ada_alovelace_4711/q1.ipynb": own(Q1, "ada"),
        "Part_2/van_Gogh_Vincent_vgogh_4712/Late Submission - q1.ipynb": own(Q1, "gogh"),
        "Part_2/Team_12/Byron_Ben_bb_4713/q1.ipynb": own(Q1, "ben"),
    }
    report = inbox({"ilias.zip": packed({f"{around}{name}": data for name, data in files.items()})})
    assert names(report) == {"alovelace": "Ada Lovelace", "vgogh": "Vincent van Gogh", "bb": "Ben Byron"}
    assert [e.student for e in report.entries if e.late] == ["vgogh"] and not report.people
    assert {e.notebook for e in report.entries} == {Q1}


def test_teams_that_are_no_iliass(inbox):
    report = inbox({"all.zip": packed({f"Team {n}/q1.ipynb": own(Q1, str(n)) for n in (1, 2)})})
    assert set(report.students) == {"Team_1", "Team_2"}


def test_numbers_of_two_lms_are_not_one_person(inbox):
    report = inbox(
        {
            "canvas.zip": packed({"lovelaceada_101_1_q1.ipynb": own(Q1, "ada")}),
            "brightspace.zip": packed({"101-9 - Ben Byron - Mar 2, 2026 1030 AM/q1.ipynb": own(Q1, "ben")}),
        }
    )
    assert len(report.students) == 2 and len(report.people) == 2


def test_a_number_in_the_roster_that_is_anothers_name(inbox, tmp_path):
    roster_of(tmp_path, "id,first_name,last_name,canvas\nada,Ada,Lovelace,101\nben,Ben,Byron,102\n")
    report = inbox({"b.zip": packed({"101-9 - Ben Byron - Mar 2, 2026 1030 AM/q1.ipynb": own(Q1, "ben")})})
    assert "ada" not in report.students and "Ben Byron has the number 101" in report.people[0]


def test_a_number_of_two_lms_that_is_one_of_the_roster(inbox, tmp_path):
    roster_of(tmp_path, "id,first_name,last_name,canvas\nada,Ada,Lovelace,101\nben,Ben,Byron,102\n")
    report = inbox(
        {
            "canvas.zip": packed({"lovelaceada_101_1_q1.ipynb": own(Q1, "ada")}),
            "b.zip": packed({"101-9 - Ben Byron - Mar 2, 2026 1030 AM/q1.ipynb": own(Q1, "ben")}),
        }
    )
    assert len(report.students) == 2 and "Ben Byron has the number 101" in report.people[0]


# --- a flat folder --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "table",
    [
        "file,id\nA1.ipynb,ada\nB2.ipynb,ben\n",
        "A1.ipynb\tada\nB2.ipynb\tben\n",
        "A1.ipynb;ada\nB2.ipynb;ben",
        "id,file\nada,A1.ipynb\nben,all/B2.ipynb\n",
        "Student ID;file\nada;A1\nben;B2\n",
        "name,file,id\nBo,A1.ipynb,ada\nBo,B2.ipynb,ben\n",
        "sep=;\r\nDatei;Kennung\r\nA1;ada\r\nB2;ben\r\n",
    ],
)
def test_who_by_a_table(inbox, tmp_path, table):
    path = tmp_path / "who.csv"
    path.write_bytes(table.encode("utf-16" if "Datei" in table else "utf-8"))
    files = {"all/A1.ipynb": own(Q1, "a"), "all/B2.ipynb": own(Q1, "b"), "all/C3.ipynb": own(Q1, "c")}
    report = inbox(files, whose=str(path))
    assert set(report.students) == {"ada", "ben"} and len(report.people) == 1
    assert f"all/C3.ipynb: --who {path} does not say whose it is; mend it" in report.people[0]


def test_who_by_a_table_of_names_that_macos_writes(inbox, tmp_path):
    (tmp_path / "who.csv").write_text("J\u00fcrgen.ipynb,jm\n")
    report = inbox({"all.zip": packed({"Ju\u0308rgen.ipynb": own(Q1, "j")})}, whose=str(tmp_path / "who.csv"))
    assert set(report.students) == {"jm"}


def test_who_by_an_expression(tmp_path, command):
    (tmp_path / "s.zip").write_bytes(
        packed({f"x/hw2-{who}-final.ipynb": own(Q1, who) for who in ("ada", "ben")})
    )
    code, said = command(tmp_path / "s.zip", "--who", "hw2-(.+)-final")
    assert code == 0 and {"ada", "ben"} == set(load(tmp_path / "grading", PART).ids)
    (tmp_path / "two.csv").write_text("A.ipynb,ada\nA.ipynb,ben\n")
    (tmp_path / "three.csv").write_text("Bo,A.ipynb,ada\nBo,B.ipynb,ben\n")
    wrongs = {
        "hw2-.+": "no group",
        "(": "neither",
        "nothing(1).csv": "no such file",
        tmp_path / "two.csv": "ada's and ben's",
        tmp_path / "three.csv": "more than two columns",
    }
    for wrong, why in wrongs.items():
        code, said = command(tmp_path / "s.zip", "--who", wrong)
        assert code == 1 and why in said
    code, said = command(tmp_path / "s.zip", "--who", "hw2-(.+)-final", "--student", "ada")
    assert code == 1 and "give one of them" in said


# --- names in zip archives ------------------------------------------------------------------------


def unsaid(names, encoding) -> bytes:
    """An archive with these folders, their names in `encoding`, and nothing that says so."""
    forms = {f"~{i}".ljust(len(n.encode(encoding)), "~"): n.encode(encoding) for i, n in enumerate(names)}
    data = packed({f"{form}/q1.ipynb": own(Q1, name) for form, name in zip(forms, names, strict=True)})
    for form, name in forms.items():
        assert len(form) == len(name)
        data = data.replace(form.encode(), name)
    return data


KOREAN = ["김민준이서연", "박도윤최하은", "정시우강지호"]
CHINESE = ["张伟王芳李娜", "刘洋陈静杨帆", "赵磊黄丽周杰"]


@pytest.mark.parametrize(
    "people, encoding",
    [
        (["Jürgen Müller", "Zoë Brontë"], "cp437"),
        (["João Conceição", "Ángela Núñez"], "cp850"),
        (CHINESE, "gbk"),
        (KOREAN, "cp949"),
        (["Zoë", "김민준", "张伟"], "utf-8"),
    ],
)
def test_names_in_archives_that_do_not_say_how_they_are_written(inbox, people, encoding):
    report = inbox({"all.zip": unsaid(people, encoding)})
    assert set(report.students) == {name.replace(" ", "_") for name in people} and not report.people


@pytest.mark.parametrize(
    "people, encoding", [(["박민"], "cp949"), (["Łukasz Żak"], "cp852"), (["Иван"], "cp866")]
)
def test_names_that_nobody_can_tell_are_asked(inbox, people, encoding):
    report = inbox({"all.zip": unsaid(people, encoding)})
    assert len(report.people) == 1 and "does not say how its names are written" in report.people[0]


def test_names_that_nobody_can_tell_are_not_asked_of_whom_the_roster_knows(inbox, tmp_path):
    roster_of(tmp_path, "id,name\nmin,박민\n")
    report = inbox({"all.zip": unsaid(["박민"], "cp949")})
    assert set(report.students) == {"min"} and report.people == []


def test_a_question_about_names_shows_how_they_may_be_read():
    _, ask = zip_names.decoder(["박민".encode("cp949")])
    assert "'박민' (CP949, Korean)" in ask and "(GBK, Chinese)" in ask


# --- a whole class --------------------------------------------------------------------------------


def test_a_class_of_300_in_eight_forms(tmp_path, inbox, monkeypatch):
    """300 found, 0 merged, 0 invented, in one `collect`."""
    people = [f"{first} {last}" for first in FIRST for last in LAST][:300]
    numbers = {name: 5000 + i for i, name in enumerate(people)}
    login = {name: f"u{number}" for name, number in numbers.items()}
    rows = [f"{login[n]};{n.split()[0]};{n.split()[1]};{numbers[n]};{login[n]}@example.edu" for n in people]
    roster_of(tmp_path, "sep=;\nKennung;Vorname;Nachname;Matrikelnummer;E-Mail\n" + "\n".join(rows))
    work = {name: own(Q1, name) for name in people}
    forms = [people[i::8] for i in range(8)]
    canvas, moodle, black, bright, google, scope, ilias, flat = forms
    listed = "".join(
        f"submission_{numbers[n]}:\n  :submitters:\n  - :name: {n}\n    :sid: '{numbers[n]}'\n    :email: {login[n]}@example.edu\n"
        for n in scope
    )
    stamp = "attempt_2026-03-02-10-00-00"
    files = {
        "canvas.zip": packed(
            {
                f"{''.join(reversed(n.lower().split()))}_{numbers[n]}_{i}_q1.ipynb": work[n]
                for i, n in enumerate(canvas)
            }
        ),
        "moodle.zip": packed(
            {f"{n}_{i}_assignsubmission_file_/q1.ipynb": work[n] for i, n in enumerate(moodle)}
        ),
        "gradebook.zip": packed(
            {f"Part 2_{login[n]}_{stamp}_q1.ipynb": work[n] for n in black}
            | {f"Part 2_{login[n]}_{stamp}.txt": NOTE.format(n, login[n]).encode() for n in black}
        ),
        "Part 2 Download.zip": packed(
            {f"{numbers[n]}-77 - {n} - Mar 2, 2026 1030 AM/q1.ipynb": work[n] for n in bright}
            | {"index.html": b""}
        ),
        "drive-download-20260302T100000Z-001.zip": packed(
            {f"Class/q1_positional_encoding - {n}.ipynb": work[n] for n in google}
        ),
        "assignment_555_export.zip": packed(
            {f"assignment_555_export/submission_{numbers[n]}/q1.ipynb": work[n] for n in scope}
            | {"assignment_555_export/submission_metadata.yml": listed.encode()}
        ),
        "ilias.zip": packed(
            {f"Part_2/{n.split()[1]}_{n.split()[0]}_{login[n]}_{numbers[n]}/q1.ipynb": work[n] for n in ilias}
        ),
    }
    files |= {f"flat/{n}_q1 ({i % 3}).ipynb": work[n] for i, n in enumerate(flat)}
    start = time.perf_counter()
    report = inbox(files)
    assert time.perf_counter() - start < 60
    assert sorted(report.students) == sorted(login.values()), "found, and nobody invented"
    assert report.people == [] and report.missing == []
    for name in people:
        assert answer_of(tmp_path, login[name])["q1_position_encoding"].endswith(f"# {name}"), "nobody merged"


FIRST = "Ada Zoë Jürgen 민준 Nguyễn محمد Łucja José Ève Ömer 小明 Ivan Åsa Chloé Søren Iñaki Ana Ben Cleo Dora".split()
LAST = "Lovelace Müller Park Trần علي Wójcik García O’Neil Yılmaz 王 Petrov Öberg Dupont Nielsen Etxe Silva".split()
