"""The figures and diagrams of the notebooks.

Every function takes `says`, the one statement that the picture makes, and prints it underneath, so
that the picture can be read without being seen. Matplotlib is imported when the first figure is drawn.
"""

import base64
import html
import sys
import textwrap
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

DIAGRAMS = Path(__file__).parent / "diagrams"
SVG = "http://www.w3.org/2000/svg"
HERE = {"fill": "#FFF3C4", "stroke": "#D55E00", "stroke-width": "4"}


def diagram(name: str, here: str | Sequence[str] = ()) -> None:
    """Show one of the course's own drawings, with its description as alt text.

    Args:
        name: file name in helpers/diagrams without .svg, e.g. "course_map".
        here: id or ids of the groups to mark with "you are here", e.g. "q3".

    Raises:
        ValueError: if there is no such drawing, or no such group in it.
    """
    from IPython.display import HTML, display

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
    tag = f'<img src="data:image/svg+xml;base64,{source}" alt="{html.escape(alt, quote=True)}" style="max-width:100%">'
    display(HTML(tag), metadata={"alt": alt})


def says(text: str) -> None:
    """The one-line reading of the figure above it, wrapped at words (notebooks would cut words in two).

    Pages that show the figure elsewhere find it in the output's metadata and make it the alt text.
    """
    wrapped = textwrap.fill(f"What to see: {text}", 96)
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        ipython.display.display({"text/plain": wrapped}, raw=True, metadata={"vit": {"reading": text}})
    else:
        print(wrapped)


def heatmap(
    matrix: Any,
    says: str,
    *,
    title: str = "",
    xlabel: str = "",
    ylabel: str = "",
    cmap: str = "viridis",
    vmin: float | None = None,
    vmax: float | None = None,
    ax: Any = None,
) -> None:
    """A matrix as a picture with a colour bar.

    Args:
        matrix: (rows, columns) array or tensor.
        says: the one-line reading, printed under the figure.
        ax: draw into these axes instead, and leave showing and `says` to the caller.
    """
    import matplotlib.pyplot as plt

    own = ax is None
    if own:
        _, ax = plt.subplots(figsize=(8, 4), layout="constrained")
    colours = {"cmap": cmap, "vmin": vmin, "vmax": vmax}
    picture = ax.imshow(_array(matrix), aspect="auto", interpolation="nearest", **colours)
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel)
    ax.figure.colorbar(picture, ax=ax)
    if own:
        _finish(says)


def curves(
    series: Mapping[str, Any],
    says: str,
    *,
    x: Any = None,
    title: str = "",
    xlabel: str = "",
    ylabel: str = "",
) -> None:
    """Lines in one axes, each with its own dash pattern so that colour is not needed.

    Args:
        series: label -> values, each (n,).
        x: (n,) positions on the x axis; 0, 1, 2, ... if left out.
    """
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(8, 3.5), layout="constrained")
    colours = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#000000"]
    for i, (label, values) in enumerate(series.items()):
        values = _array(values)
        places = np.arange(len(values)) if x is None else _array(x)
        ax.plot(places, values, label=label, color=colours[i % 6], linestyle=["-", "--", "-.", ":"][i % 4])
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel)
    ax.grid(alpha=0.3)
    figure.legend(loc="outside right upper")  # never over the lines
    _finish(says)


def word_map(places: Any, groups: Mapping[str, Sequence[str]], title: str, ax: Any) -> None:
    """Words on a plane, each group with a colour and a marker of its own, into axes of about 5 x 5 inches.

    Showing the figure, its legend and its reading are left to the caller.

    Args:
        places: (n, 2), one row a word, in the order of the groups.
        groups: label -> words.
    """
    colours = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000"]
    places = _array(places).astype(float)
    low, size = places.min(axis=0), np.ptp(places, axis=0)
    places = 0.13 + 0.74 * (places - low) / np.where(size > 0, size, 1)  # room for labels at the sides
    start = 0
    for i, (label, words) in enumerate(groups.items()):
        x, y = places[start : start + len(words)].T
        ax.scatter(x, y, color=colours[i % 7], marker="osD^vP*"[i % 7], s=35, label=label)
        start += len(words)
    words = [word for group in groups.values() for word in group]
    taken = [(x - 0.012, x + 0.012, y) for x, y in places]
    for i in np.argsort(-places[:, 1]):
        width = 0.018 * len(words[i])
        # a label stands beside its point, or in the nearest free line above or below
        for line, side in ((n, side) for n in sorted(range(-20, 21), key=abs) for side in ("left", "right")):
            x, y = places[i] + (0.022 if side == "left" else -0.022, 0.032 * line)
            left = x if side == "left" else x - width
            if all(left + width < a or b < left or abs(y - c) > 0.03 for a, b, c in taken):
                break
        taken.append((left, left + width, y))
        leader = {"arrowstyle": "-", "color": "#999999", "linewidth": 0.6, "shrinkA": 0, "shrinkB": 2}
        ax.annotate(words[i], places[i], (x, y), fontsize=8, ha=side, va="center", arrowprops=leader)
    ax.set(title=title, xticks=[], yticks=[], xlim=(0, 1), ylim=(0, 1))


def images(pictures: Any, says: str, *, titles: Sequence[str] = (), columns: int = 10) -> None:
    """Pictures in a grid.

    Args:
        pictures: (n, 3, H, W) or (n, 1, H, W) tensor or array, uint8 or floats in 0..1.
        titles: one for each picture.
    """
    import matplotlib.pyplot as plt

    pictures = _array(pictures)
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    size = (1.1 * columns, 1.35 * rows)
    _, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for i, (ax, picture) in enumerate(zip(axes.flat, pictures, strict=False)):
        _draw(ax, picture)
        if i < len(titles):
            ax.set_title(titles[i], fontsize=9)
    _finish(says)


def patches(picture: Any, patch_size: int, says: str) -> None:
    """A picture beside the grid of its patches, numbered row by row where there is room.

    Args:
        picture: (channels, H, W), uint8 or floats in 0..1; H and W multiples of `patch_size`.
        patch_size: side of a patch in pixels.

    Raises:
        ValueError: if the patches do not fill the picture.
    """
    import matplotlib.pyplot as plt

    picture = _array(picture)
    _, height, width = picture.shape
    if height % patch_size or width % patch_size:
        raise ValueError(f"patches of {patch_size} pixels do not fill a picture of {height} x {width} pixels")
    rows, columns = height // patch_size, width // patch_size
    gap = max(1, patch_size // 4)  # pixels of white between patches
    step = patch_size + gap
    white = 255 if picture.max() > 1 else 1.0
    apart = np.full((len(picture), rows * step - gap, columns * step - gap), white)
    for i in range(rows * columns):
        r, c = divmod(i, columns)
        patch = picture[:, r * patch_size : (r + 1) * patch_size, c * patch_size : (c + 1) * patch_size]
        apart[:, r * step : r * step + patch_size, c * step : c * step + patch_size] = patch
    _, (left, right) = plt.subplots(1, 2, figsize=(9, 4.4), layout="constrained")
    _draw(left, picture)
    _draw(right, apart)
    left.set(title=f"the image: {height} x {width} pixels", xticks=[], yticks=[])
    count = rows * columns
    right.set_title(f"its {rows} x {columns} = {count} patches of {patch_size} x {patch_size} pixels")
    right.axis("off")
    if count <= 64:
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.8}
        for i in range(rows * columns):
            r, c = divmod(i, columns)
            right.text(c * step - 0.3, r * step - 0.3, str(i), fontsize=6, va="top", bbox=box)
    _finish(says)


def _draw(ax: Any, picture: np.ndarray) -> None:
    """One (channels, H, W) picture, 0..255 or 0..1."""
    scaled = np.clip(picture.astype(float) / (255.0 if picture.max() > 1 else 1.0), 0, 1)
    grey = scaled.shape[0] == 1
    ax.imshow(scaled[0] if grey else scaled.transpose(1, 2, 0), cmap="gray" if grey else None, vmin=0, vmax=1)


def _array(values: Any) -> np.ndarray:
    return values.detach().cpu().numpy() if hasattr(values, "detach") else np.asarray(values)


def _finish(text: str) -> None:
    import matplotlib.pyplot as plt

    plt.show()
    says(text)
