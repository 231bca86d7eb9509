"""`python -m course collect`: what students sent, into nbgrader's submitted/ folder, with a verdict for every file.

Below grading/ (`VIT_GRADING`):

    received/<sha256>.ipynb                     every notebook as it came; nothing here is ever changed
    submitted/<student>/<part>/<notebook>.ipynb the clean notebook that is graded, made by course.notebook.rebuild
    collected/<part>.json                       all files of all runs: whose, which, verdict, repairs

Collecting the same files again changes nothing; files that come later are added, and the latest attempt counts.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode

from course.base.paths import ROOT
from course.base.paths import grading as default_grading
from course.base.text import printable
from course.collecting import archives, collected, roster
from course.collecting.collected import COUNTS, CollectError, Entry
from course.collecting.lms import senders
from course.collecting.names import Sender, notebook_of, tidy
from course.notebook.read import Cell, Sent, Unreadable, parse
from course.notebook.rebuild import Repair, name_of, rebuild, same
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


def collect(
    part: str,
    paths: list[Path],
    student: str | None = None,
    grading: Path | None = None,
    releases: Path = ROOT / "notebooks",
) -> Report:
    """Take in what was sent for one part.

    Args:
        part: folder name, e.g. "2_build_a_vit".
        paths: archives, folders and notebooks.
        student: id of the one student who sent all of `paths`; their names then say nothing about students.

    Raises:
        CollectError: there is no such part, or the record of earlier runs cannot be read.
    """
    grading = grading or default_grading()
    parts: dict[str, dict[str, NotebookNode]] = {}
    for folder in filter(Path.is_dir, sorted(releases.iterdir())):
        found = sorted(folder.glob("*.ipynb"))
        parts[folder.name] = {path.stem: nbformat.read(path, as_version=4) for path in found}
    if not parts.get(part):
        there = ", ".join(name for name, notebooks in parts.items() if notebooks)
        raise CollectError(f"There is no part {part!r} with notebooks in {releases}; the parts are: {there}.")
    record = grading / "collected" / f"{part}.json"
    before = collected.load(grading, part)
    ids, names, earlier = before.ids, before.names, before.files
    known = roster.load(grading)

    arrived: list[tuple[archives.File, Sender | None]] = []
    for path in paths:
        found = list(archives.files(path))
        if student is not None:
            # an id that was given out before means that student, whatever they are called in the LMS
            key = next((k for k, given in ids.items() if given == student), student)
            who = [Sender(student, key, file=f.parts[-1] if f.parts else f.path) for f in found]
        else:
            who = senders(found, path.name, list(parts[part]), set(parts))
        dates = (f.date for f, s in zip(found, who, strict=True) if s and s.lms and f.date)
        download = max(dates, default=None)
        for file, sender in zip(found, who, strict=True):
            if sender and sender.lms:
                file.date, file.dated = download, False
            arrived.append((file, sender))

    entries: list[Entry] = []
    parsed: dict[str, Sent] = {}  # by digest: bytes of this run, each parsed once
    clashes = roster.identify([sender for _, sender in arrived if sender], ids, names, known)
    for file, sender in arrived:
        entry = _recognise(file, sender, part, parts, grading, parsed)
        if sender:
            entry.student = ids[sender.key]
            entry.late = sender.late
            number = tidy(sender.file or "")[1]
            sure = file.dated or sender.lms
            stamp = file.date.timestamp() if file.date else 0.0
            times = (stamp, number, 0) if sure else (0, number, stamp)
            entry.order = [float(value) for value in (student is not None, sender.attachment, *times)]
            entry.date = _utc(file.date) if file.dated and file.date else None
        entries.append(entry)

    everything = _merge(earlier, entries)
    _settle(everything, {(e.student, e.notebook) for e in entries}, part, parts[part], grading, parsed)
    for entry, (_, sender) in zip(entries, arrived, strict=True):
        if sender and not entry.human and entry.verdict in COUNTS:
            entry.human = clashes.get(sender.key, "")
            if known.complete and entry.student not in known.ids:
                entry.human = entry.human or (
                    f"{entry.student} is not in grading/roster.csv; add them there, or collect the file with --student."
                )
    students: dict[str, dict[str, str]] = {name: {} for name in sorted(ids.values())}
    for entry in everything:
        if entry.student and entry.notebook and entry.verdict != "superseded":
            verdicts = students[entry.student]
            if verdicts.get(entry.notebook) not in COUNTS:
                verdicts[entry.notebook] = entry.verdict
    _lost(entries, students)
    missing = sorted(known.ids - students.keys())
    content = {"part": part, "students": students, "missing": missing, "ids": ids, "names": names}
    content["files"] = [asdict(entry) for entry in everything]
    write(record, (json.dumps(content, indent=1, ensure_ascii=True, sort_keys=True) + "\n").encode())
    called = {ids[key]: name for key, name in names.items() if key in ids}
    people = [f"{printable(e.path)}: {e.human}" for e in entries if e.human]
    return Report(part, list(parts[part]), entries, students, called, missing, people)


# --- which notebook, and can it be read -----------------------------------------------------------


def _recognise(
    file: archives.File,
    sender: Sender | None,
    part: str,
    parts: dict[str, dict[str, NotebookNode]],
    grading: Path,
    parsed: dict[str, Sent],
) -> Entry:
    """The verdict for one file by itself, its bytes kept in received/."""
    entry = Entry(file.path)

    def verdict(verdict: str, why: str, human: str = "") -> Entry:
        entry.verdict, entry.why, entry.human = verdict, why, human
        return entry

    if any(name in parts and name != part for name in file.parts[:-1]):
        return verdict("not this part", "it lies in another part's folder")
    if file.problem:
        return verdict("unreadable", file.problem, f"the file {file.problem}.")
    if file.data is None:
        return verdict("not a notebook", "only notebooks (.ipynb) are collected")
    name = (sender and sender.file) or file.parts[-1]
    by_name = notebook_of(name, list(parts[part]))
    try:
        sent = parse(file.data)
    except Unreadable as problem:
        if ".ipynb" not in name.lower():
            return verdict("not a notebook", f"it {problem.reason}")
        entry.received, entry.notebook = _keep(file.data, grading), by_name
        return verdict("unreadable", problem.reason, f"the file {problem.reason}; ask for it again.")
    entry.received = _keep(file.data, grading)
    parsed[entry.received] = sent
    scores = {(p, n): _alike(sent.cells, nb) for p, nbs in parts.items() for n, nb in nbs.items()}
    best = max(scores, key=scores.get)
    clear = scores[best] >= 2 and list(scores.values()).count(scores[best]) == 1
    which, why = (part, by_name) if by_name else None, ""
    if clear and (which is None or not scores[which]):
        which = best
        if by_name and best[0] == part:
            why = f"the file's name says {by_name}, but it holds {best[1]}"
    if which is None:
        other = next((p for p, notebooks in parts.items() if notebook_of(name, list(notebooks))), None)
        which = other and (other, "")
    if which is None:
        names = "/".join(parts[part])
        human = f"it is no notebook of this course by its name or its cells; if it is, call it {names}."
        return verdict("not a notebook", "no notebook of the course", human)
    if which[0] != part:
        why = f"it belongs to {which[0]}"
        return verdict("not this part", why, f"{why}: python -m course collect {which[0]} FILE.")
    entry.notebook = which[1]
    if sender is None:
        why = "its name does not say whose it is"
        return verdict("no student", why, f"{why}; collect it alone with --student ID.")
    return verdict("collected", why)


def _describe(entry: Entry, repairs: list[Repair]) -> None:
    entry.human = ""
    entry.repairs = [asdict(repair) for repair in repairs]
    entry.verdict = "repaired" if any(r.kind != "extra" for r in repairs) else "collected"
    todo = [f"{r.cell}: {r.what}" if r.cell else r.what for r in repairs if r.human]
    if todo:
        entry.human = f"look at the original, received/{entry.received}.ipynb: {'; '.join(todo)}."


def _alike(cells: list[Cell], release: NotebookNode) -> int:
    """How many of the cells are this release's, by their names or their very text; answers count double."""
    graded = {name_of(c) for c in release.cells if c.metadata.get("nbgrader")}
    texts = {same(c.source) for c in release.cells} | {c.id for c in release.cells}
    return sum(2 * bool(graded & set(c.names)) or bool(texts & {same(c.source), *c.names[1:]}) for c in cells)


def _keep(data: bytes, grading: Path) -> str:
    digest = hashlib.sha256(data).hexdigest()
    path = grading / "received" / f"{digest}.ipynb"
    if not path.exists():
        write(path, data)
    return digest


# --- which attempt counts -------------------------------------------------------------------------


def _merge(earlier: list[Entry], now: list[Entry]) -> list[Entry]:
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
    return sorted(merged.values(), key=lambda e: (e.student or "", e.notebook or "", e.order, e.path))


def _settle(
    entries: list[Entry],
    touched: set[tuple[str | None, str | None]],
    part: str,
    releases: dict[str, NotebookNode],
    grading: Path,
    parsed: dict[str, Sent],
) -> None:
    """Decide for every student and notebook of this run which attempt counts, and write it."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        if entry.received and entry.notebook in releases and (entry.student, entry.notebook) in touched:
            if entry.student:
                groups.setdefault((entry.student, entry.notebook), []).append(entry)
    for (student, notebook), attempts in groups.items():
        clean = {}
        for entry in attempts:
            try:
                kept = grading / "received" / f"{entry.received}.ipynb"
                sent = parsed.get(entry.received) or parse(kept.read_bytes())
                clean[entry.received], repairs = rebuild(releases[notebook], sent)
                _describe(entry, repairs)
            except (OSError, Unreadable) as problem:
                entry.verdict, entry.why = "unreadable", getattr(problem, "reason", "is gone from received/")
                entry.human = f"the file {entry.why}; ask for it again."
        readable = [e for e in attempts if e.received in clean]
        if not readable:
            continue
        last = readable[-1]  # they come in order
        for entry in attempts:
            if entry is not last and entry.order <= last.order:
                entry.verdict, entry.human = "superseded", ""
                copy = "the same file" if entry.received == last.received else "a later attempt counts"
                entry.why = f"{copy}: {last.path}"
        rivals = [e for e in readable if e.received != last.received and e.path != last.path]
        if rivals and rivals[-1].order[:4] == last.order[:4]:
            last.human = last.human or (
                f"it differs from {printable(rivals[-1].path)}, and only the file's time on this disk says which is "
                f"later; this one counts. If that is wrong, collect the other one with --student {student}."
            )
        path = grading / "submitted" / student / part / f"{notebook}.ipynb"
        content = (nbformat.writes(clean[last.received]) + "\n").encode()
        if path.exists() and path.read_bytes() != content:
            _keep(path.read_bytes(), grading)  # whatever lay there, ours or not, can be found again
        write(path, content)
    dates: dict[str, str] = {}
    for entry in entries:
        if entry.verdict in COUNTS and entry.student and entry.date:
            dates[entry.student] = max(dates.get(entry.student, ""), entry.date)
    for student in dates.keys() & {student for student, _ in groups}:
        write(grading / "submitted" / student / part / "timestamp.txt", f"{dates[student]}\n".encode())


def _lost(entries: list[Entry], students: dict[str, dict[str, str]]) -> None:
    """A PDF beside notebooks is nothing to worry about; a PDF alone is."""
    asked = set()
    for entry in entries:
        if entry.student and not students.get(entry.student) and entry.verdict == "not a notebook":
            if entry.student not in asked and not entry.human:
                entry.human = f"{entry.student} sent no notebook, only this; ask for the .ipynb file."
            asked.add(entry.student)


def _utc(date: datetime) -> str:
    """As nbgrader writes it. Dates in archives have no zone: this machine's is taken."""
    return date.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f UTC")
