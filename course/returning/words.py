"""Markdown as pages show it: formulas as MathML, pictures inside, and of a student's words nothing that acts.

What a student wrote is kept as it was written. It is rendered first and cleaned then, so that "if i<n and k>m" can be read,
and HTML that means nothing is shown as it was typed. Formgrader's pages and feedback pages take this filter in place
of nbconvert's, by nbgrader_config.py.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Callable
from typing import Any

from jinja2 import pass_context
from markupsafe import Markup
from nbconvert.filters import Highlight2HTML, ansi
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from course.base import bounded
from course.base.formulas import mathml
from course.judging import sanitise
from course.notebook.cells import is_own
from helpers.figures.output import marked

SECONDS, OF_A_PAGE = 5, 20  # of processor time for one text, for all of a page; an honest one takes 0.01
HTML_TAG = re.compile(r"<(/?)([a-zA-Z][\w-]*)((?:\s[^<>]*)?)/?>")
ATTRIBUTE = re.compile(r"\s+([a-zA-Z-]+)\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'=<>`]+)|\s+/?$|\s+")
TOP = 2  # level of the heading above the notebook on a feedback page
MOST_CODES = 5_000  # of colours in an output; a traceback has 200
LONG_CODE = re.compile(r"\x1b\[[\d;:]{40}")


class Words(IPythonRenderer):
    """Headings below the page's own, formulas as MathML, no picture from elsewhere.

    Args:
        level: of the heading above this text on a page of ours; None leaves headings as they are.
        attachments: pictures of the cell, as a notebook has them.
    """

    def __init__(self, level: int | None = None, attachments: dict | None = None) -> None:
        super().__init__(escape=False, exclude_anchor_links=True, attachments=attachments or {})
        self.level = level

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        if self.level is not None:
            self.level = level = min(level + TOP, self.level + 1, 6)  # none is left out
        return super().heading(text, level, **attrs)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        if url.startswith("data:") or url.removeprefix("attachment:") in self.attachments:
            return super().image(text, url, title)
        return text or self.escape_html(url)

    def block_mermaidjs(self, code: str) -> str:
        return f"<pre><code>{self.escape_html(code)}</code></pre>"

    def inline_math(self, body: str) -> str:
        return self._math(body, "inline")

    def block_math(self, body: str) -> str:
        return self._math(body, "block")

    def latex_environment(self, name: str, body: str) -> str:
        return self._math(f"\\begin{{{name}}}{body}\\end{{{name}}}", "block")

    def _math(self, body: str, display: str) -> str:
        try:
            return mathml(body, display)
        except Exception:  # a student's formula
            return f"<code>{self.escape_html(body)}</code>"


class OwnWords(Words):
    """A student's: HTML that is not certainly meant as such is shown as it was typed. Has to be cleaned still.

    Args:
        source: the whole text.
    """

    def __init__(self, source: str, level: int | None = None, attachments: dict | None = None) -> None:
        super().__init__(level, attachments)
        self._closed = set(re.findall(r"</([a-z][\w-]*)\s*>", source.lower()))

    def image(self, text: str, url: str, title: str | None = None) -> str:
        away = url.startswith(("http://", "https://"))
        return f"{text} (a picture at {self.escape_html(url)})" if away else super().image(text, url, title)

    def inline_html(self, html: str) -> str:
        return html if self._meant(html) else self.escape_html(html)

    def block_html(self, html: str) -> str:
        return html if self._meant(html) else f"<pre>{self.escape_html(html.strip())}</pre>\n"

    def _meant(self, text: str) -> bool:
        """Tags that pages show, with attributes as HTML has them, each closed somewhere: no `i<b and c>d`."""
        for _, tag, attributes in (tags := HTML_TAG.findall(text)):
            tag = tag.lower()
            if tag not in sanitise.TAGS or not (tag in sanitise.VOID or tag in self._closed):
                return False
            if ATTRIBUTE.sub("", attributes):
                return False
        return bool(tags) and text.count("<") == len(tags)


def own(source: str, level: int | None = None, attachments: dict | None = None) -> tuple[str, int | None]:
    """A student's markdown as HTML that nothing acts in, and the level of its last heading."""
    words = OwnWords(source, level, attachments)
    return sanitise.html(MarkdownWithMath(renderer=words).render(source)), words.level


@pass_context
def markdown2html(context: Any, source: str) -> str:
    """In the place of nbconvert's filter. Only text cells of the course's own are taken as they are."""
    cell, page = context.get("cell", {}), context.get("resources", {}).get("vit", {})
    level, attachments = page.get("level"), dict(cell.get("attachments", {}))
    if cell.get("cell_type") == "markdown" and not is_own(cell):
        words = Words(level, attachments)
        made, level = MarkdownWithMath(renderer=words).render(source), words.level
    else:
        level = None if level is None else TOP  # texts of the course above it may be folded
        made, level = _within_bounds(context, own, source, level, attachments) or (_typed(source), level)
    if level is not None:
        page["level"] = level
    return made


def highlighted(source: str) -> str:
    """Code as HTML, its words marked."""
    return Highlight2HTML(pygments_lexer="ipython3")(source)


@pass_context
def highlight_code(context: Any, source: str, language: str | None = None, metadata: Any = None) -> Markup:
    """In the place of nbconvert's filter."""
    return Markup(_within_bounds(context, highlighted, source) or _typed(source))


def _within_bounds(context: Any, work: Callable, *arguments: Any) -> Any:
    """What this makes of a student's text; None if that is too much for one text, or after the others of this page."""
    page = context.get("resources", {})
    begun = page.setdefault("vit_begun", bounded.spent()) if isinstance(page, dict) else bounded.spent()
    if bounded.spent() - begun > OF_A_PAGE:
        return None
    try:
        return bounded.call(work, *arguments, seconds=SECONDS)
    except Exception:  # too much work, too deep, or what no parser expects
        return None


def _typed(source: str) -> str:
    return f'<pre tabindex="0">{html.escape(source)}</pre>'


def ansi2html(text: str) -> str:
    """In the place of nbconvert's filter, which takes ever longer where there are many codes, and raises on odd ones."""
    if text.count("\x1b") <= MOST_CODES and not LONG_CODE.search(text):
        try:
            return ansi.ansi2html(text)
        except IndexError:
            pass
    return html.escape(ansi.strip_ansi(text))


def code(text: str) -> Markup:
    """A sentence with `code` in it as HTML."""
    return Markup(marked(text))


@pass_context
def policy(context: Any, name: str) -> str:
    """A Content-Security-Policy for formgrader's page: its own files, and of scripts in the page those of template `name`.

    What stands in the page above this policy has run before it holds.
    """
    environment = context.environment
    text = environment.loader.get_source(environment, name)[0]
    scripts = re.findall(r'onclick="([^"]*)"', text)
    scripts += [
        body for body in re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL) if "{{" not in body
    ]
    allowed = " ".join(f"'sha256-{_sha256(body)}'" for body in dict.fromkeys(scripts) if body.strip())
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; connect-src 'self'; font-src 'self'; "
        f"img-src 'self' data:; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-hashes' {allowed}"
    )


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
