"""What names do not surely say: who is asked about, who was taken for whom, and what a person has said before."""

import itertools
from collections.abc import Callable

from course.base.text import printable
from course.collecting.archives import File
from course.collecting.collected import Entry
from course.collecting.names import COPY, Sender
from course.collecting.received import Received
from course.collecting.roster import Roster

ASK = (
    "if all are one student's, collect it with --student ID; if not, one folder a student, or --who: a table "
    "(file, student), or an expression such as '(.+)_q1'."
)
TAKEN = "taken for the student {}, after the {}'s name; if that is wrong, collect it with --student ID"
Arrived = list[tuple[File, Sender | None]]  # for each entry


def merged(
    entries: list[Entry],
    arrived: Arrived,
    earlier: list[Entry],
    known: Callable[[str], object],
    store: Received,
) -> dict[int, str]:
    """Files that name nobody, and may be of several: index -> why."""
    guessed: dict[str, list[int]] = {}
    for number, (_, sender) in enumerate(arrived):
        if sender and sender.guessed and not known(sender.label):
            guessed.setdefault(sender.key, []).append(number)
    found = {}
    for key, numbers in guessed.items():
        versions: dict[str, set[str]] = {}
        some = [entries[number] for number in numbers]
        for entry in some:
            if entry.verdict == "collected" and store.filled(entry.received, entry.notebook):
                versions.setdefault(entry.notebook, set()).add(entry.received)
        now = {_top(entry) for entry in some}
        tops = sorted(now | {_top(e) for e in earlier if e.guessed and e.key == key})
        if several := [f"{len(some)} of {name}" for name, some in versions.items() if len(some) > 1]:
            why = f"no name says whose it is, and there are different versions ({', '.join(several)})"
        elif len(tops) > len(now) or len({entry.order.given for entry in some}) > 1:
            why = f"no name says whose it is, and {printable(key)} lies in {' and in '.join(map(printable, tops))}"
        else:
            continue
        found |= dict.fromkeys(numbers, why)
    return found


def taken(entries: list[Entry], arrived: Arrived, known: Callable[[str], object]) -> dict[int, str]:
    """Files of students of whom only a file's, folder's or archive's name speaks: index -> what it was taken from.

    Not where such names stand beside each other and one notebook came from two: there they are a class's; but `ada (1)`
    beside `ada` may be a second download.
    """
    places: dict[str, dict[str, list[int]]] = {}
    for number, (_, sender) in enumerate(arrived):
        if sender and sender.after:
            top = _top(entries[number])
            place = "" if sender.label in (top, top.removesuffix(".zip")) else top
            places.setdefault(place, {}).setdefault(sender.key, []).append(number)
    found = {}
    for people in places.values():
        sent = [name for some in people.values() for name in {entries[n].notebook for n in some} if name]
        labels = {arrived[some[0]][1].label for some in people.values()}
        for number in itertools.chain(*people.values()):
            sender, again = arrived[number][1], COPY.sub("", arrived[number][1].label)
            copy = again != sender.label and (again in labels or known(again))
            if not known(sender.label) and (copy or len(set(sent)) == len(sent)):
                found[number] = sender.after
    return found


def said(entry: Entry, named: bool, by_hand: list[Entry], store: Received) -> str | None:
    """Whose a file is, as somebody said with --student when it came before; `named`: its name says something else."""
    if not entry.received or entry.verdict not in ("collected", "no student"):
        return None
    alike = [e for e in by_hand if e.received == entry.received]
    same = [e for e in alike if _same(entry, e, store)]
    if not same and not named and alike and store.filled(entry.received, entry.notebook):
        same = alike
    return same[0].student if len({e.student for e in same}) == 1 else None


def mistaken(
    entries: list[Entry], earlier: list[Entry], known: Roster, store: Received
) -> list[tuple[Entry, Entry]]:
    """Files that came before for a student of collect's own making, and are now said to be somebody else's: now, then."""
    listed = known.ids if known.complete else frozenset()  # whoever was graded is in the gradebook
    guessed = [old for old in earlier if old.guessed and old.received and old.student not in listed]
    found = []
    for entry in entries:
        alike = [old for old in guessed if old.received == entry.received and old.student != entry.student]
        then = [old for old in alike if entry.student and _same(entry, old, store)]
        if len({old.student for old in then}) == 1:
            found += [(entry, old) for old in then]
    return found


def stranger(entry: Entry, sender: Sender, known: Roster, why: str) -> str:
    """What to do about somebody whom roster.csv doesn't have, or about `why`; "" if they are known."""
    if not known.complete or entry.student in known.ids:
        return why
    if several := known.several(sender.label, sender.name):
        which = " or ".join(several)
        return (
            f"{sender.name or sender.label} is {which} in {known.path}, and nothing says which: collect the file with "
            f"--student {' or --student '.join(several)}, several with --who; until then they are {entry.student}."
        )
    if why:
        return why
    person = sender.name.rpartition("-")[2] if sender.lms == "moodle" else ""  # Group A-Ada Lovelace
    names = [text for text in (sender.name, sender.label, person) if text]
    near = known.near(*names)
    if not near:
        return f"{entry.student} is not in {known.path}; add them there, or collect the file with --student."
    return (
        f"{entry.student} is not in {known.path}.{known.did_you_mean(*names)} If so, write {sender.label} into their row "
        f"there, or collect the file with --student {near[0] if len(near) == 1 else 'ID'}; if not, add them."
    )


def _same(a: Entry, b: Entry, store: Received) -> bool:
    """Whether two files of the same bytes are the same file, by the end of their paths; empty ones are alike anyway."""
    end, whole = sorted((a.path, b.path), key=len)
    if end == whole:
        return True
    return whole.endswith(f"/{end}") and (
        "/" in end or bool(b.notebook and store.filled(b.received, b.notebook))
    )


def _top(entry: Entry) -> str:
    return entry.path.partition("/")[0]
