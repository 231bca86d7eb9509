"""The map of where two arrays differ, drawn as SVG by hand: the same bytes everywhere, some kilobytes, no matplotlib in a check."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence

from helpers.checks.differences import AGREES, LARGE, NAN, SMALL, WORDS, Differences, axis

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


def tag(found: Differences) -> str:
    """The picture as HTML that needs nothing from outside: two tables, or an <img>; "" where all differs."""
    if found.values:
        wanted, seen = (_table(found, title, rows) for title, rows in zip(TITLES, found.values, strict=True))
        return f'<div style="display:flex;flex-wrap:wrap;gap:0 2em">{wanted}{seen}</div>'
    if AGREES not in "".join(found.rows):
        return ""
    source = base64.b64encode(svg(found).encode()).decode()
    return (
        f'<img src="data:image/svg+xml;base64,{source}" alt="{html.escape(_alt(found))}" '
        'style="max-width:100%">'
    )


def _alt(found: Differences) -> str:
    rows, columns = found.shape
    return (
        f"Map of {found.what}, {rows} x {columns}: grey squares agree, a plus is too large, "
        f"a minus too small, a cross is not a number. {found.reading}"
    )


def _table(found: Differences, title: str, rows: tuple[tuple[str, ...], ...]) -> str:
    """One of the two tables; what differs is bold, and marked."""
    some = AGREES in "".join(found.rows)  # where all differs a mark says nothing
    cells = [
        "".join(
            f'<td style="{CELL}{MARKED if some and kind != AGREES else ""}">{value}</td>'
            for value, kind in zip(values, kinds, strict=True)
        )
        for values, kinds in zip(rows, found.rows, strict=True)
    ]
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    caption = f"{title}: {html.escape(found.what)}"
    return (
        '<table style="border-collapse:collapse;margin:4px 0;font-size:90%">'
        f'<caption style="text-align:left">{caption}</caption>{body}</table>'
    )


def svg(found: Differences) -> str:
    """The picture: squares with marks, the last row and column numbered, and what the marks mean."""
    high, wide = len(found.rows), len(found.rows[0])
    left, top = 44, 22
    right, bottom = left + wide * SIZE, top + high * SIZE
    squares = [
        (left + c * SIZE, top + r * SIZE, kind)
        for r, row in enumerate(found.rows)
        for c, kind in enumerate(row)
    ]
    labels = [(left, top - 7, "start", f"{axis(found.shape)} 0")]
    if wide > 5:
        labels.append((right, top - 7, "end", found.shape[1] - 1))
    if high > 1:
        labels += [(left - 5, top + 12, "end", "row 0"), (left - 5, bottom - 4, "end", found.shape[0] - 1)]
    x = left
    for kind, word in {AGREES: "agrees", **WORDS}.items():
        if kind != NAN or any(NAN in row for row in found.rows):
            squares.append((x, bottom + 12, kind))
            labels.append((x + SIZE + 4, bottom + 24, "start", word))
            x += 85
    step = [-(-entries // there) for entries, there in zip(found.shape, (high, wide), strict=True)]
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
