"""Which cell of a file that was sent is which cell of the release: by its name, by its text, by what it defines, by its place."""

import ast
import difflib
import re
import warnings

from nbformat.notebooknode import NotebookNode

from course.notebook.cells import grade_id, is_answer
from course.notebook.read import Cell

ALIKE = 0.6  # share of equal words from which an unnamed cell is taken for a cell of the release
NAME = re.compile(
    r"^(?:(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)|((?:\w+[ \t]*,[ \t]*)*\w+)[ \t]*(?::[^=\n]+)?=(?!=))",
    re.MULTILINE,  # no blank in it is a line's end, or each line would look at all below it
)
MADE = re.compile(r"^(?:async\s+)?(?:def|class)\s", re.MULTILINE)
INSIDE = "the answer stood in another cell and was found there by what it defines"
MOST_COMPARED = 200  # unnamed cells that are compared with the release; the rest are extra


def name_of(cell: NotebookNode) -> str:
    """grade_id of a graded or answer cell, else its cell id."""
    return grade_id(cell) or cell.id


def match(release: NotebookNode, sent: list[Cell]) -> tuple[list[int | None], dict[int, str]]:
    """For every sent cell the index of the release's cell that it is, or None; and how unnamed answers were found."""
    graded = {name_of(cell): i for i, cell in enumerate(release.cells) if cell.metadata.get("nbgrader")}
    ids = {cell.id: i for i, cell in enumerate(release.cells)}
    place: list[int | None] = []
    for cell in sent:
        grade_id, cell_id, colab_id = cell.names or ("", "", "")
        found = (graded.get(grade_id), ids.get(cell_id), ids.get(colab_id))
        place.append(next((at for at in found if at is not None), None))
    how: dict[int, str] = {}
    taken = {at for at in place if at is not None}

    # the same text as a cell of the release that has not been seen yet
    waiting = {same(cell.source): i for i, cell in reversed(list(enumerate(release.cells))) if i not in taken}
    for i, cell in enumerate(sent):
        if place[i] is None and (at := waiting.pop(same(cell.source), None)) is not None:
            place[i] = at
            taken.add(at)

    # what it defines, and how alike it is
    open_ = [i for i in range(len(release.cells)) if i not in taken]
    free = [i for i, at in enumerate(place) if at is None and sent[i].source.strip()][:MOST_COMPARED]
    words = {i: _words(sent[i].source) for i in free}
    bound = {i: names_in(sent[i].source) for i in free}
    scores, mixed = [], set()
    for at in open_:
        cell = release.cells[at]
        names = names_in(cell.source) if cell.cell_type == "code" else set()
        matcher = difflib.SequenceMatcher(None, autojunk=False)
        matcher.set_seq2(_words(cell.source))
        for i in free:
            if (sent[i].kind == "code") != (cell.cell_type == "code"):
                continue
            defines = bool(names) and is_answer(cell) and names <= bound[i]
            matcher.set_seq1(words[i])
            bounds = (matcher.real_quick_ratio, matcher.quick_ratio)
            alike = matcher.ratio() if defines or all(bound() >= ALIKE for bound in bounds) else 0.0
            if defines and alike < ALIKE and MADE.search(cell.source) and _acts(sent[i].source):
                mixed.add(
                    i
                )  # with much else, an older release's text perhaps: found_inside cuts the answer out
                continue
            if defines or alike >= ALIKE:
                scores.append((-(defines + alike), at, i, defines))
    for _, at, i, defines in sorted(scores):
        # a second cell that defines the same answer is a second attempt at it, not a cell of its own
        if place[i] is None and (at not in taken or (defines and at in how)):
            place[i] = at
            taken.add(at)
            if is_answer(release.cells[at]):
                how[at] = "by what it defines" if defines else "by its text"

    # the only unnamed cell of its kind between two neighbours that were found
    for at, cell in enumerate(release.cells):
        if at in taken or not is_answer(cell):
            continue
        before = max((i for i, p in enumerate(place) if p is not None and p < at), default=-1)
        after = min((i for i, p in enumerate(place) if p is not None and p > at), default=len(sent))
        between = [i for i in range(before + 1, after) if place[i] is None and sent[i].kind == cell.cell_type]
        between = [i for i in between if sent[i].source.strip() and i not in mixed]
        if len(between) == 1 and (before >= 0 or after < len(sent)):
            place[between[0]] = at
            taken.add(at)
            how[at] = "by its place"

    # the only written answer that is missing, and the only text that is not the course's
    missing = [at for at, cell in enumerate(release.cells) if at not in taken and is_written(cell)]
    texts = [i for i, cell in enumerate(sent) if cell.kind == "markdown" and cell.source.strip()]
    own = [i for i in texts if place[i] is None]
    if len(missing) == len(own) == 1:
        place[own[0]], how[missing[0]] = missing[0], "as the only text of their own"
    return place, how


def found_inside(
    release: NotebookNode, sent: list[Cell], place: list[int | None], how: dict[int, str]
) -> dict[int, Cell]:
    """Answers whose own cell is not there or untouched, cut out of the cell that defines the same.

    Of a cell that holds several answers, the whole counts as the first of them, as its helpers may be needed there.
    """
    found: dict[int, Cell] = {}
    hosts: dict[int, int] = {}  # index in sent -> the first answer in it
    for at, cell in enumerate(release.cells):
        copies = [i for i, p in enumerate(place) if p == at]
        if not is_answer(cell) or not (names := names_in(cell.source)):
            continue
        if any(same(sent[i].source) != same(cell.source) for i in copies):
            continue
        for i in reversed(range(len(sent))):
            if defines_answer(release, sent[i], place[i], cell) and (text := _cut(sent[i].source, names)):
                own = place[i] is None or not is_answer(release.cells[place[i]])
                if copies and own and not MADE.search(text):
                    continue  # a variable of the same name in an experiment is no answer
                found[at] = Cell("code", text)
                how[at] = INSIDE
                hosts.setdefault(i, at)
                break
    for i, first in hosts.items():
        own = place[i]
        if own is not None and first < own and is_answer(release.cells[own]) and place.count(own) == 1:
            if text := _cut(sent[i].source, names_in(release.cells[own].source)):
                del found[first]
                place[i], found[own] = first, Cell("code", text)
                how[own] = how[first]
    return found


def defines_answer(release: NotebookNode, sent: Cell, at: int | None, answer: NotebookNode) -> bool:
    """Whether a cell that was sent, which is cell `at` of the release, defines what `answer` is there to define,
    and the release's cell does not."""
    names = names_in(answer.source)
    there = names_in(release.cells[at].source) if at is not None else set()
    return (
        sent.kind == "code"
        and answer.cell_type == "code"
        and names <= names_in(sent.source)
        and not names <= there
    )


def _acts(source: str) -> bool:
    """Whether a cell does more than to define functions, classes and variables."""
    made = (
        ast.FunctionDef
        | ast.AsyncFunctionDef
        | ast.ClassDef
        | ast.Import
        | ast.ImportFrom
        | ast.Assign
        | ast.AnnAssign
    )
    tree = parsed(source)
    return tree is not None and not all(isinstance(node, made) for node in tree.body)


def _cut(source: str, names: set[str]) -> str:
    """The top-level statements that make or change one of `names`, or what these use, as they are written.

    Empty if not all of `names` are made.
    """
    tree, lines, made, found = parsed(source), source.split("\n"), set(), []
    for node in tree.body if tree else []:
        used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            changed = {node.name}
            made |= changed
        elif isinstance(node, ast.Import | ast.ImportFrom):
            changed = {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        else:
            targets = [n for n in ast.walk(node) if isinstance(getattr(n, "ctx", None), ast.Store)]
            made |= {n.id for n in targets if isinstance(n, ast.Name)}
            changed = {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}
        found.append((node, changed, used))
    needed: set[str] = set()
    more = set(names)
    while more - needed:
        needed |= more
        more = {name for _, changed, used in found if changed & needed for name in used | changed}
    kept = []
    for node, changed, _ in found:
        if changed & needed:
            start = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
            kept += lines[start - 1 : node.end_lineno]
    return "\n".join(kept) if names <= made else ""


def is_written(cell: NotebookNode) -> bool:
    return is_answer(cell) and cell.cell_type == "markdown"


def names_in(source: str) -> set[str]:
    """Functions, classes and variables bound at the top level; a regular expression, for code that may not parse."""
    found: set[str] = set()
    for made, assigned in NAME.findall(source):
        found |= {made} if made else {name.strip() for name in assigned.split(",")}
    return found


def _words(source: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]", source[:20_000])[:2_000]


def same(source: str) -> str:
    """Two sources with the same value are the same to a reader: blanks at line ends and around are not."""
    return "\n".join(line.rstrip() for line in source.strip().split("\n"))


def parsed(source: str) -> ast.Module | None:
    """A cell without its magics, parsed; None if it does not parse."""
    plain = "\n".join("" if line.lstrip()[:1] in ("%", "!", "?") else line for line in source.split("\n"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(plain[:20_000])
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
