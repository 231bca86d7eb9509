"""Observes ViT: what the student's object gives, whatever that is. Judged in helpers/exercises/vit_forward.py."""

import re
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn

from helpers.checks.alone import Place
from helpers.checks.arrays import Arrays, Case, Stopped, Unfit, fill, to_array, to_tensor
from helpers.checks.objects import as_module, learns, need_class
from helpers.checks.observe import Observer
from helpers.vit.pieces.q2_patch_embedding import PatchEmbedding
from helpers.vit.pieces.q3_class_token import ClassToken
from helpers.vit.pieces.q4_positional_embedding import PositionalEmbedding
from helpers.vit.pieces.q7_encoder_block import TransformerEncoderBlock

TOKENS = "the tokens that reach the encoder blocks"
LOGITS = "the logits"
FIRST, SECOND = "# images to tokens", "# tokens to logits"
READ_OUT = re.compile("block|head|layer")  # in what leads from tokens to logits
PARTS = ("patch_embedding", "class_token", "positional_embedding", "blocks", "head")


class Head(nn.Module):
    """Norm, class token, linear layer."""

    def __init__(self, emb: int, classes: int) -> None:
        super().__init__()
        self.norm, self.linear = nn.LayerNorm(emb), nn.Linear(emb, classes)

    def forward(self, x):
        return self.linear(self.norm(x).unbind(1)[0])


def parts_of(case: Case) -> SimpleNamespace:
    """The five parts under their names; the same weights whenever they are made."""
    sizes, emb = case["sizes"], case["sizes"]["emb_size"]
    blocks = (TransformerEncoderBlock(emb, sizes["num_heads"], expansion=2) for _ in range(2))
    made = {
        "patch_embedding": PatchEmbedding(3, sizes["patch_size"], emb, sizes["img_size"]),
        "class_token": ClassToken(emb),
        "positional_embedding": PositionalEmbedding(sizes["patch_size"], emb, sizes["img_size"]),
        "blocks": nn.Sequential(*blocks),
        "head": Head(emb, case["classes"]),
    }
    for name, part in made.items():
        fill(part.eval(), case["seed"] + len(name))
    return SimpleNamespace(**made)


def observe(obj, case: Case) -> Arrays:
    line = "class ViT(nn.Module):"
    need_class(obj, line)
    parts = parts_of(case)
    vit = as_module(obj(parts, parts.head), line, "keep the line")
    missing = [name for name in PARTS if not isinstance(getattr(vit, name, None), nn.Module)]
    if missing:
        raise Unfit(f"There is no self.{missing[0]}: keep the lines in __init__ that were given.")
    # the first block says what reaches the encoder; if it never runs, the positional embedding does
    caught: list[torch.Tensor] = []
    made: list[torch.Tensor] = []
    parts.blocks[0].register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0]))
    parts.positional_embedding.register_forward_hook(lambda _, inputs, output: made.append(output))
    try:
        logits = vit(case["x"])
    except Exception as error:
        if seen := tokens_seen(caught + made):
            raise Stopped(seen) from error
        raise
    if case.get("alone") == FIRST:
        made = [to_tensor(logits, "x")]
    if logits is ...:
        logits = torch.zeros(0)  # the last blank is still left
    logits = to_tensor(logits, "ViT(...)(images)", "Does forward end with `return ...`?")
    seen = {**tokens_seen(caught + made), LOGITS: to_array(logits, "ViT(...)(images)")}
    return seen | learns(vit, vit, case["x"])


def tokens_seen(found: list[torch.Tensor]) -> dict[str, np.ndarray]:
    if not found:
        return {}
    return {TOKENS: to_array(found[0], TOKENS)}


places = {
    FIRST: Place("x", which=lambda text: not READ_OUT.search(text)),
    SECOND: Place("x", which=lambda text: bool(READ_OUT.search(text)), below=lambda local: local["x"]),
}
observer = Observer("ViT", observe, places)
