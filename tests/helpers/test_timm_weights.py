"""timm's weights arrive in whatever the pieces look like inside, and the notebook does it with a model of the real shape."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from einops.layers.torch import Rearrange
from PIL import Image
from torch import nn

from helpers import assemble, data
from helpers.assemble import Piece
from helpers.vit import timm_weights
from helpers.vit.pieces import NAMES
from tests import notebooks
from tests.helpers.test_data import TINY, tiny  # noqa: F401  fixture
from tests.mirrors import here, register  # noqa: F401  fixtures

PART_2 = notebooks.ROOT / "solutions" / "2_build_a_vit"
SIZES = {"img_size": 12, "patch_size": 4, "num_classes": 5, "embed_dim": 24, "depth": 2, "num_heads": 3}


def theirs():
    torch.manual_seed(0)
    from timm.models.vision_transformer import VisionTransformer

    model = VisionTransformer(**SIZES, mlp_ratio=2).eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter.add_(0.2 * torch.randn_like(parameter))
    return model


def converted(model):
    """What the exercise asks for, written another way."""
    tensors = {}
    for name, tensor in model.state_dict().items():
        if ".qkv." in name:
            for part, third in zip(("queries", "keys", "values"), tensor.tensor_split(3), strict=True):
                tensors[name.replace("qkv", part)] = third
        else:
            tensors[name] = tensor.movedim(1, -1).flatten(1) if tensor.ndim == 4 else tensor
    return tensors


def own(found=None):
    sizes = {"img_size": 12, "patch_size": 4, "emb_size": 24, "depth": 2, "num_heads": 3, "expansion": 2}
    return assemble.ViT(**sizes, num_classes=5, pieces=found).eval()


def patches(pattern, **sizes):
    """A PatchEmbedding with the pixels, or the patches, in another order."""

    class PatchEmbedding(nn.Module):
        def __init__(self, in_channels=3, patch_size=4, emb_size=192, img_size=32):
            super().__init__()
            cut = Rearrange(pattern, p=patch_size, q=patch_size)
            self.projection = nn.Sequential(cut, nn.Linear(in_channels * patch_size**2, emb_size))

        def forward(self, x):
            return self.projection(x)

    return {"q2_patch_embedding": Piece("PatchEmbedding", PatchEmbedding)}


def same(found):
    model, images = theirs(), torch.randn(2, 3, 12, 12)
    with torch.no_grad():
        vit = timm_weights.load(own(found), converted(model), model.norm.eps)
        assert torch.allclose(vit(images), model(images), atol=1e-4)


def test_the_courses_own_pieces():
    same(None)


def test_the_pieces_of_the_solutions():
    found = timm_weights.loadable(assemble.pieces(PART_2))
    assert [piece.why for piece in found.values()] == [""] * len(NAMES)
    same(found)


@pytest.mark.parametrize(
    "pattern",
    [
        "b c (h p) (w q) -> b (h w) (p q c)",
        "b c (h p) (w q) -> b (h w) (c p q)",
        "b c (h p) (w q) -> b (h w) (q c p)",
        "b c (h p) (w q) -> b (w h) (p q c)",  # patches column by column
    ],
)
def test_pixels_and_patches_in_any_order(pattern):
    found = patches(pattern)
    assert timm_weights.loadable(found) == found
    same(found)


def test_a_piece_that_cannot_be_loaded_gives_way_and_is_named():
    class Other(assemble.FeedForwardBlock):
        def __init__(self, emb_size, expansion=4, dropout=0.0):
            super().__init__(emb_size, expansion, dropout)
            self.append(nn.Linear(emb_size, emb_size))

    class Different(assemble.ResidualAdd):
        def forward(self, x, **kwargs):
            return torch.sin(super().forward(x, **kwargs))

    found = {
        "q6_residual_add": Piece("ResidualAdd", Different),
        "q7_feed_forward": Piece("FeedForwardBlock", Other),
    }
    checked = timm_weights.loadable(found)
    assert "the feed-forward block should hold 2 Linear but holds 3" in checked["q7_feed_forward"].why
    assert "computes something else" in checked["q6_residual_add"].why
    same(checked)
    replaced = Piece("ResidualAdd", assemble.ResidualAdd, "not attempted in q6.ipynb")
    assert timm_weights.loadable({"q6_residual_add": replaced}) == {"q6_residual_add": replaced}


def test_tensors_that_do_not_fit_are_named():
    tensors = converted(theirs())
    with pytest.raises(ValueError, match=r"head\.bias is missing in the tensors"):
        timm_weights.load(own(), {name: t for name, t in tensors.items() if name != "head.bias"})
    with pytest.raises(ValueError, match=r"dist_token is missing in the ViT"):
        timm_weights.load(own(), tensors | {"dist_token": torch.zeros(1)})
    with pytest.raises(
        ValueError, match=r"cls_token should hold 24 numbers, as \(1, 1, 24\), but has shape \(7,\)"
    ):
        timm_weights.load(own(), tensors | {"cls_token": torch.zeros(7)})


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # matplotlib, given a tensor
def test_the_notebook_with_a_model_of_the_real_shape(here, register, tiny, monkeypatch, capsys):  # noqa: F811
    """ViT-Tiny with random weights and a photo of 224x224, both from the cache: 14 x 14 patches, 1000 classes."""
    pixels = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    picture = io.BytesIO()
    Image.fromarray(pixels).save(picture, "png")
    files = {f"{TINY}.safetensors": tiny[1], "santorini.png": picture.getvalue()}
    register("http://127.0.0.1:1/never", files=files)
    here.mkdir()
    for name, content in files.items():
        (here / name).write_bytes(content)
    path = next(p for p in notebooks.SOLUTIONS if p.stem == "inside_a_pretrained_vit")
    monkeypatch.chdir(path.parent)
    monkeypatch.setattr(plt, "show", lambda: plt.close("all"))
    space = {"__name__": "__main__"}
    for cell in notebooks.read(path).cells:
        if cell.cell_type == "code":
            exec(cell.source.replace(data.PRETRAINED[0], TINY), space)
    said = capsys.readouterr()
    assert said.err == ""
    assert "stands in" not in said.out and "come back when" not in said.out
    assert space["source"] == TINY
    assert (space["rows"], space["columns"], space["query_patch"], space["query"]) == (14, 14, 99, 100)
    assert np.array_equal(space["photo"].permute(1, 2, 0), pixels)
    assert space["attention"].shape == (12, 3, 197, 197)
    assert torch.allclose(space["attention"].sum(-1), torch.ones(12, 3, 197), atol=1e-5)
    for name in ("yours", "by_hand"):
        assert float((space[name] - space["logits"]).abs().max()) < 1e-4
    assert "Equal to 1e-5 of that: True" in said.out and torch.allclose(
        space["out"], space["states"][1], atol=1e-4
    )
    assert all(piece.why == "" for piece in space["mine"].values())
    assert "class 538 (dome)" in said.out and "class 497 (church, church building)" in said.out
