"""Brightspace (D2L) takes grades back in the file of *Grades, Enter Grades, Export*, and feedback in folders named as in the
download of the assignment, as its help and graders' scripts describe them; no running Brightspace was asked. The
keywords are English whatever the language: graders' scripts show no other.

    OrgDefinedId,Username,Last Name,First Name,Part 2 Points Grade <Numeric MaxPoints:22>,End-of-Line Indicator
    #4711,#ada,Lovelace,Ada,,#
    111-900 - Ada Lovelace - Mar 2, 2026 1030 AM/q1.html
"""

import re
from pathlib import Path

from course.collecting import brightspace
from course.collecting.collected import Collected
from course.returning.sheets import (
    Filled,
    Points,
    Sheet,
    cell,
    fill,
    in_folders,
    name_of,
    number,
    other_maximum,
    the_column,
)  # fmt: skip

NAME = "Brightspace"
WANTED = "the file of Brightspace's Grades, Enter Grades, Export (key Both, points grade; it has a column End-of-Line Indicator)"
UPLOAD = "In Brightspace: Grades, Enter Grades, Import; the feedback zip: the assignment's folder, Add Feedback Files."
TITLE = re.compile(r"(?P<title>.+?) Points Grade(?: ?<[^<>]*?MaxPoints:(?P<most>[\d.,]+)[^<>]*>)?", re.DOTALL)


def is_it(head: list[str]) -> bool:
    """Whether it is the heading of Brightspace's file of grades."""
    return any(TITLE.fullmatch(title) for title in head) and bool({"OrgDefinedId", "Username"} & set(head))


def fill_in(sheet: Sheet, points: Points) -> Filled:
    """Write the points into the part's column.

    Raises:
        LmsError: no column, or more than one, is meant.
    """
    titles = {place: match for place, title in enumerate(sheet.head) if (match := TITLE.fullmatch(title))}
    columns = {place: (match["title"], match[0]) for place, match in titles.items()}
    place = the_column(sheet, points, columns)
    people = other_maximum(NAME, titles[place]["title"], number(titles[place]["most"] or ""), points)
    users, names = sheet.meaning("id", "email"), sheet.meaning("first_name", "last_name")
    rows = []
    for row in sheet.rows[1:]:
        texts = [cell(row, p).strip().lstrip("#") for p in users]
        name, turned = name_of(row, names)
        if any(texts):
            who = points.roster.find(*texts, name, turned)
            rows.append((row, f"{name} ({next(filter(None, texts))})", who, False))
    return fill(Filled(people=people), rows, place, points, NAME)


def feedback_names(student: str, pages: dict[str, Path], collected: Collected) -> dict[str, list]:
    """As `canvas.feedback_names`, for Brightspace."""

    def folder(name: str) -> str:
        match = brightspace.NAMED.match(name)
        return name[: match.end("when")] if match else ""

    return in_folders(brightspace.sender, folder, student, pages, collected)
