"""timm's tensors for the student's own modules: a convolution as a Linear layer, qkv in three, and the eps of the norms."""

import numpy as np
import torch

from helpers.checks.arrays import Arrays, Case, to_array
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import errors, itself, properties, values_by, values_of
from helpers.observers.inside_weights import BIASES, EPS, NO_EPS, PATCH, WEIGHTS, observer, timm_model


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    sizes = [(2, 8, 2, 1), (4, 6, 3, 2)]
    return [
        {
            "patch_size": p, "embed_dim": d, "num_heads": h, "depth": depth, "seed": int(rng.integers(1000)),
            "label": f"a timm ViT with D = {d}, {h} heads, {depth} block{'s' * (depth > 1)} and patches of {p} x {p} pixels",
        }
        for p, d, h, depth in sizes
    ]  # fmt: skip


def expected(case: Case) -> Arrays:
    tensors = timm_model(case).state_dict()
    seen = {PATCH: to_array(moved(case, (0, 2, 3, 1)), PATCH), EPS: np.array(-6.0)}
    for kind, whats in (("weight", WEIGHTS), ("bias", BIASES)):
        packed = tensors[f"blocks.{case['depth'] - 1}.attn.qkv.{kind}"]
        seen |= arrays(whats, packed.unflatten(0, (len(whats), -1)))
    return seen


def moved(case: Case, axes: tuple[int, ...]) -> torch.Tensor:
    """The convolution (D, c, p1, p2) with its axes in another order, the first kept and the others in one."""
    return torch.flatten(timm_model(case).patch_embed.proj.weight.permute(axes), 1)


def arrays(whats: tuple[str, ...], values) -> Arrays:
    return {what: to_array(value, what) for what, value in zip(whats, values, strict=True)}


def split(cut):
    """`cut(packed weight, case)` of the last block: what came in place of queries, keys and values."""

    def produces(case: Case) -> Arrays:
        packed = timm_model(case).state_dict()[f"blocks.{case['depth'] - 1}.attn.qkv.weight"]
        return arrays(WEIGHTS, cut(packed, case))

    return produces


def thirds(packed: torch.Tensor) -> torch.Tensor:
    return packed.unflatten(0, (3, -1))  # (3, D, D)


def by_head(packed: torch.Tensor, case: Case) -> torch.Tensor:
    """Read as if each head had its own queries, keys and values."""
    return packed.unflatten(0, (case["num_heads"], 3, -1)).transpose(0, 1).flatten(1, 2)


def eps_is(value: float):
    return lambda case: {EPS: np.array(value)}


misconceptions = (
    *values_of(PATCH, itself, {
        "channels-first: the colours come first, as in the convolution: your Linear layer gets (p1 p2 c), the colours of one pixel side by side.":
            lambda c: moved(c, (0, 1, 2, 3)),
        "rows-and-columns-swapped: rows and columns of the patch are swapped: p1 (down) comes before p2 (across).":
            lambda c: moved(c, (0, 3, 2, 1)),
        "channels-first-swapped: the colours come first, and rows and columns are swapped: the order is (p1 p2 c).":
            lambda c: moved(c, (0, 1, 3, 2)),
        "channels-between: the colours stand between rows and columns: the order is (p1 p2 c).":
            lambda c: moved(c, (0, 2, 1, 3)),
        "channels-between-swapped: the colours stand between rows and columns: the order is (p1 p2 c).":
            lambda c: moved(c, (0, 3, 1, 2)),
        "patch-transposed: the matrix is transposed: a Linear layer keeps one row for each number that comes out, (D, p * p * 3).":
            lambda c: moved(c, (0, 2, 3, 1)).T,
        "not-flattened: the weight still has four axes: p1, p2 and c become one.":
            lambda c: timm_model(c).patch_embed.proj.weight,
        "not-flattened-moved: the weight still has four axes: p1, p2 and c become one.":
            lambda c: timm_model(c).patch_embed.proj.weight.movedim(1, -1),
        "reshaped: the numbers are reshaped without moving the colours first: name the axes with rearrange, or permute before you reshape.":
            lambda c: timm_model(c).patch_embed.proj.weight.flatten(1),
        "all-flattened: all four axes became one: the first, D, stays by itself.":
            lambda c: timm_model(c).patch_embed.proj.weight.flatten(),
        "axes-reversed: `.T` turns the order of all four axes round: D stays in front, the colours move to the end, and the last three become one.":
            lambda c: timm_model(c).patch_embed.proj.weight.permute(3, 2, 1, 0),
    }),
    *values_by(split, {
        "keys-first: keys and queries are swapped: in timm's layer the order is queries, keys, values.":
            lambda t, c: thirds(t)[[1, 0, 2]],
        "reversed: the order is reversed: in timm's layer it is queries, keys, values.":
            lambda t, c: thirds(t).flip(0),
        "every-third-row: every third row is taken: in timm's layer all rows of the queries stand first, then the keys', then the values'.":
            lambda t, c: t.unflatten(0, (-1, 3)).transpose(0, 1),
        "by-head: the rows are split by head first: in timm's layer all rows of the queries stand first, then the keys', then the values'.": by_head,
        "transposed: the weights are transposed: a Linear layer keeps one row for each number that comes out, here and in timm.":
            lambda t, c: thirds(t).mT,
        "same-three-times: queries, keys and values get the same weights: each is another third.":
            lambda t, c: thirds(t)[[0, 0, 0]],
        "packed-three-times: queries, keys and values get all three thirds each: cut the rows in three.":
            lambda t, c: (t, t, t),
        "values-last-swapped: keys and values are swapped: in timm's layer the order is queries, keys, values.":
            lambda t, c: thirds(t)[[0, 2, 1]],
        "columns-cut: the columns are cut in three: one row stands for one number that comes out, so the rows are cut, dim=0.":
            lambda t, c: t.chunk(3, dim=-1),
        "single-rows: single rows are taken: a third of the rows belongs to each.": lambda t, c: t[:3],
    }),
    *properties({
        "conv-of-another: the numbers are not those of `tensor`: they come from the notebook's own model. What belongs to this call are `tensor` and `model`.":
            lambda seen, wanted, case: PATCH in seen and seen[PATCH].size != wanted[PATCH].size,
        "qkv-of-another: the numbers are not those of `tensor`: they come from the notebook's own model. What belongs to this call are `tensor` and `model`.":
            lambda seen, wanted, case: WEIGHTS[0] in seen and seen[WEIGHTS[0]].size > 3 * case["embed_dim"] ** 2,
        "weight-for-bias: the weight is cut although a bias may be at hand: `tensor` is the one that has come, weight or bias.":
            lambda seen, wanted, case: all(b in seen and seen[b].ndim == 2 for b in BIASES),
        "cut-elsewhere: the rows are cut at a number that belongs to the notebook's own model: each is a third of the rows of this `tensor`, however many there are.":
            lambda seen, wanted, case: all(w in seen for w in WEIGHTS)
            and seen[WEIGHTS[0]].shape == (3 * case["embed_dim"], case["embed_dim"])
            and not seen[WEIGHTS[1]].size,
    }),
    *values_by(eps_is, {
        "torch-default: eps is PyTorch's default, 1e-5: timm's ViT was trained with another one, ask its `norm`.": -5.0,
        "bert-eps: eps is 1e-12, as in BERT: timm's ViT was trained with another one, ask its `norm`.": -12.0,
        "eps-1e-8: eps is 1e-8, the default of the Adam optimizer: ask the model's `norm` for that of its LayerNorms.": -8.0,
        "exponent: eps is the exponent alone or has the wrong sign: it is a small positive number.": NO_EPS,
        "million: eps is 1e6, a million: the exponent is negative.": 6.0,
        "eps-thousandth: eps is 1e-3: ask the model's `norm` for it.": -3.0,
    }),
    *errors({
        "cut-across: the columns are cut in three: one row stands for one number that comes out, so the rows are cut, dim=0.": "Dimension out of range",
        "bias-forgotten: the code asks for two axes, but this line sees the biases too, which have one.": "too many indices|EinopsError.*Received 1-dim|number of dimensions in the tensor input does not match|permute",
        "too-few: what stands on the right is not three things: `chunk` is told how many pieces there are to be, `split` how long each is.": "to unpack",
        "axes-of-another: the left side of the pattern does not name the axes that are there: the convolution's weight has four, (D, c, p1, p2), and none of them is taken apart.": "EinopsError.*Received 4-dim",
        "letter-twice: a name stands twice on one side: rows and columns of a patch need names of their own.": "EinopsError.*duplicate",
        "sizes-of-another: a size is passed along that does not fit: it belongs to the notebook's own model. Ask `tensor` or `model`, and einops needs no size for an axis that stands by itself.": "EinopsError.*(Shape mismatch|can't divide)",
        "pattern-not-read: einops can't use the pattern: the same names on both sides, brackets around what becomes one axis.": "EinopsError",
        "shape-impossible: the sizes do not multiply to what is there: `D`, or a number written out, belongs to the notebook's own model. Ask `tensor` or `model` for theirs.": "is invalid for input of size|split_with_sizes",
        "no-eps-there: eps is asked of a module that has none: `model.norm` is a LayerNorm.": "AttributeError: .*eps",
        "norm-itself: the layer itself is taken: it keeps its eps as one of its attributes.": "Unfit: eps should .*Norm|not 'LayerNorm'",
        "no-such-part: the model has no part of that name there: in a new cell, `print(model)` lists them.": r"AttributeError: '(VisionTransformer|Sequential|Block|Attention)' object",
        "other-name: a name is used that this function does not know: its input is model.": "NameError",
    }),
)  # fmt: skip

parts = (
    Part("convolution to Linear", 1, (PATCH,), blank="mine[name] ="),
    Part("qkv in three", 1, (*WEIGHTS, *BIASES), blank="queries, keys, values ="),
    Part("eps of the norms", 1, (EPS,), blank="eps ="),
)
hints = (
    "The convolution's weight is (D, c, p1, p2). Your Linear layer of Q2 gets its pixels as (p1 p2 c). The packed "
    "layer holds the rows of the queries, then the keys', then the values'.",
    "rearrange moves the colours to the end and makes one axis of three. `chunk` cuts a tensor along axis 0. And a "
    "LayerNorm keeps its eps as an attribute.",
    "mine[name]: rearrange from d c p1 p2 to d, then a bracket with p1, p2 and c. The three: the tensor's chunk "
    "in 3. eps: that of `model.norm`.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints)
