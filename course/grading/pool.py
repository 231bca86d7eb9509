"""The processes of this machine that work is done in.

Imports are few, so that `ahead` can start what takes seconds while its caller imports as much.
"""

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
from queue import SimpleQueue
from typing import Any

from joblib import cpu_count

from course.sandbox import prefork

METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"


def ahead(sandboxed: bool) -> None:
    """Start what these processes, and the kernels of all of them, come from."""
    if sandboxed:
        prefork.folder()
    if METHOD == "forkserver":
        from multiprocessing import forkserver

        # imported once, not in each process: torch for the exercises, and what its first gradient imports
        forkserver.set_forkserver_preload(["course.grading.task", "torch.fx.experimental.symbolic_shapes"])
        forkserver.ensure_running()


class Pool(Executor):
    """Pool of this machine, each a pool of its own: one that dies takes nothing with it but its own work.

    `submit` expects that no more is given at once than there are processes.
    """

    def __init__(self, jobs: int, sandboxed: bool = True) -> None:
        self._context = multiprocessing.get_context(METHOD)
        self._lent = prefork.lend() if sandboxed else None
        self._pools = [self._pool() for _ in range(jobs)]
        self._idle: SimpleQueue[ProcessPoolExecutor] = SimpleQueue()
        for pool in self._pools:
            self._idle.put(pool)

    def _pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, mp_context=self._context, initializer=_begin, initargs=(self._lent,))

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
        # first: told by `shutdown` they would end, too, and the signal meet what Python 3.13 and later do at their end
        for process in running:
            process.terminate()
        self.shutdown(wait=False, cancel_futures=True)
        for process in running:
            process.join(10)
            process.kill()


def _begin(lent: prefork.Lent | None) -> None:
    """In a new process: Ctrl-C is for the coordinator to answer, and without it there is nothing left to do."""
    prefork.borrow(lent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # through the `with` of the sandbox

    def alone() -> None:
        multiprocessing.parent_process().join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
        os._exit(1)

    threading.Thread(target=alone, daemon=True).start()


@contextmanager
def local(jobs: int | None, sandboxed: bool = True) -> Iterator[tuple[Executor, Callable[[], int]]]:
    """An executor on this machine, and how much it takes at once. As many processes as there are cores, if None."""
    jobs = jobs or cpu_count()
    pool = Pool(jobs, sandboxed)
    try:
        yield pool, lambda: jobs
    finally:
        pool.stop()
