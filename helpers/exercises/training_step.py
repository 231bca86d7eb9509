"""One step of training, judged by what becomes of the parameters (gradient descent with momentum, Polyak 1964).

What is right is computed without an optimizer: the gradient of a function of the parameters, and the update by its formula.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch.func import functional_call

from helpers.checks.arrays import Arrays, Case, tensor, to_array
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import errors, properties, values, values_of
from helpers.observers.training_step import BEFORE, FIRST, LEFT, LOSSES, ONE, SEVERAL, model_of, observer


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    return [
        {
            "images": tensor(rng, steps, batch, 3, height, width),
            "labels": torch.from_numpy(rng.integers(0, classes, (steps, batch))),
            "sizes": (3 * height * width, 7, classes),
            "lr": lr,
            "momentum": momentum,
            "seed": int(rng.integers(1000)),
            "label": f"{steps} steps on batches of {batch}" + (", with momentum" if momentum else ""),
        }
        for steps, batch, height, width, classes, lr, momentum in (
            (4, 5, 2, 4, 3, 0.5, 0.0),
            (3, 8, 4, 2, 6, 0.2, 0.9),
        )
    ]


def trained(
    case: Case, loss=F.cross_entropy, keep: float = 0.0, times: int = 1, sign: float = 1.0, late: int = 0
) -> Arrays:
    """What several steps give.

    Args:
        keep: share of the old gradient that is left when the new one is added.
        times: updates a step.
        sign: -1 goes uphill.
        late: each step takes the gradient of so many steps before.
    """
    model = model_of(case)
    weights = {name: p.detach() for name, p in model.named_parameters()}

    def of(weights, images, labels):
        return loss(functional_call(model, weights, (images,)), labels)

    zero = {name: torch.zeros_like(w) for name, w in weights.items()}
    old, speed, losses, after, given = zero, zero, [], [], []
    for images, labels in zip(case["images"], case["labels"], strict=True):
        leaves = {name: w.detach().requires_grad_() for name, w in weights.items()}
        with torch.enable_grad():
            value = of(leaves, images, labels)
        losses.append(to_array(value.detach(), LOSSES))
        # not torch.func.grad: its first call imports the compiler, for seconds
        new = dict(zip(leaves, torch.autograd.grad(value, list(leaves.values())), strict=True))
        old = {name: keep * old[name] + sign * new[name] for name in new}
        given.append(old)
        if len(given) > late:
            for _ in range(times):
                speed = {name: case["momentum"] * speed[name] + g for name, g in given[-1 - late].items()}
                weights = {name: w - case["lr"] * speed[name] for name, w in weights.items()}
        after.append(to_array(torch.cat([w.flatten() for w in weights.values()]), ONE))
    return {FIRST: np.array(losses[0]), ONE: after[0], LOSSES: np.array(losses), SEVERAL: after[-1]}


def expected(case: Case) -> Arrays:
    return trained(case)


def steps(**how):
    """The parameters of `trained(case, **how)`."""
    return lambda case: {key: value for key, value in trained(case, **how).items() if key in (ONE, SEVERAL)}


def still(seen: Arrays) -> bool:
    return exercise.close(seen[BEFORE], seen[ONE])


def first_batch(case: Case) -> tuple[torch.Tensor, torch.Tensor]:
    return model_of(case)(case["images"][0]).detach(), case["labels"][0]


misconceptions = (
    *values_of(FIRST, first_batch, {
        "softmax-twice: the model's output goes through a softmax before the loss: cross-entropy takes the softmax itself.":
            lambda logits, labels: F.cross_entropy(logits.softmax(1), labels),
        "not-negated-log: nll_loss is given logits: it wants log-probabilities. `F.cross_entropy` takes logits.":
            lambda logits, labels: F.nll_loss(logits, labels),
        "summed: the losses of the pictures are summed up: take their mean, or the step grows with the batch.":
            lambda logits, labels: F.cross_entropy(logits, labels, reduction="sum"),
        "minus: the loss has the wrong sign: cross-entropy is the number that should fall.":
            lambda logits, labels: -F.cross_entropy(logits, labels),
        "smoothed: the labels are smoothed: here the plain cross-entropy is asked.":
            lambda logits, labels: F.cross_entropy(logits, labels, label_smoothing=0.1),
    }),
    *properties({
        "no-step: the gradients are there, and the parameters stay as they were: `optimizer.step()` has to come, after `backward`.":
            lambda seen, wanted, case: still(seen) and exercise.close(seen[BEFORE], seen[SEVERAL]) and seen[LEFT],
        "no-gradient: the parameters stay as they were, and no gradient is left: is `backward()` called, and does nothing set the gradients to zero between it and the step?":
            lambda seen, wanted, case: still(seen) and exercise.close(seen[BEFORE], seen[SEVERAL]),
        "a-batch-late: the first step changes nothing, the others use the gradient of the batch before: `optimizer.step()` comes after `backward()`.":
            lambda seen, wanted, case: still(seen),
    }),
    *values({
        "accumulated: the first step is right, the others are not: `backward` adds to the gradients that are there, so they are set to zero in each step (`optimizer.zero_grad()`).":
            steps(keep=1),
        "step-twice: the optimizer steps twice.": steps(times=2),
        "uphill: the parameters move the wrong way: the gradient of the loss itself is wanted, not of its negative.": steps(sign=-1),
    }),
    *errors({
        "no-graph: the loss can't be traced back to the parameters: a `no_grad`, `detach`, `item` or `argmax` stands between them.": "does not require grad",
        "not-reduced: backward wants one number: the mean loss of the batch.": "grad can be implicitly created only for scalar",
        "backward-twice: `backward` is called twice on one loss: once is enough, the optimizer finds the gradients in the parameters.": "backward through the graph a second time",
        "labels-first: labels and logits have changed places: first what the model says, then what is right.":
            r"expected floating point type for target|Expected floating point type for target|size mismatch \(got|not implemented for 'Long'|Expected input batch_size",
        "step-too-early: the optimizer steps between the loss and `backward`, which then can't trace the loss back to the parameters as they were: first `backward`, then `step`.":
            "modified by an inplace operation",
        "gradient-of-model: backward is asked of something else than the loss.": r"AttributeError: .*'backward'",
        "optimizer-of-model: `zero_grad`, `step` or `parameters` is asked of something that does not have it.": r"AttributeError: .*'(zero_grad|step|parameters)'",
        "british: the name is written otherwise in the line with `def`: optimizer, with a z.": "NameError: name 'optimiser'",
    }),
)  # fmt: skip


def place(key: str, index: tuple[int, ...], case: Case) -> str:
    if key == LOSSES:
        return f"the loss of step {index[0] + 1}"
    return f"number {index[0]} of {key}" if index else key


parts = (
    Part("the loss", 1, (FIRST,), blank="loss ="),
    Part("one step", 1, (ONE,), blank="loss ="),
    Part("several steps", 1, (SEVERAL, LOSSES), blank="loss ="),
)
hints = (
    "Five things, in this order: forward, loss, old gradients away, new gradients, step. The first two fit in one line.",
    "The loss is F.cross_entropy of what the model says and what is right. The other three are methods: two of the optimizer, one "
    "of the loss.",
    "First line: the loss of the model's logits for the images, and the labels. Then zero_grad of the optimizer, backward of the loss, "
    "step of the optimizer, each with round brackets.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, place)
