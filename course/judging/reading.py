"""What a student's text says, without running it: the rebuilt notebook, and of each exercise the text that is the answer.

All of it is worked out in a process with limits (`course.base.bounded`), as no parser is linear on every text.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from course.base.text import printable
from course.notebook.cells import grade_id, is_answer
from course.notebook.read import Unreadable, parse, within_limits
from course.notebook.rebuild import Repair, rebuild
from helpers import exercises
from helpers.checks.observe import Blank, blanks_in, defines

if TYPE_CHECKING:  # nbgrader, which the process with limits need not import
    from course.notebook.release import Release

KNOWING = ("helpers.exercises", "helpers.observers", "helpers.vit.pieces")
# IPython reads a cell anew for each of its magics; the longest cell of the course has 4,000 characters, 3 magics
LONGEST, MOST_MAGICS = 20_000, 30
MOST_BLANKS = 50
MAGIC = re.compile(r"^([ \t]*)[%!?].*$", re.MULTILINE)
PYTHON_BELOW = re.compile(
    r"%%(?:time|timeit|capture|prun)\b.*"
)  # cell magics that run their cell in the notebook


@dataclass(frozen=True)
class Text:
    """The text that an exercise is answered by: `error` is a sentence if it is no Python."""

    source: str = ""
    error: str = ""
    blanks: tuple[Blank, ...] = ()


@dataclass(frozen=True)
class Reading:
    """One submission, read.

    Args:
        nb: rebuilt from the release, not to be changed; the release itself if nothing could be read.
        unreadable: a sentence why, "" if it could.
        texts: by the key of the exercise.
        borrowed: the first import of what the course knows of this notebook's own exercises, or "".
    """

    nb: NotebookNode
    repairs: tuple[Repair, ...] = ()
    unreadable: str = ""
    texts: Mapping[str, Text] = field(default_factory=dict)
    borrowed: str = ""


def read(release: Release, data: bytes) -> Reading:
    """The bytes that a student sent. Raises nothing for what they are, OSError if the machine has no room to read them."""
    names = {key: exercises.load(key).name for key in release.tests.values()}
    try:
        return within_limits(worked_out, release.notebook, data, dict(release.tests), names)
    except Unreadable as error:
        return Reading(release.notebook, unreadable=f"The file {error.reason}.")


def worked_out(
    released: NotebookNode, data: bytes, tests: Mapping[str, str], names: Mapping[str, str]
) -> Reading:
    """In the process with limits. Raises what these bytes make parsers raise."""
    nb, repairs = rebuild(released, parse(data))
    cells = Cells(released, nb)
    texts = {key: text_of(cells.source_of(tests, key, name), name) for key, name in names.items()}
    return Reading(nb, tuple(repairs), "", texts, cells.borrowed(names))


def text_of(source: str, name: str) -> Text:
    """The text of a cell that should define `name`."""
    text, error = plain(source)
    return Text(source, error, () if error else tuple(blanks_in(text, name)[:MOST_BLANKS]))


class Cells:
    """The code cells whose text is the student's: answers and cells of their own. Each is parsed at most once."""

    def __init__(self, released: NotebookNode, nb: NotebookNode) -> None:
        given = {cell.id for cell in released.cells if not is_answer(cell)}
        self.nb = nb
        self.own = {cell.id for cell in nb.cells if cell.cell_type == "code" and cell.id not in given}
        self._plain = lru_cache(maxsize=None)(plain)

    def source_of(self, tests: Mapping[str, str], key: str, name: str) -> str:
        """The last cell before the test that defines the exercise's name; else the answer cell's text."""
        found = ""
        for cell in self.nb.cells:
            if tests.get(grade_id(cell)) == key:
                break
            if cell.id not in self.own:
                continue
            if grade_id(cell) == key or (name in cell.source and defines(self._plain(cell.source)[0], name)):
                found = cell.source
        return found

    def borrowed(self, keys: Mapping[str, str]) -> str:
        known = {f"{room}.{name}" for room in KNOWING for name in (*keys, "load")}
        for cell in self.nb.cells:
            if cell.id not in self.own or "helpers" not in cell.source:
                continue
            for module in _imported(self._plain(cell.source)[0]):
                if any(f"{module}.".startswith(f"{name}.") for name in known):
                    return module
        return ""


def _imported(text: str) -> Iterator[str]:
    """The names of all that is imported in this text, in its order."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def plain(source: str) -> tuple[str, str]:
    """The cell as Python (magics and shell lines turned into calls), and a sentence if it is none."""
    first, _, below = source.lstrip("\n").partition("\n")
    if PYTHON_BELOW.fullmatch(first):
        source = "\n" + below  # line numbers stay
    if not _fault(source):
        return source, ""
    if len(source) <= LONGEST and len(MAGIC.findall(source)) <= MOST_MAGICS:
        try:
            text = TransformerManager().transform_cell(source)
        except (SyntaxError, ValueError, RecursionError, RuntimeError):
            text = source
    else:
        text = MAGIC.sub(r"\1pass", source)
    if not (error := _fault(text)):
        return text, ""
    line = getattr(error, "lineno", None)
    lines = source.splitlines()
    known = line and line <= len(lines)
    where = f"Line {line}, `{lines[line - 1].strip()[:80]}`" if known else "Your cell"
    why = str(getattr(error, "msg", error))[:200]
    return "", printable(f"{where}, is not Python that can be read: {why}.")


def _fault(text: str) -> Exception | None:
    """Why this text is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return error
    return None
