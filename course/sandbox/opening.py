"""The given cells above a notebook's first answer, run in a shell that a kernel takes over later, in another process.

The same is left behind as if the kernel had run them: names, history, modules, the numbers of the next cells. What they
display goes nowhere; the page shows the solution's outputs there.
"""

import io
import random
import sys
from collections.abc import Sequence

numbers = None  # the state of `random` in the end: Python sets another one whenever a process forks


class Later(io.TextIOBase):
    """What a cell writes there goes nowhere; who keeps it writes to the kernel's own later."""

    def __init__(self, name: str) -> None:
        self._name = name

    def write(self, text: str) -> int:
        now = getattr(sys, self._name)
        return len(text) if now is self else now.write(text)

    def flush(self) -> None:
        if (now := getattr(sys, self._name)) is not self:
            now.flush()


def run(cells: Sequence[str]) -> None:
    """Raises RuntimeError if one of them does."""
    global numbers
    from ipykernel.compiler import XCachingCompiler
    from ipykernel.zmqshell import ZMQInteractiveShell
    from jupyter_client.session import Session
    from traitlets.config import Config

    class Silent(Session):
        def send(self, *args, **kw):
            pass

    # a tip in the banner would draw a random number
    quiet = Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"enable_tip": False}})
    shell = ZMQInteractiveShell.instance(config=quiet, compiler_class=XCachingCompiler)
    shell.displayhook.session = shell.display_pub.session = Silent()
    out = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Later("stdout"), Later("stderr")
    try:
        for number, cell in enumerate(cells):
            result = shell.run_cell(cell, store_history=True)
            if error := result.error_before_exec or result.error_in_exec:
                raise RuntimeError(f"Given cell {number} raised {error!r}")
    finally:
        sys.stdout, sys.stderr = out
    numbers = random.getstate()
    _hand_over(shell)


def _hand_over(shell) -> None:
    """The next kernel of this process gets this shell."""
    cls = type(shell)

    def instance(_, **given):
        del cls.instance
        for name, value in given.items():
            if value is not None:
                setattr(shell, name, value)
        return shell

    cls.instance = classmethod(instance)
