"""Kernels that are forked behind a notebook's opening: as if they had run it, and apart from each other."""

import contextlib
import itertools
import json
import os
import threading
from pathlib import Path

import nbformat
import pytest

from course.base.paths import ROOT
from course.judging import execute, judge, kernel_files, records
from course.judging.given import opening
from course.judging.session import Session
from course.notebook.release import Release
from course.sandbox import prefork
from course.sandbox.sandbox import Sandbox
from tests import ordinary
from tests.sandbox.test_prefork import SEEN
from tests.sandbox.test_sandbox import PATIENT, lives, wait_until

pytestmark = [
    pytest.mark.grading,
    pytest.mark.needs("sandbox", "warm kernels"),
]
OPENING = (
    "import random\nimport numpy as np\nimport torch\nfrom helpers import check\nrandom.seed(1)\ntorch.manual_seed(1)\nnp.random.seed(1)",
    "x = [1, 2]\nx",
    "",
    "import sys\nkept = sys.stdout",
    "def twice(n):\n    return 2 * n\nclass Thing: pass",
)


@contextlib.contextmanager
def kernel(folder: Path, opening=OPENING, warmed: bool = True, ran: bool | None = None):
    """A session behind these cells, forked there or not."""
    (folder / "work").mkdir(exist_ok=True)
    helpers = kernel_files.helpers_for((), "", folder)
    with Sandbox(folder / "work", PATIENT, helpers=helpers, warmed=warmed, opening=opening) as box:
        with Session(box, PATIENT) as session:
            assert box.opened is (warmed if ran is None else ran)
            for cell in () if box.opened else opening:
                session.cell(cell)
            yield session


def said(session: Session, code: str):
    outputs, state = session.cell(f"import json, os\nanswer = None\n{code}\nprint(json.dumps(answer))")
    assert state is None, outputs
    return json.loads(outputs[-1].text)


STATE = """
import inspect, __main__
from IPython import get_ipython
answer = {
    "names": sorted(name for name in globals() if not name.startswith("_i")),
    "cells": [In[1:-1], {str(n): repr(v) for n, v in Out.items()}, get_ipython().execution_count, repr(_)],
    "numbers": [random.random(), np.random.rand(), torch.rand(1).item()],
    "source": inspect.getsource(twice),
    "main": [Thing.__module__, __main__.Thing is Thing, get_ipython().user_module is __main__, __name__],
    "shell": [type(get_ipython()).__name__, get_ipython().kernel.shell is get_ipython(), __import__("IPython").get_ipython() is get_ipython()],
    "grown": torch.ones(2, requires_grad=True).sum().backward(),
    "out": [type(__import__("sys").stdout).__name__, type(__import__("sys").stderr).__name__],
    "who": get_ipython().run_line_magic("who_ls", ""),
    "formatter": get_ipython().display_formatter.formatters["image/png"].enabled,
}
"""


def test_a_notebook_cannot_tell_it_from_one_that_ran_the_opening(tmp_path):
    found = []
    for warmed in (True, False):
        with kernel(tmp_path, warmed=warmed) as session:
            found.append({**said(session, STATE), **said(session, SEEN)})
            found[-1]["kept"] = session.cell("kept.write('said'); kept.flush()")[0]
            outputs, _ = session.cell("1/0")
            found[-1]["trace"] = outputs[0].traceback
            found[-1]["figure"] = session.cell("import matplotlib.pyplot as plt\nplt.plot([1, 2]);")[0]
            found[-1]["files"] = [name for name in found[-1]["files"] if "ipykernel" not in name]
    for what, seen in found[0].items():
        assert seen == found[1][what], what


def test_two_of_one_opening_do_not_see_each_other(tmp_path):
    with kernel(tmp_path) as one, kernel(tmp_path) as other:
        one.cell(
            "x.append('planted'); torch.Tensor.planted = True; os = __import__('os'); os.environ['OF_A'] = 'secret'\n"
            "for place in ('/tmp', '/dev/shm', '/vit/exchange', '.'):\n"
            "    open(place + '/of-a', 'w').write('secret')"
        )
        look = "answer = [x, hasattr(torch.Tensor, 'planted'), 'OF_A' in os.environ]\n"
        look += "answer += [os.path.exists(p + '/of-a') for p in ('/tmp', '/dev/shm', '/vit/exchange', '.')]"
        look += "\nanswer += [n for n in os.listdir('/proc') if n.isdigit() and int(n) > 2]"
        assert said(other, look) == [[1, 2], False, False, False, False, False, False]
    with kernel(tmp_path) as third:
        assert said(third, look)[:2] == [[1, 2], False]


@pytest.mark.parametrize(
    "cell",
    [
        "raise ValueError",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
        "open('table.txt', 'w').write('1')",
        "open('/dev/shm/table.txt', 'w').write('1')",
        "held = open('/etc/passwd')",
        "y = 3  # " + 60_000 * "x",
    ],
    ids=["raises", "starts a thread", "writes", "writes to memory", "opens", "is long"],
)
def test_an_opening_that_cannot_be_run_ahead_is_run_in_each_kernel(tmp_path, cell):
    for _ in range(2):
        with kernel(tmp_path, (f"y = 3\n{cell}",), ran=False) as session:
            assert said(session, "answer = y") == 3


def test_the_opening_of_every_notebook_is_run_ahead(tmp_path):
    """One that is refused costs no points, only time, which nobody would notice."""
    solutions = sorted((ROOT / "solutions").glob("*/*.ipynb"))
    releases = [Release.read(path) for path in solutions]
    openings = [[c.source for c in opening(r, r.solution) if c.cell_type == "code"] for r in releases]
    assert any(openings)
    for cells in filter(None, openings):
        with kernel(tmp_path, cells):  # asserts that it was
            pass


def test_others_at_work_do_not_hinder_an_opening(tmp_path):
    """The folder that all share may lie in /tmp, where an opening should leave nothing."""
    there, ended = prefork.folder(), threading.Event()

    def work():
        for number in itertools.count():
            (there / f"other-{number}").touch()
            if ended.wait(0.05):
                return

    other = threading.Thread(target=work)
    other.start()
    try:
        with kernel(tmp_path, ("import time\ntime.sleep(1)\ny = 4",)) as session:
            assert said(session, "answer = y") == 4
    finally:
        ended.set()
        other.join()
        for made in there.glob("other-*"):
            made.unlink()


def test_the_helpers_of_an_opening_cannot_be_written(tmp_path):
    with kernel(tmp_path) as session:
        _, state = session.cell("open('/vit/helpers/check.py', 'a')")
        assert state is not None


def test_one_that_dies_is_started_again(tmp_path):
    with kernel(tmp_path) as session:
        guard = session.sandbox._process.pid
        opener = int(Path(f"/proc/{guard}/stat").read_text().rsplit(")", 1)[1].split()[1])
    os.kill(opener, 9)
    wait_until(lambda: not lives(opener))
    with kernel(tmp_path, ran=False) as session:  # this one finds it dead
        assert said(session, "answer = x") == [1, 2]
    with kernel(tmp_path) as session:
        assert said(session, "answer = x") == [1, 2]


def test_many_openings_take_no_more_memory_than_a_few(tmp_path):
    openers = set()
    for number in range(20):
        with kernel(tmp_path, (f"x = {number}",)) as session:
            assert said(session, "answer = x") == number
            guard = session.sandbox._process.pid
            openers.add(int(Path(f"/proc/{guard}/stat").read_text().rsplit(")", 1)[1].split()[1]))
    wait_until(lambda: sum(map(lives, openers)) == 16)


def test_what_it_can_do_is_what_a_kernel_can_do(tmp_path):
    """No handle of the process that ran the opening, and none of its rights, is left in a kernel."""
    with kernel(tmp_path) as session:
        sockets = (
            "answer = sorted(os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd')[:-1])"
        )
        mine = said(session, sockets)
        rights = "answer = [line for line in open('/proc/self/status') if line.startswith(('Cap', 'NoNew', 'Seccomp:'))]"
        right = said(session, rights)
    with kernel(tmp_path, (), ran=False) as session:
        others = said(session, sockets)
        assert said(session, rights) == right
    kinds = [sorted(name.split(":")[0].split("/")[-1] for name in some) for some in (mine, others)]
    assert kinds[0] == kinds[1]


ANYBODY = """
from pathlib import Path
from tests.sandbox.test_opening import OPENING, kernel, said
with kernel(Path({home!r})) as session:
    print(said(session, "answer = [x, twice(2), os.getuid() != 0]"))
"""


def test_an_ordinary_user_gets_one_too(tmp_path):
    done = ordinary.run("-c", ANYBODY.replace("{home!r}", "'{home}'"), home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[[1, 2], 4, True]"


@pytest.mark.parametrize("name", ["q2_patch_embedding", "q7_encoder_block"])
@pytest.mark.parametrize("own", [False, True], ids=["as given", "a cell of the student's at the top"])
def test_the_record_is_the_same(tmp_path, monkeypatch, name, own):
    release = Release.read(ROOT / "solutions" / "2_build_a_vit" / f"{name}.ipynb")
    nb = nbformat.from_dict(release.solution)
    if own:
        nb.cells.insert(2, nbformat.v4.new_code_cell("mine = 1"))
    data = nbformat.writes(nb).encode()
    found, ran = [], []
    judge.reference(release, tmp_path)
    real = execute.kernel

    @contextlib.contextmanager
    def seen(*args, **kw):
        with real(*args, **kw) as session:
            ran.append(session.sandbox.opened)
            yield session

    for kind in (seen, lambda *args: seen(*args[:5])):
        monkeypatch.setattr(execute, "kernel", kind)
        found.append(records.digest_of(judge.judge_submission(release, data, tmp_path)))
    assert ran == [not own, False]
    assert found[0] == found[1]
