"""Values between the judge and a kernel: a text of JSON, and the bytes of its arrays one after the other. No pickle.

`dump` and `parse` know None, bool, int, float, str, list, tuple, dict with text keys, numpy arrays and scalars,
and torch tensors; they come back as the same types with the same bits. `parse` is safe on bytes that somebody
has made up: each array is named once, where it stands in the text, and takes the next bytes of the message, so what
comes out is as large as what went in; and every defect is a `ValueError`.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import numpy as np

LIMIT = 4_000_000  # bytes of a message; the largest of the course has 170,000
TREE_LIMIT = 200_000  # of its text; the longest of the course has 8,000
HEAD = 8  # bytes that say how long the text is
PLAIN = (type(None), bool, int, float, str)
NUMBERS = re.compile(r"[<>|=][biufc]\d{1,2}")  # a dtype, as numpy writes it


def dump(value: Any) -> bytes:
    """The bytes of `value`.

    Raises:
        TypeError: for a type that is not listed above.
    """
    arrays: list[bytes] = []
    tree = json.dumps(_pack(value, arrays)).encode()
    return b"".join([len(tree).to_bytes(HEAD, "little"), tree, *arrays])


def _pack(value: Any, arrays: list[bytes]) -> Any:
    if type(value) in PLAIN:
        return value
    if type(value) in (list, tuple):
        return {type(value).__name__: [_pack(item, arrays) for item in value]}
    if isinstance(value, dict) and all(type(key) is str for key in value):
        return {"dict": [[key, _pack(item, arrays)] for key, item in value.items()]}
    import torch  # the judge and the kernel have it; who only reads records need not

    kinds = {torch.Tensor: "tensor", np.ndarray: "array"}
    kind = "scalar" if isinstance(value, np.generic) else kinds.get(type(value))
    array = value.detach().numpy() if kind == "tensor" else np.asarray(value)
    if kind is None or array.dtype.kind not in "biufc":
        raise TypeError(f"a {type(value).__name__} can't be sent")
    arrays.append(array.tobytes())
    return {kind: [array.dtype.str, list(array.shape)]}


def parse(data: bytes, limit: int = LIMIT, tree_limit: int = TREE_LIMIT) -> Any:
    """The value that `dump` gave these bytes for.

    Raises:
        ValueError: if they are too many, or `dump` did not write them.
    """
    if len(data) > limit:
        raise ValueError(f"{len(data):,} bytes are more than {limit:,}")
    begin = HEAD + int.from_bytes(data[:HEAD], "little")
    if not HEAD < begin <= min(len(data), HEAD + tree_limit):
        raise ValueError("the text is missing, or too long")
    try:
        reader = _Reader(data, begin)
        value = reader.value(json.loads(data[HEAD:begin]))
    except Exception as error:  # JSON, numpy and recursion have errors of their own
        raise ValueError(f"not written by dump: {type(error).__name__}") from None
    if reader.at != len(data):
        raise ValueError("there is more than the text says")
    return value


class _Reader:
    """Makes values of a tree; `at` is where the bytes of the next array begin."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at = data, at

    def value(self, tree: Any) -> Any:
        if type(tree) in PLAIN:
            return tree
        ((kind, content),) = tree.items()
        if kind in ("list", "tuple"):
            return {"list": list, "tuple": tuple}[kind](self.value(item) for item in content)
        if kind == "dict":
            return {str(key): self.value(item) for key, item in content}
        array = self._array(*content)
        if kind == "tensor":
            import torch

            return torch.from_numpy(array)
        return {"array": lambda: array, "scalar": lambda: array[()]}[kind]()

    def _array(self, name: str, shape: list[int]) -> np.ndarray:
        if not NUMBERS.fullmatch(name) or not all(type(size) is int and size >= 0 for size in shape):
            raise ValueError("no array of numbers")
        kind = np.dtype(name)
        begin, self.at = self.at, self.at + math.prod(shape) * kind.itemsize
        taken = self.data[begin : self.at]
        if len(taken) < self.at - begin:
            raise ValueError("an array ends before its last number")
        if kind.kind == "b":  # any other byte would be a third truth value
            taken = (np.frombuffer(taken, np.uint8) != 0).tobytes()
        return np.frombuffer(bytearray(taken), kind).reshape(shape)
