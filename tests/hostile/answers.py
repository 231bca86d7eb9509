"""What a kernel sends back where an observation should be, or does to the place where it is asked: wrong, and never a fault.

Right answers in front keep their points.
"""

from helpers.checks.observe import State
from tests.hostile import Entry
from tests.hostile.environment import FULL
from tests.hostile.forgery import KEYS, Q1, Q6, QUICK, forged

__all__ = ["ENTRIES", "KEYS"]


def sends(name: str, value: str, **more) -> Entry:
    """Wrong answers; each question is answered by this value."""
    code = f"from helpers.checks import wire\nreal = wire.dump\nwire.dump = lambda value: real({value})"
    return forged(f"what comes back is {name}", code, **more)


def raw(name: str, data: str) -> Entry:
    """Wrong answers; each question is answered by these bytes."""
    text = "def message(text, numbers=b''): return len(text).to_bytes(8, 'little') + text + numbers\n"
    code = f"from helpers.checks import wire\n{text}wire.dump = lambda value: {data}"
    return forged(f"what comes back is {name}", code)


def between(name: str, code: str, **more) -> Entry:
    """The first answer is right and looked at; then this happens."""
    more = {"points": {Q6: 1}, "states": {Q6: State.CORRECT}, "limits": QUICK, **more}
    return Entry(
        name, after={Q1: f"import os, pathlib, shutil\nplace = pathlib.Path('/vit/exchange')\n{code}"}, **more
    )


SEEN = "{'missing': False, **{name: {'problem': %s, 'seen': %s} for name in ('public', 'hidden')}}"

ENTRIES = [
    *(
        sends(name, value)
        for name, value in {
            "None": "None",
            "a number": "7",
            "an array": "np.zeros(3)",
            "an array with no number": "np.zeros(0)",
            "a number of numpy": "np.float64(3)",
            "a tensor": "torch.zeros(2, 3)",
            "a tensor that is missing": "{'missing': torch.zeros(3)}",
            "an array that is missing": "{'missing': np.ones(2)}",
            "a list": "[]",
            "a dict of nothing": "{}",
            "arrays by set": "{'missing': False, 'public': np.zeros(3), 'hidden': np.zeros(3)}",
            "tensors by set": "{'missing': False, 'public': torch.zeros(3), 'hidden': torch.zeros(3)}",
            "an array of arrays": SEEN % ("None", "np.zeros((3, 3))"),
            "a tensor of tensors": SEEN % ("None", "torch.zeros(3, 3)"),
            "a number of arrays": SEEN % ("None", "3"),
            "lists for arrays": SEEN % ("None", "[[1], [2], [3]]"),
            "texts for arrays": SEEN % ("None", "[{'P': 'x'}] * 3"),
            "complex arrays": SEEN % ("None", "[{'P': np.zeros(3, complex)}] * 3"),
            "empty arrays": SEEN % ("None", "[{'P': np.zeros((0, 4))}] * 3"),
            "arrays of 30 dimensions": SEEN % ("None", "[{'P': np.zeros((1,) * 30)}] * 3"),
            "300,000 arrays": SEEN % ("None", "[{str(n): np.zeros(0) for n in range(100_000)}] * 3"),
            "a large array": SEEN % ("None", "[{'P': np.zeros(3_500_000, bool)}, {}, {}]"),
            "a problem that is an array": SEEN % ("np.ones(3)", "[]"),
            "a problem that is a number": SEEN % ("np.int64(3)", "[]"),
            "a problem whose words are arrays": SEEN
            % ("dict.fromkeys(['state', 'text', 'error', 'certain', 'blank'], np.ones(3))", "[]"),
            "a problem of 190,000 letters": SEEN
            % ("{'state': 'x', 'text': 'x' * 60_000, 'error': 'x', 'certain': True, 'blank': ''}", "[]"),
        }.items()
    ),
    raw("empty lists without end", "message(b'{\"list\": [' + b'{\"list\":[]},' * 1_800_000 + b'3]}')"),
    raw("one array, named 10,000 times", "message(b'{\"list\": [' + b'{\"array\":[\"|b1\",[3000000]]},' * 6_000 + b'3]}', bytes(3_000_000))"),
    raw("an array larger than all", "message(b'{\"array\": [\"<f8\", [1000000000000]]}')"),
    raw("arrays of nothing", "message(b'{\"list\": [' + b'{\"array\":[\"|b1\",[0]]},' * 7_000 + b'3]}')"),
    between("a folder where the next question goes", f"(place / '{Q1}-asked').mkdir()"),
    between("a file where the next question goes", f"(place / '{Q1}-asked').write_text('x')", points=FULL, states={}),
    between("a pipe where the next question goes", f"os.mkfifo(place / '{Q1}-asked')", points=FULL, states={}),
    between(
        "folders come and go where the next question goes",
        "import threading\ndef work():\n    while True:\n        try:\n"
        f"            (place / '{Q1}-asked').mkdir(); (place / '{Q1}-asked').rmdir()\n"
        "        except OSError:\n            pass\nthreading.Thread(target=work, daemon=True).start()",
        states={},
        points=None,
    ),
    between("the exchange is closed to all", "os.chmod(place, 0)", states={}, points=None),
    between("the exchange is full of files", "for n in range(5_000): (place / str(n)).touch()"),
    between("the exchange has no room left", "with open(place / 'all', 'wb') as file:\n    while True:\n        file.write(bytes(100_000)); file.flush()"),
    between("the exchange is removed", "shutil.rmtree(place, ignore_errors=True)", points=FULL, states={}),
    Entry(
        "sixty errors of 100 kB",
        before="import sys, IPython\nshell = IPython.get_ipython()\nfor n in range(60):\n"
        "    try:\n        raise ValueError('x' * 100_000)\n    except ValueError:\n        shell.showtraceback()",
        points=FULL,
        limits=QUICK,
    ),
    Entry(
        "errors that are made up, without end",
        before="kernel = get_ipython().kernel\nwhile True:\n    kernel.send_response(kernel.iopub_socket, 'error', "
        "{'ename': 'x', 'evalue': 'y' * 1_000, 'traceback': ['z' * 1_000] * 100})",
        points=FULL,
        limits=QUICK,
    ),
    *(
        Entry(f"a flood of {what} in a cell of their own", before=f"from IPython.display import HTML, display\nwhile True:\n    {code}", points=FULL, limits=QUICK)
        for what, code in {
            "displays": "display(HTML('<p>' * 100))",
            "words": "print('x' * 1_000)",
            "large displays": "display(HTML('<b>' * 100_000))",
            "letters": "print('x', end='', flush=True)",
        }.items()
    ),
    Entry(
        "a flood from a thread",
        before="import threading\nfrom IPython.display import display\ndef work():\n    while True:\n        display('x' * 1_000)\n"
        "threading.Thread(target=work, daemon=True).start()",
        points=FULL,
        limits=QUICK,
    ),
]  # fmt: skip
