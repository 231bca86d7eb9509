"""Given cells: which of them do the same in every student's notebook, and so show what they show in the solution's."""

import ast
import functools
import itertools
import re
import symtable
from typing import NamedTuple

from nbformat import NotebookNode

from course.judging.reading import plain
from course.notebook.cells import grade_id, is_own
from course.notebook.release import Release

ASKING = {"check", "assemble", "progress"}  # of `helpers`: what they answer hangs on the student's answers
ANYTHING = {
    "exec",
    "eval",
    "globals",
    "locals",
    "vars",
    "get_ipython",
    "__import__",
}  # may use and bind whatever there is
SHOWING = {"show", "print"}
CHANCE = re.compile(r"seed|rand|\bnn\.")  # random numbers, of which each draws others from those below


def opening(release: Release, nb: NotebookNode) -> int:
    """How many cells at the top are the solution's own, above the first answer and all that a student has added."""
    same = itertools.takewhile(
        lambda pair: not grade_id(pair[0]) and all(pair[0][key] == pair[1][key] for key in ("id", "source")),
        zip(release.solution.cells, nb.cells, strict=False),
    )
    return len(list(same))


def untouched(release: Release, nb: NotebookNode) -> set[str]:
    """Ids of the code cells of the solution that hang on nothing of the student's.

    They use no name that a student's cell above them has bound, directly or by way of another given cell, and do not ask
    how the student's answers are. By their text: what changes an object in place can't be seen, but for `x.add_()`.
    """
    given = {cell.id: cell.source for cell in release.solution.cells if not is_own(cell)}
    bound: set[str] = set()
    modules: set[str] = set()
    found = set()
    for cell in _ran(release, nb):
        names = _names(cell.source)
        if names is None:  # it can't be said what this one binds
            return found
        own = given.get(cell.id) != cell.source
        if own or bound & names.used:
            bound |= names.bound | (names.changed - modules) | (ASKING if own else set())
        else:
            found.add(cell.id)
            modules |= names.imported
    return found


def idle(release: Release, nb: NotebookNode) -> set[str]:
    """Of the cells that are `untouched`, those that need not run: they only show something. No cell below that is run uses
    a name that they bind, they call nothing for what it does, and they don't say which random numbers come."""
    needed: set[str] | None = set()
    found = set()
    same = untouched(release, nb)
    for cell in reversed(_ran(release, nb)):
        names = _names(cell.source)
        if names is None:
            return found
        does = names.called - names.bound - SHOWING or CHANCE.search(cell.source)
        if cell.id in same and not does and not needed & (names.bound | names.changed):
            found.add(cell.id)
        else:
            needed |= names.used
    return found


def _ran(release: Release, nb: NotebookNode) -> list[NotebookNode]:
    """Code cells above the last question, tests apart."""
    last = max((index for index, cell in enumerate(nb.cells) if grade_id(cell)), default=-1)
    above = nb.cells[: last + 1]
    return [cell for cell in above if cell.cell_type == "code" and grade_id(cell) not in release.tests]


class _Names(NamedTuple):
    """Names of the notebook, as they stand in one cell."""

    bound: set[str]  # x = ..., x.y = ..., x[0] = ..., def x, import x
    changed: set[str]  # maybe: x.add_(1), f_(x)
    imported: set[str]
    used: set[str]
    called: set[str]  # in lines of their own, for what that does: x.f()


@functools.lru_cache(maxsize=1000)
def _names(source: str) -> _Names | None:
    """None if they can't be known."""
    text, trouble = plain(source)
    if trouble:
        return None
    bound, stored, changed, imported, used, called = (set() for _ in range(6))
    tables = [symtable.symtable(text, "cell", "exec")]
    for table in tables:
        for symbol in table.get_symbols():
            name = symbol.get_name()
            if table is tables[0] or symbol.is_global():
                if symbol.is_assigned() and (table is tables[0] or symbol.is_declared_global()):
                    bound.add(name)
                if symbol.is_imported():
                    imported.add(name)
                if symbol.is_referenced():
                    used.add(name)
        tables += table.get_children()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.alias) and node.name == "*":
            return None
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            called |= _inside(node.value.func)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            used.add(node.target.id)
        elif isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load):
            stored |= _inside(node)
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr.endswith("_")
        ):
            changed |= _inside(node)
    if used & ANYTHING:
        return None
    return _Names(bound | imported | (stored & used), changed & used, imported, used, called)


def _inside(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
