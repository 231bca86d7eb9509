"""received/: every notebook as it came, by the digest of its bytes; and what it is as a notebook of the course."""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode

from course.base import bounded
from course.collecting import recognise
from course.collecting.recognise import Built, Found
from course.notebook.match import name_of
from course.notebook.read import Unreadable, within_limits
from course.notebook.rebuild import answers
from helpers.files import write

MOST_SECONDS = 60  # of processor time for all files of one sender; an honest student's take 1


@dataclass
class Received:
    """What came for one part; each file is parsed and rebuilt once a run, in a process with limits."""

    grading: Path
    parts: recognise.Parts
    part: str
    solutions: Path  # folder of the part's solutions
    found: dict[tuple[str, str], Found | Unreadable] = field(default_factory=dict)  # digest, name
    built: dict[tuple[str, str], Built | Unreadable] = field(default_factory=dict)  # digest, notebook
    solved: dict[str, dict[str, str]] = field(default_factory=dict)  # notebook -> its solution's answers
    spent: Counter[str] = field(default_factory=Counter)  # sender -> seconds

    def __post_init__(self) -> None:
        self.packed = recognise.packed(self.parts)

    @property
    def releases(self) -> dict[str, NotebookNode]:
        """Notebook of the part -> as it was given out."""
        return self.parts[self.part]

    def keep(self, data: bytes) -> str:
        digest = digest_of(data)
        path = self._path(digest)
        if not path.exists():
            write(path, data)
        return digest

    def _path(self, digest: str) -> Path:
        return self.grading / "received" / f"{digest}.ipynb"

    def recognise(self, data: bytes, name: str, sender: str) -> Found:
        """What a file is, by its bytes and its name. Raises Unreadable."""
        digest = digest_of(data)
        given = recognise.recognise, self.packed, self.part, data, name
        found = _once(self.found, (digest, name), lambda: self._read(sender, *given))
        if found.built:
            self.built[digest, found.notebook] = found.built
        return found

    def rebuilt(self, digest: str, notebook: str, sender: str = "") -> Built:
        """The notebook that can be graded. Raises Unreadable."""

        def work() -> Built:
            try:
                data = self._path(digest).read_bytes()
            except OSError:
                raise Unreadable("is gone from received/") from None
            return self._read(sender, recognise.build, self.packed, self.part, notebook, data)

        return _once(self.built, (digest, notebook), work)

    def _read(self, sender: str, function: Callable, *arguments: Any) -> Any:
        """`function(*arguments)`, on this sender's time. Raises Unreadable."""
        if self.spent[sender] > MOST_SECONDS:
            what = f"the files before it took {self.spent[sender]:.0f} seconds of processor time"
            raise Unreadable(f"was not opened: {what}, up to {MOST_SECONDS} are spent on one sender")
        before = bounded.spent()
        try:
            return within_limits(function, *arguments)
        finally:
            self.spent[sender] += bounded.spent() - before

    def changed(self, digest: str, notebook: str) -> dict[str, str]:
        """The answers that are not as they were given out. Raises Unreadable."""
        given = answers(self.releases[notebook])
        return {name: a for name, a in self.rebuilt(digest, notebook).answers.items() if a != given[name]}

    def filled(self, digest: str, notebook: str) -> dict[str, str]:
        """Those of them that answer: neither emptied nor changed in comments and blank lines alone. Raises Unreadable."""
        given = answers(self.releases[notebook])
        code = {name_of(cell) for cell in self.releases[notebook].cells if cell.cell_type == "code"}

        def bare(name: str, text: str) -> list[str]:
            lines = map(str.strip, text.splitlines())
            return [line for line in lines if line and not (name in code and line.startswith("#"))]

        changed = self.changed(digest, notebook).items()
        return {name: a for name, a in changed if bare(name, a) not in ([], bare(name, given[name]))}

    def copied(self, digest: str, notebook: str) -> list[str]:
        """The answers that are the shipped solution's to the byte, its marks included."""
        if notebook not in self.solved:
            path = self.solutions / f"{notebook}.ipynb"
            self.solved[notebook] = answers(nbformat.read(path, as_version=4)) if path.exists() else {}
        right = self.solved[notebook]
        return [name for name, answer in self.filled(digest, notebook).items() if answer == right.get(name)]


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _once(known: dict, key: tuple[str, str], work: Callable[[], Any]) -> Any:
    """What `work` gives or that the file is unreadable, found once."""
    if key not in known:
        try:
            known[key] = work()
        except Unreadable as problem:
            known[key] = problem
    if isinstance(known[key], Unreadable):
        raise known[key]
    return known[key]
