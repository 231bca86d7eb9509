"""Which notebook of the course some bytes are, and what is graded of them. In a process with limits: no parser is linear."""

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import nbformat
from nbformat.notebooknode import NotebookNode

from course.collecting.names import notebook_of
from course.notebook.match import name_of, same
from course.notebook.read import Cell, Sent, parse
from course.notebook.rebuild import Repair, answers, rebuild

Parts = Mapping[str, Mapping[str, NotebookNode]]  # part -> notebook -> as it was given out


@dataclass(frozen=True)
class Built:
    """A notebook that can be graded: its file, the text of each answer, and what was repaired."""

    content: bytes
    answers: Mapping[str, str]
    repairs: tuple[Repair, ...]


@dataclass(frozen=True)
class Found:
    """What a file is.

    Args:
        part, notebook: "" if it is none of the course; the notebook alone if only the name tells another part.
        why: what its name says otherwise.
        built: if it is of the part that is collected.
        also: other notebooks of that part of which it holds answers.
    """

    part: str = ""
    notebook: str = ""
    why: str = ""
    built: Built | None = None
    also: tuple[str, ...] = ()


def packed(parts: Parts) -> bytes:
    """The notebooks of the course, to be given to `recognise` and `build` with each file."""
    return pickle.dumps(parts, pickle.HIGHEST_PROTOCOL)


@lru_cache(maxsize=1)
def _unpacked(parts: bytes) -> Parts:
    return pickle.loads(parts)


def recognise(packed_parts: bytes, part: str, data: bytes, name: str) -> Found:
    """What a file of this name is that was sent for `part`: its cells tell, else its name. Raises Unreadable."""
    parts, sent = _unpacked(packed_parts), parse(data)
    by_name = notebook_of(name, list(parts[part]))
    scores = {(p, n): _alike(sent.cells, nb) for p, notebooks in parts.items() for n, nb in notebooks.items()}
    best = max(scores, key=scores.get)
    clear = scores[best] >= 2 and list(scores.values()).count(scores[best]) == 1
    which, why = (part, by_name) if by_name else None, ""
    if clear and (which is None or not scores[which]):
        which = best
        if by_name and best[0] == part:
            why = f"the file's name says {by_name}, but it holds {best[1]}"
    if which is None:
        other = next((p for p, notebooks in parts.items() if notebook_of(name, list(notebooks))), "")
        which = other, ""
    if which[0] != part:
        return Found(*which, why)
    also = [n for n, nb in parts[part].items() if n != which[1] and _answered(sent.cells, nb)]
    return Found(*which, why, _built(parts[part][which[1]], sent), tuple(also))


def build(packed_parts: bytes, part: str, notebook: str, data: bytes) -> Built:
    """The bytes as this notebook. Raises Unreadable."""
    return _built(_unpacked(packed_parts)[part][notebook], parse(data))


def _built(release: NotebookNode, sent: Sent) -> Built:
    nb, repairs = rebuild(release, sent)
    return Built((nbformat.writes(nb) + "\n").encode(), answers(nb), tuple(repairs))


def _answered(cells: list[Cell], release: NotebookNode) -> bool:
    """Whether one of the cells is an answer of this release's, and not as it was given out."""
    given = answers(release)
    return any(
        name in given and same(cell.source) not in ("", same(given[name]))
        for cell in cells
        for name in cell.names[:1]
    )


def _alike(cells: list[Cell], release: NotebookNode) -> int:
    """How many of the cells are this release's, by their names or their very text; answers count double."""
    graded = {name_of(c) for c in release.cells if c.metadata.get("nbgrader")}
    texts = {same(c.source) for c in release.cells} | {c.id for c in release.cells}
    return sum(2 * bool(graded & set(c.names)) or bool(texts & {same(c.source), *c.names[1:]}) for c in cells)
