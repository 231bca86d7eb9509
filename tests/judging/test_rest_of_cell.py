"""Answers with a line that can't be run on the grading machine: the line is left out and named, and the rest counts."""

import pytest

from course.judging import judge
from helpers.checks.observe import State
from tests import hostile, notebooks
from tests.hostile import Entry
from tests.hostile.unusual import KEYS

pytestmark = [pytest.mark.grading, pytest.mark.needs("sandbox")]

# what stands on top of a right answer -> the lines that are left out, and the kind of error
TOPS = {
    "from google.colab import drive; drive.mount('/content/drive')": [
        (1, "from google.colab import drive", "ModuleNotFoundError"),
        (1, "drive.mount('/content/drive')", "NameError"),
    ],
    "import math\nimport seaborn as sns\nsns.set_theme()": [
        (2, "import seaborn as sns", "ModuleNotFoundError"),
        (3, "sns.set_theme()", "NameError"),
    ],
    "import torchinfo  # of Colab": [(1, "import torchinfo", "ModuleNotFoundError")],
    "from my_utils import (\n    one,\n    two,\n)\nthree = one()\nthree += 1": [
        (1, "from my_utils import (", "ModuleNotFoundError"),
        (5, "three = one()", "NameError"),
        (6, "three += 1", "NameError"),
    ],
    "from torch.nn import LayerOfTheFuture": [(1, "from torch.nn import LayerOfTheFuture", "ImportError")],
    "%matplotlib widget": [(1, "%matplotlib widget", "RuntimeError")],
    "%load_ext nb_black": [(1, "%load_ext nb_black", "ModuleNotFoundError")],
    "%tensorboard --logdir runs": [(1, "%tensorboard --logdir runs", "UsageError")],
    "%conda install seaborn": [(1, "%conda install seaborn", "ValueError")],
    "%run my_utils.py": [(1, "%run my_utils.py", "Exception")],
    "%%heat": [(1, "%%heat", "UsageError")],
    "%%time\nimport torchinfo": [(2, "import torchinfo", "ModuleNotFoundError")],
    "%%capture\nimport torchinfo": [(2, "import torchinfo", "ModuleNotFoundError")],
    "%time import torchinfo": [(1, "%time import torchinfo", "ModuleNotFoundError")],
    "import os\nos.chdir('/content/drive')": [(2, "os.chdir('/content/drive')", "FileNotFoundError")],
    "name = input('Your name: ')": [(1, "name = input('Your name: ')", "StdinNotImplementedError")],
    "import urllib.request as web\nweb.urlopen('http://127.0.0.1:1')": [
        (2, "web.urlopen('http://127.0.0.1:1')", "URLError")
    ],
    "!pip install torchinfo": [],
    "%pip install torchinfo": [],
    "%cd /content/drive": [],
}  # fmt: skip
HONEST = (
    "x = not_defined", "1 / 0", "%time not_defined", "%%capture\n1 / 0", "raise SystemError('x')", "assert False",
    "%%bash\ntrue",
)  # fmt: skip
RELEASE = hostile.release(*KEYS)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return tmp_path_factory.mktemp("records")


def solved(key: str) -> str:
    return notebooks.cell_of(RELEASE.solution, key).source


def graded(answers, records, **more):
    """Verdicts by key, what the teacher is told, and the outputs of the answer cells by key."""
    data = hostile.submission(Entry("", answers, **more), RELEASE)
    nb, record = judge.grade(RELEASE, data, records)
    verdicts = {RELEASE.tests[test]: verdict for test, verdict in record.verdicts.items()}
    return verdicts, record.attention, {key: notebooks.cell_of(nb, key).outputs for key in answers}


@pytest.mark.parametrize("start", range(0, len(TOPS), len(KEYS)))
def test_a_right_answer_below_such_a_line_keeps_its_points(start, records):
    tops = dict(zip(KEYS, list(TOPS)[start:], strict=False))
    verdicts, attention, outputs = graded(
        {key: f"{top}\n{solved(key)}" for key, top in tops.items()}, records
    )
    assert {key: v.state for key, v in verdicts.items()} == dict.fromkeys(KEYS, State.CORRECT)
    for key, top in tops.items():
        told = [text.removeprefix(f"{key}: ") for text in attention if text.startswith(f"{key}: ")]
        shown = "".join(output.text for output in outputs[key] if output.output_type == "stream")
        for text, (line, said, error) in zip(told, TOPS[top], strict=True):
            assert text.startswith(f"Line {line}, `{said}`, was not run for grading ({error}: "), text
            assert text in shown
        assert not [output for output in outputs[key] if output.output_type == "error"]


def test_errors_of_their_own_cost_what_they_did(records):
    tops = dict(zip(KEYS, HONEST, strict=True))
    verdicts, attention, outputs = graded(
        {key: f"{top}\n{solved(key)}" for key, top in tops.items()}, records
    )
    assert {key: (v.state, v.points) for key, v in verdicts.items()} == dict.fromkeys(KEYS, (State.ERROR, 0))
    assert attention == ()
    assert all(shown[-1].output_type == "error" for shown in outputs.values())


def test_a_wrong_answer_earns_nothing_by_it_and_a_class_that_needs_the_package_is_wrong(records):
    wrong = solved(KEYS[0]).replace("x + self.fn", "self.fn")
    needs = f"import seaborn as sns\n{solved(KEYS[1])}".replace("P = ", "sns.despine(); P = ", 1)
    verdicts, attention, _ = graded({KEYS[0]: f"import torchinfo\n{wrong}", KEYS[1]: needs}, records)
    assert verdicts[KEYS[0]].state is State.INCORRECT and verdicts[KEYS[0]].points == 0
    assert verdicts[KEYS[1]].state is State.ERROR and verdicts[KEYS[1]].points == 0
    assert "NameError: name 'sns' is not defined" in verdicts[KEYS[1]].lines[0]
    assert len(attention) == 2


def test_lines_of_a_cell_of_their_own_and_of_a_line_that_is_the_last(records):
    after = {KEYS[0]: "import torchinfo\nscale = 1"}
    answers = {KEYS[1]: f"{solved(KEYS[1])}\ntorchinfo.summary(scale)", KEYS[0]: "import torchinfo"}
    verdicts, attention, outputs = graded(answers, records, after=after)
    assert verdicts[KEYS[1]].state is State.CORRECT
    assert verdicts[KEYS[0]].state is State.ERROR
    assert len(attention) == 1 and "Line 1, `import torchinfo`" in attention[0]
    assert outputs[KEYS[0]][-1].output_type == "error"
