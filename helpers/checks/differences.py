"""Where two arrays differ, as a small map with a one-line reading: what a check shows beside its sentences.

A small table is shown with its values, what should be beside what is. Of a larger one the map knows for every entry only
whether it agrees, is too large, too small, or not a number; where all of it differs there is nothing to show but the
reading. draw.py draws it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

AGREES, LARGE, SMALL, NAN = ".+-?"
WORDS = {LARGE: "too large", SMALL: "too small", NAN: "not a number"}
READABLE = 6  # rows and columns of a table whose values are shown
MOST = 24  # squares in a row or column of the picture; beyond, one square stands for several entries


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
    axes = (("row", wrong.any(axis=1)), (axis(table.shape), wrong.any(axis=0)))
    where = [_places(word, has) for word, has in axes if _some(has)]
    return f"{text}, all in {' and '.join(where)}." if where else f"{text}."


def axis(shape: tuple[int, int]) -> str:
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
