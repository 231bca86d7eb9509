"""Files that are much work to read, and outputs that are much work to clean: a verdict for each, and a bound on the work.

What the entries cost the judge itself, and the process that reads for it, is measured by tests/judging/test_hostile.py.
"""

import json

from nbformat.v4 import new_code_cell, new_markdown_cell

from helpers.checks.observe import State
from tests.hostile import Entry
from tests.hostile.environment import FULL
from tests.hostile.forgery import KEYS, Q1, Q6, QUICK

__all__ = ["ENTRIES", "KEYS"]

UNREADABLE = {Q6: State.UNREADABLE, Q1: State.UNREADABLE}


def shows(name: str, html: str) -> Entry:
    """Right answers, and a cell that displays this."""
    return Entry(
        name, before=f"from IPython.display import HTML, display\ndisplay(HTML({html}))", points=FULL
    )


def own(name: str, *sources: str, **more) -> Entry:
    """Right answers, and cells of the student's own behind them."""

    def edit(nb) -> None:
        nb.cells += [new_code_cell(source) for source in sources]

    return Entry(name, edit=edit, **{"points": FULL, **more})


def text(name: str, source: str) -> Entry:
    """Right answers, and a text of the student's own."""

    def edit(nb) -> None:
        nb.cells.append(new_markdown_cell(source))

    return Entry(name, edit=edit, points=FULL)


def unnamed(nb) -> None:
    """As editors leave them that know no ids, each a little different."""
    given = [cell.source for cell in nb.cells]
    for cell in nb.cells:
        cell.metadata.clear()
        cell.id = f"new-{cell.id}"[:60]
    nb.cells += [new_code_cell(f"v{n} = 1\n{given[n % len(given)]}" * 3) for n in range(120)]


def sent(name: str, data: bytes) -> Entry:
    """These bytes, in which there is no notebook."""
    return Entry(name, edit=lambda nb: data, states=UNREADABLE)


def cells(*sources: object) -> bytes:
    made = [{"cell_type": "code", "source": source, "metadata": {}, "outputs": []} for source in sources]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


ENTRIES = [
    own("60,000 lines of one name", "a,\n" * 60_000),
    own("one line of 99,000 names", "a," * 99_000),
    own("510 shell lines", "!true\n" * 510),
    own("20,000 magics", "%time 1\n" * 20_000),
    own("forty cells of 190 kB", *["a,\n" * 63_000] * 40),
    own("forty cells of 190 kB with the answers' names", *["ResidualAdd = helpers = 1\n" * 7_000] * 40),
    own("brackets 9,000 deep", "(" * 9_000 + ")" * 9_000),
    own("minus 190,000 times", "ResidualAdd = " + "-" * 190_000 + "1"),
    own("a name of 190,000 letters", "a" * 190_000),
    own("a word of the Python of tomorrow", "ResidualAdd = \N{MATHEMATICAL BOLD SMALL A}" * 20_000),
    Entry("blanks without end", {Q6: "class ResidualAdd(nn.Module):\n    x = [" + "...," * 40_000 + "]"}, points={Q1: 3}),
    Entry("magics in an answer without end", {Q6: "%time 1\n" * 20_000}, points={Q1: 3}, states={Q6: State.TIMEOUT}, limits=QUICK),
    Entry("120 unnamed cells", edit=unnamed, points=FULL),
    sent("lists 1,000,000 deep", b'{"cells":' + b"[" * 1_000_000),
    sent("cells in cells", b'{"cell_type":"code",' * 200_000),
    sent("cells that begin only", b'{"cell_type":' * 300_000),
    sent("two sides of 40,000 cells", b"<<<<<<< a\n%s\n=======\n%s\n>>>>>>> b\n" % (cells(*range(40_000)), cells(*"ab" * 20_000))),
    sent("90 MB of brackets", b'{"cells":[' + b"[]," * 30_000_000),
    sent("90 MB of one character", b"\xff" * 90_000_000),
    sent("a number of 5,000,000 digits", b'{"cells":' + b"7" * 5_000_000 + b"}"),
    text("30,000 boxes in a text", "<div>" * 30_000),
    text("100,000 attributes in a text", "<p " + "a " * 90_000),
    text("brackets in a text", "[" * 150_000),
    shows("30,000 boxes are displayed", "'<div>' * 30_000"),
    shows("100,000 attributes are displayed", "'<p ' + 'a ' * 100_000"),
    shows("boxes and attributes", "('<b ' + 'c=d ' * 50 + '>') * 1_000"),
    shows("50,000 tables in tables", "'<table><tr><td>' * 9_000"),
    shows("a style of 200,000 properties", "'<p style=\"' + 'color:red;' * 20_000 + '\">'"),
    shows("a link of 500,000 letters", "'<a href=\"http://' + 'a' * 500_000 + '\">'"),
]  # fmt: skip
