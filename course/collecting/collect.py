"""`python -m course collect`: what students sent, into nbgrader's submitted/ folder, with a verdict for every file.

Below grading/ (`VIT_GRADING`):

    received/<sha256>.ipynb                     every notebook as it came; nothing here is ever changed
    submitted/<student>/<part>/<notebook>.ipynb the clean notebook that is graded, made by course.notebook.rebuild
    collected/<part>.json                       all files of all runs: whose, which, verdict, repairs

Collecting the same files again changes nothing; files that come later are added, and the latest attempt counts.
"""

import itertools
import json
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode

from course.base.paths import ROOT
from course.base.paths import grading as default_grading
from course.base.text import printable
from course.collecting import archives, attempts, collected, guesses, roster, who
from course.collecting.archives import File
from course.collecting.collected import COUNTS, CollectError, Entry, Order
from course.collecting.lms import senders
from course.collecting.names import Sender, notebook_of, tidy
from course.collecting.received import Received
from course.notebook.read import Unreadable
from helpers.files import write


@dataclass
class Report:
    """The outcome of one run; `entries` are the files of this run, `students` everybody known for this part."""

    part: str
    notebooks: list[str]
    entries: list[Entry]
    students: dict[str, dict[str, str]]  # student -> notebook -> verdict
    names: dict[str, str]  # student -> name as the LMS writes it
    missing: list[str]
    people: list[str]  # one sentence for everything that needs somebody
    general: list[str]  # those of them that are about no file
    changed: dict[str, str]  # id under which somebody was collected before -> id that the roster now gives
    roster: str  # its path


def collect(
    part: str,
    paths: list[Path],
    student: str | None = None,
    grading: Path | None = None,
    releases: Path = ROOT / "notebooks",
    whose: str | None = None,
) -> Report:
    """Take in what was sent for one part.

    Args:
        part: folder name, e.g. "2_build_a_vit".
        paths: archives, folders and notebooks.
        student: id of the one student who sent all of `paths`; their names then say nothing about students.
        whose: table or regular expression that says who sent each file, see who.py.

    Raises:
        CollectError: there is no such part or student, the roster is not understood, or the record of earlier runs
            cannot be read. Nothing was changed.
    """
    grading = grading or default_grading()
    parts: dict[str, dict[str, NotebookNode]] = {}
    for folder in filter(Path.is_dir, sorted(releases.iterdir())):
        found = sorted(folder.glob("*.ipynb"))
        parts[folder.name] = {path.stem: nbformat.read(path, as_version=4) for path in found}
    if not parts.get(part):
        there = ", ".join(name for name, notebooks in parts.items() if notebooks)
        raise CollectError(f"There is no part {part!r} with notebooks in {releases}; the parts are: {there}.")
    if student is not None and not student.strip():
        raise CollectError("--student has no id. Nothing was collected.")
    if student is not None and whose:
        raise CollectError("--student says whose all files are, --who whose each is: give one of them.")
    student = student and unicodedata.normalize("NFC", student)
    record = collected.load(grading, part)
    ids, names, earlier = record.ids, record.names, record.files
    known = roster.load(grading)
    store = Received(grading, parts, part, releases.parent / "solutions" / part)
    everybody = {e.student for e in earlier if e.student}
    if student is not None:
        _not_a_typo(student, known, everybody)
    moved, changed = _apply(known, ids, names, earlier)
    sure = {e.student for e in earlier if e.student and not e.guessed}
    sure |= known.ids if known.complete else set()
    heard = sure | (known.ids - everybody)  # whoever was collected is in the gradebook, guesses, too

    def called(name: str) -> bool:
        return (known.find(name) or ids.get(name, name)) in heard

    def trusted(sender: Sender) -> object:
        listed = known.complete and known.find(sender.label, sender.name)
        return listed or ids.get(sender.key) in sure or (sender.lms and not known.complete)

    find = who.reader(whose) if whose else None
    if student is not None:
        # an id that was given out before means that student, whatever they are called in the LMS
        key = _key(ids, student)

        def find(file: File) -> list[Sender]:
            return [Sender(student, key, file=file.parts[-1] if file.parts else file.path)]

    entries: list[Entry] = []
    arrived: guesses.Arrived = []
    for given, path in enumerate(paths):

        def sent_by(files: list[File], top: str = archives.name_of(path)) -> list[list[Sender]]:
            return (
                list(map(find, files)) if find else senders(files, top, list(parts[part]), set(parts), called)
            )

        def whose(files: list[File]) -> list[str | None]:
            return [some[0].key if some else None for some in sent_by(files)]

        found = list(archives.files(path, whose, known.find if known.complete else lambda name: False))
        theirs = _of_the_course(found, set(parts))
        own = [file for number, file in enumerate(found) if number not in theirs]
        by = sent_by(own)
        _date(own, by)
        for file, some in zip(own, by, strict=True):
            for sender in some or [None]:
                entries.append(_recognise(file, sender, store))
                entries[-1].order = Order(given=given)
                arrived.append((file, sender))
            file.data = None  # it is in received/, and there may be gigabytes
        for file, sender, human in _brought_along(found, theirs, own, by, part):
            entries.append(
                Entry(file.path, verdict="course file", why="a clone brings it along", human=human)
            )
            arrived.append((file, sender))
    _composed(arrived, ids)
    by_hand = [entry for entry in earlier if entry.order.by_hand]
    for number, (file, sender) in enumerate(arrived if by_hand and not find else ()):
        entry = entries[number]
        if sender and trusted(sender):
            continue
        if told := guesses.said(entry, bool(sender), by_hand, store):
            arrived[number] = file, Sender(told, _key(ids, told), file=file.parts[-1])
            entry.verdict, entry.human = "collected", ""
    for number, why in guesses.merged(entries, arrived, earlier, called, store).items():
        arrived[number], entry = (arrived[number][0], None), entries[number]
        if entry.verdict == "collected":
            entry.verdict, entry.why, entry.human = "no student", why, f"{why}: {guesses.ASK}"
    taken = guesses.taken(entries, arrived, called)
    clashes = roster.identify([sender for _, sender in arrived if sender], ids, names, known)
    before = {(e.path, e.student, e.received): e for e in earlier}
    run = max((e.run for e in earlier), default=0) + 1
    for number, (entry, (file, sender)) in enumerate(zip(entries, arrived, strict=True)):
        if sender:
            entry.student = ids[sender.key]
            now = run, entry.order.given, student is not None
            again = before.get((entry.path, entry.student, entry.received))
            if again and student is None:
                now = again.run, again.order.given, bool(again.order.by_hand)
            _place(entry, file, sender, *now)
            stranger = known.complete and entry.student not in known.ids
            doubted = stranger or (entry.student in everybody and entry.student not in sure)
            entry.guessed = not find and (number in taken or sender.key in clashes or doubted)
    wrong = guesses.mistaken(entries, earlier, known, store) if find else []
    moved |= {(then.student, then.notebook) for _, then in wrong}
    everything = attempts.merge([e for e in earlier if not any(e is then for _, then in wrong)], entries)
    attempts.settle(everything, {(e.student, e.notebook) for e in entries} | moved, store, part)
    _tell(entries, arrived, known, clashes, taken, wrong)
    students: dict[str, dict[str, str]] = {
        name: {} for name in sorted({e.student for e in everything if e.student})
    }
    for entry in everything:
        if entry.student and entry.notebook and entry.verdict not in ("superseded", "course file"):
            verdicts = students[entry.student]
            if verdicts.get(entry.notebook) not in COUNTS:
                verdicts[entry.notebook] = entry.verdict
    _lost(entries, students)
    _joined(entries, students)
    gone = sorted(everybody - students.keys())
    here = set(map(id, entries))
    # two who are one by a newer roster
    general = [
        f"{entry.student}: {printable(entry.path)}: {entry.human}"
        for entry in everything
        if entry.human and id(entry) not in here and (entry.student, entry.notebook) in moved
    ]
    if graded := [old for old in gone if (grading / "autograded" / old / part).exists()]:
        general.append(
            f"{', '.join(graded)}: graded already, under an id that is nobody's now. Grade again; then `python -m course forget "
            "ID` removes each of them."
        )
    missing = sorted(known.ids - students.keys())
    ids = {key: given for key, given in ids.items() if given in students}
    content = {"part": part, "students": students, "missing": missing, "ids": ids, "names": names}
    content["files"] = [asdict(entry) for entry in everything]
    path = grading / "collected" / f"{part}.json"
    write(path, (json.dumps(content, indent=1, ensure_ascii=True, sort_keys=True) + "\n").encode())
    written = {ids[key]: name for key, name in names.items() if key in ids}
    people = [f"{printable(e.path)}: {e.human}" for e in entries if e.human]
    return Report(
        part,
        list(parts[part]),
        entries,
        students,
        written,
        missing,
        people + general,
        general,
        changed,
        known.path,
    )


# --- who -------------------------------------------------------------------------------------------

# folders of a clone that are the course's; notebooks/ is theirs
COURSE = set("solutions tests lessons docs benchmarks grading".split())
HANDED_IN = "solutions/ is the course's and no hand-in; if their own work is not in notebooks/, ask for it."


def _not_a_typo(student: str, known: roster.Roster, there: set[str]) -> None:
    """Raises CollectError where `--student` can only be a typo: the roster has nobody of that id, or, without a roster,
    somebody else's is nearly the same."""
    if student in there | known.ids:
        return
    meant = known.did_you_mean(student, there=there)
    if known.complete:
        raise CollectError(f"{known.path} has no student {student!r}.{meant} Nothing was collected.")
    if meant:
        raise CollectError(
            f"Nobody is called {student!r} yet.{meant} Nothing was collected. If {student} is somebody new, give a folder "
            f"of that name: {student}/FILE.ipynb."
        )


def _key(ids: dict[str, str], student: str) -> str:
    return next((key for key, given in ids.items() if given == student), student)


def _composed(arrived: guesses.Arrived, ids: dict[str, str]) -> None:
    """Whoever came before is the same where a Mac has now written ü as two characters, or did so then."""
    there, now = {unicodedata.normalize("NFC", key): key for key in ids}, {s.key for _, s in arrived if s}
    for _, sender in arrived:
        before = sender and there.get(unicodedata.normalize("NFC", sender.key))
        if before and sender.key not in ids and before not in now:
            sender.key = before


def _apply(
    known: roster.Roster, ids: dict[str, str], names: dict[str, str], earlier: list[Entry]
) -> tuple[set[tuple[str | None, str | None]], dict[str, str]]:
    """A roster that was added or corrected later holds for what was collected before.

    Returns:
        (student, notebook) of everything that changed hands, before and after; and old id -> new id.
    """
    new = roster.renamed(ids, names, known) if known.complete else {}
    keys = {ids[key]: key for key in ids}  # records of older runs do not name the sender
    moved: set[tuple[str | None, str | None]] = set()
    for entry in earlier:
        key = entry.key or keys.get(entry.student or "")
        if key in new and entry.student == ids[key] and (entry.key or entry.student not in known.ids):
            moved |= {(entry.student, entry.notebook), (new[key], entry.notebook)}
            entry.student = new[key]
    changed = {ids[key]: who_ for key, who_ in sorted(new.items())}
    ids |= new
    return moved, changed


def _of_the_course(found: list[File], parts: set[str]) -> dict[int, int]:
    """Index of every file that a clone of the course brings along -> how many folders lie above the clone."""
    roots = set()
    for file in found:
        for depth, pair in enumerate(itertools.pairwise(file.parts[:-1])):
            if pair[0].casefold() == "solutions" and pair[1] in parts:
                roots.add(file.parts[:depth])
    depths = {
        number: next(
            (
                d
                for d in range(len(file.parts) - 1)
                if file.parts[:d] in roots and file.parts[d].casefold() in COURSE
            ),
            None,
        )
        for number, file in enumerate(found if roots else [])
    }
    return {number: depth for number, depth in depths.items() if depth is not None}


def _brought_along(
    found: list[File], theirs: dict[int, int], own: list[File], sent_by: list[list[Sender]], part: str
) -> Iterator[tuple[File, Sender | None, str]]:
    """Each file of a clone with who sent the clone, and what a person has to know."""
    beside: dict[tuple[str, ...], list[Sender]] = {}
    for file, some in zip(own, sent_by, strict=True):
        beside |= {file.parts[:depth]: some for depth in range(1, len(file.parts))}
    for number, depth in theirs.items():
        file = found[number]
        some = beside.get(file.parts[:depth], [])
        solution = file.parts[depth].casefold() == "solutions" and part in file.parts
        yield file, some[0] if len(some) == 1 else None, HANDED_IN if solution else ""


def _date(files: list[File], sent_by: list[list[Sender]]) -> None:
    """When what an LMS packed was handed in: as it says itself, else not after the download."""
    by_lms = [(file, some[0]) for file, some in zip(files, sent_by, strict=True) if some and some[0].lms]
    download = max((file.date for file, _ in by_lms if file.date), default=None)
    for file, sender in by_lms:
        file.date, file.dated = sender.when or download, bool(sender.when)
        file.came = bool(sender.when)


def _place(entry: Entry, file: File, sender: Sender, run: int, given: int, by_hand: bool) -> None:
    """Whether it is late, and where it stands among the attempts."""
    entry.key = None if by_hand else sender.key
    entry.late, entry.run, entry.lms = sender.late, run, sender.lms
    stamp = file.date.timestamp() if file.date else 0.0
    saved = stamp if file.dated or sender.lms else 0.0
    came, copy = stamp if file.came else 0.0, tidy(sender.file or "")[1]
    entry.order = Order(by_hand, given, came, sender.attachment, saved, copy, 0.0 if saved else stamp)
    entry.date = _utc(file.date) if file.came and file.date else None


def _tell(
    entries: list[Entry],
    arrived: guesses.Arrived,
    known: roster.Roster,
    clashes: dict[str, str],
    taken: dict[int, str],
    wrong: list[tuple[Entry, Entry]],
) -> None:
    """Note with each file what somebody has to do, or may want to look at, about whose it is."""
    for number, (entry, (file, sender)) in enumerate(zip(entries, arrived, strict=True)):
        listed = known.complete and entry.student in known.ids
        asked, stranger = f"{file.asked}." if file.asked and entry.received and not listed else "", ""
        if sender and entry.verdict in COUNTS:
            stranger = guesses.stranger(entry, sender, known, clashes.get(sender.key, ""))
            notes = [f"collected for {then.student} before" for now, then in wrong if now is entry]
            if number in taken and not known.complete:
                notes.append(guesses.TAKEN.format(entry.student, taken[number]))
            entry.attention = "; ".join(filter(None, [*notes, entry.attention]))
        entry.human = entry.human or f"{asked} {stranger}".strip()


# --- which notebook, and can it be read -----------------------------------------------------------


def _recognise(file: File, sender: Sender | None, store: Received) -> Entry:
    """The verdict for one file by itself, its bytes kept in received/."""
    entry = Entry(file.path)

    def verdict(verdict: str, why: str, human: str = "") -> Entry:
        entry.verdict, entry.why, entry.human = verdict, why, human
        return entry

    if any(name in store.parts and name != store.part for name in file.parts[:-1]):
        return verdict("not this part", "it lies in another part's folder")
    if file.problem:
        return verdict("unreadable", file.problem, f"the file {file.problem}.")
    if file.data is None:
        return verdict("not a notebook", "only notebooks (.ipynb) are collected")
    name = (sender and sender.file) or file.parts[-1]
    try:
        found = store.recognise(file.data, name, sender.key if sender else file.parts[0])
    except Unreadable as problem:
        if ".ipynb" not in name.lower():
            return verdict("not a notebook", f"it {problem.reason}")
        entry.received, entry.notebook = store.keep(file.data), notebook_of(name, list(store.releases))
        return verdict("unreadable", problem.reason, f"the file {problem.reason}; ask for it again.")
    entry.received = store.keep(file.data)
    if not found.part:
        names = "/".join(store.releases)
        human = f"it is no notebook of this course by its name or its cells; if it is, call it {names}."
        return verdict("not a notebook", "no notebook of the course", human)
    if not found.built:
        why = f"it belongs to {found.part}"
        return verdict("not this part", why, f"{why}: python -m course collect {found.part} FILE.")
    entry.notebook, entry.also = found.notebook, list(found.also)
    if sender is None and not store.changed(entry.received, entry.notebook):
        return verdict("course file", "it is as it was given out")
    if sender is None:
        why = "its name does not say whose it is"
        return verdict(
            "no student",
            why,
            f"{file.asked or f'{why}; collect it alone with --student ID, or several with --who'}.",
        )
    return verdict("collected", found.why)


def _lost(entries: list[Entry], students: dict[str, dict[str, str]]) -> None:
    """A PDF beside notebooks is nothing to worry about; a PDF alone is."""
    asked = set()
    for entry in entries:
        if entry.student and not students.get(entry.student) and entry.verdict == "not a notebook":
            if entry.student not in asked and not entry.human:
                entry.human = f"{entry.student} sent no notebook, only this; ask for the .ipynb file."
            asked.add(entry.student)


def _joined(entries: list[Entry], students: dict[str, dict[str, str]]) -> None:
    """Several notebooks in one file: it counts as one of them."""
    for entry in entries:
        there = students.get(entry.student or "", {})
        lost = [name for name in entry.also if there.get(name) not in COUNTS]
        if lost and entry.verdict in COUNTS:
            what = (
                f"it counts as {entry.notebook} and also holds answers of {', '.join(lost)}, of which no file came; save a "
                f"copy under each of these names, and collect them with --student {entry.student}."
            )
            entry.human = f"{entry.human} {what}".strip()


def _utc(date: datetime) -> str:
    """As nbgrader writes it. Dates in archives have no zone: this machine's is taken."""
    return date.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f UTC")
