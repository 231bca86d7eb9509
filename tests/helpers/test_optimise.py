"""helpers.training.optimise: Muon does what torch's does, and each parameter has the optimiser that it should have."""

import ctypes
import sys

import pytest
import torch
from torch import nn

from helpers import data, train
from helpers.training import optimise
from helpers.vit.pieces.q5_attention import MultiHeadAttention


@pytest.mark.parametrize("shape", [(3, 24, 16), (2, 16, 40), (1, 8, 8)])
def test_orthogonalised_has_singular_values_near_one(shape):
    values = torch.linalg.svdvals(optimise.orthogonalised(torch.randn(shape, generator=torch.manual_seed(0))))
    assert 0.3 < values.min() and values.max() < 1.3


def test_muon_steps_like_torchs():
    torch.manual_seed(0)
    ours, theirs = nn.Linear(24, 16, bias=False), nn.Linear(24, 16, bias=False)
    theirs.load_state_dict(ours.state_dict())
    a = optimise.Muon(ours.parameters(), lr=0.02, weight_decay=0.1)
    b = torch.optim.Muon(theirs.parameters(), lr=0.02, weight_decay=0.1, momentum=0.95)
    for _ in range(5):
        x = torch.randn(8, 24)
        for layer, optimiser in ((ours, a), (theirs, b)):
            optimiser.zero_grad()
            layer(x).square().sum().backward()
            optimiser.step()
    # of 0.1 in five steps; torch's computes in bfloat16
    assert (ours.weight - theirs.weight).abs().max() < 8e-3


def test_muon_refuses_vectors():
    with pytest.raises(ValueError, match=r"matrices.*\(3,\)"):
        optimise.Muon([nn.Parameter(torch.zeros(3))])


def test_only_inner_matrices_go_to_muon():
    vit = train.course_vit()
    adam, muon = optimise.optimisers(vit, train.Recipe())
    names = {p: name for name, p in vit.named_parameters()}
    inner = [names[p] for group in muon.param_groups for p in group["params"]]
    assert len(inner) == 6 * 6 and all(n.startswith("blocks.") and n.endswith("weight") for n in inner)
    rest = [names[p] for group in adam.param_groups for p in group["params"]]
    assert not set(inner) & set(rest) and len(inner) + len(rest) == len(names)
    assert {"head.weight", "class_token.cls_token", "patch_embedding.projection.weight"} <= set(rest)
    assert all(group["weight_decay"] == 0 for group in adam.param_groups)


def test_a_model_without_inner_matrices_gets_adam_alone():
    assert len(optimise.optimisers(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(4, 10)), train.Recipe())) == 1


def test_cycle_rises_then_falls_to_almost_nothing():
    recipe = train.Recipe(warm_up=0.1)
    shares = [optimise.cycle(share, recipe) for share in (0.0, 0.05, 0.1, 0.5, 0.9, 1.0, 1.1)]
    assert shares[0] < shares[1] < shares[2] == 1 > shares[3] > shares[4] > shares[5] == shares[6] > 0


def test_precision_and_computing_on_this_machine():
    dtype = optimise.precision("cpu")
    assert dtype in (torch.float32, torch.bfloat16) and optimise.precision("mps") is torch.float32
    with optimise.computing(torch.device("cpu")):
        assert nn.Linear(4, 4)(torch.ones(2, 4)).dtype is dtype
    assert nn.Linear(4, 4)(torch.ones(2, 4)).dtype is torch.float32


def test_attention_in_bfloat16_is_the_same_attention():
    torch.manual_seed(0)
    attention, x = MultiHeadAttention(24, num_heads=3, dropout=0.5).eval(), torch.randn(2, 7, 24)
    exact = attention(x)
    wanted = torch.autograd.grad(exact.square().sum(), list(attention.parameters()))
    with torch.autocast("cpu", torch.bfloat16):
        coarse = attention(x).float()
        assert not torch.equal(attention.train()(x).float(), coarse)  # some weights are dropped
    seen = torch.autograd.grad(coarse.square().sum(), list(attention.parameters()))
    assert torch.allclose(coarse, exact, atol=0.02)
    for a, b in zip(seen, wanted, strict=True):
        assert (a - b).norm() < 0.03 * b.norm() + 0.01
    assert not [name for name in attention.state_dict() if name.startswith(("qkv", "proj."))]


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"), reason="glibc's memory"
)
def test_what_a_step_frees_stays_for_the_next_one_and_is_given_back_in_the_end():
    import resource

    def cleared():
        """Pages that the system had to clear for 200 MB, as a share of all."""
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        some = [torch.ones(10 * 2**20) for _ in range(5)]
        del some
        return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) * resource.getpagesize() / 200e6

    def resident():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    class Hungry(nn.Sequential):
        def forward(self, x):
            seen.append((cleared(), resident()))
            return super().forward(x)

    for _ in range(2):  # what the first training leaves does not change the second
        seen = []
        train.fit(Hungry(nn.Flatten(), nn.Linear(3 * 32 * 32, 10)), data.digits("train"), 0.03, bar=False)
        assert len(seen) > 5 and max(share for share, _ in seen[3:]) < 0.5
        assert seen[-1][1] - resident() > 160e6
    with optimise.memory_kept():  # at once, not only when something else is freed
        cleared()
        kept = resident()
    assert kept - resident() > 160e6
