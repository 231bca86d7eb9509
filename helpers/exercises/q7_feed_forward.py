"""Q7, first half: the sizes of the feed-forward block (Vaswani et al. 2017, section 3.3; GELU as in ViT)."""

import numpy as np
import torch
import torch.nn.functional as F

from helpers.checks.arrays import Arrays, Case, tensor, to_array, weights
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import errors, prefixed, properties_by, row_by_row, values, values_by
from helpers.observers.q7_feed_forward import observer


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    return [
        {
            "emb_size": emb_size,
            "expansion": expansion,
            "x": tensor(rng, batch, tokens, emb_size),
            "seed": int(rng.integers(1000)),
            "label": f"FeedForwardBlock(emb_size={emb_size}, expansion={expansion})",
        }
        for emb_size, expansion, batch, tokens in [
            (6, 3, 2, 5),
            (10, 2, 3, 4),
            (7 + int(rng.integers(2)), 5, 2, 3),
        ]
    ]


def output(case: Case, activation=F.gelu) -> np.ndarray:
    """The feed-forward block by torch's functions, with the weights that `observe` gives."""
    width, hidden = case["emb_size"], case["emb_size"] * case["expansion"]
    shapes = {"first": (hidden, width), "second": (width, hidden)}
    w = {n: weights(f"{n}.weight", shape, case["seed"]) for n, shape in shapes.items()}
    b = {n: weights(f"{n}.bias", shape[:1], case["seed"]) for n, shape in shapes.items()}
    inner = activation(F.linear(case["x"], w["first"], b["first"]))
    return to_array(F.linear(inner, w["second"], b["second"]), "output")


def expected(case: Case) -> Arrays:
    width, hidden = case["emb_size"], case["emb_size"] * case["expansion"]
    return {
        "first": np.array([width, hidden], float),
        "second": np.array([hidden, width], float),
        "output": output(case),
    }


def second_agrees(observed: Arrays, wanted: Arrays, case: Case) -> bool:
    """The second sizes are right; where both are, so is what the block computes (exact GELU or its tanh form)."""
    if not exercise.same(observed, wanted, "second"):
        return False
    if not exercise.same(observed, wanted, "first"):
        return True
    seen, right = observed.get("output"), wanted["output"]
    return seen is not None and seen.shape == right.shape and np.allclose(seen, right, atol=0.02)


# Wrong hidden sizes from emb_size d and expansion e; in the first layer's output or the second one's input.
HIDDEN = {
    "shrinks: divides by expansion: the hidden layer is wider than the tokens, not narrower.":
        lambda d, e: d // e,
    "not-expanded: leaves expansion out: the hidden layer is as wide as the tokens.": lambda d, e: d,
    "added: adds expansion to emb_size: it is a factor.": lambda d, e: d + e,
    "expansion-alone: takes expansion for the hidden size itself: it is a factor.": lambda d, e: e,
    "factor-4: has the factor 4 written out: 4 is only the default of the argument expansion.":
        lambda d, e: 4 * d,
    "power: raises emb_size to a power: expansion is a factor (`*`, not `**`).": lambda d, e: d**e,
    "squared: uses emb_size twice as a factor.": lambda d, e: d * d * e,
    "fixed-768: has ViT's own 768 written out: use the constructor's arguments.": lambda d, e: 768,
}  # fmt: skip


def sizes(key: str, pair):
    return lambda case: {key: np.array(pair(case["emb_size"], case["expansion"]), float)}


def first_hidden(hidden):
    return sizes("first", lambda d, e: (d, hidden(d, e)))


def second_hidden(hidden):
    return sizes("second", lambda d, e: (hidden(d, e), d))


def with_activation(function):
    return lambda case: {"output": output(case, function)}


def with_ending(function):
    return lambda case: {"output": to_array(function(torch.from_numpy(output(case))), "output")}


def written_out(key: str):
    """Sizes that are the same whatever the arguments are; 8 and 5 stand in the lesson's example."""
    return lambda seen, wanted, case: bool(
        set(seen[key]) & {5.0, 8.0, 128.0, 192.0, 768.0, 3072.0} - set(wanted[key])
    )


misconceptions = (
    *row_by_row(
        values_by(first_hidden, prefixed(HIDDEN, "first-", "the output size of the first nn.Linear ")),
        values_by(second_hidden, prefixed(HIDDEN, "second-", "the input size of the second nn.Linear ")),
    ),
    *values({
        "first-swapped: the two sizes of the first nn.Linear are swapped: what comes in is written first.":
            sizes("first", lambda d, e: (d * e, d)),
        "second-swapped: the two sizes of the second nn.Linear are swapped: what comes in is written first.":
            sizes("second", lambda d, e: (d, d * e)),
        "first-input-hidden: the first nn.Linear expects tokens that are wide already: they come in with emb_size numbers.":
            sizes("first", lambda d, e: (d * e, d * e)),
        "second-output-hidden: the second nn.Linear stays at the hidden size: it leads back to emb_size, or nothing could be added to it.":
            sizes("second", lambda d, e: (d * e, d * e)),
        "second-expands-again: the second nn.Linear expands once more: it leads back to emb_size.":
            sizes("second", lambda d, e: (d * e, d * e * e)),
        "first-fixed-192: the first nn.Linear has ViT's sizes written out as numbers: use the constructor's arguments.":
            sizes("first", lambda d, e: (192, 768)),
        "second-fixed-192: the second nn.Linear has ViT's sizes written out as numbers: use the constructor's arguments.":
            sizes("second", lambda d, e: (768, 192)),
        "second-output-expansion: the second nn.Linear leads to expansion numbers: it leads back to emb_size.":
            sizes("second", lambda d, e: (d * e, e)),
    }),
    *properties_by(written_out, {
        "first-written-out: the first nn.Linear has a size written out as a number, from an example or from ViT: use the constructor's arguments.": "first",
        "second-written-out: the second nn.Linear has a size written out as a number, from an example or from ViT: use the constructor's arguments.": "second",
    }),
    *values_by(first_hidden, {
        "first-caret: `^` is used for a power, which in Python it is not; and expansion is a factor.": lambda d, e: d ^ e,
    }),
    *values_by(with_activation, {
        "relu: the activation is ReLU: that is the paper of 2017. ViT uses GELU; keep the line that was given.": F.relu,
        "no-activation: there is no activation: two Linear layers in a row are one Linear layer. Keep the lines that were given.":
            lambda x: x,
        "two-activations: there are two activations between the nn.Linear layers: keep the one line that was given.":
            lambda x: F.gelu(F.gelu(x)),
    }),
    *values_by(with_ending, {
        "gelu-at-the-end: an activation stands behind the second nn.Linear, too: the block ends with that layer. An activation belongs between two of them.": F.gelu,
        "relu-at-the-end: an activation stands behind the second nn.Linear, too: the block ends with that layer. An activation belongs between two of them.": F.relu,
    }),
    *errors({
        "size-not-whole: a size is not a whole number: `/` gives a float even where the division comes out even, and here nothing needs to be divided.": r"TypeError: .*(float|can't multiply)",
        "size-missing: an nn.Linear has only one of its two sizes: both are needed, what comes in and what goes out.": r"TypeError: .*missing 1 required positional argument: 'out_features'",
    }),
)  # fmt: skip


def place(key: str, index: tuple[int, ...], case: Case) -> str:
    if key == "output":
        return f"output{list(index)}"
    return f"the {('input', 'output')[index[0]]} size of the {key} nn.Linear"


def given(case: Case) -> dict:
    return {"# wider": [int(size) for size in expected(case)["first"]]}


parts = (
    Part("the first nn.Linear", 1, ("first",), blank="# wider"),
    Part(
        "the second nn.Linear, and what the block gives",
        1,
        ("second", "output"),
        agrees=second_agrees,
        blank="# back",
    ),
)
hints = (
    "nn.Linear(a, b) takes vectors of a numbers and gives vectors of b numbers. How long is one token?",
    "Follow the arrows of the diagram: 192 -> 768 -> 192, with emb_size = 192 and expansion = 4.",
    "The hidden layer has expansion times emb_size numbers. The first nn.Linear leads from a token to it, "
    "the second one from it back to a token; write both sizes with the arguments' names.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, place, given=given)
