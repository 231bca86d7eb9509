# %% [markdown] id="08b41018"
# # Q1 · Positional encoding
#
# Give every position a vector of its own, so that a Transformer can tell "not" in one place from "not" in another.
#
# **When you are done you can**
#
# - show with numbers that attention alone does not know the order of its tokens;
# - write the sinusoidal positional encoding of *Attention Is All You Need* and check it against values worked out by hand;
# - say what a learned positional embedding does differently, and which of the two ViT uses.
#
# **Time and hardware**: about 45 minutes of yours, and the whole notebook computes for less than 8 seconds on two CPU cores; no GPU, no download.
#
# **Before you start**: what attention does with a sentence (the first half of [Self-attention](../1_words_to_attention/self_attention.ipynb) in part 1; here it is used as a finished layer), Python loops, numpy arrays, sine and cosine. A first look at PyTorch tensors helps.
#
# **Do you remember?** Answer first, then open.
#
# <details><summary>1. What does self-attention give for each token?</summary>
#
# A weighted sum of the values of all tokens; the weights come from the dot products of its query with all keys (part 1, *Self-attention*).
#
# </details>
# <details><summary>2. Do the dot products of queries and keys know where a token stands?</summary>
#
# No. They are made of the tokens' numbers alone.
#
# </details>
# <details><summary>3. What are sin(0) and cos(0)?</summary>
#
# 0 and 1.
#
# </details>

# %% tags=["setup"] id="896de65a"
import numpy as np
import torch
from torch import nn

from helpers import check, show

torch.manual_seed(0)
print("Ready.")

# %% [markdown]
# ## Where this part is going
#
# The original Transformer has two halves. The **encoder** takes in all tokens of the input and gives back one vector for each, with the context of the others mixed in: it has *understood* the input. The **decoder** takes what has been written so far plus that context, and gives out the next token, again and again.
#
# A classifier writes nothing, so the Vision Transformer (ViT) keeps the encoder alone.

# %%
show.diagram("transformer")

# %% [markdown]
# Seven questions build that encoder from its parts. This map comes back in every notebook of this part.

# %%
show.diagram("course_map", here="q1")

# %% [markdown]
# ## Does order matter?
#
# Two sentences with the same words. Only one word has moved:
#
# 1. Although I did **not** get 95 in last TOEFL, I could get in the Ph.D program.
# 2. Although I did get 95 in last TOEFL, I could **not** get in the Ph.D program.
#
# They say opposite things. Let us see whether a Transformer encoder notices. Each word becomes a random vector of 16 numbers, and one encoder layer (PyTorch's own) mixes them.

# %%
first = "Although I did not get 95 in last TOEFL , I could get in the Ph.D program".split()
second = "Although I did get 95 in last TOEFL , I could not get in the Ph.D program".split()
words = sorted(set(first))
embed = nn.Embedding(len(words), 16)
encoder = nn.TransformerEncoderLayer(
    d_model=16, nhead=2, dim_feedforward=32, dropout=0.0, batch_first=True
).eval()


def encode(sentence, positions=None):
    """One vector a word: (1, words, 16) in, (words, 16) out."""
    x = embed(torch.tensor([[words.index(word) for word in sentence]]))  # (1, 17, 16)
    if positions is not None:
        x = x + positions[: len(sentence)]
    with torch.no_grad():
        return encoder(x)[0]


not_1 = encode(first)[first.index("not")]
not_2 = encode(second)[second.index("not")]
show.matrix(
    torch.stack([not_1, not_2])[:, :6], ["in sentence 1", "in sentence 2"], range(6), "'not', first 6 of 16"
)
show.text(f"Largest difference: {(not_1 - not_2).abs().max():.1e}.")

# %% [markdown]
# The same numbers, up to rounding: for the encoder the two sentences are one bag of words. In general, **if you permute the input tokens, the outputs are permuted the same way and nothing else happens**: the encoder is *permutation equivariant*. The picture shows it for a whole sentence.

# %%
order = torch.randperm(len(first), generator=torch.Generator().manual_seed(1))
straight, shuffled = encode(first), encode([first[i] for i in order])
back = shuffled[order.argsort()]
show.heatmaps(
    {"sentence in order": straight, "words shuffled": shuffled, "shuffled, rows put back": back},
    f"the third picture equals the first (largest difference {(back - straight).abs().max():.1e}): without positions, "
    "order is lost.",
    xlabel="dimension",
    ylabel="token",
    vmin=-2,
    vmax=2,
)

# %% [markdown]
# **So the position has to be written into the tokens themselves**: add to the token at position $pos$ a vector that depends on $pos$ alone. There are two ways to choose it:
#
# - **learnable**: a matrix of parameters, one row for each position, trained with everything else (ViT does this; it comes in Q4);
# - **sinusoidal**: fixed waves, nothing to train, and defined for any length. This is what you write now.
#
# ## The formula
#
# For position $pos$ and pair $i$ of the $d$ dimensions ([Vaswani et al. 2017](https://arxiv.org/abs/1706.03762), section 3.5):
#
# $$PE_{(pos,\,2i)} = \sin\!\left(\frac{pos}{n^{2i/d}}\right) \qquad PE_{(pos,\,2i+1)} = \cos\!\left(\frac{pos}{n^{2i/d}}\right) \qquad n = 10000,\quad 0 \le i < d/2$$
#
# (*Self-attention* in part 1 wrote the same numbers as $P_{ij}$. There $i$ was the position and $j$ the column; here the position is $pos$, and the columns of pair $i$ are $2i$ and $2i+1$.)
#
# Think of a row of clocks. Pair $i = 0$ turns fast, each next pair turns slower by the same factor; together they tell the position as hours, minutes and seconds tell the time. Move the position and watch which hands move:

# %%
show.moving("clocks")

# %% [markdown]
# **By hand**, for "I am a robot" with $d = 4$ and $n = 100$. Pair 0 is divided by $100^{0} = 1$, pair 1 by $100^{2/4} = 10$:
#
# | position | word | $\sin(pos/1)$ | $\cos(pos/1)$ | $\sin(pos/10)$ | $\cos(pos/10)$ |
# | --- | --- | --- | --- | --- | --- |
# | 0 | I | 0 | 1 | 0 | 1 |
# | 1 | am | 0.84 | 0.54 | 0.10 | 1.00 |
# | 2 | a | 0.91 | -0.42 | 0.20 | 0.98 |
# | 3 | robot | 0.14 | -0.99 | 0.30 | 0.96 |
#
# Predict one more before you go on: what stands in row 0 for *any* $d$ and $n$? Write down its first four numbers; the cell after the check compares.

# %%
prediction = ...  # four numbers, for instance (1, 1, 1, 1)

# %% [markdown]
# ## Exercise Q1
#
# Fill in the three blanks (`...`) so that the function gives the table above. In the code `k` is the position ($pos$), `i` the pair and `n` the base of the powers, 10000 ($n$ is not a number of tokens here: that is `seq_len`). Keep the names on the left. Three points, one a blank.
#
# `return P` stands behind both loops: inside of them the function would end after its first row.


# %% nbgrader={"grade_id": "q1_position_encoding", "solution": true}
def getPositionEncoding(seq_len, d, n=10000):
    """Sinusoidal positional encoding: numpy array of shape (seq_len, d)."""
    P = np.zeros((seq_len, d))
    for k in range(seq_len):
        for i in np.arange(int(d / 2)):
            denominator = np.power(n, 2 * i / d)  # blank: denominator = ...
            P[k, 2 * i] = np.sin(k / denominator)  # blank: P[k, 2 * i] = ...
            P[k, 2 * i + 1] = np.cos(k / denominator)  # blank: P[k, 2 * i + 1] = ...
    return P


# %% [markdown]
# Run the check as often as you like. Stuck? In a new cell: `check.hint("q1_position_encoding")`.

# %% nbgrader={"grade_id": "check_q1_position_encoding", "grade": true}
check("q1_position_encoding")

# %% [markdown]
# ## Look at what you built
#
# The example by hand again, now from your function.

# %%
if check.ready("q1_position_encoding"):
    P = np.asarray(getPositionEncoding(seq_len=4, d=4, n=100))
    show.matrix(P, "I am a robot".split(), range(4), "P")
    show.compare(prediction, tuple(int(number) for number in P[0]))

# %% [markdown] id="716c2951"
# A larger one: 100 positions, 64 dimensions (the 512 of the paper would be more columns than a screen shows). Sines stand in the even columns, cosines in the odd ones; side by side they would flicker, so here they are apart.

# %%
if check.ready("q1_position_encoding"):
    P = np.asarray(getPositionEncoding(100, 64))
    show.heatmaps(
        {"sines, columns 0, 2, ..., 62": P[:, 0::2], "cosines, columns 1, 3, ..., 63": P[:, 1::2]},
        "each row is one position's code; fast waves stand on the left, and to the right the columns hardly change.",
        xlabel="pair i",
        ylabel="position",
    )

# %% [markdown]
# Single columns are plain waves: the further right, the slower.

# %%
if check.ready("q1_position_encoding"):
    P = np.asarray(getPositionEncoding(100, 64))
    show.curves(
        {f"dimension {column}": P[:, column] for column in (0, 6, 12, 24)},
        "all four are sines (even columns); their period grows with the dimension. The dots are the positions: the first "
        "wave has only six or seven of them a turn.",
        title="sine columns of the encoding",
        xlabel="position",
        ylabel="value",
        smooth=True,
    )

# %% [markdown]
# Why is this a good code for positions? The dot product of two rows depends only on **how far apart** they are, and neighbours are the most alike. Attention compares tokens by dot products, so it can read distances off this code.

# %%
if check.ready("q1_position_encoding"):
    P = np.asarray(getPositionEncoding(100, 512))
    show.heatmap(
        P @ P.T,
        "bright along the diagonal and the same along each parallel to it: similarity is a matter of distance alone.",
        title="dot products between positions",
        xlabel="position",
        ylabel="position",
        square=True,
    )

# %% [markdown]
# ## Back to the two sentences
#
# The same encoder, the same words, your code added to each word.

# %%
if check.ready("q1_position_encoding"):
    positions = torch.as_tensor(getPositionEncoding(len(first), 16)).float()  # (17, 16)
    not_1 = encode(first, positions)[first.index("not")]
    not_2 = encode(second, positions)[second.index("not")]
    show.matrix(
        torch.stack([not_1, not_2])[:, :6],
        ["in sentence 1", "in sentence 2"],
        range(6),
        "'not', first 6 of 16",
    )
    show.text(f"Largest difference: {(not_1 - not_2).abs().max():.2f}.")

# %% [markdown]
# Now the two sentences differ.
#
# **And an odd `d`?** Sines and cosines come in pairs, and `int(d / 2)` counts whole pairs, so with `d = 5` the last column is never written and stays 0. That is no error, only a wasted dimension; model widths are even for this and other reasons.

# %%
if check.ready("q1_position_encoding"):
    P = np.asarray(getPositionEncoding(seq_len=3, d=5, n=100))
    show.matrix(P, ["position 0", "position 1", "position 2"], range(5), "d = 5")

# %% [markdown]
# ## What you have learned
#
# - Without positions an encoder sees a set, not a sequence: permuted in, permuted out.
# - Sinusoidal encoding writes the position as waves of many speeds; row 0 is always 0, 1, 0, 1, ...
# - Dot products of these codes depend on distance alone, which is what attention can use.
#
# ## Going further
#
# - Vaswani et al. 2017, [Attention Is All You Need](https://arxiv.org/abs/1706.03762), section 3.5.
# - Dosovitskiy et al. 2021, [An Image Is Worth 16x16 Words](https://arxiv.org/abs/2010.11929), appendix D.4: which positions ViT needs.
# - Next: [Q2 · Patch embedding](q2_patch_embedding.ipynb), where an image becomes a sequence of words.
