# %% [markdown] id="e2237f94"
# # Q3 · The class token
#
# Put one learned token in front of the patches: it has no pixels of its own and ends up speaking for the whole image.
#
# **When you are done you can**
#
# - predict what einops' `repeat` does to a shape, and tell tiles from blocks;
# - give every image of a batch the same learned token, in a way that training can reach it;
# - say what the class token can do that a plain mean of the patches can't, and why a mean often does as well.
#
# **Time and hardware**: about 45 minutes of yours, and the whole notebook computes for less than 8 seconds on two CPU cores; no GPU, no download.
#
# **Before you start**: einops patterns and patches, as in Q2. Nothing of your Q2 code is needed. Attention is used as a finished layer here: all that you need of it is that each token becomes a weighted mean of what all tokens offer, with weights that are learned (Q5, and [Self-attention](../1_words_to_attention/self_attention.ipynb) in part 1).
#
# **Do you remember?** Answer first, then open.
#
# <details><summary>1. How many patches of 4 x 4 pixels has a picture of 32 x 32?</summary>
#
# 8 x 8 = 64 (Q2).
#
# </details>
# <details><summary>2. In the pattern <code>h w -> (w h)</code>, which letter runs fastest?</summary>
#
# h, the last one in the bracket (Q2).
#
# </details>
# <details><summary>3. What is an attention weight?</summary>
#
# The share of one token's value in the new vector of another; the weights of one query sum to 1 (part 1).
#
# </details>

# %% tags=["setup"] id="be19e946"
import numpy as np
import torch
from einops import reduce, repeat
from einops.layers.torch import Rearrange
from torch import nn
from torch.nn import functional as F

from helpers import check, data, show

torch.manual_seed(0)
print("Ready.")

# %%
show.diagram("course_map", here="q3")

# %% [markdown]
# ## Who speaks for the image?
#
# The encoder gives back as many tokens as it was given: 64 patches in, 64 vectors out. A classifier has to give *one* answer. Which of the 64 should it ask?
#
# ViT asks none of them. It puts a 65th token in front, the **class token**, the same learned vector for every image. In the encoder it looks at the patches and collects what matters; behind the encoder, a linear layer (the **head**) reads the class from it alone. Follow the yellow token:

# %%
show.diagram("vit_pipeline")

# %% [markdown]
# ## Warm-up: repeat
#
# A batch of 32 images needs that one vector 32 times. einops has `repeat` for it. It reads like `rearrange`, but the right side may hold **letters that the left side does not have**; their sizes are passed along: `repeat(image, "h w -> h w c", c=3)`.
#
# Predict the shape that each line gives for the grey `image` of 30 x 40 pixels, before you run it. One point in all.
#
# | entry | what is run |
# | --- | --- |
# | `h w -> h w c` | `repeat(image, "h w -> h w c", c=3)` |
# | `h w -> (n h) w` | `repeat(image, "h w -> (n h) w", n=2)` |
# | `h w -> (i h) (j w)` | `repeat(image, "h w -> (i h) (j w)", i=2, j=3)` |
# | `h w -> (h i) (w j)` | `repeat(image, "h w -> (h i) (w j)", i=2, j=2)` |
# | `pixelate` | `small = reduce(image, "(h i) (w j) -> h w", "mean", i=2, j=2)`, the mean of each 2 x 2 square, then `repeat(small, "h w -> (h i) (w j)", i=2, j=2)` |

# %%
image = np.random.default_rng(0).normal(size=(30, 40))

# %% nbgrader={"grade_id": "q3_repeat_warmup", "solution": true}
repeat_shapes = {
    "h w -> h w c": (30, 40, 3),  # blank: "h w -> h w c": ...,
    "h w -> (n h) w": (60, 40),  # blank: "h w -> (n h) w": ...,
    "h w -> (i h) (j w)": (60, 120),  # blank: "h w -> (i h) (j w)": ...,
    "h w -> (h i) (w j)": (60, 80),  # blank: "h w -> (h i) (w j)": ...,
    "pixelate": (30, 40),  # blank: "pixelate": ...,
}

# %% nbgrader={"grade_id": "check_q3_repeat_warmup", "grade": true}
check("q3_repeat_warmup")

# %%
if check.ready("q3_repeat_warmup"):
    small = reduce(image, "(h i) (w j) -> h w", "mean", i=2, j=2)
    show.table(
        [
            ("grey to colour", repeat(image, "h w -> h w c", c=3).shape),
            ("twice as high", repeat(image, "h w -> (n h) w", n=2).shape),
            ("tiles", repeat(image, "h w -> (i h) (j w)", i=2, j=3).shape),
            ("blocks", repeat(image, "h w -> (h i) (w j)", i=2, j=2).shape),
            ("pixelated", repeat(small, "h w -> (h i) (w j)", i=2, j=2).shape),
        ],
        ["what", "shape"],
    )

# %% [markdown]
# The order inside the bracket decides, as in Q2: the last letter runs fastest. With `i=2, j=2` for a handwritten digit:

# %%
digits = data.digits()
digit = digits.images[0, 0, ::4, ::4] / 255  # (8, 8), as it was written down
coarse = reduce(digit, "(h i) (w j) -> h w", "mean", i=2, j=2)  # (4, 4)
panels = {
    "the image": digit,
    "tiles: (i h) (j w)": repeat(digit, "h w -> (i h) (j w)", i=2, j=2),
    "blocks: (h i) (w j)": repeat(digit, "h w -> (h i) (w j)", i=2, j=2),
    "pixelated": repeat(coarse, "h w -> (h i) (w j)", i=2, j=2),
}
show.heatmaps(
    panels,
    "(i h) lays whole images side by side; (h i) makes every pixel a 2 x 2 block; pixelated, the size stays and detail is lost.",
    xlabel="column (pixels)",
    ylabel="row (pixels)",
    vmin=0,
    vmax=1,
    square=True,
)

# %% [markdown]
# ## Exercise Q3
#
# `forward` gets images and makes patch tokens of them (that part is given: Q2's operation, as a convolution). Two things are missing, one point each:
#
# - **`repeat`**: `self.cls_token` has shape `(1, 1, emb_size)`. Repeat it once for every image of the batch, `b` times. Two things take the place of the one `...`: the pattern, and the size that it needs (`name=number`, as in the warm-up). Hint: in a pattern, `()` stands for an axis of length 1.
# - **`x = ...`**: put the class token in front of the patches of its image. `torch.cat` joins tensors along an axis; the result has shape `(b, 1 + number of patches, emb_size)`.


# %% nbgrader={"grade_id": "q3_class_token", "solution": true}
class PatchEmbedding(nn.Module):
    """Images (b, in_channels, H, W) to tokens (b, 1 + number of patches, emb_size), the class token first."""

    def __init__(self, in_channels=3, patch_size=4, emb_size=192, img_size=32):
        super().__init__()
        self.projection = nn.Sequential(
            nn.Conv2d(in_channels, emb_size, kernel_size=patch_size, stride=patch_size),
            nn.Flatten(start_dim=2),  # (b, emb_size, number of patches)
            Rearrange("b e n -> b n e"),
        )
        self.cls_token = nn.Parameter(torch.randn(1, 1, emb_size))

    def forward(self, x):
        b = x.shape[0]  # how many images
        x = self.projection(x)  # (b, number of patches, emb_size)
        cls_tokens = repeat(
            self.cls_token,
            "() n e -> b n e",  # blank: ...,  # the pattern, and b
            b=b,  # blank
        )
        x = torch.cat([cls_tokens, x], dim=1)  # blank: x = ...
        return x


# %% [markdown]
# Run the check as often as you like. Stuck? In a new cell: `check.hint("q3_class_token")`.

# %% nbgrader={"grade_id": "check_q3_class_token", "grade": true}
check("q3_class_token")

# %% [markdown]
# ## Look at what you built
#
# Four digits go in. Their first tokens are all the same at the start, for they hold nothing of the image yet. One encoder layer (PyTorch's own) later, do they differ? Predict first: how far apart are two class tokens *before* the encoder?

# %%
prediction = ...  # a number

if check.ready("q3_class_token"):
    batch, labels = digits.images[:4].float() / 255, digits.labels[:4]
    embedding = PatchEmbedding()
    encoder = nn.TransformerEncoderLayer(
        d_model=192, nhead=3, dim_feedforward=384, dropout=0.0, batch_first=True, norm_first=True
    )
    head = nn.Linear(192, 10)

    tokens = embedding(batch)  # (4, 65, 192)
    encoded = encoder(tokens)  # (4, 65, 192)
    apart = torch.stack([(x[1:, 0] - x[0, 0]).norm(dim=-1) for x in (tokens, encoded)]).detach()  # (2, 3)
    names = [f"class token {i}" for i in (1, 2, 3)]
    show.matrix(apart, ["before the encoder", "after it"], names, "distance to class token 0")
    show.compare(prediction, float(apart[0].max()))
    show.text("After one layer each has looked at its own image.")

# %% [markdown]
# Only token 0 is asked for the class. The **cross-entropy** of its answer is minus the logarithm of the probability that the head gives to the right class: 0 if it is sure and right, large if it is sure and wrong. Does this loss reach what token 0 was made of?

# %%
if check.ready("q3_class_token"):
    loss = F.cross_entropy(head(encoded[:, 0]), labels)
    loss.backward()
    show.text(
        f"Length of the gradient of the class token: {embedding.cls_token.grad.norm():.3f}; "
        f"of the patch matrix: {embedding.projection[0].weight.grad.norm():.3f}."
    )

# %% [markdown]
# Both do: the token learns what to ask for, and the patches learn through the attention that looked at them. This is why `self.cls_token` itself has to be in the computation. With `torch.zeros(...)`, `.data` or `.detach()` in its place the shapes are the same, nothing complains, and the token stays for ever as it was drawn.
#
# ## Why a token, and not the mean of the patches?
#
# A plain mean gives every patch the same weight, one over the number of patches. After one attention layer the class token is a mean too, but one whose **weights are learned and depend on the image**. A small game shows the difference. The images are noise, and one patch somewhere has stripes: horizontal or vertical, that is the class.

# %%
stripes = torch.zeros(2, 4, 4)
stripes[0, ::2] = 2  # class 0: every second row is bright
stripes[1, :, ::2] = 2  # class 1: every second column


def draw(n, seed):
    """n images (n, 1, 24, 24) of noise with one striped patch; its class; its place, 0..35, row by row."""
    generator = torch.Generator().manual_seed(seed)
    noise = 0.7 * torch.randn(n, 36, 4, 4, generator=generator)
    label = torch.randint(2, (n,), generator=generator)
    place = torch.randint(36, (n,), generator=generator)
    noise[torch.arange(n), place] += stripes[label]
    grid = noise.view(n, 6, 6, 4, 4).transpose(2, 3)  # rows of patches, rows in a patch, ...
    return grid.reshape(n, 1, 24, 24), label, place


train, test = draw(4000, seed=0), draw(1000, seed=1)


class Reader(nn.Module):
    """Your tokens, one attention layer if asked for, then one vector an image: token 0 or the mean of the patches."""

    def __init__(self, attends, reads):
        super().__init__()
        self.attends, self.reads = attends, reads
        self.embed = PatchEmbedding(in_channels=1, patch_size=4, emb_size=16, img_size=24)
        self.attention = nn.MultiheadAttention(16, num_heads=1, batch_first=True)
        self.head = nn.Linear(16, 2)

    def forward(self, images):
        x, weights = self.embed(images), None  # (b, 37, 16)
        if self.attends:
            x, weights = self.attention(x, x, x)  # (b, 37, 16), (b, 37, 37)
        return self.head(x[:, 0] if self.reads == "token" else x[:, 1:].mean(dim=1)), weights


def fit(reader, steps=100):
    """Train for a moment; returns the share of test images that are classified right."""
    generator = torch.Generator().manual_seed(2)
    optimizer = torch.optim.Adam(reader.parameters(), lr=0.02)
    for _ in range(steps):
        some = torch.randint(len(train[0]), (64,), generator=generator)
        loss = F.cross_entropy(reader(train[0][some])[0], train[1][some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return float((reader(test[0])[0].argmax(dim=1) == test[1]).float().mean())


# %%
if check.ready("q3_class_token"):
    torch.manual_seed(3)
    readers = {
        "mean of the patches": Reader(attends=False, reads="mean"),
        "class token after one attention layer": Reader(attends=True, reads="token"),
        "mean after one attention layer": Reader(attends=True, reads="mean"),
    }
    with torch.no_grad():
        before = readers["class token after one attention layer"](test[0])[1]
    rows = [(name, f"{fit(reader):.1%}") for name, reader in readers.items()]
    show.table(rows, ["what the head reads", "test images right"])
    with torch.no_grad():
        after = readers["class token after one attention layer"](test[0])[1]
    places = test[2] + 1  # the class token stands in front, so patch 0 is token 1
    on_stripes = [float(weights[torch.arange(1000), 0, places].mean()) for weights in (before, after)]
    show.text(
        f"The class token gives the striped patch {on_stripes[0]:.3f} of its attention before training and "
        f"{on_stripes[1]:.3f} after. A plain mean gives it 1/36 = {1 / 36:.3f}, always."
    )

# %%
if check.ready("q3_class_token"):
    shown = 7  # any test image will do
    row, column = divmod(int(test[2][shown]), 6)
    show.images(
        test[0][shown][None].clip(0, 2) / 2,
        f"one of the images: the stripes are in patch row {row}, column {column}.",
        titles=["a test image"],
        columns=3,
        size=2.4,
    )
    show.panels(
        [weights[shown, 0, 1:].view(6, 6) for weights in (before, after)],
        f"the class token gives that patch {before[shown, 0, places[shown]]:.2f} of its attention before training and "
        f"{after[shown, 0, places[shown]]:.2f} after.",
        titles=["before training", "after training"],
        mark=(row, column),
        label="attention weight",
        vmin=0,
        vmax=1,
        size=3,
    )

# %% [markdown]
# The first two lines differ because the class token **can choose**, where in the mean of the bare patches the one that matters drowns in noise. The third line is the other half of the truth: with attention *before* it, a mean does the job as well, for then every patch has looked around and can carry the answer.
#
# So it is in a full ViT. Its authors report that pooling by a mean works about as well as the class token, with a learning rate of its own (Dosovitskiy et al., appendix D.3), and Beyer et al. 2022 use the mean. The class token stays the common choice, partly by descent (BERT's `[CLS]`), and it has a pleasant side: its attention shows where it looked.
#
# ## What you have learned
#
# - `repeat` adds letters on the right; `()` is an axis of length 1, and the token is repeated along the batch alone.
# - The class token is a parameter in front of the patches: the same for every image at first, and reached by the gradient.
# - Attention makes it a weighted mean with learned weights; a plain mean works too once attention has mixed the patches.
#
# ## Going further
#
# - Dosovitskiy et al. 2021, [An Image Is Worth 16x16 Words](https://arxiv.org/abs/2010.11929), section 3.1 and appendix D.3.
# - Beyer et al. 2022, [Better plain ViT baselines for ImageNet-1k](https://arxiv.org/abs/2205.01580): the mean instead of the token.
# - Touvron et al. 2021, [Going deeper with Image Transformers](https://arxiv.org/abs/2103.17239): a class token that joins only in the last layers.
# - Darcet et al. 2024, [Vision Transformers Need Registers](https://arxiv.org/abs/2309.16588): what further tokens without pixels are good for.
# - Next: [Q4 · Positional embedding](q4_positional_embedding.ipynb), which tells the tokens where they stand.
