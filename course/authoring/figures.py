"""Notebooks run here for their figures (the course's own, never a student's), and what a figure says about itself."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from nbformat import NotebookNode
from traitlets.config import Config

from course.sandbox.prefork import short


@contextmanager
def client(nb: NotebookNode, folder: str | Path, **options: Any) -> Iterator[NotebookClient]:
    """What executes `nb` in `folder`. Its kernel talks over sockets of its own: no port is open, and no two meet at one.

    Args:
        options: of NotebookClient.
    """
    with tempfile.TemporaryDirectory(dir=short()) as sockets:
        config = Config()
        if sys.platform != "win32":
            config.KernelManager = Config(transport="ipc", ip=f"{sockets}/k")
        resources = {"metadata": {"path": str(folder)}}
        usual = {"kernel_name": "python3", "shutdown_kernel": "immediate"}  # nothing in it is waited for
        yield NotebookClient(nb, config=config, resources=resources, **{**usual, **options})


def run(nb: NotebookNode) -> None:
    """Execute the notebook in an empty folder, without a network, so that the same machine draws the same figures.

    Raises nbclient.exceptions.CellExecutionError: a cell raised; nbclient's other errors if no kernel comes up.
    """
    env = {**os.environ, "VIT_OFFLINE": "1", "VIT_PROGRESS": "off"}
    with tempfile.TemporaryDirectory() as folder, client(nb, folder, timeout=900) as executing:
        executing.execute(env=env)


def reading(cell: NotebookNode) -> str:
    """What `helpers.show` says under a figure, which is its alt text elsewhere; "" if it says nothing."""
    about = (output.get("metadata", {}) for output in cell.get("outputs", []))
    said = (each.get("vit", {}).get("reading", "") for each in about)
    return " ".join(" ".join(said).split())
