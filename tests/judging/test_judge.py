"""The judge, piece by piece: what goes into a kernel, what comes back, and what is made of it."""

import copy
import json
import os
import re
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course.base.paths import ROOT
from course.judging import execute, judge, kernel_files, messages, reading, records, sanitise
from course.judging.execute import Observation
from course.judging.session import NoKernel, Session
from course.notebook.read import parse
from course.notebook.rebuild import rebuild
from course.notebook.release import HIDDEN, PUBLIC, JudgeError, Release
from course.sandbox.limits import Limits
from course.sandbox.sandbox import Sandbox
from helpers import check, exercises
from helpers.checks import render, wire
from helpers.checks.observe import Problem, State, observe
from helpers.vit.pieces import NAMES
from tests import hostile, notebooks
from tests.hostile import Entry

Q1, Q6 = "q1_position_encoding", "q6_residual_add"
RELEASE = hostile.release(Q6, Q1)


# --- the messages ---------------------------------------------------------------------------------

ARRAYS = hnp.arrays(
    st.sampled_from([np.float64, np.float32, np.int64, np.bool_]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0),
)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec="utf-8"))
VALUES = st.recursive(
    PLAIN | ARRAYS | ARRAYS.map(torch.from_numpy) | st.just(np.float32(1.5)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def same(a, b) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and same(a.numpy(), b.numpy())
    if isinstance(a, (np.ndarray, np.generic)):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return a == b or (a != a and b != b)


@given(VALUES)
def test_a_message_arrives_as_it_was_sent(value):
    assert same(wire.parse(wire.dump(value)), value)


@pytest.mark.parametrize("key", exercises.names())
def test_every_exercises_inputs_can_be_sent(key):
    for seed in (0, 1):
        cases = exercises.load(key).cases(seed)
        assert same(wire.parse(wire.dump(cases)), cases)


def message(text: bytes, numbers: bytes = b"", length: int | None = None) -> bytes:
    return (len(text) if length is None else length).to_bytes(wire.HEAD, "little") + text + numbers


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04 and so on",
        b"x" * (wire.LIMIT + 1),
        message(b"3", length=2**40),
        message(b"3", length=0),
        message(b" " * wire.TREE_LIMIT + b"3"),
        message(b"{"),
        message(b"[1, 2]"),
        message(b"3", b"more"),
        message(b'{"array": "a7"}'),
        message(b'{"list": 3}'),
        message(b'{"array": ["<f8", [1]], "list": []}', b"8 bytes."),
        message(b'{"exec": "print()"}'),
        message(b'{"list": [' * 9_000),
        message(b'{"array": ["<U8", [1]]}', b"8 bytes." * 4),
        message(b'{"array": ["|O", [1]]}', b"8 bytes."),
        message(b'{"array": ["<f8,<f8", [1]]}', b"8 bytes." * 2),
        message(b'{"array": ["<f8", [2]]}', b"8 bytes."),
        message(b'{"array": ["<f8", [-1, -1]]}', b"8 bytes."),
        message(b'{"array": ["<f8", [true]]}', b"8 bytes."),
        message(b'{"array": ["<f8", [9999999999, 9999999999, 9999999999]]}', b"8 bytes."),
        message(b'{"array": ["<f8", [0' + b", 99999999999" * 5 + b"]]}"),
        message(b'{"list": [{"array": ["<f8", [1]]}, {"array": ["<f8", [1]]}]}', b"8 bytes."),
    ],
    ids=range(23),
)
def test_bytes_that_somebody_made_up_are_refused(data):
    with pytest.raises(ValueError):
        wire.parse(data)


@given(st.binary(max_size=300), st.integers(0, 600))
def test_damaged_messages_are_refused_or_read(noise, place):
    good = wire.dump({"seen": [{"P": np.ones(3)}], "text": "x"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile about names that come twice
        try:
            wire.parse(good[:place] + noise + good[place + len(noise) :])
        except ValueError:
            pass


# --- what a kernel gets ---------------------------------------------------------------------------


ALONE = """\
import importlib, json, pathlib, sys, tempfile
from helpers import observers
before = set(sys.modules)
for key, source in json.load(sys.stdin).items():
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, f"{key}.py").write_text(source, "utf-8")
        observers.__path__.append(folder)
        importlib.invalidate_caches()
        print(key, observers.load(key).name)
        observers.__path__.pop()
    new = {name for name in sys.modules if name.startswith("helpers.")} - before
    assert f"helpers.vit.pieces.{key}" not in new, key
    for name in new:
        print(name, file=sys.stderr)
        del sys.modules[name]
"""


def test_each_observer_is_enough_by_itself_and_meets_nobody_who_knows_an_answer(tmp_path):
    kernel_files.copy_helpers(tmp_path, ())
    sources = {key: kernel_files.observer(key) for key in exercises.names()}
    done = subprocess.run(
        [sys.executable, "-c", ALONE],
        input=json.dumps(sources),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{key} {exercises.load(key).name}" for key in exercises.names()]
    met = set(done.stderr.split())
    observing = {f"helpers.checks.{Path(name).stem}" for name in kernel_files.OBSERVING}
    assert {name for name in met if name.startswith(("helpers.checks.", "helpers.exercises"))} <= observing


def test_a_kernels_helpers_hold_no_judge_and_no_answer_of_this_notebook(tmp_path):
    folder = kernel_files.copy_helpers(tmp_path, [Q6, Q1])
    assert not (folder / "exercises").exists() and os.listdir(folder / "observers") == ["__init__.py"]
    assert set(os.listdir(folder / "checks")) == kernel_files.OBSERVING
    pieces = {path.stem for path in (folder / "vit" / "pieces").glob("q*.py")}
    assert pieces == set(NAMES) - {Q6, Q1}
    for path in folder.rglob("*.py"):
        assert "class ResidualAdd" not in path.read_text("utf-8"), path
    assert "class ResidualAdd" in kernel_files.equivalent(Q6)
    assert kernel_files.equivalent("cosine_similarity") == ""


# --- the release ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", notebooks.SOLUTIONS, ids=lambda path: path.stem)
def test_the_release_is_what_students_get(path):
    release = Release.read(path)
    assert release.notebook == notebooks.read(notebooks.ROOT / "notebooks" / path.parent.name / path.name)
    assert list(release.tests.values()) == notebooks.exercises_of(path)


def test_hidden_inputs_belong_to_the_release():
    one, again = hostile.release(Q1), Release("hostile", "mini", hostile.release(Q1).content)
    other = Release("hostile", "mini", one.content + b"\n")
    assert one.seed(Q1) == again.seed(Q1) != other.seed(Q1)
    assert one.seed(Q1) != one.seed(Q6)
    assert len({json.dumps(case["label"]) for cases in one.cases(Q1).values() for case in cases}) > 3


def test_a_test_cell_that_cannot_be_judged_is_told_before_anything_runs(tmp_path):
    nb = nbformat.from_dict(RELEASE.solution)
    notebooks.cell_of(nb, f"check_{Q6}").source = "assert ResidualAdd"
    path = tmp_path / "part" / "name.ipynb"
    path.parent.mkdir()
    nbformat.write(nb, path)
    with pytest.raises(JudgeError, match=rf'part/name: test cell check_{Q6} should be check\("<key>"\)'):
        Release.read(path)
    with pytest.raises(JudgeError, match="There is no solution"):
        Release.read(tmp_path / "no.ipynb")


def test_a_notebook_whose_exercise_gives_other_points_now_is_not_judged_by_either(tmp_path):
    nb = copy.deepcopy(RELEASE.solution)
    notebooks.cell_of(nb, f"check_{Q6}").metadata.nbgrader.points = 2
    other = Release("part", "name", nbformat.writes(nb).encode())
    with pytest.raises(
        JudgeError, match=f"check_{Q6} gives 2 in the notebook, but 1 in its exercise.*make notebooks"
    ):
        judge.reference(other, tmp_path)


# --- the verdict, without a kernel ----------------------------------------------------------------

GOOD = notebooks.cell_of(RELEASE.solution, Q1).source


def seen_of(source: str) -> Observation:
    """What a kernel would have sent about this answer to Q1."""
    space = {"np": np, "torch": torch}
    exec(compile(source, "<answer>", "exec"), space)
    found = {
        name: observe(exercises.load(Q1).observer, space["getPositionEncoding"], cases, space)
        for name, cases in RELEASE.cases(Q1).items()
    }
    return Observation(found)


EXPECTED = seen_of(GOOD).found


def verdict(source: str, seen: Observation | None = None, **more):
    exercise, text = exercises.load(Q1), reading.text_of(source, "getPositionEncoding")
    return judge.verdict(exercise, RELEASE.cases(Q1), seen or seen_of(source), EXPECTED, text, **more)


def test_the_solution_is_right():
    assert (verdict(GOOD).state, verdict(GOOD).points) == (State.CORRECT, 3)


@pytest.mark.parametrize("change", [("2 * i / d", "i / d"), ("np.cos", "np.sin"), ("return P", "return P.T")])
def test_the_words_are_those_of_the_students_own_check(change):
    source = GOOD.replace(*change)
    space = {"np": np}
    exec(compile(source, "<answer>", "exec"), space)
    assert str(verdict(source)) == str(check.verdict(Q1, space))


@pytest.mark.parametrize("key", ["q6_residual_add", "q7_feed_forward", "q2_patch_embedding"])
def test_the_students_own_check_does_not_mind_what_their_cells_have_switched_on(key):
    space = {"np": np, "torch": torch, "nn": torch.nn}
    exec("from einops import rearrange\nfrom einops.layers.torch import Rearrange", space)
    solution = notebooks.read(notebooks.ROOT / "solutions" / notebooks.notebook_of(key))
    exec(compile(notebooks.cell_of(solution, key).source, "<answer>", "exec"), space)
    torch.set_default_dtype(torch.float64)
    try:
        with torch.device("meta"), torch.inference_mode():
            assert check.verdict(key, space).state is State.CORRECT
        assert torch.get_default_dtype() is torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def test_right_for_the_public_inputs_only_is_not_right_and_shows_no_hidden_input():
    source = GOOD.replace("    P = ", "    n = n if n in (100, 10000) or seq_len == 5 else 3\n    P = ")
    seen = {
        PUBLIC: EXPECTED[PUBLIC],
        HIDDEN: [{"P": arrays["P"] * 0 + 7} for arrays in EXPECTED[HIDDEN]],
    }
    result = verdict(source, Observation(seen))
    assert (result.state, result.points) == (State.INCORRECT, 0)
    assert "It is right for the inputs that the notebook's check tries, but not for others." in render.text(
        result
    )
    for case in RELEASE.cases(Q1)[HIDDEN]:
        assert case["label"] not in render.text(result) or case["label"] in [
            c["label"] for c in RELEASE.cases(Q1)[PUBLIC]
        ]
    failing = Problem(State.ERROR, "Line 3 raised ValueError: n is 77", "ValueError: n is 77")
    result = verdict(source, Observation({**seen, HIDDEN: failing}))
    assert (result.state, result.points) == (State.ERROR, 0)
    assert "There it raised ValueError." in render.text(result) and "77" not in render.text(result)


def test_a_part_that_is_right_everywhere_keeps_its_points():
    source = GOOD.replace("np.cos", "np.sin")
    assert verdict(source).points == 2


@pytest.mark.parametrize(
    ("seen", "source", "state", "said"),
    [
        (Observation(missing=True), GOOD, State.ERROR, "`getPositionEncoding` is not defined"),
        (Observation(missing=True), GOOD.replace("n, 2 * i / d", "n, ..."), State.NOT_ATTEMPTED, "Still to fill in: line 6"),
        (Observation(missing=True), "def getPositionEncoding(:\n  pass", State.ERROR, "Line 1, `def getPositionEncoding(:`, is not Python"),
        (Observation(missing=True), "", State.ERROR, "is not defined"),
        (Observation(garbled="x"), GOOD, State.ERROR, "could not be looked at"),
        (Observation(ended=State.TIMEOUT), GOOD, State.TIMEOUT, "Is there a loop that never ends?"),
        (Observation(ended=State.MEMORY), GOOD, State.MEMORY, "asked for more memory"),
        (Observation(ended=State.KILLED), GOOD, State.KILLED, "ended Python itself"),
    ],
)  # fmt: skip
def test_what_could_not_be_observed_has_a_verdict_of_its_own(seen, source, state, said):
    result = verdict(source, seen)
    assert (result.state, result.points) == (state, 0)
    assert said in render.text(result)


def test_the_untouched_blank_is_not_attempted():
    release = notebooks.cell_of(RELEASE.notebook, Q1).source
    result = verdict(release, seen_of(release))
    assert result.state is State.NOT_ATTEMPTED and result.points == 0


@pytest.mark.parametrize("magic", ["%%time", "%%capture out", "%%time -n\n# a word", "%matplotlib inline"])
def test_the_untouched_blank_is_seen_below_a_magic(magic):
    release = notebooks.cell_of(RELEASE.notebook, Q1).source
    result = verdict(f"{magic}\n{release}", Observation(missing=True))
    assert result.state is State.NOT_ATTEMPTED, result


@pytest.mark.parametrize(
    ("source", "taken"),
    [
        (
            "from helpers.vit.pieces.q1_position_encoding import getPositionEncoding",
            "helpers.vit.pieces.q1_position_encoding",
        ),
        ("from helpers.vit.pieces import load", "helpers.vit.pieces.load"),
        ("from helpers.observers import q6_residual_add", "helpers.observers.q6_residual_add"),
        ("from helpers.exercises import q6_residual_add", "helpers.exercises.q6_residual_add"),
        ("import helpers.exercises.q6_residual_add as q", "helpers.exercises.q6_residual_add"),
        ("from helpers.vit.pieces.q2_patch_embedding import PatchEmbedding", ""),
        ("from helpers import check, show", ""),
        ("%%time\n1 +", ""),
    ],
)
def test_imports_from_the_check_are_seen(source, taken):
    assert reading.read(RELEASE, hostile.submission(Entry("", before=source), RELEASE)).borrowed == taken
    assert reading.read(RELEASE, nbformat.writes(RELEASE.notebook).encode()).borrowed == ""


def test_the_cell_that_defines_the_object_is_the_one_that_is_read():
    own = "def getPositionEncoding(seq_len, d, n=10000):\n    return ..."
    entry = Entry("", after={Q1: own})
    found = reading.read(RELEASE, hostile.submission(entry, RELEASE))
    assert found.texts[Q1].source == own
    assert found.texts[Q6].source == notebooks.cell_of(found.nb, Q6).source


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"missing": False},
        {"missing": False, PUBLIC: {"problem": None, "seen": [{}]}, HIDDEN: {"problem": None, "seen": []}},
        {"missing": False, PUBLIC: {"problem": {"state": 3, "text": 3, "error": ""}, "seen": []}},
        {"missing": False, PUBLIC: {"problem": None, "seen": [{"P": "text"}] * 3}},
        {"missing": False, PUBLIC: {"problem": None, "seen": [{"P": np.ones(2) + 0j}] * 3}},
        {"missing": False, PUBLIC: {"problem": None, "seen": [{"P": np.ones(execute.NUMBERS + 1)}] * 3}},
        3,
        None,
    ],
)
def test_an_answer_that_is_no_observation_is_refused(message):
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
        execute._seen(message, RELEASE.cases(Q1))


def test_names_and_words_that_come_back_are_one_line_that_can_be_seen():
    array = {"changed: \ud800\n\u202e✓ correct" + "x" * 90_000: np.ones(1)}
    problem = {"state": "error", "text": "\u2066a\nb\ud800", "error": "", "certain": True, "blank": ""}
    cases = RELEASE.cases(Q1)
    found = {name: {"problem": None, "seen": [array] * len(cases[name])} for name in cases}
    (name,) = execute._seen({"missing": False, **found}, cases).found[PUBLIC][0]
    assert name.startswith("changed: ? ?✓ correct") and len(name) == execute.TEXT
    found = {name: {"problem": problem, "seen": []} for name in cases}
    assert execute._seen({"missing": False, **found}, cases).found[PUBLIC].text == "?a b?"


# --- records --------------------------------------------------------------------------------------


def test_a_record_is_read_as_it_was_written(tmp_path):
    marks = {f"check_{Q1}": verdict(GOOD.replace("np.cos", "np.sin"))}
    record = records.Record("k", "part", "name", "s", "r", "g", "none", marks, {"cells": []}, ("a",), ("b",))
    path = records.save(tmp_path, record)
    assert records.load(tmp_path, "k") == record
    assert (record.state, record.points) == (State.INCORRECT, 2)
    path.write_bytes(path.read_bytes()[:-50])
    assert records.load(tmp_path, "k") is None
    assert records.load(tmp_path, "other") is None


@pytest.mark.parametrize(
    ("states", "whole"),
    [
        ([State.CORRECT, State.CORRECT], State.CORRECT),
        ([State.CORRECT, State.NOT_ATTEMPTED], State.INCORRECT),
        ([State.NOT_ATTEMPTED], State.NOT_ATTEMPTED),
        ([State.ERROR, State.INCORRECT], State.ERROR),
        ([State.ERROR, State.TIMEOUT], State.TIMEOUT),
        ([State.KILLED, State.MEMORY], State.KILLED),
    ],
)
def test_a_submission_is_what_its_worst_exercise_is(states, whole):
    mark = verdict(GOOD)
    marks = {str(n): replace(mark, state=state) for n, state in enumerate(states)}
    assert records.Record("", "", "", "", "", "", "", marks, []).state is whole


# --- what is displayed ----------------------------------------------------------------------------

NASTY = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<a href="javascript:alert(1)">x</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    '<div onclick="alert(1)" style="position:fixed;background:url(http://evil)">x</div>',
    "<iframe src=//evil></iframe><form action=//evil><input></form>",
    "<svg><script>alert(1)</script></svg>",
    "<style>@import '//evil'</style><link rel=stylesheet href=//evil>",
    "<math><mtext><img src=x onerror=alert(1)>",
    '<img src="http://evil/track.png">',
)


@pytest.mark.parametrize("text", NASTY)
def test_nothing_that_runs_or_loads_is_displayed(text):
    clean = sanitise.html(text).lower()
    for bad in (
        "<script",
        "onerror",
        "onclick",
        "javascript:",
        "data:text",
        "<iframe",
        "<form",
        "<svg",
        "<style",
        "<link",
        "evil/track",
        "position",
        "url(",
    ):
        assert bad not in clean, clean  # fmt: skip


def test_pictures_and_tables_stay():
    picture = '<img src="data:image/svg+xml;base64,PHN2Zz4=" alt="a map" style="max-width:100%">'
    assert sanitise.html(picture) == picture
    table = "<table><tbody><tr><td>1</td></tr></tbody></table>"
    assert sanitise.html(table) == table
    styled = '<td style="background-color:rgb(1, 2, 3);color:red;margin:1em">1</td>'
    assert (
        sanitise.html(f"<table><tr>{styled}</tr></table>")
        == f"<table><tbody><tr>{styled}</tr></tbody></table>"
    )
    formula = '<math display="block"><mfrac><mi>a</mi><mn>2</mn></mfrac></math>'
    assert sanitise.html(formula) == formula


@pytest.mark.parametrize(
    "style",
    ["position:fixed", "background:url(//evil)", "color:r\\65 d", "margin-top:-9px", "width:calc(1px)"],
)
def test_a_style_that_reaches_further_is_left_out_alone(style):
    assert sanitise.html(f'<p style="{style};color:red">x</p>') == '<p style="color:red">x</p>'


def test_a_drawing_becomes_a_picture():
    made = sanitise.html(
        'a <svg><svg></svg><script>alert(1)</script><title>two " lines</title></svg> b </svg>'
    )
    assert re.fullmatch('a <img src="data:image/svg\\+xml;base64,[\\w+/=]+" alt="two &quot; lines"> b ', made)
    assert sanitise.html("x <svg><svg></svg> y") == "x "  # never closed


def test_outputs_hold_nothing_but_text_and_pictures():
    made = nbformat.v4.new_output(
        "execute_result",
        data={
            "text/plain": "3",
            "application/javascript": "alert(1)",
            "text/vnd.mermaid": "graph",
            "image/png": '"><script>alert(1)</script>',
        },
    )
    clean = sanitise.output(made)
    assert (clean.output_type, clean.data) == ("display_data", {"text/plain": "3"})
    made.data = {"text/markdown": "i<n", "text/latex": "$i<n$", "image/svg+xml": "<svg onload=alert(1)>"}
    clean = sanitise.output(made).data
    assert clean.pop("text/html").startswith('<img src="data:image/svg+xml;base64,')
    assert clean == {"text/markdown": "i<n", "text/latex": "$i<n$"}  # as it was; who renders it cleans it
    assert sanitise.output(nbformat.v4.new_output("stream", text="\ud800x")).text == "?x"


# --- the whole way --------------------------------------------------------------------------------


@pytest.mark.grading
@pytest.mark.needs("sandbox")
def test_the_same_submission_gets_the_same_verdict_three_times(tmp_path):
    entry = Entry("", {Q1: {"np.cos(k / denominator)": "np.cos(k / denominator) + torch.rand(1).item()"}})
    data = hostile.submission(entry, RELEASE)
    found = [judge.grade(RELEASE, data, tmp_path, again=True)[1] for _ in range(3)]
    assert found[0] == found[1] == found[2]
    assert (found[0].state, found[0].points) == (State.INCORRECT, 3)
    assert found[0].level.startswith("bubblewrap")
    text = (tmp_path / f"{found[0].key}.json").read_text()
    assert str(RELEASE.seed(Q1)) not in text
    # and the fourth time nothing runs
    assert judge.grade(RELEASE, data, tmp_path)[1] == found[0]


@pytest.mark.grading
@pytest.mark.needs("sandbox")
def test_a_solution_that_fails_its_own_check_is_told(tmp_path):
    content = RELEASE.content.replace(
        b"x + self.fn(x, **kwargs)  # blank", b"x - self.fn(x, **kwargs)  # blank"
    )
    broken = Release("hostile", "broken", content)
    with pytest.raises(JudgeError, match="does not pass q6_residual_add"):
        judge.reference(broken, tmp_path)


@pytest.mark.grading
@pytest.mark.needs("sandbox")
def test_given_figures_above_the_first_answer_are_drawn_once(tmp_path, monkeypatch):
    release = Release.read(ROOT / "solutions" / "2_build_a_vit" / "q4_positional_embedding.ipynb")
    data = nbformat.writes(release.notebook).encode()
    found = judge.judge_submission(release, data, tmp_path)
    monkeypatch.setattr(execute, "opening", lambda *_: [])
    monkeypatch.setattr(execute, "untouched", lambda *_: set())
    drawn = judge.judge_submission(release, data, tmp_path)
    assert found == drawn and "data:image/png" in str(found.content)
    monkeypatch.undo()

    expected = judge.reference(release, tmp_path)
    told = json.dumps(expected.shown).replace("data:image/png;base64,", "data:image/png;base64,notdrawn")
    monkeypatch.setattr(
        judge, "reference", lambda *_: replace(expected, outputs=np.frombuffer(told.encode(), np.uint8))
    )
    figures = [
        output["data"]["text/html"]
        for cell in judge.judge_submission(release, data, tmp_path).content["cells"]
        for output in cell.get("outputs", ())
        if "data:image/png" in output.get("data", {}).get("text/html", "")
    ]
    assert figures and all("base64,notdrawn" in figure for figure in figures)


@pytest.mark.parametrize("own", ["", "extra", "edited"])
def test_what_is_above_all_that_is_a_students(own):
    nb = copy.deepcopy(RELEASE.notebook)
    if own == "extra":
        nb.cells.insert(0, nbformat.v4.new_code_cell("torch.manual_seed(1)"))
    elif own == "edited":
        nb.cells[0].source += "\nnew = 1"
    rebuilt, _ = rebuild(RELEASE.notebook, parse(nbformat.writes(nb).encode()))
    first = next(i for i, cell in enumerate(RELEASE.notebook.cells) if execute.grade_id(cell))
    assert len(execute.opening(RELEASE, rebuilt)) == {"": first, "extra": 0, "edited": first}[own]


@pytest.mark.grading
@pytest.mark.needs("sandbox")
def test_what_stands_below_the_last_question_is_not_run(tmp_path):
    nb = copy.deepcopy(RELEASE.solution)
    nb.cells.append(nbformat.v4.new_code_cell("while True: pass"))
    shown, record = judge.grade(RELEASE, nbformat.writes(nb).encode(), tmp_path)
    assert record.state is State.CORRECT
    assert shown.cells[-1].source == "while True: pass"
    assert [output.text for output in shown.cells[-1].outputs] == [messages.UNRUN]


def test_bytes_that_are_no_notebook_have_a_verdict(tmp_path):
    nb, record = judge.grade(RELEASE, b"\x00\xff not a notebook", tmp_path)
    assert (record.state, record.points) == (State.UNREADABLE, 0)
    assert record.attention
    assert "file that could not be read" in str(notebooks.cell_of(nb, f"check_{Q1}").outputs)


def test_a_kernel_that_does_not_come_up_says_why(tmp_path):
    (tmp_path / "work").mkdir()
    with Sandbox(tmp_path / "work", sandboxed=False) as box:
        box.manager._kernel_spec.argv = [sys.executable, "-c", "import no_such_kernel"]
        with pytest.raises(
            NoKernel, match="died at once: ModuleNotFoundError: No module named 'no_such_kernel'"
        ):
            Session(box, Limits()).__enter__()


@pytest.mark.parametrize("key", exercises.names())
def test_judging_leaves_the_inputs_as_they_are(key):
    """They are made once for all students of a release."""
    exercise = exercises.load(key)
    cases = exercise.cases(0)
    before = wire.dump({"cases": cases})
    right = [exercise.expected(copy.deepcopy(case)) for case in cases]
    shifted = [{name: array + 1.5 for name, array in arrays.items()} for arrays in right]
    for seen in (right, shifted):
        judge.judge(exercise, cases, seen)
        assert wire.dump({"cases": cases}) == before
    again = [exercise.expected(copy.deepcopy(case)) for case in cases]
    first, second = (
        judge.judge(exercise, some, shifted, expected=again) for some in (cases, copy.deepcopy(cases))
    )
    assert first == second
