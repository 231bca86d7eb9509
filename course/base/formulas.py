"""Formulas as MathML, so that a page shows them and fetches nothing."""

import re

from latex2mathml.converter import convert

TEXT = re.compile(r"\\(?:text\w*|mbox)\{[^{}]*\}")
ESCAPED = re.compile(r"\\([_%#$&])")


def mathml(formula: str, display: str) -> str:
    r"""LaTeX as MathML.

    Args:
        display: "inline" or "block".

    Raises whatever latex2mathml raises, which has many errors of its own. It would show the backslash of \text{head\_dim}.
    """
    return convert(TEXT.sub(lambda text: ESCAPED.sub(r"\1", text[0]), formula.strip()), display=display)
