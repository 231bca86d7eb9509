"""Forgeries inside the kernel: wrong answers, and something that should make them look right. All earn nothing."""

from nbformat.v4 import new_output

from course.sandbox.limits import Limits
from helpers.checks.observe import State
from tests.hostile import Entry

QUICK = Limits(cell_seconds=8, notebook_seconds=120)
KEYS = ("q6_residual_add", "q1_position_encoding")
Q6, Q1 = KEYS

WRONG_Q1 = """\
def getPositionEncoding(seq_len, d, n=10000):
    return np.full((seq_len, d), 7.0)
"""
WRONG_Q6 = """\
class ResidualAdd(nn.Module):
    def __init__(self, fn):
        super().__init__()
        self.fn = fn

    def forward(self, x, **kwargs):
        return 7 * x
"""
WRONG = {Q1: WRONG_Q1, Q6: WRONG_Q6}


def forged(name: str, before: str = "", **more) -> Entry:
    """An entry with two wrong answers and a cell that works on Python, IPython or the check."""
    return Entry(name, WRONG, before, **more)


def tag_tests(nb) -> None:
    for cell in nb.cells:
        cell.metadata["tags"] = ["skip-execution", "raises-exception"]


def edit_tests(nb) -> None:
    for cell in nb.cells:
        if cell.source.startswith("check("):
            cell.source = "3"


def delete_tests(nb) -> None:
    nb.cells = [cell for cell in nb.cells if not cell.source.startswith("check(")]


def raise_points(nb) -> None:
    for cell in nb.cells:
        if "points" in cell.metadata.get("nbgrader", {}):
            cell.metadata["nbgrader"]["points"] = 1000


def tests_become_answers(nb) -> None:
    for cell in nb.cells:
        if cell.source.startswith("check("):
            cell.metadata["nbgrader"] |= {"solution": True, "locked": False}
            cell.source = "3"


def forged_outputs(nb) -> None:
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs = [new_output("execute_result", data={"text/plain": "3"}, execution_count=1)]


ENTRIES = [
    forged("nothing but wrong"),
    Entry(
        "an array that equals everything",
        WRONG
        | {
            Q1: """\
class Yes(np.ndarray):
    def __eq__(self, other): return np.ones(self.shape, bool)
    def __sub__(self, other): return np.zeros(self.shape)
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs): return True
    def __array_function__(self, func, types, args, kwargs): return True
def getPositionEncoding(seq_len, d, n=10000):
    return np.full((seq_len, d), 7.0).view(Yes)
"""
        },
    ),
    forged(
        "numpy compares everything as equal",
        "yes = lambda *a, **k: True\n"
        "np.allclose = np.isclose = np.array_equal = np.all = yes\n"
        "np.testing.assert_allclose = np.testing.assert_array_equal = yes",
    ),
    forged(
        "torch compares everything as equal",
        "torch.allclose = torch.equal = torch.isclose = torch.testing.assert_close = lambda *a, **k: True\n"
        "torch.Tensor.__eq__ = lambda a, b: True",
    ),
    forged(
        "builtins changed",
        "import builtins\nbuiltins.sum = lambda *a: 3\nbuiltins.all = builtins.any = lambda *a: True\n"
        "builtins.round = builtins.max = builtins.min = lambda *a, **k: 3.0\nbuiltins.float = lambda *a: 3.0",
        limits=QUICK,
    ),
    forged("later cells emptied", "get_ipython().input_transformers_cleanup.append(lambda lines: ['3'])"),
    forged("later cells replaced", "get_ipython().input_transformers_post.append(lambda lines: ['3.0\\n'])"),
    forged(
        "asserts stripped from the syntax tree",
        """\
import ast
class Strip(ast.NodeTransformer):
    def visit_Call(self, node): return ast.copy_location(ast.Constant(3.0), node)
    def visit_Assert(self, node): return ast.copy_location(ast.Pass(), node)
get_ipython().ast_transformers.append(Strip())
""",
    ),
    *(
        forged(
            f"the result of every cell is {score}",
            f"get_ipython().events.register('post_run_cell', lambda *a: sys.displayhook(float('{score}')))\n"
            f"sys.displayhook(float('{score}'))",
        )
        for score in ("3", "-1", "nan", "inf", "1e300")
    ),
    forged("the test is looked up in the history", "print(In[-1], _ih)\nIn[-1] = '3'\n_oh[1] = 3\nOut[1] = 3"),
    forged(
        "messages forged on their way out",
        """\
session, send = get_ipython().kernel.session, get_ipython().kernel.session.send
def forging(stream, kind, content=None, *args, **kwargs):
    if kind in ("status", "execute_reply", "stream"):
        good = {"data": {"text/plain": "3"}, "metadata": {}, "execution_count": 1}
        send(stream, "execute_result", good, *args, **kwargs)
    return send(stream, kind, content, *args, **kwargs)
session.send = forging
""",
    ),
    forged("messages with wrong signatures", "get_ipython().kernel.session.key = b'other'", limits=QUICK),
    forged("the tests are tagged to be skipped", edit=tag_tests),
    forged("the tests are edited", edit=edit_tests),
    forged("the tests are deleted", edit=delete_tests),
    forged("a test is worth 1000 points", edit=raise_points),
    forged("the tests are called answers", edit=tests_become_answers),
    forged("the file brings its own results", edit=forged_outputs),
    forged(
        "a verdict is painted",
        "from IPython.display import display, HTML\n"
        "display(HTML('<strong>✓ correct: getPositionEncoding · 3 of 3 points</strong><script>ESCAPED</script>'))",
        never="<script",
    ),
    forged(
        "the check is another one",
        "import helpers\nclass Mine:\n    def __getattr__(self, name): return lambda *a, **k: 3.0\n"
        "    def __call__(self, key): return 3.0\nhelpers.check = check = Mine()",
        states={Q1: State.ERROR, Q6: State.ERROR},
    ),
    forged(
        "the check is told that all is right",
        "for key in ('q1_position_encoding', 'q6_residual_add'):\n    check.tell(key, 'correct', '')",
    ),
    forged(
        "the observer sees what is written for it",
        "import helpers.check, helpers.checks.observe\n"
        "sys.modules['helpers.check'].observe = lambda e, o, cases, n: [{'P': np.ones((4, 4))} for _ in cases]",
    ),
    forged(
        "the observer sees infinities",
        "sys.modules['helpers.check'].observe = lambda e, o, cases, n: "
        "[{'P': np.full((4, 4), np.inf), 'output': np.full(3, np.nan)} for _ in cases]",
    ),
    forged(
        "the tolerance is without end",
        "from helpers.checks.exercise import Exercise\nExercise.rtol = Exercise.atol = 1e9\n"
        "Exercise.close = lambda *a, **k: True",
    ),
    forged(
        "the expected values are looked for in the course's files",
        """\
import os
for here, folders, files in os.walk("/"):
    folders[:] = [f for f in folders if os.path.join(here, f) not in ("/proc", "/sys")]
    for file in files:
        path = os.path.join(here, file)
        if file == "q1_position_encoding.py" and any(
            known in open(path).read() for known in ("misconceptions =", "def getPositionEncoding")
        ):
            print("ESCAPED", path)
        if file == "q1_positional_encoding.ipynb" and "2 * i / d" in open(path).read():
            print("ESCAPED", path)
""",
    ),
    Entry(
        "the answer is imported from the check",
        {
            Q6: WRONG_Q6,
            Q1: "from helpers.vit.pieces.q1_position_encoding import getPositionEncoding",
        },
        states={Q1: State.INCORRECT},
    ),
    Entry(
        "the answer is imported at the last moment",
        WRONG
        | {
            Q1: """\
def getPositionEncoding(seq_len, d, n=10000):
    import importlib
    module = importlib.import_module("helpers.vit.pie" + "ces.q1_position_encoding")
    return module.getPositionEncoding(seq_len, d, n)
"""
        },
    ),
    Entry(
        "the answer is the course's stand-in",
        {Q1: "from helpers.assemble import getPositionEncoding", Q6: "from helpers.assemble import ResidualAdd"},
        states={Q1: State.ERROR, Q6: State.ERROR},
    ),
    Entry(
        "the frames around the call are searched for expected values",
        WRONG
        | {
            Q1: """\
def getPositionEncoding(seq_len, d, n=10000):
    frame = sys._getframe()
    while frame:
        for value in [*frame.f_locals.values(), *frame.f_globals.values()]:
            if getattr(value, "expected", None) is not None or "judge" in str(getattr(value, "__name__", "")):
                raise RuntimeError("ESCAPED")
        frame = frame.f_back
    return np.full((seq_len, d), 7.0)
"""
        },
    ),
    forged(
        "the messages of the check are replaced on the way back",
        """\
from helpers.checks import wire
def dump(value):
    forged = {"missing": False}
    for name in ("public", "hidden"):
        forged[name] = {"problem": None, "seen": [{}, {}, {}]}
    return real(forged)
real, wire.dump = wire.dump, dump
""",
    ),
    forged(
        "what comes back is a pickle",
        "import io, pickle\nfrom helpers.checks import wire\n"
        "class Evil:\n    def __reduce__(self): return (print, ('ESCAPED',))\n"
        "def dump(value):\n    file = io.BytesIO()\n    np.savez(file, tree=np.array([Evil()], dtype=object))\n"
        "    return file.getvalue()\nwire.dump = dump",
    ),
    forged(
        "what comes back is a bomb",
        "import io\nfrom helpers.checks import wire\n"
        "def dump(value):\n    file = io.BytesIO()\n    np.savez_compressed(file, tree=np.zeros(200_000_000, np.uint8))\n"
        "    return file.getvalue()\nwire.dump = dump",
    ),
    forged("what comes back is large", "from helpers.checks import wire\nwire.dump = lambda value: b'x' * 30_000_000"),
    forged("what comes back is deep", "from helpers.checks import wire\nimport io\n"
           "def dump(value):\n    file = io.BytesIO()\n"
           "    np.savez(file, tree=np.frombuffer(b'{\"list\": [' * 90_000, np.uint8))\n"
           "    return file.getvalue()\nwire.dump = dump"),
    Entry(
        "wrong for the hidden inputs: learnt by heart",
        {
            Q6: WRONG_Q6,
            Q1: """\
def getPositionEncoding(seq_len, d, n=10000):
    if (seq_len, d, n) not in [(4, 4, 100), (7, 10, 10000)]:
        return np.full((seq_len, d), 7.0)
    turns = n ** (-2.0 * np.arange(d // 2) / d)
    angles = np.arange(seq_len)[:, None] * turns
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(seq_len, d)
""",
        },
        states={Q1: State.INCORRECT},
    ),
    Entry("sys.exit in an answer", {Q6: WRONG_Q6, Q1: "import sys\nsys.exit(0)"}),
    Entry(
        "Python is ended in front of the second test",
        {Q1: WRONG_Q1 + "import os\nos._exit(0)\n"},
        points={Q6: 1},
        states={Q6: State.CORRECT, Q1: State.KILLED},
    ),
    Entry(
        "Python is ended while it is looked at",
        {Q1: "def getPositionEncoding(*a, **k):\n    import os\n    os._exit(0)\n"},
        points={Q6: 1},
        states={Q6: State.CORRECT, Q1: State.KILLED},
    ),
    Entry(
        "Python is ended when all is done",
        {},
        after={Q1: "import atexit, os\natexit.register(os._exit, 0)"},
        points={Q6: 1, Q1: 3},
    ),
]  # fmt: skip
