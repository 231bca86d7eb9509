"""Matrices, lines, bars and maps of words. Matplotlib is imported when the first figure is drawn."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from helpers.figures.output import finish

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#000000"]  # Okabe-Ito


def array(values: Any) -> np.ndarray:
    return values.detach().cpu().numpy() if hasattr(values, "detach") else np.asarray(values)


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
    square: bool = False,
) -> None:
    """A matrix as a picture with a colour bar.

    Args:
        matrix: (rows, columns) array or tensor.
        says: the one-line reading, printed under the figure.
        square: as high as wide, for each entry.
    """
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(5, 4) if square else (8, 4), layout="constrained")
    colours = {"cmap": cmap, "vmin": vmin, "vmax": vmax}
    aspect = "equal" if square else "auto"
    picture = ax.imshow(array(matrix), aspect=aspect, interpolation="nearest", **colours)
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel)
    if len(matrix) <= 16:
        ax.set_yticks(range(len(matrix)))  # whole rows only
    figure.colorbar(picture, ax=ax)
    finish(says)


def heatmaps(
    matrices: Mapping[str, Any],
    says: str,
    *,
    xlabel: str = "",
    ylabel: str = "",
    label: str = "",
    cmap: str = "viridis",
    vmin: float | None = None,
    vmax: float | None = None,
    square: bool = False,
) -> None:
    """Matrices side by side as pictures on one colour scale.

    Args:
        matrices: title -> (rows, columns).
        label: what the colour counts.
        square: as high as wide, for each entry.
    """
    import matplotlib.pyplot as plt

    found = {title: array(each) for title, each in matrices.items()}
    ends = {
        "vmin": min(float(each.min()) for each in found.values()) if vmin is None else vmin,
        "vmax": max(float(each.max()) for each in found.values()) if vmax is None else vmax,
    }
    size = (2.9 * len(found) + 1.2, 3.2 if square else 3.6)
    same = len({each.shape[0] for each in found.values()}) == 1
    figure, axes = plt.subplots(1, len(found), figsize=size, layout="constrained", sharey=same, squeeze=False)
    aspect = "equal" if square else "auto"
    for ax, (title, values) in zip(axes.flat, found.items(), strict=True):
        picture = ax.imshow(values, aspect=aspect, interpolation="nearest", cmap=cmap, **ends)
        ax.set(title=title, xlabel=xlabel)
        ax.locator_params(integer=True)
    axes.flat[0].set_ylabel(ylabel)
    figure.colorbar(picture, ax=axes, label=label)
    finish(says)


def curves(
    series: Mapping[str, Any],
    says: str,
    *,
    x: Any = None,
    title: str = "",
    xlabel: str = "",
    ylabel: str = "",
    log: str = "",
    smooth: bool = False,
    looks: Mapping[str, int] = {},
    level: Mapping[str, float] = {},
    point: Mapping[str, tuple[float, float]] = {},
) -> None:
    """Lines in one axes, each with its own dash pattern so that colour is not needed.

    Args:
        series: label -> values, each (n,).
        x: (n,) positions on the x axis, or label -> positions; 0, 1, 2, ... if left out.
        looks: label -> number of its colour and dashes, so that a thing looks the same in several figures.
        level: name -> height of a grey line to compare with.
        point: name -> (x, y) of a single point.
        log: "x", "y" or "xy": axes that count in powers. On x, each position has its tick.
        smooth: the values are points of a smooth curve, drawn through them.
    """
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(8, 3.5), layout="constrained")
    for i, (label, values) in enumerate(series.items()):
        values, number = array(values), looks.get(label, i)
        own = x[label] if isinstance(x, Mapping) else x
        places = np.arange(len(values)) if own is None else array(own)
        colour = COLOURS[number % 6]
        if smooth:
            from scipy.interpolate import CubicSpline

            ax.plot(places, values, ".", color=colour, markersize=4)
            fine = np.linspace(places[0], places[-1], 20 * len(places))
            places, values = fine, CubicSpline(places, values)(fine)
        ax.plot(places, values, label=label, color=colour, linestyle=["-", "--", "-.", ":"][number % 4])
    for label, height in level.items():
        ax.axhline(height, color="#666666", linestyle=":", label=label)
    for label, place in point.items():
        ax.plot(*place, "o", color="#000000", label=label)
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel)
    for way in log:
        getattr(ax, f"set_{way}scale")("log")
    if "x" in log and x is not None:
        ax.minorticks_off()
        ax.set_xticks(array(x), [f"{place:g}" for place in array(x)])
    ax.grid(alpha=0.3)
    figure.legend(loc="outside right upper")  # never over the lines
    finish(says)


def word_maps(maps: Mapping[str, Any], groups: Mapping[str, Sequence[str]], says: str) -> None:
    """Words on a plane, map beside map, each group with a colour and a marker of its own.

    Args:
        maps: title -> (n, 2), one row a word, in the order of the groups.
        groups: label -> words.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        1, len(maps), figsize=(5.5 * len(maps), 5.6), layout="constrained", squeeze=False
    )
    for ax, (title, places) in zip(axes.flat, maps.items(), strict=True):
        _words(places, groups, title, ax)
    figure.legend(*axes.flat[0].get_legend_handles_labels(), loc="outside lower center", ncols=7)
    finish(says)


def _words(places: Any, groups: Mapping[str, Sequence[str]], title: str, ax: Any) -> None:
    colours = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000"]
    places = array(places).astype(float)
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


def bars(
    values: Any,
    says: str,
    *,
    names: Sequence[str] = (),
    mark: int | None = None,
    title: str = "",
    xlabel: str = "",
    ylabel: str = "",
) -> None:
    """Bars beside each other, one of them marked.

    Args:
        values: (n,).
        names: one under each bar, where there are few.
        mark: index of the bar that stands out.
    """
    import matplotlib.pyplot as plt

    values = array(values)
    _, ax = plt.subplots(figsize=(8, 3), layout="constrained")
    ax.bar(range(len(values)), values, width=max(0.8, len(values) / 400), color="#0072B2")
    if mark is not None:
        ax.bar([mark], [values[mark]], width=max(0.8, len(values) / 200), color="#D55E00", hatch="//")
    if names:
        ax.set_xticks(range(len(values)), names, rotation=30 if max(map(len, names)) > 4 else 0)
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel)
    ax.grid(alpha=0.3, axis="y")
    finish(says)


def dots(
    values: Any,
    says: str,
    *,
    level: float | None = None,
    name: str = "",
    title: str = "",
    xlabel: str = "",
    ylabel: str = "",
) -> None:
    """Numbered points in groups: one group a place on the x axis, its points side by side.

    Args:
        values: (groups, n).
        level: a height to compare with, drawn as a dashed line called `name`.
    """
    import matplotlib.pyplot as plt

    values = array(values)
    groups, count = values.shape
    figure, ax = plt.subplots(figsize=(10, 4), layout="constrained")
    for i in range(count):
        places = np.arange(groups) + 0.8 * ((i + 0.5) / count - 0.5)
        ax.scatter(places, values[:, i], color="#0072B2", s=14)
        for place in zip(places, values[:, i], strict=True):
            ax.annotate(str(i), place, (0, 4), textcoords="offset points", fontsize=8, ha="center")
    if level is not None:
        ax.axhline(level, color="#D55E00", linestyle="--", label=name)
        figure.legend(loc="outside right upper")
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel, xticks=range(groups), ylim=(0, 1.1 * values.max()))
    ax.grid(alpha=0.3)
    finish(says)


def matrices(
    matrices: Mapping[str, Any],
    says: str,
    *,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    xlabel: str = "",
    ylabel: str = "",
    label: str = "",
    written: str = "",
    across: int = 3,
    vmin: float | None = None,
    vmax: float | None = None,
    mark: Mapping[str, int] | None = None,
) -> None:
    """Small matrices side by side on one colour scale, with squares for cells.

    Args:
        matrices: title -> (r, c).
        rows, columns: names of the rows and columns of those matrices that have as many.
        label: what the colour counts.
        written: format of the number in each cell, e.g. ".2f"; none if empty.
        across: matrices in a row.
        mark: title -> a row to frame.
    """
    import matplotlib.pyplot as plt

    found = {title: array(each) for title, each in matrices.items()}
    across = min(across, len(found))
    down = -(-len(found) // across)
    low = min(float(each.min()) for each in found.values()) if vmin is None else vmin
    high = max(float(each.max()) for each in found.values()) if vmax is None else vmax
    widths = [each.shape[1] for each in list(found.values())[:across]]
    side = max(each.shape[0] for each in found.values())
    cell = 0.58 if written else min(0.5, 8 / sum(widths))  # inches
    size = (cell * sum(widths) + 1.1 * across + 1.6, (cell * side + 1.3) * down)
    figure, axes = plt.subplots(
        down, across, figsize=size, layout="constrained", squeeze=False, width_ratios=widths
    )
    for ax in axes.flat[len(found) :]:
        ax.axis("off")
    for place, (ax, (title, values)) in enumerate(zip(axes.flat, found.items(), strict=False)):
        picture = ax.imshow(values, vmin=low, vmax=high, cmap="viridis")
        for (i, j), value in np.ndenumerate(values) if written else ():
            colour = "black" if value > low + 0.6 * (high - low) else "white"
            ax.text(j, i, f"{value:{written}}", ha="center", va="center", color=colour, fontsize=9)
        ax.set_title(title)
        named = len(columns) == values.shape[1]
        ax.set_xticks(range(len(columns)) if named else [], columns if named else [], rotation=90)
        named = len(rows) == len(values) and (place % across == 0 or widths[place % across] != widths[0])
        ax.set_yticks(range(len(rows)) if named else [], rows if named else [])
        for colour, width in (("black", 5), ("white", 2)) if mark and title in mark else ():
            corner = (-0.5, mark[title] - 0.5)
            ax.add_patch(
                plt.Rectangle(
                    corner, values.shape[1], 1, fill=False, edgecolor=colour, linewidth=width, clip_on=False
                )
            )
    figure.colorbar(picture, ax=axes, label=label)
    figure.supxlabel(xlabel)
    figure.supylabel(ylabel)
    finish(says)


def arrows(vectors: Mapping[str, tuple[float, float]], labels: Sequence[str], says: str) -> None:
    """Vectors of the plane as arrows from the origin, of different widths so that two in one direction are both seen.

    Args:
        vectors: name -> (x, y).
        labels: one for each, in the legend.
    """
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(6.6, 3.8), layout="constrained")
    for i, ((name, (x, y)), label) in enumerate(zip(vectors.items(), labels, strict=True)):
        colour, width = COLOURS[(i + 5) % 6], 0.05 + 0.09 * (i % 3 == 2)
        ax.arrow(0, 0, x, y, color=colour, length_includes_head=True, head_width=0.35, zorder=2, width=width)
        ax.plot([], [], color=colour, label=label)
        ax.annotate(name, (x, y), (x * 1.1 - 0.1 + 0.3 * (i % 3 == 2), y * 1.1 - 0.2))
    places = np.array([(0.0, 0.0), *vectors.values()])
    low, high = places.min(axis=0) - 1, places.max(axis=0) + 1.2
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    ax.set(xlabel="first number", ylabel="second number")
    ax.grid(alpha=0.3)
    figure.legend(loc="outside right upper")
    finish(says)
