"""Grading without kernels, for tests of who does what and when: a judge that reads its verdict from the file.

A submission's metadata may hold `fake`: points (of each exercise), seconds to take, `once` (a path: the worker that
comes there first kills itself), `always` (it kills itself every time), `hangs` (longer than it may), `fails` (a text to raise),
`raises` (a text that is no fault of the machine).
`python -c "from tests import fake_judge; fake_judge.main()" PART [jobs]` is the command with this judge.
"""

import contextlib
import json
import os
import re
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from course.base.text import digest
from course.grading import task
from course.judging import judge, reading
from course.judging.records import Record
from course.judging.session import NoKernel
from course.sandbox.limits import Limits
from helpers import exercises
from helpers.checks.judge import nothing
from helpers.checks.observe import State


def perform(piece: task.Task) -> Record:
    release = task._release(piece.part, piece.name, piece.content)
    found = reading.read(release, piece.data)
    nb, unreadable = found.nb, found.unreadable
    says = {}
    with contextlib.suppress(ValueError, KeyError):
        says = json.loads(piece.data)["metadata"]["fake"]
    time.sleep(says.get("seconds", 0))
    if says.get("always"):
        os.kill(os.getpid(), signal.SIGKILL)
    with contextlib.suppress(FileExistsError):
        if says.get("once"):
            Path(says["once"]).touch(exist_ok=False)
            os.kill(os.getpid(), signal.SIGKILL)
    if says.get("hangs"):
        with task.no_longer_than(0.5):
            re.match(r"(a|a)*b", "a" * 60)  # where no other thread of Python's runs
    if says.get("raises"):
        raise ValueError(says["raises"])
    if says.get("fails"):
        raise NoKernel(says["fails"])
    if says.get("pid"):
        Path(says["pid"]).write_text(str(os.getpid()))
    state = State.UNREADABLE if unreadable else State.CORRECT if says.get("points", 1) else State.INCORRECT
    points = 0.0 if unreadable else float(says.get("points", 1))
    marks = {
        test: replace(nothing(exercises.load(key), state, [unreadable]), points=points)
        for test, key in release.tests.items()
    }
    return Record(
        key=judge.key_of(release, piece.data, piece.sandboxed),
        part=release.part,
        notebook=release.name,
        submission=digest(piece.data),
        release=release.digest,
        version=judge.version_of(release),
        level="none",
        verdicts=marks,
        content=nb,
        attention=tuple(says.get("attention", ())),
    )


def impatient(piece: task.Task) -> Record:
    """The real judge, with little patience for endless loops."""
    short = Limits(cell_seconds=5, notebook_seconds=60) if b"while True" in piece.data else None
    return task.perform(replace(piece, limits=short))


def main() -> None:
    from course.grading import pool, run
    from course.grading.gradebook import GradeError

    pool.ahead(False)  # as `python -m course grade` does

    part, jobs = sys.argv[1], int((sys.argv[2:] or ["2"])[0])
    try:
        well = run.grade(part, sandboxed=False, jobs=jobs, perform=perform)
    except GradeError as error:
        raise SystemExit(str(error)) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    raise SystemExit(0 if well else 1)
