"""What was observed, compared with what is expected: state, points, and the tutor's sentences.

This half of a check never touches the student's code, so grading runs it in a process of its own.
"""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from helpers.checks.arrays import CHANGED, LEARNS, Arrays, Case
from helpers.checks.differences import Differences, differences
from helpers.checks.exercise import Exercise, Misconception, Part
from helpers.checks.observe import Blank, Problem, State
from helpers.checks.verdict import Mark, Verdict

ORDER = (
    State.ERROR,
    State.INCORRECT,
    State.NOT_ATTEMPTED,
)  # the first of them that a part has is the whole's


@contextmanager
def _quiet() -> Iterator[None]:
    """What numpy and torch warn of here are values of ours: nothing that a student should read."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class Tried(NamedTuple):
    """One blank by itself: its cases, what `observe` gave on them, and the right arrays (as `judge` has them)."""

    cases: Sequence[Case]
    observed: Sequence[Arrays] | Problem
    expected: Sequence[Arrays] | None = None


@_quiet()
def judge(
    exercise: Exercise,
    cases: Sequence[Case],
    observed: Sequence[Arrays] | Problem,
    blanks: Sequence[Blank] = (),
    expected: Sequence[Arrays] | None = None,
    alone: Mapping[str, Tried] = {},
) -> Verdict:
    """The verdict on what was observed on `cases`; pure, so it can run where the student's code does not.

    Args:
        observed: what `observe` gave.
        blanks: those that the student left open.
        expected: the right arrays, one entry a case; the exercise's own `expected` if left out.
        alone: blanks tried by themselves. What such a blank gives there decides, unless the whole gives right values for
            it: there it may be right only for what a wrong blank above it gave.
    """
    whole = _judge(exercise, cases, observed, blanks, expected)
    elsewhere = [b for b in blanks if b.text.startswith("return")]
    if whole.state is State.CORRECT or elsewhere:  # `return ...`: nothing can come of any blank
        return whole

    def apart(own: Sequence[Part]) -> set[str]:
        """Arrays that other parts are judged by."""
        return {k for part in exercise.parts for k in part.keys} - {k for part in own for k in part.keys}

    by_itself: dict[str, Verdict] = {}
    for blank, tried in alone.items():
        own = tuple(part for part in exercise.parts if part.blank == blank)
        unknown = isinstance(tried.observed, Problem) and tried.observed.state is State.NOT_ATTEMPTED
        if own and not unknown and not _is_open(own[0], blanks):
            parts = tuple(
                replace(p, keys=p.alone, own=None, agrees=None) if p.alone else replace(p, own=None)
                for p in own
            )
            by_itself[blank] = _judge(
                replace(exercise, parts=parts), *tried[:2], (), tried.expected, apart(own)
            )
    marks = {part.label: part for found in by_itself.values() for part in found.parts}
    problem = observed if isinstance(observed, Problem) else None
    right = [exercise.expected(copy.deepcopy(case)) for case in cases] if expected is None else expected
    seen = problem.seen if problem else observed

    def counts(part: Part, mark: Mark) -> bool:
        """Right in the whole, and not only for what a wrong blank above it gave."""
        if mark.state is not State.CORRECT or part.label not in marks:
            return mark.state is State.CORRECT
        return all(exercise.same(a, b, *part.keys) for a, b in zip(seen, right, strict=True))

    parts = tuple(
        mark if counts(part, mark) else marks.get(part.label, mark)
        for part, mark in zip(exercise.parts, whole.parts, strict=True)
    )
    states = {part.state for part in parts}
    if states == {State.CORRECT} and problem:  # each is right, and they do not go together
        last = problem.blank or exercise.parts[-1].blank
        parts = tuple(
            mark._replace(state=State.ERROR, points=0.0, said=whole.lines) if part.blank == last else mark
            for part, mark in zip(exercise.parts, parts, strict=True)
        )
        points = round(sum(part.points for part in parts), 4)
        return replace(whole, points=points, parts=parts)
    unchanged = [part.points for part in parts] == [part.points for part in whole.parts]
    if states == {State.CORRECT} or (unchanged and problem is None and not blanks):
        return whole  # each blank is right by itself and the whole is not, or there is no more to say
    said = []
    about: dict[str, Verdict] = {}  # label of a part -> what is said about it
    right_above = True
    for blank in dict.fromkeys(part.blank for part in exercise.parts):
        own = tuple(part for part in exercise.parts if part.blank == blank)
        wanting = [
            part for part, of in zip(parts, exercise.parts, strict=True) if of in own and not part.points
        ]
        if not wanting:
            continue
        in_whole = _judge(replace(exercise, parts=own), cases, observed, blanks, expected, apart(own))
        only = all(mark.points or of in own for mark, of in zip(parts, exercise.parts, strict=True))
        # what the whole gives is this blank's doing, or all that is known
        doing = right_above and (problem is None or problem.blank == blank)
        if blank not in by_itself or (doing and in_whole.state is not State.CORRECT):
            said.append(in_whole)
        elif (
            only
            and (problem is None or problem.blank)
            and in_whole.misconceptions
            and not by_itself[blank].misconceptions
        ):
            said.append(in_whole)
        else:
            said.append(by_itself[blank])
        right_above = False
        about[wanting[0].label] = said[-1]
    still = _still(blanks)
    return _verdict(
        exercise,
        [_with(part, about.get(part.label), still) for part in parts],
        [*dict.fromkeys(line for v in said for line in v.lines if line not in still), *still],
        [name for v in said for name in v.misconceptions],
        [picture for v in said for picture in v.pictures],
    )


def _verdict(
    exercise: Exercise,
    parts: Sequence[Mark],
    lines: Sequence[str],
    known: Sequence[str],
    pictures: Sequence[Differences],
) -> Verdict:
    """One of which not all parts are right."""
    states = {part.state for part in parts}
    return Verdict(
        exercise.key,
        exercise.name,
        next(state for state in ORDER if state in states),
        round(sum(part.points for part in parts), 4),
        exercise.points,
        tuple(lines),
        tuple(parts),
        tuple(dict.fromkeys(known)),
        tuple(dict.fromkeys(pictures)),
    )


def _with(part: Mark, about: Verdict | None, still: Sequence[str]) -> Mark:
    if about is None:
        return part._replace(said=(), misconceptions=())
    lines = (*about.lines, *(picture.reading for picture in about.pictures))
    said = tuple(line for line in lines if line not in still)
    return part._replace(said=said, misconceptions=about.misconceptions)


def _is_open(part: Part, blanks: Sequence[Blank]) -> bool:
    return bool(part.blank) and any(part.blank == blank.place or part.blank in blank.text for blank in blanks)


def _still(blanks: Sequence[Blank]) -> list[str]:
    left = [f"line {b.line}: `{b.text}`" if b.line else f"`{b.text}`" for b in blanks]
    return [f"Still to fill in: {'; '.join(left)}"] if left else []


def _judge(
    exercise: Exercise,
    cases: Sequence[Case],
    observed: Sequence[Arrays] | Problem,
    blanks: Sequence[Blank],
    expected: Sequence[Arrays] | None,
    apart: Collection[str] = (),
) -> Verdict:
    """As `judge`, of one observation; `apart` are arrays of parts that are not asked for."""
    still = _still(blanks)
    lines: list[str] = []
    known: list[Misconception] = []
    problem = observed if isinstance(observed, Problem) else None
    blamed = problem is not None and (problem.certain or not still)  # not on a blank that is open
    if problem is not None:
        if blamed:
            known = [
                m
                for m in exercise.misconceptions
                if m.raises and re.search(m.raises, problem.error, re.DOTALL)
            ]
            lines = [problem.text, *(f"That is what you get when {m.message}" for m in known[:1])]
            known = known[:1]
        if not problem.seen:
            state = State.NOT_ATTEMPTED if still else problem.state
            return nothing(exercise, state, still or lines, tuple(m.name for m in known))
        observed = problem.seen

    if expected is None:
        expected = [exercise.expected(copy.deepcopy(case)) for case in cases]
    parts: list[Mark] = []
    pictures: list[Differences] = []
    readings: dict[str, str] = {}
    for part in exercise.parts:
        wrong = [
            i
            for i, case in enumerate(cases)
            if not _part_agrees(exercise, part, observed[i], expected[i], case)
        ]
        state, said = State.INCORRECT, []
        wrong = wrong or _untold(exercise, part, observed, expected)
        if not wrong:
            state = State.CORRECT
        elif _is_open(part, blanks):
            state = State.NOT_ATTEMPTED
        elif blamed and any(key not in seen for key in part.keys for seen in observed):
            state = State.ERROR
        else:
            sentence, picture = _difference(
                exercise, part, observed[wrong[0]], expected[wrong[0]], cases[wrong[0]]
            )
            said = [sentence]
            if picture:
                pictures.append(picture)
                readings[part.label] = picture.reading
        earned = part.points if state is State.CORRECT else 0.0
        parts.append(Mark(state, part.label, earned, part.points, tuple(said)))
    states = {part.state for part in parts}
    if states == {State.CORRECT}:
        if blamed:  # every blank is right by itself, but the whole does not run
            return nothing(exercise, State.ERROR, lines, tuple(m.name for m in known))
        return Verdict(
            exercise.key, exercise.name, State.CORRECT, exercise.points, exercise.points, parts=tuple(parts)
        )
    if State.INCORRECT in states:
        marked = list(zip(exercise.parts, parts, strict=True))
        right = {key for part, mark in marked if mark.points for key in part.keys}
        wrong_keys = {key for part, mark in marked if not mark.points for key in part.keys}
        for mistake, keys in _recognise(exercise, cases, observed, expected, (right | {*apart}) - wrong_keys):
            sentence = f"That is what you get when {mistake.message}"
            wanting = [n for n, mark in enumerate(parts) if mark.said]
            mine = [n for n in wanting if keys & {*exercise.parts[n].keys}] or wanting
            if len(mine) == 1 or mine != wanting:
                mark = parts[mine[0]]
                parts[mine[0]] = mark._replace(
                    said=(*mark.said, sentence), misconceptions=(*mark.misconceptions, mistake.name)
                )
            else:
                lines.append(sentence)
            known.append(mistake)
    lines += dict.fromkeys(line for part in parts for line in part.said)
    parts = [
        mark._replace(said=(*mark.said, readings[mark.label])) if mark.label in readings else mark
        for mark in parts
    ]
    return _verdict(exercise, parts, [*lines, *still], [m.name for m in known], pictures)


def nothing(exercise: Exercise, state: State, lines: Sequence[str], known: tuple[str, ...] = ()) -> Verdict:
    parts = tuple(Mark(state, part.label, 0.0, part.points) for part in exercise.parts)
    return Verdict(exercise.key, exercise.name, state, 0.0, exercise.points, tuple(lines), parts, known)


def _part_agrees(exercise: Exercise, part: Part, observed: Arrays, expected: Arrays, case: Case) -> bool:
    if _spoils(observed):
        return False
    if part.agrees is not None:
        return bool(part.agrees(observed, expected, case))
    if exercise.same(observed, expected, *part.keys):
        return True
    return (
        part.own is not None
        and all(k in observed for k in part.keys)
        and bool(part.own(observed, expected, case))
    )


def _untold(
    exercise: Exercise, part: Part, observed: Sequence[Arrays], expected: Sequence[Arrays]
) -> list[int]:
    """Of a part that agrees, the cases without right values, where all its arrays are one constant: that agrees with
    whatever constant stands in the blanks above it."""
    found = [np.ravel(seen[key]) for seen in observed for key in part.keys if key in seen]
    numbers = np.concatenate(found) if found else np.arange(2)
    numbers = numbers[np.isfinite(numbers)]
    if len(numbers) and np.ptp(numbers):
        return []
    pairs = zip(observed, expected, strict=True)
    return [n for n, (seen, wanted) in enumerate(pairs) if not exercise.same(seen, wanted, *part.keys)]


def _recognise(
    exercise: Exercise,
    cases: Sequence[Case],
    observed: Sequence[Arrays],
    expected: Sequence[Arrays],
    right: Collection[str],
) -> list[tuple[Misconception, set[str]]]:
    """The misconceptions that produce exactly what was seen, at most one for each observed array, and these arrays.

    Args:
        right: arrays of right answers only: what shows in nothing else is no mistake of this student's.
    """
    found: list[tuple[Misconception, set[str]]] = []
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
        if fits and not keys & explained and not (keys and keys <= right):
            if mistake.when is not None and found:
                continue
            found.append((mistake, keys))
            explained |= keys
    return found


def _spoils(observed: Arrays) -> str:
    """What is wrong with right values: a sentence, or ""."""
    for key in observed:
        if key.startswith(CHANGED):
            return f"`{key.removeprefix(CHANGED)}` holds something else after the call than before."
    if observed.get(LEARNS, 1) == 0:
        return "No gradient comes through, so what stands before it would never learn in training."
    return ""


def _difference(
    exercise: Exercise, part: Part, observed: Arrays, expected: Arrays, case: Case
) -> tuple[str, Differences | None]:
    """Where the part's first array goes wrong: its shape, a NaN, or the first value that differs; and a map of it."""
    where = f"For {case['label']}: " if "label" in case else ""
    spoilt = _spoils(observed)
    for key in part.keys:
        if key not in observed:
            if any(other in observed for other in part.keys):
                continue
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
    return where + (spoilt or f"{part.label}: not right yet."), None


def _number(value: float) -> str:
    if float(value).is_integer() and abs(value) < 1e6:
        return str(int(value))
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e6 else f"{value:.3g}"
