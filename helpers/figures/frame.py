"""Pages with scripts inside an output: each in a frame of its own, with a still figure for where no script runs."""

import html
import json
import re
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TITLE = re.compile("<title>(.*?)</title>")


def page(name: str, told: Any = None, title: str = "") -> str:
    """helpers/figures/<name>.html as one file that needs nothing else, with what all pages share: frame.css, frame.js.

    Args:
        told: for the page's script, in place of "DATA".
        title: in place of the one that the file has.
    """
    text = (HERE / f"{name}.html").read_text("utf-8")
    text = text.replace("/* frame.css */", (HERE / "frame.css").read_text("utf-8"), 1)
    text = text.replace("/* frame.js */", (HERE / "frame.js").read_text("utf-8"), 1)
    if title:
        text = TITLE.sub(lambda _: f"<title>{html.escape(title)}</title>", text, count=1)
    numbers = json.dumps(told, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return text.replace('"DATA"', numbers, 1)


def framed(still: str, page: str) -> str:
    """HTML of a still figure, in whose place a page comes as soon as its scripts run (frame.js).

    On GitHub, in feedback or in a notebook that is not trusted the figure stays. In a frame, because the notebook's styles
    and keys shall not reach the page.
    """
    title = TITLE.search(page).group(1)
    inside = html.escape(page, quote=True)
    style = "display:none;width:100%;border:0"
    return f'<div>{still}<iframe title="{title}" srcdoc="{inside}" style="{style}"></iframe></div>'
