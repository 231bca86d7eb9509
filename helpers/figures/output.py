"""How text, tables and figures reach a notebook: each once as HTML and once as plain text.

HTML, because notebooks cut plain lines within words, show pictures without their alt text, and tables without columns.
Elsewhere (a terminal, a test) the plain text is printed.
"""

import html
import math
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from helpers.figures.frame import framed

CODE = re.compile("`([^`]+)`")
WHOLE = re.compile(r"\d[\d.]*e[-+]\d+|-&gt;")  # after its hyphen a browser would begin a new line
SHORT = 20  # letters in a cell of a table that stay on one line
NUMBER = re.compile(r"[-+−]?[\d,.]+(e[-+]?\d+)?\s?[%×x]?|[-–·]?")


def shell() -> Any:
    """IPython's shell if outputs can be more than text, else None."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def marked(text: str) -> str:
    """As HTML, `code` in backticks set as code."""
    whole = WHOLE.sub(r'<span style="white-space:nowrap">\g<0></span>', html.escape(text))
    return CODE.sub(r"<code>\1</code>", whole)


def put(plain: str, rich: str, reading: str = "") -> None:
    """Show `rich` where HTML can be shown, else print `plain`.

    Args:
        reading: what a figure says; pages that show it elsewhere find it in the output's metadata.
    """
    if shell() is None:
        print(plain)
        return
    from IPython.display import display

    metadata = {"vit": {"reading": reading}} if reading else {}
    display({"text/plain": plain, "text/html": rich}, raw=True, metadata=metadata)


def text(*paragraphs: str) -> None:
    """Sentences; `code` in backticks."""
    put(
        "\n".join(paragraphs),
        "".join(
            f'<p style="max-width:60em;overflow-wrap:anywhere">{marked(paragraph)}</p>'
            for paragraph in paragraphs
        ),
    )


def says(reading: str) -> None:
    """What to see in the picture or table above."""
    put(_line(reading), f"<p>{_caption(reading)}</p>", reading)


def _line(reading: str) -> str:
    return f"What to see: {reading}"


def _caption(reading: str) -> str:
    return f"<strong>What to see:</strong> {marked(reading)}"


def _figure(body: str, says: str) -> str:
    return f'<figure style="margin:0">{body}<figcaption style="max-width:60em">{_caption(says)}</figcaption></figure>'


def table(rows: Iterable[Sequence[Any]], headings: Sequence[str] = (), says: str = "") -> None:
    """A table; what looks like a number stands to the right, and the first column names its row.

    Args:
        rows: of one length each; anything that `str` makes readable.
        headings: one for each column.
        says: what to see in it, under it.
    """
    rows = [[_plainly(value) for value in row] for row in rows]
    lines = [list(headings), *rows] if headings else rows
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    right = [all(NUMBER.fullmatch(row[i].strip()) for row in rows) for i in range(len(widths))]
    plain = "\n".join(
        "  ".join(
            value.rjust(w) if r else value.ljust(w) for value, w, r in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    )

    def cells(line: Sequence[str], head: bool) -> str:
        made = []
        for i, value in enumerate(line):
            tag = (
                'th scope="col"' if head and value else "td" if head else 'th scope="row"' if i == 0 else "td"
            )
            style = f"text-align:{'right' if right[i] else 'left'}"
            if not head:  # on a phone a table is scrolled, not squeezed until each word has a line of its own
                style += ";white-space:nowrap" if len(value) <= SHORT else ";min-width:12em"
            made.append(f'<{tag} style="{style}">{marked(value)}</{tag.split()[0]}>')
        return f"<tr>{''.join(made)}</tr>"

    head = f"<thead>{cells(headings, True)}</thead>" if headings else ""
    body = "".join(cells(row, False) for row in rows)
    rich = f'<div style="overflow-x:auto" tabindex="0"><table>{head}<tbody>{body}</tbody></table></div>'
    put(plain + (f"\n{_line(says)}" if says else ""), _figure(rich, says) if says else rich, says)


def matrix(values: Any, rows: Sequence[str], columns: Sequence[Any], title: str = "") -> None:
    """The numbers of a matrix with two decimals, every row and column named; minus infinity is a dot.

    Args:
        values: (rows, columns) tensor or array.
        title: stands over the names of the rows.
    """
    lines = [
        [name, *("·" if value < -1e9 else f"{round(value, 2) + 0:.2f}" for value in line)]
        for name, line in zip(rows, values.tolist(), strict=True)
    ]
    table(lines, [title, *map(str, columns)])


def compare(prediction: Any, result: Any, what: str = "") -> None:
    """A prediction beside what came: both are shown, and whether they are the same.

    Args:
        prediction: what was written down before; `...` if nothing was.
        result: what came. Tuples, lists and shapes are the same if their entries are; numbers if they are within 1 %.
        what: is predicted, where there are several.
    """
    start, came = f"`{what}`: " if what else "", f"`{_plainly(result)}`"
    if prediction is ...:
        text(
            f"{start}It is {came}. You have written down no prediction: put yours in the place of `...` and run the cell again."
        )
    elif _same(prediction, result):
        text(f"{start}✓ As you predicted: {came}.")
    else:
        text(f"{start}You predicted `{_plainly(prediction)}`, and it is {came}. What did you not think of?")


def _same(prediction: Any, result: Any) -> bool:
    if isinstance(prediction, (tuple, list)) and isinstance(result, (tuple, list)):
        return len(prediction) == len(result) and all(map(_same, prediction, result))
    try:
        return math.isclose(float(prediction), float(result), rel_tol=0.01, abs_tol=0.005)
    except (TypeError, ValueError):
        return _plainly(prediction).lower() == _plainly(result).lower()


def _plainly(value: Any) -> str:
    if isinstance(value, (tuple, list)):  # a torch.Size is a tuple
        return f"({', '.join(_plainly(each) for each in value)})"
    return f"{value:g}" if isinstance(value, float) else str(value).strip()


def finish(says: str, live: Callable[[], str] | None = None) -> None:
    """Show the open matplotlib figures, and under them what to see.

    Each is a `<figure>` with its picture, an alt text made of its titles and axes, and `says` as its caption.

    Args:
        live: gives the page that takes the figure's place where scripts run (frame.py).
    """
    import matplotlib
    import matplotlib.pyplot as plt

    kernel = shell()
    if kernel is None or "inline" not in matplotlib.get_backend():
        plt.show()
        put(_line(says), f"<p>{_caption(says)}</p>", says)
        return
    from IPython.core.pylabtools import print_figure

    figures = [plt.figure(number) for number in plt.get_fignums()]
    drawn = kernel.display_formatter.formatters["image/png"].enabled  # not where a figure is known already
    tags = []
    for figure in figures if drawn else ():
        source, alt = print_figure(figure, base64=True), html.escape(described(figure, says), quote=True)
        tags.append(f'<img src="data:image/png;base64,{source}" alt="{alt}" style="max-width:100%">')
    plt.close("all")
    rich = _figure("<br>".join(tags), says)
    put(_line(says), framed(rich, live()) if live and drawn else rich, says)


def described(figure: Any, says: str) -> str:
    """An alt text for a matplotlib figure: how many panels, their titles, what the axes count; else what it `says`."""
    panels = [ax for ax in figure.axes if (ax.get_label() != "<colorbar>" and ax.axison) or ax.get_title()]
    titles = [" ".join(ax.get_title().split()) for ax in panels if ax.get_title()]
    axes = dict.fromkeys(
        f"{way}: {label}"
        for ax in panels
        for way, label in (("across", ax.get_xlabel()), ("up", ax.get_ylabel()))
        if label
    )
    count = "A figure" if len(panels) <= 1 else f"A figure of {len(panels)} panels"
    told = [part for part in (figure.get_suptitle(), "; ".join(titles), ", ".join(axes)) if part]
    return ". ".join([count, *told]) + "." if told else f"{count}: {says}"
