"""A verdict as a student reads it."""

from __future__ import annotations

import html
import re

from helpers.checks.observe import State
from helpers.checks.verdict import Verdict

MARKS = {State.NOT_ATTEMPTED: "○", State.CORRECT: "✓"}  # all others are a cross
# Okabe-Ito colours: told apart by colour-blind readers, and the mark says the same without colour.
COLOURS = {State.NOT_ATTEMPTED: "#0072B2", State.CORRECT: "#007A5A"}
WRONG = "✗", "#D55E00"


def text(verdict: Verdict) -> str:
    """As lines for a terminal, or for who has no HTML."""
    earned = score(verdict.points, verdict.max_points)
    rows = [f"{MARKS.get(verdict.state, WRONG[0])} {verdict.state.value}: {verdict.name} · {earned}"]
    rows += [f"  {line}" for line in verdict.lines]
    rows += [f"  {picture.reading}" for picture in verdict.pictures]
    if len({part.state for part in verdict.parts}) > 1:
        rows += [
            f"  {MARKS.get(part.state, WRONG[0])} {part.label} ({part.state.value})" for part in verdict.parts
        ]
    if verdict.state is not State.CORRECT:
        rows.append(f'  Stuck? check.hint("{verdict.key}")')
    return "\n".join(rows)


def bundle(verdict: Verdict) -> dict[str, str]:
    """As a notebook shows it: MIME type -> text."""
    head, *rest = text(verdict).split("\n")
    body = "".join(f"<div>{html.escape(row.strip())}</div>" for row in rest)
    body = re.sub("`([^`]+)`", r"<code>\1</code>", body)
    for picture in verdict.pictures:  # above its reading
        line = f"<div>{html.escape(picture.reading)}</div>"
        body = body.replace(line, f"<div>{picture.tag()}</div>{line}", 1)
    style = f"border-left:6px solid {COLOURS.get(verdict.state, WRONG[1])};padding:4px 12px;line-height:1.5"
    panel = f'<div style="{style}"><strong>{html.escape(head)}</strong>{body}</div>'
    return {"text/plain": text(verdict), "text/html": panel}


def score(points: float, out_of: float) -> str:
    return f"{float(points):g} of {out_of:g} {'point' if out_of == 1 else 'points'}"
