"""Observes Mended, four functions of a training program. Judged in helpers/exercises/debug_a_vit.py."""

from typing import Any

import numpy as np
import torch
from torch import nn

from helpers.checks.alone import Place
from helpers.checks.arrays import Arrays, Case, Unfit, fill, to_array, to_tensor
from helpers.checks.objects import need_class, two
from helpers.checks.observe import Observer

ANSWERS = "what attend gives"
TOKENS = "the tokens"
CAME, LABELS = "the pictures that came, by number", "the label of each picture"
MOVED, AGAIN = "shuffled changes the order", "the order is another one the next time"
SHARE, SHARES, MODE = "the accuracy", "two accuracies", "in training mode after it"


def classifier(case: Case) -> nn.Module:
    """A small network with dropout, in training mode; the same weights whenever it is made."""
    inputs, classes = case["images"][0].numel(), case["classes"]
    layers = nn.Flatten(), nn.Linear(inputs, 9), nn.Dropout(0.5), nn.Linear(9, classes)
    return fill(nn.Sequential(*layers), case["seed"]).train()


def observe(obj, case: Case) -> Arrays:
    need_class(obj, "class Mended:")
    seen: dict[str, np.ndarray] = {}
    answers = obj.attend(case["q"], case["k"], case["v"])
    if answers is not ...:
        seen[ANSWERS] = to_array(answers, "attend(q, k, v)")
    tokens = obj.tokens(case["patches"], case["class_token"], case["positions"])
    if tokens is not ...:
        seen[TOKENS] = to_array(tokens, "tokens(patches, class_token, positions)")
    pairs = obj.shuffled(case["images"], case["labels"])
    if pairs is not ...:
        seen |= shuffled(case, pairs, obj.shuffled(case["images"], case["labels"]))
    vit = classifier(case)
    share = obj.accuracy(vit, case["images"], case["labels"])
    if share is not ...:
        mode = vit.training
        again = obj.accuracy(vit.train(), case["images"], case["labels"])
        both = [number(value) for value in (share, again)]
        seen |= {SHARE: np.array(both[0]), SHARES: np.array(both), MODE: np.array(float(mode))}
    return seen


def shuffled(case: Case, pairs: Any, again: Any) -> Arrays:
    """Which pictures came, each with which label; and whether the order is another one."""
    images, labels = two(pairs, "images, labels", "shuffled", "tensors")
    images, labels = to_tensor(images, "images"), to_array(labels, "labels")
    if images.shape[1:] != case["images"].shape[1:] or labels.shape != (len(images),):
        raise Unfit(
            f"shuffled should return pictures of shape {tuple(case['images'].shape)} and as many labels, but the shapes are "
            f"{tuple(images.shape)} and {labels.shape}."
        )
    order, other = (found(case["images"], each) for each in (images, to_tensor(again[0], "images")))
    first = np.argsort(order, kind="stable")
    return {
        CAME: order[first],
        LABELS: labels[first],
        MOVED: np.array(float(list(order) != sorted(order))),
        AGAIN: np.array(float(list(order) != list(other))),
    }


def found(images: torch.Tensor, some: torch.Tensor) -> np.ndarray:
    """The number of each picture; -1 for one that is not there."""
    same = (some[:, None] == images).flatten(2).all(dim=2)  # (found, images)
    return torch.where(same.any(dim=1), same.int().argmax(dim=1), -1).numpy().astype(float)


def number(value: Any) -> float:
    array = to_array(value, "accuracy(...)")
    if array.shape != ():
        raise Unfit(f"accuracy should return one number but gives shape {array.shape}.")
    return float(array)


places = {
    "answers =": Place("answers", within="attend"),
    "x =": Place("x", within="tokens"),
    "pairs =": Place("pairs", within="shuffled"),
    "share =": Place("share", within="accuracy"),
}
observer = Observer("Mended", observe, places)
