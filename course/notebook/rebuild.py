"""One notebook as it was sent, to one that can be graded: the release's cells with the student's answers.

    clean, repairs = rebuild(release, parse(data))

Everything of the release is as it was released: text, given code, tests, metadata, kernel. From the student
come the sources of the answer cells and cells of their own (tagged `extra`), because an answer may need a helper or
an import that stands there, and pictures in texts. Outputs, tags and other metadata stay behind.
"""

import ast
import copy
import itertools
import re
import sys
from dataclasses import dataclass

import nbformat
from nbformat.notebooknode import NotebookNode

from course.notebook.cells import EXTRA, is_answer
from course.notebook.match import (
    INSIDE,
    defines_answer,
    found_inside,
    is_written,
    match,
    name_of,
    names_in,
    parsed,
    same,
)
from course.notebook.read import Cell, Sent

IMPORT = re.compile(r"^(?:from\s+\S+\s+)?import\s+([^\n(]+)", re.MULTILINE)
MOST_EXTRA, MOST_EXTRA_TEXT = 500, 1_000_000  # cells, and characters of all of them


@dataclass(frozen=True)
class Repair:
    """One thing that is not as the student sent it.

    kind: encoding, salvaged, matched, duplicate, ambiguous, restored, missing, retyped, reordered, extra, picture,
        python.
    """

    kind: str
    cell: str  # grade_id or id of the release's cell; empty for the whole file
    what: str
    human: bool = False  # somebody should look at the original before the grade stands


def answers(notebook: NotebookNode) -> dict[str, str]:
    """grade_id -> source of every answer cell."""
    return {name_of(cell): cell.source for cell in notebook.cells if is_answer(cell)}


def rebuild(release: NotebookNode, notebook: Sent) -> tuple[NotebookNode, list[Repair]]:
    """The release with the answers that were sent, and all that was repaired on the way.

    A cell is recognised by nbgrader's grade_id, then its cell id, then `metadata.id` (Colab), then by what it
    defines and how alike it is, then by where it stands. The same input always gives the same output;
    rebuilding the result changes nothing.

    Args:
        release: the notebook as released, format 4.5; not changed.
    """
    sent = notebook.cells
    repairs = []
    for what in notebook.repairs:
        kind = "encoding" if "read as" in what or "characters (" in what else "salvaged"
        repairs.append(Repair(kind, "", what))
    place, how = match(release, sent)  # place[i]: index of the release's cell that sent[i] is, or None
    # index in the release -> an answer that stood in another cell
    inside = found_inside(release, sent, place, how)

    clean = copy.deepcopy(release)
    chosen: dict[int, int] = {}  # index in the release -> index in sent, for answers
    extra: dict[int, str] = {}  # index in sent -> source to keep
    given = {same(cell.source) for cell in release.cells}
    bound = set().union(*(names_in(cell.source) | _imported(cell.source) for cell in release.cells))
    for index, cell in enumerate(clean.cells):
        copies = [i for i, at in enumerate(place) if at == index]
        if is_answer(cell):
            if copies:
                chosen[index] = _choose(cell, [(i, sent[i]) for i in copies], repairs)
            own = sent[chosen[index]] if copies else None
            _fill(cell, inside.get(index, own), how.get(index), repairs)
            newer = notebook.python > sys.version_info[:2] and cell.cell_type == "code"
            if newer and parsed(cell.source) is None:
                theirs, ours = (
                    "{}.{}".format(*version) for version in (notebook.python, sys.version_info[:2])
                )
                what = f"it was written with Python {theirs}, and this machine's {ours} cannot read it; grade with {theirs}"
                repairs.append(Repair("python", name_of(cell), what, human=True))
                # so that whoever rebuilds the result, the judge, says the same
                clean.metadata["language_info"] = {"name": "python", "version": theirs}
            extra |= {i: sent[i].source for i in copies if i != chosen[index] and sent[i].kind == "code"}
            continue
        if not copies and cell.cell_type == "code":
            repairs.append(Repair("restored", name_of(cell), "a given cell was deleted; it is back"))
        for i in copies:
            if same(sent[i].source) == same(cell.source) and sent[i].kind == cell.cell_type:
                continue
            what = "a check was edited" if cell.metadata.get("nbgrader") else "a given cell was edited"
            what += "; it is as released again"
            if cell.cell_type == "code" and (added := _additions(cell.source, sent[i].source, bound)):
                what += "; what was added (imports, functions, new names) is kept as an extra cell"
                extra[i] = added
            repairs.append(Repair("restored", name_of(cell), what))
    written = {i for i, cell in enumerate(clean.cells) if is_written(cell)}
    last = None
    for i, cell in enumerate(sent):
        last = place[i] if place[i] is not None else last
        if place[i] is None and (cell.kind == "code" or (cell.kind == "markdown" and last in written)):
            extra[i] = cell.source
    extra = {i: s for i, s in sorted(extra.items()) if s.strip() and same(s) not in given}
    sizes = itertools.accumulate(map(len, extra.values()))
    room = min(sum(size <= MOST_EXTRA_TEXT for size in sizes), MOST_EXTRA)
    if len(extra) > room:
        what = f"{len(extra)} extra cells are in the file; the first {room} are kept"
        repairs.append(Repair("extra", "", what, human=True))
        extra = dict(list(extra.items())[:room])

    nothing = notebook.nothing if answers(clean) == answers(release) else ""
    if answers(release) and not chosen and not inside:
        nothing = "answers" if sent else "cells"
    if nothing:
        what = "no answer cell of this notebook is in the file; "
        what += (
            "it has no cells at all; ask for the file again"
            if nothing == "cells"
            else "is it another notebook?"
        )
        repairs.append(Repair("missing", "", what, human=True))
        clean.metadata["nothing_sent"] = nothing  # so that the judge says the same, as with language_info
    empty = {
        i: cell for i, cell in enumerate(clean.cells) if is_answer(cell) and i not in chosen.keys() | inside
    }
    lost = [name_of(cell) for cell in empty.values()]
    if lost and any(r.kind == "salvaged" for r in repairs):
        what = f"the file is damaged and {', '.join(lost)} could not be found in it; ask for the file again"
        repairs.append(Repair("missing", "", what, human=True))
    for cell in filter(lambda cell: names_in(cell.source), empty.values()):
        if any(defines_answer(release, other, at, cell) for other, at in zip(sent, place, strict=True)):
            what = f"{name_of(cell)} seems to stand in another cell, which Python cannot read"
            repairs.append(Repair("missing", name_of(cell), what, human=True))
    texts = (cell for cell, at in zip(sent, place, strict=True) if at is None and cell.kind == "markdown")
    if any(cell.source.strip() for cell in texts) and not written <= set(chosen):
        what = "a written answer was not recognised, and there is text of their own in the file; look at the original"
        repairs.append(Repair("missing", "", what, human=True))
    matched = [at for at in place if at is not None]
    if sorted(first := list(dict.fromkeys(matched))) != first:
        what = "cells stood in another order; they are in the released order"
        repairs.append(Repair("reordered", "", what))
    return _assemble(clean, sent, place, extra, set(chosen.items()), repairs), repairs


# --- which text is the answer ---------------------------------------------------------------------


def _choose(cell: NotebookNode, copies: list[tuple[int, Cell]], repairs: list[Repair]) -> int:
    """Index of the copy that counts: the last attempted one that defines what the cell is there to define."""
    if len(copies) == 1:
        return copies[0][0]
    attempted = [(i, c) for i, c in copies if same(c.source) != same(cell.source) and c.source.strip()]
    different = {same(c.source) for _, c in attempted}
    names = names_in(cell.source)
    defining = [(i, c) for i, c in attempted if names <= names_in(c.source)]
    untouched = [(i, c) for i, c in copies if same(c.source) == same(cell.source)]
    i, _ = (defining or attempted or untouched or copies)[-1]
    if len(different) > 1:
        what = f"{len(different)} different answers are in the file; the last one counts, code before it still runs"
        repairs.append(Repair("ambiguous", name_of(cell), what, human=True))
    else:
        which = "the one with an answer counts" if different else "none has an answer"
        repairs.append(Repair("duplicate", name_of(cell), f"the cell is there {len(copies)} times; {which}"))
    return i


def _fill(cell: NotebookNode, sent: Cell | None, how: str | None, repairs: list[Repair]) -> None:
    """Put what was sent into the release's answer cell."""
    name = name_of(cell)
    if sent is None:
        what = "the answer cell is not in the file; the empty one stands there"
        repairs.append(Repair("missing", name, what))
        return
    if how == INSIDE:
        repairs.append(Repair("matched", name, how))
    elif how:
        repairs.append(Repair("matched", name, f"the cell had lost its name and was recognised {how}"))
    if sent.kind != cell.cell_type:
        what = f"the answer was a {sent.kind} cell; it is {cell.cell_type} again"
        repairs.append(Repair("retyped", name, what))
    if cell.cell_type == "markdown":
        if sent.pictures:
            cell.attachments = nbformat.from_dict(sent.pictures)
        if sent.lost:
            what = f"a picture pasted into the written answer is only in the original ({sent.lost})"
            repairs.append(Repair("picture", name, what, human=True))
    if same(sent.source) != same(cell.source):
        cell.source = sent.source


def _additions(released: str, edited: str, bound: set[str]) -> str:
    """Imports, functions, classes and variables that a student added to a given cell, as code.

    What has a name that the release uses is not an addition but a change, and is left out.
    """
    known, kept = set(_statements(released)), []
    for text, node in _statements(edited).items():
        if text in known:
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            kept.append(text)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign):
            names = names_in(text) if isinstance(node, ast.Assign | ast.AnnAssign) else {node.name}
            if names and not names & bound:
                kept.append(text)
    return "\n".join(kept)


def _imported(source: str) -> set[str]:
    names = (name for line in IMPORT.findall(source) for name in line.split(","))
    return {name.split()[-1].split(".")[0] for name in names if name.strip()}


def _statements(source: str) -> dict[str, ast.stmt]:
    """Top-level statements by their text in one form (comments and layout gone); none if it does not parse."""
    tree = parsed(source)
    try:
        return {ast.unparse(node): node for node in tree.body} if tree else {}
    except (ValueError, RecursionError):
        return {}


# --- putting it together --------------------------------------------------------------------------


def _assemble(
    clean: NotebookNode,
    sent: list[Cell],
    place: list[int | None],
    extra: dict[int, str],
    chosen: set[tuple[int, int]],
    repairs: list[Repair],
) -> NotebookNode:
    """The release's cells in their order, and each extra cell after the cell that it followed.

    Where cells were moved, an extra cell still comes before every answer that it came before.
    """
    answered = {i: at for at, i in chosen}
    anchor, following = -1, [len(clean.cells)] * (len(sent) + 1)
    for i in range(len(sent) - 1, -1, -1):
        following[i] = min(following[i + 1], answered.get(i, len(clean.cells)))
    slots: dict[int, list[NotebookNode]] = {}
    seen: set[int] = set()
    for i, cell in enumerate(sent):
        if place[i] is not None and (i in answered or place[i] not in seen | set(answered.values())):
            anchor = place[i]  # a copy of a cell that is elsewhere says nothing about where we are
            seen.add(anchor)
        if i in extra:
            new = nbformat.v4.new_markdown_cell if cell.kind == "markdown" else nbformat.v4.new_code_cell
            made = new(extra[i], metadata={"tags": ["extra"]})
            if cell.kind == "markdown" and cell.pictures:
                made.attachments = nbformat.from_dict(cell.pictures)
            slots.setdefault(min(anchor + 1, following[i]), []).append(made)
    taken = {cell.id for cell in clean.cells}
    free = (name for name in map(f"{EXTRA}{{}}".format, itertools.count(1)) if name not in taken)
    cells = []
    for at in range(len(clean.cells) + 1):
        for made in slots.get(at, []):
            made.id = next(free)
            cells.append(made)
        cells += clean.cells[at : at + 1]
    clean.cells = cells
    if extra:
        repairs.append(Repair("extra", "", f"{len(extra)} extra cell{'s' if len(extra) > 1 else ''} kept"))
    return clean
