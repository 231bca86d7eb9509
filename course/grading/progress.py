"""What `python -m course grade` prints: a line for each notebook, a table that is kept up to date, and a summary."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import timedelta

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from course.base.text import printable
from course.judging.records import Record
from helpers.checks.observe import State


class Progress(AbstractContextManager):
    """Counts what is done; on a terminal the table moves, elsewhere there are lines only.

    Args:
        clock: seconds.

    Attributes:
        total: notebooks that there are; set it before the first `add`.
    """

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        # file names and texts come from students: everything goes out as Text, so that no [markup] is obeyed
        self.console = console or Console(highlight=False)
        self.total, self.clock, self.begun = 0, clock, clock()
        self.done = self.found = self.recorded = 0  # notebooks, of these with an older record; students
        self.twins = 0  # notebooks, the same to the byte as one that this run has judged
        self.verdicts: Counter[str] = Counter()
        self.live = Live(get_renderable=self.table, console=self.console, refresh_per_second=2)

    def __enter__(self) -> Progress:
        self.begun = self.clock()
        if self.console.is_terminal:
            self.live.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self.console.is_terminal:
            self.live.stop()

    def say(self, text: str) -> None:
        self.console.print(Text(printable(text)), soft_wrap=True)

    def add(
        self, student: str, notebook: str, record: Record | None, found: bool = False, twin: bool = False
    ) -> None:
        """One notebook more.

        Args:
            record: None if there is none.
            found: whether it was there before this run.
            twin: whether this run has made it for a file of the same bytes.
        """
        self.done += 1
        self.found += found
        self.twins += twin
        state = record.state.value if record else "not graded"
        self.verdicts[state] += 1
        if not found:
            most = sum(mark.max_points for mark in record.verdicts.values()) if record else 0
            points = f"{record.points:g} of {most:g}" if record else ""
            line = f"{student:<16} {notebook:<26} {state:<26} {points:<10} {self.done}/{self.total}"
            self.say(line.rstrip())

    def pace(self) -> tuple[float, float] | None:
        """Notebooks a minute in this run, and seconds to go at that pace; None before there is one."""
        judged, seconds = self.done - self.found - self.twins, self.clock() - self.begun
        if not judged or seconds <= 0:
            return None
        return 60 * judged / seconds, (self.total - self.done) * seconds / judged

    def table(self) -> Table:
        table = Table(box=box.SIMPLE_HEAD)
        pace = self.pace()
        row = {
            "done": f"{self.done} of {self.total}",
            "left": str(self.total - self.done),
            "a minute": f"{pace[0]:.1f}" if pace else "-",
            "time left": str(timedelta(seconds=round(pace[1]))) if pace else "-",
            "students recorded": str(self.recorded),
            "verdicts so far": self.counts() or "-",
        }
        for name in row:
            table.add_column(name)
        table.add_row(*row.values())
        return table

    def summary(
        self, students: int, look: list[str], stopped: bool, outdated: int = 0, notes: Iterable[str] = ()
    ) -> None:
        """The end: what there is, and which submissions need a person and why.

        Args:
            outdated: notebooks that another version of the course had judged before.
            notes: sentences about the part as a whole.
        """
        took = timedelta(seconds=round(self.clock() - self.begun))
        older = f", {self.found} of them by an earlier run" if self.found else ""
        alike = f", {self.twins} of them as files of the same bytes" if self.twins else ""
        self.say("")
        self.say(
            f"{self.done} of {self.total} notebooks judged in {took}{older}{alike}: {self.counts() or 'none'}."
        )
        if outdated:
            before = "1 notebook" if outdated == 1 else f"{outdated} notebooks"
            self.say(
                f"Judged again, as another version of the course or of its libraries had done it: {before}."
            )
        self.say(f"{self.recorded} of {students} students are in the gradebook.")
        for note in notes:
            self.say(note)
        if stopped:
            self.say("Stopped. Nothing is lost: the same command goes on from here.")
        if look:
            self.say("")
            self.say("Look at these yourself:")
            for text in sorted(look):
                self.say(f"  {text}")

    def counts(self) -> str:
        order = [state.value for state in (State.CORRECT, *State)]
        names = dict.fromkeys([*order, *self.verdicts])
        return ", ".join(f"{self.verdicts[name]} {name}" for name in names if self.verdicts[name])
