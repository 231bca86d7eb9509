# %% [markdown] id="f781eca7"
# # Q5 · Multi-head attention
#
# Let every patch ask every other patch what it knows: queries, keys, values, in several heads, written with einsum.
#
# **When you are done you can**
#
# - work out one attention output by hand, from scores to softmax to weighted values;
# - read and write einsum strings: name the axes, and know which are summed;
# - write multi-head self-attention, say what the scale is for, and match PyTorch's own to the last digits.
#
# **Time and hardware**: about 60 minutes of yours, and the whole notebook computes for less than 8 seconds on two CPU cores; no GPU, no download.
#
# **Before you start**: matrix products, softmax, `rearrange` from Q2. The notebook builds its own tokens.
#
# **Do you remember?** Answer first, then open.
#
# <details><summary>1. What does softmax do with a row of numbers?</summary>
#
# It makes them positive weights that sum to 1; larger numbers get larger weights (part 1).
#
# </details>
# <details><summary>2. What does <code>rearrange(x, "b n (h d) -> b h n d", h=3)</code> do to a (2, 65, 192) tensor?</summary>
#
# It takes the last axis apart into 3 heads of 64 and brings the heads forward: (2, 3, 65, 64) (Q2).
#
# </details>
# <details><summary>3. Why do positions have to be added before the tokens come here?</summary>
#
# Because attention does not know the order of its tokens (Q1, Q4).
#
# </details>

# %% tags=["setup"] id="65cd4733"
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import nn

from helpers import check, data, show

torch.manual_seed(0)
print("Ready.")

# %%
show.diagram("course_map", here="q5")

# %% [markdown]
# ## One query asks all keys
#
# So far every token stands alone. Attention is where they talk to each other. Each token sends out three vectors:
#
# - a **query**: what am I looking for?
# - a **key**: what do I have to offer?
# - a **value**: what do I give to those who listen?
#
# Three tokens, two numbers each, by hand. The token "sky" asks with the query (1, 2). Its dot product with each key is a **score**; divided by $\sqrt 2$ (two numbers) and put through softmax, the scores become **weights** that sum to 1. Run the cell, cover its column "weight", and work out the weight of "roof" from the column "exp".

# %%
names = ["sky", "roof", "tree"]
query = torch.tensor([1.0, 2.0])  # what "sky" asks
keys = torch.tensor([[2.0, 0.0], [1.0, 1.0], [-1.0, 1.0]])  # (3 tokens, 2)
values = torch.tensor([[4.0, 0.0], [0.0, 4.0], [2.0, 2.0]])  # (3 tokens, 2)

scores = keys @ query  # one number for each key
scaled = scores / 2**0.5
weights = torch.softmax(scaled, dim=0)
rows = [
    (name, tuple(keys[i].int().tolist()), f"{scores[i]:.0f}", f"{scaled[i]:.2f}", f"{scaled[i].exp():.2f}",
     f"{weights[i]:.3f}", tuple(values[i].int().tolist()))
    for i, name in enumerate(names)
]  # fmt: skip
show.table(rows, ["key of", "key", "score", "/ sqrt(2)", "exp", "weight", "value"])
output = weights @ values
parts = " + ".join(f"{weight:.3f} * value of {name}" for weight, name in zip(weights, names, strict=True))
show.text(
    f"Sum of the weights: {weights.sum():.3f}.",
    f"Output for 'sky': {parts} = ({output[0]:.2f}, {output[1]:.2f}).",
)

# %% [markdown] id="7930ac7b"
# The output for "sky" is a mixture of all values, and "roof" has the largest share, because its key fits the query best. That is all of attention:
#
# $$\text{Attention}(Q, K, V) = \text{softmax}\!\left(\frac{Q K^\top}{\sqrt{d}}\right) V$$
#
# with one row of $Q$ for each token that asks, and $d$ the length of a query (here 2; part 1 called it $d_k$). In **self-attention** every token asks, so there are as many queries as keys.
#
# ## einsum: name the axes
#
# With batches and heads there are four axes, and `transpose(-2, -1)` gets hard to read. `torch.einsum` names each axis by a letter, and has one rule:
#
# **multiply what stands under the same letters; letters that are missing on the right of `->` are summed.**
#
# The scores of three queries with four keys, first as slow loops, then as the string that says the same:

# %%
Q, K = torch.randn(3, 2), torch.randn(4, 2)  # (queries q, numbers d), (keys k, numbers d)


def slow_scores(Q, K):
    scores = torch.zeros(3, 4)
    for q in range(3):
        for k in range(4):
            for d in range(2):  # d is missing in the result: it is summed
                scores[q, k] += Q[q, d] * K[k, d]
    return scores


fast = torch.einsum("qd, kd -> qk", Q, K)
show.text(f"Same numbers: {torch.allclose(slow_scores(Q, K), fast)}; shape {tuple(fast.shape)}.")

# %% [markdown]
# Three more, with one tensor only: M has the rows (0, 1, 2) and (3, 4, 5). Predict each result before you run the cell.

# %%
M = torch.arange(6.0).reshape(2, 3)
predictions = ..., ..., ...  # three lists or numbers, for instance [0, 1]

for pattern, prediction in zip(("rc -> cr", "rc -> r", "rc ->"), predictions):
    show.compare(prediction, torch.einsum(pattern, M).tolist(), pattern)

# %% [markdown]
# ## Exercise: five strings
#
# `rc -> cr` turns rows into columns, in `rc -> r` the c is missing, so it is summed, and in `rc ->` both are.
#
# Write the einsum string for each operation. Any letters will do, and spaces do not matter. One point in all, a fifth for each.
#
# | name | tensors | result |
# | --- | --- | --- |
# | `matrix product` | A (3, 4), B (4, 5) | A B, (3, 5) |
# | `batched product` | X (2, 3, 4), Y (2, 4, 5) | for each of the 2 pairs its own matrix product, (2, 3, 5) |
# | `outer product` | u (3), v (5) | every number of u times every number of v, (3, 5) |
# | `trace` | S (4, 4) | sum of the diagonal, one number |
# | `weighted sum` | w (4), V (4, 3) | the rows of V, each times its weight, added up, (3) |
#
# The last one is what attention does with one query: weights times values.

# %%
operands = {
    "matrix product": (torch.randn(3, 4), torch.randn(4, 5)),
    "batched product": (torch.randn(2, 3, 4), torch.randn(2, 4, 5)),
    "outer product": (torch.randn(3), torch.randn(5)),
    "trace": (torch.randn(4, 4),),
    "weighted sum": (torch.randn(4), torch.randn(4, 3)),
}

# %% nbgrader={"grade_id": "q5_einsum_warmup", "solution": true}
einsum_patterns = {
    "matrix product": "ij,jk->ik",  # blank: "matrix product": ...,
    "batched product": "bij,bjk->bik",  # blank: "batched product": ...,
    "outer product": "i,j->ij",  # blank: "outer product": ...,
    "trace": "ii->",  # blank: "trace": ...,
    "weighted sum": "n,nd->d",  # blank: "weighted sum": ...,
}

# %% [markdown]
# Try them: this cell shows the shape that each string gives, or what einsum says against it.

# %%
rows = []
for name, tensors in operands.items():
    shapes = " and ".join(str(tuple(t.shape)) for t in tensors)
    pattern = einsum_patterns.get(name)
    try:
        given = torch.einsum(pattern, *tensors).shape if isinstance(pattern, str) else "not filled in yet"
    except RuntimeError as error:
        given = error
    rows.append((name, shapes, pattern if isinstance(pattern, str) else "", given))
show.table(rows, ["name", "tensors", "your string", "makes"])

# %% nbgrader={"grade_id": "check_q5_einsum_warmup", "grade": true}
check("q5_einsum_warmup")

# %% [markdown] id="9a01485f"
# ## Several heads
#
# One softmax makes one mixture for each token. But a token may want to know several things at once: what is above me, and where else is this colour? So each token's query, key and value, 192 numbers each and each made from **all** 192 numbers of the token, are cut into 3 **heads** of 64 (`head_dim`, the $d$ of the formula). Each head has queries, keys and values of its own and makes its own mixture; then the heads are laid side by side again, and a last Linear layer mixes them.

# %%
show.diagram("attention_shapes")

# %% [markdown]
# ## Why divide by the square root?
#
# A score adds up `head_dim` products. The more there are, the further the scores spread, and softmax of widely spread numbers gives nearly everything to one key. Queries and keys of random numbers show it: below, the weights of 10 keys, largest first, averaged over 500 queries.

# %%
ranked, spread = {}, []
for size in (4, 64, 1024):
    some_queries, ten_keys = torch.randn(500, 1, size), torch.randn(500, 10, size)
    some_scores = torch.einsum("nqd, nkd -> nqk", some_queries, ten_keys)[:, 0]  # (500, 10)
    spread.append((size, f"{some_scores.std():.2f}", f"{size**0.5:.2f}"))
    for title, divisor in (("softmax(scores)", 1), ("softmax(scores / sqrt(head_dim))", size**0.5)):
        by_rank = (some_scores / divisor).softmax(dim=-1).sort(descending=True).values.mean(dim=0)
        ranked.setdefault(title, {})[f"head_dim {size}"] = by_rank  # (10,)
show.table(spread, ["head_dim", "standard deviation of the scores", "sqrt(head_dim)"])
for title, says in zip(
    ranked,
    (
        "the larger head_dim, the more the best key takes all.",
        "with the scale, the three lines nearly agree.",
    ),
):
    show.curves(
        ranked[title], says, x=range(1, 11), title=title, xlabel="rank of the key", ylabel="attention weight"
    )

# %% [markdown] id="2e43b608"
# A softmax that gives all to one key has next to no gradient, so it hardly learns. Dividing by the root of `head_dim` takes the spread of the scores (their **standard deviation**) back to about 1, whatever the size.
#
# **Why before the softmax and not after it?** Because after it, it only makes the weights smaller: the shape of the row stays as extreme as it was, and its sum is no longer 1.

# %%
row = torch.randn(10) * 8  # ten scores as head_dim = 64 gives them
before, after = (row / 64**0.5).softmax(dim=0), row.softmax(dim=0) / 64**0.5
rows = [(name, f"{x.max():.3f}", f"{x.sum():.3f}") for name, x in (("before", before), ("after", after))]
show.table(rows, ["scale", "largest weight", "sum of the row"])

# %% [markdown]
# Some code that you will find scales after the softmax, or by $\sqrt{\text{emb\_size}}$. The paper has $\text{softmax}(q k^\top / \sqrt{\text{head\_dim}})$, and so have we.
#
# ## Exercise Q5
#
# Three blanks (`...`), one point each:
#
# 1. `att`: the attention weights, $\text{softmax}(q k^\top / \sqrt{\text{head\_dim}})$. The scores $q k^\top$ are there already; each query spreads its weights over the keys.
# 2. the einsum string of the weighted sum. Its left half is `bhal, bhlv ->`: batch b, head h, asking token a, listening token l, numbers v of a value. (The scores above it have the same axes under other letters: a was q, the query, and l was k, the key. Letters live in one string only.) Write the whole string. Sum over the axis of the values that att ends in (their tokens, l); every asking token (a) gets a vector of its own.
# 3. the pattern that gathers the heads, so that each token has one row of `emb_size` numbers again: head 0 first, then head 1, and so on.


# %% nbgrader={"grade_id": "q5_attention", "solution": true}
class MultiHeadAttention(nn.Module):
    """Multi-head self-attention: tokens (b, n, emb_size) in, tokens (b, n, emb_size) out.

    Args:
        emb_size: numbers of a token; a multiple of num_heads.
        num_heads: heads, each with emb_size // num_heads numbers (head_dim).
        dropout: share of the attention weights that is dropped in training.
    """

    def __init__(self, emb_size=192, num_heads=3, dropout=0.0):
        super().__init__()
        self.num_heads = num_heads
        self.head_dim = emb_size // num_heads
        self.queries = nn.Linear(emb_size, emb_size)
        self.keys = nn.Linear(emb_size, emb_size)
        self.values = nn.Linear(emb_size, emb_size)
        self.att_drop = nn.Dropout(dropout)
        self.projection = nn.Linear(emb_size, emb_size)

    def forward(self, x):
        # split queries, keys and values into heads: (b, h, n, d)
        queries = rearrange(self.queries(x), "b n (h d) -> b h n d", h=self.num_heads)
        keys = rearrange(self.keys(x), "b n (h d) -> b h n d", h=self.num_heads)
        values = rearrange(self.values(x), "b n (h d) -> b h n d", h=self.num_heads)

        # every query meets every key, in each head
        scores = torch.einsum("bhqd, bhkd -> bhqk", queries, keys)  # (b, h, n, n)
        att = torch.softmax(scores / self.head_dim**0.5, dim=-1)  # blank: att = ...
        att = self.att_drop(att)

        # weighted sum of the values: "bhal, bhlv -> ___"
        out = torch.einsum("bhal, bhlv -> bhav", att, values)  # blank: out = torch.einsum(..., att, values)
        # gather the heads
        out = rearrange(out, "b h n d -> b n (h d)")  # blank: out = rearrange(out, ...)
        return self.projection(out)


# %% [markdown]
# **Look at the shapes on the way.** The cell below sends 2 images of 5 tokens of 12 numbers through your class and shows what passes, with or without all blanks filled. All sizes differ on purpose: you can tell by a number which axis it is. `att` should be (2, 3, 5, 5) like the scores, and the gathered heads (2, 5, 12). To see more, put `print(out.shape)` into `forward`.


# %%
def print_shapes(module, x):
    """Run `module` on `x` and show the shape of what goes into or out of its layers, until it stops."""
    rows = []

    def seen(label, value):
        shape = tuple(value.shape) if isinstance(value, torch.Tensor) else value
        rows.append((label, "still to fill in" if value is ... else shape))

    layers = dict(module.named_children())
    for name in ("queries", "keys", "values"):
        layers[name].register_forward_hook(lambda _, args, result, name=name: seen(name, result))
    for name, label in (("att_drop", "att"), ("projection", "out, heads gathered")):
        if name in layers:
            layers[name].register_forward_pre_hook(lambda _, args, label=label: seen(label, args[0]))
    seen("x", x)
    try:
        seen("output", module(x))
    except Exception as error:
        rows.append(("... and here it stops", f"{type(error).__name__}: {error}"))
    show.table(rows, ["2 images, 5 tokens, emb_size 12 = 3 heads of 4", "shape"])


print_shapes(MultiHeadAttention(12, 3), torch.randn(2, 5, 12))

# %% nbgrader={"grade_id": "check_q5_attention", "grade": true}
check("q5_attention")

# %% [markdown]
# ## It is PyTorch's own
#
# `nn.MultiheadAttention` keeps queries, keys and values in one stacked matrix. With your weights copied into it, both should say the same. So should `F.scaled_dot_product_attention`, which does scale, softmax and weighted sum in one fast call; below, head by head.

# %%
if check.ready("q5_attention"):
    mine = MultiHeadAttention(192, 3).eval()
    theirs = nn.MultiheadAttention(192, 3, batch_first=True).eval()
    x = torch.randn(2, 65, 192)  # 64 patches and a class token
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([mine.queries.weight, mine.keys.weight, mine.values.weight]))
        theirs.in_proj_bias.copy_(torch.cat([mine.queries.bias, mine.keys.bias, mine.values.bias]))
        theirs.out_proj.load_state_dict(mine.projection.state_dict())
        output = mine(x)
        by_module = theirs(x, x, x, need_weights=False)[0]
        one_by_one = []
        for head in range(3):  # a head is a slice of 64 numbers
            part = slice(64 * head, 64 * head + 64)
            q, k, v = (layer(x)[:, :, part] for layer in (mine.queries, mine.keys, mine.values))
            one_by_one.append(F.scaled_dot_product_attention(q, k, v))
        by_function = mine.projection(torch.cat(one_by_one, dim=-1))
    show.table(
        [
            ("largest output", f"{output.abs().max():.3f}"),
            ("largest difference from nn.MultiheadAttention", f"{(output - by_module).abs().max():.1e}"),
            (
                "largest difference from F.scaled_dot_product_attention",
                f"{(output - by_function).abs().max():.1e}",
            ),
        ]
    )

# %% [markdown]
# **And it does not know the order of its tokens.** Q1 said so of a whole encoder; here is the reason, in one number (attention is *permutation equivariant*): shuffle the tokens and the outputs come out shuffled in the same way.

# %%
if check.ready("q5_attention"):
    order = torch.randperm(65, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        difference = (mine(x[:, order]) - mine(x)[:, order]).abs().max()
    show.text(f"Shuffled before or shuffled after: largest difference {difference:.1e}.")

# %% [markdown]
# ## Look at the attention
#
# A photo in 3 x 3 patches makes nine tokens. Each patch becomes 192 numbers through a random Linear layer and a LayerNorm. **Nothing here is trained**: the weights are the random ones that a new module starts with. So look at how to read such a picture, not for meaning in it.
#
# To get the weights out, we use a trick: let the values be the rows of the identity matrix. A weighted sum of these is the row of weights itself.

# %%


def tokens_of(photo, patch_size):
    """Patches of a photo as tokens with random weights: (3, H, W) in, (1, patches, 192) out."""
    patches = rearrange(photo / 255.0, "c (h s1) (w s2) -> 1 (h w) (s1 s2 c)", s1=patch_size, s2=patch_size)
    torch.manual_seed(0)
    embed = nn.Sequential(nn.Linear(patches.shape[-1], 192), nn.LayerNorm(192))
    with torch.no_grad():
        return embed(patches - 0.5)


def attention_of(module, x):
    """Attention weights of a module with 3 heads on tokens x (1, n, emb_size): (3, n, n)."""
    with torch.no_grad():
        queries, keys = (
            rearrange(layer(x), "1 n (h d) -> h n d", h=3) for layer in (module.queries, module.keys)
        )
        identity = torch.eye(x.shape[1]).expand(3, -1, -1)
        return F.scaled_dot_product_attention(queries, keys, identity)


if check.ready("q5_attention"):
    photo = data.photo("china", size=216)
    show.patches(
        photo,
        72,
        "nine patches, nine tokens: the pavilion on the left, sky at the top right, trees at the bottom.",
    )

# %%
if check.ready("q5_attention"):
    names = [
        f"{row} {column}" for row in ("top", "middle", "bottom") for column in ("left", "centre", "right")
    ]
    att = attention_of(mine, tokens_of(photo, 72))  # (3, 9, 9)
    sums = att.sum(dim=-1)
    show.matrices(
        {f"head {head}": att[head] for head in range(3)},
        f"each row is one query and sums to 1 (smallest sum {sums.min():.4f}, largest {sums.max():.4f}); "
        f"the weights lie between {att.min():.2f} and {att.max():.2f} (even would be 1/9 = {1 / 9:.2f}), and each head has its own.",
        rows=names,
        columns=names,
        xlabel="key: the patch that is asked",
        ylabel="query: the patch that asks",
        label="attention weight",
        vmin=0,
    )

# %% [markdown]
# Now 8 x 8 patches, and one row of each matrix only: the row of the framed patch, laid out as the image again. Pictures like this are how one looks into a trained ViT, in the last part of this course.

# %%
if check.ready("q5_attention"):
    patch_size, row, column = 27, 2, 6  # a patch of sky
    att = attention_of(mine, tokens_of(photo, patch_size))[:, row * 8 + column].reshape(3, 8, 8)
    show.panels(
        att,
        f"the framed patch spreads its weight of 1 over 64 patches, from {att.min():.4f} to "
        f"{att.max():.4f} (even would be {1 / 64:.4f}). The sky and the pavilion get different weights, in each head in "
        "another way, because they differ in colour; which of them gets more is the chance of random layers.",
        titles=[f"head {head}" for head in range(3)],
        photo=photo,
        mark=(row, column),
        label="attention weight",
        size=2.6,
    )

# %% [markdown]
# ## What it costs
#
# Every token asks every token, so the number of scores grows with the **square** of the number of tokens. 32 x 32 pixels in patches of 4 make 65 tokens with the class token; 224 x 224 pixels in patches of 16 make 197: three times as many. Predict first: how many times as many scores?

# %%
prediction = ...  # a whole number

rows = [
    (label, tokens, f"{tokens**2:,}")
    for label, tokens in (("CIFAR-10, patches of 4", 8 * 8 + 1), ("ImageNet, patches of 16", 14 * 14 + 1))
]
show.table(rows, ["images", "tokens", "scores in each head of each block"])
show.compare(prediction, round(197**2 / 65**2))

# %% [markdown] id="6949b1ea"
# ## What you have learned
#
# - Attention is a weighted mixture of values; the weights are a softmax over scores of one query with all keys, divided by $\sqrt{\text{head\_dim}}$ first.
# - einsum: same letter, multiplied along; letter missing on the right, summed.
# - Heads are slices of the queries, keys and values (not of the token: each is made from all of its numbers), each with its own mixture; cost grows with the square of the tokens.
#
# ## Going further
#
# - Vaswani et al. 2017, [Attention Is All You Need](https://arxiv.org/abs/1706.03762), section 3.2, with a footnote on the scale.
# - Dao et al. 2022, [FlashAttention](https://arxiv.org/abs/2205.14135): the same result without ever storing the n x n scores.
# - Rogozhnikov 2022, [Einops](https://openreview.net/forum?id=oapKSVM2bcj): axes by name.
# - Next: [Q6 · Residual block](q6_residual_block.ipynb), which lets many of these blocks be stacked.
