"""The recipe of the checkpoint that ships: two trainings by `helpers.train`, one after the other.

    python benchmarks/checkpoint.py RUN        about two hours; stopped and started again it goes on
    python -m course checkpoint RUN            packs it: data/vit_cifar10.safetensors, its log and its card

The second training begins where the first one ended, with a third of its learning rates and with mixed pictures, against
learning by heart. The weights that ship are those at its end; validation pictures only watch. Needs CIFAR-10.

Tried, and within the noise of it: one training as long as both, mixed throughout, with fewer validation pictures and
half of the patches left out midway (timm's PatchDropout); it was less sure of the course's cat. Then whole pictures for
a tenth longer: no gain. Left to try: more epochs, on a faster machine.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from helpers import data
from helpers.train import Recipe, course_vit, evaluate, fit
from helpers.training import checkpoints

FIRST = 90, Recipe(strong=True)
SECOND = 28, Recipe(strong=True, mixed=True, lr=6e-4, matrix_lr=3e-3, half_size=0, warm_up=0.05)


def ended(folder: Path) -> dict[str, torch.Tensor]:
    """The weights at the end of a training."""
    return torch.load(folder / "last.pt", weights_only=True)["model"]


def make(train: data.Images, test: data.Images, out: Path) -> None:
    """Both trainings in `out`/first and `out`/second; weights and log of the whole in `out`."""
    torch.manual_seed(0)
    vit = course_vit(positions="random")
    for name, (minutes, recipe) in {"first": FIRST, "second": SECOND}.items():
        history = fit(vit, train, minutes, recipe, out / name)
        vit.load_state_dict(ended(out / name))
    checkpoints.save(vit.state_dict(), out / "best.safetensors", {"mean": history.mean, "std": history.std})
    stages = [json.loads((out / name / "log.json").read_text("utf-8")) for name in ("first", "second")]
    loss, accuracy = evaluate(vit, test, history.mean, history.std)
    print(f"Test accuracy {accuracy:.1%} on {len(test.labels)} pictures of {test.source}.")
    log = {"stages": stages, "test_loss": loss, "test_accuracy": accuracy}
    checkpoints.write_json(out / "log.json", log)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    pictures = data.cifar10("train")
    if "CIFAR-10" not in pictures.source:
        sys.exit("The checkpoint needs CIFAR-10: `python -m helpers.data get cifar10`, or set VIT_DATA.")
    make(pictures, data.cifar10("test"), Path(sys.argv[1]))
