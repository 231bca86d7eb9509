"""What grading prints, on a terminal and elsewhere."""

import io
from dataclasses import replace

from rich.console import Console

from course.grading.progress import Progress
from course.judging.records import Record
from helpers import exercises
from helpers.checks.judge import nothing
from helpers.checks.observe import State


def record(state: State, points: float) -> Record:
    mark = replace(nothing(exercises.load("q6_residual_add"), state, [""]), points=points)
    return Record("k", "part", "q6", "s", "r", "g", "none", {"check_q6": mark}, [])


def run(terminal: bool) -> tuple[str, str]:
    """The lines and the last table of a run that is 60 seconds old, with 3 of 5 notebooks done."""
    now = [0.0]
    said = io.StringIO()
    progress = Progress(Console(file=said, force_terminal=terminal, width=120), clock=lambda: now[0])
    progress.total = 5
    with progress:
        progress.add("ada", "q5", record(State.CORRECT, 1), found=True)
        progress.add("ada", "q6", record(State.CORRECT, 1))
        now[0] = 60
        progress.add("[red]b\x1b[31men", "q6", None)
        progress.recorded += 1
        table = Console(file=io.StringIO(), width=120, record=True)
        table.print(progress.table())
    progress.summary(2, ["b: second", "a: first"], stopped=True)
    return said.getvalue(), table.export_text()


def test_lines_where_there_is_no_terminal():
    said, _ = run(terminal=False)
    assert said.splitlines() == [
        "ada              q6                         correct                    1 of 1     2/5",
        "[red]b?[31men    q6                         not graded                            3/5",
        "",
        "3 of 5 notebooks judged in 0:01:00, 1 of them by an earlier run: 2 correct, 1 not graded.",
        "1 of 2 students are in the gradebook.",
        "Stopped. Nothing is lost: the same command goes on from here.",
        "",
        "Look at these yourself:",
        "  a: first",
        "  b: second",
    ]


def test_the_table_on_a_terminal():
    said, table = run(terminal=True)
    assert "time left" in said and "\x1b[31m" not in said
    head, _, row = [line.split("  ") for line in table.splitlines() if line.strip()]
    cells = dict(zip(*([c.strip() for c in line if c.strip()] for line in (head, row)), strict=True))
    assert cells == {
        "done": "3 of 5",
        "left": "2",
        "a minute": "2.0",
        "time left": "0:01:00",
        "students recorded": "1",
        "verdicts so far": "2 correct, 1 not graded",
    }
