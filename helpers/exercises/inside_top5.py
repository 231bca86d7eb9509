"""Logits to probabilities, and the classes that get most of them."""

import numpy as np
import torch
import torch.nn.functional as F

from helpers.checks.arrays import Arrays, Case, tensor, to_array
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import errors, properties, properties_by, values_of
from helpers.observers.inside_top5 import CLASSES, PROBABILITIES, SHARES, UNKNOWN, observer


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    return [
        {
            "logits": tensor(rng, count, scale=1.5),
            "names": tuple(f"class {letter}" for letter in "KDBEAMCGHJFLI"[:count]),
            "k": k,
            "label": f"{count} classes, k = {k}",
        }
        for count, k in ((13, 5), (8 + int(rng.integers(3)), 3))
    ]


def shares(case: Case) -> torch.Tensor:
    """The probability of every class."""
    return (case["logits"] - case["logits"].logsumexp(0)).exp()


def ranked(case: Case) -> list[int]:
    """All classes, the one with the largest logit first."""
    return sorted(range(len(case["logits"])), key=lambda i: -float(case["logits"][i]))


def expected(case: Case) -> Arrays:
    first = ranked(case)[: case["k"]]
    return {
        CLASSES: np.array(first, float),
        PROBABILITIES: to_array(shares(case), "probabilities")[first],
        SHARES: to_array(shares(case), SHARES),
    }


def numbers_are(make):
    """`make(case)` stands in place of the probabilities, for whichever classes came."""

    def when(seen: Arrays, wanted: Arrays, case: Case) -> bool:
        if PROBABILITIES not in seen or not len(seen[CLASSES]) or (seen[CLASSES] == UNKNOWN).any():
            return False
        own = to_array(make(case), "probabilities")[seen[CLASSES].astype(int)]
        return exercise.close(seen[PROBABILITIES], own)

    return when


def in_place_of_shares(make):
    return numbers_are(lambda case: make(case["logits"]))


def best_agree(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    """The right classes, with the numbers that stand there in `probabilities`: that these are right, too, is asked where
    the blank is tried by itself. Logits are none in any case."""
    if "alone" in case:
        return exercise.same(seen, wanted, CLASSES, PROBABILITIES)
    return exercise.same(seen, wanted, CLASSES) and not numbers_are(lambda case: case["logits"])(
        seen, wanted, case
    )


def ranking(case: Case) -> tuple[list[int], int]:
    return ranked(case), case["k"]


misconceptions = (
    *properties_by(in_place_of_shares, {
        "logits: the numbers are the logits themselves: the softmax is missing, or the k best are not taken of `probabilities`.": lambda x: x,
        "sigmoid: a sigmoid was taken of each logit: the probabilities of all classes together sum to 1.":
            torch.sigmoid,
        "log-softmax: the numbers are logarithms of the probabilities: use softmax, not log_softmax.":
            lambda x: x.log_softmax(0),
        "exponential: the exponentials are not divided by their sum.": torch.exp,
        "percent: the probabilities are in percent: leave them between 0 and 1.":
            lambda x: 100 * (x - x.logsumexp(0)).exp(),
        "minus: the logits have the wrong sign.": lambda x: (-x).softmax(0),
        "divided-by-sum: the logits are divided by their sum: softmax takes exponentials first.":
            lambda x: x / x.sum(),
        "softmax-twice: the softmax is taken twice.": lambda x: x.softmax(0).softmax(0),
        "unit-length: the logits are divided by their length: softmax takes exponentials and divides by their sum.":
            lambda x: F.normalize(x, dim=0),
    }),
    *values_of(CLASSES, ranking, {
        "smallest: the classes with the smallest probabilities come: the largest are wanted.":
            lambda r, k: r[::-1][:k],
        "smallest-last: the order runs upwards: the largest comes first.": lambda r, k: r[:k][::-1],
        "sorted-upwards: the last entries of a list that runs downwards are taken, so the smallest come.":
            lambda r, k: r[-k:],
        "first-of-list: the first classes of the list come, not those with the largest probabilities.":
            lambda r, k: list(range(k)),
        "one-only: only one class comes: k of them are wanted.": lambda r, k: r[:1],
        "always-five: five classes come whatever k is: use k.": lambda r, k: r[:5],
        "one-more: one class too many comes: k of them are wanted.": lambda r, k: r[: k + 1],
        "one-less: one class too few comes: k of them are wanted.": lambda r, k: r[: k - 1],
        "all: all classes come: k of them are wanted.": lambda r, k: r,
        "all-upwards: all classes come, the smallest probability first: k of them are wanted, the largest first.": lambda r, k: r[::-1],
        "not-sorted: these are the right classes in the order of the list: the largest probability comes first.":
            lambda r, k: sorted(r[:k]),
        "second-best: the best class is left out.": lambda r, k: r[1 : k + 1],
    }),
    *properties({
        "softmax-after: the softmax is taken of the best k alone: all classes share the probability, so it comes before the selection.": lambda seen, wanted, case: (
            PROBABILITIES in seen
            and len(seen[CLASSES]) == case["k"]
            and abs(seen[PROBABILITIES].sum() - 1) < 1e-4
            and exercise.close(seen[CLASSES], wanted[CLASSES])
        ),
    }),
    *errors({
        "all-images: the logits of the whole batch are taken, or of another image than the one that was given: use `logits`.": "tuple index out of range",
        "swapped: values and indices are swapped: topk gives the values first, then where they stand.": "indices must be integers|only integer tensors|__index__",
        "k-as-axis: k is taken for an axis: a second argument of max, argmax or sort is an axis, and they know no k. Which function gives the k largest?": r"IndexError: Dimension out of range .*got [35]\)",
        "softmax-axis: an axis is named that is not there: the logits of one image are a vector, and so are their probabilities: the only axis is 0, or -1.": "IndexError: Dimension out of range",
        "softmax-without-axis: the softmax is not told its axis: add dim=0.": r"softmax\(\) (missing|received an invalid combination)",
        "not-two: what stands right of `values, indices =` is not two things: topk and sort give both values and indices.": "to unpack|cannot unpack|iteration over a 0-d tensor",
        "too-many: more classes are asked for than there are: topk takes k, the number that was given.": "selected index k out of range|index [0-9]+ is out of bounds",
        "other-name: a name is used that this function does not know: its inputs are logits, class_names and k.": "NameError",
    }),
)  # fmt: skip


def place(key: str, index: tuple[int, ...], case: Case) -> str:
    return f"the {'class number' if key == CLASSES else 'probability'} in place {index[0] + 1}"


def given(case: Case) -> dict:
    return {"probabilities =": shares(case)}


parts = (
    Part(
        "probabilities",
        1,
        (PROBABILITIES,),
        agrees=numbers_are(shares),
        blank="probabilities =",
        alone=(SHARES,),
    ),
    Part("the k best, best first", 1, (CLASSES, PROBABILITIES), agrees=best_agree, blank="values, indices ="),
)
hints = (
    "What turns any numbers into positive numbers that sum to 1, larger where they were larger?",
    "A vector in PyTorch can be asked for its k largest entries, with their places: look at help(torch.topk).",
    "probabilities: the softmax of the logits along dim=0. Then `probabilities.topk`, given k.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, place, given=given)
