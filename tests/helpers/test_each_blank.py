"""Each blank is judged by itself: whatever stands in one, right ones keep their points. Through the real notebook cells."""

import pytest

from helpers import exercises
from tests import notebooks
from tests.notebooks import notebook_of

KEYS = [key for path in notebooks.SOLUTIONS for key in notebooks.exercises_of(path)]
# what stands in the blank
WRONG = {
    "raises": "a_name_that_nobody_knows",
    "open": "...",
    "None": "None",
    "another value": "-7",
    "NaN": 'float("nan")',
    "another shape": '__import__("torch").zeros(3, 1, 4, 1, 5)',
}


def parts_of(key: str, stub: str) -> tuple[float, float]:
    """What the other blanks are worth, and what hangs on several."""
    parts = exercises.load(key).parts
    name = stub.replace('"', "").rstrip(",")  # of a dict's entry the check knows the key without its quotes
    mine = [part for part in parts if part.blank and part.blank in name]
    assert mine, stub
    free = sum(part.points for part in parts if not part.blank)
    return sum(part.points for part in parts if part not in mine) - free, free


@pytest.mark.parametrize("key", KEYS)
def test_whatever_stands_in_a_blank_the_others_keep_their_points(key, kernels):
    table, lost = [], []
    for stub, line in notebooks.blanks(key).items():
        indent = line[: len(line) - len(line.lstrip())]
        others, free = parts_of(key, stub)
        for kind, text in WRONG.items():
            said, points = kernels(notebook_of(key)).answer(key, {line: indent + stub.replace("...", text)})
            table.append(f"{stub:40} {kind:15} {points:g} of {others:g}")
            if not others <= points + 1e-6 or not points <= others + free + 1e-6:
                lost.append(f"{stub} {kind}: {points:g}, the others are worth {others:g}\n{said}")
    print("\n".join(table))
    assert not lost, "\n".join(lost)
