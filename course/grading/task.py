"""What a worker does, on this machine or on another: it gets one submission as bytes and gives back its record.

Nothing is shared but the installed course, so a worker needs no file of this tree and no gradebook.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from course.grading.retry import Lost
from course.judging import judge
from course.judging.records import Record
from course.notebook.release import Release
from course.sandbox.limits import Limits

CONNECT = 60  # seconds in which a Dask scheduler must answer; a busy one takes its time
_ONE = threading.Lock()  # a Dask worker may have more threads; one process has one notebook at a time


class WrongVersion(RuntimeError):
    """A worker has another version of the course than who sends the work."""


@dataclass(frozen=True)
class Task:
    """One submission."""

    part: str
    name: str
    content: bytes  # of the solution notebook
    data: bytes  # what the student sent
    version: str  # of all that decides (`judge.version_of`)
    sandboxed: bool = True
    limits: Limits | None = None
    folder: Path | None = None  # where what the solutions give is kept; None for the Dask worker's own folder

    @classmethod
    def of(cls, release: Release, data: bytes, sandboxed: bool, folder: Path | None) -> Task:
        version = judge.version_of(release)
        return cls(release.part, release.name, release.content, data, version, sandboxed, None, folder)


def perform(task: Task) -> Record:
    """Raises what `course.judging.judge.judge_submission` does, and WrongVersion."""
    with _ONE:
        release = _release(task.part, task.name, task.content)
        if task.version != judge.version_of(release):
            raise WrongVersion(
                f"A worker on {os.uname().nodename} has another version of the course. Install the same there."
            )
        folder, how = task.folder or _own(), {"limits": task.limits, "sandboxed": task.sandboxed}
        return judge.judge_submission(release, task.data, folder, **how)


def _own() -> Path:
    """The folder of this Dask worker, which Dask removes with it."""
    from distributed import get_worker

    return Path(get_worker().local_directory) / "solutions"


_release = lru_cache(maxsize=64)(Release)


# --- past this machine ----------------------------------------------------------------------------


@contextmanager
def cluster(address: str, say: Callable[[str], None] = print) -> Iterator[tuple[Executor, Callable[[], int]]]:
    """As `local`, on the workers of a Dask scheduler; each has one notebook in work and one that waits.

    Raises Lost if there is no scheduler at this address, or it goes away.
    """
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise Lost(f'There is no Dask here ({error}): pip install "vit-course[cluster]"') from None
    try:
        client = Client(address, set_as_default=False, timeout=CONNECT)
    except (OSError, ValueError) as error:
        raise Lost(f"No Dask scheduler answers at {address} ({error})") from None

    def width() -> int:
        try:
            return max(1, 2 * len(client.nthreads()))
        except (OSError, RuntimeError) as error:
            raise Lost(f"The Dask scheduler {address} is gone ({error})") from None

    with client:
        if not client.nthreads():
            say(f"The Dask scheduler {address} has no workers yet; waiting for them.")
        yield client.get_executor(pure=False), width
