"""Multi-head self-attention with stacked projections: the head split and the merge, each tried by itself.

How it is observed, on weights that `fill` gives:

1. Something of ours stands in the place of the notebook's `scaled_dot_product`. It notes which q, k, v it is
   given (the split) and hands back values that were drawn for this; what then reaches `o_proj` is the merge.
2. PyTorch's own attention stands there: the outputs, without and with a mask.

So neither blank touches the other, and nothing depends on the student's `scaled_dot_product`. A class that
does not call it at all is judged by its outputs.
"""

import numpy as np
import torch
import torch.nn.functional as F

from helpers.checks.arrays import Arrays, Case, tensor, to_array, weights
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import errors, properties, values, values_by, values_of
from helpers.observers.multihead_attention import (
    ATTENTION,
    MASKED,
    MERGED,
    OUTPUT,
    SCALE,
    SPLIT,
    by_torch,
    observer,
)


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    # never 3 heads: then 3 pieces for q, k, v could not be told from pieces for the heads
    sizes = ((2, 7, 9, 5, 4), (3, 8 + int(rng.integers(2)), 11, 6, 5), (2, 6, 14, 7, 2))
    return [
        {
            "heads": heads,
            "embed_dim": heads * head_dim,
            "mask": torch.from_numpy((rng.random((b, 1, n, n)) < 0.6) | np.eye(n, dtype=bool)).float(),
            "seed": int(rng.integers(2**31)),
            "x": tensor(rng, b, n, input_dim),
            "out": tensor(rng, b, heads, n, head_dim),
            "label": f"batch {b}, {n} tokens, input_dim {input_dim}, {heads} heads, head_dim {head_dim}",
        }
        for b, n, input_dim, heads, head_dim in sizes
    ]


def drawn(case: Case, name: str, *shape: int) -> torch.Tensor:
    return weights(name, shape, case["seed"], SCALE)


def linear(case: Case, name: str, x: torch.Tensor) -> torch.Tensor:
    outs = case["embed_dim"] * (3 if name == "qkv_proj" else 1)
    return F.linear(x, drawn(case, f"{name}.weight", outs, x.shape[-1]), drawn(case, f"{name}.bias", outs))


def split(case: Case) -> list[torch.Tensor]:
    """q, k and v, each (b, heads, n, head_dim): head by head in the rows of the stacked projection."""
    pieces = linear(case, "qkv_proj", case["x"]).unflatten(-1, (case["heads"], 3, -1))
    return [piece.movedim(2, 1) for piece in pieces.unbind(3)]


def gathered(out: torch.Tensor) -> torch.Tensor:
    return torch.cat(out.unbind(1), dim=-1)


def whole(case: Case) -> torch.Tensor:
    """nn.MultiheadAttention with the weights in its own order; it takes input_dim = embed_dim only."""
    size, heads = case["embed_dim"], case["heads"]
    module = torch.nn.MultiheadAttention(size, heads, batch_first=True).eval()
    with torch.no_grad():
        for kind, shape in (("weight", (size,)), ("bias", ())):
            stacked = drawn(case, f"qkv_proj.{kind}", 3 * size, *shape).unflatten(0, (heads, 3, -1))
            in_order = torch.cat([part.flatten(0, 1) for part in stacked.unbind(1)])
            getattr(module, f"in_proj_{kind}").copy_(in_order)
            getattr(module.out_proj, kind).copy_(drawn(case, f"o_proj.{kind}", size, *shape))
        return module(case["x"], case["x"], case["x"], need_weights=False)[0]


def expected(case: Case) -> Arrays:
    q, k, v = split(case)
    values, attention = by_torch(q, k, v, case["mask"])
    found = {
        **dict(zip(SPLIT, (q, k, v), strict=True)),
        MERGED: gathered(case["out"]),
        OUTPUT: linear(case, "o_proj", gathered(by_torch(q, k, v)[0])),
        MASKED: linear(case, "o_proj", gathered(values)),
        ATTENTION: attention,
    }
    if case["x"].shape[-1] == case["embed_dim"]:
        found[OUTPUT] = whole(case)
    return {key: to_array(value, key) for key, value in found.items()}


def split_agrees(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    return exercise.same(seen, wanted, OUTPUT) or exercise.same(seen, wanted, *SPLIT)


def merge_agrees(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    """The merge by itself; and where the split is right too, the whole with everything that was given around it."""
    if exercise.same(seen, wanted, OUTPUT):
        return exercise.same(seen, wanted, MASKED, ATTENTION)
    return exercise.same(seen, wanted, MERGED) and not exercise.same(seen, wanted, *SPLIT)


SPLITS = (
    ("not-moved", "the heads stay behind the tokens: after the reshape, bring the heads in front", lambda t, h: t.unflatten(-1, (h, -1))),
    ("cut-only", "the numbers were cut anew in one reshape, so tokens and heads are mixed up: cut the last axis first, then move the heads in front", lambda t, h: t.reshape(len(t), h, t.shape[1], -1)),
    ("heads-last", "the last axis was cut with the heads last: each head's numbers stand side by side, so the heads come first", lambda t, h: t.unflatten(-1, (-1, h)).movedim(3, 1)),
    ("heads-last-not-moved", "the last axis was cut with the heads last, and not moved: heads come first in it", lambda t, h: t.unflatten(-1, (-1, h))),
    ("only-exchanged", "the axes only changed places: the last one is first cut into heads", lambda t, h: t.mT),
    ("no-split", "the numbers are not cut into heads at all", lambda t, h: t),
    ("three-pieces", "the last axis is cut into 3 pieces instead of num_heads: chunk makes the three afterwards", lambda t, h: t.unflatten(-1, (3, -1)).movedim(2, 1)),
    ("heads-in-front-of-batch", "the heads stand in front of the batch: the batch stays first", lambda t, h: t.unflatten(-1, (h, -1)).movedim(2, 0)),
    ("batch-and-tokens-swapped", "batch and tokens have changed places: only heads and tokens do", lambda t, h: t.unflatten(-1, (h, -1)).transpose(0, 1)),
    ("batch-and-heads-swapped", "batch and heads have changed places: only heads and tokens do", lambda t, h: t.unflatten(-1, (h, -1)).transpose(0, 2)),
    ("tokens-last", "the tokens stand last: the last axis is for the numbers of a head", lambda t, h: t.unflatten(-1, (h, -1)).permute(0, 2, 3, 1)),
    ("numbers-moved", "the numbers of a head stand in front of the heads: only heads and tokens change places", lambda t, h: t.unflatten(-1, (h, -1)).permute(0, 3, 1, 2)),
    ("heads-and-numbers-swapped", "heads and their numbers have changed places: heads and tokens should", lambda t, h: t.unflatten(-1, (h, -1)).transpose(2, 3)),
    ("merged-with-batch", "batch and heads are one axis: they stay two", lambda t, h: t.unflatten(-1, (h, -1)).movedim(2, 1).flatten(0, 1)),
    ("kind-by-kind", "the numbers are read kind by kind (all queries, all keys, all values): this layer holds them head by head", lambda t, h: t.unflatten(-1, (3, h, -1)).permute(0, 3, 1, 2, 4).flatten(3)),
    ("heads-then-numbers", "q, k and v are read number by number: in a head, all of q comes first, then k, then v", lambda t, h: t.unflatten(-1, (h, -1, 3)).permute(0, 2, 1, 4, 3).flatten(3)),
)  # fmt: skip

MERGES = (
    ("cut-only", "the axes were only cut anew: bring the tokens in front of the heads first, or numbers of different tokens land in one row", lambda t: t.reshape(len(t), t.shape[2], -1)),
    ("dim-before-head", "head_dim comes before the heads in the last axis: a head's numbers stay side by side, heads first", lambda t: t.permute(0, 2, 3, 1).flatten(2)),
    ("not-joined", "the tokens are in front but the heads are not joined: reshape to (b, n, embed_dim)", lambda t: t.movedim(1, 2)),
    ("all-flattened", "everything became one axis: batch and tokens stay axes of their own", lambda t: t.flatten()),
    ("all-turned", "`.T` turns the order of all axes round: heads and tokens change places, the others stay", lambda t: t.permute(3, 2, 1, 0)),
    ("unchanged", "nothing was moved or joined: each token gets the numbers of all its heads in one row", lambda t: t),
    ("heads-with-tokens", "heads and tokens are joined: join heads and head_dim", lambda t: t.flatten(1, 2)),
    ("tokens-with-heads", "tokens and heads are joined: join heads and head_dim", lambda t: t.movedim(1, 2).flatten(1, 2)),
    ("tokens-with-dim", "tokens and head_dim are joined, the heads are still apart: move the tokens in front first", lambda t: t.flatten(2)),
    ("summed", "the heads are added up: put them side by side", lambda t: t.sum(1)),
    ("averaged", "the heads are averaged: put them side by side", lambda t: t.mean(1)),
    ("one-head", "only one head is kept: put all side by side", lambda t: t[:, 0]),
    ("batch-and-tokens-swapped", "batch and tokens have changed places: the batch stays first", lambda t: t.permute(2, 0, 1, 3).flatten(2)),
    ("features-first", "the joined axis stands before the tokens: it is the last one", lambda t: t.mT.flatten(1, 2)),
    ("all-joined", "the tokens are joined, too: they stay an axis of their own", lambda t: t.movedim(1, 2).flatten(1)),
    ("swapped-last-two", "tokens and head_dim have changed places: heads and tokens should", lambda t: t.mT.reshape(len(t), t.shape[2], -1)),
    ("batch-and-heads-swapped", "batch and heads have changed places: heads and tokens should", lambda t: t.transpose(0, 1).reshape(len(t), t.shape[2], -1)),
    ("reversed", "the order of the axes is wrong: (b, n, heads, head_dim) comes before the reshape", lambda t: t.permute(0, 3, 2, 1).reshape(len(t), t.shape[2], -1)),
    ("rotated", "the order of the axes is wrong: (b, n, heads, head_dim) comes before the reshape", lambda t: t.permute(0, 3, 1, 2).reshape(len(t), t.shape[2], -1)),
)  # fmt: skip


def thirds(cut):
    """What is given as q, k and v: `cut(stacked projection, heads)` in three of the same length, but for the last."""

    def produces(case: Case) -> Arrays:
        made = cut(linear(case, "qkv_proj", case["x"]), case["heads"])
        pieces = made.split(-(-made.shape[-1] // 3), -1)
        return {key: to_array(piece, key) for key, piece in zip(SPLIT, pieces, strict=False)}

    return produces


misconceptions = (
    *values_by(thirds, {f"split-{slug}: {text}.": cut for slug, text, cut in SPLITS}),
    *values_of(MERGED, ("out",), {f"merge-{slug}: {text}.": make for slug, text, make in MERGES}),
    *values({
        "projection-missing: the merged heads are returned before `o_proj`: keep the lines after the merge that were given.":
            lambda case: {OUTPUT: to_array(gathered(by_torch(*split(case))[0]), OUTPUT)},
        "mask-dropped: the mask does not reach scaled_dot_product: keep `mask=mask` in its call.":
            lambda case: {MASKED: expected(case)[OUTPUT]},
    }),
    *properties({
        "not-step-by-step: the output as a whole is not right. The steps could not be tried one by one, since scaled_dot_product is not called as in the code that was given.":
            lambda seen, wanted, case: "q" not in seen and OUTPUT in seen,
    }),
    *errors({
        "sizes-do-not-multiply: the sizes of a reshape do not fit: they must multiply to what is there. qkv has 3 * embed_dim numbers a token, so 3 * head_dim for each head; values have embed_dim.": "is invalid for input of size|sizes to unflatten|invalid shape|must be product of",
        "view-of-a-moved-tensor: `view` is used after the axes were moved: use reshape.": "view size is not compatible",
        "permute-count: permute is given too few or too many axes, or one twice: name each axis of the tensor once, the first is 0.":
            r"permute\(.*\): (number of dimensions|duplicate dims)|number of dimensions in the tensor input does not match"
            "|[Dd]uplicate dim|repeated dim|Dimension out of range",
        "size-without-self: a number of the module is used without its `self.` in front.": "NameError: name '(head_dim|num_heads|embed_dim|heads)' is not defined",
        "no-such-name: a name of the module is misspelt: it keeps self.num_heads, self.head_dim and self.embed_dim.": "AttributeError: '?MultiheadAttention'? object has no attribute",
        "chunked-already: the numbers are cut in three here already: the next line does that. This blank only brings the heads to their place.": r"'(tuple|list)' object has no attribute 'chunk'",
        "chunk-gives-three: `chunk` and `split` give several tensors, which have no permute, reshape or transpose of their own: first one tensor, and the next line cuts it in three.": "'tuple' object has no attribute '(permute|reshape|transpose|view)'",
        "not-a-tensor: what stands in a blank is not one tensor: reshape and permute each make one, without chunk.": "'(tuple|list|NoneType)' object has no attribute|must be Tensor, not (tuple|list|NoneType)",
        "chunks-missing: the last axis is too short to be cut in three: it should hold 3 * head_dim numbers.": "not enough values to unpack",
        "constructor: the class is made with other arguments: keep the line `def __init__(self, input_dim, embed_dim, num_heads)`.": r"TypeError: .*__init__\(\)",
        "forward-arguments: forward takes other arguments: keep `def forward(self, x, mask=None, return_attention=False)`.": r"TypeError: .*forward\(\)",
    }),
)  # fmt: skip


def given(case: Case) -> dict:
    return {"qkv =": torch.cat(split(case), dim=-1)}


parts = (
    Part("heads split", 1, SPLIT, agrees=split_agrees, blank="qkv ="),
    Part("heads merged", 1, (MERGED, OUTPUT, MASKED, ATTENTION), agrees=merge_agrees, blank="values ="),
)
hints = (
    "Write the four sizes on paper, before and after. Which axis is cut, which two change places?",
    "Split: reshape to (b, n, heads, 3 * head_dim), then heads and tokens change places. Merge: they change "
    "places again, then a reshape joins heads and head_dim.",
    "permute takes the new order of the old axes. Heads are axis 2 after the reshape and should become axis 1: "
    "keep 0, then 2, then 1, then 3; the same order brings them back. Use the names self.num_heads, self.head_dim "
    "and self.embed_dim for the sizes.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, given=given)
