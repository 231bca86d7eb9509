"""Where things lie: this checkout, and the folder in which grading happens."""

import glob
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def grading() -> Path:
    """The folder of all that grading reads and writes: grading/, or what `VIT_GRADING` names. Not made here."""
    return ROOT / os.environ.get("VIT_GRADING", "grading")


def shown(path: Path) -> str:
    """A path as messages name it: from this checkout's folder, if it lies there."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def published() -> str:
    """Why `VIT_GRADING` is refused, and what to do; "" if git ignores the folder that it names, or it lies elsewhere."""
    folder = Path(os.path.abspath(grading()))
    inside = folder == ROOT or ROOT in folder.parents
    if not inside or folder.relative_to(ROOT).parts[:1] == ("grading",):
        return ""
    return (
        f"VIT_GRADING={os.environ['VIT_GRADING']} would put what students sent where git sees it, and one commit would "
        "publish it: name a folder below grading/, such as VIT_GRADING=grading/autumn, or one outside of this checkout"
    )


def bracketed() -> str:
    """Why nbgrader finds nothing in this checkout, and what to do; "" if it does."""
    if str(ROOT) in glob.glob(str(ROOT)):
        return ""
    return (
        f"nbgrader takes the [ in {ROOT} for a pattern and finds no notebook: move the course's folder to a path "
        "without [ and ], remove .venv in it, and run make setup there"
    )
