"""Late penalties: from times that LMSs write to the exported points, by nbgrader's own plug-in and due date."""

import csv
import io
import re
import subprocess
import sys
import time
from datetime import datetime, timedelta

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.plugins import LateSubmissionPlugin

from course.base import settings
from course.base.paths import ROOT
from course.collecting.collect import collect
from course.grading.gradebook import Course, GradeError
from course.returning.export import FILLED, export
from course.returning.points import ExportError
from course.returning.report import page
from tests.collecting.test_collect import packed
from tests.grading_tree import NAMES, PART, Tree

pytestmark = pytest.mark.grading

DUE = datetime(2026, 3, 2, 12)  # UTC, as nbgrader keeps it


# the policy of docs/instructors.md, as it stands there
DOCUMENT = (ROOT / "docs" / "instructors.md").read_text("utf-8")
exec(next(b for b in re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL) if "class TenthADay" in b))
TENTH = f"{__name__}.TenthADay"  # as in nbgrader_config.py


class Broken(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return score / 0


def notebook(points=1) -> bytes:
    nb = nbformat.read(ROOT / "notebooks" / PART / f"{NAMES[1]}.ipynb", as_version=4)
    nb.metadata["fake"] = {"points": points}
    return nbformat.writes(nb).encode()


@pytest.fixture
def tree(request, monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    tree = Tree(request.node.name.replace("[", "-").replace("]", ""))
    yield tree
    tree.remove()


@pytest.fixture
def policy(monkeypatch):
    """policy(late) sets what nbgrader_config.py would."""
    load = settings.load

    def choose(method="none", plugin=LateSubmissionPlugin):
        def loaded():
            config = load()
            config.LateSubmissionPlugin.penalty_method = method
            config.AssignLatePenalties.plugin_class = plugin
            return config

        monkeypatch.setattr(settings, "load", loaded)

    return choose


def due(tree, date=DUE):
    with Gradebook(tree.url, "vit") as book:
        book.find_assignment(PART).duedate = date
        book.db.commit()


def taken_in(tree, tmp_path, files):
    path = tmp_path / "all.zip"
    path.write_bytes(packed(files))
    return collect(PART, [path], grading=tree.folder)


def scores(tree):
    """student -> raw points, penalty, points, as exported"""
    export(PART, "csv")
    with open(tree.folder / "export" / PART / "grades.csv", newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    keys = ("raw_score", "late_submission_penalty", "score")
    return {row["student_id"]: tuple(row[key] for key in keys) for row in rows}


BLACKBOARD = {
    f"Part 2_{who}_attempt_{stamp}_q6_residual_block.ipynb": notebook()
    for who, stamp in {"intime": "2026-03-02-11-59-00", "day": "2026-03-02-13-00-00", "week": "2026-03-09-12-00-00"}.items()
}  # fmt: skip


def test_times_of_an_lms_become_penalties(tree, tmp_path, policy):
    policy(plugin=TENTH)
    due(tree)
    taken_in(tree, tmp_path, BLACKBOARD)
    tree.grade()
    expected = {"intime": ("1", "0", "1"), "day": ("1", "0.1", "0.9"), "week": ("1", "0.7", "0.3")}
    assert tree.well and scores(tree) == expected
    report = page.gather(PART, tree.folder)
    assert (report.summary["late"], [row["late"] for row in report.days]) == (2, [1, 0, 1]), "by the due date"
    before = tree.all()
    assert "Late penalties" not in tree.grade() and tree.all() == before
    tree.grade(again=True)
    assert scores(tree) == expected


def test_a_due_date_or_a_policy_that_comes_later(tree, tmp_path, policy):
    taken_in(tree, tmp_path, BLACKBOARD)
    tree.grade()
    assert {row[1] for row in scores(tree).values()} == {"0"}
    due(tree)
    assert "Late penalties" not in tree.grade()  # nbgrader's own policy: none
    policy("zero")
    feedback = {who: tree.folder / "feedback" / who / PART for who in ("intime", "day", "week")}
    feedback["intime"].mkdir(parents=True)
    course = Course(False)
    made = NbGraderAPI(course.dir, config=course.config).generate_feedback(PART, "day")
    (written,) = feedback["day"].glob("*.html")
    assert made["success"] and "not final, as the penalty for handing in late" in written.read_text("utf-8")
    before = tree.gradebook()
    outcome = export(PART, "csv")
    kept = f"the late penalty is 1 by today's due date and policy, 0 in the gradebook: python -m course grade {PART}"
    assert outcome.exported == {"intime"} and tree.gradebook() == before
    assert outcome.people == [f"{who}: not graded, kept back: {kept}." for who in ("day", "week")]
    said = tree.grade()
    assert "3 of them by an earlier run" in said and "Late penalties changed (2): day, week." in said
    assert [who for who, folder in feedback.items() if folder.exists()] == ["intime"], (
        "theirs say other points"
    )
    assert scores(tree) == {"intime": ("1", "0", "1"), "day": ("1", "1", "0"), "week": ("1", "1", "0")}
    with Gradebook(tree.url, "vit") as book:  # somebody was ill
        book.find_submission(PART, "day").extension = timedelta(days=1)
        book.find_grade("check_q6_residual_add", NAMES[1], PART, "week").manual_score = 0.5
        book.db.commit()
    assert export(PART, "csv").exported == {"intime"}
    assert "Late penalties changed (2): day, week." in tree.grade()
    assert scores(tree)["day"] == ("1", "0", "1") and scores(tree)["week"] == ("0.5", "0.5", "0")
    due(tree, None)
    tree.grade()
    assert scores(tree)["week"] == ("0.5", "0", "0.5")


def test_canvas_and_ilias_say_late_but_not_when(tree, tmp_path, policy):
    policy("zero")
    due(tree)
    taken_in(
        tree,
        tmp_path,
        {
            "lovelaceada_101_1_q6_residual_block.ipynb": notebook(),
            "byronben_LATE_102_2_q6_residual_block.ipynb": notebook(),
        },
    )
    tree.grade()
    assert scores(tree) == {"101": ("1", "0", "1"), "102": ("1", "1", "0")}
    with Gradebook(tree.url, "vit") as book:
        assert book.find_submission(PART, "102").timestamp == DUE + timedelta(seconds=1)
        assert book.find_submission(PART, "101").timestamp is None
    due(tree, DUE + timedelta(days=7))
    tree.grade(again=True)
    assert scores(tree)["102"] == ("1", "1", "0"), "late is what Canvas says"
    # a person knows better
    with Gradebook(tree.url, "vit") as book:
        book.grant_extension(PART, "102", hours=1)
    assert export(PART, "csv").exported == {"101"}
    tree.grade()
    assert scores(tree)["102"] == ("1", "0", "1")
    with Gradebook(tree.url, "vit") as book:
        book.grant_extension(PART, "102")
    tree.grade()
    assert scores(tree)["102"] == ("1", "1", "0")
    stamp = tree.folder / "submitted" / "102" / PART / "timestamp.txt"
    stamp.write_text("2026-03-02 11:00:00 UTC\n")
    assert export(PART, "csv").exported == {"101"}
    tree.grade()
    assert scores(tree)["102"] == ("1", "0", "1")


def test_a_policy_that_cannot_be_used_is_named(tree, tmp_path, policy):
    taken_in(tree, tmp_path, BLACKBOARD)
    tree.grade()
    due(tree)
    policy(plugin=Broken)
    for error, command in ((ExportError, lambda: export(PART, "csv")), (GradeError, tree.grade)):
        with pytest.raises(error, match=r"late policy in nbgrader_config.py can't .* \(ZeroDivisionError: "):
            command()


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_in_another_time_zone(tree, tmp_path, policy, monkeypatch, zone):
    """What Blackboard writes is the time of this machine; the due date says its own zone. A clock is put on in between."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        policy(plugin=TENTH)
        taken_in(tree, tmp_path, BLACKBOARD)
        with Gradebook(tree.url, "vit") as book:
            book.update_or_create_assignment(PART, duedate=f"2026-03-02 12:00 {zone}")
        tree.grade()
        found = {who: row[1] for who, row in scores(tree).items()}
        assert found == {"intime": "0", "day": "0.1", "week": "0.7"}
    finally:
        monkeypatch.setenv("TZ", "UTC")
        time.tzset()


# of each LMS: who is late, who is not; its file of grades
Q6 = f"{NAMES[1]}.ipynb"
EVERY = {
    "canvas": (
        [f"lovelaceada_LATE_101_1_{Q6}", f"byronben_102_2_{Q6}"],
        "Student,ID,Section,2 Build a ViT (42)\nAda,101,A,\nBen,102,A,\n",
    ),
    "moodle": (
        [f"Eve Early_4711_assignsubmission_file_/{Q6}", f"Tom Time_4712_assignsubmission_file_/{Q6}"],
        "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Last modified (grade)\n"
        "Participant 4711,Eve Early,e@x.org,-,,25,-\nParticipant 4712,Tom Time,t@x.org,-,,25,-\n",
    ),
    "blackboard": (
        [f"P_zoe_attempt_2026-03-02-12-00-01_{Q6}", f"P_kim_attempt_2026-03-02-12-00-00_{Q6}"],
        'Last Name,First Name,Username,"2 Build a ViT [Total Pts: 25 Score] |42"\nM,Zoe,zoe,\nK,Kim,kim,\n',
    ),
    "brightspace": (
        [f"11-900 - Al Late - Mar 2, 2026 101 PM/{Q6}", f"12-900 - Bo Good - Mar 2, 2026 1159 AM/{Q6}"],
        "OrgDefinedId,Username,Last Name,First Name,2 Build a ViT Points Grade <Numeric MaxPoints:25>\n"
        "#s1,#al,Late,Al,\n#s2,#bo,Good,Bo,\n",
    ),
    "ilias": ([f"P/Noe_Em_em_4721/Late Submission - {Q6}", f"P/Tur_Alan_alan_4722/{Q6}"], ""),
}  # fmt: skip


def test_every_lms_gets_the_penalty_and_before_it_nothing(tree, tmp_path, policy):
    policy("zero")
    for number, (names, _) in enumerate(EVERY.values()):
        taken_in(tree, tmp_path, {name: notebook() + b"\n" * number for name in names})
    stamp = (
        tree.folder / "submitted" / "Eve_Early" / PART / "timestamp.txt"
    )  # Moodle says neither late nor when
    stamp.write_text("2026-03-02 14:00 Europe/Berlin\n")
    tree.grade()
    due(tree)

    def points() -> dict[str, tuple[str, ...]]:
        found = {}
        for lms, (_, sheet) in EVERY.items():
            (tmp_path / "sheet.csv").write_text(sheet)
            export(PART, lms, tmp_path / "sheet.csv" if lms in FILLED else None)
            text = (tree.folder / "export" / PART / f"{lms}.csv").read_text("utf-8")
            head, *rows = csv.reader(io.StringIO(text))
            place = next((n for n, title in enumerate(head) if title == "Grade" or "2 Build" in title), 2)
            found[lms] = tuple(sorted(row[place] for row in rows))
        return found

    kept_back = {"ilias": ("1",) * 5}  # a table of all who have points
    assert points() == dict.fromkeys(FILLED, ("", "1")) | kept_back
    tree.grade()
    assert points() == dict.fromkeys(FILLED, ("0", "1")) | {"ilias": ("0",) * 5 + ("1",) * 5}


def test_a_due_date_by_nbgraders_own_command(tree, tmp_path):
    """As docs/instructors.md has it."""
    words = ["nbgrader", "db", "assignment", "add", PART, "--duedate=2026-03-02 13:00 Europe/Berlin"]
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    with Gradebook(tree.url, "vit") as book:
        assignment = book.find_assignment(PART)
        assert assignment.duedate == DUE and len(assignment.notebooks) == 8
