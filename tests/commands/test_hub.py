"""A hub: nbgrader's exchange with the two lines of docs/instructors.md in a student's settings, to a grade and feedback."""

import os
import re
import shutil
import subprocess
import sys

import nbformat
import pytest
from nbgrader.utils import get_username

from course.base.paths import ROOT
from tests.grading_tree import PART, Tree

pytestmark = pytest.mark.grading
NAME = "q6_residual_block"
WHO = get_username()  # whom nbgrader takes for the student


def lines(root) -> str:
    """The student's settings, from the document."""
    text = (ROOT / "docs" / "instructors.md").read_text("utf-8")
    block = next(b for b in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "Exchange.root" in b)
    assert len(block.strip().splitlines()) == 2 and '"/srv/nbgrader/exchange"' in block
    return "c = get_config()\n" + block.replace("/srv/nbgrader/exchange", str(root))


@pytest.fixture
def tree(request):
    tree = Tree("hub")
    yield tree
    for path in tree.folder.rglob("*"):  # the exchange is read-only in places
        if path.is_dir():
            path.chmod(0o755)
    tree.remove()


def test_from_release_to_feedback(tree, tmp_path):
    exchange, home = tree.folder / "exchange", tmp_path / "home"
    home.mkdir()
    (home / "nbgrader_config.py").write_text(lines(exchange))

    def nbgrader(*words, where=ROOT, **environment):
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *words],
            cwd=where,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def student(*words):
        return nbgrader(*words, where=home, HOME=str(home), JUPYTERHUB_USER=WHO, VIT_GRADING="nowhere")

    nbgrader("release_assignment", PART)
    assert PART in student("list")
    student("fetch_assignment", PART)
    got = home / PART / f"{NAME}.ipynb"
    assert (home / PART / "q1_positional_encoding.ipynb").exists()
    nb = nbformat.read(got, as_version=4)
    nb.metadata["fake"] = {"points": 1}
    nbformat.write(nb, got)
    student("submit", PART)
    nbgrader("collect", PART)
    folder = tree.folder / "submitted" / WHO / PART
    assert (folder / f"{NAME}.ipynb").exists() and "UTC" in (folder / "timestamp.txt").read_text()
    said = tree.grade()
    assert tree.well and "1 of 1 students are in the gradebook." in said
    assert WHO in tree.points()
    nbgrader("generate_feedback", PART)
    nbgrader("release_feedback", PART)
    student("fetch_feedback", PART)
    assert list((home / PART / "feedback").rglob(f"{NAME}.html"))
    shutil.rmtree(home)
