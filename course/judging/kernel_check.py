"""`helpers/check.py` as it is inside a grading kernel: it observes, and knows no expected value.

The judge copies this file there (course/judging/kernel_helpers.py). A student's own calls of `check` stay quiet, and `check.ready`
answers what the judge told after it had looked, so that the cells behind an exercise run as they did for the student.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers import exercises
from helpers.checks import wire
from helpers.checks.observe import Problem, State, observe


@dataclass(frozen=True)
class Verdict:
    state: State
    points: float = 0.0


class Check:
    def __init__(self) -> None:
        self._states: dict[str, State] = {}
        # `helpers` itself can't be written to: modules of exercises that come late are looked for here
        self._late = tempfile.TemporaryDirectory()
        exercises.__path__.append(self._late.name)

    def __call__(self, key: str) -> float:
        print(f"{key}: looked at when it is graded.")
        return 0.0

    def hint(self, key: str) -> None:
        """No hints while grading."""

    def verdict(self, key: str, namespace: Mapping[str, Any], seed: int = 0) -> Verdict:
        return Verdict(self._states.get(key, State.NOT_ATTEMPTED))

    def ready(self, key: str) -> bool:
        state = self._states.get(key, State.NOT_ATTEMPTED)
        if state is not State.CORRECT:
            print(f"This cell waits for {key}: come back when its check says correct (now: {state.value}).")
        return state is State.CORRECT

    def observe(self, exchange: str, asked: str, answer: str) -> None:
        """Try the student's object on what stands in file `asked`, and write what was seen to file `answer`."""
        from IPython import get_ipython

        folder = Path(exchange)
        request = wire.parse((folder / asked).read_bytes())
        namespace = get_ipython().user_ns
        (Path(self._late.name) / f"{request['key']}.py").write_text(request["source"], "utf-8")
        importlib.invalidate_caches()
        exercise = exercises.load(request["key"])
        found: dict[str, Any] = {"missing": exercise.name not in namespace}
        if not found["missing"]:
            for name, cases in request["cases"].items():
                seen = observe(exercise, namespace[exercise.name], cases, namespace)
                problem = None
                if isinstance(seen, Problem):
                    problem = {"state": seen.state.value, "text": seen.text, "error": seen.error}
                    seen = list(seen.seen)
                found[name] = {"problem": problem, "seen": [dict(arrays) for arrays in seen]}
        (folder / answer).write_bytes(wire.dump(found))

    def tell(self, key: str, state: str, source: str, name: str) -> None:
        """The exercise has been judged: its state, and the course's own equivalent, which later cells may use."""
        self._states[key] = State(state)
        if name:
            from helpers import assemble

            with contextlib.redirect_stdout(io.StringIO()):
                exec(source, assemble.__dict__)
            assemble.STAND_INS[key] = assemble.__dict__[name]


check = Check()
