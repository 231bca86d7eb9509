"""Train a Vision Transformer within a given number of minutes, on the CPU, on CUDA or on MPS.

    history = fit(vit, data.cifar10("train"), minutes=3, out="run")    the model ends with its best weights
    history.plot()                                                     accuracy over time
    evaluate(vit, data.cifar10("test"), history.mean, history.std)     loss, accuracy

    python -m helpers.train --minutes 10 --out run/                    the same from a terminal, with a log

The clock drives everything: the learning rate follows the share of the time that is spent (one cycle, Smith and
Topin 2018), so a slow machine finishes its schedule too, with fewer pictures. For the first half of the time the
pictures have half the size: a quarter of the patches, so four times the pictures (progressive resizing, as in
Tan and Le 2021). The same seed gives the same split, order and augmentation; weights agree only about, because
no two runs are equally fast. With `pictures=...` those that were seen drive everything, and the minutes are only a limit.

In `out`: best.safetensors (weights), last.pt (all that a resumed run needs), log.json (recipe, machine, history).
"""

import argparse
import json
import math
import os
from pathlib import Path
from typing import Any

import torch
from torch import nn

from helpers import console
from helpers.training import checkpoints, loop
from helpers.training.loop import History, Run, evaluate
from helpers.training.optimise import best_device
from helpers.training.recipe import Recipe

GRADING_SECONDS = 3  # of training while nbgrader runs a notebook: enough to see the loss fall


def course_vit(num_classes: int = 10, img_size: int = 32, positions: str = "sin-cos") -> nn.Module:
    """A ViT of 0.8 million parameters from the course's own pieces: small enough to see many epochs in ten minutes.

    Args:
        positions: how the learned positions start. "sin-cos": Q1's encoding, half of it for the row and half for
            the column, as in MoCo v3 (Chen et al. 2021); it saves the time to find the grid. "random": near zero.
    """
    from helpers.vit.model import ViT
    from helpers.vit.pieces.q1_position_encoding import getPositionEncoding

    emb, side = 128, img_size // 4
    vit = ViT(emb_size=emb, depth=6, num_heads=4, expansion=2, img_size=img_size, num_classes=num_classes)
    table = vit.positional_embedding.embedding.learnable_positions  # (1 + side * side, emb)
    for start in (vit.class_token.cls_token, table):
        nn.init.trunc_normal_(start, std=0.02)
    for module in vit.modules():
        if isinstance(module, nn.LayerNorm):
            module.eps = 1e-6  # as in timm, so that its VisionTransformer gives the same logits
    if positions == "sin-cos":
        line = torch.as_tensor(getPositionEncoding(side, emb // 2, n=100)).float()  # (side, emb / 2)
        rows, columns = line[:, None].expand(-1, side, -1), line[None].expand(side, -1, -1)
        with torch.no_grad():
            table[1:] = torch.cat([rows, columns], dim=-1).flatten(0, 1)
    return vit


def fit(
    model: nn.Module,
    data: Any,
    minutes: float = 3.0,
    recipe: Recipe | None = None,
    out: str | Path | None = None,
    *,
    pictures: int | None = None,
    resume: bool = True,
    augmented: bool | None = None,
    device: str | torch.device | None = None,
    bar: bool = True,
) -> History:
    """Train for so many minutes, evaluations included. The model ends with its best weights, where it was before.

    The stop button (KeyboardInterrupt) ends it early, in order. A folder that can't be written costs only the
    checkpoints: the minutes are worth more than the files, and the weights are in the model anyway.

    Args:
        model: images (b, 3, H, W), float -> logits (b, classes). If it can't take half of H, it trains at full size.
        data: a data.Images for training; the validation pictures are taken out of it, the test set is not needed.
        minutes: 3 shows the idea; the README has a table of what more minutes bring.
        recipe: Recipe(...) to change anything else.
        pictures: train on so many (seen twice counts twice); the minutes are the most that it may take. A busy machine
            then gives the same numbers as a quiet one, only later.
        out: folder for checkpoints and log; none are kept without.
        resume: go on from what is in `out`; the time spent there counts. False: start afresh and overwrite.
        augmented: crop and flip; by default for everything but the digits, which a flip would make unreadable.
        bar: shows how far it is, in a notebook above a curve that grows. Not while grading.

    Raises:
        ValueError: if `out` holds another architecture, recipe or data, or the logits have the wrong shape.
    """
    started = loop.now()
    budget = 60.0 * minutes
    if not 0 < budget < math.inf:
        raise ValueError(f"minutes should be a number above 0 but is {minutes}.")
    if os.environ.get("NBGRADER_EXECUTION"):
        bar = False
        if budget > GRADING_SECONDS:
            print(f"While grading, training takes at most {GRADING_SECONDS} seconds.")
            budget = GRADING_SECONDS
    home, device = next(model.parameters()).device, torch.device(device or best_device())
    model.to(device).train()
    try:
        run = Run(model, data, budget, pictures, recipe or Recipe(), out, augmented, device, started)
        if resume:
            run.go_on()
        run.train(bar)
    finally:
        model.to(home)
    return run.history


def while_grading(value: Any, otherwise: Any) -> Any:
    """`value` while nbgrader runs a notebook, where nobody looks at how well a training went; else `otherwise`."""
    return value if os.environ.get("NBGRADER_EXECUTION") else otherwise


def main(arguments: list[str] | None = None) -> None:
    """`python -m helpers.train`: train the course's ViT, measure it on the test set once, and log both."""
    from helpers import data

    console.prepare()
    parser = argparse.ArgumentParser("python -m helpers.train", description=main.__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--out", type=Path, default=Path("run"), help="folder for weights and log (run/)")
    parser.add_argument("--data", choices=["cifar10", "digits"], default="cifar10")
    starts = ["sin-cos", "random"]
    parser.add_argument("--positions", choices=starts, default=starts[0], help="how they start")
    strong = "strong augmentation, for half an hour and more"
    parser.add_argument("--strong", action="store_true", help=strong)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fresh", action="store_true", help="start afresh instead of going on in --out")
    options = parser.parse_args(arguments)
    if reason := checkpoints.writable(options.out):
        parser.error(f"{options.out} can't be written ({reason}): nothing would be left of these minutes.")
    torch.manual_seed(options.seed)  # for the first weights
    vit, load_split = course_vit(positions=options.positions), getattr(data, options.data)
    recipe = Recipe(seed=options.seed, strong=options.strong)
    pictures, resume = load_split("train"), not options.fresh
    try:
        history = fit(vit, pictures, options.minutes, recipe, options.out, resume=resume)
    except ValueError as error:
        parser.exit(1, f"{error}\n")
    test = load_split("test")
    loss, accuracy = evaluate(vit, test, history.mean, history.std)
    print(f"Test accuracy {accuracy:.1%} on {len(test.labels)} pictures of {test.source}.")
    log = json.loads((options.out / "log.json").read_text("utf-8"))
    checkpoints.write_json(options.out / "log.json", {**log, "test_loss": loss, "test_accuracy": accuracy})


if __name__ == "__main__":
    main()
