"""What a student's code displays, as it may stand in a page: nothing in it runs, loads or looks like ours.

HTML is cleaned once, when all cells have run; markdown and formulas are kept as they were displayed, and cleaned by the pages
that render them (`course.returning.words`). All of that happens in a process with limits: no parser of HTML is linear.
"""

import base64
import html as entities
import re
from collections.abc import Iterable
from typing import Any

import nh3
from nbformat import NotebookNode
from nbformat.v4 import new_output
from pygments.token import STANDARD_TYPES

from course.base import bounded

TEXT = set(
    "a abbr b bdi blockquote br caption cite code dd del details div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins "
    "kbd li mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot th thead tr u ul var wbr".split()
)
FORMULA = set(  # presentation MathML; nothing in it that holds HTML (annotation-xml) or acts (maction)
    "math menclose merror mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms mspace msqrt mstyle "
    "msub msubsup msup mtable mtd mtext mtr munder munderover".split()
)
TAGS = TEXT | FORMULA
ATTRIBUTES = {
    "*": {"title", "style", "dir", "lang"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    **{cell: {"colspan", "rowspan", "scope"} for cell in ("td", "th")},
    "ol": {"start"},
    **{
        tag: set(
            "accent accentunder columnalign columnspacing columnspan depth display displaystyle fence form height largeop "
            "linethickness lspace mathvariant maxsize minsize movablelimits notation rowspacing rowspan rspace scriptlevel "
            "separator stretchy symmetric width".split()
        )
        for tag in FORMULA
    },
}
# None of these moves what it is set on, or names a file.
STYLES = set(
    "background-color border border-bottom border-collapse border-color border-left border-right border-spacing border-style "
    "border-top border-width color display flex-wrap font-family font-size font-style font-variant font-variant-numeric "
    "font-weight gap height line-height margin margin-bottom margin-left margin-right margin-top max-height max-width min-width overflow overflow-wrap overflow-x padding "
    "padding-bottom padding-left padding-right padding-top text-align text-decoration text-indent text-transform "
    "vertical-align white-space width".split()
)
# No function but these, so no url(); no name written in escapes; nothing below zero.
DECLARATION = re.compile(r"\s*[\w-]+\s*:(?:[^()\\-]|-(?!\s*[\d.])|\b(?:rgb|hsl)a?\([\d\s.,%/]+\))*")
CLASSES = {
    "div": {"highlight"},
    "span": set(STANDARD_TYPES.values()) - {""},
}  # the colours of code, which only colour
PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|svg\+xml)[;,][\w;=,+/%.:\s()-]*")
DRAWN = re.compile(r"<svg\b|</svg\s*>", re.IGNORECASE)
TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)", re.IGNORECASE)
VOID = {"br", "hr", "img", "wbr"}
DEEPEST = 200  # tags inside of each other; browsers give up at 512
SECONDS = 5  # of processor time for all HTML of a notebook; 200 kB of honest tables take 0.02
BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")


class TooDeep(ValueError):
    """HTML nested deeper than any page is."""


def _allowed(tag: str, name: str, value: str) -> str | None:
    if name == "src":
        return value if PICTURE.fullmatch(value) else None  # in the page itself; an <img> runs no script
    if name == "href":
        return value if value.lower().startswith(("http://", "https://", "mailto:")) else None
    if name == "style":
        return ";".join(filter(DECLARATION.fullmatch, value.split(";"))) or None
    return value


CLEANER = nh3.Cleaner(
    tags=TAGS,
    clean_content_tags={"script", "style", "template", "noscript", "iframe", "svg"},
    attributes=ATTRIBUTES,
    attribute_filter=_allowed,
    url_schemes={"http", "https", "mailto", "data"},
    allowed_classes=CLASSES,
    filter_style_properties=STYLES,
    set_tag_attribute_values={
        "a": {"target": "_blank"},
        "pre": {"tabindex": "0"},
    },  # a wide one is scrolled by keys
)


def html(text: str) -> str:
    """HTML without scripts, forms, frames, names (class, id), or anything from elsewhere. A drawing becomes a picture.

    Raises TooDeep.
    """
    clean = CLEANER.clean(_drawn(text))
    depth = 0
    for closing, tag in TAG.findall(clean):
        depth += 0 if tag in VOID else -1 if closing else 1
        if depth > DEEPEST:
            raise TooDeep(f"tags nested deeper than {DEEPEST}")
    return clean


def _drawn(text: str) -> str:
    """Its outermost drawings as pictures; what is not closed is left to the cleaner."""
    made, end, opened = [], 0, []
    for mark in DRAWN.finditer(text):
        if mark[0][1] != "/":
            opened.append(mark.start())
        elif opened:
            start = opened.pop()
            if not opened:
                made += [text[end:start], drawing(text[start : mark.end()])]
                end = mark.end()
    return "".join([*made, text[end:]])


def drawing(svg: str) -> str:
    """SVG as an <img>: there it runs nothing, loads nothing and has no style but its own."""
    if "xmlns=" not in svg[: svg.find(">") + 1]:
        svg = re.sub(r"<svg\b", '<svg xmlns="http://www.w3.org/2000/svg"', svg, count=1, flags=re.IGNORECASE)
    named = re.search(r"<title\b[^<>]*>([^<]*)</title", svg)
    alt = (
        entities.escape(entities.unescape(named[1]).strip() if named else "")
        or "A drawing without a description"
    )
    return f'<img src="data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}" alt="{alt}">'


def each(texts: list[str]) -> list[str | None]:
    """Each as `html` gives it, None for what is nested too deep."""
    return [_or_none(text) for text in texts]


def _or_none(text: str) -> str | None:
    try:
        return html(text)
    except TooDeep:
        return None


def displayed(outputs: Iterable[NotebookNode]) -> None:
    """Clean the HTML among the outputs of a notebook, in place."""
    shown = [output.data for output in outputs if "text/html" in output.get("data", {})]
    try:
        cleaned = bounded.call(each, [data["text/html"] for data in shown], seconds=SECONDS) if shown else []
    except Exception:  # all together are more work than they are worth, or what no parser of HTML expects
        cleaned = [None] * len(shown)
    for data, clean in zip(shown, cleaned, strict=True):
        if clean is not None:
            data["text/html"] = clean
        else:
            del data["text/html"]
            data["text/plain"] = f"{data.get('text/plain', '')}\n{LEFT_OUT}".strip()


LEFT_OUT = "[HTML that takes too long to clean is left out]"
# MIME types that are kept, and what is kept of each.
KEPT = {
    "text/plain": lambda text: text,
    "text/html": lambda text: text,  # `displayed` cleans it
    "text/markdown": lambda text: text,  # and these who renders them
    "text/latex": lambda text: text,
    "image/png": lambda text: text if BASE64.fullmatch(text) else "",
    "image/jpeg": lambda text: text if BASE64.fullmatch(text) else "",
}


def plain(value: Any) -> str:
    """Text that can be written to a file: half characters (lone surrogates) are replaced."""
    return str(value).encode("utf-8", "replace").decode()


def output(made: NotebookNode) -> NotebookNode:
    """An output with nothing in it but texts and pictures; its HTML has still to be cleaned (`displayed`).

    Raises AttributeError, TypeError if it is no output.
    """
    if made.output_type == "stream":
        name = "stderr" if made.name == "stderr" else "stdout"
        return new_output("stream", name=name, text=plain(made.text))
    if made.output_type == "error":
        lines = [plain(line) for line in made.traceback]
        return new_output("error", ename=plain(made.ename), evalue=plain(made.evalue), traceback=lines)
    data = {
        mime: text
        for mime, clean in KEPT.items()
        if isinstance(made.data.get(mime), str) and (text := clean(plain(made.data[mime])))
    }
    svg = made.data.get("image/svg+xml")
    if isinstance(svg, str) and not data.keys() & {"text/html", "image/png", "image/jpeg"}:
        data["text/html"] = drawing(plain(svg))
    # always a display: nbgrader must never find a result, and so a score, in a student's output
    return new_output("display_data", data=data)
