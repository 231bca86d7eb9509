"""The Vision Transformer (Dosovitskiy et al. 2021), from the student's own pieces or the course's."""

import contextlib
import inspect
import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from helpers.vit.pieces import NAMES, load


@contextlib.contextmanager
def borrowed(thing: Any, **names: Any) -> Iterator[None]:
    """While inside, the notebook in which `thing` (class or function) stands has these names; then its own."""
    code = vars(thing).get("__init__") if isinstance(thing, type) else thing
    space = getattr(code, "__globals__", {})
    before = {name: space[name] for name in names if name in space}
    space.update(names)
    try:
        yield
    finally:
        for name in names:
            space.pop(name, None)
        space.update(before)


def _make(thing: Any, arguments: Mapping[str, Any]) -> Any:
    """`thing(...)` with those of the arguments that its signature has."""
    wanted = inspect.signature(thing).parameters
    return thing(**{name: value for name, value in arguments.items() if name in wanted})


class AddPositions(nn.Module):
    """Q4's object for tokens that have Q3's class token in front already.

    If it brings a class token of its own, that one is zero and stays so: only its positions arrive.
    A smaller picture has fewer patches, each over several places of the grid: it gets the mean of their positions.
    """

    def __init__(self, embedding: nn.Module, side: int) -> None:
        super().__init__()
        self.embedding, self.side = embedding, side  # side: of the grid of patches
        self.brings_token = hasattr(embedding, "cls_token")
        if self.brings_token:
            nn.init.zeros_(embedding.cls_token).requires_grad_(False)

    def forward(self, x):
        if x.shape[1] == self.side**2 + 1:
            return self._add(x)
        table = self._add(x.new_zeros(1, self.side**2 + 1, x.shape[2]))  # (1, 1 + side * side, emb)
        grid = table[:, 1:].unflatten(1, (self.side, self.side)).permute(0, 3, 1, 2)  # (1, emb, side, side)
        fewer = F.adaptive_avg_pool2d(grid, math.isqrt(x.shape[1] - 1)).flatten(2).mT  # (1, patches, emb)
        return x + torch.hstack([table[:, :1], fewer])

    def _add(self, x):
        if not self.brings_token:
            return self.embedding(x).to(x.dtype)
        positioned = self.embedding(x[:, 1:]).to(x.dtype)  # its own zeros in place of Q3's token
        return torch.hstack([positioned[:, :1] + x[:, :1], positioned[:, 1:]])


class ViT(nn.Module):
    """Vision Transformer: images (b, in_channels, img_size, img_size) -> logits (b, num_classes).

    Args:
        patch_size: side of a patch in pixels; img_size is a multiple of it.
        emb_size: numbers of a token; a multiple of num_heads.
        depth: number of encoder blocks (12 in ViT-Base; 6 is enough for 32 x 32 pixels).
        expansion: hidden size of the feed-forward block as a multiple of emb_size, usually 4.
        pieces: what `pieces()` found; the course's equivalents if left out.
    """

    def __init__(
        self, in_channels=3, patch_size=4, emb_size=192, img_size=32, depth=6, num_heads=3,
        expansion=4, num_classes=10, pieces=None, dropout=0.0,
    ):  # fmt: skip
        super().__init__()
        mine = {key: piece.made for key, piece in (pieces or {}).items()}
        made = {key: mine[key] if key in mine else load(key) for key in NAMES}
        sizes = {"in_channels": in_channels, "patch_size": patch_size, "emb_size": emb_size}
        sizes |= {"img_size": img_size, "num_heads": num_heads, "expansion": expansion}
        sizes |= {"dropout": dropout, "learnable": True}  # ViT learns its positions

        self.patch_embedding = _make(made["q2_patch_embedding"], sizes)
        self.class_token = _make(made["q3_class_token"], sizes)
        if hasattr(self.class_token, "projection"):
            self.class_token.projection = nn.Identity()  # it gets tokens, from the patch embedding above
        with borrowed(made["q4_positional_embedding"], getPositionEncoding=made["q1_position_encoding"]):
            positions = _make(made["q4_positional_embedding"], sizes)
        self.positional_embedding = AddPositions(positions, side=img_size // patch_size)
        # the block finds the same attention, residual and feed-forward under their names
        inside = {NAMES[k]: made[k] for k in ("q5_attention", "q6_residual_add", "q7_feed_forward")}
        with borrowed(made["q7_encoder_block"], **inside):
            self.blocks = nn.Sequential(*(_make(made["q7_encoder_block"], sizes) for _ in range(depth)))
        self.norm = nn.LayerNorm(normalized_shape=emb_size)
        self.head = nn.Linear(in_features=emb_size, out_features=num_classes)

    def forward(self, images):
        x = self.patch_embedding(images)  # (b, patches, emb)
        x = self.class_token(x)  # (b, patches + 1, emb)
        x = self.positional_embedding(x)  # (b, patches + 1, emb)
        x = self.blocks(x)  # (b, patches + 1, emb)
        return self.head(self.norm(x)[:, 0])  # (b, num_classes), read at the class token
