"""`python -m course try FILE`: one notebook in the sandbox, told question by question. Nothing is recorded.

For somebody who objects, and for a cell that you have changed yourself to see what it would get.
"""

import re
from collections import Counter
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course.base import paths
from course.base.text import printable
from course.collecting import roster
from course.collecting.names import notebook_of
from course.judging import judge
from course.judging.records import Record
from course.notebook.cells import grade_id, is_test
from course.notebook.release import Release
from helpers.checks import render

ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
LINES = 40  # of an output, from its end


class TrialError(Exception):
    """Nothing was tried; the text says why and what to do."""


def find(name: str, student: str = "") -> tuple[Path, Release]:
    """The file, and the notebook of the course that it is.

    Args:
        name: a path; with a student the name of a notebook, or its beginning as in a file's name ("q6").
        student: whose notebook in submitted/ it is.

    Raises:
        TrialError: if there is no such file, or its name is none of the course's.
        CollectError: if there is none, and the roster is not understood.
        JudgeError: as `Release.read`.
    """
    solutions = {path.stem: path for path in sorted((paths.ROOT / "solutions").glob("*/*.ipynb"))}
    known = notebook_of(Path(name).name, list(solutions))
    if known is None:
        raise TrialError(
            f"{name} is no notebook of the course by its name. Call it one of {', '.join(solutions)}."
        )
    path = Path(name)
    if student:
        path = paths.grading() / "submitted" / student / solutions[known].parent.name / f"{known}.ipynb"
    if not path.is_file():
        hint = " Or say whose it is: --student ID."
        if student:
            there = {folder.name for folder in (paths.grading() / "submitted").glob("*/")}
            sent = sorted(file.stem for file in path.parent.glob("*.ipynb"))
            meant = (
                "" if student in there else roster.load(paths.grading()).did_you_mean(student, there=there)
            )
            hint = f" {student} has handed in {', '.join(sent)}." if sent else meant
        raise TrialError(f"There is no file {paths.shown(path)}.{hint}")
    return path, Release.read(solutions[known])


def run(
    name: str, question: str = "", student: str = "", sandboxed: bool = True, folder: Path | None = None
) -> str:
    """What the judge says of a notebook, and what its cells have printed.

    Args:
        question: the key of one exercise; all if empty.
        folder: where what the solution gives is kept; None for where `grade` keeps it.

    Raises:
        TrialError, CollectError; JudgeError, NoSandbox, NoKernel: as `judge.judge_submission`.
    """
    path, release = find(name, student)
    keys = list(release.tests.values())
    if question and question not in keys:
        raise TrialError(f"{release.name} has no question {question!r}; it has {', '.join(keys)}.")
    where = folder or paths.grading() / "records"
    record = judge.judge_submission(release, path.read_bytes(), where, sandboxed=sandboxed)
    return by_question(release, record, question)


def by_question(release: Release, record: Record, question: str = "") -> str:
    """A record, question by question: the verdict as the student reads it, then what the cells in front of it printed."""
    nb = nbformat.from_dict(record.content)
    most = sum(mark.max_points for mark in record.verdicts.values())
    lines = [f"{release.part}/{release.name}: {render.score(record.points, most)}. Nothing was recorded."]
    lines += [f"  Look at this: {text}" for text in record.attention]
    mended = Counter(text.partition(": ")[2] or text for text in record.repairs)
    lines += [f"  Mended: {text}{f' ({count} cells)' if count > 1 else ''}" for text, count in mended.items()]
    given = {cell.id for cell in release.notebook.cells if not grade_id(cell)}
    cells: list[NotebookNode] = []
    for cell in nb.cells:
        if not is_test(cell):
            cells += [cell] if cell.cell_type == "code" and cell.id not in given else []
            continue
        if (mark := record.verdicts.get(grade_id(cell))) and question in ("", mark.key):
            lines += ["", f"--- {mark.key}", *render.text(mark).split("\n")]
            for one in cells:
                lines += [f"  | {line}" for line in _printed(one)]
        cells = []
    return "\n".join(map(printable, lines))


def _printed(cell: NotebookNode) -> list[str]:
    """What a cell has printed and displayed, and its error, as lines."""
    said = []
    for output in cell.outputs:
        if output.output_type == "stream":
            text = output.text
        elif output.output_type == "error":
            text = "\n".join(output.traceback) or f"{output.ename}: {output.evalue}"
        else:
            text = output.get("data", {}).get("text/plain", "")
        lines = ANSI.sub("", text).rstrip().split("\n")
        said += ["..."] * (len(lines) > LINES) + lines[-LINES:]
    return [f"{cell.id} printed:", *(f"  {line}" for line in said)] if said else []
