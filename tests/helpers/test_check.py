"""The four states and the sentences of `check`, on small functions; the exercises' own answers are in test_answers."""

import linecache
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch

from helpers import exercises
from helpers.check import Check, Points, State, blanks_left, check
from helpers.checks import mistakes, render

KEY = "q1_position_encoding"
ANSWER = """
import sys
import numpy as np
import torch

def getPositionEncoding(seq_len, d, n=10000):
    P = np.zeros((seq_len, d))
    for k in range(seq_len):
        for i in np.arange(int(d / 2)):
            denominator = np.power(n, 2 * i / d)
            P[k, 2 * i] = np.sin(k / denominator)
            P[k, 2 * i + 1] = np.cos(k / denominator)
    return P
"""


def cell(source: str, name: str = "<cell>") -> dict:
    """A namespace after running `source` the way a notebook does, so that its lines can be found."""
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    namespace: dict = {}
    exec(compile(source, name, "exec"), namespace)
    return namespace


def verdict(old: str = "", new: str = ""):
    assert old in ANSWER
    return check.verdict(KEY, cell(ANSWER.replace(old, new)))


def test_correct():
    result = verdict()
    assert (result.state, result.points, result.max_points) == (State.CORRECT, 3, 3)
    assert render.text(result) == "✓ correct: getPositionEncoding · 3 of 3 points"


def test_incorrect_says_what_where_and_why():
    text = render.text(verdict("2 * i / d)", "i / d)"))
    assert "✗ incorrect: getPositionEncoding · 2 of 3 points" in text
    assert "P[1, 2] should be sin(1 / 100^(2/4)) = 0.0998 but is 0.3110." in text
    assert "That is what you get when the exponent is i/d instead of 2i/d." in text
    assert "✗ denominator (incorrect)" in text
    assert "✓ sine in the even columns (correct)" in text


def test_not_attempted_names_the_lines():
    result = verdict("np.power(n, 2 * i / d)", "...")
    assert (result.state, result.points) == (State.NOT_ATTEMPTED, 2)
    assert "Still to fill in: line 10: `denominator = ...`\n" in render.text(result)


def test_error_names_the_students_line():
    result = verdict("np.power(n, 2 * i / d)", "np.pow_er(n, 2)")
    assert (result.state, result.points) == (State.ERROR, 2)
    assert "Line 10, `denominator = np.pow_er(n, 2)`, raised AttributeError" in render.text(result)


@pytest.mark.parametrize(
    ("old", "new", "state", "said"),
    [
        ("    return P", "    pass", State.INCORRECT, "gave None. Does the function end with `return P`"),
        ("    return P", "    return P.astype(int)", State.INCORRECT, "P holds whole numbers (int64)"),
        ("    return P", "    return torch.zeros(seq_len, d, device='meta')", State.INCORRECT, "is on device 'meta'"),
        ("    return P", "    return P + 0j", State.INCORRECT, "holds complex numbers"),
        ("    return P", "    return 'P'", State.INCORRECT, "should be an array or a tensor of numbers but is a str"),
        ("    return P", "    return [[1], [2, 3]]", State.INCORRECT, "but is a list"),
        ("    return P", "    return ...", State.NOT_ATTEMPTED, "line 13: `return ...`"),
        ("    return P", "    return P * np.nan", State.INCORRECT, "P[0, 0] is NaN (not a number) but should be"),
        ("    return P", "    return P[:-1]", State.INCORRECT, "P should have shape (4, 4) but has (3, 4)"),
        ("    return P", "    sys.exit(3)", State.ERROR, "`sys.exit(3)`, raised SystemExit: 3"),
        ("    return P", "    return undefined", State.ERROR, "NameError: name 'undefined' is not defined"),
        ("(seq_len, d, n=10000)", "(seq_len)", State.ERROR, "Using getPositionEncoding raised TypeError"),
        ("def getPositionEncoding(", "getPositionEncoding = 3\ndef other(", State.INCORRECT, "should be a function"),
        ("def getPositionEncoding(", "def getPositionEncodings(", State.ERROR, "`getPositionEncoding` is not defined. Run the cell above"),
    ],
)  # fmt: skip
def test_bad_input_gets_a_sentence_that_says_what_to_do(old, new, state, said):
    result = verdict(old, new)
    assert (result.state, result.points) == (state, 0)
    assert said in render.text(result)


def test_prints_warnings_and_random_states_of_the_student_cost_nothing(capfd):
    noisy = "    import warnings; warnings.warn('x'); print('y'); print('z', file=sys.stderr); torch.rand(2); np.random.rand()\n"
    torch.manual_seed(7)
    np.random.seed(7)
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert verdict("    return P", noisy + "    return P").state is State.CORRECT
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])
    assert capfd.readouterr() == ("", "")


def test_points_are_a_number_to_nbgrader_and_words_to_a_reader(capsys):
    globals().update(cell(ANSWER.replace("np.cos(k", "np.sin(k")))
    points = check(KEY)
    assert isinstance(points, Points)
    assert (float(points), repr(points), points._repr_html_()) == (2.0, "2", "2 of 3 points")
    assert "cosine" in capsys.readouterr().out


def test_panel_escapes_what_the_student_wrote():
    result = verdict("    return P", "    raise ValueError('<script>alert(1)</script>')")
    assert "<script>" not in render.bundle(result)["text/html"]


def test_hints_come_one_by_one_and_the_last_one_stays(capsys):
    count = len(exercises.load(KEY).hints)
    for _ in range(count + 1):
        check.hint(KEY)
    said = capsys.readouterr().out
    assert re.findall(r"Hint (\d) of", said) == [*map(str, range(1, count + 1)), str(count)]


def test_ready_says_what_it_waits_for(capsys):
    globals().update(cell(ANSWER.replace("np.cos(k", "np.sin(k")))
    assert not check.ready(KEY)
    assert "This cell uses your getPositionEncoding" in capsys.readouterr().out
    globals().update(cell(ANSWER))
    assert check.ready(KEY)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("q1", 'Did you mean "q1_position_encoding"?'),
        ("q1_positional_encoding", 'Did you mean "q1_position_encoding"'),
        ("xyzzy", "There are: attention_output, "),
    ],
)
def test_an_unknown_exercise_is_answered_with_the_nearest(key, said):
    with pytest.raises(exercises.UnknownExercise, match=re.escape(said)):
        check(key)


def test_a_hint_is_for_the_exercise_that_was_checked_last(capsys):
    mine = Check()
    mine.hint()
    assert "For which exercise?" in capsys.readouterr().out
    globals().update(cell(ANSWER))
    mine(KEY)
    mine.hint()
    assert exercises.load(KEY).hints[0] in capsys.readouterr().out


def test_the_panel_holds_the_hints_each_inside_the_one_before():
    hints = exercises.load(KEY).hints
    panel = render.bundle(verdict("np.cos", "np.sin"), hints)["text/html"]
    assert panel.count("<details>") == len(hints)
    assert panel.endswith("</details>" * len(hints) + "</div>")
    assert "<details>" not in render.bundle(verdict(), hints)["text/html"]


def test_a_loop_without_end_is_stopped_with_a_sentence(capsys):
    mine = Check()
    mine.seconds = 1
    globals().update(cell(ANSWER.replace("    return P", "    while True:\n        P = P")))
    assert mine(KEY) == 0
    assert "did not come to an end within 1 seconds" in capsys.readouterr().out


def test_what_a_cell_that_failed_leaves_behind_is_not_taken_for_it():
    """The history of cells is IPython's."""
    broken = ANSWER.replace("P = np.zeros((seq_len, d))", "P = np.zeros((seq_len, d)")
    space = cell(ANSWER)
    assert check.verdict(KEY, {**space, "In": ["", ANSWER]}).state is State.CORRECT
    older = check.verdict(KEY, {**space, "In": ["", ANSWER, broken]})
    assert (older.state, older.points) == (State.ERROR, 0)
    assert "only an older version is there" in older.lines[0] and "SyntaxError in line" in older.lines[0]
    raised = check.verdict(KEY, {**space, "In": ["", ANSWER, f"import nothing_such\n{ANSWER}"]})
    assert raised.state is State.ERROR and "ended in an error" in raised.lines[0]
    shapes = 'rearrange_shapes = {"b h w c -> b h w c": (32, 30, 40, 3)'
    space = {**cell(shapes + "}"), "In": [shapes + "}", shapes]}
    assert "only an older version is there" in check.verdict("q2_rearrange_warmup", space).lines[0]
    nothing = check.verdict(KEY, {"In": ["", broken]})
    assert "is not defined" in nothing.lines[0] and "SyntaxError" in nothing.lines[0]


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("def f(x):\n    return x[..., 0]", []),
        ("def f(x):\n    y = ...\n    return y", [2]),
        ("class f:\n    def g(self):\n        self.a = h(..., 2)\n        return ...", [3, 4]),
        ("class f:\n    @staticmethod\n    def g():\n        pass", []),
        ("f = {'a': ..., 'b': 1}", [0]),
        ("f = [1, ...]", [0]),
        ("f = ...", [0]),
        ("f = 3", []),
        ("f = lambda x: x", []),
    ],
)
def test_blanks_are_found_and_ordinary_indexing_is_not_one(source, left):
    assert [blank.line for blank in blanks_left(cell(source, f"<{source}>")["f"])] == left


@pytest.mark.parametrize("key", exercises.names())
def test_every_exercise_is_complete(key):
    exercise = exercises.load(key)
    assert exercise.points > 0
    assert len(exercise.hints) >= 2
    everywhere = {m.name for m in (*mistakes.SPOILT, *mistakes.UNKNOWN_NAMES, *mistakes.ANYWHERE)}
    assert len({m.name for m in exercise.misconceptions} - everywhere) >= 6
    for mistake in exercise.misconceptions:
        assert mistake.produces or mistake.raises or mistake.when, mistake.name
        assert mistake.message.rstrip()[-1] in ".)?!`", mistake.name
    first, again, other = exercise.cases(0), exercise.cases(0), exercise.cases(1)
    assert len(first) == len(again) == len(other)
    for case, same in zip(first, again, strict=True):
        wanted, repeated = exercise.expected(case), exercise.expected(same)
        assert all(exercise.close(wanted[key], repeated[key]) for key in wanted)


def test_importing_check_and_show_is_cheap():
    """At most 0.3 s on top of torch: the median of five fresh interpreters, or three of them as soon as that is sure."""
    code = (
        "import time, torch; t = time.perf_counter(); from helpers import check, show;"
        "import sys; print(time.perf_counter() - t, 'matplotlib' in sys.modules, 'timm' in sys.modules)"
    )
    runs = []
    while len(runs) < 5 and sum(seconds <= 0.3 for seconds, *_ in runs) < 3:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        seconds, *loaded = done.stdout.split()
        runs.append((float(seconds), *loaded))
    assert {tuple(loaded) for _, *loaded in runs} == {("False", "False")}
    assert sorted(runs)[2][0] <= 0.3


def test_what_is_right_is_worked_out_without_pytorchs_compiler():
    """Its import is seconds of somebody's first check. Part 4 is about timm, which brings it anyway."""
    code = (
        "import sys; from helpers import exercises\n"
        "for name in exercises.names():\n"
        "    if not name.startswith('inside'):\n"
        "        exercise = exercises.load(name)\n"
        "        exercise.expected(exercise.cases(0)[0])\n"
        "        if 'torch._dynamo' in sys.modules: sys.exit(f'{name} imports it')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert not done.returncode, done.stderr
