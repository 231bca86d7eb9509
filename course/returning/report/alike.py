"""Answers that read alike: compared after formatting and renaming, so that neither spaces nor other names tell them apart.

Comments and docstrings go, Python writes the rest in its own form (`ast.unparse`), and names that the text itself binds are
numbered. A group is shown if it could hardly come by chance:

- the words and signs in it that the course's solution does not have are at least `LONG` characters together, or at least
  `ODD` if the answer is wrong in a way that no check knows;
- it is a small part of all who answered (`SHARE`): what many write alike is simply how it is written.

The same file (byte for byte, outputs and all) from several students is shown too, unless nothing in it is answered.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from course.collecting.collected import COUNTS, Collected
from course.returning.report.sent import StudentNotebook
from helpers.checks.observe import State

LONG, ODD = 120, 40  # characters that are the students' own
SHARE, FEW = 0.2, 3  # of those who answered, but never fewer than FEW


@dataclass(frozen=True)
class Group:
    """Students whose answers, or files, are alike."""

    notebook: str
    question: str  # name of the exercise; "" for whole files
    students: tuple[str, ...]
    why: str
    lines: tuple[str, ...] = ()  # what they added


def groups(sent: list[StudentNotebook], collected: Collected) -> list[Group]:
    """All groups, the largest first."""
    found = [*_answers(sent), *_files(sent, collected)]
    return sorted(found, key=lambda group: (-len(group.students), group.notebook, group.question))


def _answers(sent: list[StudentNotebook]) -> Iterable[Group]:
    same: dict[tuple[str, str, str], list[StudentNotebook]] = {}
    answered: Counter[tuple[str, str]] = Counter()
    for one in sent:
        for key, question in one.lesson.questions.items():
            text = one.judged.answers[key]
            if text.added(question.given):
                answered[one.lesson.name, key] += 1
                same.setdefault((one.lesson.name, key, text.renamed), []).append(one)
    for (notebook, key, renamed), ones in same.items():
        if not 2 <= len(ones) <= max(FEW, SHARE * answered[notebook, key]):
            continue
        question, judged = ones[0].lesson.questions[key], ones[0].judged
        size = judged.answers[key].size(question.solved)
        verdict = judged.verdicts.get(key)
        odd = verdict is not None and verdict.state in (State.INCORRECT, State.ERROR)
        odd = odd and not verdict.misconceptions
        if renamed != question.solved.renamed and size >= (ODD if odd else LONG):
            why = "wrong in the same unusual way" if odd else "long, and the same"
            shown = judged.answers[key].own(question.given)
            name = verdict.name if verdict else key
            yield Group(notebook, name, tuple(sorted(one.student for one in ones)), why, shown)


def _files(sent: list[StudentNotebook], collected: Collected) -> Iterable[Group]:
    """Files as they came, by their digest."""
    answered = {(one.student, one.lesson.name) for one in sent if one.judged.attempted}
    same: dict[tuple[str, str], set[str]] = {}
    for entry in collected.files:
        if entry.verdict in COUNTS and entry.received and (entry.student, entry.notebook) in answered:
            same.setdefault((entry.notebook or "", entry.received), set()).add(entry.student or "")
    for (notebook, _), students in same.items():
        if len(students) > 1:
            yield Group(notebook, "", tuple(sorted(students)), "the same file, byte for byte")
