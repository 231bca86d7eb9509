"""Collecting: every file that comes gets one verdict, nobody's work is lost or given to somebody else."""

import io
import json
import os
import stat
import sys
import time
import unicodedata
import zipfile

import nbformat
import psutil
import pytest
from nbgrader.api import Course
from rich.console import Console
from typer.testing import CliRunner

from course.__main__ import app
from course.base import bounded, settings
from course.collecting import archives, lms, names, received
from course.collecting import report as printed
from course.collecting.collect import CollectError, Report
from course.collecting.collected import Entry
from course.notebook.rebuild import answers
from tests import notebooks

PART, OTHER = "2_build_a_vit", "1_words_to_attention"
Q1, Q2, Q3 = "q1_positional_encoding", "q2_patch_embedding", "q3_class_token"


def solution(name, part=PART) -> bytes:
    return (notebooks.ROOT / "solutions" / part / f"{name}.ipynb").read_bytes()


def release(name, part=PART) -> bytes:
    return (notebooks.ROOT / "notebooks" / part / f"{name}.ipynb").read_bytes()


def nameless(data: bytes) -> bytes:
    notebook = json.loads(data)
    for cell in notebook["cells"]:
        del cell["id"]
        cell["metadata"] = {}
    return json.dumps(notebook | {"nbformat_minor": 0}).encode()


def packed(files, when=(2026, 3, 1, 12, 0, 0)) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items() if isinstance(files, dict) else files:
            archive.writestr(zipfile.ZipInfo(name, when) if isinstance(name, str) else name, data)
    return buffer.getvalue()


@pytest.fixture
def grading(tmp_path):
    return tmp_path / "grading"


def verdicts(report):
    return {entry.path.split("/")[-1]: entry.verdict for entry in report.entries}


def whose(report):
    return {entry.path.split("/", 1)[-1]: (entry.student, entry.notebook) for entry in report.entries}


def submitted(grading):
    below = grading / "submitted"
    return {path.relative_to(below).as_posix() for path in below.rglob("*") if path.is_file()}


def is_right(grading, student, name=Q1):
    path = grading / "submitted" / student / PART / f"{name}.ipynb"
    return answers(notebooks.read(path)) == answers(nbformat.reads(solution(name).decode(), 4))


# --- what LMSs, browsers and people call files ----------------------------------------------------


def test_canvas(inbox, grading):
    report = inbox(
        {
            "submissions.zip": packed(
                {
                    f"lovelaceada_101_9001_{Q1}.ipynb": release(Q1),
                    f"lovelaceada_LATE_101_9007_{Q1}-1.ipynb": solution(Q1),
                    "boolegeorge_102_9002_Copy of q2.ipynb": nameless(solution(Q2)),
                    "anon_x9Zf1_9003_q3 (2).ipynb": solution(Q3),
                    "noethere_104_9004_all.zip": packed({f"hw/{Q1}.ipynb": solution(Q1), "hw/q2.ipynb": b""}),
                }
            )
        }
    )
    assert report.students == {
        "101": {Q1: "collected"},
        "102": {Q2: "repaired"},
        "104": {Q1: "collected", Q2: "unreadable"},
        "x9Zf1": {Q3: "collected"},
    }
    assert report.names["101"] == "lovelaceada"
    assert verdicts(report)[f"lovelaceada_101_9001_{Q1}.ipynb"] == "superseded"
    assert is_right(grading, "101") and is_right(grading, "102", Q2)
    assert [e.late for e in report.entries if e.student == "101"] == [False, True]
    assert not [name for name in submitted(grading) if "timestamp" in name], (
        "the archive's date is the download's"
    )


def test_an_address_handed_in_at_canvas_is_somebodys(inbox):
    names = ["kimko_111_link.html", "lolo_LATE_112_text.html", "anon_x9Zf1_link.html"]
    report = inbox({"submissions.zip": packed(dict.fromkeys(names, b"<a>"))})
    assert set(report.students) == {"111", "112", "x9Zf1"} and len(report.people) == 3
    assert (
        "kimko_111_link.html: 111 sent no notebook, only this; ask for the .ipynb file." in report.people[0]
    )


@pytest.mark.parametrize(
    "folder", ["{}", "{}_7_assignsubmission_file_", "111-900 - {} - Mar 2, 2026 1030 AM"]
)
def test_names_that_a_mac_writes_are_those_of_before(inbox, folder):
    others = {folder.format("Ben Bo").replace("7", "8").replace("111", "112"): release(Q1)}
    for name, notebook in (("Zo\u00eb M", Q1), ("Zoe\u0308 M", Q2)):
        files = {folder.format(name): solution(notebook)} | others
        report = inbox({"all.zip": packed({f"{top}/{notebook}.ipynb": data for top, data in files.items()})})
        assert len(report.students) == 2 and not report.people
    student = next(who for who, sent in report.students.items() if Q2 in sent)
    assert inbox({"q3.ipynb": solution(Q3)}, student=unicodedata.normalize("NFD", student)).students[student]


def test_moodle_names_are_the_same_in_every_part_though_numbers_change(inbox, grading):
    files = {
        f"Ada Lovelace_4711_assignsubmission_file_/{Q1}.ipynb": solution(Q1),
        "Zoë Müller_4712_assignsubmission_file/sub/q1.ipynb": solution(Q1),
        "Ada Lovelace_4711_assignsubmission_onlinetext_/onlinetext.html": b"<p>hello</p>",
        f"Participant_4713_assignsubmission_file_{Q1}.ipynb": solution(Q1),
    }
    report = inbox({"moodle.zip": packed(files)})
    assert set(report.students) == {"Ada_Lovelace", "Zoë_Müller", "Participant_4713"}
    assert verdicts(report)["onlinetext.html"] == "not a notebook" and not report.people
    assert is_right(grading, "Ada_Lovelace")


def test_two_participants_of_one_name_stay_apart(inbox, grading):
    files = {
        f"Ada Lovelace_1_assignsubmission_file_/{Q1}.ipynb": solution(Q1),
        f"Ada Lovelace_2_assignsubmission_file_/{Q1}.ipynb": release(Q1),
    }
    report = inbox({"moodle.zip": packed(files)})
    assert set(report.students) == {"Ada_Lovelace_1", "Ada_Lovelace_2"}
    assert is_right(grading, "Ada_Lovelace_1") and not is_right(grading, "Ada_Lovelace_2")
    assert len(report.people) == 2


@pytest.mark.parametrize(
    "files, student",
    [
        ({f"all/ada/{Q1}.ipynb": 1, "all/ben/q1.ipynb": 1}, "ada"),
        ({f"all/ada/{PART}/{Q1}.ipynb": 1, f"all/ben/{PART}/{Q1}.ipynb": 1}, "ada"),
        ({f"all/ada_{Q1}.ipynb": 1, "all/ben-q1.ipynb": 1}, "ada"),
        ({f"ada/{Q1}.ipynb": 1}, "ada"),
        ({f"submissions/ada/hw/{Q1}.ipynb": 1, "submissions/ben/q1.ipynb": 1}, "ada"),
        ({f"ada_{Q1} (3).ipynb": 1}, "ada"),
        ({"lovelaceada_7_9_q1.ipynb": 1}, "7"),
    ],
)
def test_folders_and_single_files(inbox, grading, files, student):
    report = inbox({name: solution(Q1) for name in files})
    assert not report.people
    assert {entry.verdict for entry in report.entries} == {"collected"}
    assert len(report.students) == len(files)
    assert is_right(grading, student)


def test_an_archive_of_archives(inbox, grading):
    one = packed({f"{Q1}.ipynb": solution(Q1), "__MACOSX/._q1": b"x", ".ipynb_checkpoints/q1.ipynb": b"x"})
    report = inbox({"all.zip": packed({"ada.zip": one, "ben.zip": packed({"q2.ipynb": solution(Q2)})})})
    assert report.students == {"ada": {Q1: "collected"}, "ben": {Q2: "collected"}}
    assert len(report.entries) == 2
    # an archive says when a file was packed, and nothing about when it was handed in
    assert not (grading / "submitted/ada" / PART / "timestamp.txt").exists()


@pytest.mark.parametrize(
    "name, notebook",
    [
        ("q1 (1).ipynb", Q1),
        ("Copy of q1.ipynb", Q1),
        ("Copy_of_q1.ipynb", Q1),
        ("Copy of Copy of Q1.ipynb", Q1),
        ("q1_positional_encoding(2).ipynb", Q1),
        ("q1-1.ipynb", Q1),
        ("q1 copy 2.ipynb", Q1),
        ("Q1 Positional Encoding final.ipynb", Q1),
        ("q1_positional_encoding.ipynb.txt", Q1),
        ("q12.ipynb", None),
        ("Untitled.ipynb", None),
    ],
)
def test_names_of_notebooks(name, notebook):
    assert names.notebook_of(name, [Q1, Q2, Q3]) == notebook


def test_which_notebook_by_its_cells(inbox):
    report = inbox(
        {
            "Untitled7.ipynb": nameless(solution(Q3)),
            f"{Q2}.ipynb": solution(Q1),
            "mystery.ipynb": json.dumps({"cells": [], "nbformat": 4}).encode(),
            "notes.txt": b"dear teacher",
        },
        student="ada",
    )
    assert whose(report)["Untitled7.ipynb"] == ("ada", Q3)
    assert whose(report)[f"{Q2}.ipynb"] == ("ada", Q1)
    assert verdicts(report)["mystery.ipynb"] == "not a notebook"
    assert verdicts(report)["notes.txt"] == "not a notebook"
    assert len(report.people) == 1 and "no notebook of this course" in report.people[0]


def test_several_notebooks_in_one_file_are_told(inbox):
    joined = json.loads(solution(Q1))
    joined["cells"] += [*json.loads(solution(Q2))["cells"], *json.loads(release(Q3))["cells"]]
    data = json.dumps(joined).encode()
    report = inbox(
        {"all/ada/all.ipynb": data, "all/ben/all.ipynb": data, f"all/ben/{Q1}.ipynb": solution(Q1)}
    )
    assert len(report.people) == 1 and "--student ada" in report.people[0]
    assert Q1 in report.people[0] and Q2 in report.people[0] and Q3 not in report.people[0]
    notebook = next(iter(report.students["ada"]))
    (other,) = {Q1, Q2} - {notebook}
    report = inbox({f"{other}.ipynb": data}, student="ada")
    assert report.students["ada"].keys() == {Q1, Q2} and not report.people


def test_another_part(inbox):
    report = inbox(
        {
            "ada/self_attention.ipynb": solution("self_attention", OTHER),
            "ada/Untitled.ipynb": solution("word_embedding", OTHER),
            f"ada/{OTHER}/q1.ipynb": solution(Q1),
        }
    )
    assert set(verdicts(report).values()) == {"not this part"}
    assert len(report.people) == 2 and f"python -m course collect {OTHER}" in report.people[0]


def test_a_name_inside_a_students_folder_is_not_asked(inbox, grading):
    inbox({"all/ben/q1.ipynb": solution(Q1)})
    forged = {f"lovelaceada_101_9_{Q1}.ipynb": release(Q1), "ben_q1.ipynb": release(Q1)}
    report = inbox(
        {f"all/mallory/{name}": data for name, data in forged.items()} | {"all/ben/q1.ipynb": solution(Q1)}
    )
    assert {entry.student for entry in report.entries} == {"mallory", "ben"}
    assert is_right(grading, "ben")


# --- attempts and later runs ----------------------------------------------------------------------


def test_collecting_again_changes_nothing(inbox, grading):
    files = {
        "all.zip": packed(
            {"ada/q1.ipynb": solution(Q1), "ben/q1 (1).ipynb": b"", "ben/q2.ipynb": nameless(solution(Q2))}
        )
    }

    def state():
        return {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in grading.rglob("*") if p.is_file()}

    first = inbox(files)
    before = state()
    second = inbox(files)
    assert state() == before
    assert [e.verdict for e in first.entries] == [e.verdict for e in second.entries]


def test_a_later_archive_adds_and_an_older_one_does_not_take_back(inbox, grading):
    old = packed({"ada/q1.ipynb": release(Q1), "ben/q1.ipynb": solution(Q1)}, (2026, 3, 1, 12, 0, 0))
    new = packed({"ada/q1.ipynb": solution(Q1)}, (2026, 3, 2, 12, 0, 0))
    inbox({"old.zip": old})
    assert not is_right(grading, "ada")
    inbox({"new.zip": new})
    assert is_right(grading, "ada") and is_right(grading, "ben")
    report = inbox({"old.zip": old})
    assert is_right(grading, "ada")
    assert [(e.student, e.verdict) for e in report.entries] == [("ada", "superseded"), ("ben", "collected")]
    assert not (grading / "submitted/ada" / PART / "timestamp.txt").exists()
    kept = {path.read_bytes() for path in (grading / "received").iterdir()}
    assert kept == {release(Q1), solution(Q1)}


def test_the_last_readable_attempt_counts(inbox, grading):
    report = inbox({"s.zip": packed({"a_1_10_q1.ipynb": solution(Q1), "a_1_11_q1-1.ipynb": b"%PDF"})})
    assert is_right(grading, "1")
    assert verdicts(report) == {"a_1_10_q1.ipynb": "collected", "a_1_11_q1-1.ipynb": "unreadable"}
    assert len(report.people) == 1


def test_two_versions_that_nothing_orders_are_told_to_somebody(inbox, grading):
    report = inbox({"ada/q1.ipynb": solution(Q1), f"ada/{Q1}.ipynb": release(Q1)})
    assert sorted(verdicts(report).values()) == ["collected", "superseded"]
    assert len(report.people) == 1 and "--student ada" in report.people[0]


# --- between archives: who knows when it was handed in? ---

BLACKBOARD, EARLIER = (
    "P_ngb_attempt_2026-03-02-10-00-00_q1.ipynb",
    "P_ngb_attempt_2026-03-01-10-00-00_q1.ipynb",
)
CANVAS, MOODLE, FLAT = "x_101_9_q1.ipynb", "Ng_1_assignsubmission_file_/q1.ipynb", "ng_q1.ipynb"


@pytest.mark.parametrize(
    "first, second, counts, why, told",
    [
        (BLACKBOARD, EARLIER, 0, "a later attempt counts", ""),
        (CANVAS, "x_101_8_q1.ipynb", 0, "a later attempt counts", ""),
        (MOODLE, MOODLE, 1, "a later attempt counts", ""),
        (BLACKBOARD, CANVAS, 1, "another attempt counts, for it came in a later run", "it came in a later run"),
        (CANVAS, FLAT, 1, "another attempt counts, for it came in a later run", "it came in a later run"),
        (FLAT, MOODLE, 1, "another attempt counts, for it came in a later run", "it came in a later run"),
        (FLAT, "ng/q1.ipynb", 1, "a later attempt counts", ""),
        (FLAT, "ng/q1.ipynb -", 0, "another attempt counts, for it was saved later, though", "it was saved later, though"),
    ],
    ids=range(8),
)  # fmt: skip
def test_an_attempt_of_another_archive(inbox, grading, first, second, counts, why, told):
    """What an LMS says orders attempts; where nothing does, it is said on what ground one counts, and somebody is told."""
    grading.mkdir()
    (grading / "roster.csv").write_text("id,name,canvas,blackboard\nng,Ng,101,ngb\n")
    for number, name in enumerate((first, second)):
        day = 5 if name.endswith(" -") else 8 + number
        data = json.loads(solution(Q1)) | {"metadata": {"number": number}}
        inbox({f"{number}.zip": packed({name.removesuffix(" -"): json.dumps(data)}, (2026, 3, day, 0, 0, 0))})
    entries = json.loads((grading / "collected" / f"{PART}.json").read_text())["files"]
    paths = {entry["path"][0]: entry for entry in entries}
    best, other = paths[str(counts)], paths[str(1 - counts)]
    assert best["verdict"] == "collected" and other["why"].startswith(why) and best["path"] in other["why"]
    assert bool(best["human"]) == bool(told) and told in best["human"]
    assert not told or f"it differs from {other['path']}, and only this says" in best["human"]


def test_equal_bytes_keep_the_earliest_time_that_is_known(inbox, grading):
    grading.mkdir()
    (grading / "roster.csv").write_text("id,blackboard\nng,ngb\n")
    stamp = grading / "submitted" / "ng" / PART / "timestamp.txt"
    inbox({"flat/ng_q1.ipynb": solution(Q1)})
    inbox({"b.zip": packed({BLACKBOARD: solution(Q1)})})
    assert "2026-03-02" in stamp.read_text()
    report = inbox({"a.zip": packed({EARLIER: solution(Q1)}), "flat/ng_q1 (1).ipynb": solution(Q1)})
    assert "2026-03-01" in stamp.read_text() and report.people == []
    assert all(
        entry.why.startswith("the same file") for entry in report.entries if entry.verdict == "superseded"
    )
    report = inbox({"flat/ng_q1 (2).ipynb": nameless(solution(Q1))})
    assert "it came in a later run" in report.people[0] and not stamp.exists(), "the time was another file's"
    stamp.write_text("2026-03-09 10:00 UTC\n")
    inbox({"flat/ng_q1 (2).ipynb": nameless(solution(Q1))})
    assert stamp.exists(), "a person wrote it"


def test_a_record_from_before_its_order_had_names():
    assert Entry("q1.ipynb", order=[0.0, 9.0, 5.0, 2.0, 0.0], date="2026").order == (
        0,
        0,
        5.0,
        9,
        5.0,
        2,
        0.0,
    )
    assert Entry("q1.ipynb", order=[1.0, 3.0, 0, 2.0, 7.0], run=3).order == (1, 0, 0.0, 0, 0, 2, 7.0)


def test_late_stays_late_with_the_same_bytes_from_elsewhere(inbox):
    files = {"s.zip": packed({"x_LATE_101_9_q1.ipynb": solution(Q1)})}
    inbox(files)
    report = inbox({"101/q1.ipynb": solution(Q1)}, student="101")
    assert [(e.verdict, e.late) for e in report.entries] == [("collected", True)]


def test_a_file_given_by_hand_wins_and_settles(inbox, grading):
    report = inbox({"s.zip": packed({"a_1_10_q1.ipynb": release(Q1)}), "q2.ipynb": solution(Q2)})
    assert verdicts(report)["q2.ipynb"] == "no student"
    assert inbox({"fixed/q1.ipynb": solution(Q1), "q2.ipynb": solution(Q2)}, student="1").people == []
    assert is_right(grading, "1") and is_right(grading, "1", Q2)
    record = json.loads((grading / "collected" / f"{PART}.json").read_text())
    assert "no student" not in {entry["verdict"] for entry in record["files"]}


def test_what_lay_in_submitted_is_kept(inbox, grading):
    there = grading / "submitted/ada" / PART / f"{Q1}.ipynb"
    there.parent.mkdir(parents=True)
    there.write_bytes(b"by hand")
    inbox({"ada/q1.ipynb": solution(Q1)})
    assert is_right(grading, "ada")
    assert b"by hand" in {path.read_bytes() for path in (grading / "received").iterdir()}


def test_roster(inbox, grading):
    grading.mkdir()
    (grading / "roster.csv").write_text(
        "id,first_name,last_name,canvas\nada,Ada,Lovelace,\nboole,George,Boole,102\nemmy,Emmy,Noether,\n"
    )
    report = inbox(
        {
            "s.zip": packed(
                {
                    "lovelaceada_101_1_q1.ipynb": solution(Q1),
                    "someoneelse_102_2_q1.ipynb": solution(Q1),
                    "stranger_103_3_q1.ipynb": solution(Q1),
                }
            )
        }
    )
    assert set(report.students) == {"ada", "boole", "103"}
    assert report.missing == ["emmy"]
    assert (
        len(report.people) == 1
        and f"103 is not in {grading / 'roster.csv'}; add them there" in report.people[0]
    )


@pytest.mark.parametrize("elsewhere", [False, True])
def test_students_of_the_gradebook_are_missed(inbox, grading, monkeypatch, tmp_path, elsewhere):
    monkeypatch.setenv("VIT_GRADING", str(grading))
    grading.mkdir()
    url = f"sqlite:///{tmp_path / 'elsewhere.db' if elsewhere else grading / 'gradebook.db'}"
    if elsewhere:
        monkeypatch.setenv("VIT_GRADEBOOK", url)
    with settings.Gradebook(url, "vit") as book:
        book.add_student("abel")
    assert inbox({"ada/q1.ipynb": solution(Q1)}).missing == ["abel"]
    with settings.gradebook() as book:
        assert [course.id for course in book.db.query(Course)] == ["vit"]  # nothing was added


# --- names that a file system cannot take ---------------------------------------------------------


def test_ids_are_names_of_folders():
    labels = [
        "..",
        ".",
        "",
        "a/b",
        "a\\b",
        "a\0b",
        "CON",
        "com1.x",
        "x" * 300,
        "é" * 300,
        "trailing. .",
        "-rf",
        "名前",
        "a\nb",
        "\ud800",
    ]
    ids = [names.safe_id(label) for label in labels]
    for identity in ids:
        assert identity and identity not in (".", "..") and not set(identity) & set('/\\\0\n:*?"<>|')
        assert len(identity.encode()) <= 90 and identity[-1] not in ". " and identity[0] not in ".-"
        assert not names.RESERVED.match(identity)
    assert names.safe_id("ada") == "ada" and names.safe_id("名前") == "名前"


def test_ids_that_a_file_system_would_merge(inbox, grading):
    names = ["Ada", "ada", "a*da", "a?da", "e\u0301va", "\u00e9va"]
    report = inbox({"all.zip": packed([(f"{name}/q1.ipynb", solution(Q1)) for name in names])})
    folders = [path.name.casefold() for path in (grading / "submitted").iterdir()]
    assert len(set(folders)) == len(folders) == len(names)
    assert len(report.people) == len(names)


# --- archives and folders that hurt ---------------------------------------------------------------


def test_paths_that_lead_out_are_not_opened(inbox, grading, tmp_path):
    names = ["../../evil/q1.ipynb", "/etc/q1.ipynb", "C:\\x\\q1.ipynb", "ada/../../q1.ipynb", "ada/q1.ipynb"]
    report = inbox({"all.zip": packed([(name, solution(Q1)) for name in names])})
    assert [e.verdict for e in report.entries] == ["unreadable"] * 4 + ["collected"]
    assert {p.name for p in tmp_path.iterdir()} == {"inbox", "grading"}
    assert set(report.students) == {"ada"}


def test_links_in_archives_and_folders(inbox, tmp_path):
    link = zipfile.ZipInfo("ada/q1.ipynb")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    report = inbox({"all.zip": packed([(link, b"/etc/passwd")])})
    assert "is a link" in report.entries[0].why
    if sys.platform != "win32":
        folder = tmp_path / "inbox" / "all" / "ben"
        folder.mkdir(parents=True)
        (folder / "q1.ipynb").symlink_to("/etc/passwd")
        (folder / "loop").symlink_to(tmp_path)
        os.mkfifo(folder / "q2.ipynb")
        report = inbox({"all/ada/q1.ipynb": solution(Q1)})
        assert sorted(e.verdict for e in report.entries) == ["collected"] + ["unreadable"] * 3


def test_bombs(inbox, monkeypatch):
    monkeypatch.setattr(archives, "MOST_BYTES", 2_000_000)
    report = inbox({"all.zip": packed({"ada/q1.ipynb": b"0" * 3_000_000, "ben/q1.ipynb": solution(Q1)})})
    assert verdicts(report) == {"q1.ipynb": "collected"} and "larger than 2 MB" in report.entries[0].why
    monkeypatch.setattr(archives, "MOST_MEMBERS", 2)
    many = {f"ada/q{i}.ipynb": solution(Q1) for i in range(6)}
    report = inbox({"many.zip": packed({**many, "ben/q1.ipynb": solution(Q1)})})
    assert [e.why for e in report.entries if e.verdict == "unreadable"] == [
        "was not opened, nor was what follows: more than 2 files came from one sender; ask for the notebooks alone"
    ]
    assert report.students["ben"] == {Q1: "collected"} and len(report.entries) == 4
    monkeypatch.setattr(archives, "MOST_MEMBERS", 20)
    monkeypatch.setattr(archives, "MOST_OF_ONE", 60_000)
    much = {f"cleo/q{i}.ipynb": b"0" * 50_000 for i in range(4)}
    report = inbox({"much.zip": packed({**much, "dora/q1.ipynb": solution(Q1)})})
    assert [e.why[:30] for e in report.entries][2:] == ["was not opened: more than 0.06"] * 2 + [""]
    assert report.students["dora"] == {Q1: "collected"}
    monkeypatch.setattr(archives, "MOST_TOTAL", 60_000)
    report = inbox({"all.zip": packed({f"t{i}/q1.ipynb": b"0" * 50_000 for i in range(4)})})
    assert "GB came at once; give this part of them alone" in report.entries[-1].why


@pytest.mark.parametrize("kind", ["files", "size"])
@pytest.mark.parametrize("where", ["archive", "folder", "Gradescope's folder"])
def test_what_one_student_packs_takes_nothing_from_the_next(kind, where, inbox, monkeypatch):
    monkeypatch.setattr(archives, "MOST_MEMBERS", 500)
    monkeypatch.setattr(archives, "MOST_OF_ONE", 150_000_000)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(501 if kind == "files" else 3):
            archive.writestr(f"{number}.ipynb", b"{}" if kind == "files" else bytes(99_000_000))
    data = buffer.getvalue()
    begun, memory = bounded.spent() + time.process_time(), psutil.Process().memory_info().rss
    if where == "archive":
        report = inbox({"all.zip": packed({"ada/work.zip": data, "ben/q1.ipynb": solution(Q1)})})
    elif where == "folder":
        report = inbox({"all/ada/work.zip": data, "all/ben/q1.ipynb": solution(Q1)})
    else:
        report = inbox({"x.zip": packed({"submission_1/w.zip": data, "submission_2/q1.ipynb": solution(Q1)})})
    assert [e.notebook for e in report.entries if e.path.endswith("q1.ipynb")] == [Q1]
    assert where == "Gradescope's folder" or report.students["ben"] == {Q1: "collected"}
    whys = {entry.why for entry in report.entries if "work.zip" in entry.path}
    assert where == "Gradescope's folder" or any("not opened" in why or "takes" in why for why in whys)
    assert bounded.spent() + time.process_time() - begun < 60
    assert psutil.Process().memory_info().rss - memory < 500_000_000


def test_archives_in_archives_in_archives(inbox):
    data = packed({"q1.ipynb": solution(Q1)})
    for _ in range(4):
        data = packed({"ada.zip": data})
    report = inbox({"all.zip": data})
    assert [e.verdict for e in report.entries] == ["unreadable"]
    assert "archives" in report.entries[0].why


def test_damaged_archives(inbox):
    good = packed({"ada/q1.ipynb": solution(Q1), "ben/q1.ipynb": solution(Q1)})
    body = bytearray(good)
    body[200:210] = b"##########"  # inside the first member
    locked = bytearray(packed({"cleo/q1.ipynb": solution(Q1)}))
    locked[6] |= 1
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    report = inbox(
        {
            "crc.zip": bytes(body),
            "cut.zip": good[:-100],
            "locked.zip": bytes(locked),
            "none.zip": b"",
            "text.zip": b"hi",
        }
    )
    assert {e.path: e.verdict for e in report.entries} == {
        "crc.zip/ada/q1.ipynb": "unreadable",
        "crc.zip/ben/q1.ipynb": "collected",
        "cut.zip": "unreadable",
        "locked.zip/cleo/q1.ipynb": "unreadable",
        "none.zip": "unreadable",
        "text.zip": "unreadable",
    }
    assert "encrypted" in report.entries[3].why
    assert len(report.people) == 5


def test_any_broken_archive_is_reported(tmp_path):
    import random

    good = packed({"ada/q1.ipynb": b'{"cells": []}' * 20, "ben.zip": packed({"q1.ipynb": b"{}"})})
    for number in range(300):
        rng = random.Random(number)
        data = bytearray(good)
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path = tmp_path / "x.zip"
        path.write_bytes(bytes(data))
        found = list(archives.files(path))
        lms.senders(found, "x.zip", [Q1], {PART})
        assert all(isinstance(file, archives.File) for file in found)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_same_name_twice_and_names_in_other_encodings(inbox):
    twice = packed([("ada/q1.ipynb", release(Q1)), ("ada/q1.ipynb", solution(Q1))])
    report = inbox({"twice.zip": twice})
    assert sorted(e.verdict for e in report.entries) == ["collected", "superseded"]
    # as macOS writes it: UTF-8, and nothing says so
    data = packed({"Zo##/q1.ipynb": solution(Q1)}).replace(b"Zo##", "Zoë".encode())
    report = inbox({"mac.zip": data})
    assert "Zoë" in report.students


# --- the command ----------------------------------------------------------------------------------


def run(monkeypatch, grading, *arguments):
    monkeypatch.setenv("VIT_GRADING", str(grading))
    monkeypatch.setenv("COLUMNS", "100")
    return CliRunner().invoke(app, ["collect", *map(str, arguments)])


def test_the_command_says_who_needs_somebody(monkeypatch, grading, tmp_path):
    path = tmp_path / "s.zip"
    path.write_bytes(
        packed({"ada/q1.ipynb": solution(Q1), "ben/q1.ipynb": nameless(solution(Q1)), "cleo/a.pdf": b""})
    )
    result = run(monkeypatch, grading, PART, path)
    assert result.exit_code == 1
    assert "3 files came, 2 will be graded." in result.output
    assert "the cell had lost its name" in result.output
    assert "cleo sent no notebook, only this; ask for the .ipynb file." in result.output
    path.write_bytes(packed({"ada/q1.ipynb": solution(Q1)}))
    result = run(monkeypatch, grading, PART, path)
    assert result.exit_code == 0 and "Needs somebody" not in result.output


def test_names_cannot_write_on_the_terminal(monkeypatch, grading, tmp_path):
    path = tmp_path / "s.zip"
    path.write_bytes(packed({"[bold]x[/nope]\x1b[2J\n/q1.ipynb": b"", "[red]/q2.ipynb": solution(Q2)}))
    result = run(monkeypatch, grading, PART, path)
    assert result.exit_code == 1 and "\x1b[2J" not in result.output and "[bold]x" in result.output


def test_an_unknown_part_and_a_missing_file(monkeypatch, grading, tmp_path):
    result = run(monkeypatch, grading, "part9", tmp_path)
    assert result.exit_code == 1 and PART in str(result.output) + str(result.exception)
    result = run(monkeypatch, grading, PART, tmp_path / "nothing.zip")
    assert result.exit_code == 1 and "does not exist" in result.output


def test_a_broken_record_changes_nothing(inbox, grading):
    record = grading / "collected" / f"{PART}.json"
    record.parent.mkdir(parents=True)
    record.write_text("{")
    with pytest.raises(CollectError, match="Nothing was changed"):
        inbox({"ada/q1.ipynb": solution(Q1)})
    assert record.read_text() == "{" and not (grading / "submitted").exists()


# --- files that are much work ---------------------------------------------------------------------


def test_who_sends_files_without_end_costs_nobody_else_anything(inbox, monkeypatch):
    """After so many seconds the other files of this sender are not opened."""
    monkeypatch.setattr(received, "MOST_SECONDS", 0)
    files = {"ada/q1.ipynb": solution(Q1), "ada/q2.ipynb": solution(Q2), "ben/q1.ipynb": solution(Q1)}
    report = inbox({"all.zip": packed({name: data + b" " * len(name) for name, data in files.items()})})
    assert report.students == {"ada": {Q1: "collected", Q2: "unreadable"}, "ben": {Q1: "collected"}}
    assert "up to 0 are spent on one sender; ask for it again." in report.entries[1].human


def test_whatever_raises_on_a_students_file_is_told_and_stops_nobody(inbox, monkeypatch):
    real = bounded.call

    def call(function, *arguments, **limits):
        if b"ROUND" in arguments:
            raise RecursionError("maximum recursion depth exceeded")
        return real(function, *arguments, **limits)

    monkeypatch.setattr(bounded, "call", call)
    report = inbox({"ada/q1.ipynb": b"ROUND", "ben/q1.ipynb": solution(Q1)})
    assert report.students == {"ada": {Q1: "unreadable"}, "ben": {Q1: "collected"}}
    assert report.entries[0].why == "could not be read (RecursionError)"


def test_a_long_name_leaves_room_for_the_id_and_the_marks():
    named = [path.stem for path in notebooks.SOLUTIONS if path.parent.name == PART]
    sent = {"u123456": dict.fromkeys(named, "collected")}
    report = Report(PART, named, [], sent, {"u123456": "José Luis de la Vega " * 4}, [], [], [], {}, "")
    printed.show(report, Console(width=80, file=(out := io.StringIO())))
    row = next(line for line in out.getvalue().splitlines() if "José" in line)
    assert "u123456" in row and row.count("✓") == len(named)
