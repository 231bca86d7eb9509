"""Q7: layer normalisation by hand (Ba et al. 2016): every token to mean 0 and deviation 1, then scaled and shifted."""

import numpy as np
import torch
import torch.nn.functional as F

from helpers.checks.arrays import Arrays, Case, tensor, to_array
from helpers.checks.exercise import Exercise, Part
from helpers.checks.mistakes import errors, properties_by, values_by, values_of
from helpers.observers.q7_layer_norm import OUT, VARIANCE, observer


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    return [
        {
            "x": tensor(rng, *shape, scale=2.0) + 1.5,
            "scale": tensor(rng, shape[-1]) + 2,
            "shift": tensor(rng, shape[-1]),
            "eps": eps,  # far larger than usual, so that it shows where it stands
            "label": f"x {shape}, eps={eps}",
        }
        for shape, eps in (((2, 3, 7), 0.5), ((4, 5), 0.25), ((3, 2, 4, 6), 0.75))
    ]


def spread(x: torch.Tensor) -> torch.Tensor:
    """(..., 1): the variance of the last axis, divided by all d."""
    return torch.var_mean(x, -1, correction=0, keepdim=True)[0]


def normed(case: Case, variance: torch.Tensor) -> torch.Tensor:
    """The right end for any variance."""
    x = case["x"]
    flat = torch.rsqrt(variance.add(case["eps"])).mul(x.sub(x.mean(-1, True)))
    return torch.addcmul(case["shift"], flat, case["scale"])


def expected(case: Case) -> Arrays:
    x = case["x"]
    out = F.layer_norm(x, x.shape[-1:], case["scale"], case["shift"], case["eps"])
    return {VARIANCE: to_array(spread(x), VARIANCE), OUT: to_array(out, OUT)}


def variance_is(make):
    """`make(x)` stands in place of the variance, for which it comes out by itself."""

    def produces(case: Case) -> Arrays:
        made = make(case["x"])
        if case.get("alone") == "variance =":
            return {VARIANCE: to_array(made, VARIANCE)}
        return {OUT: to_array(normed(case, made), OUT)}

    return produces


def around(x: torch.Tensor) -> torch.Tensor:
    return x.sub(x.mean(-1, True))


def ingredients(case: Case, make=spread) -> tuple:
    """x without its mean, x, variance, scale, shift, eps."""
    x = case["x"]
    return around(x), x, make(x), case["scale"], case["shift"], case["eps"]


def both_wrong(make):
    """`make(x)` stands in place of the variance, and the end is wrong in one of the known ways."""

    def when(seen: Arrays, wanted: Arrays, case: Case) -> bool:
        given = ingredients(case, make)
        return any(exercise.close(seen[OUT], to_array(end(*given), OUT)) for end in ENDS.values())

    return when


VARIANCES = {
    "unbiased: the squares are divided by d - 1: that is torch's default for `var`. LayerNorm divides by all d, so `correction=0` (or `unbiased=False`).":
        lambda x: x.var(-1, keepdim=True),
    "deviation: the standard deviation stands in place of the variance: the root is taken in the next line.":
        lambda x: spread(x).sqrt(),
    "deviation-unbiased: the standard deviation stands in place of the variance, and with d - 1: the root is taken in the next line, and LayerNorm divides by all d.":
        lambda x: x.std(-1, keepdim=True),
    "not-squared: the distances from the mean are not squared: above and below the mean they cancel.":
        lambda x: around(x).mean(-1, keepdim=True),
    "absolute: the distances from the mean lose their sign by abs: the variance squares them.":
        lambda x: around(x).abs().mean(-1, keepdim=True),
    "not-centred: the mean is not taken off before squaring: the variance is about the distances from the mean.":
        lambda x: x.square().mean(-1, keepdim=True),
    "summed: the squares are added up and not divided by their number: take the mean.":
        lambda x: around(x).square().sum(-1, keepdim=True),
    "not-averaged: the squares are not averaged: one number for each token is wanted.":
        lambda x: around(x).square(),
    "whole-tensor: one variance is taken for the whole tensor: each token has its own, so give the last axis, dim=-1.":
        lambda x: x.var(correction=0),
    "whole-tensor-own-mean: one variance is taken for the whole tensor: each token has its own, so give the last axis, dim=-1.":
        lambda x: around(x).square().mean(),
    "whole-tensor-unbiased: one variance is taken for the whole tensor: each token has its own, so give the last axis, dim=-1.":
        lambda x: x.var(),
    "wrong-axis: the variance is taken along axis 0, so tokens are mixed (as BatchNorm does): it belongs to the last axis, the numbers of one token.":
        lambda x: x.var(0, correction=0, keepdim=True),
    "wrong-axis-own-mean: the variance is taken along axis 0, so tokens are mixed (as BatchNorm does): it belongs to the last axis, the numbers of one token.":
        lambda x: around(x).square().mean(0, keepdim=True),
    "tokens-axis: the variance is taken over the tokens: it belongs to the last axis, the numbers of one token.":
        lambda x: x.var(-2, correction=0, keepdim=True),
    "tokens-axis-own-mean: the variance is taken over the tokens: it belongs to the last axis, the numbers of one token.":
        lambda x: around(x).square().mean(-2, keepdim=True),
    "two-axes: the variance is taken over the last two axes: each token has its own, so only the last one.":
        lambda x: x.var((-2, -1), correction=0, keepdim=True),
    "square-of-mean: the mean is squared: the variance is the mean of the squared distances from it.":
        lambda x: x.mean(-1, True).square(),
    "sign: the distances are squared with the wrong sign in front.": lambda x: -spread(x),
}  # fmt: skip
ENDS = {
    "not-centred-out: the mean is not taken off: subtract it first.":
        lambda c, x, v, a, b, e: x * torch.rsqrt(v + e) * a + b,
    "no-root: the root is missing: divide by the standard deviation, which is the root of the variance.":
        lambda c, x, v, a, b, e: c / (v + e) * a + b,
    "no-root-no-eps: root and eps are missing: divide by the root of variance plus eps.":
        lambda c, x, v, a, b, e: c / v * a + b,
    "eps-forgotten: eps is missing: without it a token whose numbers are all equal gives 0 / 0.":
        lambda c, x, v, a, b, e: c * torch.rsqrt(v) * a + b,
    "eps-outside: eps is added outside of the root: it belongs to the variance, inside.":
        lambda c, x, v, a, b, e: c / (v.sqrt() + e) * a + b,
    "eps-on-top: eps is added to the numbers: it belongs to the variance, below.":
        lambda c, x, v, a, b, e: (c + e) * torch.rsqrt(v) * a + b,
    "eps-subtracted: eps is subtracted from the variance: it is added, so that the root is never of 0.":
        lambda c, x, v, a, b, e: c * torch.rsqrt(v - e) * a + b,
    "eps-at-the-end: eps is added to the result: it belongs to the variance, inside of the root.":
        lambda c, x, v, a, b, e: c * torch.rsqrt(v) * a + b + e,
    "multiplied: the numbers are multiplied by the deviation: divide by it.":
        lambda c, x, v, a, b, e: c * (v + e).sqrt() * a + b,
    "no-scale: scale is missing: after the norm each dimension is multiplied by its own.":
        lambda c, x, v, a, b, e: c * torch.rsqrt(v + e) + b,
    "no-shift: shift is missing: it is added at the end.":
        lambda c, x, v, a, b, e: c * torch.rsqrt(v + e) * a,
    "not-scaled-not-shifted: scale and shift are missing: the norm is right, now `* scale + shift`.":
        lambda c, x, v, a, b, e: c * torch.rsqrt(v + e),
    "shift-first: shift is added before scale multiplies: scale first, then shift.":
        lambda c, x, v, a, b, e: (c * torch.rsqrt(v + e) + b) * a,
    "scale-and-shift-swapped: scale and shift have changed places: scale multiplies, shift is added.":
        lambda c, x, v, a, b, e: c * torch.rsqrt(v + e) * b + a,
    "scale-divides: the result is divided by scale: it multiplies. (Mind the brackets: `/ (root * scale)` divides by both.)":
        lambda c, x, v, a, b, e: c * torch.rsqrt(v + e) / a + b,
    "shift-subtracted: shift is subtracted: it is added.":
        lambda c, x, v, a, b, e: c * torch.rsqrt(v + e) * a - b,
    "scale-added: scale is added: it multiplies.":
        lambda c, x, v, a, b, e: c * torch.rsqrt(v + e) + a + b,
    "brackets: only the mean is divided: brackets belong around `x - mean`.":
        lambda c, x, v, a, b, e: x - (x - c) * torch.rsqrt(v + e) * a + b,
    "mean-added: the mean is added: subtract it.":
        lambda c, x, v, a, b, e: (2 * x - c) * torch.rsqrt(v + e) * a + b,
    "only-centred: the numbers are centred and not divided by their deviation.":
        lambda c, x, v, a, b, e: c * a + b,
    "variance-squared: the variance is squared: its root is wanted.":
        lambda c, x, v, a, b, e: c / (v + e) ** 2 * a + b,
}  # fmt: skip

misconceptions = (
    *values_by(variance_is, VARIANCES),
    *values_of(OUT, ingredients, ENDS),
    *properties_by(both_wrong, VARIANCES),
    *errors({
        "no-keepdim: the variance has lost its last axis, so it does not fit beside x: `keepdim=True`, as for the mean.":
            r"must match the (size|existing)",
    }),
)  # fmt: skip


def given(case: Case) -> dict:
    return {"variance =": spread(case["x"])}


parts = (
    Part("variance of each token", 1, (OUT,), blank="variance =", alone=(VARIANCE,)),
    Part("normed, scaled, shifted", 1, (OUT,), blank="out ="),
)
hints = (
    "The variance is a mean, too: of what? And along which axis do the numbers of one token lie?",
    "variance: the mean of the squared distances from `mean`, over the last axis, which stays with length 1. "
    "out: distance from the mean, divided by a root, then the learned vectors.",
    "variance: `((x - ...) ** 2).mean(...)`, with the arguments that the line above has. out: `(x - ...) / "
    "torch.sqrt(... + eps)`, times scale, plus shift.",
)
exercise = Exercise(observer, cases, expected, parts, misconceptions, hints, given=given)
