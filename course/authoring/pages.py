"""What Sphinx reads to make the site: the notebooks with their outputs, the front page, the students' page, the cheat sheet."""

import html
import re
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Collection, Sequence
from pathlib import Path
from posixpath import dirname, normpath, relpath

import nbformat
from nbclient.exceptions import CellExecutionError
from nbformat.notebooknode import NotebookNode

from course.authoring import badges, figures
from course.authoring.build import readme_table, written
from course.authoring.build import solutions as build_solutions
from course.base.paths import ROOT
from course.notebook.blanks import blanks
from course.notebook.release import Release
from helpers.check import WAITS
from helpers.figures.diagram import DIAGRAMS
from helpers.progress import part_name

CARD = "docs/pictures/q2_patch_embedding.png"  # what a link to the site looks like elsewhere
TELLING = 4  # letters of an answer; fewer, like `b`, stand everywhere
LENT = "<p><em>With the blanks above filled in, this cell shows:</em></p>"
# README's drawing in motion, and the one that stands still for who wants no motion
HERO = re.compile("<picture>.*</picture>")
# files of the repository that are pages of the site, by another name
PAGES = {
    "README.md": "index.md",
    "docs/students.md": "docs/students.md",
    "helpers/diagrams/cheat_sheet.svg": "cheat_sheet.md",
}
CHEAT_SHEET = """\
# Cheat sheet

The whole Vision Transformer on one page. <a href="_images/cheat_sheet.svg">Open it alone</a> to enlarge it, or to print it (A4).

```{{image}} helpers/diagrams/cheat_sheet.svg
:alt: {alt}
:target: _images/cheat_sheet.svg
:width: 100%
```
"""


class SiteError(Exception):
    """A page that can't be made; the text names it and says why."""


def sources(folder: Path, solutions: bool, names: Sequence[str], run: bool) -> None:
    """Fill `folder` with what Sphinx reads.

    Args:
        solutions, names, run: of `site.build`.

    Raises:
        SiteError: a name that is no notebook, or a notebook that does not run.
    """
    toctrees: dict[str, list[str]] = {}
    solved = build_solutions()
    chosen = {lesson: nb for lesson, nb in solved.items() if not names or lesson.stem in names}
    if unknown := set(names) - {lesson.stem for lesson in chosen}:
        there = ", ".join(lesson.stem for lesson in solved)
        raise SiteError(f"No notebook {', '.join(sorted(unknown))}; there are {there}.")
    pages = {*PAGES.values(), *(f"notebooks/{lesson.parent.name}/{lesson.stem}.ipynb" for lesson in chosen)}
    for lesson, nb in chosen.items():
        part, name = lesson.parent.name, lesson.stem
        shown = nb if solutions else Release(part, name, written(nb)).notebook
        if run:
            print(f"running {name} ...", flush=True)
            execute(shown, name)
            if any(map(waits, shown.cells)):
                execute(nb, name)
                lend(shown, nb)
        target = f"notebooks/{part}/{name}"
        for cell in shown.cells:
            if cell.cell_type == "markdown":
                cell.source = linked(cell.source, f"{target}.ipynb", pages)
            if "setup" in cell.metadata.get("tags", []):
                cell.metadata["tags"] = ["setup", "hide-input"]
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(shown, folder / f"{target}.ipynb")
        toctrees.setdefault(part, []).append(target)
    front = (ROOT / "README.md").read_text("utf-8").split("\n## ")[0]
    if solutions:
        front = front.replace("\n\n", "\n\n:::{warning}\nWith solutions: for instructors only.\n:::\n\n", 1)
    front = linked(f"{front}\n\n## The notebooks\n\n{readme_table(chosen)}", "README.md", pages)
    for part, listed in [("", ["docs/students", "cheat_sheet"]), *toctrees.items()]:
        caption = f":caption: {part_name(part)}\n" if part else ""
        front += f"\n```{{toctree}}\n:hidden:\n{caption}\n" + "\n".join(listed) + "\n```\n"
    shutil.copytree(Path(__file__).with_name("site_files"), folder / "static")
    (folder / "index.md").write_text(
        HERO.sub(lambda found: hero(found[0], folder / "static"), front), "utf-8"
    )
    shutil.copytree(DIAGRAMS, folder / "helpers" / "diagrams")
    about = " ".join((ET.parse(DIAGRAMS / "cheat_sheet.svg").findtext("{*}desc") or "").split())
    (folder / "cheat_sheet.md").write_text(CHEAT_SHEET.format(alt=about), "utf-8")
    students = (ROOT / "docs" / "students.md").read_text("utf-8")
    (folder / "docs").mkdir()
    (folder / "docs" / "students.md").write_text(linked(students, "docs/students.md", pages), "utf-8")
    shutil.copy(ROOT / CARD, folder / "static" / "card.png")


def hero(picture: str, static: Path) -> str:
    """README's `<picture>` for the site, its drawings among the static files: Sphinx takes along what an `<img>` names alone."""
    for name in re.findall(r"helpers/diagrams/(\w+\.svg)", picture):
        shutil.copy(DIAGRAMS / name, static)
    picture = picture.replace("helpers/diagrams/", "_static/")
    large = re.search('<img src="([^"]+)"', picture)[1]
    return f'```{{raw}} html\n<a href="{large}">{picture}</a>\n```'


def execute(nb: NotebookNode, name: str) -> None:
    """Run a notebook in a folder of its own, without a network.

    Raises SiteError: a cell raised.
    """
    try:
        figures.run(nb)
    except CellExecutionError as error:
        raise SiteError(f"{name} does not run: {error}") from None


def waits(cell: NotebookNode) -> bool:
    """Whether a cell that ran only said for which answer it waits."""
    shown = (output.get("data", {}).get("text/plain", "") for output in cell.get("outputs", []))
    return any(WAITS in text for text in shown)


def lend(given: NotebookNode, solved: NotebookNode) -> None:
    """Let cells of the release that wait for an answer show what they show in the solution, unless that tells an answer."""
    outputs = {cell.id: cell.get("outputs", []) for cell in solved.cells}
    values = {_value(line) for cell in solved.cells for line, _ in blanks(cell.source)}
    answers = [value for value in values if len(value) >= TELLING]
    for cell in filter(waits, given.cells):
        texts = [str(text) for output in outputs[cell.id] for text in output.get("data", output).values()]
        if not any(answer in _squeezed(html.unescape(text)) for answer in answers for text in texts):
            note = nbformat.v4.new_output("display_data", {"text/html": LENT, "text/plain": ""})
            cell.outputs = [note, *outputs[cell.id]]


def _value(line: str) -> str:
    """What an answer's line puts to the right of `=`, of a key or of `return`; `(960, 40, 3)` is one, too."""
    return _squeezed(re.split(r"(?<![=<>!])=(?!=)|: |^return ", line, maxsplit=1)[-1]).rstrip(",")


def _squeezed(text: str) -> str:
    return re.sub(r"[\s'\"]+", "", text)


def linked(text: str, file: str, pages: Collection[str]) -> str:
    """Markdown of `file` with its links made to fit the site: to its pages, or to the repository.

    Args:
        file: place in the repository, e.g. "docs/students.md".
        pages: that the site has, by the place of their source.
    """

    def lead(found: re.Match) -> str:
        path, mark, anchor = found[1].partition("#")
        target = normpath(f"{dirname(file) or '.'}/{path}")
        page = PAGES.get(target, target)
        if page in pages:
            return f"]({relpath(page, dirname(PAGES.get(file, file)) or '.')}{mark}{anchor})"
        return f"]({badges.repository()}/blob/{badges.tag()}/{target}{mark}{anchor})"

    return re.sub(r"\]\((?!https?:|#)([^)\s]+)\)", lead, text)
