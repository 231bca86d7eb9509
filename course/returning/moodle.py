"""Moodle takes grades and feedback back, as its own source code reads them (`mod/assign/feedback/{offline,file}`); no
running Moodle was asked.

    worksheet    Identifier,Full name,Email address,Status,Grade,Maximum Grade,...,Last modified (grade),...
                 the first column ends in the participant's number; a grade above the maximum is skipped in silence
    feedback     Ada Lovelace_4711_assignsubmission_file_/q1.html: the number is what is read

The headings are in the teacher's language. In all of Moodle's language packs that were looked at, "Last modified (grade)"
names the column of grades in its brackets; GRADES has the languages in which that column is called otherwise. The
maximum stands behind it.
"""

import re
from pathlib import Path

from course.collecting import moodle
from course.collecting.collected import Collected
from course.collecting.names import safe_id
from course.collecting.sheet import plain
from course.returning.sheets import Filled, Points, Sheet, cell, fill, in_folders, number, plain_number

NAME = "Moodle"
WANTED = (
    "the grading worksheet of the assignment in Moodle "
    "(Download grading worksheet; with the columns Identifier, Grade and Last modified (grade), in any language)"
)
UPLOAD = (
    "In Moodle: the assignment, Submissions, Actions, Upload grading worksheet; the feedback zip: Upload multiple "
    "feedback files in a zip."
)
# the column of grades, where the brackets say another word: Italian, Dutch, Portuguese, Spanish, French (also older packs)
GRADES = {
    "voto",
    "valutazione",
    "cijfer",
    "beoordeling",
    "nota",
    "avaliação",
    "note",
    "évaluation",
    "calificación",
}
NUMBER = re.compile(r"\d+$")


def is_it(head: list[str]) -> bool:
    """Whether it is the heading of Moodle's grading worksheet."""
    return len(head) > 2 and grade_of(head) is not None


def grade_of(head: list[str]) -> int | None:
    """Where the grades stand: their column is named in the brackets of the last heading that has some."""
    titles = [plain(title) for title in head]
    words = [plain(match[1]) for title in head if (match := re.search(r"\S\s*[(（](.+)[)）]$", title))]
    words = [word for word in reversed(words) if titles.count(word) == 1] or sorted(GRADES) * bool(
        GRADES & set(words)
    )
    found = [titles.index(word) for word in words if word in titles[1:]]
    return found[0] if found else None


def fill_in(sheet: Sheet, points: Points) -> Filled:
    """Write the points into the column of grades of Moodle's grading worksheet."""
    place = grade_of(sheet.head)
    assert place is not None
    full, mail = (next(iter(sheet.meaning(column)), None) for column in ("name", "email"))
    keys = participants(points.collected)
    result, rows, limits = Filled(), [], set()
    for row in sheet.rows[1:]:
        if len(row) <= place:
            continue
        name = cell(row, full)
        label = " ".join(filter(None, (name, f"({row[0]})")))
        digits = NUMBER.search(row[0].strip())
        key = keys.get(digits[0]) if digits else None
        if key is not None:
            who, known = points.collected.ids[key], points.collected.names.get(key, "")
            blind = full is None or known.casefold().startswith("participant")
            group = known.endswith(f"-{name}")  # Group A-Ada Lovelace, where groups hand in
            if name and known and not blind and not group and plain(name) != plain(known):
                result.people.append(
                    f"{row[0]} is {name} in {sheet.name} but was {known} when the part was collected: "
                    "is it the worksheet of this part? Nothing was filled in there."
                )
                result.refused.add(who)
                who = ""
        else:
            who = points.roster.find(cell(row, mail), name) or points.collected.ids.get(name)
            if not who and name and safe_id(name) in points.students:
                who = safe_id(name)
        rows.append((row, label, who, key is not None))
        # the maximum comes next; where the grades are on a scale, that stands there in words
        if (limit := number(cell(row, place + 1))) is not None:
            limits.add(limit)
            if who in points.of and float(points.of[who]) > limit:
                result.people.append(
                    f"{label}: {points.of[who]} is more than Moodle's maximum of {plain_number(limit)}; "
                    "Moodle will leave it out without a word."
                )
    if limits - {points.most}:
        result.people.append(
            f"Moodle counts out of {', '.join(map(plain_number, sorted(limits)))}, the gradebook out of "
            f"{plain_number(points.most)}: set the assignment's maximum grade in Moodle to {plain_number(points.most)}."
        )
    return fill(result, rows, place, points, NAME)


def participants(collected: Collected) -> dict[str, str]:
    """Moodle's participant number -> key of the sender."""
    found = ((re.search(r"(?:\0|^participant )(\d+)$", key, re.I), key) for key in collected.ids)
    return {match[1]: key for match, key in found if match}


def feedback_names(student: str, pages: dict[str, Path], collected: Collected) -> dict[str, list]:
    """As `canvas.feedback_names`, for Moodle."""

    def folder(name: str) -> str:
        match = moodle.FOLDER.match(name)
        return (
            f"{match['name']}_{match['number']}_assignsubmission_file_" if match and match["number"] else ""
        )

    return in_folders(moodle.sender, folder, student, pages, collected)
