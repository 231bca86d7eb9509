"""The checkpoint that ships: from a run of `python -m helpers.train` to data/vit_cifar10.safetensors, its log and card."""

import json
from pathlib import Path
from typing import Any

import torch

from helpers import train
from helpers.training import checkpoints

NAME = "vit_cifar10"
SIZES = {"img_size": 32, "patch_size": 4, "num_classes": 10, "embed_dim": 128, "depth": 6, "num_heads": 4}
SIZES["mlp_ratio"] = 2  # the course's `course_vit` in timm's words


def timm_names(vit: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Weights of a `course_vit` under the names of timm's VisionTransformer, in float16."""
    found = vit.state_dict()
    renamed = {
        "cls_token": found["class_token.cls_token"],
        "pos_embed": found["positional_embedding.embedding.learnable_positions"][None],
        "patch_embed.proj.weight": found["patch_embedding.projection.weight"],
        "patch_embed.proj.bias": found["patch_embedding.projection.bias"],
    }
    renamed |= {name: found[name] for name in ("norm.weight", "norm.bias", "head.weight", "head.bias")}
    for i in range(len(vit.blocks)):
        for kind in ("weight", "bias"):
            attention, feed_forward = f"blocks.{i}.0.fn", f"blocks.{i}.1.fn"
            three = [found[f"{attention}.1.{part}.{kind}"] for part in ("queries", "keys", "values")]
            renamed[f"blocks.{i}.attn.qkv.{kind}"] = torch.cat(three)
            renamed[f"blocks.{i}.attn.proj.{kind}"] = found[f"{attention}.1.projection.{kind}"]
            renamed[f"blocks.{i}.norm1.{kind}"] = found[f"{attention}.0.{kind}"]
            renamed[f"blocks.{i}.norm2.{kind}"] = found[f"{feed_forward}.0.{kind}"]
            renamed[f"blocks.{i}.mlp.fc1.{kind}"] = found[f"{feed_forward}.1.0.{kind}"]
            renamed[f"blocks.{i}.mlp.fc2.{kind}"] = found[f"{feed_forward}.1.3.{kind}"]
    return {name: tensor.half().contiguous() for name, tensor in renamed.items()}


def pack(run: Path, folder: Path, class_names: tuple[str, ...]) -> Path:
    """Write the checkpoint, its log and its model card into `folder`.

    Raises ValueError if the run is not readable, of another architecture, or has no test accuracy yet.
    """
    vit = train.course_vit()
    notes = checkpoints.load(vit, run / "best.safetensors")
    log = json.loads((run / "log.json").read_text("utf-8"))
    if "test_accuracy" not in log:
        raise ValueError(f"{run} has no test accuracy: let `python -m helpers.train --out {run}` finish.")
    log = log if "stages" in log else {"stages": [log], "test_accuracy": log["test_accuracy"]}
    path = folder / f"{NAME}.safetensors"
    checkpoints.save(timm_names(vit), path, {"timm": SIZES, **notes, "class_names": class_names})
    checkpoints.write_json(folder / f"{NAME}.json", log)
    checkpoints.write(folder / f"{NAME}.md", card(log, path.stat().st_size).encode())
    return path


def card(log: dict[str, Any], size: int) -> str:
    """The model card (Mitchell et al. 2019), every number from the log."""
    stages, machine = log["stages"], log["stages"][-1]["machine"]
    trainings = "".join(f"| training {i} | {training(stage)} |\n" for i, stage in enumerate(stages, 1))
    return f"""# vit_cifar10

A plain Vision Transformer of the course's own pieces: patch 4, 64 patches and a class token, {SIZES["embed_dim"]} numbers
a token, {SIZES["depth"]} pre-norm blocks, {SIZES["num_heads"]} heads, feed-forward x {SIZES["mlp_ratio"]}, learned positions.
Written by `python -m course checkpoint`; every number is from `{NAME}.json`, the log of the training.

| what | as it is |
| --- | --- |
| test accuracy | **{log["test_accuracy"]:.1%}** of the 10,000 test pictures, no test-time augmentation |
| data | {stages[0]["recipe"]["data"]}: 50,000 training pictures, a tenth of them kept apart for validation |
{trainings}| hardware | {machine["device"]}, {machine["threads"]} thread(s) of {machine["cores"]} cores, {machine["precision"]}, torch {machine["torch"]} |
| file | {size / 1e6:.1f} MB, float16 safetensors, names as in timm's `VisionTransformer` |

It knows ten classes and 32 x 32 pixels, nothing else: every photo is one of the ten to it, with confidence. It is
here to be looked into; do not use it to decide anything. CIFAR-10: Krizhevsky, "Learning Multiple Layers of
Features from Tiny Images", 2009.
"""


def training(stage: dict[str, Any]) -> str:
    """One training in a line: minutes, pictures, recipe."""
    recipe = stage["recipe"]
    return (
        f"{stage['minutes']:.0f} minutes, {stage['history'][-1]['images']:,} pictures, {recipe['half_size']:.0%} of the time "
        f"at 16 x 16 pixels; Muon {recipe['matrix_lr']:g} and AdamW {recipe['lr']:g}, one cycle, batch "
        f"{recipe['batch_size']}, label smoothing {recipe['label_smoothing']:g}; crops, flips"
        + ", turns, stretches, colours, blanked squares" * recipe["strong"]
        + ", half of the batches mixed (CutMix)" * recipe.get("mixed", False)
    )
