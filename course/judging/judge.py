"""The kernel computes, the judge decides.

A submission runs in a sandboxed kernel. Where a test cell `check("<key>")` stands, the judge sends inputs into the
kernel, gets back the arrays that the student's object gave, and compares them here, in another process, with what the
*solution notebook's* object gave on the same inputs in a kernel of its own. Expected values and points are never in the
student's kernel, hidden inputs only while they are tried; so nothing that runs there can earn a point but a right answer.

Two sets of inputs are tried. The public ones are those of the student's own check: what is said about them is word for
word what that check says. The hidden ones are drawn from a seed that belongs to the release. Points need both; of the
hidden ones nothing is shown.
"""

import copy
import functools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import nbformat
import numpy as np
from nbformat import NotebookNode

from course.base.text import digest, printable
from course.judging import messages, reading, records
from course.judging.execute import TEXT, Observation, run
from course.judging.reading import MOST_BLANKS, Text, plain
from course.judging.records import Record
from course.judging.session import NoKernel
from course.notebook.cells import grade_id, is_own, is_test
from course.notebook.rebuild import Repair
from course.notebook.release import HIDDEN, PUBLIC, JudgeError, Release
from course.sandbox.limits import Limits
from course.sandbox.sandbox import NoSandbox, level
from helpers import exercises
from helpers.checks import render, wire
from helpers.checks.arrays import Arrays, Case
from helpers.checks.exercise import Exercise
from helpers.checks.judge import Tried, judge, nothing
from helpers.checks.observe import Blank, Problem, State, blanks_in
from helpers.checks.verdict import Verdict

KEPT = {"limit": 10**9, "tree_limit": 10**8}  # a file of ours, with the figures of a whole notebook
GENEROUS = Limits(cell_seconds=300, notebook_seconds=1200)  # for the solution

# --- the reference --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reference:
    """What the solution notebook gives."""

    # of its own objects: key -> set of inputs -> arrays of each case
    arrays: Mapping[str, Mapping[str, Sequence[Arrays]]]
    # the same for each blank tried by itself: key -> blank -> set of inputs -> arrays of each case
    alone: Mapping[str, Mapping[str, Mapping[str, Sequence[Arrays]]]]
    # of the given cells, by id: JSON in an array of bytes, as texts have to be shorter
    outputs: np.ndarray

    @functools.cached_property
    def shown(self) -> dict[str, list[NotebookNode]]:
        return nbformat.from_dict(json.loads(self.outputs.tobytes()))


def reference(release: Release, folder: Path, sandboxed: bool = True) -> Reference:
    """Observed once, then kept.

    Args:
        folder: of the records.

    Raises:
        JudgeError: if the solution does not pass its own checks, or gives other points than its exercises.
    """
    path = folder / f"reference-{digest(release.digest, version_of(release))}"
    try:
        return _kept(path, path.stat().st_mtime_ns)
    except (OSError, ValueError, TypeError):
        pass
    for cell in filter(is_test, release.solution.cells):
        given, now = cell.metadata.nbgrader.points, exercises.load(release.tests[grade_id(cell)]).points
        if given != now:
            raise JudgeError(
                f"{release.part}/{release.name}: {grade_id(cell)} gives {given:g} in the notebook, but {now:g} in its "
                "exercise. Run `make notebooks`, then this again."
            )
    found: dict[str, dict[str, list[Arrays]]] = {}
    alone: dict[str, dict[str, dict[str, list[Arrays]]]] = {}

    def on_observed(key: str, seen: Observation) -> State:
        exercise, cases = exercises.load(key), release.cases(key)
        for name in cases:
            result = judge(exercise, cases[name], seen.found[name]) if name in seen.found else seen
            if getattr(result, "state", None) is not State.CORRECT:
                raise JudgeError(
                    f"The solution of {release.part}/{release.name} does not pass {key}: {result}"
                )
        found[key] = {name: [dict(arrays) for arrays in seen.found[name]] for name in cases}
        alone[key] = {blank: by_set(tried) for blank, tried in seen.alone.items()}
        return State.CORRECT

    def by_set(tried: Mapping[str, Sequence[Arrays] | Problem]) -> dict[str, list[Arrays]]:
        """Nothing where the solution's text does not let this blank be tried by itself."""
        return {
            name: [dict(a) for a in seen] for name, seen in tried.items() if not isinstance(seen, Problem)
        }

    nb = run(release, release.solution, GENEROUS, sandboxed, on_observed, every_blank=True)
    shown = {cell.id: cell.outputs for cell in nb.cells if cell.cell_type == "code" and not is_own(cell)}
    made = Reference(found, alone, np.frombuffer(json.dumps(shown).encode(), np.uint8))
    records.write(path, wire.dump(vars(made)))
    return made


@functools.lru_cache(maxsize=64)
def _kept(path: Path, _: int) -> Reference:
    return Reference(**wire.parse(path.read_bytes(), **KEPT))


# --- the verdict ----------------------------------------------------------------------------------


def verdict(
    exercise: Exercise,
    cases: Mapping[str, list[Case]],
    seen: Observation,
    expected: Mapping[str, list[Arrays]],
    text: Text,
    borrowed: str = "",
    alone: Mapping[str, Mapping[str, Tried]] = {},
) -> Verdict:
    """One exercise of one student.

    Args:
        cases, expected: by set of inputs; what the solution gave on them.
        text: the student's that defines the object, else that of the answer cell.
        borrowed: what of the course's checking code the student's cells import, if they do.
        alone: by set of inputs: the blanks that were tried by themselves.
    """
    blanks: Sequence[Blank] = text.blanks
    if blanks:  # at most a cell of this size is read at all
        found_in = blanks_in(plain(text.source)[0], exercise.name, exercise.observer.places)[:MOST_BLANKS]
        blanks = [replace(blank, text=printable(blank.text)[:TEXT]) for blank in found_in]
    if borrowed:
        return nothing(exercise, State.INCORRECT, [messages.BORROWED.format(borrowed)])
    if seen.ended is not None:
        return nothing(exercise, seen.ended, [messages.ENDED[seen.ended]])
    if seen.garbled:
        return nothing(exercise, State.ERROR, [messages.GARBLED])
    if seen.missing:
        if blanks:
            return judge(exercise, cases[PUBLIC], Problem(State.ERROR, ""), blanks)
        return nothing(exercise, State.ERROR, [text.error or messages.UNDEFINED.format(exercise.name)])
    found = {
        name: judge(exercise, cases[name], seen.found[name], blanks, expected[name], alone.get(name, {}))
        for name in (PUBLIC, HIDDEN)
    }
    return combine(exercise, found[PUBLIC], found[HIDDEN], seen.found[HIDDEN])


def by_themselves(
    release: Release, key: str, seen: Observation, expected: Reference
) -> dict[str, dict[str, Tried]]:
    """What the blanks of exercise `key` gave by themselves, by set of inputs."""
    cases, right = release.alone(key) if seen.alone else {}, expected.alone[key]
    return {
        name: {
            blank: Tried(cases[blank][name], tried[name], right[blank][name])
            for blank, tried in seen.alone.items()
            if name in right[blank]
        }
        for name in (PUBLIC, HIDDEN)
    }


def combine(
    exercise: Exercise, public: Verdict, hidden: Verdict, seen: Sequence[Arrays] | Problem
) -> Verdict:
    """Points need both; the words are about the public inputs, and of the hidden ones only that something differs."""
    parts = tuple(
        a._replace(state=b.state if a.state is State.CORRECT else a.state, points=min(a.points, b.points))
        for a, b in zip(public.parts, hidden.parts, strict=True)
    )
    shown = public if public.state is not State.CORRECT else hidden
    points = round(sum(part.points for part in parts), 4)
    lines = public.lines
    if hidden.state is not State.CORRECT and (public.state is State.CORRECT or points < public.points):
        lines += (messages.NOT_FOR_OTHERS,)
        if isinstance(seen, Problem):
            lines += (f"There it raised {re.match('[A-Za-z_]*', seen.error)[0] or 'an error'}.",)
        known = {m.name: m.message for m in exercise.misconceptions}
        lines += tuple(f"That is what you get when {known[name]}" for name in hidden.misconceptions)
    state = shown.state
    if isinstance(seen, Problem) and re.search(r"^MemoryError|DefaultCPUAllocator", seen.error):
        state = State.MEMORY
    mistakes = tuple(dict.fromkeys(public.misconceptions + hidden.misconceptions))
    said = {"lines": lines, "misconceptions": mistakes, "pictures": public.pictures}
    return replace(shown, state=state, points=points, parts=parts, **said)


# --- one submission -------------------------------------------------------------------------------


def version_of(release: Release) -> str:
    """Of all that decides on this release's exercises."""
    return records.version(tuple(release.tests.values()))


def key_of(release: Release, data: bytes, sandboxed: bool = True) -> str:
    """The name of the record of these bytes: the same wherever they are judged, in whatever kind of sandbox."""
    isolation = "sandbox" if sandboxed else "none"
    return digest(release.digest, digest(data), version_of(release), isolation)


def grade(
    release: Release,
    data: bytes,
    folder: Path,
    *,
    limits: Limits | None = None,
    sandboxed: bool = True,
    again: bool = False,
) -> tuple[NotebookNode, Record]:
    """Judge the bytes that a student sent; the record is kept in `folder` and found there the next time.

    Args:
        again: run it even if there is a record.

    Returns:
        The notebook to show, with outputs, and the record.

    Raises:
        JudgeError, NoSandbox: before anything of the student's runs. Whatever the bytes are, they raise nothing.
    """
    known = None if again else find(release, data, folder, sandboxed)
    if known is not None:
        return known
    record = judge_submission(release, data, folder, limits=limits, sandboxed=sandboxed)
    records.save(folder, record)
    return with_verdicts(record), record


def find(
    release: Release, data: bytes, folder: Path, sandboxed: bool = True
) -> tuple[NotebookNode, Record] | None:
    """What `grade` returns, if there is a record; nothing is run."""
    record = records.load(folder, key_of(release, data, sandboxed))
    return record and (with_verdicts(record), record)


def judge_submission(
    release: Release, data: bytes, folder: Path, *, limits: Limits | None = None, sandboxed: bool = True
) -> Record:
    """Run the bytes that a student sent and judge them; no record is looked for or kept.

    Args:
        folder: where what the solution gives is kept.

    Raises:
        As `grade`.
    """
    found = reading.read(release, data)
    nb, marks = found.nb, {}
    attention = [repair.what for repair in found.repairs if repair.human]
    if found.unreadable:
        attention.append(found.unreadable)
        for key in release.tests.values():
            marks[key] = nothing(exercises.load(key), State.UNREADABLE, [found.unreadable])
    else:
        expected = reference(release, folder, sandboxed)

        def on_observed(key: str, seen: Observation) -> State:
            exercise = exercises.load(key)
            try:
                cases, tried = release.cases(key), by_themselves(release, key, seen, expected)
                given = exercise, cases, seen, expected.arrays[key], found.texts[key], found.borrowed, tried
                marks[key] = verdict(*given)
            except Exception as error:  # arrays that no honest observation holds
                marks[key] = unjudged(key, error)
            attention.extend(f"{key}: {line}" for line in seen.left_out)
            if seen.garbled:
                attention.append(f"{key}: {seen.garbled}")
            return marks[key].state

        def unjudged(key: str, error: Exception) -> Verdict:
            attention.append(f"{key}: judging raised {type(error).__name__}: {str(error)[:400]}")
            return nothing(exercises.load(key), State.ERROR, [messages.UNJUDGED])

        try:
            nb = run(release, nb, limits or Limits(), sandboxed, on_observed, expected.shown)
        except (NoKernel, NoSandbox, OSError):  # the machine's fault: another try may do better
            raise
        except Exception as error:  # whatever a kernel has sent: what was observed before keeps its points
            marks = {key: marks.get(key) or unjudged(key, error) for key in release.tests.values()}
        marks = {key: with_reasons(mark, found.repairs) for key, mark in marks.items()}

    repairs = tuple(f"{it.cell}: {it.what}" if it.cell else it.what for it in found.repairs)
    verdicts = {test: marks[key] for test, key in release.tests.items()}
    return _record(
        release, data, sandboxed, verdicts, nb, repairs=repairs, attention=tuple(dict.fromkeys(attention))
    )  # a lost kernel's notebook is run again


def given_up(release: Release, data: bytes, state: State, why: str, sandboxed: bool = True) -> Record:
    """The record of bytes that nobody could judge, for a person to look at; `why` is a sentence."""
    marks = {
        test: nothing(exercises.load(key), state, [messages.UNJUDGED]) for test, key in release.tests.items()
    }
    return _record(release, data, sandboxed, marks, release.notebook, attention=(why,))


def _record(
    release: Release, data: bytes, sandboxed: bool, marks: Mapping, nb: NotebookNode, **said: tuple
) -> Record:
    return Record(
        key=key_of(release, data, sandboxed),
        part=release.part,
        notebook=release.name,
        submission=digest(data),
        release=release.digest,
        version=version_of(release),
        level=level() if sandboxed else "none",
        verdicts=marks,
        content=nb,
        **said,
    )


def with_reasons(mark: Verdict, repairs: Sequence[Repair]) -> Verdict:
    """The verdict, with what a person is told that may be the reason for it."""
    about = [repair.what for repair in repairs if repair.human and repair.kind in ("python", "missing")
             and repair.cell in ("", mark.key)] * (mark.state is not State.CORRECT)  # fmt: skip
    return replace(mark, lines=(*mark.lines, *(messages.TOLD.format(what) for what in about)))


def with_verdicts(record: Record) -> NotebookNode:
    """The notebook of the record, and in its test cells the verdicts as nbgrader reads them."""
    nb = nbformat.from_dict(copy.deepcopy(record.content))
    for cell in nb.cells:
        if (mark := record.verdicts.get(grade_id(cell))) is not None:
            cell.outputs = shown(mark, float(cell.metadata.nbgrader.points))
    nb.metadata["vit"] = stamp(record)
    return nb


def stamp(record: Record) -> dict[str, str]:
    """What an autograded notebook says about its record."""
    return {
        "record": record.key,
        "content": records.digest_of(record),
        "submission": record.submission,
        "verdict": record.state.name.lower(),
        "sandbox": record.level,
    }


def _shortly(lines: Sequence[str]) -> str:
    """The first sentence of the tutor, and the cause if it is known."""
    causes = [line for line in lines[1:] if line.startswith("That is what you get")]
    return " ".join([*lines[:1], *causes[:1]])


def shown(mark: Verdict, most: float) -> list[NotebookNode]:
    """A test cell's outputs: what the tutor says, then the points, which nbgrader takes from the result."""
    points = min(max(mark.points, 0.0), most)
    result = {"text/plain": repr(points), "text/html": render.score(points, most)}
    parts = [[p.state.value, p.label, p.points, p.max_points, _shortly(p.said)] for p in mark.parts]
    summary = {"key": mark.key, "name": mark.name, "state": mark.state.value, "parts": parts}
    summary["said"] = _shortly(mark.lines)
    return [  # the metadata is what feedback pages tabulate
        nbformat.v4.new_output("display_data", data=render.bundle(mark), metadata={"vit": summary}),
        nbformat.v4.new_output("execute_result", data=result),
    ]
