"""What was sent, opened: archives and folders to files.

Nothing is written here and no name from an archive is ever used as a path. Each sender has a budget of their own, and an
archive that a student has packed is opened in a process with limits (`course.base.bounded`).
"""

import io
import lzma
import os
import re
import stat
import struct
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath
from typing import IO

from course.base import bounded
from course.collecting.zip_names import decoder

MOST_MEMBERS = 20_000  # files of one sender, archives inside archives included
MOST_BYTES = 100_000_000  # of one file, counted while it is read
MOST_OF_ONE = 500_000_000  # bytes of one sender; an honest one sends 8 MB
MOST_TOTAL = 4_000_000_000  # of one argument: what is read lies in memory
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
    came: bool = False  # it is when the file was handed in, not when it was written or packed
    asked: str = ""  # what is not certain about its name, for a person


Whose = Callable[
    [list[File]], list[Hashable | None]
]  # who sent each file, by its names; None where nothing tells

Known = Callable[[str], object]  # whether somebody of the course is called so


@dataclass
class _Budget:
    """What one sender may still send; `all` is everybody's."""

    members: int
    size: int
    all: "_Budget | None" = None

    def take(self, members: int = 0, size: int = 0) -> None:
        self.members, self.size = self.members - members, self.size - size
        if self.all:
            self.all.size -= size

    def spent(self) -> str:
        """Why nothing more is opened, or ""."""
        if self.members < 0:
            return f"was not opened, nor was what follows: more than {MOST_MEMBERS:,} files came from one sender; {ALONE}"
        if self.size < 0:
            return f"was not opened: more than {MOST_OF_ONE / 1e6:g} MB came from one sender; {ALONE}"
        if self.all and self.all.size < 0:
            return f"was not opened: more than {MOST_TOTAL / 1e9:g} GB came at once; give this part of them alone"
        return ""


ALONE = "ask for the notebooks alone"


class _Senders:
    """Everybody's budgets."""

    def __init__(self, whose: Whose, known: Known) -> None:
        self.whose, self.known, everybody = whose, known, _Budget(0, MOST_TOTAL)
        self.one = defaultdict(lambda: _Budget(MOST_MEMBERS, MOST_OF_ONE, everybody))

    def named(self, files: list[File]) -> list[Hashable | None]:
        return self.whose([replace(file) for file in files])

    def of(self, files: list[File]) -> list[_Budget]:
        """For each file its sender's budget."""
        # where nothing tells, what lies in one folder is one's: the second as exports have one around all
        who = zip(files, self.named(files), strict=True)
        return [self.one[file.parts[:2] if key is None else key] for file, key in who]


# --- archives and folders to files ----------------------------------------------------------------


def files(
    argument: Path, whose: Whose = lambda found: [""] * len(found), known: Known = lambda name: False
) -> Iterator[File]:
    """Every file of an archive, folder or file, each with its bytes or the reason why not. Raises nothing.

    What is more than one sender may send is not opened, and of too many files one alone says so.
    """
    senders = _Senders(whose, known)
    top = name_of(argument)
    try:
        if argument.is_dir():
            yield from _folder(argument, top, senders)
        elif not argument.exists():
            yield from _inside(argument, whose, known)
        elif is_zip(top) and argument.is_file():
            yield from _archive(argument, File(top, ()), 1, senders.of, known)
        else:
            file = File(top, (top,))
            yield from _one(argument, file, *senders.of([file]))
    except OSError as error:
        yield File(str(argument), (), problem=f"could not be read ({error.strerror or error})")


def _inside(argument: Path, whose: Whose, known: Known) -> Iterator[File]:
    """A path that goes on inside an archive, as reports print it: all.zip/ada/q1.ipynb."""
    archive = next((path for path in argument.parents if is_zip(path.name) and path.is_file()), None)
    below = argument.relative_to(archive).parts if archive else ()
    found = (
        [file for file in files(archive, whose, known) if file.parts[: len(below)] == below]
        if archive
        else []
    )
    where = f"is not in {archive.name}" if archive else "does not exist"
    yield from found or [File(str(argument), (), problem=f"{where}; look at how its name is written")]


def _folder(folder: Path, top: str, senders: _Senders) -> Iterator[File]:
    failed: list[OSError] = []
    there: list[tuple[Path, File]] = []
    for here, below, names in os.walk(folder, onerror=failed.append, followlinks=False):
        links = [name for name in below if os.path.islink(os.path.join(here, name))]
        below[:] = sorted(name for name in below if name not in QUIET and name not in links)
        for name in sorted(names + links):
            parts = Path(here, name).relative_to(folder).parts
            if name not in QUIET and not name.startswith("._"):
                there.append((Path(here, name), File("/".join((top, *parts)), parts)))
    listed = [file for _, file in there]
    for (path, file), key, budget in zip(there, senders.named(listed), senders.of(listed), strict=True):
        yield from _one(path, file, budget, senders if key is None else None)
    for error in failed:
        yield File(str(error.filename), (), problem=f"could not be opened ({error.strerror})")


def _one(path: Path, file: File, budget: _Budget, senders: _Senders | None = None) -> Iterator[File]:
    """A file on the disk, opened if it is an archive: a whole class's if `senders` are given, else one sender's."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            kind = "a link" if stat.S_ISLNK(status.st_mode) else "no ordinary file"
            yield replace(file, problem=f"is {kind}; send the file itself")
            return
        if path.name == "timestamp.txt":
            return
        file = replace(file, date=datetime.fromtimestamp(status.st_mtime).replace(microsecond=0))
        beside = path.with_name("timestamp.txt")  # nbgrader's own record of when it was handed in
        if beside.is_file() and (stamp := _stamp(beside)):
            file = replace(file, date=stamp, dated=True, came=True)
        if is_zip(path.name) and senders:
            yield from _archive(path, file, 1, senders.of, senders.known)
        else:
            yield from _bytes(path.name, file, 0, budget, lambda: path.open("rb"))
    except (OSError, ValueError, OverflowError) as error:
        yield replace(file, problem=f"could not be read ({error})")


def _archive(
    source: Path | io.BytesIO,
    outer: File,
    depth: int,
    budgets: Callable[[list[File]], list[_Budget]],
    known: Known = lambda name: False,
) -> Iterator[File]:
    try:
        archive = zipfile.ZipFile(source)
        members = archive.infolist()
    except BROKEN as error:
        yield replace(outer, problem=f"is no readable zip archive ({error}); download or ask for it again")
        return
    with archive:
        written = [_raw(info) for info in members]
        read, ask = decoder([raw for raw in written if raw is not None], known)
        there: list[tuple[zipfile.ZipInfo, str, File]] = []
        for info, raw in zip(members, written, strict=True):
            name = (info.filename if raw is None else read(raw)).replace("\\", "/")
            parts = tuple(part for part in name.split("/") if part not in ("", "."))
            if info.is_dir() or not parts or QUIET & set(parts) or parts[-1].startswith("._"):
                continue
            file = File("/".join((outer.path, *parts)), (*outer.parts, *parts), date=_date(info))
            file.dated = file.date is not None
            file.asked = outer.asked or ("" if raw is None or raw.isascii() else ask)
            if parts[-1] != "timestamp.txt":
                there.append((info, name, file))
        for (info, name, file), budget in zip(there, budgets([file for *_, file in there]), strict=True):
            yield from _member(archive, info, name, file, depth, budget)


def _member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, file: File, depth: int, budget: _Budget
) -> Iterator[File]:
    absolute = name.startswith("/") or re.match(r"^[A-Za-z]:", name)
    problem = ""
    if absolute or ".." in file.parts:
        problem, file = "has a path that leads out of the archive; it was not opened", replace(file, parts=())
    elif stat.S_ISLNK(info.external_attr >> 16):
        problem = "is a link; send the file itself"
    elif info.flag_bits & 1 and (is_zip(name) or _maybe(name)):
        problem = "is encrypted; ask for it without a password"
    elif is_zip(name) and depth >= DEEPEST:
        problem = f"is an archive in {depth} archives; up to {DEEPEST} are opened"
    file = replace(file, problem=problem)
    yield from _bytes(name, file, depth, budget, lambda: archive.open(info))


def _bytes(
    name: str, file: File, depth: int, budget: _Budget, stream: Callable[[], IO[bytes]]
) -> Iterator[File]:
    """The file with its bytes, or what is in it. Sizes that are stated are not believed: bytes are counted as they come."""
    budget.take(members=1)
    if budget.members < 0:
        if budget.members == -1:
            yield replace(file, problem=budget.spent())
    elif file.problem:
        yield file
    elif not (is_zip(name) or _maybe(name)):
        yield replace(file, problem=_packed(name))
    elif full := budget.spent():
        yield replace(file, problem=full)
    else:
        try:
            with stream() as opened:
                data = opened.read(MOST_BYTES + 1)
        except BROKEN as error:
            where = " in the archive" if depth else ""
            yield replace(file, problem=f"is damaged{where} ({error}); ask for it again")
            return
        budget.take(size=len(data))
        if len(data) > MOST_BYTES:
            yield replace(file, problem=_too_large(len(data)))
        elif not is_zip(name):
            yield replace(file, data=data)
        elif budget.all is None:  # this is the process with limits
            yield from _archive(io.BytesIO(data), file, depth + 1, lambda found: [budget] * len(found))
        else:
            yield from _within_limits(data, file, depth + 1, budget)


def _within_limits(data: bytes, file: File, depth: int, budget: _Budget) -> list[File]:
    size = min(budget.size, budget.all.size)
    try:
        found, members, size = bounded.call(opened, data, file, depth, budget.members, size)
    except bounded.TooMuch as error:
        return [replace(file, problem=f"is an archive that {error}; {ALONE}")]
    budget.take(members, size)
    return found


def opened(data: bytes, file: File, depth: int, members: int, size: int) -> tuple[list[File], int, int]:
    """What is in one sender's archive, and how many members and bytes of their budget that took."""
    budget = _Budget(members, size)
    found = list(_archive(io.BytesIO(data), file, depth, lambda found: [budget] * len(found)))
    return found, members - budget.members, size - budget.size


def _too_large(size: int) -> str:
    return f"is larger than {MOST_BYTES / 1e6:g} MB; ask for it without outputs"


def name_of(path: Path) -> str:
    """The name of a file or folder, of `.` and `..`, too."""
    return path.name if path.name not in ("", "..") else path.resolve().name


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
        with path.open(encoding="utf-8") as file:
            stamp = parse_utc(file.read(100).strip())
        return stamp.replace(tzinfo=timezone.utc).astimezone().replace(tzinfo=None)  # as files' times are
    except (OSError, ValueError, ArithmeticError, TypeError, AttributeError):
        return None
