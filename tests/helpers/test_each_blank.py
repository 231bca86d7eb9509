"""Each blank is judged by itself: whatever stands in one, right ones keep their points. And right values alone are not
enough: who writes into an input or cuts off a gradient is told. Through the real notebook cells.
"""

import ast

import pytest

from helpers import exercises
from tests import notebooks
from tests.notebooks import cell_of, notebook_of

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


# --- right values, and something else is spoilt: the solution, changed by a machine ----------------

# No input that could be written into: numbers, modules that are put together and do the rest, or several functions in a class.
NOTHING_GIVEN = {
    "q1_position_encoding", "q2_rearrange_warmup", "q3_repeat_warmup", "q5_einsum_warmup", "early_stopping", "conv_block",
    "q7_feed_forward", "q7_encoder_block", "debug_a_vit",
}  # fmt: skip
TRAINED = {
    "q2_patch_embedding", "q3_class_token", "q4_positional_embedding", "q5_attention", "q6_residual_add",
    "multihead_attention", "classification_head", "vit_forward",
}  # fmt: skip
KEEP = "_kept = [value for value in locals().values() if hasattr(value, 'mul_') or isinstance(value, (list, nn.Module)) and value is not locals().get('self')]"
SPOIL = """\
for _value in _kept:
    if isinstance(_value, list):
        _value.append(_value[0])
    else:
        for _tensor in [_value] if hasattr(_value, 'mul_') else _value.parameters():
            _tensor.data.mul_(2)
"""


def solution(key: str) -> ast.Module:
    return ast.parse(cell_of(notebooks.read(notebooks.ROOT / "solutions" / notebook_of(key)), key).source)


def functions(tree: ast.Module) -> list[ast.FunctionDef]:
    """Those that a caller calls with tensors."""
    name = {"forward"} if any(isinstance(node, ast.ClassDef) for node in tree.body) else None
    found = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return [node for node in found if name is None or node.name in name][:1]


def spoiled(key: str, lines: str, at_end: str = "") -> str:
    tree = solution(key)
    (function,) = functions(tree)
    result = function.body.pop()
    assert isinstance(result, ast.Return)
    end = f"_result = {ast.unparse(result.value)}\n{at_end}\nreturn _result"
    function.body = [*ast.parse(lines).body, *function.body, *ast.parse(end).body]
    return f"from torch import nn\n{ast.unparse(tree)}"


@pytest.mark.parametrize("key", [key for key in KEYS if key not in NOTHING_GIVEN])
def test_who_writes_into_an_input_is_told(key, kernels):
    text, points = kernels(notebook_of(key)).answer(key, spoiled(key, KEEP, SPOIL))
    assert points < exercises.load(key).points, text
    assert "an input is written into" in text or "x itself" in text, text


@pytest.mark.parametrize("key", sorted(TRAINED))
@pytest.mark.parametrize("cut", [".detach()", ".data", ".detach().clone()"])
def test_who_cuts_off_a_gradient_is_told(key, cut, kernels):
    each = f"_result = tuple(t{cut} for t in _result) if isinstance(_result, tuple) else _result{cut}"
    text, points = kernels(notebook_of(key)).answer(key, spoiled(key, "pass", each))
    assert points < exercises.load(key).points, text
    assert "cut off" in text, text
