# %% [markdown] id="95ee57c4"
# # Q4 · Positional embedding
#
# Add one position vector to every token, the class token's included, so that the encoder knows where each patch was.
#
# **When you are done you can**
#
# - say how many positions an image needs, and where the `+ 1` comes from;
# - add sinusoidal or learned positions to a batch of tokens;
# - choose between a parameter, a buffer and a plain tensor, and know what becomes of each on a GPU and in a checkpoint.
#
# **Time and hardware**: about 50 minutes of yours, and the whole notebook computes for less than 8 seconds on two CPU cores; no GPU, no download.
#
# **Before you start**: Q1 (the encoding is taken from the course's library here, so your Q1 need not be finished), Q2 and Q3 (patches and the class token).
#
# **Do you remember?** Answer first, then open.
#
# <details><summary>1. What does an encoder without positions make of shuffled tokens?</summary>
#
# The same outputs, shuffled in the same way (Q1).
#
# </details>
# <details><summary>2. How many tokens has a picture of 32 x 32 in patches of 4 x 4, with the class token?</summary>
#
# 8 x 8 + 1 = 65 (Q2, Q3).
#
# </details>
# <details><summary>3. Why is the class token an <code>nn.Parameter</code>?</summary>
#
# So that the optimizer finds it and the gradient reaches it (Q3).
#
# </details>

# %% tags=["setup"] id="f7207cd4"
import torch
import torch.nn.functional as F
from torch import nn

from helpers import check, data, show
from helpers.assemble import getPositionEncoding

torch.manual_seed(0)
print("Ready.")

# %%
show.diagram("course_map", here="q4")

# %% [markdown]
# ## What does an encoder see without positions?
#
# A photo of 32 x 32 pixels, cut into 8 x 8 patches of 4 x 4 pixels, and the same 64 patches in random order. You see the difference at once. Does a Transformer encoder?

# %%
photo = data.photo("china", size=32) / 255  # (3, 32, 32)
patches = F.unfold(photo[None], kernel_size=4, stride=4).transpose(
    1, 2
)  # (1, 64, 48): 64 patches of 48 numbers
order = torch.randperm(64, generator=torch.Generator().manual_seed(1))
puzzle = F.fold(patches[:, order].transpose(1, 2), output_size=32, kernel_size=4, stride=4)[0]  # (3, 32, 32)

show.images(
    torch.stack([photo, puzzle]),
    "both pictures hold the same 64 patches; only their places differ.",
    titles=["the photo", "its patches, shuffled"],
    size=2.6,
)

# %% [markdown]
# Each patch becomes a token of 64 numbers (Q2), a class token goes in front (Q3), and one encoder layer mixes all 65. All weights are random and stay the same; only the order of the patches changes. We read what comes out at the class token, the one vector that the classifier will look at.

# %%
project = nn.Linear(48, 64)
encoder = nn.TransformerEncoderLayer(64, nhead=4, dim_feedforward=128, dropout=0.0, batch_first=True).eval()
class_token = torch.randn(1, 1, 64)


def class_output(tokens):
    """What the encoder gives at token 0: (1, 65, 64) in, (64,) out."""
    with torch.no_grad():
        return encoder(tokens)[0, 0]


with torch.no_grad():
    tokens = project(patches)  # (1, 64, 64)
straight = class_output(torch.cat([class_token, tokens], dim=1))
shuffled = class_output(torch.cat([class_token, tokens[:, order]], dim=1))
without_positions = float((straight - shuffled).abs().max())
show.text(f"Largest change of the class token's output: {without_positions:.1e}.")

# %% [markdown] id="4ba13ac2"
# Nothing but rounding. Without positions, photo and puzzle are the same thing to the encoder. So every token gets a vector that says *where*, by plain addition:
#
# $$z_0 = [\,x_{class};\ x_1;\ \dots;\ x_N\,] + E_{pos} \qquad E_{pos} \in \mathbb{R}^{(N+1) \times D}$$
#
# with $z_0$ what goes into the first block, $x_1 \dots x_N$ the patch tokens of Q2 and $D$ the `emb_size` (equation 1 of [Dosovitskiy et al. 2021](https://arxiv.org/abs/2010.11929), which writes $x_1 E$ for the token of a patch $x_1$, as Part 4 does). Addition, not concatenation: the token keeps its width $D$, so nothing after it has to change.
#
# ## One row a token
#
# How many rows does $E_{pos}$ have? Count what stands in the sequence when the positions are added. Predict the number of tokens for 224 x 224 pixels in patches of 16.

# %%
show.diagram("vit_pipeline")

# %%
prediction = ...  # a number

rows = []
for img_size, patch_size in ((32, 4), (32, 8), (224, 16)):
    side = len(range(0, img_size, patch_size))
    patch_count = F.unfold(torch.zeros(1, 1, img_size, img_size), patch_size, stride=patch_size).shape[-1]
    rows.append((img_size, patch_size, side, patch_count, patch_count + 1))
show.table(rows, ["image", "patch (pixels)", "patches a side", "patches", "tokens"])
show.compare(prediction, rows[-1][-1])

# %% [markdown]
# An image has two sides, so the patches a side are **squared**. And the class token is a token like the others: it takes row 0, and patch 0 takes row 1. Forget that one row, and 64 rows meet 65 tokens: the most common error of this exercise.
#
# ## Two kinds of positions
#
# - **Learned** (`learnable_positions`): one row of parameters a position, random at first, trained with everything else. This is what ViT uses.
# - **Sinusoidal** (`sinusoids_positions`): the fixed waves of Q1, `getPositionEncoding(seq_len, d)`. Nothing to train, and defined for any length.
#
# The class below holds both; `learnable` says which one is used. The course's library version of `getPositionEncoding` was imported in the setup cell.
#
# ## Exercise Q4
#
# Three `...` in two lines, one point a line.
#
# 1. `seq_len` and `d` (two `...`): what `getPositionEncoding` needs so that the waves fit the tokens. Write them with the constructor's arguments: the check tries several sizes.
# 2. In `forward`: `x` becomes the tokens with their positions added, of the kind that `positions` holds.


# %% nbgrader={"grade_id": "q4_positional_embedding", "solution": true}
class PositionalEmbedding(nn.Module):
    """Class token in front, positions added: (b, patches, emb_size) in, (b, patches + 1, emb_size) out."""

    def __init__(self, patch_size, emb_size, img_size, learnable=False):
        super().__init__()
        self.learnable = learnable
        self.cls_token = nn.Parameter(torch.randn(1, 1, emb_size))
        self.learnable_positions = nn.Parameter(torch.randn((img_size // patch_size) ** 2 + 1, emb_size))
        seq_len, d = (img_size // patch_size) ** 2 + 1, emb_size  # blank: seq_len, d = ..., ...
        self.sinusoids_positions = torch.from_numpy(getPositionEncoding(seq_len, d))

    def forward(self, x):
        cls_tokens = self.cls_token.expand(len(x), -1, -1)  # (b, 1, emb_size): Q3 in torch's words
        x = torch.cat([cls_tokens, x], dim=1)  # (b, patches + 1, emb_size)
        positions = self.learnable_positions if self.learnable else self.sinusoids_positions
        x = x + positions  # blank: x = ...
        return x


# %% [markdown]
# Run the check as often as you like. Stuck? In a new cell: `check.hint("q4_positional_embedding")`.

# %% nbgrader={"grade_id": "check_q4_positional_embedding", "grade": true}
check("q4_positional_embedding")

# %% [markdown]
# The positions have two dimensions, the tokens three: (65, 64) is added to (b, 65, 64). Broadcasting adds the same 65 rows to every image of the batch.
#
# ## Photo against puzzle, once more
#
# The same encoder and the same patches, now through your class.

# %%
if check.ready("q4_positional_embedding"):
    embedding = PositionalEmbedding(patch_size=4, emb_size=64, img_size=32)
    with torch.no_grad():
        straight = class_output(embedding(tokens).float())
        shuffled = class_output(embedding(tokens[:, order]).float())
    with_positions = float((straight - shuffled).abs().max())
    show.text(
        f"Largest change of the class token's output: {with_positions:.1e} (without positions: {without_positions:.1e})."
    )

# %% [markdown]
# Now the order matters: the encoder, untrained as it is, answers differently to the puzzle. What was added looks like this:

# %%
if check.ready("q4_positional_embedding"):
    kinds = {
        "sinusoids_positions": embedding.sinusoids_positions,
        "learnable_positions": embedding.learnable_positions,
    }
    show.heatmaps(
        {f"{name}, {values.shape[0]} x {values.shape[1]}": values.detach() for name, values in kinds.items()},
        "the waves are ordered from the start; the learned rows start as noise (colours end at -2 and 2) and have to "
        "find an order in training.",
        xlabel="dimension",
        ylabel="position (0: class token)",
        vmin=-2,
        vmax=2,
    )

# %% [markdown]
# ## What is near what?
#
# The rows of patch positions, compared with the row of one patch (framed) by cosine similarity, and laid out as the 8 x 8 patches lie in the image. Predict first, for the sinusoids: which neighbours of the framed patch will be more like it, those beside it, or those above and below it?

# %%
prediction = ...  # "beside" or "above and below"

if check.ready("q4_positional_embedding"):
    row, column = 3, 4
    maps = {}
    for name, values in kinds.items():
        of_patches = values.detach().double()[1:]  # (64, 64): without the class token's row
        query = of_patches[row * 8 + column]
        maps[name] = F.cosine_similarity(query[None], of_patches, dim=1).reshape(8, 8)
    near = maps["sinusoids_positions"]
    show.panels(
        maps.values(),
        f"for the sinusoids the patch beside is {near[row, column + 1]:.2f} similar, the patch below only "
        f"{near[row + 1, column]:.2f}; the untrained learned rows are alike to nobody.",
        titles=list(maps),
        mark=(row, column),
        label="cosine similarity",
        vmin=-0.3,
        vmax=1,
        size=3,
    )
    beside = near[row, column + 1] > near[row + 1, column]
    show.compare(prediction, "beside" if beside else "above and below")

# %% [markdown]
# The sinusoids count tokens in reading order. The patch below is 8 tokens further on, as far away as a patch 8 places to the right would be: a **1-D** order laid over a **2-D** image. Learned positions know nothing at first, but can find rows and columns by themselves: you will see it in a trained ViT in parts 3 and 4.
#
# Learned rows have a price too: there is one for each position of *this* image size. For larger images they must be interpolated; the waves are simply computed for more positions.
#
# ## Parameter, buffer or plain tensor?
#
# A module can hold numbers in three ways. This one holds the same table in all three; watch what happens to each when the module is made half precision, is moved, is saved and is trained. The device `"meta"` stands in for a GPU, so that every machine can run this: it has shapes but no numbers.


# %%
class Holder(nn.Module):
    def __init__(self):
        super().__init__()
        self.plain = torch.zeros(65, 64)
        self.register_buffer("buffer", torch.zeros(65, 64))
        self.parameter = nn.Parameter(torch.zeros(65, 64))


half, moved = Holder().half(), Holder().to("meta")
saved, trained = Holder().state_dict(), dict(Holder().named_parameters())
rows = []
for name in ("plain", "buffer", "parameter"):
    dtype, device = getattr(half, name).dtype, getattr(moved, name).device
    rows.append((name, dtype, device, name in saved, name in trained))
show.table(rows, ["held as", "after .half()", "after .to('meta')", "in state_dict", "trained"])

# %% [markdown]
# The plain tensor is invisible to the module: it stays on the CPU in its old type. On a GPU the addition in `forward` would then stop with "Expected all tensors to be on the same device". A **buffer** goes where the module goes, is saved with it, and is not trained: just right for a fixed table.
#
# There is a second trap. numpy counts in float64, and `torch.from_numpy` keeps that type. What does your class give for tokens in float32?

# %%
if check.ready("q4_positional_embedding"):
    x = embedding(tokens)
    show.text(f"Tokens: {tokens.dtype}; positions: {embedding.sinusoids_positions.dtype}; sum: {x.dtype}.")
    try:
        nn.Linear(64, 10)(x)
        show.text("The next layer takes it.")
    except RuntimeError as error:
        show.text(f"The next layer says: {error}.")

# %% [markdown]
# With a plain `torch.from_numpy(...)` one float64 table turns the whole sum into float64, and the next float32 layer refuses it. Both traps have one cure: `.float()`, then `register_buffer`.


# %% id="6abbee2b"
class BufferedPositions(PositionalEmbedding):
    """Your class, with the fixed table as a float32 buffer."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        table = self.sinusoids_positions.detach().float()
        del self.sinusoids_positions
        self.register_buffer("sinusoids_positions", table)


if check.ready("q4_positional_embedding"):
    mended = BufferedPositions(patch_size=4, emb_size=64, img_size=32)
    show.table(
        [
            ("sum", mended(tokens).dtype),
            ("sum in half precision", mended.half()(tokens.half()).dtype),
            ("after .to('meta')", mended.to("meta").sinusoids_positions.device),
            ("saved", ", ".join(mended.state_dict())),
            ("trained", ", ".join(name for name, _ in mended.named_parameters())),
        ],
        ["with the buffer", "what it is now"],
    )

# %% [markdown]
# ## What you have learned
#
# - Patches a side, squared, plus one for the class token: so many tokens there are, and each has a position row of its own.
# - Positions are added, and broadcasting gives every image of the batch the same rows.
# - Fixed tables belong in a float32 buffer, learned ones in a parameter, and neither in a plain tensor.
#
# ## Going further
#
# - Dosovitskiy et al. 2021, [An Image Is Worth 16x16 Words](https://arxiv.org/abs/2010.11929), appendix D.4: no positions, 1-D, 2-D and relative ones compared.
# - Beyer et al. 2022, [Better plain ViT baselines for ImageNet-1k](https://arxiv.org/abs/2205.01580): fixed 2-D waves instead of learned rows.
# - Next: [Q5 · Multi-head attention](q5_einsum_attention.ipynb), where the tokens look at each other.
