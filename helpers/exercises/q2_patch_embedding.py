"""Q2: an image cut into patches, each mapped to a token by one linear layer (Dosovitskiy et al. 2021, section 3.1).

The order of the patches and of the pixels in a patch is the student's choice, and so is the way (Conv2d, unfold, ...),
so nothing is compared with fixed values. The module is *asked* instead: one number of the image is changed at a time,
and the tokens that answer are those that read it.
"""

import functools
from collections.abc import Callable

import numpy as np
import torch

from helpers.checks.arrays import Arrays, Case, tensor
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import errors, properties, values
from helpers.observers.q2_patch_embedding import observer, reading

# what the observed numbers are called in messages
NAMES = {
    "axes": "the number of axes of the output",
    "tokens": "the output's shape without the last axis, (images, tokens):",
    "numbers": "how many numbers of the image a token reads",
    "height": "the height in pixels of what a token reads",
    "width": "the width in pixels of what a token reads",
    "channels": "how many channels a token reads",
    "images": "how many images a token reads",
    "readers": "how many tokens read each number of the image",
    "same weights": "whether all tokens use the same weights (1 for yes)",
    "affine": "whether the map is linear plus a bias (1 for yes)",
    "in_features": "the first number of nn.Linear",
    "out_features": "the second number of nn.Linear",
}
READING = tuple(NAMES)[:-2]


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    return [
        {
            "in_channels": channels,
            "patch_size": patch,
            "emb_size": emb,
            "x": tensor(rng, 2, channels, height, width),
            "seed": int(rng.integers(1000)),
            "label": f"in_channels={channels}, patch_size={patch}, emb_size={emb} "
            f"and 2 images of {channels} x {height} x {width}",
        }
        for channels, patch, emb, height, width in ((3, 4, 7, 8, 12), (2, 3, 23, 6, 12))
    ]


def expected(case: Case) -> Arrays:
    """What holds for `nn.Conv2d` with kernel = stride = patch, the library's own patch embedding."""
    b, c = case["x"].shape[:2]
    p, emb = case["patch_size"], case["emb_size"]
    kernel = torch.zeros(emb, c, p, p)
    rows, columns = torch.nn.functional.conv2d(case["x"], kernel, stride=p).shape[2:]
    values = {
        "axes": 3,
        "tokens": (b, rows * columns),
        "numbers": kernel[0].numel(),
        "height": p,
        "width": p,
        "channels": c,
        "images": 1,
        "readers": 1,
        "same weights": 1,
        "affine": 1,
        "in_features": kernel[0].numel(),
        "out_features": emb,
    }
    return {key: np.array(value, float) for key, value in values.items()}


# The image is seen as (b, c, rows, p, columns, p), axes 0..5; a mistake cuts it in another way, or puts
# these six axes elsewhere.


def cut_like(order: tuple[int, ...], merge: tuple[int, ...], far: str = "") -> Callable[[Case], Arrays]:
    """What is read when the six axes are put in this order and merged in runs of these lengths.

    `far`: "h", "w" or "hw" where the split takes every so-manieth pixel instead of neighbours.
    """

    @functools.cache  # who reads what hangs on the sizes alone
    def read(shape: torch.Size, p: int) -> Arrays:
        def stage(x: torch.Tensor) -> torch.Tensor:
            six = x.unflatten(3, (p, -1) if "w" in far else (-1, p))
            six = six.unflatten(2, (p, -1) if "h" in far else (-1, p))
            six = six.transpose(2, 3) if "h" in far else six
            six = six.transpose(4, 5) if "w" in far else six
            six = six.permute(order)
            for axis, run in enumerate(merge):
                six = six.flatten(axis, axis + run - 1)
            return six

        seen = reading(stage, torch.zeros(shape))
        return {key: seen[key] for key in READING}

    return lambda case: read(case["x"].shape, case["patch_size"])


def sizes(**rules: Callable[[Case], float]) -> Callable[[Case], Arrays]:
    """Values for wrong numbers in nn.Linear: in_features or out_features by a rule."""
    return lambda case: {key: np.array(float(rule(case))) for key, rule in rules.items()}


def patches(case: Case) -> int:
    return int(expected(case)["tokens"][1])


def from_img_size(case: Case) -> set[float]:
    """Sizes that hang on the side of the image."""
    side, patch, channels = case["x"].shape[2], case["patch_size"], case["in_channels"]
    grid = side // patch
    found = {side, side**2, channels * side, channels * grid, channels * grid**2, channels * patch * side}
    return {float(size) for size in found}


FAR = "each patch collects pixels that lie far apart"
SPLIT = "in a bracket on the left the last letter runs fastest, so the one that walks inside the patch stands last."

misconceptions = (
    # the pattern
    *values({
        f"far-apart: {FAR}: {SPLIT}": cut_like((0, 2, 4, 1, 3, 5), (1, 2, 3), "hw"),
        f"far-apart-rows: {FAR} in the height: {SPLIT}": cut_like((0, 2, 4, 1, 3, 5), (1, 2, 3), "h"),
        f"far-apart-columns: {FAR} in the width: {SPLIT}": cut_like((0, 2, 4, 1, 3, 5), (1, 2, 3), "w"),
        "channels-as-tokens: each colour of a patch becomes a token of its own: the channels belong to the features, with the pixels.":
            cut_like((0, 1, 2, 4, 3, 5), (1, 3, 2)),
        "features-first: tokens and features are swapped: (batch, tokens, features) is asked, and the features come last.":
            cut_like((0, 1, 3, 5, 2, 4), (1, 3, 2)),
        "pixels-as-tokens: a token holds one pixel of every patch: the places inside a patch belong to the features, the patches to the tokens.":
            cut_like((0, 3, 5, 1, 2, 4), (1, 2, 3)),
        "one-token-a-pixel: every pixel is a token and its channels are the features: the places inside a patch belong to the features.":
            cut_like((0, 2, 4, 3, 5, 1), (1, 4, 1)),
        "rows-as-tokens: a whole row of patches becomes one token: rows and columns of patches together count the tokens.":
            cut_like((0, 2, 1, 3, 4, 5), (1, 1, 4)),
        "columns-as-tokens: a whole column of patches becomes one token: rows and columns of patches together count the tokens.":
            cut_like((0, 4, 1, 2, 3, 5), (1, 1, 4)),
    }),
    *properties({
        "patches-in-the-batch: the patches are put into the batch axis: the batch stays alone in front, the patches are the second axis.":
            lambda seen, wanted, case: seen["tokens"][0] == wanted["tokens"].prod(),
    }),
    *values({
        "batch-swapped: batch and patches are swapped: the batch is the first axis.":
            cut_like((2, 4, 0, 1, 3, 5), (2, 1, 3)),
        "grid-kept: rows and columns of patches are kept as two axes: put both into one bracket, so that there is one sequence.":
            cut_like((0, 2, 4, 1, 3, 5), (1, 1, 1, 3)),
    }),
    *properties({
        "channels-apart: the channels are kept as an axis of their own: they belong into the features, with the pixels of the patch.":
            lambda seen, wanted, case: seen["axes"] == 4 and seen["channels"] == 1,
    }),
    *properties({
        "pixels-apart: the pixels of a patch are kept as axes of their own: put them and the channels into one bracket, which makes one axis.":
            lambda seen, wanted, case: seen["axes"] == 5,
        "no-token-axis: the output has no axis of tokens: nothing is averaged or flattened over the patches, (b, tokens, emb_size) is asked.":
            lambda seen, wanted, case: seen["axes"] == 2,
        # by a convolution
        "conv-not-flattened: the output is still the convolution's, (b, emb_size, rows, columns): rows and columns become one axis, the tokens, and emb_size comes last.":
            lambda seen, wanted, case: seen["axes"] == 4 and seen["tokens"][1] == case["emb_size"],
        "conv-not-moved: the numbers of a token stand in front of the tokens: (b, tokens, emb_size) is asked.":
            lambda seen, wanted, case: seen["axes"] == 3 and seen["tokens"][1] == case["emb_size"],
        "no-stride: the patches overlap: a window that cuts patches makes steps as long as it is wide (a convolution's stride is 1 if nothing is said).":
            lambda seen, wanted, case: seen["readers"] > 1 and all(seen[key] == wanted[key] for key in ("height", "width", "channels")),
        "patch-of-4: patches of 4 x 4 pixels are cut whatever patch_size is: use the argument.":
            lambda seen, wanted, case: seen["height"] == seen["width"] == 4 and seen["channels"] == wanted["channels"],
        "some-unread: some numbers of the image reach no token: patches lie side by side, without padding, and the steps are as long as a patch.":
            lambda seen, wanted, case: seen["readers"] == 0,
        "averaged: the pixels of a patch do not have a weight each (so it is when they are averaged first), or the tokens do not share theirs: all numbers of a patch go into the one Linear.":
            lambda seen, wanted, case: not seen["same weights"] and seen["affine"] and all(
                exercise.same(seen, wanted, key) for key in ("axes", "tokens", "numbers", "readers", "images")),
    }),
    *errors({
        "grid-fixed: the number of patches is passed along, worked out from img_size as if every image were that size and square: einops finds it out by itself, from p1 and p2.": r"Shape mismatch, \d+ != \d+",
        "numbers-in-the-pattern: numbers stand in the pattern: it holds names, and their sizes are passed along.": "Non-unitary",
        "channels-last: the left side expects the channels last: our images are (b, c, h, w).": "can't divide axis",
        "axes-on-the-left: the left side has another number of axes than the image: it has four, and what is taken apart stands in a bracket.": r"KeyError: '?[2-5]'?|Wrong shape: expected",
        "letter-lost: a letter stands on one side of the arrow only: rearrange neither drops nor makes numbers.": "Identifiers only on one side",
        "not-split: p1 and p2 do not occur in the pattern: they are the pixels inside a patch, split off from h and w on the left.": "Axis p[12] is not used",
        "no-arrow: the pattern has no `->` between its left and its right side.": "not enough values to unpack",
        "brackets: a bracket is opened but not closed, or the other way round.": "[Ii]mbalanced parentheses|nested parenthes",
        "letter-twice: the same letter stands twice on one side: height and width need names of their own.": "duplicate dimension",
        "other-signs: the pattern holds signs that einops does not know: letters, brackets, spaces and `->` are all it takes.": "Unknown character|not a valid axis identifier",
        "no-sizes: the sizes of a bracket's letters cannot be worked out: name the inside of the patch p1 and p2, as given.": "Could not infer sizes",
    }),
    # the Linear
    *values({
        "sizes-swapped: the two numbers of nn.Linear are swapped: first what goes in, then what comes out.":
            sizes(in_features=lambda c: c["emb_size"], out_features=lambda c: expected(c)["numbers"]),
        "no-channels: the channels are forgotten: each pixel of a patch is in_channels numbers.":
            sizes(in_features=lambda c: c["patch_size"] ** 2),
        "side-only: patch_size is not squared: a patch has patch_size rows and as many columns.":
            sizes(in_features=lambda c: c["in_channels"] * c["patch_size"]),
        "patch-size-only: patch_size alone is taken: it is the side of a patch, and the Linear takes all its numbers.":
            sizes(in_features=lambda c: c["patch_size"]),
        "channels-only: in_channels alone is taken: a token is made from all pixels of a patch.":
            sizes(in_features=lambda c: c["in_channels"]),
        "doubled: patch_size is doubled instead of squared: a power is `**`.":
            sizes(in_features=lambda c: c["in_channels"] * c["patch_size"] * 2),
        "channels-squared: in_channels is squared too: only patch_size counts twice.":
            sizes(in_features=lambda c: (c["in_channels"] * c["patch_size"]) ** 2),
        "channels-added: in_channels is added to the number of pixels: multiply.":
            sizes(in_features=lambda c: c["in_channels"] + c["patch_size"] ** 2),
        "fixed-48: 48 is written out: that is right for 3 channels and 4 x 4 pixels only. Compute it from the arguments.":
            sizes(in_features=lambda c: 48),
        "three-channels: 3 is written out instead of in_channels.":
            sizes(in_features=lambda c: 3 * c["patch_size"] ** 2),
        "whole-image: the whole image goes into the Linear: it takes one patch at a time.":
            sizes(in_features=lambda c: c["in_channels"] * c["x"].shape[2] ** 2),
        "number-of-patches: the number of patches is used as the number of features: the Linear does not see how many patches there are.":
            sizes(in_features=lambda c: (c["x"].shape[2] // c["patch_size"]) ** 2),
        "emb-size-in: emb_size stands where the number of numbers in a patch belongs: that is what goes in.":
            sizes(in_features=lambda c: c["emb_size"]),
        "caret: `^` is used for a power: in Python that is `**`.":
            sizes(in_features=lambda c: (c["in_channels"] * c["patch_size"]) ^ 2),
        "caret-in-brackets: `^` is used for a power: in Python that is `**`.":
            sizes(in_features=lambda c: c["in_channels"] * (c["patch_size"] ^ 2)),
        "fixed-192: 192 is written out instead of emb_size.": sizes(out_features=lambda c: 192),
        "out-like-in: as many numbers come out as go in: emb_size of them are asked.":
            sizes(out_features=lambda c: expected(c)["numbers"]),
        "out-patch-size: patch_size stands where the size of the token, emb_size, belongs.":
            sizes(out_features=lambda c: c["patch_size"]),
        "out-channels: in_channels stands where the size of the token, emb_size, belongs.":
            sizes(out_features=lambda c: c["in_channels"]),
        "out-patches: the number of patches stands where the size of the token, emb_size, belongs.":
            sizes(out_features=lambda c: (c["x"].shape[2] // c["patch_size"]) ** 2),
    }),
    *properties({
        "from-img-size: the first number of nn.Linear is worked out from img_size: it takes one patch at a time, whatever the size of the image.":
            lambda seen, wanted, case: float(seen["in_features"]) in from_img_size(case),
        "in-written-out: the first number of nn.Linear is written out: compute it from the arguments.":
            lambda seen, wanted, case: seen["in_features"] in (16, 32, 64, 192, 768, 3072),
        "out-written-out: the second number of nn.Linear is written out: it is the argument emb_size.":
            lambda seen, wanted, case: seen["out_features"] in (48, 64, 128, 512, 768),
    }),
    *errors({
        "size-missing: an nn.Linear has only one of its two sizes: both are needed, what comes in and what goes out.": "missing 1 required positional argument: 'out_features'",
        "letters-as-names: a letter of the pattern, or x, is used as if Python knew it in __init__: the sizes are its arguments, in_channels and patch_size.": "NameError: name '(p1|p2|p|b|c|h|w|x)'",
        "linear-float: a size of nn.Linear is a float: `/` gives one; use `//`, or no division at all.": "found element of type float|must be tuple of ints",
        "other-arguments: the arguments of __init__ were renamed: keep in_channels, patch_size, emb_size and img_size.": "unexpected keyword argument '(in_channels|patch_size|emb_size|img_size)'",
    }),
)  # fmt: skip


def place(key: str, index: tuple[int, ...], case: Case) -> str:
    if key == "tokens":
        return ("the first axis, the number of images,", "the second axis, the number of tokens,")[index[0]]
    return NAMES[key]


parts = (
    Part("the pattern: one patch, one token", 1, READING, blank="# the pattern"),
    Part("what goes into the Linear", 1, ("in_features",), blank="nn.Linear("),
    Part("what comes out of the Linear", 1, ("out_features",), blank="nn.Linear("),
)
hints = (
    "Start from the shapes: (b, c, H, W) comes in, (b, number of patches, numbers in one patch) goes into the Linear. "
    "In a 32 x 32 picture with 4 x 4 patches that is (b, 64, 48).",
    "On the left, take the height apart into rows of patches and pixels inside a patch, and the width likewise. "
    "The warm-up showed both orders inside the bracket: one keeps neighbours together, the other takes every second pixel.",
    "Left: b, c, then a bracket with h and p1, then one with w and p2, where h and w count patches and the letter inside the patch stands last. "
    "Right: b, a bracket with h and w, a bracket with p1, p2 and c. The Linear's first number is the product of that last bracket.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, place)
