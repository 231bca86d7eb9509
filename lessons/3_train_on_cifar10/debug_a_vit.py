# %% [markdown] order=2
# # Debug a ViT
#
# Four bugs, and no error message: find each by its symptom, mend it, and see which of them the accuracy would never have told you.
#
# **When you are done you can**
#
# - tell a bug in the data from a bug in the model, with one batch;
# - test a part of a network by a property that must hold: rows that add up to 1, a black picture, two passes of one picture;
# - say what a bug costs, and why a good accuracy proves little.
#
# **Time and hardware**: about 45 minutes of yours, and the whole notebook computes for less than 60 seconds on two CPU cores; no GPU. Nothing is downloaded.
#
# **Before you start**: Part 2 (attention, class token, positions), and the training step of `train_your_vit`. None of your answers is needed here.

# %% tags=["setup"]
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import nn

from helpers import check, data, show

torch.manual_seed(0)
# so little work is done sooner by one thread than by several that wait for each other
torch.set_num_threads(1)
print("Ready.")

# %% [markdown] id="b1e0db71"
# **Do you remember?**
#
# <details><summary>1. What adds up to 1 in an attention matrix, and why?</summary>
#
# Each row: it holds the shares with which one query mixes the values of all keys. The softmax runs over the keys, the last axis of the scores.
#
# </details>
#
# <details><summary>2. A picture is cut into 16 patches. How many rows do the positions have, and when are they added?</summary>
#
# 17, one for the class token too. They are added once, after the class token was put in front and before the first block.
#
# </details>
#
# <details><summary>3. Which two quick tests come before any long training of a new model?</summary>
#
# Is the loss of the untrained model near ln(number of classes), and can the model learn one batch by heart?
#
# </details>

# %% [markdown]
# ## The program
#
# Handwritten digits of 8 x 8 pixels, cut into 4 x 4 patches of 2 x 2 pixels, go into a ViT of two blocks. First the four functions in which the bugs are. **Each has exactly one.** Read them, and guess; then let the symptoms speak.

# %%
train_set, test_set = data.digits("train"), data.digits("test")
images, test_images = (some.images[:, :1, ::4, ::4] / 255 for some in (train_set, test_set))  # (N, 1, 8, 8)
images, labels, test_labels = images[:800], train_set.labels[:800], test_set.labels


class Broken:
    """Four functions of a training program, each with one bug."""

    @staticmethod
    def attend(q, k, v):
        """What each token takes from all tokens: (b, heads, n, d) three times -> (b, heads, n, d)."""
        scores = (
            q @ k.mT / q.shape[-1] ** 0.5
        )  # (b, heads, n, n): a row for each query, a column for each key
        return scores.softmax(dim=-2) @ v

    @staticmethod
    def tokens(patches, class_token, positions):
        """What the first block gets: (b, n, emb), (1, 1, emb) and (1, 1 + n, emb) -> (b, 1 + n, emb)."""
        patches = patches + positions[:, 1:]
        x = torch.cat([class_token.expand(len(patches), -1, -1), patches], dim=1)
        return x + positions

    @staticmethod
    def shuffled(images, labels):
        """The same pairs in a random order, for an epoch."""
        return images[torch.randperm(len(images))], labels[torch.randperm(len(labels))]

    @staticmethod
    @torch.no_grad()
    def accuracy(vit, images, labels):
        """The share of right guesses, measured without dropout in the middle of a training."""
        vit.eval()
        return (vit(images).argmax(dim=1) == labels).float().mean()


# %% [markdown]
# And the rest of the program, which is right. It takes the four functions as an argument, so that you can exchange them.


# %%
class Block(nn.Module):
    """An encoder block (pre-norm) with dropout: (b, n, emb) -> the same."""

    def __init__(self, functions, emb=32, heads=4, dropout=0.2):
        super().__init__()
        self.functions, self.heads = functions, heads
        self.norm, self.qkv, self.out = nn.LayerNorm(emb), nn.Linear(emb, 3 * emb), nn.Linear(emb, emb)
        self.dropout = nn.Dropout(dropout)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(emb),
            nn.Linear(emb, 2 * emb),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(2 * emb, emb),
        )

    def queries_keys_values(self, x):
        return rearrange(self.qkv(self.norm(x)), "b n (three h d) -> three b h n d", three=3, h=self.heads)

    def forward(self, x):
        mixed = self.functions.attend(*self.queries_keys_values(x))  # (b, heads, n, d)
        x = x + self.dropout(self.out(rearrange(mixed, "b h n d -> b n (h d)")))
        return x + self.dropout(self.feed_forward(x))


class SmallViT(nn.Module):
    """Digits (b, 1, 8, 8) -> logits (b, 10)."""

    def __init__(self, functions, emb=32):
        super().__init__()
        self.functions = functions
        self.patches = nn.Conv2d(1, emb, kernel_size=2, stride=2)
        self.class_token = nn.Parameter(0.5 * torch.randn(1, 1, emb))
        self.positions = nn.Parameter(0.5 * torch.randn(1, 17, emb))
        self.blocks = nn.Sequential(Block(functions), Block(functions))
        self.head = nn.Sequential(nn.LayerNorm(emb), nn.Linear(emb, 10))

    def tokens(self, images):
        patches = rearrange(self.patches(images), "b emb h w -> b (h w) emb")
        return self.functions.tokens(patches, self.class_token, self.positions)  # (b, 17, emb)

    def forward(self, images):
        return self.head(self.blocks(self.tokens(images))[:, 0])


def step(vit, images, labels, optimizer):
    loss = F.cross_entropy(vit(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def train(functions, epochs=8, seed=0):
    """Returns the trained ViT, and for each epoch the mean loss, the test accuracy, and what is needed for symptom 4."""
    torch.manual_seed(seed)
    vit = SmallViT(functions)
    optimizer = torch.optim.AdamW(vit.parameters(), lr=3e-3)
    history = []
    for _ in range(epochs):
        with torch.no_grad():
            two_passes = vit(
                images[:1].expand(2, -1, -1, -1)
            )  # one picture, twice, in the mode of the training
        apart = float((two_passes[0] - two_passes[1]).abs().max())
        pairs = functions.shuffled(images, labels)
        losses = [step(vit, x, y, optimizer) for x, y in zip(*(each.split(50) for each in pairs))]
        accuracy = float(functions.accuracy(vit, test_images, test_labels))
        history.append({"loss": sum(losses) / len(losses), "accuracy": accuracy, "apart": apart})
    return vit, history


# %% [markdown]
# It runs, and nothing complains. How good will it be on the test digits after 8 epochs?

# %%
prediction = ...  # your guess: "chance" (about 10 %), "half" or "nearly all"

vit, history = train(Broken)
show.table(
    [(n, f"{entry['loss']:.2f}", f"{entry['accuracy']:.1%}") for n, entry in enumerate(history, 1)],
    ("epoch", "training loss", "test accuracy"),
    f"the loss ends at {history[-1]['loss']:.2f}, and ln 10 = 2.30 is the loss of somebody who guesses.",
)
reached = history[-1]["accuracy"]
show.compare(prediction, "chance" if reached < 0.2 else "half" if reached < 0.75 else "nearly all")

# %% [markdown]
# ## Symptom 1: one batch is learned by heart, all of them are not
#
# The most useful test there is: 16 pictures, again and again, without `shuffled`.

# %%
torch.manual_seed(0)
vit = SmallViT(Broken)
optimizer = torch.optim.AdamW(vit.parameters(), lr=3e-3)
one_batch = [step(vit, images[:16], labels[:16], optimizer) for _ in range(150)]
show.curves(
    {"16 pictures": one_batch},
    f"with 16 pictures the loss falls to {one_batch[-1]:.2f}; with all of them it is still {history[-1]['loss']:.2f} after 8 epochs.",
    title="training loss of the broken program",
    xlabel="step",
    ylabel="loss",
    level={"all pictures, 8 epochs": history[-1]["loss"]},
)

# %% [markdown]
# So the model *can* learn, with all bugs that are in it. What differs between the two trainings is what it is fed. Whoever doubts the data looks at it, as late as possible: not at the files, but at what reaches the model.

# %%
torch.manual_seed(0)
batch_images, batch_labels = (some[:10] for some in Broken.shuffled(images, labels))
truth = [int(labels[(images == picture).flatten(1).all(dim=1)][0]) for picture in batch_images]
fitting = sum(int(label) == true for label, true in zip(batch_labels, truth))
show.images(
    batch_images,
    f"the first ten pictures of an epoch under the labels that come with them: {fitting} of 10 are right.",
    titles=[f"label {int(label)}" for label in batch_labels],
)

# %% [markdown]
# ## Symptom 2: rows that do not add up to 1
#
# A trick to see the attention matrix of a function that returns only its product with the values: hand it the **identity matrix** as values. $A \cdot I = A$.

# %%
with torch.no_grad():
    q, k, _ = vit.blocks[0].queries_keys_values(vit.tokens(images[:1]))  # (1, 4, 17, 8) each
    shares = Broken.attend(q, k, torch.eye(17).expand(1, 4, 17, 17))[0]  # (4, 17, 17)
rows, columns = shares.sum(dim=2), shares.sum(dim=1)
show.panels(
    shares,
    f"the sums of the rows lie between {rows.min():.2f} and {rows.max():.2f}, those of the columns between "
    f"{columns.min():.2f} and {columns.max():.2f}.",
    titles=[f"head {n}" for n in range(4)],
    across=4,
    label="share",
)

# %% [markdown]
# Down: the token that asks (query). Across: the token that is asked (key). Which sums should be 1?
#
# ## Symptom 3: a black picture
#
# Put in something of which you know the answer. If all patches and the class token are zero, the tokens are the positions and nothing else.

# %%
with torch.no_grad():
    black = Broken.tokens(torch.zeros(1, 16, 32), torch.zeros(1, 1, 32), vit.positions)  # (1, 17, 32)
    ratio = (black.norm(dim=2) / vit.positions.norm(dim=2))[0]  # (17,)
show.bars(
    ratio,
    f"token 0, the class token, is {ratio[0]:.1f} times its position; the patches are {ratio[1:].min():.1f} to {ratio[1:].max():.1f} times theirs.",
    names=[str(n) for n in range(17)],
    title="tokens of a black picture, measured by their positions",
    xlabel="token",
    ylabel="length / length",
)

# %% [markdown]
# ## Symptom 4: no dropout after the first epoch
#
# Dropout sets random numbers to zero while a model is trained, so that it can't rely on single ones; for measuring it is switched off. Two passes of one picture therefore differ during training. `train` has noted by how much, at the start of each epoch.

# %%
show.table(
    [(n, f"{entry['apart']:.3f}") for n, entry in enumerate(history, 1)],
    ("at the start of epoch", "largest difference of two passes"),
    f"{history[0]['apart']:.3f} before the first epoch, {history[1]['apart']:.3f} before the second. What ran in between?",
)

# %% [markdown]
# ## Exercise: mend it
#
# Four blanks, one point each. Each is a whole function: take over what was right, in one or several lines, and change what was wrong. Any repair that behaves as it should is right.


# %% nbgrader={"grade_id": "debug_a_vit", "solution": true}
class Mended:
    """The four functions of `Broken`, mended."""

    @staticmethod
    def attend(q, k, v):
        shares = (q @ k.mT / q.shape[-1] ** 0.5).softmax(dim=-1)  # blank: answers = ...
        answers = shares @ v  # blank
        return answers

    @staticmethod
    def tokens(patches, class_token, positions):
        x = torch.cat([class_token.expand(len(patches), -1, -1), patches], dim=1)  # blank: x = ...
        x = x + positions  # blank
        return x

    @staticmethod
    def shuffled(images, labels):
        order = torch.randperm(len(labels))  # blank: pairs = ...
        pairs = images[order], labels[order]  # blank
        return pairs

    @staticmethod
    @torch.no_grad()
    def accuracy(vit, images, labels):
        vit.eval()  # blank: share = ...
        share = (vit(images).argmax(dim=1) == labels).float().mean()  # blank
        vit.train()  # blank
        return share


# %% [markdown]
# Run the check as often as you like. Stuck? In a new cell: `check.hint("debug_a_vit")`.

# %% nbgrader={"grade_id": "check_debug_a_vit", "grade": true}
check("debug_a_vit")

# %% [markdown]
# ## Does it learn now?

# %%
if check.ready("debug_a_vit"):
    _, mended = train(Mended)
    show.curves(
        {
            name: [entry["accuracy"] for entry in some]
            for name, some in (("mended", mended), ("broken", history))
        },
        f"after 8 epochs the mended program is right in {mended[-1]['accuracy']:.1%} of the test digits, the broken one in {history[-1]['accuracy']:.1%}.",
        x=range(1, 9),
        title="the same network, the same pictures",
        xlabel="epoch",
        ylabel="test accuracy",
    )

# %% [markdown]
# ## Change it and see: what does each bug cost?
#
# Now one bug at a time comes back into the mended program, with three seeds each: other first weights, another order. A difference that is smaller than that between the seeds is none. Which bug costs most, and do the other three show at all?

# %% id="53f08f74"
prediction = ...  # the one that costs most: "attend", "tokens", "shuffled" or "accuracy"

if check.ready("debug_a_vit"):
    programs = {"none": Mended}
    for name in ("attend", "tokens", "shuffled", "accuracy"):
        programs[name] = type("OneBug", (Mended,), {name: staticmethod(getattr(Broken, name))})
    found = {
        name: sorted(train(functions, seed=seed)[1][-1]["accuracy"] for seed in (0, 1, 2))
        for name, functions in programs.items()
    }
    lowest, _, highest = found["none"]
    hidden = [name for name, some in found.items() if name != "none" and some[1] >= lowest]
    show.table(
        [(name, *(f"{accuracy:.1%}" for accuracy in some)) for name, some in found.items()],
        ("bug", "worst seed", "middle seed", "best seed"),
        f"without a bug the seeds lie between {lowest:.1%} and {highest:.1%}. The middle seed of these bugs is no worse than the worst "
        f"without a bug, so the accuracy hides them: {', '.join(f'`{name}`' for name in hidden) or 'none'}.",
    )
    show.compare(prediction, min(programs, key=lambda name: found[name][1]))

# %% [markdown] id="0fcb2bf4"
# One bug breaks the program. The others leave a number that looks like a result: attention that is normalised the wrong way, positions that are twice as loud, dropout that sleeps; the other weights grow around it. Who has only this one number does not know what the right program would have reached, so nobody misses the rest. That is why parts are tested by what must hold for them, and not by what comes out at the end.
#
# <details><summary>Which symptom would have told you without any training at all?</summary>
#
# Nearly all of them. Sums of rows and the black picture ask one function, whatever the weights are. The labels under ten pictures need no model, and two passes differ or do not, right after the first call of `accuracy`. Only "one batch by heart, all of them not" needs a training, and it tells where to look first.
#
# </details>
#
# ## What you have learned
#
# - One batch by heart: if that works and training does not, look at what the model is fed.
# - A property (sums, zeros, two passes) tests one part in a second; an accuracy tests everything at once, and hides most.
# - `eval()` and `train()` are switches: whoever turns one turns it back.
#
# ## Going further
#
# - Karpathy 2019, [A Recipe for Training Neural Networks](https://karpathy.github.io/2019/04/25/recipe/): "neural net training fails silently", and what to do about it.
# - Srivastava et al. 2014, [Dropout](https://jmlr.org/papers/v15/srivastava14a.html), and PyTorch on [`Module.train`](https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.train).
# - Try it: write a fifth bug into `Broken`, give it to a neighbour, and let the symptom be your only hint.
# - Next: [CNN or ViT](cnn_or_vit.ipynb)
