"""Q3: one learned token in front of the patch tokens (Dosovitskiy et al. 2021, section 3.1, after BERT's [CLS])."""

import numpy as np
import torch

from helpers.checks.arrays import Arrays, Case, tensor, to_array, weights
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import errors, properties, values
from helpers.observers.q3_class_token import GRADIENT, OUT, PATCHES, REACHED, TOKENS, observer


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    return [
        {
            "in_channels": channels,
            "patch_size": patch,
            "emb_size": emb,
            "x": tensor(rng, batch, channels, height, width),
            "token": tensor(rng, emb),
            # weighs the output in the loss whose gradient is looked at; the same for all tokens of an image
            "loss": tensor(rng, batch, 1, emb),
            "seed": int(rng.integers(1000)),
            "label": f"{batch} images of {channels} x {height} x {width}, patch_size={patch}, emb_size={emb}",
        }
        for batch, channels, patch, emb, height, width in ((2, 3, 4, 7, 8, 12), (5, 2, 3, 11, 6, 12))
    ]


def expected(case: Case) -> Arrays:
    """`F.conv2d` with the same weights, laid behind the token in a tensor of zeros; the gradient is the loss summed."""
    x, p, emb = case["x"], case["patch_size"], case["emb_size"]
    kernel = weights("projection.0.weight", (emb, x.shape[1], p, p), case["seed"])
    bias = weights("projection.0.bias", (emb,), case["seed"])
    patches = torch.nn.functional.conv2d(x, kernel, bias, stride=p).flatten(2).mT  # (b, n, e)
    out = torch.nn.functional.pad(patches, (0, 0, 1, 0))
    out[:, 0] += case["token"]
    return {
        OUT: to_array(out, OUT),
        PATCHES: to_array(patches, PATCHES),
        GRADIENT: to_array(case["loss"].sum((0, 1)), GRADIENT),
        TOKENS: to_array(given(case)["# the pattern"], TOKENS),
        REACHED: np.array(1.0),
    }


# The output is compared with the student's own `self.projection(x)`: how the patches are made is not asked here.


def tokens_found(seen: Arrays, case: Case) -> np.ndarray:
    """(b, tokens) bool: which rows of the output are the class token; empty if the output is no batch of sequences."""
    out = seen[OUT]
    if out.ndim != 3 or (out.shape[0], out.shape[2]) != (len(case["x"]), case["emb_size"]):
        return np.zeros((0, 0), bool)
    return np.isclose(out, to_array(case["token"], "token"), rtol=1e-4, atol=1e-5).all(-1)


def added(seen: Arrays, case: Case) -> bool:
    """The token was added to each patch."""
    token = to_array(case["token"], "token")
    return exercise.close(seen[OUT], seen[PATCHES] + token)


def repeated(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    """Every image has the token once, wherever it stands, and training can reach it."""
    if added(seen, case):
        return bool(np.abs(seen[GRADIENT]).max() > 1e-6)
    found = tokens_found(seen, case)
    return (
        bool(len(found))
        and bool((found.sum(1) == 1).all())
        and exercise.close(seen[GRADIENT], wanted[GRADIENT])
    )


def in_front(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    """One row, then the patches in order."""
    out, patches = seen[OUT], seen[PATCHES]
    return out.shape == wanted[OUT].shape and exercise.close(out[:, 1:], patches)


def whole(change):
    """The output is `change(token rows (b, 1, e), patches (b, n, e))`."""

    def when(seen: Arrays, wanted: Arrays, case: Case) -> bool:
        row = np.broadcast_to(to_array(case["token"], "token"), (len(case["x"]), 1, case["emb_size"]))
        return exercise.close(seen[OUT], change(row, seen[PATCHES]))

    return when


def front_is(seen: Arrays, row: np.ndarray) -> bool:
    return seen[OUT].ndim == 3 and seen[OUT].shape[1] > 0 and exercise.close(seen[OUT][:, 0], row)


def unreached(seen: Arrays) -> bool:
    return not np.abs(seen[GRADIENT]).max() > 1e-6


def rows_alike(seen: Arrays, wanted: Arrays) -> bool:
    """Patches right, and the front row is the same for every image."""
    return seen[OUT].shape == wanted[OUT].shape and bool(np.allclose(seen[OUT][:, :1], seen[OUT][:1, :1]))


misconceptions = (
    *properties({
        "at-the-end: the class token stands behind the patches: it comes first, so the list in torch.cat starts with it.":
            whole(lambda t, x: np.concatenate((x, t), 1)),
        "added: the class token is added to every patch: it should become a token of its own, so join the two with torch.cat.":
            lambda seen, wanted, case: added(seen, case),
        "one-per-patch: the class token is repeated once for every patch: each image gets one.":
            whole(lambda t, x: np.concatenate((t.repeat(x.shape[1], 1), x), 1)),
        "several: an image gets the class token more than once: each image gets one.":
            lambda seen, wanted, case: bool((tokens_found(seen, case).sum(1) > 1).any()),
        "patches-lost: the class token is all that is left: the patches belong behind it.":
            whole(lambda t, x: t),
        "not-joined: the class token is made and not used: the output is the patches alone.":
            whole(lambda t, x: x),
        "first-patch-overwritten: the class token takes the place of the first patch: the sequence should grow by one.":
            whole(lambda t, x: np.concatenate((t, x[:, 1:]), 1)),
        "no-gradient: the class token is cut off from training (`.data`, `.detach()`, no_grad, a copy): use self.cls_token itself, so that its gradient arrives.":
            lambda seen, wanted, case: unreached(seen) and exercise.close(seen[OUT], wanted[OUT]),
        "zeros: the first token is all zeros, not self.cls_token: nothing can be learned there.":
            lambda seen, wanted, case: unreached(seen) and front_is(seen, 0 * wanted[OUT][:, 0]),
        "ones: the first token is all ones, not self.cls_token: nothing can be learned there.":
            lambda seen, wanted, case: unreached(seen) and front_is(seen, 0 * wanted[OUT][:, 0] + 1),
        "mean-in-front: the first token is the mean of the patches: self.cls_token belongs there, which no patch has a part in.":
            lambda seen, wanted, case: front_is(seen, seen[PATCHES].mean(1)),
        "different-tokens: the images get different first tokens: all begin with the same one, self.cls_token.":
            lambda seen, wanted, case: in_front(seen, wanted, case) and not rows_alike(seen, wanted),
        "other-token: a new tensor is made for the first token: repeat self.cls_token itself, or training cannot reach it.":
            lambda seen, wanted, case: unreached(seen) and in_front(seen, wanted, case),
        "batch-in-a-row: the images were laid one behind the other: (batch, tokens, features) should come out.":
            lambda seen, wanted, case: seen[OUT].ndim != 3,
    }),
    *values({
        "not-repeated: the token is not repeated along the batch: torch.cat needs as many tokens as there are images, in the first axis.":
            lambda case: {TOKENS: to_array(case["token"].reshape(1, 1, -1), TOKENS)},
    }),
    *errors({
        "cat-the-batch: the two are joined along the batch (dim 0): the sequence of tokens is dim 1.": "except in dimension 0",
        "cat-the-features: the two are joined along the features (the last dim): the sequence of tokens is dim 1.": "except in dimension 2",
        "not-repeated: the token is not repeated along the batch: torch.cat needs as many tokens as there are images, in the first axis.": r"except in dimension 1\. Expected size (1 but got size [25]|[25] but got size 1) ",
        "features-moved: the token's features are not in its last axis: (batch, 1, features) is what stands beside the patches.": r"except in dimension 1\. Expected size (1 but got size (7|11)|(7|11) but got size 1) ",
        "wrong-count: the token is repeated another number of times than there are images: the batch size changes from call to call (the last batch is often smaller), so use `b`.": "except in dimension 1",
        "axes-merged: the repeated token has not three axes: torch.cat needs (batch, 1, features) beside (batch, patches, features).": "must have same number of dimensions",
        "cat-wants-a-list: torch.cat is given two tensors: it takes one list of tensors.": r"cat\(\)",
        "stacked: torch.stack makes a new axis: torch.cat joins along one that is there.": "stack expects",
        "no-size: the pattern has a new letter whose size was not passed along, as in `repeat(image, pattern, n=2)`.": "Specify sizes for new axes|Could not infer sizes",
        "letter-lost: a letter on the left does not come back on the right: an axis of length 1 that goes is written `()`.": "Unexpected identifiers on the left side|Identifiers only on one side",
        "axes-on-the-left: the left side has another number of axes than self.cls_token: it has three, (1, 1, emb_size).": r"KeyError: '?3'?|Wrong shape: expected",
        "not-length-one: the pattern or its sizes do not fit self.cls_token, whose shape is (1, 1, emb_size).": r"Shape mismatch|Length of unnamed axis|Non-unitary",
        "no-arrow: the pattern has no `->` between its left and its right side.": "not enough values to unpack",
        "size-unused: a size is passed along for a letter that the pattern does not have.": "is not used in transform",
    }),
)  # fmt: skip


def place(key: str, index: tuple[int, ...], case: Case) -> str:
    if key == OUT and len(index) == 3:
        return f"image {index[0]}, token {index[1]}, feature {index[2]} of the output"
    return f"{key}, number {index[-1]}," if index else key


def given(case: Case) -> dict:
    token = case["token"].reshape(1, 1, -1)
    return {"# the pattern": token.repeat_interleave(len(case["x"]), dim=0)}


parts = (
    Part(
        "one class token for every image",
        1,
        (OUT, GRADIENT),
        agrees=repeated,
        blank="# the pattern",
        alone=(TOKENS, REACHED),
    ),
    Part("the class token in front of the patches", 1, (OUT,), agrees=in_front, blank="x = ..."),
)
hints = (
    "Write down the shapes: self.cls_token is (1, 1, e), x is (b, n, e). To stand beside x, the token has to be (b, 1, e).",
    "The first axis of the token has length 1 and should become b. In einops an axis of length 1 that goes away is written `()`; "
    "the size of the new letter is passed along behind the pattern.",
    "Left of the arrow: `()`, a letter for the axis that stays 1, a letter for the features. Right: b in place of the `()`, "
    "then the same two letters; and b=b behind it. Then torch.cat takes a list of two tensors, the class tokens first, and dim=1.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, place, given=given)
