"""`python -m course grade`: the same gradebook however it is run, and whatever dies on the way."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, wait
from contextlib import suppress

import nbformat
import pytest
from nbgrader.api import Gradebook

from course import demo
from course.grading import gradebook, pool, retry, task
from course.grading.gradebook import GradeError
from course.judging import records
from course.judging.session import NoKernel
from course.notebook.release import JudgeError, Release
from course.sandbox import bubblewrap
from helpers.checks.observe import State
from tests import fake_judge, notebooks
from tests.grading_tree import CLASS, NAMES, PART, Tree, path_of, rest

pytestmark = pytest.mark.grading

# random moments at which something is killed; 20 before a release
KILLS = int(os.environ.get("VIT_KILLS", 4))


@pytest.fixture
def tree(request):
    tree = Tree(request.node.name.replace("[", "-").replace("]", ""))
    yield tree
    tree.remove()


@pytest.fixture(scope="module")
def plain():
    """What one process makes of the class, undisturbed: gradebook, records, autograded notebooks, printed text."""
    tree = Tree("plain").hand_in_all()
    said = tree.grade(jobs=1)
    assert tree.well
    found = tree.all(), tree.points(), said
    tree.remove()
    return found


# --- what comes out -------------------------------------------------------------------------------


def test_everybody_gets_what_the_judge_gave(plain):
    (gradebook, kept, autograded), points, _ = plain
    assert points == {student: 3 * says["points"] for student, says in CLASS.items()}
    assert len(kept) == len(autograded) == 2 * len(CLASS)
    assert {row[0] for row in gradebook} == set(CLASS)


def test_lines_where_there_is_no_terminal(plain):
    _, _, said = plain
    lines = said.splitlines()
    assert (
        f"ben              q6_residual_block          correct                    0.5 of 1   {2 * 2}/8"
        in lines
    )
    assert "8 of 8 notebooks judged in " in said and ": 6 correct, 2 incorrect." in said
    assert "4 of 4 students are in the gradebook." in lines
    assert lines[-2:] == [f"  dora, {name}: look at [bold]me[/bold]" for name in NAMES]
    assert "\x1b" not in said


@pytest.mark.parametrize("jobs", [2, 4])
def test_the_same_with_more_processes(tree, plain, jobs):
    tree.hand_in_all().grade(jobs=jobs)
    assert tree.well and tree.all() == plain[0]


def test_ten_deliveries_are_one(tree, plain):
    tree.hand_in_all()
    for _ in range(10):
        tree.hand_in_all()
        tree.grade()
        assert tree.well
    assert "8 of 8 notebooks judged" in tree.said and "8 of them by an earlier run" in tree.said
    assert tree.all() == plain[0]
    tree.grade(again=True)
    assert "earlier run" not in tree.said
    assert tree.all() == plain[0]


def test_what_another_version_has_judged_is_judged_again_and_told(tree, plain):
    tree.hand_in_all()
    tree.hand_in("twin", points=1)  # to the byte what ada sent
    tree.grade()
    for path in (tree.folder / "records").glob("*.json"):
        path.unlink()  # what this version looks for is not there
    tree.hand_in("new", points=1)
    tree.grade(jobs=1)
    assert tree.well and tree.points()["new"] == 3
    assert "12 of 12 notebooks judged" in tree.said and "4 of them as files of the same bytes" in tree.said
    assert "another version of the course or of its libraries had done it: 10 notebooks." in tree.said


def test_one_student_and_one_who_is_not_there(tree):
    tree.hand_in_all().grade("ben")
    assert tree.points() == {"ben": 1.5} and "2 of 2 notebooks" in tree.said
    with pytest.raises(GradeError, match=r"Nothing of nobody is in .*submitted/\*/2_build_a_vit"):
        tree.grade("ada", "nobody")
    with pytest.raises(GradeError, match=r"Nothing of benn is in .*\. Did you mean ben\?$"):
        tree.grade("benn")
    with pytest.raises(GradeError, match="There is no part 'q1'"):
        from course.grading.run import grade

        grade("q1", sandboxed=False)


def test_who_is_in_the_files_but_not_in_the_gradebook_is_recorded(tree, plain):
    """Another gradebook, an older one, a newer record: none of them may leave a student ungraded."""
    tree.hand_in_all().grade()
    (tree.folder / "gradebook.db").unlink()
    assert "4 of 4 students are in the gradebook." in tree.grade()
    assert tree.all() == plain[0]
    with Gradebook(tree.url, "vit") as book:
        book.find_grade("check_q6_residual_add", NAMES[1], PART, "ada").auto_score = None
        book.db.commit()
    shutil.rmtree(tree.folder / "autograded" / "ben")
    tree.grade()
    assert tree.all() == plain[0]


def test_one_engine_for_all_that_is_recorded(tree, monkeypatch):
    """SQLAlchemy keeps compiled queries in it: with one for each step of nbgrader's, recording takes half as long again."""
    made = []
    real = gradebook.create_engine
    monkeypatch.setattr(
        gradebook, "create_engine", lambda *args, **kw: made.append(args) or real(*args, **kw)
    )
    tree.hand_in_all().grade(jobs=1)
    assert tree.well
    assert len(made) == 2  # one to see that the address can be used


def test_a_manual_grade_stays(tree):
    tree.hand_in_all().grade()
    with Gradebook(tree.url, "vit") as book:
        book.find_grade("check_q6_residual_add", NAMES[1], PART, "cleo").manual_score = 0.25
        book.db.commit()
    tree.grade()
    tree.grade(again=True)
    assert tree.points()["cleo"] == 0.25


def test_a_newer_file_and_an_empty_folder(tree):
    tree.hand_in_all()
    (tree.folder / "submitted" / "empty" / PART).mkdir(parents=True)
    assert "  empty: the folder holds no notebook of this part" in tree.grade()
    assert tree.well
    tree.hand_in("cleo", points=0.75)
    tree.grade()
    assert tree.points()["cleo"] == 2.25
    assert "6 of them by an earlier run" in tree.said


def test_odd_files_of_one_student_stop_nobody(tree):
    tree.hand_in_all()
    path_of(tree, "ben").write_bytes(b"\xff no notebook")
    path_of(tree, "cleo").unlink()
    path_of(tree, "cleo").symlink_to("/etc/passwd")
    os.mkfifo(path_of(tree, "dora").with_name("pipe"))
    tree.grade()
    assert not tree.well
    assert tree.points()["ada"] == 3 and tree.points()["ben"] == 0.5
    assert "3 of 4 students are in the gradebook." in tree.said
    assert "  dora: not in the gradebook. `" in tree.said and "is a named pipe" in tree.said


# --- what dies ------------------------------------------------------------------------------------


def test_a_worker_that_is_killed(tree, plain, tmp_path):
    tree.hand_in_all()
    tree.hand_in("killer", once=str(tmp_path / "killed"))
    tree.grade()
    assert tree.well and (tmp_path / "killed").exists()
    found = tree.all()[0]
    assert [row for row in found if row[0] != "killer"] == plain[0][0]


ENDED = "3 times it ended the process that judged it, or took longer than 20 minutes."


@pytest.mark.parametrize(
    ("fake", "state", "said"),
    [
        ({"always": True}, "ended by your code", ENDED),
        ({"hangs": True}, "ended by your code", ENDED),
        ({"raises": "no such\n axis"}, "error in your code", "Judging it raised ValueError: no such axis."),
    ],
    ids=["kills", "hangs", "raises"],
)
def test_what_cannot_be_judged_has_a_verdict_and_is_not_met_again(tree, plain, fake, state, said):
    tree.hand_in_all()
    tree.hand_in("odd", **fake)
    tree.grade()
    assert tree.well and tree.points() == {"odd": 0, **plain[1]}
    lines = tree.said.splitlines()
    for name in NAMES:
        assert f"  odd, {name}: {said}" in lines
        assert any(line.startswith("odd") and name in line and state in line for line in lines), tree.said
    assert "10 of 10 notebooks judged" in tree.said and "not graded" not in tree.said
    assert [row for row in tree.gradebook() if row[0] != "odd"] == plain[0][0]
    begun = time.monotonic()
    tree.grade()
    assert "10 of them by an earlier run" in tree.said and time.monotonic() - begun < 60
    tree.hand_in("odd", points=1)
    tree.grade()
    assert tree.well and tree.points()["odd"] == 3


def test_nbgraders_own_command_is_not_ended_by_what_ends_the_judge(tmp_path):
    release = Release.read(notebooks.ROOT / "solutions" / PART / f"{NAMES[1]}.ipynb")
    for fake, state in {"always": State.KILLED, "raises": State.ERROR}.items():
        data = json.dumps({"cells": [], "metadata": {"fake": {fake: "x"}}}).encode()
        record = task.alone(task.Task.of(release, data, False, tmp_path), fake_judge.perform)
        assert {verdict.state for verdict in record.verdicts.values()} == {state} and len(
            record.attention
        ) == 1
    machine = json.dumps({"cells": [], "metadata": {"fake": {"fails": "busy"}}}).encode()
    with pytest.raises(NoKernel, match="busy"):
        task.alone(task.Task.of(release, machine, False, tmp_path), fake_judge.perform)


def test_a_machine_without_kernels_is_no_fault_of_the_student(tree):
    tree.hand_in("ada", fails="No kernel came up: busy")
    tree.grade()
    assert (
        not tree.well and f"ada, {NAMES[0]}: not graded. No kernel came up: busy (tried 3 times)" in tree.said
    )
    assert tree.records() == {}


def broken(task):
    raise JudgeError("The solution of q3 does not pass its own checks")


def test_what_would_fail_for_all_ends_the_run(tree):
    tree.hand_in_all()
    with pytest.raises(JudgeError, match="does not pass"):
        tree.grade(perform=broken)
    assert tree.said.count("not graded") == 0


def gone(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def test_coordinator_or_worker_is_killed_at_random_moments(tree, plain, tmp_path):
    """After lines that are counted, and a random while more; then the command is run to its end.

    The coordinator is the writer, too. Every third time it is the worker that was last seen at work.
    """
    moments, seen = random.Random(6), tmp_path / "worker"
    for n in range(KILLS):
        shutil.rmtree(tree.folder)
        seen.unlink(missing_ok=True)
        tree.hand_in_all(seconds=0.05, pid=str(seen))
        process = tree.start()
        for _ in range(moments.randrange(2 * len(CLASS) + 1)):
            process.stdout.readline()
        time.sleep(moments.random() * (2 if n % 4 == 0 else 0.3))
        victim = seen.read_text() if n % 3 == 2 and seen.exists() else ""
        with suppress(ProcessLookupError):  # all was done
            os.kill(int(victim or process.pid), signal.SIGKILL)
        rest(process)
        if seen.exists():
            worker = int(seen.read_text() or 0)  # empty if it died while it wrote
            until = time.monotonic() + 60
            while not gone(worker):
                assert time.monotonic() < until, "a worker outlived the coordinator"
                time.sleep(0.05)
        tree.grade()
        assert tree.well
        assert tree.gradebook() == plain[0][0]
        assert len(tree.records()) == len(tree.files("autograded", "*.ipynb")) == 2 * len(CLASS)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_loses_nothing(tree, plain, number):
    tree.hand_in_all()
    tree.hand_in("slow", seconds=600)
    process = tree.start()
    seen = ""
    while "8/10" not in seen:
        line = process.stdout.readline()
        assert line, seen
        seen += line
    process.send_signal(number)
    said = seen + rest(process)
    assert process.returncode == 130, said
    assert "Stopped. Nothing is lost: the same command goes on from here." in said and "Traceback" not in said
    assert "8 of 10 notebooks judged" in said
    assert len(tree.records()) == 8
    tree.hand_in("slow", points=1)
    tree.grade()
    assert [row for row in tree.gradebook() if row[0] != "slow"] == plain[0][0]


def test_two_at_once_are_one_too_many(tree, tmp_path):
    tree.hand_in("slow", seconds=600, names=NAMES[:1])
    tree.hand_in("first")
    process = tree.start(jobs=1)
    while "first" not in process.stdout.readline():
        pass
    with pytest.raises(
        GradeError, match=r"Another `python -m course grade` is at work in .*Wait for it or end it"
    ):
        tree.grade()
    process.kill()
    rest(process)
    tree.hand_in("slow", names=NAMES[:1])
    tree.grade()
    assert tree.well


@pytest.mark.needs("sandbox")
def test_an_endless_loop_condemns_no_neighbour(tree):
    """With the real judge, in real sandboxes."""
    for student, answer in {"ada": None, "loop": "while True:\n    pass"}.items():
        path = path_of(tree, student, NAMES[1])
        path.parent.mkdir(parents=True)
        nb = demo.submission("ada", path.name)
        if answer:
            notebooks.cell_of(nb, "q6_residual_add").source = answer
        nbformat.write(nb, path)
    tree.grade(sandboxed=True, perform=fake_judge.impatient)
    assert tree.well and tree.points() == {"ada": 1, "loop": 0}
    assert any(line.startswith("loop") and "time limit" in line for line in tree.said.splitlines()), tree.said


# --- disks ----------------------------------------------------------------------------------------


def test_a_full_disk_stops_the_run_and_the_next_goes_on(tree, plain, monkeypatch):
    tree.hand_in_all()
    real, count = records.write, 0

    def full(path, data):
        nonlocal count
        count += 1
        if count == 4:
            raise OSError(28, "No space left on device", str(path))
        real(path, data)

    monkeypatch.setattr(records, "write", full)
    with pytest.raises(
        GradeError, match=r"\.json can't be written \(No space left on device\).*goes on where"
    ):
        tree.grade()
    assert "3 of 8 notebooks judged" in tree.said
    assert len(tree.records()) == 3
    tree.grade()
    assert tree.well and tree.all() == plain[0]


def contained(tree: Tree, *how: str) -> str:
    """What the command says where parts of the disk are other than usual."""
    process = tree.start(bubblewrap.bubblewrap(), "--dev-bind", "/", "/", *how)
    said = rest(process)
    assert process.returncode == 1 and "Traceback" not in said, said
    return said


@pytest.mark.needs("sandbox")
def test_disks_that_are_really_full_or_read_only(tree, plain):
    tree.hand_in_all()
    there = str(tree.folder / "submitted")
    small = ["--size", "40000", "--tmpfs", str(tree.folder), "--ro-bind", there, there]
    assert "is full" in contained(tree, *small)
    assert "Read-only file system" in contained(tree, "--ro-bind", str(tree.folder), str(tree.folder))
    tree.grade("ada")
    file = str(tree.folder / "gradebook.db")
    said = contained(tree, "--ro-bind", file, file)
    assert f"The gradebook {file} can't be written (attempt to write a readonly database)" in said
    assert "run the same command again" in said
    tree.grade()
    assert tree.well and tree.all() == plain[0]


def test_a_gradebook_that_is_none(tree):
    tree.hand_in_all()
    (tree.folder / "gradebook.db").write_bytes(b"no database" * 1000)
    with pytest.raises(GradeError, match=r"gradebook\.db can't be written \(file is not a database\)"):
        tree.grade()


def test_an_address_that_is_none(tree, monkeypatch):
    monkeypatch.setenv("VIT_GRADEBOOK", "postgresql+nothing://x/y")
    with pytest.raises(
        GradeError, match=r"address can't be used .*postgresql\+psycopg://user:password@host/name"
    ):
        tree.grade()


# --- the executor's side --------------------------------------------------------------------------


def test_processes_end_with_what_they_were_doing():
    with pool.local(2) as (executor, width):
        assert width() == 2
        running = [executor.submit(time.sleep, 600) for _ in range(2)]
        while not all(future.running() for future in running):
            time.sleep(0.01)
        begun = time.monotonic()
    assert time.monotonic() - begun < 60
    assert not wait(running, 60).not_done


@pytest.mark.skipif(pool.METHOD != "forkserver", reason="each process imports for itself there")
def test_processes_share_one_import_of_torch():
    code = (
        "from course.grading import pool as workers\n"
        "workers.ahead(False)\n"
        "with workers.local(1, False) as (pool, _):\n"
        '    print(pool.submit(eval, \'"torch" in __import__("sys").modules\').result())\n'
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=notebooks.ROOT, capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr


def test_a_worker_of_another_version_is_refused(tree):
    with pytest.raises(task.WrongVersion, match="another version of the course"):
        content = (notebooks.ROOT / "solutions" / PART / f"{NAMES[0]}.ipynb").read_bytes()
        task.perform(task.Task(PART, NAMES[0], content, b"", version="other"))


def test_nothing_begins_after_stop():
    class Here(Executor):
        def submit(self, fn, *args):
            future = Future()
            future.set_result(fn(*args))
            return future

    seen = []
    for piece, _ in retry.each(
        range(100), Here(), lambda n: (seen.append, n), lambda: 2, lambda: len(seen) > 5
    ):
        assert piece in range(100)
    assert len(seen) <= 7
