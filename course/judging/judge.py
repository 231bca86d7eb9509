"""The kernel computes, the judge decides.

A submission runs in a sandboxed kernel. Where a test cell `check("<key>")` stands, the judge sends inputs into the
kernel, gets back the arrays that the student's object gave, and compares them here, in another process, with what the
*solution notebook's* object gave on the same inputs in a kernel of its own. Expected values and points are never in the
student's kernel, hidden inputs only while they are tried; so nothing that runs there can earn a point but a right answer.

Two sets of inputs are tried. The public ones are those of the student's own check: what is said about them is word for
word what that check says. The hidden ones are drawn from a seed that belongs to the release. Points need both; of the
hidden ones nothing is shown.
"""

import ast
import copy
import json
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import nbformat
import numpy as np
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from course.base.text import digest
from course.judging import messages, records, sanitise
from course.judging.execute import Observation, opening, run
from course.judging.records import Record
from course.notebook.cells import grade_id, is_answer
from course.notebook.read import Unreadable, parse
from course.notebook.rebuild import rebuild
from course.notebook.release import HIDDEN, PUBLIC, JudgeError, Release
from course.sandbox.limits import Limits
from course.sandbox.sandbox import level
from helpers import exercises
from helpers.checks import render, wire
from helpers.checks.arrays import Arrays, Case
from helpers.checks.exercise import Exercise
from helpers.checks.judge import Tried, judge, nothing
from helpers.checks.observe import Problem, State, blanks_in, defines
from helpers.checks.verdict import Verdict

KNOWING = ("helpers.exercises", "helpers.observers", "helpers.vit.pieces")
GENEROUS = Limits(cell_seconds=300, notebook_seconds=1200)  # for the solution

# --- the reference --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reference:
    """What the solution notebook gives."""

    # of its own objects: key -> set of inputs -> arrays of each case
    arrays: Mapping[str, Mapping[str, Sequence[Arrays]]]
    # the same for each blank tried by itself: key -> blank -> set of inputs -> arrays of each case
    alone: Mapping[str, Mapping[str, Mapping[str, Sequence[Arrays]]]]
    # of the given cells above the first answer: JSON in an array of bytes, as texts have to be shorter
    outputs: np.ndarray

    @property
    def shown(self) -> list[list[NotebookNode]]:
        return nbformat.from_dict(json.loads(self.outputs.tobytes()))


def reference(release: Release, folder: Path, sandboxed: bool = True) -> Reference:
    """Observed once, then kept.

    Args:
        folder: of the records.

    Raises:
        JudgeError: if the solution does not pass its own checks.
    """
    path = folder / f"reference-{digest(release.digest, version_of(release))}.npz"
    try:
        return Reference(**wire.parse(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        pass
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
    shown = [cell.get("outputs", []) for cell in nb.cells[: opening(release, nb)]]
    made = Reference(found, alone, np.frombuffer(json.dumps(shown).encode(), np.uint8))
    records.write(path, wire.dump(vars(made)))
    return made


# --- the verdict ----------------------------------------------------------------------------------


def verdict(
    exercise: Exercise,
    cases: Mapping[str, list[Case]],
    seen: Observation,
    expected: Mapping[str, list[Arrays]],
    source: str,
    borrowed: str = "",
    alone: Mapping[str, Mapping[str, Tried]] = {},
) -> Verdict:
    """One exercise of one student.

    Args:
        cases, expected: by set of inputs; what the solution gave on them.
        source: the student's text that defines the object, else that of the answer cell.
        borrowed: what of the course's checking code the student's cells import, if they do.
        alone: by set of inputs: the blanks that were tried by themselves.
    """
    source, error = plain(source)
    blanks = [] if error else blanks_in(source, exercise.name)
    if borrowed:
        return nothing(exercise, State.INCORRECT, [messages.BORROWED.format(borrowed)])
    if seen.ended is not None:
        return nothing(exercise, seen.ended, [messages.ENDED[seen.ended]])
    if seen.garbled:
        return nothing(exercise, State.ERROR, [messages.GARBLED])
    if seen.missing:
        if blanks:
            return judge(exercise, cases[PUBLIC], Problem(State.ERROR, ""), blanks)
        return nothing(exercise, State.ERROR, [error or messages.UNDEFINED.format(exercise.name)])
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


def plain(source: str) -> tuple[str, str]:
    """The cell as Python (magics and shell lines turned into calls), and a sentence if it is none."""
    try:
        text = TransformerManager().transform_cell(source)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
        return text, ""
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        lines = source.splitlines()
        known = line and line <= len(lines)
        where = f"Line {line}, `{lines[line - 1].strip()[:80]}`" if known else "Your cell"
        return "", f"{where}, is not Python that can be read: {getattr(error, 'msg', error)}."


def own_cells(release: Release, nb: NotebookNode) -> list[NotebookNode]:
    """The code cells whose text is the student's: answers and cells of their own."""
    given = {cell.id for cell in release.notebook.cells if not is_answer(cell)}
    return [cell for cell in nb.cells if cell.cell_type == "code" and cell.id not in given]


def source_of(release: Release, nb: NotebookNode, key: str) -> str:
    """The last of the student's cells before the test that defines the exercise's name; else the answer cell's text."""
    name, found = exercises.load(key).name, ""
    own = {cell.id for cell in own_cells(release, nb)}
    for cell in nb.cells:
        if release.tests.get(grade_id(cell)) == key:
            break
        if cell.id in own:
            text, _ = plain(cell.source)
            if grade_id(cell) == key or (text and defines(text, name)):
                found = cell.source
    return found


def borrowed(release: Release, nb: NotebookNode) -> str:
    """The first import of what the course knows of this notebook's own exercises in a cell of the student's, or ""."""
    own = {*release.tests.values(), "load"}
    known = {f"{room}.{name}" for room in KNOWING for name in own}
    for cell in own_cells(release, nb):
        text, _ = plain(cell.source)
        for node in ast.walk(ast.parse(text)):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                modules = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for module in modules:
                if any(f"{module}.".startswith(f"{name}.") for name in known):
                    return module
    return ""


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


@lru_cache(maxsize=1)  # nbgrader's autograder asks for it twice
def rebuilt(release: Release, data: bytes) -> tuple[NotebookNode, list, str]:
    """The notebook, not to be changed, its repairs, and a sentence if the bytes could not be read: then it is the release."""
    try:
        return *rebuild(release.notebook, parse(data)), ""
    except Unreadable as error:
        return release.notebook, [], f"The file {error.reason}."


def judge_submission(
    release: Release, data: bytes, folder: Path, *, limits: Limits | None = None, sandboxed: bool = True
) -> Record:
    """Run the bytes that a student sent and judge them; no record is looked for or kept.

    Args:
        folder: where what the solution gives is kept.

    Raises:
        As `grade`.
    """
    nb, repairs, unreadable = rebuilt(release, data)
    marks: dict[str, Verdict] = {}
    attention = [repair.what for repair in repairs if repair.human]
    if unreadable:
        attention.append(unreadable)
        for key in release.tests.values():
            marks[key] = nothing(exercises.load(key), State.UNREADABLE, [unreadable])
    else:
        expected = reference(release, folder, sandboxed)
        taken = borrowed(release, nb)

        def on_observed(key: str, seen: Observation) -> State:
            exercise = exercises.load(key)
            try:
                cases, source = release.cases(key), source_of(release, nb, key)
                tried = by_themselves(release, key, seen, expected)
                marks[key] = verdict(exercise, cases, seen, expected.arrays[key], source, taken, tried)
            except Exception as error:  # arrays that no honest observation holds
                attention.append(f"{key}: judging raised {type(error).__name__}: {error}")
                marks[key] = nothing(exercise, State.ERROR, [messages.UNJUDGED])
            if seen.garbled:
                attention.append(f"{key}: {seen.garbled}")
            return marks[key].state

        nb = run(release, nb, limits or Limits(), sandboxed, on_observed, expected.shown)

    return Record(
        key=key_of(release, data, sandboxed),
        part=release.part,
        notebook=release.name,
        submission=digest(data),
        release=release.digest,
        version=version_of(release),
        level=level() if sandboxed else "none",
        verdicts={test: marks[name] for test, name in release.tests.items()},
        content=nb,
        repairs=tuple(f"{repair.cell}: {repair.what}" if repair.cell else repair.what for repair in repairs),
        attention=tuple(attention),
    )


def with_verdicts(record: Record) -> NotebookNode:
    """The notebook of the record, and in its test cells the verdicts as nbgrader reads them."""
    nb = nbformat.from_dict(copy.deepcopy(record.content))
    for cell in nb.cells:
        if (mark := record.verdicts.get(grade_id(cell))) is not None:
            cell.outputs = shown(mark, float(cell.metadata.nbgrader.points))
        if cell.cell_type == "markdown" and (cell.id.startswith("extra-") or grade_id(cell)):
            cell.source = sanitise.html(cell.source)  # a student's words
    nb.metadata["vit"] = stamp(record)
    return nb


def stamp(record: Record) -> dict[str, str]:
    """What an autograded notebook says about its record."""
    return {
        "record": record.key,
        "content": digest(records.dump(record)),
        "submission": record.submission,
        "verdict": record.state.name.lower(),
        "sandbox": record.level,
    }


def shown(mark: Verdict, most: float) -> list[NotebookNode]:
    """A test cell's outputs: what the tutor says, then the points, which nbgrader takes from the result."""
    points = min(max(mark.points, 0.0), most)
    result = {"text/plain": repr(points), "text/html": render.score(points, most)}
    parts = [[part.state.value, part.label, part.points, part.max_points] for part in mark.parts]
    summary = {"key": mark.key, "name": mark.name, "state": mark.state.value, "parts": parts}
    return [  # the metadata is what feedback pages tabulate
        nbformat.v4.new_output("display_data", data=render.bundle(mark), metadata={"vit": summary}),
        nbformat.v4.new_output("execute_result", data=result),
    ]
