"""How ILIAS names what students hand in (*Download all submissions*), as its own source code writes it.

Part_2/Lovelace_Ada_ada_4711/q1.ipynb                       last name, first name, login, number
Part_2/Team_12/Lovelace_Ada_ada_4711/q1.ipynb               of a team only whoever uploaded it is named
Part_2/Lovelace_Ada_ada_4711/Late Submission - q1.ipynb
"""

import re
from dataclasses import replace
from pathlib import PurePosixPath

from course.collecting.archives import File
from course.collecting.names import Sender, thing

FOLDER = re.compile(r"^(?P<last>[^_]+(?:_[^_]+)*?)_(?P<first>[^_]+)_(?P<login>[^_]+)_(?P<number>\d{2,})$")
TEAM = re.compile(r"^Team[ _]\d+(?:[ _]\(\d+\))?$")
LATE = re.compile(r"^(?:late submission|versp(?:ä|ae)tete abgabe)[ _]-[ _]", re.I)


def sender(name: str) -> Sender | None:
    """A single name is no sign of ILIAS: `my_homework_part_12` looks the same."""
    return None


def listed(found: list[File]) -> dict[str, list[Sender]]:
    """Folder -> who handed it in, where all folders that lie beside each other are named so."""
    folders: dict[tuple[str, ...], set[str]] = {}
    for file in found:
        parts = tuple(part for part in file.parts if not TEAM.match(part))
        for depth in range(min(len(parts) - 1, 2)):
            folders.setdefault(parts[:depth], set()).add(parts[depth])
    result: dict[str, list[Sender]] = {}
    for names in folders.values():
        matches = {
            name: match for name in names if (match := FOLDER.match(name)) and not thing(match["login"])
        }
        if len(names) == len(matches) == len({match["number"] for match in matches.values()}):
            after = "folder" if len(names) == 1 else ""  # hw_ada_lovelace_2026 looks the same
            result = {name: [replace(who(match), after=after)] for name, match in matches.items()}
            break
    return result


def who(match: re.Match[str]) -> Sender:
    """The student that a folder is named after."""
    name = f"{match['first']} {match['last']}".replace("_", " ")
    return Sender(match["login"], f"ilias:{match['login']}", name, lms="ilias")


def late(name: str) -> bool:
    return bool(LATE.match(PurePosixPath(name).name))
