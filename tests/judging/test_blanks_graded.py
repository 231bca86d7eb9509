"""Graded, a blank takes no other's points either: the table of tests/helpers/test_each_blank.py, all exercises at once."""

import itertools

import pytest

from course.judging import judge
from helpers import exercises
from tests import hostile, notebooks
from tests.helpers.test_each_blank import KEYS, WRONG, parts_of

APART = ("q1_position_encoding", "q5_attention", "q6_residual_add")  # others are built with them
GROUPS = {"most": tuple(key for key in KEYS if key not in APART), "apart": APART}
# their answer cells hold up to four blanks, or a dict of five entries
TABLE = [("most", number) for number in range(5)] + [("apart", number) for number in range(3)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("records")


@pytest.mark.parametrize(("group", "number"), TABLE, ids=str)
def test_whatever_stands_in_a_blank_the_others_keep_their_points(group, number, folder):
    keys = GROUPS[group]
    stubs = {key: list(notebooks.blanks(key).items()) for key in keys}
    stubs = {key: found[number] for key, found in stubs.items() if number < len(found)}
    assert stubs
    changes = {}
    kinds = itertools.islice(itertools.cycle(WRONG.values()), number, None)  # another one for each exercise
    for (key, (stub, line)), wrong in zip(stubs.items(), kinds, strict=False):
        indent = line[: len(line) - len(line.lstrip())]
        changes[key] = {line: indent + stub.replace("...", wrong)}
    course = hostile.release(*(APART if keys == APART else KEYS))
    entry = hostile.Entry("blanks", changes)
    record = judge.judge_submission(course, hostile.submission(entry, course), folder, sandboxed=False)
    assert not record.attention
    lost = []
    for key in keys:
        found, points = record.verdicts[f"check_{key}"], exercises.load(key).points
        if key in stubs:
            others, free = parts_of(key, stubs[key][0])
            if not others <= found.points + 1e-6 or not found.points <= others + free + 1e-6:
                lost.append(f"{key} {stubs[key][0]}: {found.points} of {others}: {found.lines}")
        elif found.points != points:
            lost.append(f"{key}: {found.points} of {points}: {found.lines}")
    assert not lost, "\n".join(lost)
