"""nbgrader's classes with the judge in them; `nbgrader_config.py` puts them in place.

`nbgrader autograde`, formgrader's button and `python -m course grade` all go this way:

1. `Intake` asks the judge for the record of the file that was submitted, whatever it is, and hands on the notebook in it,
   which is rebuilt from the release.
2. `Judge` stands in the place of nbgrader's Execute: the notebook gets its outputs and verdicts out of that record.
3. nbgrader's own steps save the points and write the autograded notebook; manual grades stay (`course.grading.by_hand`).
"""

import json
import os
import stat
from functools import lru_cache
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.converters.base import NbGraderException
from nbgrader.exchange.default import ExchangeList
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import rmtree
from sqlalchemy import event
from sqlalchemy.engine import Engine
from traitlets import Bool, Unicode

from course.base.paths import ROOT
from course.base.text import digest
from course.grading import task
from course.grading.by_hand import answers_before
from course.grading.task import Task
from course.judging import judge, records
from course.judging.records import Record
from course.notebook.read import LARGEST
from course.notebook.release import JudgeError, Release
from course.sandbox.bubblewrap import why_not


@event.listens_for(Engine, "do_connect")
def make_room(dialect: Any, record: Any, args: list, keywords: dict) -> None:
    """A gradebook's folder in this tree is made with the gradebook; loading nbgrader_config.py makes nothing."""
    if dialect.name == "sqlite" and args and ROOT in (folder := Path(args[0]).parent).parents:
        folder.mkdir(parents=True, exist_ok=True)


class Listing(ExchangeList):
    """What is in the exchange. nbgrader's first release makes it, and until then it is empty, not broken."""

    def ensure_root(self) -> None:
        if os.path.lexists(self.root):
            super().ensure_root()


def file_bytes(path: Path) -> bytes:
    """A submitted file; links are not followed, and of a larger file one byte too many comes, which `rebuild` refuses.

    Raises OSError if it is a link, a folder or a pipe, or can't be read.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path} is not a file")
        return file.read(LARGEST + 1)


def submitted(path: Path) -> bytes:
    """As `file_bytes`; no bytes at all for what is not a file, so that it gets a verdict too."""
    try:
        return file_bytes(path)
    except OSError:
        return b""


def release_of(converter: Any, assignment: str, notebook: str) -> Release:
    folder = converter.coursedir.format_path(converter.coursedir.source_directory, ".", assignment)
    path = Path(folder) / f"{notebook}.ipynb"
    return _release(path, path.stat().st_mtime_ns) if path.is_file() else Release.read(path)


@lru_cache(maxsize=64)
def _release(path: Path, _: int) -> Release:
    return Release.read(path)


class Intake(NotebookExporter):
    """Reads what is autograded: first the notebook in the submitted file's record; then what the first step has written."""

    def __init__(self, config: Any = None, **kw: Any) -> None:
        super().__init__(config=config, **kw)
        why = why_not()
        says = Judge(parent=self)
        if why and says.sandboxed and not says.recording:
            said = (
                f"Nothing was graded, because {why}. To let student code do all that you can do on this machine, "
                "add --Judge.sandboxed=False."
            )
            self.parent.log.error(said)  # nbgrader's command ends without a word
            raise NbGraderException(said)
        self.before = answers_before(self.parent)
        forget_unfinished(self.parent)

    def from_filename(self, filename: str, resources: Any = None, **kw: Any):
        if not self.parent._sanitizing:
            return super().from_filename(filename, resources, **kw)
        self.record = Judge(parent=self).judged(Path(filename), resources["nbgrader"])
        for repair in self.record.repairs:
            self.log.info("%s: %s", filename, repair)
        return self.from_notebook_node(nbformat.from_dict(self.record.content), resources, **kw)


class Judge(NbGraderPreprocessor):
    """In the place of nbgrader's Execute: the notebook with its outputs and verdicts."""

    sandboxed = Bool(True, help="False lets student code do all that you can do on this machine.").tag(
        config=True
    )
    recording = Bool(False, help="Take what has been judged; run nothing.").tag(config=True)
    records = Unicode("grading/records", help="Folder of the records.").tag(config=True)

    def judged(self, path: Path, at: dict[str, str]) -> Record:
        """The record of a submitted file; if there is none, or `--force` asks for another, the file is judged now."""
        converter = self.parent.parent
        release, data = release_of(converter, at["assignment"], at["notebook"]), submitted(path)
        folder = Path(converter.coursedir.root) / self.records
        if self.recording or not converter.force:
            if record := records.load(folder, judge.key_of(release, data, self.sandboxed)):
                return record  # nothing is parsed, rebuilt or run
        if self.recording:
            raise NbGraderException(f"{at['notebook']} has no record: it changed while it was graded.")
        record = task.alone(Task.of(release, data, self.sandboxed, folder))
        records.save(folder, record)
        return record

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        at, record = resources["nbgrader"], self.parent.record
        done = judge.with_verdicts(record)
        for text in record.attention:
            self.log.warning("%s, %s: %s", at["student"], at["notebook"], text)
        # cell by cell: what nbgrader has noted in the sanitised notebook stays
        noted = {cell.id: cell.metadata for cell in nb.cells}
        for cell in done.cells:
            cell.metadata = noted.get(cell.id, cell.metadata)
        nb.cells, nb.metadata["vit"] = done.cells, done.metadata["vit"]
        return nb, resources


def forget_unfinished(converter: Any) -> None:
    """Remove what nbgrader would take for graded and is not: half-written by a run that was killed, or of an older file.

    nbgrader skips every student who has a folder of autograded notebooks, complete or not.
    """
    course = converter.coursedir
    for folder, notebooks in converter.assignments.items():
        student = Path(folder).parent.name
        graded = Path(converter._format_dest(course.assignment_id, student))
        known = [Path(path) for path in notebooks if _is_known(converter, Path(path).stem)]
        open_ = [path for path in known if not finished(graded / path.name, submitted(path))]
        if open_ and graded.is_dir() and course.notebook_id == "*":
            converter.log.info("Grading again: %s", graded)
            rmtree(str(graded))
        elif graded.is_dir():
            for path in open_:
                (graded / path.name).unlink(missing_ok=True)


def _is_known(converter: Any, notebook: str) -> bool:
    try:
        return bool(release_of(converter, converter.coursedir.assignment_id, notebook))
    except JudgeError:
        return False


def finished(graded: Path, data: bytes, stamp: dict[str, str] | None = None) -> bool:
    """An autograded notebook is written when its points are saved; this one was, for these submitted bytes.

    Args:
        stamp: of the record that it should show, if that matters too.
    """
    try:
        content = json.loads(graded.read_bytes())
        found = content["metadata"]["vit"]
        return found["submission"] == digest(data) and stamp in (None, found)
    except (OSError, ValueError, KeyError, TypeError):
        return False
