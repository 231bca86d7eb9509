"""What this machine offers for grading, and what to install: `python -m course doctor`."""

import dataclasses
import functools
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from course.authoring import badges
from course.base import paths
from course.judging.session import Dead, NoKernel, Session
from course.sandbox import bubblewrap, prefork
from course.sandbox.limits import Limits
from course.sandbox.lockdown import PRELOADED
from course.sandbox.sandbox import NoSandbox, Sandbox

GB = 10**9


@dataclasses.dataclass(frozen=True)
class Finding:
    """One line of the table. `ok` is None for what is good to know but nothing to mend."""

    what: str
    found: str
    ok: bool | None = True
    fix: str = ""
    needed: bool = True  # False: grading works without, only slower or on fewer notebooks


def examine() -> list[Finding]:
    """Everything that grading depends on, most basic first. A kernel imports PyTorch: some seconds."""
    packages = [package("torch", "PyTorch"), package("nbgrader", "nbgrader")]
    programs = [command("nbgrader"), command("alembic")]
    kernels = [folder(), containment(), warm_kernels()]
    return [python(), *packages, *programs, *kernels, cores(), memory(), disk(), gpu(), one_click()]


def python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    ok = sys.version_info >= (3, 10)
    return Finding("Python", version, ok, "" if ok else "install Python 3.10 or newer")


def package(name: str, title: str) -> Finding:
    try:
        return Finding(title, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Finding(title, "missing", False, "run make setup")


def command(name: str) -> Finding:
    """nbgrader starts `alembic` (and CI `nbgrader`) by name: it must be on the path."""
    if found := shutil.which(name):
        return Finding(f"{name} on PATH", found)
    folder = Path(sys.executable).parent
    fix = f"source {folder}/activate" if (folder / name).exists() else "run make setup, then activate .venv"
    return Finding(f"{name} on PATH", "missing", False, fix)


def folder() -> Finding:
    """Where nbgrader works and writes."""
    if why := paths.bracketed():
        return Finding("course folder", str(paths.ROOT), False, why)
    there = paths.grading()
    if not os.access(next(path for path in (there, *there.parents) if path.exists()), os.W_OK):
        fix = f"grading writes to {there}, which you may not: copy the course to a folder of yours"
        return Finding("course folder", f"read-only: {paths.ROOT}", False, fix)
    return Finding("course folder", str(paths.ROOT))


@functools.cache
def kernel(warmed: bool) -> str:
    """What keeps a kernel in its sandbox from importing what each notebook imports; "" if nothing does."""
    with tempfile.TemporaryDirectory() as place:
        try:
            with Sandbox(Path(place), warmed=warmed) as box, Session(box, box.limits) as session:
                if warmed and not box.warm:
                    return box.last_words() or "no kernel could be forked"
                outputs, state = session.cell("\n".join(f"import {name}" for name in ("helpers", *PRELOADED)))
        except (NoKernel, Dead, NoSandbox) as error:
            return str(error).removesuffix(".")
    errors = [f"{output.ename}: {output.evalue}" for output in outputs if output.output_type == "error"]
    return errors[0] if errors else state.value if state else ""


def containment() -> Finding:
    if not (why := bubblewrap.why_not()):
        # a warm one that works has the same walls
        if (prefork.why_not() or kernel(warmed=True)) and (said := kernel(warmed=False)):
            fix = f"a kernel in it does not work ({said}): run make setup in a folder such as your home's"
            return Finding("sandbox", "none: no notebook could be run", False, fix)
        return Finding("sandbox", bubblewrap.level())
    return Finding("sandbox", "none: student code could do all that you can", False, why)


def warm_kernels() -> Finding:
    """They save each notebook the import of PyTorch."""
    if not (why := prefork.why_not() or kernel(warmed=True)):
        return Finding("warm kernels", "yes")
    fix = "" if bubblewrap.why_not() else why
    return Finding("warm kernels", "no, grading is slower", False, fix, needed=False)


def cores() -> Finding:
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Finding("processor cores", str(count), None)


def memory() -> Finding:
    """Of the whole machine; a container may be given less."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows
        return Finding("memory", "unknown", None)
    limit = Limits.memory
    ok = total > limit
    fix = "" if ok else f"one notebook may use {limit / GB:.1f} GB: grade on a larger machine"
    return Finding("memory", f"{total / GB:.1f} GB", ok, fix, needed=False)


def disk() -> Finding:
    free = shutil.disk_usage(paths.ROOT).free
    fix = "" if free > GB else "grading/ may need 1 GB: make room"
    return Finding("free disk", f"{free / GB:.1f} GB", free > GB, fix, needed=False)


def gpu() -> Finding:
    """By nvidia-smi: asking torch takes seconds."""
    if not shutil.which("nvidia-smi"):
        return Finding("GPU", "none (nothing here needs one)", None)
    asked = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        said = subprocess.run(asked, capture_output=True, text=True, timeout=20, check=False)
        why = (said.stdout + said.stderr).strip().replace("\n", " ") or f"exit code {said.returncode}"
        if said.returncode == 0 and said.stdout.strip():
            return Finding("GPU", said.stdout.strip().replace("\n", ", "), None)
    except (OSError, subprocess.TimeoutExpired) as error:
        why = str(error)
    return Finding("GPU", f"none (nvidia-smi: {why})", None)


def one_click() -> Finding:
    """Grading needs none of them."""
    found = f"{badges.slug()} {badges.tag()}"
    return Finding("one click opens", found, None, ". ".join(badges.elsewhere()), needed=False)


def ready(findings: list[Finding]) -> bool:
    """Whether grading can be done safely."""
    return all(finding.ok is not False for finding in findings if finding.needed)


def show(findings: list[Finding], console: Console | None = None) -> None:
    """Print the table, then each fix in a line of its own, so that it can be copied."""
    console = console or Console()
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        sign = {True: "[green]✓[/]", False: "[red]✗[/]", None: " "}[finding.ok]
        table.add_row(sign, finding.what, escape(finding.found))
    console.print(table)
    for finding in findings:
        if finding.fix:
            console.print(f"{finding.what}: {finding.fix}.", markup=False, highlight=False, soft_wrap=True)
    if ready(findings):
        console.print("Ready to grade: student code is contained.")
    else:
        console.print("Not ready to grade safely: mend the lines above.")
