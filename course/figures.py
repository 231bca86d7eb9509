"""Notebooks run here for their figures (the course's own, never a student's), and what a figure says about itself."""

from __future__ import annotations

import os
import re
import tempfile

from nbclient import NotebookClient
from nbformat import NotebookNode


def run(nb: NotebookNode) -> None:
    """Execute the notebook in an empty folder, without a network, so that the same machine draws the same figures.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell raised; nbclient's other errors if no kernel comes up.
    """
    env = {**os.environ, "VIT_OFFLINE": "1", "VIT_PROGRESS": "off"}
    with tempfile.TemporaryDirectory() as folder:
        place = {"metadata": {"path": folder}}
        NotebookClient(nb, timeout=900, kernel_name="python3", resources=place).execute(env=env)


def reading(cell: NotebookNode) -> str:
    """The line that `helpers.show` prints under a figure, which is its alt text elsewhere; "" if there is none."""
    outputs = cell.get("outputs", [])
    printed = "".join(o.text for o in outputs if o.output_type == "stream" and o.name == "stdout")
    found = re.search(r"What to see:(.*)", printed, re.DOTALL)
    return " ".join(found[1].split()) if found else ""
