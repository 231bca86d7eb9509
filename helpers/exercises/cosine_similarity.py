"""Word embedding, step 2: the cosine of the angle between two vectors."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F

from helpers.checks.arrays import Arrays, Case, tensor, to_array
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import errors, values_by
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


def gives(values: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Callable[[Case], Arrays]:
    """Values for a mistake, worked out by `values(a, b)` in float64."""
    return lambda case: {KEY: to_array(values(case["a"].double(), case["b"].double()), KEY)}


def cosine(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return F.cosine_similarity(a, b, dim=0)


def length(a: torch.Tensor, order: float = 2) -> torch.Tensor:
    return torch.linalg.vector_norm(a, order)


misconceptions = (
    *values_by(gives, {
        "dot-alone: the dot product is not divided by the two lengths, so long vectors win.": torch.dot,
        "one-length-a: the dot product is divided by the length of a only: divide by that of b too.":
            lambda a, b: torch.dot(F.normalize(a, dim=0), b),
        "one-length-b: the dot product is divided by the length of b only: divide by that of a too.":
            lambda a, b: torch.dot(a, F.normalize(b, dim=0)),
        "precedence: it is divided by one length and multiplied by the other: put the product of the lengths in parentheses.":
            lambda a, b: torch.dot(F.normalize(a, dim=0), b * length(b)),
        "lengths-multiplied: the dot product is multiplied by the lengths: divide.":
            lambda a, b: torch.dot(a * length(a), b * length(b)),
        "lengths-added: the two lengths are added: multiply them.":
            lambda a, b: torch.dot(a, b).div(length(a).add(length(b))),
        "squared-lengths: it is divided by the squares of the lengths: a length is the square root of the sum of squares.":
            lambda a, b: cosine(a, b).div(length(a) * length(b)),
        "a-twice: it is divided by the length of a twice: one of the two should be that of b.":
            lambda a, b: torch.dot(a, b).div(length(a).square()),
        "b-twice: it is divided by the length of b twice: one of the two should be that of a.":
            lambda a, b: torch.dot(a, b).div(length(b).square()),
        "count-of-numbers: `len` counts the numbers of a vector: its length here is the square root of the sum of their squares.":
            lambda a, b: torch.dot(a, b).div(a.numel() ** 2),
        "mean: the dot product is divided by how many numbers there are: divide by the two lengths.":
            lambda a, b: a.mul(b).mean(),
        "divided-by-sums: it is divided by the sums of the numbers: divide by the lengths.":
            lambda a, b: torch.dot(a, b).div(a.sum() * b.sum()),
        "l1-lengths: the lengths are sums of absolute values: take the square root of the sum of squares.":
            lambda a, b: torch.dot(a, b).div(length(a, 1) * length(b, 1)),
        "largest-value: it is divided by the largest values: divide by the lengths.":
            lambda a, b: torch.dot(a, b).div(length(a, float("inf")) * length(b, float("inf"))),
        "root-twice: one square root too many is taken: the lengths contain theirs already.":
            lambda a, b: torch.dot(a, b).div((length(a) * length(b)).sqrt()),
        "length-of-product: it is divided by the length of a * b: divide by the length of a and by that of b.":
            lambda a, b: torch.dot(a, b).div(length(a.mul(b))),
        "not-summed: `a * b` multiplies number by number and nothing is added up: the dot product is one number.":
            lambda a, b: F.normalize(a, dim=0).mul(F.normalize(b, dim=0)),
        "products-alone: `a * b` multiplies number by number: add them up, then divide by the two lengths.": torch.mul,
        "outer: every number of a meets every number of b: in the dot product only those at the same place meet.":
            lambda a, b: torch.outer(F.normalize(a, dim=0), F.normalize(b, dim=0)),
        "distance: the distance between a and b is taken: that grows when they differ, and it depends on their lengths.":
            lambda a, b: length(a - b),
        "one-minus: it is taken from 1: that is the cosine *distance*.": lambda a, b: 1 - cosine(a, b),
        "angle: the angle itself is given: its cosine is wanted.": lambda a, b: torch.acos(cosine(a, b)),
        "cosine-of-cosine: the cosine is taken of what is the cosine already: the formula needs no `cos`.":
            lambda a, b: torch.cos(cosine(a, b)),
        "sign-lost: the sign is lost: vectors that point apart have a negative cosine.":
            lambda a, b: cosine(a, b).abs(),
        "cut-at-zero: negative values are cut off at 0: vectors that point apart have a negative cosine.":
            lambda a, b: cosine(a, b).clamp(min=0),
        "squared: the cosine is squared.": lambda a, b: cosine(a, b).square(),
        "upside-down: the fraction stands upside down: the dot product belongs on top.":
            lambda a, b: cosine(a, b).reciprocal(),
        "centred: the mean is taken off first: that is the correlation, not the cosine.":
            lambda a, b: cosine(a - a.mean(), b - b.mean()),
        "lengths-alone: the two lengths are multiplied and the dot product is left out.":
            lambda a, b: length(a) * length(b),
        "one-by-dot: a stands in for b, or b for a: a vector has cosine 1 with itself.":
            lambda a, b: cosine(a, a),
    }),
    *errors({
        "bars: bars are written for a length: in PyTorch a vector's length is its `.norm()`.": r"unsupported operand type\(s\) for \||bitwise_or|or_cpu",
        "norm-not-called: `norm` is named but not called: it needs its parentheses.": "unsupported operand type.*(method|function)",
        "no-such-method: a tensor is asked for something that it does not have: a vector's length is its `.norm()`.": "'Tensor' object has no attribute|module 'torch' has no attribute",
        "math-on-vector: a function that takes one number is given a whole vector.":
            "only one element tensors can be converted|only (0-dimensional|length-1) arrays|"
            "Tensor with \\d+ elements cannot be converted",
        "name-unknown: a name is used that is not defined: the two vectors are called a and b.": "NameError|UnboundLocalError",
    }),
)  # fmt: skip


def place(key: str, index: tuple[int, ...], case: Case) -> str:
    return "the similarity" + (f" at {list(index)}" if index else "")


def formula(key: str, index: tuple[int, ...], case: Case) -> str:
    a, b = case["a"].double(), case["b"].double()
    return f"{torch.dot(a, b):.4g} / ({length(a):.4g} * {length(b):.4g})"


parts = (Part("cosine of the angle", 1, (KEY,), blank="similarity ="),)
hints = (
    "Work out the first case on paper: a = (3, 4) has length 5, b = (12, 5) has length 13, and their dot product is 36 + 20.",
    "Three numbers are needed: the dot product (one sign of PyTorch's does it), and the length of each vector, `.norm()`.",
    "The dot product is `@` between the two vectors. Divide it by the product of the two norms, and put that product in parentheses.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, place, formula)
