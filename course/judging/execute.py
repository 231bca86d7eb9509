"""A notebook runs in a sandboxed kernel, and each exercise is observed where its test cell stands.

What a test cell says is not executed. Inputs are sent into the kernel and arrays come back; whatever the
student's code does in between, it can only change which arrays these are. Nothing that comes back is trusted: files are
read without following links, and parsed within bounds.
"""

import copy
import itertools
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from nbformat import NotebookNode
from nbformat.v4 import new_output

from course.base.text import printable
from course.judging import kernel_files, messages, records, sanitise
from course.judging.given import opening, untouched
from course.judging.session import Dead, NoKernel, Session, stopped
from course.notebook.cells import grade_id, is_answer
from course.notebook.release import Release
from course.sandbox.limits import Limits
from course.sandbox.sandbox import Sandbox
from helpers.checks import wire
from helpers.checks.arrays import Arrays, Case
from helpers.checks.observe import Problem, State

TEXT = 400  # characters of a student's error that are repeated
MOST_LEFT_OUT, MOST_OF_ALL = 20, 100  # lines of a cell, of a notebook
NUMBERS = 50_000  # of one array; the largest of the course has under 2,000, and some judging is quadratic
DRAWING = "__import__('IPython').get_ipython().display_formatter.formatters['image/png'].enabled = {}"
REST = "__import__('helpers.rest_of_cell').rest_of_cell.tell({!r}, {!r})"
ADDRESS = re.compile(r"0x[0-9a-fA-F]{4,}")


@dataclass(frozen=True)
class Observation:
    """What came back from the kernel about one exercise: the arrays by set of inputs, or why there are none."""

    found: Mapping[str, Sequence[Arrays] | Problem] = field(default_factory=dict)
    missing: bool = False  # its name is not defined
    ended: State | None = None  # the kernel died, or the time was over
    garbled: str = ""  # what came back is not an observation
    # blanks tried by themselves, blank -> set of inputs -> arrays
    alone: Mapping[str, Mapping[str, Sequence[Arrays] | Problem]] = field(default_factory=dict)
    left_out: tuple[
        str, ...
    ] = ()  # sentences about lines since the exercise above that can't be run on this machine


OnObserved = Callable[[str, Observation], State]


def run(
    release: Release,
    nb: NotebookNode,
    limits: Limits,
    sandboxed: bool,
    on_observed: OnObserved,
    shown: Mapping[str, Sequence[NotebookNode]] = {},
    every_blank: bool = False,
) -> NotebookNode:
    """A copy of `nb` with the outputs of its cells; each exercise is observed where its test cell stands.

    Cells below the last one that points hang on are not run: they show what has been built, and cost as much as the rest.

    Args:
        nb: a notebook rebuilt from the release, so its test cells are the release's.
        on_observed: is given the key of each exercise and what was seen; the kernel hears the state that it answers. If
            that is not *correct* each blank is tried by itself, and it is called again with what was seen then. If the
            machine loses the kernel, all begins anew with another one.
        every_blank: try the blanks by themselves even where the whole is right, as for the solution.
        shown: outputs of the solution's given cells, by id. Those that hang on nothing of the student's show the same in
            each notebook: they run, but their figures are not drawn again. The ones at the top may have run already,
            where the kernel comes from.

    Raises:
        NoKernel: if that is lost, too.
    """
    try:
        return _run(release, nb, limits, sandboxed, on_observed, shown, every_blank)
    except NoKernel:
        return _run(release, nb, limits, sandboxed, on_observed, shown, every_blank, warmed=False)


def _run(
    release: Release,
    nb: NotebookNode,
    limits: Limits,
    sandboxed: bool,
    on_observed: OnObserved,
    shown: Mapping[str, Sequence[NotebookNode]],
    every_blank: bool,
    warmed: bool = True,
) -> NotebookNode:
    nb = copy.deepcopy(nb)
    gone: State | None = None  # why there is no kernel any more
    late: set[str] = set()  # cells that were interrupted
    left_out: list[str] = []
    told = 0  # of these
    given = {cell.id for cell in release.notebook.cells if not is_answer(cell)}
    last = max((index for index, cell in enumerate(nb.cells) if grade_id(cell)), default=-1)
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    below = [cell for cell in nb.cells[last + 1 :] if cell.cell_type == "code"]
    for cell in below[:1]:
        cell.outputs = [new_output("stream", text=messages.UNRUN)]
    same, draws = untouched(release, nb) & set(shown) if shown else set(), True
    ours: dict[str, Sequence[NotebookNode]] = {}  # outputs that are the solution's
    above = (
        {cell.id: cell.source for cell in opening(release, nb) if cell.cell_type == "code"} if shown else {}
    )
    with kernel(release, nb, limits, sandboxed, warmed, list(above.values())) as session:
        for cell in nb.cells[: last + 1]:
            if cell.cell_type != "code":
                continue
            if cell.id in above and session.sandbox.opened:
                ours[cell.id] = shown[cell.id]
                continue
            key = release.tests.get(grade_id(cell))
            if gone is not None:
                if key:
                    on_observed(key, Observation(ended=gone))
                continue
            try:
                if draws == (cell.id in same) and not key:
                    draws = not draws
                    session.cell(DRAWING.format(draws), keep=False)
                if key:
                    seen = observed(release, key, session)
                    if key in late and not seen.found:
                        seen = Observation(ended=State.TIMEOUT)
                elif cell.source.strip():
                    cell.outputs, state = session.cell(cell.source)
                    failed = state or any(output.output_type == "error" for output in cell.outputs)
                    if cell.id in same and not failed:
                        ours[cell.id] = shown[cell.id]
                    if failed and state is not State.TIMEOUT and cell.id not in given:
                        state = run_rest(session, cell.outputs, left_out)
                    if state is State.TIMEOUT:
                        late.add(grade_id(cell))
                        cell.outputs.append(stopped(f"Stopped after {limits.cell_seconds:g} seconds."))
            except Dead as dead:
                gone = dead.state
                seen = Observation(ended=gone)
                cell.outputs.append(stopped(f"Nothing runs from here on: {gone.value}."))
            if key:
                seen, told = replace(seen, left_out=tuple(left_out[told:])), len(left_out)
                state = on_observed(key, seen)
                if gone is None and seen.found and (every_blank or state is not State.CORRECT):
                    alone, gone = each_blank(release, key, session)
                    state = on_observed(key, replace(seen, alone=alone, left_out=())) if alone else state
                if gone is None:
                    gone = tell(key, state, session)
    ran = [cell for cell in nb.cells[: last + 1] if cell.cell_type == "code"]
    sanitise.displayed(itertools.chain.from_iterable(cell.outputs for cell in ran if cell.id not in ours))
    for cell in ran:
        cell.outputs = copy.deepcopy(ours.get(cell.id, cell.outputs))
    return nb


@contextmanager
def kernel(
    release: Release,
    nb: NotebookNode,
    limits: Limits,
    sandboxed: bool,
    warmed: bool = True,
    first: Sequence[str] = (),
) -> Iterator[Session]:
    """A kernel in its sandbox, with the course's `helpers` as kernels get them and this notebook in its folder.

    Args:
        first: given cells that it may have run when it comes (`Sandbox.opened`).
    """
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "work"
        work.mkdir()
        (work / f"{release.name}.ipynb").write_text(json.dumps(nb), "utf-8")
        own = tuple(release.tests.values())
        if sandboxed and warmed:
            helpers = kernel_files.helpers_for(own, records.version(own), Path(folder))
        else:
            helpers = kernel_files.copy_helpers(Path(folder), own)
        with Sandbox(work, limits, sandboxed, helpers, warmed, first) as box, Session(box, limits) as session:
            yield session


def run_rest(session: Session, outputs: list[NotebookNode], left_out: list[str]) -> State | None:
    """Of a student's cell that has ended in an error: leave out the line that can't be run here, and run what stands below.

    Args:
        outputs: of the cell; a line that was left out is said there in place of its error.
        left_out: of the whole notebook so far; gets the same sentences.

    Returns:
        As `Session.cell`. Raises what that does.
    """
    state: State | None = State.ERROR
    for number in itertools.count():
        if state is not State.ERROR or number == MOST_LEFT_OUT or len(left_out) >= MOST_OF_ALL:
            return state
        answer = f"rest-{len(left_out)}-{number}"
        session.cell(REST.format(session.sandbox.inside, answer), keep=False)
        try:
            said = wire.parse(session.sandbox.read(answer, wire.LIMIT))
            rest, line = said["rest"], int(said["line"])
            words = _text(said["text"])[:TEXT], _text(said["error"])[:TEXT]
        except Exception:  # it is the student's own error, or the kernel is no longer as it was
            return state
        if not isinstance(rest, str) or not rest:
            return state
        if outputs and outputs[-1].output_type == "error":
            outputs.pop()
        if words[0]:
            left_out.append(messages.LEFT_OUT.format(line, *words))
            outputs.append(new_output("stream", text=f"{left_out[-1]}\n"))
        more, state = session.cell(rest)
        outputs += more
    return state


def observed(release: Release, key: str, session: Session) -> Observation:
    """Have the kernel try the student's object on the public and on the hidden inputs.

    Raises Dead if it does not survive that.
    """
    return ask(key, release.cases(key), session, key)


def each_blank(release: Release, key: str, session: Session) -> tuple[dict, State | None]:
    """What the blanks give by themselves, as far as that can be seen, and why the kernel died if it did.

    One request a blank, from top to bottom: a request holds right values of the blanks above, which have been tried.
    """
    alone: dict[str, Mapping[str, Sequence[Arrays] | Problem]] = {}
    try:
        for number, (blank, cases) in enumerate(release.alone(key).items()):
            seen = ask(key, cases, session, f"{key}-{number}")
            if not seen.found:
                break
            alone[blank] = seen.found
    except Dead as dead:
        return alone, dead.state
    return alone, None


def ask(key: str, cases: Mapping[str, list[Case]], session: Session, name: str) -> Observation:
    """Have the kernel try the student's object on these sets of inputs; `name` is that of the two files.

    Raises Dead if it does not survive that.
    """
    request = {"key": key, "source": kernel_files.observer(key), "cases": cases}
    asked, answer = f"{name}-asked", f"{name}-answer"
    try:
        session.sandbox.write(asked, wire.dump(request))
    except ValueError as error:
        return Observation(garbled=str(error)[:TEXT])
    code = f"__import__('helpers').check.observe({session.sandbox.inside!r}, {asked!r}, {answer!r})"
    _, late = session.cell(code, keep=False)
    if late is State.TIMEOUT:
        return Observation(ended=State.TIMEOUT)
    try:
        return _seen(wire.parse(session.sandbox.read(answer, wire.LIMIT)), cases)
    except FileNotFoundError:
        return Observation(garbled="nothing came back")
    except Exception as error:  # the student's code can write there what it likes
        return Observation(garbled=f"{type(error).__name__}: {error}"[:TEXT])


def _seen(message: Any, cases: Mapping[str, list[Case]]) -> Observation:
    """What the kernel wrote, with nothing in it but what an observation may hold."""
    if message["missing"] is True:
        return Observation(missing=True)
    found: dict[str, Sequence[Arrays] | Problem] = {}
    for name in cases:
        arrays = [
            {_text(key)[:TEXT]: _real(array) for key, array in seen.items()} for seen in message[name]["seen"]
        ]
        problem = message[name]["problem"]
        if problem is not None:
            known = (State.INCORRECT, State.NOT_ATTEMPTED)
            state = next((state for state in known if problem["state"] == state.value), State.ERROR)
            texts = _text(problem["text"]), _text(problem["error"])
            found[name] = Problem(
                state, *texts, tuple(arrays), problem["certain"] is True, _text(problem["blank"])
            )
        else:
            found[name] = arrays
        if len(arrays) != len(cases[name]) and (problem is None or arrays):
            raise ValueError(f"{len(arrays)} observations for {len(cases[name])} inputs")
    return Observation(found)


def _real(array: Any) -> np.ndarray:
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
        raise TypeError("an observation should be an array of real numbers")
    if array.size > NUMBERS:
        raise ValueError(f"an array of {array.size:,} numbers; up to {NUMBERS:,} are looked at")
    return array.astype(np.float64)


def _text(value: Any) -> str:
    """A student's text: one line, not too long, nothing that can't be seen, no addresses, which differ from run to run."""
    if not isinstance(value, str):
        raise TypeError("no text")
    return printable(ADDRESS.sub("0x...", " ".join(value[: 10 * TEXT].split())))[: 3 * TEXT]


def tell(key: str, state: State, session: Session) -> State | None:
    """Let the kernel know how exercise `key` was judged; why it died if it did."""
    try:
        session.cell(
            f"__import__('helpers').check.tell({key!r}, {state.value!r}, {kernel_files.equivalent(key)!r})",
            keep=False,
        )
    except Dead as dead:
        return dead.state
    return None
