"""received/: every notebook as it came, by the digest of its bytes; and what it is as a notebook of the course."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode

from course.notebook.read import Sent, Unreadable, parse
from course.notebook.rebuild import Repair, answers, rebuild
from helpers.files import write


@dataclass
class Received:
    """What came for one part; each file is parsed and rebuilt once a run."""

    grading: Path
    releases: dict[str, NotebookNode]  # notebook -> as it was given out
    solutions: Path  # folder of the part's solutions
    parsed: dict[str, Sent] = field(default_factory=dict)
    built: dict[tuple[str, str], tuple[NotebookNode, list[Repair]]] = field(default_factory=dict)
    solved: dict[str, dict[str, str]] = field(default_factory=dict)  # notebook -> its solution's answers

    def keep(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(digest)
        if not path.exists():
            write(path, data)
        return digest

    def _path(self, digest: str) -> Path:
        return self.grading / "received" / f"{digest}.ipynb"

    def rebuilt(self, digest: str, notebook: str) -> tuple[NotebookNode, list[Repair]]:
        """The notebook that can be graded, and what was repaired. Raises Unreadable."""
        if (digest, notebook) not in self.built:
            try:
                sent = self.parsed.get(digest) or parse(self._path(digest).read_bytes())
            except OSError:
                raise Unreadable("is gone from received/") from None
            self.built[digest, notebook] = rebuild(self.releases[notebook], sent)
        return self.built[digest, notebook]

    def filled(self, digest: str, notebook: str) -> dict[str, str]:
        """The answers that are not as they were given out. Raises Unreadable."""
        given = answers(self.releases[notebook])
        return {name: a for name, a in answers(self.rebuilt(digest, notebook)[0]).items() if a != given[name]}

    def copied(self, digest: str, notebook: str) -> list[str]:
        """The answers that are the shipped solution's to the byte, its marks included."""
        if notebook not in self.solved:
            path = self.solutions / f"{notebook}.ipynb"
            self.solved[notebook] = answers(nbformat.read(path, as_version=4)) if path.exists() else {}
        right = self.solved[notebook]
        return [name for name, answer in self.filled(digest, notebook).items() if answer == right.get(name)]
