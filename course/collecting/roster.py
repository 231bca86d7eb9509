"""Who is who: what an LMS calls a student, to the one id that nbgrader knows them by."""

from __future__ import annotations

import difflib
import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from course.base import settings
from course.base.paths import shown
from course.collecting import sheet
from course.collecting.names import Sender, safe_id
from course.collecting.sheet import CollectError, plain

if TYPE_CHECKING:
    from nbgrader.api import Gradebook

NUMBER = re.compile(r"\d+")
ROUNDED = re.compile(r"\d([.,]\d+E\+?|E\+)\d+$")
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})


@dataclass(frozen=True)
class Roster:
    """The students of the course.

    ways, shared: every way to write one of them, letters and digits only, -> id; what several are called -> ids.
    """

    ids: frozenset[str] = frozenset()
    ways: dict[str, str] | None = None
    complete: bool = False  # roster.csv was there: whoever is not in it does not belong to the course
    people: dict[str, dict[str, str]] | None = None  # id -> the row: first_name, last_name, email, ...
    path: str = ""  # of roster.csv, as messages name it
    shared: dict[str, list[str]] = field(default_factory=dict)

    def find(self, *texts: str) -> str | None:
        """The id of the student that one of `texts` (number, name) means; "Lovelace, Ada" is "lovelaceada"."""
        for text in texts:
            if (exact := safe_id(text)) in self.ids:  # 1-12 is not 11-2
                return exact
            if self.ways and plain(text) in self.ways:
                return self.ways[plain(text)]
        return None

    def several(self, *texts: str) -> list[str]:
        """The ids of all who are called so, where they are more than one."""
        return next((self.shared[plain(t)] for t in texts if plain(t) in self.shared), [])

    def near(self, *texts: str, there: Iterable[str] = ()) -> list[str]:
        """The ids of up to three who are called nearly so, by id or by name.

        Args:
            there: ids of others who may be meant.
        """
        names = {who: _name(cells) for who, cells in (self.people or {}).items()}
        called: dict[str, set[str]] = {}
        for who in {*there, *self.ids}:
            one, _, other = names.get(who, "").rpartition(" ")
            for text in {who, one + other, other + one} - {""}:
                for form in folded(text):
                    called.setdefault(form, set()).add(who)
        forms = [form for text in texts for form in folded(text)]
        close = [form for form in forms if form in called] or [
            other
            for form in forms
            for other in difflib.get_close_matches(form, called, cutoff=0.75)
            if NUMBER.sub("#", other) != NUMBER.sub("#", form)  # s1 is not s2
        ]
        found = dict.fromkeys(who for form in close for who in sorted(called[form]) if who not in texts)
        return list(found)[:3]

    def did_you_mean(self, *texts: str, there: Iterable[str] = ()) -> str:
        """` Did you mean jm (Jürgen Müller)?`, or ""."""
        names = {who: _name((self.people or {}).get(who, {})) for who in self.near(*texts, there=there)}
        meant = [f"{who} ({name})" if name else who for who, name in names.items()]
        return f" Did you mean {' or '.join(meant)}?" if meant else ""


def folded(text: str) -> list[str]:
    """Ways to write a name without accents and umlauts, and a number without zeros: `jurgen`, `juergen`; `7`."""
    text = unicodedata.normalize("NFC", text).casefold()
    plainer = (unicodedata.normalize("NFKD", t).translate(LETTERS) for t in (text, text.translate(UMLAUTS)))
    forms = ["".join(filter(str.isalnum, form)) for form in (*plainer, re.sub(r"^0+|\.0$", "", text))]
    return list(dict.fromkeys(filter(None, forms)))  # a spreadsheet takes 007 for 7, or for 7.0


def _name(cells: dict[str, str]) -> str:
    return f"{cells.get('first_name', '')} {cells.get('last_name', '')}".strip() or cells.get("name", "")


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
    return replace(build(people, path.exists()), path=shown(path))


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of roster.csv, `id` a safe one and `written` as it stands there. Raises CollectError."""
    table = sheet.read(path)
    people: dict[str, dict[str, str]] = {}
    for cells in table.rows:
        who = cells.get("id", "")
        called = f"{cells.get('first_name', '')} {cells.get('last_name', '')}".strip()
        if ROUNDED.match(who):
            raise CollectError(
                f"{shown(path)} has the id {who}{f' ({called})' * bool(called)}: a spreadsheet has rounded a long number. "
                "Format the column as text, and enter the ids again."
            )
        if not who and cells.get("last_name") and (cells.get("first_name") or cells.get("email")):
            raise CollectError(f"{shown(path)} has no id for {called}; give one, or remove the line.")
        if who:
            cells = cells | {"id": safe_id(who), "written": who}
            same = people.setdefault(cells["id"].casefold(), cells)
            if same != cells:
                other = "" if same["written"] == who else f", after {same['written']}"
                raise CollectError(
                    f"{shown(path)} has two different students with the id {who}{other}; give each their own, and not "
                    "one that differs in capital letters only."
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
    ids = {cells["id"]: cells for cells in people}
    ways = {way: next(iter(some)) for way, some in shared.items() if way and len(some) == 1}
    alone = Counter(map(plain, ids))
    ways |= {plain(who): who for who in ids if alone[plain(who)] == 1}
    several = {way: sorted(some) for way, some in shared.items() if way and way not in ways}
    return Roster(frozenset(ids), ways, complete, ids, shared=several)


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
    clashes: dict[str, str] = {}
    alike: dict[str, set[str]] = {}  # key -> those of others who are called so, too
    for key, sender in sorted(new.items()):
        twins = wished[safe_id(sender.label).casefold()] - {key}
        known = roster.find(sender.label, sender.name)
        if known and roster.find(sender.name) not in (None, known):
            clashes[key] = (
                f"{sender.name} has the number {sender.label}, which is {known}'s in the roster; "
                f"mend {roster.path}, or collect the file with --student."
            )
            known = None
        # Canvas gives a person one number: a second one is a cell of another meaning, such as points
        others = [k for k, given in ids.items() if known == given and k != key and k.isdigit()]
        if known and others and sender.lms == "canvas":
            clashes[key] = (
                f"{sender.name or 'somebody'} has Canvas' number {key}, and {names.get(others[0]) or known} has {others[0]}, but by "
                f"{roster.path} both are {known}; mend it, or collect the file with --student."
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
            alike[key] = twins | {k for k, given in ids.items() if given.casefold() == wanted.casefold()}
        ids[key] = identity
    for key, rivals in alike.items():
        others = sorted({ids[rival] for rival in rivals})
        clashes.setdefault(
            key,
            f"{' or '.join(others)} may be somebody else of that name, so this one is {ids[key]}; if they are one person, "
            f"collect the files of both again with --student {others[0]}.",
        )
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
