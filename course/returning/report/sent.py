"""What the students of a part sent and what became of it: read from grading/, nothing is run and nothing is changed.

A submission is found among the records by its bytes. All records of the same bytes are its history: an earlier release of
the lesson, an earlier version of the checks, what `grade --force` found before, in the order in which they were judged.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import nbformat

from course.base.paths import ROOT
from course.base.text import digest
from course.judging import judge, records
from course.judging.reading import Cells, plain
from course.notebook.cells import grade_id, is_answer
from course.notebook.release import Release
from course.returning.report.normal import Answer
from helpers import exercises
from helpers.checks.observe import State
from helpers.checks.verdict import Verdict

HEAD = 400  # bytes of a record in which its part stands, so that other parts' need not be read


@dataclass(frozen=True)
class Question:
    """An exercise, and where in the lesson it stands."""

    key: str
    name: str
    notebook: str
    title: str  # of the notebook
    heading: str  # the last one above the answer
    above: str  # the one before it, under which the lesson explains what is asked; "" if there is none
    given: Answer  # the answer cell as it was given out
    solved: Answer


class Lesson:
    """A notebook of the part, with its questions in order."""

    def __init__(self, release: Release) -> None:
        self.release, self.name = release, release.name

    @property
    def by_hand(self) -> bool:
        """Whether a person gives points in it."""
        return any(
            is_answer(cell) and cell.metadata.nbgrader.get("grade") for cell in self.release.solution.cells
        )

    @cached_property
    def questions(self) -> dict[str, Question]:
        """By the exercise's key."""
        given = {grade_id(cell): cell.source for cell in self.release.notebook.cells}
        found: dict[str, Question] = {}
        headings: list[str] = []
        for cell in self.release.solution.cells:
            if cell.cell_type == "markdown":
                lines = (line for line in cell.source.splitlines() if line.startswith("#"))
                headings += [text for line in lines if (text := line.lstrip("#").strip())]
            key = grade_id(cell)
            if key in self.release.tests.values():
                name = exercises.load(key).name
                texts = _answer(given.get(key, "")), _answer(cell.source)
                asked = {question.heading for question in found.values()}
                told = [heading for heading in headings[1:-1] if heading not in asked]
                ends = [*headings[:1], *headings[-1:], *told[-1:], "", "", ""]
                found[key] = Question(key, name, self.name, *ends[:3], *texts)
        return found


@dataclass(frozen=True)
class Judged:
    """What this report keeps of a record."""

    key: str
    submission: str
    release: str
    version: str
    sandboxed: bool
    when: str  # ISO 8601, UTC
    verdicts: dict[str, Verdict]  # by the exercise's key, without pictures
    answers: dict[str, Answer]  # the same
    attention: tuple[str, ...]

    @property
    def attempted(self) -> bool:
        return any(v.state not in (State.NOT_ATTEMPTED, State.UNREADABLE) for v in self.verdicts.values())


@dataclass(frozen=True)
class StudentNotebook:
    """One notebook of one student; `history` are the records of these bytes, the one that counts last."""

    student: str
    lesson: Lesson
    history: tuple[Judged, ...]
    stale: bool  # no record is of this release and these checks

    @property
    def judged(self) -> Judged:
        return self.history[-1]


@dataclass(frozen=True)
class Submissions:
    """All that was read: what is judged, what waits for `grade` (student, notebook), and how many records can't be read."""

    lessons: list[Lesson]
    sent: list[StudentNotebook]
    waiting: list[tuple[str, str]]
    damaged: int
    older: int  # of another version of the course

    @cached_property
    def students(self) -> list[str]:
        """Who handed something in."""
        return sorted({one.student for one in self.sent} | {student for student, _ in self.waiting})


def lessons(part: str) -> list[Lesson]:
    """Raises JudgeError if a solution can't be read."""
    return [Lesson(Release.read(path)) for path in sorted((ROOT / "solutions" / part).glob("*.ipynb"))]


def read(grading: Path, part: str) -> Submissions:
    """Everybody's submissions to a part, with their records."""
    taught = lessons(part)
    files: dict[tuple[str, str], str] = {}  # student, notebook -> digest of what lies in submitted/
    for path in sorted((grading / "submitted").glob(f"*/{part}/*.ipynb")):
        if path.is_file() and not path.is_symlink():
            files[path.parents[1].name, path.stem] = digest(path.read_bytes())
    by_name = {lesson.name: lesson for lesson in taught}
    wanted = {(name, submission) for (_, name), submission in files.items()}
    histories: dict[tuple[str, str], list[Judged]] = {}
    damaged = older = 0
    for path in _of_part(grading / "records", part):
        record = records.read(path)
        if record is None and records.is_older(path):
            older += 1
        elif record is None or not path.stem.startswith(record.key):
            damaged += 1
        elif (which := (record.notebook, record.submission)) in wanted and record.notebook in by_name:
            kept = _kept(record, by_name[record.notebook])
            histories.setdefault(which, []).append(kept)
    sent, waiting = [], []
    for (student, name), submission in files.items():
        if (lesson := by_name.get(name)) is None:
            continue
        if not (history := histories.get((name, submission))):
            waiting.append((student, name))
            continue
        release, version = lesson.release.digest, judge.version_of(lesson.release)

        def order(one: Judged, now: tuple[str, str] = (release, version)) -> tuple[bool, str]:
            return (one.release, one.version) == now, one.when

        history = sorted(history, key=order)
        sent.append(StudentNotebook(student, lesson, tuple(history), not order(history[-1])[0]))
    return Submissions(taught, sent, waiting, damaged, older)


def _of_part(folder: Path, part: str) -> Iterator[Path]:
    """The records that may be of this part: those that do not say another one in their first lines."""
    for path in sorted([*folder.glob("*.json"), *folder.glob("earlier/*.json")]):
        with path.open("rb") as file:
            head = file.read(HEAD)
        if b'"part":' not in head or f'"part": "{part}"'.encode() in head:
            yield path


def _kept(record: records.Record, lesson: Lesson) -> Judged:
    code = [cell for cell in record.content["cells"] if cell["cell_type"] == "code"]
    nb = nbformat.from_dict({"cells": [{**cell, "outputs": []} for cell in code], "metadata": {}})
    tests, cells = lesson.release.tests, Cells(lesson.release.notebook, nb)
    return Judged(
        key=record.key,
        submission=record.submission,
        release=record.release,
        version=record.version,
        sandboxed=record.level != "none",
        when=record.judged,
        verdicts={tests[t]: replace(v, pictures=()) for t, v in record.verdicts.items() if t in tests},
        answers={key: _answer(cells.source_of(tests, key, q.name)) for key, q in lesson.questions.items()},
        attention=record.attention,
    )


def _answer(source: str) -> Answer:
    return Answer.of(plain(source)[0] or source)
