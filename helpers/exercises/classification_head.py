"""The classification head: norm, class token, one linear layer (Dosovitskiy et al. 2021, equation 4)."""

import numpy as np
import torch
import torch.nn.functional as F

from helpers.checks.arrays import Arrays, Case, tensor, to_array
from helpers.checks.exercise import Exercise, Misconception, Part
from helpers.checks.mistakes import errors, properties, values, values_by, values_of
from helpers.observers.classification_head import LOGITS, READ, SIZES, observer, value


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    return [
        {
            "emb_size": emb,
            "num_classes": classes,
            "x": 1 + tensor(rng, batch, tokens, emb, scale=2.0),
            "seed": int(rng.integers(1000)),
            "label": f"emb_size={emb}, num_classes={classes} and tokens of shape {(batch, tokens, emb)}",
        }
        for batch, tokens, emb, classes in ((2, 5, 7, 3), (3, 4, 6, 11), (1, 3, 5, 4))
    ]


def normed(case: Case) -> torch.Tensor:
    size = (case["emb_size"],)
    return F.layer_norm(case["x"], size, value("norm.weight", size, case), value("norm.bias", size, case))


def through(read: torch.Tensor, case: Case) -> torch.Tensor:
    """The linear layer on whatever has emb_size numbers in its last axis."""
    shape = (case["num_classes"], case["emb_size"])
    weight, bias = value("linear.weight", shape, case), value("linear.bias", shape[:1], case)
    return F.linear(read, weight, bias)


def expected(case: Case) -> Arrays:
    read = normed(case).unbind(1)[0]
    return {
        SIZES: np.array([case["emb_size"], case["num_classes"], 1.0]),
        READ: to_array(read, READ),
        LOGITS: to_array(through(read, case), LOGITS),
    }


def reading_agrees(observed: Arrays, wanted: Arrays, case: Case) -> bool:
    """The logits are right; where the linear layer's sizes are not, what it gets counts alone."""
    return exercise.same(observed, wanted, LOGITS if exercise.same(observed, wanted, SIZES) else READ)


def sizes(pair):
    """The linear layer has these sizes, from emb_size d and num_classes k, and a bias."""
    return lambda case: {SIZES: np.array([*pair(case["emb_size"], case["num_classes"]), 1.0], float)}


def read(change):
    """`change(normed tokens)` reaches the linear layer."""

    def produces(case: Case) -> Arrays:
        if case.get("alone") == "self.linear":  # what is read then is no answer of the student's
            return {READ: np.empty(0)}
        return {READ: to_array(change(normed(case)), READ)}

    return produces


def read_of_inputs(change):
    """`change(tokens before the norm, norm)` reaches the linear layer."""
    return lambda case: {READ: to_array(change(case["x"], lambda x: normed({**case, "x": x})), READ)}


def right_logits(case: Case) -> tuple[torch.Tensor]:
    return (through(normed(case).unbind(1)[0], case),)


misconceptions = (
    *values_by(sizes, {
        "swapped: the two sizes of nn.Linear are swapped: what comes in is written first.":
            lambda d, k: (k, d),
        "fixed-classes: the number 10 is written out: use num_classes, for other data has other classes.":
            lambda d, k: (d, 10),
    }),
    *properties({
        "fixed-sizes: numbers are written out as sizes: use emb_size and num_classes.":
            lambda seen, wanted, case: seen[SIZES][0] in (5, 8, 64, 128, 192, 512, 768)
            or seen[SIZES][1] in (100, 1000),
    }),
    *values_by(sizes, {
        "to-the-same-size: nn.Linear leads from emb_size to emb_size: what should come out is one number a class.":
            lambda d, k: (d, d),
        "one-number: nn.Linear gives one number for each image: there should be one for each class.":
            lambda d, k: (d, 1),
        "one-class-less: nn.Linear gives one number less than there are classes.": lambda d, k: (d, k - 1),
        "one-class-more: nn.Linear gives one number more than there are classes: the class token is no class.":
            lambda d, k: (d, k + 1),
    }),
    *values({
        "no-bias: self.linear has no bias: leave nn.Linear as it is by default.":
            lambda case: {SIZES: np.array([case["emb_size"], case["num_classes"], 0.0])},
    }),
    *errors({
        "size-missing: an nn.Linear has only one of its two sizes: both are needed, what comes in and what goes out.": "missing 1 required positional argument: 'out_features'",
    }),
    *values_by(read, {
        "last-token: the last token is read: the class token stands in front.": lambda x: x.select(1, -1),
        "first-patch: token 1 is read, which is the first patch: counting starts at 0.":
            lambda x: x.select(1, 1),
        "mean-of-all: the mean of all tokens is read: some models do that, here the class token speaks for the image.":
            lambda x: x.mean(1),
        "mean-of-patches: the mean of the patches is read: some models do that, here the class token speaks for the image.":
            lambda x: x.narrow(1, 1, x.shape[1] - 1).mean(1),
        "largest: the largest value over the tokens is read: here the class token speaks for the image.":
            lambda x: x.amax(1),
        "all-tokens: all tokens go on: pick the class token, so that each image gets one row of logits.":
            lambda x: x,
        "axis-kept: the axis of the tokens is still there, with length 1: the logits should have two axes, (b, num_classes).":
            lambda x: x.narrow(1, 0, 1),
        "first-image: the tokens of the first image are read: axis 0 counts the images, axis 1 the tokens.":
            lambda x: x.unbind(0)[0],
        "one-token: one token of one image is read: each image has a class token of its own, so all images stay.":
            lambda x: x.flatten(0, 1)[0],
        "mean-of-all-kept: the mean of all tokens is read, and their axis is still there: some models average, here the class token speaks for the image.":
            lambda x: x.mean(1, keepdim=True),
        "sum-of-all: the sum of all tokens is read: here the class token speaks for the image.": lambda x: x.sum(1),
        "mean-of-images: the images of the batch are averaged: axis 0 counts the images, axis 1 the tokens.":
            lambda x: x.mean(0),
        "mean-added: the mean of all tokens is added to the class token: the class token alone speaks for the image.":
            lambda x: x.unbind(1)[0] + x.mean(1),
    }),
    *values_by(read_of_inputs, {
        "mean-before-norm: the tokens are averaged, and that before the LayerNorm: here the class token speaks for the image, after the norm.":
            lambda x, norm: x.mean(1),
        "norm-of-mean: the tokens are averaged, and that before the LayerNorm: here the class token speaks for the image, after the norm.":
            lambda x, norm: norm(x.mean(1)),
        "normed-twice: the tokens are normed twice: `encoded` holds them normed already.":
            lambda x, norm: norm(norm(x)).unbind(1)[0],
    }),
    Misconception(
        "first-feature",
        "one number of every token is read (or the mean of each token's numbers): axis 1 counts the tokens, the last axis their numbers.",
        read(lambda x: x.unbind(2)[0]),
        raises=r"multiplied \(2x5 and",
    ),
    Misconception(
        "flattened",
        "all tokens of an image are laid in one row: pick the class token.",
        read(lambda x: x.flatten(1)),
        raises=r"multiplied \(2x35 and",
    ),
    *errors({
        "pooled: the tokens are averaged by a pooling layer, which works on the last axis, at that: some models average, here the class token speaks for the image.": r"multiplied \((10|14)x1 and",
        "one-number-left: everything was averaged, summed or cut down to one number: the class token has emb_size numbers for each image.": "at least 1D",
        "one-number-a-token: one number of every token is read, of one image only: axis 0 counts the images, axis 1 the tokens.": r"multiplied \(1x[25] and",
        "value-and-place: `max` gives two things, the largest values and where they stand; and here the class token speaks for the image.": "Unfit: self.linear should get a tensor but gets a max",
        "list-of-layers: several layers stand where self.linear is one: an nn.Linear alone gives the logits.": "Unfit: self.linear should be an nn.Linear",
        "linear-does-not-fit: self.linear is made for another count of numbers than stand in the last axis of what it gets.": "shapes cannot be multiplied",
    }),
    *values({
        "not-normed: the tokens are read before the LayerNorm: keep the line with self.norm, and use what it gives.":
            lambda case: {READ: to_array(case["x"].unbind(1)[0], READ)},
    }),
    *values_of(LOGITS, right_logits, {
        "softmax: a softmax ends the head: logits are wanted, for the loss (cross-entropy) takes the softmax itself.":
            lambda y: y.softmax(-1),
        "argmax: the head gives the number of the class: one logit for every class is wanted, so that a gradient can flow.":
            lambda y: y.argmax(-1),
    }),
)  # fmt: skip


def place(key: str, index: tuple[int, ...], case: Case) -> str:
    if key == SIZES:
        return (
            "the input size of self.linear",
            "the output size of self.linear",
            "the bias (1: there is one)",
        )[index[0]]
    return f"{key}, image {index[0]}, number {index[-1]},"


def given(case: Case) -> dict:
    return {"self.linear": [case["emb_size"], case["num_classes"]]}


parts = (
    Part("the linear layer", 1, (SIZES,), blank="self.linear"),
    Part("the class token is read", 1, (READ, LOGITS), agrees=reading_agrees, blank="class_token ="),
)
hints = (
    "The linear layer gets one token and gives one number for each class. How long is a token?",
    "`encoded` has the axes (image, token, number). The class token was put in front of the patches in Q3, so which "
    "number does it have on the middle axis? Take it for all images.",
    "nn.Linear takes emb_size first and num_classes second. Index `encoded` with a colon for the images, then 0 for "
    "the token; the numbers need no index.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, place, given=given)
