"""Cells that fight their own kernel, its memory and its messages, behind one right answer and in front of another check.

The first answer's points stay, whatever happens then; what is not fixed here, as it depends on who is quicker, still
needs a verdict with a sentence.
"""

from course.sandbox.limits import Limits
from helpers.checks.observe import State
from tests.hostile import LIMITS, Entry
from tests.hostile.environment import FULL
from tests.hostile.forgery import KEYS, Q1, Q6, QUICK, forged

__all__ = ["ENTRIES", "KEYS"]

FIRST = {Q6: 1}


def fight(name: str, code: str, second: State | None = None, **more) -> Entry:
    """Behind the second answer, which is right. None: it keeps its points."""
    points = FULL if second in (None, State.CORRECT) else FIRST
    states = {Q6: State.CORRECT, **({Q1: second} if second else {})}
    return Entry(name, after={Q1: code}, **{"points": points, "states": states, "limits": QUICK, **more})


def sends(name: str, code: str, **more) -> Entry:
    """In front of two right answers, by the kernel's own messages."""
    code = f"kernel = get_ipython().kernel\n{code}"
    return Entry(name, before=code, **{"points": FULL, "limits": LIMITS, **more})


SMALL = Limits(cell_seconds=40, notebook_seconds=90, memory=1_500_000_000)


def takes(name: str, code: str) -> Entry:
    """Wrong answers, and 2 GB or more that are no process's own memory: to come to the end of this is an escape."""
    lines = f"{code}\nprint('ESC' + 'APED')".replace(
        "\n", "\n    "
    )  # one statement, no line of which can be left out
    return forged(f"memory: {name}", f"def take():\n    {lines}\ntake()", limits=SMALL, states={})


ENTRIES = [
    fight("the kernel stops itself", "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", State.TIMEOUT),
    fight("everything inside is stopped", "import os, signal\nos.kill(-1, signal.SIGSTOP)"),
    fight("a thread holds the interpreter", "import ctypes, threading\nthreading.Thread(target=ctypes.PyDLL(None).sleep, args=(10_000,), daemon=True).start()", State.TIMEOUT),
    fight("an alarm rings", "import signal, time\nsignal.signal(signal.SIGALRM, signal.SIG_DFL)\nsignal.alarm(1)\ntime.sleep(2)", State.KILLED),
    fight("a crash in C", "import ctypes\nctypes.string_at(0)", State.KILLED),
    fight("a child goes on and the kernel ends", "import os\nif os.fork():\n    os._exit(0)", State.KILLED),
    fight("the kernel is two from here on", "import os\nos.fork()", points=None, states={Q6: State.CORRECT}),
    fight("all file descriptors are closed", "import os\nos.closerange(3, 512)", points=None, states={Q6: State.CORRECT}),
    fight("sockets are swapped", "import os\nfor a, b in zip(range(5, 60, 2), range(6, 60, 2)):\n    try:\n        c = os.dup(a); os.dup2(b, a); os.dup2(c, b); os.close(c)\n    except OSError:\n        pass", points=None, states={Q6: State.CORRECT}),
    fight("a task that never yields", "import asyncio\nasync def f():\n    while True:\n        pass\nasyncio.get_event_loop().create_task(f())", State.TIMEOUT),
    fight("an audit hook refuses everything", "import sys\ndef hook(*a):\n    raise RuntimeError('no')\nsys.addaudithook(hook)", points=FIRST, states={Q6: State.CORRECT}),
    fight("Python forgets all modules", "import sys\nsys.modules.clear()", points=None, states={Q6: State.CORRECT}),
    fight("nothing can be imported", "import builtins\nbuiltins.__import__ = lambda *a, **k: 1 / 0", points=FIRST, states={Q6: State.CORRECT}),
    fight("the shell runs nothing", "type(get_ipython()).run_cell = type(get_ipython()).run_cell_async = lambda *a, **k: None", points=None, states={Q6: State.CORRECT}),
    fight("cells raise before they run", "def no(*a):\n    raise RuntimeError('no')\nfor event in ('pre_execute', 'pre_run_cell', 'post_execute', 'post_run_cell'):\n    get_ipython().events.register(event, no)", points=None, states={Q6: State.CORRECT}),
    fight("the folder is elsewhere and gone", "import os, shutil\nhere = os.getcwd()\nos.makedirs('/tmp/a/b')\nos.chdir('/tmp/a/b')\nshutil.rmtree('/tmp/a')\nshutil.rmtree(here, ignore_errors=True)"),
    fight("Python's files are unlinked", "import os, numpy, torch\nfor path in (numpy.__file__, torch.__file__, os.__file__, '/vit/helpers/check.py', '/proc/self/exe'):\n    try:\n        os.unlink(path)\n        print('ESCAPED')\n    except OSError:\n        pass"),
    fight("the signature's key is another one", "get_ipython().kernel.session.key = b'x'", State.TIMEOUT),
    fight("no file may be written, none opened", "import resource\nfor name in ('RLIMIT_FSIZE', 'RLIMIT_NOFILE', 'RLIMIT_NPROC'):\n    resource.setrlimit(getattr(resource, name), (0, 0))", points=None, states={Q6: State.CORRECT}),
    fight("a socket where the answer should be", "import socket, helpers\ndef observe(exchange, asked, answer):\n    socket.socket(socket.AF_UNIX).bind(f'{exchange}/{answer}')\nhelpers.check.observe = observe", State.ERROR),
    fight("a sparse file where the answer should be", "import os, helpers\ndef observe(exchange, asked, answer):\n    os.truncate(os.open(f'{exchange}/{answer}', os.O_CREAT | os.O_WRONLY), 60_000_000)\nhelpers.check.observe = observe", State.ERROR),
    sends("a display of 20 MB of empty lists", "kernel.send_response(kernel.iopub_socket, 'display_data', {'data': {'text/plain': [[]] * 7_000_000}, 'metadata': {}})"),
    sends("five comm messages of 20 MB", "big = {'comm_id': 'x', 'data': [{}] * 6_000_000}\nfor n in range(5):\n    kernel.send_response(kernel.iopub_socket, 'comm_msg', big)\ndel big"),
    # its parts come together or not at all, so what they may be together is bounded by the growth of the process alone
    sends("a message of sixty parts of 30 MB", "part = bytes(30_000_000)\nkernel.session.send(kernel.iopub_socket, 'stream', {'name': 'stdout', 'text': 'x'}, parent=kernel.get_parent('shell'), buffers=[memoryview(part)] * 60)", points=None, megabytes=1_500),
    sends("messages of every kind without content", "for kind in ('stream', 'error', 'display_data', 'execute_result', 'status', 'clear_output', 'update_display_data', 'comm_open', 'execute_input', 'debug_event', 'shutdown_reply', 'input_request', 'x'):\n    for content in ({}, {'data': None}, {'traceback': 5, 'text': None}, {'execution_state': []}, {'data': {'text/plain': 5, 5: 5}}):\n        kernel.send_response(kernel.iopub_socket, kind, content)"),
    sends("display updates without end", "from IPython.display import display\nh = display('x', display_id=True)\nwhile True:\n    h.update('y' * 100)", limits=QUICK),
    takes("shared and given back to nobody", "import mmap\nheld = []\nfor n in range(12):\n    held.append(mmap.mmap(-1, 2**28))\n    for i in range(0, 2**28, 4096):\n        held[-1][i] = 1\n    held[-1].madvise(mmap.MADV_DONTNEED)"),
    takes("/dev/zero, shared", "import mmap, os\nheld, zero = [], os.open('/dev/zero', os.O_RDWR)\nfor n in range(12):\n    held.append(mmap.mmap(zero, 2**28))\n    for i in range(0, 2**28, 4096):\n        held[-1][i] = 1\n    held[-1].madvise(mmap.MADV_DONTNEED)"),
    takes("semaphores of System V", "import ctypes\nlibc = ctypes.CDLL(None)\nassert all(libc.semget(0, 32_000, 0o600) >= 0 for n in range(1_500))"),
    takes("tables of pages", "import mmap\nsize, held = 2**30 * 100, []\nfor n in range(12):\n    held.append(mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000, prot=mmap.PROT_READ))\n    held[-1].madvise(mmap.MADV_NOHUGEPAGE)\n    for i in range(0, size, 2**21):\n        held[-1][i]"),
    takes("sockets full of bytes", "import os, socket, time\ndef fill():\n    held = []\n    while True:\n        held += socket.socketpair()\n        for s in held[-2:]:\n            s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**22)\n            s.setblocking(False)\n            try:\n                while True:\n                    s.send(bytes(60_000))\n            except BlockingIOError:\n                pass\nfor n in range(8):\n    if not os.fork():\n        try:\n            fill()\n        except OSError:\n            time.sleep(15)\n        os._exit(0)\ntime.sleep(6)"),
]  # fmt: skip
