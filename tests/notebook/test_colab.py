"""Notebooks as Colab and Kaggle write them, from the archive of an LMS to full points."""

import json
import os
import shutil
import subprocess
import sys
import zipfile

import pytest
from nbgrader.api import Gradebook

from course import demo
from course.base.paths import ROOT

pytestmark = pytest.mark.grading

PART = demo.PART
NAMES = ("q1_positional_encoding", "q5_einsum_attention")
BELOW = "grading/test-colab"
FOLDER = ROOT / BELOW


def lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def run_there(cell, number: int) -> dict:
    """A code cell as it looks after a run in a browser; its output says nothing that matters."""
    output = {"output_type": "stream", "name": "stdout", "text": ["as it was shown there\n"]}
    return {"execution_count": number, "outputs": [output]} if cell.cell_type == "code" else {}


def from_colab(nb, names_kept: bool = True) -> dict:
    """nbformat 4.0, no cell ids, Colab's own metadata, its badge on top, the state of a widget."""
    badge = '<a href="https://colab.research.google.com/github/x/y.ipynb" target="_parent"><img src="https://colab.research.google.com/assets/colab-badge.svg" alt="Open In Colab"/></a>'
    cells = [
        {
            "cell_type": "markdown",
            "source": [badge],
            "metadata": {"id": "view-in-github", "colab_type": "text"},
        }
    ]
    for number, cell in enumerate(nb.cells, 1):
        metadata = dict(cell.metadata) | {"id": cell.id} if names_kept else {"id": f"r4nd0m{number}"}
        if cell.cell_type == "code":
            metadata |= {
                "outputId": f"0-{number}",
                "colab": {"base_uri": "https://localhost:8080/", "height": 35},
            }
            metadata["executionInfo"] = {
                "status": "ok",
                "timestamp": 1767225600000,
                "elapsed": 7,
                "user_tz": -60,
            }
        cells.append(
            {"cell_type": cell.cell_type, "source": lines(cell.source), "metadata": metadata}
            | run_there(cell, number)
        )
    widgets = {
        "application/vnd.jupyter.widget-state+json": {"8d0f": {"model_name": "HBoxModel", "state": {}}}
    }
    metadata = {
        "colab": {"provenance": [], "include_colab_link": True, "gpuType": "T4"},
        "kernelspec": {"name": "python3", "display_name": "Python 3"},
        "language_info": {"name": "python"},
        "accelerator": "GPU",
        "widgets": widgets,
    }
    return {"nbformat": 4, "nbformat_minor": 0, "metadata": metadata, "cells": cells}


def from_kaggle(nb) -> dict:
    """nbformat 4.4, no cell ids, when and how long each cell ran."""
    cells = []
    for number, cell in enumerate(nb.cells, 1):
        metadata = dict(cell.metadata) | {
            "_uuid": f"{number:040x}",
            "_cell_guid": f"{number:08x}",
            "trusted": True,
        }
        metadata["execution"] = {
            "iopub.status.busy": "2026-03-01T12:00:00.000000Z",
            "shell.execute_reply": "later",
        }
        cells.append(
            {"cell_type": cell.cell_type, "source": cell.source, "metadata": metadata}
            | run_there(cell, number)
        )
    metadata = {
        "kernelspec": {"language": "python", "display_name": "Python 3", "name": "python3"},
        "language_info": {"name": "python", "version": "3.12.12", "nbconvert_exporter": "python"},
        "kaggle": {
            "accelerator": "none",
            "dataSources": [],
            "isInternetEnabled": True,
            "sourceType": "notebook",
        },
    }
    return {"nbformat": 4, "nbformat_minor": 4, "metadata": metadata, "cells": cells}


STUDENTS = {
    "ada": ("Copy of {}.ipynb", from_colab),
    "ben": ("{}.ipynb", from_kaggle),
    # cells pasted into a new notebook
    "cleo": ("Copy_of_{} (1).ipynb", lambda nb: from_colab(nb, names_kept=False)),
}


def course(*words: str) -> str:
    """`python -m course ...`; what it printed."""
    command = [sys.executable, "-m", "course", *words]
    environment = {**os.environ, "VIT_GRADING": BELOW, "COLUMNS": "120"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    return done.stdout + done.stderr


@pytest.mark.needs("sandbox")
def test_full_points_whatever_colab_and_kaggle_did_to_the_file():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with zipfile.ZipFile(FOLDER / "submissions.zip", "w") as archive:
        for student, (called, written) in STUDENTS.items():
            for name in NAMES:
                notebook = written(demo.submission("ada", f"{name}.ipynb"))
                archive.writestr(f"{student}/{called.format(name)}", json.dumps(notebook))
    said = course("collect", PART, f"{BELOW}/submissions.zip")
    assert f"{len(STUDENTS) * len(NAMES)} files came, {len(STUDENTS) * len(NAMES)} will be graded." in said, (
        said
    )
    said = course("grade", PART)
    with Gradebook(f"sqlite:///{FOLDER / 'gradebook.db'}") as gradebook:
        for student in STUDENTS:
            notebooks = {n.name: n for n in gradebook.find_submission(PART, student).notebooks}
            found = {name: (notebooks[name].score, notebooks[name].max_score) for name in NAMES}
            assert all(points == most > 0 for points, most in found.values()), (student, found, said)
