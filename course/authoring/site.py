"""`python -m course site`: the notebooks as a static site (Sphinx, MyST-NB), ready for GitHub Pages.

The students' site shows the releases, run as they are: figures of the given cells, and every check says *not
attempted*. The instructors' site shows the solutions, run. Front page: the README's own beginning.
"""

import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nbformat
from latex2mathml.converter import convert as mathml
from nbformat.notebooknode import NotebookNode

from course.authoring import badges, figures
from course.authoring.build import readme_table, written
from course.authoring.build import solutions as build_solutions
from course.base.paths import ROOT
from course.notebook.release import Release
from helpers.progress import part_name

TITLE = "Understand a Vision Transformer by building one"
DIAGRAM = "helpers/diagrams/vit_pipeline.svg"
# lines of 110 characters, as long as the formatter allows, should not need scrolling on a usual screen; what a cell
# prints is often a sentence; in dark mode the theme puts what a cell shows on a light ground, but not the code in it
STYLE = """\
.bd-main .bd-content .bd-article-container { max-width: 72em }
.bd-article pre { font-size: 0.78em }
.bd-article .cell_output pre { white-space: pre-wrap }
.bd-article .cell_output .text_html code { color: inherit; background: none }
.bd-article math[display="block"] { margin: 1em auto }
"""


class SiteError(Exception):
    """A page that can't be made; the text names it and says why."""


def execute(nb: NotebookNode, name: str) -> None:
    """Run a notebook in a folder of its own, without a network.

    Raises SiteError: a cell raised.
    """
    from nbclient.exceptions import CellExecutionError

    try:
        figures.run(nb)
    except CellExecutionError as error:
        raise SiteError(f"{name} does not run: {error}") from None


def sources(folder: Path, solutions: bool, names: Sequence[str], run: bool) -> None:
    """Fill `folder` with what Sphinx reads: notebooks, the front page, the students' page."""
    toctrees: dict[str, list[str]] = {}
    solved = build_solutions()
    chosen = {lesson: nb for lesson, nb in solved.items() if not names or lesson.stem in names}
    if unknown := set(names) - {lesson.stem for lesson in chosen}:
        there = ", ".join(lesson.stem for lesson in solved)
        raise SiteError(f"No notebook {', '.join(sorted(unknown))}; there are {there}.")
    for lesson, nb in chosen.items():
        part, name = lesson.parent.name, lesson.stem
        if not solutions:
            nb = Release(part, name, written(nb)).notebook
        if run:
            print(f"running {name} ...", flush=True)
            execute(nb, name)
        for cell in nb.cells:
            if "setup" in cell.metadata.get("tags", []):
                cell.metadata["tags"] = ["setup", "hide-input"]
        target = folder / "notebooks" / part / f"{name}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(nb, target)
        toctrees.setdefault(part, []).append(f"notebooks/{part}/{name}")
    front = (ROOT / "README.md").read_text("utf-8").split("\n## ")[0] + "\n\n"
    if not names:
        front += f"## The notebooks\n\n{readme_table(solved)}"
    for part, pages in [("", ["docs/students"]), *toctrees.items()]:
        caption = f":caption: {part_name(part)}\n" if part else ""
        front += f"\n```{{toctree}}\n:hidden:\n{caption}\n" + "\n".join(pages) + "\n```\n"
    if solutions:
        front = front.replace("\n\n", "\n\n:::{warning}\nWith solutions: for instructors only.\n:::\n\n", 1)
    (folder / "index.md").write_text(front, "utf-8")
    for place in (DIAGRAM, "docs/students.md", "static/course.css"):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / DIAGRAM, folder / DIAGRAM)
    (folder / "static" / "course.css").write_text(STYLE)
    students = (ROOT / "docs" / "students.md").read_text("utf-8")
    (folder / "docs" / "students.md").write_text(absolute(students), "utf-8")


def absolute(text: str) -> str:
    """Links of docs/*.md to files that are no pages of the site, made to lead to the repository."""
    blob = f"{badges.repository()}/blob/{badges.tag()}"
    text = re.sub(r"\]\(\.\./(?!notebooks/)([^)]+)\)", rf"]({blob}/\1)", text)
    return re.sub(r"\]\((?!students\.md|https?:|\.\./|#)([^)]+)\)", rf"]({blob}/docs/\1)", text)


def setup(app: Any) -> None:
    """For Sphinx: formulas as MathML, as on feedback pages, so that pages need nothing from elsewhere."""
    from docutils.nodes import SkipNode
    from sphinx.errors import SphinxError

    def shown(display: str) -> Callable:
        def visit(translator: Any, node: Any) -> None:
            try:
                translator.body.append(mathml(node.astext().strip(), display=display))
            except Exception as error:  # latex2mathml has many of its own
                raise SphinxError(f"the formula {node.astext()!r} can't be shown: {error!r}") from None
            raise SkipNode

        return visit

    app.add_html_math_renderer("mathml", (shown("inline"), None), (shown("block"), None))


def build(out: Path, solutions: bool = False, names: Sequence[str] = (), run: bool = True) -> None:
    """Write the site into `out`, which is emptied first.

    Args:
        out: folder, e.g. site/; its index.html opens in a browser from the disk, too.
        solutions: the instructors' site.
        names: only these notebooks, e.g. ["q1_positional_encoding"].
        run: execute the notebooks; without, they show no outputs.

    Raises:
        SiteError: a notebook that does not run, or anything that Sphinx warns of.
    """
    from sphinx.application import Sphinx
    from sphinx.errors import SphinxError

    settings = {
        "project": TITLE,
        "html_title": TITLE + (" (with solutions)" if solutions else ""),
        "author": "The vit-course authors",
        "project_copyright": "The vit-course authors; text CC BY 4.0, code MIT",
        "language": "en",
        "extensions": ["myst_nb", "sphinx.ext.githubpages", __name__],  # the second writes .nojekyll
        "html_math_renderer": "mathml",
        "nb_execution_mode": "off",
        "myst_enable_extensions": ["dollarmath", "amsmath", "html_image", "colon_fence"],
        "myst_heading_anchors": 3,
        "nitpicky": True,
        "html_theme": "sphinx_book_theme",
        "html_theme_options": {
            "repository_url": badges.repository(),
            "use_repository_button": True,
            "show_navbar_depth": 2,
            "navbar_persistent": [],  # the search stands in the side bar
        },
        "html_static_path": ["static"],
        "html_css_files": ["course.css"],
    }
    with tempfile.TemporaryDirectory() as folder:
        sources(Path(folder), solutions, names, run)
        shutil.rmtree(out, ignore_errors=True)
        try:
            how = {"confoverrides": settings, "status": None, "warningiserror": True}
            app = Sphinx(folder, None, str(out), str(Path(folder) / ".doctrees"), "html", **how)
            app.build(force_all=True)
        except SphinxError as error:
            raise SiteError(f"Sphinx: {error}") from None
        if app.statuscode:
            raise SiteError("Sphinx warned of something; the lines above say where.")
