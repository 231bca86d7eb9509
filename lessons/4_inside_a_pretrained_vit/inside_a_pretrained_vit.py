# %% [markdown] id="e3ebb27b"
# # Inside a pretrained ViT
#
# Follow one photo through a trained Vision Transformer, look at every step, and load its weights into the model that you built yourself.
#
# **When you are done you can**
#
# - name the shape of the data after every step, from pixels to class names, and finish one encoder block by hand;
# - take a trained model's attention apart, say what a picture of it shows, and what it does not show;
# - bring somebody else's weights into your own code, and prove that both models are the same.
#
# **Time and hardware**: about 120 minutes of yours, and the whole notebook computes for less than 60 seconds on two CPU cores; no GPU. It wants ViT-Base with weights from timm, a download of 346 MB that is kept. Without a network the small ViT that ships with the course stands in, and everything below works with its sizes.
#
# **Before you start**: attention and the encoder block (Q5 and Q7). Everything that you built in Part 2 comes back at the end; what is missing there, the course's library replaces.
#
# **Do you remember?**
#
# <details><summary>1. Attention is softmax(q kᵀ / √d). What do its rows sum to, and what is one row?</summary>
#
# To 1. One row belongs to one token that asks (its query): how much it takes from each token's value.
#
# </details>
#
# <details><summary>2. In which order does a pre-norm encoder block work?</summary>
#
# Norm, attention, plus its input; then norm, feed-forward block, plus its input.
#
# </details>
#
# <details><summary>3. Why is there a class token, and why are positions added?</summary>
#
# The class token collects what the classes need from all patches, so that one token can go to the head. Attention alone does not know where a patch was: the position vector tells it.
#
# </details>

# %% tags=["setup"] id="c2f48af2"
import torch
from einops import rearrange
from timm.utils import AttentionExtract

from helpers import assemble, check, data, show
from helpers.vit import timm_weights

torch.manual_seed(0)
print("Ready.")

# %% [markdown]
# ## A model and a photo
#
# The name of a model is not enough: `vit_base_patch16_224` has meant several sets of weights over the years, and they do not agree about one of our photos, as you will see. What stands after the dot is the **tag** that says which. In `augreg2_in21k_ft_in1k`
#
# - `augreg` is the recipe of the training: **aug**mentation (pictures cropped, mirrored, mixed) and **reg**ularisation (dropout, weight decay), studied in "How to train your ViT?" ([Steiner et al. 2021](https://arxiv.org/abs/2106.10270));
# - `in21k`: **pre-trained** on ImageNet-21k, about 14 million pictures in some 21,000 classes;
# - `ft_in1k`: then **fine-tuned** on ImageNet-1k, 1.3 million pictures in 1,000 classes. Fine-tuning goes on from trained weights, with small steps: the head is new, with 1,000 outputs, and the rest changes only a little. What was learned from many pictures is kept, and less data and time are enough for the new task;
# - the `2`: the fine-tuning was done once more by the author of timm, with more augmentation and regularisation. The pre-training is the same.

# %% id="d5ce7ba2"
TAG = "vit_base_patch16_224.augreg2_in21k_ft_in1k"
model, config, class_names, source = data.pretrained(TAG)
model.requires_grad_(False)  # nothing is trained here

img_size, patch_size = config["img_size"], config["patch_size"]
rows, columns = model.patch_embed.grid_size
prefix = model.num_prefix_tokens  # tokens in front of the patches: the class token
D, depth, heads = model.embed_dim, len(model.blocks), model.blocks[0].attn.num_heads
d = D // heads  # numbers a head
hidden_size = model.blocks[0].mlp.fc1.out_features
stands_in = source != TAG

show.table(
    [
        ("image, pixels", f"{img_size} x {img_size}", "224 x 224"),
        ("patch, pixels", f"{patch_size} x {patch_size}", "16 x 16"),
        ("grid of patches", f"{rows} x {columns}", "14 x 14"),
        ("tokens: class token and patches", prefix + rows * columns, 197),
        ("numbers a token, D", D, 768),
        ("encoder blocks", depth, 12),
        ("heads in each, and numbers a head, d", f"{heads}, {d}", "12, 64"),
        ("numbers between the two layers of the MLP", hidden_size, 3072),
        ("classes", len(class_names), 1000),
    ],
    ("size", source, "ViT-Base/16"),
)

# %% [markdown]
# Here is all of it on one line, with the sizes of the model that you loaded. We go through it from left to right.

# %%
sizes = {"image": img_size, "patch": patch_size, "D": D, "blocks": depth, "heads": heads}
sizes |= {"hidden": hidden_size, "classes": len(class_names)}
show.diagram("vit_pipeline", sizes=sizes)

# %% [markdown]
# ViT-Base gets a photo of Santorini, a Greek island of white houses and blue domes. The small model has never learned such a thing; it gets a cat, which it knows. The photo is scaled to the size that the model was trained with, and its pixels are **normalised** with the model's own mean and standard deviation, one of each for red, green and blue. A model that gets other numbers than in training still answers, only worse: there is no error to warn you.

# %%
photo = data.photo("cat" if stands_in else "santorini", size=img_size)  # (3, H, W), 0..255
mean, std = (torch.tensor(config[key]).view(3, 1, 1) for key in ("mean", "std"))
x = ((photo / 255 - mean) / std)[None]  # (1, 3, H, W): a batch of one
show.table(
    [
        (name, f"{mean[i].item():.3f}", f"{std[i].item():.3f}", f"{x[0, i].min():.2f} to {x[0, i].max():.2f}")
        for i, name in enumerate(("red", "green", "blue"))
    ],
    ("channel", "mean", "standard deviation", "pixels from 0 to 1 become here"),
)
if stands_in:
    show.text(
        f"This small model knows {len(class_names)} classes: {', '.join(class_names)}.",
        "ViT-Base has a mean and a standard deviation of 0.5 in every channel, so that its pixels lie between -1 and 1.",
    )

# %% [markdown]
# ## Step 1: patches
#
# Each patch is one word. How many are there, and in which order are they read? Write your guess in the first line before you run the cell.

# %%
prediction = ...  # your guess: how many patches, e.g. 100
show.patches(
    photo,
    patch_size,
    f"the patches are read row by row: patch {columns} is the first one of the second row.",
)
show.compare(prediction, rows * columns)

# %% [markdown]
# In timm a convolution does it: kernel and stride are both the patch size, so each position of the kernel sees exactly one patch. That is Q2's Linear layer in other words. Check it for one patch: the kernel's numbers times the pixels, added up.

# %%
conv = model.patch_embed.proj
print(conv)
grid = conv(x)  # (1, D, rows, columns)
patches = grid.flatten(2).transpose(1, 2)  # (1, rows * columns, D)
show.text(
    f"Weights of the convolution `{tuple(conv.weight.shape)}`; after it `{tuple(grid.shape)}`, as a sequence `{tuple(patches.shape)}`."
)

pixels = x[0, :, :patch_size, :patch_size]  # patch 0: (3, p, p)
by_hand = (conv.weight * pixels).sum(dim=(1, 2, 3)) + conv.bias  # (D,)
show.text(f"Patch 0 by hand: largest difference `{(by_hand - patches[0, 0]).abs().max():.1e}`.")

# %% [markdown]
# ## Step 2: positions
#
# Attention does not know where a patch was (Q1), so a learned vector is added to every token. Nobody told the model what a row or a column is. Did it find out? Take the position vector of one patch and its cosine similarity with the vectors of all patches: a small map. One such map for every patch, each at its patch's place (the class token has no place, so it is left out):

# %%
positions = model.pos_embed  # (1, tokens, D)
unit = torch.nn.functional.normalize(positions[0, prefix:], dim=1)  # (patches, D), each of length 1
similarity = (unit @ unit.T).view(rows, columns, rows, columns)  # [r, c]: the map of patch (r, c)

own = torch.eye(rows * columns).view(rows, columns, rows, columns).bool()  # a patch with itself: always 1
same_row = torch.eye(rows).view(rows, 1, rows, 1).expand_as(own).bool() & ~own
same_column = torch.eye(columns).view(1, columns, 1, columns).expand_as(own).bool() & ~own
by_row, by_column = float(similarity[same_row].mean()), float(similarity[same_column].mean())
elsewhere = float(similarity[~same_row & ~same_column & ~own].mean())
show.mosaics(
    {"similarity of the position vectors, one map for each patch": similarity},
    f"each map is brightest at its own patch. Patches of the same row are {by_row:.2f} alike on average, of the "
    f"same column {by_column:.2f}, all others {elsewhere:.2f}: here the {'rows' if by_row > by_column else 'columns'} "
    "resemble each other more.",
    label="cosine similarity",
)

# %% [markdown] id="65981e3a"
# For ViT-Base it has been reported that rows resemble each other more than columns. Is that so in the model that you loaded? The line above is a measurement, not a quotation.
#
# The small model that ships with the course shows two traces of its training. Its positions come in blocks of 2 x 2: in the first 45 of its 118 minutes it saw pictures of half the size, where one patch covered the place of four. And each map has a second bright place, mirrored at the middle: every picture was also shown mirrored, so left and right could not be told apart for good.
#
# ## Exercise: the Transformer's input
#
# $$z_0 = [x_{class};\; x_1 E;\; \dots;\; x_N E] + E_{pos} \qquad E \in \mathbb{R}^{(P^2 C) \times D}, \quad E_{pos} \in \mathbb{R}^{(N+1) \times D}$$
#
# N patches of P x P pixels in C colours become tokens of D numbers (ViT-Base: N = 196, P = 16, C = 3, D = 768). $x_1 E$ is the first patch after step 1: the argument `patches` holds these vectors already. Two blanks, one point each: `tokens`, the class token in front of the patches, and `z0`, the positions added. The function must work for a batch of several images, too.


# %% nbgrader={"grade_id": "inside_z0", "solution": true}
def transformer_input(patches, class_token, positions):
    """Tokens and z0, both (b, 1 + n, D), of patches (b, n, D), class_token (1, 1, D), positions (1, 1 + n, D)."""
    tokens = torch.cat([class_token.expand(len(patches), -1, -1), patches], dim=1)  # blank: tokens = ...
    z0 = tokens + positions  # blank: z0 = ...
    return tokens, z0


# %% [markdown]
# Run the check as often as you like. Stuck? In a new cell: `check.hint("inside_z0")`.

# %% nbgrader={"grade_id": "check_inside_z0", "grade": true}
check("inside_z0")

# %% [markdown]
# ## One pass, recorded
#
# Now the whole model once, with a recorder in front of the first block and behind every block. PyTorch calls such recorders *hooks*. What goes into block 0 is the model's own $z_0$.

# %%
states = []  # states[0] goes into block 0, states[i + 1] comes out of block i
hooks = [model.blocks[0].register_forward_pre_hook(lambda module, inputs: states.append(inputs[0]))]
hooks += [
    block.register_forward_hook(lambda module, inputs, out: states.append(out)) for block in model.blocks
]
logits = model(x)[0]  # (classes,)
for hook in hooks:
    hook.remove()

show.text(f"Recorded: {len(states)} states of shape `{tuple(states[0].shape)}`.")
if check.ready("inside_z0"):
    _, z0 = transformer_input(patches, model.cls_token, positions)
    show.text(
        f"Your z0 `{tuple(z0.shape)}`: largest difference from the model's `{(z0 - states[0]).abs().max():.1e}`."
    )

# %% [markdown]
# ## Step 3: the encoder, block by block
#
# Every block takes tokens and gives tokens of the same shape. So what changes? Two numbers for each block: how large the tokens are (the length of the vector), and how much the patches resemble each other (the mean cosine of any two).

# %%
lines = []
for number, z in enumerate(states):
    tokens = torch.nn.functional.normalize(z[0], dim=1)
    alike = (tokens[prefix:] @ tokens[prefix:].T)[~torch.eye(rows * columns).bool()]  # not each with itself
    length = z[0].norm(dim=1)
    name = "z0" if number == 0 else f"block {number - 1}"
    lines.append(
        (
            name,
            tuple(z.shape),
            f"{length[prefix:].mean():.1f}",
            f"{length[0]:.1f}",
            f"{alike.mean():.2f}",
        )
    )
show.table(lines, ("after", "shape", "length of a patch", "length of the class token", "patches alike"))

# %% [markdown]
# Each block of a pre-norm stack adds to its tokens, so most often they grow (Q7); but what a trained block adds can also take something away. In which block do they grow most, and do they shrink anywhere? Now one patch, the **query patch**: half-way down, second from the left. In ViT-Base's 14 x 14 grid that is patch 99 (row 7, column 1), so row 100 of every attention matrix, because row 0 belongs to the class token. The same formula picks its place in any grid. Whom does it resemble, after each block?

# %%
query_place = (rows // 2, 1)
query_patch = query_place[0] * columns + query_place[1]
query = prefix + query_patch  # its row in an attention matrix
show.text(
    f"Query patch {query_patch}: row {query_place[0]}, column {query_place[1]}; row {query} of an attention matrix."
)

place = torch.cartesian_prod(torch.arange(rows), torch.arange(columns)).float()  # (patches, 2)
apart = torch.cdist(place, place)  # (patches, patches), in patches
distance = apart[query_patch].view(rows, columns)
alike = []
for z in states:
    tokens = torch.nn.functional.normalize(z[0, prefix:], dim=1)
    alike.append((tokens @ tokens[query_patch]).view(rows, columns))
near = [float(each[(distance > 0) & (distance < 2)].mean()) for each in alike]
far = [float(each[distance >= 4].mean()) for each in alike]
show.panels(
    alike,
    f"in z0 the neighbours of the query patch are {near[0]:.2f} like it and patches four or more away {far[0]:.2f}; "
    f"after the last block {near[-1]:.2f} and {far[-1]:.2f}. Likeness follows both where a patch is and what it shows.",
    titles=["z0", *(f"after block {number}" for number in range(depth))],
    photo=photo,
    mark=query_place,
    across=5 if depth > 6 else 4,
    label="cosine similarity with the query patch",
    vmin=-1,
    vmax=1,
)

# %% [markdown] id="4d412a1c"
# ## Inside one block
#
# We open block 0 and go through all of it; change `OPENED` later to look into another. Its first half is: **norm1**, then the layer **qkv**, which makes queries, keys and values of all heads at once, then attention.
#
# timm computes attention in one fused step that never shows its matrix. So we switch that off in all blocks, as we look into each of them further down: `fused_attn = False`, and the matrix is made step by step, with the same result.

# %%
OPENED = 0
for block in model.blocks:
    block.attn.fused_attn = False

block, z = model.blocks[OPENED], states[OPENED]
normed = block.norm1(z)
qkv = block.attn.qkv(normed)
show.text(
    f"z `{tuple(z.shape)}` → norm1 `{tuple(normed.shape)}` → qkv `{tuple(qkv.shape)}`: 3 x {D} numbers a token."
)
show.diagram("attention_shapes", sizes=sizes)

# %% [markdown]
# ## Exercise: queries, keys, values
#
# In the last axis of `qkv` three things are packed: first all numbers of the queries, then of the keys, then of the values; within each, one head after the other. One blank of three dots, one point: take it apart, so that `q`, `k` and `v` are each (b, heads, tokens, numbers a head).


# %% nbgrader={"grade_id": "inside_qkv", "solution": true}
def split_qkv(qkv, num_heads):
    """Queries, keys and values, each (b, num_heads, n, d), of qkv (b, n, 3 * num_heads * d)."""
    q, k, v = rearrange(qkv, "b n (t h d) -> t b h n d", t=3, h=num_heads)  # blank: q, k, v = ..., ..., ...
    return q, k, v


# %% nbgrader={"grade_id": "check_inside_qkv", "grade": true}
check("inside_qkv")

# %% [markdown]
# ## Exercise: attention
#
# $$A = \text{softmax}\!\left(\frac{q\,k^\top}{\sqrt{d}}\right)$$
#
# for all heads at once: `q` and `k` are (b, heads, n, d), with n tokens. **Softmax** turns a row of scores into shares: e to the power of each, divided by the sum of them all. Two blanks, one point each: `scores`, the scaled products, and `A`, whose rows sum to 1.


# %% nbgrader={"grade_id": "inside_attention", "solution": true}
def attention_weights(q, k):
    """Scaled scores and attention A, both (b, heads, n, n), of queries and keys (b, heads, n, d)."""
    scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5  # blank: scores = ...
    A = scores.softmax(dim=-1)  # blank: A = ...
    return scores, A


# %% nbgrader={"grade_id": "check_inside_attention", "grade": true}
check("inside_attention")

# %% [markdown]
# What does the model itself compute? timm's `AttentionExtract` reads the attention of every block during a pass. Yours should be the same. First predict the shape of one block's attention, for one photo.

# %%
prediction = ...  # your guess, e.g. (2, 5, 7)
found = AttentionExtract(model, method="hook")(x)  # name of a layer -> (1, heads, tokens, tokens)
attention = torch.stack([A[0] for A in found.values()])  # (depth, heads, tokens, tokens)
A = attention[OPENED]  # (heads, tokens, tokens)
show.compare(prediction, A.shape)
show.text(
    f"Attention of all blocks `{tuple(attention.shape)}`. Sums of the rows: from {A.sum(-1).min():.6f} to {A.sum(-1).max():.6f}."
)

if check.ready("inside_qkv") and check.ready("inside_attention"):
    q, k, v = split_qkv(qkv, heads)
    _, yours = attention_weights(q, k)
    show.text(
        f"q `{tuple(q.shape)}`; your A `{tuple(yours.shape)}`: largest difference from the model's `{(yours[0] - A).abs().max():.1e}`."
    )

# %% [markdown]
# ## The matrix of one head
#
# Head 3 (the fourth, they count from 0): one row for every token that asks, one column for every token that is asked. Most weights are tiny, so the colours follow the logarithm.
#
# Beside it the same matrix after a **layer norm** of each row (mean 0, standard deviation 1), a form in which attention is often shown because its contrast is good. It is a form *for looking*: the model never computes it. The layer norms of the model stand before the attention and before the MLP, not on the matrix.

# %%
head = min(3, heads - 1)
layer_normed = torch.nn.functional.layer_norm(A[head], A[head].shape[-1:])
to_class = float(A[head, prefix:, 0].mean())
show.panels(
    [A[head].log10(), layer_normed.clamp(max=float(layer_normed.quantile(0.99)))],
    f"left, every row sums to 1 over {A.shape[-1]} tokens; an even share would be {1 / A.shape[-1]:.4f}, the largest weight is "
    f"{A[head].max():.4f}, and patches give {to_class:.1%} to the class token (column 0). A bright column is a token "
    f"at which many look; {columns} columns further is the patch below. Right, the rows sum to "
    f"{abs(float(layer_normed.sum(-1).mean())):.0f} and {float((layer_normed < 0).float().mean()):.0%} of the numbers are negative: "
    "the same pattern, but no shares any more.",
    titles=[f"attention, head {head} (log10)", "the same, layer-normed by row"],
    axes=("key: the token that is looked at", "query: the token that looks"),
    own=True,
    size=4.6,
)

# %% [markdown]
# ## One row, all heads
#
# One row of the matrix, without the class token's column, folded back into the grid: where does the query patch look? One map for each of the first eight heads (or as many as there are).

# %%
shown = range(min(8, heads))
row_maps = A[: len(shown), query, prefix:].view(-1, rows, columns)  # (heads shown, rows, columns)
reach = (row_maps * distance).sum(dim=(1, 2)) / row_maps.sum(dim=(1, 2))  # mean distance, in patches
show.panels(
    row_maps,
    f"row {query} of block {OPENED}, {len(shown)} heads on one scale. The head that looks nearest is head {int(reach.argmin())} "
    f"({reach.min():.1f} patches away on average), the one that looks farthest is head {int(reach.argmax())} ({reach.max():.1f}).",
    titles=[f"head {number}" for number in shown],
    photo=photo,
    mark=query_place,
    across={4: 5, 8: 3}.get(len(shown), 4),
    label="attention weight",
    log=True,
    size=2.5,
)

# %% [markdown]
# ## Pictures that are called attention
#
# A quick way to a picture is $q k^\top$ with queries and keys made from $z_0$ itself: no norm1, no scale, no softmax. It looks good, too. Is it what the model uses?

# %%
without_norm = block.attn.qkv(z)[0].view(-1, 3, heads, d)  # norm1 left out
raw = (
    without_norm[:, 0, head] @ without_norm[:, 1, head].T
)  # (tokens, tokens): neither scaled nor through softmax
variants = {"attention: what is used": A[head], "layer-normed": layer_normed, "raw products, no norm1": raw}
show.table(
    [
        (name, *(f"{value:.3f}" for value in (matrix[query].sum(), matrix[query].min(), matrix[query].max())))
        for name, matrix in variants.items()
    ],
    (f"row {query}", "sum", "least", "largest"),
)
best_of_A, best_of_raw = (set(m[query, prefix:].topk(10).indices.tolist()) for m in (A[head], raw))
show.panels(
    [matrix[query, prefix:].view(rows, columns) for matrix in variants.values()],
    f"each panel has a scale of its own, so compare patterns only. Of the ten patches that head {head} looks at most, "
    f"the raw products have {len(best_of_A & best_of_raw)} among their ten largest. The layer-normed row has the pattern of the attention.",
    titles=list(variants),
    mark=query_place,
    own=True,
    size=3.2,
)

# %% [markdown]
# ## To the end of the block
#
# A is only half-way through the first half. This is the whole block, with your model's sizes; the rest is done by hand now, step by step, until `states` says whether it is right.

# %%
show.diagram("encoder_block", sizes=sizes)

# %% [markdown]
# **A · v.** Each head takes, for every token, the mean of all values, weighted with that token's row of A. The layer qkv has 3 D rows of weights; the last D of them make the values, d rows a head. So head by head:

# %%
taken = []  # what each head takes, (tokens, d)
for number in range(heads):
    first = 2 * D + number * d
    W_v = block.attn.qkv.weight[first : first + d]  # (d, D): these rows make the values of this head
    b_v = block.attn.qkv.bias[first : first + d]
    values_of_head = normed[0] @ W_v.T + b_v  # (tokens, d)
    taken.append(A[number] @ values_of_head)  # (tokens, tokens) times (tokens, d)

weighted = sum(A[heads - 1, query, token] * values_of_head[token] for token in range(prefix + rows * columns))
show.text(
    f"A of one head `{tuple(A[0].shape)}` times its values `{tuple(values_of_head.shape)}` gives `{tuple(taken[0].shape)}`.",
    f"The query patch in head {heads - 1}, as a sum over all tokens: largest difference `{(weighted - taken[-1][query]).abs().max():.1e}`.",
)
if check.ready("inside_qkv"):
    show.text(
        f"Your v of this head: largest difference `{(split_qkv(qkv, heads)[2][0, -1] - values_of_head).abs().max():.1e}`."
    )


def length_map(tokens):
    """The length of each patch's vector, (rows, columns), of tokens (tokens, any)."""
    return tokens[prefix:].norm(dim=1).view(rows, columns)


lengths = torch.stack([length_map(each) for each in taken])
show.panels(
    lengths[: len(shown)],
    f"how much each head takes for each patch, as the length of A · v. On average head {int(lengths.mean(dim=(1, 2)).argmax())} takes most "
    f"({lengths.mean(dim=(1, 2)).max():.2f}) and head {int(lengths.mean(dim=(1, 2)).argmin())} least ({lengths.mean(dim=(1, 2)).min():.2f}): "
    "the maps of attention do not show that.",
    titles=[f"head {number}" for number in shown],
    photo=photo,
    mark=query_place,
    across={4: 5, 8: 3}.get(len(shown), 4),
    label="length of A · v",
    size=2.5,
)

# %% [markdown]
# **The heads joined.** The d numbers of head 0, then those of head 1, and so on: D numbers a token again. (Q5 called it gathering the heads; the field says *concatenate*.)

# %%
joined = torch.cat(taken, dim=-1)  # (tokens, heads * d)
show.text(
    f"{heads} times `{tuple(taken[0].shape)}` becomes `{tuple(joined.shape)}`.",
    f"Numbers {d} to {2 * d - 1} of the query patch are those of head 1: {bool((joined[query, d : 2 * d] == taken[1][query]).all())}.",
)
show.heatmap(
    joined[query].view(heads, d),
    f"the {D} numbers of the query patch, one row a head. Read row by row they are its joined vector; from {joined[query].min():.2f} to {joined[query].max():.2f}.",
    title="the query patch after A · v",
    xlabel="number within the head",
    ylabel="head",
)

# %% [markdown] id="39607045"
# **The output projection.** One Linear layer, D numbers in and D out:
#
# $$MSA(z) = [A_1 v_1;\; A_2 v_2;\; \dots;\; A_h v_h]\, U_{msa} \qquad U_{msa} \in \mathbb{R}^{(h d) \times D}$$
#
# with h heads (timm adds a bias). Until here the heads have not met; now every number is a mixture of all of them. Because the layer is linear, its result is a sum: one part for each head (its d columns of the weight), and the bias. So each head's part can be measured.

# %%
projected = joined @ block.attn.proj.weight.T + block.attn.proj.bias  # (tokens, D)
parts = torch.stack(
    [each @ block.attn.proj.weight[:, i * d : (i + 1) * d].T for i, each in enumerate(taken)]
)  # (heads, tokens, D)
show.text(
    f"`{tuple(joined.shape)}` → `{tuple(projected.shape)}`. The {heads} parts and the bias added up: largest difference "
    f"`{(parts.sum(dim=0) + block.attn.proj.bias - projected).abs().max():.1e}`."
)
of_query = parts[:, query].norm(dim=1)  # (heads,)
show.bars(
    of_query,
    f"of all heads, head {int(of_query.argmax())} writes most into the query patch (length {of_query.max():.2f}), head {int(of_query.argmin())} least ({of_query.min():.2f}).",
    names=[str(number) for number in range(heads)],
    mark=int(of_query.argmax()),
    title="what each head writes into the query patch",
    xlabel="head",
    ylabel="length of its part",
)

# %% [markdown]
# **+ z.** The first skip connection: what came in is added. The block does not replace a token, it *corrects* it.

# %%
cosine = torch.nn.functional.cosine_similarity
middle = z[0] + projected  # (tokens, D)
same = float(cosine(z[0, prefix:], middle[prefix:]).mean())
show.text(
    f"`{tuple(z[0].shape)}` + `{tuple(projected.shape)}` = `{tuple(middle.shape)}`. A patch before and after: cosine {same:.2f} on average."
)
show.panels(
    [length_map(z[0]), length_map(projected), length_map(middle)],
    f"a patch comes in with length {length_map(z[0]).mean():.1f} on average, attention adds {length_map(projected).mean():.1f}, "
    f"and it goes on with {length_map(middle).mean():.1f}: lengths do not add up, because the directions differ.",
    titles=["z, what came in", "attention adds", "the sum"],
    photo=photo,
    mark=query_place,
    label="length of a token",
)

# %% [markdown]
# **norm2.** The second half begins like the first: every token by itself is brought to mean 0 and standard deviation 1 over its D numbers, then scaled and shifted by two learned vectors.

# %% id="95946bf4"
normed2 = block.norm2(middle)  # (tokens, D)
between = torch.nn.functional.layer_norm(middle, middle.shape[-1:])  # before scale and shift
show.table(
    [
        (name, tuple(each.shape), f"{abs(each[query].mean()):.3f}", f"{each[query].std(correction=0):.3f}")
        for name, each in (
            ("middle", middle),
            ("mean and deviation taken out", between),
            ("scaled and shifted: norm2", normed2),
        )
    ],
    ("tokens", "shape", "mean of the query patch (size)", "standard deviation"),
)
before, order = middle[query].sort()
show.curves(
    {"before": before, "after norm2": normed2[query][order]},
    f"the {D} numbers of the query patch, in the order of their size before. Mostly small stays small and large stays large, but the learned "
    f"scale differs from number to number (from {block.norm2.weight.min():.2f} to {block.norm2.weight.max():.2f}), hence the jumps.",
    title="one token before and after norm2",
    xlabel="number, sorted by its size before",
    ylabel="value",
)

# %% [markdown]
# **The MLP**, Q7's feed-forward block: a Linear layer to more numbers, the activation function GELU, a Linear layer back to D. GELU(a) = a · Φ(a), where Φ is the share of a normal distribution below a: large numbers pass, clearly negative ones become nearly 0 ([Hendrycks and Gimpel 2016](https://arxiv.org/abs/1606.08415)). Every token goes through alone; no token sees another here. What shape has the MLP's inside, for one photo without the axis of the batch?

# %%
prediction = ...  # your guess, e.g. (2, 5)
hidden = normed2 @ block.mlp.fc1.weight.T + block.mlp.fc1.bias  # (tokens, hidden_size)
active = hidden * 0.5 * (1 + torch.erf(hidden / 2**0.5))  # GELU
written = active @ block.mlp.fc2.weight.T + block.mlp.fc2.bias  # (tokens, D)
show.compare(prediction, hidden.shape)
show.text(
    f"`{tuple(normed2.shape)}` → `{tuple(hidden.shape)}` → GELU → `{tuple(active.shape)}` → `{tuple(written.shape)}`."
)
before, order = hidden[query].sort()
show.curves(
    {"before GELU": before, "after GELU": active[query][order]},
    f"the {hidden_size} numbers of the query patch inside the MLP, sorted: {float((before < 0).float().mean()):.0%} are negative before GELU, "
    f"and none is below {active[query].min():.2f} after it.",
    title="the query patch inside the MLP",
    xlabel="number, sorted by its size before GELU",
    ylabel="value",
)

# %% [markdown]
# **+ again**, and the block is finished. Is it what the model computed?

# %%
out = middle + written  # (tokens, D)
difference = float((out - states[OPENED + 1][0]).abs().max())
largest = float(out.abs().max())
show.text(
    f"Block {OPENED} by hand `{tuple(out.shape)}`, compared with `states[{OPENED + 1}]`: largest difference `{difference:.1e}`, where the "
    f"largest number is {largest:.1f}. Equal to 1e-5 of that: {difference < 1e-5 * max(1, largest)}."
)
show.panels(
    [length_map(middle), length_map(written), length_map(out)],
    f"the second half: the MLP adds vectors of length {length_map(written).mean():.1f} on average, attention added {length_map(projected).mean():.1f}. "
    f"After the block the query patch is still {float(cosine(z[0, query], out[query], dim=0)):.2f} like what came in.",
    titles=["after attention", "the MLP adds", "out: the next block's z"],
    photo=photo,
    mark=query_place,
    label="length of a token",
)

# %% [markdown]
# That is all that a block does, and the model is this block, one after the other, with other weights each time.
#
# ## How far does each head look?
#
# The mean distance between a query patch and what it looks at, over all query patches, for every head of every block ([Dosovitskiy et al. 2021](https://arxiv.org/abs/2010.11929), figure 7). A convolution has to look near in its first layers: its **receptive field** is small there. These heads may choose.

# %%
weights = attention[:, :, prefix:, prefix:]  # (depth, heads, patches, patches)
distances = (weights * apart).sum(dim=-1) / weights.sum(dim=-1)  # (depth, heads, patches)
distances = distances.mean(dim=-1)  # (depth, heads)
spread = [float(distances[b].max() - distances[b].min()) for b in (0, depth - 1)]
show.dots(
    distances,
    f"numbers are heads. In block 0 the heads differ by {spread[0]:.1f} patches, in the last block by {spread[1]:.1f}; "
    f"the nearest of all looks {distances.min():.1f} patches away, an even spread {apart.mean():.1f}.",
    level=float(apart.mean()),
    name="attention\nspread evenly",
    title="how far each head looks",
    xlabel="block",
    ylabel="mean distance (patches)",
)

# %% [markdown] id="59e90ba9"
# ## Look for yourself
#
# Choose a patch of the photo and a block: every head shows from where that patch takes how much. (Without scripts, as on GitHub, you see one frame; run the cell to bring it alive.)

# %%
show.explore(model, photo, class_names=class_names, mean=config["mean"], std=config["std"])

# %% [markdown]
# `look(block, head)` draws one head's maps for four query patches. Try a few heads, near ones and far ones: the next question is about one of them.


# %%
def look(number, head):
    """Where four query patches look in one head: the maps, and how much goes to the class token."""
    asked = [
        (rows // 4, columns // 4),
        (rows // 4, 3 * columns // 4),
        query_place,
        (3 * rows // 4, columns // 2),
    ]
    tokens = [prefix + r * columns + c for r, c in asked]
    show.panels(
        attention[number, head, tokens, prefix:].view(-1, rows, columns),
        f"block {number}, head {head}, four query patches on one scale: a patch looks {distances[number, head]:.1f} patches "
        f"away on average, and gives {float(attention[number, head, prefix:, 0].mean()):.0%} of its attention to the class token.",
        titles=[f"patch {i + 1}" for i in range(len(asked))],
        photo=photo,
        mark=asked,
        label="attention weight",
        vmin=0,
    )


look(0, int(distances[0].argmin()))

# %%
look(depth // 2, int(distances[depth // 2].argmax()))

# %% [markdown]
# ## Question, graded by hand
#
# Choose one block and one head. **What does this head look at, and how do you know?** Write five to ten sentences in the cell below (double-click it). Three points: one for a claim that could be wrong, one for evidence from at least two query patches or two pictures, one for a check that speaks against you or could have (another head, another query patch, another photo), and what the picture can not tell.

# %% [markdown] nbgrader={"grade_id": "inside_head_question", "solution": true, "grade": true, "points": 3}
# **How to grade** (one point each):
#
# - *A claim that could be wrong*, about one named block and head: "head h of block b looks at the patch above the query", not "it looks at important things".
# - *Evidence*: two or more query patches, or two photos, named with what their maps show; a number such as the mean distance or the share of the class token is welcome.
# - *A check and a limit*: something that could have refuted the claim (a query patch at the edge, or of other content, another photo, a neighbouring head), and at least one thing that the picture can't tell: attention is where a head reads, not what it writes (values and projection come after it), and a large weight is no proof that the answer depends on it (one would have to take the head away and see).
#
# *A full answer*, for the small model that ships with the course: "In block 1, head 2 looks along its own row and the ones next to it, whatever the photo shows there. In `look(1, 2)` the bright patches of all four query patches lie in a band left and right of the framed one, beside the eyes as on the cheek and at the nose. A patch looks 2.9 patches away on average, where an even spread would be 4.1. I added up the shares of the three rows around each query patch: 77 to 86 percent, where an even spread would give 38. If the head followed content, patch 3, on the fur of the cheek, would look at fur everywhere; outside its band there is fur, too, and it gets nearly nothing. With `data.photo("flower")` three of the four bands stay (69 to 87 percent), but in patch 3 the band holds only 49: so position alone does not make it, the content has a say, too. Head 1 of the same block shows no band (29 to 42 percent). The map does not tell what the head writes into the token: its values might be near zero there. To know whether the model needs it, I would set the head's output to zero and compare the logits."

# %% [markdown]
# ## Step 4: the head
#
# After the last block comes one more norm. Then only **token 0**, the class token, goes through a Linear layer: D numbers in, one **logit** for each class out. Softmax turns the logits into probabilities.

# %%
last = model.norm(states[-1])  # (1, tokens, D)
by_hand = model.head(last[:, 0])[0]  # (classes,)
show.text(
    f"`{tuple(last.shape)}` → token 0 `{tuple(last[:, 0].shape)}` → logits `{tuple(by_hand.shape)}`. Largest difference from `model(x)`: "
    f"`{(by_hand - logits).abs().max():.1e}`."
)

# %%
probability = torch.nn.functional.softmax(logits, 0)
top = int(logits.argmax())
names = class_names if len(class_names) <= 20 else ()
show.bars(
    logits,
    f"the logits run from {logits.min():.1f} to {logits.max():.1f}; the largest belongs to class {top}, {class_names[top]}.",
    names=names,
    mark=top,
    title="logits",
    xlabel="class",
)
show.bars(
    probability,
    f"softmax leaves {probability[top]:.0%} to class {top}, {class_names[top]}, and less than 1% to "
    f"{int((probability < 0.01).sum())} of {len(class_names)} classes.",
    names=names,
    mark=top,
    title="probabilities",
    xlabel="class",
)

# %% [markdown]
# ## Exercise: the five best
#
# Two blanks, one point each: `probabilities` of all classes, and the k largest of them with their `indices` (two dots), best first.


# %% nbgrader={"grade_id": "inside_top5", "solution": true}
def top_classes(logits, class_names, k=5):
    """The k most probable classes as pairs (name, probability), best first, of logits (classes,)."""
    probabilities = logits.softmax(dim=0)  # blank: probabilities = ...
    values, indices = probabilities.topk(k)  # blank: values, indices = ..., ...
    return [(class_names[i], float(value)) for value, i in zip(values, indices)]


# %% nbgrader={"grade_id": "check_inside_top5", "grade": true}
check("inside_top5")

# %%
if check.ready("inside_top5"):
    answers = [(name, f"{value:.1%}") for name, value in top_classes(logits, class_names)]
    show.table(answers, (f"{source} says", "probability"))

# %% [markdown] id="139f2acc"
# **Dome or church?** For the photo of Santorini, two sets of weights of ViT-Base have been seen to answer differently: class 538, "dome" (weights of 2020, tag `vit_base_patch16_224.orig_in21k_ft_in1k`), and class 497, "church, church building" (later ones). Same architecture, same photo, other weights. What does your tag say? With `TAG` set to the other one, what does that say? And which of the two is right?
#
# <details><summary>An answer</summary>
#
# Both are reasonable: the photo shows a church *with* a dome, and ImageNet allows one name for each picture.
#
# </details>

# %%
if len(class_names) == 1000:
    for number, name in {538: "dome", 497: "church, church building"}.items():
        place_of = int((logits > logits[number]).sum()) + 1
        show.text(f"class {number} ({name}): place {place_of}, probability {probability[number]:.1%}")
    show.text(f"The first place of {source} is class {top}, {class_names[top]}.")
else:
    show.text(
        f"The photo is a cat, and at {img_size} x {img_size} pixels this model says {class_names[top]} with {probability[top]:.0%}. "
        f"Of domes and churches its {len(class_names)} classes know nothing."
    )

# %% [markdown]
# ## And what does it say for a thing that it never learned?
#
# Softmax must share out 1 among the names that there are, whether one of them fits, several, or none. The small model is asked about the photo of Santorini (offline: the roofs of a temple), ViT-Base about a dahlia: neither is among its classes.

# %%
strange = data.photo("santorini" if stands_in else "flower", size=img_size)
guess = torch.nn.functional.softmax(model(((strange / 255 - mean) / std)[None])[0], 0)
best = guess.argsort(descending=True)[:3]
show.images(
    strange[None],
    f"none of the classes fits. It had to choose among its own names, and chose {class_names[best[0]]} with {float(guess[best[0]]):.0%}.",
    columns=1,
    size=3,
)
show.table([(class_names[i], f"{float(guess[i]):.1%}") for i in best], ("class", "probability"))

# %% [markdown]
# ## The logit lens: what would the head say after each block?
#
# Every state has the shape that norm and head expect. Nothing stops us from giving them an *earlier* one: take token 0 after each block, and ask the head as if the model ended there. The idea comes from language models and is called the **logit lens** ([nostalgebraist 2020](https://www.lesswrong.com/posts/AcKRB8wDpdaN6v6ru/interpreting-gpt-the-logit-lens)). After which block does the answer of the whole model stand first, and stay?

# %%
prediction = ...  # your guess: the number of a block, e.g. 0
lines, firsts = [], []
for number, z in enumerate(states):
    lens = torch.nn.functional.softmax(model.head(model.norm(z)[:, 0])[0], 0)  # (classes,)
    best = lens.argsort(descending=True)[:3]
    firsts.append(int(best[0]))
    named = [f"{class_names[i].split(',')[0]} {float(lens[i]):.0%}" for i in best]
    lines.append(("z0" if number == 0 else f"block {number - 1}", *named, f"{float(lens[top]):.0%}"))
settled = max([number for number, first in enumerate(firsts) if first != top], default=-1)
show.table(
    lines,
    ("after", "first", "second", "third", f"{class_names[top]}, the final answer"),
    says=f"from block {settled} on the head says {class_names[top]}."
    if settled >= 0
    else "the head says so from the start.",
)
show.compare(prediction, settled)

# %% [markdown]
# Two things to think about. In z0, token 0 is the class token plus its position, whatever the photo: that line is the same for *every* photo, and where it names the right class, it does so by chance. And a doubt: norm and head were trained for the last state only. Earlier blocks may write what they know in other directions, which this head cannot read; "it does not say cat" is not "it does not know". A later method trains a small translator for each block for this reason, the *tuned lens* ([Belrose et al. 2023](https://arxiv.org/abs/2303.08112)).
#
# ## One step further: attention rollout
#
# The class token reads from the patches, but after block 0 a "patch" is already a mixture of patches. **Attention rollout** ([Abnar and Zuidema 2020](https://arxiv.org/abs/2005.00928)) follows the mixing through all blocks: average the heads, let the skip connection count as half (add the identity, halve), and multiply the matrices of all blocks.

# %%
mixed = torch.eye(attention.shape[-1])
for A_block in attention.mean(dim=1):  # (tokens, tokens) for each block
    step = (A_block + torch.eye(len(A_block))) / 2  # half attention, half skip connection; rows sum to 1
    mixed = step @ mixed  # what the tokens are made of, after this block
show.text(f"Sums of the rows: from {mixed.sum(dim=1).min():.6f} to {mixed.sum(dim=1).max():.6f}.")

maps = [attention[-1].mean(dim=0)[0, prefix:], mixed[0, prefix:]]
maps = [(values / values.sum()).view(rows, columns) for values in maps]
tenth = rows * columns // 10
share = [float(values.flatten().topk(tenth).values.sum()) for values in maps]
show.panels(
    maps,
    f"where the class token's information comes from. The {tenth} patches with most of it, of {rows * columns}, hold {share[0]:.0%} "
    f"in the last block alone and {share[1]:.0%} by rollout.",
    titles=["last block alone", "rollout"],
    photo=photo,
    label="share",
    log=True,
    size=2.9,
)

# %% [markdown]
# Rollout is a summary with an assumption in it: that attention and skip connection weigh the same, and that values and MLPs do not matter. You have seen above how different the lengths are that heads and MLP write. It says where information *could* have come from. Keep your doubts from the question above.
#
# ## Capstone: timm's weights in your own model
#
# You have built all the parts of this model in Part 2. If that is really so, then timm's weights must work in your modules. Three things differ:
#
# 1. timm's patch embedding is a **convolution**, weight (D, 3, p, p). Yours of Q2 is a Linear layer on pixels in the order `(p1 p2 c)`, weight (D, p * p * 3). Same numbers, other places. (In Q2 any order was right. If yours is another one, the course's Q2 takes its place here, and the report says so.)
# 2. timm has one layer **qkv** with weight (3 D, D) and bias (3 D): all rows of the queries, then the keys', then the values'. Yours has three layers.
# 3. Every LayerNorm divides by $\sqrt{\text{variance} + \epsilon}$. PyTorch's default is $\epsilon = 10^{-5}$. timm's ViT was trained with another one.
#
# Three blanks, one point each; the second has three dots.


# %% nbgrader={"grade_id": "inside_weights", "solution": true}
def convert(model):
    """timm's tensors for your own modules (a dict by name), and the eps of its LayerNorms."""
    mine = {}
    for name, tensor in model.state_dict().items():
        if name == "patch_embed.proj.weight":  # (D, 3, p, p), becomes (D, p * p * 3)
            mine[name] = rearrange(tensor, "d c p1 p2 -> d (p1 p2 c)")  # blank: mine[name] = ...
        elif ".qkv." in name:  # weight (3 D, D) or bias (3 D)
            queries, keys, values = tensor.chunk(3)  # blank: queries, keys, values = ..., ..., ...
            mine[name.replace("qkv", "queries")] = queries
            mine[name.replace("qkv", "keys")] = keys
            mine[name.replace("qkv", "values")] = values
        else:  # the same in both
            mine[name] = tensor
    eps = model.norm.eps  # blank: eps = ...
    return mine, eps


# %% nbgrader={"grade_id": "check_inside_weights", "grade": true}
check("inside_weights")

# %% [markdown]
# Now your pieces: `assemble.pieces` looks for your notebooks of Part 2 beside this one's folder, and checks each piece. What is missing, not right yet, or can't take weights is replaced by the course's and named. (On Colab each notebook is alone, so all are the course's there: upload your Part 2 notebooks and set `FOLDER` to change that.)

# %%
FOLDER = "../2_build_a_vit"
mine = timm_weights.loadable(assemble.pieces(FOLDER))
assemble.report(mine)

# %% id="8c51f895"
if check.ready("inside_weights"):
    tensors, eps = convert(model)
    vit = assemble.ViT(
        patch_size=patch_size,
        img_size=img_size,
        emb_size=D,
        depth=depth,
        num_heads=heads,
        expansion=hidden_size // D,
        num_classes=len(class_names),
        pieces=mine,
    )
    timm_weights.load(vit.eval().requires_grad_(False), tensors, eps)
    loaded = sum(parameter.numel() for parameter in timm_weights.places(vit).values())
    yours = vit(x)[0]
    difference = float((yours - logits).abs().max())
    other = timm_weights.load(vit, tensors, 1e-5)(x)[0]
    show.text(
        f"{loaded:,} of timm's {sum(p.numel() for p in model.parameters()):,} numbers are in your ViT.",
        f"Largest difference of the logits: `{difference:.1e}`, below 1e-4: {difference < 1e-4}.",
        f"The same with PyTorch's default eps: `{float((other - logits).abs().max()):.1e}`.",
    )
    timm_weights.load(vit, tensors, eps)

# %% id="a1600a04"
if check.ready("inside_weights") and check.ready("inside_top5"):
    answers = [(name, f"{value:.1%}") for name, value in top_classes(vit(x)[0], class_names)]
    show.table(answers, ("Your own model says", "probability"))

# %% [markdown]
# Two programs, written apart, agree in every logit. There is nothing in a Vision Transformer that you have not built.
#
# ## What you have learned
#
# - A photo becomes patches, tokens with positions, then tokens again in every block; a block adds what attention takes and what the MLP writes; the answer is read from token 0 alone.
# - Attention is softmax(q kᵀ / √d) after norm1, one matrix a head; pictures without these steps are pictures of something else, and even the right ones do not explain a decision.
# - Weights are tensors with an agreed order of axes. Who knows the order (and eps) can carry them into any code.
#
# ## Going further
#
# - Dosovitskiy et al. 2021, [An Image Is Worth 16x16 Words](https://arxiv.org/abs/2010.11929), section 4.5: the same looks inside, by the authors.
# - Abnar and Zuidema 2020, [Quantifying Attention Flow in Transformers](https://arxiv.org/abs/2005.00928): rollout, and attention flow.
# - Darcet et al., 2023 on arXiv, ICLR 2024, [Vision Transformers Need Registers](https://arxiv.org/abs/2309.16588): why some patches of large ViTs attract attention for no visible reason.
# - Change `OPENED`, `TAG` or the photo (`data.photo("flower", size=img_size)`) and run everything again.
#
# Next: [Where to go next](where_to_go_next.ipynb)
