"""How Google Classroom and Drive name what students hand in: a folder of single files.

q1_positional_encoding - Ada Lovelace.ipynb      Ada Lovelace - q1_positional_encoding.ipynb
Copy of q1.ipynb, q1 (1).ipynb, q1(2).ipynb      nobody knows whose
drive-download-20260302T100000Z-001.zip          Drive's own names of archives and their folders
"""

import re
from collections.abc import Callable

from course.collecting.names import Sender, short, tidy

ARCHIVE = re.compile(r"^(?:drive-download|folder|.+)-\d{8}T\d{6}Z-\d(?:-\d{3}|\d\d)$", re.I)
PERSON = re.compile(r"^[^\W\d_]+(?:[ '’.\-]+[^\W\d_]+)+\.?$|^[^\W\d_a-zA-Z]{2,}$")


def senders(names: list[str], notebooks: list[str], known: Callable[[str], object]) -> dict[str, Sender]:
    """`<notebook> - <person>` -> who; nobody where no notebook came from two, for `q1 - second try` looks the same."""
    found: dict[str, tuple[str, str]] = {}
    for name in names:
        stem, _ = tidy(name)
        for notebook in notebooks:
            for form in filter(None, (notebook, short(notebook))):
                if match := re.match(rf"^{re.escape(form)}\s+-\s+(.+)$", stem, re.I):
                    found[name] = (notebook, match[1])
    people = {name: who for name, (_, who) in found.items() if PERSON.match(who)}
    several = {
        notebook for notebook in notebooks if len({people[n] for n in people if found[n][0] == notebook}) > 1
    }
    if not several:
        people = {}
    people |= {name: who for name, (_, who) in found.items() if known(who)}
    return {name: Sender(who, who, who, f"{found[name][0]}{_ending(name)}") for name, who in people.items()}


def _ending(name: str) -> str:
    number = tidy(name)[1]
    return f" ({number}).ipynb" if number else ".ipynb"
