"""What a worker does, on this machine or on another: it gets one submission as bytes and gives back its record.

Nothing is shared but the installed course, so a worker needs no file of this tree and no gradebook.
"""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from joblib import cpu_count

from course import judge, records
from course.many import Lost
from course.records import Record
from course.release import Release
from course.sandbox import Limits

CONNECT = 60  # seconds in which a Dask scheduler must answer; a busy one takes its time
_ONE = threading.Lock()  # a Dask worker may have more threads; one process has one notebook at a time


class WrongVersion(RuntimeError):
    """A worker has another version of the course than who sends the work."""


@dataclass(frozen=True)
class Work:
    """One submission.

    Args:
        content: of the solution notebook.
        data: what the student sent.
        grader: version of the course that decides (`records.grader`).
        folder: where what the solutions give is kept; None for the Dask worker's own folder.
    """

    part: str
    name: str
    content: bytes
    data: bytes
    grader: str
    sandboxed: bool = True
    limits: Limits | None = None
    folder: Path | None = None

    @classmethod
    def of(cls, release: Release, data: bytes, sandboxed: bool, folder: Path | None) -> Work:
        return cls(
            release.part, release.name, release.content, data, records.grader(), sandboxed, None, folder
        )


def judged(work: Work) -> Record:
    """Raises what `course.judge.judged` does, and WrongVersion."""
    with _ONE:
        return _judged(work)


def _judged(work: Work) -> Record:
    if work.grader != records.grader():
        raise WrongVersion(
            f"A worker on {os.uname().nodename} has another version of the course. Install the same there."
        )
    folder = work.folder or _own()
    release = _release(work.part, work.name, work.content)
    return judge.judged(release, work.data, folder, limits=work.limits, sandboxed=work.sandboxed)


def _own() -> Path:
    """The folder of this Dask worker, which Dask removes with it."""
    from distributed import get_worker

    return Path(get_worker().local_directory) / "solutions"


@lru_cache(maxsize=64)
def _release(part: str, name: str, content: bytes) -> Release:
    return Release(part, name, content)


# --- on this machine ------------------------------------------------------------------------------


class Processes(Executor):
    """Processes of this machine, each a pool of its own: one that dies takes nothing with it but its own work.

    `submit` expects that no more is given at once than there are processes.
    """

    def __init__(self, jobs: int) -> None:
        methods = multiprocessing.get_all_start_methods()
        self._context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
        if "forkserver" in methods:
            self._context.set_forkserver_preload([__name__, "torch"])  # imported once, not in each process
        self._pools = [self._pool() for _ in range(jobs)]
        self._idle: SimpleQueue[ProcessPoolExecutor] = SimpleQueue()
        for pool in self._pools:
            self._idle.put(pool)

    def _pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, mp_context=self._context, initializer=_begin)

    def submit(self, fn: Callable, /, *args: Any, **kw: Any) -> Future:
        pool = self._idle.get()  # a result is out a moment before its pool is back
        try:
            future = pool.submit(fn, *args, **kw)
        except concurrent.futures.BrokenExecutor:  # it died while it was idle
            self._pools.remove(pool)
            pool = self._pool()
            self._pools.append(pool)
            future = pool.submit(fn, *args, **kw)
        future.add_done_callback(lambda _: self._idle.put(pool))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        for pool in self._pools:
            pool.shutdown(wait=wait, cancel_futures=cancel_futures)

    def stop(self) -> None:
        """End what is running now; sandboxes are taken down in good order."""
        # Python 3.14 has terminate_workers() for this
        running = [process for pool in self._pools for process in (pool._processes or {}).values()]
        self.shutdown(wait=False, cancel_futures=True)
        for process in running:
            process.terminate()
        for process in running:
            process.join(10)
            process.kill()


def _begin() -> None:
    """In a new process: Ctrl-C is for the coordinator to answer, and without it there is nothing left to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # through the `with` of the sandbox

    def alone() -> None:
        multiprocessing.parent_process().join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
        os._exit(1)

    threading.Thread(target=alone, daemon=True).start()


@contextmanager
def local(jobs: int | None) -> Iterator[tuple[Executor, Callable[[], int]]]:
    """An executor on this machine, and how much it takes at once. As many processes as there are cores, if None."""
    jobs = jobs or cpu_count()
    pool = Processes(jobs)
    try:
        yield pool, lambda: jobs
    finally:
        pool.stop()


# --- past this machine ----------------------------------------------------------------------------


@contextmanager
def cluster(address: str, say: Callable[[str], None] = print) -> Iterator[tuple[Executor, Callable[[], int]]]:
    """As `local`, on the workers of a Dask scheduler; each has one notebook in work and one that waits.

    Raises:
        Lost: if there is no scheduler at this address, or it goes away.
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
