"""Escapes, tried from inside by student code in a real kernel; and honest notebooks, which must not notice.

What tries the walls runs twice: in a warm kernel, and in one that bubblewrap starts. The rest, mostly limits, runs once,
in what this machine offers.
"""

import dataclasses
import json
import mmap
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook

from course.judging.session import Session
from course.sandbox import bubblewrap, prefork, processes, sandbox
from course.sandbox.limits import Limits
from course.sandbox.sandbox import NoSandbox, Sandbox
from tests import ordinary

KINDS = [pytest.param("warm", marks=pytest.mark.needs("warm kernels")), "cold"]


def linux(test):
    return pytest.mark.grading(pytest.mark.needs("sandbox")(test))


def both(test):
    """A test for Linux that runs in warm kernels and in others."""
    return linux(pytest.mark.parametrize("kind", KINDS, indirect=True)(pytest.mark.usefixtures("kind")(test)))


@pytest.fixture
def kind(request, monkeypatch):
    monkeypatch.setattr(prefork, "_failures", 0)  # what happened before is no fault of this test
    if request.param == "cold":
        monkeypatch.setattr(prefork, "folder", lambda: None)
    yield request.param
    assert not prefork._failures


@pytest.fixture
def private():
    """A grader whose new files nobody else may read."""
    before = os.umask(0o077)
    yield
    os.umask(before)


PATIENT = Limits(cell_seconds=120, notebook_seconds=300)  # limits that only the test at hand should meet


@dataclasses.dataclass
class Ran:
    outputs: list  # of each cell
    ended: Exception | None
    fate: str | None
    seconds: float

    def text(self, cell: int = -1) -> str:
        """What it printed; not stderr, on which Python 3.12 and later warn of os.fork()."""
        printed = [output for output in self.outputs[cell] if output.get("name") == "stdout"]
        return "".join(output["text"] for output in printed)

    def error(self, cell: int = -1) -> str:
        return "".join(output.get("ename", "") for output in self.outputs[cell])


def execute(box: Sandbox, *cells: str, **options) -> Ran:
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    begin, ended = time.monotonic(), None
    options = {"timeout": box.limits.cell_seconds, "allow_errors": True, "startup_timeout": 120} | options
    try:
        NotebookClient(notebook, km=box.manager, **options).execute()
    except Exception as error:
        ended = error
    return Ran([cell.outputs for cell in notebook.cells], ended, None, time.monotonic() - begin)


def run(folder: Path, *cells: str, limits: Limits = PATIENT, sandboxed: bool = True, **options) -> Ran:
    with Sandbox(folder, limits, sandboxed) as box:
        ran = execute(box, *cells, **options)
    assert not box._base.exists(), "the disposable folder should be gone"
    ran.fate = box.fate()
    return ran


def said(folder: Path, code: str) -> object:
    """What the code puts into `answer`, by way of JSON."""
    ran = run(folder, f"import json, os\nanswer = None\n{code}\nprint(json.dumps(answer))")
    assert ran.ended is None and not ran.error(), ran
    return json.loads(ran.text())


@pytest.fixture
def folder(tmp_path) -> Path:
    submission = tmp_path / "submitted" / "ada"
    submission.mkdir(parents=True)
    (submission / "notes.txt").write_text("mine")
    return submission


# ------------------------------------------------------------------------------
# Honest work


@both
def test_what_is_to_be_compiled_runs_as_it_is(folder, private):
    """The compiler would take most of a cell's minute, and there may be none."""
    ran = run(
        folder,
        "import torch\n@torch.compile\ndef double(x):\n    return 2 * x, torch.compiler.is_compiling()",
        "print(double(torch.ones(1)))",
    )
    assert ran.text(1) == "(tensor([2.]), False)\n", ran.outputs


@both
def test_an_ordinary_notebook_does_not_notice(folder, private):
    ran = run(
        folder,
        "import numpy as np, torch\nfrom helpers import check, data, show\nprint(torch.ones(3).sum().item())",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3]);",
        "print(data.digits().images.shape, data.photo('china').shape)",
        "open('mine.txt', 'w').write('x'); print(open('notes.txt').read())",
        "import os\nprint(os.environ['NBGRADER_EXECUTION'], os.environ['VIT_OFFLINE'], torch.get_num_threads())",
        "import getpass, tempfile\nprint(getpass.getuser(), tempfile.gettempdir(), os.path.expanduser('~'))",
        """
from torch.utils.data import DataLoader
print(sum(len(batch) for batch in DataLoader(torch.arange(8.0), batch_size=4, num_workers=1)))
""",
    )
    assert ran.ended is None and ran.fate is None
    assert [ran.error(cell) for cell in range(7)] == [""] * 7
    assert "image/png" in ran.outputs[1][0]["data"]
    assert not [o for cell in ran.outputs for o in cell if o.get("name") == "stderr"]
    assert ran.text(0) == "3.0\n" and ran.text(3) == "mine\n" and ran.text(4) == "autograde 1 1\n"
    assert ran.text(5) == "student /tmp /tmp/home\n" and ran.text(6) == "8\n"
    assert sorted(os.listdir(folder)) == ["notes.txt"], "the student wrote into the copy only"


@both
def test_an_interrupt_reaches_the_kernel(folder):
    ran = run(
        folder, "while True: pass", "print('on')", limits=Limits(cell_seconds=2), interrupt_on_timeout=True
    )
    assert ran.error(0) == "KeyboardInterrupt" and ran.text(1) == "on\n"


@both
def test_files_of_the_submission_are_not_imported_at_the_start(folder):
    for name in ("numpy", "ipykernel_launcher", "ipykernel", "traitlets", "sitecustomize", "json"):
        (folder / f"{name}.py").write_text("raise SystemExit('hijacked')")
    assert said(folder, "import numpy\nanswer = numpy.__file__").endswith("numpy/__init__.py")


@both
def test_the_course_data_is_there_and_cannot_be_changed(folder, tmp_path, monkeypatch):
    given = tmp_path / "given"
    given.mkdir()
    (given / "cifar.txt").write_text("pixels")
    monkeypatch.setenv("VIT_DATA", str(given))
    code = "given = os.environ['VIT_DATA']\nanswer = [open(given + '/cifar.txt').read(), os.access(given, os.W_OK)]"
    assert said(folder, code) == ["pixels", False]


# ------------------------------------------------------------------------------
# Escapes


READ = """
def got(path):
    try:
        return os.listdir(path) if os.path.isdir(path) else open(path, "rb").read().decode("latin-1")
    except OSError as error:
        return None
answer = [got(path) for path in {paths!r}]
"""


@both
def test_nothing_of_the_host_can_be_read(folder, root, tmp_path):
    (tmp_path / "gradebook.db").write_text("secret")
    (tmp_path / "submitted" / "bob").mkdir()
    (tmp_path / "submitted" / "bob" / "q1.ipynb").write_text("secret")
    paths = [
        "/etc/shadow",
        "/etc/hostname",
        tmp_path / "gradebook.db",
        tmp_path / "submitted",
        tmp_path / "submitted" / "bob" / "q1.ipynb",
        folder,
        "../../gradebook.db",
        *(
            root / name
            for name in ("solutions", "lessons", "grading", "nbgrader_config.py", "course", ".git")
        ),
        "/vit/course",
        "/proc/1/root/etc/shadow",
        "/proc/1/cwd",
        "/sys",
        "/run",
        "/var/lib",
        "/var/log",
        "/dev/mem",
        "/dev/kmsg",
    ]
    paths = [str(path) for path in paths]
    found = dict(zip(paths, said(folder, READ.format(paths=paths)), strict=True))
    inner = found.pop("/proc/1/cwd")
    assert inner is None or "etc" not in inner or "vit" in inner, inner
    assert found == dict.fromkeys(found), "these can be read"
    assert said(folder, "import importlib.util as u\nanswer = u.find_spec('course') is None") is True


@both
def test_the_home_folder_is_not_there(folder):
    """An interpreter inside it (pyenv, uv) is, and nothing beside that."""
    home = Path.home()
    seen = said(folder, READ.format(paths=[str(home)]))[0] or []
    shown = [Path(sys.prefix), Path(sys.base_prefix)]
    assert set(seen) <= {p.relative_to(home).parts[0] for p in shown if home in p.parents}


@both
def test_no_secret_of_the_environment_comes_in(folder, monkeypatch):
    monkeypatch.setenv("LMS_TOKEN", "hunter2secret")
    code = """
answer = str(dict(os.environ))
for pid in filter(str.isdigit, os.listdir("/proc")):
    for name in ("environ", "cmdline", "task/" + pid + "/environ"):
        try:
            answer += open(f"/proc/{pid}/{name}").read()
        except OSError:
            pass
"""
    found = said(folder, code)
    assert "hunter2secret" not in found and "NBGRADER_EXECUTION" in found


@pytest.mark.needs("loopback")
@both
def test_there_is_no_network_and_no_other_process(folder):
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as abstract:
        name = f"\0vit-{uuid.uuid4().hex}"
        abstract.bind(name)
        abstract.listen()
        code = f"""
import socket
answer = []
for family, address in [
    (socket.AF_INET, ("127.0.0.1", {server.getsockname()[1]})),
    (socket.AF_UNIX, {name!r}),
    (socket.AF_INET, ("1.1.1.1", 53)),
    (socket.AF_INET6, ("::1", {server.getsockname()[1]}, 0, 0)),
]:
    try:
        socket.socket(family).connect(address)
        answer.append(address)
    except OSError:
        pass
try:
    os.kill({os.getpid()}, 0)
    answer.append("signal")
except OSError:
    pass
answer += [name for name in os.listdir("/sys/class/net")] if os.path.exists("/sys") else []
"""
        assert said(folder, code) == []


@both
def test_nothing_can_be_written_but_the_copy_and_what_is_thrown_away(folder, root):
    code = """
import sys, torch
answer = []
for place in ["/", "/etc", "/usr", "/usr/local", "/vit", "/vit/helpers", "/vit/data", "/vit/submission", "/dev",
              "/dev/..", "/proc/sys/kernel", sys.prefix, os.path.dirname(torch.__file__), "/tmp/.."]:
    try:
        open(place + "/planted", "w").write("x")
        answer.append(place)
    except OSError:
        pass
"""
    assert said(folder, code) == []


@both
def test_signals_stay_inside(folder):
    code = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
answer = []
for pid, number in [(1, signal.SIGINT), (1, signal.SIGTERM), (1, signal.SIGKILL), (0, signal.SIGTERM), (-1, signal.SIGTERM)]:
    try:
        os.kill(pid, number)
    except OSError:  # nobody there, or somebody else
        pass
__import__("time").sleep(0.5)
"""
    assert said(folder, code) == []


@both
def test_rights_cannot_be_won_back(folder):
    code = """
import ctypes, mmap, socket, subprocess
libc = ctypes.CDLL(None, use_errno=True)
answer = []
for what, call in {
    "new user namespace": lambda: libc.unshare(0x10000000),
    "mount": lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, 0),
    "memory outside the limits": lambda: libc.memfd_create(b"x", 0),
    "System V memory": lambda: libc.shmget(0, 4096, 0o1600),
    "System V semaphores, 64 GB of them": lambda: libc.semget(0, 32_000, 0o600),
    "memory that is no process's own": lambda: len(mmap.mmap(-1, 4096)),
    "the same as a file": lambda: len(mmap.mmap(os.open("/dev/zero", os.O_RDWR), 4096)),
    "a socket to the machine's own machine": lambda: socket.socket(getattr(socket, "AF_VSOCK", 40)).fileno(),
    "a socket to its cryptography": lambda: socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET).fileno(),
    "root": lambda: os.setuid(0) or 0,
    "chroot": lambda: os.chroot("/tmp") or 0,
}.items():
    try:
        if call() >= 0:
            answer.append(what)
    except OSError:
        pass
status = open("/proc/self/status").read()
answer += [line for line in status.splitlines() if line.startswith(("CapEff", "CapPrm")) and int(line[7:], 16)]
file = open("/dev/shm/shared", "wb+")  # what processes do share has a file in memory, and that a size
file.truncate(4096)
mmap.mmap(file.fileno(), 4096).write(b"mine")
answer += [] if file.read(4) == b"mine" else ["no shared file"]
answer += [] if os.getuid() and "NoNewPrivs:\\t1" in status and "Seccomp:\\t2" in status else [status]
try:
    answer.append(subprocess.run(["unshare", "-Ur", "id"], capture_output=True).stdout.decode())
except OSError:
    answer.append("")
"""
    assert said(folder, code) == [""]


def alive(token: str) -> list[str]:
    """Processes of this machine that carry the token in their command line."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if token in Path("/proc", pid, "cmdline").read_text(errors="replace"):
                found.append(pid)
        except OSError:
            pass
    return found


DAEMON = """
import os, subprocess, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "{token}"], start_new_session=True)
        os._exit(0)
    os._exit(0)
os.wait()
print(open("/proc/self/stat").read().split()[0])
"""


@both
def test_a_daemon_dies_with_the_kernel(folder):
    token = f"daemon-{uuid.uuid4().hex}"
    with Sandbox(folder, PATIENT) as box:
        ran = execute(box, DAEMON.format(token=token))
        assert not ran.error(), ran
        wait_until(lambda: alive(token))  # the daemon has started
    assert not alive(token)


@both
def test_the_death_of_the_grader_leaves_nothing(folder, kind):
    token = f"orphan-{uuid.uuid4().hex}"
    code = f"""
import os, sys, time
from pathlib import Path
from tests.sandbox.test_sandbox import DAEMON, PATIENT, Sandbox, alive, execute, processes, wait_until
with Sandbox(Path({str(folder)!r}), PATIENT, warmed={kind == "warm"}) as box:
    print(execute(box, DAEMON.format(token={token!r})).error(), flush=True)
    wait_until(lambda: len(alive({token!r})) > 1)  # this process, and the daemon
    print(box._base, *processes.tree(os.getpid())[1:], flush=True)
    time.sleep(600)
"""
    grader = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert grader.stdout.readline() == "\n"
        base, *pids = grader.stdout.readline().split()
        assert len(pids) > 2 and len(alive(token)) > 1
    finally:
        grader.send_signal(signal.SIGKILL)
        grader.communicate()
    processes.remove(Path(base).parent if kind == "warm" else Path(base))  # nobody else is left to do it
    wait_until(lambda: not alive(token) and not any(map(lives, pids)))


def lives(pid) -> bool:
    """Whether it runs; one that has ended and waits for its parent does not."""
    return processes.text(f"/proc/{pid}/stat").rpartition(")")[2].split()[:1] not in ([], ["Z"])


def wait_until(happened, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it should have happened by now"
        time.sleep(0.05)


# ------------------------------------------------------------------------------
# Limits


@both
def test_a_fork_bomb_stays_small(folder):
    bomb = """
import os, time
end, refused = time.time() + 1.5, 0
while time.time() < end + 60 * (not refused):
    try:
        os.fork()
    except OSError:
        refused += 1
        time.sleep(0.02)
if os.getpid() == {pid}:
    print(refused > 0)
else:
    os._exit(0)
"""
    most, stop = 0, threading.Event()
    with Sandbox(folder, PATIENT) as box:

        def count():
            nonlocal most
            while not stop.wait(0.01):
                if box._process is not None:
                    most = max(most, len(processes.tree(box._process.pid)))

        counter = threading.Thread(target=count)
        counter.start()
        ran = execute(box, "import os\npid = os.getpid()", bomb.replace("{pid}", "pid"))
        stop.set()
        counter.join()
    assert 10 < most < 64
    assert ran.ended is None and ran.text() == "True\n"


@linux
@pytest.mark.parametrize(
    "bomb",
    [
        "held = []\nwhile True: held.append(bytearray(10**7))",
        "import os\nfor _ in range(5): os.fork()\nheld = []\nwhile True: held.append(bytearray(4 * 10**6))",
    ],
    ids=["one process", "32 processes"],
)
def test_a_memory_bomb_is_ended(folder, bomb):
    ran = run(folder, bomb, limits=Limits(memory=10**9, cell_seconds=120))
    assert isinstance(ran.ended, DeadKernelError) and ran.fate == "memory"


@linux
def test_waiting_for_a_processor_is_seen():
    busy = f"import os, time\nos.sched_setaffinity(0, [{min(os.sched_getaffinity(0))}])\n"
    busy += "while time.process_time() < 1: pass\nprint(open('/proc/self/schedstat').read().split()[1])"
    both = [subprocess.Popen([sys.executable, "-c", busy], stdout=subprocess.PIPE) for _ in range(2)]
    seen = 0.0
    while both[0].poll() is None:
        seen = max(seen, processes.delayed(both[0].pid))
        time.sleep(0.01)
    mine, _ = (float(process.communicate()[0]) / 1e9 for process in both)
    assert seen > 0.3 and abs(seen - mine) < 0.2  # each had half of one processor


@linux
@pytest.mark.parametrize("of_a_second, counted", [(0.0, 1), (0.5, 1 / 2), (20.0, 1 / 3)])
def test_time_for_which_a_kernel_waits_for_a_processor_does_not_count(
    folder, monkeypatch, of_a_second, counted
):
    monkeypatch.setattr(sandbox, "tasks", lambda pid: [])
    monkeypatch.setattr(sandbox, "delayed", lambda pid: of_a_second * time.monotonic())
    with Sandbox(folder, PATIENT) as box:
        box._start_watch(subprocess.Popen(["sleep", "60"]))
        time.sleep(0.5)
        looked, clock = time.monotonic(), box.clock()
        time.sleep(3)
        assert (box.clock() - clock) / (time.monotonic() - looked) == pytest.approx(counted, abs=0.1)


@linux
def test_a_cell_is_stopped_by_that_clock(folder, monkeypatch):
    monkeypatch.setattr(Sandbox, "clock", lambda box: time.monotonic() / 10)
    with (
        Sandbox(folder, Limits(cell_seconds=0.5, notebook_seconds=300)) as box,
        Session(box, box.limits) as session,
    ):
        outputs, state = session.cell("import time\ntime.sleep(2)\nprint('on')")
    assert state is None and outputs[0].text == "on\n"


@linux
def test_tables_of_pages_that_hold_nothing_count_as_memory():
    before = processes.resident(os.getpid()), processes.proportional(os.getpid())
    size = 2_000 * 2**21  # 4 kB of a table for each 2 MB that is looked at
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=mmap.PROT_READ) as empty:
        empty.madvise(mmap.MADV_NOHUGEPAGE)
        assert not any(empty[at] for at in range(0, size, 2**21))
        after = processes.resident(os.getpid()), processes.proportional(os.getpid())
    assert all(6_000_000 < b - a < 60_000_000 for a, b in zip(before, after, strict=True))


@linux
def test_sockets_without_end_are_ended(folder):
    many = "import socket, time\nheld = [socket.socketpair() for _ in range(200)]\ntime.sleep(60)"
    ran = run(folder, many)
    assert isinstance(ran.ended, DeadKernelError) and ran.fate == "killed"


@both
def test_asking_for_more_memory_than_there_is_is_the_students_error(folder):
    ran = run(folder, "bytearray(10**12)", "print('on')")
    assert ran.error(0) == "MemoryError" and ran.text(1) == "on\n" and ran.fate is None


STUBBORN = """
while True:
    try:
        while True: pass
    except BaseException: pass
"""


@linux
@pytest.mark.parametrize("loop", ["while True: pass", STUBBORN], ids=["plain", "swallows interrupts"])
def test_an_endless_loop_is_ended_with_the_notebook(folder, loop):
    ran = run(folder, loop, limits=Limits(notebook_seconds=4))
    assert isinstance(ran.ended, DeadKernelError) and ran.fate == "timeout"
    assert ran.seconds < 60  # measured: 4.2 and the second that nbclient takes to notice


@linux
def test_an_endless_loop_is_ended_with_its_cell(folder):
    begin = time.monotonic()
    ran = run(folder, STUBBORN, limits=Limits(cell_seconds=2))
    assert isinstance(ran.ended, CellTimeoutError)
    assert time.monotonic() - begin < 60


@both
@pytest.mark.parametrize(
    "code", ["import os; os._exit(0)", "import os; os._exit(255)", "import os; os.kill(0, 9)"]
)
def test_a_kernel_that_ends_itself_is_told_apart(folder, code):
    ran = run(folder, code)
    assert isinstance(ran.ended, DeadKernelError) and ran.fate == "killed"


@linux
def test_output_is_kept_to_its_limit(folder):
    ran = run(
        folder,
        "print('x' * 60_000_000)",
        "for _ in range(20_000): print('y' * 100)",
        "import matplotlib.pyplot as plt\nplt.plot([1])\nplt.show()",
        "1 / 0",
        limits=Limits(output_bytes=100_000),
    )
    assert ran.ended is None
    kept = [ran.text(cell) for cell in range(4)]
    assert sum(map(len, kept)) < 101_000 and "a notebook may print 100,000 bytes" in kept[0]
    assert kept[1:] == ["", "", ""] and not ran.outputs[2]
    assert ran.error(3) == "ZeroDivisionError", "an error is always passed on"


@linux
def test_a_huge_message_does_not_reach_the_judge(folder):
    big = "from IPython.display import display\ndisplay({'text/html': 'x' * 100_000_000}, raw=True)"
    ran = run(folder, big, limits=Limits(cell_seconds=60))
    assert not ran.outputs[0]


@linux
def test_an_endless_error_is_shortened(folder):
    ran = run(folder, "raise ValueError('x' * 5_000_000)")
    assert ran.error() == "ValueError" and len(json.dumps(ran.outputs[0])) < 100_000


FILL = """
import os
held = []
for n in range(100):
    held.append(os.open(f"{place}/{n}", os.O_CREAT | os.O_WRONLY))
    os.posix_fallocate(held[-1], 0, 15_000_000)
    os.unlink(f"{place}/{n}")
"""


@both
def test_disks_cannot_be_filled(folder):
    """Neither by writing nor by files that have no name any more: each folder has its own room, in memory."""
    places = ("/vit/exchange", "/tmp", "/dev/shm", ".")
    ran = run(
        folder,
        "open('big', 'wb').write(bytes(30_000_000))",
        *(FILL.replace("{place}", place) for place in places),
        "print(1)",
        limits=Limits(file_bytes=20_000_000, disk_bytes=40_000_000, cell_seconds=120),
    )
    assert [ran.error(n) for n in range(5)] == ["OSError"] * 5
    assert ran.ended is None and ran.text() == "1\n"


@both
@pytest.mark.parametrize("place", ["/vit/exchange", "/dev/shm", "/tmp"])
def test_files_cannot_be_made_without_end(folder, place):
    many = f"import time\nfor n in range(300_000): open(f'{place}/{{n}}', 'w').close()"
    ran = run(folder, f"try:\n    exec({many!r})\nexcept OSError: pass\ntime.sleep(60)")
    assert isinstance(ran.ended, DeadKernelError) and ran.fate == "killed"


@both
def test_a_closed_door_takes_no_limit_away(folder):
    code = "import os\ntry:\n    os.chmod('/vit/exchange', 0)\nexcept OSError: pass\nheld = []\nwhile True: held.append(bytearray(10**7))"
    ran = run(folder, code, limits=Limits(memory=10**9, cell_seconds=120))
    assert isinstance(ran.ended, DeadKernelError) and ran.fate == "memory"


@linux
def test_when_the_watch_fails_the_kernel_ends(folder, monkeypatch):
    def broken(*_):
        raise RuntimeError("of any kind")

    monkeypatch.setattr("course.sandbox.sandbox.tree", broken)
    ran = run(folder, "import time; time.sleep(60)")
    assert ran.ended and ran.fate == "killed"


# ------------------------------------------------------------------------------
# Links and messes


@both
def test_links_of_the_submission_lead_nowhere(folder, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(outside / "secret.txt")
    (folder / "up").symlink_to("../..")
    (folder / "folder").symlink_to(outside)
    (folder / "loop").symlink_to("loop")
    os.link(outside / "secret.txt", folder / "hard.txt")
    os.mkfifo(folder / "pipe")
    code = """
open("hard.txt", "w").write("changed")
answer = [sorted(os.listdir("."))]
for name in ["link.txt", "up/gradebook.db", "folder/secret.txt", "loop"]:
    try:
        answer.append(open(name).read())
    except OSError:
        pass
"""
    assert said(folder, code) == [["folder", "hard.txt", "link.txt", "loop", "notes.txt", "up"]]
    assert (outside / "secret.txt").read_text() == "secret"


MESS = """
import os
os.chdir({place!r})
os.symlink({outside!r}, "link")
os.mkdir("locked"); open("locked/file", "w").close(); os.chmod("locked", 0)
os.mkfifo("pipe")
open("made", "w").close()
for _ in range(300):
    os.mkdir("d" * 50); os.chdir("d" * 50)
import time; time.sleep({seconds})
"""


def mess_is_cleared(folder: Path, tmp_path: Path, sandboxed: bool) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").touch()
    with Sandbox(folder, PATIENT, sandboxed) as box:
        mess = MESS.format(place=box.inside, outside=str(outside), seconds=60 if sandboxed else 0)
        ran = execute(box, mess)
        assert (box.exchange / "made").exists(), (ran, box.last_words())
    assert box.fate() == ("killed" if sandboxed else None), "inside, a tree of folders ends the kernel"
    assert not box._base.exists() and (outside / "precious").exists()


@both
def test_a_mess_is_cleared_and_no_link_followed(folder, tmp_path):
    mess_is_cleared(folder, tmp_path, sandboxed=True)


@pytest.mark.grading
def test_a_mess_without_a_sandbox_is_cleared_too(folder, tmp_path):
    mess_is_cleared(folder, tmp_path, sandboxed=False)


@both
def test_the_exchange_carries_bytes_and_follows_no_link(folder, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    with Sandbox(folder, PATIENT) as box:
        box.write("inputs", b"12")
        ran = execute(
            box,
            f"import os\nos.chdir({box.inside!r})\nopen('outputs', 'wb').write(open('inputs', 'rb').read() * 2)",
            f"os.symlink({str(victim)!r}, 'link'); os.symlink('/etc/passwd', 'later'); os.mkfifo('pipe')",
        )
        assert not ran.error(0) and not ran.error(1), ran
        (box.exchange / "dir").mkdir()
        assert box.read("outputs", limit=4) == b"1212"
        with pytest.raises(ValueError, match="outputs is larger than 3 bytes"):
            box.read("outputs", limit=3)
        for name in ("link", "later", "pipe", "dir"):
            with pytest.raises(ValueError, match="should be a plain file"):
                box.read(name, limit=100)
        with pytest.raises(FileNotFoundError):
            box.read("nothing", limit=100)
        for name in ("../log", "/etc/passwd", "..", ""):
            with pytest.raises(ValueError, match="plain name"):
                box.read(name, limit=100)
        box.write("link", b"new")
        assert box.read("link", limit=3) == b"new"
    assert victim.read_text() == "untouched"


# ------------------------------------------------------------------------------
# Who, and where there is none


@linux
def test_it_works_for_an_ordinary_user(tmp_path):
    """The same tests, the quick ones, by a user who is not root."""
    if os.geteuid() != 0:
        assert bubblewrap.level() == "bubblewrap (user)"
        return
    assert bubblewrap.level() == "bubblewrap (root)"
    quick = "host or secret or network or signals or rights or daemon or fork or plain or mess or links or itself or disks or end or door"
    alone = ["-p", "no:cacheprovider", "-p", "no:xdist", "--override-ini=addopts=", "--basetemp={home}/t"]
    done = ordinary.run("-m", "pytest", "-q", *alone, "-k", quick, str(Path(__file__)), home=tmp_path)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) >= 10


def test_without_a_sandbox_nothing_runs_unless_told(folder, monkeypatch):
    monkeypatch.setattr(bubblewrap, "why_not", lambda: "bubblewrap is missing: install it")
    assert bubblewrap.level() == "none"
    with pytest.raises(
        NoSandbox, match=r"Nothing was run, because bubblewrap is missing: install it\. .*--no-sandbox"
    ):
        Sandbox(folder)
    ran = run(
        folder,
        "import os, sys\nfrom helpers import check\nprint(open('notes.txt').read(), os.environ['NBGRADER_EXECUTION'])",
        "open('new.txt', 'w').close()",
        sandboxed=False,
    )
    assert ran.ended is None and ran.text(0) == "mine autograde\n"
    assert os.listdir(folder) == ["notes.txt"]
    if sys.platform != "win32":  # no port
        with Sandbox(folder, sandboxed=False) as box:
            assert box.manager.transport == "ipc"


def test_without_a_sandbox_time_still_ends(folder):
    ran = run(folder, "while True: pass", limits=Limits(notebook_seconds=4), sandboxed=False)
    assert isinstance(ran.ended, DeadKernelError) and ran.fate == "timeout"


@pytest.mark.parametrize(
    "platform, bwrap, why",
    [
        ("darwin", None, "needs Linux"),
        ("linux", None, "bubblewrap is missing: install it"),
        ("linux", "false", "cannot build"),
    ],
)
def test_why_there_is_none_is_said(monkeypatch, platform, bwrap, why):
    bubblewrap.why_not.cache_clear()
    monkeypatch.setattr(bubblewrap.sys, "platform", platform)
    monkeypatch.setattr(bubblewrap, "bubblewrap", lambda: bwrap)
    try:
        if platform == "linux" and sys.platform == "win32":
            return
        assert why in bubblewrap.why_not()
    finally:
        bubblewrap.why_not.cache_clear()
