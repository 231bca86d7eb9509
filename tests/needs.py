"""What some tests need and a machine may lack. Without it they are skipped, and the run's end says what to install.

    @pytest.mark.needs("sandbox")  # on a test, or need("sandbox") in what it uses

With VIT_TEST_ALL=1, as in CI, nothing is skipped on Linux: such a test fails with the same sentence.
"""

import os
import shutil
import socket
import sys
from collections import Counter
from functools import cache

import pytest

from course.sandbox import bubblewrap, prefork

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def browser() -> str | None:
    """Path of the system's Chromium or Chrome."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def postgres() -> str:
    from tests.postgres import programs

    return "" if programs() else 'sudo apt install postgresql, or pip install -e ".[dev]"'


def loopback() -> str:
    """Machines without any network may lack the one to themselves, too."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        try:
            socket.create_connection(server.getsockname()).close()
        except OSError:
            return "sudo ip link set lo up"
    return ""


# How it is called, and what to do about it: "" where it is there.
THINGS = {
    "sandbox": ("a sandbox", bubblewrap.why_not),
    "warm kernels": ("warm kernels", prefork.why_not),
    "loopback": ("the network address 127.0.0.1", loopback),
    "browser": ("a browser", lambda: "" if browser() else "sudo apt install chromium"),
    "PostgreSQL": ("a PostgreSQL server", postgres),
}


@cache
def lacking(thing: str) -> str:
    """What to do about a thing that this machine lacks, as the end of a sentence; "" if it is there."""
    name, cure = THINGS[thing]
    return f"need {name}: {said}" if (said := cure()) else ""


def all_of_them() -> bool:
    """Whether no test may be skipped here."""
    return os.environ.get("VIT_TEST_ALL") == "1" and sys.platform == "linux"


def need(*things: str) -> None:
    """Skip this test if one of them is missing, or fail it."""
    for said in filter(None, map(lacking, things)):
        if all_of_them():
            pytest.fail(f"Tests {said}", pytrace=False)
        pytest.skip(said)


def not_run(skipped: list[pytest.TestReport]) -> list[str]:
    """A line for each reason why tests were skipped."""
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    lines = []
    for reason, count in reasons.most_common():
        needs = reason.startswith("need ")
        tests = "1 test" if count == 1 else f"{count} tests"
        reason = reason.replace("need", "needs", 1) if needs and count == 1 else reason
        lines.append(f"Not run: {tests}{' ' if needs else ': '}{reason.rstrip('.')}.")
    return lines
