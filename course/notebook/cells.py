"""A cell of the course: its name, whether it is an answer, and which check it calls."""

import re

from nbformat import NotebookNode

EXTRA = "extra-"  # how the ids of cells begin that a student added
CHECK = re.compile(r'^\s*check\("(\w+)"\)\s*$')


def record(cell: NotebookNode) -> dict:
    """nbgrader's metadata, {} if there are none."""
    found = cell.metadata.get("nbgrader")
    return found if isinstance(found, dict) else {}


def grade_id(cell: NotebookNode) -> str:
    """nbgrader's name of a cell, "" if it has none."""
    found = record(cell).get("grade_id")
    return found if isinstance(found, str) else ""


def is_answer(cell: NotebookNode) -> bool:
    """A cell that the student fills: nbgrader's solution cells, written answers included."""
    return bool(record(cell).get("solution"))


def is_test(cell: NotebookNode) -> bool:
    """A cell that points hang on and the student does not fill."""
    return bool(record(cell).get("grade")) and not is_answer(cell)


def check_called(source: str) -> str:
    """The key of a cell that is `check("<key>")` and nothing else, "" for any other."""
    found = CHECK.match(source)
    return found[1] if found else ""


def is_own(cell: NotebookNode) -> bool:
    """A cell whose text is the student's: an answer, or one that they added (`rebuild` names those)."""
    return is_answer(cell) or bool(record(cell).get("task")) or cell.get("id", "").startswith(EXTRA)
