"""`python -m course try`: what a notebook would get, and why, and no trace of it."""

import nbformat
import pytest
from typer.testing import CliRunner

from course.__main__ import app
from course.base.paths import ROOT
from course.sandbox import bubblewrap
from tests import notebooks

PART, NAME = "2_build_a_vit", "q2_patch_embedding"
WARMUP, KEY = "q2_rearrange_warmup", "q2_patch_embedding"

pytestmark = [pytest.mark.grading, pytest.mark.needs("sandbox")]


@pytest.fixture
def command(tmp_path, monkeypatch):
    """command(word, ...) -> exit code and all that `python -m course try word ...` says"""

    def run(*words):
        monkeypatch.setenv("VIT_GRADING", str(tmp_path / "grading"))
        done = CliRunner().invoke(app, ["try", *map(str, words)])
        return done.exit_code, done.output + (str(done.exception) if done.exit_code == 1 else "")

    return run


def test_each_question_of_a_students_notebook_and_nothing_is_recorded(command, tmp_path):
    nb = notebooks.read(ROOT / "solutions" / PART / f"{NAME}.ipynb")
    cell = notebooks.cell_of(nb, KEY)
    cell.source = f"print('hello', '\\x1b[2J')\n{cell.source}".replace("p1 p2 c", "p2 p1 q")
    path = tmp_path / "grading" / "submitted" / "ada" / PART / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(nbformat.writes(nb), "utf-8")
    before = path.read_bytes()

    code, said = command("q2", "--student", "ada")
    assert code == 0, said
    assert said.splitlines()[0] == f"{PART}/{NAME}: 3 of 4 points. Nothing was recorded."
    first, second = said.split(f"--- {KEY}")
    assert f"--- {WARMUP}\n✓ correct: " in first and "1 of 1 point" in first
    assert "✗ error in your code: PatchEmbedding · 2 of 3 points" in second and "Line " in second
    assert "hello" in second and "\x1b" not in said
    assert path.read_bytes() == before
    found = {p.name.split("-")[0] for p in (tmp_path / "grading").rglob("*") if p.is_file()}
    assert found == {f"{NAME}.ipynb", "reference"}, "no record, and no gradebook"

    code, only = command(path, KEY)
    assert code == 0 and f"--- {WARMUP}" not in only
    assert only.split(f"--- {KEY}")[1] == second


def test_what_was_not_run_is_named(command):
    code, said = command(ROOT / "tests" / "cases" / "q6_package_of_their_own_on_top.ipynb")
    line = "Line 1, `import torchinfo`, was not run for grading (ModuleNotFoundError: No module named 'torchinfo')"
    assert code == 0 and f"  Look at this: q6_residual_add: {line}" in said
    assert "✓ correct: ResidualAdd · 1 of 1 point" in said and said.count(line) == 2
    assert "Mended: a given cell was deleted; it is back (" in said


@pytest.mark.parametrize(
    "words, why",
    [
        (
            ["nope.ipynb"],
            "nope.ipynb is no notebook of the course by its name. Call it one of self_attention, ",
        ),
        (["q2", "--student", "nobody"], f"There is no file .*nobody/{PART}/{NAME}.ipynb"),
        (["q2.ipynb"], "There is no file q2.ipynb. Or say whose it is: --student ID"),
        ([f"notebooks/{PART}/{NAME}.ipynb", "q9"], f"{NAME} has no question 'q9'; it has {WARMUP}, {KEY}."),
    ],
)
def test_what_cannot_be_tried_is_said(command, monkeypatch, words, why):
    monkeypatch.chdir(ROOT)
    code, said = command(*words)
    assert code == 1
    assert all(part in said for part in why.split(".*")), said


@pytest.mark.parametrize(
    "words, why",
    [
        (["q2", "--student", "adda"], f"adda/{PART}/{NAME}.ipynb. Did you mean ada (Ada Lovelace)?"),
        (["q2", "--student", "Ada Lovelace"], "Did you mean ada (Ada Lovelace)?"),
        (["q1", "--student", "ada"], f"q1_positional_encoding.ipynb. ada has handed in {NAME}."),
    ],
)
def test_who_may_be_meant_is_said(command, tmp_path, words, why):
    path = tmp_path / "grading" / "submitted" / "ada" / PART / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True)
    path.touch()
    (tmp_path / "grading" / "roster.csv").write_text("id,first_name,last_name\nada,Ada,Lovelace\n")
    code, said = command(*words)
    assert code == 1 and why in said


def test_without_a_sandbox_it_is_refused(command, monkeypatch):
    monkeypatch.setattr(bubblewrap, "why_not", lambda: "bubblewrap is missing: install it")
    code, said = command(ROOT / "notebooks" / PART / f"{NAME}.ipynb")
    assert code == 1 and "Nothing was run, because bubblewrap is missing" in said
