"""The corpus in one run: `python -m tests.hostile.batch warm|cold [all]`, by whoever runs it.

Prints JSON: who it was, how many entries of each family a kernel ran, and the faults of each that did not get what it
must. Without `all`, of what works on Python and the judge only, and not on the walls, every fifth is left.
"""

import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from course.grading import pool, retry, task
from course.judging import judge
from course.judging.records import Record
from course.sandbox import bubblewrap, prefork
from helpers.checks.observe import State
from tests import hostile
from tests.hostile import answers, environment, forgery, heavy, unusual

FAMILIES = {
    "forgery": forgery,
    "environment": environment,
    "heavy": heavy,
    "answers": answers,
    "unusual": unusual,
}


WALLS = re.compile(
    r"/vit/|/tmp|/dev/|/proc|os\.|open\(|socket|thread|while True|torch\.compile|%%writefile|exit\("
)


def entries(everything: bool) -> Iterator[tuple[str, tuple[str, ...], hostile.Entry]]:
    """Those for which a kernel is started: the name of the family, its exercises, the entry."""
    for name, family in FAMILIES.items():
        started = [e for e in family.ENTRIES if set(e.states.values()) != {State.UNREADABLE}]
        for number, entry in enumerate(started):
            text = f"{entry.before}{entry.after}{entry.answers}"
            if everything or number % 5 == 0 or WALLS.search(text):
                yield name, family.KEYS, entry


def hurried(entry: hostile.Entry, record: Record) -> bool:
    """Whether a busy machine may be to blame: time ran out where it should not, and points are missing."""
    late = any(verdict.state is State.TIMEOUT for verdict in record.verdicts.values())
    return late and State.TIMEOUT not in entry.states.values()


def cold(piece: task.Task) -> Record:
    prefork.folder = lambda: None
    return task.perform(piece)


def run(kind: str, everything: bool, folder: Path) -> dict:
    pieces = []
    for family, keys, entry in entries(everything):
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
                if faults := [str(found)] if fault else hostile.faults(entry, course, found):
                    if jobs == 2 and not fault and hurried(entry, found):
                        again.append(one)
                    else:
                        wrong[f"{family}: {entry}"] = faults
        pieces = again
    failures = prefork._failures
    return {"level": bubblewrap.level(), "kind": kind, "entries": count, "failures": failures, "wrong": wrong}


if __name__ == "__main__":
    if sys.argv[1] == "cold":
        prefork.folder = lambda: None
    with tempfile.TemporaryDirectory() as place:
        print(json.dumps(run(sys.argv[1], "all" in sys.argv[2:], Path(place))))
