"""The curves of helpers.train are true: computed again from the weights of each moment, and the same on a busy machine."""

from itertools import count

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from helpers import data, train
from helpers.assemble import ViT
from helpers.training import display, loop, optimise
from helpers.training.batches import split


def small_vit():
    torch.manual_seed(0)
    return ViT(emb_size=16, depth=1, num_heads=2, expansion=2)


def small_cnn():
    torch.manual_seed(0)
    convolution = [nn.Conv2d(3, 8, 3, stride=4), nn.BatchNorm2d(8), nn.ReLU()]
    return nn.Sequential(*convolution, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 10))


def pictures_with(kept):
    """So many digits that `kept` of them are set apart for validation."""
    digits = data.digits("train")
    rows = torch.arange(10 * kept if kept != 144 else len(digits.labels)) % len(digits.labels)
    return digits._replace(images=digits.images[rows], labels=digits.labels[rows])


def ticking(monkeypatch, seconds=0.01):
    """A clock that goes on by so much at each look."""
    readings = count()
    monkeypatch.setattr(loop, "now", lambda: next(readings) * seconds)


# as the two notebooks call it: with the digits, and (without pictures) with CIFAR-10
CALLS = {
    "Train your ViT": (small_vit, None, 1800),
    "CNN or ViT": (small_cnn, train.Recipe(half_size=0, batch_size=32), 1800),
    "Train your ViT, by the clock": (small_vit, None, None),
    "CNN or ViT, by the clock": (small_cnn, train.Recipe(half_size=0), None),
}


@pytest.mark.parametrize("kept", [17, 144, 250, 251, 1003])  # 1003: more than Recipe.quick
@pytest.mark.parametrize("call", CALLS)
def test_every_point_of_the_curves_is_what_its_weights_give(call, kept, monkeypatch):
    build, recipe, pictures = CALLS[call]
    some, model = pictures_with(kept), build()
    moments, batches = [], []
    evaluation, cross_entropy = loop.Run._evaluation, F.cross_entropy

    def saved(run, *given):
        weights = {name: t.clone() for name, t in run.model.state_dict().items()}
        moments.append((weights, batches.copy()))
        batches.clear()
        return evaluation(run, *given)

    def noted(logits, target, **more):
        loss = cross_entropy(logits, target, **more)
        if logits.requires_grad:  # a step of training
            batches.append((float(loss.detach()), (logits.argmax(1) == target).tolist()))
        return loss

    ticking(monkeypatch)
    for module in (loop, optimise):
        monkeypatch.setattr(module, "precision", lambda kind: torch.float32)
    monkeypatch.setattr(loop.Run, "_evaluation", saved)
    monkeypatch.setattr(loop.F, "cross_entropy", noted)
    history = train.fit(model, some, 1 if pictures else 0.03, recipe, pictures=pictures, bar=False)
    monkeypatch.undo()

    rows = split(some.labels, 0.1, 0)[1]
    assert len(rows) == kept and len(history) == len(moments) > 4
    mean, std = (torch.tensor(x).view(1, 3, 1, 1) for x in (history.mean, history.std))
    x, y = (some.images[rows] / 255 - mean) / std, some.labels[rows]
    for entry, (weights, steps) in zip(history, moments, strict=True):
        model.load_state_dict(weights)
        n = entry["validation_images"]
        assert n == kept or 250 <= n < kept
        with torch.no_grad():
            logits = model.eval()(F.avg_pool2d(x, 32 // entry["size"]))
        right = (logits.argmax(1) == y).float()
        for name, m in (("validation", n), ("quick", min(n, 1000))):
            loss = -logits[:m].log_softmax(1)[torch.arange(m), y[:m]].mean()
            assert entry[f"{name}_loss"] == pytest.approx(float(loss), rel=1e-4)
            assert entry[f"{name}_accuracy"] == pytest.approx(float(right[:m].mean()), abs=1e-6)
        found = [each for _, all_of in steps for each in all_of]
        assert entry["train_accuracy"] == pytest.approx(sum(found) / len(found), abs=1e-6)
        mean_loss = sum(loss * len(all_of) for loss, all_of in steps) / len(found)
        assert entry["train_loss"] == pytest.approx(mean_loss, rel=1e-4)
    assert history[-1]["validation_images"] == kept, "the last point takes all"


def without_clock(history):
    return [
        {k: v for k, v in entry.items() if k not in ("seconds", "images_per_second")} for entry in history
    ]


def test_with_pictures_a_busy_machine_gives_the_same_figures(monkeypatch):
    found = []
    for seconds in (0.001, 0.1):
        ticking(monkeypatch, seconds)
        found.append(train.fit(small_vit(), pictures_with(251), 10, pictures=2000, bar=False))
    quiet, busy = found
    assert quiet.stopped == busy.stopped == "all 2,000 pictures were seen"
    assert without_clock(quiet) == without_clock(busy)
    assert busy[-1]["seconds"] > 50 * quiet[-1]["seconds"] and 2000 <= busy[-1]["images"] < 2128


def test_the_minutes_limit_the_pictures_and_it_says_so(monkeypatch, capsys):
    ticking(monkeypatch)
    history = train.fit(small_vit(), pictures_with(144), 0.01, pictures=10**6, bar=False)
    seen = history[-1]["images"]
    assert history.stopped == f"the time is up after {seen:,} of 1,000,000 pictures"
    assert history.stopped in capsys.readouterr().out and history[-1]["seconds"] < 1.1 * 0.6


@pytest.mark.parametrize("pictures", [None, 1000])
def test_a_terminal_sees_one_line_that_ends_at_100_percent(pictures, monkeypatch, capsys):
    ticking(monkeypatch)
    train.fit(small_vit(), pictures_with(144), 0.05, pictures=pictures)
    last = capsys.readouterr().out.split("\r")[-1]
    assert last.startswith("100%|") and "s left" not in last


@pytest.mark.parametrize("pictures", [None, 1000])
def test_a_notebook_sees_bar_and_curve_in_one_output(pictures, monkeypatch, capsys):
    class Handle:
        update = staticmethod(lambda looks, raw: shown.append(looks))

    def show(looks, raw, display_id):
        assert not shown, "a second output"
        shown.append(looks)
        return Handle

    shown = []
    ticking(monkeypatch)
    monkeypatch.setattr(display, "in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", show)
    train.fit(small_vit(), pictures_with(144), 0.05, pictures=pictures)
    assert "loss" not in capsys.readouterr().out
    last = shown[-1]
    assert last["text/plain"].startswith("100% loss ")
    assert '<progress value="1.000"' in last["text/html"] and '<img alt="Accuracy so far' in last["text/html"]
