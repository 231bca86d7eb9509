"""Given cells: which of them do the same in every student's notebook, and so show what they show in the solution's."""

import ast
import functools
import itertools

from nbformat import NotebookNode

from course.judging.reading import plain
from course.notebook.cells import grade_id, is_own
from course.notebook.release import Release


def opening(release: Release, nb: NotebookNode) -> int:
    """How many cells at the top are the solution's own, above the first answer and all that a student has added."""
    same = itertools.takewhile(
        lambda pair: not grade_id(pair[0]) and all(pair[0][key] == pair[1][key] for key in ("id", "source")),
        zip(release.solution.cells, nb.cells, strict=False),
    )
    return len(list(same))


def untouched(release: Release, nb: NotebookNode) -> set[str]:
    """Ids of the code cells of the solution that use no name that a student's cell above them has bound, directly or by
    way of another given cell. By their text: what changes an object in place can't be seen, but for `x.add_()`."""
    given = {cell.id: cell.source for cell in release.solution.cells if not is_own(cell)}
    bound: set[str] = set()
    found = set()
    for cell in nb.cells:
        if cell.cell_type != "code" or grade_id(cell) in release.tests:
            continue
        names = _names(cell.source)
        if names is None:  # it can't be said what this one binds
            return found
        if given.get(cell.id) != cell.source or bound & (names[0] | names[1]):
            bound |= names[0]
        else:
            found.add(cell.id)
    return found


@functools.lru_cache(maxsize=1000)
def _names(source: str) -> tuple[set[str], set[str]] | None:
    """The names that a cell may bind or change, and those that it uses; None if that can't be known."""
    text, trouble = plain(source)
    if trouble:
        return None
    nodes = list(ast.walk(ast.parse(text)))
    binds, uses = set(), set()
    for node in nodes:
        if isinstance(node, ast.Name):
            (uses if isinstance(node.ctx, ast.Load) else binds).add(node.id)
            if node.id in ("exec", "eval", "globals", "get_ipython", "__import__"):
                return None
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            binds.add(node.name)
        elif isinstance(node, ast.alias):
            if node.name == "*":
                return None
            binds.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, (ast.Attribute, ast.Subscript)):
            in_place = isinstance(node, ast.Attribute) and node.attr.endswith("_")
            if in_place or not isinstance(node.ctx, ast.Load):  # x.y = ..., x[0] = ..., x.add_(1)
                binds |= {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    return binds, uses
