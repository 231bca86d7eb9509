# %% [markdown] order=2 id="262736a6"
# # Self-attention
#
# Let every word look at every other word: attention worked out by hand for five words, then written as the multi-head module that Transformers use.
#
# **When you are done you can**
#
# - work out self-attention by hand, from queries and keys to a weighted sum of values, and name every shape on the way;
# - say why the scores are divided by $\sqrt{d_k}$, why softmax goes row by row, and what a causal mask hides;
# - write multi-head attention for a whole batch, and match PyTorch's own with copied weights.
#
# **Time and hardware**: about 90 minutes of yours, and the whole notebook computes for less than 30 seconds on two CPU cores; no GPU, no download.
#
# **Before you start**: the product of two matrices, and what a word vector is (the notebook *Word embedding*; it need not be finished).
#
# **Do you remember?** Answer first, then open.
#
# <details><summary>1. What does one row of an embedding table hold?</summary>
#
# The vector of one word of the vocabulary: d numbers, the same wherever the word stands.
#
# </details>
# <details><summary>2. What does the dot product of two vectors tell, and how does the cosine differ from it?</summary>
#
# How far they point the same way, times both lengths. The cosine is the dot product divided by the two lengths, so only the direction counts.
#
# </details>
# <details><summary>3. Which shape has the product of a (5 x 10) and a (10 x 2) matrix, and what is one entry of it?</summary>
#
# (5 x 2). Each entry is the dot product of a row of the first and a column of the second.
#
# </details>

# %% tags=["setup"] id="09c47f21"
import math

import torch
import torch.nn.functional as F
from torch import nn

from helpers import check, show

torch.manual_seed(0)
print("Ready.")

# %% [markdown]
# ## Five words that do not know each other
#
# "This is **Computer Vision** Class." An embedding table gives "Vision" the same vector here as in "she has good vision". Only the word beside it tells that this is about machines. So the vectors have to talk to each other, and attention is how they do it.
#
# The vector that stands for a word on its way through a Transformer is called a **token**. We take $n = 5$ tokens of $d = 10$ numbers each. To keep it small enough for paper, the numbers are random and have one decimal. **Each token is a row.**

# %%
tokens = "This is Computer Vision Class".split()
n, d, d_k, d_v = 5, 10, 2, 2  # tokens, numbers a token, numbers a query or key, numbers a value

generator = torch.Generator().manual_seed(141)
X = torch.randn(n, d, generator=generator).round(decimals=1)  # (5, 10)
W_Q = (0.4 * torch.randn(d, d_k, generator=generator)).round(decimals=1)  # (10, 2)
W_K = (0.4 * torch.randn(d, d_k, generator=generator)).round(decimals=1)  # (10, 2)
W_V = (0.4 * torch.randn(d, d_v, generator=generator)).round(decimals=1)  # (10, 2)

show.matrix(X, tokens, range(d), f"X {tuple(X.shape)}")

# %% [markdown]
# ## Query, key, value
#
# Each token makes three short vectors out of its ten numbers, with three matrices that are the same for all tokens (and that training would find):
#
# - the **query** $q_i = x_i W_Q$: what am I looking for?
# - the **key** $k_i = x_i W_K$: what can I be found by?
# - the **value** $v_i = x_i W_V$: what do I give to those who find me?
#
# Stacked, they are matrices with one row a token: $Q$ and $K$ are $n \times d_k$, $V$ is $n \times d_v$; here all three are 5 x 2. The first index is the token, the second the number. (Other texts have one *column* a token; then all products turn around.)

# %% id="e58f9511"
weights = torch.cat([W_Q, W_K, W_V], dim=1)  # (10, 6)
show.matrix(
    weights, [f"x[{i}]" for i in range(d)], ["q[0]", "q[1]", "k[0]", "k[1]", "v[0]", "v[1]"], "W_Q, W_K, W_V"
)

Q, K, V = X @ W_Q, X @ W_K, X @ W_V  # (5, 10) @ (10, 2) = (5, 2)
show.matrix(torch.cat([Q, K, V], dim=1), tokens, ["q[0]", "q[1]", "k[0]", "k[1]", "v[0]", "v[1]"], "Q, K, V")

# %% [markdown]
# ## Step 1: scores, every query with every key
#
# How well does the key of "Computer" answer the query of "Vision"? The dot product says it, one number. All pairs together make the matrix of **alignment scores** $E$, with $E_{ij} = q_i \cdot k_j$: five queries down, five keys across. First one number on paper, then all of them with three slow loops. Predict first: which shape has E, and would it change if a query had 64 numbers instead of 2?

# %%
prediction = ...  # the shape of E, for instance (3, 4)

q, k = Q[3], K[2]  # the query of "Vision", the key of "Computer"
show.text(f"Vision asks Computer: {q[0]:.2f} * {k[0]:.2f} + {q[1]:.2f} * {k[1]:.2f} = {q @ k:.2f}.")

E = torch.zeros(n, n)
for i in range(n):  # who asks
    for j in range(n):  # who is asked
        for c in range(d_k):  # summed
            E[i, j] += Q[i, c] * K[j, c]
show.matrix(E, tokens, tokens, "E")
show.compare(prediction, E.shape)

# %% [markdown] id="de8d1f98"
# ## Step 2: scaling
#
# However long the queries are, $E$ stays 5 x 5; but each score adds up $d_k$ products. With two numbers a query that is harmless, but real models have 64 or more. Take random queries and keys whose numbers have variance 1: what happens to the scores, and to the softmax that comes after them? (**Softmax** turns any numbers into weights that are positive and sum to 1: $e$ to the power of each, divided by the sum of all these. Step 4 has it in full.)

# %%
sizes = [2, 4, 8, 16, 32, 64, 128, 256, 512]
variances, largest = [], {"softmax(scores)": [], "softmax(scores / sqrt(d_k))": []}
for size in sizes:
    some_queries, ten_keys = torch.randn(2000, 1, size), torch.randn(2000, 10, size)
    some_scores = (some_queries * ten_keys).sum(dim=2)  # (2000, 10): one query meets ten keys
    variances.append(float(some_scores.var()))
    for name, divisor in zip(largest, (1, math.sqrt(size))):
        largest[name].append(float((some_scores / divisor).softmax(dim=1).max(dim=1).values.mean()))

show.curves(
    {"measured": variances, "variance = d_k": sizes},
    f"the variance of q · k grows as d_k: {variances[-1]:.0f} is measured at d_k = 512.",
    x=sizes,
    xlabel="d_k",
    ylabel="variance of q · k",
    log="xy",
)
plain, scaled_ones = largest.values()
show.curves(
    largest,
    f"unscaled, at d_k = 512 the best of ten keys takes {plain[-1]:.2f} of the weight; divided by sqrt(d_k) it keeps "
    f"{min(scaled_ones):.2f} to {max(scaled_ones):.2f} at any size.",
    x=sizes,
    xlabel="d_k",
    ylabel="largest of 10 weights, on average",
    log="x",
)

# %% [markdown]
# A softmax that gives all to one key is **saturated**, and hardly learns: the derivative of a weight $a$ by its own score is $a(1 - a)$, next to nothing when $a$ is near 0 or 1. A variance of $d_k$ is a spread of $\sqrt{d_k}$, so that is what the scores are divided by, *before* the softmax. Five scores to try it with; what they are divided by is also called the **temperature**:

# %%
show.moving("softmax")

# %%
show.table(
    [(name, f"{values[-1]:.2f}", f"{values[-1] * (1 - values[-1]):.2f}") for name, values in largest.items()],
    ["at d_k = 512", "largest weight a", "a (1 - a)"],
)

scaled_E = E / 2**0.5
show.matrix(scaled_E, tokens, tokens, "E / sqrt(2)")

# %% [markdown]
# ## Exercise: scores and scaling
#
# Two blanks, one point each, and no loops this time:
#
# 1. `E`: all scores at once, as one product of matrices.
# 2. `scaled`: the scores, scaled. Leave `E` itself as it is: the function returns both.


# %% nbgrader={"grade_id": "attention_scores", "solution": true}
def scaled_scores(Q, K):
    """Alignment scores and scaled scores, both (n, n), of queries Q (n, d_k) and keys K (n, d_k)."""
    d_k = Q.shape[1]
    E = Q @ K.T  # blank: E = ...
    scaled = E / math.sqrt(d_k)  # blank: scaled = ...
    return E, scaled


# %% [markdown]
# Run the check as often as you like. Stuck? In a new cell: `check.hint("attention_scores")`.

# %% nbgrader={"grade_id": "check_attention_scores", "grade": true}
check("attention_scores")

# %%
if check.ready("attention_scores"):
    by_you, scaled_by_you = map(torch.as_tensor, scaled_scores(Q, K))
    show.text(
        f"Largest difference from the loops: {(by_you - E).abs().max():.1e}; "
        f"after scaling: {(scaled_by_you - scaled_E).abs().max():.1e}."
    )

# %% [markdown] id="c878decd"
# ## Step 3, optional: hide the future
#
# A model that learns to write the next word must not see it. So each token may look at itself and at what came before. In the matrix of scores the future stands **above the diagonal** (key $j$ later than query $i$). There the score is replaced by $-\infty$, because $e^{-\infty} = 0$: the softmax will give it no weight at all. This is the **causal mask**. A classifier of images such as the Vision Transformer (ViT, part 2) sees its whole image at once and leaves this step out.
#
# Do not take a mask for a kind of skip connection, only because "skip" sounds like leaving out: a **mask** takes entries out of the matrix of scores, so that some tokens are not read; a **skip connection** (Q6 in part 2) adds the input of a layer to its output, and takes nothing away.

# %%
masked_E = scaled_E.clone()
for i in range(n):
    for j in range(i + 1, n):  # keys that come after the query
        masked_E[i, j] = -math.inf
show.matrix(masked_E, tokens, tokens, "masked (a dot is minus infinity)")

# %% [markdown]
# Why not simply write 0 there? Predict first: of the scores 1.5, 0 and 0, which weight goes to the second?

# %%
prediction = ...  # with two decimals, for instance 0.33

rows = torch.tensor([[1.5, 0.0, 0.0], [1.5, -math.inf, -math.inf]])  # hidden by 0, and by minus infinity
show.matrix(rows.softmax(dim=1), ["hidden by 0", "hidden by -inf"], ["key 0", "key 1", "key 2"], "weights")
show.compare(prediction, round(float(rows[0].softmax(dim=0)[1]), 2))
show.text("0 is a score like any other: its weight is e to the power of 0, over the sum.")

# %% [markdown]
# ## Exercise: the causal mask
#
# Two blanks, one point each:
#
# 1. `mask`: an $n \times n$ matrix of ones and zeros (or of True and False). 1: this query (row) may see this key (column). 0: hidden.
# 2. `masked`: the scores, with $-\infty$ wherever `mask` is 0 (a huge negative number such as -9e15 will do, too). `torch.tril` and `masked_fill` are worth looking up: `help(torch.tril)` in a new cell.


# %% nbgrader={"grade_id": "causal_mask", "solution": true}
def mask_future(scores):
    """The causal mask and the masked scores, both (n, n), of scores (n, n)."""
    n = len(scores)
    mask = torch.ones(n, n).tril()  # blank: mask = ...
    masked = scores.masked_fill(mask == 0, -math.inf)  # blank: masked = ...
    return mask, masked


# %% [markdown]
# Stuck? In a new cell: `check.hint("causal_mask")`.

# %% nbgrader={"grade_id": "check_causal_mask", "grade": true}
check("causal_mask")

# %%
if check.ready("causal_mask"):
    mask, masked_by_you = map(torch.as_tensor, mask_future(scaled_E))
    show.matrix(mask, tokens, tokens, "your mask")
    same = torch.allclose(masked_by_you.float().exp(), masked_E.exp())
    show.text(f"The same entries are hidden as by the loops: {same}.")

# %% [markdown]
# ## Step 4: softmax, row by row
#
# Now each query shares out a weight of 1 among the keys. Softmax takes a whole **row** $i$:
#
# $$a_{ij} = \frac{e^{s_{ij}}}{\sum_{m} e^{s_{im}}} \qquad s_{ij} = \frac{E_{ij}}{\sqrt{d_k}}$$
#
# By hand for the row of "Vision", without the mask:

# %%
row = scaled_E[3]
total = row.exp().sum()
steps = [(token, f"{s:.2f}", f"{s.exp():.2f}", f"{s.exp() / total:.3f}") for token, s in zip(tokens, row)]
steps.append(("sum", "", f"{total:.2f}", f"{(row.exp() / total).sum():.3f}"))
show.table(steps, ["key", "score", "exp", "weight"])

# %% [markdown]
# Softmax is never element-wise: it is about a whole row. Of one number alone it is always 1, whatever the number.

# %%
alone = torch.tensor([[-2.0], [0.3], [7.0]]).softmax(dim=1).flatten().tolist()
show.text(f"Softmax of -2 alone, of 0.3 alone, of 7 alone: {alone}.")

A = torch.zeros(n, n)
for i in range(n):
    A[i] = scaled_E[i].exp() / scaled_E[i].exp().sum()  # one row at a time
show.matrix(
    torch.cat([A, A.sum(dim=1, keepdim=True)], dim=1), tokens, [*tokens, "sum"], f"A {tuple(A.shape)}"
)

# %% [markdown]
# ## Step 5: weighted sum of the values
#
# Each token receives a mixture of all values, with the weights of its row: $A V$, (5 x 5) times (5 x 2). For "Vision":

# %%
mixture = sum(weight * value for weight, value in zip(A[3], V))
parts = [(token, f"{a:.3f}", f"({v[0]:.2f}, {v[1]:.2f})") for token, a, v in zip(tokens, A[3], V)]
parts.append(("new vector of Vision", "1.000", f"({mixture[0]:.2f}, {mixture[1]:.2f})"))
show.table(parts, ["from", "weight", "value"])

output = torch.zeros(n, d_v)
for i in range(n):
    for j in range(n):
        output[i] += A[i, j] * V[j]
show.matrix(output, tokens, ["[0]", "[1]"], f"A V {tuple(output.shape)}")

# %% [markdown]
# ## Exercise: weights and weighted sum
#
# Two blanks, one point each:
#
# 1. `attention`: the weights of all rows at once. `scores` are scaled already, and maybe masked. `torch.softmax` wants to know its axis: along which one should the weights sum to 1?
# 2. `values`: the weighted sums of all rows at once.


# %% nbgrader={"grade_id": "attention_output", "solution": true}
def attention_output(scores, V):
    """Weighted sums (n, d_v) and attention weights (n, n) of scaled scores (n, n) and values V (n, d_v)."""
    attention = torch.softmax(scores, dim=1)  # blank: attention = ...
    values = attention @ V  # blank: values = ...
    return values, attention


# %% [markdown]
# Stuck? In a new cell: `check.hint("attention_output")`.

# %% nbgrader={"grade_id": "check_attention_output", "grade": true}
check("attention_output")

# %% [markdown]
# ## Does PyTorch agree?
#
# Every step by hand, beside what PyTorch's own functions say:

# %%
identity = torch.eye(n)  # as values: their weighted sums are the weights themselves
theirs = {
    "Q = X W_Q": (Q, F.linear(X, W_Q.T)),
    "E = Q K^T": (E, torch.inner(Q, K)),
    "weights": (A, F.scaled_dot_product_attention(Q[None], K[None], identity[None])[0]),
    "weights, masked": (
        masked_E.softmax(dim=1),
        F.scaled_dot_product_attention(Q[None], K[None], identity[None], is_causal=True)[0],
    ),
    "output": (output, F.scaled_dot_product_attention(Q[None], K[None], V[None])[0]),
}
if check.ready("attention_output"):
    values, attention = map(torch.as_tensor, attention_output(scaled_E, V))
    theirs["your weights"] = (attention, theirs["weights"][1])
    theirs["your output"] = (values, theirs["output"][1])
differences = {name: float((by_hand - by_torch).abs().max()) for name, (by_hand, by_torch) in theirs.items()}
show.table(
    [(name, f"{difference:.1e}", difference < 1e-6) for name, difference in differences.items()],
    ["step", "largest difference", "below 1e-6"],
)

# %% [markdown]
# ## The attention map
#
# The matrix of weights is worth a picture. Read it by rows: who looks at whom?


# %%
A_masked = masked_E.softmax(dim=1)
as_map = {
    "rows": tokens,
    "columns": tokens,
    "xlabel": "key: the token that is asked",
    "ylabel": "query: the token that asks",
    "label": "attention weight",
    "written": ".2f",
    "vmin": 0,
    "vmax": 1,
}
show.matrices(
    {"every token sees all": A, "with the causal mask": A_masked},
    f"every row sums to 1. With the mask nothing is left above the diagonal, and the first row has one key only: "
    f"its weight is {A_masked[0, 0]:.2f}.",
    **as_map,
)

# %% [markdown]
# ## The order of the words
#
# One thing is missing. "Vision Computer is Class This" has the same five tokens; what does attention make of it? Predict first: do the new vectors change, or do they only change places?

# %%
prediction = ...  # "change" or "change places"

order = torch.tensor([3, 2, 1, 4, 0])  # Vision Computer is Class This
shuffled = X[order]
output_shuffled = F.scaled_dot_product_attention(*(shuffled @ W for W in (W_Q, W_K, W_V)))
same = torch.allclose(output_shuffled, output[order], atol=1e-6)
show.compare(prediction, "change places" if same else "change")

# %% [markdown]
# Attention is **equivariant** to the order: shuffle the tokens, and the results are shuffled in the same way. So the order has to be written into the tokens. The sentence gets a second matrix of the same shape, $P$, with one row a place, and the Transformer works on $X + P$. In the first Transformer the entry in row $i$ (the place) and column $j$ (the number) is
#
# $$P_{ij} = \begin{cases} \sin\left(i \,/\, 10000^{\,j/d}\right) & j \text{ even} \\ \cos\left(i \,/\, 10000^{\,(j-1)/d}\right) & j \text{ odd} \end{cases} \qquad i = 0, \dots, 4, \quad j = 0, \dots, 9$$
#
# *Positional encoding*, Q1 of part 2, is about why it looks like this. Here are its 5 x 10 numbers for our sentence:

# %%
i, j = torch.arange(n)[:, None], torch.arange(d)[None]  # places down, numbers across
angle = i / 10000 ** ((j - j % 2) / d)  # (5, 10)
P = torch.where(j % 2 == 0, angle.sin(), angle.cos())  # (5, 10)
show.matrix(P, tokens, range(d), f"P {tuple(P.shape)}")
show.matrix(X + P, tokens, range(d), f"X + P {tuple((X + P).shape)}")

# %%
in_order = F.scaled_dot_product_attention(*((X + P) @ W for W in (W_Q, W_K, W_V)))
shuffled = F.scaled_dot_product_attention(*((X[order] + P) @ W for W in (W_Q, W_K, W_V)))
show.text(
    f"With positions the order counts: the vector of Vision changes by up to "
    f"{(shuffled[0] - in_order[3]).abs().max():.2f} when the sentence is shuffled; without them it changed by "
    f"{(output_shuffled[0] - output[3]).abs().max():.1e}."
)

# %% [markdown]
# ## Finding the next word
#
# The weights so far are chance. What could *useful* matrices $W_Q$ and $W_K$ look like? One example, made by hand: **a query that finds the next token**.
#
# Let a token's vector say only where it stands. Sine and cosine of one angle are the hand of a clock; a row of $P$ is a row of five clocks, each slower than the one before. For five words we take five quick ones. The dot product of two such vectors is largest when they are equal. So with query = key = position, each token finds itself. Now turn all clocks of the **keys** back by one step: the key of position 4 looks like position 3. The query of position 3 still looks for what is like itself, and lands on token 4. **Because the keys are shifted, it finds the next token.** And turning a clock is a rotation, which is a matrix: a $W_K$ can do it.

# %%
speeds = torch.tensor([0.5, 1.0, 1.5, 2.0, 2.5])  # radians a position
angles = torch.arange(5.0)[:, None] * speeds  # (5 positions, 5 clocks)
places = torch.stack([angles.cos(), angles.sin()], dim=2).flatten(1)  # (5, 10): cos, sin, cos, sin, ...


def turn_back(steps):
    """The matrix (10, 10) that takes the code of position t to that of position t - steps: places @ matrix."""
    blocks = []
    for angle in steps * speeds:
        blocks.append(torch.tensor([[angle.cos(), -angle.sin()], [angle.sin(), angle.cos()]]))
    return torch.block_diag(*blocks)


sharp = 3.0  # long queries make clear choices
shifted = {}
for title, steps in (("keys as they are", 0), ("keys shifted by one", 1)):
    queries, keys = sharp * places, places @ turn_back(steps)
    identity = torch.eye(5)
    shifted[title] = F.scaled_dot_product_attention(queries[None], keys[None], identity[None])[0]
found = shifted["keys shifted by one"].argmax(dim=1)
pairs = ", ".join(f"{token} finds {tokens[j]}" for token, j in zip(tokens[:-1], found))
show.matrices(
    shifted,
    f"left, every token finds itself; right, the next one: {pairs}. Class has no next one and must guess.",
    **as_map,
)

# %% [markdown]
# ## Several heads
#
# One softmax makes one mixture. But a word may want several things at once: the word before, the verb, the subject. So there are several **heads**, each with its own $W_Q$, $W_K$, $W_V$. Their outputs are laid side by side, and one more matrix mixes them:
#
# $$\text{MultiHead}(X) = \text{Concat}(\text{Head}_1, \dots, \text{Head}_h)\, W_{Out}$$
#
# Three heads for our five tokens, one after the other:

# %%
heads = []
for _ in range(3):
    matrices = [0.4 * torch.randn(d, size) for size in (d_k, d_k, d_v)]
    queries, keys, values = (X @ matrix for matrix in matrices)  # (5, 2) each
    heads.append(F.scaled_dot_product_attention(queries[None], keys[None], values[None])[0])
concat = torch.cat(heads, dim=1)
W_Out = torch.randn(3 * d_v, d)
show.table(
    [(f"head {h + 1}", tuple(head.shape)) for h, head in enumerate(heads)]
    + [
        ("Concat", tuple(concat.shape)),
        ("W_Out", tuple(W_Out.shape)),
        ("result", tuple((concat @ W_Out).shape)),
    ],
    ["what", "shape"],
)

# %% [markdown]
# The result has the shape of $X$ again, so that the next layer can do the same once more.
#
# ## All at once: a batch, and heads
#
# Loops over heads and sentences are slow. Instead, everything gets two more axes in front: `(batch, heads, n, d_k)`. The five steps stay what they are, on the **last two** axes; the ones in front are carried along. Two habits have to change:

# %%
many = torch.randn(2, 3, 5, 4)  # batch, heads, n, d_k: all different, so that each is known by its number
show.text(f"`transpose(-2, -1)` swaps the last two axes only: {tuple(many.transpose(-2, -1).shape)}.")
for dim in (1, -1):
    sums = many.softmax(dim=dim).sum(dim=-1)
    show.text(
        f"`softmax(dim={dim})`: does the last axis sum to 1? {torch.allclose(sums, torch.ones(2, 3, 5))}."
    )

# %% [markdown]
# ## Exercise: scaled dot-product attention
#
# Your three functions in one, for any number of axes in front. `mask` may be left out (None); else **0 (or False) means hidden**, 1 (or True) visible, and its axes fit those of the scores by broadcasting: (n, n), or (batch, 1, n, n). Four blanks (the second has two dots), half a point each:
#
# 1. `scores`: scaled already.
# 2. In `masked_fill`: where, and with what. A huge negative number such as `-9e15` is common here: should a query ever see nothing at all, $-\infty$ would give it 0/0.
# 3. `attention` and 4. `values`, as before, but mind the axes.


# %% nbgrader={"grade_id": "scaled_dot_product", "solution": true}
def scaled_dot_product(q, k, v, mask=None):
    """Attention for a batch of heads.

    Args:
        q, k: queries and keys, (..., n, d_k).
        v: values, (..., n, d_v).
        mask: 0 where a query (row) must not see a key (column); broadcast to (..., n, n).

    Returns:
        values (..., n, d_v) and attention weights (..., n, n).
    """
    d_k = q.shape[-1]
    scores = q @ k.transpose(-2, -1) / math.sqrt(d_k)  # blank: scores = ...
    if mask is not None:
        scores = scores.masked_fill(mask == 0, -9e15)  # blank: scores = scores.masked_fill(..., ...)
    attention = torch.softmax(scores, dim=-1)  # blank: attention = ...
    values = attention @ v  # blank: values = ...
    return values, attention


# %% [markdown]
# Stuck? In a new cell: `check.hint("scaled_dot_product")`.

# %% nbgrader={"grade_id": "check_scaled_dot_product", "grade": true}
check("scaled_dot_product")

# %%
if check.ready("scaled_dot_product"):
    q, k, v = torch.randn(3, 2, 3, 5, 4).unbind(0)  # three times (2, 3, 5, 4)
    visible = torch.rand(2, 1, 5, 5) < 0.5
    visible = visible | torch.eye(5, dtype=torch.bool)  # every token sees at least itself
    for name, mask in (("without a mask", None), ("with a mask", visible)):
        mine, theirs = scaled_dot_product(q, k, v, mask)[0], F.scaled_dot_product_attention(q, k, v, mask)
        difference = (mine - theirs).abs().max()
        show.text(f"{name}: largest difference from `F.scaled_dot_product_attention` {difference:.1e}.")

# %% [markdown]
# ## The module
#
# Here is the whole of it, in numbers of a small ViT. The module below puts the three Linear layers of the picture into one, `qkv_proj`, which is faster.

# %%
show.diagram("attention_shapes")

# %% [markdown]
# So `qkv_proj` gives each token a row of `3 * embed_dim` numbers. How are they ordered? **Head by head**: first all that belongs to head 0, its query, its key, its value; then the same for head 1; and so on. With 2 heads of 2 numbers each:
#
# | numbers 0, 1 | 2, 3 | 4, 5 | 6, 7 | 8, 9 | 10, 11 |
# | --- | --- | --- | --- | --- | --- |
# | q of head 0 | k of head 0 | v of head 0 | q of head 1 | k of head 1 | v of head 1 |
#
# A **reshape** cuts an axis in pieces or joins neighbouring axes; it never changes the order of the numbers. Only `permute` or `transpose` moves an axis. See what happens when the second is forgotten (2 tokens, 2 heads of 3 numbers):

# %%
numbers = torch.tensor([[[1, 2, 3], [4, 5, 6]], [[10, 20, 30], [40, 50, 60]]])  # (2 tokens, 2 heads, 3)
show.text(
    f"Head 0, all tokens: {numbers.permute(1, 0, 2)[0].tolist()}.",
    f"Reshape alone gives as 'head 0': {numbers.reshape(2, 2, 3)[0].tolist()}, both heads of token 0.",
)

# %% [markdown]
# ## Exercise: the heads, apart and together
#
# Two blanks, one point each. Shapes are in the comments; write the sizes with `b`, `n`, `self.num_heads`, `self.head_dim`, `self.embed_dim`, since the check tries several.
#
# 1. **Split**: `qkv` from `(b, n, 3 * embed_dim)` to `(b, heads, n, 3 * head_dim)`. Cut the last axis (see the table), then bring the heads in front of the tokens. `chunk` is given: it cuts each head's numbers into q, k and v.
# 2. **Merge**: `values` from `(b, heads, n, head_dim)` to `(b, n, embed_dim)`, the way back: head 0 first.
#
# While it looks at this class, the check puts PyTorch's own attention in the place of your `scaled_dot_product`, so a mistake up there costs nothing here.


# %% nbgrader={"grade_id": "multihead_attention", "solution": true}
class MultiheadAttention(nn.Module):
    """Multi-head self-attention: (b, n, input_dim) in, (b, n, embed_dim) out.

    Args:
        input_dim: numbers of a token that comes in.
        embed_dim: numbers of a token that goes out; a multiple of num_heads.
        num_heads: heads, each with embed_dim // num_heads numbers (head_dim).
    """

    def __init__(self, input_dim, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError(f"embed_dim {embed_dim} is not a multiple of num_heads {num_heads}.")
        self.embed_dim = embed_dim
        self.num_heads = num_heads
        self.head_dim = embed_dim // num_heads
        # the matrices W_Q, W_K, W_V of all heads, stacked
        self.qkv_proj = nn.Linear(input_dim, 3 * embed_dim)
        self.o_proj = nn.Linear(embed_dim, embed_dim)
        # start as the first Transformer did
        for layer in (self.qkv_proj, self.o_proj):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x, mask=None, return_attention=False):
        b, n, _ = x.shape
        qkv = self.qkv_proj(x)  # (b, n, 3 * embed_dim)

        # split: (b, heads, n, 3 * head_dim)
        qkv = qkv.reshape(b, n, self.num_heads, 3 * self.head_dim).permute(0, 2, 1, 3)  # blank: qkv = ...
        q, k, v = qkv.chunk(3, dim=-1)  # (b, heads, n, head_dim) each

        # (b, heads, n, head_dim) and (b, heads, n, n)
        values, attention = scaled_dot_product(q, k, v, mask=mask)

        # merge: (b, n, embed_dim)
        values = values.permute(0, 2, 1, 3).reshape(b, n, self.embed_dim)  # blank: values = ...
        output = self.o_proj(values)
        return (output, attention) if return_attention else output


# %% [markdown]
# Stuck? In a new cell: `check.hint("multihead_attention")`.

# %% nbgrader={"grade_id": "check_multihead_attention", "grade": true}
check("multihead_attention")

# %% [markdown]
# ## It is PyTorch's own
#
# `nn.MultiheadAttention` does the same, with one difference: it stacks its matrices kind by kind (all queries, then all keys, then all values), yours head by head. With the rows put in its order, the same weights must give the same numbers.

# %%
if check.ready("scaled_dot_product") and check.ready("multihead_attention"):
    mine = MultiheadAttention(input_dim=24, embed_dim=24, num_heads=4).eval()
    theirs = nn.MultiheadAttention(24, 4, batch_first=True).eval()
    nn.init.normal_(mine.qkv_proj.bias)  # zeros would hide a mistake
    # the row numbers, from (heads, kinds, 6) to (kinds, heads, 6)
    kinds = torch.arange(72).reshape(4, 3, 6).transpose(0, 1).flatten()
    theirs.in_proj_weight.data = mine.qkv_proj.weight.data[kinds]
    theirs.in_proj_bias.data = mine.qkv_proj.bias.data[kinds]
    theirs.out_proj.load_state_dict(mine.o_proj.state_dict())

    x = torch.randn(2, 5, 24)
    causal = torch.tril(torch.ones(5, 5))
    for name, mask in (("without a mask", None), ("with the causal mask", causal)):
        with torch.no_grad():
            output, attention = mine(x, mask=mask, return_attention=True)
            hidden = None if mask is None else mask == 0  # in PyTorch's module True means hidden
            their_output, their_attention = theirs(x, x, x, attn_mask=hidden, average_attn_weights=False)
        show.text(
            f"{name}: largest difference of outputs {(output - their_output).abs().max():.1e}, "
            f"of attention {(attention - their_attention).abs().max():.1e}."
        )

# %% [markdown]
# Mind the masks: in PyTorch's *module* True means **hidden**, in its *function* `F.scaled_dot_product_attention` True means **visible**, as in yours. Always look it up.
#
# ## Three heads, three jobs
#
# Your module, with weights set by hand: head 0 gets the keys as they are, head 1 keys shifted by one, head 2 keys shifted the other way. And once more with the causal mask. Predict first: in head 1, which looks for the next token, how much weight of Vision is on Class then?

# %%
prediction = ...  # a number from 0 to 1

if check.ready("scaled_dot_product") and check.ready("multihead_attention"):
    module = MultiheadAttention(input_dim=10, embed_dim=30, num_heads=3).eval()
    rows = []
    for steps in (0, 1, -1):  # itself, next, previous
        rows += [sharp * torch.eye(10), turn_back(steps).T, torch.eye(10)]  # q, k, v of one head
    module.qkv_proj.weight.data = torch.cat(rows)  # (90, 10): head by head
    maps = {}
    for label, mask in (("", None), (", masked", torch.tril(torch.ones(5, 5)))):
        with torch.no_grad():
            _, attention = module(places[None], mask=mask, return_attention=True)  # (1, 3, 5, 5)
        for title, weights in zip(("itself", "the next", "the previous"), attention[0]):
            maps[title + label] = weights
    show.matrices(
        maps,
        "three heads find three different tokens at the same time. With the causal mask (second row) the next token "
        "is hidden, and its head spreads the weight over what it may see: "
        f"{float(maps['the next, masked'][3, 3]):.2f} of Vision stays on Vision.",
        **as_map,
    )
    show.compare(prediction, round(float(maps["the next, masked"][3, 4]), 2))

# %% [markdown]
# ## How many numbers does a GPT learn?
#
# The [LLM visualisation by Brendan Bycroft](https://bbycroft.net/llm) walks through a tiny GPT that sorts letters, and says `n_params = 85,584`. Everything in it you know by now, or will after part 2. Cover the right column and work it out: vocabulary 3, context 11 tokens, $C = 48$ numbers a token, 3 blocks. The number of heads does not matter. Why not?

# %%
C, vocabulary, context, blocks = 48, 3, 11, 3
block = {
    "LayerNorm: C factors and C shifts": 2 * C,
    "queries, keys, values: C x 3C, and 3C biases": C * 3 * C + 3 * C,
    "output of attention: C x C, and C biases": C * C + C,
    "second LayerNorm": 2 * C,
    "MLP, wider: C x 4C, and 4C biases": C * 4 * C + 4 * C,
    "MLP, back: 4C x C, and C biases": 4 * C * C + C,
}
one_block = sum(block.values())
whole = {
    "token embeddings: 3 x C": vocabulary * C,
    "position embeddings: 11 x C": context * C,
    "3 blocks": blocks * one_block,
    "last LayerNorm": 2 * C,
}
for what, counts in (("one block", block), ("all", whole)):
    rows = [(name, f"{count:,}") for name, count in counts.items()]
    show.table([*rows, (what, f"{sum(counts.values()):,}")], ["part", "numbers"])

their_block = nn.TransformerEncoderLayer(C, nhead=3, dim_feedforward=4 * C)
show.text(f"One block, counted by PyTorch: {sum(p.numel() for p in their_block.parameters()):,}.")

# %% [markdown] id="a978edf9"
# Exactly 85,584. Two things to know: the output layer ($C \times 3$, no bias) is **not** counted here; and heads cost nothing, because they only share out the same $C$ numbers. About a third of each block is attention, two thirds are the MLP (multi-layer perceptron: two linear layers with an activation function between them, Q7).
#
# ## Is this the Transformer of ChatGPT?
#
# Nearly. The GPT above, the models behind ChatGPT and a Vision Transformer are made of the same pieces:
#
# | question | GPT | ViT |
# | --- | --- | --- |
# | a token is | a piece of a word, looked up in a table | a patch of an image, times a matrix |
# | positions | added (newer ones turn queries and keys instead) | added |
# | a block is | attention and MLP, each with norm and skip connection | the same |
# | mask | causal: a token sees itself and what came before | none: every patch sees all |
# | trained to | guess the next token, at every place | name the class, from one extra token |
# | used | again and again: its guess becomes the next token | once for each image |
#
# The first Transformer had two halves: an **encoder** that reads a sentence without a mask, and a **decoder** that writes another one with it. GPT keeps the decoder's mask, ViT is the encoder. ChatGPT is then trained further, on conversations and on what people liked better. How large today's models are inside is not public.
#
# ## What you have learned
#
# - Attention is softmax$(Q K^\top / \sqrt{d_k})\,V$: each row of weights sums to 1 and mixes the values.
# - Without the scaling, scores spread with $\sqrt{d_k}$ and the softmax saturates; a causal mask puts $-\infty$ on the future, before the softmax.
# - Heads are an axis: cut, moved to the front, and merged back; matrices can make a head find itself, the next token or the previous one.
#
# ## Going further
#
# - Three visual explainers: [LLM Visualization](https://bbycroft.net/llm) (the tiny GPT from above, number by number), [Transformer Explainer](https://poloclub.github.io/transformer-explainer/) (GPT-2 running in your browser), [The Illustrated Transformer](https://jalammar.github.io/illustrated-transformer/).
# - Vaswani et al. 2017, [Attention Is All You Need](https://arxiv.org/abs/1706.03762), section 3.2; its footnote 4 is the variance of q · k.
# - Next: [Q0 · A ViT in ten lines](../2_build_a_vit/q0_a_vit_in_ten_lines.ipynb), a whole trained ViT. You began with it? Then [Q1 · Positional encoding](../2_build_a_vit/q1_positional_encoding.ipynb), the first piece.
