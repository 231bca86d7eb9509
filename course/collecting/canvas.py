"""How Canvas names what students hand in, as its own source code writes it.

lovelaceada_LATE_1234_5678_q1-1.ipynb      flat: name, late, user, attachment, copy
anon_x9Zf1_5678_q1.ipynb                   anonymous
lovelaceada_1234_link.html                  no file but an address (of a notebook in Colab), or _text.html
"""

import re
from dataclasses import replace

from course.collecting.names import Sender

FILE = re.compile(
    r"^(?P<name>\w*?)(?P<late>_LATE)?_(?!20\d\d_[01]\d_)(?P<user>\d+)_"
    r"(?:(?P<attachment>\d+)_(?P<file>.+)|(?:link|text)\.html)$",
    re.DOTALL,
)  # submissions_2026_03_02.zip has a date
ANONYMOUS = re.compile(
    r"^(?P<late>LATE_)?anon_(?P<user>[A-Za-z0-9]+)_(?:(?P<attachment>\d+)_(?P<file>.+)|(?:link|text)\.html)$",
    re.DOTALL,
)


def sender(name: str) -> Sender | None:
    """Who sent a file, or an archive, of this name; None if Canvas did not name it."""
    match = (ANONYMOUS.match(name) or FILE.match(name)) if "." in name else None
    if not match:
        return None
    who = match.groupdict().get("name") or ""
    found = Sender(match["user"], match["user"], who, match["file"] or name, bool(match["late"]))
    return replace(found, attachment=int((match["attachment"] or "0")[:18]), lms="canvas")
