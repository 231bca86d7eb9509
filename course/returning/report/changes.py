"""What a regrade changed: records of the same bytes, compared in the order in which they were judged."""

from collections.abc import Iterator
from dataclasses import dataclass

from course.returning.report.sent import Judged, StudentNotebook
from helpers.checks.verdict import Verdict


@dataclass(frozen=True)
class Change:
    """A blank (or a question of one) that was judged otherwise than before."""

    student: str
    notebook: str
    question: str
    blank: str
    before: str
    after: str
    points: float  # more than before
    why: str
    said: str
    when: str  # ISO 8601, UTC


def changes(sent: list[StudentNotebook]) -> list[Change]:
    """The latest first."""
    found = [
        change
        for one in sent
        for old, new in zip(one.history, one.history[1:], strict=False)
        for change in _between(one, old, new)
    ]
    found.sort(key=lambda change: (change.notebook, change.question, change.student))
    return sorted(found, key=lambda change: change.when, reverse=True)


def _between(one: StudentNotebook, old: Judged, new: Judged) -> Iterator[Change]:
    causes = {
        "another release of the notebook": old.release != new.release,
        "another version of the checks": old.version != new.version,
        "with and without a sandbox": old.sandboxed != new.sandboxed,
    }
    why = ", ".join(cause for cause, differs in causes.items() if differs)
    for key in dict.fromkeys([*old.verdicts, *new.verdicts]):
        was, now = _marks(old.verdicts.get(key)), _marks(new.verdicts.get(key))
        verdict = new.verdicts.get(key) or old.verdicts[key]
        for label in dict.fromkeys([*was, *now]):
            before, after = was.get(label), now.get(label)
            if before != after:
                lines = new.verdicts[key].lines if key in new.verdicts else ()
                yield Change(
                    one.student,
                    one.lesson.name,
                    verdict.name,
                    label if len(verdict.parts) > 1 else "",
                    _shown(before),
                    _shown(after),
                    round((after[1] if after else 0.0) - (before[1] if before else 0.0), 4),
                    why or "graded again",
                    lines[0] if lines else "",
                    new.when,
                )


def _marks(verdict: Verdict | None) -> dict[str, tuple[str, float]]:
    """Blank -> state, points."""
    return {part.label: (part.state.value, part.points) for part in verdict.parts} if verdict else {}


def _shown(mark: tuple[str, float] | None) -> str:
    return f"{mark[0]}, {mark[1]:g}" if mark else "not asked"
