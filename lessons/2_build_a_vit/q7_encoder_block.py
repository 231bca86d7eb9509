# %% [markdown] id="99d2485d"
# # Q7 · Encoder block
#
# Put attention, feed-forward, norm and residual together into one encoder block, and the blocks into a whole ViT.
#
# **When you are done you can**
#
# - write the feed-forward block with the right sizes, and say how its work differs from attention's;
# - write a pre-norm encoder block and show that PyTorch's own computes the same;
# - say where the parameters of a ViT sit, and run one that is made of your own pieces.
#
# **Time and hardware**: the whole notebook runs in less than 8 seconds on two CPU cores; no GPU. Its last step takes pictures from CIFAR-10 and downloads them if Q2 has not done so yet; without a network, digits stand in.
#
# **Before you start**: Q5 (attention) and Q6 (residual). Both are taken from the course's library here, so yours need not be finished.

# %% tags=["setup"] id="97f3df04"
import matplotlib.pyplot as plt
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
# Two Linear layers with a bend between them. In the paper of 2017 the bend is a ReLU, $\max(0, \cdot)$:
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
    title="the bend between the two Linear layers",
    xlabel="input",
    ylabel="output",
)

# %% [markdown]
# The layer between the two is wider than a token, by the factor `expansion`, usually 4. After it the token goes back to its own width: otherwise the residual could not add it to what came in.
#
# ## Exercise Q7, first part
#
# Fill in the sizes of both Linear layers: `nn.Linear(what comes in, what goes out)`. Write them with `emb_size` and `expansion`: the check tries several values. GELU and dropout are given. Two points, one a layer.


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
# Take 6 tokens, change token 2 only, and see which outputs change. Before you run it: how many after the feed-forward block? How many after attention?

# %%
if check.ready("q7_feed_forward"):
    x = torch.randn(1, 6, 192)
    changed = x.clone()
    changed[0, 2] += 1.0
    with torch.no_grad():
        for part in (MultiHeadAttention(192, 3), FeedForwardBlock(192)):
            difference = (part(changed) - part(x)).abs().amax(dim=-1)[0]  # (6,): one number a token
            print(f"{type(part).__name__:19} change of each output token: {difference.numpy().round(3)}")

# %% [markdown]
# Attention carries the news to every token, the feed-forward block to nobody else. A block needs both: first gather, then think.
#
# ## Where does the norm stand?
#
# `LayerNorm` brings the numbers of each token to mean 0 and deviation 1, then scales them by learned weights. There are two places for it:
#
# - **post-norm** (2017): $x \leftarrow LN(x + f(x))$. The norm stands *on* the road that every token takes.
# - **pre-norm** (ViT): $x \leftarrow x + f(LN(x))$. The norm stands *inside* the branch; the skip connection carries $x$ untouched.
#
# PyTorch's encoder layer can do both. Twelve blocks of each kind, same weights, untrained: we follow the tokens from block to block.


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
figure, axes = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
labels = ("size of the tokens (standard deviation)", "cosine similarity with the input")
for ax, label, before, after in zip(axes, labels, pre, post, strict=True):
    ax.plot(before, color="#0072B2", marker="o", label="pre-norm (ViT)")
    ax.plot(after, color="#D55E00", marker="s", linestyle="--", label="post-norm (2017)")
    ax.set(xlabel="after block", ylabel=label, ylim=(0, None))
    ax.grid(alpha=0.3)
    ax.legend()
show.finish(
    f"after 12 blocks post-norm tokens have size {post[0][-1]:.2f} and are {post[1][-1]:.2f} similar to the "
    f"input; pre-norm tokens have grown to {pre[0][-1]:.2f} and are still {pre[1][-1]:.2f} similar to it."
)

# %% [markdown]
# In a pre-norm stack the skip connections form one straight road from the first block to the last, and each block only adds to it. Gradients travel back on the same road, which is why deep pre-norm models train without the careful learning-rate warm-up that post-norm needs ([Xiong et al. 2020](https://arxiv.org/abs/2002.04745)). The price is on the left: the tokens grow, so a ViT has one more LayerNorm after its last block.
#
# ## Exercise Q7, second part
#
# Fill in the two `nn.Sequential(...)`, three modules each, in the order of the diagram. Use the classes that you have: `nn.LayerNorm(size)`, `MultiHeadAttention(emb_size, num_heads, dropout)`, `FeedForwardBlock(emb_size, expansion, dropout)`, `nn.Dropout(dropout)`. The `ResidualAdd` around them (Q6) is given. Three points: one for each half, one for the dropout that ends both.
#
# (A slip in your `FeedForwardBlock` costs nothing here: the check puts the course's in its place.)


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
        print("largest difference of the outputs:", f"{float((mine(x) - theirs(x)).abs().max()):.1e}")

# %% [markdown]
# ## Where do the parameters sit?
#
# Count them by part. Guess first: which part of a block holds the most?

# %%
if check.ready("q7_feed_forward") and check.ready("q7_encoder_block"):
    count = {"attention": 0, "feed-forward": 0, "norms": 0}
    for module in mine.modules():
        own = sum(p.numel() for p in module.parameters(recurse=False))
        if isinstance(module, nn.LayerNorm):
            count["norms"] += own
        else:
            count["attention" if module in inside else "feed-forward"] += own
    total = sum(count.values())
    print("part          parameters   share")
    for part, number in count.items():
        print(f"{part:13} {number:10,} {number / total:7.1%}")
    print(f"{'one block':13} {total:10,}")

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
print(f"A ViT with 6 blocks and {trainable:,} trainable parameters.")

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
with torch.no_grad():
    x = batch / 255 * 2 - 1  # pixels from 0..255 to -1..1
    print(f"{'images':42} {tuple(x.shape)}")
    x = vit.patch_embedding(x)
    print(f"{'Q2  patch embedding':42} {tuple(x.shape)}")
    x = vit.class_token(x)
    print(f"{'Q3  class token in front':42} {tuple(x.shape)}")
    x = vit.positional_embedding(x)
    print(f"{'Q4  positions added':42} {tuple(x.shape)}")
    for number, block in enumerate(vit.blocks, start=1):
        x = block(x)
        print(f"{f'Q7  encoder block {number} (with Q5, Q6 inside)':42} {tuple(x.shape)}")
    logits = vit.head(vit.norm(x)[:, 0])
    print(f"{'norm, token 0, classification head':42} {tuple(logits.shape)}")
    print("same as vit(images):", torch.allclose(logits, vit(batch / 255 * 2 - 1), atol=1e-4))

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
)
guesses = logits.argmax(dim=1)
print("right guesses:", int((guesses == labels).sum()), "of 8; guessed classes:", guesses.tolist())

# %% [markdown]
# **These logits mean nothing yet.** The weights are random; a right guess is luck, at one in ten. What you have is a model whose every step runs and has the right shape. The next part trains it.
#
# ## What you have learned
#
# - A block is two residual halves: attention moves news between tokens, the feed-forward block works on each token alone and holds most parameters.
# - Pre-norm keeps the skip connection clear: $x + f(LN(x))$; the tokens grow, and a last LayerNorm ends the stack.
# - Patch embedding, class token, positions, blocks, head: that is the whole Vision Transformer.
#
# ## Going further
#
# - Dosovitskiy et al. 2021, [An Image Is Worth 16x16 Words](https://arxiv.org/abs/2010.11929), equations 1 to 4: the model you just ran.
# - Xiong et al. 2020, [On Layer Normalization in the Transformer Architecture](https://arxiv.org/abs/2002.04745): why pre-norm is easier to train.
# - Hendrycks and Gimpel 2016, [Gaussian Error Linear Units](https://arxiv.org/abs/1606.08415).
# - Next: part 3, **Train your ViT**, on CIFAR-10.
