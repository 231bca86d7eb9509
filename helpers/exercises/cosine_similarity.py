"""Word embedding, step 2: the cosine of the angle between two vectors."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F

from helpers.checks.arrays import Arrays, Case, tensor, to_array
from helpers.checks.exercise import Exercise, Misconception, Part
from helpers.observers.cosine_similarity import KEY, observer


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    made = [(torch.tensor([3.0, 4.0]), torch.tensor([12.0, 5.0]), "a = (3, 4) and b = (12, 5)")]
    for d, scale in ((5, 1.5), (7, 0.8)):
        a, b = tensor(rng, d, scale=scale), tensor(rng, d, scale=3.0)
        made.append((a, b, f"two vectors of {d} numbers"))
    # more than a right angle between them: the cosine is negative
    a = tensor(rng, 6)
    made.append((a, tensor(rng, 6, scale=0.6) - a, "two vectors of 6 numbers"))
    return [{"a": a, "b": b, "label": label} for a, b, label in made]


def expected(case: Case) -> Arrays:
    return {KEY: to_array(F.cosine_similarity(case["a"], case["b"], dim=0), KEY)}


# --- what goes wrong ------------------------------------------------------------------------------


def gives(values: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Callable[[Case], Arrays]:
    """Values for a mistake, worked out by `values(a, b)` in float64."""
    return lambda case: {KEY: to_array(values(case["a"].double(), case["b"].double()), KEY)}


def cosine(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return F.cosine_similarity(a, b, dim=0)


def length(a: torch.Tensor, order: float = 2) -> torch.Tensor:
    return torch.linalg.vector_norm(a, order)


misconceptions = (
    Misconception(
        "dot-alone",
        "the dot product is not divided by the two lengths, so long vectors win.",
        gives(torch.dot),
    ),
    Misconception(
        "one-length-a",
        "the dot product is divided by the length of a only: divide by that of b too.",
        gives(lambda a, b: torch.dot(F.normalize(a, dim=0), b)),
    ),
    Misconception(
        "one-length-b",
        "the dot product is divided by the length of b only: divide by that of a too.",
        gives(lambda a, b: torch.dot(a, F.normalize(b, dim=0))),
    ),
    Misconception(
        "precedence",
        "it is divided by one length and multiplied by the other: put the product of the lengths in parentheses.",
        gives(lambda a, b: torch.dot(F.normalize(a, dim=0), b * length(b))),
    ),
    Misconception(
        "lengths-multiplied",
        "the dot product is multiplied by the lengths: divide.",
        gives(lambda a, b: torch.dot(a * length(a), b * length(b))),
    ),
    Misconception(
        "lengths-added",
        "the two lengths are added: multiply them.",
        gives(lambda a, b: torch.dot(a, b).div(length(a).add(length(b)))),
    ),
    Misconception(
        "squared-lengths",
        "it is divided by the squares of the lengths: a length is the square root of the sum of squares.",
        gives(lambda a, b: cosine(a, b).div(length(a) * length(b))),
    ),
    Misconception(
        "a-twice",
        "it is divided by the length of a twice: one of the two should be that of b.",
        gives(lambda a, b: torch.dot(a, b).div(length(a).square())),
    ),
    Misconception(
        "b-twice",
        "it is divided by the length of b twice: one of the two should be that of a.",
        gives(lambda a, b: torch.dot(a, b).div(length(b).square())),
    ),
    Misconception(
        "count-of-numbers",
        "`len` counts the numbers of a vector: its length here is the square root of the sum of their squares.",
        gives(lambda a, b: torch.dot(a, b).div(a.numel() ** 2)),
    ),
    Misconception(
        "mean",
        "the dot product is divided by how many numbers there are: divide by the two lengths.",
        gives(lambda a, b: a.mul(b).mean()),
    ),
    Misconception(
        "divided-by-sums",
        "it is divided by the sums of the numbers: divide by the lengths.",
        gives(lambda a, b: torch.dot(a, b).div(a.sum() * b.sum())),
    ),
    Misconception(
        "l1-lengths",
        "the lengths are sums of absolute values: take the square root of the sum of squares.",
        gives(lambda a, b: torch.dot(a, b).div(length(a, 1) * length(b, 1))),
    ),
    Misconception(
        "largest-value",
        "it is divided by the largest values: divide by the lengths.",
        gives(lambda a, b: torch.dot(a, b).div(length(a, float("inf")) * length(b, float("inf")))),
    ),
    Misconception(
        "root-twice",
        "one square root too many is taken: the lengths contain theirs already.",
        gives(lambda a, b: torch.dot(a, b).div((length(a) * length(b)).sqrt())),
    ),
    Misconception(
        "length-of-product",
        "it is divided by the length of a * b: divide by the length of a and by that of b.",
        gives(lambda a, b: torch.dot(a, b).div(length(a.mul(b)))),
    ),
    Misconception(
        "not-summed",
        "`a * b` multiplies number by number and nothing is added up: the dot product is one number.",
        gives(lambda a, b: F.normalize(a, dim=0).mul(F.normalize(b, dim=0))),
    ),
    Misconception(
        "products-alone",
        "`a * b` multiplies number by number: add them up, then divide by the two lengths.",
        gives(torch.mul),
    ),
    Misconception(
        "outer",
        "every number of a meets every number of b: in the dot product only those at the same place meet.",
        gives(lambda a, b: torch.outer(F.normalize(a, dim=0), F.normalize(b, dim=0))),
    ),
    Misconception(
        "distance",
        "the distance between a and b is taken: that grows when they differ, and it depends on their lengths.",
        gives(lambda a, b: length(a - b)),
    ),
    Misconception(
        "one-minus",
        "it is taken from 1: that is the cosine *distance*.",
        gives(lambda a, b: 1 - cosine(a, b)),
    ),
    Misconception(
        "angle",
        "the angle itself is given: its cosine is wanted.",
        gives(lambda a, b: torch.acos(cosine(a, b))),
    ),
    Misconception(
        "cosine-of-cosine",
        "the cosine is taken of what is the cosine already: the formula needs no `cos`.",
        gives(lambda a, b: torch.cos(cosine(a, b))),
    ),
    Misconception(
        "sign-lost",
        "the sign is lost: vectors that point apart have a negative cosine.",
        gives(lambda a, b: cosine(a, b).abs()),
    ),
    Misconception(
        "cut-at-zero",
        "negative values are cut off at 0: vectors that point apart have a negative cosine.",
        gives(lambda a, b: cosine(a, b).clamp(min=0)),
    ),
    Misconception("squared", "the cosine is squared.", gives(lambda a, b: cosine(a, b).square())),
    Misconception(
        "upside-down",
        "the fraction stands upside down: the dot product belongs on top.",
        gives(lambda a, b: cosine(a, b).reciprocal()),
    ),
    Misconception(
        "centred",
        "the mean is taken off first: that is the correlation, not the cosine.",
        gives(lambda a, b: cosine(a - a.mean(), b - b.mean())),
    ),
    Misconception(
        "lengths-alone",
        "the two lengths are multiplied and the dot product is left out.",
        gives(lambda a, b: length(a) * length(b)),
    ),
    Misconception(
        "one-by-dot",
        "a stands in for b, or b for a: a vector has cosine 1 with itself.",
        gives(lambda a, b: cosine(a, a)),
    ),
    # errors
    Misconception(
        "bars",
        "bars are written for a length: in PyTorch a vector's length is its `.norm()`.",
        raises=r"unsupported operand type\(s\) for \||bitwise_or|or_cpu",
    ),
    Misconception(
        "norm-not-called",
        "`norm` is named but not called: it needs its parentheses.",
        raises="unsupported operand type.*(method|function)",
    ),
    Misconception(
        "no-such-method",
        "a tensor is asked for something that it does not have: a vector's length is its `.norm()`.",
        raises="'Tensor' object has no attribute|module 'torch' has no attribute",
    ),
    Misconception(
        "math-on-vector",
        "a function that takes one number is given a whole vector.",
        raises="only one element tensors can be converted|only (0-dimensional|length-1) arrays|"
        "Tensor with \\d+ elements cannot be converted",
    ),
    Misconception(
        "name-unknown",
        "a name is used that is not defined: the two vectors are called a and b.",
        raises="NameError|UnboundLocalError",
    ),
)


def formula(key: str, index: tuple[int, ...], case: Case) -> str:
    a, b = case["a"].double(), case["b"].double()
    return f"{torch.dot(a, b):.4g} / ({length(a):.4g} * {length(b):.4g})"


exercise = Exercise(
    observer=observer,
    cases=cases,
    expected=expected,
    parts=(Part("cosine of the angle", 1, (KEY,), blank="similarity ="),),
    misconceptions=misconceptions,
    hints=(
        "Work out the first case on paper: a = (3, 4) has length 5, b = (12, 5) has length 13, and their dot product is 36 + 20.",
        "Three numbers are needed: the dot product (one sign of PyTorch's does it), and the length of each vector, `.norm()`.",
        "The dot product is `@` between the two vectors. Divide it by the product of the two norms, and put that product in parentheses.",
    ),
    place=lambda key, index, case: "the similarity" + (f" at {list(index)}" if index else ""),
    formula=formula,
)
