# %% [markdown] id="e3ebb27b"
# # Inside a pretrained ViT
#
# Follow one photo through a trained Vision Transformer, look at every step, and load its weights into the model that you built yourself.
#
# **When you are done you can**
#
# - name the shape of the data after every step, from pixels to class names;
# - take a trained model's attention apart, say what a picture of it shows, and what it does not show;
# - bring somebody else's weights into your own code, and prove that both models are the same.
#
# **Time and hardware**: the whole notebook runs in less than 60 seconds on two CPU cores; no GPU. It wants ViT-Base with weights from timm, a download of 346 MB that is kept. Without a network the small ViT that ships with the course stands in, and everything below works with its sizes.
#
# **Before you start**: attention and the encoder block (Q5 and Q7). Everything that you built in Part 2 comes back at the end; what is missing there, the course's library replaces.

# %% tags=["setup"] id="c2f48af2"
import matplotlib.pyplot as plt
import torch
from einops import rearrange
from timm.utils import AttentionExtract

from helpers import assemble, check, data, show
from helpers.vit import timm_weights

torch.manual_seed(0)
print("Ready.")

# %%
show.diagram("vit_pipeline")

# %% [markdown]
# ## A model and a photo
#
# The name of a model is not enough: `vit_base_patch16_224` has meant several sets of weights over the years, and they do not agree about this photo, as you will see. What stands after the dot is the **tag** that says which.

# %%
TAG = "vit_base_patch16_224.augreg2_in21k_ft_in1k"
model, config, class_names, source = data.pretrained(TAG)
model.requires_grad_(False)  # nothing is trained here

img_size, patch_size = config["img_size"], config["patch_size"]
rows, columns = model.patch_embed.grid_size
prefix = model.num_prefix_tokens  # tokens in front of the patches: the class token
D, depth, heads = model.embed_dim, len(model.blocks), model.blocks[0].attn.num_heads
stands_in = source != TAG

print("model:", source)
print(f"{'':34}{'this model':>12}{'ViT-Base/16':>14}")
for what, here, base in (
    ("image, pixels", f"{img_size} x {img_size}", "224 x 224"),
    ("patch, pixels", f"{patch_size} x {patch_size}", "16 x 16"),
    ("grid of patches", f"{rows} x {columns}", "14 x 14"),
    ("tokens: class token and patches", prefix + rows * columns, 197),
    ("numbers a token, D", D, 768),
    ("encoder blocks", depth, 12),
    ("heads in each, and numbers a head", f"{heads}, {D // heads}", "12, 64"),
    ("classes", len(class_names), 1000),
):
    print(f"{what:34}{here:>12}{base:>14}")

# %% [markdown]
# The photo shows Santorini, a Greek island of white houses and blue domes; offline, the roofs of a Chinese temple stand in. It is scaled to the size that the model was trained with, and its pixels are **normalised** with the model's own mean and deviation. A model that gets other numbers than in training still answers, only worse: there is no error to warn you.

# %%
photo = data.photo("santorini", size=img_size)  # (3, H, W), 0..255
mean, std = (torch.tensor(config[key]).view(3, 1, 1) for key in ("mean", "std"))
x = ((photo / 255 - mean) / std)[None]  # (1, 3, H, W): a batch of one
print(f"x {tuple(x.shape)}, from {x.min():.2f} to {x.max():.2f}")
if stands_in:
    print(
        f"A fair warning: this small model knows {len(class_names)} classes only ({', '.join(class_names)})."
    )
    print("A temple is none of them. Look at how it works here, and do not expect a right answer.")

# %% [markdown]
# ## Step 1: patches
#
# Each patch is one word. How many are there, and in which order are they read?

# %%
show.patches(
    photo,
    patch_size,
    f"{rows * columns} patches, read row by row: patch {columns} is the first one of the second row.",
)

# %% [markdown]
# In timm a convolution does it: kernel and stride are both the patch size, so each position of the kernel sees exactly one patch. That is Q2's Linear layer in other words. Check it for one patch: the kernel's numbers times the pixels, added up.

# %%
conv = model.patch_embed.proj
print(conv)
print("weights of the convolution:", tuple(conv.weight.shape))
grid = conv(x)  # (1, D, rows, columns)
patches = grid.flatten(2).transpose(1, 2)  # (1, rows * columns, D)
print(f"after the convolution {tuple(grid.shape)}, as a sequence {tuple(patches.shape)}")

pixels = x[0, :, :patch_size, :patch_size]  # patch 0: (3, p, p)
by_hand = (conv.weight * pixels).sum(dim=(1, 2, 3)) + conv.bias  # (D,)
print(f"patch 0 by hand: largest difference {(by_hand - patches[0, 0]).abs().max():.1e}")

# %% [markdown]
# ## Step 2: positions
#
# Attention does not know where a patch was (Q1), so a learned vector is added to every token. Nobody told the model what a row or a column is. Did it find out? Take the position vector of one patch and its cosine similarity with the vectors of all patches: a small map. One such map for every patch, each at its patch's place (the class token has no place, so it is left out):

# %%
positions = model.pos_embed  # (1, tokens, D)
unit = torch.nn.functional.normalize(positions[0, prefix:], dim=1)  # (patches, D), each of length 1
similarity = (unit @ unit.T).view(rows, columns, rows, columns)  # [r, c]: the map of patch (r, c)

mosaic = torch.full((rows * (rows + 1) - 1, columns * (columns + 1) - 1), torch.nan)  # a line between maps
for r in range(rows):
    for c in range(columns):
        top, left = r * (rows + 1), c * (columns + 1)
        mosaic[top : top + rows, left : left + columns] = similarity[r, c]

figure, ax = plt.subplots(figsize=(8, 7), layout="constrained")
picture = ax.imshow(mosaic, cmap="viridis", interpolation="nearest")
ax.set(title="similarity of the position vectors, one map for each patch")
ax.set(xlabel="column of the patch whose map it is", ylabel="row of the patch whose map it is")
ax.set_xticks([c * (columns + 1) + columns / 2 - 0.5 for c in range(columns)], range(columns))
ax.set_yticks([r * (rows + 1) + rows / 2 - 0.5 for r in range(rows)], range(rows))
figure.colorbar(picture, ax=ax, label="cosine similarity")

own = torch.eye(rows * columns).view(rows, columns, rows, columns).bool()  # a patch with itself: always 1
same_row = torch.eye(rows).view(rows, 1, rows, 1).expand_as(own).bool() & ~own
same_column = torch.eye(columns).view(1, columns, 1, columns).expand_as(own).bool() & ~own
by_row, by_column = float(similarity[same_row].mean()), float(similarity[same_column].mean())
elsewhere = float(similarity[~same_row & ~same_column & ~own].mean())
show.finish(
    f"each map is brightest at its own patch. Patches of the same row are {by_row:.2f} alike on average, of the "
    f"same column {by_column:.2f}, all others {elsewhere:.2f}: here the {'rows' if by_row > by_column else 'columns'} "
    "resemble each other more."
)

# %% [markdown]
# A report that this notebook builds on says that in ViT-Base the rows resemble more than the columns. Is that so in the model that you loaded? The line above is a measurement, not a quotation.
#
# The small model that ships with the course shows two traces of its training. Its positions come in blocks of 2 x 2: in the first 45 of its 118 minutes it saw pictures of half the size, where one patch covered the place of four. And each map has a second bright place, mirrored at the middle: every picture was also shown mirrored, so left and right could not be told apart for good.
#
# ## Exercise: the Transformer's input
#
# $$z_0 = [x_{class};\; x_1 E;\; \dots;\; x_N E] + E_{pos}$$
#
# Two blanks, one point each: `tokens`, the class token in front of the patches, and `z0`, the positions added. The function must work for a batch of several images, too.


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

print("recorded:", len(states), "states of shape", tuple(states[0].shape))
if check.ready("inside_z0"):
    _, z0 = transformer_input(patches, model.cls_token, positions)
    print(
        f"your z0 {tuple(z0.shape)}, largest difference from the model's: {(z0 - states[0]).abs().max():.1e}"
    )

# %% [markdown]
# ## Step 3: the encoder, block by block
#
# Every block takes tokens and gives tokens of the same shape. So what changes? Two numbers for each block: how large the tokens are, and how much the patches resemble each other (the mean cosine of any two).

# %%
print("after     shape            size of a token   class token   patches alike")
for number, z in enumerate(states):
    tokens = torch.nn.functional.normalize(z[0], dim=1)
    alike = (tokens[prefix:] @ tokens[prefix:].T)[~torch.eye(rows * columns).bool()]  # not each with itself
    size = z[0].norm(dim=1)
    name = "z0" if number == 0 else f"block {number - 1}"
    print(f"{name:9} {tuple(z.shape)!s:16} {size[prefix:].mean():15.1f} {size[0]:13.1f} {alike.mean():15.2f}")

# %% [markdown]
# Each block of a pre-norm stack adds to its tokens, so most often they grow (Q7); but what a trained block adds can also take something away. In which block do they grow most, and do they shrink anywhere? Now one patch, the **query patch**: half-way down, second from the left. In ViT-Base's 14 x 14 grid that is patch 99 (row 7, column 1), so row 100 of every attention matrix, because row 0 belongs to the class token. The same formula picks its place in any grid. Whom does it resemble, after each block?

# %%
query_row, query_column = rows // 2, 1
query_patch = query_row * columns + query_column
query = prefix + query_patch  # its row in an attention matrix
print(
    f"query patch {query_patch}: row {query_row}, column {query_column}; row {query} of an attention matrix"
)


def outline(ax, colour="#D55E00", unit=1):
    """Mark the query patch in a map of patches, or in an image with `unit` pixels a patch."""
    corner = query_column * unit - 0.5, query_row * unit - 0.5
    ax.add_patch(plt.Rectangle(corner, unit, unit, fill=False, edgecolor=colour, linewidth=2.5))


def show_photo(ax):
    ax.imshow(photo.permute(1, 2, 0))
    outline(ax, unit=patch_size)
    ax.set(title="query patch", xticks=[], yticks=[])


def panels(count, across, scale=2.3):
    """A figure with `count` small panels and no ticks."""
    down = -(-count // across)
    size = (scale * across + 1, (scale + 0.3) * down)
    figure, axes = plt.subplots(down, across, figsize=size, layout="constrained", squeeze=False)
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
    for ax in axes.flat[count:]:
        ax.axis("off")
    return figure, axes


figure, axes = panels(len(states) + 1, across=5 if depth > 6 else 4)
show_photo(axes.flat[0])
near, far = [], []
distance = torch.hypot(
    torch.arange(rows)[:, None] - torch.tensor(float(query_row)),
    torch.arange(columns)[None] - torch.tensor(float(query_column)),
)  # (rows, columns), in patches
for number, (ax, z) in enumerate(zip(axes.flat[1:], states)):
    tokens = torch.nn.functional.normalize(z[0, prefix:], dim=1)
    alike = (tokens @ tokens[query_patch]).view(rows, columns)
    picture = ax.imshow(alike, vmin=-1, vmax=1, cmap="viridis")
    outline(ax)
    ax.set_title("z0" if number == 0 else f"after block {number - 1}")
    near.append(float(alike[(distance > 0) & (distance < 2)].mean()))
    far.append(float(alike[distance >= 4].mean()))
figure.colorbar(picture, ax=axes, label="cosine similarity with the query patch", shrink=0.8)
show.finish(
    f"in z0 the neighbours of the query patch are {near[0]:.2f} like it and patches four or more away {far[0]:.2f}; "
    f"after the last block {near[-1]:.2f} and {far[-1]:.2f}. Likeness follows both where a patch is and what it shows."
)

# %% [markdown]
# ## Inside one block
#
# We open block 0; change `OPENED` later to look into another. Its first half is: **norm1**, then the layer **qkv**, which makes queries, keys and values of all heads at once, then attention.
#
# timm computes attention in one fused step that never shows its matrix. So we switch that off: `fused_attn = False`, and the matrix is made step by step, with the same result.

# %%
OPENED = 0
for block in model.blocks:
    block.attn.fused_attn = False

block, z = model.blocks[OPENED], states[OPENED]
normed = block.norm1(z)
qkv = block.attn.qkv(normed)
print(f"z {tuple(z.shape)} -> norm1 {tuple(normed.shape)} -> qkv {tuple(qkv.shape)}: 3 x {D} numbers a token")
show.diagram("attention_shapes")

# %% [markdown]
# ## Exercise: queries, keys, values
#
# In the last axis of `qkv` three things are packed: first all numbers of the queries, then of the keys, then of the values; within each, one head after the other. One blank, one point: take it apart, so that `q`, `k` and `v` are each (b, heads, tokens, numbers a head).


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
# for all heads at once: `q` and `k` are (b, heads, n, d). Two blanks, one point each: `scores`, the scaled products, and `A`, whose rows sum to 1.


# %% nbgrader={"grade_id": "inside_attention", "solution": true}
def attention_weights(q, k):
    """Scaled scores and attention A, both (b, heads, n, n), of queries and keys (b, heads, n, d)."""
    scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5  # blank: scores = ...
    A = scores.softmax(dim=-1)  # blank: A = ...
    return scores, A


# %% nbgrader={"grade_id": "check_inside_attention", "grade": true}
check("inside_attention")

# %% [markdown]
# What does the model itself compute? timm's `AttentionExtract` reads the attention of every block during a pass. Yours should be the same.

# %%
found = AttentionExtract(model, method="hook")(x)  # name of a layer -> (1, heads, tokens, tokens)
attention = torch.stack([A[0] for A in found.values()])  # (depth, heads, tokens, tokens)
A = attention[OPENED]  # (heads, tokens, tokens)
print(f"attention of all blocks {tuple(attention.shape)}; of block {OPENED} {tuple(A.shape)}")
print(f"sums of the rows: from {A.sum(-1).min():.6f} to {A.sum(-1).max():.6f}")

if check.ready("inside_qkv") and check.ready("inside_attention"):
    q, k, v = split_qkv(qkv, heads)
    _, yours = attention_weights(q, k)
    print(f"q {tuple(q.shape)}; your A {tuple(yours.shape)}")
    print(f"largest difference from the model's: {(yours[0] - A).abs().max():.1e}")

# %% [markdown]
# ## The matrix of one head
#
# Head 3 (the fourth, they count from 0): one row for every token that asks, one column for every token that is asked. Most weights are tiny, so the colours follow the logarithm.

# %%
head = min(3, heads - 1)
colours = plt.matplotlib.colors.LogNorm(vmin=float(A[head].quantile(0.01)), vmax=float(A[head].max()))
figure, ax = plt.subplots(figsize=(6.6, 5.6), layout="constrained")
picture = ax.imshow(A[head], norm=colours, cmap="viridis", interpolation="nearest")
ax.axhline(query, color="#D55E00", linewidth=1)
ax.set(title=f"attention of head {head} in block {OPENED}, row {query} marked")
ax.set(xlabel="key: the token that is looked at", ylabel="query: the token that looks")
figure.colorbar(picture, ax=ax, label="attention weight (log scale)")
to_class = float(A[head, prefix:, 0].mean())
show.finish(
    f"every row sums to 1 over {A.shape[-1]} tokens; an even share would be {1 / A.shape[-1]:.4f}, the largest weight is "
    f"{A[head].max():.4f}, and patches give {to_class:.1%} to the class token (column 0). {columns} columns further is the "
    "patch below, so what repeats at this step are the rows of the image."
)

# %% [markdown]
# ## One row, all heads
#
# One row of the matrix, without the class token's column, folded back into the grid: where does the query patch look? One map for each of the first eight heads (or as many as there are).

# %%
shown = range(min(8, heads))
maps = A[: len(shown), query, prefix:].view(-1, rows, columns)  # (heads shown, rows, columns)
colours = plt.matplotlib.colors.LogNorm(vmin=float(maps.quantile(0.02)), vmax=float(maps.max()))
figure, axes = panels(len(shown) + 1, across={4: 5, 8: 3}.get(len(shown), 4), scale=2.5)
show_photo(axes.flat[0])
for number, ax in zip(shown, axes.flat[1:]):
    picture = ax.imshow(maps[number], norm=colours, cmap="viridis", interpolation="nearest")
    outline(ax)
    ax.set_title(f"head {number}")
figure.colorbar(picture, ax=axes, label="attention weight (log scale)", shrink=0.8)
reach = (maps * distance).sum(dim=(1, 2)) / maps.sum(dim=(1, 2))  # mean distance, in patches
show.finish(
    f"row {query} of block {OPENED}, {len(shown)} heads on one scale. The head that looks nearest is head {int(reach.argmin())} "
    f"({reach.min():.1f} patches away on average), the one that looks farthest is head {int(reach.argmax())} ({reach.max():.1f})."
)

# %% [markdown]
# ## Three pictures that are all called attention
#
# A slide that this notebook builds on plots $q k^\top$ with queries and keys made from $z_0$ itself: no norm1, no scale, no softmax. Its report plots attention after one more layer norm, "for visualizing". Both make good pictures. Are they what the model uses?

# %%
three = block.attn.qkv(z)[0].view(-1, 3, heads, D // heads)  # norm1 left out
raw = three[:, 0, head] @ three[:, 1, head].T  # (tokens, tokens): neither scaled nor through softmax
variants = {
    "attention: what the model uses": A[head],
    "raw products, without norm1": raw,
    "attention, layer-normed": torch.nn.functional.layer_norm(A[head], A[head].shape[-1:]),
}
figure, axes = panels(3, across=3, scale=3.4)
for ax, (name, matrix) in zip(axes.flat, variants.items()):
    picture = ax.imshow(matrix[query, prefix:].view(rows, columns), cmap="viridis", interpolation="nearest")
    outline(ax)
    ax.set_title(name)
    figure.colorbar(picture, ax=ax, shrink=0.7, orientation="horizontal")
for name, matrix in variants.items():
    row = matrix[query]
    print(f"{name:32} row {query}: sum {row.sum():8.2f}, from {row.min():7.2f} to {row.max():6.2f}")
order_of_A, order_of_raw = (m[query, prefix:].argsort(descending=True)[:10] for m in (A[head], raw))
common = len(set(order_of_A.tolist()) & set(order_of_raw.tolist()))
show.finish(
    f"each panel has a scale of its own, so compare patterns only. Of the ten patches that head {head} looks at most, "
    f"the raw products have {common} among their ten largest. The layer-normed row has the pattern of the attention, "
    "and other numbers: it sums to 0 and is negative in places, so it shares nothing out."
)

# %% [markdown]
# ## How far does each head look?
#
# The mean distance between a query patch and what it looks at, over all query patches, for every head of every block ([Dosovitskiy et al. 2021](https://arxiv.org/abs/2010.11929), figure 7). A convolution would have to look near in its first layers. These heads may choose.

# %%
place = torch.stack(torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij"), dim=-1).view(
    -1, 2
)
apart = torch.cdist(place.float(), place.float())  # (patches, patches), in patches
weights = attention[:, :, prefix:, prefix:]  # (depth, heads, patches, patches)
distances = (weights * apart).sum(dim=-1) / weights.sum(dim=-1)  # (depth, heads, patches)
distances = distances.mean(dim=-1)  # (depth, heads)

figure, ax = plt.subplots(figsize=(10, 4), layout="constrained")
for h in range(heads):
    beside = [number + 0.8 * (h + 0.5 - heads / 2) / heads for number in range(depth)]  # heads side by side
    ax.scatter(beside, distances[:, h], color="#0072B2", s=14)
    for place_x, value in zip(beside, distances[:, h]):
        ax.annotate(str(h), (place_x, value), (0, 4), textcoords="offset points", fontsize=7, ha="center")
ax.axhline(float(apart.mean()), color="#D55E00", linestyle="--", label="attention spread evenly")
ax.set(title="how far each head looks", xlabel="block", ylabel="mean distance (patches)", xticks=range(depth))
ax.set_ylim(0, 1.1 * float(distances.max()))
ax.grid(alpha=0.3)
ax.legend()
spread = [float(distances[b].max() - distances[b].min()) for b in (0, depth - 1)]
show.finish(
    f"numbers are heads. In block 0 the heads differ by {spread[0]:.1f} patches, in the last block by {spread[1]:.1f}; "
    f"the nearest of all looks {distances.min():.1f} patches away, an even spread {apart.mean():.1f}."
)

# %% [markdown]
# ## Look for yourself
#
# `look(block, head)` draws one head's maps for four query patches. Try a few heads, near ones and far ones: the next question is about one of them.


# %%
def look(number, head):
    """Where four query patches look in one head: the maps, and how much goes to the class token."""
    asked = [
        (rows // 4, columns // 4),
        (rows // 4, 3 * columns // 4),
        (query_row, query_column),
        (3 * rows // 4, columns // 2),
    ]
    figure, axes = panels(5, across=5, scale=2.2)
    axes[0, 0].imshow(photo.permute(1, 2, 0))
    tokens = [prefix + r * columns + c for r, c in asked]
    top = float(attention[number, head, tokens, prefix:].max())
    for i, ((r, c), token, ax) in enumerate(zip(asked, tokens, axes.flat[1:])):
        picture = ax.imshow(attention[number, head, token, prefix:].view(rows, columns), vmin=0, vmax=top)
        ax.add_patch(plt.Rectangle((c - 0.5, r - 0.5), 1, 1, fill=False, edgecolor="#D55E00", linewidth=2.5))
        ax.set_title(f"patch {i + 1}")
        axes[0, 0].text((c + 0.5) * patch_size, (r + 0.5) * patch_size, str(i + 1), color="white", weight="bold",
                        ha="center", va="center", bbox={"facecolor": "#D55E00", "edgecolor": "none", "pad": 1.5})  # fmt: skip
    figure.colorbar(picture, ax=axes, label="attention weight", shrink=0.8)
    to_class = float(attention[number, head, prefix:, 0].mean())
    show.finish(
        f"block {number}, head {head}, four query patches on one scale: a patch looks {distances[number, head]:.1f} patches "
        f"away on average, and gives {to_class:.0%} of its attention to the class token."
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
# - *A check and a limit*: something that could have refuted the claim (a query patch at the edge, in the sky, another photo, a neighbouring head), and at least one thing that the picture can't tell: attention is where a head reads, not what it writes (values and projection come after it), and a large weight is no proof that the answer depends on it (one would have to take the head away and see).
#
# *A full answer*, for the small model that ships with the course: "In block 1, head 2 looks near the query and along its own rows, whatever is in the photo. For all four query patches of `look(1, 2)` the bright patches lie left and right of the outlined one, in its row and the one next to it, in the sky as on the roof. A patch looks 2.5 patches away on average, where an even spread would be 4.1. If the head followed content, patch 2 would light up the whole sky, as it does in block 0, head 2; it does not. With the flower instead of the temple the bands stay, so positions alone could produce them; but the weights inside a band change, so content has a say, too. The map does not tell what the head writes into the token: its values might be near zero there. To know whether the model needs it, I would set the head's output to zero and compare the logits."

# %% [markdown]
# ## Step 4: the head
#
# After the last block comes one more norm. Then only **token 0**, the class token, goes through a Linear layer: D numbers in, one **logit** for each class out.

# %%
last = model.norm(states[-1])  # (1, tokens, D)
by_hand = model.head(last[:, 0])[0]  # (classes,)
print(f"{tuple(last.shape)} -> token 0 {tuple(last[:, 0].shape)} -> logits {tuple(by_hand.shape)}")
print(f"largest difference from model(x): {(by_hand - logits).abs().max():.1e}")

# %%
probability = torch.nn.functional.softmax(logits, 0)
top = int(logits.argmax())
figure, axes = plt.subplots(2, 1, figsize=(8, 4.6), layout="constrained", sharex=True)
for ax, values, name in zip(axes, (logits.numpy(), probability.numpy()), ("logit", "probability")):
    ax.bar(range(len(values)), values, width=max(0.8, len(values) / 400), color="#0072B2")
    ax.bar([top], [values[top]], width=max(0.8, len(values) / 200), color="#D55E00")
    ax.set(ylabel=name)
    ax.grid(alpha=0.3)
axes[0].set_title(f"class {top}, {class_names[top]}, is marked")
axes[1].set(xlabel="class", ylim=(0, 1))
if len(class_names) <= 20:
    axes[1].set_xticks(range(len(class_names)), class_names, rotation=30)
show.finish(
    f"the logits run from {logits.min():.1f} to {logits.max():.1f}; softmax leaves {probability[top]:.0%} to class {top} "
    f"and less than 1% to {int((probability < 0.01).sum())} of {len(class_names)} classes."
)

# %% [markdown]
# ## Exercise: the five best
#
# Two blanks, one point each: `probabilities` of all classes, and the k largest of them with their `indices`, best first.


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
    print(f"{source} says:")
    for name, value in top_classes(logits, class_names):
        print(f"{value:7.1%}  {name}")

# %% [markdown]
# **Dome or church?** For the photo of Santorini, the sources of this notebook report class 538, "dome" (a notebook with the weights of 2020), and class 497, "church, church building" (a report with later ones). Same architecture, same photo, other weights. Both are reasonable: the photo shows a church *with* a dome, and ImageNet allows one name for each picture. Softmax must share out 1 among the names that there are, whether one of them fits, several, or none. What does your tag say?

# %%
reported = {538: "dome", 497: "church, church building"}
if len(class_names) == 1000:
    for number, name in reported.items():
        place_of = int((logits > logits[number]).sum()) + 1
        print(f"class {number} ({name}): place {place_of}, probability {probability[number]:.1%}")
    print(f"The first place of {source} is class {top}, {class_names[top]}.")
else:
    print(f"These {len(class_names)} classes hold neither dome nor church, so this model can't say either.")
    print(
        f"It says {class_names[top]} with {probability[top]:.0%}: sure or not, it had to choose among its own names."
    )

# %% [markdown]
# ## One step further: attention rollout
#
# The class token reads from the patches, but after block 0 a "patch" is already a mixture of patches. **Attention rollout** ([Abnar and Zuidema 2020](https://arxiv.org/abs/2005.00928)) follows the mixing through all blocks: average the heads, let the skip connection count as half (add the identity, halve), and multiply the matrices of all blocks.

# %%
mixed = torch.eye(attention.shape[-1])
for A_block in attention.mean(dim=1):  # (tokens, tokens) for each block
    step = (
        A_block + torch.eye(len(A_block))
    ) / 2  # half attention, half skip connection; rows still sum to 1
    mixed = step @ mixed  # what the tokens are made of, after this block
print(f"sums of the rows: from {mixed.sum(dim=1).min():.6f} to {mixed.sum(dim=1).max():.6f}")

maps = {"last block alone": attention[-1].mean(dim=0)[0, prefix:], "rollout": mixed[0, prefix:]}
maps = {name: (values / values.sum()).view(rows, columns) for name, values in maps.items()}
both = torch.stack(list(maps.values()))
colours = plt.matplotlib.colors.LogNorm(vmin=float(both.quantile(0.02)), vmax=float(both.max()))
figure, axes = panels(4, across=4, scale=2.9)
axes[0, 0].imshow(photo.permute(1, 2, 0))
axes[0, 0].set_title("photo")
for ax, (name, values) in zip(axes.flat[1:], maps.items()):
    picture = ax.imshow(values, norm=colours, cmap="viridis", interpolation="nearest")
    ax.set_title(name)
light = torch.nn.functional.interpolate(
    maps["rollout"][None, None], scale_factor=patch_size, mode="bilinear"
)[0]
axes[0, 3].imshow((photo / 255 * (0.15 + 0.85 * light / light.max())).permute(1, 2, 0))
axes[0, 3].set_title("photo, lit by rollout")
figure.colorbar(picture, ax=axes, label="share (log scale)", shrink=0.7)
share = {
    name: float(values.flatten().topk(rows * columns // 10).values.sum()) for name, values in maps.items()
}
show.finish(
    f"where the class token's information comes from. The {rows * columns // 10} patches with most of it, of {rows * columns}, hold {share['last block alone']:.0%} "
    f"in the last block alone and {share['rollout']:.0%} by rollout."
)

# %% [markdown]
# Rollout is a summary with an assumption in it: that attention and skip connection weigh the same, and that values and feed-forward blocks do not matter. It says where information *could* have come from. Keep your doubts from the question above.
#
# ## Capstone: timm's weights in your own model
#
# You have built all the parts of this model in Part 2. If that is really so, then timm's weights must work in your modules. Three things differ:
#
# 1. timm's patch embedding is a **convolution**, weight (D, 3, p, p). Yours of Q2 is a Linear layer on pixels in the order `(p1 p2 c)`, weight (D, p * p * 3). Same numbers, other places.
# 2. timm has one layer **qkv** with weight (3 D, D) and bias (3 D): all rows of the queries, then the keys', then the values'. Yours has three layers.
# 3. Every LayerNorm divides by $\sqrt{\text{variance} + \epsilon}$. PyTorch's default is $\epsilon = 10^{-5}$. timm's ViT was trained with another one.
#
# Three blanks, one point each.


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

# %%
vit = None
if check.ready("inside_weights"):
    tensors, eps = convert(model)
    expansion = model.blocks[0].mlp.fc1.out_features // D
    sizes = {
        "patch_size": patch_size,
        "img_size": img_size,
        "emb_size": D,
        "depth": depth,
        "num_heads": heads,
    }
    vit = assemble.ViT(**sizes, expansion=expansion, num_classes=len(class_names), pieces=mine)
    timm_weights.load(vit.eval().requires_grad_(False), tensors, eps)
    loaded = sum(parameter.numel() for parameter in timm_weights.places(vit).values())
    print(f"{loaded:,} of timm's {sum(p.numel() for p in model.parameters()):,} numbers are in your ViT.")

    yours = vit(x)[0]
    difference = float((yours - logits).abs().max())
    print(f"largest difference of the logits: {difference:.1e}, below 1e-4: {difference < 1e-4}")
    other = timm_weights.load(vit, tensors, 1e-5)(x)[0]
    print(f"the same with PyTorch's default eps:  {float((other - logits).abs().max()):.1e}")
    timm_weights.load(vit, tensors, eps)

# %%
if vit is not None and check.ready("inside_top5"):
    print("Your own model says:")
    for name, value in top_classes(vit(x)[0], class_names):
        print(f"{value:7.1%}  {name}")

# %% [markdown]
# Two programs, written apart, agree in every logit. There is nothing in a Vision Transformer that you have not built.
#
# ## What you have learned
#
# - A photo becomes patches, tokens with positions, then tokens again in every block; the answer is read from token 0 alone.
# - Attention is softmax(q kᵀ / √d) after norm1, one matrix a head; pictures without these steps are pictures of something else, and even the right ones do not explain a decision.
# - Weights are tensors with an agreed order of axes. Who knows the order (and eps) can carry them into any code.
#
# ## Going further
#
# - Dosovitskiy et al. 2021, [An Image Is Worth 16x16 Words](https://arxiv.org/abs/2010.11929), section 4.5: the same looks inside, by the authors.
# - Abnar and Zuidema 2020, [Quantifying Attention Flow in Transformers](https://arxiv.org/abs/2005.00928): rollout, and attention flow.
# - Darcet et al. 2024, [Vision Transformers Need Registers](https://arxiv.org/abs/2309.16588): why some patches of large ViTs attract attention for no visible reason.
# - Next: change `OPENED`, `TAG` or the photo (`data.photo("flower", size=img_size)`) and run everything again.
