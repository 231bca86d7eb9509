"""Where the time of judging goes, stage by stage: one process, one notebook after another, warm kernels.

    python -m benchmarks.grade_profile              prints a table of milliseconds a notebook
    python -m benchmarks.grade_profile --out FILE   writes it as JSON, too

Each second belongs to the innermost stage that is open then. The students are those of `benchmarks.grade`.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat

from benchmarks.grade import PART, submissions
from course.base.paths import ROOT
from course.judging import execute, judge, reading, records, sanitise, session
from course.notebook.cells import is_answer
from course.notebook.release import Release
from course.sandbox import prefork, sandbox
from helpers.training import checkpoints

STAGES = {
    "reading": [(reading, "read"), (execute, "untouched")],
    "a folder for the kernel": [(execute.kernel_files, "helpers_for"), (sandbox.Sandbox, "__init__")],
    "start of the kernel": [(session.Session, "__enter__")],
    "observing": [(execute, "ask")],
    "telling": [(execute, "tell")],
    "verdicts": [(judge, "verdict"), (judge, "by_themselves")],
    "what may be shown": [(sanitise, "displayed"), (sanitise, "output")],
    "end of the kernel": [(session.Session, "__exit__"), (sandbox.Sandbox, "__exit__")],
    "keeping the record": [(records, "save")],
}


class Stages:
    """Seconds by stage; what is inside another stage counts for the inner one only."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._open: list[str] = []
        self._since = time.perf_counter()

    def _turn(self) -> None:
        now = time.perf_counter()
        if self._open:
            self.seconds[self._open[-1]] += now - self._since
        self._since = now

    @contextmanager
    def stage(self, name: str):
        self._turn()
        self._open.append(name)
        try:
            yield
        finally:
            self._turn()
            self._open.pop()

    def timed(self, function: Callable, name: str | Callable[..., str]) -> Callable:
        @functools.wraps(function)
        def wrapper(*args: Any, **kw: Any) -> Any:
            with self.stage(name(*args, **kw) if callable(name) else name):
                return function(*args, **kw)

        return wrapper


def watch(stages: Stages, given: set[str]) -> None:
    """Have the course's own functions tell when they begin and end."""
    for name, places in STAGES.items():
        for owner, attribute in places:
            setattr(owner, attribute, stages.timed(getattr(owner, attribute), name))

    def kind(self: Any, source: str, keep: bool = True) -> str:
        inner = stages._open[-1]
        if not keep:
            return inner if inner in ("observing", "telling") else "other requests"
        return "given cells" if source in given else "a student's cells"

    session.Session.cell = stages.timed(session.Session.cell, kind)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--students", type=int, default=6)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    releases = {path.stem: Release.read(path) for path in sorted((ROOT / "solutions" / PART).glob("*.ipynb"))}
    notebooks = submissions(options.students)
    stages = Stages()
    given = {c.source for r in releases.values() for c in r.notebook.cells if not is_answer(c)}
    by_notebook: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for release in releases.values():
            judge.reference(release, folder)  # once a release, on nobody's time
        prefork.folder()
        watch(stages, given)
        for (_, name), nb in notebooks.items():
            begun = time.perf_counter()
            with stages.stage("all the rest"):
                record = judge.judge_submission(releases[name], nbformat.writes(nb).encode(), folder)
                records.save(folder, record)
            by_notebook[name].append(time.perf_counter() - begun)
    count = len(notebooks)
    report = {
        "notebooks": count,
        "milliseconds": {
            name: round(1000 * seconds / count, 1)
            for name, seconds in sorted(stages.seconds.items(), key=lambda it: -it[1])
        },
        "by_notebook": {name: round(1000 * statistics.median(some)) for name, some in by_notebook.items()},
    }
    for name, value in report["milliseconds"].items():
        print(f"{name:28}{value:8.1f} ms a notebook")
    print(f"{'together':28}{sum(report['milliseconds'].values()):8.1f}")
    for name, value in report["by_notebook"].items():
        print(f"{name:28}{value:8} ms")
    if options.out:
        checkpoints.write_json(options.out, report)


if __name__ == "__main__":
    main()
