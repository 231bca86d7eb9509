"""What `python -m course collect` prints: who sent what, what was repaired, who needs somebody."""

from collections.abc import Callable
from pathlib import PurePosixPath

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from course.base.text import printable
from course.collecting.collect import Report
from course.collecting.collected import COUNTS, Entry
from course.collecting.names import short

MARKS = {"collected": ("✓", "green"), "repaired": ("r", "cyan"), "unreadable": ("✗", "bold red")}
NONE = "not a notebook"  # whoever sent nothing else is named below
MOST = 4  # names of files in one line
NAME = 24  # characters of a name, so that a longer one takes no room from ids and marks
LEGEND = "✓ collected   r collected and repaired   ✗ unreadable   - nothing received"


def show(report: Report, console: Console | None = None) -> int:
    """Print the report; returns the exit code: 0 when all was collected, 1 when somebody needs a human."""
    # names come from students: everything goes out as Text, so that no [markup] of theirs is obeyed
    console = console or Console(highlight=False)
    if report.students:
        console.print(_students(report))
        console.print(LEGEND + "\n")
    _section("Repaired in this run", _a_line_a_student(report, _repaired), console)
    others = [entry for entry in report.entries if entry.verdict == NONE]
    kinds = sorted({PurePosixPath(entry.path).suffix.lower() or "no ending" for entry in others})
    beside = [f"{len(others)} that are no notebooks ({', '.join(kinds)})"] if others else []
    _section("Not graded", _a_line_a_student(report, _left_out) + beside, console)
    _section("You may want to look at", _a_line_a_student(report, lambda entry: entry.attention), console)
    taken = sum(entry.verdict in COUNTS for entry in report.entries)
    files = "1 file" if len(report.entries) == 1 else f"{len(report.entries)} files"
    console.print(f"{files} came, {taken} will be graded.")
    if report.changed:
        now = ", ".join(f"{old} is {new}" for old, new in report.changed.items())
        console.print(Text(f"By {report.roster}, with all that was collected before: {now}."))
    if report.missing:
        console.print(Text(f"Nothing received from {len(report.missing)}: {', '.join(report.missing)}"))
    return needs_somebody(report.general + _a_line_a_student(report, lambda entry: entry.human), console)


def _section(title: str, lines: list[str], console: Console) -> None:
    if lines:
        console.print(title)
        for line in lines:
            console.print(Text(f"  - {printable(line)}"), soft_wrap=True)
        console.print()


def _repaired(entry: Entry) -> str:
    """What was repaired in a file that counts, the same thing in several cells once."""
    what: dict[str, list[str]] = {}
    for repair in entry.repairs if entry.verdict in COUNTS else ():
        what.setdefault(repair["what"], []).extend([repair["cell"]] if repair["cell"] else [])
    return "; ".join(f"{_cells(cells)}{text}" for text, cells in what.items())


def _cells(names: list[str]) -> str:
    return f"{len(names)} cells: " if len(names) > 2 else f"{' and '.join(names)}: " if names else ""


def _left_out(entry: Entry) -> str:
    if entry.verdict in (*COUNTS, NONE):
        return ""
    return f"{entry.verdict}, {entry.why}" if entry.why else entry.verdict


def _a_line_a_student(report: Report, say: Callable[[Entry], str]) -> list[str]:
    """What there is to say of the files of this run: a line for each student, and one for each thing that is said of
    files without one."""
    lines: dict[tuple[str, str], dict[str, list[str]]] = {}
    for entry in report.entries:
        if text := say(entry):
            of = (entry.student, "") if entry.student else ("", text)
            lines.setdefault(of, {}).setdefault(text, []).append(entry.path)
    said = []
    for (student, _), things in sorted(lines.items()):
        # a student's only file, and what is nobody's, with all of its path
        whole = not student or sum(map(len, things.values())) == 1
        files = {
            text: [p if whole else p.rpartition("/")[2] for p in paths] for text, paths in things.items()
        }
        parts = [f"{_some(names)}: {text}" for text, names in files.items()]
        line = " ".join(part if part[-1] == "." else f"{part};" for part in parts).rstrip(";")
        said.append(f"{student}: {line}" if student else line)
    return said


def _some(names: list[str]) -> str:
    names = list(dict.fromkeys(names))
    return ", ".join(names[:MOST]) + (f" and {len(names) - MOST} more" if len(names) > MOST else "")


def needs_somebody(people: list[str], console: Console) -> int:
    """Print a sentence for everything that does; the exit code."""
    if people:
        console.print(Text(f"\nNeeds somebody ({len(people)}):"))
    for sentence in people:
        console.print(Text(f"  - {printable(sentence)}"), soft_wrap=True)
    return 1 if people else 0


def _students(report: Report) -> Table:
    """One row a student, one column a notebook, over all runs."""
    table = Table(box=box.SIMPLE_HEAD, title=f"Collected for {report.part}", title_justify="left")
    table.add_column("student", overflow="fold")
    if any(report.names.values()):
        table.add_column("in the LMS", overflow="ellipsis", no_wrap=True, max_width=NAME)
    for notebook in report.notebooks:
        table.add_column(short(notebook) or notebook, justify="center", overflow="fold")
    for student, verdicts in report.students.items():
        row = [Text(student)]
        if any(report.names.values()):
            row.append(Text(printable(report.names.get(student, ""))))
        for notebook in report.notebooks:
            row.append(Text(*MARKS.get(verdicts.get(notebook, ""), ("-", "dim"))))
        table.add_row(*row)
    return table
