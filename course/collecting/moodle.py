"""How Moodle names what students hand in, as its own source code writes it.

Ada Lovelace_4711_assignsubmission_file_/q1.ipynb      name, participant (a new number in each part)
Group A-Ada Lovelace_4711_assignsubmission_file_/      the same, where groups hand in
"""

import re

from course.collecting.names import Sender

FOLDER = re.compile(
    r"^(?P<name>.+?)(?:_(?P<number>\d+))?_assignsubmission_(?:file|onlinetext)(?:_(?P<file>.*))?$", re.DOTALL
)


def sender(name: str) -> Sender | None:
    """Who sent what lies in a folder of this name; None if Moodle did not name it."""
    if not (match := FOLDER.match(name)):
        return None
    number, who = match["number"] or "", match["name"]
    if who.casefold() == "participant":  # blind marking
        return Sender(f"{who} {number}", f"{who} {number}", who, match["file"] or name, lms="moodle")
    return Sender(who, f"{who}\0{number}" if number else who, who, match["file"] or name, lms="moodle")
