"""Matrices, lines, bars and maps of words. Matplotlib is imported when the first figure is drawn."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from helpers.figures.output import finish


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
    picture = ax.imshow(array(matrix), aspect="auto", interpolation="nearest", **colours)
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel)
    if len(matrix) <= 16:
        ax.set_yticks(range(len(matrix)))  # whole rows only
    ax.figure.colorbar(picture, ax=ax)
    if own:
        finish(says)


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
        values = array(values)
        places = np.arange(len(values)) if x is None else array(x)
        ax.plot(places, values, label=label, color=colours[i % 6], linestyle=["-", "--", "-.", ":"][i % 4])
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel)
    ax.grid(alpha=0.3)
    figure.legend(loc="outside right upper")  # never over the lines
    finish(says)


def word_map(places: Any, groups: Mapping[str, Sequence[str]], title: str, ax: Any) -> None:
    """Words on a plane, each group with a colour and a marker of its own, into axes of about 5 x 5 inches.

    Showing the figure, its legend and its reading are left to the caller.

    Args:
        places: (n, 2), one row a word, in the order of the groups.
        groups: label -> words.
    """
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
        ax.bar([mark], [values[mark]], width=max(0.8, len(values) / 200), color="#D55E00")
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
