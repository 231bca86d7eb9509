"""What a class got right and wrong, in numbers: a blank's difficulty and item-rest correlation, misconceptions by how many.

A question's or blank's *difficulty* is, as test theory has it, the share of students who get it right. Its *item-rest
correlation* is Pearson's correlation (for a blank, that is right or not: the point-biserial one) of its points with the share
of points in all other questions that the same student sent; the question itself is left out, or it would correlate with
itself.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from course.returning.report.normal import Answer
from course.returning.report.sent import Question, StudentNotebook, Submissions
from helpers import exercises
from helpers.checks.exercise import Misconception
from helpers.checks.observe import State
from helpers.checks.verdict import Mark, Verdict

OUTCOMES = ("right", "partial", "wrong", "open", "error")
ENOUGH = 20  # students for a correlation to say anything
LOW = 0.2  # of a correlation
NO_PYTHON = "is not Python that can be read"  # as `reading.plain` says it
OWN = re.compile(r"Line \d+, `\s*(?:raise|assert)\b")  # an error in a student's own words
LINES = 12  # of an example
RAISED = re.compile(
    r"^Line \d+, `.*`, (?=raised )", re.S
)  # the rest is the same for all who made this mistake


def outcome(state: State, points: float, most: float) -> str:
    """One of OUTCOMES; whatever kept the code from giving a result is an error."""
    if state is State.CORRECT:
        return "right"
    if 0 < points < most:
        return "partial"
    return {State.NOT_ATTEMPTED: "open", State.INCORRECT: "wrong"}.get(state, "error")


# --- questions and blanks -------------------------------------------------------------------------


@dataclass
class Item:
    """A question, or a blank of it (then `label` says which)."""

    question: Question
    label: str
    most: float
    outcomes: Counter[str] = field(default_factory=Counter)
    points: list[float] = field(default_factory=list)
    rest: list[float] = field(default_factory=list)  # NaN for a student who sent nothing else

    @property
    def name(self) -> str:
        return f"{self.question.name}: {self.label}" if self.label else self.question.name

    @property
    def students(self) -> int:
        return sum(self.outcomes.values())

    def share(self, outcome: str) -> float:
        return self.outcomes[outcome] / self.students

    @property
    def mean(self) -> float:
        """Share of the points that were earned."""
        return float(np.mean(self.points)) / self.most if self.most else 0.0

    @property
    def correlation(self) -> float | None:
        """Item-rest; None where there are too few students, or nothing varies."""
        mine, rest = np.array(self.points), np.array(self.rest)
        mine, rest = mine[~np.isnan(rest)], rest[~np.isnan(rest)]
        if len(mine) < ENOUGH or np.ptp(mine) == 0 or np.ptp(rest) == 0:
            return None
        return round(float(np.corrcoef(mine, rest)[0, 1]), 2) + 0.0

    @property
    def look(self) -> bool:
        """Whether the question deserves a look: the correlation is low, and that is hardly chance: even with two standard
        errors more, about 1 / sqrt(students) each."""
        if (r := self.correlation) is None or self.share("right") > 0.95:
            return False
        return bool(r + 2 / np.sqrt(np.sum(~np.isnan(self.rest))) < LOW)

    @property
    def reading(self) -> str:
        """The correlation in plain words."""
        r = self.correlation
        if self.share("right") > 0.95:
            return "Nearly everybody has it."
        if r is None:
            few = int(np.sum(~np.isnan(self.rest))) < ENOUGH
            return f"Fewer than {ENOUGH} to compare." if few else "All alike: nothing to compare."
        if self.look:
            return "Who does well elsewhere does no better here: look at the question and its check."
        if r < LOW:
            return "Separates little."
        return "Separates. Hard: teach it again." if self.mean < 0.5 else "Separates."


def items(submissions: Submissions) -> list[Item]:
    """Every question, each followed by its blanks, in the order of the lessons."""
    found: dict[tuple[str, str, str], Item] = {}
    totals: dict[str, list[float]] = {}  # student -> points, most
    for one in submissions.sent:
        total = totals.setdefault(one.student, [0.0, 0.0])
        for verdict in one.judged.verdicts.values():
            total[0] += verdict.points
            total[1] += verdict.max_points
    for lesson in submissions.lessons:
        for one in (each for each in submissions.sent if each.lesson is lesson):
            for key, question in lesson.questions.items():
                if (verdict := one.judged.verdicts.get(key)) is None:
                    continue
                points, most = totals[one.student]
                others = most - verdict.max_points
                rest = (points - verdict.points) / others if others > 0 else float("nan")
                blanks = verdict.parts if len(verdict.parts) > 1 else ()
                for label, mark in [("", verdict), *((part.label, part) for part in blanks)]:
                    item = found.setdefault((lesson.name, key, label), Item(question, label, mark.max_points))
                    item.outcomes[outcome(mark.state, mark.points, mark.max_points)] += 1
                    item.points.append(mark.points)
                    item.rest.append(rest)
    whole = [item for item in found.values() if not item.label]
    return [i for item in whole for i in found.values() if i.question is item.question]


def hardest(items: Sequence[Item]) -> list[Item]:
    """The blanks, and questions that are one blank, with the smallest share of right answers first."""
    split = {item.question.key for item in items if item.label}
    single = [item for item in items if item.label or item.question.key not in split]
    return sorted(single, key=lambda item: (item.share("right"), item.mean))


# --- what went wrong ------------------------------------------------------------------------------


@dataclass
class Mistake:
    """A misconception of this class, or something wrong without a known cause; `name` is "" then.

    kind: "known", "unknown", or "no Python".
    """

    kind: str
    question: Question
    name: str
    sentence: str
    of: int  # who sent this notebook
    texts: list[tuple[str, str, Answer]] = field(default_factory=list)  # who, in which blank, what they wrote

    def add(self, who: str, blank: str, text: Answer) -> None:
        self.texts.append((who, blank, text))

    @property
    def students(self) -> list[str]:
        return [who for who, _, _ in self.texts]

    @property
    def blank(self) -> str:
        """ "" where it is about the question as a whole, or in one blank of some and in another of others."""
        blanks = {blank for _, blank, _ in self.texts}
        return blanks.pop() if len(blanks) == 1 else ""

    @property
    def forms(self) -> int:
        """In how many different ways it was written."""
        return len({text.renamed for _, _, text in self.texts})

    def said(self, names: Mapping[str, str]) -> str:
        """The sentence without what a student said in words of their own, or of themselves."""
        if self.kind == "known" or not (
            OWN.match(self.sentence) or names_one(self.sentence, self.students, names)
        ):
            return self.sentence
        error = re.search(r", raised (\w+)", self.sentence)
        return f"raised {error[1]}, in words of their own" if error else "said in words of their own"

    def example(self, names: Mapping[str, str] = {}) -> tuple[str, ...]:
        """The lines that most of them added, if its author's id, or name in `names`, is not in them."""
        common = Counter(text.renamed for _, _, text in self.texts)
        ranked = sorted(self.texts, key=lambda each: (-common[each[2].renamed], len(each[2].renamed)))
        line_of = {part.label: part.blank for part in exercises.load(self.question.key).parts}
        for who, blank, text in ranked:
            lines = text.own(self.question.given, line_of.get(blank, ""), blank)
            if not names_one("\n".join(lines), [who], names):
                return lines if len(lines) <= LINES else (*lines[:LINES], "...")
        return ()


def names_one(text: str, ids: Iterable[str], names: Mapping[str, str]) -> bool:
    """Whether the id or the name of one of them is in a text, by itself or in a name such as `ada_x`."""
    words = {
        word for who in ids for word in re.split(r"[\s_]+", f"{who} {names.get(who, '')}") if len(word) > 1
    }
    found = "|".join(map(re.escape, sorted(words)))
    return bool(words) and bool(re.search(rf"(?<![^\W_])(?:{found})(?![^\W_])", text, re.I))


def mistakes(sent: Sequence[StudentNotebook]) -> list[Mistake]:
    """The misconceptions, what is wrong without a known cause, and what is no Python; of each those of most students first."""
    known: dict[tuple[str, str, str], Mistake] = {}
    unknown: dict[tuple[str, str, str], Mistake] = {}
    asked = Counter(one.lesson.name for one in sent)
    for one in sent:
        for key, question in one.lesson.questions.items():
            if (verdict := one.judged.verdicts.get(key)) is None:
                continue
            text = one.judged.answers[key]
            for name, (blank, line) in _named(verdict).items():
                place = (one.lesson.name, key, name)
                if place not in known:
                    said = _sentence(key, name) or line
                    known[place] = Mistake("known", question, name, said, asked[one.lesson.name])
                known[place].add(one.student, blank, text)
            for blank, sentence in _unexplained(verdict):
                kind = "no Python" if NO_PYTHON in sentence else "unknown"
                place = (key, blank, kind if kind != "unknown" else RAISED.sub("", sentence))
                if place not in unknown:
                    unknown[place] = Mistake(kind, question, "", sentence, asked[one.lesson.name])
                unknown[place].add(one.student, blank, text)
    kinds = ("known", "unknown", "no Python")
    found = [*known.values(), *unknown.values()]
    return sorted(found, key=lambda mistake: (kinds.index(mistake.kind), -len(mistake.texts)))


def places(mistakes: Sequence[Mistake]) -> list[tuple[Question, set[str], int]]:
    """A question for each heading that teaches what is misunderstood, who has it, of how many; those of most first."""
    found: dict[tuple[str, str], tuple[Question, set[str], int]] = {}
    for mistake in mistakes:
        if mistake.kind == "known":
            question = mistake.question
            place = (question.notebook, question.above or question.heading)
            found.setdefault(place, (question, set(), mistake.of))[1].update(mistake.students)
    return sorted(found.values(), key=lambda place: -len(place[1]))


def _named(verdict: Verdict) -> dict[str, tuple[str, str]]:
    """Misconception -> its blank ("" if the question is one blank, or it is in several), and what was said there."""
    found = {name: ("", _why(verdict.lines)) for name in verdict.misconceptions}
    about: dict[str, list[Mark]] = {}
    for part in verdict.parts if len(verdict.parts) > 1 else ():
        for name in part.misconceptions:
            about.setdefault(name, []).append(part)
    return found | {
        name: (parts[0].label if len(parts) == 1 else "", _why(parts[0].said))
        for name, parts in about.items()
    }


def _why(lines: Sequence[str]) -> str:
    start = "That is what you get when "
    return next((line.removeprefix(start) for line in lines if line.startswith(start)), "")


def _sentence(key: str, name: str) -> str:
    """What the tutor says about it; "" if today's exercise knows no such misconception."""
    known: tuple[Misconception, ...] = exercises.load(key).misconceptions
    return next((mistake.message for mistake in known if mistake.name == name), "")


def _unexplained(verdict: Verdict) -> list[tuple[str, str]]:
    """(blank, what was said) of all that is wrong and has no name."""
    if {*verdict.misconceptions} - {name for part in verdict.parts for name in part.misconceptions}:
        return []
    wrong = [part for part in verdict.parts if _is_wrong(part) and not part.misconceptions]
    about: dict[str, list[str]] = {}  # sentence -> blanks
    for part in wrong:
        if part.said:
            about.setdefault(part.said[0], []).append(part.label)
    if about or not wrong or any(part.misconceptions for part in verdict.parts):
        several = len(verdict.parts) > 1
        return [(where[0] if several and len(where) == 1 else "", said) for said, where in about.items()]
    lines = [line for line in verdict.lines if not line.startswith("Still to fill in")]
    return [("", lines[0] if lines else f"{verdict.state.value}, nothing was said")]


def _is_wrong(mark: Mark) -> bool:
    return mark.state not in (State.CORRECT, State.NOT_ATTEMPTED)
