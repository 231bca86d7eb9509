"""Moodle takes grades and feedback back, as its own source code reads them (`mod/assign/feedback/{offline,file}`); no
running Moodle was asked.

    worksheet    Identifier,Full name,Email address,Status,Grade,Maximum Grade,...,Last modified (grade),...
                 found by the number in "Participant 4711"; a grade above the maximum is skipped in silence
    feedback     Ada Lovelace_4711_assignsubmission_file_/q1.html: the number is what is read
"""

import re
from pathlib import Path

from course.collecting import moodle
from course.collecting.collected import Collected
from course.collecting.names import safe_id
from course.collecting.roster import Roster, plain
from course.returning.sheets import Filled, Sheet, cell, fill, number, plain_number, read_sheet

WANTED = (
    "the grading worksheet of the assignment in Moodle "
    "(Download grading worksheet; with the columns Identifier, Grade and Last modified (grade))"
)


def sheet_of(path: Path) -> Sheet:
    """Moodle's grading worksheet. Raises LmsError if it is anything else."""
    return read_sheet(path, WANTED, {"Identifier", "Grade", "Last modified (grade)"}.issubset)


def fill_in(
    sheet: Sheet,
    most: float,
    points: dict[str, str],
    collected: Collected,
    roster: Roster,
    students: set[str],
) -> Filled:
    """Write `points` into the column Grade of Moodle's grading worksheet."""
    place, highest = sheet.column("Grade"), sheet.column("Maximum Grade")
    participant, full, mail = (sheet.column(t) for t in ("Identifier", "Full name", "Email address"))
    assert place is not None and participant is not None
    keys = participants(collected)
    result, rows, limits = Filled(), [], set()
    for row in sheet.rows[1:]:
        if len(row) <= max(place, participant):
            continue
        name = cell(row, full)
        label = " ".join(filter(None, (name, f"({row[participant]})")))
        digits = re.search(r"\d+$", row[participant].strip())
        key = keys.get(digits[0]) if digits else None
        if key is not None:
            who, known = collected.ids[key], collected.names.get(key, "")
            blind = known.casefold().startswith("participant")
            if name and known and not blind and plain(name) != plain(known):
                result.people.append(
                    f"{row[participant]} is {name} in {sheet.name} but was {known} when the part was collected: "
                    "is it the worksheet of this part? Nothing was filled in there."
                )
                who = ""
        else:
            who = roster.find(cell(row, mail), name) or collected.ids.get(name)
            if not who and name and safe_id(name) in students:
                who = safe_id(name)
        rows.append((row, label, who))
        if (limit := number(cell(row, highest))) is not None:
            limits.add(limit)
            if who in points and float(points[who]) > limit:
                result.people.append(
                    f"{label}: {points[who]} is more than Moodle's maximum of {plain_number(limit)}; "
                    "Moodle will leave it out without a word."
                )
    if limits - {most}:
        result.people.append(
            f"Moodle counts out of {', '.join(map(plain_number, sorted(limits)))}, the gradebook out of "
            f"{plain_number(most)}: set the assignment's maximum grade in Moodle to {plain_number(most)}."
        )
    return fill(result, rows, place, points, "Moodle")


def participants(collected: Collected) -> dict[str, str]:
    """Moodle's participant number -> key of the sender."""
    found = ((re.search(r"(?:\0|^participant )(\d+)$", key, re.I), key) for key in collected.ids)
    return {match[1]: key for match, key in found if match}


def feedback_names(student: str, pages: dict[str, Path], collected: Collected) -> dict[str, list]:
    """As `canvas.feedback_names`, for Moodle."""
    result: dict[str, list[tuple[str, Path]]] = {}
    for notebook, page in pages.items():
        match = moodle.FOLDER.match(collected.named(moodle.sender, student, notebook))
        if match and match["number"]:
            folder = f"{match['name']}_{match['number']}_assignsubmission_file_"
            result[f"{folder}/{page.name}"] = [(page.name, page)]
    return result
