"""What a worker does, on this machine or on another: it gets one submission as bytes and gives back its record.

Nothing is shared but the installed course, so a worker needs no file of this tree and no gradebook.
"""

from __future__ import annotations

import faulthandler
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from course.grading import pool, retry
from course.grading.retry import Lost
from course.judging import judge
from course.judging.records import Record
from course.judging.session import START_SECONDS
from course.notebook.release import JudgeError, Release
from course.sandbox.limits import Limits
from course.sandbox.sandbox import NoSandbox
from helpers.checks.observe import State

CONNECT = 60  # seconds in which a Dask scheduler must answer; a busy one takes its time
OWN_SECONDS = 360  # for the judge's own work on one submission; what is read has 10 of processor time
_ONE = threading.Lock()  # a Dask worker may have more threads; one process has one notebook at a time


class WrongVersion(RuntimeError):
    """A worker has another version of the course than who sends the work."""


HOPELESS = (JudgeError, NoSandbox, WrongVersion)  # would be the same for every other notebook


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

    @property
    def seconds(self) -> float:
        """That it may take: two kernels, should the first be lost, and the judge's own work."""
        kernel = START_SECONDS + (self.limits or Limits()).notebook_seconds
        return 2 * kernel + OWN_SECONDS

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
        judge.reference(release, folder, task.sandboxed)  # on nobody's time
        with no_longer_than(task.seconds):
            return judge.judge_submission(release, task.data, folder, **how)


@contextmanager
def no_longer_than(seconds: float) -> Iterator[None]:
    """This process is ended, whatever it is at, if the body takes longer: who gave it the work tries elsewhere."""
    faulthandler.dump_traceback_later(seconds, exit=True, file=2)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def given_up(piece: Task, fault: retry.Fault) -> Record | None:
    """The record of a submission that could not be judged; None if that is the machine's fault, or the installation's."""
    error = fault.error
    if fault.deadly:
        minutes = piece.seconds / 60
        what = f"{retry.TRIES} times it ended the process that judged it, or took longer than {minutes:.0f} minutes"
        state = State.KILLED
    elif retry.is_infrastructure(error) or isinstance(error, ImportError):
        return None
    else:
        what = f"Judging it raised {type(error).__name__}: {' '.join(str(error).split())[:400]}"
        state = State.ERROR
    release = _release(piece.part, piece.name, piece.content)
    return judge.given_up(release, piece.data, state, f"{what}.", piece.sandboxed)


def alone(piece: Task, perform: Callable[[Task], Record] = perform) -> Record:
    """One submission, judged as many are: in another process, which it may end. That waits for the next one.

    Raises what is the machine's fault, the release's or the installation's.
    """
    worker = _worker(piece.sandboxed)
    try:
        ((_, result),) = retry.each([piece], worker, lambda it: (perform, it), lambda: 1)
    except BaseException:  # Ctrl-C: it is at work
        worker.stop()
        _worker.cache_clear()
        raise
    if isinstance(result, retry.Fault):
        if isinstance(result.error, HOPELESS) or (record := given_up(piece, result)) is None:
            raise result.error
        return record
    return result


@lru_cache
def _worker(sandboxed: bool) -> pool.Pool:
    pool.ahead(sandboxed)
    return pool.Pool(1, sandboxed)


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
