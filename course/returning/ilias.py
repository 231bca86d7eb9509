"""ILIAS takes feedback back in folders named as in the download, as its own source code reads them (`Modules/Exercise`,
`uploadMultiFeedbackFile`); no running ILIAS was asked. Marks it takes from no file: they are typed in from a table.

    multi_feedback/Lovelace_Ada_ada_4711/q1.html      the first folder's name begins so; the user's number is what is read
"""

from pathlib import Path

from course.collecting import ilias
from course.collecting.collected import Collected
from course.collecting.names import Sender
from course.returning.sheets import in_folders

NAME = "ILIAS"
UPLOAD = (
    "ILIAS takes no marks from a file: type them in from the table (Submissions and Grades). The feedback zip: the "
    "assignment, Multi-Feedback."
)


def feedback_names(student: str, pages: dict[str, Path], collected: Collected) -> dict[str, list]:
    """As `canvas.feedback_names`, for ILIAS."""

    def sender(name: str) -> Sender | None:
        match = ilias.FOLDER.match(name)
        known = match and collected.ids.get(f"ilias:{match['login']}") == student
        return ilias.who(match) if known else None

    return in_folders(
        sender, lambda name: f"multi_feedback/{name}" if name else "", student, pages, collected
    )
