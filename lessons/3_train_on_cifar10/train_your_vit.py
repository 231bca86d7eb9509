# %% [markdown] order=1 id="d886bda6"
# # Train your ViT
#
# Complete the Vision Transformer that you built, train it on CIFAR-10 in as many minutes as you have, and look at what it learned.
#
# **When you are done you can**
#
# - write the classification head, the forward pass of a whole ViT and a step of its training, and test all three before any long training;
# - train within a time budget, stop and go on, and measure the result honestly;
# - read a confusion matrix, the worst mistakes, the learned positions and the attention of the class token, and say what a choice (positions, patch size, heads) is worth.
#
# **Time and hardware**: about 90 minutes of yours, and the whole notebook computes for less than 80 seconds on two CPU cores with the digits that stand in without a network; no GPU. With CIFAR-10 (170 MB, downloaded once) you choose the minutes of training, 3 by default, on any CPU (a GPU is used if there is one); the rest takes less than 4 minutes.
#
# **Before you start**: Part 2, Q1 to Q7. Your own answers are used where they are found; the course's library stands in for the others.

# %% tags=["setup"] id="8ce6d166"
import math

import torch
import torch.nn.functional as F
from einops import rearrange
from sklearn.metrics import confusion_matrix
from torch import nn

from helpers import assemble, check, data, show
from helpers.train import fit
from helpers.training.batches import normalise
from helpers.vit import timm_weights

torch.manual_seed(0)
print("Ready.")

# %% [markdown]
# **Do you remember?**
#
# <details><summary>1. A picture of 32 x 32 pixels is cut into patches of 4 x 4. How many tokens reach the first block?</summary>
#
# 65: 8 x 8 = 64 patches (Q2), and the class token in front (Q3).
#
# </details>
#
# <details><summary>2. Why does a ViT need positions?</summary>
#
# Attention does not know the order of its tokens: if the patches change places, the answers change places with them, and nothing else happens (Q1).
#
# </details>
#
# <details><summary>3. What does an encoder block do to the shape of the tokens?</summary>
#
# Nothing: `(b, n, emb_size)` goes in and comes out, so blocks can stand in a row (Q7).
#
# </details>

# %%
show.diagram("vit_pipeline")

# %% [markdown]
# ## The data
#
# 50,000 training pictures and 10,000 test pictures of 32 x 32 pixels, in 10 classes. The test pictures stay untouched until the end.

# %%
train, test = data.cifar10("train"), data.cifar10("test")
names = train.class_names
real = "digits" not in train.source
if not real:  # so little work is done sooner by one thread than by several that wait for each other
    torch.set_num_threads(1)
show.text(f"{train.source}: {len(train.labels):,} training and {len(test.labels):,} test pictures.")

first = [int((train.labels == label).nonzero()[0]) for label in range(len(names))]  # one of each class
show.images(
    train.images[first],
    "one training picture of each class; at this size, some are hard for you too.",
    titles=names,
)

# %% [markdown]
# ## Your pieces
#
# `assemble.pieces` looks for your notebooks of Part 2 in the folder beside this one and checks every answer. The course's equivalent stands in for what is missing or not right yet, and the report names it. (On Colab each notebook is alone: upload your Part 2 notebooks and set `FOLDER` to where they are.)

# %%
FOLDER = "../2_build_a_vit"
mine = assemble.pieces(FOLDER, given=globals())
assemble.report(mine)

# %% [markdown] id="52f4c57a"
# Follow the diagram from left to right: of the whole ViT, two things are still missing. One is the small box at the end. The other is the line through all the boxes.
#
# ## Exercise: the classification head
#
# The encoder gives back as many tokens as it was given. The head norms them, takes the class token alone, and makes one number for each class of it, the **logits** (equation 4 of [Dosovitskiy et al. 2021](https://arxiv.org/abs/2010.11929)):
#
# $$y = LN(z_L^0)\, W + b$$
#
# Here $z_L^0$ is token 0 after the last of $L$ blocks. Two blanks, one point each: the sizes of the linear layer (two dots), and the class token of every image. No softmax: the loss takes it itself. (Papers also call it the *MLP head*: in pre-training it has one hidden layer, of which fine-tuning leaves a single linear layer.)


# %% nbgrader={"grade_id": "classification_head", "solution": true}
class ClassificationHead(nn.Module):
    """Encoded tokens (b, n, emb_size) to logits (b, num_classes)."""

    def __init__(self, emb_size, num_classes):
        super().__init__()
        self.norm = nn.LayerNorm(emb_size)
        self.linear = nn.Linear(emb_size, num_classes)  # blank: self.linear = nn.Linear(..., ...)

    def forward(self, x):
        encoded = self.norm(x)  # (b, n, emb_size)
        class_token = encoded[:, 0]  # blank: class_token = ...
        return self.linear(class_token)  # (b, num_classes)


# %% [markdown]
# Run the check as often as you like. Stuck? In a new cell: `check.hint("classification_head")`.

# %% nbgrader={"grade_id": "check_classification_head", "grade": true}
check("classification_head")

# %% [markdown]
# ## Exercise: the forward pass of the whole ViT
#
# All five parts are there; say in which order an image meets them. The first blank makes the tokens, as in Q2, Q3 and Q4; the second one leads from the tokens to the logits. A blank may become several lines. One point each.


# %% nbgrader={"grade_id": "vit_forward", "solution": true}
class ViT(nn.Module):
    """Images (b, 3, H, W) to logits (b, num_classes)."""

    def __init__(self, parts, head):
        super().__init__()
        self.patch_embedding = parts.patch_embedding  # Q2: images -> (b, patches, emb_size)
        self.class_token = parts.class_token  # Q3: -> (b, 1 + patches, emb_size)
        self.positional_embedding = parts.positional_embedding  # Q1, Q4: the same shape
        self.blocks = parts.blocks  # Q5, Q6, Q7: all encoder blocks in a row, the same shape
        self.head = head  # -> (b, num_classes)

    def forward(self, images):
        x = self.patch_embedding(images)  # blank: x = ...  # images to tokens
        x = self.class_token(x)  # blank
        x = self.positional_embedding(x)  # blank
        x = self.blocks(x)  # blank: x = ...  # tokens to logits
        x = self.head(x)  # blank
        return x


# %% nbgrader={"grade_id": "check_vit_forward", "grade": true}
check("vit_forward")

# %% [markdown]
# ## Put it together
#
# Small enough for a laptop: tokens of 128 numbers, 6 blocks, 4 heads. ViT-Base, the one of the paper, has 768 numbers, 12 blocks and 12 heads.
#
# One thing is changed before training. Q3 and Q4 draw the class token and the positions with standard deviation 1. How large are the patch tokens to which the positions are added?

# %%
start = 0.02 if real else 1.0
SIZES = {"img_size": 32, "patch_size": 4, "emb_size": 128, "depth": 6, "num_heads": 4, "expansion": 2}


def build(start=start, seed=0, **other):
    """A fresh ViT of your pieces; class token and positions are drawn with the standard deviation `start`."""
    torch.manual_seed(seed)
    sizes = {**SIZES, **other}
    parts = assemble.ViT(**sizes, pieces=mine)
    with torch.no_grad():
        for name, drawn in parts.named_parameters():
            if name.endswith(("cls_token", "learnable_positions")):
                drawn.mul_(start)  # from deviation 1 to this one
    return ViT(parts, ClassificationHead(sizes["emb_size"], len(names)))


def positions_of(vit):
    """The learned rows (1 + patches, emb_size), the class token's first."""
    table = next(p for name, p in vit.named_parameters() if name.endswith("learnable_positions"))
    return table.detach().clone()


some = torch.randperm(len(train.labels), generator=torch.Generator().manual_seed(0))
sample = train.images[some[:1000]] / 255  # enough to know the mean and the deviation of each colour
mean, std = sample.mean(dim=(0, 2, 3)).tolist(), sample.std(dim=(0, 2, 3)).tolist()
batch = normalise(train.images[some[:16]], mean, std)  # (16, 3, 32, 32), mean 0 and standard deviation 1
labels = train.labels[some[:16]]

if check.ready("classification_head") and check.ready("vit_forward"):
    vit = build(start=1)
    with torch.no_grad():
        patch_tokens = vit.patch_embedding(batch)  # (16, 64, 128)
    show.table(
        [
            ("parameters", f"{sum(p.numel() for p in vit.parameters() if p.requires_grad):,}"),
            ("standard deviation of the patch tokens", f"{patch_tokens.std():.2f}"),
            ("standard deviation of the positions of Q4", f"{positions_of(vit).std():.2f}"),
        ]
    )

# %% [markdown]
# Drawn like that, the positions are louder than the picture. Most ViTs, timm's too, draw them with 0.02 instead, and so does `build`; `build(start=1)` lets you compare. (The digits that stand in without a network keep 1. They are enlarged from 8 x 8 pixels, so each of their patches is one flat grey, and nearly everything depends on where it is.)
#
# ## Before an hour of training, a minute of doubt
#
# **First doubt: is the first loss right?** The logits become probabilities by **softmax**: e is raised to the power of each, and the results are divided by their sum, so that all are positive and add up to 1. The loss is the **cross-entropy**: $-\ln$ of the probability that the model gives to the right class; 0 if it is sure and right, large if it is sure and wrong. An untrained model should know nothing. How large is its loss if it gives each of 10 classes the probability 1/10?

# %%
prediction = ...  # your guess, a number with one decimal

if check.ready("classification_head") and check.ready("vit_forward"):
    vit = build()
    with torch.no_grad():
        hundred = normalise(train.images[some[:100]], mean, std)
        first_loss = float(F.cross_entropy(vit(hundred), train.labels[some[:100]]))
    show.text(
        f"The loss of the untrained ViT is {first_loss:.3f}; ln({len(names)}) = {math.log(len(names)):.3f}."
    )
    show.compare(prediction, round(math.log(len(names)), 1))

# %% [markdown]
# Much more than ln 10: the logits start too large. Less: the model has seen the answer. A little above is normal: random logits are not quite equal.
#
# ## Exercise: one step of training
#
# All training is this, again and again, with a batch of pictures each time:
#
# | step | what happens |
# | --- | --- |
# | forward | the model gives the logits of the images |
# | loss | one number: the mean cross-entropy of logits and labels |
# | old gradients away | each parameter still has the gradient of the step before, and a new one would be *added* to it |
# | backward | for each parameter, its new gradient: how much the loss grows if this number grows |
# | step | the optimizer moves each parameter a little against its gradient |
#
# One blank of several lines, three points: for the loss, for the parameters after one step, and after several. `F.cross_entropy` takes logits and labels. The calls are those that trained the embedding of *Word embedding* and the small readers of Q3.


# %% nbgrader={"grade_id": "training_step", "solution": true}
def training_step(model, images, labels, optimizer):
    """Train on one batch: images (b, 3, H, W), labels (b,). Returns the loss before the step."""
    loss = F.cross_entropy(model(images), labels)  # blank: loss = ...
    optimizer.zero_grad()  # blank
    loss.backward()  # blank
    optimizer.step()  # blank
    return loss.item()


# %% [markdown]
# Stuck? In a new cell: `check.hint("training_step")`.

# %% nbgrader={"grade_id": "check_training_step", "grade": true}
check("training_step")

# %% [markdown]
# **Second doubt: can it learn at all?** Take one batch of 16 pictures and train on it again and again. A model that is put together rightly learns 16 pictures by heart in a moment. If it can't, more data and more hours will not help: something is broken.
#
# We try two starts: positions drawn with 0.02, and with 1. Which one learns these pictures sooner?


# %% id="f91d3479"
def overfit(vit, steps=40):
    """Train on the one batch; the loss before each step."""
    optimizer = torch.optim.AdamW(vit.parameters(), lr=1e-3)
    return [training_step(vit, batch, labels, optimizer) for _ in range(steps)]


prediction = ...  # your guess: "start 0.02" or "start 1 (Q4)"

if all([check.ready(key) for key in ("classification_head", "vit_forward", "training_step")]):
    losses = {"start 0.02": overfit(build(0.02)), "start 1 (Q4)": overfit(build(1))}
    passed = losses["start 0.02" if real else "start 1 (Q4)"][-1] < 0.1
    show.curves(
        losses,
        f"after 15 steps the loss on the one batch is {losses['start 0.02'][15]:.2f} with small positions, and "
        f"{losses['start 1 (Q4)'][15]:.2f} with positions as Q4 draws them; after {len(losses['start 0.02'])} it is "
        f"{losses['start 0.02'][-1]:.3f} and {losses['start 1 (Q4)'][-1]:.3f}.",
        title="the same 16 pictures, again and again",
        xlabel="step",
        ylabel="loss",
    )
    show.compare(prediction, min(losses, key=lambda name: sum(losses[name])))  # the lower curve
    show.text(
        "The test is passed: train." if passed else "Still above 0.1: look for the mistake before you train."
    )

# %% [markdown]
# In photos it matters most *what* a patch shows, and quiet positions let the model see it. In the flat digits it matters *where* a patch stands, and loud positions say so from the first step. Your curves show one of the two cases.
#
# ## Change it and see
#
# What is a choice worth? Take it away, train, and look. A small ViT (2 blocks, tokens of 48 numbers, pictures of 16 x 16 pixels so that it takes seconds) is trained with **your** step: once as it is, and then with one thing changed at a time. The accuracy is that on training pictures that were kept apart.
#
# Two runs that differ in nothing but the **seed** (first weights and order of the pictures) do not give the same accuracy either. So the unchanged one runs with three seeds: what changes less than that is noise. The changed ones run once; who wants to be sure runs these, too, with several.

# %%
# which change costs most? "no positions", "patches of 2", "patches of 8", "one head" or "other start"
prediction = ...

EPOCHS, few = 5, 3000 if real else 1000
small = normalise(
    F.avg_pool2d(train.images[some[: few + 1000]].float(), 2).byte(), mean, std
)  # (N, 3, 16, 16)
small_labels = train.labels[some[: few + 1000]]


def experiment(seed=0, positions=True, **changes):
    """The accuracy, 0..1, of a small ViT on pictures that it was not trained on."""
    vit = build(seed=seed, **{"img_size": 16, "emb_size": 48, "depth": 2, **changes})
    for name, parameter in vit.named_parameters():
        if not positions and name.endswith("learnable_positions"):
            parameter.data.zero_()
            parameter.requires_grad_(False)
    optimizer = torch.optim.AdamW(vit.parameters(), lr=2e-3)
    for _ in range(EPOCHS):
        for rows in torch.randperm(few).split(50):
            training_step(vit, small[rows], small_labels[rows], optimizer)
    with torch.no_grad():
        return float((vit(small[few:]).argmax(dim=1) == small_labels[few:]).float().mean())


if all([check.ready(key) for key in ("classification_head", "vit_forward", "training_step")]):
    usual = sorted(experiment(seed) for seed in (0, 1, 2))
    found = {
        "no positions": experiment(positions=False),
        "patches of 2": experiment(patch_size=2),
        "patches of 8": experiment(patch_size=8),
        "one head": experiment(num_heads=1),
        "other start": experiment(start=0.02 if start == 1 else 1),
    }
    noise = usual[-1] - usual[0]
    told = [name for name, accuracy in found.items() if not usual[0] - noise <= accuracy <= usual[-1] + noise]
    show.table(
        [
            ("as it is, three seeds", " · ".join(f"{accuracy:.1%}" for accuracy in usual)),
            *((name, f"{accuracy:.1%}") for name, accuracy in found.items()),
        ],
        ("what is changed", "accuracy"),
        f"the three seeds lie {noise:.1%} apart. Further away from them than that: {', '.join(told) or 'nothing'}.",
    )
    show.compare(prediction, min(found, key=found.get))

# %% [markdown] id="150c1cc4"
# Read it with care. Patches of 2 make four times as many tokens: more to see, and more to learn from the same pictures in the same number of steps. Patches of 8 are only 4; in digits that is enough. Without positions the picture is a bag of patches (Q1), so what is left is what the patches show. A choice that wins in seconds need not win in hours: this table is about *these* pictures and *these* steps.
#
# ## Train
#
# What to expect, measured by the course's benchmark with the course's own pieces:
#
# <!-- training:start -->
# <!-- training:end -->
#
# `fit` does what a training loop has to do around such a step, in `helpers/train.py` and `helpers/training/loop.py` for you to read. A tenth of the training pictures is set apart for **validation**; the weights that do best there are kept. Pictures are shifted and mirrored at random, which is called **augmentation** (not the digits: a mirrored 3 is none). The learning rate rises, then falls to almost 0 when the time is up. In the first half of the time the pictures have half the size, a quarter of the patches, so that many more of them are seen: expect a bend in the curve where the size changes. (With the digits all this follows the number of pictures instead of the time, so that the curves are the same on a busy machine; the minutes are only the most that it may take.)
#
# **You may interrupt it at any time** (the stop button): the model then has its best weights so far. With a folder in `out`, everything is kept there too. Run the cell again and it goes on where it stopped, also after a crash or on another day; with more `minutes` it goes on after the end. A run that is finished is read back in a moment. To start afresh, because you mended a piece or try `build(start=1)`, name another folder or say `resume=False`.

# %%
minutes, pictures = (3, None) if real else (5, 7000)  # each of the digits is seen about five times
out = "my_vit" if real else None  # folder for the checkpoints, beside this notebook

if check.ready("classification_head") and check.ready("vit_forward"):
    vit = build()
    positions_before = positions_of(vit)
    history = fit(vit, train, minutes=minutes, pictures=pictures, out=out)
    if history:
        show.says(
            f"guessing is right in {1 / len(names):.0%}, this model in {history.best['validation_accuracy']:.1%} of the validation pictures."
        )

# %%
if check.ready("classification_head") and check.ready("vit_forward") and history:
    small, large = ([entry for entry in history if entry["size"] == size] for size in (16, 32))
    show.curves(
        {name: [entry[f"{name}_loss"] for entry in history] for name in ("train", "validation")},
        f"from {math.log(len(names)):.2f} (chance) the validation loss falls to {history[-1]['validation_loss']:.2f}; "
        f"{len(small)} evaluations were made with 16 x 16 pixels and {len(large)} with 32 x 32.",
        x=[entry["seconds"] / 60 if real else entry["images"] / 1000 for entry in history],
        title="loss while it learns",
        xlabel="minutes" if real else "thousands of pictures seen",
        ylabel="loss",
    )

# %% [markdown]
# If the training loss lies above the validation loss, that looks odd, but has two reasons: it is an average over the stretch since the last point, when the model was worse; and it is made harder, by smoothed labels and (CIFAR-10 only) by shifted and mirrored pictures. A model that learned its pictures by heart shows the opposite, called **overfitting**: training loss far below validation loss.
#
# ## How good is it?
#
# Now, and only now, the test pictures. The validation pictures have chosen the weights, so they would flatter the model.


# %%
@torch.no_grad()
def predict(vit, images, mean, std):
    """Probabilities (N, classes) for uint8 images (N, 3, 32, 32); mean and std are those of the training pictures."""
    vit.eval()
    return torch.cat([vit(normalise(some, mean, std)).softmax(dim=1) for some in images.split(250)])


if check.ready("classification_head") and check.ready("vit_forward"):
    probabilities = predict(vit, test.images, history.mean, history.std)  # (N, 10)
    guesses = probabilities.argmax(dim=1)
    accuracy = float((guesses == test.labels).float().mean())
    error = math.sqrt(accuracy * (1 - accuracy) / len(test.labels))
    show.text(
        f"The test accuracy is {accuracy:.1%}, give or take {2 * error:.1%}, on {len(test.labels):,} pictures."
    )

# %% [markdown]
# The give-or-take says how much the number would move with other test pictures (two standard errors). Two models that differ by less than that do not differ.
#
# ## What does it mix up?
#
# The **confusion matrix**: a row for each true class, a column for each guess. What is right stands on the diagonal.

# %%
if check.ready("classification_head") and check.ready("vit_forward"):
    shares = torch.from_numpy(confusion_matrix(test.labels, guesses, normalize="true"))  # rows sum to 1
    mistakes = shares - shares.diag().diag()
    truth, guess = divmod(int(mistakes.argmax()), len(names))
    show.matrices(
        {"in % of the true class": 100 * shares},
        f"the most frequent mistake: {mistakes.max():.0%} of class '{names[truth]}' are taken for '{names[guess]}'; "
        f"the easiest class is '{names[shares.diag().argmax()]}' with {shares.diag().max():.0%} right.",
        rows=names,
        columns=names,
        xlabel="guess",
        ylabel="truth",
        label="%",
        written=".0f",
    )

# %% [markdown]
# ## The worst mistakes
#
# Not just wrong, but sure of it: the wrong guesses with the highest probability. Look at each one: would you have known? Is the label right?

# %%
if check.ready("classification_head") and check.ready("vit_forward"):
    sure = probabilities.max(dim=1).values * (guesses != test.labels)
    worst = sure.argsort(descending=True)[:10]
    show.images(
        test.images[worst],
        f"these were taken for something else with probabilities from {sure[worst[-1]]:.0%} to {sure[worst[0]]:.0%}.",
        titles=[f"{names[guesses[i]]} {sure[i]:.0%}\nis {names[test.labels[i]]}" for i in worst],
        columns=5,
    )

# %% [markdown]
# ## Has it found the grid?
#
# Nobody told the model that patch 8 lies below patch 0. Each patch has a row of 128 learned numbers, random at the start. Below, every small square belongs to one patch and shows how similar its row is to those of all 64 patches (as in Q4, for all patches at once).


# %%
def similarity(positions):
    """Cosine similarity of every patch's row with every other's: (8, 8, 8, 8), from place to place."""
    rows = F.normalize(positions[1:], dim=1)  # without the class token's
    side = math.isqrt(len(rows))
    return (rows @ rows.T).reshape(side, side, side, side)


def pairs(maps):
    """Mean similarity of patches side by side, one below the other, at mirrored places left and right, and of any two."""
    n, count = range(len(maps)), len(maps) ** 2
    average = (maps.sum() - count) / (count * (count - 1))  # without each with itself, which is always 1
    beside = torch.stack([maps[r, c, r, c + 1] for r in n for c in n[:-1]]).mean()
    below = torch.stack([maps[r, c, r + 1, c] for r in n[:-1] for c in n]).mean()
    mirrored = torch.stack([maps[r, c, r, -1 - c] for r in n for c in n]).mean()
    places = {"beside": beside, "below": below, "mirrored": mirrored, "on average": average}
    return ", ".join(f"{round(float(value), 2) + 0:.2f} {place}" for place, value in places.items())


if check.ready("classification_head") and check.ready("vit_forward"):
    before, after = similarity(positions_before), similarity(positions_of(vit))
    show.mosaics(
        {"at the start": before, "after training": after},
        f"similarity at the start: {pairs(before)}; after training: {pairs(after)}.",
        label="cosine similarity",
    )

# %% [markdown]
# In the small map of a patch, bright places say: the model treats these positions alike. If neighbours are more alike than the average, the model has found out which patches lie side by side, from nothing but pictures and labels. That takes time: after few minutes there may be little to see. Compare the trained ViT below.
#
# ## Where does the class token look?
#
# In the last block the class token asks all patches, and `softmax` gives each a share. The hook catches the tokens on their way into your attention; queries and keys do the rest, as in Q5. Above each picture stands the guess, and below it how much the class token takes from each patch.


# %%
@torch.no_grad()
def class_attention(vit, images):
    """What the class token gives to each patch in the last block, mean over the heads: (b, 8, 8)."""
    attention = next(module for module in vit.blocks[-1].modules() if hasattr(module, "queries"))
    caught = []
    hook = attention.register_forward_pre_hook(lambda module, inputs: caught.append(inputs[0]))
    vit.eval()(images)
    hook.remove()
    q, k = (
        rearrange(layer(caught[0]), "b n (h d) -> b h n d", h=attention.num_heads)
        for layer in (attention.queries, attention.keys)
    )
    shares = (q[:, :, :1] @ k.mT / math.sqrt(q.shape[-1])).softmax(dim=-1).mean(dim=1)[:, 0]  # (b, 65)
    return shares[:, 1:].reshape(len(images), *[math.isqrt(shares.shape[1] - 1)] * 2)


if check.ready("classification_head") and check.ready("vit_forward"):
    shown = torch.randperm(len(test.labels), generator=torch.Generator().manual_seed(0))[:6]
    maps = class_attention(vit, normalise(test.images[shown], history.mean, history.std))
    show.below(
        test.images[shown],
        maps,
        f"the largest share of one patch is {maps.max():.2f}; if all were alike, each would have {1 / 65:.3f}.",
        titles=[f"{names[guesses[i]]}\nis {names[test.labels[i]]}" for i in shown],
        label="share",
        vmin=0,
    )

# %% [markdown]
# After minutes of training do not expect outlines of animals. Where do the bright patches lie, on the thing or beside it? And beware: attention says where the last block *read*, not what the patches had told each other in the five blocks before. For those, take your model into your hands: choose a patch, a head and a block.

# %%
if check.ready("classification_head") and check.ready("vit_forward"):
    show.explore(vit, test.images[shown[0]], class_names=names, mean=history.mean, std=history.std)

# %% [markdown]
# ## No time to train? Load a trained one
#
# The course comes with a ViT of the same kind that was trained for longer. Its weights go into **your** pieces (how that works is the capstone of Part 4), and everything above can be done with it.

# %%
if check.ready("classification_head") and check.ready("vit_forward"):
    shipped = data.pretrained("vit_cifar10")
    its = shipped.model
    sizes = {"img_size": 32, "patch_size": shipped.config["patch_size"], "emb_size": its.embed_dim}
    sizes |= {"depth": len(its.blocks), "num_heads": its.blocks[0].attn.num_heads}
    sizes |= {"expansion": its.blocks[0].mlp.fc1.out_features // its.embed_dim}
    parts = assemble.ViT(**sizes, pieces=timm_weights.loadable(mine))
    timm_weights.load_timm(parts, its)
    head = ClassificationHead(its.embed_dim, len(shipped.class_names))
    head.norm, head.linear = parts.norm, parts.head
    trained = ViT(parts, head).eval()
    its_mean, its_std = shipped.config["mean"], shipped.config["std"]
    told = f"{shipped.source}: {sum(p.numel() for p in trained.parameters() if p.requires_grad):,} parameters"
    if real:
        right = predict(trained, test.images, its_mean, its_std).argmax(dim=1) == test.labels
        told += f", test accuracy {right.float().mean():.1%}; your model has {accuracy:.1%}"
    show.text(f"{told}.")

# %%
if check.ready("classification_head") and check.ready("vit_forward"):
    found = similarity(positions_of(trained))
    show.mosaics(
        {"positions of the trained ViT": found}, f"similarity: {pairs(found)}.", label="cosine similarity"
    )

# %% [markdown] id="66c6546c"
# Each patch is like its neighbours: here is the grid. Look at the bright places on the *other* side, too. "Mirrored" in the line above compares a patch with the one as far from the right edge as it is from the left. Why could the model come to treat the two alike?
#
# <details><summary>A guess first, then open: what was done to the pictures in training?</summary>
#
# Each was mirrored at random. What is seen on the left in one pass is seen on the right in another, with the same label, so nothing rewards the model for telling the two apart.
#
# </details>

# %%
if check.ready("classification_head") and check.ready("vit_forward"):
    photos = torch.stack([data.photo(name, size=32) for name in ("china", "flower")])
    chosen = torch.cat([test.images[shown] if real else test.images[:0], photos])
    likely = [shipped.class_names[i] for i in predict(trained, chosen, its_mean, its_std).argmax(dim=1)]
    maps = class_attention(trained, normalise(chosen, its_mean, its_std))
    show.below(
        chosen,
        maps,
        f"in the trained ViT the largest share of one patch is {maps.max():.2f}.",
        titles=likely,
        label="share",
        vmin=0,
    )

# %% [markdown] id="4089e8be"
# The last two photos show a temple and a flower, yet the model has to answer with one of its ten classes. It can't say "none of these".
#
# ## Is a ViT better than a CNN?
#
# It depends on how much it has seen. Two ViTs, pre-trained on more and more pictures and then fine-tuned on ImageNet ([Dosovitskiy et al. 2021](https://arxiv.org/abs/2010.11929), table 5; accuracy on ImageNet, fine-tuned at 384 x 384 pixels):
#
# | pre-trained on | pictures | ViT-B/16 | ViT-L/16 |
# | --- | ---: | ---: | ---: |
# | ImageNet | 1.3 million | 77.91% | 76.53% |
# | ImageNet-21k | 14 million | 83.97% | 85.15% |
# | JFT-300M, Google's own | 303 million | 84.15% | 87.12% |
#
# With ImageNet alone the larger model is the *worse* one, and both stay, in the words of the paper, a few percentage points below ResNets of comparable size. With JFT-300M it turns round. Table 2 compares with the best of that time, and counts the price in TPUv3-core-days (cores of Google's chip, times days):
#
# | model | kind | pre-trained on | ImageNet | CIFAR-10 | TPUv3-core-days |
# | --- | --- | --- | ---: | ---: | ---: |
# | ViT-H/14 | ViT | JFT-300M | 88.55% | 99.50% | 2,500 |
# | ViT-L/16 | ViT | JFT-300M | 87.76% | 99.42% | 680 |
# | ViT-L/16 | ViT | ImageNet-21k | 85.30% | 99.15% | 230 |
# | BiT-L (ResNet-152 x 4) | CNN | JFT-300M | 87.54% | 99.37% | 9,900 |
# | Noisy Student (EfficientNet-L2) | CNN | JFT-300M, without labels | 88.4% | – | 12,300 |
#
# (The two tables differ for ViT-L/16: table 2 uses larger pictures and averages weights.) So: below CNNs with little data, level or ahead with very much, and then for less computing, which is still more than any of us has. The paper warns that the recipes differ, too, not only the architectures.
#
# The reason is called **inductive bias**: what a model takes for granted before it has seen anything. A convolution takes for granted that neighbouring pixels belong together and that a cat is a cat wherever it sits. A ViT takes almost nothing for granted: cutting into patches is all that it knows about images, and the grid you saw above had to be *learned*. What is built in need not be learned, which helps with few pictures. What is not built in can't be wrong, which helps with very many.
#
# CIFAR-10 is on the side of *few*. There the recipe matters much. Trained on nothing but its 50,000 pictures, a plain ViT has 75.6 % in the [UvA tutorial](https://uvadlc-notebooks.readthedocs.io/en/latest/tutorial_notebooks/tutorial15/Vision_Transformer.html) (3.2 million parameters, 180 epochs, crops and mirror images) and about 93.6 % in [Lee et al. 2021](https://arxiv.org/abs/2112.13492) (fewer parameters, 300 passes, and much stronger augmentation). The table under *Train* shows what minutes alone do; what a CNN of the same size does in the same minutes, you measure in [CNN or ViT](cnn_or_vit.ipynb).
#
# ## What you have learned
#
# - A whole ViT is five calls in a row: patches, class token, positions, blocks, head; logits come out.
# - A step of training is forward, loss, gradients away, backward, step; two tests come before many of them: the first loss near $\ln(\text{classes})$, and one batch learned by heart.
# - Choose by validation, report on test pictures once, with its uncertainty; then look at the mistakes, not only at the number.
#
# ## Going further
#
# - Dosovitskiy et al. 2021, [An Image Is Worth 16x16 Words](https://arxiv.org/abs/2010.11929), section 4.3: how much data a ViT needs.
# - Steiner et al. 2021, [How to train your ViT?](https://arxiv.org/abs/2106.10270): data, augmentation and regularisation against each other.
# - Karpathy 2019, [A Recipe for Training Neural Networks](https://karpathy.github.io/2019/04/25/recipe/): first loss, one batch, and other doubts in time.
# - Next: [Debug a ViT](debug_a_vit.ipynb)
