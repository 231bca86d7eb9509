"""Word embedding, step 3: the rows of the table W, by a product with one-hot rows and by look-up."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F

from helpers.checks.arrays import Arrays, Case, tensor, to_array
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import errors, itself, prefixed, properties_by, row_by_row, values_of
from helpers.observers.lookup_is_product import KEYS, observer


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    made = []
    # Every index is smaller than both sides of W, so that even columns can be looked up, and named.
    for words, size, d in ((4, 9, 6), (3, 7, 11), (5, 12, 8)):
        indices = rng.permutation(min(size, d) - 1)[:words]
        indices[-1] = indices[0]  # a word that comes twice
        label = f"embed({indices.tolist()}, W) with W of shape ({size}, {d})"
        made.append({"indices": torch.from_numpy(indices), "W": tensor(rng, size, d), "label": label})
    return made


def right(case: Case) -> torch.Tensor:
    return F.embedding(case["indices"], case["W"])


def expected(case: Case) -> Arrays:
    return {key: to_array(right(case), key) for key in KEYS}


# The same mistakes can be made in either blank, so each is made for both.


def one_hot(case: Case) -> torch.Tensor:
    """(n, |V|): a 1 at each word's number."""
    return torch.eye(len(case["W"])).index_select(0, case["indices"])


def taken(case: Case, indices: torch.Tensor) -> torch.Tensor:
    return F.embedding(indices, case["W"])


MISTAKES = {
    "one-hot-alone: the one-hot rows are returned as they are: the vectors of the words stand in W.": one_hot,
    "whole-table: the whole table W is returned: only the rows of the given words are wanted.":
        lambda c: c["W"],
    "transposed: the result lies on its side: each word should be a row, so the shape is (n, d).":
        lambda c: right(c).T,
    "columns: columns of W are taken: a word has a row, and rows come first in the brackets.":
        lambda c: c["W"].index_select(1, c["indices"]),
    "columns-transposed: columns of W are taken: W is turned round, but a word has a row of W as it is.":
        lambda c: c["W"].index_select(1, c["indices"]).T,
    "summed: the words are added up into one vector: each keeps a row of its own.": lambda c: right(c).sum(0),
    "averaged: the mean of all words is taken: each keeps a row of its own.": lambda c: right(c).mean(0),
    "numbers-summed: the numbers inside each row are added up: a word keeps all its d numbers.":
        lambda c: right(c).sum(1),
    "first-word: only the first word is looked at: all of them are wanted.": lambda c: right(c)[0],
    "first-word-row: only the first word is looked at: all of them are wanted.": lambda c: right(c)[:1],
    "row-zero: row 0 of W is taken, whatever the words are: use their numbers.": lambda c: c["W"][0],
    "first-rows: the first rows of W are taken, whatever the words are: use their numbers.":
        lambda c: c["W"].narrow(0, 0, len(c["indices"])),
    "one-down: each row is one too far down: Python counts from 0, and so do the words.":
        lambda c: taken(c, c["indices"].add(1)),
    "one-up: each row is one too far up: Python counts from 0, and so do the words.":
        lambda c: taken(c, c["indices"].sub(1).remainder(len(c["W"]))),
    "backwards-table: the table is counted from its end: row 0 is the first one.":
        lambda c: taken(c, len(c["W"]) - 1 - c["indices"]),
    "negative: the numbers are negative, and Python counts negative ones from the end.":
        lambda c: taken(c, c["indices"].neg().remainder(len(c["W"]))),
    "backwards-words: the words come out in reverse order.": lambda c: right(c).flip(0),
    "sorted: the words are sorted by number first: they should stay in the order of the sentence.":
        lambda c: taken(c, c["indices"].sort().values),
    "without-repetition: a word that comes twice is left out the second time: each place of the sentence has its row.":
        lambda c: taken(c, c["indices"].unique()),
    "one-hot-as-index: the zeros and ones of one_hot are used as row numbers, so only rows 0 and 1 are taken: use indices.":
        lambda c: taken(c, one_hot(c).long()),
    "indices-alone: the numbers of the words are returned: they say which rows of W to take.":
        lambda c: c["indices"],
    "single-numbers: both brackets hold the indices, so single numbers of W are taken: a whole row is wanted.":
        lambda c: torch.diagonal(c["W"])[c["indices"]],
    "all-others: zeros and ones of one_hot are swapped, so all the other rows are added up.":
        lambda c: torch.sub(c["W"].sum(0), right(c)),
    "softmax: one_hot goes through a softmax first, so all rows are mixed: it is 0 and 1 already.":
        lambda c: one_hot(c).softmax(1).matmul(c["W"]),
    "times-number: each row is multiplied by the word's number: the number only says which row.":
        lambda c: right(c).mul(c["indices"][:, None]),
    "normalised: each row is brought to length 1: the rows of W are wanted as they are.":
        lambda c: F.normalize(right(c), dim=1),
    "not-summed: `*` multiplies number by number and nothing is added up: a matrix product is `@`.":
        lambda c: one_hot(c)[:, :, None].mul(c["W"]),
    "extra-axis: the result has one axis too many: (n, d) is wanted, one row a word.":
        lambda c: right(c)[:, None],
    "extra-first-axis: the result has one axis too many: (n, d) is wanted, one row a word.":
        lambda c: right(c)[None],
}  # fmt: skip


def other_numbers(key: str) -> Callable[[Arrays, Arrays, Case], bool]:
    """The shape is right, but some row is none of W's."""

    def when(seen: Arrays, wanted: Arrays, case: Case) -> bool:
        rows = seen.get(key)
        if rows is None or rows.shape != wanted[key].shape or not np.isfinite(rows).all():
            return False
        W = to_array(case["W"], "W")
        return not all(np.isclose(row, W, atol=1e-5).all(axis=1).any() for row in rows)

    return when


misconceptions = (
    *row_by_row(*(values_of(key, itself, prefixed(MISTAKES, f"{key}-", f"in `{key}` ")) for key in KEYS)),
    *properties_by(other_numbers, {
        f"{key}-other-numbers: `{key}` holds numbers that stand in no row of W: the rows of the given W should come out unchanged.": key
        for key in KEYS
    }),
    *errors({
        "shapes: the inner sizes of a product differ: (n, |V|) times (|V|, d) fits, with one_hot on the left.": "shapes cannot be multiplied|size mismatch|inconsistent tensor size|must match the existing size",
        "elementwise: `*` multiplies number by number, which needs equal shapes: a matrix product is `@`.": r"The size of tensor a \(\d+\) must match",
        "whole-numbers: whole numbers are multiplied by the decimals of W: one_hot has been made decimal for this, indices has not.": "same dtype|expected scalar type|expected m1 and m2|Long",
        "float-index: decimals stand in the brackets: only whole numbers can say which row, and indices holds them.": "IndexError: tensors used as indices must be|only integer",
        "mask: a table of True and False in the brackets must have the shape of W: indices says more directly which rows.": "IndexError: The shape of the mask",
        "too-far: a row is asked for that W does not have: the numbers in indices go from 0 to |V| - 1.": "IndexError: (index|too many)|out of (bounds|range)",
        "called: a tensor is called like a function: rows are taken with square brackets.": "'Tensor' object is not callable",
        "embedding-arguments: F.embedding is given the table first: it takes the numbers of the rows first, then the table.": "'weight' must be 2-D",
        "name-unknown: a name is used that is not defined here: at hand are indices, W and one_hot.": "NameError|UnboundLocalError",
    }),
)  # fmt: skip


def formula(key: str, index: tuple[int, ...], case: Case) -> str:
    return f"W[{int(case['indices'][index[0]])}, {index[1]}]"


parts = (
    Part("product with the one-hot rows", 1, ("product",), blank="product ="),
    Part("rows by look-up", 1, ("rows",), blank="rows ="),
)
hints = (
    "Write the shapes down: one_hot is (n, |V|) and W is (|V|, d). Which product of the two is (n, d)?",
    "For the look-up no product is needed: square brackets take rows out of a tensor, and they take several at once "
    "when they hold a tensor of row numbers.",
    "`product` is one_hot, then the sign `@`, then W. `rows` is W with indices, and nothing else, in square brackets.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, formula=formula)
