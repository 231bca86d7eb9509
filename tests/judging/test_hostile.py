"""The corpus of tests/hostile: nothing unearned, nothing lost, nothing that gets out, every submission with a verdict."""

import json

import pytest

from course.judging import judge
from helpers import exercises
from helpers.checks import render
from helpers.checks.observe import State
from tests import hostile
from tests.hostile import environment, forgery, unusual

pytestmark = pytest.mark.grading
BAD = [*((forgery.KEYS, e) for e in forgery.ENTRIES), *((environment.KEYS, e) for e in environment.ENTRIES)]


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return tmp_path_factory.mktemp("records")


def grade(entry, keys, records):
    release = hostile.release(*keys)
    _, record = judge.grade(release, hostile.submission(entry, release), records, limits=entry.limits)
    return {release.tests[test]: verdict for test, verdict in record.verdicts.items()}, record


@pytest.mark.needs("sandbox")
@pytest.mark.parametrize(("keys", "entry"), BAD, ids=[str(entry) for _, entry in BAD])
def test_a_hostile_submission_gets_what_it_has_earned(keys, entry, records):
    verdicts, record = grade(entry, keys, records)
    assert {key: verdict.points for key, verdict in verdicts.items()} == {
        key: entry.points.get(key, 0) for key in keys
    }, verdicts
    for key, verdict in verdicts.items():
        if key in entry.states:
            assert verdict.state is entry.states[key], verdict
        if not verdict.points:
            assert verdict.state is not State.CORRECT
    if entry.never:
        shown = [cell.get("outputs") for cell in record.content["cells"]]
        assert entry.never not in json.dumps([shown, [render.text(v) for v in verdicts.values()]])


@pytest.mark.needs("sandbox")
@pytest.mark.parametrize("number", range(len(unusual.BATCHES)))
def test_what_is_right_in_an_unusual_way_keeps_every_point(number, records):
    batch = unusual.BATCHES[number]
    verdicts, record = grade(batch, unusual.KEYS, records)
    lost = {
        key: render.text(verdict) for key, verdict in verdicts.items() if verdict.state is not State.CORRECT
    }
    assert not lost, (batch.name, lost, record.content)
    assert record.points == sum(exercises.load(key).points for key in unusual.KEYS)


def test_the_corpus_is_large_enough():
    names = [entry.name for _, entry in BAD]
    assert len(names) == len(set(names)) >= 60
    assert unusual.COUNT >= 40
