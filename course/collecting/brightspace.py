"""How Brightspace (D2L) names what students hand in, as graders' scripts read it.

12345-678901 - Ada Lovelace - Mar 2, 2026 1030 AM/q1.ipynb       user and folder, name, time
12345-678901 - Ada Lovelace - Mar 2, 2026 1030 AM - q1.ipynb     the same, flat
"""

import re
from datetime import datetime

from course.collecting.names import Sender

NAMED = re.compile(
    r"^(?P<user>\d+)-\d+ - (?P<name>.+?) - (?P<when>.*?\d{4} .*?\d.*?)(?: - (?P<file>.+))?$", re.DOTALL
)
TIME = re.compile(
    r"^(?P<month>[A-Za-z]{3})[a-z]*\.? (?P<day>\d{1,2}), (?P<year>\d{4}) (?P<hour>\d{1,2})[-:._]?(?P<minute>\d\d)"
    r"(?: ?(?P<half>[AP]M))?$",
    re.I,
)


def sender(name: str) -> Sender | None:
    """Who sent a folder or file of this name; None if Brightspace did not name it."""
    if not (match := NAMED.match(name)):
        return None
    user, when = match["user"], _time(match["when"])
    # the name is part of the key: should the number ever be the folder's, nobody is merged
    return Sender(
        user,
        f"brightspace:{user} {match['name']}",
        match["name"],
        match["file"] or name,
        lms="brightspace",
        when=when,
    )


def _time(text: str) -> datetime | None:
    """The time in the folder's name; None where it is written in another language than English."""
    if not (match := TIME.match(text)):
        return None
    half = match["half"] or ""
    date = " ".join(match[part] for part in ("month", "day", "year", "hour", "minute"))
    try:
        return datetime.strptime(
            f"{date} {half}".strip(), f"%b %d %Y {'%I' if half else '%H'} %M{' %p' * bool(half)}"
        )
    except ValueError:
        return None
