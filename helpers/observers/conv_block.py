"""Observes conv_block: what the student's object gives, whatever that is. Judged in helpers/exercises/conv_block.py."""

import numpy as np
import torch
from torch import nn

from helpers.checks.alone import Place
from helpers.checks.arrays import Arrays, Case, Stopped, Unfit, to_array, to_tensor, weights
from helpers.checks.objects import need_function
from helpers.checks.observe import Observer

PLAIN, PLAIN_COUNT = "output without norm", "parameters without norm"
TRAIN, EVAL, COUNT = "output in training", "output in evaluation", "parameters with norm"
INTO = "what the norm gets"
MOMENTUM = "momentum of the norm"


def value(kind: str, name: str, shape: tuple[int, ...], seed: int) -> torch.Tensor:
    """What every parameter and buffer is set to; it depends on its kind, not on where it stands in the block."""
    drawn = weights(f"{kind}.{name}", shape, seed, scale=0.4)
    return drawn.abs() + 0.5 if name == "running_var" else drawn + (1.0 if name == "scale" else 0.0)


def prepare(block: nn.Module, seed: int) -> nn.Module:
    """Known numbers in every convolution and every norm of the block."""
    with torch.no_grad():
        for module in block.modules():
            kind = "conv" if isinstance(module, nn.Conv2d) else "norm"
            own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
            for name, stored in own:
                if stored is not None and stored.is_floating_point():
                    called = "scale" if (kind, name) == ("norm", "weight") else name
                    stored.copy_(value(kind, called, tuple(stored.shape), seed))
    return block


def made(obj, case: Case, batch_norm: bool) -> nn.Module:
    block = obj(*case["sizes"], batch_norm)
    if not isinstance(block, nn.Module):
        given = "None" if block is None else f"a {type(block).__name__}"
        raise Unfit(
            f"conv_block gave {given} instead of a module. Does it end with `return nn.Sequential(*layers)`?"
        )
    return prepare(block, case["seed"])


def parameters(block: nn.Module) -> np.ndarray:
    return np.array(float(sum(p.numel() for p in block.parameters())))


def observe(obj, case: Case) -> Arrays:
    need_function(obj, "def conv_block(...):")
    with torch.no_grad():
        block = made(obj, case, False).eval()
        seen = {PLAIN_COUNT: parameters(block)}
        seen[PLAIN] = to_array(to_tensor(block(case["x"]), "What the block gives"), "The output")
        try:
            block = made(obj, case, True)
            seen[COUNT] = parameters(block)
            for norm in block.modules():
                if isinstance(norm, nn.BatchNorm2d):
                    seen[MOMENTUM] = np.array(0.0 if norm.momentum is None else norm.momentum)
                    norm.register_forward_pre_hook(
                        lambda module, inputs: seen.update({INTO: to_array(inputs[0], INTO)})
                    )
            for key, mode in ((TRAIN, True), (EVAL, False)):
                prepare(block, case["seed"]).train(mode)
                torch.manual_seed(0)
                seen[key] = to_array(block(case["x"]), "The output")
        except Unfit:
            raise
        except Exception as error:
            raise Stopped(seen) from error
    return seen


places = {
    "layers = [": Place("layers", above=lambda value, local: [nn.Conv2d(*value)]),
    "layers.append(": Place("layers.append(", calls=2),
}
observer = Observer("conv_block", observe, places)
