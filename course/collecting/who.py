"""`--who`: whose a file in a flat folder is, by a regular expression or a table."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

from course.collecting.archives import File
from course.collecting.names import Sender
from course.collecting.sheet import SEPARATORS, CollectError, decode


def reader(who: str) -> Callable[[File], list[Sender]]:
    """Who sent a file: by a table's two columns (file, student) if `who` is a file, else by the first group of an
    expression that is found in the file's path.

    Raises CollectError if `who` is neither.
    """
    if Path(who).is_file():
        text, _ = decode(Path(who).read_bytes())
        separator = max(SEPARATORS, key=text.partition("\n")[0].count)
        rows = [[c.strip() for c in row[:2]] for row in csv.reader(text.splitlines(), delimiter=separator)]
        table = {row[0]: row[1] for row in rows if len(row) == 2 and all(row)}
        if not table:
            raise CollectError(f"{who} has no two columns: the file's name, and the student's id.")

        def find(file: File) -> str | None:
            paths = (file.path, "/".join(file.parts), *file.parts[-1:])
            return next((table[path] for path in paths if path in table), None)
    else:
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

    return lambda file: (
        [Sender(found, found, file=file.parts[-1])] if file.parts and (found := find(file)) else []
    )
