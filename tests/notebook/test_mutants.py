"""Any bytes are read and rebuilt within bounds, or are unreadable: no other exception, whatever they are.

VIT_MUTANTS=1000 python -m pytest tests/notebook/test_mutants.py -s
"""

import os
from pathlib import Path

import nbformat
import pytest

from course.base import bounded
from course.collecting import recognise
from course.judging import reading
from course.notebook.release import Release
from helpers import exercises
from tests import notebooks
from tests.notebook import mutants

MUTANTS = int(os.environ.get("VIT_MUTANTS", 160))  # 1,000 before a release
SECONDS, MEGABYTES = 3, 300  # of a file; collect and judge read it thrice here


@pytest.fixture(scope="module")
def release():
    return Release.read(notebooks.ROOT / "solutions" / mutants.PART / f"{mutants.NAME}.ipynb")


@pytest.mark.parametrize("kind", range(len(mutants.KINDS)), ids=[kind.__name__ for kind in mutants.KINDS])
def test_a_mutant_is_read_within_bounds_or_unreadable(kind, release):
    paths = notebooks.RELEASES
    parts: dict[str, dict] = {path.parent.name: {} for path in paths}
    for path in paths:
        parts[path.parent.name][path.stem] = nbformat.read(path, as_version=4)
    names = {key: exercises.load(key).name for key in release.tests.values()}
    given = recognise.packed(parts), release.notebook, dict(release.tests), names
    most = 0.0, 0.0
    for seed in range(kind, MUTANTS, len(mutants.KINDS)):
        data = mutants.mutant(seed)
        seconds, megabytes, raised = bounded.call(mutants.measured, given[0], data, *given[1:])
        assert raised <= {"Unreadable"}, seed
        assert seconds < SECONDS and megabytes < MEGABYTES, (seed, seconds, megabytes)
        most = max(most[0], seconds), max(most[1], megabytes)
    print(f"{mutants.KINDS[kind].__name__}: at most {most[0]:.2f} s, {most[1]:.0f} MB")


def test_mutants_differ_and_come_again():
    assert len({mutants.mutant(seed) for seed in range(64)}) == 64
    assert mutants.mutant(7) == mutants.mutant(7)


def test_reading_says_why(release, tmp_path: Path):
    for seed in range(16):
        found = reading.read(release, mutants.mutant(seed))
        assert found.unreadable.startswith("The file ") or len(found.nb.cells) >= len(release.notebook.cells)
