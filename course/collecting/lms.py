"""Who sent each file: one component of its path says so, read as the LMS wrote it, or as people do.

Names that are understood besides those of each LMS (a module each):

    ada/q1.ipynb  ada/2_build_a_vit/q1.ipynb  ada.zip  ada_q1.ipynb
"""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath

from course.collecting import blackboard, brightspace, canvas, google, gradescope, ilias, moodle
from course.collecting.archives import File, is_zip
from course.collecting.names import DRIVE, Sender, short, tidy

# each has `sender(name)`: who sent a folder, file or archive of this name, if it says so by itself; and may have
# `listed(found)`: name -> who sent it, where only the whole archive tells
LMS = (moodle, blackboard, brightspace, canvas, gradescope, ilias)
BETWEEN = {"submitted", "submissions", "notebooks", "release", "downloaded"}  # folders that are no student


def senders(
    found: list[File],
    top: str,
    notebooks: list[str],
    ignored: set[str],
    known: Callable[[str], object] = lambda name: False,
) -> list[list[Sender]]:
    """Who sent each file of one argument, several for a group's; nobody where no name tells.

    One component of the path says who, and what lies below it is never asked: a student who names a file
    after somebody else's hands in under their own name.

    Args:
        top: name of the argument, the student if nothing below it names one.
        notebooks: names of the part's notebooks, to see `<student>_<notebook>`.
        ignored: folders that are no student, e.g. the part's.
        known: whether somebody of the course is called so.
    """
    ignored = {name.casefold() for name in ignored | BETWEEN}
    listed = {name: who for lms in LMS if hasattr(lms, "listed") for name, who in lms.listed(found).items()}
    paths = []
    for file in found:
        teams = any(part in listed for part in file.parts)
        between = (p.casefold() in ignored or (teams and ilias.TEAM.match(p)) for p in file.parts[:-1])
        kept = (part for part, out in zip(file.parts, between, strict=False) if not out)
        paths.append((*kept, *file.parts[-1:]))

    def by_name(name: str) -> list[Sender] | None:
        return listed[name] if name in listed else [who] if (who := by_lms(name)) else None

    folders = [path[:-1] for path in paths if path]
    common = 0
    while folders and all(len(f) > common and f[common] == folders[0][common] for f in folders):
        if by_name(folders[0][common]) is not None:
            break
        common += 1
    flat = google.senders([p[-1] for p in paths if 0 < len(p) <= common + 1], notebooks, known)
    result: list[list[Sender]] = []
    for path in paths:
        if len(path) > common + 1:
            named = by_name(path[common])
            named = [_sender(path[common])] if named is None else named
            result.append([_below(who, path[-1]) for who in named])
        elif path:
            one = flat.get(path[-1]) or _flat(path[-1], notebooks)
            who = by_name(path[-1])
            result.append(who if who is not None else [one] if one else [])
        else:
            result.append([])
    if listed or any(result):
        return _groups(paths, common, result)
    own = by_lms(top)
    if common:  # everything lies in one student's folder
        own = _sender(folders[0][common - 1])
    elif all(f.parts != (top,) for f in found):
        own = own or _sender(top)
    if own and own.label.casefold() not in ignored and not google.ARCHIVE.match(own.label):
        own = own if own.lms else replace(own, guessed=True)
        return [[_below(own, path[-1])] if path else [] for path in paths]
    return result


def _groups(paths: list[tuple[str, ...]], common: int, result: list[list[Sender]]) -> list[list[Sender]]:
    """A folder in whose folders the same file lies is a student with attempts, or a group of students: a guess."""
    below: dict[str, dict[str, set[str]]] = {}  # folder -> file -> the folders in it that have one
    for path in paths:
        if len(path) > common + 2:
            below.setdefault(path[common], {}).setdefault(path[-1], set()).add(path[common + 1])
    groups = {folder for folder, files in below.items() if any(len(some) > 1 for some in files.values())}
    return [
        [replace(who, guessed=not who.lms) for who in some]
        if len(path) > common + 1 and path[common] in groups
        else some
        for path, some in zip(paths, result, strict=True)
    ]


def by_lms(name: str) -> Sender | None:
    """Who sent a folder, file or archive that an LMS has named."""
    return next((found for lms in LMS if (found := lms.sender(name))), None)


def _below(who: Sender, file: str) -> Sender:
    return replace(who, file=file, late=who.late or ilias.late(file))


def _sender(component: str) -> Sender:
    """The student that a folder or archive is named after."""
    label = PurePosixPath(component).stem if is_zip(component) else component
    return by_lms(component) or Sender(label, label)


def _flat(name: str, notebooks: list[str]) -> Sender | None:
    """`<student>_<notebook>.ipynb`, the notebook in full or by its number (`ada_q1.ipynb`)."""
    stem, _ = tidy(name)
    for notebook in sorted(notebooks, key=len, reverse=True):
        for form in (notebook, short(notebook)):
            if form and (match := re.match(rf"^(.+?)[ _-]+{re.escape(form)}$", stem, re.I)):
                who = re.sub(rf"[ _-]+{DRIVE.pattern[1:]}$", "", f"{match[1]} ", flags=re.I).strip()
                return Sender(who, who, "", name)
    return None
