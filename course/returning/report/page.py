"""The class at a glance: one page that needs nothing else, the same as JSON, and its tables as CSV.

Below grading/ (`VIT_GRADING`):

    report/<part>/index.html        the page; print it, or open it on a phone
    report/<part>/report.json       all that it says, and more of it
    report/<part>/<table>.csv       questions, misconceptions, students, alike, changes

With ids hidden it is report/<part>_anonymous/.
"""

import csv
import io
import json
import secrets
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError

from course.base import paths, settings
from course.collecting import collected, late, roster
from course.collecting.collected import COUNTS, Collected, CollectError
from course.collecting.names import short
from course.notebook.release import JudgeError
from course.returning.export import safe
from course.returning.feedback import TEMPLATES
from course.returning.points import SETTLED, ExportError, Student, students
from course.returning.report import alike, counts
from course.returning.report.changes import changes
from course.returning.report.sent import Question, Submissions, read
from course.returning.sheets import plain_number
from course.returning.words import code
from helpers.files import write
from helpers.progress import part_name

TABLES = ("questions", "misconceptions", "students", "alike", "changes")
BINS = 10  # of the points
DAYS = 21  # on which something came; more are shown by weeks
COLUMNS = {  # of tables that may be empty
    "misconceptions": ("kind", "students", "of", "notebook", "heading", "above", "question", "blank", "name", "sentence", "forms", "example", "who"),
    "alike": ("notebook", "question", "students", "why", "who", "lines"),
    "changes": ("student", "notebook", "question", "blank", "before", "after", "points", "why", "said", "when"),
}  # fmt: skip


class ReportError(Exception):
    """There is nothing to report; the text says what to do."""


class Names:
    """What to call a student: id and name, or, if ids are hidden, a number that says nothing."""

    def __init__(self, ids: Iterable[str], called: dict[str, str], hidden: bool) -> None:
        self.called, self.hidden = called, hidden
        shuffled = sorted(set(ids))
        secrets.SystemRandom().shuffle(shuffled)
        self._numbers = {who: f"student {number}" for number, who in enumerate(shuffled, 1)}

    def __call__(self, who: str) -> str:
        return self._numbers.get(who, "a student") if self.hidden else who

    def long(self, who: str) -> str:
        return self(who) if self.hidden else _named(who, self.called.get(who, ""))


def _named(who: str, name: str) -> str:
    return f"{name} ({who})" if name and name != who else who


@dataclass
class Report:
    """What the page says. Each table is a list of rows, column -> value."""

    part: str
    summary: dict[str, Any]
    tables: dict[str, list[dict[str, Any]]]
    places: list[dict[str, Any]] = field(default_factory=list)
    hardest: list[dict[str, Any]] = field(default_factory=list)
    points: list[dict[str, Any]] = field(default_factory=list)
    days: list[dict[str, Any]] = field(default_factory=list)
    people: list[dict[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


# --- what there is to say -------------------------------------------------------------------------


def gather(part: str, grading: Path, anonymous: bool = False) -> Report:
    """Raises ReportError: there is no such part, nothing is graded, or collect's record or the gradebook can't be read."""
    try:
        submissions, came = read(grading, part), collected.load(grading, part)
    except (JudgeError, CollectError) as error:
        raise ReportError(str(error)) from None
    if not submissions.lessons:
        there = sorted(path.name for path in (paths.ROOT / "solutions").iterdir() if path.is_dir())
        raise ReportError(f"There is no part {part!r}; there are {', '.join(there)}.")
    if not submissions.sent:
        by = " by this version of the course" if submissions.older else ""
        raise ReportError(
            f"Nothing of {part} is graded{by} yet, {len(submissions.waiting)} notebooks wait: python -m course grade {part}"
            if submissions.waiting
            else f"Nothing of {part} has been collected: python -m course collect {part} FILES, then python -m course grade {part}"
        )
    outcomes, notes = _gradebook(part, grading)
    came = late.by_date(came, {who: student.due for who, student in outcomes.items() if student.due})
    listed = roster.load(grading).ids
    everybody = {*submissions.students, *listed, *came.ids.values(), *outcomes}
    called = {came.ids[key]: name for key, name in came.names.items() if key in came.ids}
    for who, student in outcomes.items():
        name = f"{student.cells.get('first_name', '')} {student.cells.get('last_name', '')}".strip()
        called |= {who: name} if name else {}
    names = Names(everybody, called, anonymous)
    mistakes = counts.mistakes(submissions.sent)
    items = counts.items(submissions)
    rows = _students(submissions, came, outcomes, everybody, names)
    tables = {
        "questions": [_item(item) for item in items],
        "misconceptions": [_mistake(mistake, names) for mistake in mistakes],
        "students": rows,
        "alike": [_alike(group, names) for group in alike.groups(submissions.sent, came)],
        "changes": [
            {**vars(change), "student": names(change.student), "when": change.when[:16].replace("T", " ")}
            for change in changes(submissions.sent)
        ],
    }
    shares = [row["points"] / row["most"] for row in rows if row["points"] != "" and row["most"]]
    attempts = Counter(min(row["attempts"], 3) for row in rows if row["attempts"])
    summary = {
        "students": len(everybody),
        "handed in": len(submissions.students),
        "nothing": sum(not row["notebooks"] for row in rows),
        "some": sum(0 < row["notebooks"] < len(submissions.lessons) for row in rows),
        "notebooks": len(submissions.sent),
        "of": len(submissions.lessons),
        "points": len(shares),
        "median": round(median(shares), 3) if shares else None,
        "late": sum(row["late"] > 0 for row in rows),
        "attempts": {str(number): attempts[number] for number in (1, 2, 3)},
        "anonymous": anonymous,
    }
    if submissions.waiting:
        notes.append(
            f"{_many(len(submissions.waiting), 'notebook')} not graded yet: python -m course grade {part}."
        )
    if stale := sum(one.stale for one in submissions.sent):
        notes.append(
            f"{_many(stale, 'notebook')} judged by an earlier release or earlier checks: "
            f"python -m course grade {part}."
        )
    if submissions.damaged:
        notes.append(f"{_many(submissions.damaged, 'record')} left out, as damaged.")
    if submissions.older:
        notes.append(
            f"{_many(submissions.older, 'record')} left out, as written by an older version of the course."
        )
    if not listed:
        notes.append("No roster and no gradebook: nobody can be missed.")
    if any(lesson.by_hand for lesson in submissions.lessons):
        notes.append("Questions that are answered in words and graded by hand are in the points only.")
    places = [_place(*place) for place in counts.places(mistakes)]
    hard = [_item(item) for item in counts.hardest(items)]
    report = Report(part, summary, tables, places, hard, _points(shares), _days(came), notes=notes)
    report.people = _people(submissions, came, outcomes, names)
    summary["need a person"] = len({row["student"] for row in report.people})
    return report


def _gradebook(part: str, grading: Path) -> tuple[dict[str, Student], list[str]]:
    """What the gradebook says of everybody, and a note if it says nothing."""
    try:
        if (book := settings.gradebook()) is not None:
            with book:
                return {student.id: student for student in students(book, part, grading)}, []
    except CollectError as error:
        raise ReportError(str(error)) from None
    except ExportError:
        pass
    except SQLAlchemyError as error:
        said = getattr(error, "orig", None) or error
        raise ReportError(
            f"The gradebook can't be read ({said}). If something grades, wait for it."
        ) from None
    return {}, ["The gradebook does not know this part yet: points are those of the checks alone."]


def _item(item: counts.Item) -> dict[str, Any]:
    shares = {name: round(item.share(name), 4) for name in counts.OUTCOMES}
    return {
        "notebook": item.question.notebook,
        "title": item.question.title,
        "question": item.question.name,
        "blank": item.label,
        "points": item.most,
        "students": item.students,
        **shares,
        "mean": round(item.mean, 4),
        "item_rest": item.correlation,
        "reading": item.reading,
        "look": item.look,
    }


def _place(question: Question, who: set[str], of: int) -> dict[str, Any]:
    heading = question.above or question.heading
    return {"notebook": question.notebook, "heading": heading, "students": len(who), "of": of}


def _mistake(mistake: counts.Mistake, names: Names) -> dict[str, Any]:
    return {
        "kind": mistake.kind,
        "students": len(mistake.students),
        "of": mistake.of,
        "notebook": mistake.question.notebook,
        "heading": mistake.question.heading,
        "above": mistake.question.above,
        "question": mistake.question.name,
        "blank": mistake.blank,
        "name": mistake.name,
        "sentence": mistake.said(names.called) if names.hidden else mistake.sentence,
        "forms": mistake.forms,
        "example": "\n".join(mistake.example(names.called)),
        "who": ", ".join(sorted(map(names, mistake.students))),
    }


def _alike(group: alike.Group, names: Names) -> dict[str, Any]:
    return {
        "notebook": group.notebook,
        "question": group.question,
        "students": len(group.students),
        "why": group.why,
        "who": ", ".join(map(names, group.students)),
        "lines": "" if names.hidden else "\n".join(group.lines),  # a text may name its author
    }


def _students(
    submissions: Submissions, came: Collected, outcomes: dict[str, Student], everybody: set[str], names: Names
) -> list[dict[str, Any]]:
    sent: dict[str, list[str]] = {who: [] for who in everybody}
    earned = dict.fromkeys(everybody, 0.0)
    for one in submissions.sent:
        sent[one.student].append(one.lesson.name)
        earned[one.student] += sum(verdict.points for verdict in one.judged.verdicts.values())
    for who, notebook in submissions.waiting:
        sent[who].append(notebook)
    asked = {v.key: v.max_points for one in submissions.sent for v in one.judged.verdicts.values()}
    files: dict[str, list[collected.Entry]] = {}
    for entry in came.files:
        if entry.student and entry.notebook:
            files.setdefault(entry.student, []).append(entry)
    rows = []
    for who in sorted(everybody, key=lambda who: names(who).casefold()):
        mine = [entry for entry in files.get(who, []) if entry.verdict in (*COUNTS, "superseded")]
        counting = [entry for entry in mine if entry.verdict in COUNTS]
        outcome = outcomes.get(who)
        points: float | str = round(earned[who], 4) if sent[who] and not outcomes else ""
        if outcome is not None and outcome.points:
            points = float(outcome.points)
        most = float(outcome.cells["max_score"]) if outcome else sum(asked.values())
        rows.append(
            {
                "student": names(who),
                "name": "" if names.hidden else names.called.get(who, ""),
                "notebooks": len(sent[who]),
                "missing": ", ".join(
                    lesson.name for lesson in submissions.lessons if lesson.name not in sent[who]
                ),
                "points": points,
                "most": most,
                "status": outcome.status if outcome else "",
                "last": max((entry.date[:16] for entry in counting if entry.date), default=""),
                "late": sum(entry.late for entry in counting),
                "attempts": max(Counter(entry.notebook for entry in mine).values(), default=0),
            }
        )
    if names.hidden:
        rows.sort(key=lambda row: int(row["student"].split()[-1]))
    return rows


def _people(
    submissions: Submissions, came: Collected, outcomes: dict[str, Student], names: Names
) -> list[dict[str, str]]:
    """Who needs a person, where, and why."""
    found = []
    for one in submissions.sent:
        for sentence in one.judged.attention:
            found.append((one.student, one.lesson.name, sentence))
    for entry in came.files:
        if entry.human:
            what = "collect asks for a look" if names.hidden else f"{entry.path}: {entry.human}"
            found.append((entry.student or "", entry.notebook or "", what))
    for who, student in outcomes.items():
        if student.status not in SETTLED:
            found.append((who, "", f"{student.status}: {student.note}"))
    rows = [
        {"student": names.long(who) if who else "nobody's file", "notebook": notebook, "why": why}
        for who, notebook, why in found
    ]
    return sorted(rows, key=lambda row: (row["student"].casefold(), row["notebook"]))


# --- pictures are rows of bars --------------------------------------------------------------------


def _points(shares: list[float]) -> list[dict[str, Any]]:
    bins = Counter(min(int(share * BINS + 1e-9), BINS - 1) for share in shares)
    step = 100 // BINS
    return [{"label": f"{n * step} to {(n + 1) * step} %", "students": bins[n]} for n in range(BINS)]


def _days(came: Collected) -> list[dict[str, Any]]:
    """Notebooks that count by the day, or week, on which they came (UTC); days or weeks without any are one row together."""
    found: Counter[tuple[date, bool]] = Counter()
    for entry in came.files:
        if entry.verdict in COUNTS and entry.date:
            found[date.fromisoformat(entry.date[:10]), entry.late] += 1
    if not found:
        return []
    first, step = min(day for day, _ in found), 1 if len({day for day, _ in found}) <= DAYS else 7
    spans: Counter[tuple[int, bool]] = Counter()
    for (day, is_late), notebooks in found.items():
        spans[(day - first).days // step, is_late] += notebooks
    rows, before = [], -1
    for number in sorted({number for number, _ in spans}):
        if (empty := number - before - 1) > 0:
            what = "day" if step == 1 else "week"
            rows.append({"label": f"{empty} {what}{'s' * (empty > 1)} without any", "in time": 0, "late": 0})
        day = first + timedelta(days=number * step)
        label = f"{day:%a %d %b}" if step == 1 else f"week of {day:%d %b}"
        rows.append({"label": label, "in time": spans[number, False], "late": spans[number, True]})
        before = number
    return rows


def _many(number: int, what: str) -> str:
    return f"1 {what} is" if number == 1 else f"{number} {what}s are"


# --- files ----------------------------------------------------------------------------------------


def environment() -> Environment:
    """The templates, everything escaped."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {
        "code": code,
        "number": plain_number,
        "percent": lambda share: f"{share:.0%}"[:-1] + " %",
        "short": lambda notebook: short(notebook) or notebook,
        "students": lambda number: "1 student" if number == 1 else f"{number} students",
    }
    return made


def style(name: str) -> Markup:
    return Markup((TEMPLATES / name).read_text("utf-8"))


def render(report: Report) -> str:
    """The page."""
    page = environment().get_template("class_report/index.html.j2")
    misconceptions, students = report.tables["misconceptions"], report.tables["students"]
    some = [row for row in students if row["notebooks"] and row["missing"]]
    return page.render(
        report=report,
        title=part_name(report.part),
        style=style("class_report/page.css"),
        known=[row for row in misconceptions if row["kind"] == "known"],
        unknown=[row for row in misconceptions if row["kind"] == "unknown"],
        no_python=[row for row in misconceptions if row["kind"] == "no Python"],
        called={row["student"]: _named(row["student"], row["name"]) for row in students},
        some=sorted(_together(some, "missing"), key=lambda rows: rows[0]["notebooks"]),
        people=_together(report.people, "notebook", "why"),
        changed=_together(
            report.tables["changes"], "notebook", "question", "blank", "before", "after", "why"
        ),
        rule={"long": alike.LONG, "odd": alike.ODD, "share": alike.SHARE, "few": alike.FEW},
        enough=counts.ENOUGH,
    )


def _together(rows: list[dict[str, Any]], *columns: str) -> list[list[dict[str, Any]]]:
    """Rows that say the same in these columns, the most first; in each the students in order."""
    found: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(tuple(row[column] for column in columns), []).append(row)
    groups = sorted(found.values(), key=len, reverse=True)
    return [sorted(group, key=lambda row: row["student"].casefold()) for group in groups]


def table(rows: list[dict[str, Any]], columns: Iterable[str]) -> bytes:
    """A CSV file that no spreadsheet takes for formulas."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = list(rows[0] if rows else columns)
    writer.writerow(columns)
    for row in rows:
        cells = (row[column] for column in columns)
        writer.writerow([safe(cell) if isinstance(cell, str) else cell for cell in cells])
    return text.getvalue().encode("utf-8", "replace")


def make(part: str, anonymous: bool = False) -> tuple[Report, list[Path]]:
    """Write page, JSON and tables; raises ReportError, as `gather`."""
    grading = paths.grading()
    report = gather(part, grading, anonymous)
    folder = grading / "report" / (f"{part}_anonymous" if anonymous else part)
    files = {
        "index.html": render(report).encode("utf-8", "replace")
    }  # half a character, as students may send it
    files["report.json"] = (json.dumps(vars(report), indent=1) + "\n").encode()
    files |= {f"{name}.csv": table(report.tables[name], COLUMNS.get(name, ())) for name in TABLES}
    for name, content in files.items():
        write(folder / name, content)
    return report, [folder / name for name in files]


def summary(report: Report, files: list[Path]) -> list[str]:
    """What the command prints."""
    summary = report.summary
    lines = [
        f"{summary['handed in']} of {summary['students']} students handed in {summary['notebooks']} graded notebooks."
    ]
    known = [row for row in report.tables["misconceptions"] if row["kind"] == "known"]
    for row in known[:3]:
        where = f"{row['question']}, {row['blank']}" if row["blank"] else row["question"]
        lines.append(f"  {row['students']} of {row['of']}: {row['sentence']} ({where})")
    lines += report.notes
    lines += [f"Need a person: {summary['need a person']}."] if report.people else []
    return [*lines, *(f"wrote {path}" for path in files)]
