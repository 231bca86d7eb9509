"""A verdict as a student reads it."""

from __future__ import annotations

import html
from collections.abc import Sequence

from helpers.checks.draw import tag
from helpers.checks.observe import State
from helpers.checks.verdict import Verdict
from helpers.figures.output import marked

MARKS = {State.NOT_ATTEMPTED: "○", State.CORRECT: "✓"}  # all others are a cross
# Okabe-Ito colours: told apart by colour-blind readers, and the mark says the same without colour.
COLOURS = {State.NOT_ATTEMPTED: "#0072B2", State.CORRECT: "#007A5A"}
WRONG = "✗", "#D55E00"


def text(verdict: Verdict) -> str:
    """As lines for a terminal, or for who has no HTML."""
    earned = score(verdict.points, verdict.max_points)
    rows = [f"{MARKS.get(verdict.state, WRONG[0])} {verdict.state.value}: {verdict.name} · {earned}"]
    by_part = len({part.state for part in verdict.parts}) > 1 or sum(bool(p.said) for p in verdict.parts) > 1
    told = {line for part in verdict.parts for line in part.said if by_part}
    everything = (*verdict.lines, *(picture.reading for picture in verdict.pictures))
    rows += [f"  {line}" for line in everything if line not in told]
    for part in verdict.parts if by_part else ():
        rows.append(f"  {MARKS.get(part.state, WRONG[0])} {part.label} ({part.state.value})")
        rows += [f"    {line}" for line in part.said]
    if verdict.state is not State.CORRECT:
        rows.append(f'  Stuck? check.hint("{verdict.key}")')
    return "\n".join(rows)


def bundle(verdict: Verdict, hints: Sequence[str] = ()) -> dict[str, str]:
    """As a notebook shows it: MIME type -> text.

    Args:
        hints: to be opened one after the other in the panel.
    """
    head, *rows = text(verdict).split("\n")
    head = head.rpartition(" · ")[0]  # the points are what the cell gives
    folded = _folded(hints) if hints and verdict.state is not State.CORRECT else ""
    if folded:
        rows = rows[:-1]  # in its place
    body = "".join(f'<div style="margin-left:{_depth(row)}em">{marked(row.strip())}</div>' for row in rows)
    for picture in verdict.pictures:  # above its reading
        line = f"{marked(picture.reading)}</div>"
        body = body.replace(f">{line}", f">{tag(picture)}{line}", 1)
    style = f"border-left:6px solid {COLOURS.get(verdict.state, WRONG[1])};padding:4px 12px;line-height:1.5;overflow-wrap:anywhere"
    panel = f'<div style="{style}"><strong>{html.escape(head)}</strong>{body}{folded}</div>'
    return {"text/plain": text(verdict), "text/html": panel}


def _depth(row: str) -> int:
    return (len(row) - len(row.lstrip()) - 2) // 2


def _folded(hints: Sequence[str], number: int = 1) -> str:
    """The hints, each inside of the one before it."""
    if number > len(hints):
        return ""
    hint = marked(hints[number - 1])
    title = "Stuck? A hint" if number == 1 else f"Hint {number} of {len(hints)}"
    return f"<details><summary>{title}</summary><div>{hint}</div>{_folded(hints, number + 1)}</details>"


def score(points: float, out_of: float) -> str:
    return f"{float(points):g} of {out_of:g} {'point' if out_of == 1 else 'points'}"
