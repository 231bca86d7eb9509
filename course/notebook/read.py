"""Any bytes to cells: what a notebook still says after editors, browsers, merges and broken transfers.

nbformat reads only valid notebooks, and raises on the ones that matter here, so this reads just what a
submission needs (type, source and names of each cell) and takes nothing else on trust.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from course.base import bounded
from course.base.text import paired
from course.notebook import pictures

LARGEST = 100_000_000  # bytes; a notebook with every figure of the course stays below 10 MB
LONGEST = 200_000  # characters of one cell's source; the longest of the course has 4,000
MOST_CELLS = 2_000  # the longest notebook of the course has 66

CELL = re.compile(
    r'\{\s*"(?:cell_type|source|input|id|metadata|outputs|execution_count|attachments|collapsed|language)"\s*:'
)

PYTHON = re.compile(r'"version"\s*:\s*"(\d)\.(\d{1,3})[."]')  # in language_info

NOTHING = re.compile(r'"nothing_sent"\s*:\s*"(cells|answers)"')  # in the metadata of a rebuilt notebook


class Unreadable(Exception):
    """No notebook can be made out of these bytes; `reason` says why, as a phrase after "the file"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass
class Cell:
    """One cell as it was sent; `names` are what may identify it, best first: grade_id, cell id, Colab's id."""

    kind: str  # "code", "markdown" or "raw"
    source: str
    names: tuple[str, ...] = ()
    pictures: dict[str, dict[str, str]] = field(default_factory=dict)  # attachments of a text
    lost: str = ""  # why a picture of it was left out


@dataclass
class Sent:
    """A notebook as it was sent: all cells that can be read, in order, and a phrase for all that had to be repaired."""

    cells: list[Cell]
    repairs: list[str]
    python: tuple[int, int] = (
        0,
        0,
    )  # with which it was last run, as it says itself; (0, 0) where it does not
    nothing: str = (
        ""  # rebuilt from a file without any answer cell: "cells" if it had no cells at all, else "answers"
    )


def within_limits(function: Callable, *arguments: Any) -> Any:
    """`function(*arguments)` on what a student sent, in a process with limits (`course.base.bounded`).

    Raises:
        Unreadable: if it needs too much, and for whatever else it raises.
        OSError: if the machine has no room for the process.
    """
    try:
        return bounded.call(function, *arguments)
    except (Unreadable, OSError):
        raise
    except bounded.TooMuch as error:
        raise Unreadable(str(error)) from None
    except Exception as error:
        raise Unreadable(f"could not be read ({type(error).__name__})") from None


def parse(data: bytes) -> Sent:
    """The cells in these bytes.

    Raises Unreadable: there is no notebook in these bytes. Nothing else is raised, whatever the bytes.
    """
    if len(data) > LARGEST:
        raise Unreadable(f"has {len(data) / 1e6:,.0f} MB; up to {LARGEST / 1e6:,.0f} MB are read")
    if not data.strip(b" \t\r\n\0"):
        raise Unreadable("is empty" if not data else "holds nothing but blanks")
    repairs: list[str] = []
    text = _decode(data, repairs)
    raw = _raw_cells(text, repairs)
    if len(raw) > MOST_CELLS:
        raise Unreadable(f"has {len(raw):,} cells; up to {MOST_CELLS:,} are read")
    cells = [cell for cell in map(_cell, raw) if cell]
    if len(cells) < len(raw):
        repairs.append(f"{len(raw) - len(cells)} of {len(raw)} cells were damaged and are left out")
    room = pictures.ALL
    for cell in cells:
        room -= pictures.size(cell.pictures)
        if room < 0:
            cell.pictures, cell.lost = {}, f"all of the file have more than {pictures.ALL * 3 / 4e6:.0f} MB"
        if len(cell.source) > LONGEST:
            repairs.append(f"a cell of {len(cell.source):,} characters is left out (limit {LONGEST:,})")
    if any(map(_unbroken, raw)):
        repairs.append("lists of lines without line ends were read as lines")
    python = PYTHON.search(text, max(text.rfind('"language_info"'), 0))
    version = (int(python[1]), int(python[2])) if python else (0, 0)
    nothing = NOTHING.search(text)
    kept = [cell for cell in cells if len(cell.source) <= LONGEST]
    return Sent(kept, repairs, version, nothing[1] if nothing else "")


def _decode(data: bytes, repairs: list[str]) -> str:
    encoding = json.detect_encoding(data)  # by byte order mark or the zeros of UTF-16 and UTF-32
    try:
        text = data.decode(encoding)
        if encoding not in ("utf-8", "utf-8-sig"):
            repairs.append(f"read as {encoding.upper()} (notebooks are UTF-8)")
        return text
    except UnicodeDecodeError:
        pass
    # Either an editor saved Latin-1, or some bytes of UTF-8 are broken: count which explains more.
    text = data.decode("utf-8", "replace")
    broken = text.count("\N{REPLACEMENT CHARACTER}")
    right = len(text) - len(text.encode("ascii", "ignore")) - broken
    if broken > right:
        repairs.append("read as Latin-1 (notebooks are UTF-8)")
        return data.decode("cp1252", "replace")
    repairs.append(f"{broken} broken characters (shown as \N{REPLACEMENT CHARACTER})")
    return text


def _raw_cells(text: str, repairs: list[str]) -> list[Any]:
    whole = _parse(text)
    if whole is None and (sides := _sides(text)):
        found = [_cells_of(_parse(side)) for side in sides]
        if any(found):
            repairs.append("git's merge markers (<<<<<<<, >>>>>>>) were resolved; both sides were read")
            # both sides one after the other: what is there twice is dealt with as any duplicate is
            ours, theirs = (side or [] for side in found)
            known = {repr(_cell(cell)) for cell in ours}
            return ours + [cell for cell in theirs if repr(_cell(cell)) not in known]
    if whole is None:
        try:
            found, _ = _decoder().raw_decode(text, max(text.find("{"), 0))
        except (ValueError, RecursionError):
            found = None
        if _cells_of(found):
            whole = found
            repairs.append("text before or after the notebook was left out")
    cells = _cells_of(whole)
    if cells is None and whole is not None:
        raise Unreadable("is JSON but not a notebook: it has no list of cells")
    if cells is None:
        cells = _pieces(text)
        if not cells:
            start = " ".join(text[:200].split())[:40]
            raise Unreadable(f"is not a notebook (no JSON with cells in it); it begins with {start!r}")
        repairs.append(f"the file is damaged or cut off; {len(cells)} whole cells could be read")
    return cells


def _sides(text: str) -> tuple[str, str] | None:
    """Both versions of a text with git's merge markers, or None if it has none. One pass, a state a line."""
    ours, theirs, state = [], [], "both"
    for line in text.splitlines(keepends=True):
        mark = line[:7]
        if mark == "<<<<<<<":
            state = "ours"
        elif mark == "|||||||" and state == "ours":
            state = "base"
        elif mark == "=======" and state in ("ours", "base"):
            state = "theirs"
        elif mark == ">>>>>>>" and state == "theirs":
            state = "both"
        else:
            ours += [line] if state in ("both", "ours") else []
            theirs += [line] if state in ("both", "theirs") else []
    return ("".join(ours), "".join(theirs)) if "<<<<<<<" in text else None


def _decoder() -> json.JSONDecoder:
    # numbers never matter here, and Python refuses to read those of thousands of digits
    return json.JSONDecoder(strict=False, parse_int=lambda digits: 0)


def _parse(text: str) -> Any:
    """The JSON value of the whole text (NaN and control characters are let through), or None."""
    try:
        return _decoder().decode(text)
    except (ValueError, RecursionError):
        return None


def _cells_of(notebook: Any) -> list[Any] | None:
    """The cells of a notebook of format 4, or of 2 and 3 (in worksheets), or None."""
    if not isinstance(notebook, dict):
        return None
    if isinstance(notebook.get("cells"), list):
        return notebook["cells"]
    sheets = notebook.get("worksheets")
    if not isinstance(sheets, list):
        return None
    lists = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
    return [cell for cells in lists if isinstance(cells, list) for cell in cells]


def _pieces(text: str) -> list[Any]:
    """Every complete cell in a text that is no JSON as a whole, found by how cells begin."""
    found, end, budget = [], 0, 4 * len(text) + 1_000_000  # characters; nested junk must not take forever
    for match in CELL.finditer(text):
        if match.start() < end or budget < 0:
            continue
        try:
            piece, after = _decoder().raw_decode(text, match.start())
        except RecursionError:
            budget -= 100_000
            continue
        except ValueError as error:
            # the error has counted all lines above it
            budget -= getattr(error, "pos", match.start()) - match.start() + match.start() // 100
            continue
        budget -= after - match.start()
        if _cell(piece):
            found.append(piece)
            end = after
    return found


def _cell(raw: Any) -> Cell | None:
    """A raw cell with every type checked, or None for what is no cell."""
    if not isinstance(raw, dict):
        return None
    source = _source(raw)
    if isinstance(source, list):
        source = ("\n" if _unbroken(raw) else "").join(line for line in source if isinstance(line, str))
    if not isinstance(source, str):
        return None
    kind = raw.get("cell_type")
    if kind not in ("code", "markdown", "raw"):
        kind = "code" if "outputs" in raw else "markdown"  # format 3 has headings
    metadata = raw.get("metadata") if isinstance(raw.get("metadata"), dict) else {}
    graded = metadata.get("nbgrader") if isinstance(metadata.get("nbgrader"), dict) else {}
    names = (graded.get("grade_id"), raw.get("id"), metadata.get("id"))
    names = tuple(name if isinstance(name, str) else "" for name in names)
    attached, lost = {}, ""
    if kind == "markdown":
        attached, source, lost = pictures.kept(raw.get("attachments"), source)
    return Cell(kind, clean(source), names, attached, lost)


def _source(raw: dict) -> Any:
    return next((raw[key] for key in ("source", "input") if key in raw), None)


def _unbroken(raw: Any) -> bool:
    """Its source is a list of lines, none of which says where it ends: no editor means that as one long line."""
    lines = _source(raw) if isinstance(raw, dict) else None
    return isinstance(lines, list) and len(lines) > 1 and not any("\n" in str(line) for line in lines)


def clean(source: str) -> str:
    """Text that every file, database and browser takes: unix line ends, no lone surrogates, no NUL."""
    return paired(source).replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\N{REPLACEMENT CHARACTER}")
