"""The first thing that runs inside the sandbox: it takes every right away from itself, then becomes the kernel.

`course/sandbox/sandbox.py` starts this file inside bubblewrap. Standard library only, and no
student code has run before `main` is over. In order: copy the submission into the sandbox's own memory-backed
folder, give up root, set the limits that the system enforces for each process, forbid system calls that no
notebook needs, start ipykernel.
"""

import ctypes
import json
import os
import platform
import random
import shutil
import socket
import stat
import sys

COPY = "/vit/work"  # the submission's disposable copy, the kernel's working folder
SMALL = 32_000_000  # bytes of the exchange and of the sockets' folder

# What each notebook of the course imports anyway: more could make code run here that does not run elsewhere.
PRELOADED = (
    "numpy",
    "torch",
    "einops",
    "matplotlib.pyplot",
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.debugger",  # what a kernel imports when it starts, and when it draws its first figure
    "IPython.core.debugger",
    "tornado.platform.asyncio",
    "IPython.core.completerlib",
    "IPython.extensions.storemagic",
    "matplotlib.figure",
    "einops.layers.torch",
    "torch.fx.experimental.symbolic_shapes",  # by the first backward()
    "sklearn.datasets",  # the digits and photos, and what reading them imports: more than a second in most notebooks
    "sklearn.model_selection",
    "tqdm.auto",
)

# System calls that would undo a limit or widen the attack surface; numbers from the kernel's tables.
# memfd, System V memory and its semaphores escape every limit; keys and io_uring reach past the namespaces.
FORBIDDEN = {
    #            x86_64, aarch64
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "open_by_handle_at": (304, 265),
}
CLONE, CLONE3 = (56, 220), (435, 435)
MMAP, SOCKET = (9, 222), (41, 198)
SHARED = 0x21  # MAP_SHARED | MAP_ANONYMOUS: memory that is no process's own, so no counter sees it
FAMILIES = (1, 2, 10, 16)  # AF_UNIX, INET, INET6, NETLINK; others (VSOCK) reach past the network namespace
NEW_NAMESPACE = 0x7E020000  # every CLONE_NEW* flag of clone()
ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above, AUDIT_ARCH_*


def copy(source: str, target: str) -> None:
    """Copy files, folders and links (as links) into the folder `target`. What cannot be copied is left out."""

    def regular(path: str, copied: str) -> None:
        if stat.S_ISREG(os.lstat(path).st_mode):  # no pipes, sockets, devices
            shutil.copyfile(path, copied, follow_symlinks=False)
            os.chmod(copied, 0o644)  # whatever the grader's umask is

    try:
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, copy_function=regular)
    except (OSError, shutil.Error, RecursionError) as error:
        print(f"Not all of the submission was copied: {str(error)[:500]}", file=sys.stderr)


def give(folder: str, owner: int) -> None:
    """Make `owner` the owner of a folder and all in it; links are not followed."""
    for place, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            os.lchown(os.path.join(place, name), owner, owner)
    os.lchown(folder, owner, owner)


def limit(settings: dict) -> None:
    """What the system enforces for each process; `course/sandbox/sandbox.py` watches the sums."""
    import resource  # not on Windows, where this file is imported for its path

    for what, most in {
        # Not RLIMIT_AS: torch and its libraries alone map more than 4 GB that they never use.
        # Twice: the watch sees what a notebook really uses and ends it at the limit; this stops what is too fast.
        resource.RLIMIT_DATA: 2 * settings["memory"],
        resource.RLIMIT_NPROC: settings["processes"],
        resource.RLIMIT_FSIZE: settings["file_bytes"],
        resource.RLIMIT_CPU: settings["cpu_seconds"],
        resource.RLIMIT_NOFILE: 512,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_CORE: 0,
    }.items():
        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def forbid() -> None:
    """Install the seccomp filter: FORBIDDEN calls, new namespaces, memory to share without a file and sockets of odd
    families fail.

    By hand because libseccomp is not on every machine; the program is a list of "this number? refuse".
    Other processors than x86_64 and aarch64 go without.
    """
    if platform.machine() not in ARCHITECTURES:
        return
    column, architecture = ARCHITECTURES[platform.machine()]
    load, equal, at_least, any_bit, both, answer = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06  # BPF opcodes
    allow, kill, not_permitted, no_such_call, no_family = 0x7FFF0000, 0x80000000, 0x50001, 0x50026, 0x50061
    # killed: another architecture's system calls
    program = [(load, 0, 0, 4), (equal, 1, 0, architecture), (answer, 0, 0, kill), (load, 0, 0, 0)]
    if column == 0:
        program += [(at_least, 0, 1, 0x40000000), (answer, 0, 0, kill)]  # x32's second set of numbers
    for numbers in FORBIDDEN.values():
        program += [(equal, 0, 1, numbers[column]), (answer, 0, 0, not_permitted)]
    # clone3 hides its flags from filters; the C library falls back to clone when it does not exist.
    program += [(equal, 0, 1, CLONE3[column]), (answer, 0, 0, no_such_call)]
    program += [(equal, 0, 5, MMAP[column]), (load, 0, 0, 40), (both, 0, 0, SHARED)]
    program += [(equal, 0, 1, SHARED), (answer, 0, 0, not_permitted), (answer, 0, 0, allow)]
    program += [(equal, 0, len(FAMILIES) + 3, SOCKET[column]), (load, 0, 0, 16)]
    program += [(equal, len(FAMILIES) - n, 0, family) for n, family in enumerate(FAMILIES)]
    program += [(answer, 0, 0, no_family), (answer, 0, 0, allow)]
    program += [(equal, 1, 0, CLONE[column]), (answer, 0, 0, allow)]
    program += [(load, 0, 0, 16), (any_bit, 0, 1, NEW_NAMESPACE), (answer, 0, 0, not_permitted)]
    program += [(answer, 0, 0, allow)]

    class Step(ctypes.Structure):
        _fields_ = (
            ("code", ctypes.c_uint16),
            ("then", ctypes.c_uint8),
            ("otherwise", ctypes.c_uint8),
            ("value", ctypes.c_uint32),
        )

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.POINTER(Step)))

    steps = (Step * len(program))(*(Step(*step) for step in program))
    prctl(22, 2, ctypes.byref(Program(len(program), steps)))  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER


def bound_output(most: int) -> None:
    """Keep what is printed small at its source; the judge's side (`course/sandbox/manager.py`) does not rely on it.

    A message above its limit would cost the notebook all further output, so honest floods must not get there.
    """
    from ipykernel.iostream import OutStream

    write, left = OutStream.write, most

    def bounded(self, string):
        nonlocal left
        if not isinstance(string, str):
            return write(self, string)
        kept, left = string[: max(left, 0)], left - len(string)
        if kept:
            write(self, kept)
        return len(string)

    OutStream.write = bounded


def prctl(option: int, *values) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    values = [ctypes.c_ulong(v) if isinstance(v, int) else v for v in (*values, 0, 0, 0, 0)[:4]]
    if libc.prctl(option, *values):
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")


def drop() -> None:
    """Give up the capabilities that are left: inheritable ones, and those in an ordinary user's own user namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
    if libc.capset(header, (ctypes.c_uint32 * 6)()):
        raise OSError(ctypes.get_errno(), "capset failed")


def settle(settings: dict) -> list[int]:
    """Everything but the kernel: the submission's copy, a user of its own, limits, no way back.

    Returns handles of all folders that can be written to, for who watches from outside.
    """
    owner = settings["uid"]  # None: we are an ordinary user already
    # Here "/" is already the sandbox's, so a link that points out of the submission points at nothing.
    os.umask(0o022)
    copy(settings["submission"], COPY)
    os.chmod(COPY, 0o700)
    connection = os.path.join(settings["folders"]["run"], "kernel.json")
    shutil.copyfile(settings["connection"], connection)
    handles = [os.open(folder, os.O_RDONLY | os.O_DIRECTORY) for folder in settings["folders"].values()]
    os.makedirs(os.environ["MPLCONFIGDIR"])
    if settings["fonts"]:  # matplotlib's list of fonts takes seconds to make
        shutil.copy(settings["fonts"], os.environ["MPLCONFIGDIR"])
    if owner is not None:
        for folder in (COPY, os.environ["HOME"], connection):
            give(folder, owner)
        os.setgroups([])
        os.setresgid(owner, owner, owner)
        os.setresuid(owner, owner, owner)  # with the last uid 0 every capability is gone too
        prctl(4, 1)  # PR_SET_DUMPABLE: or /proc/self would belong to root
    drop()
    os.chdir(COPY)
    limit(settings)
    prctl(38, 1)  # PR_SET_NO_NEW_PRIVS: setuid programs in /usr give nothing
    forbid()
    return handles


def become_kernel(settings: dict) -> None:
    from ipykernel.kernelapp import IPKernelApp

    bound_output(2 * settings["output_bytes"])
    app, numbers = IPKernelApp.instance(), random.getstate()
    app.initialize()
    # the start draws some, and what has run before (an opening) may have chosen which come
    random.setstate(numbers)
    app.start()


if __name__ == "__main__":
    told = json.loads(sys.argv.pop(1))
    with socket.socket(fileno=told["report"]) as report:
        socket.send_fds(report, [b"."], handles := settle(told))
    for handle in handles:
        os.close(handle)
    become_kernel(told)
