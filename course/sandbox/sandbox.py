"""Where student code runs: a Jupyter kernel that sees nothing, reaches nothing and leaves nothing.

    with Sandbox(folder) as box:
        box.write("inputs.npz", data)                 # the kernel reads f"{box.inside}/inputs.npz"
        NotebookClient(notebook, km=box.manager).execute()
        answer = box.read("outputs.npz", limit=10**7)
    box.fate()                                        # None, or "memory", "timeout", "killed"

On Linux bubblewrap gives the kernel namespaces of its own: no network, no other process, and a file system that
holds /usr, the Python environment, `helpers/`, data/ and a copy of the submission in memory. Everything else,
this repository first of all, is not there. `course/sandbox/lockdown.py` then gives up root and sets limits for each process;
a watching thread here sets them for the sum and for the clock. When the kernel's first process dies, the system
kills every other one with it. Where the machine allows it the kernel is a warm one, forked within such walls from a
process that has imported torch already (`course/sandbox/prefork.py`); else bubblewrap starts one of its own.

Elsewhere nothing of the kind exists: `Sandbox` raises NoSandbox unless told sandboxed=False, which runs a plain
kernel in a copy of the folder: the time limit holds, nothing else does.

The thread that starts the kernel must live as long as the kernel does (a bubblewrap of its own dies with it).
"""

import errno
import importlib.util
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from course.base.paths import ROOT
from course.base.text import digest
from course.sandbox import bubblewrap, lockdown, prefork
from course.sandbox.bubblewrap import EXCHANGE, level
from course.sandbox.limits import Limits
from course.sandbox.manager import UntrustedKernel
from course.sandbox.processes import (
    delayed,
    end,
    proportional,
    remove,
    resident,
    sockets,
    tasks,
    tree,
    written,
)

MOST_WAITED = 2 / 3  # of the time may not count: no limit becomes more than three times as long
WATCH_EVERY = 0.1  # seconds: one look at the processes costs about 0.7 ms
# The folders that a kernel can write to, in the order in which they are mounted, and how many files they may hold.
FILES = {"tmp": 20_000, "shm": 20_000, "work": 20_000, "exchange": 200, "run": 50}
SOCKETS = 300  # each may hold 600 kB that no counter sees; an honest notebook has 16
LONGEST_OPENING = 50_000  # characters: a message to the fork server holds some 200 kB
OWN_BYTES = 10**9  # by which this process may grow while it hears a kernel; with an honest one 175 MB
# Errors that are the machine's fault, not student code's: no room, no memory, no handles, a broken disk.
MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EIO, errno.EROFS)
# Windows has other open flags: no links to fear there, but line ends.
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_BINARY = getattr(os, "O_BINARY", 0)


class NoSandbox(RuntimeError):
    """Student code cannot be contained on this machine. The message says why and what to do."""


# --- the sandbox ----------------------------------------------------------------------------------


class Sandbox:
    """One submission's kernel, from start to end. A context manager; the kernel starts with `manager`.

    Args:
        submission: folder that is copied; the copy is the kernel's working folder and is thrown away.
        sandboxed: False runs a plain kernel where there is no sandbox, or none is wanted.
        helpers: folder to import in place of the course's `helpers`; in `prefork.folder()` it is used as it stands, else copied.
        warmed: False starts a kernel of its own, though a warm one might be had.
        opening: cells of ours that a warm kernel may have run when it comes, if `helpers` is in `prefork.folder()`;
            `opened` says whether it has.

    Attributes:
        manager: jupyter_client AsyncKernelManager, to give nbclient as `km`.
        exchange, inside: the folder that both sides see; the kernel knows it as `inside`. Student code may put
            anything there: use `read` and `write`, which follow no link. In a sandbox it lies, as the sockets do, in
            memory of the kernel's own, and is there as long as the kernel is: we reach it by a handle that came out.
        level: what `level()` says, "none" for a plain kernel; goes on record with the grade.

    Raises NoSandbox if this machine has none and sandboxed is not False.
    """

    def __init__(
        self,
        submission: Path,
        limits: Limits | None = None,
        sandboxed: bool = True,
        helpers: Path | None = None,
        warmed: bool = True,
        opening: Sequence[str] = (),
    ):
        self.level = level() if sandboxed else "none"
        if sandboxed and self.level == "none":
            raise NoSandbox(
                f"Nothing was run, because {bubblewrap.why_not()}. To let student code do all that you can do on this "
                "machine, ask for no sandbox (--no-sandbox)."
            )
        self.limits = limits or Limits()
        self._helpers = helpers
        self._process: subprocess.Popen | prefork.Kernel | None = None
        self._fate: str | None = None
        self._waited = 0.0  # seconds that do not count
        self._asked = threading.Event()  # somebody wants the kernel to end
        self._watch: threading.Thread | None = None
        self._request: dict | None = None  # for a warm kernel
        nursery = prefork.folder() if sandboxed and warmed else None
        self._base = Path(tempfile.mkdtemp(prefix="vit-", dir=nursery or prefork.short()))
        self.exchange = self._base / "exchange"
        run = self._base / "run"
        self._handles: dict[str, int] = {}  # of the kernel's folders, once it has sent them
        self._early: dict[str, bytes] = {}  # files for the exchange that is not there yet
        self._report: tuple[socket.socket, ...] = ()  # by which a kernel of its own sends them
        if not sandboxed:
            self.exchange.mkdir()
            run.mkdir()
        self._log = open(self._base / "log", "wb")  # what the kernel says beside its messages
        submission = Path(submission).resolve(strict=True)
        if sandboxed:
            self.inside = EXCHANGE
            settings = self._settings(run)
            argv, popen = self._contained(submission, run, settings)
            if nursery:
                prefork.bring(submission, self._base / "submission")
                self._request = {**settings, "folder": str(nursery), "base": str(self._base)}
                kept = helpers is not None and nursery in helpers.parents
                if not kept:
                    helpers = self._base / "helpers"
                    prefork.bring(bubblewrap.helpers(self._helpers), helpers)
                self._request["helpers"] = str(helpers)
                if kept and 0 < sum(map(len, opening)) < LONGEST_OPENING:
                    name = digest(*opening, str(helpers))
                    self._request["opening"] = {"name": name, "cells": list(opening)}
        else:
            self.inside = str(self.exchange)
            argv, popen = self._plain(submission)
        popen |= {"stdout": subprocess.DEVNULL, "stderr": self._log}
        # sockets of its own: no port that another account can listen to, no network needed
        transport = {} if sys.platform == "win32" else {"transport": "ipc", "ip": str(run / "k")}
        transport["connection_file"] = str(self._base / "kernel.json")
        hooks = (self._forked, self._start_watch, self._end)
        self.manager = UntrustedKernel(argv, self.limits.output_bytes, *hooks, popen, **transport)

    def _settings(self, run: Path) -> dict:
        """What the kernel's first process is told (`lockdown.settle`)."""
        uid = bubblewrap.user() if os.geteuid() == 0 else None
        number = 65534 if uid is None else uid
        passwd = self._base / "passwd"
        passwd.write_text(f"student:x:{number}:{number}::/tmp/home:/bin/sh\n")
        passwd.chmod(0o644)
        return {
            "submission": "/vit/submission",
            "connection": "/vit/kernel.json",
            "fonts": bubblewrap.fonts_inside(),
            "uid": uid,
            "folders": dict(zip(FILES, ("/tmp", "/dev/shm", lockdown.COPY, EXCHANGE, str(run)), strict=True)),
            "files": FILES,
            "memory": self.limits.memory,
            "processes": self.limits.processes + bubblewrap.processes_beside(),
            "file_bytes": self.limits.file_bytes,
            "disk_bytes": self.limits.disk_bytes,
            "output_bytes": self.limits.output_bytes,
            "cpu_seconds": int(self.limits.notebook_seconds) + 1,
        }

    def _contained(self, submission: Path, run: Path, settings: dict) -> tuple[list[str], dict]:
        argv = bubblewrap.arguments(settings["uid"] is not None, settings["disk_bytes"])
        argv += bubblewrap.course_files(self._helpers)
        argv += [*bubblewrap.memory(run, lockdown.SMALL), *bubblewrap.memory(EXCHANGE, lockdown.SMALL)]
        argv += bubblewrap.bind(self._base / "passwd", "/etc/passwd")
        argv += bubblewrap.bind(self._base / "kernel.json", settings["connection"])
        argv += [*bubblewrap.bind(submission, "/vit/submission"), *bubblewrap.start("/vit/lockdown.py")]
        # No PATH, no secret: /proc/1/environ inside shows what bubblewrap itself was given.
        self._report = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        theirs = self._report[1].fileno()
        argv.append(json.dumps({**settings, "report": theirs}))
        self._prefix = len(argv)  # from there on it is ipykernel's, to which others may add
        return [*argv, "-f", str(run / "kernel.json"), *_KERNEL], {
            "env": {},
            "cwd": "/",
            "pass_fds": [theirs],
        }

    def _forked(self, argv: list[str]) -> "prefork.Kernel | None":
        """A warm kernel; None if it has to be a process of its own."""
        try:
            return self._request and prefork.kernel({**self._request, "argv": argv[self._prefix :]})
        except prefork.Cold:
            return None

    def _plain(self, submission: Path) -> tuple[list[str], dict]:
        copy = self._base / "work"
        shutil.copytree(submission, copy, symlinks=True)
        drawing = self._base / "matplotlib"
        drawing.mkdir()
        if bubblewrap.fonts():  # making the list anew would take seconds
            shutil.copy(bubblewrap.fonts(), drawing)
        environment = {**os.environ, **bubblewrap.environment(), "MPLCONFIGDIR": str(drawing)}
        environment["HOME"] = os.environ.get("HOME", str(self._base))
        environment["PATH"] = os.environ.get("PATH", os.defpath)
        places = [str(self._helpers.parent if self._helpers else ROOT), os.environ.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(places).rstrip(os.pathsep)
        # a path: the folder's own is not meant
        launcher = importlib.util.find_spec("ipykernel_launcher").origin
        return [sys.executable, launcher, "-f", "{connection_file}", *_KERNEL], {
            "env": environment,
            "cwd": str(copy),
        }

    @property
    def warm(self) -> bool:
        """Whether the kernel was forked from a process that had imported torch."""
        return isinstance(self._process, prefork.Kernel)

    @property
    def opened(self) -> bool:
        """Whether the kernel has run the opening."""
        return self.warm and self._process.opened

    # -- the exchange ----------------------------------------------------------

    def write(self, name: str, data: bytes) -> None:
        """Put a file into the exchange; whatever stands there under that name is removed, links not followed.

        Raises ValueError if student code is in the way: a folder, permissions or room that are gone.
        """
        path = self._path(name)
        if self.level != "none" and not self._handles:
            self._early[name] = data
            return
        try:
            path.unlink(missing_ok=True)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o644), "wb") as file:
                file.write(data)
        except OSError as error:
            # in memory of the kernel's own there is no room where student code has left none
            if error.errno in MACHINE and not (self._handles and error.errno == errno.ENOSPC):
                raise
            raise ValueError(f"{name} cannot be written: {error.strerror}.") from None

    def read(self, name: str, limit: int) -> bytes:
        """A file of the exchange, of at most `limit` bytes.

        Raises FileNotFoundError if it is missing; ValueError if it is a link, a folder or a pipe, or larger.
        """
        path = self._path(name)
        try:
            descriptor = os.open(path, os.O_RDONLY | _NO_LINK | _BINARY)
        except FileNotFoundError:
            raise
        except OSError as error:
            if error.errno in MACHINE:
                raise
            raise ValueError(f"{name} should be a plain file but cannot be opened: {error}.") from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise ValueError(f"{name} should be a plain file and is not.")
        with open(descriptor, "rb") as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise ValueError(f"{name} is larger than {limit:,} bytes.")
        return data

    def _path(self, name: str) -> Path:
        """The exchange itself cannot be swapped from inside, so only the last step may be a trap."""
        if name in ("", ".", "..") or set(name) & set("/\\\0"):
            raise ValueError(f"A file of the exchange has a plain name, not {name!r}.")
        return self.exchange / name

    # -- watching --------------------------------------------------------------

    def _start_watch(self, process: subprocess.Popen) -> None:
        self._process = process
        if self.warm:
            self._take(process.handles)
        self._watch = threading.Thread(target=self._watching, name="sandbox watch", daemon=True)
        self._watch.start()

    def _take(self, handles: list[int]) -> None:
        """The kernel's folders are there, in memory of its own: ours lead to them, and what waits for it goes in."""
        self._handles = dict(zip(FILES, handles, strict=True))
        for name in ("exchange", "run"):
            (self._base / name).symlink_to(f"/proc/{os.getpid()}/fd/{self._handles[name]}")
        for name, data in self._early.items():
            self.write(name, data)

    def _watching(self) -> None:
        try:
            if self._report and not self._handles:
                self._report[1].close()
                if handles := socket.recv_fds(self._report[0], 1, len(FILES))[1]:  # none: it has died before
                    self._take(handles)
            self._fate = self._watched()
        except OSError as error:  # a limit that is not watched is none: whatever happens here ends the kernel
            self._fate = "lost" if error.errno in MACHINE else "killed"
        except Exception:
            self._fate = "killed"
        finally:
            if self._fate:
                end(self._process)

    def _watched(self) -> str | None:
        """Why the kernel has to end; None when it has ended."""
        last, begun = self.clock() + self.limits.notebook_seconds, resident(os.getpid())
        looked, delays = time.monotonic(), self._delays([self._process.pid])
        while self._process.poll() is None and not self._asked.wait(WATCH_EVERY):
            pids = tree(self._process.pid)
            before, looked, now = looked, time.monotonic(), self._delays(pids)
            waited = sum(max(now[task] - delays.get(task, 0.0), 0.0) for task in now)
            self._waited += min(waited, MOST_WAITED * (looked - before))
            delays = now
            if self.clock() > last:
                return "timeout"
            if self.level != "none" and (fate := self._over(pids)):
                return fate
            if resident(os.getpid()) - begun > OWN_BYTES:  # a message in parts without end
                return "killed"
        return None

    def clock(self) -> float:
        """Seconds since some moment, those left out in which the kernel waited for a processor that others had: what a
        student gets must not depend on what else the machine does."""
        return time.monotonic() - self._waited

    def _delays(self, pids: list[int]) -> dict[str, float]:
        """How long each has waited for a processor, and each thread of this process, which hears them."""
        mine = os.getpid()
        return {task: delayed(task) for task in (*map(str, pids), *(f"{mine}/task/{t}" for t in tasks(mine)))}

    def _over(self, pids: list[int]) -> str | None:
        """The limit that these processes together have passed, if any."""
        if sum(map(resident, pids)) > self.limits.memory:  # counts shared pages for each who shares
            if sum(map(proportional, pids)) > self.limits.memory:
                return "memory"
        # What is written lies in memory, bounded when it was mounted; what one can write to outside is the log.
        used = {name: os.fstatvfs(handle) for name, handle in self._handles.items()}
        many = any(now.f_files - now.f_ffree > FILES[name] for name, now in used.items())
        many |= len(pids) > 1 and sockets(pids[1]) > SOCKETS  # the first one is still in our network
        return "killed" if many or sum(map(written, pids)) > self.limits.disk_bytes else None

    def fate(self) -> str | None:
        """Why the kernel ended: "memory" or "timeout" (a limit), "killed" (by itself), None (nobody else ended it).

        Or "lost": the process that warm kernels come from has died, for which this one could do nothing.
        """
        if self._fate or self._process is None or (code := self._process.poll()) is None:
            return self._fate
        if self._process.returncode == prefork.LOST:
            return None if self._asked.is_set() else "lost"
        if code in (128 + 24, -24):  # SIGXCPU
            return "timeout"
        return None if self._asked.is_set() else "killed"

    def last_words(self) -> str:
        """What the kernel said last beside its messages, or bubblewrap before it."""
        lines = (self._base / "log").read_text("utf-8", "replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    # -- the end ---------------------------------------------------------------

    def _end(self) -> None:
        """On demand: at once, and all of it."""
        if self._process is not None:
            if self._process.poll() is None:
                self._asked.set()
            end(self._process)

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_) -> None:
        self._end()
        if self._watch is not None:
            self._watch.join()
        self.manager.close()
        if self.warm:
            self._process.close()
        self._log.close()
        for end_ in self._report:
            end_.close()
        for handle in self._handles.values():
            os.close(handle)
        remove(self._base)


_KERNEL = ["--HistoryManager.enabled=False"]
_KERNEL += ["--InteractiveShellApp.ignore_cwd=True"]
# names that are there when it starts, which an opening may have bound, are shown by %who
_KERNEL += ["--InteractiveShellApp.hide_initial_ns=False"]
# what a cell has written there (%%writefile) can be imported, but stands in nobody's place
_KERNEL += ["--InteractiveShellApp.exec_lines=__import__('sys').path.append('')"]
