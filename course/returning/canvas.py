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
from course.collecting.roster import Roster, plain
from course.returning.sheets import Filled, LmsError, Sheet, cell, fill, number, plain_number, read_sheet

WANTED = "the gradebook that Canvas exports (Grades, Export; the file begins with Student,ID)"


def sheet_of(path: Path) -> Sheet:
    """Canvas' gradebook. Raises LmsError if it is anything else."""

    def is_it(head: list[str]) -> bool:
        return len(head) > 3 and head[0] in ("Student", "LastName") and "ID" in head and "Section" in head

    return read_sheet(path, WANTED, is_it)


def fill_in(
    sheet: Sheet,
    part: str,
    most: float,
    points: dict[str, str],
    collected: Collected,
    roster: Roster,
    column: str,
) -> Filled:
    """Write `points` (student -> plain decimal) into the part's column of Canvas' gradebook.

    Args:
        most: points possible by our count; the file's is compared with it.
        column: title or number of the assignment, "" for the one called like the part, "new" for a new column.

    Raises:
        LmsError: no column, or more than one, is meant.
    """
    user, head = sheet.column("ID"), sheet.rows[0]
    assert user is not None
    found = ((place, re.fullmatch(r"(.*) \((\d+)\)", title)) for place, title in enumerate(head))
    titles = {place: match for place, match in found if match}
    wanted = column or part
    meant = [p for p, m in titles.items() if wanted in (m[0], m[2]) or plain(m[1]) == plain(wanted)]
    possible = next((row for row in sheet.rows if row and "Points Possible" in row[0]), None)
    result = Filled()
    if column == "new":
        meant = [max(titles, default=head.index("Section")) + 1]
        for row in filter(None, sheet.rows):
            row.insert(meant[0], part if row is head else plain_number(most) if row is possible else "")
    if len(meant) != 1:
        there = ", ".join(f'"{head[place]}"' for place in titles) or "none"
        raise LmsError(
            f"{sheet.name} has {f'{len(meant)} columns' if meant else 'no column'} for {wanted}; say which is meant "
            f'with --column "NAME (NUMBER)", or --column new for one more assignment. The assignments are: {there}.'
        )
    place = meant[0]
    if possible is not None and number(cell(possible, place)) not in (None, most):
        result.people.append(
            f"Canvas counts {head[place]} out of {possible[place]}, the gradebook out of {plain_number(most)}: "
            f"set the assignment's points in Canvas to {plain_number(most)}."
        )
    others = [p for t in ("SIS User ID", "SIS Login ID") if (p := sheet.column(t)) is not None]
    rows = []
    for row in sheet.rows[1:]:
        if row is possible or len(row) <= user or not row[user].strip():
            continue  # points possible, manual posting
        name = ", ".join(row[:user])
        texts = [cell(row, p) for p in others]
        who = collected.ids.get(row[user].strip()) or roster.find(row[user], *texts, name)
        rows.append((row, f"{name} ({row[user]})", who))
    return fill(result, rows, place, points, "Canvas")


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
        if name := collected.named(canvas.sender, student, notebook):
            result.setdefault(name, []).append((page.name, page))
    # Canvas reads two numbers and shows the name of the file that was handed in; the ending says what it is now
    return {
        str(PurePosixPath(name).with_suffix(".html" if len(both) == 1 else ".zip")): both
        for name, both in result.items()
    }
