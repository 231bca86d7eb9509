# %% [markdown] order=2
# # Where to go next
#
# What you have built, what the field has built on it, and a project of your own: fine-tune a pretrained ViT.
#
# **When you are done you can**
#
# - say which of your pieces stand unchanged in today's models, and what five of them have added;
# - fine-tune a pretrained ViT, and say what pre-training was worth;
# - plan a project that you can finish: data, baseline, one change, a number with its uncertainty.
#
# **Time and hardware**: about 30 minutes of yours without the project, and the whole notebook computes for less than 60 seconds on two CPU cores; no GPU. The project with CIFAR-10 and a ViT-Base wants a GPU.
#
# **Before you start**: Parts 2 and 3. There is nothing to fill in here, and no points.

# %% tags=["setup"]
import time

import torch
import torch.nn.functional as F
from torch import nn

from helpers import data, show
from helpers.training.batches import normalise
from helpers.training.optimise import best_device

torch.manual_seed(0)
print("Ready.")

# %% [markdown] id="b8d93123"
# **Do you remember?**
#
# <details><summary>1. What goes into the head of a ViT, and what comes out?</summary>
#
# The class token after the last block and its norm goes in; one logit for each class comes out.
#
# </details>
#
# <details><summary>2. What does fine-tuning start from, and what is new in it?</summary>
#
# From trained weights. The head is new, with one output for each new class, and all of it goes on learning in small steps (*Inside a pretrained ViT*).
#
# </details>
#
# <details><summary>3. With which data is a ViT below a CNN of its size, and with which is it ahead?</summary>
#
# Below when it is trained on ImageNet (1.3 million pictures) or less alone; level or ahead after pre-training on very many.
#
# </details>

# %% [markdown] id="0dd33ffe"
# ## What you have built
#
# | piece | in a sentence |
# | --- | --- |
# | [positions](../2_build_a_vit/q1_positional_encoding.ipynb), [learned or fixed](../2_build_a_vit/q4_positional_embedding.ipynb) | attention does not know order, so order is added |
# | [patch embedding](../2_build_a_vit/q2_patch_embedding.ipynb) | a picture becomes a sentence of patches |
# | [class token](../2_build_a_vit/q3_class_token.ipynb) | one token that collects what the answer needs |
# | [attention](../2_build_a_vit/q5_einsum_attention.ipynb) | each token takes from all others, by shares that it computes from them |
# | [residual](../2_build_a_vit/q6_residual_block.ipynb), [feed-forward, norm](../2_build_a_vit/q7_encoder_block.ipynb) | what makes it deep and keeps it trainable |
# | [head, step, training](../3_train_on_cifar10/train_your_vit.ipynb) | logits, a loss, and the parameters that follow it |
# | [bugs](../3_train_on_cifar10/debug_a_vit.ipynb), [a rival](../3_train_on_cifar10/cnn_or_vit.ipynb), [a look inside](inside_a_pretrained_vit.ipynb) | how to doubt it, measure it and read it |
#
# All of it together is the encoder of many of today's large models that see. Its shapes and terms stand on one page, to print:

# %%
show.diagram("cheat_sheet")

# %% [markdown]
# ## What the field has built on it
#
# **DeiT** ([Touvron et al. 2021](https://arxiv.org/abs/2012.12877)) trains a ViT on ImageNet alone, in days on one machine, by strong augmentation and regularisation. A second token beside the class token learns from the answers of a CNN: a teacher hands over its inductive bias.
#
# **Swin** ([Liu et al. 2021](https://arxiv.org/abs/2103.14030)) computes attention in small windows, which shift from block to block, and joins patches on the way up, as a CNN does by pooling. The cost then grows with the number of pixels instead of its square, so large pictures, detection and segmentation come into reach.
#
# **MAE** ([He et al. 2022](https://arxiv.org/abs/2111.06377)) hides three quarters of the patches and learns to paint them in, without any label. The encoder sees only the visible patches, so pre-training is cheap, and fine-tuning afterwards works better than training with labels from the start.
#
# **DINO** ([Caron et al. 2021](https://arxiv.org/abs/2104.14294)) learns without labels, too: two views of one picture should give one answer, where the teacher is a slow average of the student. In the attention of its class token objects stand out, though nobody ever outlined one.
#
# **CLIP** ([Radford et al. 2021](https://arxiv.org/abs/2103.00020)) trains a picture encoder and a text encoder together on 400 million pairs from the web, so that a picture and its text are alike (the cosine of Part 1). It then sorts pictures into classes that are only *named*, without training on them.
#
# What do the five share? Your blocks. What differs is what goes in, what is asked for, and from where the answer comes.
#
# ## A project: fine-tune a pretrained ViT
#
# **Fine-tuning**: take a model that has learned a large task, give it a new head for yours, and train on, with a small learning rate. `BIG = True` takes timm's ViT-Base, pre-trained on ImageNet, and CIFAR-10. As it stands, the small ViT that ships with the course, pre-trained on CIFAR-10, learns 200 digits: something that it has never seen.

# %% id="b64465f8"
BIG = False

pretrained = data.pretrained(data.PRETRAINED[0] if BIG else "vit_cifar10")
source = data.cifar10 if BIG else data.digits
train, test = source("train"), source("test")
few, checked, batch_size = (5000, 2000, 50) if BIG else (200, 200, 10)
some = torch.randperm(len(train.labels), generator=torch.Generator().manual_seed(0))[:few]
device = best_device()
if not BIG:  # so little work is done sooner by one thread than by several that wait for each other
    torch.set_num_threads(1)


def prepared(images):
    """Pictures as the model knows them: its size, its mean, its standard deviation."""
    x = normalise(images.to(device), pretrained.config["mean"], pretrained.config["std"])
    side = pretrained.config["img_size"]
    return F.interpolate(x, (side, side), mode="bilinear") if x.shape[-1] != side else x


show.text(
    f"{pretrained.source} learns from {few:,} training pictures of {train.source}, and is tested on {checked:,} test pictures."
)

# %% [markdown]
# Three ways, the same steps for each:
#
# - **from scratch**: the same architecture with fresh weights;
# - **head only**: all pretrained weights stay as they are, only the new head learns (a *linear probe*);
# - **all**: every weight learns.
#
# Which order do you expect?

# %% id="8ad7967c"
prediction = ...  # your guess, from worst to best, for instance ("all", "from scratch", "head only")


def fresh(model):
    """Draw all weights anew."""
    for module in model.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    nn.init.trunc_normal_(model.pos_embed, std=0.02)
    nn.init.trunc_normal_(model.cls_token, std=0.02)


@torch.no_grad()
def accuracy(model):
    """The share of test pictures that are right."""
    pairs = zip(test.images[:checked].split(100), test.labels[:checked].split(100))
    right = [(model.eval()(prepared(x)).argmax(dim=1).cpu() == y).float() for x, y in pairs]
    model.train()
    return float(torch.cat(right).mean())


# new weights learn quickly; a large trained model would forget what it knows
RATES = {"from scratch": 3e-4, "head only": 3e-3, "all": 3e-4 if pretrained.model.embed_dim < 768 else 1e-5}


def fine_tune(way, epochs=6):
    """The test accuracy after every second epoch, and the seconds that it took."""
    torch.manual_seed(0)
    model = data.pretrained(data.PRETRAINED[0] if BIG else "vit_cifar10").model
    model.reset_classifier(len(train.class_names))  # the new head
    if way == "from scratch":
        fresh(model)
    model.requires_grad_(way != "head only")
    model.head.requires_grad_(True)
    model.to(device).train()
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learning, RATES[way])
    found, before = [], time.perf_counter()
    for epoch in range(epochs):
        for rows in some[torch.randperm(few)].split(batch_size):
            loss = F.cross_entropy(model(prepared(train.images[rows])), train.labels[rows].to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch % 2:
            found.append(accuracy(model))
    return found, time.perf_counter() - before


results = {"from scratch": fine_tune("from scratch")}
show.text(f"From scratch: {results['from scratch'][0][-1]:.1%} of the test pictures are right.")

# %%
results["head only"] = fine_tune("head only")
show.text(f"Head only: {results['head only'][0][-1]:.1%} of the test pictures are right.")

# %%
results["all"] = fine_tune("all")
ends = {way: found[-1] for way, (found, _) in results.items()}
show.curves(
    {way: found for way, (found, _) in results.items()},
    f"after 6 epochs {', '.join(f'{way} reaches {end:.1%}' for way, end in ends.items())}, on {checked:,} test pictures.",
    x=(2, 4, 6),
    title=f"{few:,} training pictures",
    xlabel="epochs",
    ylabel="test accuracy",
    level={"guessing": 0.1},
)
show.compare(prediction, sorted(ends, key=ends.get))

# %%
show.table(
    [(way, f"{ends[way]:.1%}", f"{seconds / 60:.2f}") for way, (_, seconds) in results.items()],
    ("way", "test accuracy", "minutes on this machine"),
    f"one run each; two standard errors of an accuracy near 80 % are {2 * (0.8 * 0.2 / checked) ** 0.5:.1%} here.",
)

# %% [markdown]
# What the model knew of photos helps with digits when all of it may change; a new head on frozen features is quick, and as good as the features are for the new task.
#
# **With `BIG = True`** the cells above were not run for this text, so measure first: the seconds of ten steps, times the number of steps. What to aim for: ViT-B/16, pre-trained on ImageNet-21k and fine-tuned on all of CIFAR-10 at 384 x 384 pixels, has 98.95 % ([Dosovitskiy et al. 2021](https://arxiv.org/abs/2010.11929), table 5). A plan that ends:
#
# 1. *Baseline*: head only, 5,000 pictures. Write the number down, with two standard errors.
# 2. *One question*: how many pictures does fine-tuning need to beat the baseline? Or: does it matter which blocks may learn?
# 3. *One table*, three seeds in each cell, a prediction before each.
# 4. *One page*: question, table, answer, what you would doubt.
#
# ## What you have learned
#
# - The models of today differ in what they are fed and asked; the blocks are those that you built.
# - Fine-tuning carries what was learned from much data to a task with little.
# - A project is a question, a baseline and one change, with the noise measured first.
#
# ## Going further
#
# - Steiner et al. 2021, [How to train your ViT?](https://arxiv.org/abs/2106.10270): what augmentation, regularisation and more data are worth, by thousands of runs.
# - The papers above; each has code, and you can read its model file now.
# - Next: the course is a ring. [Word embedding](../1_words_to_attention/word_embedding.ipynb), with which Part 1 begins, reads otherwise from here.
