"""Which of a student's attempts at a notebook counts: the latest that has an answer in it. Written to submitted/."""

from dataclasses import asdict
from pathlib import Path

from course.base.text import printable
from course.collecting.collected import COUNTS, Entry
from course.collecting.later import later, latest
from course.collecting.received import Received
from course.notebook.read import Unreadable
from helpers.files import write


def merge(earlier: list[Entry], now: list[Entry]) -> list[Entry]:
    """All files of all runs, in the order of students, notebooks and attempts."""
    owned = {entry.received for entry in now if entry.student and entry.received}
    again = {entry.path for entry in now}
    merged = {
        (e.path, e.student, e.received): e
        for e in earlier
        # a file that somebody has since been found for, or that could not be opened and now came again
        if not (e.student is None and e.received in owned) and not (e.received is None and e.path in again)
    }
    merged |= {(e.path, e.student, e.received): e for e in now}
    return sorted(merged.values(), key=lambda e: (e.student or "", e.notebook or "", e.run, e.order, e.path))


def settle(
    entries: list[Entry], touched: set[tuple[str | None, str | None]], store: Received, part: str
) -> None:
    """Decide for every student and notebook of this run which attempt counts, and write it."""
    groups = {(s, n): [] for s, n in sorted(touched, key=str) if s and n in store.releases}
    for entry in entries:
        if entry.received and (entry.student, entry.notebook) in groups:
            groups[entry.student, entry.notebook].append(entry)
    for (student, notebook), attempts in groups.items():
        path = store.grading / "submitted" / student / part / f"{notebook}.ipynb"
        _known_times(attempts)
        last = _last(attempts, store)
        content = store.rebuilt(last.received, notebook).content if last else None
        if path.exists() and path.read_bytes() != content and (last or not attempts):
            store.keep(path.read_bytes())  # whatever lay there, ours or not, can be found again
            if not last:
                path.unlink()
        if content:
            write(path, content)
    dates: dict[str, str] = {}
    known: dict[str, set[str | None]] = {}
    for entry in entries:
        known.setdefault(entry.student or "", set()).add(entry.date)
        if entry.verdict in COUNTS and entry.student and entry.date:
            dates[entry.student] = max(dates.get(entry.student, ""), entry.date)
    for student in {student for student, _ in groups}:
        folder = store.grading / "submitted" / student / part
        stamp = folder / "timestamp.txt"
        if student in dates:
            write(stamp, f"{dates[student]}\n".encode())
        elif folder.exists() and not any(folder.glob("*.ipynb")):
            _clear(folder)
        elif stamp.exists() and stamp.read_text("utf-8", "replace").strip() in known.get(student, ()):
            stamp.unlink()  # of an attempt that counts no more; a person may have written any other


def _last(attempts: list[Entry], store: Received) -> Entry | None:
    """The attempt that counts; every other gets its verdict, and whoever has to know is told."""
    readable: list[Entry] = []
    for entry in attempts:
        try:
            _describe(entry, store)
            readable.append(entry)
        except Unreadable as problem:
            entry.verdict, entry.why = "unreadable", problem.reason
            entry.human = f"the file {entry.why}; ask for it again."
    if not readable:
        return None
    filled = [e for e in readable if store.filled(e.received, e.notebook)]
    last = latest([e for e in readable if e.order.by_hand] or filled or readable)
    same = [e for e in attempts if e.received == last.received]
    last.date = min((e.date for e in same if e.date), default=None)
    if marked := [e.late for e in same if e.lms]:
        last.late = all(marked)
    named, student = printable(last.path), last.student
    for entry in attempts:
        after = later(entry, last)
        if entry.verdict == "unreadable" and after.sign > 0:
            entry.human = f"{entry.human[:-1]} ({named} counts until then)."
        elif entry is not last:
            entry.verdict, entry.human, entry.attention = "superseded", "", ""
            how = "a later attempt counts" if after.sure else f"another attempt counts, for {after.ground}"
            how = "another attempt counts" if after.sign >= 0 else how
            entry.why = f"{'the same file' if entry.received == last.received else how}: {named}"
            by_hand = f"if that is wrong, collect this one with --student {student}."
            if entry in readable and entry not in filled and after.sign >= 0 and last in filled:
                entry.human = f"nothing is filled in, so {named} counts; {by_hand}"
            elif (
                last.order.by_hand
                and entry.run > last.run
                and entry.received != last.received
                and entry in filled
            ):
                entry.human = f"came after {named}, which was given with --student and counts; {by_hand}"
    rivals = [e for e in filled if e.received != last.received and not later(last, e).sure]
    if last in filled and rivals and not last.human:
        others = dict.fromkeys(printable(e.path) for e in rivals)
        grounds = dict.fromkeys(filter(None, (later(last, e).ground for e in rivals)))
        which = (
            f"only this says which is later: {', '.join(grounds)}"
            if grounds
            else "nothing says which is later"
        )
        last.human = (
            f"it differs from {' and '.join(others)}, and {which}. It counts; if that is wrong, collect the other one with "
            f"--student {student}."
        )
    return last


def _known_times(attempts: list[Entry]) -> None:
    """When a file was handed in is known, too, where the very same bytes came with a time from elsewhere."""
    first: dict[str, tuple[float, str]] = {}
    for entry in attempts:
        if entry.date and entry.order.came:
            when = entry.order.came, entry.date
            first[entry.received] = min(when, first.get(entry.received, when))
    for entry in attempts:
        if entry.received in first and not entry.order.came:
            came, entry.date = first[entry.received]
            entry.order = entry.order._replace(came=came)


def _describe(entry: Entry, store: Received) -> None:
    repairs = store.rebuilt(entry.received, entry.notebook, entry.key or entry.student or "").repairs
    entry.human = entry.attention = ""
    entry.repairs = [asdict(repair) for repair in repairs]
    entry.verdict = "repaired" if any(r.kind != "extra" for r in repairs) else "collected"
    todo = [f"{r.cell}: {r.what}" if r.cell else r.what for r in repairs if r.human]
    if todo:
        entry.human = f"look at the original, received/{entry.received}.ipynb: {'; '.join(todo)}."
    if copied := store.copied(entry.received, entry.notebook):
        entry.attention = f"the same to the byte as in solutions/: {', '.join(copied)}"
    elif not entry.human and not store.filled(entry.received, entry.notebook):
        entry.attention = "nothing is filled in"


def _clear(folder: Path) -> None:
    """Remove a folder in submitted/ that holds no notebook any more, and the student's, if it was the last."""
    (folder / "timestamp.txt").unlink(missing_ok=True)
    for empty in (folder, folder.parent):
        if not any(empty.iterdir()):
            empty.rmdir()
