"""Consoles that are not UTF-8: everything is said, with signs that the console knows."""

import io
import os
import shutil
import subprocess
import sys
import zipfile

import pytest

from helpers import console
from tests import notebooks

NARROW = ("ascii", "cp1252", "cp932")
# one process for all: what takes long is to start it
TOGETHER = """
import runpy, sys
for module, *words in PROGRAMS:
    sys.argv = [module, *words]
    sys.modules.pop(module, None)  # as if nothing had imported it
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        print("ended with", end.code or 0)
"""
KOREAN, CHINESE, GERMAN = "김민준", "王小明", "Zoë Müller"


def run(programs, encoding, before="", **environment) -> str:
    """What these programs print on a console of this encoding; nothing may come on stderr."""
    code = f"PROGRAMS = {programs!a}\n{before}\n{TOGETHER}"
    settings = {"PYTHONIOENCODING": encoding, "COLUMNS": "120", "PYTHONPATH": str(notebooks.ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | settings | environment,
        cwd=notebooks.ROOT,
        capture_output=True,
    )
    assert done.stderr == b"", done.stderr.decode(encoding, "replace")
    return done.stdout.decode(encoding)


@pytest.mark.parametrize("encoding", [*NARROW, "utf-8"])
def test_signs_stay_different_and_tables_stay_tables(encoding, monkeypatch):
    screen = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "stderr", None)  # as under pythonw
    console.prepare()
    print(f"{''.join(console.PLAIN)} √ {KOREAN}\udce9|")
    screen.flush()
    said = screen.buffer.getvalue().decode(encoding)
    assert len(set(said[:4])) == 4, "tick, cross, circle and dot"
    if encoding == "ascii":
        assert said == "+xo-~--x''\"\" ? ???????|\n"
    if encoding == "utf-8":
        assert said == f"{''.join(console.PLAIN)} √ {KOREAN}?|\n"


@pytest.mark.parametrize("encoding", NARROW)
def test_what_students_call(encoding, tmp_path):
    notes = tmp_path / ".progress"
    notes.mkdir()
    (notes / "q6_residual_add.json").write_text(
        '{"best": "correct", "last": "correct", "points": 1, "when": 1, "version": 1}'
    )
    (notes / "self_attention.json").write_text("{}")
    programs = [("helpers",), ("helpers.data",), ("helpers.data", "--help")]
    programs += [("helpers.train", "--help")] * (encoding == "ascii")  # it imports torch
    said = run(programs, encoding, before=f"import os; os.chdir({str(tmp_path)!a})", VIT_DATA=str(tmp_path))
    assert "+ done       Q6" in said and ("○" if encoding == "cp932" else "o") + " not begun" in said
    assert "ships with the course" in said and said.count("ended with 0") == len(programs) - 1


@pytest.mark.grading
@pytest.mark.parametrize("encoding", NARROW)
def test_what_staff_call(encoding):
    said = run([("course", "doctor"), ("course", "--help"), ("course", "demo", "9_part–✗")], encoding)
    assert "+  Python" in said and "+- Commands" in said
    assert "There is no part '9_part" in said


@pytest.mark.grading
def test_names_that_the_console_cannot_write_stop_nothing():
    below = "grading/test-console"
    shutil.rmtree(notebooks.ROOT / below, ignore_errors=True)
    (notebooks.ROOT / below).mkdir(parents=True)
    sent = (notebooks.ROOT / "solutions" / "2_build_a_vit" / "q6_residual_block.ipynb").read_bytes()
    with zipfile.ZipFile(notebooks.ROOT / below / "과제.zip", "w") as archive:
        for number, name in enumerate((KOREAN, CHINESE, GERMAN)):
            archive.writestr(f"{name}_{number}_assignsubmission_file_/q6 – ✓.ipynb", sent)
        archive.writestr(f"{KOREAN}_0_assignsubmission_file_/q3.ipynb", "{")
    programs = [
        ("course", "collect", "2_build_a_vit", f"{below}/과제.zip"),
        ("course", "grade", "2_build_a_vit", "--jobs", "1", "--no-sandbox"),
        ("course", "export", "2_build_a_vit", "--to", "csv"),
    ]
    fake = "import functools; from tests import fake_judge; from course.grading import run\n"
    fake += "run.grade = functools.partial(run.grade, perform=fake_judge.perform)"
    said = run(programs, "cp1252", fake, VIT_GRADING=below, VIT_GRADEBOOK="")
    assert "4 files came, 3 will be graded." in said and "3 of 3 students are in the gradebook." in said
    assert "| ??????     | ??????     |" in said and "| Zoë_Müller | Zoë Müller |" in said
    assert "  - ??????: " in said and ": unreadable, " in said and "exported    3" in said
    table = (notebooks.ROOT / below / "export" / "2_build_a_vit" / "grades.csv").read_text("utf-8-sig")
    assert KOREAN in table and CHINESE in table
    shutil.rmtree(notebooks.ROOT / below)
