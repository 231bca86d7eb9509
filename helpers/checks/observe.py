"""The student's object, tried on inputs: what it gave, or why nothing came, and which blanks are left.

This half of a check runs where the student's code runs, in a notebook or in a grading kernel; it knows
no expected value. The other half is `helpers/checks/judge.py`.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import io
import linecache
import traceback
import types
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np

from helpers.checks.arrays import Arrays, Case, Stopped, Unfit


class State(str, Enum):
    NOT_ATTEMPTED = "not attempted"
    ERROR = "error in your code"
    INCORRECT = "incorrect"
    CORRECT = "correct"
    # these only arise in grading
    TIMEOUT = "stopped at the time limit"
    MEMORY = "out of memory"
    KILLED = "ended by your code"
    UNREADABLE = "file that could not be read"


@dataclass(frozen=True)
class Observer:
    """What a grading kernel knows of an exercise.

    Args:
        name: what the student defines, e.g. "getPositionEncoding".
        observe: `observe(obj, case)` runs the student's object and returns named arrays. It must not
            look at the expected values; it may raise `Unfit` with a sentence for the student, or `Stopped`.
    """

    name: str
    observe: Callable[[Any, Case], Arrays]


@dataclass(frozen=True)
class Problem:
    """Why nothing could be observed: an exception of the student's code, or an object that does not fit."""

    state: State
    text: str  # a sentence for the student
    error: str = ""  # "TypeName: message", what `Misconception.raises` searches
    seen: tuple[Arrays, ...] = ()  # what was observed all the same, one entry a case


@dataclass(frozen=True)
class Blank:
    line: int
    text: str


# --- the student's source: which blanks are left, and whose line failed ---------------------------


def blanks_left(obj: Any) -> list[Blank]:
    """Where `obj` (function, class, or a container of answers) still holds `...`.

    An Ellipsis inside square brackets is ordinary indexing (`x[..., 0]`) and does not count.
    """
    if isinstance(obj, Mapping):
        return [Blank(0, f"{key}: ...") for key, value in obj.items() if value is ...]
    if isinstance(obj, (list, tuple)):
        return [Blank(0, f"[{i}]: ...") for i, value in enumerate(obj) if value is ...]
    if obj is ...:
        return [Blank(0, "...")]
    # `inspect.getsource` fails for classes that were defined in a notebook before Python 3.13, so the
    # cell is found through the file name that a method's code object carries.
    members = vars(obj).values() if isinstance(obj, type) else [obj]
    for member in members:
        code = getattr(getattr(member, "__func__", member), "__code__", None)
        if isinstance(code, types.CodeType):
            source = "".join(linecache.getlines(code.co_filename))
            with contextlib.suppress(SyntaxError, ValueError):
                if defines(source, obj.__name__):
                    return blanks_in(source, obj.__name__)
    return []


def blanks_in(source: str, name: str) -> list[Blank]:
    """As `blanks_left`, from the text of the cell that defines `name`, without running it.

    Raises:
        SyntaxError, ValueError: if the text is no Python.
    """
    node = defines(source, name)
    value = getattr(node, "value", None)
    if isinstance(value, ast.Dict):
        pairs = [(key, item) for key, item in zip(value.keys, value.values, strict=True) if _is_blank(item)]
        return [
            Blank(0, f"{ast.literal_eval(key)}: ...") for key, _ in pairs if isinstance(key, ast.Constant)
        ]
    if isinstance(value, (ast.List, ast.Tuple)):
        return [Blank(0, f"[{i}]: ...") for i, item in enumerate(value.elts) if _is_blank(item)]
    if _is_blank(value):
        return [Blank(0, "...")]
    lines = source.splitlines()
    found = []
    pending = [node] if node else []
    while pending:
        current = pending.pop()
        if _is_blank(current):
            found.append(Blank(current.lineno, lines[current.lineno - 1].strip()))
        elif isinstance(current, ast.Subscript):
            pending.append(current.value)
        else:
            pending.extend(ast.iter_child_nodes(current))
    return sorted(set(found), key=lambda blank: blank.line)


def _is_blank(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def defines(source: str, name: str) -> ast.AST | None:
    """The last function, class or assignment of this text that makes `name`; None if there is none."""
    for node in reversed(list(ast.walk(ast.parse(source)))):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == name:
            return node
        if isinstance(node, ast.Assign) and name in [getattr(target, "id", None) for target in node.targets]:
            return node
    return None


def _describe_error(error: BaseException, namespace: Mapping[str, Any], name: str) -> Problem:
    """The student's own line, then what Python said about it."""
    said = f"{type(error).__name__}: {error}".strip().removesuffix(":")
    short = said if len(said) < 400 else f"{said[:400]} ..."
    # frames of their cells; library frames below them say nothing to a student
    own = [(f, line) for f, line in traceback.walk_tb(error.__traceback__) if f.f_globals is namespace]
    if not own:
        return Problem(State.ERROR, f"Using {name} raised {short}", said)
    frame, line = own[-1]
    source = linecache.getline(frame.f_code.co_filename, line).strip()
    return Problem(State.ERROR, f"Line {line}, `{source}`, raised {short}", said)


# --- observing -------------------------------------------------------------------------------------


def observe(
    observer: Observer, obj: Any, cases: Sequence[Case], namespace: Mapping[str, Any]
) -> list[Arrays] | Problem:
    """Run the student's object on every case, quietly, and return what was seen or why nothing could be.

    Prints, warnings and progress bars of the student's code are swallowed (nbgrader scores 0 for
    anything on stderr), inputs are copied, and random states are put back.
    """
    import torch

    seen: list[Arrays] = []
    stopped: Problem | None = None
    sink = io.StringIO()
    rng = np.random.get_state()
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for case in cases:
                torch.manual_seed(0)
                np.random.seed(0)
                with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
                    try:
                        seen.append(observer.observe(obj, copy.deepcopy(case)))
                    except Stopped as stop:
                        seen.append(stop.seen)
                        stopped = stopped or _describe_error(stop.__cause__, namespace, observer.name)
        except Unfit as unfit:
            return Problem(State.INCORRECT, str(unfit), f"Unfit: {unfit}")
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return _describe_error(error, namespace, observer.name)
        finally:
            np.random.set_state(rng)
    return replace(stopped, seen=tuple(seen)) if stopped else seen
