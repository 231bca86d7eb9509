"""A class in which every tenth submission is hostile: all have a verdict, and the others' points are those without these."""

import time
from collections import Counter

import nbformat
import pytest

from course.grading import pool, retry, task
from course.judging.records import Record
from tests import hostile
from tests.hostile import answers, environment, forgery, heavy

pytestmark = [pytest.mark.grading, pytest.mark.needs("sandbox")]

KEY = forgery.Q6
HONEST = {  # what stands in the answer -> its points
    "right": ({}, 1),
    "another way": ({"x + self.fn(x, **kwargs)": "torch.add(x, self.fn(x, **kwargs))"}, 1),
    "wrong": (forgery.WRONG_Q6, 0),
    "open": ({"x + self.fn(x, **kwargs)": "..."}, 0),
    "an error": ("class ResidualAdd(nn.Module):\n    1 / 0\n", 0),
}
FAMILIES = [family.ENTRIES for family in (heavy, answers, environment, forgery)]
HOSTILE = [FAMILIES[number % 4][7 * number % len(FAMILIES[number % 4])] for number in range(10)]


def piece(entry: hostile.Entry, release, records, number: int) -> task.Task:
    data = hostile.submission(entry, release)
    if entry.edit is None:  # no two files alike
        nb = nbformat.reads(data.decode(), as_version=4)
        nb.metadata["student"] = number
        data = nbformat.writes(nb).encode()
    made = task.Task.of(release, data, True, records)
    return task.Task(**{**vars(made), "limits": entry.limits})


def test_a_hundred_of_whom_every_tenth_is_hostile(tmp_path):
    release = hostile.release(KEY)
    batch, expected, kinds = [], [], list(HONEST.values())
    for number in range(100):
        if number % 10 == 9:
            entry = HOSTILE[number // 10]
            expected.append(None if entry.points is None else entry.points.get(KEY, 0))
        else:
            answer, points = kinds[number % len(kinds)]
            entry = hostile.Entry("honest", {KEY: answer})
            expected.append(points)
        batch.append((number, piece(entry, release, tmp_path, number)))
    pool.ahead(True)
    begun, found = time.monotonic(), {}
    with pool.local(2) as (executor, width):
        for (number, one), result in retry.each(batch, executor, lambda it: (task.perform, it[1]), width):
            found[number] = result if isinstance(result, Record) else task.given_up(one, result)
    took = time.monotonic() - begun
    assert sorted(found) == list(range(100)) and all(found.values()), Counter(map(type, found.values()))
    earned = [found[number].points for number in range(100)]
    assert [
        None if points is None else mine for mine, points in zip(earned, expected, strict=True)
    ] == expected
    # as docs/grading-at-scale.md says: what a piece may take, on each of two processes
    assert took < sum(one.seconds for number, one in batch if number % 10 == 9) / 2 + 90 * 10
    print(f"{took:.0f} s", Counter(record.state.value for record in found.values()))
