"""What the sandbox asks the system about processes, and how it removes what they leave.

From /proc, not psutil: that reads every process of the machine to find the children of one.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path


def remove(folder: Path) -> None:
    """Remove a folder that student code has filled. No link is followed; what resists stays, without an error.

    By `rm`, which goes to any depth; Python's rmtree gives up at its recursion limit.
    """
    if sys.platform == "win32":
        shutil.rmtree(folder, ignore_errors=True)
        return
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if subprocess.run(["rm", "-rf", "--", str(folder)], **quiet).returncode:
        subprocess.run(["chmod", "-R", "u+rwX", "--", str(folder)], **quiet)
        subprocess.run(["rm", "-rf", "--", str(folder)], **quiet)


def text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:  # gone
        return ""


def in_memory(folder: str) -> bool:
    """Whether its files lie in memory. Linux only; elsewhere False."""
    device = os.stat(folder).st_dev
    for line in text("/proc/self/mountinfo").splitlines():
        number, kind = line.split()[2], line.partition(" - ")[2].split()[0]
        if number == f"{os.major(device)}:{os.minor(device)}":
            return kind in ("tmpfs", "ramfs")
    return False


def tasks(pid) -> list[str]:
    try:
        return os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []


def owner(pid) -> int | None:
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return None


def tree(pid: int) -> list[int]:
    """A process and all that descend from it, itself first. Linux only; elsewhere itself alone."""
    found = [pid]
    for parent in found:
        for task in tasks(parent):
            found += map(int, text(f"/proc/{parent}/task/{task}/children").split())
    return found


def end(process: subprocess.Popen) -> None:
    """Kill a sandbox: the first process inside goes first; with it the system ends all others before the outer returns."""
    for pid in (*tree(process.pid)[1:2], process.pid):
        if process.poll() is None:
            try:
                os.kill(pid, 9) if sys.platform != "win32" else process.kill()
                process.wait(2)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass


def resident(pid: int) -> int:
    """Bytes of memory in use, shared ones, tables of pages and what is swapped out included."""
    return _kilobytes(f"/proc/{pid}/status", "VmRSS:", "VmPTE:", "VmSwap:") * 1024


def proportional(pid: int) -> int:
    """The same, a page that n processes share counted as 1/n."""
    shared = _kilobytes(f"/proc/{pid}/smaps_rollup", "Pss:", "SwapPss:")
    return (shared + _kilobytes(f"/proc/{pid}/status", "VmPTE:")) * 1024 if shared else resident(pid)


def _kilobytes(path: str, *names: str) -> int:
    return sum(int(line.split()[1]) for line in text(path).splitlines() if line.startswith(names))


def delayed(pid) -> float:
    """Seconds for which the first thread of a process, or any thread, was ready and waited for a processor."""
    words = text(f"/proc/{pid}/schedstat").split()
    return int(words[1]) / 1e9 if len(words) > 1 else 0.0


def sockets(pid: int) -> int:
    """Sockets of all processes in the network that this one is in."""
    words = text(f"/proc/{pid}/net/sockstat").split()
    return int(words[2]) if words[:2] == ["sockets:", "used"] else 0


def written(pid: int) -> int:
    """Bytes written to disks so far."""
    for line in text(f"/proc/{pid}/io").splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    return 0
