"""The doctor's table: what is there, what is not, and what to do about it."""

import io

import pytest
from rich.console import Console
from typer.testing import CliRunner

from course import doctor, walls, warm
from course.__main__ import app
from course.sandbox import Limits


def printed(findings) -> str:
    console = Console(file=io.StringIO(), width=80)
    doctor.show(findings, console)
    return console.file.getvalue()


@pytest.mark.grading
def test_this_machine_can_grade(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 0, done.output
    assert walls.level() in done.output and "Ready to grade" in done.output


def test_a_missing_sandbox_is_named_with_its_fix(monkeypatch):
    why = "bubblewrap is missing: install it (Debian, Ubuntu: sudo apt install bubblewrap)"
    monkeypatch.setattr(walls, "why_not", lambda: why)
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 1
    assert f"sandbox: {why}.\n" in done.output and "Not ready to grade safely" in done.output


def test_a_machine_without_warm_kernels_can_grade(monkeypatch):
    monkeypatch.setattr(walls, "why_not", lambda: "")
    monkeypatch.setattr(warm, "why_not", lambda: "walls inside a sandbox cannot be built here")
    finding = doctor.warm_kernels()
    assert doctor.ready([finding])
    assert "warm kernels: walls inside a sandbox cannot be built here.\n" in printed([finding])


def test_a_missing_command_is_named_with_its_fix(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    finding = doctor.command("alembic")
    assert finding.ok is False and "activate" in finding.fix
    assert not doctor.ready([finding])
    assert "alembic on PATH: " + finding.fix in printed([finding])
    assert doctor.package("no-such-package", "It").fix == "run make setup"


def test_little_memory_is_said_but_does_not_forbid_grading(monkeypatch):
    monkeypatch.setattr(Limits, "memory", 10**15)
    finding = doctor.memory()
    assert doctor.ready([finding])
    if finding.ok is False:  # None on Windows
        assert "one notebook may use 1000000.0 GB" in printed([finding])
