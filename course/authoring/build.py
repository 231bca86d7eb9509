"""Lessons to notebooks: `lessons/*.py` -> `solutions/*.ipynb` -> `notebooks/*.ipynb`.

Everything is derived: metadata written out in full, cell ids, badges, bootstrap cell, points, and
the README's table. Building twice gives the same bytes, so `build --check` can compare.
"""

import hashlib
import json
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import jupytext
import nbformat
from nbformat.notebooknode import NotebookNode

from course.authoring import badges, numbers
from course.base.paths import ROOT, grading, shown
from course.notebook.blanks import blanks, unmarked
from course.notebook.cells import check_called, grade_id, is_test
from course.notebook.release import Release
from helpers import exercises
from helpers.files import write as write_whole

STAMPED = re.compile(r"(<!-- (notebooks|start):start[^>]*-->\n).*?(<!-- \2:end -->)", re.DOTALL)

# A student may open it: short, and nothing but the standard library. What it binds lies within `try`, and `import importlib`
# stays: what stands at the top of a copy and not in the release that grades it, is taken for the student's own code.
BOOTSTRAP = """\
# @title Setup: run this cell first {{ display-mode: "form" }}
import importlib
import importlib.util
import os
import re
import subprocess
import sys

if sys.version_info < (3, 10):
    raise SystemExit("This course needs Python 3.10 or newer; this kernel runs " + sys.version.split()[0] + ". Choose another kernel.")
try:
    needed = {needed}
    own = "On your own machine: start with `make lab` in the course folder (Windows: docs/students.md), or choose its kernel."
    if getattr(importlib.util.find_spec("helpers"), "origin", None) is None:  # Colab, Kaggle, or a notebook on its own
        archive = "{archive}"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", archive]
        done = subprocess.run(pip, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace")
        if done.returncode != 0:
            cures = {{
                "externally-managed": "This kernel is the system's own Python, in which pip may not install. " + own,
                "No module named pip": "This kernel's Python has no pip. " + own,
                "No space left|not enough space|quota exceeded|No usable temporary": "The disk is full: make room and run this cell again.",
                "HTTP error 404": "This release of the course is not there: tell your instructor. " + own,
                "(Connection|Resolution|Timeout|Proxy|SSL)Error|Connection aborted|timed out|IncompleteRead": "Check the network "
                "(Kaggle: switch Internet on in the panel on the right) and run this cell again. " + own,
                "": own,
            }}
            text = re.sub("\\x1b.[0-9;]*m", "", done.stdout).strip()  # without colours
            cure = next(cure for sign, cure in cures.items() if re.search(sign, text))
            said = re.findall("ERROR: (?!Exception:)(.+)", text) or re.findall("error: (.+)", text) or text.split("\\n")
            raise SystemExit(
                "The course's `helpers` are not installed and could not be fetched from " + archive + ".\\npip says: " + said[-1] + "\\n" + cure
            )
        importlib.invalidate_caches()
    import helpers.check
    for package in needed:
        importlib.import_module(package)
except Exception:
    found = getattr(importlib.util.find_spec("helpers"), "origin", None)
    missing = " ".join(package for package in needed if importlib.util.find_spec(package) is None)
    if found is None:
        raise SystemExit(
            "The course's `helpers` are installed, but this kernel does not see them yet: restart it and run this cell again."
        ) from None
    if not os.path.exists(os.path.join(os.path.dirname(found), "checks", "observe.py")):  # somebody else's `helpers`
        raise SystemExit(
            "`" + found.replace(os.sep + "__init__.py", "") + "` stands in the way of the course's `helpers`. Rename it "
            "(a package that was installed: `%pip uninstall helpers`), restart the kernel and run this cell again."
        ) from None
    if missing:
        raise SystemExit(
            "This kernel's Python lacks what this notebook imports: " + missing + ". " + own + " Elsewhere: run "
            "`%pip install " + missing.replace("sklearn", "scikit-learn") + "` in a new cell, then this one again."
        ) from None
    raise
"""


class BuildError(Exception):
    """A lesson that can't be built; the text names the file and what to change."""


def lessons() -> list[Path]:
    """All lessons in the order of the course: by part, then by `order=` in the first cell's line, then by name."""

    def place(lesson: Path) -> tuple[str, int, str]:
        order = re.match(r"# %% \[markdown\] order=(\d+)", lesson.read_text("utf-8"))
        return lesson.parent.name, int(order[1]) if order else 0, lesson.stem

    return sorted((ROOT / "lessons").glob("*/*.py"), key=place)


def start() -> Path:
    """The lesson to begin with: the one whose first line says `start=true`; if none does, the first of the course."""
    marked = (lesson for lesson in lessons() if re.match(r"# %%.* start=true\b", lesson.read_text("utf-8")))
    return next(marked, lessons()[0])


def solution(
    lesson: Path, points: Callable[[str], float] = lambda key: exercises.load(key).points
) -> NotebookNode:
    """The complete notebook of one lesson.

    Args:
        points: what a check gives, by its exercise's key.

    Raises BuildError: no title or purpose, not exactly one setup cell, a duplicate grade_id, a blank outside of an
    answer's cell, a question that can't be answered or graded, or a check whose exercise does not exist.
    """
    part, name = lesson.parent.name, lesson.stem
    nb = jupytext.reads(lesson.read_text("utf-8"), fmt="py:percent")
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    nb.metadata = nbformat.from_dict({"kernelspec": kernel, "language_info": {"name": "python"}})
    nb.nbformat, nb.nbformat_minor = 4, 5
    top = nb.cells[0].source.split("\n\n") if nb.cells and nb.cells[0].cell_type == "markdown" else [""]
    if not top[0].startswith("# ") or len(top) < 2 or top[1].startswith("**"):
        raise BuildError(
            f"{lesson}: the first cell must be markdown: the title, `# ...`, an empty line, and the sentence that the "
            "README's table shows."
        )
    for about in ("order", "start"):
        nb.cells[0].metadata.pop(about, None)
    # before anything is stamped: a cell keeps its id whatever becomes of addresses, tags and measured numbers
    ids = [cell.metadata.pop("id", None) or _digest(cell.source) for cell in nb.cells]
    nb.cells[0].source = f"{badges.notebook_badges(part, name)}\n\n{nb.cells[0].source}"
    _stamp_bootstrap(nb, lesson)
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            cell.source = numbers.stamp(cell.source)

    seen: set[str] = set()
    for cell, own in zip(nb.cells, ids, strict=True):
        if "nbgrader" in cell.metadata:
            cell.metadata["nbgrader"] = _full_record(cell, lesson, points)
            cell.id = cell.metadata["nbgrader"]["grade_id"]
            if cell.id in seen:
                raise BuildError(f"{lesson}: grade_id {cell.id!r} is used twice.")
        else:
            copies = (f"{own}-{n}" for n in range(1, 1000))
            cell.id = own if own not in seen else next(c for c in copies if c not in seen)
        if "# blank" in cell.source and not cell.metadata.get("nbgrader", {}).get("solution"):
            raise BuildError(f"{lesson}: `# blank` stands in a cell without nbgrader={{'solution': true}}.")
        seen.add(cell.id)
    nbformat.validate(nb)
    return nb


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _stamp_bootstrap(nb: NotebookNode, lesson: Path) -> None:
    setup = [cell for cell in nb.cells if "setup" in cell.metadata.get("tags", [])]
    if len(setup) != 1:
        raise BuildError(f'{lesson}: there must be one cell `# %% tags=["setup"]`, found {len(setup)}.')
    imported = set(re.findall(r"^(?:import|from) (\w+)", setup[0].source, re.MULTILINE))
    needed = sorted({"numpy", *imported} - {"helpers"} - sys.stdlib_module_names)
    stamped = BOOTSTRAP.format(archive=badges.archive(), needed=json.dumps(needed))
    setup[0].source = f"{stamped}\n{setup[0].source}"
    setup[0].metadata["jupyter"] = {"source_hidden": True}  # folded in JupyterLab; `@title` folds it in Colab
    setup[0].metadata["cellView"] = "form"


def _full_record(cell: NotebookNode, lesson: Path, points: Callable[[str], float]) -> dict:
    """nbgrader's metadata, schema 3, from the short form; a check's points come from its exercise."""
    short = cell.metadata["nbgrader"]
    unknown = set(short) - {"grade_id", "solution", "grade", "locked", "points", "task"}
    if unknown or "grade_id" not in short:
        raise BuildError(f"{lesson}: nbgrader={short} needs a grade_id and knows no {sorted(unknown)}.")
    grade, answer = bool(short.get("grade")), bool(short.get("solution"))
    record = {"grade": grade, "grade_id": short["grade_id"], "schema_version": 3, "solution": answer}
    record |= {"locked": bool(short.get("locked", grade and not answer)), "task": bool(short.get("task"))}
    if cell.cell_type == "markdown":  # answered in words, graded by a person
        if not (grade and answer and short.get("points", 0) > 0):
            raise BuildError(
                f'{lesson}: {short["grade_id"]} is answered in words: it needs "solution": true, "grade": true, "points": 2.'
            )
        record["points"] = short["points"]
    elif grade:
        if (key := check_called(cell.source)) not in exercises.names():
            unknown = f" There is no helpers/exercises/{key}.py." if key else ""
            raise BuildError(
                f'{lesson}: {short["grade_id"]} should be check("<key>") of a known exercise and nothing else.{unknown}'
            )
        record["points"] = points(key)
    elif answer and not blanks(cell.source):
        raise BuildError(
            f"{lesson}: no line of {short['grade_id']} ends in `# blank: ...`: nothing is asked."
        )
    return record


def written(nb: NotebookNode) -> bytes:
    """The notebook's file. That of a release is, byte for byte, what nbgrader's GenerateAssignment writes."""
    return (nbformat.writes(nb) + "\n").encode()


def prove(lesson: Path, solved: NotebookNode, released: NotebookNode) -> None:
    """See that every blank is one, and that no answer goes out.

    Raises BuildError: a part of an exercise names a blank that is not there exactly once, a blank belongs to no part,
    or a line of an answer stands in the release.
    """
    marks = {grade_id(cell): blanks(cell.source) for cell in solved.cells if cell.cell_type == "code"}
    for key in filter(None, (check_called(cell.source) for cell in solved.cells)):
        # of a dict's entry the check knows the key without its quotes
        if key not in marks:
            raise BuildError(
                f"{lesson}: no cell has the grade_id {key}, in which check({key!r}) finds its blanks."
            )
        stubs = [re.sub(r'^"(.*)": ', r"\1: ", stub) for _, stub in marks[key] if stub]
        claimed = [part.blank for part in exercises.load(key).parts if part.blank]
        for blank in claimed:
            if sum(blank in stub for stub in stubs) != 1:
                raise BuildError(
                    f"{lesson}: a part in helpers/exercises/{key}.py has the blank {blank!r}, which should stand in exactly "
                    f"one `# blank: ...` of the cell with grade_id {key}; there are: {'; '.join(stubs) or 'none'}."
                )
        if lonely := [stub for stub in stubs if not any(blank in stub for blank in claimed)]:
            raise BuildError(f"{lesson}: no part in helpers/exercises/{key}.py has the blank `{lonely[0]}`.")
    given = {line.strip() for cell in solved.cells for line in unmarked(cell.source)}
    out = {line.strip() for cell in released.cells for line in cell.source.split("\n")}
    for key, found in marks.items():
        for answer, _ in found:
            if answer in out and answer not in given:
                raise BuildError(f"{lesson}: the release shows a line of the answer to {key}: `{answer}`.")


def readme_table(solved: Mapping[Path, NotebookNode]) -> str:
    """The README's table of notebooks: what each asks, its points, where it opens; below it the course's badges."""
    rows = ["| notebook | what you build | points |", "| --- | --- | --- |"]
    for lesson, nb in solved.items():
        title, purpose = titled(nb)
        points = sum(cell.metadata.get("nbgrader", {}).get("points", 0) for cell in nb.cells)
        link = f"[{title}](notebooks/{lesson.parent.name}/{lesson.stem}.ipynb)"
        opens = badges.notebook_links(lesson.parent.name, lesson.stem)
        rows.append(f"| {link}<br>{opens} | {purpose} | {points:g} |")
    first = start()
    return (
        "\n".join([*rows, "", f"The whole course: {badges.course_badges(first.parent.name, first.stem)}"])
        + "\n"
    )


def begin(solved: Mapping[Path, NotebookNode]) -> str:
    """The top of the README: a button for the notebook to begin with, and what that is; tests and licences."""
    lesson = start()
    title, purpose = titled(solved[lesson])
    part, name = lesson.parent.name, lesson.stem
    link = f"[{title}](notebooks/{part}/{name}.ipynb)"
    return f"{badges.front_badges(part, name)}\n\n**Start here**: {link}. {purpose}\n"


def titled(nb: NotebookNode) -> tuple[str, str]:
    """A notebook's title, and the sentence under it that says what it is for."""
    title, purpose = nb.cells[0].source.split("\n\n")[1:3]
    return title.removeprefix("# "), " ".join(purpose.split())


def contents(solved: Mapping[Path, NotebookNode]) -> bytes:
    """What `helpers.progress` counts: parts, their notebooks, and the exercises in each, as JSON."""
    parts: dict[str, list] = {}
    for lesson, nb in solved.items():
        loaded = [exercises.load(key) for cell in nb.cells if (key := check_called(cell.source))]
        asked = {made.key: {"name": made.name, "points": made.points} for made in loaded}
        listed = {"notebook": lesson.stem, "title": titled(nb)[0], "exercises": asked}
        by_hand = sum(
            cell.metadata.get("nbgrader", {}).get("points", 0)
            for cell in nb.cells
            if not check_called(cell.source)
        )
        if by_hand:
            listed["by_hand"] = by_hand  # a question in words
        parts.setdefault(lesson.parent.name, []).append(listed)
    listed = [{"part": part, "notebooks": notebooks} for part, notebooks in parts.items()]
    return (json.dumps(listed, indent=1, ensure_ascii=False) + "\n").encode()


def solutions() -> dict[Path, NotebookNode]:
    """Every lesson's complete notebook, in the order of the course. Raises BuildError, also where two share a name."""
    solved = {lesson: solution(lesson) for lesson in lessons()}
    owner: dict[tuple[str, str], Path] = {}
    for lesson, nb in solved.items():
        named = [("title", nb.cells[0].source.split("\n\n")[1])]
        named += [
            (f"grade_id in {lesson.parent.name}", grade_id(cell)) for cell in nb.cells if grade_id(cell)
        ]
        for what, name in named:
            if (first := owner.setdefault((what, name), lesson)) != lesson:
                raise BuildError(f"{lesson}: {name!r} is a {what} already, of {first}.")
    return solved


def build() -> dict[Path, bytes]:
    """All generated files, path -> bytes, without writing any."""
    solved = solutions()
    files: dict[Path, bytes] = {}
    for lesson, nb in solved.items():
        path = Path(lesson.parent.name) / f"{lesson.stem}.ipynb"
        content = written(nb)
        released = Release(lesson.parent.name, lesson.stem, content).notebook
        prove(lesson, nb, released)
        files |= {ROOT / "solutions" / path: content, ROOT / "notebooks" / path: written(released)}
    files[ROOT / "helpers" / "contents.json"] = contents(solved)
    readme = ROOT / "README.md"
    if readme.exists():
        made = {"notebooks": readme_table(solved), "start": begin(solved)}
        text = numbers.stamp(readme.read_text("utf-8"))
        files[readme] = STAMPED.sub(lambda m: m[1] + made[m[2]] + m[3], text).encode()
    return files


def drift(files: dict[Path, bytes]) -> list[Path]:
    """Generated files that differ from what is on disk, are missing, or have no lesson any more."""
    there = {p for top in ("solutions", "notebooks") for p in (ROOT / top).glob("*/*.ipynb")}
    changed = {path for path, content in files.items() if not path.exists() or path.read_bytes() != content}
    return sorted(changed | (there - files.keys()))


def unbuilt(part: str) -> str:
    """A sentence about a part's lessons that were changed and not built since; "" if there are none.

    Those that are not newer than their solution are not read. What a check gives is taken from there: to ask its exercise
    would import PyTorch, and the judge does that.
    """
    changed = [lesson for lesson in lessons() if lesson.parent.name == part and not _is_built(lesson)]
    if not changed:
        return ""
    names = ", ".join(str(lesson.relative_to(ROOT)) for lesson in changed)
    return f"Changed since `make notebooks`, and of no effect until you run it again: {names}."


def _is_built(lesson: Path) -> bool:
    path = ROOT / "solutions" / lesson.parent.name / f"{lesson.stem}.ipynb"
    try:
        if lesson.stat().st_mtime <= path.stat().st_mtime:
            return True
        there = path.read_bytes()
        checks = filter(is_test, nbformat.reads(there.decode(), as_version=4).cells)
        points = {check_called(cell.source): cell.metadata.nbgrader.points for cell in checks}
        return written(solution(lesson, points.__getitem__)) == there
    except (OSError, BuildError, KeyError):  # new, or asks something new
        return False


def write(files: dict[Path, bytes]) -> list[Path]:
    """Bring the disk in line with `files`; returns what changed."""
    changed = drift(files)
    for path in changed:
        if path in files:
            if path.exists() and re.search(rb'"execution_count": \d', path.read_bytes()):
                _rescue(path)
            write_whole(path, files[path])
        else:
            _rescue(path)
            path.unlink()
    for folder in {path.parent for path in changed}:
        if folder.exists() and not any(folder.iterdir()):
            shutil.rmtree(folder)
    return changed


def _rescue(path: Path) -> None:
    """Keep what may be somebody's work (a notebook that was run, or is not ours): a copy in rescued/ of grading's folder."""
    kept = grading() / "rescued" / f"{path.stem}-{int(path.stat().st_mtime)}.ipynb"
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(path, kept)
    print(f"kept {path.relative_to(ROOT)} in {shown(kept)}")
