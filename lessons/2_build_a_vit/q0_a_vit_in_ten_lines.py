# %% [markdown] start=true
# # Q0 · A ViT in ten lines
#
# Let a trained Vision Transformer name a photo, see where it looks, and take it apart into the pieces that you will build.
#
# **When you are done you can**
#
# - load a trained ViT, show it a photo and read its answer;
# - say what goes in and what comes out of each of its parts, and which question of this course builds it;
# - name two changes of a photo that hardly matter to it and two that fool it.
#
# **Time and hardware**: about 30 minutes of yours, and the whole notebook computes for less than 8 seconds on two CPU cores; no GPU, no download: model and photo come with the course.
#
# **Before you start**: Python, and what a PyTorch tensor and its shape are. Start here: you need to understand nothing yet of how it works inside. That is what the other notebooks are for.
#
# **Do you remember?** No other notebook is needed before this one, so these are about what you bring along. Answer first, then open.
#
# <details><summary>1. Which shape has a colour photo of 32 x 32 pixels as a PyTorch tensor?</summary>
#
# (3, 32, 32): channels (red, green, blue), height, width.
#
# </details>
# <details><summary>2. Which shape has a batch of five of them?</summary>
#
# (5, 3, 32, 32): the batch comes first.
#
# </details>
# <details><summary>3. What is a classifier?</summary>
#
# A function that takes in a picture (or a text, ...) and says which one of a fixed list of classes it is.
#
# </details>

# %% tags=["setup"]
import torch
from timm.utils import AttentionExtract

from helpers import check, data, show

torch.manual_seed(0)
print("Ready.")

# %% [markdown]
# ## Ten lines
#
# A **Vision Transformer** (ViT) that has learned the ten classes of CIFAR-10 from tens of thousands of small pictures comes with the course. Run it first.

# %%
vit, config, class_names, source = data.pretrained("vit_cifar10")
photo = data.photo("cat", size=config["img_size"])  # (3, 32, 32), whole numbers from 0 to 255
mean = torch.tensor(config["mean"])[:, None, None]  # (3, 1, 1): one number a colour
std = torch.tensor(config["std"])[:, None, None]
x = (photo / 255 - mean) / std  # what the model is used to: around 0, with deviation 1
with torch.no_grad():
    logits = vit(x[None])  # (1, 3, 32, 32) in, (1, 10) out: a score for each class
probabilities = logits.softmax(dim=1)[0]  # (10,): scores to shares of 1
best = probabilities.argsort(descending=True)[:3]
show.table([(class_names[i], f"{probabilities[i]:.1%}") for i in best], ["class", "probability"])

# %% [markdown]
# What you see here is all that it was given: 32 x 32 pixels. The scores are called **logits**. The **softmax** makes them positive numbers that sum to 1, larger where the logit was larger: each is $e^{\text{logit}}$ divided by the sum of all ten.

# %%
show.patches(
    photo,
    config["patch_size"],
    f"a ViT reads a picture as {(config['img_size'] // config['patch_size']) ** 2} small patches, one after the other like the "
    f"words of a sentence. This one says: {class_names[best[0]]}, with {probabilities[best[0]]:.0%}.",
)

# %% [markdown]
# ## Exercise Q0: the answer
#
# A classifier's answer is the class with the largest logit. Write that for a whole batch: logits of shape (b, classes) in, for each picture the *number* of its best class out, shape (b,). One blank, one point. (Does it need the softmax? It keeps the order: who is largest before is largest after.)


# %% nbgrader={"grade_id": "q0_best_class", "solution": true}
def best_class(logits):
    """Number of the class with the largest logit: (b, classes) in, (b,) out."""
    best = logits.argmax(dim=1)  # blank: best = ...
    return best


# %% [markdown]
# Run the check as often as you like. Stuck? In a new cell: `check.hint("q0_best_class")`.

# %% nbgrader={"grade_id": "check_q0_best_class", "grade": true}
check("q0_best_class")

# %% [markdown]
# ## Does it really see a cat?
#
# Change the photo in seven ways. For which of them will it still say "cat"? Predict how many of the seven.

# %%
prediction = ...  # a whole number from 0 to 7

patches = photo.reshape(3, 8, 4, 8, 4).permute(1, 3, 0, 2, 4).reshape(64, 3, 4, 4)
shuffled = patches[torch.randperm(64, generator=torch.Generator().manual_seed(0))]
changed = {
    "as it is": photo,
    "mirrored": photo.flip(2),
    "upside down": photo.flip(1),
    "turned": photo.rot90(1, (1, 2)),
    "grey": photo.float().mean(dim=0, keepdim=True).expand(3, 32, 32),
    "darker": photo / 4,
    "negative": 255 - photo,
    "patches shuffled": shuffled.reshape(8, 8, 3, 4, 4).permute(2, 0, 3, 1, 4).reshape(3, 32, 32),
}
batch = torch.stack([picture.float() for picture in changed.values()])  # (8, 3, 32, 32)
with torch.no_grad():
    logits = vit((batch / 255 - mean) / std)  # (8, 10)

if check.ready("q0_best_class"):
    answers = [class_names[int(number)] for number in best_class(logits)]
    shares = logits.softmax(dim=1).amax(dim=1)
    still = sum(answer == "cat" for answer in answers[1:])
    show.images(
        batch / 255,
        f"of the seven changed photos {still} are still called a cat. Above each: the answer and its probability.",
        titles=[f"{name}\n{answer} ({share:.0%})" for name, answer, share in zip(changed, answers, shares)],
        columns=4,
        size=1.9,
    )
    show.compare(prediction, still)

# %% [markdown]
# Some of that is what we would say, too; some is not. Nobody told the model what a cat is: it learned what tells the ten classes apart in its training pictures, and there most cats are upright and in usual colours. Whether the order of the patches matters to a Transformer at all is the question of Q1.
#
# And it knows nothing else: shown something that is in none of its classes, it still answers with one of them.

# %%
others = torch.stack([data.photo(name, size=32) for name in ("china", "flower")])  # (2, 3, 32, 32)
with torch.no_grad():
    logits = vit((others / 255 - mean) / std)
if check.ready("q0_best_class"):
    titles = [
        f"{class_names[int(number)]} ({share:.0%})"
        for number, share in zip(best_class(logits), logits.softmax(dim=1).amax(dim=1))
    ]
    show.images(
        others, "a temple and a flower get one of the ten names all the same.", titles=titles, size=1.9
    )

# %% [markdown]
# ## Where does it look?
#
# Inside, 65 **tokens** (vectors of 128 numbers) work on the answer: one for each of the 64 patches, and one more, the **class token**, from which the answer is read at the end. In each of its blocks every token takes something from all others. How much from whom is called **attention**: shares that sum to 1. Several **heads** do this side by side, each with shares of its own.
#
# Here is what the class token takes from each patch in the last block, head by head.

# %%
for layer in vit.blocks:
    layer.attn.fused_attn = False  # compute the shares in a step of their own, so that they can be caught
found = AttentionExtract(vit, method="hook")(x[None])  # name of a layer -> (1, heads, 65, 65)
last = list(found.values())[-1][0]  # (heads, 65, 65): who asks, who is asked
class_token = last[:, 0, 1:]  # (heads, 64): token 0 asks the patches
show.panels(
    class_token.reshape(-1, 8, 8),
    f"the class token of the last block takes most from few patches: the ten best of 64 give it "
    f"{class_token.mean(dim=0).topk(10).values.sum() / class_token.mean(dim=0).sum():.0%} of what comes from patches (were all alike, it would be 16%).",
    titles=[f"head {number}" for number in range(len(last))],
    photo=photo,
    label="attention weight",
)

# %% [markdown]
# Are the bright patches on the cat, or beside it? Careful: this says where the last block *reads*, not why. Part 4 goes through every step, and collects doubts. Until then, ask for yourself: choose a patch and a block.

# %%
show.explore(vit, photo, class_names=class_names, mean=config["mean"], std=config["std"])

# %% [markdown]
# ## Taken apart
#
# What the ten lines did, step by step; each step has the number of the question that builds it (here with fewer and larger patches than the model has, so that they can be seen):

# %%
show.moving("pipeline")

# %% [markdown]
# This is the map of the whole model. Each box is a question of this part; the notebooks show it again, with "you are here". (The map has tokens of 192 numbers; this model was made a little smaller, with 128.)

# %%
show.diagram("course_map", here="q0")

# %% [markdown]
# Now the same on the running model. A **hook** is a function that PyTorch calls whenever a part of the model has run; ours writes down what went in and what came out. Predict one number first: how many tokens leave the patch embedding?

# %%
prediction = ...  # a whole number

block = vit.blocks[0]
parts = {
    "Q2": (vit.patch_embed, "cuts into patches, makes a token of each"),
    "Q3": (vit.cls_token, "the class token, joins in front"),
    "Q4 (and Q1)": (vit.pos_embed, "a vector for each position, added to the tokens"),
    "Q5": (block.attn, "attention: tokens take from each other"),
    "Q7, first part": (block.mlp, "feed-forward: each token on its own"),
    "Q7, second part": (block.norm1, "layer norm: each token to mean 0, deviation 1"),
    "Q7, third part": (block, "a whole block: norm, Q5, plus; norm, feed-forward, plus"),
    "Part 3": (vit.head, "from the class token to ten logits"),
}
seen = {}


def write_down(module, inputs, output):
    seen[module] = inputs[0].shape[1:], output.shape[1:]  # without the batch


modules = [part for part, _ in parts.values() if isinstance(part, torch.nn.Module)]
hooks = [module.register_forward_hook(write_down) for module in modules]
with torch.no_grad():
    vit(x[None])
for hook in hooks:
    hook.remove()

rows = []
for question, (part, does) in parts.items():
    if isinstance(part, torch.nn.Module):
        went_in, came_out = (tuple(shape) for shape in seen[part])
        count = sum(p.numel() for p in part.parameters())
    else:  # no module, only learned numbers
        went_in, came_out, count = "", tuple(part.shape[1:]), part.numel()
    rows.append((question, does, went_in, came_out, f"{count:,}"))
show.table(
    rows,
    ["built in", "what it is and does", "in", "out", "parameters"],
    "the shapes for one picture. Q6 has no row and no parameters: it is the plus in the block.",
)
show.compare(prediction, seen[vit.patch_embed][1][0])

# %% [markdown]
# The block stands there once, but there are several of its kind, one after the other, each with weights of its own. Together:

# %%
total = sum(p.numel() for p in vit.parameters())
blocks = sum(p.numel() for p in vit.blocks.parameters())
show.text(
    f"{len(vit.blocks)} blocks hold {blocks:,} of {total:,} parameters, {blocks / total:.0%}. All that you will write by "
    "hand in Q1 to Q7 is in the table above (Q6 as the plus); in Q7 your own pieces become a whole model, and Part 3 trains it."
)

# %% [markdown]
# ## What you have learned
#
# - A ViT cuts a picture into patches, makes a token of each, adds a class token and positions, and lets the tokens work in blocks.
# - A block is attention (tokens take from each other) and a feed-forward part (each on its own), both with a norm in front and a plus behind.
# - The answer is the class with the largest logit, read from the class token; a softmax makes probabilities of the logits. It is always one of the classes that were learned.
#
# ## Going further
#
# - Dosovitskiy et al. 2021, [An Image Is Worth 16x16 Words](https://arxiv.org/abs/2010.11929): the paper that this model follows. Look at its figure 1: you know every box.
# - Words, vectors and attention are new to you? Part 1 comes first: [Word embedding](../1_words_to_attention/word_embedding.ipynb), then [Self-attention](../1_words_to_attention/self_attention.ipynb).
# - Next: [Q1 · Positional encoding](q1_positional_encoding.ipynb), the first piece.
