"""The vocabulary of mistakes: one row a mistake, "slug: what the student reads", and how it shows.

*errors({"not-a-class: the class is used without brackets.": "TypeError: .* is not a Module"})
*values({"doubled: everything is twice as large.": lambda case: {...}})       the arrays that it gives
*values_by(output, {"doubled: everything is twice as large.": lambda x: 2 * x})   output(...) makes them of a function
*values_of("y", ("x",), {"doubled: everything is twice as large.": lambda x: 2 * x})   ... of "x" in the case
*properties({"too-short: a row is missing.": lambda observed, expected, case: ...})
*values_by(always, {f"always-{n}: {n} is written out.": n for n in (3, 5)})   one row for 3 and one for 5

What can go wrong in every exercise stands at the end, once: `UNKNOWN_NAMES` and `ANYWHERE`. `helpers.exercises.load` puts the first
in front of an exercise's own mistakes and the second behind them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from helpers.checks.arrays import CHANGED, LEARNS, Case, to_array
from helpers.checks.exercise import Misconception

Mistakes = tuple[Misconception, ...]


def _made(rows: Mapping[str, Any], how: str, make: Callable[[Any], Any] = lambda value: value) -> Mistakes:
    return tuple(
        Misconception(slug, message, **{how: make(value)})
        for slug, _, message, value in ((*row.partition(": "), value) for row, value in rows.items())
    )


def errors(rows: Mapping[str, str]) -> Mistakes:
    """Mistakes that raise: row -> a regular expression that is found in "TypeName: text" of the error."""
    return _made(rows, "raises")


def values(rows: Mapping[str, Any]) -> Mistakes:
    """Mistakes that give other values: row -> `produces(case)`, the arrays that were seen."""
    return _made(rows, "produces")


def values_by(make: Callable[[Any], Any], rows: Mapping[str, Any]) -> Mistakes:
    """As `values`, where `make` makes `produces` of what stands in the row."""
    return _made(rows, "produces", make)


Given = Callable[[Case], tuple] | tuple[str, ...]


def values_of(key: str, given: Given, rows: Mapping[str, Any]) -> Mistakes:
    """As `values`, of one array: row -> a function that makes what was seen as `key`.

    Args:
        given: what the functions are given: names of the case's entries, or `given(case)`.
    """

    def of(made: Callable[..., Any]) -> Callable[[Case], Any]:
        inputs = given if callable(given) else lambda case: [case[name] for name in given]
        return lambda case: {key: to_array(made(*inputs(case)), key)}

    return _made(rows, "produces", of)


def itself(case: Case) -> tuple[Case]:
    """For `values_of`: the functions are given the case."""
    return (case,)


def properties(rows: Mapping[str, Any]) -> Mistakes:
    """Mistakes that are known by a property: row -> `when(observed, expected, case)`.

    A property that can't be asked of what was seen, since an array is missing or has other axes, does not hold.
    """
    return _made(rows, "when", _or_not)


def _or_not(when: Callable[..., Any]) -> Callable[..., bool]:
    def holds(*arrays: Any) -> bool:
        with contextlib.suppress(KeyError, IndexError, TypeError, ValueError):
            return bool(when(*arrays))
        return False

    return holds


def properties_by(make: Callable[[Any], Any], rows: Mapping[str, Any]) -> Mistakes:
    """As `properties`, where `make` makes `when` of what stands in the row."""
    return _made(rows, "when", lambda value: _or_not(make(value)))


def prefixed(rows: Mapping[str, Any], slug: str = "", message: str = "") -> dict[str, Any]:
    """The rows with this in front of each slug and of each message."""
    return {slug + row.replace(": ", f": {message}", 1): value for row, value in rows.items()}


def row_by_row(*groups: Mistakes) -> Mistakes:
    """Groups of the same length: the first mistake of each, then the second of each, ..."""
    return tuple(mistake for row in zip(*groups, strict=True) for mistake in row)


# --- in every exercise ----------------------------------------------------------------------------

# right values, and something else is not
SPOILT = properties({
    "input-changed: an input is written into, by `+=`, by a function that ends in `_` or by `...[...] =`, maybe under another name: its owner still needs it as it was. Make a new one, or write into a copy (`.clone()`).":
        lambda seen, wanted, case: any(key.startswith(CHANGED) for key in seen),
    "gradient-cut: a tensor is cut off from training: by `.detach()`, `.data` or `torch.no_grad()`, or on a detour through numpy or a list.":
        lambda seen, wanted, case: seen.get(LEARNS, 1) == 0,
})  # fmt: skip

IMPORTS = {
    "math": "import math",
    "np": "import numpy as np",
    "numpy": "import numpy",
    "torch": "import torch",
    "nn": "from torch import nn",
    "F": "import torch.nn.functional as F",
    "einops": "import einops",
    "rearrange": "from einops import rearrange",
    "repeat": "from einops import repeat",
    "reduce": "from einops import reduce",
    "Rearrange": "from einops.layers.torch import Rearrange",
}

# names that an exercise's own "a name is used that is not known" would explain badly
UNKNOWN_NAMES = errors({
    **{
        f"import-{name}: `{name}` is used and this notebook has not imported it: write `{line}` as the first line of your cell. (Or run the set-up cell again, if it stands there.)":
            f"NameError: name '{name}' is not"
        for name, line in IMPORTS.items()
    },
    "function-without-module: a function or a layer is used without the name of its module and a dot in front of it: `torch.` for tensors, `nn.` for layers, `np.` or `math.` for plain numbers.":
        r"NameError: name '(sqrt|exp|log|sin|cos|tan|pi|power|radians|softmax|log_softmax|sigmoid|relu|gelu|matmul|mm|bmm|einsum"
        r"|cat|concat|stack|chunk|tensor|zeros|ones|arange|topk|tril|triu|one_hot|clone|where"
        r"|Linear|LayerNorm|BatchNorm2d|Conv2d|Dropout|GELU|ReLU|Softmax|Sequential|Parameter|Module)' is not",
})  # fmt: skip

MODULE = "is not a Module subclass"
A_CLASS = rf"TypeError: (type|(\w+\.)*(?!\w*Tensor)[A-Z]\w*) {MODULE}"  # stands where a module belongs
ANYWHERE = errors({
    # names and attributes
    "used-too-early: a name is used before anything is stored under it: that line stands further down, or did not run.": "UnboundLocalError",
    "name-not-known: a name is used that is not known here: look at the spelling, at the lines above and at the inputs in the line with `def`.": "NameError",
    "value-is-open: `...` stands where a value belongs: something that is used here is still to be filled in, in this cell or in one above it.":
        r"'ellipsis'|(not|type) ellipsis\b",
    "value-is-none: one of the values is None. A function without `return` gives that, and a method that only changes what is there, such as `append`.":
        r"'NoneType'|not NoneType",
    "module-lacks: the module has nothing of that name: look at the spelling. Perhaps it is in another module, or a method of the tensor.":
        "AttributeError: module '",
    "tensor-lacks: a tensor is asked for something that it does not have: look at the spelling. Perhaps it is a function, as in `torch.maximum(a, b)`.":
        "AttributeError: '(Tensor|Parameter)' object",
    "plain-lacks: something of plain Python (the error names it: a list, a number, a text) is asked for what only other things have, such as tensors.":
        r"AttributeError: '(list|tuple|dict|str|int|float|bool|generator|torch\.Size|\w*function\w*|method)' object",
    "object-lacks: an object is asked for something that it does not have: look at the spelling. Under `self.` is only what `__init__` has stored there.":
        "AttributeError: ",
    # brackets
    "value-called: a tensor or a number is called like a function: no round brackets belong behind it. (`.T` and `.shape` have none, an index stands in square ones, and a product needs its sign.)":
        r"TypeError: '(Tensor|Parameter|torch\.Size|(numpy\.)?ndarray|numpy\.\w+|float|int)' object is not callable",
    "list-called: a list or a text is called like a function: an index stands in square brackets.": "TypeError: '(list|tuple|dict|str)' object is not callable",
    "never-called-itself: a function, a method or a class is used without being called: the round brackets behind it are missing.":
        r"unsupported operand type\(s\).*'(\w*function\w*|method|numpy\.ufunc|type)'"
        r"|'(\w*function\w*|method|type)' object is not (subscriptable|iterable)|(must be Tensor, not|but is) a? ?(\w*function\w*|method|type)\b",
    "list-for-modules: nn.Sequential is given a list: it takes the modules one by one, with commas between them. (A star in front of a list hands them over like that.)":
        f"(list|tuple|generator|dict|ModuleList) {MODULE}",
    "tensor-for-module: a tensor stands where a module belongs: nn.Sequential is told which layers to use, and is given the tensor later.":
        rf"torch\.\w*Tensor {MODULE}",
    "function-for-module: a function stands where a module belongs: nn.Sequential takes layers, as nn.ReLU() is one.":
        rf"(function|<lambda>|\.[a-z_]\w*) {MODULE}",
    "class-for-module: a class stands where a module belongs: the round brackets behind it, which make one, are missing.":
        A_CLASS,
    "no-module: what is put among the modules is none.": MODULE,
    "called-itself: a function (or a module, in its own forward) calls itself, again and again without end: what computes the value has another name.": "RecursionError",
    # kinds of values
    "layer-for-result: a layer came out where numbers are asked: it is made first, and then called with the tensor.":
        r"Unfit: .* of numbers but is a [A-Z]\w+\.$",
    "list-for-result: a list or a tuple came out where one tensor is asked: put together what is in it.":
        r"Unfit: .* tensor( of numbers)? but is a (list|tuple)",
    "gradient-to-numpy: a function of numpy is given a tensor that gradients go through: torch has its own, often of the same name.": "Can't call numpy",
    "power-sign: `^` is used for a power: in Python that is `**`.": r"operand type\(s\) for \^|bitwise_xor",
    "tuple-for-tensor: a tuple or a list stands where one tensor belongs. A function that returns two things gives both: take them apart, with two names left of `=` or with an index.":
        r"must be Tensor, not (tuple|list)",
    "text-as-index: a text stands in square brackets behind a tensor: only numbers, slices and tensors do.": "invalid data type 'str'",
    "truth-of-tensor: a whole tensor is asked whether it is true (by `not`, `and`, `or`, `if`): to compare entry by entry there are `==`, `~`, `&` and `|`.":
        "Boolean value of Tensor",
    "number-for-tensor: a function of torch is given a plain number where it takes a tensor. For those there are `math` and `np`, and `** 0.5` for a root. (Or the arguments have changed places.)":
        r"TypeError: .*must be Tensor, not (int|float|bool|numpy\.\w+)|pow\(\) received an invalid combination",
    "module-for-tensor: a layer stands where a tensor belongs: it is made first, and then called with the tensor.":
        r"must be Tensor, not [A-Z]\w+|dim must be an int or None",
    "tensor-for-number: a whole tensor stands where one number is needed, as in a function of `math`, in `float()` or in `range()`.":
        r"(Python scalars|to Scalar|to an index)\b|only (0-dimensional|length-1) arrays",
    "list-in-calculation: a list, a tuple or a text stands in a calculation with tensors: they do not know how to calculate.":
        r"unsupported operand type\(s\).*'(list|tuple|str|dict|set|torch\.Size)'|can only concatenate",
    "no-number: something stands in a calculation that is neither a number nor a tensor (the error names its type).": r"unsupported operand type\(s\)",
    "float-for-size: a size is no whole number: `/` always gives a float, `//` a whole number.":
        r"must be tuple of ints.*float|type float|'float' object cannot be interpreted as an integer",
    "tensor-for-size: a tensor stands where a size belongs, which is a whole number: ask its `.shape` for one.": "must be tuple of ints.*Tensor",
    "other-for-size: something stands where a size belongs that is no whole number: the error names what it is.": "must be tuple of ints",
    "zero-below: something is divided by 0.": "ZeroDivisionError",
    "two-kinds-of-numbers: two tensors hold different kinds of numbers, such as float and double: change one with `.float()`.":
        "same dtype|expected scalar type",
    # shapes
    "matrices-only: a function is given a tensor with more (or fewer) axes than it is for: torch.mm and `.t()` are for two axes, torch.bmm for three, torch.dot for one. `@` takes any number of axes in front.":
        "must be a (matrix|3D tensor)|with <= 2 dimensions|only supported on (matrices|2-D)|1D tensors expected|vector, matrix, or other",
    "norm-size: a LayerNorm is made for another size than the last axis has: it is told how many numbers a token has.": "normalized_shape",
    "conv-channels: a convolution is made for another number of channels than it gets: first what comes in, then what goes out.": "Given groups=",
    "product-sizes: the sizes of a product do not fit: the last axis of the left one has to be as long as the last but one of the right one. Print both shapes in the line above.":
        "shapes cannot be multiplied|Expected size for first two dimensions|Expected batch2_sizes|size mismatch",
    "shapes-differ: two tensors meet whose shapes do not fit. Print both in the line above: going from the last axis to the front, lengths are equal or one of them is 1.":
        "must match the (size of tensor|existing size)|could not be broadcast|not broadcastable",
    "sizes-of-reshape: the sizes of a reshape do not multiply to the count of numbers that are there.":
        "is invalid for input of size|sizes to unflatten|cannot reshape array",
    "view-after-move: `view` is used after the axes were moved: use reshape.": "view size is not compatible",
    "order-of-axes: permute or transpose is not given the axes that there are: each of them once, counted from 0.":
        r"permute\(|number of dimensions in the tensor input does not match|transpose\(\)",
    "repeat-axes: `repeat` or `expand` is told sizes for too few axes: one number for each axis of the tensor (and more in front for new ones).": "repeat dims|number of sizes provided",
    "joined-sizes: tensors are joined that differ in another axis than the one along which they are joined, or in the number of axes.":
        "Sizes of tensors must match|must have same number of dimensions|stack expects",
    "joined-without-list: torch.cat and torch.stack take one list of tensors: put square brackets around them.": "must be tuple of Tensors",
    "axis-not-there: an axis is named that the tensor does not have: axes are counted from 0, and -1 is the last.": "Dimension out of range",
    "too-many-indices: more indices stand in the square brackets than the tensor has axes.": "too many indices",
    "index-not-there: an index is too large: counting starts at 0, so the last of n entries is n - 1.": "IndexError: .*(out of bounds|out of range)",
    "key-not-there: a dictionary is asked for a key that it does not have.": "KeyError",
    "einsum-letters: the einsum string does not fit what it is given: one letter for each axis of each tensor, with a comma between tensors, and on the right of `->` the letters of the axes that stay.":
        r"einsum\(\)",
    "softmax-of-what: softmax is not told along which axis: add `dim=...`.": r"softmax\(\) missing",
    # calls
    "too-little-given: a function or a class is given too little: the error names what is missing.": r"TypeError: .*missing \d+ required",
    "too-much-given: a function or a class is given more than it takes. In a new cell, `help(...)` with its name in the brackets lists what it takes.":
        r"TypeError: .*takes .* given",
    "argument-unknown: an argument has a name that the function or class does not know. In a new cell, `help(...)` with its name in the brackets lists them.":
        "unexpected keyword argument|multiple values for",
    "other-kind-given: a function is given something of another kind than it takes: the error tells what it got, and what it expects.":
        r"TypeError: .*(invalid combination of arguments|must be .* not |expected .* got)",
    "not-callable: something is called that can't be, with round brackets behind it: square brackets take an index.": "is not callable",
    "not-subscriptable: an index, in square brackets, stands behind something that has no entries.": "is not subscriptable",
    "count-to-unpack: left of `=` stand more or fewer names than there are things on its right.": "to unpack|non-iterable",
    "pattern-does-not-fit: einops can't use the pattern: on the left one name, or one bracket of names, for each axis; on the right the same names.": "EinopsError",
})  # fmt: skip
