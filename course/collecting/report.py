"""What `python -m course collect` prints: who sent what, what was repaired, who needs somebody."""

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from course.base.text import printable
from course.collecting.collect import Report
from course.collecting.collected import COUNTS
from course.collecting.names import short

MARKS = {"collected": ("✓", "green"), "repaired": ("r", "cyan"), "unreadable": ("✗", "bold red")}
LEGEND = "✓ collected   r collected and repaired   ✗ unreadable   - nothing received"


def show(report: Report, console: Console | None = None) -> int:
    """Print the report; returns the exit code: 0 when all was collected, 1 when somebody needs a human."""
    # names come from students: everything goes out as Text, so that no [markup] of theirs is obeyed
    console = console or Console(highlight=False)
    if report.students:
        console.print(_students(report))
        console.print(LEGEND + "\n")
    if any(entry.repairs for entry in report.entries):
        console.print(_repairs(report))
    left = [entry for entry in report.entries if entry.verdict not in COUNTS]
    if left:
        console.print("Not graded")
        for entry in left:
            whose = f" ({entry.student})" if entry.student else ""
            why = f", {entry.why}" if entry.why else ""
            line = f"  - {entry.path}{whose}: {entry.verdict}{why}"
            console.print(Text(printable(line)), soft_wrap=True)
        console.print()
    taken = len(report.entries) - len(left)
    files = "1 file" if len(report.entries) == 1 else f"{len(report.entries)} files"
    console.print(f"{files} came, {taken} will be graded.")
    if report.missing:
        console.print(Text(f"Nothing received from {len(report.missing)}: {', '.join(report.missing)}"))
    return needs_somebody(report.people, console)


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
        table.add_column("in the LMS", overflow="ellipsis", no_wrap=True)
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


def _repairs(report: Report) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title="Repaired in this run", title_justify="left")
    for column in ("student", "notebook", "cell", "what"):
        table.add_column(column, overflow="fold")
    for entry in report.entries:
        if entry.verdict not in COUNTS:
            continue
        first = (printable(entry.student or "-"), short(entry.notebook or "") or entry.notebook or "-")
        for repair in entry.repairs:
            cells = (*first, repair["cell"] or "-", repair["what"])
            table.add_row(*(Text(printable(cell)) for cell in cells))
            first = ("", "")
    return table
