# %% [markdown] id="a82c70d9"
# # Q2 · Patch embedding
#
# Cut an image into patches and turn each into a vector: the words that a Vision Transformer reads.
#
# **When you are done you can**
#
# - read and write einops patterns, and predict the shape that they give;
# - turn a batch of images into a batch of token sequences, with one `Rearrange` and one `nn.Linear`;
# - say why a convolution whose stride equals its kernel does exactly the same.
#
# **Time and hardware**: about 50 minutes of yours, and the whole notebook computes for less than 8 seconds on two CPU cores; no GPU. The first run downloads CIFAR-10 (170 MB); without a network, handwritten digits that are already here stand in.
#
# **Before you start**: shapes of arrays, what `nn.Linear` does to the last axis, from Q1 what an encoder takes in, and from Part 1 why words need vectors. None of your code is needed.
#
# **Do you remember?** Answer first, then open.
#
# <details><summary>1. What does an encoder take in, and what does it give back?</summary>
#
# A sequence of vectors (tokens), and one vector for each of them with the context of the others mixed in (Q1).
#
# </details>
# <details><summary>2. Why did words need a table (an embedding) before they could be used?</summary>
#
# A network computes with numbers. The table gives each word a vector (part 1).
#
# </details>
# <details><summary>3. Which shape comes out of <code>nn.Linear(48, 192)</code> for an input of shape (8, 64, 48)?</summary>
#
# (8, 64, 192): only the last axis changes.
#
# </details>

# %% tags=["setup"] id="69994ad4"
import numpy as np
import torch
from einops import rearrange
from einops.layers.torch import Rearrange
from torch import nn

from helpers import check, data, show

torch.manual_seed(0)
print("Ready.")

# %%
show.diagram("course_map", here="q2")

# %% [markdown]
# ## The pictures
#
# CIFAR-10 has 60,000 colour pictures of 32 x 32 pixels in 10 classes. It is small enough to train on at home, and it is what your own ViT will classify in part 3. Here is the first picture of each class.

# %%
pictures = data.cifar10("train")
firsts = [int((pictures.labels == label).nonzero()[0]) for label in range(10)]
show.images(
    pictures.images[firsts],
    f"10 classes of {pictures.source}, one picture each; all images: {tuple(pictures.images.shape)}.",
    titles=pictures.class_names,
)

# %% [markdown]
# ## What is a word of an image?
#
# A Transformer reads a sequence of vectors. A sentence is one already: word after word. An image is not, so we have to choose what its words are.
#
# Single pixels? A 32 x 32 picture would be a sentence of 1024 words, and attention compares every word with every other. **ViT takes square patches that do not overlap.** The flower below is cut into 64 of them, numbered as we read: row by row, from the top left.

# %%
flower = data.photo("flower", size=32)  # (3, 32, 32)
show.patches(flower, 4, "64 words of 4 x 4 pixels; put back side by side they are the image again.")

# %% [markdown]
# The size of the patch is our choice. Larger patches make fewer words with more in each, here for a handwritten digit (8 x 8 pixels, enlarged to 32 x 32).

# %%
digit = data.digits().images[6, :1]  # (1, 32, 32): the three channels are equal, one is enough
show.patches(digit, 8, "16 words of 8 x 8 pixels: most hold a piece of the stroke, some nothing at all.")

# %% [markdown]
# From patch to token: write the numbers of a patch one after the other (4 x 4 pixels, 3 colours: 48 numbers), and multiply by one learned matrix. Every patch goes through **the same** matrix.

# %%
show.diagram("patches")

# %% [markdown]
# ## einops in three rules
#
# We could cut the image with `reshape` and `permute`, and lose track of the axes on the way. [einops](https://einops.rocks) gives every axis a name:
#
# 1. left of `->` stand the axes that come in, right of it those that go out;
# 2. a bracket on the right **joins** axes into one, a bracket on the left **takes one apart**; its size is the product of its letters;
# 3. inside a bracket the **last letter runs fastest**, as the last digit of a counter does.

# %%
table = np.arange(6).reshape(2, 3)
rows = [("the table", table.tolist(), "")]
for pattern, says in (
    ("h w -> w h", "rows become columns"),
    ("h w -> (h w)", "w runs fastest: row by row"),
    ("h w -> (w h)", "h runs fastest: column by column"),
):
    rows.append((pattern, rearrange(table, pattern).tolist(), says))
show.table(rows, ["pattern", "result", "in words"])

# %% [markdown]
# ## Warm-up: predict the shape
#
# `images` is a list of 32 pictures, each an array of shape (30, 40, 3): height, width, channel (channels last, for once). einops makes one array of such a list, with the axis `b` in front.
#
# For each pattern write down the shape of `rearrange(images, pattern)`, **before** you run it: a tuple such as `(2, 5)`. In the last two patterns `i=2, j=2` is passed along. One point in all.

# %%
images = [np.random.default_rng(n).normal(size=(30, 40, 3)) for n in range(32)]

# %% nbgrader={"grade_id": "q2_rearrange_warmup", "solution": true}
rearrange_shapes = {
    "b h w c -> b h w c": (32, 30, 40, 3),  # blank: "b h w c -> b h w c": ...,
    "b h w c -> (b h) w c": (960, 40, 3),  # blank: "b h w c -> (b h) w c": ...,
    "b h w c -> h (b w) c": (30, 1280, 3),  # blank: "b h w c -> h (b w) c": ...,
    # with i=2, j=2:
    "b (i h) (j w) c -> (b i j) h w c": (128, 15, 20, 3),  # blank: "b (i h) (j w) c -> (b i j) h w c": ...,
    "b (h i) (w j) c -> b h w (c i j)": (32, 15, 20, 12),  # blank: "b (h i) (w j) c -> b h w (c i j)": ...,
}

# %% nbgrader={"grade_id": "check_q2_rearrange_warmup", "grade": true}
check("q2_rearrange_warmup")

# %% [markdown]
# Once all five are right, einops itself may confirm them.

# %%
if check.ready("q2_rearrange_warmup"):
    names = ("stacked", "on top of each other", "side by side", "cut into quarters", "space to depth")
    rows = []
    for name, pattern in zip(names, rearrange_shapes):
        sizes = {"i": 2, "j": 2} if "i" in pattern else {}
        rows.append((name, pattern, rearrange(images, pattern, **sizes).shape))
    show.table(rows, ["what", "pattern", "shape"])

# %% [markdown]
# The last two look alike and are not. `(i h)` and `(h i)` both take the height apart, but in `(i h)` the letter `h` runs fastest, in `(h i)` it is `i`. On the flower, with `i=2, j=2`:

# %%
quarters = rearrange(flower, "c (i h) (j w) -> (i j) c h w", i=2, j=2)
every_second = rearrange(flower, "c (h i) (w j) -> (i j) c h w", i=2, j=2)
show.images(
    torch.cat([quarters, every_second]),
    "above, (i h) gives four quarters of the flower; below, (h i) gives four small flowers of every second pixel each.",
    titles=["(i h) (j w)"] * 4 + ["(h i) (w j)"] * 4,
    columns=4,
)

# %% [markdown]
# Keep this picture in mind for the exercise: which letter must run fastest if neighbouring pixels are to stay together in a patch?

# %% [markdown]
# ## Exercise Q2
#
# Fill in the blanks of `self.projection`. A batch of images `(b, c, H, W)`, channels first as PyTorch keeps them, becomes a batch of sequences `(b, number of patches, emb_size)`.
#
# - **The pattern** cuts the image and leaves one row of numbers a patch. `p1` and `p2` are the height and the width of a patch in pixels. Any order of the patches, and of the numbers in a patch, is right as long as every image is cut the same way.
# - **The two numbers of `nn.Linear`**: how many numbers a patch has, and how many a token has. Compute them from the arguments: the check builds your class with other sizes, and feeds it pictures that are not square.
#
# `img_size` has no work to do yet; Q4 needs it. Three points, one a blank.


# %% nbgrader={"grade_id": "q2_patch_embedding", "solution": true}
class PatchEmbedding(nn.Module):
    """Images (b, in_channels, H, W) to tokens (b, number of patches, emb_size)."""

    def __init__(self, in_channels=3, patch_size=4, emb_size=192, img_size=32):
        super().__init__()
        self.projection = nn.Sequential(
            Rearrange(
                "b c (h p1) (w p2) -> b (h w) (p1 p2 c)",  # blank: ...,  # the pattern
                p1=patch_size,
                p2=patch_size,
            ),
            nn.Linear(in_channels * patch_size**2, emb_size),  # blank: nn.Linear(..., ...),
        )

    def forward(self, x):
        return self.projection(x)


# %% [markdown]
# Run the check as often as you like. Stuck? In a new cell: `check.hint("q2_patch_embedding")`.

# %% nbgrader={"grade_id": "check_q2_patch_embedding", "grade": true}
check("q2_patch_embedding")

# %% [markdown]
# ## Look at what you built
#
# Eight pictures become eight sequences. The smaller the patch, the longer the sequence, and attention works on all pairs of tokens. Predict first: which shape have the tokens for patches of 2 x 2 pixels?

# %%
prediction = ...  # three numbers, for instance (8, 64, 192)

if check.ready("q2_patch_embedding"):
    batch = pictures.images[:8].float() / 255  # (8, 3, 32, 32)
    rows = []
    for patch_size in (2, 4, 8, 16):
        tokens = PatchEmbedding(patch_size=patch_size)(batch)
        rows.append((patch_size, tuple(tokens.shape), f"{tokens.shape[1] ** 2:,}"))
    show.table(rows, ["patch size", "tokens", "pairs a picture"])
    show.compare(prediction, rows[0][1])

# %% [markdown]
# Does a token really see one patch and nothing else? (The pixels that a value depends on are its **receptive field**.) Ask for the gradient: which pixels would change token 19?

# %%
if check.ready("q2_patch_embedding"):
    embedding = PatchEmbedding()
    picture = torch.rand(1, 3, 32, 32, requires_grad=True)
    embedding(picture)[0, 19].sum().backward()
    seen = picture.grad[0].abs().sum(dim=0)  # (32, 32), over the three colours
    rows, columns = seen.nonzero().T
    show.heatmap(
        seen,
        f"one patch is lit, rows {rows.min()} to {rows.max()} and columns {columns.min()} to "
        f"{columns.max()}; the other {int((seen == 0).sum())} pixels are exactly 0.",
        title="gradient of token 19",
        xlabel="column (pixels)",
        ylabel="row (pixels)",
        square=True,
    )

# %% [markdown]
# ## The same thing, said as a convolution
#
# A convolution slides a kernel over the image and takes a weighted sum at each stop. Let the kernel be as large as a patch and let it move by a whole patch (`stride` = `kernel_size`): it stops once on every patch and never overlaps. That is a patch embedding, and most libraries write it so.
#
# To prove it, we copy your weights into a `nn.Conv2d`. They are asked from your module itself: 48 pictures of a single patch, each with one number lit, bring out the 48 rows of your matrix one by one, and a dark picture brings out the bias.

# %% id="d17ea58f"
if check.ready("q2_patch_embedding"):
    conv = nn.Conv2d(3, 192, kernel_size=4, stride=4)
    one_lit = torch.eye(48).view(48, 3, 4, 4)
    with torch.no_grad():
        bias = embedding(torch.zeros(1, 3, 4, 4))[0, 0]  # (192,)
        matrix = embedding(one_lit)[:, 0] - bias  # (48, 192)
        conv.weight.copy_(matrix.T.view(192, 3, 4, 4))
        conv.bias.copy_(bias)

        x = torch.randn(2, 3, 32, 32)
        mine = embedding(x)  # (2, 64, 192)
        theirs = conv(x).flatten(2).transpose(1, 2)  # (2, 192, 8, 8) -> (2, 192, 64) -> (2, 64, 192)
        order = torch.cdist(mine[0], theirs[0]).argmin(dim=1)  # the convolution's place for each of my tokens
    in_order = "yes" if order.tolist() == list(range(64)) else "no, so the rows are matched up first"
    counts = [sum(p.numel() for p in m.parameters()) for m in (embedding, conv)]
    show.table(
        [
            ("shapes", f"{tuple(mine.shape)} and {tuple(theirs.shape)}"),
            ("same patch order", in_order),
            ("largest difference", f"{float((mine - theirs[:, order]).abs().max()):.1e}"),
            ("parameters", f"{counts[0]:,} and {counts[1]:,}"),
        ],
        ["yours and the convolution", "compared"],
    )

# %% [markdown]
# Equal up to rounding, with the same number of parameters: **cut, flatten, multiply** and **convolve with stride = kernel** are two names of one operation.
#
# ## What you have learned
#
# - An image becomes a sentence by cutting it into patches; each patch is flattened and mapped by one shared matrix.
# - An einops pattern says which axes are taken apart and joined; inside a bracket the last letter runs fastest.
# - `nn.Conv2d` with stride = kernel size is the same map.
#
# ## Going further
#
# - Dosovitskiy et al. 2021, [An Image Is Worth 16x16 Words](https://arxiv.org/abs/2010.11929), section 3.1.
# - Rogozhnikov 2022, [Einops: Clear and Reliable Tensor Manipulations](https://openreview.net/forum?id=oapKSVM2bcj).
# - Xiao et al. 2021, [Early Convolutions Help Transformers See Better](https://arxiv.org/abs/2106.14881): what a few small convolutions in place of this one change.
# - Next: [Q3 · The class token](q3_class_token.ipynb), one more word that stands for the whole image.
