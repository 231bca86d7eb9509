"""What was sent, opened: archives and folders to files.

Nothing is written here and no name from an archive is ever used as a path.
"""

import io
import lzma
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath

from course.collecting.zip_names import decoder

MOST_MEMBERS = 20_000  # files in one argument, archives inside it included
MOST_BYTES = 100_000_000  # of one file, counted while it is read
MOST_TOTAL = 4_000_000_000  # of one argument: 500 students with 8 MB each
DEEPEST = 3  # archives inside archives

QUIET = {"__MACOSX", ".ipynb_checkpoints", ".git", ".DS_Store", "Thumbs.db", "desktop.ini", ".Trashes"}
MAYBE = {".ipynb", ".json", ".txt", ".yml", ""}  # endings under which notebooks, and an LMS's lists, arrive
PACKED = (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst")  # archives that are not opened

# what zipfile raises on archives that are damaged, odd or made to hurt
BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, OSError, EOFError, ValueError, IndexError,
    NotImplementedError, RuntimeError, MemoryError, OverflowError,
)  # fmt: skip


@dataclass
class File:
    """One file as it came; `data` is None where it could not or need not be read, and `problem` says why."""

    path: str  # as shown to people: argument, archives and folders, joined by "/"
    parts: tuple[str, ...]  # below the argument; archives count as folders
    data: bytes | None = None
    problem: str = ""
    date: datetime | None = None  # when it was written, as far as the source says
    dated: bool = False  # an archive or nbgrader says so, not only this disk
    asked: str = ""  # what is not certain about its name, for a person


@dataclass
class _Budget:
    members: int = MOST_MEMBERS
    total: int = MOST_TOTAL


# --- archives and folders to files ----------------------------------------------------------------


def files(argument: Path) -> Iterator[File]:
    """Every file of an archive, folder or file, each with its bytes or the reason why not. Raises nothing."""
    budget = _Budget()
    top = argument.name or argument.resolve().name
    try:
        if argument.is_dir():
            yield from _folder(argument, top, budget)
        elif not argument.exists():
            yield from _inside(argument)
        else:
            yield from _one(argument, File(top, () if is_zip(top) else (top,)), budget)
    except OSError as error:
        yield File(str(argument), (), problem=f"could not be read ({error.strerror or error})")


def _inside(argument: Path) -> Iterator[File]:
    """A path that goes on inside an archive, as reports print it: all.zip/ada/q1.ipynb."""
    archive = next((path for path in argument.parents if is_zip(path.name) and path.is_file()), None)
    below = argument.relative_to(archive).parts if archive else ()
    found = [file for file in files(archive) if file.parts[: len(below)] == below] if archive else []
    where = f"is not in {archive.name}" if archive else "does not exist"
    yield from found or [File(str(argument), (), problem=f"{where}; look at how its name is written")]


def _folder(folder: Path, top: str, budget: _Budget) -> Iterator[File]:
    failed: list[OSError] = []
    for here, below, names in os.walk(folder, onerror=failed.append, followlinks=False):
        links = [name for name in below if os.path.islink(os.path.join(here, name))]
        below[:] = sorted(name for name in below if name not in QUIET and name not in links)
        for name in sorted(names + links):
            parts = Path(here, name).relative_to(folder).parts
            if name not in QUIET and not name.startswith("._"):
                yield from _one(Path(here, name), File("/".join((top, *parts)), parts), budget)
    for error in failed:
        yield File(str(error.filename), (), problem=f"could not be opened ({error.strerror})")


def _one(path: Path, file: File, budget: _Budget) -> Iterator[File]:
    """A file on the disk, opened if it is an archive."""
    try:
        status = path.lstat() if file.parts else path.stat()  # a link named on the command line is meant
        if not stat.S_ISREG(status.st_mode):
            kind = "a link" if stat.S_ISLNK(status.st_mode) else "no ordinary file"
            yield replace(file, problem=f"is {kind}; send the file itself")
            return
        if path.name == "timestamp.txt":
            return
        file = replace(file, date=datetime.fromtimestamp(status.st_mtime).replace(microsecond=0))
        beside = path.with_name("timestamp.txt")  # nbgrader's own record of when it was handed in
        if beside.is_file() and (stamp := _stamp(beside)):
            file = replace(file, date=stamp, dated=True)
        if is_zip(path.name):
            with path.open("rb") as stream:
                yield from _archive(stream, file, 1, budget)
        elif not _maybe(path.name):
            yield replace(file, problem=_packed(path.name))
        elif status.st_size > MOST_BYTES:
            yield replace(file, problem=_too_large(status.st_size))
        else:
            budget.members -= 1
            budget.total -= status.st_size
            full = _spent(budget)
            yield replace(file, problem=full) if full else replace(file, data=path.read_bytes())
    except (OSError, ValueError, OverflowError) as error:
        yield replace(file, problem=f"could not be read ({error})")


def _archive(stream: io.BufferedIOBase, outer: File, depth: int, budget: _Budget) -> Iterator[File]:
    try:
        archive = zipfile.ZipFile(stream)
        members = archive.infolist()
    except BROKEN as error:
        yield replace(outer, problem=f"is no readable zip archive ({error}); download or ask for it again")
        return
    with archive:
        written = [_raw(info) for info in members]
        read, ask = decoder([raw for raw in written if raw is not None])
        for info, raw in zip(members, written, strict=True):
            name = (info.filename if raw is None else read(raw)).replace("\\", "/")
            parts = tuple(part for part in name.split("/") if part not in ("", "."))
            if info.is_dir() or not parts or QUIET & set(parts) or parts[-1].startswith("._"):
                continue
            file = File("/".join((outer.path, *parts)), (*outer.parts, *parts), date=_date(info))
            file.dated = file.date is not None
            file.asked = outer.asked or ("" if raw is None or raw.isascii() else ask)
            if parts[-1] != "timestamp.txt":
                yield from _member(archive, info, name, file, depth, budget)


def _member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, file: File, depth: int, budget: _Budget
) -> Iterator[File]:
    """One member of an archive. Sizes that the archive states are not believed: bytes are counted as they come."""
    budget.members -= 1
    absolute = name.startswith("/") or re.match(r"^[A-Za-z]:", name)
    if absolute or ".." in file.parts:
        yield replace(file, parts=(), problem="has a path that leads out of the archive; it was not opened")
    elif stat.S_ISLNK(info.external_attr >> 16):
        yield replace(file, problem="is a link; send the file itself")
    elif not (is_zip(name) or _maybe(name)):
        yield replace(file, problem=_packed(name))
    elif info.flag_bits & 1:
        yield replace(file, problem="is encrypted; ask for it without a password")
    elif full := _spent(budget):
        yield replace(file, problem=full)
    elif is_zip(name) and depth >= DEEPEST:
        yield replace(file, problem=f"is an archive in {depth} archives; up to {DEEPEST} are opened")
    else:
        try:
            with archive.open(info) as stream:
                data = stream.read(MOST_BYTES + 1)
        except BROKEN as error:
            yield replace(file, problem=f"is damaged in the archive ({error}); ask for it again")
            return
        budget.total -= len(data)
        if len(data) > MOST_BYTES:
            yield replace(file, problem=_too_large(len(data)))
        elif is_zip(name):
            yield from _archive(io.BytesIO(data), file, depth + 1, budget)
        else:
            yield replace(file, data=data)


def _spent(budget: _Budget) -> str:
    if budget.members < 0:
        return f"was not opened: more than {MOST_MEMBERS:,} files came at once; give this part of them alone"
    if budget.total < 0:
        return f"was not opened: more than {MOST_TOTAL / 1e9:g} GB came at once; give this part of them alone"
    return ""


def _too_large(size: int) -> str:
    return f"is larger than {MOST_BYTES / 1e6:g} MB; ask for it without outputs"


def is_zip(name: str) -> bool:
    return name.lower().endswith(".zip")


def _maybe(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in MAYBE


def _packed(name: str) -> str:
    if not name.lower().endswith(PACKED):
        return ""
    return f"is an archive that is not opened here (only zip is, not {PurePosixPath(name).suffix}); unpack it and give the folder"


def _raw(info: zipfile.ZipInfo) -> bytes | None:
    """The member's name as bytes; None where the archive says that it is UTF-8."""
    if info.flag_bits & 0x800:
        return None
    try:
        return info.filename.encode("cp437")  # as which zipfile reads it
    except UnicodeError:
        return None


def _date(info: zipfile.ZipInfo) -> datetime | None:
    try:
        return datetime(*info.date_time) if info.date_time[0] > 1980 else None
    except ValueError:
        return None


def _stamp(path: Path) -> datetime | None:
    from nbgrader.utils import parse_utc

    try:
        stamp = parse_utc(path.read_text("utf-8")[:100].strip())
        return stamp.replace(tzinfo=timezone.utc).astimezone().replace(tzinfo=None)  # as files' times are
    except (OSError, ValueError, OverflowError, TypeError, AttributeError):
        return None
