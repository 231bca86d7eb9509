"""A model's attention to take into one's hands: what every token of a photo takes from where, in every head of every block.

    found = look(model, photo, mean, std)      numbers, with the model's own code untouched
    explore(model, photo, class_names=..., mean=..., std=...)      one output to click through

Attention is caught where it is computed: while the model runs, every result is looked at, and what is a square of token
by token with rows that sum to 1 is it. So it does not matter who wrote the attention, or how.
"""

import base64
import contextlib
import io
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from helpers.figures import frame
from helpers.figures.output import finish
from helpers.figures.pictures import draw_panels

LEVELS = (
    255,
    127,
    63,
    45,
    31,
    22,
    15,
    11,
    7,
)  # steps from 0 to the largest weight of a row: the finest that fits
MOST = (
    1_300_000  # bytes of compressed weights; as base64, with page and photo, less than 2 MB in the notebook
)
BEST = 3  # classes named after each block


@dataclass(frozen=True)
class Found:
    """What one photo did in a model.

    Attributes:
        attention: (blocks, heads, tokens, tokens), float32; row: who asks, column: who is asked.
        classes: (blocks + 1, classes), float32: shares by softmax, were the blocks from here on left out (the logit lens);
            the last row is the model's answer.
        rows, columns: of the grid of patches.
        front: names of the tokens in front of the patches.
    """

    attention: np.ndarray
    classes: np.ndarray
    rows: int
    columns: int
    front: tuple[str, ...]


def explore(model: Any, photo: Any, *, mean: Any, std: Any, class_names: Sequence[str] = ()) -> None:
    """Show a model's attention in a photo, to be explored: choose a patch, a block, a head.

    Without scripts (on GitHub, in print) a picture of what the class token takes from the patches in the last block stands.

    Args:
        model: a ViT with its encoder blocks in `model.blocks`: yours, the course's or one of timm's.
        photo: (3, H, W) as the model wants it in size, uint8 or floats in 0..1; not normalised.
        mean, std: of each colour, for photos in 0..1: the model gets (photo - mean) / std.
        class_names: what each output stands for.

    Raises:
        ValueError: for a photo that is no picture or does not fit the model, names that do not fit its outputs, and a model in
            which no attention is found.

    Source of the table of classes: nostalgebraist, "interpreting GPT: the logit lens", 2020.
    """
    found = look(model, photo, mean, std)
    if class_names and len(class_names) != found.classes.shape[1]:
        raise ValueError(f"{len(class_names)} class_names for a model with {found.classes.shape[1]} outputs.")
    names = [
        class_names[i].split(",")[0] if class_names else f"class {i}" for i in range(found.classes.shape[1])
    ]
    blocks, heads, tokens, _ = found.attention.shape
    asks = found.front[0] if found.front else "the first patch"
    maps = found.attention[-1, :, 0, len(found.front) :].reshape(heads, found.rows, found.columns)
    head, place = divmod(int(maps.argmax()), found.rows * found.columns)
    row, column = divmod(place, found.columns)
    best = ", ".join(
        f"{names[i]} ({found.classes[-1, i]:.1%})" for i in np.argsort(-found.classes[-1])[:BEST]
    )
    says = (
        f"in the last of {blocks} blocks head {head} takes the largest share of all that {asks} takes from a patch, "
        f"{maps.max():.1%}, from row {row}, column {column}. Alike, each of the {tokens} tokens would have {1 / tokens:.1%}. "
        f"The model's answer: {best}."
    )
    titles = [f"head {head}" for head in range(heads)]
    draw_panels(maps, photo=photo, titles=titles, label="share", vmin=0, size=1.7)
    finish(says, live=lambda: page(found, photo, names))


def look(model: Any, photo: Any, mean: Any, std: Any) -> Found:
    """Attention of every block and what the model would answer after each, for one photo; see `explore`."""
    import torch

    photo = torch.as_tensor(photo)
    _must_be_a_picture(photo)
    blocks = list(getattr(model, "blocks", ()))
    if not blocks:
        raise ValueError(
            f"explore finds encoder blocks in `model.blocks`, and {type(model).__name__} has none."
        )
    like = next(model.parameters())
    mean, std = (torch.as_tensor(each, dtype=torch.float32).reshape(-1, 1, 1) for each in (mean, std))
    x = ((photo.cpu() / (255 if photo.dtype == torch.uint8 else 1) - mean) / std)[None].to(like)
    states: list[Any] = []
    with torch.no_grad(), contextlib.ExitStack() as after:
        for module in model.modules():
            after.callback(setattr, module, "training", module.training)
        model.eval()
        try:
            with _watching(blocks, states) as caught:
                classes = model(x).float().softmax(dim=-1)  # (blocks + 1, classes)
        except Exception as error:
            raise ValueError(
                f"{type(model).__name__} can't read a photo of shape {tuple(photo.shape)}: {error}. "
                "Is that the size in pixels that the model was made for?"
            ) from error
    for number in range(len(blocks)):
        if number not in caught:
            tokens = states[0].shape[1]
            raise ValueError(
                f"No attention is found in block {number} of {type(model).__name__}: nothing of shape (heads, {tokens}, {tokens}) "
                "with rows that sum to 1 is computed there. Is the softmax over the last axis?"
            )
    if len({each.shape[0] for each in caught.values()}) > 1:
        raise ValueError(
            "explore compares heads by their number, and these blocks have different numbers of them."
        )
    attention = torch.stack([caught[number] for number in range(len(blocks))]).float().cpu().numpy()
    front = getattr(model, "num_prefix_tokens", 1)
    rows, columns = _grid(photo.shape[1:], attention.shape[-1] - front)
    names = ("the class token", *(f"register token {i}" for i in range(front - 1)))[:front]
    return Found(attention, classes.cpu().numpy(), rows, columns, names)


@contextlib.contextmanager
def _watching(blocks: Sequence[Any], states: list[Any]) -> Any:
    """While inside, `states` gets what goes into the first block and comes out of each: blocks + 1 times (1, tokens, D).

    What follows the blocks gets all of them, as a batch, and so reads each as if it were the last.
    Yields a dict: number of a block -> its attention, (heads, tokens, tokens).
    """
    import torch
    import torch.nn.functional as F
    from torch.overrides import TorchFunctionMode

    caught: dict[int, Any] = {}

    def keep(made: Any) -> None:
        number, tokens = len(states) - 1, states[-1].shape[1]
        if number in caught or not isinstance(made, torch.Tensor) or made.dim() < 3:
            return
        if made.shape[-2:] == (tokens, tokens) and made.is_floating_point() and bool((made >= 0).all()):
            sums = made.float().sum(dim=-1)
            if torch.allclose(sums, torch.ones_like(sums), atol=1e-2):
                caught[number] = made.reshape(-1, tokens, tokens)  # a batch of one

    class Watch(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            made = func(*args, **kwargs)
            if 0 < len(states) <= len(blocks):
                if func is F.scaled_dot_product_attention:
                    # never shows its matrix A, but with the values I it gives A I
                    q, k, *rest = (*args, *(kwargs.pop(n) for n in ("query", "key", "value") if n in kwargs))
                    unit = torch.eye(k.shape[-2], dtype=k.dtype, device=k.device).expand(*k.shape[:-1], -1)
                    keep(func(q, k, unit, *rest[1:], **kwargs))
                else:
                    keep(made)
            return made

    hooks = [blocks[0].register_forward_pre_hook(lambda module, inputs: states.append(inputs[0]))]
    hooks += [block.register_forward_hook(lambda module, inputs, out: states.append(out)) for block in blocks]
    hooks.append(blocks[-1].register_forward_hook(lambda module, inputs, out: torch.cat(states)))
    try:
        with Watch():
            yield caught
    finally:
        for hook in hooks:
            hook.remove()


def _must_be_a_picture(photo: Any) -> None:
    shape = tuple(photo.shape)
    if len(shape) != 3 or shape[0] not in (1, 3):
        turned = (
            "photo.permute(2, 0, 1) puts the colours in front"
            if shape[-1:] in ((1,), (3,))
            else "of a batch take one, photo[0]"
        )
        raise ValueError(f"photo should be one picture, (3, H, W), but has shape {shape}: {turned}.")
    if photo.is_floating_point() and not (photo.min() >= 0 and photo.max() <= 1):
        raise ValueError(
            f"photo should be uint8 or floats in 0..1 but goes from {photo.min():.2f} to {photo.max():.2f}. "
            "Is it normalised already? Give it as it was before; mean and std do the rest."
        )


def _grid(sides: Sequence[int], patches: int) -> tuple[int, int]:
    """(rows, columns) of square patches that fill the photo."""
    height, width = sides
    side = round(math.sqrt(height * width / patches)) if patches > 0 else 0  # of a patch, in pixels
    if side * side * patches != height * width or height % side or width % side:
        raise ValueError(
            f"{patches} patches are no grid of squares over a photo of {height} x {width} pixels."
        )
    return height // side, width // side


def page(found: Found, photo: Any, names: Sequence[str]) -> str:
    """The page of this photo and these numbers."""
    import matplotlib

    blocks, heads, tokens, _ = found.attention.shape
    levels, weights = packed(found.attention, len(found.front))
    best = np.argsort(-found.classes, axis=1)[:, :BEST]
    told = {
        "blocks": blocks,
        "heads": heads,
        "tokens": tokens,
        "rows": found.rows,
        "columns": found.columns,
        "front": found.front,
        "levels": levels,
        "classes": [
            [[names[i], round(float(shares[i]), 4)] for i in order]
            for order, shares in zip(best, found.classes, strict=True)
        ],
        "colours": [
            [round(255 * part) for part in colour] for colour in matplotlib.colormaps["viridis"].colors[::15]
        ],
        "photo": _drawn(photo),
        "weights": weights,
    }
    answer = told["classes"][-1][0][0]
    return frame.page("explore", told, f"Explore {blocks} blocks of {heads} heads, which answer: {answer}")


def packed(attention: np.ndarray, front: int, most: int = MOST) -> tuple[int, str]:
    """Attention as the page reads it: (levels, zlib and base64 of the bytes below), the finest of LEVELS within `most` bytes.

    The bytes: the largest weight on a patch in each row, then the weights on the tokens in front, both as 65535ths in uint16
    (little-endian); then for each row the weights on patches as uint8, in parts of the row's largest.
    """
    patches = attention[..., front:]
    largest = np.ceil(patches.max(axis=-1, keepdims=True) * 65535).clip(1, 65535).astype("<u2")
    exact = largest.tobytes() + np.round(attention[..., :front] * 65535).astype("<u2").tobytes()
    parts = patches * (65535 / largest.astype(np.float32))
    for levels in LEVELS:
        rounded = np.round(parts * levels).astype(np.uint8)
        counts = np.bincount(rounded.ravel(), minlength=256)
        shares = counts[counts > 0] / counts.sum()
        bits = float(-(shares * np.log2(shares)).sum())
        if levels > LEVELS[-1] and rounded.size * bits / 8 > 1.2 * most:
            continue  # no need to try: zlib does not get much below the entropy
        data = zlib.compress(exact + rounded.tobytes(), 6)
        if len(data) <= most:
            break
    return levels, base64.b64encode(data).decode()


def _drawn(photo: Any) -> str:
    """The photo as a data address: exact if it is small, else as JPEG."""
    from PIL import Image

    pixels = np.asarray(photo.detach().cpu() if hasattr(photo, "detach") else photo)
    if pixels.dtype != np.uint8:
        pixels = np.round(pixels * 255).astype(np.uint8)
    picture = Image.fromarray(np.broadcast_to(pixels, (3, *pixels.shape[1:])).transpose(1, 2, 0).copy())
    kind = "PNG" if max(picture.size) <= 64 else "JPEG"
    file = io.BytesIO()
    picture.save(file, kind, **({} if kind == "PNG" else {"quality": 88}))
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"
