"""Given cells: which of them do the same in every student's notebook, and so show what they show in the solution's.

By their text alone, and of a student's text only within limits: whoever works for it can have a figure of the solution's
shown in place of his own. No points hang on what a given cell shows.
"""

from __future__ import annotations

import ast
import builtins
import functools
import itertools
import re
import symtable
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from nbformat import NotebookNode

from course.base import bounded
from course.notebook.cells import grade_id, is_own

if TYPE_CHECKING:  # nbgrader, which the process with limits need not import
    from course.notebook.release import Release

SECONDS = 2  # of processor time for one notebook
LONGEST = 20_000  # characters of a student's cell that is looked at; the longest of the course has 4,000
ASKING = {"check", "assemble", "progress"}  # of `helpers`: what they answer hangs on the student's answers
# may use and bind whatever there is
ANYTHING = set(
    "exec eval compile globals locals vars dir setattr get_ipython __import__ __main__ sys builtins".split()
)
UNCHANGED = {"show", *dir(builtins)}
# random numbers: of which each draws others from those below
CHANCE = re.compile(r"seed|(?<![a-z])rand|drop|\bnn\.")
SEEDED = re.compile(r"seed\(\d+\)")


def opening(release: Release, nb: NotebookNode) -> list[NotebookNode]:
    """The cells above the first answer, if they are the solution's; none if a student has added or changed one there, or
    no question stands below them."""
    solution = [*itertools.takewhile(lambda cell: not grade_id(cell), release.solution.cells)]
    if len(solution) == len(release.solution.cells):
        return []
    top = nb.cells[: len(solution)]
    return top if [(c.id, c.source) for c in top] == [(c.id, c.source) for c in solution] else []


def untouched(release: Release, nb: NotebookNode) -> set[str]:
    """Ids of the code cells of the solution that hang on nothing of the student's.

    They use no name that a student's cell above them has bound or changed, directly or by way of another given cell, do
    not ask how the student's answers are, and draw no random numbers after a student has drawn some.
    """
    given = {cell.id: cell.source for cell in release.solution.cells if not is_own(cell)}
    ran = [cell for cell in nb.cells if cell.cell_type == "code" and grade_id(cell) not in release.tests]
    theirs = [cell.source for cell in ran if given.get(cell.id) != cell.source]
    try:
        read = iter(bounded.call(_each, theirs, seconds=SECONDS))
    except Exception:  # what somebody wrote, who might have tried
        return set()
    touched: set[str] = set()
    modules: set[str] = set()
    known: list[_Names] = []  # of the given cells above: what they bind may look at a name when it is called
    found, drawn = set(), False
    for cell in ran:
        own = given.get(cell.id) != cell.source
        names = next(read) if own else _given_names(cell.source)
        if names is None:  # it can't be said what this one binds
            return found
        chance = CHANCE.search(cell.source)
        others = chance and not SEEDED.match(cell.source, chance.start())
        if own or names.used & touched or (drawn and others):
            touched |= names.bound | (names.changed - modules) | (ASKING if own else set())
            drawn |= bool(chance)
        else:
            found.add(cell.id)
            modules |= names.imported
        if not own:
            known.append(names)
        while (
            more := {n for each in known if each.used & touched for n in each.bound - each.imported} - touched
        ):
            touched |= more
    return found


def _each(sources: Sequence[str]) -> list[_Names | None]:
    return [_names(source) for source in sources]


class _Names(NamedTuple):
    """Names of the notebook, as they stand in one cell."""

    bound: set[str]  # x = ..., x.y = ..., x[0] = ..., del x, def x, import x
    changed: set[str]  # maybe: x.add_(1), f_(x), x.append(1)
    imported: set[str]
    used: set[str]


def _names(source: str, trusted: bool = False) -> _Names | None:
    """None if they can't be known."""
    if len(source) > LONGEST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree, tables = ast.parse(source), [symtable.symtable(source, "cell", "exec")]
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # a magic among them
        return None
    bound, stored, changed, imported, used = (set() for _ in range(5))
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
    free = False
    for node in ast.walk(tree):
        if isinstance(node, ast.alias) and (node.name == "*" or node.name.split(".")[0] in ANYTHING):
            free = True
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            used.add(node.target.id)
        elif isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load):
            stored |= _inside(node)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):  # x.append(1)
            changed |= _inside(node.value.func) if isinstance(node.value.func, ast.Attribute) else set()
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            free |= node.func.attr.startswith("set_")  # torch.set_default_dtype: of whatever comes
            changed |= _inside(node) if node.func.attr.endswith("_") else set()
    if (free or used & ANYTHING) and not trusted:
        return None
    return _Names(bound | imported | (stored & used), (changed & used) - UNCHANGED, imported, used)


@functools.lru_cache(maxsize=1000)
def _given_names(source: str) -> _Names | None:
    return _names(source, trusted=True)


def _inside(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
