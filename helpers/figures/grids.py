"""Many small pictures at once: maps below the pictures that they belong to, layers in rows, a map for every patch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from helpers.figures.output import finish
from helpers.figures.pictures import _draw
from helpers.figures.plots import array


def below(
    pictures: Any,
    maps: Any,
    says: str,
    *,
    titles: Sequence[str] = (),
    label: str = "",
    vmin: float | None = None,
    vmax: float | None = None,
) -> None:
    """Pictures in a row, and below each its map; one colour scale for all maps.

    Args:
        pictures: n pictures, (3, H, W) each, uint8 or floats in 0..1.
        maps: n maps, (rows, columns) each.
        titles: one for each picture.
        label: what the colour counts.
        vmin, vmax: ends of the scale; the least and the largest of all maps if left out.
    """
    import matplotlib.pyplot as plt

    pictures, maps = [array(each) for each in pictures], [array(each) for each in maps]
    ends = {
        "vmin": min(each.min() for each in maps) if vmin is None else vmin,
        "vmax": max(each.max() for each in maps) if vmax is None else vmax,
    }
    size = (1.35 * len(pictures) + 1, 3.3)
    figure, axes = plt.subplots(2, len(pictures), figsize=size, layout="constrained", squeeze=False)
    for i, (upper, lower) in enumerate(axes.T):
        _draw(upper, pictures[i])
        drawn = lower.imshow(maps[i], cmap="viridis", interpolation="nearest", **ends)
        if i < len(titles):
            upper.set_title(titles[i], fontsize=9)
    _bare(axes)
    figure.colorbar(drawn, ax=axes[1], label=label)
    finish(says)


def layers(rows: Mapping[str, Any], says: str, *, photo: Any, label: str = "") -> None:
    """What layers make of a picture: a row a layer, some of its channels; each row has its own scale, from 0.

    Args:
        rows: title of a layer -> (channels, h, w), as many channels in each row.
        photo: (3, H, W), uint8 or floats in 0..1: in front of each row.
        label: what the colour counts.
    """
    import matplotlib.pyplot as plt

    across = 1 + len(next(iter(rows.values())))
    size = (1.15 * across + 1.6, 1.25 * len(rows))
    figure, axes = plt.subplots(len(rows), across, figsize=size, layout="constrained", squeeze=False)
    for row, (title, maps) in zip(axes, rows.items(), strict=True):
        maps = array(maps)
        _draw(row[0], array(photo))
        row[0].set_ylabel(title, rotation=0, ha="right", va="center")
        for ax, values in zip(row[1:], maps, strict=True):
            drawn = ax.imshow(values, vmin=0, vmax=maps.max(), cmap="viridis", interpolation="nearest")
        figure.colorbar(drawn, ax=row, shrink=0.9, label=label)
    _bare(axes)
    finish(says)


def mosaics(panels: Mapping[str, Any], says: str, *, label: str = "") -> None:
    """For each patch a map of all patches, at its patch's place; panels side by side on one colour scale.

    Args:
        panels: title -> (rows, columns, rows, columns); [r, c] is the map of patch (r, c).
        label: what the colour counts.
    """
    import matplotlib.pyplot as plt

    found = {title: array(maps) for title, maps in panels.items()}
    ends = {f"v{end}": float(getattr(np, end)(list(found.values()))) for end in ("min", "max")}
    side = 7 if len(found) == 1 else 4.8  # inches
    size = ((side + 0.4) * len(found) + 0.6, side)
    figure, axes = plt.subplots(1, len(found), figsize=size, layout="constrained", squeeze=False)
    for ax, (title, maps) in zip(axes[0], found.items(), strict=True):
        down, across = maps.shape[:2]
        tiles = np.full((down, down + 1, across, across + 1), np.nan)  # a line of nothing between maps
        tiles[:, :down, :, :across] = maps.transpose(0, 2, 1, 3)
        picture = tiles.reshape(down * (down + 1), across * (across + 1))[:-1, :-1]
        drawn = ax.imshow(picture, cmap="viridis", interpolation="nearest", **ends)
        ax.set(title=title, xlabel="column of the patch whose map it is", ylabel="row of the patch")
        ax.set_xticks([c * (across + 1) + (across - 1) / 2 for c in range(across)], range(across))
        ax.set_yticks([r * (down + 1) + (down - 1) / 2 for r in range(down)], range(down))
    figure.colorbar(drawn, ax=axes, label=label)
    finish(says)


def _bare(axes: Any) -> None:
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
