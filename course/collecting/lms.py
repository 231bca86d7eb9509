"""Who sent each file: one component of its path says so, read as the LMS wrote it, or as people do.

Names that are understood besides those of each LMS (a module each):

    ada/q1.ipynb  ada/2_build_a_vit/q1.ipynb  ada.zip  ada_q1.ipynb
"""

import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath

from course.collecting import blackboard, brightspace, canvas, google, gradescope, ilias, moodle
from course.collecting.archives import File, is_zip
from course.collecting.names import DRIVE, Sender, notebook_of, short, thing, tidy

# each has `sender(name)`: who sent a folder, file or archive of this name, if it says so by itself; and may have
# `listed(found)`: name -> who sent it, where only the whole archive tells
LMS = (moodle, blackboard, brightspace, canvas, gradescope, ilias)


def senders(
    found: list[File],
    top: str,
    notebooks: list[str],
    parts: set[str],
    known: Callable[[str], object] = lambda name: False,
) -> list[list[Sender]]:
    """Who sent each file of one argument, several for a group's; nobody where no name tells.

    One component of the path says who, and what lies below it is never asked: a student who names a file
    after somebody else's hands in under their own name.

    Args:
        top: name of the argument, the student if nothing below it names one.
        notebooks: names of the part's notebooks, to see `<student>_<notebook>`; folders may be called so.
        parts: names of the course's parts, for folders are called so, too.
        known: whether somebody of the course is called so.
    """
    nobody = {name.casefold() for name in (*parts, *notebooks, *filter(None, map(short, notebooks)))}
    above = _common([file.parts[:-1] for file in found if file.parts])
    listed = _listed(found, max(above - 1, 0))

    def by_name(name: str) -> list[Sender] | None:
        return listed[name] if name in listed else [who] if (who := by_lms(name)) else None

    def between(name: str) -> bool:
        if listed and ilias.TEAM.match(name):
            return True
        label = _sender(name).label
        return (label.casefold() in nobody or thing(label)) and by_name(name) is None and not known(label)

    paths = [(*(p for p in file.parts[:-1] if not between(p)), *file.parts[-1:]) for file in found]
    folders = [path[:-1] for path in paths if path]
    common = _common(folders, lambda name: by_name(name) is None)
    flat = google.senders([p[-1] for p in paths if 0 < len(p) <= common + 1], notebooks, known)
    whole = _whole(found, paths, common, lambda name: by_name(name) is not None or known(_sender(name).label))
    result: list[list[Sender]] = []
    for file, path in zip(found, paths, strict=True):
        if len(path) > common + 1 and path[common] in whole:
            named = []
            which = file.path.partition(path[common])[0] + path[common]
            file.asked = f"{which} is what an LMS gives of several students; collect it by itself"
        elif len(path) > common + 1:
            named = by_name(path[common])
            named = [_sender(path[common])] if named is None else named
        elif path:
            one = flat.get(path[-1]) or _flat(path[-1], notebooks)
            named = by_name(path[-1])
            named = ([one] if one else []) if named is None else named
        else:
            named = []
        result.append([_below(who, path[-1]) if len(path) > common + 1 else who for who in named])
    names = [*reversed(folders[0][:common]), top] if folders else [top]
    if all(file.parts == (top,) for file in found):  # a single file
        names = []
    owns = [_sender(name) for name in names if not between(name)]
    owns = [own for own in owns if not google.ARCHIVE.match(own.label)]
    sure = next((own for own in owns if own.lms or known(own.label)), None)
    if listed or whole or (any(result) and not (sure and _may_be_one(result, notebooks, known))):
        return _groups(paths, common, result)
    if own := sure or next(iter(owns), None):
        own = own if own.lms else replace(own, guessed=True)
        return [[_below(own, path[-1])] if path else [] for path in paths]
    return result


def _common(folders: list[tuple[str, ...]], between: Callable[[str], bool] = lambda name: True) -> int:
    """How many folders, from the top, lie around everything and say nothing of who sent it."""
    levels = ({*level} for level in zip(*folders, strict=False))
    return len(list(itertools.takewhile(lambda level: len(level) == 1 and between(*level), levels)))


def _listed(found: list[File], above: int) -> dict[str, list[Sender]]:
    """Name -> who sent it, as only a whole archive tells; `above` folders lie around it."""
    seen = [replace(file, parts=file.parts[above:]) for file in found]
    listed = {name: who for lms in LMS if hasattr(lms, "listed") for name, who in lms.listed(seen).items()}
    for file, copy in zip(found, seen, strict=True):
        file.asked, file.problem = copy.asked, copy.problem
    return listed


def _whole(
    found: list[File], paths: list[tuple[str, ...]], common: int, named: Callable[[str], object]
) -> set[str]:
    """Folders and archives beside others that are a class's, not a student's: an LMS has named several below them."""
    below: dict[str, list[File]] = {}
    for file, path in zip(found, paths, strict=True):
        if len(path) > common + 1 and not named(path[common]):
            parts = file.parts[file.parts.index(path[common]) + 1 :]
            below.setdefault(path[common], []).append(replace(file, parts=parts))
    whole = set()
    for name, files in below.items():
        listed = _listed(files, max(_common([file.parts[:-1] for file in files]) - 1, 0))
        who = {sent.key for file in files if (sent := by_lms(file.parts[0]))}
        if len(who | {sent.key for some in listed.values() for sent in some}) > 1:
            whole.add(name)
    return whole


def _may_be_one(result: list[list[Sender]], notebooks: list[str], known: Callable[[str], object]) -> bool:
    """Whether all that names say may be one student's way to call files: nobody is known, no notebook is there twice."""
    people = [who for some in result for who in some]
    if any(who.lms or known(who.label) for who in people):
        return False
    by = {(notebook_of(who.file, notebooks) or who.file, who.key) for who in people}
    return len({what for what, _ in by}) == len(by)


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
    label, after = (PurePosixPath(component).stem, "archive") if is_zip(component) else (component, "folder")
    return by_lms(component) or Sender(label, label, after=after)


def _flat(name: str, notebooks: list[str]) -> Sender | None:
    """`<student>_<notebook>.ipynb`, the notebook in full or by its number (`ada_q1.ipynb`)."""
    stem, _ = tidy(name)
    for notebook in sorted(notebooks, key=len, reverse=True):
        for form in (notebook, short(notebook)):
            if form and (match := re.match(rf"^(.+?)[ _-]+{re.escape(form)}$", stem, re.I)):
                who = re.sub(rf"[ _-]+{DRIVE.pattern[1:]}$", "", f"{match[1]} ", flags=re.I).strip()
                return None if thing(who) else Sender(who, who, "", name, after="file")
    return None
