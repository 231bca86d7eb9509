"""The commands of docs/instructors.md, from the document, in order, in a copy of the tree: from nothing to feedback."""

import csv
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

from course import demo
from course.authoring import badges
from course.base.paths import ROOT

PART = demo.PART
NAMES = ("q1_positional_encoding", "q6_residual_block")
# as Canvas names them
SENT = {"ada": "lovelaceada_101_900{}_{}.ipynb", "ben": "boolegeorge_102_901{}_{}.ipynb"}
CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,2 Build a ViT (42)
Points Possible,,,,,25
"Lovelace, Ada",101,,ada,A,
"Boole, George",102,,boole,A,
"Turing, Alan",103,,turing,A,
"""


def commands() -> list[str]:
    """The lines of the first block of shell commands."""
    text = (ROOT / "docs" / "instructors.md").read_text("utf-8")
    return re.search(r"```bash\n(.*?)```", text, re.DOTALL)[1].splitlines()


def test_ten_commands_and_a_sentence_on_each():
    assert len(commands()) == 10
    text = (ROOT / "docs" / "instructors.md").read_text("utf-8")
    assert re.findall(r"^(\d+)\. ", text, re.MULTILINE) == [str(n) for n in range(1, 11)]
    assert f"git clone {badges.repository()}" in commands()[1]


def clone(target: Path) -> None:
    """What `git clone` would bring once this tree is committed; with a .venv that is there already.

    Installing is what CI did before it ran this; here `make setup` finds it done.
    """
    listed = ["git", "ls-files", "-z", "-co", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    for name in names:
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    here = Path(sys.prefix)
    (target / ".venv" / "bin").mkdir(parents=True)
    for path in (here / "bin").iterdir():
        (target / ".venv" / "bin" / path.name).symlink_to(path)
    activate = target / ".venv" / "bin" / "activate"
    activate.unlink(missing_ok=True)
    activate.write_text(f'export PATH="{here / "bin"}:$PATH"\n')
    (target / ".venv" / ".course").touch()


def handed_in(target: Path) -> None:
    """Two students' notebooks as an archive from Canvas, and the gradebook that it exports."""
    with zipfile.ZipFile(target / "submissions.zip", "w") as archive:
        for student, called in SENT.items():
            for number, name in enumerate(NAMES):
                archive.writestr(
                    called.format(number, name), nbformat.writes(demo.submission(student, f"{name}.ipynb"))
                )
    (target / "canvas_export.csv").write_text(CANVAS)


@pytest.mark.grading
@pytest.mark.needs("sandbox")
def test_the_commands_lead_to_feedback(tmp_path):
    system, fetch, *rest = commands()
    assert {"git", "make", "python3-venv"} <= set(system.split())
    for command in ("git", "make", "python3"):
        assert shutil.which(command), f"{command} is missing: {system}"
    target = tmp_path / fetch.split("/")[-1]
    clone(target)
    handed_in(target)
    script = "\n".join(f"echo; echo '--- {number}'; {line}" for number, line in enumerate(rest, 3))
    environment = {**os.environ, "PYTHONPATH": str(target), "COLUMNS": "120"}
    environment.pop("VIT_GRADING", None)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "4 files came, 4 will be graded." in said
    exported = target / "grading" / "export" / PART
    with open(exported / "canvas.csv", newline="", encoding="utf-8") as stream:
        points = {row["ID"]: row["2 Build a ViT (42)"] for row in csv.DictReader(stream)}
    assert float(points["101"]) == 4 and 0 < float(points["102"]) < 4 and points["103"] == ""
    with zipfile.ZipFile(exported / "canvas-feedback.zip") as pages:
        assert len(pages.namelist()) == 4
        ben = next(n for n in pages.namelist() if n.startswith("boolegeorge") and "q1_" in n)
        assert "the exponent is i/d instead of 2i/d" in pages.read(ben).decode()
