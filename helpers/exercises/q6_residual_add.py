"""Q6: the residual block (He et al. 2016)."""

import numpy as np
import torch
import torch.nn.functional as F

from helpers.checks.arrays import Arrays, Case, tensor, to_array
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import errors, properties, properties_by, values, values_by
from helpers.observers.q6_residual_add import Fn, observer

KEYS = ("output", "x after the call", "calls of fn", "parameters found", "gradient of x")


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    extra = {"scale": float(rng.uniform(2, 3)), "shift": float(rng.uniform(0.5, 1))}
    told = f" with {', '.join(f'{k}={v:.2f}' for k, v in extra.items())}"
    return [
        {
            "kind": kind,
            "seed": seed,
            "kwargs": kwargs,
            "x": tensor(rng, *shape),
            "upstream": tensor(rng, *shape),  # the gradient that arrives at the output
            "label": f"fn = {kind}{told if kwargs else ''}",
        }
        for kind, shape, kwargs in (
            ("Linear", (2, 5, 6), {}),
            ("Scaled", (3, 4, 7), extra),
            ("Conv1d", (2, 8, 3), {}),
            ("Identity", (2, 3, 4), {}),
        )
    ]


def both(case: Case, dim: int = 0) -> torch.Tensor:
    """x and fn(x) stacked: (2, *x.shape)."""
    with torch.no_grad():
        return torch.stack([case["x"], Fn(case)(case["x"], **case["kwargs"])], dim)


def expected(case: Case) -> Arrays:
    fn, x = Fn(case), case["x"].detach().requires_grad_()
    with torch.enable_grad():
        (through_fn,) = torch.autograd.grad(fn(x, **case["kwargs"]), x, case["upstream"])
    return {
        "output": to_array(both(case).sum(0), "output"),
        "x after the call": to_array(case["x"], "x"),
        "calls of fn": np.array(1.0),
        "parameters found": np.array(float(sum(p.numel() for p in fn.parameters()))),
        "gradient of x": to_array(torch.stack([case["upstream"], through_fn]).sum(0), "gradient"),
    }


def output(combine):
    """Values for a mistake: `combine(x, y, f)` with y = f(x), keyword arguments included."""

    def produces(case: Case) -> Arrays:
        fn = Fn(case)
        with torch.no_grad():
            x, y = both(case)
            return {"output": to_array(combine(x, y, lambda v: fn(v, **case["kwargs"])), "output")}

    return produces


def kwargs_dropped(case: Case) -> Arrays:
    return {"output": to_array(both({**case, "kwargs": {}}).sum(0), "output")}


def right_but(differs):
    """A mistake that leaves the output right: `differs(observed, expected, case)`."""
    return lambda seen, wanted, case: exercise.same(seen, wanted, "output") and differs(seen, wanted, case)


def written_into_x(seen: Arrays, wanted: Arrays, case: Case) -> bool:
    return not exercise.same(seen, wanted, "x after the call")


def gradient_is(part):
    """The output is right, but only `part(straight, through_fn)` of the gradient arrives."""

    def differs(seen: Arrays, wanted: Arrays, case: Case) -> bool:
        key, straight = "gradient of x", to_array(case["upstream"], "gradient")
        return exercise.same(seen, {key: part(straight, wanted[key] - straight)}, key)

    return right_but(differs)


def norm(x: torch.Tensor) -> torch.Tensor:
    return F.layer_norm(x, x.shape[-1:])


misconceptions = (
    *values_by(output, {
        "x-alone: x is returned as it is: fn is left out.": lambda x, y, f: x,
        "fn-alone: fn(x) stands alone: x is not added to it.": lambda x, y, f: y,
        "fn-twice: fn(x) is added to itself: one of the two should be x.": lambda x, y, f: torch.mul(y, 2),
        "x-doubled: x is added to itself: one of the two should be fn(x).": lambda x, y, f: x * 2,
        "x-twice: x is added twice: once is enough.": lambda x, y, f: torch.add(y, x, alpha=2),
        "multiplied: x and fn(x) are multiplied: add them.": lambda x, y, f: torch.mul(x, y),
        "x-minus-fn: fn(x) is subtracted from x: add it.": lambda x, y, f: torch.sub(x, y),
        "fn-minus-x: x is subtracted from fn(x): add it.": lambda x, y, f: torch.sub(y, x),
        "fn-of-the-sum: x is doubled before it goes into fn: fn takes x itself, and the sum comes after it.":
            lambda x, y, f: f(2 * x),
        "fn-of-fn: fn is applied to its own output, and x is not added.": lambda x, y, f: f(y),
        "fn-of-fn-added: fn is applied twice, one after the other: once is enough, then add x.":
            lambda x, y, f: torch.add(f(y), x),
        "fn-of-residual: fn is applied again to the sum: the sum itself is the result.":
            lambda x, y, f: f(torch.add(y, x)),
        "y-plus-fn-of-y: the x that is added is no longer the input: it was overwritten by fn(x) first.":
            lambda x, y, f: torch.add(f(y), y),
        "mean: the mean of x and fn(x) is taken: a residual block takes the sum.":
            lambda x, y, f: torch.lerp(x, y, 0.5),
        "maximum: the larger of x and fn(x) is taken: add them.": lambda x, y, f: torch.maximum(x, y),
    }),
    *values_by(lambda dim: output(lambda x, y, f: torch.cat([x, y], dim)), {
        f"concatenated-{name}: x and fn(x) are concatenated: add them, so that the shape stays as it is.": dim
        for name, dim in (("last", -1), ("first", 0), ("tokens", 1))
    }),
    *values_by(output, {
        "stacked: x and fn(x) are stacked but not summed up.": lambda x, y, f: torch.stack([x, y]),
    }),
    *properties({
        "summed-up: the numbers inside the tensor are summed up: add x and fn(x) number by number.":
            lambda seen, wanted, case: seen["output"].ndim < wanted["output"].ndim,
    }),
    *values_by(output, {
        "relu-after: a ReLU follows the sum, as in the ResNet of 2016: in a Transformer nothing does.":
            lambda x, y, f: torch.relu(torch.add(y, x)),
        "norm-after: the sum is layer-normed: the norm is not this class's business, fn brings its own.":
            lambda x, y, f: norm(torch.add(y, x)),
        "norm-before: x is layer-normed before fn: the norm is not this class's business, fn brings its own.":
            lambda x, y, f: torch.add(f(norm(x)), x),
    }),
    *values({
        "kwargs-dropped: the keyword arguments do not reach fn: hand them on with `**kwargs`.": kwargs_dropped,
    }),
    # the output is right, and yet
    *properties_by(right_but, {
        "in-place: x itself is changed in place, by `+=` or a method whose name ends in `_`: make a new tensor.": written_into_x,
        "in-place-result: what fn returned is changed in place: an fn like Identity returns x itself, so x changes with it. Make a new tensor.":
            lambda seen, wanted, case: written_into_x(seen, wanted, case) == (case["kind"] == "Identity"),
        "called-twice: fn is called more than once: with dropout inside, every call gives another answer. Keep its result in a name.":
            lambda seen, wanted, case: float(seen["calls of fn"]) > 1,
    }),
    *properties_by(gradient_is, {
        "skip-detached: x is detached on the straight road: the gradient comes back through fn only.":
            lambda straight, through_fn: through_fn,
        "branch-detached: fn's side is cut off (`detach`, `.data` or `no_grad`): the gradient comes back on the straight road only.":
            lambda straight, through_fn: straight,
        "no-gradient: the output is cut off from x (`detach`, `.data` or `no_grad`): no gradient comes back at all.":
            lambda straight, through_fn: 0 * straight,
    }),
    *properties_by(right_but, {
        "not-registered: self.fn does not hold the module itself: keep the given `__init__`, or fn's parameters are never trained.":
            lambda seen, wanted, case: (
                float(seen["parameters found"]) == 0 and float(seen["calls of fn"]) == 1
            ),
    }),
    *errors({
        "in-place-error: a tensor that the backward pass needs is changed in place, by `+=` or a method whose name ends in `_`: make a new tensor.": "in-place operation|inplace operation",
        "fn-without-self: fn is used without `self.`: in forward it is `self.fn`.": "NameError: name 'fn' is not",
        "x-on-self: x is looked for on self: it is the argument of forward.": "no attribute 'x'",
        "fn-not-called: the module self.fn is added, not what it gives: call it on x.": r"unsupported operand type\(s\).*'Fn'",
        "fn-without-x: fn is called without x.": r"forward\(\) missing 1 required positional argument",
        "kwargs-positional: the keyword arguments are given to fn as an ordinary argument: they need the two stars, `**kwargs`.": r"forward\(\) takes 2 positional arguments but|unexpected keyword argument 'kwargs'",
        "no-forward: the class has no forward: is `def forward` indented like `def __init__`?": 'missing the required "forward" function',
        "in-a-list: x and fn(x) are put in a list or tuple: add them.": r"Unfit: What forward gives should be a torch tensor but is a (list|tuple)",
    }),
)  # fmt: skip


def place(key: str, index: tuple[int, ...], case: Case) -> str:
    at = list(index) if index else ""
    names = {"x after the call": f"after the call, x{at}", "gradient of x": f"x.grad{at}"}
    return names.get(key, f"{key}{at}")


def formula(key: str, index: tuple[int, ...], case: Case) -> str:
    if key == "output":
        x, y = both(case)
        return f"{float(x[index]):.4f} (x) + {float(y[index]):.4f} (fn of x)"
    if key == "gradient of x":
        straight = float(case["upstream"][index])
        rest = float(expected(case)[key][index]) - straight
        return f"{straight:.4f} (straight) + {rest:.4f} (through fn)"
    return {"x after the call": "its old value", "calls of fn": "one", "parameters found": "those of fn"}[key]


parts = (Part("x plus fn(x)", 1, KEYS, blank="out ="),)
hints = (
    "Two roads lead from x to the plus sign in the diagram: one goes straight there, one through self.fn.",
    "With fn = Identity the result is twice x; with an fn that gives zeros it is x.",
    "Call self.fn on x, with the keyword arguments behind two stars, and add x to what it gives, with a plain plus.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, place, formula)
