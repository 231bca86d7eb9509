"""`--who`: whose a file in a flat folder is, by a regular expression or a table."""

import csv
import itertools
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from course.collecting.archives import File
from course.collecting.names import Sender
from course.collecting.sheet import COLUMNS, SEPARATORS, CollectError, begin, decode, plain


def reader(who: str) -> Callable[[File], list[Sender]]:
    """Who sent a file: by a table's two columns (file, student) if `who` is a file, else by the first group of an
    expression that is found in the file's path.

    Raises CollectError if `who` is neither, or says two things of one file.
    """
    path = Path(who)
    if path.is_file():
        table = _table(path)

        def find(file: File) -> str | None:
            name = file.parts[-1]
            ways = (file.path, "/".join(file.parts), name, PurePosixPath(name).stem)
            return next((table[way] for way in map(_composed, ways) if way in table), None)
    else:
        if path.suffix in (".csv", ".tsv", ".txt", ".xlsx"):
            raise CollectError(f"--who {who!r}: there is no such file.")
        try:
            pattern = re.compile(who)
        except re.error as error:
            raise CollectError(
                f"--who {who!r} is neither a file nor a regular expression ({error})."
            ) from None
        if not pattern.groups:
            raise CollectError(
                f"--who {who!r} is no file, and as an expression it has no group: '(.+)_q1' has one."
            )

        def find(file: File) -> str | None:
            match = pattern.search("/".join(file.parts))
            return match[1] if match else None

    def whose(file: File) -> list[Sender]:
        if file.parts and (found := find(file)):
            return [Sender(found, found, file=file.parts[-1])]
        file.asked = (
            f"--who {who} does not say whose it is; mend it, or collect the file alone with --student ID"
        )
        return []

    return whose


def _table(path: Path) -> dict[str, str]:
    """File -> student."""
    text, encoding = decode(path.read_bytes())
    text, separator = begin(text)
    separator = separator or max(SEPARATORS, key=text.partition("\n")[0].count)
    rows = [[c.strip() for c in row] for row in csv.reader(text.splitlines(), delimiter=separator)]
    ids = [place for place, head in enumerate(rows[0] if rows else ()) if COLUMNS.get(plain(head)) == "id"]
    if any(any(row[2:]) for row in rows) and encoding:
        ends = [
            sum(".ipynb" in cell for cell in column) for column in itertools.zip_longest(*rows, fillvalue="")
        ]
        if len(ids) != 1 or not any(ends) or ids[0] == ends.index(max(ends)):
            raise CollectError(
                f"{path} has more than two columns; leave the file's name, and the student's id."
            )
        rows = [[row[ends.index(max(ends))], row[ids[0]]] for row in rows if len(row) == len(rows[0])]
        ids = [1]
    rows = [row[:2] for row in rows if len(row) > 1 and all(row[:2])]
    if not rows or not encoding:
        raise CollectError(f"{path} has no two columns: the file's name, and the student's id.")
    left, right = (sum(".ipynb" in row[side] for row in rows) for side in (0, 1))
    if right > left or (left == right and ids == [0]):
        rows = [[name, student] for student, name in rows]
    table = {}
    for name, student in rows:
        if table.setdefault(_composed(name), student) != student:
            raise CollectError(
                f"{path} says that {name} is {table[_composed(name)]}'s and {student}'s; leave one of them."
            )
    return table


def _composed(name: str) -> str:
    """macOS writes ü as two characters."""
    return unicodedata.normalize("NFC", name)
