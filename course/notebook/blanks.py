"""Solution to release: a blank keeps its left-hand side.

nbgrader's own ClearSolutions replaces a whole region by one fixed stub. In a lesson each answer line
says for itself what the student will see:

    denominator = n ** (2 * i / d)  # blank: denominator = ...

A line that ends in a bare `# blank` (the second line of a longer answer) disappears.
"""

import re

from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import ClearSolutions

MARK = re.compile(r"^(?P<indent>\s*).*?\s*# blank(?::\s?(?P<stub>.*))?$")


def blanks(source: str) -> list[tuple[str, str]]:
    """The marked lines of a cell: the answer, and the stub that stands in its place ("" if the line disappears)."""
    found = ((line, MARK.match(line)) for line in source.split("\n"))
    return [(line.split("# blank")[0].strip(), (mark["stub"] or "").strip()) for line, mark in found if mark]


def unmarked(source: str) -> list[str]:
    """The lines of a cell that students get as they are."""
    return [line for line in source.split("\n") if not MARK.match(line)]


class KeepLeftHandSide(ClearSolutions):
    """Replaces every `# blank` line of a solution cell by its stub; everything else is ClearSolutions."""

    def _replace_solution_region(self, cell: NotebookNode, language: str) -> bool:
        if cell.cell_type != "code":
            return super()._replace_solution_region(cell, language)
        kept, replaced = [], False
        for line in cell.source.split("\n"):
            if not (mark := MARK.match(line)):
                kept.append(line)
                continue
            replaced = True
            if mark["stub"]:
                kept.append(mark["indent"] + mark["stub"].strip())
        cell.source = "\n".join(kept)
        return replaced
