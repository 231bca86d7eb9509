"""Who sent each file: one component of its path says so, read as the LMS wrote it, or as people do.

Names that are understood besides those of each LMS (a module each):

    ada/q1.ipynb  ada/2_build_a_vit/q1.ipynb  ada.zip  ada_q1.ipynb
"""

import re
from dataclasses import replace
from pathlib import PurePosixPath

from course.collecting import canvas, moodle
from course.collecting.archives import File, is_zip
from course.collecting.names import Sender, short, tidy

LMS = (moodle, canvas)
BETWEEN = {"submitted", "submissions", "notebooks", "release", "downloaded"}  # folders that are no student


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
        own = by_lms(top) or _sender(PurePosixPath(top).stem if is_zip(top) else top, "")
        if own and own.label.casefold() not in ignored:
            result = [replace(own, file=path[-1]) if path else None for path in paths]
    return result


def by_lms(name: str) -> Sender | None:
    """Who sent a folder, file or archive that an LMS has named."""
    return next((found for lms in LMS if (found := lms.sender(name))), None)


def _sender(component: str, file: str) -> Sender:
    """The student that a folder or archive is named after, for a file below it."""
    if known := by_lms(component):
        return replace(known, file=file)
    label = PurePosixPath(component).stem if is_zip(component) else component
    return Sender(label, label, "", file)


def _flat(name: str, notebooks: list[str]) -> Sender | None:
    """`<student>_<notebook>.ipynb`, the notebook in full or by its number (`ada_q1.ipynb`)."""
    stem, _ = tidy(name)
    for notebook in sorted(notebooks, key=len, reverse=True):
        for form in (notebook, short(notebook)):
            if form and (match := re.match(rf"^(.+?)[ _-]+{re.escape(form)}$", stem, re.I)):
                return Sender(match[1], match[1], "", name)
    return None
