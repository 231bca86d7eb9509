"""How Blackboard names what students hand in (*Download assignment file*), as graders' scripts read it.

Part 2_ada_attempt_2026-03-02-10-00-00_q1.ipynb      assignment, username, attempt, file
Part 2_ada_attempt_2026-03-02-10-00-00.txt           its own note, a file an attempt; the first line is
                                                     Name: Ada Lovelace (ada)
"""

import re
from dataclasses import replace
from datetime import datetime

from course.collecting.archives import File
from course.collecting.names import Sender

FILE = re.compile(
    r"^(?P<attempt>.+?_(?P<user>[^_]+)_attempt_(?P<stamp>\d{4}(?:-\d\d){5}))(?:_(?P<file>.+)|\.txt)$",
    re.DOTALL,
)
NAME = re.compile(r"^\ufeff?[^:\n]+:\s*(?P<name>[^\n]+?)\s*\((?P<user>[^()\n]+)\)\s*$", re.MULTILINE)


def sender(name: str) -> Sender | None:
    """Who sent a file of this name; None if Blackboard did not name it."""
    if not (match := FILE.match(name)):
        return None
    try:
        when = datetime.strptime(match["stamp"], "%Y-%m-%d-%H-%M-%S")
    except ValueError:
        return None
    user = match["user"]
    return Sender(user, f"blackboard:{user}", "", match["file"] or name, lms="blackboard", when=when)


def listed(found: list[File]) -> dict[str, list[Sender]]:
    """File -> who sent it, with the name that stands in the attempt's note; it also knows user names with a "_"."""
    notes = {}
    for file in found:
        match = FILE.match(file.parts[-1]) if file.parts and file.data else None
        if match and not match["file"] and (note := NAME.match(file.data[:500].decode("utf-8", "replace"))):
            notes[match["attempt"]] = note
    result = {}
    for file in found:
        match = FILE.match(file.parts[-1]) if file.parts else None
        if match and (note := notes.get(match["attempt"])) and (known := sender(file.parts[-1])):
            user = note["user"].strip()
            result[file.parts[-1]] = [replace(known, label=user, key=f"blackboard:{user}", name=note["name"])]
    return result
