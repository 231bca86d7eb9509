"""Files that are much work to read, and outputs that are much work to clean: a verdict for each, and a bound on the work.

What the entries cost the judge itself, and the process that reads for it, is measured by tests/judging/test_hostile.py.
"""

import json
from collections.abc import Callable

import nbformat
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


def changed(name: str, change: Callable[[dict], bytes | str | None], **more) -> Entry:
    """Right answers in a notebook that is changed as JSON, in place or for what is returned."""

    def edit(nb) -> bytes:
        content = json.loads(nbformat.writes(nb))
        made = change(content)
        return made.encode() if isinstance(made, str) else made or json.dumps(content).encode()

    return Entry(name, edit=edit, **{"points": FULL, **more})


def written(content: dict, **more) -> None:
    content["cells"].append({"cell_type": "markdown", "id": "mine", "metadata": {}, "source": "mine", **more})


def copies(content: dict, of: str) -> None:
    cell = next(cell for cell in content["cells"] if cell["metadata"].get("nbgrader", {}).get(of))
    content["cells"] += [{**cell, "source": f"{''.join(cell['source'])}\n# {n}"} for n in range(1_900)]


def inside(content: dict, metadata: str) -> str:
    return json.dumps({**content, "metadata": "@@"}).replace('"@@"', metadata)


DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
NAMES = (5, [], {}, "x" * 5_000_000, None, "\ud800")
BLANK = "def getPositionEncoding(seq_len, d, n=10000):\n"
NESTED = "".join(" " * (4 + n) + f"def f{n}():\n" + " " * (5 + n) + "denominator = P\n" for n in range(90))


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
    changed("metadata 100,000 deep", lambda nb: inside(nb, '{"a":' * 100_000 + "1" + "}" * 100_000)),
    changed("metadata of 1,000,000 keys", lambda nb: inside(nb, json.dumps({str(n): n for n in range(1_000_000)}))),
    changed("execution counts of 100,000 digits", lambda nb: json.dumps(nb).replace('"execution_count": null', '"execution_count": ' + "7" * 100_000)),
    changed("NaN, infinities and numbers without end", lambda nb: json.dumps(nb).replace('"execution_count": null', '"execution_count": NaN, "a": -Infinity, "b": 1e999999')),
    changed("names that are numbers, lists and 5 MB long", lambda nb: nb["cells"].extend({"cell_type": "code", "id": n, "metadata": {"nbgrader": {"grade_id": n}}, "source": "x = 1"} for n in NAMES)),
    changed("a picture named by half a character", lambda nb: written(nb, source="![](attachment:\ud800.png)", attachments={"\ud800.png": {"image/png": DOT}})),
    changed("100,000 pictures of nothing", lambda nb: written(nb, attachments={str(n): {"image/png": DOT[:12]} for n in range(100_000)})),
    changed("4,000 pictures in each of 50 texts", lambda nb: [written(nb, source=f"![](data:image/png;base64,{DOT[:12]})" * 4_000) for _ in range(50)] and None),
    changed("3,000,000 empty lines", lambda nb: written(nb, source=["\n"] * 3_000_000)),
    changed("1,900 copies of a check", lambda nb: copies(nb, "grade")),
    changed("1,900 copies of an answer", lambda nb: copies(nb, "solution")),
    changed("sixty sheets of the same", lambda nb: json.dumps({"worksheets": [{"cells": nb["cells"]}] * 60})),
    own("60,000 decorators", "@a\n" * 60_000 + "class ResidualAdd: pass"),
    own("fields in fields of a text", "ResidualAdd = " + "f'{" * 30_000),
    own("strings that never end", ("ResidualAdd = '" + "\\" * 100 + "\n") * 1_800),
    own("help without end", "ResidualAdd" + "?" * 150_000),
    Entry("a blank and 90 functions in functions", {Q1: BLANK + "    denominator = ...\n" + NESTED}, points={Q6: 1}),
    Entry("a blank behind 2,400 plus signs", {Q1: BLANK + "    denominator = " + "1 + " * 2_400 + "...\n"}, points={Q6: 1}),
    shows("30,000 boxes are displayed", "'<div>' * 30_000"),
    shows("100,000 attributes are displayed", "'<p ' + 'a ' * 100_000"),
    shows("boxes and attributes", "('<b ' + 'c=d ' * 50 + '>') * 1_000"),
    shows("50,000 tables in tables", "'<table><tr><td>' * 9_000"),
    shows("a style of 200,000 properties", "'<p style=\"' + 'color:red;' * 20_000 + '\">'"),
    shows("a link of 500,000 letters", "'<a href=\"http://' + 'a' * 500_000 + '\">'"),
]  # fmt: skip
