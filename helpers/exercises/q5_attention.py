"""Q5: multi-head self-attention, three blanks, each tried by itself.

How it is observed, on weights that `fill` gives:

1. The module runs as it is. That gives `output`, and the input of `self.att_drop` is `att`: the first blank.
2. `self.att_drop` hands on an attention that was given instead. The first product after it gives
   `out after einsum` (second blank), and what reaches the projection gives `out before projection`.
3. That product hands on a tensor that was given instead. What reaches the projection is then
   `out after rearrange`: the third blank.

So a mistake in one blank does not touch the others, and a blank that is still `...` costs only its own point.
If `output` is right, or what reaches the projection in run 2 is, then it does not matter how it was made:
other axis orders, `@`, reshape or PyTorch's own attention function are right too.
"""

from collections.abc import Callable, Mapping

import numpy as np
import torch
import torch.nn.functional as F

from helpers.checks.arrays import Arrays, Case, tensor, to_array, weights
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import (
    Mistakes,
    errors,
    itself,
    properties,
    properties_by,
    row_by_row,
    values_by,
    values_of,
)
from helpers.observers.q5_attention import ATT, BOTH, LINEARS, MERGED, OUTPUT, SCALE, SUMMED, observer


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    return [
        {
            "heads": h,
            "att": weights_of_keys(rng, b, h, n),
            "seed": int(rng.integers(2**31)),
            "x": tensor(rng, b, n, h * d, scale=0.5),
            "out": tensor(rng, b, h, n, d),
            "label": f"batch {b}, {h} heads, {n} tokens, head_dim {d}",
        }
        for b, h, n, d in [(2, 3, 5, 4), (3, 2, 6 + int(rng.integers(4)), 5)]
    ]


def weights_of_keys(rng: np.random.Generator, b: int, h: int, n: int) -> torch.Tensor:
    """Positive weights, whose rows do not sum to 1."""
    att = rng.dirichlet(np.full(n, 2.0), (b, h, n)) * rng.uniform(0.6, 1.4, (b, h, n, 1))
    return torch.from_numpy(att.astype(np.float32))


def linear(case: Case, name: str, x: torch.Tensor) -> torch.Tensor:
    return F.linear(x, *(drawn(case, name, kind) for kind in ("weight", "bias")))


def drawn(case: Case, name: str, kind: str) -> torch.Tensor:
    """The weight or bias of one of the four Linear layers."""
    size = case["x"].shape[-1]
    return weights(f"{name}.{kind}", (size, size) if kind == "weight" else (size,), case["seed"], SCALE)


def projected(case: Case, name: str) -> torch.Tensor:
    """Queries, keys or values of the case, split in heads: (b, h, n, d)."""
    return linear(case, name, case["x"]).unflatten(-1, (case["heads"], -1)).transpose(1, 2)


def attention(case: Case) -> torch.Tensor:
    """The weights themselves, (b, h, n, n): attention over values that are the rows of the identity."""
    queries, keys = projected(case, "queries"), projected(case, "keys")
    identity = torch.eye(queries.shape[2]).expand(*queries.shape[:2], -1, -1)
    return F.scaled_dot_product_attention(queries, keys, identity)


def gathered(out: torch.Tensor) -> torch.Tensor:
    """(b, h, n, d) to (b, n, h * d)."""
    return torch.cat(out.unbind(1), dim=-1)


def library(case: Case) -> torch.Tensor:
    """The whole module as PyTorch has it, with the same weights."""
    whole = torch.nn.MultiheadAttention(case["x"].shape[-1], case["heads"], batch_first=True).eval()
    with torch.no_grad():
        for kind in ("weight", "bias"):
            stacked = torch.cat([drawn(case, name, kind) for name in LINEARS[:3]])
            getattr(whole, f"in_proj_{kind}").copy_(stacked)
            getattr(whole.out_proj, kind).copy_(drawn(case, "projection", kind))
        return whole(case["x"], case["x"], case["x"], need_weights=False)[0]


def expected(case: Case) -> Arrays:
    values = {
        ATT: attention(case),
        SUMMED: summed(case),
        BOTH: gathered(summed(case)),
        MERGED: gathered(case["out"]),
        OUTPUT: library(case),
    }
    return {key: to_array(value, key) for key, value in values.items()}


def att_agrees(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    return exercise.same(seen, wanted, OUTPUT) or exercise.same(seen, wanted, ATT)


def only(mistakes: Mistakes, seen: Arrays, wanted: Arrays, case: Case) -> bool:
    """A step was not seen by itself, but what came after it is that of one known mistake, all else being right."""
    return any(m.when(seen, wanted, case) for m in mistakes if m.when)


def sum_agrees(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    """Right by itself, or together with the merge, or (no product was seen) the right numbers in other places."""
    if any(exercise.same(seen, wanted, key) for key in (OUTPUT, BOTH, SUMMED)):
        return True
    if only(ATT_MISTAKES, seen, wanted, case):
        return True
    if SUMMED in seen or BOTH not in seen or seen[BOTH].size != wanted[BOTH].size:
        return False
    return exercise.close(np.sort(seen[BOTH], None), np.sort(wanted[BOTH], None))


def merge_agrees(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    """Right by itself or together with the sum. But where all else is right, it is the output that decides."""
    if att_agrees(seen, wanted, case) and sum_agrees(seen, wanted, case):
        return exercise.same(seen, wanted, OUTPUT)
    if exercise.same(seen, wanted, BOTH) or exercise.same(seen, wanted, MERGED):
        return True
    return only(ATT_MISTAKES, seen, wanted, case) or only(SUM_MISTAKES, seen, wanted, case)


def twice(key: str, make: Callable, later: str, after: Callable, rows: Mapping[str, Callable]) -> Mistakes:
    """A mistake `f` gives `make(f, case)` in `key`, if the student's code has this step as a step; else it is only seen in
    what comes after it: `after(f, case)` in `later`. So most mistakes are recognised in two places.
    """

    def in_later(f: Callable):
        def when(seen: Arrays, wanted: Arrays, case: Case) -> bool:
            if key in seen or later not in seen:
                return False
            return exercise.close(seen[later], to_array(after(f, case), later))

        return when

    by_itself = values_by(lambda f: lambda case: {key: to_array(make(f, case), key)}, rows)
    return row_by_row(by_itself, properties_by(in_later, rows))


def summed(case: Case) -> torch.Tensor:
    return torch.matmul(case["att"], projected(case, "values"))


def wrong_att(f, case: Case) -> torch.Tensor:
    """`f(scores, case)`, where the scores are not scaled yet."""
    return f(torch.matmul(projected(case, "queries"), projected(case, "keys").mT), case).float()


def after_wrong_att(f, case: Case) -> torch.Tensor:
    merged = gathered(torch.matmul(wrong_att(f, case), projected(case, "values")))
    return linear(case, "projection", merged)


def wrong_sum(f, case: Case) -> torch.Tensor:
    """`f(att, values)`."""
    return f(case["att"], projected(case, "values"))


def after_wrong_sum(f, case: Case) -> torch.Tensor:
    result = wrong_sum(f, case)
    if result.dim() != 4:  # nothing reaches the projection: it ends in an error
        return torch.empty(0)
    return gathered(result)


def head_dim(case: Case) -> int:
    return case["out"].shape[-1]


# Other divisors of the scores: `divisor(case)`.
DIVISORS = (
    ("no-scale", "the scores are not divided by sqrt(head_dim)", lambda c: 1),
    ("sqrt-emb-size", "the scores are divided by sqrt(emb_size): it is sqrt(head_dim), the length of one query in one head", lambda c: c["x"].shape[-1] ** 0.5),
    ("multiplied", "the scores are multiplied by sqrt(head_dim): divide", lambda c: head_dim(c) ** -0.5),
    ("no-root", "the scores are divided by head_dim, or twice by its root: once by the square root", head_dim),
    ("half-head-dim", "the scores are divided by half of head_dim: take the square root, `** 0.5`", lambda c: head_dim(c) / 2),
    ("twice-head-dim", "the scores are divided by head_dim and then by 2: `** 1/2` is read as `(** 1) / 2`, so write `** 0.5`", lambda c: head_dim(c) * 2),
    ("squared", "the scores are divided by head_dim squared: take the square root, `** 0.5`", lambda c: head_dim(c) ** 2),
    ("sqrt-heads", "the scores are divided by sqrt(num_heads): it is sqrt(head_dim)", lambda c: c["heads"] ** 0.5),
    ("heads", "the scores are divided by num_heads: it is sqrt(head_dim)", lambda c: c["heads"]),
    ("sqrt-tokens", "the scores are divided by the square root of the number of tokens: it is sqrt(head_dim)", lambda c: c["x"].shape[1] ** 0.5),
    ("fixed-8", "the scores are divided by 8, or by the root of 64: that is right for heads of 64 numbers only. Use self.head_dim", lambda c: 8),
    ("emb-size", "the scores are divided by emb_size: it is sqrt(head_dim)", lambda c: c["x"].shape[-1]),
)  # fmt: skip

# Other functions in place of the softmax over the keys. With or without scaling: then a second sentence says so.
FUNCTIONS = (
    ("softmax-queries", "the softmax runs over the queries, so the columns sum to 1: run it over the keys, the last axis", lambda s: s.softmax(-2)),
    ("softmax-heads", "the softmax runs over the heads, or was not told its axis: run it over the keys, the last axis", lambda s: s.softmax(1)),
    ("softmax-batch", "the softmax runs over the batch: run it over the keys, the last axis", lambda s: s.softmax(0)),
    ("softmax-over-all", "the softmax runs over queries and keys at once: each row should sum to 1 by itself", lambda s: s.flatten(2).softmax(-1).view_as(s)),
    ("softmax-missing", "the softmax is missing: these are scores, and rows of scores do not sum to 1", lambda s: s),
    ("softmax-twice", "the softmax is taken twice", lambda s: s.softmax(-1).softmax(-1)),
    ("sigmoid", "a sigmoid stands in place of the softmax: its rows do not sum to 1", torch.sigmoid),
    ("log-softmax", "these are logarithms of the weights: use softmax, not log_softmax", lambda s: s.log_softmax(-1)),
    ("minus", "the scores have the wrong sign, so the least alike get the most weight", lambda s: (-s).softmax(-1)),
    ("exponential", "the exponentials are not divided by their sum over the keys", torch.exp),
    ("relu", "a ReLU stands in place of the softmax: its rows do not sum to 1", torch.relu),
    ("tanh", "a tanh stands in place of the softmax: its rows do not sum to 1", torch.tanh),
    ("divided-by-sum", "the scores are divided by their sum: softmax takes exponentials first", lambda s: s / s.sum(-1, True)),
    ("argmax", "the best key gets all the weight: softmax shares it out", lambda s: F.one_hot(s.argmax(-1), s.shape[-1])),
    ("transposed", "queries and keys have changed places", lambda s: s.mT.softmax(-1)),
)  # fmt: skip


ATT_MISTAKES = (
    *twice(ATT, wrong_att, OUTPUT, after_wrong_att, {
        **{f"{slug}: {text}.": lambda s, c, f=f: (s / f(c)).softmax(-1) for slug, text, f in DIVISORS},
        "scale-after-softmax: the division by sqrt(head_dim) comes after the softmax: divide the scores, before the softmax, or the rows no longer sum to 1.":
            lambda s, c: s.softmax(-1) / head_dim(c) ** 0.5,
        "scale-after-softmax-emb-size: the division by sqrt(emb_size), which should be sqrt(head_dim), comes after the softmax: divide the scores, before the softmax, or the rows no longer sum to 1.":
            lambda s, c: s.softmax(-1) / c["x"].shape[-1] ** 0.5,
    }),
    *(mistake for slug, text, f in FUNCTIONS for mistake in twice(ATT, wrong_att, OUTPUT, after_wrong_att, {
        f"{slug}: {text}.": lambda s, c, f=f: f(s * head_dim(c) ** -0.5),
        f"{slug}-no-scale: {text}. And the scores are not divided by sqrt(head_dim).": lambda s, c, f=f: f(s),
    })),
)  # fmt: skip

SUMS = (
    ("att-transposed", "the attention is read the wrong way round: sum over its last axis (the keys, l), keep the queries (a)", lambda a, v: a.mT @ v),
    ("sum-over-queries", "the queries (a) are summed and the keys (l) are kept: it is the other way round", lambda a, v: a.sum(-2)[..., None] * v),
    ("values-kept", "each query keeps one value of its own: the values' tokens share the letter of the keys (l), the last axis of att", lambda a, v: a.sum(-1)[..., None] * v),
    ("v-summed", "the numbers of a value (v) are summed and the keys (l) are kept: it is the other way round", lambda a, v: a * v.sum(-1)[..., None, :]),
    ("not-shared", "the keys have two different letters, so each axis is summed by itself: they share the letter l", lambda a, v: a.sum(-1)[..., None] * v.sum(-2)[..., None, :]),
    ("order-bhva", "the last two axes have changed places: a (queries) comes before v", lambda a, v: (a @ v).mT),
    ("order-bahv", "the queries stand before the heads: in this order the line after it takes one for the other, keep b, h, a, v", lambda a, v: (a @ v).transpose(1, 2)),
    ("order-hbav", "batch and heads have changed places: keep b, h, a, v", lambda a, v: (a @ v).transpose(0, 1)),
    ("order-bvha", "the axes come out in another order: keep b, h, a, v", lambda a, v: (a @ v).permute(0, 3, 1, 2)),
    ("order-bavh", "the axes come out in another order: keep b, h, a, v", lambda a, v: (a @ v).permute(0, 2, 3, 1)),
    ("queries-and-v-mixed", "the queries (a) are summed and the axes come out in another order: keep b, h, a, v", lambda a, v: (a.sum(-2)[..., None] * v).mT),
    ("average", "the values are averaged over the keys: a sum, since the weights sum to 1 already", lambda a, v: a @ v / v.shape[-2]),
    ("att-forgotten", "the values come out unweighted: att is not used", lambda a, v: v),
    ("diagonal-not-shared", "one letter stands for queries and keys, so only the diagonal of att is used, and the values' tokens have a letter of their own", lambda a, v: a.diagonal(dim1=-2, dim2=-1)[..., None] * v.sum(-2)[..., None, :]),
    ("diagonal", "one letter stands for queries and keys, so only the diagonal of att is used", lambda a, v: a.diagonal(dim1=-2, dim2=-1)[..., None] * v),
    # one axis lost or kept too many: a merge that fits the scaffold then raises, another one may not
    ("heads-summed", "the heads (h) are summed: they stay apart until the next line", lambda a, v: (a @ v).sum(1)),
    ("tokens-summed", "the queries (a) are summed too: each one gets a vector of its own", lambda a, v: (a @ v).sum(2)),
    ("axes-left-out", "`->` is missing, and then einsum keeps only the letters that stand once: say what stays, bhav", lambda a, v: (a @ v).sum((0, 1))),
    ("nothing-summed", "nothing is summed: the keys (l) should be missing on the right", lambda a, v: a[..., None] * v[:, :, None]),
)  # fmt: skip

# A merge may go wrong on either side of the arrow, with the same result.
LEFT = ". (Left of the arrow the axes are named in the order in which they come: batch, heads, tokens, head_dim.)"
MERGES = (
    ("dim-before-head", "head_dim comes before the heads in the last axis: a head's numbers should stay side by side, heads first" + LEFT, lambda t: t.permute(0, 2, 3, 1).flatten(2)),
    ("scrambled", "the axes were only cut anew: bring the tokens in front of the heads first, or numbers of different tokens land in one row", lambda t: t.reshape(len(t), t.shape[2], -1)),
    ("tokens-with-dim", "tokens and head_dim are merged, and the heads are still apart: merge heads and head_dim" + LEFT, lambda t: t.flatten(2)),
    ("dim-with-tokens", "head_dim and tokens are merged, and the heads are still apart: merge heads and head_dim" + LEFT, lambda t: t.mT.flatten(2)),
    ("heads-with-tokens", "heads and tokens are merged: merge heads and head_dim, and keep the tokens", lambda t: t.flatten(1, 2)),
    ("tokens-with-heads", "tokens and heads are merged: merge heads and head_dim, and keep the tokens", lambda t: t.transpose(1, 2).flatten(1, 2)),
    ("heads-with-tokens-last", "heads and tokens are merged into the last axis: merge heads and head_dim, and keep the tokens" + LEFT, lambda t: t.permute(0, 3, 1, 2).flatten(2)),
    ("tokens-with-heads-last", "tokens and heads are merged into the last axis: merge heads and head_dim, and keep the tokens" + LEFT, lambda t: t.permute(0, 3, 2, 1).flatten(2)),
    ("not-merged", "the tokens are in front but the heads are not merged: put brackets around heads and head_dim", lambda t: t.transpose(1, 2)),
    ("unchanged", "nothing was moved: each token gets the numbers of all its heads in one row", lambda t: t),
    ("batch-with-dim", "batch and head_dim are merged, and the heads stand in front" + LEFT, lambda t: t.permute(1, 2, 0, 3).flatten(2)),
    ("batch-token-swapped", "batch and tokens have changed places: the batch stays in front", lambda t: t.permute(2, 0, 1, 3).flatten(2)),
    ("batch-merged-with-heads", "the batch is merged with something: it stays an axis of its own, in front", lambda t: t.flatten(0, 1)),
    ("batch-merged-with-tokens", "the batch is merged with the tokens: it stays an axis of its own, in front", lambda t: t.transpose(1, 2).flatten(2).flatten(0, 1)),
    ("features-before-tokens", "the merged axis stands before the tokens: it is the last one", lambda t: t.mT.flatten(1, 2)),
    ("features-before-tokens-dim-first", "the merged axis stands before the tokens, and head_dim before the heads in it", lambda t: t.permute(0, 3, 1, 2).flatten(1, 2)),
    ("all-merged", "tokens, heads and head_dim are all merged: the tokens stay an axis of their own", lambda t: t.transpose(1, 2).flatten(1)),
    ("all-merged-heads-first", "heads, tokens and head_dim are all merged: the tokens stay an axis of their own", lambda t: t.flatten(1)),
    ("heads-summed-in-merge", "the heads are added up: put them side by side", lambda t: t.sum(1)),
    ("heads-averaged", "the heads are averaged: put them side by side", lambda t: t.mean(1)),
)  # fmt: skip

SUM_ROWS = {f"{slug}: {text}.": f for slug, text, f in SUMS}
SUM_MISTAKES = twice(SUMMED, wrong_sum, BOTH, after_wrong_sum, SUM_ROWS)
MERGE_ROWS = {f"{slug}: {text}{'' if text.endswith(LEFT) else '.'}": f for slug, text, f in MERGES}

misconceptions = (
    *ATT_MISTAKES,
    *SUM_MISTAKES,
    *twice(MERGED, lambda f, case: f(case["out"]), BOTH, lambda f, case: f(summed(case)), MERGE_ROWS),
    *values_of(OUTPUT, itself, {
        "projection-missing: the merged heads are returned before the projection: keep the last line that was given.":
            lambda case: gathered(torch.matmul(attention(case), projected(case, "values"))),
        "residual-added: x is added to the output: the residual connection comes in Q6, not here.":
            lambda case: library(case) + case["x"],
    }),
    *properties({
        "not-step-by-step: the output as a whole is not right. The steps could not be tried one by one, since att does not pass through self.att_drop as in the code that was given.":
            lambda seen, wanted, case: ATT not in seen and OUTPUT in seen,
    }),
    *errors({
        "softmax-without-axis: the softmax is not told its axis: add `dim=...` with the axis of the keys.": r"softmax\(\) missing .*dim|softmax\(\) received an invalid combination",
        "softmax-no-such-axis: the softmax is given an axis that is not there: the scores have axes 0 to 3, and -1 is the last.": "IndexError: Dimension out of range",
        "root-of-a-number: torch.sqrt is given a plain number: write `** 0.5`, or math.sqrt after `import math`.": r"sqrt\(\): argument 'input' .* must be Tensor, not (int|float)",
        "root-of-a-tensor: a function of `math` is given a whole tensor: take the root of head_dim, which is a number.": "only one element tensors can be converted to Python scalars",
        "softmax-module: nn.Softmax is used as a function: it is a layer, made first with its axis and called afterwards. The function is torch.softmax.": "must be Tensor, not Softmax|dim must be an int or None",
        "head-dim-without-self: a number of the module is used without its `self.` in front.": "NameError: name '(head_dim|num_heads)' is not defined",
        "emb-size-not-kept: emb_size is only known in __init__; and what is needed here is self.head_dim.": "(Name|Attribute)Error: .*'emb_size'",
        "operand-count: the einsum string does not name two tensors: left of `->` stand the letters of att, a comma, the letters of values.": r"einsum\(\): (more|fewer) operands",
        "unknown-letter: a letter on the right of `->` in the einsum string stands nowhere on the left.": "output subscript . does not appear",
        "letter-twice: a letter stands twice on the right of `->` in the einsum string.": "output subscript . appears more than once",
        "letter-count: the einsum string has more or fewer letters than a tensor has axes: att and values have four each.": "number of subscripts in the equation",
        "sizes-differ: one letter names two axes of different length: att's last axis and the values' third one share a letter, nothing else but batch and head.": r"einsum\(\): subscript . has size",
        "einsum-sign: the einsum string holds a sign that it does not know: only letters, spaces, one comma and one `->` (brackets belong to rearrange).": r"einsum\(\): invalid subscript",
        "not-a-string: einsum is given something else than a string: the letters go between quotes.": r"einsum\(\): argument 'equation' .* must be str",
        "pattern-axes: the left of the pattern does not name the four axes that `out` has: batch, heads, tokens, head_dim.": r"expected \d dims\. Received",
        "axis-not-kept: a name stands on one side of the pattern only: rearrange loses and adds nothing, and names need spaces between them.": "Identifiers only on one side",
        "brackets: the brackets of the pattern do not close, or stand inside each other.": "[Pp]arentheses|[Bb]rackets",
        "axis-twice: a name stands twice on one side of the pattern.": "contains duplicate dimension",
        "pattern-sign: the pattern holds a sign that einops does not know: only names, spaces, brackets and one `->`.": "Unknown character|not a valid axis name|Invalid axis identifier",
        "no-arrow: the pattern does not have exactly one `->`, with the axes before on its left and after on its right.": "values to unpack",
        "unknown-size: the pattern splits an axis without saying into what: there is nothing to split here, only to merge.": "Could not infer sizes",
        "pattern-not-a-string: rearrange is given something else than a string: the pattern goes between quotes.": "has no attribute 'split'",
        "view-of-a-moved-tensor: `view` is used after the axes were moved: use reshape.": "view size is not compatible",
        "torchs-own: PyTorch's nn.MultiheadAttention is used: here you build attention yourself, from the scores above.": r"MultiheadAttention\.",
        "no-such-name: a name of the module is misspelt, or not there: it keeps self.num_heads and self.head_dim.": "AttributeError: '?MultiHeadAttention'? object has no attribute",
        "constructor: the class is made with other arguments: keep the line `def __init__(self, emb_size=192, num_heads=3, dropout=0.0)`.": r"TypeError: .*__init__\(\)",
    }),
)  # fmt: skip


def given(case: Case) -> dict:
    return {"att =": case["att"], "torch.einsum(": case["out"]}


parts = (
    Part("attention weights", 1, (ATT,), agrees=att_agrees, blank="att ="),
    Part("weighted sum of the values", 1, (SUMMED,), agrees=sum_agrees, blank="torch.einsum("),
    Part("heads gathered", 1, (MERGED, OUTPUT), agrees=merge_agrees, blank="rearrange("),
)
hints = (
    "Run the cell above the check: it prints the shapes on the way, up to the line where your code stops. "
    "`att` has the shape of the scores.",
    "In each row of `att`, one query spreads a weight of 1 over all keys: which axis of the scores is that? "
    "And which of the letters b, h, a, l, v is summed away when the values are weighted?",
    "First divide the scores by the square root of self.head_dim, then take the softmax over the last axis. "
    "In einsum, l disappears and b, h, a, v stay in this order. In rearrange, write the four axes as they are, "
    "then batch, tokens, and in brackets heads and head_dim, in the order in which they were split above.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, given=given)
