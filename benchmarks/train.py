"""Ours against the peers, side by side: same pictures, same minutes, same cores, one after another in one run.

    python benchmarks/train.py                 about 25 minutes on two quiet cores; writes benchmarks/train.json
    python benchmarks/train.py --minutes 0.2   a try-out; with --out elsewhere
    make notebooks                             stamps the tables of README.md and the lesson from that file

(a) `helpers.train`, as a student gets it. (b) The configuration of the UvA deep learning tutorial 15 (Lippe 2022:
dim 256, 6 layers, 8 heads, feed-forward 512, patch 4, dropout 0.2, AdamW 3e-4, flips and resized crops, float32),
made of torch's own modules. (c) Training steps a second of one architecture with 1.8 million parameters: ours,
timm's and torchvision's, taking turns, median of the rounds. Needs CIFAR-10; the test pictures are used once, at
the end, without test-time augmentation.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from helpers import data
from helpers.assemble import ViT
from helpers.train import Recipe, best_device, course_vit, evaluate, fit
from helpers.training import checkpoints, loop
from helpers.training.batches import normalise, split

HERE = Path(__file__).parent


class UvA(nn.Module):
    """The model of UvA's tutorial 15 from torch's own modules: 3.2 million parameters, pre-norm, learned positions."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, 256, kernel_size=4, stride=4)
        self.token = nn.Parameter(torch.randn(1, 1, 256))
        self.positions = nn.Parameter(torch.randn(1, 65, 256))
        layer = nn.TransformerEncoderLayer(256, 8, 512, 0.2, "gelu", batch_first=True, norm_first=True)
        self.drop = nn.Dropout(0.2)
        self.encoder = nn.TransformerEncoder(layer, 6, enable_nested_tensor=False)
        self.head = nn.Sequential(nn.LayerNorm(256), nn.Linear(256, 10))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.embed(x).flatten(2).mT  # (b, 64, 256)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], dim=1) + self.positions  # (b, 65, 256)
        return self.head(self.encoder(self.drop(x))[:, 0])


def fit_uva(train: data.Images, minutes: float, device: torch.device) -> tuple[nn.Module, list, list, int]:
    """Train (b) by the clock; returns the model, mean and std of its pictures, and how many it saw."""
    from torchvision.transforms import v2

    torch.manual_seed(0)
    start, model = time.monotonic(), UvA().to(device).train()
    crop = v2.Compose(
        [v2.RandomHorizontalFlip(), v2.RandomResizedCrop(32, (0.8, 1.0), (0.9, 1.1), antialias=True)]
    )
    rows, _ = split(train.labels, 0.1, 0)  # the same 45,000 pictures as (a)
    images, labels = train.images[rows], train.labels[rows]
    std, mean = torch.std_mean(images[:10_000].float() / 255, dim=(0, 2, 3))
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-4)  # its schedule begins to fall after 100 epochs
    seen = 0
    while time.monotonic() - start < 60 * minutes:
        for batch in torch.randperm(len(labels)).split(128):
            # a crop of its own for each picture, as in the tutorial's data loader; eight share one to save time
            x = torch.cat([crop(some) for some in images[batch].split(8)]).to(device)
            loss = F.cross_entropy(model(normalise(x, mean.tolist(), std.tolist())), labels[batch].to(device))
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            seen += len(batch)
            if time.monotonic() - start >= 60 * minutes:
                break
    return model, mean.tolist(), std.tolist(), seen


def throughput(device: torch.device, rounds: int = 7) -> dict[str, float]:
    """Pictures a second of training steps (forward, backward, AdamW; float32), median of the rounds that take turns."""
    import timm
    from torchvision.models import VisionTransformer

    sizes = {"img_size": 32, "patch_size": 4, "num_classes": 10, "embed_dim": 192, "depth": 6, "num_heads": 3}
    models = {
        "ours": ViT(emb_size=192, depth=6, num_heads=3, expansion=2),
        "timm": timm.create_model("vit_tiny_patch16_224", **sizes, mlp_ratio=2),
        "torchvision": VisionTransformer(32, 4, 6, 3, 192, 384, num_classes=10),
    }
    x, y = torch.randn(128, 3, 32, 32, device=device), torch.randint(0, 10, (128,), device=device)
    times: dict[str, list[float]] = {name: [] for name in models}
    for model in models.values():
        model.to(device).train()
    assert len({sum(p.numel() for p in model.parameters()) for model in models.values()}) == 1
    optimisers = {name: torch.optim.AdamW(model.parameters(), fused=True) for name, model in models.items()}
    for _ in range(rounds + 1):
        for name, model in models.items():
            before = time.perf_counter()
            for _ in range(3):
                F.cross_entropy(model(x), y).backward()
                optimisers[name].step()
                optimisers[name].zero_grad()
            if device.type == "cuda":
                torch.cuda.synchronize()
            times[name].append((time.perf_counter() - before) / 3)
    return {name: 128 / statistics.median(some[1:]) for name, some in times.items()}  # the first one warms up


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--minutes", type=float, nargs="+", default=[3.0, 10.0], help="of (a); (b) gets the longest"
    )
    parser.add_argument("--out", type=Path, default=HERE / "train.json")
    options = parser.parse_args()
    train, test, device = data.cifar10("train"), data.cifar10("test"), best_device()
    if "CIFAR-10" not in train.source:
        sys.exit("The benchmark needs CIFAR-10: `python -m helpers.data get cifar10`, or set VIT_DATA.")
    rows = []

    def add(model: nn.Module, name: str, minutes: float, seen: int, mean: list, std: list) -> None:
        accuracy = evaluate(model, test, mean, std)[1]
        parameters = sum(p.numel() for p in model.parameters())
        rows.append(
            {
                "model": name,
                "minutes": minutes,
                "test_accuracy": accuracy,
                "epochs": seen / len(split(train.labels, 0.1, 0)[0]),
                "parameters": parameters,
            }
        )
        print(rows[-1], flush=True)

    speeds = throughput(device)
    print({name: f"{speed:.0f} images/s" for name, speed in speeds.items()}, flush=True)
    for minutes in sorted(options.minutes):
        torch.manual_seed(0)
        vit = course_vit().to(device)
        history = fit(vit, train, minutes, Recipe(), bar=False)
        add(vit, "ours", minutes, history[-1]["images"], history.mean, history.std)
    model, mean, std, seen = fit_uva(train, max(options.minutes), device)
    add(model, "UvA tutorial 15", max(options.minutes), seen, mean, std)
    report = {
        "machine": loop.machine(device),
        "data": train.source,
        "rows": rows,
        "images_per_second": speeds,
    }
    checkpoints.write_json(options.out, report)


if __name__ == "__main__":
    main()
