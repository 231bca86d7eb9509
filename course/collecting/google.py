"""How Google Classroom and Drive name what students hand in: a folder of single files.

q1_positional_encoding - Ada Lovelace.ipynb      Ada Lovelace - q1_positional_encoding.ipynb
Copy of q1.ipynb, q1 (1).ipynb, q1(2).ipynb      nobody knows whose
drive-download-20260302T100000Z-001.zip          Drive's own names of archives and their folders
"""

import re
from collections.abc import Callable

from course.collecting.names import THINGS, Sender, short, tidy, words

ARCHIVE = re.compile(r"^(?:drive-download|folder|.+)-\d{8}T\d{6}Z-\d(?:-\d{3}|\d\d)$", re.I)
PERSON = re.compile(r"^[^\W\d_]+(?:[ '’.\-]+[^\W\d_]+)+\.?$|^[^\W\d_a-zA-Z]{2,}$")


def senders(names: list[str], notebooks: list[str], known: Callable[[str], object]) -> dict[str, Sender]:
    """`<notebook> - <person>` -> who, for the names of one folder.

    `q1 - second try` looks the same. Where a notebook came from two, they are people; else whoever is written as a name
    is one, unless another file has no name beside its notebook's.
    """
    found: dict[str, tuple[str, str]] = {}
    bare = False
    for name in names:
        stem, _ = tidy(name)
        for notebook in notebooks:
            for form in filter(None, (notebook, short(notebook))):
                bare = bare or stem.casefold() == form
                if match := re.match(rf"^{re.escape(form)}\s+-\s+(.+)$", stem, re.I):
                    found[name] = (notebook, match[1])
    people = {name: who for name, (_, who) in found.items() if PERSON.match(who)}
    if all(len({people[n] for n in people if found[n][0] == notebook}) < 2 for notebook in notebooks):
        people = {name: who for name, who in people.items() if not bare and _written_as_a_name(who)}
    people |= {name: who for name, (_, who) in found.items() if known(who)}
    return {
        name: Sender(who, who, who, f"{found[name][0]}{_ending(name)}", after="file")
        for name, who in people.items()
    }


def _written_as_a_name(who: str) -> bool:
    """Fay Fox, Vincent van Gogh, 김민준; not second try, nor Final Version."""
    found = words(who)
    capital = [word for word in found if not word[0].islower()]
    return len(capital) >= min(2, len(found)) > 0 and not THINGS & {word.casefold() for word in found}


def _ending(name: str) -> str:
    number = tidy(name)[1]
    return f" ({number}).ipynb" if number else ".ipynb"
