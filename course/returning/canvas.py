"""Canvas takes grades and feedback back, as its own source code reads them (canvas-lms `gradebook_importer.rb` and
`abstract_assignment.rb`); no running Canvas was asked.

    gradebook    Student,ID,SIS User ID,SIS Login ID,Section,Part 2 (4711),...
                 "Manual Posting" row, "Points Possible" row, one row a student, found by ID
    feedback     lovelaceada_101_9001_q1.html: the user's and the attachment's number are what is read
"""

import re
from pathlib import Path, PurePosixPath

from course.collecting import canvas
from course.collecting.collected import Collected
from course.returning.sheets import (
    Filled,
    Points,
    Sheet,
    cell,
    fill,
    number,
    other_maximum,
    plain_number,
    the_column,
)  # fmt: skip

NAME = "Canvas"
WANTED = "the gradebook that Canvas exports (Grades, Export; the file begins with Student,ID)"
UPLOAD = (
    "In Canvas: Grades, Import; the feedback zip: the assignment, SpeedGrader's page, Upload submissions."
)


def is_it(head: list[str]) -> bool:
    """Whether it is the heading of Canvas' gradebook."""
    return len(head) > 3 and head[0] in ("Student", "LastName") and "ID" in head and "Section" in head


def fill_in(sheet: Sheet, points: Points) -> Filled:
    """Write the points into the part's column of Canvas' gradebook, or into a new one if that is called "new".

    Raises:
        LmsError: no column, or more than one, is meant.
    """
    user, head = sheet.column("ID"), sheet.rows[0]
    assert user is not None
    found = ((place, re.fullmatch(r"(.*) \((\d+)\)", title)) for place, title in enumerate(sheet.head))
    columns = {place: (match[1], match[2], match[0]) for place, match in found if match}
    possible = next((row for row in sheet.rows if row and "Points Possible" in row[0]), None)
    if points.column == "new":
        place = max(columns, default=sheet.head.index("Section")) + 1
        for row in filter(None, sheet.rows):
            most = plain_number(points.most) if row is possible else ""
            row.insert(place, points.part if row is head else most)
    else:
        place = the_column(sheet, points, columns, ", or --column new for one more assignment")
    result = Filled()
    if possible is not None:
        result.people += other_maximum(NAME, head[place], number(cell(possible, place)), points)
    others = [p for t in ("SIS User ID", "SIS Login ID") if (p := sheet.column(t)) is not None]
    rows = []
    for row in sheet.rows[1:]:
        if row is possible or len(row) <= user or not row[user].strip():
            continue  # points possible, manual posting
        name = ", ".join(row[:user])
        texts = [cell(row, p) for p in others]
        numbered = points.collected.ids.get(row[user].strip())
        who = numbered or points.roster.find(row[user], *texts, name)
        rows.append((row, f"{name} ({row[user]})", who, bool(numbered)))
    return fill(result, rows, place, points, NAME)


def feedback_names(student: str, pages: dict[str, Path], collected: Collected) -> dict[str, list]:
    """The names under which Canvas takes a student's feedback back.

    Args:
        pages: notebook -> HTML page.

    Returns:
        name in the archive -> [(name of the page, page)]; several pages where one file brought several
        notebooks. What is not in it has no name: the student's files did not come from Canvas.
    """
    result: dict[str, list[tuple[str, Path]]] = {}
    for notebook, page in pages.items():
        name = collected.named(canvas.sender, student, notebook)
        # an address that was handed in has no number to send pages back to
        if name and canvas.sender(name).attachment:
            result.setdefault(name, []).append((page.name, page))
    # Canvas reads two numbers and shows the name of the file that was handed in; the ending says what it is now
    return {
        str(PurePosixPath(name).with_suffix(".html" if len(both) == 1 else ".zip")): both
        for name, both in result.items()
    }
