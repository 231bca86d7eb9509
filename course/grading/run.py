"""`python -m course grade PART`: every submission of a part is judged, then recorded by nbgrader.

Executing and recording are apart. Workers judge notebooks, many at once, and give back records; this process keeps each
in a file of its own as it comes, and one thread of it takes a student whose notebooks are all judged into the gradebook
(`course.grading.gradebook`). So nothing is lost whenever anything dies: what has a record is not run again, and who is not in
the gradebook as the records say is recorded by the next run.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from course.authoring import build
from course.collecting import roster
from course.collecting.sheet import CollectError
from course.grading import pool, retry, task
from course.grading.gradebook import Course, GradeError, Submission, quiet, unwritable
from course.grading.plugins import finished, submitted
from course.grading.progress import Progress
from course.grading.task import Task, WrongVersion
from course.judging import judge, records
from course.judging.records import Record
from course.notebook.release import Release
from course.sandbox.bubblewrap import why_not
from course.sandbox.sandbox import NoSandbox


@dataclass
class Run:
    """One run of the command, from here on called by one thread but for `_write`."""

    course: Course
    releases: list[Release]
    students: list[str]
    again: bool
    perform: Callable[[Task], Record]
    progress: Progress
    shared: bool  # whether workers see the folder of the records
    scores: dict[str, dict[tuple[str, str], float | None]]
    look: list[str] = field(default_factory=list)  # for a person
    left: dict[str, int] = field(default_factory=dict)  # notebooks of students who have begun
    failed: set[str] = field(default_factory=set)  # students who can't be recorded in this run
    made: set[str] = field(default_factory=set)  # keys of the records of this run
    outdated: int = 0  # notebooks that another version of the course had judged before
    writing: dict[Future, str] = field(default_factory=dict)

    def __call__(
        self, workers: AbstractContextManager[tuple[Executor, Callable[[], int]]], stop: Callable[[], bool]
    ) -> None:
        """Judge and record everything; ends early if `stop` says so.

        Raises GradeError, JudgeError, NoSandbox, WrongVersion, retry.Lost: what has been judged is kept.
        """
        with ThreadPoolExecutor(1, "gradebook") as self.writer:
            try:
                with workers as (executor, width):
                    work = retry.each(self._todo(), executor, lambda it: (self.perform, it[1]), width, stop)
                    for (one, piece), result in work:
                        self._take(one, piece, result)
                        self._written()
                while self.writing and not stop():
                    wait(self.writing, retry.LOOK, FIRST_COMPLETED)
                    self._written()
            finally:
                for future in self.writing:
                    future.cancel()  # the next run does these; one that has begun is waited for
        self._written()

    def _todo(self) -> Iterator[tuple[Submission, Task]]:
        """What has to run; students with nothing to run go on to the gradebook."""
        folder = self.course.records if self.shared else None
        for student in self.students:
            mine = self.course.submissions(self.releases, student)
            if mine:
                self.left[student] = len(mine)
            else:
                self.look.append(f"{student}: the folder holds no notebook of this part")
            self.look += self.course.others(self.releases, student)
            for one in mine:
                data, sandboxed = submitted(one.path), self.course.sandboxed
                key = judge.key_of(one.release, data, sandboxed)
                twin = key in self.made
                record = records.load(self.course.records, key) if twin or not self.again else None
                if record is None:
                    yield one, Task.of(one.release, data, sandboxed, folder)
                else:
                    self.outdated += twin and self._was_judged(one, data)
                    self._done(one, record, found=not twin, twin=twin)

    def _take(self, one: Submission, piece: Task, result: Record | retry.Fault) -> None:
        if isinstance(result, retry.Fault):
            if isinstance(result.error, task.HOPELESS):
                raise result.error
            result = task.given_up(piece, result) or result
        if isinstance(result, retry.Fault):
            self.failed.add(one.student)
            self.look.append(f"{one.student}, {one.release.name}: not graded. {result}")
            self._done(one, None)
        else:
            self.course.patiently(lambda: records.save(self.course.records, result))
            self.made.add(result.key)
            self.outdated += self._was_judged(one, piece.data)
            self._done(one, result)

    def _was_judged(self, one: Submission, data: bytes) -> bool:
        """Whether these bytes had been judged before this run, by another version of the course."""
        return not self.again and finished(one.graded, data)

    def _done(self, one: Submission, record: Record | None, found: bool = False, twin: bool = False) -> None:
        self.progress.add(one.student, one.release.name, record, found, twin)
        if record:
            self.look += [f"{one.student}, {one.release.name}: {text}" for text in record.attention]
        self.left[one.student] -= 1
        if not self.left[one.student]:
            del self.left[one.student]
            if one.student not in self.failed:
                self.writing[self.writer.submit(self._write, one.student)] = one.student

    def _write(self, student: str) -> str:
        """In the one thread that writes: a sentence if nbgrader could not record this student."""
        mine = self.course.submissions(self.releases, student)
        if not self.again and self.course.recorded(mine, self.scores.get(student, {})):
            return ""
        return self.course.record(self.releases[0].part, student)

    def _written(self) -> None:
        for future in [future for future in self.writing if future.done() and not future.cancelled()]:
            student = self.writing.pop(future)
            if trouble := future.result():
                self.failed.add(student)
                self.look.append(f"{student}: not in the gradebook. {trouble}")
            else:
                self.progress.recorded += 1


def grade(
    part: str,
    students: Iterable[str] = (),
    *,
    again: bool = False,
    sandboxed: bool = True,
    jobs: int | None = None,
    scheduler: str | None = None,
    perform: Callable[[Task], Record] = task.perform,
    console: Console | None = None,
) -> bool:
    """Judge and record the submissions of a part; True if all are in the gradebook.

    Args:
        students: only these; all if empty.
        again: run what has a record already.
        jobs: processes of this machine; None for one a core.
        scheduler: address of a Dask scheduler whose workers judge instead.
        perform: what a worker calls.

    Raises:
        GradeError, JudgeError, NoSandbox: the text says what to do; what has been judged is kept.
        KeyboardInterrupt: after Ctrl-C or SIGTERM; the same holds.
    """
    if sandboxed and not scheduler and (why := why_not()):
        raise NoSandbox(
            f"Nothing was run, because {why}. To let student code do all that you can do, --no-sandbox."
        )
    progress = Progress(console)
    with retry.interruptible() as stop, quiet():
        try:
            course = Course(sandboxed, progress.say, stop)
            releases, there = course.releases(part), course.students(part)
            chosen = sorted(set(students)) or there
            if unknown := sorted(set(chosen) - set(there)):
                known = roster.load(course.records.parent)
                meant = "".join(
                    dict.fromkeys(known.did_you_mean(student, there=there) for student in unknown)
                )
                raise GradeError(
                    f"Nothing of {', '.join(unknown)} is in {course.dir.submitted_directory}/*/{part}.{meant}"
                )
            workers = task.cluster(scheduler, progress.say) if scheduler else pool.local(jobs, sandboxed)
            if behind := build.unbuilt(part):
                progress.say(behind)
            with course.alone():
                changed = course.prepare(releases, chosen)
                if changed:
                    progress.say(f"The lesson has changed since it was last graded: {'; '.join(changed)}.")
                scores = course.scores(part)
                run = Run(course, releases, chosen, again, perform, progress, not scheduler, scores)
                progress.total = sum(len(course.submissions(releases, student)) for student in chosen)
                notes: list[str] = []
                try:
                    with progress:
                        run(workers, stop)
                    notes = [] if stop() else course.left_to_do(releases, chosen)
                finally:
                    progress.summary(len(chosen), run.look, stop(), run.outdated, notes)
                if not stop() and (changed := course.penalise(part)):
                    progress.say(f"Late penalties changed ({len(changed)}): {', '.join(changed)}.")
        except (retry.Lost, WrongVersion) as error:
            raise GradeError(f"{error}. Nothing is lost: run the same command again.") from None
        except SQLAlchemyError as error:
            raise GradeError(f"The gradebook can't be used: {error}") from None
        except CollectError as error:
            raise GradeError(str(error)) from None
        except OSError as error:
            raise GradeError(unwritable(error)) from None
        if stop():
            raise KeyboardInterrupt
    return not run.failed
