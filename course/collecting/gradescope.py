"""How Gradescope exports what students hand in (*Export submissions*): numbers, and a list that says who they are.

assignment_555_export/submission_1001/q1.ipynb
assignment_555_export/submission_metadata.yml      submission_1001: {:submitters: [{:name, :sid, :email}, ...], :created_at}
"""

import re
from datetime import datetime

import yaml

from course.collecting.archives import File
from course.collecting.names import Sender

FOLDER = re.compile(r"^submission_\d+$")
LIST = "submission_metadata.yml"
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # nothing but plain values either way


def sender(name: str) -> Sender | None:
    """Gradescope's names alone say nothing of who sent a file."""
    return None


def listed(found: list[File]) -> dict[str, list[Sender]]:
    """Folder -> everybody who handed it in, a group too; nobody where the list is missing or says nothing of it."""
    folders = {part for file in found for part in file.parts[:2] if FOLDER.match(part)}
    lists = [
        f for f in found if f.parts[-1:] == (LIST,) and len(f.parts) < 3 and not FOLDER.match(f.parts[0])
    ]
    result: dict[str, list[Sender]] = {}
    for file in lists if folders else ():
        try:
            entries = yaml.load(file.data or b"", Loader)
            result |= {str(folder): _submitters(entry) for folder, entry in entries.items()}
        except (yaml.YAMLError, AttributeError, TypeError, ValueError, RecursionError) as error:
            file.problem = f"could not be read ({' '.join(str(error).split())[:80]}); export it again"
    missing = f"Gradescope's {LIST} does not say whose it is; give its whole export, or collect this alone with --student ID"
    for file in found if folders - {folder for folder, who in result.items() if who} else ():
        if any(part in folders and not result.get(part) for part in file.parts[:2]):
            file.asked = missing
    return {folder: result.get(folder, []) for folder in folders}


def _submitters(entry: dict) -> list[Sender]:
    when = entry.get(":created_at")
    when = when.replace(tzinfo=None) if isinstance(when, datetime) else None
    people = []
    for person in entry.get(":submitters") or ():
        cells = (person.get(key) for key in (":name", ":sid", ":email"))
        name, number, mail = (str(cell).strip() if isinstance(cell, str | int) else "" for cell in cells)
        if label := number or mail or name:
            people.append(Sender(label, f"gradescope:{label}", name or mail, lms="gradescope", when=when))
    return people
