"""What `python -m helpers.data` does: list, get, verify and remove what the course downloads.

    python -m helpers.data                   what is here, where, verified or not
    python -m helpers.data get NAME          download it
    python -m helpers.data verify [NAME]     the list again; exit status 1 if something is damaged
    python -m helpers.data remove NAME       delete what was downloaded, never a copy that someone else put there

Every listing reads the files and compares them with their sha256: "verified" means now.
"""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from helpers import console, data
from helpers.data import cifar, downloads

FILES = {"cifar10": cifar.TARBALL, "santorini": "santorini.png"}
FILES |= {name: f"{name}.safetensors" for name in data.PRETRAINED}
NAMES = tuple(FILES)
FOOTER = (
    "digits, china and flower come with scikit-learn, cat with the course: they are always there.\n"
    "python -m helpers.data get NAME downloads something, remove NAME deletes it again."
)


class Copy(NamedTuple):
    """One copy of something: where it is, what it is worth, and whether we put it there."""

    path: Path
    state: str
    ours: bool


def copies(name: str) -> Iterator[Copy]:
    """Every copy of `name` in the folders that are looked in, in this order; unfinished downloads last."""
    filename = FILES[name]
    for folder in downloads.folders():
        if name == "cifar10":
            yield from _cifar10(folder)
        if (folder / filename).is_file():
            yield _copy(folder / filename, downloads.is_intact(folder / filename))
        if (part := folder / downloads.HIDDEN / f"{filename}.part").is_file():
            yield Copy(part, "unfinished", True)


def _cifar10(folder: Path) -> Iterator[Copy]:
    """The forms of CIFAR-10 other than the archive."""
    for path in sorted(folder.glob("cifar10-*.safetensors")):
        with_stamp = len(path.stem.split("-")) > 2  # made from class folders
        yield _copy(path, cifar.read_arrays(path, None) is not None, "intact" if with_stamp else "verified")
    if (folder / cifar.BATCHES).is_dir():
        intact = all(cifar.read_batches(folder, split) is not None for split in cifar.SPLITS)
        yield _copy(folder / cifar.BATCHES, intact)
    for split in cifar.SPLITS:
        if (root := cifar.class_folders(folder, split)) is not None:
            yield Copy(root, "not verifiable", False)


def _copy(path: Path, intact: bool, good: str = "verified") -> Copy:
    return Copy(path, good if intact else "damaged", downloads.receipt_of(path).is_file())


def show(names: tuple[str, ...]) -> int:
    """Print the table; 1 if something in it is damaged."""
    rows = [("WHAT", "STATE", "SIZE", "WHERE")]
    for name in names:
        found = list(copies(name))
        rows += [(name, copy.state, _size(copy.path), str(copy.path)) for copy in found]
        if not found:
            rows.append((name, "not here", "", ""))
    shipped = downloads.shipped(data.SHIPPED)
    if names == NAMES:
        state = "ships with the course" if shipped.is_file() else "missing"
        rows.append((shipped.stem, state, _size(shipped), str(shipped)))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for what, state, size, where in rows:
        print(f"{what:<{widths[0]}}  {state:<{widths[1]}}  {size:>{widths[2]}}  {where}".rstrip())
    if names == NAMES:
        print(FOOTER)
    return int(any(row[1] in ("damaged", "missing") for row in rows))


def _size(path: Path) -> str:
    """The size in MB of a file or a folder of files; of class folders nothing, to count them takes too long."""
    if path.is_file():
        size = path.stat().st_size
    elif path.name == cifar.BATCHES:
        size = sum(entry.stat().st_size for entry in os.scandir(path))
    else:
        return ""
    return f"{size / 1e6:,.1f} MB"


def get(name: str) -> int:
    """Download one thing, and show where it is now. CIFAR-10 is also made ready for fast loading."""
    try:
        if name == "cifar10":
            data.cifar10(download=True)
        else:
            downloads.fetch(FILES[name], download=True)
    except data.DownloadError as error:
        print(error)
        return 1
    return show((name,))


def remove(name: str) -> int:
    """Delete what has a receipt, and unfinished downloads; name what stays."""
    for path, _, ours in copies(name):
        if not ours:
            print(f"kept     {path}: it was not downloaded by the course")
            continue
        try:
            path.unlink()
            downloads.receipt_of(path).unlink(missing_ok=True)
        except OSError as error:
            print(f"kept     {path}: {error.strerror}")
        else:
            print(f"removed  {path}")
    return 0


def main(arguments: list[str] | None = None) -> int:
    console.prepare()
    parser = argparse.ArgumentParser("python -m helpers.data", description="The data of the course.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    helps = {
        "get": "download it",
        "verify": "compare what is here with its sha256; exit status 1 if something is damaged",
        "remove": "delete what was downloaded, never a copy that someone else put there",
    }
    for command, text in helps.items():
        sub = commands.add_parser(command, help=text, description=text)
        sub.add_argument("name", choices=NAMES, nargs="?" if command == "verify" else None, metavar="NAME")
        sub.epilog = f"NAME: {', '.join(NAMES)}"
    chosen = parser.parse_args(arguments)
    if chosen.command == "get":
        return get(chosen.name)
    if chosen.command == "remove":
        return remove(chosen.name)
    status = show((chosen.name,) if getattr(chosen, "name", None) else NAMES)
    return status if chosen.command == "verify" else 0


if __name__ == "__main__":
    raise SystemExit(main())
