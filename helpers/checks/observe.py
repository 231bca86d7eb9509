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
import random
import re
import traceback
import types
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import numpy as np

from helpers.checks.alone import INSTEAD, NotAlone, Place, Trial, alone, cell_of, defines, located, owner
from helpers.checks.arrays import CHANGED, Arrays, Case, Stopped, Unfit


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
        places: where the blanks stand, from top to bottom, so that each can be tried by itself; the names are those of
            `Part.blank`.
    """

    name: str
    observe: Callable[[Any, Case], Arrays]
    places: Mapping[str, Place] = field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    """Why nothing could be observed: an exception of the student's code, or an object that does not fit."""

    state: State
    text: str  # a sentence for the student
    error: str = ""  # "TypeName: message", what `Misconception.raises` searches
    seen: tuple[Arrays, ...] = ()  # what was observed all the same, one entry a case
    certain: bool = False  # whatever blanks are open, this is not their doing
    blank: str = ""  # the one in whose line the exception arose, as in `Observer.places`


@dataclass(frozen=True)
class Blank:
    line: int
    text: str
    place: str = ""  # the blank of the exercise that it is, as in `Observer.places`


# --- the student's source: which blanks are left, and whose line failed ---------------------------


def blanks_left(obj: Any, name: str = "", places: Mapping[str, Place] = {}) -> list[Blank]:
    """Where `obj` (function, class, or a container of answers) still holds `...`.

    An Ellipsis inside square brackets is ordinary indexing (`x[..., 0]`) and does not count.
    """
    if isinstance(obj, Entries):
        return blanks_in(obj.source, name)
    if isinstance(obj, Mapping):
        return [Blank(0, f"{key}: ...") for key, value in obj.items() if value is ...]
    if isinstance(obj, (list, tuple)):
        return [Blank(0, f"[{i}]: ...") for i, value in enumerate(obj) if value is ...]
    if obj is ...:
        return [Blank(0, "...")]
    source = cell_of(obj)[1]
    return blanks_in(source, obj.__name__, places) if source else []


def blanks_in(source: str, name: str, places: Mapping[str, Place] = {}) -> list[Blank]:
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
    lines = [line.strip() for line in source.splitlines()]
    found = []
    where = {id(n): key for key, p in places.items() if node for at in located(node, p) for n in ast.walk(at)}
    pending = [node] if node else []
    while pending:
        current = pending.pop()
        if _is_blank(current):
            found.append(Blank(current.lineno, lines[current.lineno - 1], where.get(id(current), "")))
        elif isinstance(current, ast.Subscript):
            pending.append(current.value)
        else:
            pending.extend(ast.iter_child_nodes(current))
    return sorted(set(found), key=lambda blank: blank.line)


def _is_blank(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def _describe_error(error: BaseException, namespace: Mapping[str, Any], observer: Observer) -> Problem:
    """The student's own line, then what Python said about it."""
    said = f"{type(error).__name__}: {error}".strip().removesuffix(":")
    first = said.split("\n")[0]  # some of torch's errors are long lists
    short = first if len(first) < 300 else f"{first[:300]} ..."
    # frames of their cells; library frames below them say nothing to a student
    own = [
        (f, line)
        for f, line in traceback.walk_tb(error.__traceback__)
        if f.f_globals is namespace or INSTEAD in f.f_globals
    ]
    if not own:
        return Problem(State.ERROR, f"Using {observer.name} raised {short}", said)
    frame, line = own[-1]
    source = linecache.getline(frame.f_code.co_filename, line).strip()
    blank = owner(frame.f_code.co_filename, line, observer.name, observer.places)
    return Problem(State.ERROR, f"Line {line}, `{source}`, raised {short}", said, blank=blank)


# --- the student's cells: what was run last, and entries one by one ---------------------------------


class Entries(dict):
    """A dict of answers that was made entry by entry, as its cell raised; what raised is left open.

    Args:
        problem: of the first entry that raised; None if all could be made.
        source: the text of the cell.
    """

    problem: Problem | None = None
    source: str = ""


def entries(source: str, name: str, namespace: Mapping[str, Any]) -> Entries | None:
    """The dict `name` of a cell with this text, each entry by itself; None if it makes no such dict."""
    with contextlib.suppress(SyntaxError, ValueError):
        value = getattr(defines(source, name), "value", None)
        if not isinstance(value, ast.Dict) or not all(isinstance(key, ast.Constant) for key in value.keys):
            return None
        made = Entries()
        made.source = source
        for key, item in zip(value.keys, value.values, strict=True):
            text = ast.get_source_segment(source, item)
            try:
                made[key.value] = eval(compile(ast.Expression(item), "<cell>", "eval"), {**namespace})
            except Exception as error:
                said = f"{type(error).__name__}: {error}"
                made[key.value] = ...
                made.problem = made.problem or Problem(
                    State.ERROR, f"Line {item.lineno}, `{text}`, raised {said[:400]}", said, certain=True
                )
        return made
    return None


def last_cell(name: str, namespace: Mapping[str, Any]) -> tuple[str, str, int]:
    """The text of the last cell that was run to define `name`, what is wrong with it if it is no Python, and its place in
    the history of cells; ("", "", 0) if there is none."""
    begins = re.compile(rf"^(async )?(def|class) {name}\b|^{name}\s*(:.*)?=[^=]", re.MULTILINE)
    history = namespace.get("In")
    for number, text in reversed(list(enumerate(history if isinstance(history, list) else []))):
        if isinstance(text, str) and begins.search(text):
            try:
                made = [getattr(node, "name", "") for node in ast.parse(text).body] + [
                    getattr(target, "id", "")
                    for node in ast.parse(text).body
                    if isinstance(node, ast.Assign)
                    for target in node.targets
                ]
            except SyntaxError as error:
                line = (text.splitlines()[(error.lineno or 1) - 1 :] or [""])[0].strip()
                return text, f"{type(error).__name__} in line {error.lineno}, `{line}`: {error.msg}", number
            except ValueError as error:
                return text, str(error), number
            if name in made:  # not only in a string
                return text, "", number
    return "", "", 0


def subject(name: str, namespace: Mapping[str, Any]) -> tuple[Any, str]:
    """What stands under this name, or can be made of its cell (None if nothing), and why that is not the latest."""
    text, fault, number = last_cell(name, namespace)
    if name not in namespace:
        if (made := entries(text, name, namespace)) is not None:
            return made, ""  # its cell ended in an error: each entry is tried by itself
        why = (
            f"that cell ended in an error ({fault}): mend it first"
            if fault
            else "if it ended in an error, mend it first"
        )
        return None, f"`{name}` is not defined. Run the cell above that defines it, then this one; {why}."
    obj = namespace[name]
    # only where the cell that made it is known, and came before: a file, a magic or other tools may have made it since
    source = cell_of(obj)[1].strip() if isinstance(obj, (type, types.FunctionType)) else ""
    earlier = (
        [cell.strip() for cell in namespace.get("In", [])[:number] if isinstance(cell, str)] if number else []
    )
    made_before = source in earlier if source else bool(fault and last_cell(name, {"In": earlier})[0])
    if made_before and source != text.strip():
        why = f" ({fault})" if fault else ""
        return obj, (
            f"The cell that you ran last to define `{name}` ended in an error{why}, so only an older version is there. "
            "Mend that cell, run it, then this one."
        )
    made = entries(text, name, namespace) if isinstance(obj, dict) else None
    if made is not None and made.problem and any(v is not ... and obj.get(k) != v for k, v in made.items()):
        return made, ""  # the dict is of an earlier cell
    return obj, ""


def changes(after: Case, before: Case) -> Arrays:
    """The inputs that hold something else now: the student's code has written into what belongs to its caller."""
    import torch

    def same(a: Any, b: Any) -> bool:
        if isinstance(b, (list, tuple)):
            return len(a) == len(b) and all(map(same, a, b))
        return torch.equal(a, b) if isinstance(b, torch.Tensor) else bool(a == b)

    names = [name for name, value in before.items() if isinstance(value, (torch.Tensor, list, tuple))]
    return {f"{CHANGED}{name}": np.array(1.0) for name in names if not same(after[name], before[name])}


@contextlib.contextmanager
def own_world() -> Iterator[None]:
    """What a student's cells have switched on and not off again does not reach the check: numbers are float32, on the
    processor, with gradients, and warnings of numpy are no errors."""
    import torch

    kind = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    modes = torch.inference_mode(False), torch.enable_grad(), torch.autocast("cpu", enabled=False)
    drawn = random.getstate()
    try:
        with torch.device("cpu"), modes[0], modes[1], modes[2], np.errstate(all="warn"):
            with torch.random.fork_rng(devices=[]):
                yield
    finally:
        random.setstate(drawn)
        torch.set_default_dtype(kind)


# --- observing -------------------------------------------------------------------------------------


@own_world()
def observe(
    observer: Observer, obj: Any, cases: Sequence[Case], namespace: Mapping[str, Any]
) -> list[Arrays] | Problem:
    """Run the student's object on every case, quietly, and return what was seen or why nothing could be.

    Where a case says `alone`, only this blank is tried, with what the case gives in place of the others; where the text
    has another form there is nothing to say about it, and its state is *not attempted*.

    Prints, warnings and progress bars of the student's code are swallowed (nbgrader scores 0 for
    anything on stderr), inputs are copied, and random states are put back.
    """
    import torch

    seen: list[Arrays] = []
    stopped: Problem | None = getattr(obj, "problem", None)
    trial = Trial()
    sink = io.StringIO()
    rng = np.random.get_state()
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for case in cases:
                # torch.manual_seed is for GPUs, too: that would stay, and takes a hundred times as long
                torch.default_generator.manual_seed(0)
                np.random.seed(0)
                with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
                    inputs = copy.deepcopy(case)
                    try:
                        tried = obj
                        if "alone" in case:
                            trial = alone(
                                obj, observer.name, observer.places, case["alone"], inputs["given"], namespace
                            )
                            tried = trial.obj
                        found = observer.observe(tried, inputs)
                    except Stopped as stop:
                        found = stop.seen
                        stopped = stopped or _describe_error(stop.__cause__, namespace, observer)
                    finally:
                        trial.over = True
                seen.append({**found, **changes(inputs, case)})
        except NotAlone:
            return Problem(State.NOT_ATTEMPTED, "")
        except Unfit as unfit:
            if trial.failed:
                return Problem(State.NOT_ATTEMPTED, "")
            return Problem(State.INCORRECT, str(unfit), f"Unfit: {unfit}")
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if trial.failed:
                return Problem(State.NOT_ATTEMPTED, "")
            return _describe_error(error, namespace, observer)
        finally:
            np.random.set_state(rng)
    if stopped and trial.failed:
        return Problem(State.NOT_ATTEMPTED, "")
    return replace(stopped, seen=tuple(seen)) if stopped else seen
