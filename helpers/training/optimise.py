"""How a step is made: Muon and AdamW, the learning rate over time, and the number type that this machine computes fast.

Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon) makes steps whose matrices have all singular values
near 1. AdamW scales every number of the gradient by itself; Muon takes the gradient of a layer as the matrix that
it is: it keeps the directions and makes them equally long, so that no few of them swallow the step. It is for the
matrices inside the blocks; everything else (patch embedding, tokens, positions, norms, biases, head) stays with AdamW.
"""

import contextlib
import ctypes
import math
import sys
import time
from functools import lru_cache

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from helpers.training.recipe import Recipe

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # Jordan's quintic: five steps bring singular values to 0.7 .. 1.2


def orthogonalised(matrices: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """(k, m, n) -> (k, m, n): the same singular vectors, singular values near 1, by a Newton-Schulz iteration."""
    a, b, c = NEWTON_SCHULZ
    # the short side first: less to do
    x = matrices.mT if matrices.shape[-2] > matrices.shape[-1] else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if matrices.shape[-2] > matrices.shape[-1] else x


# torch.optim.Muon (torch 2.9) does the same, but always in bfloat16, which laptops without such units emulate
# slowly, and one matrix at a time: here matrices of one shape go together, in a type of choice.
class Muon(torch.optim.Optimizer):
    """Nesterov momentum, then an orthogonalised step of length lr * sqrt(max(1, rows / columns)).

    Args:
        params: matrices (m, n) only.
        lr: usually 0.003-0.02; with a cycle its peak.
        weight_decay: decoupled, as in AdamW: each step shrinks the weights by lr * weight_decay.
        dtype: in which the steps are orthogonalised; the weights keep theirs.

    Raises:
        ValueError: for a parameter that is no matrix.
    """

    def __init__(self, params, lr=0.007, weight_decay=0.05, momentum=0.95, dtype=torch.float32):
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})
        self.dtype = dtype
        shapes = [tuple(p.shape) for group in self.param_groups for p in group["params"] if p.ndim != 2]
        if shapes:
            raise ValueError(f"Muon is for matrices but got parameters of shape {shapes[:3]}.")

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            by_shape: dict[tuple, list] = {}
            for p in group["params"]:
                if p.grad is not None:
                    by_shape.setdefault(tuple(p.shape), []).append(p)
            for (rows, columns), same in by_shape.items():
                for p in same:
                    if not self.state[p]:
                        self.state[p]["momentum"] = torch.zeros_like(p)
                running = [self.state[p]["momentum"] for p in same]
                gradients = [p.grad for p in same]
                torch._foreach_lerp_(running, gradients, 1 - group["momentum"])
                ahead = torch._foreach_lerp(gradients, running, group["momentum"])  # Nesterov's look ahead
                directions = orthogonalised(torch.stack(ahead).to(self.dtype)).to(same[0].dtype)
                length = group["lr"] * max(1.0, rows / columns) ** 0.5
                torch._foreach_mul_(same, 1 - group["lr"] * group["weight_decay"])
                torch._foreach_add_(same, list(directions.unbind()), alpha=-length)
        return loss


def best_device() -> torch.device:
    """CUDA if there is one, else MPS, else the CPU."""
    mps = torch.backends.mps.is_available()
    return torch.device("cuda" if torch.cuda.is_available() else "mps" if mps else "cpu")


@lru_cache
def precision(kind: str) -> torch.dtype:
    """bfloat16 where the hardware computes in it, else float32: emulated, it is slower and coarser. kind: "cpu", ...

    On CUDA the driver says so. On a CPU names of instruction sets say little, so a layer of a ViT is timed in both, on
    one thread: several that wait for each other on a busy machine once made bfloat16 25 times faster, once 5 times slower.
    """
    if kind == "cuda":
        real = torch.cuda.get_device_capability() >= (8, 0)  # Ampere and later have the units
        return torch.bfloat16 if real else torch.float32
    if kind != "cpu":
        return torch.float32

    def seconds(dtype: torch.dtype) -> float:
        x, weight = torch.ones(4096, 128, dtype=dtype), torch.ones(128, 256, dtype=dtype)
        times = []
        for _ in range(8):
            before = time.perf_counter()
            x @ weight
            times.append(time.perf_counter() - before)
        return min(times[2:])

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    faster = seconds(torch.float32) > 1.4 * seconds(torch.bfloat16)
    torch.set_num_threads(threads)
    return torch.bfloat16 if faster else torch.float32


@contextlib.contextmanager
def memory_kept():
    """While inside, what a step frees stays for the next one.

    On Linux glibc gives it back to the system after each step, and gets it back as pages that have to be cleared
    first: 18 % of a step at 16 x 16 pixels on two cores, 7 % at 32 x 32. Elsewhere nothing is changed.
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if not hasattr(libc, "mallopt"):  # another C library
        yield
        return
    trim, large, maps = -1, -3, -4  # malloc.h: M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX
    libc.mallopt(trim, -1)
    libc.mallopt(maps, 0)
    try:
        yield
    finally:  # glibc's own rule ends at these values in a process that has freed large blocks
        for option, value in ((trim, 64 << 20), (large, 32 << 20), (maps, 65536)):
            libc.mallopt(option, value)
        libc.malloc_trim(0)


@contextlib.contextmanager
def computing(device: torch.device):
    """Matrix products in `precision`, everything delicate in float32 (mixed precision, Micikevicius et al. 2018)."""
    with contextlib.ExitStack() as stack:
        if precision(device.type) is torch.bfloat16:
            stack.enter_context(torch.autocast(device.type, torch.bfloat16))
            if device.type == "cpu":  # its fused attention is several times slower backwards in bfloat16
                stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        yield


def optimisers(
    model: nn.Module, recipe: Recipe, dtype: torch.dtype = torch.float32
) -> list[torch.optim.Optimizer]:
    """Muon for the matrices between the first and the last layer, AdamW for the rest, which does not decay.

    The first and the last layer are those with the pictures' channels and the classes: the first and last matrices.
    """
    weights = (module.weight for module in model.modules() if isinstance(module, nn.Linear | nn.Conv2d))
    layers = [weight for weight in weights if weight.requires_grad]
    inner = {p: None for p in layers[1:-1] if p.ndim == 2}  # a dict: shared parameters come once, in order
    rest = [p for p in model.parameters() if p.requires_grad and p not in inner]
    fused = rest[0].device.type != "mps" if rest else False
    adam = torch.optim.AdamW(rest, lr=recipe.lr, betas=(0.9, 0.95), weight_decay=0.0, fused=fused)
    if not inner:
        return [adam]
    return [adam, Muon(list(inner), lr=recipe.matrix_lr, weight_decay=recipe.weight_decay, dtype=dtype)]


def cycle(share: float, recipe: Recipe) -> float:
    """Share of the peak learning rate: up in a line during the warm-up, then along a cosine to almost 0.

    Args:
        share: of the time, 0..1.
    """
    if share < recipe.warm_up:
        return 0.04 + 0.96 * share / recipe.warm_up
    down = min(1.0, (share - recipe.warm_up) / max(1e-9, 1 - recipe.warm_up))
    return max(1e-3, (1 + math.cos(math.pi * down)) / 2)
