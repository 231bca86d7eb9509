"""`check("q1_position_encoding")`: try the student's object, say what is right, what is not, and why.

One call gives one of four states:

- *not attempted*: the blank still holds `...`;
- *error in your code*: it raised, with the student's own line named;
- *incorrect*: it ran and gave other values, with the first difference and, where known, the cause;
- *correct*.

The text is shown and the points are returned as a number, which is how nbgrader gives partial credit.
`observe` (helpers/checks/observe.py) and `judge` (helpers/checks/judge.py) are apart: grading runs them in two processes.
"""

import _thread
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from helpers.checks import render
from helpers.checks.judge import Tried, judge, nothing
from helpers.checks.observe import State, blanks_left, observe, own_world, subject
from helpers.checks.verdict import Verdict
from helpers.exercises import load, names
from helpers.figures.output import text
from helpers.progress import note

WAITS = "come back when its check says correct"
ENDLESS = (
    "Your code did not come to an end within {:g} seconds and was stopped. Is there a loop that never ends?"
)


class Points(float):
    """The points of a check: a plain number to nbgrader, "2 of 3 points" to a reader."""

    out_of: float = 0.0

    def __repr__(self) -> str:
        return f"{float(self):g}"

    def _repr_html_(self) -> str:
        return render.score(self, self.out_of)


@contextmanager
def stopped_after(seconds: float) -> Iterator[None]:
    """Interrupts what runs in here as the stop button does, and goes on behind it."""
    over = threading.Event()

    def interrupt() -> None:
        over.set()
        _thread.interrupt_main()

    timer = threading.Timer(seconds, interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    except KeyboardInterrupt:
        if not over.is_set():
            raise
    finally:
        timer.cancel()


class Check:
    """`check(key)` shows a verdict and returns its points; `check.hint(key)` and `check.ready(key)` help on the way."""

    seconds = 60  # a check of a right answer takes a few

    def __init__(self) -> None:
        self._hints_given: dict[str, int] = {}
        self._last = ""

    def __call__(self, key: str) -> Points:
        """Check the object that the notebook defines for exercise `key`.

        Args:
            key: an exercise's name, e.g. "q1_position_encoding".

        Returns:
            The points, 0 to the exercise's maximum; the message is shown.

        Raises:
            UnknownExercise: if there is none of this name.
        """
        self._last = load(key).key
        verdict = self._in_time(key, sys._getframe(1).f_globals)
        _show(verdict)
        points = Points(verdict.points)
        points.out_of = verdict.max_points
        return points

    def _in_time(self, key: str, namespace: Mapping[str, Any]) -> Verdict:
        found = [nothing(load(key), State.TIMEOUT, [ENDLESS.format(self.seconds)])]
        with stopped_after(self.seconds):
            self.verdict(key, namespace, found=found)
        return found[-1]

    @own_world()
    def verdict(
        self, key: str, namespace: Mapping[str, Any], seed: int = 0, found: list[Verdict] | None = None
    ) -> Verdict:
        """As `check(key)`, for the objects in `namespace`, without showing anything.

        Args:
            found: what is known so far is added to it, should this not come to its end.
        """
        found = [] if found is None else found
        exercise = load(key)
        obj, said = subject(exercise.name, namespace)
        if said:
            found.append(nothing(exercise, State.ERROR, [said]))
            return found[-1]
        cases, blanks = exercise.cases(seed), blanks_left(obj, exercise.name, exercise.observer.places)
        observed = observe(exercise.observer, obj, cases, namespace)
        found.append(judge(exercise, cases, observed, blanks))
        if found[-1].state is not State.CORRECT:
            alone = {
                blank: Tried(own, observe(exercise.observer, obj, own, namespace))
                for blank, own in exercise.alone(seed).items()
            }
            found.append(judge(exercise, cases, observed, blanks, alone=alone))
        return found[-1]

    def hint(self, key: str = "") -> None:
        """Show the next hint for exercise `key`, or for the one checked last; the last one is nearly the answer."""
        key = key or self._last
        if not key:
            text('For which exercise? For instance check.hint("q1_position_encoding").')
            return
        hints = load(key).hints
        given = min(self._hints_given.get(key, 0), len(hints) - 1)
        self._hints_given[key] = given + 1
        text(f"Hint {given + 1} of {len(hints)}: {hints[given]}")

    def ready(self, key: str) -> bool:
        """True if exercise `key` is correct; else says that the cell waits for it and returns False."""
        verdict = self._in_time(key, sys._getframe(1).f_globals)
        if verdict.state is State.CORRECT:
            return True
        text(f"This cell uses your {verdict.name}: {WAITS} (now: {verdict.state.value}).")
        return False

    def __repr__(self) -> str:
        return f"check(key), check.hint(key), check.ready(key); keys: {', '.join(names())}"


def _show(verdict: Verdict) -> None:
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        ipython.display.display(render.bundle(verdict, load(verdict.key).hints), raw=True)
        note(verdict.key, verdict.state.value, verdict.points)
    else:
        print(render.text(verdict))


check = Check()
