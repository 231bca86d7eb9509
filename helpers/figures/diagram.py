"""The course's own drawings, with "you are here"."""

import base64
import html
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

from helpers.figures.output import put

DIAGRAMS = Path(__file__).parents[1] / "diagrams"
SVG = "http://www.w3.org/2000/svg"
LEAST = 640  # pixels: what a drawing is scrolled at where there are fewer, as its text could not be read
HERE = {"fill": "#FFF3C4", "stroke": "#D55E00", "stroke-width": "4"}


def diagram(name: str, here: str | Sequence[str] = ()) -> None:
    """Show one of the course's own drawings, with its description as alt text.

    Args:
        name: file name in helpers/diagrams without .svg, e.g. "course_map".
        here: id or ids of the groups to mark with "you are here", e.g. "q3".

    Raises:
        ValueError: if there is no such drawing, or no such group in it.
    """
    path = DIAGRAMS / f"{name}.svg"
    if not path.exists():
        there = ", ".join(sorted(path.stem for path in DIAGRAMS.glob("*.svg")))
        raise ValueError(f"no diagram {name!r}; there are {there}")
    ET.register_namespace("", SVG)
    tree = ET.parse(path).getroot()
    alt = " ".join((tree.findtext(f"{{{SVG}}}desc") or "").split())
    marked = [here] if isinstance(here, str) else list(here)
    for group_id in marked:
        group = next((g for g in tree.iter(f"{{{SVG}}}g") if g.get("id") == group_id), None)
        if group is None:
            raise ValueError(f"diagram {name!r} has no group {group_id!r}")
        next(r for r in group.iter(f"{{{SVG}}}rect") if r.get("class") == "box").attrib.update(HERE)
        place = {"x": group.get("data-note-x", "0"), "y": group.get("data-note-y", "0")}
        font = {"text-anchor": "middle", "font-family": tree.get("font-family", "sans-serif")}
        font |= {"font-size": "15", "font-weight": "bold", "fill": "#B34700"}
        # last: nothing covers it
        note = ET.SubElement(tree, f"{{{SVG}}}text", {**place, **font})
        note.text = "you are here"
    if marked:
        alt += f" You are here: {', '.join(marked).upper()}."
    source = base64.b64encode(ET.tostring(tree)).decode()
    style = f"width:100%;min-width:{LEAST}px;max-width:1000px"
    tag = (
        f'<img src="data:image/svg+xml;base64,{source}" alt="{html.escape(alt, quote=True)}" style="{style}">'
    )
    put(alt, f'<figure style="margin:0;overflow-x:auto" tabindex="0">{tag}</figure>', alt)
