"""The course's `helpers` as a grading kernel gets them: what observes is there, what knows the answer is not.

Which files these are is a border that import-linter holds: nothing that a kernel gets imports `helpers.exercises` or
compares anything. What belongs to an exercise that is graded in this very notebook comes into the kernel late: its
observer when it is observed, the course's equivalent when that is done.
"""

import functools
import shutil
from collections.abc import Collection
from pathlib import Path

import helpers

HELPERS = Path(helpers.__file__).resolve().parent
DATA = ("registry.txt", "vit_cifar10.safetensors", "chelsea.jpg")  # what ships in data/ and notebooks use
# Not for kernels: `check` is another one there, which compares nothing; observers come when they are needed.
LEFT_OUT = {"check.py", "exercises", "observers"}
# what they get of helpers/checks
OBSERVING = {"__init__.py", "alone.py", "arrays.py", "objects.py", "observe.py", "wire.py"}


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
    shutil.copy(Path(__file__).with_name("in_kernel.py"), target / "check.py")
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
