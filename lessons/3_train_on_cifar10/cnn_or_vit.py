# %% [markdown] order=3 id="c7970644"
# # CNN or ViT
#
# Train VGG16 with and without batch norm, stop it in time, look at its filters and feature maps, then let a ViT of the same size compete in the same minutes.
#
# **When you are done you can**
#
# - stop a training early, keep its best weights on the disk, and load them again;
# - say what batch norm does to the speed of learning, with a convergence graph as proof;
# - catch what any layer of a network computes, and compare a CNN with a ViT fairly.
#
# **Time and hardware**: about 90 minutes of yours, and the whole notebook computes for less than 60 seconds on two CPU cores with the digits that stand in without a network; no GPU. With CIFAR-10 (170 MB, downloaded once) it takes at most 6 minutes, of which 3 are the three trainings; one setting makes it full size, for a GPU.
#
# **Before you start**: what a convolution is, and the training step of `train_your_vit`; Part 2 for the ViT (it need not be finished).

# %% tags=["setup"] id="5238476b"
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import VisionTransformer
from torchvision.models.feature_extraction import create_feature_extractor
from torchvision.models.vgg import cfgs, make_layers

from helpers import check, data, show
from helpers.train import Recipe, evaluate, fit, while_grading
from helpers.training import checkpoints
from helpers.training.batches import normalise
from helpers.training.optimise import best_device

torch.manual_seed(0)
print("Ready.")

# %% [markdown]
# **Do you remember?**
#
# <details><summary>1. Which pictures choose the weights, and which give the accuracy that is reported?</summary>
#
# The validation pictures, kept apart from the training pictures, choose. The test pictures are used once, at the end: whoever chooses by them flatters the model.
#
# </details>
#
# <details><summary>2. What are the five parts of a training step?</summary>
#
# Forward, loss, old gradients away, backward, step of the optimizer.
#
# </details>
#
# <details><summary>3. What is inductive bias, and what does a ViT take for granted about pictures?</summary>
#
# What a model takes for granted before it has seen anything. A ViT takes for granted that a picture is cut into patches, and hardly more: where they lie it has to learn.
#
# </details>

# %% [markdown]
# ## The pictures, and the one setting
#
# `FULL = True` trains the real VGG16 (14.7 million parameters) and a ViT of its size, half an hour each: that wants a GPU. As it stands, all layers are there but have a quarter of the channels (for digits an eighth).

# %%
FULL = False

train, test = data.cifar10("train"), data.cifar10("test")
real = "digits" not in train.source
if real and not FULL:  # every fifth test picture: an accuracy is then good to about 1 %
    test = test._replace(images=test.images[::5], labels=test.labels[::5])
# channels of the first layer; the last ones have eight times as many
WIDTH = 64 if FULL else 16 if real else 8
MINUTES = 30 if FULL else 1 if real else 5  # for each of the three trainings, at most
PICTURES = None if real else 4000  # digits: so many end each training, and a busy machine changes no curve
if not real:  # so little work is done sooner by one thread than by several that wait for each other
    torch.set_num_threads(1)
EPOCHS = while_grading(2, otherwise=25)  # at most, in the part on early stopping

one_of_each = [int((test.labels == label).nonzero()[0]) for label in range(10)]
show.images(
    test.images[one_of_each],
    f"one test picture of each class of {train.source}; {len(train.labels):,} for training, {len(test.labels):,} for the test.",
    titles=test.class_names,
)

# %% [markdown]
# ## VGG16: the same block thirteen times
#
# [Simonyan and Zisserman 2015](https://arxiv.org/abs/1409.1556) built a deep network of one small thing: a **3 x 3 convolution** with a padding of 1, so that height and width stay, and a ReLU. In between, five times, a pooling that halves height and width ("M"). The 16 of the name counts layers with weights: 13 convolutions and, for ImageNet, 3 linear layers.

# %%
show.text(f"The plan of VGG16, channels of each convolution: {' '.join(map(str, cfgs['D']))}.")

# %% [markdown]
# Those three linear layers hold most of the 138 million parameters of the ImageNet network. Our pictures are 32 x 32: after five halvings 1 x 1 is left, 512 numbers, and **one** linear layer, 512 -> 10, does.
#
# **Batch norm** ([Ioffe and Szegedy 2015](https://arxiv.org/abs/1502.03167)) stands between convolution and ReLU. For every channel it subtracts the mean of the batch and divides by its standard deviation, then applies a scale and a shift that are learned. Whatever the layers before it do, the next layer sees numbers of a known size.
#
# ## Exercise: the block
#
# Two blanks, one point each:
#
# 1. the convolution: 3 x 3, height and width stay as they are, everything else (the bias too) as PyTorch has it by default;
# 2. the norm, for pictures of `out_channels` channels.


# %% nbgrader={"grade_id": "conv_block", "solution": true}
def conv_block(in_channels, out_channels, batch_norm):
    """Convolution, batch norm if asked for, ReLU: (b, in_channels, H, W) -> (b, out_channels, H, W)."""
    layers = [nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1)]  # blank: layers = [...]
    if batch_norm:
        layers.append(nn.BatchNorm2d(out_channels))  # blank: layers.append(...)
    layers.append(nn.ReLU())
    return nn.Sequential(*layers)


# %% [markdown]
# Run the check as often as you like. Stuck? In a new cell: `check.hint("conv_block")`.

# %% nbgrader={"grade_id": "check_conv_block", "grade": true}
check("conv_block")

# %% [markdown]
# Thirteen of your blocks, five poolings and one linear layer make VGG16. Is it the one that torchvision builds? Copy torchvision's weights, parameter by parameter, and compare the outputs.


# %%
def vgg16(width, batch_norm):
    """VGG16 for pictures (b, 3, 32, 32) -> logits (b, 10), with `width` channels in the first layer (64 in the paper)."""
    layers, channels = [], 3
    for step in cfgs["D"]:
        if step == "M":
            layers.append(nn.MaxPool2d(kernel_size=2))
        else:
            layers.append(conv_block(channels, step * width // 64, batch_norm))
            channels = step * width // 64
    network = nn.Sequential()
    network.features = nn.Sequential(*layers)  # (b, 3, 32, 32) -> (b, 8 * width, 1, 1)
    network.flatten = nn.Flatten()  # (b, 8 * width)
    network.head = nn.Linear(channels, 10)  # (b, 10)
    for module in network.modules():  # the first weights as torchvision draws them (He et al. 2015)
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(module.bias)
    return network


def size(model):
    return sum(parameter.numel() for parameter in model.parameters())


if check.ready("conv_block"):
    rows = []
    for name, batch_norm in (("VGG16", False), ("VGG16 with batch norm", True)):
        network = vgg16(64, batch_norm)
        theirs = make_layers(cfgs["D"], batch_norm)
        with torch.no_grad():
            for mine, other in zip(network.features.parameters(), theirs.parameters(), strict=True):
                mine.copy_(other)
            x = torch.randn(2, 3, 32, 32)
            difference = (network.features(x) - theirs(x)).abs().max()
        rows.append((name, f"{size(network):,}", f"{difference:.0e}"))
    rows.append(("VGG16 with batch norm, as trained here", f"{size(vgg16(WIDTH, True)):,}", "–"))
    show.table(rows, ("network", "parameters", "largest difference from torchvision's"))

# %% [markdown]
# ## When to stop
#
# A network with enough parameters can learn its training pictures by heart, which is called **overfitting**. From then on it gets better at them and worse at everything else. To see that moment, keep some training pictures apart, the **validation** pictures, and look at the loss on them after every epoch. The test pictures are not for this: whoever chooses by them has trained on them.
#
# **Early stopping**: end when the validation loss has not improved for `patience` epochs in a row, and go back to the weights that were best.
#
# ## Exercise: the rule
#
# `step` is called after every epoch with the new validation loss. Three blanks, one point each:
#
# 1. `improved`: is this loss lower than the best so far? The same loss again is no improvement.
# 2. `self.waited`: how many epochs in a row have brought no improvement, this one included.
# 3. `stop`: have we waited for `patience` epochs?


# %% nbgrader={"grade_id": "early_stopping", "solution": true}
class EarlyStopping:
    """Says when the validation loss has not improved for `patience` epochs in a row."""

    def __init__(self, patience):
        self.patience = patience
        self.best = float("inf")  # the lowest loss so far
        self.waited = 0  # epochs since then

    def step(self, loss):
        """Take in the loss of one more epoch; returns two bools: is it the best so far, and should we stop?"""
        improved = loss < self.best  # blank: improved = ...
        self.best = min(self.best, loss)
        self.waited = 0 if improved else self.waited + 1  # blank: self.waited = ...
        stop = self.waited >= self.patience  # blank: stop = ...
        return improved, stop


# %% [markdown]
# Stuck? In a new cell: `check.hint("early_stopping")`.

# %% nbgrader={"grade_id": "check_early_stopping", "grade": true}
check("early_stopping")

# %% [markdown]
# ## Your rule at work
#
# To learn by heart quickly, the network gets few pictures. The loop below is all there is to training: batches, loss, backward, step; after the epoch the validation loss, and your rule. The best weights go to the disk each time (as [safetensors](https://huggingface.co/docs/safetensors): numbers and nothing else, so loading them runs no code).

# %%
few, lr = (1000, 1e-3) if real else (300, 3e-3)
rows, kept = train_test_split(
    range(len(train.labels)), train_size=few, test_size=few, stratify=train.labels, random_state=0
)
std, mean = torch.std_mean(train.images[rows].float() / 255, dim=(0, 2, 3))
mean, std = mean.tolist(), std.tolist()  # three numbers each, of the training pictures only
validation = train._replace(images=train.images[kept], labels=train.labels[kept])
best_file = Path("my_vgg") / "best.safetensors"


def train_until_stopped(network, rule):
    """Train on `rows` until the rule says stop; returns training and validation losses, one an epoch."""
    optimizer = torch.optim.AdamW(network.parameters(), lr)
    losses = {"training": [], "validation": []}
    for _ in range(EPOCHS):
        network.train()
        total = 0.0
        for batch in torch.tensor(rows)[torch.randperm(few)].split(50):
            x = normalise(train.images[batch], mean, std).to(device)  # (50, 3, 32, 32)
            loss = F.cross_entropy(network(x), train.labels[batch].to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        losses["training"].append(total / few)
        losses["validation"].append(evaluate(network, validation, mean, std)[0])
        improved, stop = rule.step(losses["validation"][-1])
        if improved:
            checkpoints.save(network.state_dict(), best_file, {"epoch": len(losses["training"])})
        if stop:
            break
    return losses


device = best_device()
if check.ready("conv_block") and check.ready("early_stopping"):
    best_file.parent.mkdir(exist_ok=True)
    torch.manual_seed(0)
    network = vgg16(WIDTH, batch_norm=True).to(device)
    losses = train_until_stopped(network, EarlyStopping(patience=5))
    notes = checkpoints.read(best_file)[1]
    epochs = range(1, len(losses["training"]) + 1)
    show.curves(
        losses,
        f"the training loss ends at {losses['training'][-1]:.3f}; the validation loss was lowest after epoch {notes['epoch']} "
        f"({min(losses['validation']):.3f}) and is {losses['validation'][-1]:.3f} after epoch {len(epochs)}, the last.",
        x=epochs,
        title=f"learning {few} pictures by heart",
        xlabel="epochs",
        ylabel="loss",
        point={"best, saved": (notes["epoch"], min(losses["validation"]))},
    )

# %% [markdown]
# The network in memory has the last weights, the file has the best. Load them into a **new** network: that proves that the file holds everything. Then both meet the test pictures.

# %%
if check.ready("conv_block") and check.ready("early_stopping"):
    reloaded = vgg16(WIDTH, batch_norm=True).to(device)
    checkpoints.load(reloaded, best_file)
    measured = {
        name: evaluate(model, test, mean, std) for name, model in (("last", network), ("best", reloaded))
    }
    show.table(
        [(name, f"{loss:.3f}", f"{accuracy:.1%}") for name, (loss, accuracy) in measured.items()],
        ("weights", "test loss", "test accuracy"),
    )

# %% [markdown]
# "Best" means the lowest validation *loss*: a network that errs with certainty pays for it in the loss, while the accuracy may hardly change.
#
# From here on `helpers.train.fit` trains. It does the same things on all pictures: validation pictures kept apart, best weights kept, `Recipe(patience=...)` to stop early. In addition it lowers the learning rate as the time (with digits, the number of pictures) runs out.
#
# ## With and without batch norm
#
# The same plan, the same first weights for the convolutions, the same minutes (digits: the same number of pictures); one network has batch norm. First the one without.

# %%
prediction = ...  # which one ends higher? "VGG16" or "VGG16 with batch norm"

same_for_all = Recipe(half_size=0, batch_size=128 if real else 32)  # half_size=0: always 32 x 32 pixels
networks, histories = {}, {}


def train_it(name, model):
    """Train for so many minutes or pictures; keep the network, its history, and say how it went."""
    networks[name] = model
    histories[name] = fit(model, train, MINUTES, same_for_all, pictures=PICTURES)
    seen, best = histories[name][-1]["images"], histories[name].best["validation_accuracy"]
    show.says(f"{name}: {best:.1%} of the validation pictures are right after {seen:,} pictures of training.")


if check.ready("conv_block"):
    torch.manual_seed(0)
    train_it("VGG16", vgg16(WIDTH, batch_norm=False))

# %%
if check.ready("conv_block"):
    torch.manual_seed(0)
    train_it("VGG16 with batch norm", vgg16(WIDTH, batch_norm=True))

# %% [markdown]
# Both in one **convergence graph**, over the number of pictures that they have seen:


# %%
LOOKS = {"VGG16 with batch norm": 0, "VGG16": 1, "ViT": 2}  # one colour in all figures


def convergence(names, says, title, x, xlabel):
    """Validation accuracy of some trainings in one figure; `x` says where a point stands."""
    show.curves(
        {name: [entry["validation_accuracy"] for entry in histories[name]] for name in names},
        says,
        x={name: [x(entry) for entry in histories[name]] for name in names},
        title=title,
        xlabel=xlabel,
        ylabel="validation accuracy",
        looks=LOOKS,
        level={"guessing": 0.1},
    )


def pictures_until(history, accuracy):
    """How many pictures a training had seen when it first reached this accuracy, in words."""
    found = [entry["images"] for entry in history if entry["validation_accuracy"] >= accuracy]
    return f"after {found[0]:,} pictures" if found else "never"


if check.ready("conv_block"):
    plain, normed = histories.values()
    goal = 0.9 * max(plain.best["validation_accuracy"], normed.best["validation_accuracy"])
    convergence(
        ["VGG16", "VGG16 with batch norm"],
        f"an accuracy of {goal:.0%} is reached {pictures_until(normed, goal)} with batch norm and "
        f"{pictures_until(plain, goal)} without; the best are {normed.best['validation_accuracy']:.1%} and {plain.best['validation_accuracy']:.1%}.",
        "with and without batch norm",
        lambda entry: entry["images"] / 1000,
        "thousands of pictures seen",
    )
    show.compare(prediction, max(histories, key=lambda name: histories[name].best["validation_accuracy"]))

# %% [markdown]
# Where batch norm learns faster, why? In a plain network every layer has to follow when the ones before it change the size of their outputs; thirteen layers deep a small change grows or dies out. With the norm every layer gets numbers of the same size, before the first step and after the hundredth. Look at untrained networks, whose weights are three times too small:

# %%
if check.ready("conv_block"):
    sizes = {}
    for name, batch_norm in (("VGG16", False), ("VGG16 with batch norm", True)):
        torch.manual_seed(0)
        model = vgg16(WIDTH, batch_norm)
        x = normalise(test.images[:64], mean, std)  # (64, 3, 32, 32)
        sizes[name] = []
        with torch.no_grad():
            for layer in model.features:
                if not isinstance(layer, nn.MaxPool2d):
                    layer[0].weight /= 3
                x = layer(x)
                if not isinstance(layer, nn.MaxPool2d):
                    sizes[name].append(float(x.std()))
    last = [values[-1] for values in sizes.values()]
    show.curves(
        sizes,
        f"with weights three times too small {last[0]:.0e} is left after 13 layers without batch norm, {last[1]:.1f} with it.",
        x=range(1, 14),
        title="size of the numbers through 13 layers",
        xlabel="layer",
        ylabel="standard deviation",
        log="y",
        looks=LOOKS,
    )

# %% [markdown]
# ## The filters of the first layer
#
# A filter of the first layer is 3 x 3 pixels in three colours, so it can be shown as a small picture: grey is zero, a bright colour is wanted, a dark one is not. Below each stands what it makes of one test picture, the one that you see further down: bright where the picture around a place looks like the filter.

# %%
picture = test.images[one_of_each[7]]  # (3, 32, 32)
if check.ready("conv_block"):
    vgg, used = networks["VGG16 with batch norm"].eval(), histories["VGG16 with batch norm"]
    image = normalise(picture[None], used.mean, used.std)[0]  # (3, 32, 32)
    filters = next(vgg.parameters()).detach()  # (WIDTH, 3, 3, 3)
    answers = F.conv2d(image[None], filters, padding=1)[0]  # (WIDTH, 32, 32)
    chosen = answers.flatten(1).std(dim=1).topk(8).indices  # those that vary most

    torch.manual_seed(0)
    at_first = next(vgg16(WIDTH, batch_norm=True).parameters()).detach()
    show.below(
        (filters[chosen] / filters.abs().max() + 1) / 2,  # one scale for all, grey is 0
        answers[chosen],
        f"every filter lights up other parts of the {test.class_names[7]}: areas of one colour, or edges in one direction. "
        f"The training has moved the filters by {(filters - at_first).norm() / at_first.norm():.0%} of their length.",
        titles=[f"filter {int(i)}" for i in chosen],
        label="answer",
    )

# %% [markdown]
# ## Exercise: catch what a layer computes
#
# What comes out *inside* a network is lost as soon as the next layer has it. A **forward hook** keeps it: a function that PyTorch calls each time after a layer has run, with the layer, its inputs and its output. Two blanks, one point each:
#
# 1. in `keep`: put the maps of the one image under the layer's name, shape (channels, H, W), without the dimension of the batch. Keep a **copy** (`clone`): many networks, torchvision's VGG too, have ReLUs that write into the very tensor which you are given.
# 2. `handle`: hook `keep` up to `layer`, so that it runs *after* the layer. The handle is for taking the hook off again, which the last lines do.


# %% nbgrader={"grade_id": "feature_maps", "solution": true}
def feature_maps(network, names, image):
    """What the layers called `names` give for one image (3, H, W): a dict, name -> (channels, H, W)."""
    maps, handles = {}, []
    for name in names:
        layer = network.get_submodule(name)

        def keep(module, inputs, output, name=name):  # output: (1, channels, H, W)
            maps[name] = output[0].clone()  # blank: maps[name] = ...

        handle = layer.register_forward_hook(keep)  # blank: handle = ...
        handles.append(handle)
    with torch.no_grad():
        network(image[None])  # (1, 3, H, W)
    for handle in handles:
        handle.remove()
    return maps


# %% [markdown]
# Stuck? In a new cell: `check.hint("feature_maps")`.

# %% nbgrader={"grade_id": "check_feature_maps", "grade": true}
check("feature_maps")

# %% [markdown]
# ## One test picture on its way through the network
#
# Five of the thirteen blocks, the last one before each pooling. Of each, the eight channels that vary most over the picture.

# %%
if check.ready("conv_block") and check.ready("feature_maps"):
    before_pooling = {"block 2": 1, "block 4": 4, "block 7": 8, "block 10": 12, "block 13": 16}
    names = [f"features.{i}" for i in before_pooling.values()]
    maps = feature_maps(vgg, names, image)

    rows = {}
    for title, name in zip(before_pooling, names):
        channels, height, width = maps[name].shape
        most = maps[name].flatten(1).std(dim=1).topk(8).indices  # channels that vary most
        rows[f"{title}\n{channels} x {height} x {width}"] = maps[name][most]
    with torch.no_grad():
        guess = int(vgg(image[None]).argmax())
    show.layers(
        rows,
        f"the {test.class_names[7]} is still to be seen after block 2, at {maps[names[0]].shape[1]} x {maps[names[0]].shape[2]}; "
        f"each pooling leaves a quarter of the places, and after block 13 there are {maps[names[-1]].shape[1]} x {maps[names[-1]].shape[2]} for each of "
        f"{len(maps[names[-1]])} channels. Each row has its own scale. The network says: {test.class_names[guess]}.",
        photo=picture,
    )

# %% [markdown]
# Early maps are edges and areas of the picture itself; late maps say *that* something is there, hardly where. torchvision has a tool for the same, which rewrites the network instead of hooking it. Do both agree?

# %%
if check.ready("conv_block") and check.ready("feature_maps"):
    with torch.no_grad():
        theirs = create_feature_extractor(vgg, return_nodes=[f"{name}.2" for name in names])(image[None])
    difference = max(
        float((mine - other[0]).abs().max()) for mine, other in zip(maps.values(), theirs.values())
    )
    show.text(f"Largest difference in {len(maps)} layers: {difference:.0e}.")

# %% [markdown]
# ## What does one output see?
#
# The places on which an output depends are its **receptive field**. A convolution looks through a small window, with the **same weights everywhere and for every picture**. Self-attention computes its weights from the picture. It can be kept in a window too: *local* attention, as in [Ramachandran et al. 2019](https://arxiv.org/abs/1906.05909) and, with other formulas, [Hu et al. 2019](https://openaccess.thecvf.com/content_ICCV_2019/html/Hu_Local_Relation_Networks_for_Image_Recognition_ICCV_2019_paper.html). Or it sees everything: *global* attention, which is ViT's.
#
# Computed, not drawn: each picture becomes 16 x 16 places, one output is taken, and the gradient says how much of every place is in it. Nothing is learned here: queries and keys are the colours of a place and its eight neighbours, so alike attends to alike. Which of the three changes with the picture?

# %%
# your guess: a list of those that weigh the second picture otherwise than the first,
# of "convolution", "local", "global", in this order; for instance ["convolution"]
prediction = ...

side, place, reach = 16, (9, 7), 3  # reach: a window of 7 x 7
torch.manual_seed(0)
convolution = nn.Conv2d(3, 1, kernel_size=3, padding=1)
row, column = torch.arange(side * side) // side, torch.arange(side * side) % side
near = (row[:, None] - row).abs().maximum((column[:, None] - column).abs()) <= reach  # (256, 256)


def seen_by_one_output(layer, x):
    """How much of each place of x (1, 3, 16, 16) is in the output at `place`: (16, 16), sums to 1."""
    x = x.clone().requires_grad_()
    layer(x)[0, :, place[0], place[1]].sum().backward()
    weight = x.grad[0].abs().sum(dim=0)  # (16, 16)
    return weight / weight.sum()


def attention(x, mask=None):
    """Self-attention over places, (1, 3, 16, 16) -> (1, 3, 16, 16); mask: which places one may see."""
    around = F.unfold(x.detach(), kernel_size=3, padding=1).mT  # (1, 256, 27): queries and keys
    values = x.flatten(2).mT  # (1, 256, 3)
    alike = F.normalize(around - around.mean(dim=1, keepdim=True), dim=2)  # q · k: the cosine of two places
    return F.scaled_dot_product_attention(alike, alike, values, attn_mask=mask, scale=5).mT.reshape(x.shape)


layers = {
    "convolution 3 x 3": convolution,
    "local attention 7 x 7": lambda x: attention(x, near),
    "global attention": attention,
}
some = test.images[[one_of_each[7], one_of_each[1]]]
places = F.adaptive_avg_pool2d(normalise(some, mean, std), side)  # (2, 3, 16, 16)
seen = [[seen_by_one_output(layer, x[None]) for layer in layers.values()] for x in places]
top = max(float(weights.max()) for weights in seen[0][1:] + seen[1][1:])
counts = [int((weight > 0).sum()) for weight in seen[0]]
moved = [float((a - b).abs().sum() / 2) for a, b in zip(*seen)]


def show_seen(number, says):
    """Where one output looks in this picture, by three layers."""
    show.panels(
        seen[number],
        says,
        titles=list(layers),
        photo=some[number],
        mark=place,
        vmin=0,
        vmax=top,
        label="share",
    )


show_seen(
    0,
    f"one output depends on {counts[0]} places in a convolution, on {counts[1]} in local and on {counts[2]} of {side * side} in global attention. "
    "(The convolution's shares are larger than the scale.)",
)

# %%
show_seen(
    1,
    f"another picture: the convolution's weights move by {moved[0]:.0%}, those of local attention by {moved[1]:.0%}, those of global "
    f"attention by {moved[2]:.0%}.",
)
show.compare(prediction, [name for name, by in zip(("convolution", "local", "global"), moved) if by > 0.01])

# %% [markdown] id="6535b95e"
# A CNN reaches far only through depth: each further 3 x 3 layer adds a ring. That neighbours matter most is built in, and so is that a cat is a cat anywhere: if the picture moves, the maps move with it, which is called **equivariance**. Both are an **inductive bias**. Global attention has to learn it from data, and pays for its freedom with a score for every pair of places.
#
# Can attention replace convolution? Ramachandran et al. (NeurIPS 2019, [Stand-Alone Self-Attention in Vision Models](https://arxiv.org/abs/1906.05909)) put local attention in place of the convolutions of ResNets, on ImageNet. Their numbers, FLOPS in billions, parameters in millions, top-1 accuracy in percent:
#
# | network | ResNet-26 FLOPS | params | acc. | ResNet-38 FLOPS | params | acc. | ResNet-50 FLOPS | params | acc. |
# | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
# | baseline (convolution) | 4.7 | 13.7 | 74.5 | 6.5 | 19.6 | 76.2 | 8.2 | 25.6 | 76.9 |
# | convolution stem + attention | 4.5 | 10.3 | 75.8 | 5.7 | 14.1 | 77.1 | 7.0 | 18.0 | 77.4 |
# | full attention | 4.7 | 10.3 | 74.8 | 6.0 | 14.1 | 76.9 | 7.2 | 18.0 | 77.6 |
#
# With fewer parameters, local attention does as well or better; a convolution for the first layers still helps the smaller two.
#
# ## CNN against ViT
#
# Now a fair race: equal parameters (within 5 %), equal minutes (digits: equal pictures), equal recipe. The CNN is your VGG16 with batch norm from above; the ViT is torchvision's, with patches of 4 x 4 pixels: 64 of them and a class token.

# %%
prediction = ...  # who ends higher? "VGG16 with batch norm" or "ViT"

emb_size, depth, heads = {64: (384, 12, 6), 16: (128, 7, 4), 8: (64, 7, 4)}[WIDTH]
if check.ready("conv_block"):
    torch.manual_seed(0)
    vit = VisionTransformer(
        image_size=32,
        patch_size=4,
        num_layers=depth,
        num_heads=heads,
        hidden_dim=emb_size,
        mlp_dim=2 * emb_size,
        num_classes=10,
    )
    show.text(f"VGG16 {size(vgg):,} parameters, ViT {size(vit):,}: {size(vit) / size(vgg) - 1:+.1%}.")
    train_it("ViT", vit)

# %%
if check.ready("conv_block"):
    last = {name: histories[name][-1] for name in ("VGG16 with batch norm", "ViT")}
    convergence(
        list(last),
        "; ".join(
            f"{name} saw {entry['images']:,} pictures and ends at {entry['validation_accuracy']:.1%}"
            for name, entry in last.items()
        )
        + ".",
        f"CNN and ViT of one size, the same {'minutes' if real else 'pictures'} for both",
        lambda entry: entry["seconds"] / 60 if real else entry["images"] / 1000,
        "minutes" if real else "thousands of pictures seen",
    )
    show.compare(prediction, max(last, key=lambda name: last[name]["validation_accuracy"]))

# %% [markdown]
# Parameters say how much a network can store, not how much it computes. A **MAC** is one multiplication and one addition. PyTorch counts floating-point operations, two for each MAC. Speed is measured on this machine: pictures a second, forward only, on the test pictures.


# %% id="509ef97b"
def macs(model):
    """Multiply-accumulate operations for one picture."""
    # plain attention: a fused one may run uncounted
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model.eval()(torch.zeros(1, 3, 32, 32))
    return counter.get_total_flops() / 2


if check.ready("conv_block"):
    columns = []
    for name in ("VGG16 with batch norm", "ViT"):
        model, history = networks[name].eval(), histories[name]
        operations = macs(model)
        model.to(device)
        batch = normalise(test.images[:250], history.mean, history.std).to(device)
        with torch.no_grad():
            model(batch)  # the first call takes longer
            start = time.perf_counter()
            model(batch).sum().item()  # a number that is asked for has been computed
            speed = len(batch) / (time.perf_counter() - start)
        loss, accuracy = evaluate(model, test, history.mean, history.std)
        model.cpu()
        columns.append(
            {
                "test accuracy": f"{accuracy:.1%}",
                "parameters": f"{size(model):,}",
                "MACs for one picture": f"{operations / 1e6:.1f} million",
                "pictures a second, forward": f"{speed:,.0f}",
                "pictures seen in training": f"{history[-1]['images']:,}",
                "minutes of training": f"{history[-1]['seconds'] / 60:.2f}",
            }
        )
    show.table(
        [(line, *(column[line] for column in columns)) for line in columns[0]],
        ("measured", "VGG16 with batch norm", "ViT"),
    )

# %% [markdown]
# Two things decide such a race. *Work*: the ViT computes at full width for 65 tokens in every block, while the CNN halves its maps again and again; so at equal parameters the ViT makes more MACs: it sees fewer pictures in the same time, or takes longer for the same pictures. *Bias*: with few pictures the CNN's built-in window is worth more than freedom. [Dosovitskiy et al. 2021](https://arxiv.org/abs/2010.11929) found the same on a large scale: trained on ImageNet alone ViT stayed below ResNets of its size, pre-trained on 300 million pictures it went past them. `MINUTES` and `FULL` above are yours to change.
#
# ## Change it and see: move the pictures
#
# Both networks were trained on pictures in their place (CIFAR-10: shifted by a few pixels at most). Now the *test* pictures move to the right, by 0 to 8 of their 32 pixels, and what goes out on the right comes in on the left. Nothing is trained for this. How far can they move until VGG16 has lost a tenth of its right answers?

# %%
prediction = ...  # your guess: 1, 2, 4, 8, or "further than 8"

if check.ready("conv_block"):
    distances, right = (0, 1, 2, 4, 8), {}
    for name in ("VGG16 with batch norm", "ViT"):
        history = histories[name]
        right[name] = [
            evaluate(
                networks[name],
                test._replace(images=test.images.roll(pixels, dims=3)),
                history.mean,
                history.std,
            )[1]
            for pixels in distances
        ]
    show.curves(
        right,
        "moved by 8 pixels, "
        + " and ".join(f"{name} goes from {each[0]:.1%} to {each[-1]:.1%}" for name, each in right.items())
        + f", on {len(test.labels):,} pictures.",
        x=distances,
        title="test pictures that have moved",
        xlabel="pixels to the right",
        ylabel="test accuracy",
        looks=LOOKS,
        level={"guessing": 0.1},
    )
    vgg_right = right["VGG16 with batch norm"]
    lost = [pixels for pixels, share in zip(distances, vgg_right) if share < 0.9 * vgg_right[0]]
    show.compare(prediction, lost[0] if lost else "further than 8")

# %% [markdown] id="6d94592c"
# Equivariance says that the *maps* of a convolution move along. Whether the *answer* stays the same is another question: what comes out of a pooling moves along only if the picture moves by whole steps of the pooling (2, 4, 8, ... pixels), and the last layers have learned where things usually are. A ViT cuts the moved picture into other patches, unless it moves by whole patches (here 4 pixels), and even then each patch meets the position of another. Read its line only if it starts well above guessing: who knows little has little to lose. One training each: take small differences for noise.
#
# ## What you have learned
#
# - Early stopping keeps the weights that were best on pictures kept apart, and saves the time after them.
# - Batch norm keeps the numbers in every layer at one size, and a deep CNN learns faster with it.
# - A convolution sees a fixed window with fixed weights, attention weighs by content; equal parameters do not mean equal work, and built-in knowledge can be tested: move the pictures.
#
# ## Going further
#
# - Simonyan and Zisserman 2015, [Very Deep Convolutional Networks](https://arxiv.org/abs/1409.1556); Ioffe and Szegedy 2015, [Batch Normalization](https://arxiv.org/abs/1502.03167); Santurkar et al. 2018, [How Does Batch Normalization Help Optimization?](https://arxiv.org/abs/1805.11604), which doubts the usual explanation.
# - Zeiler and Fergus 2014, [Visualizing and Understanding Convolutional Networks](https://arxiv.org/abs/1311.2901); Raghu et al. 2021, [Do Vision Transformers See Like Convolutional Neural Networks?](https://arxiv.org/abs/2108.08810)
# - Next: [Inside a pretrained ViT](../4_inside_a_pretrained_vit/inside_a_pretrained_vit.ipynb)
