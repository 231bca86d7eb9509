"""What was observed, compared with what is expected: state, points, and the tutor's sentences.

This half of a check never touches the student's code, so grading runs it in a process of its own.
"""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from helpers.checks.arrays import Arrays, Case
from helpers.checks.differences import Differences, differences
from helpers.checks.exercise import Exercise, Misconception, Part
from helpers.checks.observe import Blank, Problem, State
from helpers.checks.verdict import Mark, Verdict


@contextmanager
def _quiet() -> Iterator[None]:
    """What numpy and torch warn of here are values of ours: nothing that a student should read."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@_quiet()
def judge(
    exercise: Exercise,
    cases: Sequence[Case],
    observed: Sequence[Arrays] | Problem,
    blanks: Sequence[Blank] = (),
    expected: Sequence[Arrays] | None = None,
) -> Verdict:
    """The verdict on what was observed on `cases`; pure, so it can run where the student's code does not.

    Args:
        observed: what `observe` gave.
        blanks: those that the student left open.
        expected: the right arrays, one entry a case; the exercise's own `expected` if left out.
    """
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
            return nothing(exercise, state, still or lines, tuple(m.name for m in known))
        observed = problem.seen

    if expected is None:
        expected = [exercise.expected(copy.deepcopy(case)) for case in cases]
    parts, sentences, pictures = [], [], []
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
            sentence, picture = _difference(
                exercise, part, observed[wrong[0]], expected[wrong[0]], cases[wrong[0]]
            )
            sentences.append(sentence)
            pictures += [picture] if picture else []
        earned = part.points if state is State.CORRECT else 0.0
        parts.append(Mark(state, part.label, earned, part.points))
    states = {part.state for part in parts}
    if states == {State.CORRECT}:
        if problem and not left:  # every blank is right by itself, but the whole does not run
            return nothing(exercise, State.ERROR, lines, tuple(m.name for m in known))
        return Verdict(
            exercise.key, exercise.name, State.CORRECT, exercise.points, exercise.points, parts=tuple(parts)
        )
    lines += dict.fromkeys(sentences)
    if State.INCORRECT in states:
        recognised = _recognise(exercise, cases, observed, expected)
        lines += [f"That is what you get when {m.message}" for m in recognised]
        known = known + recognised
    order = (State.ERROR, State.INCORRECT, State.NOT_ATTEMPTED)
    return Verdict(
        exercise.key,
        exercise.name,
        next(state for state in order if state in states),
        round(sum(part.points for part in parts), 4),
        exercise.points,
        (*lines, *still),
        tuple(parts),
        tuple(m.name for m in known),
        tuple(dict.fromkeys(pictures)),
    )


def nothing(exercise: Exercise, state: State, lines: Sequence[str], known: tuple[str, ...] = ()) -> Verdict:
    parts = tuple(Mark(state, part.label, 0.0, part.points) for part in exercise.parts)
    return Verdict(exercise.key, exercise.name, state, 0.0, exercise.points, tuple(lines), parts, known)


def _part_agrees(exercise: Exercise, part: Part, observed: Arrays, expected: Arrays, case: Case) -> bool:
    if part.agrees is not None:
        return bool(part.agrees(observed, expected, case))
    if exercise.same(observed, expected, *part.keys):
        return True
    return (
        part.own is not None
        and all(k in observed for k in part.keys)
        and bool(part.own(observed, expected, case))
    )


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
            if not fits:
                break
        if fits and not keys & explained:
            if mistake.when is not None and found:
                continue
            found.append(mistake)
            explained |= keys
    return found


def _difference(
    exercise: Exercise, part: Part, observed: Arrays, expected: Arrays, case: Case
) -> tuple[str, Differences | None]:
    """Where the part's first array goes wrong: its shape, a NaN, or the first value that differs; and a map of it."""
    where = f"For {case['label']}: " if "label" in case else ""
    for key in part.keys:
        if key not in observed:
            return f"{where}{key} could not be observed.", None
        seen, wanted = np.asarray(observed[key]), np.asarray(expected[key])
        if seen.shape != wanted.shape:
            return f"{where}{key} should have shape {wanted.shape} but has {seen.shape}.", None
        off = ~np.isclose(seen, wanted, rtol=exercise.rtol, atol=exercise.atol)
        if not off.any():
            continue
        bad = np.isnan(seen) if np.isnan(seen).any() else off
        index = tuple(int(i) for i in np.argwhere(bad)[0])
        place = exercise.place(key, index, case) if exercise.place else f"{key}{list(index) if index else ''}"
        formula = f"{exercise.formula(key, index, case)} = " if exercise.formula else ""
        picture = differences(key, seen, wanted, off)
        if np.isnan(seen[index]):
            sentence = f"{where}{place} is NaN (not a number) but should be {formula}{_number(wanted[index])}: look for 0/0, inf - inf or a square root of a negative."
        else:
            sentence = (
                f"{where}{place} should be {formula}{_number(wanted[index])} but is {_number(seen[index])}."
            )
        return sentence, picture
    return f"{where}{part.label}: not right yet.", None


def _number(value: float) -> str:
    if float(value).is_integer() and abs(value) < 1e6:
        return str(int(value))
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e6 else f"{value:.3g}"
