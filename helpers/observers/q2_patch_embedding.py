"""Observes PatchEmbedding: what the student's object gives, whatever that is. Judged in helpers/exercises/q2_patch_embedding.py."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from helpers.checks.alone import Place
from helpers.checks.arrays import Arrays, Case, Unfit, fill, to_array, to_tensor
from helpers.checks.objects import learns, patch_embedding
from helpers.checks.observe import Observer


@torch.no_grad()
def observe(obj: Any, case: Case) -> Arrays:
    module = patch_embedding(obj, case)
    try:
        to_tensor(module(case["x"]), "The output of PatchEmbedding", "Does forward end with `return`?")
    except (
        RuntimeError
    ) as error:  # shapes that do not fit the Linear: look at the cut and at the Linear by themselves
        cut, linear = pieces(module)
        if cut is None or "shapes cannot be multiplied" not in str(error):
            raise
        if to_tensor(cut(case["x"]), "The rearranged image").shape[-1] == linear.in_features:
            raise
        return {
            **reading(cut, case["x"]),
            "in_features": np.array(float(linear.in_features)),
            "out_features": np.array(float(linear.out_features)),
        }
    fill(module, case["seed"])
    seen = reading(module, case["x"])
    linears = [m for m in module.modules() if isinstance(m, torch.nn.Linear)]
    into = linears[0].in_features if linears else seen["numbers"]
    out = linears[-1].out_features if linears else module(case["x"]).shape[-1]
    seen |= learns(module, module, case["x"])
    return {**seen, "in_features": np.array(float(into)), "out_features": np.array(float(out))}


def pieces(module: torch.nn.Module) -> tuple[torch.nn.Module | None, Any]:
    """What stands before the Linear in `self.projection`, and the Linear; (None, None) if it is built in another way."""
    projection = getattr(module, "projection", None)
    if isinstance(projection, torch.nn.Sequential):
        for n, child in enumerate(projection):
            if n and isinstance(child, torch.nn.Linear):
                return projection[:n], child
    return None, None


Stage = Callable[[torch.Tensor], torch.Tensor]


def reading(stage: Stage, x: torch.Tensor) -> dict[str, np.ndarray]:
    """Who reads what: a summary that does not depend on the order of tokens, or of pixels in a token.

    Args:
        stage: a map of images (b, c, h, w) to tokens, features last.
        x: images; its values are used for `affine` alone.
    """
    base = to_array(stage(torch.zeros_like(x)), "the output for a black image")
    if not np.isfinite(base).all():
        raise Unfit("The output for a black image is NaN or infinite.")
    if base.ndim < 2:
        raise Unfit(
            f"The output should have three axes (images, tokens, features), but its shape is {base.shape}."
        )
    changes = []
    for n in range(x.numel()):
        image = torch.zeros(x.numel(), dtype=x.dtype)
        image[n] = 1.0
        changes.append(to_array(stage(image.view(x.shape)), "the output") - base)
    weights = np.stack(changes).reshape(x.numel(), -1, base.shape[-1])  # (numbers, tokens, features)
    whole = base.reshape(weights.shape[1:]) + np.tensordot(to_array(x, "x").reshape(-1), weights, 1)
    answer = to_array(stage(x), "the output").reshape(whole.shape)

    reads = np.abs(weights).max(-1).T > 1e-4  # (tokens, numbers)
    places = np.stack(np.unravel_index(np.arange(x.numel()), x.shape))  # image, channel, row, column
    images, channels, height, width = (
        max(
            (int(np.ptp(places[axis, r])) + 1 if axis in (2, 3) else len(set(places[axis, r])))
            for r in reads
            if r.any()
        )
        if reads.any()
        else 0
        for axis in range(4)
    )
    counts = reads.sum(1)
    # a token's weights, in the order of the image's numbers: the same for every token?
    own = [weights[r, t] for t, r in enumerate(reads)] if len(set(counts)) == 1 else []
    shared = bool(own) and all(np.allclose(w, own[0], rtol=1e-3, atol=1e-4) for w in own)
    shared = shared and len(np.unique(own[0].round(5), axis=0)) == len(own[0])  # and no two numbers share one
    times = reads.sum(0)
    summary = {
        "axes": base.ndim,
        "tokens": base.shape[:-1],
        "numbers": most_unlike(counts, np.median(counts)),
        "height": height,
        "width": width,
        "channels": channels,
        "images": images,
        "readers": most_unlike(times, 1),
        "same weights": shared,
        "affine": np.allclose(whole, answer, rtol=1e-3, atol=1e-3),
    }
    return {key: np.array(value, float) for key, value in summary.items()}


def most_unlike(values: np.ndarray, usual: float) -> float:
    """The value farthest from the usual one; the usual one if all agree."""
    return float(values[np.abs(values - usual).argmax()])


places = {
    "# the pattern": Place("Rearrange(", above=lambda value, local: torch.nn.Identity()),
    "nn.Linear(": Place("nn.Linear(", below=lambda local: torch.nn.Identity()),
}
observer = Observer("PatchEmbedding", observe, places)
