"""The course's `helpers` as a grading kernel gets them: what observes is there, what knows the answer is not.

Which files these are is a border that import-linter holds: nothing that a kernel gets imports `helpers.exercises` or
compares anything. What belongs to an exercise that is graded in this very notebook comes into the kernel late: its
observer when it is observed, the course's equivalent when that is done.
"""

import functools
import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path

import helpers
from course.base.text import digest
from course.sandbox import prefork

HELPERS = Path(helpers.__file__).resolve().parent
DATA = ("registry.txt", "vit_cifar10.safetensors", "chelsea.jpg")  # what ships in data/ and notebooks use
# Not for kernels: `check` is another one there, which compares nothing; observers come when they are needed.
LEFT_OUT = {"check.py", "exercises", "observers"}
IN_KERNEL = {
    "in_kernel.py": "check.py",
    "rest_of_cell.py": "rest_of_cell.py",
}  # of ours, and how it is called there
# what they get of helpers/checks
OBSERVING = {"__init__.py", "alone.py", "arrays.py", "objects.py", "observe.py", "wire.py"}


def helpers_for(own: Collection[str], version: str, folder: Path) -> Path:
    """The package `helpers` of a kernel in which these exercises are graded: made once a version where warm kernels see
    it, else in `folder`."""
    nursery = prefork.folder()
    if nursery is None:
        return copy_helpers(folder, own)
    known = nursery / f"kernel-{digest(version, *own)}"
    if not known.is_dir():
        made = Path(tempfile.mkdtemp(dir=nursery))
        try:
            copy_helpers(made, own)
            made.chmod(0o755)
            made.rename(known)
        except OSError:
            shutil.rmtree(made, ignore_errors=True)
            if not known.is_dir():  # else another process was quicker
                raise
    return known / "helpers"


def copy_helpers(folder: Path, own: Collection[str]) -> Path:
    """Write the package `helpers` of a kernel into `folder`; where it is.

    Args:
        own: keys of the exercises that are graded in this kernel.

    Raises:
        FileNotFoundError: if what ships in data/ is not there.
    """
    target = folder / "helpers"
    hidden = {f"{key}.py" for key in own}

    def left_out(place: str, names: list[str]) -> set[str]:
        room = Path(place).name
        out = {"helpers": LEFT_OUT, "pieces": hidden, "checks": set(names) - OBSERVING}.get(room, set())
        return {"__pycache__", *out}

    shutil.copytree(HELPERS, target, ignore=left_out)
    (target / "observers").mkdir()
    shutil.copy(HELPERS / "observers" / "__init__.py", target / "observers")
    for name, called in IN_KERNEL.items():
        shutil.copy(Path(__file__).with_name(name), target / called)
    for name in DATA:
        places = (HELPERS.parent / "data" / name, HELPERS / name)  # a checkout, an installed package
        if not (found := [place for place in places if place.is_file()]):
            raise FileNotFoundError(
                f"{places[0]} is missing: it comes with the course (git checkout data/{name})."
            )
        shutil.copy(found[0], target / name)
    return target


@functools.cache
def observer(key: str) -> str:
    """The module that observes exercise `key`."""
    return (HELPERS / "observers" / f"{key}.py").read_text("utf-8")


@functools.cache
def equivalent(key: str) -> str:
    """The module of the course's equivalent of exercise `key`, "" if it has none."""
    path = HELPERS / "vit" / "pieces" / f"{key}.py"
    return path.read_text("utf-8") if path.is_file() else ""
