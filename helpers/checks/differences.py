"""Where two arrays differ, as a small map with a one-line reading: what a check shows beside its sentences.

A small table is shown with its values, what should be beside what is. Of a larger one the map knows for every entry only
whether it agrees, is too large, too small, or not a number; where all of it differs there is nothing to show but the
reading. The map is drawn as SVG by hand: the same bytes everywhere, some kilobytes, and no matplotlib in a check.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

AGREES, LARGE, SMALL, NAN = ".+-?"
WORDS = {LARGE: "too large", SMALL: "too small", NAN: "not a number"}
READABLE = 6  # rows and columns of a table whose values are shown
MOST = 24  # squares in a row or column of the picture; beyond, one square stands for several entries
# Okabe-Ito, darkened so that the white marks on them can be seen; the marks say the same without colour.
COLOURS = {AGREES: "#DDDDDD", LARGE: "#B34700", SMALL: "#0072B2", NAN: "#222222"}
MARKS = {
    LARGE: "m-3 0h6m-3-3v6",
    SMALL: "m-3 0h6",
    NAN: "m-3-3l6 6m0-6l-6 6",
}  # strokes from the middle of a square
SIZE = 16  # pixels of a square
TITLES = "expected", "yours"
CELL = "padding:1px 6px;text-align:right;border:1px solid #888888;font-variant-numeric:tabular-nums;white-space:nowrap;"
MARKED = "font-weight:bold;border:2px solid #D55E00"


@dataclass(frozen=True)
class Differences:
    """One table of an array that came out wrong: its last two axes, at the first place that differs.

    Args:
        what: how messages call it, e.g. "att[0, 1]".
        shape: (rows, columns) of that table.
        rows: one text a row of squares: "." agrees, "+" too large, "-" too small, "?" not a number.
        reading: the picture in one sentence.
        values: of a small table the rows as they should be, then as they are; each value as text.
    """

    what: str
    shape: tuple[int, int]
    rows: tuple[str, ...]
    reading: str
    values: tuple[tuple[tuple[str, ...], ...], ...] = ()

    @property
    def alt(self) -> str:
        rows, columns = self.shape
        return (
            f"Map of {self.what}, {rows} x {columns}: grey squares agree, a plus is too large, "
            f"a minus too small, a cross is not a number. {self.reading}"
        )

    def tag(self) -> str:
        """The picture as HTML that needs nothing from outside: two tables, or an <img>; "" where all differs."""
        if self.values:
            wanted, seen = (self._table(title, rows) for title, rows in zip(TITLES, self.values, strict=True))
            return f'<div style="display:flex;flex-wrap:wrap;gap:0 2em">{wanted}{seen}</div>'
        if AGREES not in "".join(self.rows):
            return ""
        source = base64.b64encode(self.svg().encode()).decode()
        return (
            f'<img src="data:image/svg+xml;base64,{source}" alt="{html.escape(self.alt)}" '
            'style="max-width:100%">'
        )

    def _table(self, title: str, rows: tuple[tuple[str, ...], ...]) -> str:
        """One of the two tables; what differs is bold, and marked."""
        some = AGREES in "".join(self.rows)  # where all differs a mark says nothing
        cells = [
            "".join(
                f'<td style="{CELL}{MARKED if some and kind != AGREES else ""}">{value}</td>'
                for value, kind in zip(values, kinds, strict=True)
            )
            for values, kinds in zip(rows, self.rows, strict=True)
        ]
        body = "".join(f"<tr>{row}</tr>" for row in cells)
        caption = f"{title}: {html.escape(self.what)}"
        return (
            '<table style="border-collapse:collapse;margin:4px 0;font-size:90%">'
            f'<caption style="text-align:left">{caption}</caption>{body}</table>'
        )

    def svg(self) -> str:
        """The picture: squares with marks, the last row and column numbered, and what the marks mean."""
        high, wide = len(self.rows), len(self.rows[0])
        left, top = 44, 22
        right, bottom = left + wide * SIZE, top + high * SIZE
        squares = [
            (left + c * SIZE, top + r * SIZE, kind)
            for r, row in enumerate(self.rows)
            for c, kind in enumerate(row)
        ]
        labels = [(left, top - 7, "start", f"{_axis(self.shape)} 0")]
        if wide > 5:
            labels.append((right, top - 7, "end", self.shape[1] - 1))
        if high > 1:
            labels += [(left - 5, top + 12, "end", "row 0"), (left - 5, bottom - 4, "end", self.shape[0] - 1)]
        x = left
        for kind, word in {AGREES: "agrees", **WORDS}.items():
            if kind != NAN or any(NAN in row for row in self.rows):
                squares.append((x, bottom + 12, kind))
                labels.append((x + SIZE + 4, bottom + 24, "start", word))
                x += 85
        step = [-(-entries // there) for entries, there in zip(self.shape, (high, wide), strict=True)]
        below = bottom + 36
        if max(step) > 1:
            below += 18
            labels.append((left, bottom + 46, "start", f"one square: {step[0]} x {step[1]} entries"))
        text = "".join(f'<text x="{x}" y="{y}" text-anchor="{at}">{t}</text>' for x, y, at, t in labels)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{max(right, 430)}" height="{below}" '
            'font-family="sans-serif" font-size="11" fill="#222222"><rect width="100%" height="100%" fill="#FFFFFF"/>'
            f"{_paths(squares)}{text}</svg>"
        )


def _paths(squares: Sequence[tuple[int, int, str]]) -> str:
    """All squares of a kind in one path, and their marks in another: a few bytes a square."""
    side, half = SIZE - 1, SIZE // 2
    drawn = []
    for kind, colour in COLOURS.items():
        places = [(x, y) for x, y, other in squares if other == kind]
        if places:
            fill = "".join(f"M{x} {y}h{side}v{side}h-{side}z" for x, y in places)
            drawn.append(f'<path fill="{colour}" d="{fill}"/>')
        if places and kind in MARKS:
            strokes = "".join(f"M{x + half} {y + half}{MARKS[kind]}" for x, y in places)
            drawn.append(f'<path fill="none" stroke="#FFFFFF" stroke-width="2" d="{strokes}"/>')
    return "".join(drawn)


def differences(what: str, seen: np.ndarray, wanted: np.ndarray, off: np.ndarray) -> Differences | None:
    """The map of the table in which the first difference lies; None if there is too little of it to draw.

    Args:
        seen, wanted: arrays of one shape.
        off: where they differ, same shape.
    """
    if off.ndim == 0 or not off.any() or off.size < 4:
        return None
    lead = tuple(int(i) for i in np.argwhere(off)[0][:-2])
    kinds = np.where(off, np.where(np.isnan(seen), NAN, np.where(seen > wanted, LARGE, SMALL)), AGREES)
    table = np.atleast_2d(kinds[lead])
    name = f"{what}{list(lead)}" if lead else what
    squares = _coarser(_coarser(table).T).T
    small = max(table.shape) <= READABLE
    values = tuple(_values(np.atleast_2d(array[lead])) for array in (wanted, seen)) if small else ()
    return Differences(
        name, table.shape, tuple("".join(row) for row in squares), _reading(name, table), values
    )


def _values(table: np.ndarray) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(f"{value:.3g}" for value in row) for row in table.tolist())


def _coarser(table: np.ndarray) -> np.ndarray:
    """At most MOST rows: each stands for several, and shows the first thing that is wrong in them."""
    step = -(-len(table) // MOST)
    if step == 1:
        return table
    blocks = [table[i : i + step] for i in range(0, len(table), step)]
    first = [(block != AGREES).argmax(axis=0) for block in blocks]
    return np.array(
        [np.take_along_axis(block, at[None], axis=0)[0] for block, at in zip(blocks, first, strict=True)]
    )


def _reading(name: str, table: np.ndarray) -> str:
    wrong = table != AGREES
    count = int(wrong.sum())
    said = [f"{int((table == kind).sum())} {word}" for kind, word in WORDS.items() if (table == kind).any()]
    many = f"all {count} entries" if count == table.size else f"{count} of {table.size} entries"
    text = f"{name}: {many} {'differs' if count == 1 else 'differ'} ({', '.join(said)})"
    axes = (("row", wrong.any(axis=1)), (_axis(table.shape), wrong.any(axis=0)))
    where = [_places(word, has) for word, has in axes if _some(has)]
    return f"{text}, all in {' and '.join(where)}." if where else f"{text}."


def _axis(shape: tuple[int, int]) -> str:
    """What to call the second axis: a single row is a list of places."""
    return "column" if shape[0] > 1 else "place"


def _some(has: np.ndarray) -> bool:
    """Worth saying: not everywhere."""
    return len(has) > 1 and not has.all()


def _places(word: str, has: np.ndarray) -> str:
    """ "column 3", "columns 1 and 3", "columns 2 to 5", or "4 of 9 columns" where no short text says which."""
    at: Sequence[int] = [int(i) for i in np.flatnonzero(has)]
    if len(at) == 1:
        return f"{word} {at[0]}"
    if len(at) > 2 and len(at) == at[-1] - at[0] + 1:
        return f"{word}s {at[0]} to {at[-1]}"
    if len(at) <= 4:
        return f"{word}s {', '.join(map(str, at[:-1]))} and {at[-1]}"
    for name, first in (("even", 0), ("odd", 1)):
        if list(at) == list(range(first, len(has), 2)):
            return f"the {name} {word}s"
    return f"{len(at)} of {len(has)} {word}s"
