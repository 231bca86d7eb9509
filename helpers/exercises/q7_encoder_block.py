"""Q7, second half: the pre-norm encoder block (Dosovitskiy et al. 2021, equations 2 and 3).

A block is observed by what its parts *are* and when they run, not by how they are called: hooks on one
forward pass find the LayerNorms, the attention and the Linear layers, and each gets the weights of its role.
The expectation is nn.TransformerEncoderLayer(norm_first=True) with the same weights.
"""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from helpers.checks.arrays import Arrays, Case, tensor, to_array, weights
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import (
    A_CLASS,
    Mistakes,
    errors,
    prefixed,
    properties_by,
    row_by_row,
    values,
    values_by,
)
from helpers.observers.q7_encoder_block import HALVES, HANDED, give_weights, observer


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    return [
        {
            "emb_size": emb_size,
            "num_heads": num_heads,
            "expansion": expansion,
            "x": tensor(rng, batch, tokens, emb_size, scale=2.0),
            "seed": int(rng.integers(1000)),
            "label": f"TransformerEncoderBlock(emb_size={emb_size}, num_heads={num_heads}, expansion={expansion})",
        }
        for emb_size, num_heads, expansion, batch, tokens in [(12, 2, 3, 2, 5), (30, 5, 2, 3, 4)]
    ]


def expected(case: Case) -> Arrays:
    size, hidden = case["emb_size"], case["emb_size"] * case["expansion"]
    layer = nn.TransformerEncoderLayer(
        size, case["num_heads"], hidden, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    ).eval()
    found = {
        "norm.0.0": layer.norm1,
        "attention.0.0": layer.self_attn,
        "norm.1.0": layer.norm2,
        "linear.1.0": layer.linear1,
        "linear.1.1": layer.linear2,
    }
    give_weights(found, dict.fromkeys(("norm", "attention", "linear"), case["seed"]))
    seen = {"dropped": np.zeros(2), "at work": np.array([1.0, 2.0])}
    with torch.no_grad():
        seen["output"] = to_array(layer(case["x"]), "output")
        for name, last in zip(HALVES, (layer.linear2, layer.self_attn.out_proj), strict=True):
            kept = [parameter.clone() for parameter in last.parameters()]
            for parameter in last.parameters():
                parameter.zero_()  # the other half adds nothing now
            seen[name] = to_array(layer(case["x"]), name)
            for parameter, value in zip(last.parameters(), kept, strict=True):
                parameter.copy_(value)
    return seen


def half_agrees(half: str):
    """The whole block computes what it should, or at least this half of it does; and the half hands dropout on."""
    handed = dict(zip((FIRST, SECOND), HANDED, strict=True))[half]
    return lambda seen, wanted, case: (
        any(exercise.same(seen, wanted, key) for key in ("output", half)) and seen.get(handed, 1) == 1
    )


def dropout_agrees(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    """Nothing arrives in training with dropout=1, though there is an attention and a feed-forward block to arrive."""
    attentions, linears = seen["at work"]
    at_work = (attentions and linears) or attentions >= 2 or linears >= 4  # or the same in both halves
    return exercise.same(seen, wanted, "dropped") and bool(at_work)


def not_handed_on(half: int):
    return lambda seen, wanted, case: seen.get(HANDED[half], 1) == 0


# Mistakes are put together from torch's functions. N, A and M are given their half and number, as in `roles`.


class Ops:
    """LayerNorm N, attention A and feed-forward M with the weights that `observe` gives to these roles."""

    def __init__(self, case: Case, heads: int | None = None, hidden: int | None = None) -> None:
        self.size, self.seed = case["emb_size"], case["seed"]
        self.heads, self.hidden = heads or case["num_heads"], hidden or self.size * case["expansion"]

    def w(self, role: str, *shape: int) -> torch.Tensor:
        return weights(role, shape, self.seed)

    def N(self, x, half, nth=0):
        weight, bias = (self.w(f"norm.{half}.{nth}.{kind}", self.size) for kind in ("weight", "bias"))
        return F.layer_norm(x, (self.size,), weight + 1, bias)

    def A(self, x, half=0, nth=0):
        attention = nn.MultiheadAttention(self.size, self.heads, batch_first=True).eval()
        give_weights({f"attention.{half}.{nth}": attention}, {"attention": self.seed})
        with torch.no_grad():
            return attention(x, x, x, need_weights=False)[0]

    def M(self, x, half=1, nth=0):
        sizes = (self.hidden, self.size), (self.size, self.hidden)
        for number, (to, origin) in enumerate(sizes, start=nth):
            role = f"linear.{half}.{number}"
            x = F.linear(x, self.w(f"{role}.weight", to, origin), self.w(f"{role}.bias", to))
            x = F.gelu(x) if number == nth else x
        return x

    def P(self, x, half, again=0):
        return self.M(x, nth=2 * again) if half else self.A(x, nth=again)


Half = Callable[[Ops, torch.Tensor], torch.Tensor]


def mistake(key: str, function: Half, **sizes: Callable[[Case], int]):
    """Values of one observed array for `function(ops, x)`; `sizes` are wrong heads or hidden sizes."""

    def produces(case: Case) -> Arrays:
        ops = Ops(case, **{name: size(case) for name, size in sizes.items()})
        return {key: to_array(function(ops, case["x"]), key)}

    return produces


def composed(first: Half, second: Half):
    """Values of the whole block for two halves."""
    return mistake("output", lambda o, x: second(o, first(o, x)))


def first_half(o: Ops, x):
    return x + o.A(o.N(x, 0))


def second_half(o: Ops, x):
    return x + o.M(o.N(x, 1))


FIRST, SECOND = HALVES
# in either half h, whose part is P: attention in the first, feed-forward in the second
IN_A_HALF = {
    "no-norm: the {half} has no LayerNorm.": lambda o, x, h: x + o.P(x, h),
    "norm-after: in the {half} the LayerNorm comes after the {part}: pre-norm means that it comes first.":
        lambda o, x, h: x + o.N(o.P(x, h), h),
    "two-norms: the {half} has a LayerNorm before the {part} and another one after it: only the first belongs there.":
        lambda o, x, h: x + o.N(o.P(o.N(x, h), h), h, 1),
    "post-norm: in the {half} the LayerNorm stands after the sum, as in the Transformer of 2017: ViT norms first, inside of the residual.":
        lambda o, x, h: o.N(x + o.P(x, h), h),
    "norm-outside: in the {half} the LayerNorm stands outside of the residual, so the skip connection carries normed tokens.":
        lambda o, x, h: o.N(x, h) + o.P(o.N(x, h), h),
    "no-residual: the {half} has no residual: ResidualAdd(...) belongs around it.":
        lambda o, x, h: o.P(o.N(x, h), h),
    "residual-twice: the {half} adds its input twice: ResidualAdd stands around it already.":
        lambda o, x, h: x + (o.N(x, h) + o.P(o.N(x, h), h)),
    "part-missing: the {half} has no {part} in it.": lambda o, x, h: x + o.N(x, h),
    "part-repeated: the {half} holds its {part} twice.":
        lambda o, x, h: x + o.P(o.P(o.N(x, h), h), h, again=1),
}  # fmt: skip


def in_half(h: int, slug: str, part: str) -> Mistakes:
    rows = {row.format(half=HALVES[h], part=part): function for row, function in IN_A_HALF.items()}
    return values_by(lambda f: mistake(HALVES[h], lambda o, x: f(o, x, h)), prefixed(rows, slug))


def leaks(which: int):
    """Something of this half arrives although everything should have been dropped."""
    return lambda observed, wanted, case: observed["dropped"][which] > 1e-4


misconceptions = (
    *values({
        "halves-swapped: the feed-forward half runs before the attention half: attention comes first.":
            composed(lambda o, x: x + o.M(o.N(x, 0), 0), lambda o, x: x + o.A(o.N(x, 1), 1)),
        "attention-twice: both halves hold the MultiHeadAttention: the second one holds the FeedForwardBlock.":
            composed(first_half, lambda o, x: x + o.A(o.N(x, 1), 1)),
        "feed-forward-twice: both halves hold the FeedForwardBlock: the first one holds the MultiHeadAttention.":
            composed(lambda o, x: x + o.M(o.N(x, 0), 0), second_half),
        "norm-shared: both halves use one and the same LayerNorm: each half needs its own, with scales of its own.":
            composed(first_half, lambda o, x: x + o.M(o.N(x, 0))),
        "one-residual: one residual goes around both halves: each half needs its own.":
            mistake("output", lambda o, x: x + o.M(o.N(o.A(o.N(x, 0)), 1))),
        "post-norm: the LayerNorms stand after the sums, as in the Transformer of 2017: ViT norms first, inside of the residual.":
            composed(lambda o, x: o.N(x + o.A(x), 0), lambda o, x: o.N(x + o.M(x), 1)),
        "norm-outside: the LayerNorms stand outside of the residuals, so the skip connections carry normed tokens.":
            composed(lambda o, x: o.N(x, 0) + o.A(o.N(x, 0)), lambda o, x: o.N(x, 1) + o.M(o.N(x, 1))),
    }),
    *row_by_row(in_half(0, "first-", "MultiHeadAttention"), in_half(1, "second-", "FeedForwardBlock")),
    *values({
        "heads-default: num_heads is not passed on to MultiHeadAttention, which then takes its default.":
            mistake(FIRST, first_half, heads=lambda case: 3),
        "one-head: the attention has one head only: pass num_heads on.":
            mistake(FIRST, first_half, heads=lambda case: 1),
        "expansion-default: expansion is not passed on to FeedForwardBlock, which then takes its default 4.":
            mistake(SECOND, second_half, hidden=lambda case: 4 * case["emb_size"]),
        "expansion-as-size: FeedForwardBlock is given the hidden size: it multiplies by emb_size itself, so pass the factor expansion on.":
            mistake(SECOND, second_half, hidden=lambda case: case["emb_size"] ** 2 * case["expansion"]),
        "expansion-as-size-4: FeedForwardBlock is given the hidden size: it multiplies by emb_size itself, so pass the factor expansion on.":
            mistake(SECOND, second_half, hidden=lambda case: case["emb_size"] ** 2 * 4),
        "one-linear: the feed-forward half holds one Linear layer: it is to hold your FeedForwardBlock.":
            mistake(SECOND, lambda o, x: x + F.linear(o.N(x, 1), o.w("linear.1.0.weight", o.size, o.size), o.w("linear.1.0.bias", o.size))),
        "expansion-is-heads: FeedForwardBlock is given num_heads where expansion belongs.":
            mistake(SECOND, second_half, hidden=lambda case: case["emb_size"] * case["num_heads"]),
        "heads-is-expansion: MultiHeadAttention is given expansion where num_heads belongs.":
            mistake(FIRST, first_half, heads=lambda case: case["expansion"]),
    }),
    *properties_by(leaks, {
        "first-no-dropout: the attention half does not end in `nn.Dropout(dropout)`: with dropout=1 nothing of it should arrive.": 0,
        "second-no-dropout: the feed-forward half does not end in `nn.Dropout(dropout)`: with dropout=1 nothing of it should arrive.": 1,
    }),
    *properties_by(not_handed_on, {
        "first-dropout-not-handed-on: `dropout` is not handed on to MultiHeadAttention, which then drops nothing in training.": 0,
        "second-dropout-not-handed-on: `dropout` is not handed on to FeedForwardBlock, which then drops nothing in training.": 1,
    }),
    *errors({
        "size-fixed: a size is written out as a number: use emb_size.": r"normalized_shape=\[(192|768)\]|\(\d+x\d+ and 192x|[Ee]xpected .*192",
        "norm-of-wrong-size: a LayerNorm has the wrong size: it norms the emb_size numbers of a token.": "normalized_shape=",
        "batch-norm: a BatchNorm stands where the LayerNorm belongs: ViT norms every token by itself.": "running_mean|BatchNorm|expected 2D or 3D input",
        "dropout-as-size: FeedForwardBlock is given dropout where expansion belongs: write the arguments in its own order.": "TypeError: empty.*float|'float' object cannot|Expected more than 1 value|zero-size|division by zero",
        "not-made: a class is put into nn.Sequential instead of an object of it: the brackets with the sizes are missing.": A_CLASS,
        "torchs-attention: PyTorch's own nn.MultiheadAttention stands in place of yours: it asks for queries, keys and values, and nn.Sequential hands on one tensor. Take MultiHeadAttention, with a capital H.": r"MultiheadAttention\.",
        "list-in-residual: ResidualAdd is given a list: it takes one module, so put them into nn.Sequential.": "'(list|tuple)' object is not callable",
        "order-of-sizes: a part is made for tokens of another size than emb_size: write the sizes in the order in which the class takes them.": "shapes cannot be multiplied|not divisible|can't divide|by zero",
        "no-sequential: ResidualAdd is given several modules: it takes one, so put them into nn.Sequential.": r"ResidualAdd.*takes 2 positional arguments but",
        "argument-missing: an argument is missing: write the sizes in the order in which the class takes them.": "missing [0-9] required positional argument",
    }),
)  # fmt: skip


def place(key: str, index: tuple[int, ...], case: Case) -> str:
    if key == "dropped":
        return f"in training with dropout=1, what still arrives of the {HALVES[index[0]]}"
    return f"{key}{list(index)}"


parts = (
    Part("attention half", 1, (FIRST, "output"), agrees=half_agrees(FIRST), blank="# the attention half"),
    Part(
        "feed-forward half",
        1,
        (SECOND, "output"),
        agrees=half_agrees(SECOND),
        blank="# the feed-forward half",
    ),
    Part("dropout at the end of both halves", 1, ("dropped",), agrees=dropout_agrees),
)
hints = (
    "Each nn.Sequential holds three modules. Read the diagram from left to right: what does x meet first "
    "on its way to the plus sign?",
    "Pre-norm: in each half the LayerNorm comes first and the dropout last. Only the module in the middle "
    "differs from half to half.",
    "First half: a LayerNorm of emb_size, the MultiHeadAttention with emb_size, num_heads and dropout, a Dropout. "
    "Second half: the same with the FeedForwardBlock and its expansion in the middle.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, place)
