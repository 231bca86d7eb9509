"""`check("q1_position_encoding")`: try the student's object, say what is right, what is not, and why.

One call gives one of four states:

- *not attempted*: the blank still holds `...`;
- *error in your code*: it raised, with the student's own line named;
- *incorrect*: it ran and gave other values, with the first difference and, where known, the cause;
- *correct*.

The text is shown and the points are returned as a number, which is how nbgrader gives partial credit.
`observe` and `judge` are separate so that grading can run them in different processes.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import html
import io
import linecache
import re
import sys
import traceback
import types
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np
import torch

from helpers.exercises import Arrays, Case, Exercise, Misconception, Part, Stopped, Unfit, load, names


class State(str, Enum):
    NOT_ATTEMPTED = "not attempted"
    ERROR = "error in your code"
    INCORRECT = "incorrect"
    CORRECT = "correct"


MARKS = {State.NOT_ATTEMPTED: "○", State.ERROR: "✗", State.INCORRECT: "✗", State.CORRECT: "✓"}
# Okabe-Ito colours: told apart by colour-blind readers, and the mark says the same without colour.
COLOURS = {
    State.NOT_ATTEMPTED: "#0072B2",
    State.ERROR: "#D55E00",
    State.INCORRECT: "#D55E00",
    State.CORRECT: "#007A5A",
}


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


@dataclass(frozen=True)
class Verdict:
    """What became of one exercise: state, points, the tutor's sentences, and the mistake's name if it is a known one."""

    key: str
    name: str
    state: State
    points: float
    max_points: float
    lines: tuple[str, ...] = ()
    parts: tuple[tuple[State, str, float], ...] = ()
    misconceptions: tuple[str, ...] = ()

    def __str__(self) -> str:
        score = _score(self.points, self.max_points)
        rows = [f"{MARKS[self.state]} {self.state.value}: {self.name} · {score}"]
        rows += [f"  {line}" for line in self.lines]
        if len({state for state, _, _ in self.parts}) > 1:
            rows += [f"  {MARKS[state]} {label} ({state.value})" for state, label, _ in self.parts]
        if self.state is not State.CORRECT:
            rows.append(f'  Stuck? check.hint("{self.key}")')
        return "\n".join(rows)

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        head, *rest = str(self).split("\n")
        body = "".join(f"<div>{html.escape(row.strip())}</div>" for row in rest)
        style = f"border-left:6px solid {COLOURS[self.state]};padding:4px 12px;line-height:1.5"
        body = re.sub("`([^`]+)`", r"<code>\1</code>", body)
        panel = f'<div style="{style}"><strong>{html.escape(head)}</strong>{body}</div>'
        return {"text/plain": str(self), "text/html": panel}


class Points(float):
    """The points of a check: a plain number to nbgrader, "2 of 3 points" to a reader."""

    out_of: float = 0.0

    def __repr__(self) -> str:
        return f"{float(self):g}"

    def _repr_html_(self) -> str:
        return _score(self, self.out_of)


def _score(points: float, out_of: float) -> str:
    return f"{float(points):g} of {out_of:g} {'point' if out_of == 1 else 'points'}"


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
    node, lines = _definition(obj)
    found = []
    pending = [node] if node else []
    while pending:
        current = pending.pop()
        if isinstance(current, ast.Constant) and current.value is ...:
            found.append(Blank(current.lineno, lines[current.lineno - 1].strip()))
        elif isinstance(current, ast.Subscript):
            pending.append(current.value)
        else:
            pending.extend(ast.iter_child_nodes(current))
    return sorted(set(found), key=lambda blank: blank.line)


def _definition(obj: Any) -> tuple[ast.AST | None, list[str]]:
    """The syntax tree of a function or class and the lines of its cell.

    `inspect.getsource` fails for classes that were defined in a notebook before Python 3.13, so the
    cell is found through the file name that a method's code object carries.
    """
    members = vars(obj).values() if isinstance(obj, type) else [obj]
    for member in members:
        code = getattr(getattr(member, "__func__", member), "__code__", None)
        if not isinstance(code, types.CodeType):
            continue
        lines = linecache.getlines(code.co_filename)
        with contextlib.suppress(SyntaxError, ValueError):
            for node in reversed(list(ast.walk(ast.parse("".join(lines))))):
                if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == obj.__name__:
                    return node, lines
    return None, []


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


# --- observing and judging ------------------------------------------------------------------------


def observe(
    exercise: Exercise, obj: Any, cases: Sequence[Case], namespace: Mapping[str, Any]
) -> list[Arrays] | Problem:
    """Run the student's object on every case, quietly, and return what was seen or why nothing could be.

    Prints, warnings and progress bars of the student's code are swallowed (nbgrader scores 0 for
    anything on stderr), inputs are copied, and random states are put back.
    """
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
                        seen.append(exercise.observe(obj, copy.deepcopy(case)))
                    except Stopped as stop:
                        seen.append(stop.seen)
                        stopped = stopped or _describe_error(stop.__cause__, namespace, exercise.name)
        except Unfit as unfit:
            return Problem(State.INCORRECT, str(unfit), f"Unfit: {unfit}")
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return _describe_error(error, namespace, exercise.name)
        finally:
            np.random.set_state(rng)
    return replace(stopped, seen=tuple(seen)) if stopped else seen


def judge(
    exercise: Exercise,
    cases: Sequence[Case],
    observed: Sequence[Arrays] | Problem,
    blanks: Sequence[Blank] = (),
) -> Verdict:
    """The verdict on what was observed; pure, so it can run where the student's code does not."""
    left = [f"line {b.line}: `{b.text}`" if b.line else f"`{b.text}`" for b in blanks]
    still = [f"Still to fill in: {'; '.join(left)}."] if left else []
    lines: list[str] = []
    known: list[Misconception] = []
    problem = observed if isinstance(observed, Problem) else None
    if problem is not None:
        if not left:
            known = [
                m
                for m in exercise.misconceptions
                if m.raises and re.search(m.raises, problem.error, re.DOTALL)
            ]
            lines = [problem.text, *(f"That is what you get when {m.message}" for m in known[:1])]
            known = known[:1]
        if not problem.seen:
            state = State.NOT_ATTEMPTED if left else problem.state
            return _nothing(exercise, state, still or lines, tuple(m.name for m in known))
        observed = problem.seen

    expected = [exercise.expected(copy.deepcopy(case)) for case in cases]
    parts, differences = [], []
    for part in exercise.parts:
        wrong = [
            i
            for i, case in enumerate(cases)
            if not _part_agrees(exercise, part, observed[i], expected[i], case)
        ]
        state = State.INCORRECT
        if not wrong:
            state = State.CORRECT
        elif part.blank and any(part.blank in blank.text for blank in blanks):
            state = State.NOT_ATTEMPTED
        elif problem and not left and any(key not in seen for key in part.keys for seen in observed):
            state = State.ERROR
        else:
            differences.append(
                _difference(exercise, part, observed[wrong[0]], expected[wrong[0]], cases[wrong[0]])
            )
        parts.append((state, part.label, part.points if state is State.CORRECT else 0.0))
    states = {state for state, _, _ in parts}
    if states == {State.CORRECT}:
        if problem and not left:  # every blank is right by itself, but the whole does not run
            return _nothing(exercise, State.ERROR, lines, tuple(m.name for m in known))
        return Verdict(
            exercise.key, exercise.name, State.CORRECT, exercise.points, exercise.points, parts=tuple(parts)
        )
    lines += dict.fromkeys(differences)
    if State.INCORRECT in states:
        recognised = _recognise(exercise, cases, observed, expected)
        lines += [f"That is what you get when {m.message}" for m in recognised]
        known = known + recognised
    order = (State.ERROR, State.INCORRECT, State.NOT_ATTEMPTED)
    return Verdict(
        exercise.key,
        exercise.name,
        next(state for state in order if state in states),
        round(sum(points for _, _, points in parts), 4),
        exercise.points,
        (*lines, *still),
        tuple(parts),
        tuple(m.name for m in known),
    )


def _nothing(exercise: Exercise, state: State, lines: Sequence[str], known: tuple[str, ...] = ()) -> Verdict:
    parts = tuple((state, part.label, 0.0) for part in exercise.parts)
    return Verdict(exercise.key, exercise.name, state, 0.0, exercise.points, tuple(lines), parts, known)


def _part_agrees(exercise: Exercise, part: Part, observed: Arrays, expected: Arrays, case: Case) -> bool:
    if part.agrees is not None:
        return bool(part.agrees(observed, expected, case))
    return all(key in observed and exercise.close(observed[key], expected[key]) for key in part.keys)


def _recognise(
    exercise: Exercise, cases: Sequence[Case], observed: Sequence[Arrays], expected: Sequence[Arrays]
) -> list[Misconception]:
    """The misconceptions that produce exactly what was seen, at most one for each observed array."""
    found: list[Misconception] = []
    explained: set[str] = set()
    for mistake in exercise.misconceptions:
        keys: set[str] = set()
        fits = mistake.produces is not None or mistake.when is not None
        for case, seen, wanted in zip(cases, observed, expected, strict=True):
            if mistake.produces is not None:
                produced = mistake.produces(copy.deepcopy(case))
                keys |= produced.keys()
                fits = fits and all(
                    key in seen and exercise.close(seen[key], produced[key], nan=True) for key in produced
                )
            if mistake.when is not None:
                fits = fits and bool(mistake.when(seen, wanted, case))
        if fits and not keys & explained:
            if mistake.when is not None and found:
                continue
            found.append(mistake)
            explained |= keys
    return found


def _difference(exercise: Exercise, part: Part, observed: Arrays, expected: Arrays, case: Case) -> str:
    """Where the part's first array goes wrong: its shape, a NaN, or the first value that differs."""
    where = f"For {case['label']}: " if "label" in case else ""
    for key in part.keys:
        if key not in observed:
            return f"{where}{key} could not be observed."
        seen, wanted = np.asarray(observed[key]), np.asarray(expected[key])
        if seen.shape != wanted.shape:
            return f"{where}{key} should have shape {wanted.shape} but has {seen.shape}."
        off = ~np.isclose(seen, wanted, rtol=exercise.rtol, atol=exercise.atol)
        if not off.any():
            continue
        bad = np.isnan(seen) if np.isnan(seen).any() else off
        index = tuple(int(i) for i in np.argwhere(bad)[0])
        place = exercise.place(key, index, case) if exercise.place else f"{key}{list(index) if index else ''}"
        formula = f"{exercise.formula(key, index, case)} = " if exercise.formula else ""
        if np.isnan(seen[index]):
            return f"{where}{place} is NaN (not a number) but should be {formula}{_number(wanted[index])}: look for 0/0, inf - inf or a square root of a negative."
        return f"{where}{place} should be {formula}{_number(wanted[index])} but is {_number(seen[index])}."
    return f"{where}{part.label}: not right yet."


def _number(value: float) -> str:
    if float(value).is_integer() and abs(value) < 1e6:
        return str(int(value))
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e6 else f"{value:.3g}"


# --- what a notebook calls ------------------------------------------------------------------------


class Check:
    """`check(key)` shows a verdict and returns its points; `check.hint(key)` and `check.ready(key)` help on the way."""

    def __init__(self) -> None:
        self._hints_given: dict[str, int] = {}

    def __call__(self, key: str) -> Points:
        """Check the object that the notebook defines for exercise `key`.

        Args:
            key: an exercise's name, e.g. "q1_position_encoding".

        Returns:
            The points, 0 to the exercise's maximum; the message is shown.

        Raises:
            KeyError: if there is no such exercise.
        """
        verdict = self.verdict(key, sys._getframe(1).f_globals)
        _show(verdict)
        points = Points(verdict.points)
        points.out_of = verdict.max_points
        return points

    def verdict(self, key: str, namespace: Mapping[str, Any], seed: int = 0) -> Verdict:
        """As `check(key)`, for the objects in `namespace`, without showing anything."""
        exercise = load(key)
        if exercise.name not in namespace:
            text = (
                f"`{exercise.name}` is not defined. Run the cell above that defines it, then this one; "
                "if that cell ended in an error, mend it first."
            )
            return _nothing(exercise, State.ERROR, [text])
        obj = namespace[exercise.name]
        cases = exercise.cases(seed)
        blanks = blanks_left(obj)
        return judge(exercise, cases, observe(exercise, obj, cases, namespace), blanks)

    def hint(self, key: str) -> None:
        """Print the next hint for exercise `key`; the last one is nearly the answer."""
        hints = load(key).hints
        given = min(self._hints_given.get(key, 0), len(hints) - 1)
        self._hints_given[key] = given + 1
        print(f"Hint {given + 1} of {len(hints)}: {hints[given]}")

    def ready(self, key: str) -> bool:
        """True if exercise `key` is correct; else says that the cell waits for it and returns False."""
        verdict = self.verdict(key, sys._getframe(1).f_globals)
        if verdict.state is State.CORRECT:
            return True
        print(
            f"This cell uses your {verdict.name}: come back when its check says correct (now: {verdict.state.value})."
        )
        return False

    def __repr__(self) -> str:
        return f"check(key), check.hint(key), check.ready(key); keys: {', '.join(names())}"


def _show(verdict: Verdict) -> None:
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        ipython.display.display(verdict._repr_mimebundle_(), raw=True)
    else:
        print(verdict)


check = Check()
