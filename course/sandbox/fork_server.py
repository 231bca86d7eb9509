"""Warm kernels, the inside: a process that has imported torch once forks a walled-off kernel for each notebook.

`course/sandbox/prefork.py` starts this file in a sandbox that shows what every kernel may see, and nothing else. Student code
never runs in this process. For each request it forks a guard, and that forks

    guard    outside the notebook's walls: tells how the kernel ended
    └ first  process 1 inside: builds the walls, gives up every right, forks, and buries what dies
      └ kernel

Given cells above a notebook's first answer are the same for everybody. Who asks for a kernel that has run them gets one from
a process that has: it is forked once a notebook, runs these cells of ours, and forks guards as this one does.

The walls are the cold path's: own processes, network, /tmp, /dev/shm, /proc, terminals and working folder; of the
folder that all requests share, only this notebook's sockets and exchange. Standard library only, but for `preload`.
"""

import contextlib
import ctypes
import fcntl
import gc
import importlib.util
import io
import json
import os
import random
import select
import shutil
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable

import lockdown
import opening

# From the system's headers: os.unshare is there from Python 3.12 on, mount never.
NEW_USER, NEW_PID, NEW_MOUNTS = 0x10000000, 0x20000000, 0x00020000
NEW_REST = NEW_MOUNTS | 0x40000000 | 0x08000000 | 0x04000000
READ_ONLY, NO_SUID, NO_DEVICES, NO_PROGRAMS, REMOUNT, BIND = 1, 2, 4, 8, 32, 4096
RECURSIVE, PRIVATE = 16384, 1 << 18
HUGE = 2**21  # bytes of a large page
MOST_OPENED = 16  # processes that have run a notebook's opening, each with memory of its own
OPENING_SECONDS = 60
# where Python and its packages are, the outer folder first
PYTHON = sorted({sys.prefix, sys.base_prefix, os.path.realpath(sys.base_prefix)}, key=len)
HELPERS = "/vit/helpers"
libc = ctypes.CDLL(None, use_errno=True)


def checked(result: int) -> None:
    if result:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def mount(source: str, target: str, kind: str, flags: int = 0, options: str = "") -> None:
    kinds = [text.encode() if text else None for text in (source, target, kind, options)]
    try:
        checked(libc.mount(*kinds[:3], ctypes.c_ulong(flags), kinds[3]))
    except OSError as error:
        raise OSError(error.errno, f"mounting {kind or source} on {target}: {error.strerror}") from None


def read_only(target: str) -> None:
    # an ordinary user may not drop them
    kept = os.statvfs(target).f_flag & (NO_SUID | NO_DEVICES | NO_PROGRAMS)
    mount("", target, "", REMOUNT | BIND | READ_ONLY | NO_SUID | NO_DEVICES | kept)


def memory(target: str, size: int, mode: str, files: int = 100) -> None:
    """An empty folder that lives in memory."""
    mount("tmpfs", target, "tmpfs", NO_SUID | NO_DEVICES, f"size={size},mode={mode},nr_inodes={files + 10}")


# --- the walls ------------------------------------------------------------------------------------


def own_users() -> None:
    """An ordinary user's notebook gets a user namespace, in which he may build the walls. For root nothing is done."""
    unshare(NEW_PID)


def unshare(what: int) -> None:
    uid, gid = os.getuid(), os.getgid()
    checked(libc.unshare(what if uid == 0 else what | NEW_USER))
    if uid:
        for name, text in ("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1"):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)


def apart() -> None:
    """Namespaces of its own; until here they are the fork server's."""
    checked(libc.unshare(NEW_REST))
    mount("", "/", "", RECURSIVE | PRIVATE)
    with socket.socket() as loopback:  # up, as bubblewrap leaves it
        fcntl.ioctl(loopback, 0x8914, struct.pack("16sH14x", b"lo", 0x41))  # SIOCSIFFLAGS: up and running


def mount_walls(settings: dict) -> None:
    """Fresh instances of all that could be written to or show others."""
    base, shared = settings["base"], settings["folder"]
    python = {path: os.open(path, os.O_PATH) for path in PYTHON}
    for name, folder in settings["folders"].items():
        if name == "run":  # the last, in the cover of the folder that all share
            os.makedirs(shared, exist_ok=True)
            memory(shared, 2**16, "755")
            os.makedirs(f"{base}/run")
            read_only(shared)
        size = lockdown.SMALL if name in ("exchange", "run") else settings["disk_bytes"]
        memory(folder, size, "1777", settings["files"][name])
        for path, handle in python.items():
            if path.startswith(f"{folder}/"):  # an environment may lie in /tmp
                os.makedirs(path, exist_ok=True)
                mount(f"/proc/self/fd/{handle}", path, "", BIND | RECURSIVE)  # read-only, as it was
    mount("devpts", "/dev/pts", "devpts", NO_SUID | NO_PROGRAMS, "newinstance,ptmxmode=0666,mode=620")
    mount("proc", "/proc", "proc", NO_SUID | NO_DEVICES | NO_PROGRAMS)
    for name in ("sys", "sysrq-trigger", "irq", "bus"):
        if os.access(f"/proc/{name}", os.W_OK):
            mount(f"/proc/{name}", f"/proc/{name}", "", BIND | RECURSIVE)
            read_only(f"/proc/{name}")


def build(settings: dict, opened: bool = False) -> None:
    """Show this notebook's own part of the shared folder, and cover all the rest of it.

    Args:
        opened: `helpers` are there already, where the opening has imported them.
    """
    base = settings["base"]
    shown = {
        f"{base}/submission": "/vit/submission",
        f"{base}/passwd": "/etc/passwd",
        f"{base}/kernel.json": "/vit/kernel.json",
    } | ({} if opened else {settings["helpers"]: HELPERS})
    apart()
    places = {name: os.open(name, os.O_PATH) for name in shown}
    mount_walls(settings)
    for name, target in shown.items():
        mount(f"/proc/self/fd/{places[name]}", target, "", BIND)
        read_only(target)


# --- one notebook ---------------------------------------------------------------------------------


def guard(connection: socket.socket, settings: dict, opened: bool) -> None:
    """Serve one request: "started"; "up" once the walls stand, or "opened" if the opening has been run, too; in the end
    the exit code; then wait for the caller."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.dup2(os.open(f"{settings['base']}/log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
    connection.send(b"started")  # the system adds our process number
    own_users()
    if (pid := os.fork()) == 0:
        first(settings, connection, opened)
    if connection in select.select([connection, os.pidfd_open(pid)], [], [])[0]:
        os.kill(pid, signal.SIGKILL)  # who asked for it has died
        return
    _, status = os.waitpid(pid, 0)
    connection.send(str(code_of(status)).encode())
    connection.recv(1)  # until then our number is not given to another process


def first(settings: dict, connection: socket.socket, opened: bool) -> None:
    build(settings, opened)
    handles = lockdown.settle(settings)
    lockdown.prctl(1, 9)  # PR_SET_PDEATHSIG: with the guard everything dies
    lockdown.prctl(4, 0)  # PR_SET_DUMPABLE: not for the kernel to look into
    socket.send_fds(connection, [b"opened" if opened else b"up"], handles)
    connection.detach()
    os.closerange(3, 2**16)
    os.setsid()  # the guard's group could be killed from inside
    if (kernel := os.fork()) == 0:
        os.setsid()
        lockdown.prctl(4, 1)
        if opened:
            random.setstate(opening.numbers)
        else:
            seed()
        importlib.invalidate_caches()
        sys.argv = [lockdown.__file__, *settings["argv"]]
        lockdown.become_kernel(settings)
        sys.exit()
    # what process 1 does not handle does not reach it from inside
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    pid, status = 0, 0
    while pid != kernel:
        pid, status = os.wait()
    os._exit(code_of(status))  # the system ends what is left inside


def seed() -> None:
    random.seed()
    sys.modules["numpy"].random.seed()
    sys.modules["torch"].default_generator.seed()


def code_of(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code  # as bubblewrap puts it


def draw() -> None:
    """A figure that nobody sees: fonts are found and read, modules that drawing needs imported."""
    figure = sys.modules["matplotlib.figure"].Figure(layout="constrained")
    axes = figure.subplots()
    axes.imshow([[0, 1]])
    axes.set_title("$x$")
    figure.savefig(io.BytesIO(), bbox_inches="tight")


def preload(fonts: str) -> None:
    os.makedirs(os.environ["MPLCONFIGDIR"])
    if fonts:
        shutil.copy(fonts, os.environ["MPLCONFIGDIR"])
    before = dict(os.environ)
    gc.disable()  # nothing that is imported is garbage, and looking for it takes time
    for name in lockdown.PRELOADED:
        importlib.import_module(name)
    draw()
    gc.enable()
    os.environ.clear()  # scikit-learn sets variables
    os.environ.update(before)
    freeze()
    collapse()


def freeze() -> None:
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        raise RuntimeError(f"A process should have one thread to be forked, and this one has {threads}.")
    gc.collect()
    gc.freeze()  # what is there now is shared with the kernels; collecting it would copy it


def collapse() -> None:
    """Have the system keep our memory in large pages where it can: a fork copies a list of pages, which is five hundred
    times shorter then. Linux 6.1 and later do so at once; elsewhere nothing changes."""
    with open("/proc/self/maps") as file:
        places = [line.split() for line in file]
    for where, rights, _, _, _, *name in places:
        if rights == "rw-p" and name in ([], ["[heap]"]):
            begin, end = (int(edge, 16) for edge in where.split("-"))
            for place in range(-(-begin // HUGE) * HUGE, end // HUGE * HUGE, HUGE):
                libc.madvise(ctypes.c_void_p(place), ctypes.c_size_t(HUGE), 25)  # MADV_COLLAPSE


def serve(server: socket.socket, lifeline: int) -> None:
    """Until the other end of `lifeline` is closed: with us bubblewrap ends, and with that all kernels."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system buries the guards
    # what has run the opening of this name; None: it can't be run ahead
    opened: dict[str, socket.socket | None] = {}
    while lifeline not in select.select([server, lifeline], [], [])[0]:
        connection, _ = server.accept()
        with connection:
            connection.settimeout(OPENING_SECONDS)
            try:
                asked = connection.recv(2**20)
                settings = json.loads(asked)
            except (OSError, ValueError):  # who asked has died
                continue
            connection.settimeout(None)
            name = settings.get("opening", {}).get("name")
            # no room for another process: who asked is told by the connection's end
            with contextlib.suppress(OSError):
                if name in opened:
                    opened[name] = opened.pop(name)  # the last one used
                elif name:
                    opener(settings, opened, [server, connection], lifeline)
                if opened.get(name):
                    try:
                        socket.send_fds(opened[name], [asked], [connection.fileno()])
                        continue
                    except OSError:  # it has died: the next one who asks starts another
                        opened.pop(name).close()
                fork([server, *filter(None, opened.values())], guard, connection, settings, False)


def fork(closed: list[socket.socket], then: Callable[..., None], *given) -> int:
    """Another process that does this, without these sockets, and ends; its number."""
    if pid := os.fork():
        return pid
    code = 1
    try:
        for one in closed:
            one.close()
        then(*given)
        code = 0
    except SystemExit as end:  # of the kernel
        code = end.code if isinstance(end.code, int) else 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def opener(
    settings: dict, opened: dict[str, socket.socket | None], closed: list[socket.socket], lifeline: int
) -> None:
    """Put into `opened` a process that runs the opening of this notebook and forks guards for connections that it is sent;
    None if it says that it cannot, or takes too long; nothing if it dies."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = fork([*closed, *filter(None, opened.values()), ours], open_and_serve, settings, theirs, lifeline)
    theirs.close()
    ours.settimeout(OPENING_SECONDS)
    name = settings["opening"]["name"]
    try:
        said = ours.recv(8)
    except OSError:
        said = b"late"
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if said == b"ready":
        ours.settimeout(None)
        opened[name] = ours
    else:
        ours.close()
        if said:
            opened[name] = None
    if len(opened) > MOST_OPENED and (oldest := opened.pop(next(iter(opened)))):
        oldest.close()


def open_and_serve(settings: dict, requests: socket.socket, lifeline: int) -> None:
    """Run the opening where a kernel would, then serve until nobody asks any more.

    It cannot be run ahead if it raises, or leaves what a fork does not bring: threads, files, open files.
    """
    unshare(NEW_MOUNTS)
    mount("", "/", "", RECURSIVE | PRIVATE)
    mount(settings["helpers"], HELPERS, "", BIND)
    read_only(HELPERS)
    for folder in (lockdown.COPY, "/dev/shm"):
        memory(folder, lockdown.SMALL, "1777")
    os.chdir(lockdown.COPY)
    seed()
    before = left(settings["folder"])
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # as in a kernel
    try:
        opening.run(settings["opening"]["cells"])
        if more := set(left(settings["folder"])) - set(before):
            raise RuntimeError(f"An opening leaves files, or files that are open: {sorted(more)}.")
        freeze()
    except Exception:
        traceback.print_exc()
        requests.send(b"cannot")
        return
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    os.chdir("/")
    requests.send(b"ready")
    while lifeline not in select.select([requests, lifeline], [], [])[0]:
        asked, handles, *_ = socket.recv_fds(requests, 2**20, 1)
        if not asked:
            return
        with socket.socket(fileno=handles[0]) as connection, contextlib.suppress(OSError):
            fork([requests], guard, connection, json.loads(asked), True)


def left(shared: str) -> list[str]:
    """The files where a notebook may write, and what is open; apart from its home, the folder `shared` by all requests, where
    others are at work, and Python's own files (fonts)."""
    found = []
    for folder in (lockdown.COPY, "/dev/shm", "/tmp"):
        for place, folders, names in os.walk(folder):
            folders[:] = [name for name in folders if f"{place}/{name}" not in ("/tmp/home", shared)]
            found += [f"{place}/{name}" for name in names]
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the one by which this folder was read
            found.append(os.readlink(f"/proc/self/fd/{number}"))
    return sorted(name for name in found if not name.startswith(tuple(f"{path}/" for path in PYTHON)))


def attempt(settings: dict) -> int:
    """Whether walls can be built on this machine, and Python's packages are seen behind them: an exit code, the reason
    on stderr."""
    own_users()
    if (pid := os.fork()) == 0:
        try:
            build(settings)
            tops = sorted({name.split(".")[0] for name in lockdown.PRELOADED})
            gone = [name for name in tops if not importlib.util.find_spec(name)]
            if gone:
                raise OSError(
                    f"{', '.join(gone)} cannot be found behind the walls; Python is in {sys.prefix}"
                )
            os._exit(0)
        except OSError as error:
            print(error, file=sys.stderr, flush=True)
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    os.umask(0o022)
    task, *told = sys.argv[1:]
    if task == "attempt":
        sys.exit(attempt(json.loads(told[0])))
    preload(told[2])
    serve(socket.socket(fileno=int(told[0])), int(told[1]))
