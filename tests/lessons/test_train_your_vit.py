"""What the notebook promises beyond its checks: an interrupted cell goes on when it is run again, and the shipped
weights work in a ViT of one's own pieces."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from helpers import assemble, data
from helpers.train import Recipe, fit
from helpers.training import loop
from helpers.vit import timm_weights
from tests import notebooks

SIZES = {"img_size": 8, "patch_size": 4, "emb_size": 12, "depth": 2, "num_heads": 3, "expansion": 2}


@pytest.fixture(scope="module")
def cells():
    """The classes of the solution."""
    solution = notebooks.read(notebooks.ROOT / "solutions" / "3_train_on_cifar10" / "train_your_vit.ipynb")
    space = {"nn": nn, "torch": torch, "F": F}
    for key in ("classification_head", "vit_forward"):
        exec(notebooks.cell_of(solution, key).source, space)
    return space


def own_vit(cells):
    torch.manual_seed(0)
    return cells["ViT"](assemble.ViT(**SIZES), cells["ClassificationHead"](SIZES["emb_size"], 10))


def test_an_interrupted_training_cell_goes_on_when_run_again(cells, tmp_path, capsys, monkeypatch):
    digits = data.digits("train")
    small = digits._replace(
        images=F.avg_pool2d(digits.images[:200].float(), 4).byte(), labels=digits.labels[:200]
    )
    monkeypatch.setattr(loop, "now", lambda: clock)
    clock, steps, step = 0.0, 0, loop.Run._step

    def interrupted_once(self, size, share):
        nonlocal clock, steps
        clock, steps = clock + 1, steps + 1  # a second a step
        if steps == 20:
            raise KeyboardInterrupt
        step(self, size, share)

    monkeypatch.setattr(loop.Run, "_step", interrupted_once)

    def cell():
        vit = own_vit(cells)
        return vit, fit(
            vit, small, minutes=1, recipe=Recipe(batch_size=32), out=tmp_path / "my_vit", bar=False
        )

    _, history = cell()
    assert history.stopped == "interrupted"
    _, history = cell()
    assert "goes on after 20 of 60 seconds" in capsys.readouterr().out
    assert history.stopped == "the time is up" and 50 < steps < 62
    assert history[0]["seconds"] < 20 < history[-1]["seconds"]
    before = steps
    _, again = cell()  # a finished run is read back
    assert steps <= before + 1
    assert list(again)[: len(history)] == list(history)


def test_timms_weights_in_ones_own_vit(cells):
    torch.manual_seed(0)
    from timm.models.vision_transformer import VisionTransformer

    timm = VisionTransformer(8, 4, 3, 10, embed_dim=12, depth=2, num_heads=3, mlp_ratio=2).eval()
    parts = timm_weights.load_timm(assemble.ViT(**SIZES), timm)
    head = cells["ClassificationHead"](12, 10)
    head.norm, head.linear = parts.norm, parts.head
    x = torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        assert torch.allclose(cells["ViT"](parts, head).eval()(x), timm(x), atol=1e-5)
