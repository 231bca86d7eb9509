"""`python -m course site`: the notebooks as a static site (Sphinx, MyST-NB), ready for GitHub Pages.

The students' site shows the releases, run as they are: every check says *not attempted*, and cells that wait for an
answer show what they will show with it. The instructors' site shows the solutions, run. Front page: the README's own
beginning.
"""

import base64
import html
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from course.authoring import badges
from course.authoring.pages import SiteError, sources
from course.base.formulas import mathml
from course.base.text import digest

TITLE = "Understand a Vision Transformer by building one"
# as helpers.figures writes them
FIGURE = re.compile(
    r'<img src="data:image/(?P<kind>png|svg\+xml);base64,(?P<content>[^"]+)"(?P<about> alt="[^"]*" style="[^"]*width:100%[^"]*")>'
)
SENTENCE = 60  # letters; a paragraph of fewer is a badge or a remark


def setup(app: Any) -> None:
    """For Sphinx: formulas as MathML, as on feedback pages, so that pages need nothing from elsewhere."""
    from docutils.nodes import SkipNode
    from sphinx.errors import SphinxError

    def shown(display: str) -> Callable:
        def visit(translator: Any, node: Any) -> None:
            try:
                formula = mathml(node.astext(), display)
            except Exception as error:  # latex2mathml has many of its own
                raise SphinxError(f"the formula {node.astext()!r} can't be shown: {error!r}") from None
            if display == "block":  # scrolls by itself where the screen is narrow
                formula = f'<div class="formula" tabindex="0">{formula}</div>'
            translator.body.append(formula)
            raise SkipNode

        return visit

    app.connect("html-page-context", describe)
    app.connect("html-page-context", figures_apart)
    app.add_html_math_renderer("mathml", (shown("inline"), None), (shown("block"), None))


def describe(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """For search engines, and for who is sent a link: a page's first sentences, and a picture. An event of Sphinx."""
    from docutils.nodes import paragraph

    texts = (p.astext() for p in doctree.findall(paragraph)) if doctree else ()
    text = next((" ".join(text.split()) for text in texts if len(text) > SENTENCE), TITLE)
    home = app.config.html_baseurl
    told = {
        "og:type": "website",
        "og:title": html.unescape(re.sub("<[^>]+>", "", context.get("title", TITLE))),
        "og:description": text,
        "og:url": f"{home}{page}.html",
        "og:image": f"{home}_static/card.png",
        "og:image:alt": "A photo of a flower beside the same photo cut into 64 patches",
    }
    tags = [f'<meta property="{key}" content="{html.escape(value)}">' for key, value in told.items()]
    tags.append(f'<meta name="description" content="{html.escape(text)}">')
    context["metatags"] = context.get("metatags", "") + "\n".join(tags)


def figures_apart(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Figures and drawings as files of their own, to which each links: on a phone one opens it large. An event of Sphinx."""
    folder = Path(app.outdir, "_static", "figures")

    def apart(found: re.Match) -> str:
        content = base64.b64decode(found["content"])
        name = f"{digest(content)[:12]}.{found['kind'].removesuffix('+xml')}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        place = context["pathto"](f"_static/figures/{name}", 1)
        return f'<a href="{place}"><img src="{place}"{found["about"]}></a>'

    if "body" in context:
        context["body"] = FIGURE.sub(apart, context["body"])


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

    owner, name = badges.slug().split("/")
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
            "home_page_in_toc": True,
        },
        # without the theme's logo, a heading outside of all landmarks
        "html_sidebars": {"**": ["search-button-field.html", "sbt-sidebar-nav.html"]},
        "html_baseurl": f"https://{owner}.github.io/{name}/",
        "html_favicon": "static/favicon.svg",
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
