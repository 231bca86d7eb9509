"""Untouched releases are *not attempted*, wrong answers are told why, right answers in unexpected forms are right.

All through the real notebook cell.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from helpers import exercises
from tests import notebooks
from tests.notebooks import checks, notebook_of, outputs

KEYS = [key for path in notebooks.SOLUTIONS for key in notebooks.exercises_of(path)]


def answers(key):
    """The module of this exercise's answers; None if there is none, which one test tells."""
    return notebooks.answers(key) if (Path(__file__).parents[1] / "answers" / f"{key}.py").exists() else None


def cases(kind):
    for key in KEYS:
        for number, entry in enumerate(getattr(answers(key), kind, ())):
            yield pytest.param(key, entry, id=f"{key}-{number}")


@pytest.mark.parametrize("key", KEYS)
def test_every_exercise_has_answers(key):
    assert answers(key), f"tests/answers/{key}.py is missing: docs/add-a-lesson.md says what stands in it"


@pytest.mark.parametrize(
    "path", [path for path in notebooks.RELEASES if notebooks.exercises_of(path)], ids=lambda p: p.stem
)
def test_an_untouched_release_is_not_attempted_and_raises_nothing(path, kernels):
    nb = kernels(f"{path.parent.name}/{path.name}").untouched
    assert outputs(nb, "error") == []
    assert [o.text for o in outputs(nb, "stream") if o.name == "stderr"] == []
    found = list(checks(nb))
    assert len(found) == len(notebooks.exercises_of(path))
    for text, points, _ in found:
        assert text.startswith("○ not attempted"), text
        assert points == 0


@pytest.mark.parametrize(("key", "entry"), list(cases("WRONG")))
def test_a_wrong_answer_is_told_why(key, entry, kernels):
    mistake, change = entry
    text, points = kernels(notebook_of(key)).answer(key, change)
    assert re.match("✗ (incorrect|error in your code): ", text), text
    assert points < exercises.load(key).points
    if mistake is not None:
        known = {m.name: m.message for m in exercises.load(key).misconceptions}
        assert mistake in known, f"helpers/exercises/{key}.py knows no mistake {mistake!r}"
        assert known[mistake] in text, text


@pytest.mark.parametrize(("key", "change"), list(cases("RIGHT")))
def test_a_right_answer_in_another_form_is_right(key, change, kernels):
    text, points = kernels(notebook_of(key)).answer(key, change)
    assert text.startswith("✓ correct"), text
    assert points == exercises.load(key).points


@pytest.mark.parametrize("key", KEYS)
def test_the_solution_is_right_and_each_blank_alone_is_not_attempted(key, kernels):
    text, points = kernels(notebook_of(key)).answer(key, {})
    assert (text[:9], points) == ("✓ correct", exercises.load(key).points), text
    for stub, line in notebooks.blanks(key).items():
        indent = line[: len(line) - len(line.lstrip())]
        text, points = kernels(notebook_of(key)).answer(key, {line: indent + stub})
        assert text.startswith("○ not attempted"), text
        assert stub.replace('"', "").rstrip(",") in text, text  # the blank is named
        # of a dict's entry the check knows the key without its quotes
        name = re.sub(r'^"(.*)": ', r"\1: ", stub)
        others = sum(p.points for p in exercises.load(key).parts if not (p.blank and p.blank in name))
        assert points < exercises.load(key).points
        free = sum(
            p.points for p in exercises.load(key).parts if not p.blank
        )  # a statement about several blanks
        assert others - free <= points + 1e-6 and points <= others + 1e-6, (stub, points)


@pytest.mark.parametrize("key", KEYS)
def test_every_blank_has_enough_answers(key):
    """At least 8 wrong (6 of them named) and 4 right ones for every blank; predictions count as one blank."""
    known = {m.name for m in exercises.load(key).misconceptions}
    wrong, right = notebooks.answers(key).WRONG, notebooks.answers(key).RIGHT
    assert {name for name, _ in wrong if name} <= known
    solution = notebooks.cell_of(
        notebooks.read(notebooks.ROOT / "solutions" / notebooks.notebook_of(key)), key
    ).source
    lines = list(notebooks.blanks(key).values())
    if re.search(rf"^{exercises.load(key).name} = ", solution, re.MULTILINE):
        lines = [solution]

    def touches(change, line):
        return isinstance(change, str) or (isinstance(change, Mapping) and any(old in line for old in change))

    for line in lines:
        named = [name for name, change in wrong if name and touches(change, line)]
        where = f"tests/answers/{key}.py, for {line.strip()!r}"
        assert len([1 for _, change in wrong if touches(change, line)]) >= 8, f"wrong answers: {where}"
        assert len(named) >= 6, f"wrong answers with the name of a mistake: {where}"
        assert len([1 for change in right if touches(change, line)]) >= 4, f"right answers: {where}"


@pytest.mark.parametrize(
    ("key", "change", "points"),
    [
        ("q5_attention", {'"bhal, bhlv -> bhav"': '"bhal, bhlv -> bhaz"'}, 2),
        ("q4_positional_embedding", {"x + positions": "torch.cat([x, positions])"}, 1),
        ("scaled_dot_product", {"mask == 0, -9e15": "mask, 'hidden'"}, 1.5),
    ],
)
def test_an_error_in_one_blank_leaves_the_points_of_the_others(key, change, points, kernels):
    text, earned = kernels(notebook_of(key)).answer(key, change)
    assert text.startswith("✗ error in your code"), text
    assert earned == points, text
