"""Records: what became of one submission, in one small file each, so that nothing is done twice and nothing is lost.

A record is written under the hash of all that it depends on: submission, release, the code that judges, the exercises,
the versions of the libraries that compute, and isolation. So a record is written again only by who asks for it (`grade --force`);
what it said before, if that was another verdict, stays in earlier/ beside it.
"""

import importlib.metadata
import json
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any

from course.base.text import digest
from helpers import exercises
from helpers.checks.differences import Differences
from helpers.checks.observe import State
from helpers.checks.verdict import Mark, Verdict
from helpers.files import write

EARLIER = 5  # verdicts kept of one key: what a regrade changed is asked soon after it
LIBRARIES = ("torch", "numpy", "einops")  # what computes expected values and observations
# What decides nothing in the rooms that decide: how a verdict looks, and weights that only cells below the last question load.
DECIDE_NOTHING = {"render.py", "draw.py", "timm_weights.py"}
# A submission is what its worst exercise is.
WORST_FIRST = (
    State.UNREADABLE, State.KILLED, State.MEMORY, State.TIMEOUT, State.ERROR, State.INCORRECT, State.NOT_ATTEMPTED,
    State.CORRECT,
)  # fmt: skip


@dataclass(frozen=True)
class Record:
    """One notebook of one student, judged."""

    key: str
    part: str
    notebook: str
    submission: str  # sha256 of the student's file
    release: str  # and of the solution that it was judged by
    version: str  # of all that decides (`version`)
    level: str  # how the student's code was isolated, from `course.sandbox.sandbox`
    verdicts: dict[str, Verdict]  # by the grade_id of the test cell
    # the notebook as it was rebuilt and run, in nbformat's JSON, without the verdicts
    content: dict[str, Any]
    repairs: tuple[str, ...] = ()  # what was mended before it was run, one sentence each
    attention: tuple[str, ...] = ()  # why a person should look at it; empty for most
    judged: str = field(default="", compare=False)  # when, in UTC and ISO 8601; `save` says it

    @property
    def state(self) -> State:
        """The verdict on the whole notebook."""
        states = {verdict.state for verdict in self.verdicts.values()}
        if states == {State.NOT_ATTEMPTED, State.CORRECT}:
            return State.INCORRECT  # some of it
        return next((state for state in WORST_FIRST if state in states), State.CORRECT)

    @property
    def points(self) -> float:
        return round(sum(verdict.points for verdict in self.verdicts.values()), 4)


@lru_cache
def version(keys: tuple[str, ...]) -> str:
    """Of all that decides on these exercises: the code that judges, the exercises, and what computes."""
    course, helpers = Path(__file__).resolve().parents[1], Path(exercises.__file__).resolve().parents[1]
    rooms = [course / "judging", course / "notebook", course / "sandbox", helpers / "checks", helpers / "vit"]
    files = [path for room in rooms for path in sorted(room.rglob("*.py")) if path.name not in DECIDE_NOTHING]
    files += [course / "base" / name for name in ("bounded.py", "text.py")]
    keys = ("__init__", *keys)
    files += [helpers / kind / f"{key}.py" for key in keys for kind in ("exercises", "observers")]
    return digest(*(path.read_bytes() for path in files), *map(importlib.metadata.version, LIBRARIES))


def dump(record: Record) -> bytes:
    content = {**asdict(record), "state": record.state.name, "points": record.points}
    return json.dumps(content, indent=1).encode()


def digest_of(record: Record) -> str:
    """Of what was judged, whenever that was."""
    return digest(dump(replace(record, judged="")))


def save(folder: Path, record: Record) -> Path:
    """Write it, with the time; one of this key that says otherwise goes to earlier/."""
    path = folder / f"{record.key}.json"
    if (before := read(path)) and before.verdicts != record.verdicts:
        old = folder / "earlier"
        write(old / f"{record.key}-{before.judged.replace(':', '')}.json", path.read_bytes())
        for one in sorted(old.glob(f"{record.key}-*.json"))[:-EARLIER]:
            one.unlink(missing_ok=True)
    now = datetime.now(timezone.utc).isoformat(timespec="microseconds")
    write(path, dump(replace(record, judged=record.judged or now)))
    return path


def read(path: Path) -> Record | None:
    """The record in this file; None if there is none, or it is damaged."""
    try:
        content = json.loads(path.read_bytes())
        del content["state"], content["points"]
        content["verdicts"] = {name: _verdict(**found) for name, found in content["verdicts"].items()}
        content |= {name: tuple(content[name]) for name in ("repairs", "attention")}
        record = Record(**content)
        when = record.judged and datetime.fromisoformat(record.judged)
        written = datetime.fromtimestamp(path.stat().st_mtime, timezone.utc)  # records of older versions
        return replace(record, judged=(when or written).isoformat(timespec="microseconds"))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_older(path: Path) -> bool:
    """Whether this file, of which `read` makes no record, is whole: other versions of the course gave it other fields."""
    try:
        content = json.loads(path.read_bytes())
        return bool(content["verdicts"]) and path.stem.startswith(content["key"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def load(folder: Path, key: str) -> Record | None:
    """The record of this key; None if there is none, or what is there is damaged."""
    record = read(folder / f"{key}.json")
    return record if record and record.key == key else None


def _verdict(state: str, lines: list, parts: list, misconceptions: list, pictures: list, **rest) -> Verdict:
    return Verdict(
        state=State(state),
        lines=tuple(lines),
        parts=tuple(_mark(*part) for part in parts),
        misconceptions=tuple(misconceptions),
        pictures=tuple(_picture(**picture) for picture in pictures),
        **rest,
    )


def _mark(state: str, label: str, points: float, most: float, said: list, misconceptions: list) -> Mark:
    return Mark(State(state), label, points, most, tuple(said), tuple(misconceptions))


def _picture(shape: list, rows: list, values: list, **rest: Any) -> Differences:
    tables = tuple(tuple(tuple(row) for row in table) for table in values)
    return Differences(shape=tuple(shape), rows=tuple(rows), values=tables, **rest)
