"""What was sent, opened: archives and folders to files, file names to students and notebooks.

Nothing is written here and no name from an archive is ever used as a path.

Names that are understood (Canvas and Moodle as their own source code writes them):

    lovelaceada_LATE_1234_5678_q1-1.ipynb            Canvas, flat: name, late, user, attachment, copy
    anon_x9Zf1_5678_q1.ipynb                         Canvas, anonymous
    Ada Lovelace_4711_assignsubmission_file_/q1.ipynb  Moodle: name, participant (a new number in each part)
    ada/q1.ipynb  ada/2_build_a_vit/q1.ipynb  ada.zip  ada_q1.ipynb
"""

from __future__ import annotations

import hashlib
import io
import lzma
import os
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath

MOST_MEMBERS = 20_000  # files in one argument, archives inside it included
MOST_BYTES = 100_000_000  # of one file, counted while it is read
MOST_TOTAL = 4_000_000_000  # of one argument: 500 students with 8 MB each
DEEPEST = 3  # archives inside archives

QUIET = {"__MACOSX", ".ipynb_checkpoints", ".git", ".DS_Store", "Thumbs.db", "desktop.ini", ".Trashes"}
MAYBE = {".ipynb", ".json", ".txt", ""}  # endings under which notebooks arrive
BETWEEN = {"submitted", "submissions", "notebooks", "release", "downloaded"}  # folders that are no student

MOODLE = re.compile(
    r"^(?P<name>.+?)(?:_(?P<number>\d+))?_assignsubmission_(?:file|onlinetext)(?:_(?P<file>.*))?$", re.DOTALL
)
CANVAS = re.compile(
    r"^(?P<name>\w*?)(?P<late>_LATE)?_(?P<user>\d+)_(?P<attachment>\d+)_(?P<file>.+)$", re.DOTALL
)
ANONYMOUS = re.compile(
    r"^(?P<late>LATE_)?anon_(?P<user>[A-Za-z0-9]+)_(?P<attachment>\d+)_(?P<file>.+)$", re.DOTALL
)
COPY = re.compile(
    r"(?:[ _]?\((?P<browser>\d{1,3})\)|-(?P<canvas>\d{1,2})|[ _-]+copy(?:[ _](?P<mac>\d{1,2}))?)$", re.I
)
DRIVE = re.compile(r"^(?:copy[ _]of|kopie[ _]von|copia[ _]de|copie[ _]de)[ _]+", re.I)
# what zipfile raises on archives that are damaged, odd or made to hurt
BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, OSError, EOFError, ValueError, IndexError,
    NotImplementedError, RuntimeError, MemoryError, OverflowError,
)  # fmt: skip
RESERVED = re.compile(r"^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)", re.I)


@dataclass
class File:
    """One file as it came; `data` is None where it could not or need not be read, and `problem` says why."""

    path: str  # as shown to people: argument, archives and folders, joined by "/"
    parts: tuple[str, ...]  # below the argument; archives count as folders
    data: bytes | None = None
    problem: str = ""
    date: datetime | None = None  # when it was written, as far as the source says
    dated: bool = False  # an archive or nbgrader says so, not only this disk


@dataclass
class Sender:
    """Who sent a file. `key` tells students apart (two of the same name in Moodle), `label` is the wished id."""

    label: str
    key: str
    name: str = ""  # as the LMS wrote it, for people and the roster
    file: str = ""  # the file's own name, what the LMS put around it taken off
    late: bool = False
    attachment: int = 0
    lms: bool = False  # an LMS named it; the dates in its archives are those of the download


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
            yield File(str(argument), (), problem="does not exist")
        else:
            yield from _one(argument, File(top, () if _is_zip(top) else (top,)), budget)
    except OSError as error:
        yield File(str(argument), (), problem=f"could not be read ({error.strerror or error})")


def _folder(folder: Path, top: str, budget: _Budget) -> Iterator[File]:
    def unreadable(error: OSError) -> None:
        failed.append(error)

    failed: list[OSError] = []
    for here, below, names in os.walk(folder, onerror=unreadable, followlinks=False):
        links = [name for name in below if os.path.islink(os.path.join(here, name))]
        below[:] = sorted(name for name in below if name not in QUIET and name not in links)
        for name in sorted(names + links):
            parts = (*Path(here, name).relative_to(folder).parts,)
            if name in QUIET or name.startswith("._"):
                continue
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
        if _is_zip(path.name):
            with path.open("rb") as stream:
                yield from _archive(stream, file, 1, budget)
            return
        if not _maybe(path.name):
            yield file
            return
        if status.st_size > MOST_BYTES:
            yield replace(file, problem=_too_large(status.st_size))
            return
        budget.members -= 1
        budget.total -= status.st_size
        if full := _spent(budget):
            yield replace(file, problem=full)
            return
        yield replace(file, data=path.read_bytes())
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
        for info in members:
            name = _name(info)
            parts = tuple(part for part in name.split("/") if part not in ("", "."))
            if info.is_dir() or not parts or QUIET & set(parts) or parts[-1].startswith("._"):
                continue
            file = File("/".join((outer.path, *parts)), (*outer.parts, *parts))
            file.date = _date(info)
            file.dated = file.date is not None
            if parts[-1] == "timestamp.txt":
                continue
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
    elif not (_is_zip(name) or _maybe(name)):
        yield file
    elif info.flag_bits & 1:
        yield replace(file, problem="is encrypted; ask for it without a password")
    elif full := _spent(budget):
        yield replace(file, problem=full)
    elif _is_zip(name) and depth >= DEEPEST:
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
        elif _is_zip(name):
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


def _is_zip(name: str) -> bool:
    return name.lower().endswith(".zip")


def _maybe(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in MAYBE


def _name(info: zipfile.ZipInfo) -> str:
    """The member's name with "/" between folders; macOS writes UTF-8 without saying so, zipfile takes it for cp437."""
    name = info.filename
    if not info.flag_bits & 0x800:
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            pass
    return name.replace("\\", "/")


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


# --- names to students and notebooks --------------------------------------------------------------


def senders(found: list[File], top: str, notebooks: list[str], ignored: set[str]) -> list[Sender | None]:
    """Who sent each file of one argument; None where no name tells.

    One component of the path says who, and what lies below it is never asked: a student who names a file
    after somebody else's hands in under their own name.

    Args:
        top: name of the argument, the student if nothing below it names one.
        notebooks: names of the part's notebooks, to see `<student>_<notebook>`.
        ignored: folders that are no student, e.g. the part's.
    """
    ignored = {name.casefold() for name in ignored | BETWEEN}
    paths = [tuple(p for p in f.parts[:-1] if p.casefold() not in ignored) + f.parts[-1:] for f in found]
    folders = [path[:-1] for path in paths if path]
    common = 0
    while folders and all(len(f) > common and f[common] == folders[0][common] for f in folders):
        if by_lms(folders[0][common]):
            break
        common += 1
    result: list[Sender | None] = []
    for path in paths:
        if not path:
            result.append(None)
        elif len(path) > common + 1:
            result.append(_sender(path[common], path[-1]))
        else:
            result.append(by_lms(path[-1]) or _flat(path[-1], notebooks))
    if common and not any(result):  # everything lies in one student's folder
        own = _sender(folders[0][common - 1], "")
        result = [replace(own, file=path[-1]) if path else None for path in paths]
    elif not any(result) and all(f.parts != (top,) for f in found):
        own = by_lms(top) or _sender(PurePosixPath(top).stem if _is_zip(top) else top, "")
        if own and own.label.casefold() not in ignored:
            result = [replace(own, file=path[-1]) if path else None for path in paths]
    return result


def by_lms(name: str) -> Sender | None:
    """A folder, file or archive named by Canvas or Moodle."""
    if match := MOODLE.match(name):
        number, who = match["number"] or "", match["name"]
        if who.casefold() == "participant":  # blind marking
            return Sender(f"{who} {number}", f"{who} {number}", who, match["file"] or name, lms=True)
        return Sender(who, f"{who}\0{number}" if number else who, who, match["file"] or name, lms=True)
    if match := (ANONYMOUS.match(name) or CANVAS.match(name)) if "." in name else None:
        who = match.groupdict().get("name") or ""
        sender = Sender(match["user"], match["user"], who, match["file"], bool(match["late"]))
        return replace(sender, attachment=int(match["attachment"][:18]), lms=True)
    return None


def _sender(component: str, file: str) -> Sender:
    """The student that a folder or archive is named after, for a file below it."""
    if known := by_lms(component):
        return replace(known, file=file)
    label = PurePosixPath(component).stem if _is_zip(component) else component
    return Sender(label, label, "", file)


def _flat(name: str, notebooks: list[str]) -> Sender | None:
    """`<student>_<notebook>.ipynb`, the notebook in full or by its number (`ada_q1.ipynb`)."""
    stem, _ = tidy(name)
    for notebook in sorted(notebooks, key=len, reverse=True):
        for form in (notebook, short(notebook)):
            if form and (match := re.match(rf"^(.+?)[ _-]+{re.escape(form)}$", stem, re.I)):
                return Sender(match[1], match[1], "", name)
    return None


def short(notebook: str) -> str:
    """ "q1" of "q1_positional_encoding"; empty for notebooks without a number."""
    match = re.match(r"[a-z]+\d+(?=_)", notebook)
    return match[0] if match else ""


def tidy(name: str) -> tuple[str, int]:
    """A file's stem without what browsers and Drive add, and the number of the copy.

    `q1 (2).ipynb` -> ("q1", 2), `Copy of q1.ipynb` -> ("q1", 0), `q1-1.ipynb` -> ("q1", 1).
    """
    stem = unicodedata.normalize("NFC", name[-300:])
    while PurePosixPath(stem).suffix.lower() in (".ipynb", ".json", ".txt"):
        stem = stem[: -len(PurePosixPath(stem).suffix)]
    number = 0
    while (shorter := DRIVE.sub("", stem)) != stem or (match := COPY.search(stem)):
        if shorter != stem:
            stem = shorter
            continue
        number = number or int(match["browser"] or match["canvas"] or match["mac"] or 1)
        stem = stem[: match.start()].rstrip()
    return stem.strip(), number


def notebook_of(name: str, notebooks: list[str]) -> str | None:
    """Which of the notebooks a file is by its name, or None: `Copy of Q1-Positional encoding.ipynb` is Q1."""
    stem = re.sub(r"[\s\-.]+", "_", tidy(name)[0].casefold())
    for notebook in sorted(notebooks, key=len, reverse=True):
        if re.search(rf"(?:^|_){re.escape(notebook.casefold())}(?:_|$)", stem):
            return notebook
    numbered = [n for n in notebooks if short(n) and re.search(rf"(?:^|_){short(n)}(?:_|$)", stem)]
    return numbered[0] if len(numbered) == 1 else None


def safe_id(label: str) -> str:
    """A student id that is one folder's name on every system and nothing else; readable where it can be.

    Different labels may give the same id: who assigns ids has to tell them apart.
    """
    text = unicodedata.normalize("NFC", label.encode("utf-8", "replace").decode("utf-8"))
    text = "".join("-" if unicodedata.category(c)[0] == "C" or c in '/\\:*?"<>|+,[]{}%#' else c for c in text)
    text = re.sub(r"\s+", "_", text.strip()).strip(".-_")
    digest = hashlib.sha256(label.encode("utf-8", "replace")).hexdigest()[:8]
    if RESERVED.match(text):
        text = f"_{text}"
    if len(text.encode()) > 80:
        text = f"{text.encode()[:70].decode('utf-8', 'ignore').rstrip('.-_')}-{digest}"
    return text or f"student-{digest}"
