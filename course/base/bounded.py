"""Work on what somebody else wrote, in a process that may be ended: so much processor time, so much memory, no more.

    try:
        notebook = bounded.call(rebuild, release, data)
    except bounded.TooMuch as error:
        ...  # f"The file {error}."

The process is started once and waits for the next piece of work. It is ended by the system, not by itself: whatever a
parser meets (a quadratic loop, a deep nesting, a crash in C), who asked goes on. Windows has no such limits; there the
clock alone counts.
"""

import atexit
import importlib
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

SECONDS = 10  # of processor time for one piece of work; an honest notebook is read in 0.05
WALL = 30  # times as long by the clock, on a machine that does much else
MEMORY = 1_500_000_000  # bytes; an honest notebook takes 60 MB, one of the largest size that is read 700 MB
GROWN = 400_000_000  # bytes after which the process is replaced: what it has kept would be missing for the next piece

_lock = threading.RLock()
_process: subprocess.Popen | None = None
_spent = 0.0


def spent() -> float:
    """Seconds of processor time that all pieces of work so far have taken."""
    return _spent


class TooMuch(Exception):
    """No result: the work needed too much, or ended its process. The text is a phrase after "the file"."""


def call(function: Callable, *arguments: Any, seconds: int = SECONDS) -> Any:
    """`function(*arguments)`, which must be a module's, called in the other process.

    Raises:
        TooMuch: if it needs more than `seconds` of processor time, or more than MEMORY.
        OSError: if the machine has no room for another process.
        Exception: what the function raises.
    """
    global _spent
    work = (function.__module__, function.__qualname__, arguments, seconds)
    with _lock:
        process = _started()
        clock = threading.Timer(WALL * seconds, process.kill)
        clock.start()
        try:
            pickle.dump(work, process.stdin, pickle.HIGHEST_PROTOCOL)
            process.stdin.flush()
            raised, result, used, grown = pickle.load(process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError):
            process.wait()
            close()
            _spent += seconds
            raise TooMuch(f"takes more than {seconds} seconds of processor time to read") from None
        finally:
            clock.cancel()
            clock.join()
        _spent += used
        if grown:
            close()
    if isinstance(result, MemoryError):
        raise TooMuch(f"takes more than {MEMORY / 1e6:,.0f} MB of memory to read")
    if raised:
        raise result
    return result


def _started() -> subprocess.Popen:
    global _process
    if _process is not None and _process.poll() is not None:
        close()
    if _process is None:
        here = str(Path(__file__).resolve().parents[2])
        places = os.pathsep.join([here, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        # one thread: each would claim memory of its own; a session of its own: Ctrl-C is not for it
        environment = {
            **os.environ,
            "PYTHONPATH": places,
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "start_new_session": True}
        _process = subprocess.Popen([sys.executable, "-m", __name__], env=environment, **pipes)
    return _process


def close() -> None:
    """End the process. It comes again when it is needed."""
    global _process
    with _lock:
        if _process is not None:
            _process.kill()
            _process.wait()
            for pipe in (_process.stdin, _process.stdout):
                try:
                    pipe.close()
                except OSError:  # what was not sent yet
                    pass
        _process = None


def _forget() -> None:
    """A forked process starts its own."""
    global _process, _lock
    _lock, _process = threading.RLock(), None


atexit.register(close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


# --- in the other process -------------------------------------------------------------------------


def serve(asked: BinaryIO, answers: BinaryIO) -> None:
    """Until nobody asks any more, which is also when who asked has died."""
    while True:
        try:
            module, name, arguments, seconds = pickle.load(asked)
        except EOFError:
            return
        _limit(seconds)
        begun = time.process_time()
        try:
            answer = False, getattr(importlib.import_module(module), name)(*arguments)
        except Exception as error:
            answer = True, error
        answer += time.process_time() - begun, _memory() > GROWN
        pickle.dump(answer, answers, pickle.HIGHEST_PROTOCOL)
        answers.flush()


def _memory() -> int:
    """Bytes that this process has now; 0 where there is no /proc."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, AttributeError):
        return 0


def _limit(seconds: int) -> None:
    if sys.platform == "win32":
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    end = int(used.ru_utime + used.ru_stime) + 1 + seconds
    for what, most in {
        resource.RLIMIT_CPU: end,
        resource.RLIMIT_DATA: MEMORY,
        resource.RLIMIT_CORE: 0,
    }.items():
        hard = resource.getrlimit(what)[1]
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing else is an answer
    serve(sys.stdin.buffer, answers)
