"""Where am I: notes of checks, what they count, and what becomes of damaged ones."""

import json
import os
import subprocess
import sys
import threading
import time

import pytest
from bs4 import BeautifulSoup

from course.authoring import build
from helpers.progress import CONTENTS, FOLDER, Note, Overview, note, notes, part_name, progress, rows
from tests import notebooks

PART = "2_build_a_vit"
Q1, Q2, Q2B = "q1_position_encoding", "q2_patch_embedding", "q2_rearrange_warmup"


@pytest.fixture
def course(tmp_path, monkeypatch):
    """An empty course folder with its parts; the notebook runs in Part 2."""
    monkeypatch.delenv("VIT_PROGRESS")
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    for part in ("1_words_to_attention", PART):
        (tmp_path / "notebooks" / part).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "notebooks" / PART)
    return tmp_path


def said(capsys) -> str:
    progress()
    return capsys.readouterr().out


def test_the_list_of_notebooks_is_that_of_the_lessons():
    listed = json.loads(CONTENTS.read_text("utf-8"))
    found = {nb["notebook"]: list(nb["exercises"]) for part in listed for nb in part["notebooks"]}
    assert found == {path.stem: notebooks.exercises_of(path) for path in notebooks.SOLUTIONS}
    assert list(found) == [lesson.stem for lesson in build.lessons()]


def test_nothing_done_yet(course, capsys):
    text = said(capsys)
    assert "Part 2 · Build a ViT: 0 of 8 notebooks done, 0 of 25 points" in text
    assert "○ not begun Q1 · Positional encoding" in " ".join(text.split())
    assert "Next: Q0 · A ViT in ten lines (2_build_a_vit/q0_a_vit_in_ten_lines.ipynb)" in text
    assert list(course.rglob(FOLDER)) == []


@pytest.mark.parametrize(
    ("done", "then"),
    [
        ([], "Word embedding"),  # asked in no part's folder
        ([Q1], "Q2 · Patch embedding"),
        ([Q1, "q0_best_class"], "Q2 · Patch embedding"),
        ([Q2, Q2B, Q1], "Q3 · The class token"),
        (["inside_z0"], "Inside a pretrained ViT"),
        (["inside_z0", "inside_qkv", "inside_attention", "inside_top5", "inside_weights"], "Word embedding"),
    ],
)
def test_next_is_what_follows_where_you_were(course, done, then, capsys, monkeypatch):
    monkeypatch.chdir(course)
    for key in done:
        note(key, "correct", 3)
        time.sleep(0.002)
    assert f"Next: {then} (" in said(capsys)


def test_a_correct_check_is_done_and_the_next_step_is_where_you_were(course, capsys):
    note(Q1, "correct", 3)
    note(Q2, "incorrect", 1)
    text = said(capsys)
    assert "✓ done       Q1 · Positional encoding" in text
    assert "… begun      Q2 · Patch embedding" in text
    assert "Part 2 · Build a ViT: 1 of 8 notebooks done, 4 of 25 points" in text
    assert "Next: Q2 · Patch embedding (2_build_a_vit/q2_patch_embedding.ipynb): " in text


def test_what_was_done_stays_done_and_says_that_it_has_changed(course, capsys):
    note(Q1, "correct", 3)
    note(Q1, "not attempted", 0)
    text = said(capsys)
    assert "✓ done       Q1" in text
    assert "Q1 · Positional encoding: getPositionEncoding was correct, but not when last checked." in text
    note(Q1, "correct", 3)
    assert "but not when last checked" not in said(capsys)


def test_the_most_points_count_and_the_verdict_is_the_latest(course, capsys):
    note(Q1, "incorrect", 2)
    note(Q1, "error in your code", 0)
    text = said(capsys)
    assert "points: 2 of 3\n" in text
    assert (
        'the check of getPositionEncoding says error in your code; stuck? check.hint("q1_position_encoding").'
        in text
    )


@pytest.mark.parametrize("place", ["notebooks/1_words_to_attention", "notebooks", "."])
def test_it_is_found_from_every_folder_of_the_course(course, place, capsys, monkeypatch):
    note(Q1, "correct", 3)
    monkeypatch.chdir(course / place)
    assert "✓ done       Q1" in said(capsys)


def test_a_notebook_on_its_own(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("VIT_PROGRESS")
    monkeypatch.chdir(tmp_path)
    note(Q1, "correct", 3)
    assert [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.json")] == [f"{FOLDER}/{Q1}.json"]
    assert "✓ done       Q1" in said(capsys)


def test_all_done(course):
    contents = json.loads(CONTENTS.read_text("utf-8"))
    for part in contents:
        for nb in part["notebooks"]:
            for key, exercise in nb["exercises"].items():
                note(key, "correct", exercise["points"])
    found, unread = notes([part["part"] for part in contents], course / "notebooks" / PART)
    table = Overview(rows(contents, found), unread)
    assert {row.state for row in table.rows} == {"✓ done"}
    assert "Everything is done" in str(table)
    assert table.rows[-1].counted == "10 of 13, 3 by hand"
    assert "Part 4 · Inside a pretrained ViT: 1 of 1 notebooks done, 10 of 13 points" in str(table)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[1]",
        b"\xff\xfe",
        b'{"best": "correct"}',
        b'{"best": 1, "last": "correct", "points": 1, "when": 1, "version": 1}',
        b'{"best": "correct", "last": "correct", "points": "3", "when": 1, "version": 1}',
        b'{"best": "correct", "last": "correct", "points": NaN, "when": 1, "version": 1}',
        b'{"best": "correct", "last": "correct", "points": 3, "when": 1, "version": 2}',
        b'{"best": "correct", "last": "correct", "points": 3, "when": 1, "version": 1, "more": 1}',
        b"[" * 1900,
        b"x" * 5000,
    ],
    ids=range(12),
)
def test_a_damaged_note_is_left_out_and_written_anew_by_the_next_check(course, capsys, content):
    note(Q2B, "correct", 2)
    path = course / "notebooks" / PART / FOLDER / f"{Q1}.json"
    path.write_bytes(content)
    text = said(capsys)
    assert "○ not begun  Q1" in text
    assert "1 note could not be read" in text
    note(Q1, "correct", 3)
    assert "✓ done       Q1" in said(capsys)
    assert "could not be read" not in said(capsys)


def test_notes_of_something_else_are_ignored(course, capsys):
    note("an_exercise_of_last_year", "correct", 3)
    assert "0 of 25 points" in said(capsys)


def test_a_folder_that_cannot_be_written_is_left_alone(course):
    (course / "notebooks" / PART / FOLDER).write_text("a file is in the way")
    note(Q1, "correct", 3)
    assert (course / "notebooks" / PART / FOLDER).read_text() == "a file is in the way"


@pytest.mark.parametrize("name", ["VIT_PROGRESS", "NBGRADER_EXECUTION"])
def test_no_notes_where_they_are_not_wanted(course, monkeypatch, name):
    monkeypatch.setenv(name, "off" if name == "VIT_PROGRESS" else "autograde")
    note(Q1, "correct", 3)
    assert list(course.rglob(FOLDER)) == []


def test_a_check_in_a_notebook_leaves_a_note_and_progress_shows_it(course, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(course / "ipython"))
    code = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        f"shell.run_cell('import helpers; helpers.check(\"{Q1}\"); helpers.progress()')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "getPositionEncoding` is not defined" in done.stdout, done.stderr
    assert "the check of getPositionEncoding says error in your code" in done.stdout
    kept = json.loads((course / "notebooks" / PART / FOLDER / f"{Q1}.json").read_text())
    assert (kept["best"], kept["last"], kept["points"]) == ("error in your code", "error in your code", 0)


def test_several_notebooks_at_once(course):
    keys = [f"exercise_{i}" for i in range(4)]
    writers = [
        threading.Thread(target=lambda key=key: [note(key, "correct", n) for n in range(20)]) for key in keys
    ] + [threading.Thread(target=lambda: [note("shared", "correct", n) for n in range(20)]) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found, unread = notes([PART], course / "notebooks" / PART)
    assert unread == 0
    assert found.keys() == {*keys, "shared"}
    assert all(found[key].points == 19 for key in keys)
    left = os.listdir(course / "notebooks" / PART / FOLDER)
    assert sorted(left) == sorted(f"{key}.json" for key in [*keys, "shared"])


def test_the_table_in_a_notebook_can_be_read_aloud(course):
    contents = json.loads(CONTENTS.read_text("utf-8"))
    contents[0]["notebooks"][0]["title"] = "<script>alert(1)</script>"
    told = {Q1: Note("correct", "incorrect", 3, time.time())}
    page = BeautifulSoup(Overview(rows(contents, told), 2)._repr_html_(), "html.parser")
    assert page.find("script") is None
    assert page.caption.text
    assert [th.text for th in page.thead.find_all("th")] == ["Notebook", "State", "Checks correct", "Points"]
    assert {th["scope"] for th in page.find_all("th")} == {"col", "row", "rowgroup"}
    row = next(r for r in page.tbody.find_all("tr") if "Q1" in r.text)
    assert [cell.text for cell in row.find_all(["th", "td"])] == [
        "Q1 · Positional encoding",
        "✓ done",
        "1 of 1",
        "3 of 3",
    ]


def test_without_the_list_a_sentence(monkeypatch, tmp_path, capsys):
    """As in a grading kernel."""
    monkeypatch.setattr(sys.modules["helpers.progress"], "CONTENTS", tmp_path / "nothing.json")
    progress()
    assert capsys.readouterr().out == "There is no list of the notebooks here.\n"


def test_titles_of_parts():
    assert part_name("2_build_a_vit") == "Part 2 · Build a ViT"
    assert part_name("3_train_on_cifar10") == "Part 3 · Train on CIFAR-10"
    assert part_name("4_inside_a_pretrained_vit") == "Part 4 · Inside a pretrained ViT"
