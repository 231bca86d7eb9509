# %% [markdown] id="07289b93"
# # Q6 · Residual block
#
# Let every layer add to its input instead of replacing it, and see what that does to a network of 50 layers.
#
# **When you are done you can**
#
# - write the residual block that wraps both halves of an encoder block;
# - explain with a picture why gradients survive in deep networks that have it;
# - avoid the in-place `+=` that silently changes other people's tensors.
#
# **Time and hardware**: about 35 minutes of yours, and the whole notebook computes for less than 8 seconds on two CPU cores; no GPU, no download.
#
# **Before you start**: `nn.Module` with `__init__` and `forward`; what a gradient is, and the chain rule. Of Q5 only that attention keeps the shape of its tokens; none of your code is needed.
#
# **Do you remember?** Answer first, then open.
#
# <details><summary>1. Which shape does attention give back for tokens of shape (b, 65, 192)?</summary>
#
# The same, (b, 65, 192): so what comes out can be added to what went in (Q5).
#
# </details>
# <details><summary>2. What is the derivative of f(g(x)), in words?</summary>
#
# The derivative of f times that of g: in a chain of layers the derivatives are multiplied.
#
# </details>
# <details><summary>3. What is a gradient used for in training?</summary>
#
# It says how a small change of each number would change the loss; the optimizer takes a step against it.
#
# </details>

# %% tags=["setup"] id="8e56a7f2"
import torch
from torch import nn

from helpers import check, show

torch.manual_seed(0)
print("Ready.")

# %%
show.diagram("course_map", here="q6")

# %% [markdown]
# ## What goes wrong in a deep network?
#
# Fifty layers, each a small `Linear` and a `Tanh`, one after the other. A loss at the end, one backward pass. (`Tanh` is the **activation function**: without one between them, fifty linear layers are one.) How large is the gradient that arrives at each depth? Predict how many powers of ten it loses on its way from the end to layer 0.

# %%
prediction = ...  # a whole number, for instance 2 if a hundredth is left

layers = [nn.Sequential(nn.Linear(32, 32), nn.Tanh()) for _ in range(50)]
batch = torch.randn(8, 32)


def gradient_sizes(modules):
    """Length of the gradient that arrives in front of each layer, and at the end: 51 numbers."""
    x = batch.clone().requires_grad_()
    stops = [x]
    for module in modules:
        x = module(x)  # (8, 32)
        x.retain_grad()
        stops.append(x)
    x.square().mean().backward()
    return torch.stack([stop.grad.norm() for stop in stops])  # (51,)


plain = gradient_sizes(layers)
rows = [
    (f"in front of layer {depth}" if depth < 50 else "at the end", f"{plain[depth]:.0e}")
    for depth in range(50, -1, -10)
]
show.table(rows, ["gradient", "length"])
show.compare(prediction, round(float((plain[50] / plain[0]).log10())))

# %% [markdown]
# Every layer multiplies the gradient by its own derivative, here a factor below 1; fifty such factors leave nothing, and the first layers never learn. The way out is one plus sign.
#
# ## The idea
#
# Leave the input on a straight road past the layer, and let the layer only say **what to add**:
#
# $$y = x + f(x) \qquad\qquad \frac{\partial y}{\partial x} = 1 + \frac{\partial f}{\partial x}$$
#
# The 1 is the point. The gradient of $y$ reaches $x$ whole by the straight road, and something is added to it through $f$. (Added, with its sign: with $f(x) = -x$ nothing would be left. A layer that starts with small weights is far from that.) And a layer that has nothing to say yet ($f = 0$) does no harm: it lets $x$ through unchanged. [He et al. 2016](https://arxiv.org/abs/1512.03385) called $f$ the *residual*, that which is left to add, and trained networks of 152 layers with it.
#
# Find the two orange roads in ViT's encoder block, and where they end:

# %%
show.diagram("encoder_block")

# %% [markdown]
# Each half of the block is the same thing, x plus something of x. So one small class serves both: it is given any module `fn` and adds `x` to what `fn` gives. For that, `fn` must give back the shape that it took in: (b, 65, 192) on every arrow that meets a plus.
#
# ## Exercise Q6
#
# One blank, one point. `forward` returns the sum of `x` and of `x` after `self.fn`. Four things to keep in mind; the check looks at each:
#
# - hand `**kwargs` on to `self.fn`: that is how, say, a mask reaches an attention module inside;
# - call `self.fn` **once**: with dropout in it (a layer that sets random numbers to 0 while the model is trained), two calls give two different answers;
# - make a **new** tensor: nothing in place, no `+=`, so `x` is after the call what it was before;
# - no `detach` and no `no_grad`: gradients flow on both roads.


# %% nbgrader={"grade_id": "q6_residual_add", "solution": true}
class ResidualAdd(nn.Module):
    """x plus fn of x, for any module `fn` that keeps the shape."""

    def __init__(self, fn):
        super().__init__()
        self.fn = fn

    def forward(self, x, **kwargs):
        out = x + self.fn(x, **kwargs)  # blank: out = ...
        return out


# %% [markdown]
# Run the check as often as you like. Stuck? In a new cell: `check.hint("q6_residual_add")`.

# %% nbgrader={"grade_id": "check_q6_residual_add", "grade": true}
check("q6_residual_add")

# %% [markdown]
# ## Three small trials
#
# With a function that returns its input, with a layer that is all zeros, and with one that takes a keyword argument. Predict the three results for x = (1, 2, 3).


# %%
class Times(nn.Module):
    def forward(self, x, factor=1):
        return x * factor


predictions = ..., ..., ...  # three lists, for instance [1, 2, 3]

if check.ready("q6_residual_add"):
    x = torch.tensor([1.0, 2.0, 3.0])
    silent = nn.Linear(3, 3)
    nn.init.zeros_(silent.weight)
    nn.init.zeros_(silent.bias)
    trials = {
        "fn = Identity": ResidualAdd(nn.Identity())(x),
        "fn = Linear, all zeros": ResidualAdd(silent)(x),
        "fn = Times, factor=10": ResidualAdd(Times())(x, factor=10),
    }
    for prediction, (name, result) in zip(predictions, trials.items()):
        show.compare(prediction, [int(number) for number in result], name)

# %% [markdown]
# ## Fifty layers again
#
# The very same 50 layers with the same weights, each one now inside your `ResidualAdd`.

# %%
if check.ready("q6_residual_add"):
    residual = gradient_sizes([ResidualAdd(layer) for layer in layers])
    show.curves(
        {"without residual": plain, "with residual": residual},
        f"at the input {plain[0]:.0e} is left without residuals and {residual[0]:.1f} with them; the loss is on the right.",
        title="gradient size through 50 layers",
        xlabel="depth (0: the input, 50: the output)",
        ylabel="gradient norm (log scale)",
        log="y",
    )
    show.text(
        f"With residuals the gradient even grows on its way back, from {residual[50]:.2f} to {residual[0]:.2f}: at every "
        "layer the road through f adds a little to the straight one. 50 such layers are no trouble; in deeper or wider "
        "networks it becomes one, and normalisation (Q7) holds it down."
    )

# %% [markdown]
# The way forward profits as well. Send two different inputs through the network: how different are they at each depth?


# %%
def differences(modules):
    """Distance of two inputs at each depth, as a part of their size: 51 numbers."""
    a, b = batch, batch + 0.1 * torch.randn(8, 32, generator=torch.Generator().manual_seed(1))
    sizes = [(a - b).norm() / a.norm()]
    with torch.no_grad():
        for module in modules:
            a, b = module(a), module(b)  # (8, 32) each
            sizes.append((a - b).norm() / a.norm())
    return torch.stack(sizes)  # (51,)


if check.ready("q6_residual_add"):
    forgets, keeps = differences(layers), differences([ResidualAdd(layer) for layer in layers])
    show.curves(
        {"without residual": forgets, "with residual": keeps},
        f"after 50 layers the two inputs differ by {forgets[-1]:.0e} of their size without residuals, by {keeps[-1]:.2f} with them (at the start: {keeps[0]:.2f}).",
        title="how different two inputs still are",
        xlabel="depth (0: the input, 50: the output)",
        ylabel="relative distance (log scale)",
        log="y",
    )

# %% [markdown]
# Without the straight road the deep network gives the same answer to everything (what is left is rounding). Normalisation helps too; ViT uses both, and Q7 puts a `LayerNorm` in front of each `fn`.
#
# ## The trap: `+=`
#
# `x += y` looks like `x = x + y`, but for tensors it writes into the memory of `x`, and whoever else holds `x` finds it changed. A module that does so:


# %%
class InPlaceAdd(nn.Module):
    def __init__(self, fn):
        super().__init__()
        self.fn = fn

    def forward(self, x):
        x += self.fn(x)
        return x


x = torch.tensor([1.0, 2.0, 3.0])
before = x.tolist()
InPlaceAdd(nn.Identity())(x)
show.text(f"x before: {before}; x after: {x.tolist()}.")

# %% [markdown]
# The caller never asked for that. In training, PyTorch often notices, because the backward pass needs the old values:

# %%
for name, module in (("Linear", nn.Linear(3, 3)), ("Tanh", nn.Tanh())):
    x = torch.randn(2, 3, requires_grad=True)
    try:
        InPlaceAdd(module)(x * 1).sum().backward()
        show.text(f"{name}: no complaint.")
    except RuntimeError as error:
        show.text(f"{name}: {str(error).split(':')[0].split('; ')[0]}.")

# %% [markdown]
# *Often*, not always: for `Tanh` the old `x` is not needed, so nothing is said, and the caller's tensor is changed all the same.
#
# `out = self.fn(x)` followed by `out += x` is safe only while `fn` returns a tensor of its own. Not every module does:

# %%
x = torch.randn(2, 3)
for name, module in (
    ("Linear", nn.Linear(3, 3)),
    ("Identity", nn.Identity()),
    ("Dropout in eval mode", nn.Dropout().eval()),
):
    same = module(x).data_ptr() == x.data_ptr()
    show.text(f"{name}: gives {'back the memory of x itself' if same else 'a new tensor'}.")

# %% [markdown]
# A plus sign makes a new tensor and has none of these problems.
#
# ## In the encoder block
#
# The first plus of the block, with PyTorch's own attention as `fn`. The mask travels through your `**kwargs`; here it hides the last two tokens.


# %%
class SelfAttention(nn.Module):
    def __init__(self, emb_size, num_heads):
        super().__init__()
        self.norm = nn.LayerNorm(emb_size)
        self.attention = nn.MultiheadAttention(emb_size, num_heads, batch_first=True)

    def forward(self, x, mask=None):
        x = self.norm(x)
        return self.attention(x, x, x, key_padding_mask=mask, need_weights=False)[0]  # (b, n, emb_size)


if check.ready("q6_residual_add"):
    block = ResidualAdd(SelfAttention(emb_size=12, num_heads=3))
    tokens = torch.randn(2, 5, 12)
    hidden = torch.tensor([[False, False, False, True, True]] * 2)  # (2, 5): True is not looked at
    with torch.no_grad():
        everything, masked = block(tokens), block(tokens, mask=hidden)
    show.text(
        f"Shape in: {tuple(tokens.shape)}; shape out: {tuple(everything.shape)}. "
        f"Largest change by the mask: {(everything - masked).abs().max():.2f}."
    )

# %% [markdown]
# ## What you have learned
#
# - A residual block gives x + f(x): f says what to add, and f = 0 is harmless.
# - The derivative is 1 plus that of f, so gradients reach the first of many layers.
# - `+=` writes into its left tensor, which may belong to somebody else.
#
# ## Going further
#
# - He et al. 2016, [Deep Residual Learning for Image Recognition](https://arxiv.org/abs/1512.03385), and [Identity Mappings in Deep Residual Networks](https://arxiv.org/abs/1603.05027): why nothing should stand on the straight road.
# - Veit et al. 2016, [Residual Networks Behave Like Ensembles of Relatively Shallow Networks](https://arxiv.org/abs/1605.06431).
# - Next: [Q7 · Encoder block](q7_encoder_block.ipynb), where two of these make the block.
