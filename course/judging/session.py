"""One notebook in one kernel: cells run in order, with time limits, bounded outputs, and no trust in what comes back.

nbclient is not used here: it drops the whole notebook when a kernel dies or does not answer an interrupt, keeps
outputs and widget states of any size, obeys cell tags, and raises on messages that student code has made up.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

from jupyter_core.utils import ensure_async, run_sync
from nbformat import NotebookNode
from nbformat.v4 import new_output, output_from_msg

from course.judging import sanitise
from course.sandbox.limits import Limits
from course.sandbox.sandbox import Sandbox
from helpers.checks.observe import State

START_SECONDS = 120  # importing on a busy machine takes a while
AFTER = 5.0  # seconds for the rest of a cell's messages
GRACE = 5.0  # for an interrupted cell to stop; a long traceback takes a while
POLL = 0.25
SHOWN = ("stream", "display_data", "execute_result", "error")


wait = run_sync(ensure_async)  # the manager's methods are coroutines


class Dead(Exception):
    """The kernel is gone; `state` says why."""

    def __init__(self, state: State) -> None:
        super().__init__(state.value)
        self.state = state


class NoKernel(RuntimeError):
    """No kernel came up, or it was lost: the machine's fault, not the student's. Run it again."""


class Session:
    """The kernel of a sandbox; use it as a context manager inside the sandbox's own."""

    def __init__(self, sandbox: Sandbox, limits: Limits) -> None:
        self.sandbox, self.limits = sandbox, limits
        self.manager = sandbox.manager

    def __enter__(self) -> Session:
        wait(self.manager.start_kernel())
        self.client = self.manager.client()
        # no heartbeat: `cell` asks whether the process lives, and that would be a thread that may outlive its sockets;
        # and none that nobody reads, as what comes there is held
        self.client.start_channels(stdin=False, hb=False, control=False)
        if not self._ready():
            self.client.stop_channels()
            said = self.sandbox.last_words()
            raise NoKernel(
                f"No kernel came up in {START_SECONDS} seconds, or it died at once{f': {said}' if said else ''}."
            )
        self.deadline = self.sandbox.clock() + self.limits.notebook_seconds
        return self

    def __exit__(self, *error: Any) -> None:
        self.client.stop_channels()

    def _ready(self) -> bool:
        """Whether it answers. jupyter_client's wait_for_ready then waits for 0.2 s of silence; `cell` needs none."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and wait(self.manager.is_alive()):
            self.client.kernel_info()
            if self._next("shell", 1) and self._next("iopub", 0.2):
                return True
        return False

    def cell(self, source: str, keep: bool = True) -> tuple[list[NotebookNode], State | None]:
        """Run one cell.

        Args:
            keep: whether it enters the kernel's history and its outputs are wanted.

        Returns:
            Its outputs; `State.TIMEOUT` if it had to be interrupted, `State.ERROR` if it ended in an error.

        Raises:
            Dead: if the kernel died, or had to be killed because it did not stop.
            NoKernel: if it died with what it came from.
        """
        now = self.sandbox.clock()
        limit = min(now + self.limits.cell_seconds, self.deadline)
        outputs: list[NotebookNode] = []
        state = None
        how = {"allow_stdin": False, "stop_on_error": False}
        asked = self.client.execute(source, silent=not keep, store_history=keep, **how)
        idle = replied = False
        while not (idle and replied):
            now = self.sandbox.clock()
            if now > limit:
                if idle or replied:  # it has ended; one of the two messages is missing
                    break
                if state is State.TIMEOUT:
                    self.kill()
                    raise Dead(State.TIMEOUT)
                state = State.TIMEOUT
                with contextlib.suppress(Exception):
                    wait(self.manager.interrupt_kernel())
                limit = now + GRACE
            message = self._next("iopub", min(POLL, max(limit - now, 0)))
            if message and message["parent_header"].get("msg_id") == asked:
                if message["msg_type"] == "status" and message["content"].get("execution_state") == "idle":
                    idle, limit = True, min(limit, now + AFTER)
                elif keep:
                    self._keep(message, outputs)
            if message is None or idle:
                reply = self._next("shell", POLL if idle else 0)
                if reply and reply["parent_header"].get("msg_id") == asked:
                    replied, limit = True, min(limit, now + AFTER)
                    if reply["content"].get("status") == "error":
                        state = state or State.ERROR
                    if _asks_exit(reply["content"].get("payload")):
                        self.kill()  # it ends by itself in a moment; which cells still run must not depend on that
                        raise Dead(State.KILLED)
                if not reply and not wait(self.manager.is_alive()):
                    raise Dead(self._fate())
        return outputs, state

    def kill(self) -> None:
        with contextlib.suppress(Exception):
            wait(self.manager.shutdown_kernel(now=True))

    def _fate(self) -> State:
        if self.sandbox.fate() == "lost":
            raise NoKernel("The kernel was lost: the process that kernels come from has died.")
        fates = {"memory": State.MEMORY, "timeout": State.TIMEOUT}
        return fates.get(self.sandbox.fate() or "", State.KILLED)

    def _next(self, channel: str, seconds: float) -> dict[str, Any] | None:
        """The next message, None if there is none in time or it is not one (a student can sign and send anything)."""
        try:
            message = getattr(self.client, f"{channel}_channel").next(seconds)
            whole = isinstance(message["content"], dict) and isinstance(message["parent_header"], dict)
            return message if whole and isinstance(message["msg_type"], str) else None
        except Exception:  # none in time, a wrong signature, no JSON, a missing field
            return None

    def _keep(self, message: dict[str, Any], outputs: list[NotebookNode]) -> None:
        """Add a message's output; streams are joined. The sandbox bounds how much there is."""
        if message["msg_type"] not in SHOWN:
            return
        try:
            output = sanitise.output(output_from_msg(message))
        except Exception:  # made up by the student's code
            return
        last = outputs[-1] if outputs else None
        if last and last.output_type == output.output_type == "stream" and last.name == output.name:
            last.text += output.text
        else:
            outputs.append(output)


def _asks_exit(payload: Any) -> bool:
    items = payload if isinstance(payload, list) else []
    return any(isinstance(item, dict) and item.get("source") == "ask_exit" for item in items)


def stopped(text: str) -> NotebookNode:
    """An output that says why a cell has no other."""
    return new_output("error", ename="Stopped", evalue=text, traceback=[text])
