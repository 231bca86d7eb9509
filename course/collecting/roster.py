"""Who is who: what an LMS calls a student, to the one id that nbgrader knows them by."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from course.base import settings
from course.collecting import sheet
from course.collecting.names import Sender, safe_id
from course.collecting.sheet import CollectError, plain

if TYPE_CHECKING:
    from nbgrader.api import Gradebook


@dataclass(frozen=True)
class Roster:
    """The students of the course. `ways`: every way to write one of them, letters and digits only, -> id."""

    ids: frozenset[str] = frozenset()
    ways: dict[str, str] | None = None
    complete: bool = False  # roster.csv was there: whoever is not in it does not belong to the course
    people: dict[str, dict[str, str]] | None = None  # id -> the row: first_name, last_name, email, ...

    def find(self, *texts: str) -> str | None:
        """The id of the student that one of `texts` (number, name) means; "Lovelace, Ada" is "lovelaceada"."""
        return next((self.ways[plain(t)] for t in texts if self.ways and plain(t) in self.ways), None)


def load(grading: Path) -> Roster:
    """The students in grading/roster.csv, else those in nbgrader's gradebook, else none.

    roster.csv has a column `id` (else the first is it) and any others: first_name, last_name, email, the
    number in the LMS, ...; what two students share identifies neither. How spreadsheets write it: sheet.py.

    Raises CollectError if roster.csv is not understood.
    """
    people: list[dict[str, str]] = []
    path = grading / "roster.csv"
    if path.exists():
        people = rows(path)
    elif (book := settings.gradebook()) is not None:
        with book:
            people = of_gradebook(book)
    return build(people, path.exists())


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of roster.csv, `id` a safe one and `written` as it stands there. Raises CollectError."""
    table = sheet.read(path)
    people: dict[str, dict[str, str]] = {}
    for cells in table.rows:
        if who := cells.get("id", ""):
            cells = cells | {"id": safe_id(who), "written": who}
            if people.setdefault(cells["id"], cells) != cells:
                raise CollectError(
                    f"{path} has two different students with the id {who}; give each their own."
                )
    return list(people.values())


def of_gradebook(book: Gradebook) -> list[dict[str, str]]:
    """The students that nbgrader knows, as rows of roster.csv."""
    columns = ("id", "first_name", "last_name", "email")
    return [{column: getattr(student, column) or "" for column in columns} for student in book.students]


def build(people: list[dict[str, str]], complete: bool = False) -> Roster:
    """The roster of these rows (column -> cell; `id` is a safe one)."""
    shared: dict[str, set[str]] = {}
    for cells in people:
        first, last = cells.get("first_name", ""), cells.get("last_name", "")
        texts = cells.values() if complete else (cells["id"], cells["email"])
        turned = [b + a for a, comma, b in (text.partition(",") for text in texts) if comma]  # Lovelace, Ada
        for text in (*texts, *turned, first + last, last + first):
            shared.setdefault(plain(text), set()).add(cells["id"])
    ways = {way: next(iter(ids)) for way, ids in shared.items() if way and len(ids) == 1}
    ids = {cells["id"]: cells for cells in people}
    return Roster(frozenset(ids), ways | {plain(who): who for who in ids}, complete, ids)


def identify(
    senders: list[Sender], ids: dict[str, str], names: dict[str, str], roster: Roster
) -> dict[str, str]:
    """Give every new sender an id in `ids` (key -> id) that nobody else has, and note the name in `names`.

    Ids differ by more than upper and lower case, so that no file system lets one student overwrite another.

    Returns:
        key -> a sentence, for those who would have had another student's id.
    """
    new = {s.key: s for s in senders if s.key not in ids}
    wished: dict[str, set[str]] = {}
    for key, sender in new.items():
        wished.setdefault(safe_id(sender.label).casefold(), set()).add(key)
    clashes = {}
    for key, sender in sorted(new.items()):
        twins = wished[safe_id(sender.label).casefold()] - {key}
        known = roster.find(sender.label, sender.name)
        if known and roster.find(sender.name) not in (None, known):
            clashes[key] = (
                f"{sender.name} has the number {sender.label}, which is {known}'s in the roster; "
                "mend grading/roster.csv, or collect the file with --student."
            )
            known = None
        same = twins | {k for k, given in ids.items() if given == known}
        if known and not ("\0" in key and any("\0" in k for k in same)):
            ids[key] = known
            continue
        identity = wanted = known or safe_id(sender.label)
        taken = {given.casefold() for given in ids.values()}
        if twins or identity.casefold() in taken:
            digest = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:8]
            identity = f"{safe_id(sender.label)}_{key.partition(chr(0))[2] or digest}"
            if identity.casefold() in taken:
                identity += f"_{digest}"
            clashes[key] = clashes.get(key) or (
                f"another student is called {wanted} too, so this one is {identity}; "
                "if they are one person, collect the files of both again with --student."
            )
        ids[key] = identity
    for sender in senders:
        if sender.name:
            names[sender.key] = sender.name
    return clashes


def renamed(ids: dict[str, str], names: dict[str, str], roster: Roster) -> dict[str, str]:
    """key -> id of those who have been collected under another id than the roster, which is newer, gives them."""
    now = {}
    for key in ids:
        label = key.partition("\0")[0]
        label = label.partition(":")[2] or label  # gradescope:101
        number = label.partition(" ")[0]  # brightspace:111 Ada Lovelace
        by_name = roster.find(names.get(key, ""))
        who = roster.find(key, label, number if number.isdigit() else "") or by_name
        now[key] = who if by_name in (None, who) else None
    twins = Counter(who for key, who in now.items() if "\0" in key)
    return {k: who for k, who in now.items() if who and who != ids[k] and not ("\0" in k and twins[who] > 1)}
