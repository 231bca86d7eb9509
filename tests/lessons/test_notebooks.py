"""Every solution runs quickly and to full points; untouched releases run in test_answers."""

import re

import nbformat
import pytest

from course.authoring.figures import client
from helpers import exercises
from tests import notebooks
from tests.notebooks import checks, outputs

SECONDS = re.compile(r"computes for less than (\d+) seconds on two CPU cores")  # promised in every notebook
SLOW = 1.5  # for a machine that is older than ours
TRIES = 3  # the quickest counts: threads that wait for a core of a busy machine count as working


def execute(path):
    """The executed notebook, and the processor seconds that its kernel took (the clock would count the other tests)."""
    nb = notebooks.read(path)
    nb.cells.append(nbformat.v4.new_code_cell("import time; print(time.process_time())"))
    with client(nb, path.parent, timeout=120, allow_errors=True) as executing:
        executing.execute()
    return nb, float(nb.cells.pop().outputs[0].text)


@pytest.mark.parametrize("path", notebooks.SOLUTIONS, ids=lambda p: p.stem)
def test_a_solution_runs_to_full_points(path):
    nb, seconds = execute(path)
    assert outputs(nb, "error") == []
    assert [o.text for o in outputs(nb, "stream") if o.name == "stderr"] == []
    found = list(checks(nb))
    assert len(found) == len(notebooks.exercises_of(path))
    for text, points, maximum in found:
        assert text.startswith("✓ correct"), text
        assert points == maximum
    limit = SLOW * int(SECONDS.search(nb.cells[0].source)[1])
    assert seconds < limit or any(execute(path)[1] < limit for _ in range(TRIES - 1))
    # a figure without its reading can't be followed by someone who does not see it
    assert [o for o in outputs(nb, "display_data") if "image/png" in o.data] == [], (
        "show.finish shows figures"
    )
    figures = [o for o in outputs(nb, "display_data") if "<img src=" in o.data.get("text/html", "")]
    assert figures, "a lesson has a figure at least"
    heads = re.findall(
        "<thead>.*?</thead>", "".join(o.data.get("text/html", "") for o in outputs(nb, "display_data"))
    )
    assert not [head for head in heads if "<td" in head], "every column has a name"
    for output in figures:
        assert output.metadata.get("vit", {}).get("reading"), output.data["text/plain"]
        assert output.data["text/html"].count("<img src=") == 1, "one figure, one statement"


def test_points_in_the_notebooks_are_those_of_the_exercises():
    for path in notebooks.RELEASES:
        for key in notebooks.exercises_of(path):
            cell = notebooks.cell_of(notebooks.read(path), f"check_{key}")
            assert cell.metadata["nbgrader"]["points"] == pytest.approx(exercises.load(key).points)


def test_every_exercise_is_in_exactly_one_notebook():
    used = [key for path in notebooks.SOLUTIONS for key in notebooks.exercises_of(path)]
    assert len(used) == len(set(used))
    assert set(used) == set(exercises.names()), (
        "exercises that no lesson checks, or checks without an exercise"
    )


@pytest.mark.parametrize("path", notebooks.SOLUTIONS, ids=lambda p: p.stem)
def test_a_notebook_has_the_parts_that_every_notebook_has(path):
    nb = notebooks.read(path)
    text = "\n".join(c.source for c in nb.cells if c.cell_type == "markdown")
    for part in (
        "When you are done you can",
        "Time and hardware",
        "Before you start",
        "What you have learned",
        "Going further",
    ):
        assert part in text, part
    assert not re.search(r"^\|(.*\|)? +\|.*\n\| *-", text, re.MULTILINE), "every column of a table has a name"
    code = "\n".join(c.source for c in nb.cells if c.cell_type == "code")
    if path.parent.name == "2_build_a_vit":
        assert 'show.diagram("course_map", here="q' in code
    assert not [word for word in ("!wget", "!pip", "sys.path", "/home/", "/content/") if word in code]
    assert not re.search(r"^\s*%pip", code, re.MULTILINE)  # the setup cell speaks of it
    assert not nbformat.v4.nbbase.NotebookNode.get(nb.metadata, "widgets")
