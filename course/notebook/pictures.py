"""Pictures that somebody pasted into a text: which of them are kept.

JupyterLab and VS Code keep them as attachments of the cell, Colab as data in the text itself, which becomes an attachment here.
A page shows them, so they must be what they say: PNG or JPEG, of a bounded size.
"""

import base64
import itertools
import re
from typing import Any

from course.base.text import paired

LARGEST = 2_700_000  # characters of base64, 2 MB of a picture; that of a whole screen has half of it
ALL = 8_000_000  # the same of a notebook
EACH = 1_000  # characters that one counts for beside its name and data
MAGIC = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
ATTACHED = re.compile(r"(\]\(\s*<?)data:(image/(?:png|jpeg));base64,([A-Za-z0-9+/=]+)")


def valid(mime: Any, data: Any) -> str:
    """Why this is not kept, "" if it is."""
    if mime not in MAGIC:
        return "only PNG and JPEG are kept"
    if not isinstance(data, str) or len(data) > LARGEST:
        return f"it has more than {LARGEST * 3 / 4e6:.1f} MB"
    try:
        return "" if base64.b64decode(data, validate=True).startswith(MAGIC[mime]) else f"it is no {mime}"
    except ValueError:
        return "it is damaged"


def size(attachments: dict[str, dict[str, str]]) -> int:
    """Characters of all of them, names included."""
    return sum(
        EACH + len(name) + len(data) for name, bundle in attachments.items() for data in bundle.values()
    )


def kept(attachments: Any, source: str) -> tuple[dict[str, dict[str, str]], str, str]:
    """The pictures of a cell as attachments, its text with their names in it, and why one of them is left out, if one is.

    Args:
        attachments: what stands in the file under that name; anything.
    """
    found: dict[str, dict[str, str]] = {}
    lost = "" if attachments is None or isinstance(attachments, dict) else "it is damaged"
    for name, bundle in attachments.items() if isinstance(attachments, dict) else ():
        name = paired(name)
        for mime, data in bundle.items() if isinstance(bundle, dict) else ((None, None),):
            data = "".join(part for part in data if isinstance(part, str)) if isinstance(data, list) else data
            data = re.sub(r"\s", "", data) if isinstance(data, str) else data
            if why := valid(mime, data):
                lost = lost or why
            else:
                found[name] = {mime: data}

    numbers = itertools.count(1)

    def attach(match: re.Match) -> str:
        nonlocal lost
        start, mime, data = match.groups()
        free = (f"pasted-{number}.{mime.removeprefix('image/')}" for number in numbers)
        name = next(name for name in free if name not in found)
        if why := valid(mime, data):
            lost = why
            return f"{start}picture-left-out"
        found[name] = {mime: data}
        return f"{start}attachment:{name}"

    return found, ATTACHED.sub(attach, source) if "data:image/" in source else source, lost
