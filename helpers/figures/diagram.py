"""The course's own drawings, with "you are here"."""

import base64
import html
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path

from helpers.figures.output import put

DIAGRAMS = Path(__file__).parents[1] / "diagrams"
SVG = "http://www.w3.org/2000/svg"
LEAST = 640  # pixels: what a drawing is scrolled at where there are fewer, as its text could not be read
HERE = {"fill": "#FFF3C4", "stroke": "#D55E00", "stroke-width": "4"}


def diagram(name: str, here: str | Sequence[str] = (), sizes: Mapping[str, int] | None = None) -> None:
    """Show one of the course's own drawings, with its description as alt text.

    Args:
        name: file name in helpers/diagrams without .svg, e.g. "course_map".
        here: id or ids of the groups to mark with "you are here", e.g. "q3".
        sizes: of the model to write on the arrows in the place of the drawing's own: image and patch (pixels a side), D,
            blocks, heads, hidden (of the feed-forward half), classes.

    Raises:
        ValueError: if there is no such drawing, or no such group in it.
    """
    path = DIAGRAMS / f"{name}.svg"
    if not path.exists():
        there = ", ".join(sorted(path.stem for path in DIAGRAMS.glob("*.svg")))
        raise ValueError(f"no diagram {name!r}; there are {there}")
    ET.register_namespace("", SVG)
    tree = ET.parse(path).getroot()
    if sizes is not None:
        _fill(tree, sizes)
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


def _fill(tree: ET.Element, sizes: Mapping[str, int]) -> None:
    """Write a model's sizes into each element that says in `data-sizes` which; a longer text is set smaller."""
    image, patch, heads = sizes["image"], sizes["patch"], sizes["heads"]
    patches, d = (image // patch) ** 2, sizes["D"] // heads
    derived = {
        "patches": patches,
        "tokens": patches + 1,
        "pixels": 3 * patch**2,
        "d": d,
        "root": f"{d**0.5:.3g}",
    }
    derived["expansion"] = f"{sizes['hidden'] / sizes['D']:g}"
    for element in tree.iter():
        if template := element.attrib.pop("data-sizes", None):
            before, element.text = element.text or "", template.format(**sizes, **derived)
            size = float(element.get("font-size", tree.get("font-size", 14)))
            element.set("font-size", f"{size * max(0.75, min(1, len(before) / len(element.text))):.3g}")
