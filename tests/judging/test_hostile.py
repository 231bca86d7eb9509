"""The corpus of tests/hostile: nothing unearned, nothing lost, nothing that gets out, every submission with a verdict."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from course.base import bounded
from course.base.paths import ROOT
from course.judging import judge
from helpers import exercises
from helpers.checks import render
from helpers.checks.observe import State
from tests import hostile, ordinary
from tests.hostile import answers, environment, fights, forgery, heavy, unusual

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
    _, record = grade(entry, keys, records)
    assert not hostile.faults(entry, hostile.release(*keys), record)


OTHERS = [("root", "cold"), ("user", "warm"), ("user", "cold")]  # all other tests here: root, warm


@pytest.mark.parametrize(
    ("who", "kind"),
    [
        pytest.param(*it, marks=pytest.mark.needs("sandbox", *["warm kernels"] * (it[1] == "warm")))
        for it in OTHERS
    ],
)
def test_the_same_for_an_ordinary_user_and_in_cold_kernels(who, kind, tmp_path, record_property):
    """One run of many: each takes another part of the corpus; all of it with VIT_CORPUS=all."""
    part = [] if os.environ.get("VIT_CORPUS") == "all" else [str(OTHERS.index((who, kind)))]
    words = ["-m", "tests.hostile.batch", kind, *part]
    if who == "user":
        done = ordinary.run(*words, home=tmp_path, timeout=3600)
    elif os.geteuid() != 0:
        pytest.skip("whoever runs this is an ordinary user")
    else:
        done = subprocess.run(
            [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, timeout=3600
        )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    record_property("entries", found["entries"])
    print(found["entries"], found["late"])
    assert found["level"] == f"bubblewrap ({who})"
    assert not found["wrong"], json.dumps(found["wrong"], indent=1)
    # a flood is not always stopped in time on a busy machine; each is tried by itself above
    assert len(found["late"]) <= 3, found["late"]
    assert set(found["entries"]) == {"forgery", "environment", "heavy", "answers", "unusual", "fights"}
    assert sum(found["entries"].values()) >= (8 if part else 150)


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
@pytest.mark.parametrize("entry", [*heavy.ENTRIES, *answers.ENTRIES, *fights.ENTRIES], ids=str)
def test_whatever_is_handed_in_the_judges_work_is_bounded(entry, records, monkeypatch, record_property):
    release = hostile.release(*heavy.KEYS)
    data = hostile.submission(entry, release)
    judge.reference(release, records)
    work = Work(monkeypatch)
    _, record = judge.grade(release, data, records, limits=entry.limits)
    record_property("seconds", work.seconds)
    record_property("megabytes", work.megabytes)
    print(f"{work.seconds:.1f} s, {work.megabytes:.0f} MB")
    assert work.seconds < entry.seconds
    assert work.megabytes < entry.megabytes
    assert not hostile.faults(entry, release, record)
    assert len(json.dumps(record.content)) < 20_000_000


@pytest.mark.needs("sandbox")
@pytest.mark.parametrize("number", range(len(unusual.ENTRIES)))
def test_what_is_right_in_an_unusual_way_keeps_every_point(number, records):
    batch = unusual.ENTRIES[number]
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
