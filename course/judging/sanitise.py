"""What a student's code displays, as it may stand in a page: nothing in it runs, loads or looks like ours.

Outputs are cleaned once, when all cells have run, in a process with limits: no parser of HTML is linear. So autograded notebooks, formgrader and feedback pages
need no cleaning of their own (nbconvert's `sanitize_html` would take the course's diagrams away).
"""

import html as entities
import re
from collections.abc import Iterable
from typing import Any

import bleach
from bleach.css_sanitizer import ALLOWED_CSS_PROPERTIES, CSSSanitizer
from nbformat import NotebookNode
from nbformat.v4 import new_output

from course.base import bounded

TAGS = bleach.ALLOWED_TAGS | set(
    "br caption div figcaption figure h1 h2 h3 h4 hr img p pre s small span sub sup table tbody td tfoot th thead tr u".split()
)
STYLES = CSSSanitizer(allowed_css_properties={*ALLOWED_CSS_PROPERTIES, "max-width", "padding", "border-left"})
PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|svg\+xml)[;,][\w;=,+/%.:\s()-]*")
SECONDS = 5  # of processor time for all HTML of a notebook; 200 kB of honest tables take 0.3
BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")


def _allowed(tag: str, name: str, value: str) -> bool:
    if tag == "img":
        if name == "src":
            return bool(PICTURE.fullmatch(value))  # a picture in the page itself; an <img> runs no script
        return name in ("alt", "width", "height", "style", "title")
    return name in ("title", "style", "colspan", "rowspan") or (
        tag == "a" and name == "href" and value.startswith(("http://", "https://", "#"))
    )


def html(text: str) -> str:
    """HTML without scripts, forms, frames, or anything from elsewhere."""
    protocols = {*bleach.ALLOWED_PROTOCOLS, "data"}
    return bleach.clean(
        text, tags=TAGS, attributes=_allowed, protocols=protocols, css_sanitizer=STYLES, strip=True
    )


def each(texts: list[str]) -> list[str]:
    return [html(text) for text in texts]


def within_limits(texts: list[str]) -> list[str] | None:
    """Each of a student's texts as `html` gives it; None if all together are more work than they are worth."""
    try:
        return bounded.call(each, texts, seconds=SECONDS) if texts else []
    except Exception:  # too much, or what no parser of HTML expects
        return None


def markdown(texts: list[str]) -> list[str]:
    """A student's words: HTML in them is cleaned, or shown as it was typed where it is too much to clean."""
    cleaned = within_limits(texts)
    return [entities.escape(text, quote=False) for text in texts] if cleaned is None else cleaned


def displayed(outputs: Iterable[NotebookNode]) -> None:
    """Clean the HTML among the outputs of a notebook, in place."""
    shown = [output.data for output in outputs if "text/html" in output.get("data", {})]
    cleaned = within_limits([data["text/html"] for data in shown])
    for number, data in enumerate(shown):
        if cleaned is not None:
            data["text/html"] = cleaned[number]
        else:
            del data["text/html"]
            data["text/plain"] = (
                f"{data.get('text/plain', '')}\n[HTML that takes too long to clean is left out]".strip()
            )


# MIME types that are kept, and what is kept of each.
KEPT = {
    "text/plain": lambda text: text,
    "text/html": lambda text: text,  # `displayed` cleans it
    "image/png": lambda text: text if BASE64.fullmatch(text) else "",
    "image/jpeg": lambda text: text if BASE64.fullmatch(text) else "",
}


def plain(value: Any) -> str:
    """Text that can be written to a file: half characters (lone surrogates) are replaced."""
    return str(value).encode("utf-8", "replace").decode()


def output(made: NotebookNode) -> NotebookNode:
    """An output with nothing in it but plain text, pictures, and HTML that has still to be cleaned (`displayed`).

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
    reading = made.metadata.get("vit", {}).get("reading")  # a figure's alt text
    metadata = {"vit": {"reading": plain(reading)}} if isinstance(reading, str) else {}
    # always a display: nbgrader must never find a result, and so a score, in a student's output
    return new_output("display_data", data=data, metadata=metadata)
