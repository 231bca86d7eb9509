"""`make pictures`: the README's gallery, figures of the executed solutions as small PNGs in docs/pictures/.

Each solution is run up to the cell of its figure, offline, so the same machine draws the same picture; one that looks
as before keeps its file.
"""

import base64
import html
import io
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
import numpy as np
from nbformat import NotebookNode
from PIL import Image

from course.authoring import figures
from course.base.paths import ROOT
from helpers.files import write

FOLDER = ROOT / "docs" / "pictures"
BLOCK = re.compile(r"(<!-- pictures:start[^>]*-->\n).*?(<!-- pictures:end -->)", re.DOTALL)
WIDTH = 720  # pixels; twice what a column of the README is wide
COLOURS = 128
SAME = 2.0  # mean difference of two pictures, in steps of 0..255, that nobody sees


@dataclass(frozen=True)
class Figure:
    """A figure of the gallery."""

    notebook: str  # "<part>/<name>" in solutions/
    cell: str  # text that stands in the one cell that draws it
    title: str  # of the notebook
    caption: str  # one line under it
    shows: str  # the alt text; what the figure says by itself, its printed reading, is added


FIGURES = (
    Figure(
        "1_words_to_attention/word_embedding",
        "show.word_maps(",
        "Word embedding",
        "words start anywhere; trained on a small text, those that are used alike lie together.",
        "Two maps of the same words: scattered at random before training, in groups of related words after.",
    ),
    Figure(
        "2_build_a_vit/q1_positional_encoding",
        "dot products between positions",
        "Q1 · Positional encoding",
        "every position gets a vector of its own, and neighbours get similar ones.",
        "A heat map of 100 x 100 positions with a bright diagonal that fades evenly to both sides.",
    ),
    Figure(
        "2_build_a_vit/q2_patch_embedding",
        "show.patches(flower",
        "Q2 · Patch embedding",
        "an image becomes 64 words.",
        "A picture of an orange flower beside the same picture cut into 64 numbered patches.",
    ),
    Figure(
        "2_build_a_vit/q6_residual_block",
        "gradient size through 50 layers",
        "Q6 · Residual block",
        "why every block adds to its input: what is left of the gradient after 50 layers.",
        "Two curves of gradient size by depth: one stays level, the other falls by many powers of ten.",
    ),
    Figure(
        "4_inside_a_pretrained_vit/inside_a_pretrained_vit",
        "    row_maps,",
        "Inside a pretrained ViT",
        "what one patch of a photo attends to, head by head.",
        "A cat with one patch outlined, and beside it, head by head, how much that patch attends to all others.",
    ),
)


class PictureError(Exception):
    """A figure that can't be drawn; the text says which and why."""


def cell_of(nb: NotebookNode, figure: Figure) -> int:
    """The place of the figure's cell. Raises PictureError if its text is in no cell, or in several."""
    found = [i for i, cell in enumerate(nb.cells) if cell.cell_type == "code" and figure.cell in cell.source]
    if len(found) != 1:
        raise PictureError(
            f"{figure.cell!r} is in {len(found)} cells of {figure.notebook}: exactly one should draw."
        )
    return found[0]


def draw(figure: Figure) -> tuple[bytes, str]:
    """The PNG as the notebook shows it, and the reading that it prints under it.

    Raises PictureError if a cell fails, or no figure comes.
    """
    nb = nbformat.read(ROOT / "solutions" / f"{figure.notebook}.ipynb", as_version=4)
    nb.cells = nb.cells[: cell_of(nb, figure) + 1]
    try:
        figures.run(nb)
    except Exception as error:
        raise PictureError(f"{figure.notebook} did not run to its figure: {str(error)[-600:]}") from None
    pages = [o.data["text/html"] for o in nb.cells[-1].outputs if "text/html" in o.get("data", {})]
    pictures = re.findall('src="data:image/png;base64,([^"]+)"', "".join(pages))
    said = figures.reading(nb.cells[-1])
    if len(pictures) != 1 or not said:
        raise PictureError(
            f"{figure.notebook}: {len(pictures)} figures, reading {said!r}; one of each is needed."
        )
    return base64.b64decode(pictures[0]), said


def small(png: bytes) -> Image.Image:
    """At most WIDTH wide, with a palette."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    if picture.width > WIDTH:
        size = (WIDTH, round(picture.height * WIDTH / picture.width))
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    return picture.quantize(COLOURS, dither=Image.Dither.NONE)


def keep(picture: Image.Image, path: Path) -> bool:
    """Write the picture unless what is there looks the same; whether it was written."""
    if path.exists():
        with Image.open(path) as old:
            if old.size == picture.size:
                a, b = (np.asarray(p.convert("RGB"), float) for p in (old, picture))
                if np.abs(a - b).mean() < SAME:
                    return False
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, optimize=True)
    return True


def name(figure: Figure) -> str:
    return f"{figure.notebook.split('/')[1]}.png"


def gallery(readings: dict[Figure, str]) -> str:
    """The README's block: two figures a row, the last one on its own if they are odd in number."""
    cells = []
    for figure, reading in readings.items():
        alt = html.escape(f"{figure.shows} {reading[:1].upper()}{reading[1:]}")
        link = f'<a href="notebooks/{figure.notebook}.ipynb">{html.escape(figure.title)}</a>'
        picture = f'<img src="docs/pictures/{name(figure)}" alt="{alt}">'
        wide = ' colspan="2"' if len(cells) % 2 == 0 and figure == list(readings)[-1] else ' width="50%"'
        cells.append(f"<td{wide}>{picture}<br>\n{link}: {html.escape(figure.caption)}</td>")
    rows = ["<tr>\n" + "\n".join(cells[i : i + 2]) + "\n</tr>" for i in range(0, len(cells), 2)]
    return "<table>\n" + "\n".join(rows) + "\n</table>\n"


def make() -> list[Path]:
    """Draw all figures and stamp the README; what changed."""
    changed, readings = [], {}
    for figure in FIGURES:
        print(f"{figure.notebook} ...", flush=True)
        png, readings[figure] = draw(figure)
        if keep(small(png), FOLDER / name(figure)):
            changed.append(FOLDER / name(figure))
    readme = ROOT / "README.md"
    text = readme.read_text("utf-8")
    stamped = BLOCK.sub(lambda m: m[1] + gallery(readings) + m[2], text)
    if stamped != text:
        write(readme, stamped.encode())
        changed.append(readme)
    return changed
