"""Tools of the tests: the committed notebooks, and a kernel that runs their real cells."""

import copy
import importlib
import re
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from course.authoring.figures import client
from course.base.paths import ROOT
from helpers import exercises

SOLUTIONS = sorted((ROOT / "solutions").glob("*/*.ipynb"))
RELEASES = sorted((ROOT / "notebooks").glob("*/*.ipynb"))


def read(path: Path):
    return nbformat.read(path, as_version=4)


def cell_of(nb, grade_id: str):
    found = [c for c in nb.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id]
    assert found, f"no cell has the grade_id {grade_id}"
    return found[0]


def outputs(nb, kind):
    return [o for cell in nb.cells if cell.cell_type == "code" for o in cell.outputs if o.output_type == kind]


def checks(nb):
    """(text, points, maximum) of every check that the notebook ran."""
    for cell in nb.cells:
        if cell.cell_type == "code" and cell.source.startswith('check("'):
            shown = next(o for o in cell.outputs if o.output_type == "display_data")
            result = next(o for o in cell.outputs if o.output_type == "execute_result")
            points = cell.metadata["nbgrader"]["points"]
            yield shown.data["text/plain"], float(result.data["text/plain"]), points


def exercises_of(path: Path) -> list[str]:
    """Keys of the exercises that a notebook checks, in order."""
    return [
        key
        for c in read(path).cells
        if c.cell_type == "code"
        for key in re.findall(r'^check\("(\w+)"\)', c.source)
    ]


@cache
def notebook_of(key: str) -> str:
    """ "<part>/<file name>" of the notebook that holds exercise `key`."""
    return next(f"{p.parent.name}/{p.name}" for p in SOLUTIONS if key in exercises_of(p))


def answers(key: str):
    return importlib.import_module(f"tests.answers.{key}")


def blanks(key: str) -> dict[str, str]:
    """stub -> the solution's whole line, for every blank of an exercise."""
    source = cell_of(read(ROOT / "solutions" / notebook_of(key)), key).source
    return {m[2]: m[0] for m in re.finditer(r"^(.*?)# blank: (.*)$", source, re.MULTILINE)}


def apply(source: str, change) -> str:
    """The solution cell as a student might have written it."""
    if isinstance(change, str):
        return change
    # longest first and through placeholders: an inserted text is never itself replaced
    for i, old in enumerate(sorted(change, key=len, reverse=True)):
        assert source.count(old) >= 1, f"{old!r} is not in the solution cell"
        source = source.replace(old, f"\0{i}\0")
    for i, old in enumerate(sorted(change, key=len, reverse=True)):
        source = source.replace(f"\0{i}\0", change[old])
    return source


class Kernel:
    """One running release notebook; `answer` puts a student's text into the exercise's own cell and runs its check.

    `untouched` is the release as its cells ran before anybody answered.
    """

    def __init__(self, client: NotebookClient, solution) -> None:
        self.client, self.solution = client, solution
        self.untouched = copy.deepcopy(client.nb)

    def run(self, source: str):
        cell = nbformat.v4.new_code_cell(source)
        self.client.nb.cells.append(cell)
        self.client.execute_cell(cell, len(self.client.nb.cells) - 1, store_history=True)
        self.client.nb.cells.pop()
        return cell.outputs

    def answer(self, key: str, change) -> tuple[str, float]:
        """The text that the student reads and the points that nbgrader would record."""
        name = exercises.load(key).name
        self.client.kc.execute(f"globals().pop({name!r}, None)", silent=True)  # what follows comes after it
        self.run(apply(cell_of(self.solution, key).source, change))
        outputs = self.run(cell_of(self.client.nb, f"check_{key}").source)
        assert not [o for o in outputs if o.output_type == "error"], outputs
        assert not [o for o in outputs if o.output_type == "stream" and o.name == "stderr"], outputs
        shown = next(o.data["text/plain"] for o in outputs if o.output_type == "display_data")
        return shown, float(next(o.data["text/plain"] for o in outputs if o.output_type == "execute_result"))


@contextmanager
def kernel(notebook: str):
    """A kernel in which every cell of the release has been run once, as a student would have it."""
    nb = read(ROOT / "notebooks" / notebook)
    folder = (ROOT / "notebooks" / notebook).parent
    with client(nb, folder, timeout=120, allow_errors=True) as running, running.setup_kernel():
        for index, cell in enumerate(nb.cells):
            running.execute_cell(cell, index)
        yield Kernel(running, read(ROOT / "solutions" / notebook))
