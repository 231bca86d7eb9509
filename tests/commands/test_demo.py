"""nbgrader's whole pipeline on three students, as `make demo` runs it, and what it leaves on the disk.

Here on three notebooks; .ci/stranger runs it on all, and compares the points.
"""

import shutil
import subprocess

import pytest

from course import demo
from course.base.paths import ROOT
from course.sandbox import bubblewrap
from tests import notebooks

pytestmark = pytest.mark.grading


PART, NAMES = demo.PART, ("q1_positional_encoding", "q3_class_token", "q6_residual_block")


@pytest.fixture(scope="module")
def graded():
    folder = ROOT / "grading" / "test"
    before = subprocess.run(["git", "status", "--short"], cwd=ROOT, capture_output=True, text=True).stdout
    demo.hand_in(folder)
    for path in folder.glob("submitted/*/*/*.ipynb"):
        if path.stem not in NAMES:
            path.unlink()
    table = demo.grade(folder, sandboxed=not bubblewrap.why_not())
    after = subprocess.run(["git", "status", "--short"], cwd=ROOT, capture_output=True, text=True).stdout
    return folder, table, before, after


def test_full_partial_and_no_points(graded):
    _, table, _, _ = graded
    names = [path.stem for path in notebooks.RELEASES if path.parent.name == PART]
    assert {student: sorted(scores) for student, scores in table.items()} == {s: names for s in demo.STUDENTS}
    found = {student: {name: scores[name] for name in NAMES} for student, scores in table.items()}
    assert all(points == most > 0 for points, most in found["ada"].values())
    assert {points for points, _ in found["cleo"].values()} == {0}
    ben, total = (sum(column) for column in zip(*found["ben"].values(), strict=True))
    assert 0.3 * total < ben < 0.8 * total
    assert not any(
        points for student in table for points, _ in (table[student][n] for n in set(names) - set(NAMES))
    )


def test_feedback_pages_hold_the_tutors_sentences(graded):
    folder, _, _, _ = graded
    for student in demo.STUDENTS:
        pages = sorted((folder / "feedback" / student / PART).glob("*.html"))
        assert len(pages) == len(NAMES)
    page = (folder / "feedback" / "ben" / demo.PART / "q1_positional_encoding.html").read_text("utf-8")
    assert "That is what you get when the exponent is i/d instead of 2i/d." in page


def test_export_holds_the_three_students(graded):
    folder, table, _, _ = graded
    rows = (folder / "grades.csv").read_text().splitlines()
    assert len(rows) == 1 + len(table)


def test_nbgrader_writes_under_grading_only(graded):
    _, _, before, after = graded
    assert after == before


def test_the_report_shows_points_by_question_and_the_pages(graded):
    folder, table, _, _ = graded
    text = demo.report(table, folder)
    for student in demo.STUDENTS:
        assert f"feedback/{student}/{demo.PART}/" in text
    assert "q1" in text and "total" in text


def test_a_failing_step_says_why_whatever_somebodys_settings_silence(tmp_path, monkeypatch):
    (tmp_path / "nbgrader_config.py").write_text('c = get_config()\nc.NbGrader.log_level = "CRITICAL"\n')
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    folder = ROOT / "grading" / "test-failing"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with pytest.raises(demo.DemoError) as failed:
        demo.step(folder, 1, "autograde", "no-such-part", "--Judge.sandboxed=False")
    first, reason, last = str(failed.value).splitlines()
    assert first == "`nbgrader autograde no-such-part --Judge.sandboxed=False` failed:"
    assert reason == f"  No notebooks were matched by '{folder}/submitted/*/no-such-part'"
    assert last == f"All that it said is in {folder}/demo.log."


def test_the_reason_is_what_a_traceback_ends_with():
    said = """\
[AutogradeApp | INFO] Autograding /x/autograded/ada/p/q1.ipynb
[AutogradeApp | WARNING] Removing failed assignment: /x/autograded/ada/p
[AutogradeApp | ERROR] There was an error processing assignment: /x/submitted/ada/p
[AutogradeApp | ERROR] Traceback (most recent call last):
      File "base.py", line 1, in convert_notebooks
        self.convert_single_notebook(notebook_filename)
    OSError: [Errno 28] No space left on device

[AutogradeApp | ERROR] There was an error processing assignment 'p' for student 'ada'
[AutogradeApp | ERROR] Please see the error log (/x/nbgrader.log) for details on the specific errors
"""
    assert demo.reason(said) == [
        "There was an error processing assignment: /x/submitted/ada/p",
        "OSError: [Errno 28] No space left on device",
        "There was an error processing assignment 'p' for student 'ada'",
    ]
    uncaught = 'Traceback (most recent call last):\n  File "x.py", line 1\n    raise X\nOSError: full\n\nIf you suspect'
    assert demo.reason(uncaught) == ["OSError: full"]
    assert len(demo.reason("\n".join(f"Error: {n}" for n in range(100)))) == 5


def test_a_slow_step_says_what_it_is_at(monkeypatch, capsys):
    monkeypatch.setattr(demo, "QUIET", 0)
    folder = ROOT / "grading" / "test-slow"
    folder.mkdir(parents=True, exist_ok=True)
    target = f"--CourseDirectory.release_directory={folder.relative_to(ROOT)}/release"
    demo.step(folder, 8, "generate_assignment", demo.PART, target)
    first, second, *rest = capsys.readouterr().out.splitlines()
    assert (first, second) == ("nbgrader generate_assignment 2_build_a_vit ...", "  getting ready")
    assert rest[-1] == "  q7_encoder_block (8 of 8)" and "\r" not in "".join(rest)
    assert demo.doing("[A | INFO] Sanitizing /c/submitted/ben/p/q3.ipynb\n", 24) == "ben, q3 (1 of 24)"


def test_without_a_sandbox_it_grades_our_own_and_says_so(graded, monkeypatch, capsys):
    _, table, _, _ = graded
    steps = []
    monkeypatch.setattr(demo, "step", lambda folder, notebooks, *words: steps.append(words))
    monkeypatch.setattr(demo, "points", lambda folder, part: table)
    folder = ROOT / "grading" / "test-unsafe"
    for why, sandboxed in (("", True), ("bubblewrap is missing: install it", False)):
        monkeypatch.setattr(demo, "why_not", lambda why=why: why)
        steps.clear()
        demo.run(folder)
        assert steps[1] == ("autograde", demo.PART, f"--Judge.sandboxed={sandboxed}")
        for said in (capsys.readouterr().out, demo.report(table, folder)):
            assert ("WITHOUT A SANDBOX: bubblewrap is missing: install it. " in said) is not sandboxed


def test_every_mistake_is_still_in_its_solution():
    made = {
        cell.id
        for path in notebooks.RELEASES
        for cell in demo.submission("ben", path.name, path.parent.name).cells
    }
    assert demo.MISTAKES.keys() <= made


def test_an_unknown_part_is_told_what_there_is(tmp_path):
    with pytest.raises(demo.DemoError, match="no part 'q1'; there are 1_words_to_attention, 2_build_a_vit"):
        demo.run(tmp_path / "demo", "q1")


def test_mistakes_must_still_be_in_the_solutions(monkeypatch):
    monkeypatch.setitem(demo.MISTAKES, "q1_position_encoding", {"no such text": ""})
    with pytest.raises(demo.DemoError, match="no such text"):
        demo.submission("ben", "q1_positional_encoding.ipynb")
