"""nbgrader's files and gradebook of this tree, and how records get into them.

Only one process writes: `Course.alone`. Recording is nbgrader's own autograder, which finds the records and runs
nothing, so manual grades, late penalties and autograded notebooks are what `nbgrader autograde` makes of them.
"""

import errno
import functools
import logging
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout
from nbgrader import api
from nbgrader.apps import NbGraderAPI
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import rmtree, temp_attrs
from sqlalchemy import create_engine, exc, make_url, select, update
from traitlets.config import Config

from course.base import assignment, settings
from course.base.paths import ROOT, bracketed
from course.base.settings import Gradebook
from course.collecting import late, roster
from course.grading import people
from course.grading.plugins import finished, submitted
from course.judging import judge, records
from course.notebook.release import Release

PATIENCE = 180.0  # seconds that a gradebook may be out of reach
PAUSES = (1, 2, 5, 10)  # seconds between tries; the last again and again
DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}

T = TypeVar("T")


def unwritable(error: OSError) -> str:
    """What can't be written, why, and what to do."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    do = "make room" if full else "let the course lie where you may write"
    return (
        f"{error.filename or 'A file'} can't be written ({error.strerror or error}): {do}, then run it again."
    )


class GradeError(Exception):
    """Grading can't start or go on; the text says why and what to do."""


@dataclass(frozen=True)
class Submission:
    student: str
    release: Release
    path: Path  # of the submitted notebook
    graded: Path  # of the autograded notebook


class Recorder(Autograde):
    """nbgrader's autograder; the exception that it only logs is kept."""

    failed: BaseException | None = None

    @contextmanager
    def _kept(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self.failed = error
            raise

    def init_assignment(self, *args: str) -> None:
        with self._kept():
            super().init_assignment(*args)

    def convert_single_notebook(self, *args: str) -> None:
        with self._kept():
            super().convert_single_notebook(*args)


@contextmanager
def quiet() -> Iterator[None]:
    """No noise of nbgrader's among the verdicts: SQLAlchemy's advice on its queries, tracebacks of what it raises too."""
    log = logging.getLogger("tornado.application")
    before = log.disabled
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", exc.SAWarning)
        log.disabled = True
        try:
            yield
        finally:
            log.disabled = before


class Course:
    """nbgrader's settings of this tree, and what is where.

    Args:
        sandboxed: whether the records are those of sandboxed runs.
        say: is given a sentence when something is waited for.
        stop: asked while waiting; then nothing is waited for any more.
    """

    def __init__(
        self,
        sandboxed: bool = True,
        say: Callable[[str], None] = print,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        if why := bracketed():
            raise GradeError(f"Nothing was graded: {why}.")
        self.config: Config = settings.load()
        self.config.Judge.sandboxed = sandboxed
        self.config.Judge.recording = True
        self.config.NbGrader.logfile = ""
        self.sandboxed, self.say, self.stop = sandboxed, say, stop
        self.dir = CourseDirectory(config=self.config)
        self.records = ROOT / self.config.Judge.records
        try:
            self.url = make_url(self.dir.db_url)
            create_engine(self.url)  # connects to nothing yet
            self._engine = functools.cache(create_engine)
        except (exc.ArgumentError, ImportError) as error:
            raise GradeError(
                f"The gradebook's address can't be used ({error}). It should look like "
                "postgresql+psycopg://user:password@host/name, whose driver comes with vit-course[cluster]."
            ) from None

    # --- what is where ----------------------------------------------------------------------------

    def _folder(self, kind: str, student: str, part: str) -> Path:
        return Path(self.dir.format_path(getattr(self.dir, f"{kind}_directory"), student, part))

    def students(self, part: str) -> list[str]:
        """Those who have a folder for this part below grading/submitted."""
        found = (Path(self.dir.root) / self.dir.submitted_directory).glob(f"*/{part}")
        return sorted(path.parent.name for path in found)

    def releases(self, part: str) -> list[Release]:
        """The notebooks of a part. Raises GradeError if there is no such part."""
        paths = sorted(self._folder("source", ".", part).glob("*.ipynb"))
        if not paths:
            parts = sorted(path.name for path in (ROOT / "solutions").iterdir() if path.is_dir())
            raise GradeError(f"There is no part {part!r}; there are {', '.join(parts)}.")
        return [Release.read(path) for path in paths]

    def submissions(self, releases: list[Release], student: str) -> list[Submission]:
        """What this student handed in of a part's notebooks."""
        found = []
        for release in releases:
            name = f"{release.name}.ipynb"
            path = self._folder("submitted", student, release.part) / name
            if path.exists() or path.is_symlink():
                graded = self._folder("autograded", student, release.part) / name
                found.append(Submission(student, release, path, graded))
        return found

    # --- the one writer ---------------------------------------------------------------------------

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Raises GradeError if another process grades in this tree; the system frees the lock of one that died."""
        path = self.records.parent / "grading.lock"
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise GradeError(
                f"Another `python -m course grade` is at work in {path.parent}. Wait for it or end it; two would write "
                "into one gradebook."
            ) from None
        try:
            yield
        finally:
            lock.release()

    def prepare(self, releases: list[Release], students: list[str]) -> list[str]:
        """Make the gradebook's part what the lessons ask today, and its students who the roster says they are.

        Returns phrases: what that changed for those who have handed in.

        Raises CollectError if grading/roster.csv is not understood.
        """
        part, notebooks = releases[0].part, {release.name: release.notebook for release in releases}
        file = self.records.parent / "roster.csv"
        listed = {row["id"]: row for row in roster.rows(file)} if file.exists() else {}

        def once() -> list[str]:
            with Gradebook(self.dir.db_url, self.dir.course_id) as gradebook:
                people.name(gradebook, listed, students)
                return assignment.follow(gradebook, part, notebooks)

        return self.patiently(once)

    def left_to_do(self, releases: list[Release], students: list[str]) -> list[str]:
        """Sentences for the end of a run: who sent some notebooks only, what waits in formgrader."""
        counts = {student: len(self.submissions(releases, student)) for student in students}

        def once() -> list[str]:
            with Gradebook(self.dir.db_url, self.dir.course_id) as gradebook:
                return people.waiting(gradebook, releases[0].part, releases)

        return people.handed_in_some(counts, len(releases)) + self.patiently(once)

    def others(self, releases: list[Release], student: str) -> list[str]:
        """What this student's folder holds besides the part's notebooks."""
        said = people.others(self._folder("submitted", student, releases[0].part), releases)
        return [f"{student}: {said}"] if said else []

    def scores(self, part: str) -> dict[str, dict[tuple[str, str], float | None]]:
        """What the gradebook holds: student -> (notebook, test cell) -> points given by the judge."""
        # one query; through nbgrader's objects it would be one for each student, notebook and cell
        sent, copy, grade, cell = api.SubmittedAssignment, api.SubmittedNotebook, api.Grade, api.BaseCell
        query = (
            select(api.Student.id, api.Notebook.name, cell.name, grade.auto_score)
            .join(sent, sent.student_id == api.Student.id)
            .join(api.Assignment, api.Assignment.id == sent.assignment_id)
            .join(copy, copy.assignment_id == sent.id)
            .join(api.Notebook, api.Notebook.id == copy.notebook_id)
            .join(grade, grade.notebook_id == copy.id)
            .join(cell, cell.id == grade.cell_id)
            .where(api.Assignment.name == part)
        )

        def read() -> dict[str, dict[tuple[str, str], float | None]]:
            found: dict[str, dict[tuple[str, str], float | None]] = {}
            with Gradebook(self.dir.db_url, self.dir.course_id) as gradebook:
                for student, notebook, cell, score in gradebook.db.execute(query):
                    found.setdefault(student, {})[notebook, cell] = score
            return found

        return self.patiently(read)

    def recorded(self, mine: list[Submission], scores: dict[tuple[str, str], float | None]) -> bool:
        """Whether gradebook and autograded notebooks say what the records of this student's submissions say."""
        for one in mine:
            data = submitted(one.path)
            record = records.load(self.records, judge.key_of(one.release, data, self.sandboxed))
            if record is None or not finished(one.graded, data, judge.stamp(record)):
                return False
            for test, mark in record.verdicts.items():
                if scores.get((one.release.name, test)) != mark.points:
                    return False
        there = {one.release.name for one in mine}
        if any(score is None for (notebook, _), score in scores.items() if notebook not in there):
            return False  # a lesson that came later: whoever does not have it gets 0
        folders = (folder for one in mine for folder in (one.path.parent, one.graded.parent))
        return len({_text(folder / "timestamp.txt") for folder in folders}) <= 1

    def record(self, part: str, student: str) -> str:
        """Put this student's records into the gradebook; a sentence if they could not be, else "".

        Raises GradeError if gradebook or disk can't be written, whoever's turn it is.
        """

        # nbgrader makes an engine for each step of each notebook, and with it all queries are compiled anew
        engine = {"create_engine": self._engine}

        def once() -> None:
            with temp_attrs(api, **engine), temp_attrs(self.dir, assignment_id=part, student_id=student):
                parent = NbGraderAPI(self.dir, config=self.config)
                recorder = Recorder(coursedir=self.dir, parent=parent, force=True)
                try:
                    recorder.start()
                    return
                except Exception as error:
                    failed = recorder.failed or error
            raise failed  # out here, so that it keeps its own cause

        try:
            self.patiently(once)
        except GradeError:
            raise
        except Exception as error:  # this student's files are too odd for nbgrader; the others go on
            return " ".join(str(error).split()) or type(error).__name__
        return ""

    def penalise(self, part: str) -> list[str]:
        """Give everybody of the part the late penalty that is due today; whose changed, without their pages of before."""
        grading = self.records.parent

        def once() -> list[str]:
            with Gradebook(self.dir.db_url, self.dir.course_id) as gradebook:
                assignment = gradebook.find_assignment(part)
                sent, copy = api.SubmittedAssignment, api.SubmittedNotebook
                for student, came in late.times(assignment, grading).items():
                    theirs = sent.assignment_id == assignment.id, sent.student_id == student
                    gradebook.db.execute(update(sent).where(*theirs).values(timestamp=came))
                changed = late.changes(gradebook, part, grading, self.config)
                for change in changed:
                    new = update(copy).where(copy.id == change.notebook)
                    gradebook.db.execute(new.values(late_submission_penalty=change.now))
                students = sorted({change.student for change in changed})
                for folder in (self._folder("feedback", student, part) for student in students):
                    if folder.is_dir():
                        rmtree(str(folder))
                gradebook.db.commit()
                return students

        return self.patiently(once)

    def patiently(self, action: Callable[[], T]) -> T:
        """Its result; while the gradebook is out of reach it is tried again.

        Raises GradeError if the gradebook stays so, or files can't be written.
        """
        begun, tries = time.monotonic(), 0
        while True:
            try:
                return action()
            except Exception as error:
                if blocked := self._blocked(error):
                    raise _stuck(blocked) from None
                away = self._away(error)
                if not away:
                    raise
                if time.monotonic() - begun > PATIENCE or self.stop():
                    raise _stuck(f"The gradebook {self.shown} is out of reach ({away})") from None
                if not tries:
                    self.say(
                        f"The gradebook {self.shown} is out of reach ({away}); trying again for {PATIENCE:g} seconds."
                    )
                again = time.monotonic() + PAUSES[min(tries, len(PAUSES) - 1)]
                while time.monotonic() < again and not self.stop():
                    time.sleep(0.2)
                tries += 1

    @property
    def shown(self) -> str:
        """The gradebook's address, without its password."""
        return settings.shown(self.url)

    def _away(self, error: BaseException) -> str:
        """What a database server said that is down, or SQLite about a file that somebody else holds; else ""."""
        for each in _causes(error):
            if isinstance(each, (exc.OperationalError, exc.InterfaceError, exc.InternalError)):
                said = str(each.orig).strip().splitlines()[0]
                if self.url.get_backend_name() != "sqlite" or "locked" in said:
                    return said
        return ""

    def _blocked(self, error: BaseException) -> str:
        """What keeps everybody's files or the SQLite file from being written; else ""."""
        for each in _causes(error):
            if isinstance(each, exc.OperationalError) or type(each) is exc.DatabaseError:
                if not self._away(each):
                    return f"The gradebook {self.shown} can't be written ({each.orig})"
            if isinstance(each, OSError) and each.errno in DISK:
                # one student's file stops nobody else
                theirs = Path(self.dir.root) / self.dir.submitted_directory
                if theirs not in Path(each.filename or "").parents:
                    return f"{each.filename or 'A file'} can't be written ({each.strerror})"
        return ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _stuck(what: str) -> GradeError:
    return GradeError(
        f"{what}. What was judged is kept in grading/records: mend it, then run the same command again, which goes on "
        "where this run stopped."
    )


def _text(path: Path) -> str | None:
    try:
        return path.read_text()
    except (OSError, ValueError):
        return None
