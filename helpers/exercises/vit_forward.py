"""The whole ViT: which part runs after which (Dosovitskiy et al. 2021, equations 1 to 4).

The student's ViT is built from the course's parts, small and with given weights, so that only the order of its own
`forward` is asked. What goes into the encoder blocks is caught by a hook; the rest follows from it.
"""

from types import SimpleNamespace

import numpy as np
import torch
from torch import nn

from helpers.checks.arrays import Arrays, Case, tensor, to_array
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import errors, values_of
from helpers.observers.vit_forward import LOGITS, TOKENS, observer, parts_of


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    return [
        {
            "sizes": {"img_size": img_size, "patch_size": patch_size, "emb_size": emb, "num_heads": heads},
            "classes": classes,
            "x": tensor(rng, batch, 3, img_size, img_size),
            "seed": int(rng.integers(1000)),
            "label": f"{batch} images of {img_size} x {img_size} pixels, patch_size={patch_size}",
        }
        for batch, img_size, patch_size, emb, heads, classes in ((2, 12, 4, 8, 2, 3), (3, 6, 3, 12, 3, 5))
    ]


def tokens_of(parts: SimpleNamespace, case: Case) -> torch.Tensor:
    return nn.Sequential(parts.patch_embedding, parts.class_token, parts.positional_embedding)(case["x"])


def rest_of(parts: SimpleNamespace, tokens: torch.Tensor) -> torch.Tensor:
    return nn.Sequential(*parts.blocks, parts.head)(tokens)


@torch.no_grad()
def expected(case: Case) -> Arrays:
    parts = parts_of(case)
    tokens = tokens_of(parts, case)
    return {
        TOKENS: to_array(tokens, TOKENS),
        LOGITS: to_array(rest_of(parts, tokens), LOGITS),
    }


@torch.no_grad()
def rest_agrees(observed: Arrays, wanted: Arrays, case: Case) -> bool:
    """The logits are those of the tokens that reached the blocks, right or not."""
    if LOGITS not in observed or TOKENS not in observed:
        return False
    tokens = torch.from_numpy(observed[TOKENS]).float()
    if tokens.ndim != 3 or tokens.shape[2] != case["sizes"]["emb_size"]:
        return False
    return exercise.close(observed[LOGITS], to_array(rest_of(parts_of(case), tokens), LOGITS))


def parts_and_images(case: Case) -> tuple[SimpleNamespace, torch.Tensor]:
    return parts_of(case), case["x"]


def before_positions(parts: SimpleNamespace, images: torch.Tensor) -> torch.Tensor:
    return parts.class_token(parts.patch_embedding(images))


def parts_and_tokens(case: Case) -> tuple[SimpleNamespace, torch.Tensor]:
    """The parts, and the right tokens."""
    parts = parts_of(case)
    return parts, tokens_of(parts, case)


def right_logits(case: Case) -> tuple[torch.Tensor]:
    return (rest_of(*parts_and_tokens(case)),)


misconceptions = (
    *values_of(TOKENS, parts_and_images, {
        "no-positions: the positions are left out: without them the encoder can't tell where a patch was (Q4).": before_positions,
        "positions-twice: the positions are added twice.":
            lambda p, x: p.positional_embedding(before_positions(p, x)) + p.positional_embedding.learnable_positions,
        "input-added: the tokens are added to what the positional embedding gives: it holds the tokens already.":
            lambda p, x: torch.add(before_positions(p, x), p.positional_embedding(before_positions(p, x))),
        "patches-only: the bare patches reach the encoder: class token and positions belong between the two.":
            lambda p, x: p.patch_embedding(x),
    }),
    *errors({
        "positions-without-token: the positions meet the patches alone: there is a row for the class token too, so it joins the patches first.": r"size of tensor a \((10|5)\) must match the size of tensor b \((9|4)\)",
        "token-twice: the class token is put in front twice: the positions have one row for it.": r"size of tensor a \((10|5)\) must match the size of tensor b \((11|6)\)",
        "images-not-cut: the images meet the class token, the positions or the blocks before they are cut into patches.":
            "must have same number of dimensions|Tensors must have|"
            r"size of tensor a \((8|12)\) must match the size of tensor b \((12|6)\)|"
            r"expected input with shape \[\*, (8|12)\], but got input of size\[[23], 3,",
    }),
    *values_of(LOGITS, parts_and_tokens, {
        "no-blocks: the encoder blocks are left out: the class token goes to the head without having looked at a patch.":
            lambda p, t: p.head(t),
        "no-head: the head is left out: the encoded tokens are returned, where one number a class is wanted.":
            lambda p, t: nn.Sequential(*p.blocks)(t),
        "blocks-twice: the tokens go through the blocks twice.":
            lambda p, t: nn.Sequential(*p.blocks, *p.blocks, p.head)(t),
        "one-block: only the first block is used: self.blocks(x) runs them all.":
            lambda p, t: p.head(p.blocks[0](t)),
        "residual-around-all: the tokens from before the blocks are added once more: every block has its residuals inside (Q6).":
            lambda p, t: p.head(torch.add(nn.Sequential(*p.blocks)(t), t)),
    }),
    *values_of(LOGITS, right_logits, {
        "softmax: a softmax ends the model: logits are wanted, for the loss (cross-entropy) takes the softmax itself.":
            lambda y: y.softmax(-1),
        "log-softmax: a log-softmax ends the model: logits are wanted, for the loss (cross-entropy) takes it itself.":
            lambda y: y.log_softmax(-1),
        "argmax: the model gives the number of the class: one logit for every class is wanted, so that a gradient can flow.":
            lambda y: y.argmax(-1),
    }),
    *errors({
        "head-before-blocks: the head runs before the blocks: it makes logits, and no tokens are left for the blocks.": r"expected input with shape \[\*, (8|12)\], but got input of size\[(2, 3|3, 5)\]",
        "class-token-picked-twice: the class token is picked before the head: your head picks it itself, so it takes all tokens.": r"size mismatch, got input|shapes cannot be multiplied|mat1 and mat2",
        "part-not-called: a part is put where its output belongs: call it, as in `self.head(x)`.": r"Unfit: .* but is a (\w*Embedding|ClassToken|Sequential|Head)\.|TypeError: (?!.*(positional|__init__)).*(Sequential|Embedding|ClassToken|Head)|AttributeError: '(\w*Embedding|ClassToken|Sequential|Head)'",
    }),
)  # fmt: skip


def place(key: str, index: tuple[int, ...], case: Case) -> str:
    if key == TOKENS and len(index) == 3:
        return f"image {index[0]}, token {index[1]}, number {index[2]} of {TOKENS}"
    return f"{key}, image {index[0]}, class {index[1]}," if len(index) == 2 else key


def given(case: Case) -> dict:
    return {"# images to tokens": torch.from_numpy(expected(case)[TOKENS]).float()}


parts = (
    Part("images to tokens", 1, (TOKENS,), blank="# images to tokens"),
    Part("tokens to logits", 1, (LOGITS,), agrees=rest_agrees, blank="# tokens to logits"),
)
hints = (
    "Follow the diagram from left to right. Each box is one of the five parts in __init__, and each is called like "
    "a function: what it gives goes into the next one.",
    "First blank: three calls, in the order of Q2, Q3 and Q4. Second blank: two calls.",
    "The images go through the patch embedding; what comes out through the class token; what comes out of that "
    "through the positional embedding. Then the blocks, all at once, and last the head.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, place, given=given)
