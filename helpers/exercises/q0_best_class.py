"""Q0: from logits to the number of the class that the model answers."""

import numpy as np
import torch

from helpers.checks.arrays import Arrays, Case, tensor, to_array
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import errors, values_of
from helpers.observers.q0_best_class import BEST, observer


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    made = []
    for pictures, classes in ((6, 9), (8, 5)):
        logits = tensor(rng, pictures, classes, scale=2.0)
        logits[0, -1], logits[1, 0] = 8.0, 9.0  # not all pictures are of one class
        logits[2, 1], logits[2, 2] = 7.0, 6.0
        logits[3] -= 20  # logits may all be negative
        made.append({"logits": logits, "label": f"{pictures} pictures, {classes} classes"})
    return made


def ranked(logits: torch.Tensor) -> torch.Tensor:
    """(b, classes): the numbers of all classes, the one with the largest logit first."""
    return logits.sort(dim=1, descending=True, stable=True).indices


def expected(case: Case) -> Arrays:
    return {BEST: to_array(ranked(case["logits"]).select(1, 0), BEST)}


misconceptions = (
    *values_of(BEST, ("logits",), {
        "over-the-pictures: the largest of each column is looked for, so pictures are compared for one class: compare the classes of one picture, along axis 1.":
            lambda x: x.max(0).indices,
        "one-for-all: one number comes for all pictures together: give the axis of the classes, dim=1.":
            lambda x: x.flatten().max(0).indices,
        "first-picture: only the first picture is looked at: all of them are wanted.":
            lambda x: ranked(x).select(1, 0).select(0, 0),
        "value: the largest logits themselves come: asked is *where* they stand, the number of the class.":
            lambda x: x.max(1).values,
        "both: the largest logits come together with their places: only the places are wanted.":
            lambda x: torch.stack([x.max(1).values, x.max(1).indices.float()]),
        "smallest: the class with the smallest logit comes: the largest is wanted.":
            lambda x: x.min(1).indices,
        "column: each picture has a row of its own, (b, 1): a plain vector (b,) is wanted, so without keepdim.":
            lambda x: ranked(x).narrow(1, 0, 1),
        "all-classes: all classes come, sorted: only the best one is wanted.": ranked,
        "all-classes-upwards: all classes come, sorted, the best one last: only that one is wanted.":
            lambda x: ranked(x).flip(1),
        "logits: the logits come back as they are: which class is the largest?": lambda x: x,
        "probabilities: probabilities come: which class has the largest?": lambda x: x.softmax(1),
        "probability: the probability of the best class comes: its number is wanted.":
            lambda x: x.softmax(1).max(1).values,
        "softmax-over-pictures: the softmax runs along axis 0, over the pictures, which changes who is largest: leave it out, or take it along axis 1.":
            lambda x: x.softmax(0).max(1).indices,
        "one-hot: a 1 stands at the best class, and 0 at the others: its number is wanted.":
            lambda x: (x == x.max(1, keepdim=True).values).float(),
        "counted-from-1: the classes are counted from 1: Python counts from 0.":
            lambda x: ranked(x).select(1, 0).add(1),
        "second-best: the second best class comes.": lambda x: ranked(x).select(1, 1),
        "without-sign: the sign of the logits is lost (abs, or a square): a large negative logit speaks against a class.":
            lambda x: x.abs().max(1).indices,
    }),
    *errors({
        "names: class names are looked up here: the number is enough, the name is looked up outside.":
            r"converted to an index|must be integers or slices|NameError: name '(class_)?names' is not",
        "axis-2: an axis is named that is not there: the pictures are axis 0, the classes axis 1, or -1.":
            "Dimension out of range",
    }),
)  # fmt: skip

parts = (Part("class with the largest logit", 1, (BEST,), blank="best ="),)
hints = (
    "Each row is one picture, each column one class. You look for the place of the largest number of each row.",
    "`max` gives the largest value. Its relative whose name begins with `arg` gives the place, for any axis.",
    "`logits.arg...`, with the axis of the classes: pictures are axis 0, classes axis 1.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints)
