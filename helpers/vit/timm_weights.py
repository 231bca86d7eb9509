"""timm's weights for a ViT that is made of your own pieces (`helpers.assemble`).

    mine = loadable(assemble.pieces(...))      a piece whose weights can't be found gives way to the course's
    load(vit, tensors, eps)                    tensors named as in timm, with queries, keys and values apart
    load_timm(vit, model)                      the same from timm's model of the same sizes

Your pieces may look different inside from the course's: their layers are found by their kind and order, and
the order of pixels and of patches by asking the module itself.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from helpers.vit.model import ViT
from helpers.vit.pieces import Piece
from helpers.vit.pieces import load as load_piece


def load(vit: ViT, tensors: Mapping[str, torch.Tensor], eps: float = 1e-6) -> ViT:
    """Copy `tensors` into `vit`, and give `eps` to every LayerNorm.

    Args:
        tensors: named as timm's VisionTransformer names them, with `attn.queries`, `attn.keys` and `attn.values` in
            place of `attn.qkv`, and `patch_embed.proj.weight` as (D, p * p * channels), in this order.

    Raises:
        ValueError: names the layer that was not found or does not fit, and says what was expected.
    """
    slots = places(vit)
    if set(slots) != set(tensors):
        odd = sorted(set(slots) ^ set(tensors))
        where = "the tensors" if odd[0] in slots else "the ViT"
        raise ValueError(f"{odd[0]} is missing in {where} (and {len(odd) - 1} more names do not match).")
    with torch.no_grad():
        for name, slot in slots.items():
            tensor = tensors[name]
            if slot.numel() != tensor.numel():
                raise ValueError(
                    f"{name} should hold {slot.numel()} numbers, as {tuple(slot.shape)}, but has shape {tuple(tensor.shape)}."
                )
            if name not in ("patch_embed.proj.weight", "pos_embed"):
                slot.copy_(tensor.reshape(slot.shape))
        order = _load_patches(vit.patch_embedding, tensors)
        positions = tensors["pos_embed"].reshape(-1, tensors["cls_token"].numel())  # (1 + patches, D)
        front = len(positions) - len(order)
        positions = torch.cat([positions[:front], positions[front:][order]])
        slots["pos_embed"].copy_(positions.reshape(slots["pos_embed"].shape))
    for module in vit.modules():
        if isinstance(module, nn.LayerNorm):
            module.eps = eps
    return vit


def load_timm(vit: ViT, model: nn.Module) -> ViT:
    """`load` what a timm VisionTransformer holds. Raises ValueError if the sizes differ."""
    tensors: dict[str, torch.Tensor] = {}
    for name, tensor in model.state_dict().items():
        if ".qkv." in name:
            for part, third in zip(("queries", "keys", "values"), tensor.unflatten(0, (3, -1)), strict=True):
                tensors[name.replace("qkv", part)] = third
        else:
            is_patches = name == "patch_embed.proj.weight"  # (D, c, p, p) -> (D, p * p * c)
            tensors[name] = tensor.movedim(1, -1).flatten(1) if is_patches else tensor
    return load(vit, tensors, model.get_submodule("norm").eps)


def places(vit: ViT) -> dict[str, nn.Parameter]:
    """Every parameter that is loaded, by its name in `load`.

    Raises ValueError if a piece does not have the layers that it should have.
    """
    slots: dict[str, nn.Parameter] = {}

    def put(name: str, layer: nn.Module) -> None:
        slots.update({f"{name}.{key}": value for key, value in layer.named_parameters()})

    put("patch_embed.proj", _only(vit.patch_embedding, (nn.Linear, nn.Conv2d), 1, "the patch embedding")[0])
    slots["cls_token"] = _parameter(vit.class_token, "cls_token", "the class token")
    positions, what = vit.positional_embedding, "the positional embedding"
    slots["pos_embed"] = _parameter(positions, "learnable_positions", what)
    for number, block in enumerate(vit.blocks):
        attention = [module for module in block.modules() if hasattr(module, "queries")]
        if (count := len(attention)) != 1:
            raise ValueError(f"an encoder block should hold 1 attention with `queries` but holds {count}.")
        inside = set(attention[0].modules())
        norms = _only(block, (nn.LayerNorm,), 2, "an encoder block")
        linears = _only(block, (nn.Linear,), 2, "the feed-forward block", without=inside)
        for part in ("queries", "keys", "values"):
            put(f"blocks.{number}.attn.{part}", getattr(attention[0], part))
        put(f"blocks.{number}.attn.proj", attention[0].projection)
        for part, layer in zip(("norm1", "norm2", "mlp.fc1", "mlp.fc2"), (*norms, *linears), strict=True):
            put(f"blocks.{number}.{part}", layer)
    put("norm", vit.norm)
    put("head", vit.head)
    return slots


def _only(root: nn.Module, kinds: tuple, count: int, what: str, without: Any = ()) -> list[nn.Module]:
    """The layers of these kinds, in order; there must be `count` of them."""
    found = [module for module in root.modules() if isinstance(module, kinds) and module not in without]
    if len(found) != count:
        name = " or ".join(kind.__name__ for kind in kinds)
        raise ValueError(f"{what} should hold {count} {name} but holds {len(found)}.")
    return found


def _parameter(root: nn.Module, name: str, what: str) -> nn.Parameter:
    found = [value for key, value in root.named_parameters() if key.split(".")[-1] == name]
    if len(found) != 1:
        raise ValueError(f"{what} should have 1 parameter `{name}` but has {len(found)}.")
    return found[0]


def _load_patches(embedding: nn.Module, tensors: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Load the patch embedding; returns which of timm's patches each of its tokens is, (patches,)."""
    weight = tensors["patch_embed.proj.weight"]  # (D, p * p * c)
    layer = _only(embedding, (nn.Linear, nn.Conv2d), 1, "the patch embedding")[0]
    patches = tensors["pos_embed"].shape[-2] - 1
    channels, p = _patch_shape(layer, weight.shape[-1])
    side = round(patches**0.5)
    kernel = weight.view(-1, p, p, channels).movedim(-1, 1)  # (D, c, p, p)
    if isinstance(layer, nn.Conv2d):
        layer.weight.copy_(kernel)
    else:
        # an image whose every pixel holds its own place in the patch shows in which order the Linear gets them
        numbers = torch.arange(float(weight.shape[-1])).view(p, p, channels).movedim(-1, 0)  # (c, p, p)
        caught: list[torch.Tensor] = []
        hook = layer.register_forward_pre_hook(lambda _, args: caught.append(args[0]))
        embedding(numbers.tile(1, side, side)[None])
        hook.remove()
        layer.weight.copy_(weight[:, caught[0].reshape(-1, weight.shape[-1])[0].long()])
    image = torch.rand(1, channels, side * p, side * p, generator=torch.Generator().manual_seed(0)) - 0.5
    theirs = F.conv2d(image, kernel, tensors["patch_embed.proj.bias"], stride=p).flatten(2).mT[0]
    return torch.cdist(embedding(image)[0], theirs).argmin(1)


def _patch_shape(layer: nn.Module, size: int) -> tuple[int, int]:
    """(channels, side) of a patch of `size` numbers."""
    if isinstance(layer, nn.Conv2d):
        return layer.in_channels, layer.kernel_size[0]
    return (3, round((size / 3) ** 0.5)) if size % 3 == 0 else (1, round(size**0.5))


def loadable(found: Mapping[str, Piece]) -> dict[str, Piece]:
    """The pieces, each tried with random weights: one that can't be loaded, or then computes something else than the
    course's, is replaced by the course's, and its `why` says so."""
    sizes = {"patch_size": 2, "emb_size": 12, "img_size": 6, "depth": 1, "num_heads": 3, "expansion": 2}
    course = ViT(**sizes).eval()
    generator = torch.Generator().manual_seed(0)
    tensors = {name: torch.randn(slot.shape, generator=generator) for name, slot in places(course).items()}
    tensors["patch_embed.proj.weight"] = tensors["patch_embed.proj.weight"].flatten(1)
    tensors["pos_embed"] = tensors["pos_embed"][None]
    images = torch.randn(2, 3, 6, 6, generator=generator)
    checked = dict(found)
    with torch.no_grad():
        wanted = load(course, tensors)(images)
        for key, piece in found.items():
            if piece.why:
                continue
            why = ""
            try:
                got = load(ViT(**sizes, pieces={key: piece}).eval(), tensors)(images)
                if not torch.allclose(got, wanted, atol=1e-4):
                    why = "loaded with the same weights it computes something else"
            except Exception as error:
                why = f"its weights can't be loaded: {error}"
            if why:
                checked[key] = replace(piece, made=load_piece(key), why=why)
    return checked
