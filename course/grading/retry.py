"""Many pieces of work on an executor: what fails through a machine's fault is tried again, nothing else is.

A piece that ends its worker each time is given up (`Fault.deadly`), so nothing is tried for ever.

Any `concurrent.futures.Executor` will do. Who was at work when a worker died may have killed it or be a neighbour of
who did; it is tried again when everything else is done, and alone, so that no work is blamed for another's fault.
"""

import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from course.judging.session import NoKernel
from course.sandbox.sandbox import NoSandbox

TRIES = 3  # the first included
LOOK = 0.5  # seconds between looks at `stop`

T = TypeVar("T")


@dataclass(frozen=True)
class Fault:
    """Task without a result."""

    error: BaseException

    @property
    def deadly(self) -> bool:
        """Whether its worker died each time, the last times with nothing else at work."""
        return isinstance(self.error, BrokenExecutor | SystemExit) or _killed(self.error)

    def __str__(self) -> str:
        said = " ".join(str(self.error).split()) or type(self.error).__name__
        if is_infrastructure(self.error):
            return f"{said} (tried {TRIES} times)"
        return said


def is_infrastructure(error: BaseException) -> bool:
    """Whether another try may do better: a worker died, no kernel came up, a disk of a worker's was full."""
    # a worker that is ended raises the last
    faults = (BrokenExecutor, NoKernel, NoSandbox, OSError, SystemExit)
    return isinstance(error, faults) or _killed(error)


def _killed(error: BaseException) -> bool:
    """Dask's KilledWorker, by its name: Dask need not be installed."""
    return "KilledWorker" in {cls.__name__ for cls in type(error).__mro__}


class Lost(RuntimeError):
    """The executor dropped what it had been given; whoever runs it is gone."""


def each(
    todo: Iterable[T],
    executor: Executor,
    work: Callable[[T], tuple[Callable, Any]],
    width: Callable[[], int],
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[T, Any]]:
    """Every piece with its result or its Fault, as they come; `todo` is drawn from as there is room.

    Args:
        work: gives a piece's function and argument, to be called by the executor.
        width: how many may be given to the executor at once.
        stop: asked often; once it says so, nothing new begins and what runs is not waited for.

    Raises:
        Lost: if the executor cancels work.
    """
    left, again = iter(todo), deque()
    running: dict[Any, tuple[T, int]] = {}
    drained = False

    def begin(piece: T, tries: int) -> None:
        try:
            running[executor.submit(*work(piece))] = (piece, tries)
        except (RuntimeError, EOFError, OSError) as error:  # it is shut down, or was killed
            raise Lost(f"The workers are gone ({error})") from error

    while not stop():
        while not drained and len(running) < width() and not stop():
            try:
                piece = next(left)
            except StopIteration:
                drained = True
            else:
                begin(piece, 1)
        if drained and not running:
            if not again:
                return
            begin(*again.popleft())
        for future in wait(running, LOOK, FIRST_COMPLETED).done:
            piece, tries = running.pop(future)
            try:
                result = future.result()
            except CancelledError as error:
                raise Lost("The workers are gone") from error
            except (Exception, SystemExit) as error:
                if is_infrastructure(error) and tries < TRIES:
                    again.append((piece, tries + 1))
                    continue
                result = Fault(error)
            yield piece, result


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """While it lasts, Ctrl-C and SIGTERM are noted, to be asked for; a second one interrupts as usual."""
    asked = threading.Event()

    def note(number: int, frame: Any) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
