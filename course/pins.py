"""The pins: one file of versions for every Python and system that the course runs on.

uv resolves for all of them at once; `check` has it resolve again for each one with these pins, without installing.
"""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from course.base.paths import ROOT
from helpers.files import write

PINS = ROOT / "constraints.txt"
OLDEST = "3.10"
# Python's own versions of Debian, Ubuntu and python.org's first ones: some packages need a later patch release.
WHERE = [(python, "linux") for python in ("3.10.0", "3.11.0", "3.11.2", "3.12.0", "3.13.0", "3.14.0")]
WHERE += [("3.14.0", "macos"), ("3.14.0", "windows")]
HEAD = """\
# Versions that go together, for Python 3.10 to 3.14 on Linux, macOS (14, Apple silicon) and Windows: `make pins` writes
# this file, from pyproject.toml.
"""


class PinsError(Exception):
    """The pins cannot be made, or do not hold; the text says why."""


def compile_(*words: str) -> str:
    """What `uv pip compile` gives for everything in pyproject.toml. Raises PinsError with what uv said."""
    command = ["uv", "pip", "compile", "--quiet", "--no-annotate", "--no-header", "--extra=dev", *words]
    # macOS 14 is the oldest that PyTorch has wheels for; uv takes 13 if it is not told
    env = {"UV_PYTHON_DOWNLOADS": "never", "UV_SYSTEM_CERTS": "1", "MACOSX_DEPLOYMENT_TARGET": "14.0"}
    env |= os.environ
    done = subprocess.run([*command, "pyproject.toml"], cwd=ROOT, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise PinsError(done.stderr.strip())
    return done.stdout


def renew() -> Path:
    """Write the pins anew, the newest versions that there are."""
    pins = compile_("--universal", "--upgrade", f"--python-version={OLDEST}")
    write(PINS, (HEAD + pins).encode())
    return PINS


def check() -> list[str]:
    """What is wrong with them, one line for each Python and system; nothing if they hold everywhere."""
    text = PINS.read_text("utf-8")
    pins = {line.split(";")[0].strip() for line in text.splitlines()}

    def one(where: tuple[str, str]) -> str:
        python, system = where
        try:
            found = compile_("-c", str(PINS), f"--python-version={python}", f"--python-platform={system}")
        except PinsError as error:
            return f"Python {python} on {system}: {error}"
        free = sorted(set(found.split()) - pins)
        return f"Python {python} on {system}: not pinned: {', '.join(free)}" if free else ""

    with ThreadPoolExecutor(len(WHERE)) as pool:
        wrong = [line for line in pool.map(one, WHERE) if line]
    return wrong + [f"an address stands in it: {line}" for line in text.splitlines() if "://" in line]
