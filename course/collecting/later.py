"""Which of two attempts at a notebook came later, and how that is known."""

from typing import NamedTuple

from course.collecting.collected import Entry


class Later(NamedTuple):
    """sign: 1 if the first of two is the later one, -1 if the second is, 0 if nothing tells.

    ground: how that is known, as a sentence about the later one; `sure`: it is more than a guess.
    """

    sign: int = 0
    ground: str = ""
    sure: bool = False


def later(a: Entry, b: Entry) -> Later:
    """Compare two attempts: what people say, then an LMS, then what archives and disks say, then how they were given."""
    x, y = a.order, b.order
    hand = (x.by_hand, a.run) if x.by_hand else (0, 0), (y.by_hand, b.run) if y.by_hand else (0, 0)
    if sign := _sign(*hand):
        return Later(sign, "it was given with --student", True)
    if x.came and y.came and (sign := _sign(x.came, y.came)):
        return Later(sign, "it was handed in later", True)
    if x.attachment and y.attachment and (sign := _sign(x.attachment, y.attachment)):
        return Later(sign, "Canvas has numbered it later", True)
    turn = _sign((a.run, x.given), (b.run, y.given))
    alike = a.lms == b.lms and bool(x.came) == bool(y.came) and bool(x.saved) == bool(y.saved)
    if alike and (sign := _sign(x.saved, y.saved)):
        if a.lms or turn in (0, sign):
            return Later(sign, "it was downloaded later" if a.lms else "it was saved later", True)
        return Later(sign, "it was saved later, though it was collected earlier")
    if a.path == b.path and turn and not (a.guessed or b.guessed):
        return Later(turn, "it came in a later run", True)
    if turn:
        how = "it came in a later run" if a.run != b.run else "it was given later on the command line"
        return Later(turn, how)
    if alike and (sign := _sign(x.copy, y.copy)):
        return Later(sign, "it is a later copy", True)
    if alike and (sign := _sign(x.disk, y.disk)):
        return Later(sign, "its time on this disk is later")
    return Later()


def latest(attempts: list[Entry]) -> Entry:
    """The last of them: of those that none is surely later than, the one that seems to be."""
    inline = sorted(attempts, key=lambda e: (e.run, e.order, e.path))
    last, *rest = [e for e in inline if not any(later(o, e)[::2] == (1, True) for o in inline)] or inline
    for entry in rest:
        last = entry if later(entry, last).sign >= 0 else last
    return last


def _sign(a: object, b: object) -> int:
    return (a > b) - (a < b)
