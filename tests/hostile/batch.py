"""The corpus in one run: `python -m tests.hostile.batch warm|cold [PART]`, by whoever runs it.

Prints JSON: who it was, how many entries of each family a kernel ran, the faults of each that did not get what it must,
and those whose time ran out twice, the second time alone and with more of it. With PART, 0 to 7, of what works on the
walls every eighth, and of what works on Python and the judge only every fortieth.
"""

import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from course.grading import pool, retry, task
from course.judging import judge
from course.judging.records import Record
from course.notebook.release import Release
from course.sandbox import bubblewrap, prefork
from helpers.checks.observe import State
from tests import hostile
from tests.hostile import answers, environment, fights, forgery, heavy, unusual

FAMILIES = {
    "forgery": forgery,
    "environment": environment,
    "heavy": heavy,
    "answers": answers,
    "unusual": unusual,
    "fights": fights,
}


WALLS = re.compile(
    r"/vit/|/tmp|/dev/|/proc|os\.|open\(|socket|thread|while True|torch\.compile|%%writefile|exit\("
)


def entries(part: int | None) -> Iterator[tuple[str, tuple[str, ...], hostile.Entry]]:
    """Those for which a kernel is started: the name of the family, its exercises, the entry."""
    for name, family in FAMILIES.items():
        started = [e for e in family.ENTRIES if set(e.states.values()) != {State.UNREADABLE}]
        walls = [e for e in started if WALLS.search(f"{e.before}{e.after}{e.answers}")]
        others = [e for e in started if e not in walls]
        chosen = started if part is None else [*walls[part::8], *others[part::40]]
        yield from ((name, family.KEYS, entry) for entry in chosen)


def hurried(entry: hostile.Entry, course: Release, record: Record) -> bool:
    """Whether a busy machine may be to blame: time ran out where it should not, and nothing was earned by it."""
    earned = {course.tests[test]: verdict.points for test, verdict in record.verdicts.items()}
    if any(
        points > (earned if entry.points is None else entry.points).get(key, 0)
        for key, points in earned.items()
    ):
        return False
    late = {course.tests[test] for test, v in record.verdicts.items() if v.state is State.TIMEOUT}
    return any(entry.states.get(key) is not State.TIMEOUT for key in late)


def patient(piece: task.Task) -> task.Task:
    more = {name: 4 * getattr(piece.limits, name) for name in ("cell_seconds", "notebook_seconds")}
    return replace(piece, limits=replace(piece.limits, **more))


def cold(piece: task.Task) -> Record:
    prefork.folder = lambda: None
    return task.perform(piece)


def run(kind: str, part: int | None, folder: Path) -> dict:
    pieces = []
    for family, keys, entry in entries(part):
        course = hostile.release(*keys)
        judge.reference(course, folder)
        data, version = hostile.submission(entry, course), judge.version_of(course)
        piece = task.Task(course.part, course.name, course.content, data, version, True, entry.limits, folder)
        pieces.append((family, entry, course, piece))
    count, wrong, again = Counter(family for family, *_ in pieces), {}, []
    perform = task.perform if kind == "warm" else cold
    for jobs in (2, 1):
        with pool.local(jobs) as (executor, width):
            for one, found in retry.each(pieces, executor, lambda it: (perform, it[-1]), width):
                family, entry, course, _ = one
                fault = isinstance(found, retry.Fault)
                faults = [str(found)] if fault else hostile.faults(entry, course, found)
                if faults and not fault and hurried(entry, course, found):
                    again.append((family, entry, course, patient(one[-1])))
                elif faults:
                    wrong[f"{family}: {entry}"] = faults
        pieces, again = again, []
    late = [f"{family}: {entry}" for family, entry, *_ in pieces]
    return {"level": bubblewrap.level(), "kind": kind, "entries": count, "late": late, "wrong": wrong}


if __name__ == "__main__":
    if sys.argv[1] == "cold":
        prefork.folder = lambda: None
    with tempfile.TemporaryDirectory() as place:
        print(json.dumps(run(sys.argv[1], int(sys.argv[2]) if sys.argv[2:] else None, Path(place))))
