"""`python -m course grade PART`: every submission of a part is judged, then recorded by nbgrader.

Judging a submission (`judge`) runs student code and leaves a record in grading/records; it touches no gradebook.
Recording (`record`) is nbgrader's own autograder, which finds the record and runs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config, PyFileConfigLoader

from course import judge as judging
from course.build import ROOT
from course.grading import finished, submitted
from course.records import Record
from course.release import Release
from course.running import NoKernel


class GradeError(Exception):
    """Grading can't start; the text says why and what to do."""


@dataclass(frozen=True)
class Submission:
    student: str
    release: Release
    path: Path  # of the submitted notebook
    graded: Path  # of the autograded notebook


class Course:
    """nbgrader's settings of this tree, and what is where.

    Args:
        sandboxed: False runs student code with your rights.
    """

    def __init__(self, sandboxed: bool = True) -> None:
        self.config: Config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
        self.config.Judge.sandboxed = sandboxed
        self.config.Judge.again = False  # recording runs nothing
        self.config.NbGrader.logfile = ""
        self.sandboxed = sandboxed
        self.dir = CourseDirectory(config=self.config)
        self.records = ROOT / self.config.Judge.records

    def _folder(self, kind: str, student: str, part: str) -> Path:
        return Path(self.dir.format_path(getattr(self.dir, f"{kind}_directory"), student, part))

    def students(self, part: str) -> list[str]:
        """Those who have a folder for this part below grading/submitted."""
        return sorted(
            path.parent.name for path in Path(self.dir.root).glob(f"{self.dir.submitted_directory}/*/{part}")
        )

    def releases(self, part: str) -> list[Release]:
        """The notebooks of a part.

        Raises:
            GradeError: if there is no such part.
        """
        paths = sorted(self._folder("source", ".", part).glob("*.ipynb"))
        if not paths:
            parts = sorted(path.name for path in (ROOT / "solutions").iterdir() if path.is_dir())
            raise GradeError(f"There is no part {part!r}; there are {', '.join(parts)}.")
        return [Release.read(path) for path in paths]

    def submissions(self, part: str, student: str) -> list[Submission]:
        """What this student handed in of the part's notebooks."""
        found = []
        for release in self.releases(part):
            name = f"{release.name}.ipynb"
            path = self._folder("submitted", student, part) / name
            if path.exists() or path.is_symlink():
                found.append(
                    Submission(student, release, path, self._folder("autograded", student, part) / name)
                )
        return found

    def prepare(self, part: str) -> None:
        """Make sure that the gradebook knows the part; its notebooks go to grading/release, not to notebooks/."""
        names = {release.name for release in self.releases(part)}
        with Gradebook(self.dir.db_url, self.dir.course_id) as gradebook:
            try:
                known = {notebook.name for notebook in gradebook.find_assignment(part).notebooks}
            except MissingEntry:
                known = set()
        if known != names:
            config = Config(self.config)
            config.CourseDirectory.release_directory = str(self.records.parent / "release")
            result = NbGraderAPI(CourseDirectory(config=config), config=config).generate_assignment(part)
            if not result["success"]:
                raise GradeError(f"nbgrader could not take {part} into the gradebook:\n{result.get('log')}")

    def judge(self, submission: Submission, again: bool = False) -> Record:
        """Run one submission, or find its record."""
        data = submitted(submission.path)
        return judging.grade(submission.release, data, self.records, sandboxed=self.sandboxed, again=again)[1]

    def record(self, part: str, student: str, again: bool = False) -> str:
        """Put this student's records into the gradebook; what nbgrader said if it failed, else ""."""
        mine = self.submissions(part, student)
        if not again and all(finished(one.graded, submitted(one.path)) for one in mine):
            return ""
        result = NbGraderAPI(self.dir, config=self.config).autograde(part, student, force=True)
        return "" if result["success"] else result.get("log") or result.get("error") or "nbgrader failed"


def grade(
    part: str,
    students: Iterable[str] = (),
    *,
    again: bool = False,
    sandboxed: bool = True,
    say: Callable[[str], None] = print,
) -> bool:
    """Judge and record the submissions of a part, one after the other; True if all are in the gradebook.

    Args:
        students: only these; all if empty.
        again: run what has a record already.
        say: is given one line at a time.

    Raises:
        GradeError, JudgeError, NoSandbox: before anything is run.
    """
    course = Course(sandboxed)
    there = course.students(part)
    unknown = sorted(set(students) - set(there))
    if unknown:
        raise GradeError(f"Nothing of {', '.join(unknown)} is in {course.dir.submitted_directory}/*/{part}.")
    course.prepare(part)
    well, look = True, []
    for student in sorted(set(students)) or there:
        mine = course.submissions(part, student)
        if not mine:
            look.append(f"{student}: the folder holds no notebook of this part")
        failed = False
        for one in mine:
            try:
                done = course.judge(one, again)
            except (NoKernel, OSError) as error:  # this machine's fault: the next run tries again
                failed, well = True, False
                look.append(f"{student}, {one.release.name}: not graded. {error}")
                continue
            most = sum(mark.max_points for mark in done.verdicts.values())
            say(f"{student:<16} {one.release.name:<26} {done.state.value:<26} {done.points:g} of {most:g}")
            look += [f"{student}, {one.release.name}: {text}" for text in done.attention]
        if mine and not failed and (trouble := course.record(part, student, again)):
            well = False
            look.append(f"{student}: not in the gradebook. {trouble.strip().splitlines()[-1]}")
    if look:
        say("\nLook at these yourself:")
        for text in look:
            say(f"  {text}")
    return well
