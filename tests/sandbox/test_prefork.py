"""Warm kernels: apart from each other, like the cold ones, and nobody's fault when they are lost.

What tries their walls is in test_sandbox.py, which runs in both kinds of kernels.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from jupyter_client.channels import HBChannel

from course.judging import execute, judge
from course.judging.session import Session
from course.sandbox import prefork, processes
from course.sandbox.sandbox import Sandbox
from helpers.checks.observe import State
from tests import hostile
from tests.hostile import unusual
from tests.sandbox.test_sandbox import PATIENT, alive, lives, wait_until
from tests.sandbox.test_sandbox import execute as cells

pytestmark = [
    pytest.mark.grading,
    pytest.mark.needs("sandbox", "warm kernels"),
]


@pytest.fixture(autouse=True)
def forgiven(monkeypatch):
    """The fork server that one test has killed comes again in the next one, and does not count."""
    monkeypatch.setattr(prefork, "_failures", 0)


def is_warm(box: Sandbox) -> bool:
    return isinstance(box._process, prefork.Kernel)


def fork_server() -> subprocess.Popen:
    return prefork._server().process  # of several, if a test before had another VIT_DATA, the one used now


def said(box: Sandbox, code: str):
    ran = cells(box, f"import json, os\nanswer = None\n{code}\nprint(json.dumps(answer))")
    assert ran.ended is None and not ran.error(), ran
    return json.loads(ran.text())


# ------------------------------------------------------------------------------
# Like a cold one


SEEN = """
import resource, signal, stat, sys, threading
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
names = ["CapInh", "CapPrm", "CapEff", "CapAmb", "NoNewPrivs", "Seccomp", "Groups", "Umask", "SigBlk", "SigIgn"]
open_ = [os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")[:-1]]
mounts = [line.split()[:4] for line in open("/proc/self/mounts")]
answer = {
    "environment": dict(os.environ),
    "status": {name: status[name].strip() for name in names},
    "limits": [resource.getrlimit(n) for n in range(16)],
    "where": [os.getcwd(), sorted(os.listdir(".")), sorted(os.listdir("/")), sorted(os.listdir("/dev"))],
    "python": [sys.path, sys.executable, list(sys.flags), signal.getsignal(signal.SIGTERM) == signal.SIG_DFL],
    "processes": [sorted(filter(str.isdigit, os.listdir("/proc"))), os.getpid()],
    "files": sorted({name for name in open_ if name[0] == "/" and "/tmp/vit-" not in name} - {"/dev/null"}),
    "can be written": sorted({where for _, where, kind, how in mounts
                             if "rw" in how.split(",") and not where.startswith(("/dev/", "/tmp/vit-", "/var/tmp/vit-", "/proc"))}),
    "sizes": [os.statvfs(place).f_blocks * os.statvfs(place).f_frsize for place in ["/tmp", "/dev/shm", "."]],
    "threads": [threading.active_count(), __import__("torch").get_num_threads()],
    "network": open("/proc/net/dev").read().split("\\n")[2].split(":")[0].strip(),
    "host": os.uname().nodename,
}
"""


def test_a_notebook_cannot_tell_it_from_a_cold_one(tmp_path):
    found = []
    for warmed in (True, False):
        with Sandbox(tmp_path, PATIENT, warmed=warmed) as box:
            found.append(said(box, SEEN))
            assert is_warm(box) is warmed
    for what, seen in found[0].items():
        assert seen == found[1][what], what


FIGURE = """
import numpy as np, torch
import matplotlib.pyplot as plt
torch.manual_seed(0)
figure, axes = plt.subplots(1, 2)
axes[0].plot(torch.randn(20)), axes[1].imshow(np.arange(12.).reshape(3, 4))
axes[0].set_title("ä $\\\\alpha$");
"""


def test_figures_are_the_same_to_the_byte(tmp_path):
    found = []
    for warmed in (True, False):
        with Sandbox(tmp_path, PATIENT, warmed=warmed) as box:
            ran = cells(box, FIGURE, "plt.plot([1, 2]);", "plt.hist([1, 2, 2])\nplt.show()\nprint('after')")
            found.append(ran.outputs)
    assert json.dumps(found[0]) == json.dumps(found[1])
    assert "image/png" in found[0][1][0]["data"]


def test_verdicts_and_outputs_are_the_same(tmp_path, monkeypatch):
    release = hostile.release(*unusual.KEYS)
    data = hostile.submission(
        next(batch for batch in unusual.ENTRIES if "%%time" not in str(vars(batch))), release
    )
    _, one = judge.grade(release, data, tmp_path)
    monkeypatch.setattr(prefork, "folder", lambda: None)
    _, other = judge.grade(release, data, tmp_path, again=True)
    assert one == other and one.state is State.CORRECT, "the key of the record included"


def test_it_is_ready_sooner_with_torch_in_it(tmp_path, record_property):
    seconds = {}
    for warmed in (True, True, False):  # the first one waits for the fork server
        begin = time.monotonic()
        with Sandbox(tmp_path, PATIENT, warmed=warmed) as box:
            loaded = said(box, "import sys; answer = 'torch' in sys.modules; import torch")
            seconds[warmed] = time.monotonic() - begin
            assert loaded is warmed
    record_property("seconds", seconds)
    print(f"ready with torch: {seconds[True]:.2f} s warm, {seconds[False]:.2f} s cold")


def test_its_memory_lies_in_large_pages(tmp_path):
    """A fork copies a list of pages; where the system has no large ones, or can't collapse memory, nothing is asked."""
    large = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    version = tuple(int(number) for number in re.findall(r"\d+", os.uname().release)[:2])
    if version < (6, 1) or not large.exists() or "[never]" in large.read_text():
        pytest.skip("this system does not collapse memory into large pages")
    started(tmp_path)
    rolled = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in processes.tree(fork_server().pid)]
    kilobytes = sum(int(re.search(r"AnonHugePages: +(\d+)", text)[1]) for text in rolled)
    assert kilobytes > 50_000


# ------------------------------------------------------------------------------
# Apart from each other


def test_two_at_once_do_not_see_each_other(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with Sandbox(tmp_path / "a", PATIENT) as one, Sandbox(tmp_path / "b", PATIENT) as other:
        with Session(one, PATIENT) as first, Session(other, PATIENT) as second:
            assert is_warm(one) and is_warm(other) and one._base.parent == other._base.parent
            assert not [thread for thread in threading.enumerate() if isinstance(thread, HBChannel)]
            first.cell(
                "import os, socket, subprocess, sys\n"
                "for place in ['/tmp', '/dev/shm', '/vit/exchange', '.', '/tmp/home']:\n"
                "    open(place + '/of-a', 'w').write('secret')\n"
                "server = socket.socket(socket.AF_UNIX); server.bind('\\0of-a'); server.listen()\n"
                "web = socket.create_server(('127.0.0.1', 8765))\n"
                "daemon = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
                "import random; random.seed(1); os.environ['OF_A'] = 'secret'\n"
                "import torch; torch.manual_seed(7); torch.Tensor.planted = True"
            )
            outputs, _ = second.cell(
                "import os, socket, json, torch\n"
                "found = []\n"
                "for place in '/tmp', '/dev', '/vit', os.path.expanduser('~'):\n"
                "    for folder, _, files in os.walk(place):\n"
                "        found += [folder + '/' + name for name in files if name == 'of-a']\n"
                f"for place in {[str(one._base), str(one.exchange), str(one._base.parent)]!r}:\n"
                "    found += os.listdir(place) if os.path.isdir(place) else []\n"
                "for family, address in (socket.AF_UNIX, '\\0of-a'), (socket.AF_INET, ('127.0.0.1', 8765)):\n"
                "    try:\n"
                "        socket.socket(family).connect(address); found.append(address)\n"
                "    except OSError: pass\n"
                "found += [n for n in os.listdir('/proc') if n.isdigit() and int(n) > 2]\n"
                "found += ['OF_A'] * ('OF_A' in os.environ) + ['torch'] * hasattr(torch.Tensor, 'planted')\n"
                "print(json.dumps(found))"
            )
            assert json.loads(outputs[0].text) == [other._base.name], "its own folder, and nothing else"


def test_each_has_random_numbers_of_its_own(tmp_path):
    code = "import random, torch, numpy as np\nanswer = [random.random(), np.random.rand(), torch.rand(1).item()]"
    found = []
    for _ in range(2):
        with Sandbox(tmp_path, PATIENT) as box:
            found += said(box, code)
            assert is_warm(box)
    assert len(set(found)) == 6


# ------------------------------------------------------------------------------
# When it dies


def started(folder) -> None:
    with Sandbox(folder, PATIENT) as box:
        assert said(box, "answer = 1") == 1 and is_warm(box)
    prefork._failures = 0


def test_one_that_is_dead_is_started_again(tmp_path):
    started(tmp_path)
    processes.end(fork_server())
    with Sandbox(tmp_path, PATIENT) as box:
        assert said(box, "answer = 1") == 1 and is_warm(box)
    assert prefork._failures == 1


def test_one_that_dies_often_is_done_without(tmp_path):
    started(tmp_path)
    prefork._failures = prefork.MOST_FAILURES - 1
    processes.end(fork_server())
    with Sandbox(tmp_path, PATIENT) as box:
        assert said(box, "answer = 1") == 1 and not is_warm(box)
    assert prefork.folder() is None


def test_a_notebook_whose_kernel_is_lost_is_run_again(tmp_path, monkeypatch):
    release = hostile.release(*unusual.KEYS)
    data = hostile.submission(
        next(batch for batch in unusual.ENTRIES if "%%time" not in str(vars(batch))), release
    )
    kinds = []
    observed = execute.observed

    def killing(release, key, session):
        kinds.append(is_warm(session.sandbox))
        if len(kinds) == 2:
            processes.end(fork_server())
        return observed(release, key, session)

    judge.reference(release, tmp_path)
    monkeypatch.setattr(execute, "observed", killing)
    _, record = judge.grade(release, data, tmp_path)
    assert record.state is State.CORRECT and not record.attention
    assert kinds == [True, True, *(False for _ in unusual.KEYS)]


def test_a_lost_kernel_is_told_from_one_that_ended_itself(tmp_path):
    with Sandbox(tmp_path, PATIENT) as box:
        assert said(box, "answer = 1") == 1 and is_warm(box)
        processes.end(fork_server())
        wait_until(lambda: box.fate() == "lost")


LENT = """
import sys, time
from pathlib import Path
from course.sandbox import prefork
from course.judging.session import Session
from tests.sandbox.test_sandbox import PATIENT, Sandbox
prefork.borrow((Path({folder!r}), {address!r}))
with Sandbox(Path({work!r}), PATIENT) as box, Session(box, PATIENT) as session:
    print(*{{type(one).__name__ for one in prefork._servers.values()}}, box._process.pid, flush=True)
    session.cell("while True: pass")
"""


def test_a_lent_one_outlives_a_borrower_whose_kernel_does_not(tmp_path):
    started(tmp_path)
    folder, address = prefork.lend()
    code = LENT.format(folder=str(folder), address=address, work=str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as borrower:
        kind, pid = borrower.stdout.readline().split()
        inside = processes.tree(int(pid))
        borrower.kill()
    assert kind == "Borrowed" and len(inside) > 2
    wait_until(lambda: not any(map(lives, inside)))
    assert fork_server().poll() is None
    with Sandbox(tmp_path, PATIENT) as box:
        assert said(box, "answer = 1") == 1 and is_warm(box)
    assert prefork._failures == 0


ALONE = """
import sys
from pathlib import Path
from tests.sandbox.test_sandbox import PATIENT, Sandbox, execute, processes
import os
with Sandbox(Path({folder!r}), PATIENT) as box:
    ran = execute(box, "import os")
    print(type(box._process).__name__, *processes.tree(os.getpid())[1:], flush=True)
"""


@pytest.mark.parametrize("forked", [False, True])
def test_a_process_that_ends_leaves_nothing(tmp_path, forked):
    code = ALONE.format(folder=str(tmp_path))
    if forked:  # as a pool's workers do
        code = (
            f"import multiprocessing\nwork = {code!r}\ndef run(): exec(work, {{}})\n"
            "process = multiprocessing.get_context('fork').Process(target=run)\nprocess.start()\nprocess.join()"
        )
    with tempfile.TemporaryDirectory(prefix="t-", dir="/tmp") as temporary:
        env = {**os.environ, "TMPDIR": temporary}
        done = subprocess.run(
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        kind, *pids = done.stdout.split()
        assert kind == "Kernel" and len(pids) > 4
        assert not os.listdir(temporary)
    assert not [pid for pid in pids if lives(pid)]
    assert not alive(temporary)
