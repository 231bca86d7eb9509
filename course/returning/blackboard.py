"""Blackboard takes grades back in the file of *Grade Center, Work Offline, Download* (Ultra: *Gradebook, Download Grades*),
as its help and graders' scripts describe it; no running Blackboard was asked. Feedback it takes one file at a time only.

    "Last Name","First Name","Username",...,"Part 2 [Total Pts: 22 Score] |4711"
    tab-separated in UTF-16 and called .xls, or a CSV; the user name and the column's number are what is read
"""

import re

from course.returning.sheets import (
    Filled,
    Points,
    Sheet,
    cell,
    fill,
    name_of,
    number,
    other_maximum,
    the_column,
)

NAME = "Blackboard"
WANTED = 'the file of Blackboard\'s Grade Center, Work Offline, Download (with columns such as "Part 2 [Total Pts: 22 Score] |4711")'
UPLOAD = "In Blackboard: Grade Center, Work Offline, Upload (Ultra: Gradebook, Upload Grades)."
NO_FEEDBACK = (
    "Blackboard takes no zip of feedback: the pages are in grading/feedback/, to be attached to each attempt, or given "
    "otherwise."
)
TITLE = re.compile(
    r"(?P<title>.*?) ?\[[^\[\]]*?(?P<most>\d[\d.,]*)[^\[\]]*\](?: ?\|(?P<number>\d+))?", re.DOTALL
)


def is_it(head: list[str]) -> bool:
    """Whether it is the heading of Blackboard's file of grades."""
    return any(TITLE.fullmatch(title) for title in head) and Sheet("", [head]).meaning("id") != []


def fill_in(sheet: Sheet, points: Points) -> Filled:
    """Write the points into the part's column.

    Raises:
        LmsError: no column, or more than one, is meant.
    """
    titles = {place: match for place, title in enumerate(sheet.head) if (match := TITLE.fullmatch(title))}
    columns = {place: (match["title"], match["number"] or "", match[0]) for place, match in titles.items()}
    place = the_column(sheet, points, columns)
    people = other_maximum(NAME, titles[place]["title"], number(titles[place]["most"]), points)
    users, names = sheet.meaning("id"), sheet.meaning("first_name", "last_name")
    rows = []
    for row in sheet.rows[1:]:
        user, *others = [cell(row, p).strip() for p in users]
        name, turned = name_of(row, names)
        if user:
            numbered = points.collected.ids.get(f"blackboard:{user}")
            who = numbered or points.roster.find(user, *others, name, turned)
            rows.append((row, f"{name} ({user})", who, bool(numbered)))
    return fill(Filled(people=people), rows, place, points, NAME)
