"""`helpers/check.py` as it is inside a grading kernel: it observes, and knows no expected value.

The judge copies this file there (course/judging/kernel_files.py). A student's own calls of `check` stay quiet, and
`check.ready` answers what the judge has told it, so that the cells behind an exercise run as they did for the student.
"""

import importlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from helpers import observers
from helpers.checks import wire
from helpers.checks.observe import Problem, State, observe, subject
from helpers.vit import pieces


class Late:
    """Modules of a package that come while the kernel runs: `helpers` itself can't be written to."""

    def __init__(self, package: ModuleType) -> None:
        self._package, self._folder = package, None

    def add(self, key: str, source: str) -> None:
        # not before: this may be imported where /tmp is another one (course/sandbox/opening.py)
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory()
            self._package.__path__.append(self._folder.name)
        (Path(self._folder.name) / f"{key}.py").write_text(source, "utf-8")
        importlib.invalidate_caches()


class Check:
    def __init__(self) -> None:
        self._states: dict[str, State] = {}
        self._observers, self._pieces = Late(observers), Late(pieces)

    def __call__(self, key: str) -> float:
        print(f"{key}: looked at when it is graded.")
        return 0.0

    def hint(self, key: str) -> None:
        """No hints while grading."""

    def verdict(self, key: str, namespace: Mapping[str, Any], seed: int = 0) -> SimpleNamespace:
        return SimpleNamespace(state=self._states.get(key, State.NOT_ATTEMPTED), points=0.0)

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
        self._observers.add(request["key"], request["source"])
        observer = observers.load(request["key"])
        obj, _ = subject(observer.name, namespace)
        found: dict[str, Any] = {"missing": obj is None}
        if not found["missing"]:
            for name, cases in request["cases"].items():
                seen = observe(observer, obj, cases, namespace)
                problem = None
                if isinstance(seen, Problem):
                    problem = {
                        "state": seen.state.value,
                        "text": seen.text,
                        "error": seen.error,
                        "certain": seen.certain,
                        "blank": seen.blank,
                    }
                    seen = list(seen.seen)
                found[name] = {"problem": problem, "seen": [dict(arrays) for arrays in seen]}
        (folder / answer).write_bytes(wire.dump(found))

    def tell(self, key: str, state: str, equivalent: str) -> None:
        """The exercise has been judged: its state, and the module of the course's own equivalent, for later cells."""
        self._states[key] = State(state)
        if equivalent:
            self._pieces.add(key, equivalent)


check = Check()
