"""Warm kernels, the outside: one process for each of ours that has imported torch, and the kernels that it forks.

    base = tempfile.mkdtemp(dir=prefork.folder())  # what both sides see of a notebook lies in there
    process = prefork.kernel({**settings, "base": base, "argv": [...]})  # as Popen: pid, poll(), wait(), kill()
    process.close()

`course/sandbox/fork_server.py` is the inside. It runs in bubblewrap, in which it may build further walls; student code runs behind
those only. It dies with this process. If it dies before, kernels that run are LOST, which is nobody's fault, and the
next one has it started again. Where this cannot be done `why_not` says why, and `course/sandbox/sandbox.py` does without.
"""

import contextlib
import functools
import itertools
import json
import os
import select
import signal
import socket
import struct
import subprocess
import tempfile
import threading
from multiprocessing.util import Finalize
from pathlib import Path

from course.sandbox import bubblewrap, lockdown
from course.sandbox.processes import end, in_memory, remove

START_SECONDS = 120  # importing on a busy machine takes a while
MOST_HANDLES = 16  # of a kernel's folders
MOST_FAILURES = 3  # then this process goes on without
LOST = 1000  # returncode of a kernel of which nobody could say how it ended; the system's end at 255
# For root: to build walls, and the loopback device in them, and to end a kernel, who is somebody else by then. An
# ordinary user's notebook has a user namespace for the first two, and is himself.
CAPABILITIES = ("CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_KILL")

_lock = threading.RLock()
_folder: Path | None = None
_servers: dict[str, "Borrowed"] = {}  # by VIT_DATA, which they show: all but always one
_failures = 0
_number = itertools.count()


class Cold(RuntimeError):
    """There is no warm kernel to be had now."""


def short() -> str:
    """A folder for folders with sockets, whose paths are at most 107 characters long.

    On a disk if there is one: Debian's /tmp lies in memory, and what is written there counts against no limit.
    """
    given = tempfile.gettempdir()
    places = [place for place in (given, "/tmp", "/var/tmp") if len(place) < 40 and os.access(place, os.W_OK)]
    return next((place for place in places if not in_memory(place)), places[0] if places else given)


def bring(source: Path, target: Path) -> None:
    """Copy a folder into what both sides see. Links stay links."""
    target.mkdir()
    lockdown.copy(str(source), str(target))


# --- what this machine offers ---------------------------------------------------------------------


def why_not() -> str:
    """Why there are no warm kernels on this machine; "" if there are."""
    return bubblewrap.why_not() or _attempt()


@functools.lru_cache(maxsize=1)
def _attempt() -> str:
    """What fails when walls are built inside a sandbox; "" if nothing does. Tried once, in some 200 ms."""
    with tempfile.TemporaryDirectory(prefix="vit-", dir=short()) as place:
        folder = _prepared(Path(place))
        base = folder / "base"
        for name in ("submission", "helpers"):
            (base / name).mkdir(parents=True)
        for name in ("passwd", "kernel.json"):
            (base / name).touch()
        settings = {
            "folder": str(folder),
            "base": str(base),
            "helpers": str(base / "helpers"),
            "disk_bytes": 2**20,
            "folders": {"tmp": "/tmp", "run": f"{base}/run"},
            "files": {"tmp": 9, "run": 9},
        }
        argv = [*_argv(folder), "attempt", json.dumps(settings)]
        run = subprocess.run(argv, env={}, capture_output=True, text=True, errors="replace")
    if run.returncode == 0:
        return ""
    said = (run.stderr.strip().splitlines() or [f"exit code {run.returncode}"])[-1]
    return f'walls inside a sandbox cannot be built here ("{said}"); each notebook imports PyTorch anew'


def _prepared(folder: Path) -> Path:
    (folder / "helpers").mkdir()  # stands in for what each notebook brings
    for name in ("passwd", "kernel.json"):
        (folder / name).touch()
    return folder


def _argv(folder: Path) -> list[str]:
    """The fork server's command: a sandbox with all that kernels share, and `folder`."""
    argv = bubblewrap.arguments(os.geteuid() == 0)
    for capability in CAPABILITIES if os.geteuid() == 0 else ():
        argv += ["--cap-add", capability]
    argv += bubblewrap.course_files(folder / "helpers")
    for name in ("fork_server.py", "opening.py"):
        argv += bubblewrap.bind(Path(__file__).with_name(name), f"/vit/{name}")
    argv += bubblewrap.bind(folder / "passwd", "/etc/passwd")
    argv += bubblewrap.bind(folder / "kernel.json", "/vit/kernel.json")
    argv += bubblewrap.bind(folder, how="--bind")
    for name in ("/vit/exchange", "/vit/submission"):
        argv += ["--perms", "0755", "--dir", name]
    return [*argv, *bubblewrap.start("/vit/fork_server.py")]


# --- the process that kernels are forked from -----------------------------------------------------


class Borrowed:
    """Another process's fork server, by its address."""

    def __init__(self, address: str):
        self.address = address

    def close(self) -> None:
        """It is not ours to end."""

    def fork(self, settings: dict) -> "Kernel":
        """Raises OSError if it is dead, or if no kernel comes of it in time."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        kernel = None
        try:
            connection.settimeout(START_SECONDS)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            connection.connect(self.address)
            connection.send(json.dumps(settings).encode())
            said, more, *_ = connection.recvmsg(64, socket.CMSG_SPACE(struct.calcsize("3i")))
            if said != b"started":
                raise ConnectionError("The fork server has died.")
            kernel = Kernel(connection, struct.unpack("3i", more[0][2])[0])
            said, kernel.handles, *_ = socket.recv_fds(connection, 64, MOST_HANDLES)
            kernel.opened = said == b"opened"
            if said not in (b"up", b"opened"):
                why = said.decode() or "the fork server has died"
                raise ConnectionError(f"The walls could not be built: {why}.")
            connection.setblocking(False)
            return kernel
        except BaseException:
            if kernel:
                end(kernel)
            connection.close()
            raise


class ForkServer(Borrowed):
    """It imports while we go on; `fork` waits for it."""

    def __init__(self, argv: list[str], folder: Path):
        super().__init__(str(folder / f"ask-{os.getpid()}-{next(_number)}"))
        self._log = folder / "log"
        self._started = threading.Event()
        # bubblewrap does not notice a parent that dies while it starts: the fork server sees this pipe's end.
        end_of_ours, self._lifeline = os.pipe()
        self.process: subprocess.Popen | None = None
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
            server.bind(self.address)
            server.listen(64)
            # bubblewrap dies with the thread that started it: one that lives as long as this process.
            handles = [server.fileno(), end_of_ours]
            threading.Thread(target=self._live, args=(argv, handles), name="fork server", daemon=True).start()
            self._started.wait()
            os.close(end_of_ours)

    def _live(self, argv: list[str], handles: list[int]) -> None:
        argv = [*argv, "serve", *map(str, handles), bubblewrap.fonts_inside() or ""]
        # a session of its own: Ctrl-C is not for it
        alone = {"env": {}, "cwd": "/", "pass_fds": handles, "start_new_session": True}
        silent = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
        try:
            with open(self._log, "ab") as log:
                self.process = process = subprocess.Popen(argv, **alone, **silent, stderr=log)
        finally:
            self._started.set()
        process.wait()

    def close(self) -> None:
        """Ends all of its kernels, too. Once only."""
        os.close(self._lifeline)
        if self.process is not None and self.process.poll() is None:
            end(self.process)
            self.process.wait()


class Kernel:
    """A warm kernel, as `subprocess.Popen` shows a process; `pid` is its guard's (`course/sandbox/fork_server.py`)."""

    stdin = stdout = stderr = None

    def __init__(self, connection: socket.socket, pid: int):
        self._connection, self.pid = connection, pid
        self.returncode: int | None = None
        self.handles: list[int] = []  # of its folders, as `lockdown.settle` returns them
        self.opened = False  # whether the cells that were asked for have been run
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        with self._lock:
            if self.returncode is None:
                try:
                    said = self._connection.recv(64)
                except BlockingIOError:
                    return None
                except OSError:
                    said = b""
                self.returncode = int(said) if said.isdigit() else LOST
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.poll() is None:
            ready = select.poll()
            ready.register(self._connection, select.POLLIN)
            if not ready.poll(None if timeout is None else timeout * 1000):
                raise subprocess.TimeoutExpired("kernel", timeout)
        return self.poll()

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def close(self) -> None:
        """The guard goes, and with it its number. Only when the kernel has ended."""
        with self._lock:
            if self.returncode is None:
                self.returncode = LOST
            self._connection.close()


# --- this process's own ---------------------------------------------------------------------------


def folder() -> Path | None:
    """Where everything lies that is shared with a warm kernel; None if there are none. Starts what they come from."""
    global _folder
    with _lock:
        if _failures >= MOST_FAILURES:
            return None
        if _folder is None:
            if why_not():
                return None
            _folder = _prepared(Path(tempfile.mkdtemp(prefix="vit-", dir=short())))
            Finalize(None, close, exitpriority=10)  # processes of multiprocessing do not run atexit's
        _server()
        return _folder


Lent = tuple[Path, str]  # folder and address


def lend() -> Lent | None:
    """For `borrow` in processes that this one starts: they need not import torch once more. None if there is nothing."""
    with _lock:
        place = folder()
        return place and (place, _server().address)


def borrow(lent: Lent | None) -> None:
    """Use what another process lends, as long as it lives; after that, one of our own."""
    global _folder
    if lent:
        _folder = lent[0]
        _servers[_shown()] = Borrowed(lent[1])


def _shown() -> str:
    """What of the settings decides on what a fork server shows."""
    given = os.environ.get("VIT_DATA", "")
    return given if given and Path(given).expanduser().is_dir() else ""


def _server() -> Borrowed:
    shown = _shown()
    if shown not in _servers:
        _servers[shown] = ForkServer(_argv(_folder), _folder)
    return _servers[shown]


def kernel(settings: dict) -> Kernel:
    """Fork a kernel; `settings` as for `fork_server.build` and `lockdown.settle`. Raises Cold."""
    global _failures
    for _ in range(2):  # it may have died since the last one
        with _lock:
            if folder() is None:
                break
            server = _server()
        try:
            return server.fork(settings)
        except OSError:
            if settings.pop("opening", None):  # what has run it may have died, and not the server
                with contextlib.suppress(OSError):
                    return server.fork(settings)
            with _lock:
                _failures += 1
                for shown in [shown for shown, known in _servers.items() if known is server]:
                    _servers.pop(shown).close()
    raise Cold


def close() -> None:
    """End what kernels come from. It comes again when it is needed."""
    global _folder
    with _lock:
        for server in _servers.values():
            server.close()
        _servers.clear()
        if _folder is not None:
            remove(_folder)
        _folder = None


def _forget() -> None:
    """A forked process has its own, or none."""
    global _folder, _lock, _failures
    _lock, _folder, _failures = threading.RLock(), None, 0
    _servers.clear()


with contextlib.suppress(AttributeError):  # Windows does not fork
    os.register_at_fork(after_in_child=_forget)
