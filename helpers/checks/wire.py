"""Values between the judge and a kernel: one .npz file, numbers in arrays and everything else in JSON, no pickle.

`dump` and `parse` know None, bool, int, float, str, list, tuple, dict with text keys, numpy arrays and scalars,
and torch tensors; they come back as the same types with the same bits. `parse` is safe on bytes that somebody
has made up: sizes are bounded before anything is read, and every defect is a `ValueError`.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np

LIMIT = 16_000_000  # bytes of a whole message
TREE = "tree"  # the member that holds the JSON
TREE_LIMIT = 1_000_000
PLAIN = (type(None), bool, int, float, str)


def dump(value: Any) -> bytes:
    """The bytes of `value`.

    Raises:
        TypeError: for a type that is not listed above.
    """
    arrays: dict[str, np.ndarray] = {}
    tree = json.dumps(_pack(value, arrays)).encode()
    file = io.BytesIO()
    np.savez(file, **{TREE: np.frombuffer(tree, np.uint8)}, **arrays)
    return file.getvalue()


def _pack(value: Any, arrays: dict[str, np.ndarray]) -> Any:
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
    arrays[f"a{len(arrays)}"] = array
    return {kind: f"a{len(arrays) - 1}"}


def parse(data: bytes) -> Any:
    """The value that `dump` gave these bytes for.

    Raises:
        ValueError: if they are too many, or `dump` did not write them.
    """
    if len(data) > LIMIT:
        raise ValueError(f"{len(data):,} bytes are more than {LIMIT:,}")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            # stored, not compressed: nothing can unfold to more than the bytes that are here
            if len(members) > 10_000 or any(m.compress_type != zipfile.ZIP_STORED for m in members):
                raise ValueError("not written by dump")
            if sum(m.file_size for m in members) > LIMIT:
                raise ValueError("the members are larger than the file")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            tree = arrays[TREE]
            if tree.dtype != np.uint8 or tree.size > TREE_LIMIT:
                raise ValueError("the tree is not text, or too long")
            return _unpack(json.loads(tree.tobytes()), arrays)
    except ValueError:
        raise
    except Exception as error:  # zip, numpy, JSON and recursion have errors of their own
        raise ValueError(f"not written by dump: {type(error).__name__}") from None


def _unpack(tree: Any, arrays: Any) -> Any:
    if type(tree) in PLAIN:
        return tree
    ((kind, content),) = tree.items()
    if kind in ("list", "tuple"):
        return {"list": list, "tuple": tuple}[kind](_unpack(item, arrays) for item in content)
    if kind == "dict":
        return {str(key): _unpack(item, arrays) for key, item in content}
    array = arrays[content]
    if array.dtype.kind not in "biufc":
        raise ValueError(f"{array.dtype} is no number")
    if kind == "tensor":
        import torch

        return torch.from_numpy(np.ascontiguousarray(array).reshape(array.shape))
    return {"array": lambda: array, "scalar": lambda: array[()]}[kind]()
