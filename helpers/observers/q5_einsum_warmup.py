"""Observes einsum_patterns: what the student's object gives, whatever that is. Judged in helpers/exercises/q5_einsum_warmup.py."""

import re
from collections.abc import Callable

import numpy as np
import torch

from helpers.checks.arrays import Arrays, Case, Unfit, to_array
from helpers.checks.observe import Observer

LIBRARY: dict[str, Callable[..., torch.Tensor]] = {
    "matrix product": torch.mm,
    "batched product": torch.bmm,
    "outer product": torch.outer,
    "trace": torch.trace,
    "weighted sum": lambda w, V: torch.mv(V.T, w),
}

# Why there is no result: one number for each kind of mistake, since an observation holds numbers only.
# The kinds above OTHER are found in the words of torch.einsum's error.
MISSING, NOT_TEXT, OTHER = 1, 2, 3
PROBLEMS = {
    MISSING: ("missing", "", "the dictionary has no entry of this name any more: put the given name back."),
    NOT_TEXT: ("not-a-string", "", "the entry is not a string: the letters go between quotes."),
    OTHER: ("error", "", "torch.einsum can't read the string: the cell above the check shows its complaint."),
    4: (
        "operand-count",
        "(more|fewer) operands were provided",
        "the string names more or fewer tensors than there are: on the left of `->` stands one group of "
        "letters for each tensor, with a comma between them.",
    ),
    5: (
        "letter-count",
        "number of subscripts in the equation",
        "a tensor has more or fewer axes than it is given letters: each axis gets one letter.",
    ),
    6: (
        "sizes-differ",
        "does not broadcast|has size \\d+ for operand",
        "one letter names two axes of different length: only axes that run along together share a letter.",
    ),
    7: (
        "unknown-letter",
        "does not appear in the equation for any input",
        "a letter on the right of `->` stands nowhere on the left.",
    ),
    8: (
        "letter-twice",
        "appears more than once in the output",
        "a letter stands twice on the right of `->`: each axis of the result is named once.",
    ),
    9: (
        "not-a-letter",
        "invalid subscript",
        "the string holds a sign that einsum does not know: only letters, commas, spaces and one `->`.",
    ),
}


def observe(obj, case: Case) -> Arrays:
    if not isinstance(obj, dict):
        raise Unfit(f"einsum_patterns should be the dictionary that was given but is a {type(obj).__name__}.")
    seen = {}
    for name in LIBRARY:
        pattern = obj.get(name)
        if pattern is ...:  # left blank: no result and no problem either
            continue
        problem = MISSING if name not in obj else NOT_TEXT if not isinstance(pattern, str) else 0
        if not problem:
            try:
                seen[name] = to_array(torch.einsum(pattern, *case[name]), name)
            except Exception as error:
                words = [n for n, (_, sign, _) in PROBLEMS.items() if sign and re.search(sign, str(error))]
                problem = words[0] if words else OTHER
        seen[f"{name}: problem"] = np.array(float(problem))
    return seen


observer = Observer("einsum_patterns", observe)
