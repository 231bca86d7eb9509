"""Grading on a Dask cluster: a real scheduler and real worker processes on this machine."""

import os

import nbformat
import pytest

from course import demo
from course.grading import task
from course.grading.gradebook import GradeError
from course.grading.progress import Progress
from tests.dask_cluster import Cluster
from tests.grading_tree import CLASS, NAMES, Tree, path_of

pytestmark = pytest.mark.grading


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("dask"))
    yield cluster
    cluster.end()


@pytest.fixture
def tree(request):
    tree = Tree(request.node.name)
    yield tree
    tree.remove()


def test_the_same_as_on_this_machine_though_a_worker_is_killed(tree, cluster, tmp_path):
    tree.hand_in_all().grade(jobs=1)
    expected = tree.all()
    tree.remove()
    os.environ["VIT_GRADING"] = tree.below
    tree.hand_in_all()
    tree.hand_in("killer", once=str(tmp_path / "killed"))
    tree.grade(scheduler=cluster.address)
    assert tree.well and (tmp_path / "killed").exists(), tree.said
    found = tree.all()
    assert [row for row in found[0] if row[0] != "killer"] == expected[0]
    assert expected[1].items() <= found[1].items()
    assert expected[2].items() <= found[2].items()


def test_one_that_kills_every_worker_condemns_no_neighbour(tree, cluster):
    tree.hand_in_all()
    tree.hand_in("killer", names=NAMES[:1], always=True)
    tree.grade(scheduler=cluster.address)
    expected = {student: 3 * says["points"] for student, says in CLASS.items()}
    assert tree.well and tree.points() == {**expected, "killer": 0}
    assert f"killer, {NAMES[0]}: 3 times it ended the process that judged it" in tree.said


@pytest.mark.needs("sandbox")
def test_a_real_notebook_in_a_real_sandbox(tree, cluster):
    path = path_of(tree, "ada", NAMES[1])
    path.parent.mkdir(parents=True)
    nbformat.write(demo.submission("ada", path.name), path)
    tree.grade(scheduler=cluster.address, sandboxed=True, perform=task.perform)
    assert tree.well and tree.points() == {"ada": 1}, tree.said
    (record,) = tree.records().values()
    assert b'"level": "bubblewrap' in record


def test_no_scheduler_and_one_that_goes_away(tree, tmp_path, monkeypatch):
    tree.hand_in_all(seconds=600)
    monkeypatch.setattr(task, "CONNECT", 1)
    with pytest.raises(GradeError, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        tree.grade(scheduler="tcp://127.0.0.1:9")
    with pytest.raises(GradeError, match="No Dask scheduler answers at nonsense://x"):
        tree.grade(scheduler="nonsense://x")
    monkeypatch.undo()
    own = Cluster(tmp_path)
    monkeypatch.setattr(Progress, "add", lambda *_: own.scheduler.kill())
    tree.hand_in("ada", points=1)  # its records make the scheduler die; the others never end
    with pytest.raises(GradeError, match=r"gone.*Nothing is lost: run the same command again"):
        tree.grade(scheduler=own.address)
    own.end()
    assert tree.records()
