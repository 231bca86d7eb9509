"""A part in nbgrader's gradebook, and how it follows a lesson that changes in mid-course.

nbgrader's own step refuses a notebook whose cells were added or removed once somebody has handed in, and where only the
points of a cell changed, it leaves everybody's earlier points as they were. Here the gradebook gets what the lesson asks, and
points that were given for something else are open again until the next `grade`.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from nbformat import NotebookNode
from nbgrader import api, utils
from nbgrader.preprocessors import SaveCells
from sqlalchemy import delete, select

# what each student has of a cell of each kind
HANGS: dict[type[api.BaseCell], tuple[type, ...]] = {
    api.GradeCell: (api.Grade,),
    api.SolutionCell: (api.Comment,),
    api.TaskCell: (api.Grade, api.Comment),
}
Points = Mapping[str, Mapping[str, float]]  # notebook -> grade_id -> the most points


class NamedCell(NamedTuple):
    """What the gradebook knows of a cell that nbgrader has a name for."""

    kinds: frozenset[type[api.BaseCell]]
    points: float | None  # None: no points hang on it
    source: dict[str, Any]  # nbgrader's source cell: cell_type, locked, source, checksum


def cells_of(nb: NotebookNode) -> dict[str, NamedCell]:
    """grade_id -> cell, of a notebook as it is given out."""
    found = {}
    for cell in nb.cells:
        asks = (utils.is_grade(cell), utils.is_solution(cell), utils.is_task(cell))
        if any(asks) or utils.is_locked(cell):
            own = cell.metadata.nbgrader
            source = {"cell_type": cell.cell_type, "locked": utils.is_locked(cell), "source": cell.source}
            source["checksum"] = own.get("checksum")
            points = float(own["points"]) if asks[0] or asks[2] else None
            kinds = frozenset(kind for kind, there in zip(HANGS, asks, strict=True) if there)
            found[own["grade_id"]] = NamedCell(kinds, points, source)
    return found


def points_of(nb: NotebookNode) -> dict[str, float]:
    """grade_id -> the most points, of the cells that points hang on."""
    return {name: cell.points for name, cell in cells_of(nb).items() if cell.points is not None}


def points_in(book: api.Gradebook, part: str) -> Points:
    """What the gradebook gives at most; {} if it does not know the part."""
    found: dict[str, dict[str, float]] = {}
    for kind in (api.GradeCell, api.TaskCell):
        rows = book.db.execute(
            select(api.Notebook.name, kind.name, kind.max_score)
            .join(kind, kind.notebook_id == api.Notebook.id, isouter=True)
            .join(api.Assignment, api.Assignment.id == api.Notebook.assignment_id)
            .where(api.Assignment.name == part)
        )
        for notebook, name, most in rows:
            found.setdefault(notebook, {}).update({name: most} if name else {})
    return found


def differences(before: Points, now: Points) -> list[str]:
    """Phrases: what a lesson's points are otherwise than they were."""
    found = [f"{name} is new" for name in now if name not in before]
    found += [f"{name} is not in the lesson any more" for name in before if name not in now]
    for name in (name for name in now if name in before):
        for cell in dict.fromkeys([*before[name], *now[name]]):
            old, new = before[name].get(cell), now[name].get(cell)
            if old is None or new is None:
                found.append(f"{name}: {cell} is {'new' if old is None else 'not asked any more'}")
            elif old != new:
                found.append(f"{name}: {cell} gives {new:g} instead of {old:g}")
    return found


# --- the gradebook follows ------------------------------------------------------------------------


def follow(book: api.Gradebook, part: str, notebooks: Mapping[str, NotebookNode]) -> list[str]:
    """Make the part what these notebooks ask.

    Args:
        notebooks: all of the part as they are given out, by name.

    Returns:
        Phrases for people: what that changed for those who have handed in.
    """
    assignment, before = book.update_or_create_assignment(part), points_in(book, part)
    lost = []
    for notebook in list(assignment.notebooks):
        if notebook.name not in notebooks:
            lost += _forget(book, notebook, list(notebook._base_cells), list(notebook.source_cells))
            book.db.execute(
                delete(api.SubmittedNotebook).where(api.SubmittedNotebook.notebook_id == notebook.id)
            )
            book.db.expire_all()
            book.db.delete(notebook)
            book.db.commit()
    for name, nb in notebooks.items():
        lost += follow_notebook(book, part, name, nb)
    now = {name: points_of(nb) for name, nb in notebooks.items()}
    return differences(before, now) + lost if assignment.submissions else []


def follow_notebook(book: api.Gradebook, part: str, name: str, nb: NotebookNode) -> list[str]:
    """As `follow`, for one notebook and in one transaction; returns what was given by hand and is lost."""
    assignment, wanted = book.find_assignment(part), cells_of(nb)
    notebook = next((each for each in assignment.notebooks if each.name == name), None)
    if notebook is None:
        notebook = api.Notebook(name=name, assignment=assignment)
        book.db.add(notebook)
    notebook.kernelspec = json.dumps(nb.metadata.get("kernelspec", {}))
    gone = [c for c in notebook._base_cells if c.name not in wanted or type(c) not in wanted[c.name].kinds]
    lost = _forget(book, notebook, gone, [cell for cell in notebook.source_cells if cell.name not in wanted])
    sources = {cell.name: cell for cell in notebook.source_cells}
    there = {(cell.name, type(cell)): cell for cell in notebook._base_cells}
    for cell_name, cell in wanted.items():
        source = sources.get(cell_name)
        other = source is not None and source.locked and source.source != cell.source["source"]
        if source is None:
            source = api.SourceCell(name=cell_name, notebook=notebook)
            book.db.add(source)
        for key, value in cell.source.items():
            setattr(source, key, value)
        for kind in cell.kinds:
            if (known := there.get((cell_name, kind))) is None:
                known = kind(name=cell_name, notebook=notebook)
                book.db.add(known)
            elif cell.points is not None and kind is not api.SolutionCell:
                if known.max_score != cell.points or other:
                    for grade in known.grades:
                        grade.auto_score, grade.needs_manual_grade = None, True
            if kind is not api.SolutionCell:
                known.max_score, known.cell_type = cell.points, cell.source["cell_type"]
    book.db.flush()
    _complete(book, assignment, notebook)
    book.db.commit()
    return lost


def _complete(book: api.Gradebook, assignment: api.Assignment, notebook: api.Notebook) -> None:
    """Whoever has handed in has a grade or comment, without points or words yet, of every cell."""
    there = {copy.assignment_id for copy in notebook.submissions}
    new = [
        api.SubmittedNotebook(notebook=notebook, assignment=a)
        for a in assignment.submissions
        if a.id not in there
    ]
    book.db.add_all(new)
    book.db.flush()
    for kind in (api.Grade, api.Comment):
        cells = [cell.id for cell in notebook._base_cells if kind in HANGS[type(cell)]]
        rows = book.db.execute(select(kind.cell_id, kind.notebook_id).where(kind.cell_id.in_(cells)))
        known = {tuple(row) for row in rows}
        pairs = [
            (cell, copy) for cell in cells for copy in notebook.submissions if (cell, copy.id) not in known
        ]
        book.db.add_all([kind(cell_id=cell, notebook=copy) for cell, copy in pairs])


def _forget(
    book: api.Gradebook,
    notebook: api.Notebook,
    cells: Iterable[api.BaseCell],
    sources: Iterable[api.SourceCell],
) -> list[str]:
    """Remove cells with all that hangs on them; phrases about what somebody had given by hand."""
    lost = []
    for cell in cells:
        if api.Grade in HANGS[type(cell)]:
            for grade in cell.grades:
                if given := (grade.manual_score or 0) + (grade.extra_credit or 0):
                    who = grade.notebook.assignment.student_id
                    lost.append(
                        f"{who} had {given:g} points by hand for {notebook.name}: {cell.name}, which is gone"
                    )
        for kind in HANGS[type(cell)]:
            book.db.execute(delete(kind).where(kind.cell_id == cell.id))
        book.db.expire_all()
        book.db.delete(cell)
        book.db.flush()
    for source in sources:
        book.db.delete(source)
    book.db.flush()
    book.db.expire_all()
    return lost


class FollowCells(SaveCells):
    """In the place of nbgrader's SaveCells, so that `nbgrader generate_assignment` does the same."""

    def _create_notebook(self, nb: NotebookNode) -> None:
        follow_notebook(self.gradebook, self.assignment_id, self.notebook_id, nb)
