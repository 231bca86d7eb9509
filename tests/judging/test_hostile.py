"""The corpus of tests/hostile: nothing unearned, nothing lost, nothing that gets out, every submission with a verdict."""

import json
import time
from pathlib import Path

import psutil
import pytest

from course.base import bounded
from course.judging import judge
from helpers import exercises
from helpers.checks import render
from helpers.checks.observe import State
from tests import hostile
from tests.hostile import answers, environment, forgery, heavy, unusual

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


class Work:
    """What the judge itself takes: processor seconds of this process and of the one that reads, megabytes of this one."""

    def __init__(self, monkeypatch) -> None:
        self._reading, self._call = 0.0, bounded.call
        monkeypatch.setattr(bounded, "call", self._counted)
        Path("/proc/self/clear_refs").write_text("5")  # the highest use so far is forgotten
        self._memory, self._seconds = self._of("VmRSS"), time.process_time()

    def _counted(self, *arguments, **more):
        before = self._taken()
        try:
            return self._call(*arguments, **more)
        except bounded.TooMuch:
            before = (None, 0)
            self._reading += more.get("seconds", bounded.SECONDS) + 1
            raise
        finally:
            after = self._taken()
            self._reading += after[1] - before[1] if after[0] == before[0] else after[1]

    def _taken(self) -> tuple[int | None, float]:
        pid = bounded._process and bounded._process.pid
        return pid, sum(psutil.Process(pid).cpu_times()[:2]) if pid else 0.0

    def _of(self, name: str) -> float:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024

    @property
    def seconds(self) -> float:
        return time.process_time() - self._seconds + self._reading

    @property
    def megabytes(self) -> float:
        return self._of("VmHWM") - self._memory


@pytest.mark.needs("sandbox")
@pytest.mark.parametrize("entry", [*heavy.ENTRIES, *answers.ENTRIES], ids=str)
def test_whatever_is_handed_in_the_judges_work_is_bounded(entry, records, monkeypatch, record_property):
    release = hostile.release(*heavy.KEYS)
    data = hostile.submission(entry, release)
    judge.reference(release, records)
    work = Work(monkeypatch)
    _, record = judge.grade(release, data, records, limits=entry.limits)
    verdicts = {release.tests[test]: verdict for test, verdict in record.verdicts.items()}
    record_property("seconds", work.seconds)
    record_property("megabytes", work.megabytes)
    print(f"{work.seconds:.1f} s, {work.megabytes:.0f} MB")
    assert work.seconds < entry.seconds
    assert work.megabytes < entry.megabytes
    if entry.points is not None:
        earned = {key: verdict.points for key, verdict in verdicts.items()}
        assert earned == {key: entry.points.get(key, 0) for key in heavy.KEYS}, verdicts
    for key, state in entry.states.items():
        assert verdicts[key].state is state, verdicts[key]
        assert verdicts[key].lines or state is State.CORRECT
    assert len(json.dumps(record.content)) < 20_000_000


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
