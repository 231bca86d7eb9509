"""Files, other students, the environment and the network: looked for, written to, and never reached."""

import os
from pathlib import Path

from course.sandbox.limits import Limits
from helpers.checks.observe import State
from tests.hostile import Entry
from tests.hostile.forgery import KEYS, Q1, Q6, QUICK, WRONG_Q1, WRONG_Q6, forged

__all__ = ["ENTRIES", "KEYS"]

ROOT = str(Path(__file__).resolve().parents[2])
# A right answer in front, so that it shows what a misdeed behind it costs.
FULL = {Q6: 1, Q1: 3}


def tries(name: str, code: str, **more) -> Entry:
    """Two wrong answers, and code that prints ESCAPED if it gets somewhere; errors are its own affair."""
    indented = "\n".join(f"    {line}" for line in code.strip().split("\n"))
    return forged(
        name, f"import os\ntry:\n{indented}\nexcept Exception as error:\n    print(type(error))", **more
    )


def endless(swallow: bool) -> str:
    body = (
        "        try:\n            pass\n        except BaseException:\n            pass\n"
        if swallow
        else "        pass\n"
    )
    loop = "    while True:\n" + body
    if swallow:
        loop = "    import signal\n    signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + loop
    return f"def getPositionEncoding(*args, **kwargs):\n{loop}"


SMALL = Limits(cell_seconds=60, notebook_seconds=200, memory=1_500_000_000)

ENTRIES = [
    tries("the gradebook is opened", f"open({ROOT!r} + '/grading/gradebook.db').close()\nprint('ESCAPED')"),
    tries(
        "the gradebook is looked for above",
        "for up in range(1, 9):\n    if os.path.exists('../' * up + 'grading') or os.path.exists('../' * up + 'gradebook.db'):\n"
        "        print('ESCAPED')",
    ),
    tries("the solutions are listed", f"os.listdir({ROOT!r} + '/solutions')\nprint('ESCAPED')"),
    tries("the course is imported", "import course.judging.judge\nprint('ESCAPED')"),
    tries("the judge is imported", "import helpers.checks.judge\nprint('ESCAPED')"),
    tries("the tests are read", f"open({ROOT!r} + '/tests/answers/q1_position_encoding.py')\nprint('ESCAPED')"),
    tries(
        "files of others are looked for",
        "for top in ('/home', '/root', '/work', '/mnt', '/srv', '/var'):\n"
        "    for here, folders, files in os.walk(top):\n"
        "        if any(f.endswith(('.ipynb', '.db')) for f in files) and here != os.getcwd() and 'site-packages' not in here and '/share/' not in here:\n            print('ESCAPED', here)",
        states={},
    ),
    tries("a password file is read", "print('ESCAPED' if len(open('/etc/shadow').read()) else '')"),
    tries(
        "the environment is read",
        "secret = [k for k in os.environ if any(w in k for w in ('TOKEN', 'SECRET', 'KEY', 'PASS', 'JUPYTERHUB', 'VIT_GRADING'))]\n"
        "if secret: print('ESCAPED', secret)",
    ),
    tries(
        "the environment of other processes is read",
        f"for pid in os.listdir('/proc'):\n    if pid.isdigit() and {os.getpid()} == int(pid) or pid.isdigit() and b'pytest' in open(f'/proc/{{pid}}/cmdline', 'rb').read():\n"
        "        print('ESCAPED', pid)",
    ),
    tries("processes outside are killed", f"os.kill({os.getpid()}, 0)\nprint('ESCAPED')"),
    tries(
        "the network is used",
        "import socket\nsocket.create_connection(('127.0.0.1', 22), 2)\nprint('ESCAPED')",
    ),
    tries("a name is looked up", "import socket\nsocket.getaddrinfo('example.org', 80)\nprint('ESCAPED')"),
    tries("the helpers are overwritten", "open('/vit/helpers/check.py', 'w')\nprint('ESCAPED')"),
    tries("Python is overwritten", "open(np.__file__, 'a')\nprint('ESCAPED')"),
    forged(
        "modules of its own beside the notebook",
        "open('numpy.py', 'w').write('ESCAPED = 1')\nopen('torch.py', 'w').write('ESCAPED = 1')\n"
        "open('helpers.py', 'w').write('ESCAPED = 1')\nopen('sitecustomize.py', 'w').write('ESCAPED = 1')",
    ),
    forged(
        "links where the answer should be",
        """\
import os
from pathlib import Path
def observe(exchange, asked, answer):
    os.symlink("/etc/passwd", Path(exchange) / answer)
import helpers
helpers.check.observe = observe
""",
    ),
    forged(
        "a pipe where the answer should be",
        """\
import os
from pathlib import Path
def observe(exchange, asked, answer):
    os.mkfifo(Path(exchange) / answer)
import helpers
helpers.check.observe = observe
""",
    ),
    forged(
        "a folder where the answer should be",
        """\
from pathlib import Path
def observe(exchange, asked, answer):
    (Path(exchange) / answer).mkdir()
import helpers
helpers.check.observe = observe
""",
    ),
    forged(
        "a link where the question will be",
        """\
import os
for name in ("q6_residual_add", "q1_position_encoding"):
    for kind in ("asked", "answer"):
        os.symlink("/etc/hostname", f"/vit/exchange/{name}-{kind}")
""",
    ),
    forged("the exchange is emptied", "import shutil\nshutil.rmtree('/vit/exchange', ignore_errors=True)"),
    forged(
        "answers are prepared by a thread",
        """\
import threading, time
def work():
    while True:
        for name in ("q6_residual_add", "q1_position_encoding"):
            try:
                with open(f"/vit/exchange/{name}-answer", "wb") as file:
                    file.write(b"PK" + b"x" * 1000)
            except OSError:
                pass
        time.sleep(0.001)
threading.Thread(target=work, daemon=True).start()
""",
    ),
    Entry(
        "an endless loop in the second answer",
        {Q1: endless(False)},
        points={Q6: 1},
        states={Q1: State.TIMEOUT, Q6: State.CORRECT},
        limits=QUICK,
    ),
    Entry(
        "an endless loop that ignores the interrupt",
        {Q1: endless(True)},
        points={Q6: 1},
        states={Q1: State.TIMEOUT, Q6: State.CORRECT},
        limits=QUICK,
    ),
    Entry(
        "an endless loop in a cell of its own between right answers",
        after={Q6: "while True:\n    pass"},
        points=FULL,
        limits=QUICK,
    ),
    Entry(
        "a memory bomb in the second answer",
        {
            Q1: "def getPositionEncoding(*a, **k):\n    hold = []\n    while True:\n        hold.append(np.ones(10_000_000))\n"
        },
        points={Q6: 1},
        states={Q1: State.MEMORY, Q6: State.CORRECT},
        limits=SMALL,
    ),
    Entry(
        "output without end",
        {Q6: WRONG_Q6, Q1: WRONG_Q1},
        before="for n in range(200_000):\n    print('ESCAPE' * 20)\nprint('x' * 30_000_000)",
    ),
    Entry(
        "an exit() before everything",
        {},
        before="exit()",
        states={Q6: State.KILLED, Q1: State.KILLED},
    ),
    Entry("the answer is no Python", {Q1: "def getPositionEncoding(seq_len, d:\n    ???"}, points={Q6: 1}, states={Q1: State.ERROR}),
    Entry("nothing was changed", {Q6: "...", Q1: ""}, states={}),
]  # fmt: skip
