# %% [markdown] id="99d2485d"
# # Q7 · Encoder block
#
# Put attention, feed-forward, norm and residual together into one encoder block, and the blocks into a whole ViT.
#
# **When you are done you can**
#
# - write the feed-forward block with the right sizes, and say how its work differs from attention's;
# - normalise a token by hand, with mean, variance, eps, scale and shift, as `nn.LayerNorm` does;
# - write a pre-norm encoder block and show that PyTorch's own computes the same;
# - say where the parameters of a ViT sit, and run one that is made of your own pieces.
#
# **Time and hardware**: about 75 minutes of yours, and the whole notebook computes for less than 8 seconds on two CPU cores; no GPU. Its last step takes pictures from CIFAR-10 and downloads them if Q2 has not done so yet; without a network, digits stand in.
#
# **Before you start**: Q5 (attention) and Q6 (residual). Both are taken from the course's library here, so yours need not be finished.
#
# **Do you remember?** Answer first, then open.
#
# <details><summary>1. What does attention do with a token that a linear layer cannot?</summary>
#
# It mixes in the values of other tokens; `nn.Linear` works on the numbers of one token (Q5).
#
# </details>
# <details><summary>2. What does a residual block give for x and a function f?</summary>
#
# x + f(x): f only says what to add, so f has to keep the shape of x (Q6).
#
# </details>
# <details><summary>3. Why does a gradient survive fifty residual blocks?</summary>
#
# The derivative of each is 1 plus that of f: the straight road carries the gradient past every f (Q6).
#
# </details>

# %% tags=["setup"] id="97f3df04"
import torch
import torch.nn.functional as F
from torch import nn

from helpers import assemble, check, data, show
from helpers.assemble import MultiHeadAttention, ResidualAdd

torch.manual_seed(0)
print("Ready.")

# %%
show.diagram("course_map", here="q7")

# %% [markdown]
# ## One block, two halves
#
# This is what stands inside the yellow box of the map, with every step drawn.

# %%
show.diagram("encoder_block")

# %% [markdown]
# Both halves have the same frame: norm, work, dropout, and a skip connection around all three. Only the work differs. In the first half the tokens **look at each other** (attention, Q5). In the second half **each token is thought over on its own**: that is the feed-forward block, which you write first.
#
# ## The feed-forward block
#
# Two Linear layers with an **activation function** between them, a bend: without it two linear layers would be one. In the paper of 2017 it is a ReLU, $\max(0, \cdot)$:
#
# $$FFN(x) = \max(0,\; x W_1 + b_1)\, W_2 + b_2$$
#
# ViT takes a **GELU** instead, a ReLU with a soft corner. Everything else is the same.

# %%
x = torch.linspace(-4, 4, 161)
show.curves(
    {"ReLU (Transformer, 2017)": F.relu(x), "GELU (ViT)": F.gelu(x)},
    f"the two agree far from 0; GELU dips to {float(F.gelu(x).min()):.2f} and has no corner.",
    x=x,
    title="the activation function between the two Linear layers",
    xlabel="input",
    ylabel="output",
)

# %% [markdown]
# The layer between the two is wider than a token, by the factor `expansion`, usually 4. After it the token goes back to its own width: otherwise the residual could not add it to what came in.
#
# ## Exercise Q7, first part
#
# Fill in the sizes of both Linear layers (two blanks, two dots each): `nn.Linear(what comes in, what goes out)`. Write them with `emb_size` and `expansion`: the check tries several values. GELU and dropout are given. Two points, one a layer.


# %% nbgrader={"grade_id": "q7_feed_forward", "solution": true}
class FeedForwardBlock(nn.Sequential):
    """Each token on its own: (b, n, emb_size) in, (b, n, emb_size) out."""

    def __init__(self, emb_size, expansion=4, dropout=0.0):
        super().__init__(
            nn.Linear(emb_size, expansion * emb_size),  # blank: nn.Linear(..., ...),  # wider
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(expansion * emb_size, emb_size),  # blank: nn.Linear(..., ...),  # back
        )


# %% [markdown]
# Run the check as often as you like. Stuck? In a new cell: `check.hint("q7_feed_forward")`.

# %% nbgrader={"grade_id": "check_q7_feed_forward", "grade": true}
check("q7_feed_forward")

# %% [markdown]
# ## Who hears of a change?
#
# Take 6 tokens, change token 2 only, and see which outputs change. Predict before you run it: how many after attention? How many after the feed-forward block?

# %%
predictions = ..., ...  # two numbers from 0 to 6: after attention, after the feed-forward block

if check.ready("q7_feed_forward"):
    x = torch.randn(1, 6, 192)
    changed = x.clone()
    changed[0, 2] += 1.0
    with torch.no_grad():
        difference = {
            name: (part(changed) - part(x)).abs().amax(dim=-1)[0]  # (6,): one number a token
            for name, part in (
                ("attention", MultiHeadAttention(192, 3)),
                ("feed-forward", FeedForwardBlock(192)),
            )
        }
    show.matrix(
        torch.stack([*difference.values()]), [*difference], [f"token {i}" for i in range(6)], "change"
    )
    for prediction, (name, change) in zip(predictions, difference.items()):
        show.compare(prediction, int((change > 0).sum()), name)

# %% [markdown] id="cd402ce1"
# Attention carries the news to every token, the feed-forward block to nobody else. A block needs both: first gather, then think.
#
# ## The norm
#
# What a block adds to its tokens makes them grow, some dimensions more than others. Before each half a **layer normalisation** ([Ba et al. 2016](https://arxiv.org/abs/1607.06450)) brings them back: for each token by itself, over its own $d$ numbers (`emb_size`; in Q5 $d$ was `head_dim`),
#
# $$\mu = \frac{1}{d}\sum_{j} x_j \qquad \sigma^2 = \frac{1}{d}\sum_{j} (x_j - \mu)^2 \qquad y_j = \frac{x_j - \mu}{\sqrt{\sigma^2 + \epsilon}} \cdot \text{scale}_j + \text{shift}_j$$
#
# - $\mu$ is the **mean**, $\sigma^2$ the **variance**, its root $\sigma$ the **standard deviation**. Before scale and shift each token has mean 0 and standard deviation 1.
# - $\epsilon$ (`eps`) is a very small number, so that a token whose numbers are all equal gives 0 / something and not 0 / 0.
# - **scale** and **shift** are learned, one number for each dimension: the layer may undo the norm where that helps. They start as 1 and 0.
#
# By hand, for the token (1, 2, 3, 6): the mean is 3, the distances from it are (-2, -1, 0, 3), their squares (4, 1, 0, 9), so the variance is 14 / 4 = 3.5. Predict the last number of the normed token (without scale and shift), with two decimals; the cell after the check compares.

# %%
prediction = ...  # one number, for instance 0.5

# %% [markdown]
# ## Exercise Q7, second part
#
# Fill in the two blanks, one point each. The mean is given, and its line shows how to keep the last axis with length 1, so that it fits beside `x`. One trap: `torch.var` divides by $d - 1$ unless you tell it not to (the *unbiased* variance, for samples); LayerNorm divides by $d$.


# %% nbgrader={"grade_id": "q7_layer_norm", "solution": true}
def layer_norm(x, scale, shift, eps=1e-5):
    """Each token normed by itself: x (..., d), scale (d,), shift (d,) in, (..., d) out."""
    mean = x.mean(dim=-1, keepdim=True)  # (..., 1)
    variance = ((x - mean) ** 2).mean(dim=-1, keepdim=True)  # blank: variance = ...
    out = (x - mean) / torch.sqrt(variance + eps) * scale + shift  # blank: out = ...
    return out


# %% nbgrader={"grade_id": "check_q7_layer_norm", "grade": true}
check("q7_layer_norm")

# %% [markdown]
# ## PyTorch has the same norm
#
# `nn.LayerNorm(d)` holds scale and shift as `weight` and `bias`. Give it random ones and compare: a few tokens before and after, then the largest difference.

# %% id="bb46505a"
if check.ready("q7_layer_norm"):
    token = torch.tensor([1.0, 2.0, 3.0, 6.0])
    show.compare(prediction, round(float(layer_norm(token, torch.ones(4), torch.zeros(4))[-1]), 2))
    x = 3 * torch.randn(2, 65, 192) + 1  # (b, tokens, d)
    norm = nn.LayerNorm(192)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    with torch.no_grad():
        plain = layer_norm(x, torch.ones(192), torch.zeros(192))
        mine, theirs = layer_norm(x, norm.weight, norm.bias), norm(x)
    rows = []
    for i in range(3):
        numbers = [t for token in (x[0, i], plain[0, i]) for t in (token.mean(), token.std(correction=0))]
        rows.append((f"token {i}", *(f"{number.round(decimals=2) + 0:.2f}" for number in numbers)))
    show.table(rows, ["token", "mean before", "deviation before", "mean after", "deviation after"])
    show.text(f"Largest difference from `nn.LayerNorm`: {(mine - theirs).abs().max():.1e}.")

# %% [markdown]
# How much does `eps` matter? PyTorch takes 1e-5 if nobody says anything, the ViTs in `timm` (a library of pretrained models) take 1e-6. For usual tokens that is far behind the decimal point; for a token whose numbers are nearly equal it decides. **Part 4 asks about it**: there your own model has to give the same logits as a pretrained one, to 1e-4.

# %% id="f02751ba"
if check.ready("q7_layer_norm"):
    one, zero = torch.ones(192), torch.zeros(192)
    rows = []
    for name, size in (("a usual token", 1.0), ("its numbers nearly equal", 1e-3)):
        token = 5 + size * torch.randn(192)
        large, small = (layer_norm(token, one, zero, eps) for eps in (1e-5, 1e-6))
        deviations = [f"{t.std(correction=0):.3f}" for t in (large, small)]
        rows.append((name, *deviations, f"{(large - small).abs().max():.1g}"))
    show.table(rows, ["token", "deviation, eps 1e-5", "deviation, eps 1e-6", "largest difference"])

# %% [markdown]
# ## Where does the norm stand?
#
# There are two places for it:
#
# - **post-norm** (2017): $x \leftarrow LN(x + f(x))$. The norm stands *on* the road that every token takes.
# - **pre-norm** (ViT): $x \leftarrow x + f(LN(x))$. The norm stands *inside* the branch; the skip connection carries $x$ untouched.
#
# PyTorch's encoder layer can do both. Twelve blocks of each kind, same weights, untrained: we follow the tokens from block to block. First their size, the standard deviation.


# %%
def follow(norm_first, depth=12, width=64):
    """Size of the tokens after each block, and their cosine similarity with the tokens that went in."""
    torch.manual_seed(0)
    start = x = torch.randn(8, 17, width)  # (b, n, width)
    size, similar = [1.0], [1.0]
    for _ in range(depth):
        block = nn.TransformerEncoderLayer(
            width, 4, 4 * width, 0.0, activation="gelu", batch_first=True, norm_first=norm_first
        )
        for weight in block.parameters():
            if weight.dim() == 2:
                nn.init.xavier_normal_(weight)
        with torch.no_grad():
            x = block(x)
        size.append(float(x.std()))
        similar.append(float(F.cosine_similarity(x, start, dim=-1).mean()))
    return size, similar


pre, post = follow(norm_first=True), follow(norm_first=False)
show.curves(
    {"pre-norm (ViT)": pre[0], "post-norm (2017)": post[0]},
    f"after 12 blocks pre-norm tokens have grown to {pre[0][-1]:.2f}; post-norm tokens end each block with size {post[0][-1]:.2f}.",
    title="size of the tokens",
    xlabel="after block",
    ylabel="standard deviation",
)

# %% [markdown]
# And how much of what went in is still there? The cosine similarity of each token with itself at the start.

# %%
show.curves(
    {"pre-norm (ViT)": pre[1], "post-norm (2017)": post[1]},
    f"after 12 blocks pre-norm tokens are still {pre[1][-1]:.2f} similar to the input, post-norm tokens {post[1][-1]:.2f}.",
    title="what is left of the input",
    xlabel="after block",
    ylabel="cosine similarity",
)

# %% [markdown]
# In a pre-norm stack the skip connections form one straight road from the first block to the last, and each block only adds to it. Gradients travel back on the same road, which is why deep pre-norm models train without the careful learning-rate warm-up (very small steps at first) that post-norm needs ([Xiong et al. 2020](https://arxiv.org/abs/2002.04745)). The price is in the first figure: the tokens grow, so a ViT has one more LayerNorm after its last block.
#
# ## Exercise Q7, third part
#
# Fill in the two `nn.Sequential(...)` (one `...` each), three modules each, in the order of the diagram. Use the classes that you have: `nn.LayerNorm(size)`, `MultiHeadAttention(emb_size, num_heads, dropout)`, `FeedForwardBlock(emb_size, expansion, dropout)`, `nn.Dropout(dropout)`. The `ResidualAdd` around them (Q6) is given. Three points: one for each half, one for the dropout that ends both.
#
# (A slip in your `FeedForwardBlock` costs nothing here: the check puts the course's in its place. The norm is PyTorch's own, which you know from inside now.)


# %% nbgrader={"grade_id": "q7_encoder_block", "solution": true}
class TransformerEncoderBlock(nn.Sequential):
    """Pre-norm encoder block: (b, n, emb_size) in, (b, n, emb_size) out."""

    def __init__(self, emb_size=192, num_heads=3, expansion=4, dropout=0.0):
        super().__init__(
            ResidualAdd(
                nn.Sequential(
                    nn.LayerNorm(emb_size),  # blank: ...,  # the attention half
                    MultiHeadAttention(emb_size, num_heads, dropout),  # blank
                    nn.Dropout(dropout),  # blank
                )
            ),
            ResidualAdd(
                nn.Sequential(
                    nn.LayerNorm(emb_size),  # blank: ...,  # the feed-forward half
                    FeedForwardBlock(emb_size, expansion, dropout),  # blank
                    nn.Dropout(dropout),  # blank
                )
            ),
        )


# %% nbgrader={"grade_id": "check_q7_encoder_block", "grade": true}
check("q7_encoder_block")

# %% [markdown]
# ## PyTorch has the same block
#
# `nn.TransformerEncoderLayer(norm_first=True)` holds the same parts under other names; it stacks the weights of queries, keys and values into one matrix. Copy the weights over, and the outputs agree.

# %%
if check.ready("q7_feed_forward") and check.ready("q7_encoder_block"):
    mine = TransformerEncoderBlock(192, 3).eval()
    theirs = nn.TransformerEncoderLayer(
        192, 3, dim_feedforward=768, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    ).eval()

    attention = next(m for m in mine.modules() if hasattr(m, "queries"))
    inside = list(attention.modules())
    norm_1, norm_2 = (m for m in mine.modules() if isinstance(m, nn.LayerNorm))
    linear_1, linear_2 = (m for m in mine.modules() if isinstance(m, nn.Linear) and m not in inside)
    layers = (norm_1, norm_2, linear_1, linear_2, attention.projection)
    copies = (theirs.norm1, theirs.norm2, theirs.linear1, theirs.linear2, theirs.self_attn.out_proj)
    for copy, layer in zip(copies, layers, strict=True):
        copy.load_state_dict(layer.state_dict())
    with torch.no_grad():
        for kind in ("weight", "bias"):
            three = (attention.queries, attention.keys, attention.values)
            stacked = [getattr(layer, kind) for layer in three]
            getattr(theirs.self_attn, f"in_proj_{kind}").copy_(torch.cat(stacked))
        x = torch.randn(2, 65, 192)
        show.text(f"Largest difference of the outputs: {float((mine(x) - theirs(x)).abs().max()):.1e}.")

# %% [markdown]
# ## Where do the parameters sit?
#
# Count them by part. Predict first: which part of a block holds the most?

# %%
prediction = ...  # "attention", "feed-forward" or "norms"

if check.ready("q7_feed_forward") and check.ready("q7_encoder_block"):
    count = {"attention": 0, "feed-forward": 0, "norms": 0}
    for module in mine.modules():
        own = sum(p.numel() for p in module.parameters(recurse=False))
        if isinstance(module, nn.LayerNorm):
            count["norms"] += own
        else:
            count["attention" if module in inside else "feed-forward"] += own
    total = sum(count.values())
    rows = [(part, f"{number:,}", f"{number / total:.1%}") for part, number in count.items()]
    show.table([*rows, ("one block", f"{total:,}", "100%")], ["part", "parameters", "share"])
    show.compare(prediction, max(count, key=count.get))

# %% [markdown]
# With expansion 4 the feed-forward block holds about twice as much as the attention: its two matrices have $2 \cdot 4 \cdot d^2$ entries, the four of attention $4 \cdot d^2$. The norms hardly count.
#
# ## Your own ViT
#
# Now everything meets. `assemble.pieces` looks for your answers of Q1 to Q7 in the notebooks of this folder (and in this notebook, saved or not), checks each one, and takes the course's equivalent where one is missing or not right yet. The report says which is which.

# %%
mine = assemble.pieces(".", given=globals())
assemble.report(mine)

# %% [markdown]
# On Colab each notebook runs alone, so there the report names the library for Q1 to Q6. Nothing is lost: the model below runs either way.

# %%
torch.manual_seed(0)
vit = assemble.ViT(depth=6, pieces=mine).eval()
trainable = sum(p.numel() for p in vit.parameters() if p.requires_grad)
show.text(f"A ViT with 6 blocks and {trainable:,} trainable parameters.")

pictures = data.cifar10("test")
batch, labels = pictures.images[:8], pictures.labels[:8]  # (8, 3, 32, 32)
show.images(
    batch,
    f"eight test pictures from {pictures.source}.",
    titles=[pictures.class_names[label] for label in labels],
)

# %% [markdown]
# One forward pass, step by step, with the shape after each. The steps are those of `vit(images)`.

# %%
steps = []
with torch.no_grad():
    x = batch / 255 * 2 - 1  # pixels from 0..255 to -1..1
    steps.append(("images", x.shape))
    x = vit.patch_embedding(x)
    steps.append(("Q2: patch embedding", x.shape))
    x = vit.class_token(x)
    steps.append(("Q3: class token in front", x.shape))
    x = vit.positional_embedding(x)
    steps.append(("Q4: positions added", x.shape))
    for number, block in enumerate(vit.blocks, start=1):
        x = block(x)
        steps.append((f"Q7: encoder block {number} (with Q5, Q6 inside)", x.shape))
    logits = vit.head(vit.norm(x)[:, 0])
    steps.append(("norm, token 0, classification head", logits.shape))
    same = torch.allclose(logits, vit(batch / 255 * 2 - 1), atol=1e-4)
show.table([(name, tuple(shape)) for name, shape in steps], ["step", "shape after it"])
show.text(f"The same as `vit(images)`: {'yes' if same else 'no'}.")

# %%
probabilities = logits.softmax(dim=1)  # (8, 10)
spread = float((probabilities.amax(dim=0) - probabilities.amin(dim=0)).max())
show.heatmap(
    probabilities,
    f"every row sums to 1, and no class gets more than {spread:.4f} more from one picture than from another.",
    title="probabilities of the untrained ViT",
    xlabel="class",
    ylabel="picture",
    vmin=0,
    vmax=1,
    square=True,
)
guesses = logits.argmax(dim=1)
show.text(f"Right guesses: {int((guesses == labels).sum())} of 8. Guessed classes: {guesses.tolist()}.")

# %% [markdown]
# **These logits mean nothing yet.** The weights are random; a right guess is luck, at one in ten. What you have is a model whose every step runs and has the right shape. The next part trains it.
#
# ## What you have learned
#
# - A block is two residual halves: attention moves news between tokens, the feed-forward block works on each token alone and holds most parameters.
# - A layer norm brings each token to mean 0 and standard deviation 1 (divided by d, eps inside of the root), then scales and shifts it.
# - Pre-norm keeps the skip connection clear: $x + f(LN(x))$; the tokens grow, and a last LayerNorm ends the stack.
# - Patch embedding, class token, positions, blocks, head: that is the whole Vision Transformer.
#
# ## Going further
#
# - Dosovitskiy et al. 2021, [An Image Is Worth 16x16 Words](https://arxiv.org/abs/2010.11929), equations 1 to 4: the model you just ran.
# - Xiong et al. 2020, [On Layer Normalization in the Transformer Architecture](https://arxiv.org/abs/2002.04745): why pre-norm is easier to train.
# - Hendrycks and Gimpel 2016, [Gaussian Error Linear Units](https://arxiv.org/abs/1606.08415).
# - Ba et al. 2016, [Layer Normalization](https://arxiv.org/abs/1607.06450).
# - Next: [Train your ViT](../3_train_on_cifar10/train_your_vit.ipynb), on CIFAR-10.
