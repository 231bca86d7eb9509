"""Pictures: in a grid, cut into patches, beside maps of their patches."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from helpers.figures.output import finish
from helpers.figures.plots import array


def images(
    pictures: Any, says: str, *, titles: Sequence[str] = (), columns: int = 5, size: float = 1.1
) -> None:
    """Pictures in a grid.

    Args:
        pictures: (n, 3, H, W) or (n, 1, H, W) tensor or array, uint8 or floats in 0..1.
        titles: one for each picture.
        columns: at most; rows are made equally long.
        size: inches that a picture is wide.
    """
    import matplotlib.pyplot as plt

    pictures = array(pictures)
    rows = -(-len(pictures) // columns)
    columns = -(-len(pictures) // rows)
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
        options: titles, photo, mark, across, label, vmin, vmax, log, own, axes and size, as `draw_panels` has them.
    """
    draw_panels(maps, **options)
    finish(says)


def draw_panels(
    maps: Any,
    *,
    titles: Sequence[str] = (),
    photo: Any = None,
    mark: tuple[int, int] | Sequence[tuple[int, int]] | None = None,
    across: int = 5,
    label: str = "",
    vmin: float | None = None,
    vmax: float | None = None,
    log: bool = False,
    own: bool = False,
    axes: tuple[str, str] = ("", ""),
    size: float = 2.2,
) -> None:
    """The figure of `panels`; whoever calls it shows it.

    Args:
        maps: (n, rows, columns), e.g. attention weights of n heads over the grid of patches.
        titles: one for each map.
        photo: (3, H, W), uint8 or floats in 0..1: the first panel.
        mark: (row, column) of a patch to frame, in the photo and in each map; or one for each map, numbered in the photo.
        across: panels in a row.
        label: what the colour counts.
        vmin, vmax: ends of the scale; the least and the largest of all maps if left out.
        log: colours follow the logarithm, from the second percent up, since most weights are tiny.
        own: every map has a scale of its own, so patterns may be compared, numbers not.
        axes: what is counted across and down.
        size: inches that a panel is wide.
    """
    import matplotlib.pyplot as plt
    from matplotlib.colors import LogNorm, Normalize
    from matplotlib.ticker import LogLocator, MaxNLocator

    maps = [array(each) for each in maps]
    first = photo is not None
    count = len(maps) + first
    across = min(across, count)
    down = -(-count // across)
    rows, columns = maps[0].shape
    shape = (size * across + 1, (size * rows / columns + 0.35) * down)
    figure, grid = plt.subplots(down, across, figsize=shape, layout="constrained", squeeze=False)
    for ax in grid.flat if not any(axes) else ():
        ax.set(xticks=[], yticks=[])
    for ax in grid.flat[count:]:
        ax.axis("off")
    several = mark is not None and not isinstance(mark[0], int)
    marks = list(mark) if several else [mark] * len(maps)
    if first:
        photo = array(photo)
        _draw(grid.flat[0], photo)
        grid.flat[0].set_title("the picture" if mark is None or several else "query patch")
        for i, place in enumerate(marks if several else marks[:1]):
            if place is not None:
                _mark(grid.flat[0], *place, photo.shape[1] / rows, str(i + 1) if several else "")

    def norm(values: Sequence[np.ndarray]) -> Any:
        flat = np.concatenate([each.ravel() for each in values])
        low = np.quantile(flat, 0.02) if log else flat.min()
        ends = low if vmin is None else vmin, flat.max() if vmax is None else vmax
        return LogNorm(*ends) if log else Normalize(*ends)

    shared = norm(maps)
    for i, (ax, values) in enumerate(zip(grid.flat[first:], maps, strict=False)):
        colours = norm([values]) if own else shared
        picture = ax.imshow(values, cmap="viridis", interpolation="nearest", norm=colours)
        ax.set(xlabel=axes[0], ylabel=axes[1] if (i + first) % across == first else "")
        if marks[i] is not None:
            outline(ax, *marks[i])
        if i < len(titles):
            ax.set_title(titles[i])
        if own:
            bar = figure.colorbar(picture, ax=ax, label=label, shrink=0.8, orientation="horizontal")
            bar.locator = MaxNLocator(4)
    if not own:
        bar = figure.colorbar(picture, ax=grid, label=label + (" (log scale)" if log else ""), shrink=0.8)
        if log:
            bar.set_ticks(LogLocator(subs=(1, 2, 5)))  # few enough to be read
            bar.ax.yaxis.set_major_formatter("{x:g}")
            bar.minorticks_off()


def _mark(ax: Any, row: int, column: int, unit: float, number: str = "") -> None:
    """A framed patch of a picture, with a number in it if there is one."""
    outline(ax, row, column, unit)
    if number:
        place = ((column + 0.5) * unit - 0.5, (row + 0.5) * unit - 0.5)
        ax.text(*place, number, color="white", weight="bold", ha="center", va="center", fontsize=9,
                bbox={"facecolor": "black", "edgecolor": "none", "pad": 1.5})  # fmt: skip
