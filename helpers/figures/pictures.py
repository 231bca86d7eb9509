"""Pictures: in a grid, cut into patches, beside maps of their patches."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from helpers.figures.output import finish
from helpers.figures.plots import array


def images(
    pictures: Any, says: str, *, titles: Sequence[str] = (), columns: int = 10, size: float = 1.1
) -> None:
    """Pictures in a grid.

    Args:
        pictures: (n, 3, H, W) or (n, 1, H, W) tensor or array, uint8 or floats in 0..1.
        titles: one for each picture.
        size: inches that a picture is wide.
    """
    import matplotlib.pyplot as plt

    pictures = array(pictures)
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    shape = (size * columns, (size + 0.25) * rows)
    _, axes = plt.subplots(rows, columns, figsize=shape, layout="constrained", squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for i, (ax, picture) in enumerate(zip(axes.flat, pictures, strict=False)):
        _draw(ax, picture)
        if i < len(titles):
            ax.set_title(titles[i], fontsize=9)
    finish(says)


def patches(picture: Any, patch_size: int, says: str) -> None:
    """A picture beside the grid of its patches, numbered row by row where there is room.

    Args:
        picture: (channels, H, W), uint8 or floats in 0..1; H and W multiples of `patch_size`.
        patch_size: side of a patch in pixels.

    Raises:
        ValueError: if the patches do not fill the picture.
    """
    import matplotlib.pyplot as plt

    picture = array(picture)
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
    finish(says)


def _draw(ax: Any, picture: np.ndarray) -> None:
    """One (channels, H, W) picture, 0..255 or 0..1."""
    scaled = np.clip(picture.astype(float) / (255.0 if picture.max() > 1 else 1.0), 0, 1)
    grey = scaled.shape[0] == 1
    ax.imshow(scaled[0] if grey else scaled.transpose(1, 2, 0), cmap="gray" if grey else None, vmin=0, vmax=1)


def outline(ax: Any, row: int, column: int, unit: float = 1) -> None:
    """A frame around one patch, black and white so that it stands out on every colour.

    Args:
        unit: side of a patch in what `ax` counts: 1 in a map of patches, the patch size in a picture.
    """
    import matplotlib.pyplot as plt

    for colour, width in (("black", 4), ("white", 1.8)):
        corner = (column * unit - 0.5, row * unit - 0.5)
        ax.add_patch(plt.Rectangle(corner, unit, unit, fill=False, edgecolor=colour, linewidth=width))


def panels(maps: Any, says: str, **options: Any) -> None:
    """Small maps side by side on one colour scale, after the picture that they belong to.

    Args:
        maps: (n, rows, columns), e.g. attention weights of n heads over the grid of patches.
        options: titles, photo, mark, across, label, vmin, vmax, norm and size, as `draw_panels` has them.
    """
    draw_panels(maps, **options)
    finish(says)


def draw_panels(
    maps: Any,
    *,
    titles: Sequence[str] = (),
    photo: Any = None,
    mark: tuple[int, int] | None = None,
    across: int = 5,
    label: str = "",
    vmin: float | None = None,
    vmax: float | None = None,
    norm: Any = None,
    size: float = 2.2,
) -> None:
    """The figure of `panels`; whoever calls it shows it.

    Args:
        maps: (n, rows, columns), e.g. attention weights of n heads over the grid of patches.
        titles: one for each map.
        photo: (3, H, W), uint8 or floats in 0..1: the first panel.
        mark: (row, column) of a patch to frame, in the photo and in each map.
        across: panels in a row.
        label: what the colour counts.
        vmin, vmax: ends of the scale; the least and the largest of all maps if left out.
        norm: a matplotlib norm in the place of vmin and vmax.
        size: inches that a panel is wide.
    """
    import matplotlib.pyplot as plt

    maps = [array(each) for each in maps]
    first = photo is not None
    count = len(maps) + first
    across = min(across, count)
    down = -(-count // across)
    rows, columns = maps[0].shape
    shape = (size * across + 1, (size * rows / columns + 0.35) * down)
    figure, axes = plt.subplots(down, across, figsize=shape, layout="constrained", squeeze=False)
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
    for ax in axes.flat[count:]:
        ax.axis("off")
    if first:
        photo = array(photo)
        _draw(axes.flat[0], photo)
        axes.flat[0].set_title("the picture" if mark is None else "query patch")
        if mark is not None:
            outline(axes.flat[0], *mark, unit=photo.shape[1] / rows)
    ends = {} if norm is not None else {
        "vmin": min(each.min() for each in maps) if vmin is None else vmin,
        "vmax": max(each.max() for each in maps) if vmax is None else vmax,
    }  # fmt: skip
    for i, (ax, values) in enumerate(zip(axes.flat[first:], maps, strict=False)):
        picture = ax.imshow(values, cmap="viridis", interpolation="nearest", norm=norm, **ends)
        if mark is not None:
            outline(ax, *mark)
        if i < len(titles):
            ax.set_title(titles[i])
    figure.colorbar(picture, ax=axes, label=label, shrink=0.8)
