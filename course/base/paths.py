"""Where things lie: this checkout, and the folder in which grading happens."""

import glob
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def grading() -> Path:
    """The folder of all that grading reads and writes: grading/, or `VIT_GRADING` below this checkout. Not made here."""
    return ROOT / os.environ.get("VIT_GRADING", "grading")


def bracketed() -> str:
    """Why nbgrader finds nothing in this checkout, and what to do; "" if it does."""
    if str(ROOT) in glob.glob(str(ROOT)):
        return ""
    return (
        f"nbgrader takes the [ in {ROOT} for a pattern and finds no notebook: move the course's folder to a path "
        "without [ and ], remove .venv in it, and run make setup there"
    )
