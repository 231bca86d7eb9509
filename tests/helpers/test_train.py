"""helpers.train: the minutes are kept, nothing that was learned is lost, and every bad end has its sentence.

A clock of the test's own makes most of this exact: each look at it takes a hundredth of a second.
"""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch
from torch import nn

from helpers import data, train
from helpers.assemble import ViT
from helpers.training import checkpoints, loop
from helpers.training.batches import split

SMALL = train.Recipe(quick=100, batch_size=64)


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Every reading is 0.01 s after the one before."""
    readings = iter(range(10**9))
    monkeypatch.setattr(loop, "now", lambda: next(readings) / 100)


@pytest.fixture(scope="module")
def digits():
    return data.digits("train")


def vit(**sizes):
    torch.manual_seed(0)
    return ViT(**({"emb_size": 32, "depth": 1, "num_heads": 2, "expansion": 2} | sizes))


def test_it_learns_and_ends_with_its_best_weights(digits, tmp_path, capsys):
    model = vit()
    history = train.fit(model, digits, 0.3, SMALL, tmp_path, bar=False)
    assert history.stopped == "the time is up" and history.best["size"] == 32
    assert history.best["validation_accuracy"] > 0.5  # of ten classes
    assert [e["size"] for e in history] == sorted(e["size"] for e in history) and history[0]["size"] == 16
    assert 0.98 * 18 < history[-1]["seconds"] < 1.02 * 18
    kept = split(digits.labels, 0.1, 0)[1]
    some = digits._replace(images=digits.images[kept], labels=digits.labels[kept])
    loss, accuracy = train.evaluate(model, some, history.mean, history.std)
    assert accuracy == pytest.approx(history.best["validation_accuracy"], abs=0.02)
    other = vit(depth=1)
    notes = checkpoints.load(other, tmp_path / "best.safetensors")
    assert train.evaluate(other, some, notes["mean"], notes["std"]) == (loss, accuracy)
    log = json.loads((tmp_path / "log.json").read_text())
    assert log["history"] == list(history) and log["machine"]["cores"] == os.cpu_count()
    assert f"{history.best['validation_accuracy']:.1%}" in capsys.readouterr().out


def test_weights_are_compared_on_the_same_pictures(digits, monkeypatch):
    def evaluate(model, some, *more):
        found.append(len(some.labels))
        # the pictures that only the last evaluation sees are hard
        return 1.0, 0.9 if len(some.labels) == 100 else 0.1

    found = []
    monkeypatch.setattr(loop, "evaluate", evaluate)
    history = train.fit(vit(), digits, 0.3, SMALL, bar=False)
    assert found[-2:] == [100, found[-1]] and found[-1] > 20, "the last evaluation is the long one"
    assert history[-1]["validation_accuracy"] < history[-1]["quick_accuracy"] == 0.9
    monkeypatch.setattr(
        loop, "evaluate", lambda *given: (evaluate(*given)[0] / len(found), evaluate(*given)[1])
    )
    history = train.fit(vit(), digits, 0.3, SMALL, bar=False)
    assert history.best == history[-1], "its loss is the lowest on the pictures that all evaluations saw"


def test_mixed_batches_have_mixed_targets(digits, monkeypatch):
    def cross_entropy(logits, target, **more):
        if logits.requires_grad:
            dims.append(target.ndim)
        return real(logits, target, **more)

    real, dims = torch.nn.functional.cross_entropy, []
    monkeypatch.setattr(loop.F, "cross_entropy", cross_entropy)
    train.fit(vit(), digits, 0.05, replace(SMALL, mixed=True), bar=False)
    assert 0.2 < dims.count(2) / len(dims) < 0.8, "about half of the batches, with a share for each class"
    dims.clear()
    train.fit(vit(), digits, 0.05, SMALL, bar=False)
    assert set(dims) == {1}


def test_the_same_seed_gives_the_same_run(digits):
    # an evaluation every 0.255 s: between two readings of the clock
    runs = [train.fit(vit(), digits, 0.051, SMALL, bar=False) for _ in range(2)]
    assert [e["images"] for e in runs[0]] == [e["images"] for e in runs[1]]
    assert runs[0][0]["train_loss"] == pytest.approx(runs[1][0]["train_loss"], rel=1e-3)


class Stops(nn.Module):
    """A model whose reader presses the stop button, or that breaks, after so many batches."""

    def __init__(self, after, error=KeyboardInterrupt):
        super().__init__()
        self.vit, self.left, self.error = vit(), after, error

    def forward(self, x):
        self.left -= self.training
        if self.left < 0:
            raise self.error
        return self.vit(x)


def test_interrupted_and_resumed(digits, tmp_path, capsys):
    first = train.fit(Stops(100), digits, 0.2, SMALL, tmp_path, bar=False)
    assert first.stopped == "interrupted" and first.best
    second = train.fit(Stops(10**6), digits, 0.2, SMALL, tmp_path, bar=False)
    assert "goes on after" in capsys.readouterr().out
    assert list(second)[: len(first)] == list(first) and second.stopped == "the time is up"
    assert second[-1]["seconds"] < 1.02 * 12 and second[-1]["images"] > first[-1]["images"]
    fresh = train.fit(Stops(10**6), digits, 0.05, SMALL, tmp_path, resume=False, bar=False)
    assert fresh[0]["seconds"] < first[0]["seconds"]


def test_interrupted_before_the_first_evaluation_keeps_what_was_learned(digits):
    model = Stops(3)
    before = model.vit.head.weight.clone()
    history = train.fit(model, digits, 1.0, SMALL, bar=False)
    assert history.stopped == "interrupted" and history.best is None
    assert not torch.equal(before, model.vit.head.weight)


KILLED = """
import sys
from helpers import data, train
from helpers.training import loop
from helpers.assemble import ViT
from helpers.training.batches import split
loop.SAVE_EVERY = 0.2
model = ViT(emb_size=32, depth=1, num_heads=2, expansion=2)
train.fit(model, data.digits("train"), 20, train.Recipe(quick=100, batch_size=64), sys.argv[1], bar=False)
"""


def test_killed_and_resumed(digits, tmp_path, capsys):
    process = subprocess.Popen([sys.executable, "-c", KILLED, tmp_path])
    deadline = time.monotonic() + 120
    while not (tmp_path / "last.pt").exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
    process.wait()
    assert (tmp_path / "last.pt").exists()
    train.fit(vit(), digits, 20 / 60, SMALL, tmp_path, bar=False)
    assert "goes on after" in capsys.readouterr().out


def test_early_stopping(digits):
    history = train.fit(vit(), digits, 1.0, replace(SMALL, lr=0.0, matrix_lr=0.0, patience=2), bar=False)
    assert history.stopped == "no better for 2 evaluations" and len(history) < 12


def test_a_loss_that_is_no_number(digits, tmp_path, capsys):
    history = train.fit(vit(), digits, 0.2, replace(SMALL, lr=1e30, clip=1e30), tmp_path, bar=False)
    out = capsys.readouterr().out
    assert (
        history.stopped == "the loss became NaN"
        and "learning rate is too high" in out
        and "Recipe(lr=" in out
    )


@pytest.mark.parametrize(
    ("model", "recipe", "words"),
    [
        (lambda: vit(depth=2), SMALL, "another architecture"),
        (lambda: vit(), replace(SMALL, seed=1), "seed 0, now 1"),
    ],
)
def test_a_folder_of_another_run_is_refused(digits, tmp_path, model, recipe, words):
    train.fit(vit(), digits, 0.02, SMALL, tmp_path, bar=False)
    before = (tmp_path / "last.pt").read_bytes()
    with pytest.raises(ValueError, match=words):
        train.fit(model(), digits, 0.02, recipe, tmp_path, bar=False)
    assert (tmp_path / "last.pt").read_bytes() == before


def test_damaged_files_are_named(digits, tmp_path):
    (tmp_path / "last.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(ValueError, match=r"last\.pt is no readable checkpoint.*resume=False"):
        train.fit(vit(), digits, 0.02, SMALL, tmp_path, bar=False)
    (tmp_path / "best.safetensors").write_bytes(b"no")
    with pytest.raises(ValueError, match=r"can't be read as a checkpoint"):
        checkpoints.load(vit(), tmp_path / "best.safetensors")
    with pytest.raises(ValueError, match="There is no"):
        checkpoints.load(vit(), tmp_path / "absent.safetensors")


def test_a_folder_that_cant_be_written_costs_only_the_files(digits, tmp_path, capsys):
    (tmp_path / "run").write_text("a file in its place")
    history = train.fit(vit(), digits, 0.05, SMALL, tmp_path / "run", bar=False)
    assert history.best and "goes on without checkpoints" in capsys.readouterr().out


def test_a_disk_that_fills_up_costs_only_the_files(digits, tmp_path, capsys, monkeypatch):
    train.fit(vit(), digits, 0.05, SMALL, tmp_path, bar=False)
    before = (tmp_path / "best.safetensors").read_bytes()

    def full(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    writable = lambda folder: ""  # noqa: E731  (it fills up after the start)
    monkeypatch.setattr(checkpoints, "writable", writable)
    history = train.fit(vit(), digits, 0.1, SMALL, tmp_path, bar=False)
    assert history.best and "No space left on device" in capsys.readouterr().out
    assert (tmp_path / "best.safetensors").read_bytes() == before
    assert not list(tmp_path.glob("*.part"))


def test_while_grading_it_is_short_and_silent(digits, monkeypatch, capfd):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    history = train.fit(vit(), digits, 10, SMALL)
    out, err = capfd.readouterr()
    assert history[-1]["seconds"] < 1.02 * train.GRADING_SECONDS and err == "" and "While grading" in out


def test_the_bar_tells_loss_accuracy_speed_and_time_left(digits, capfd, monkeypatch):
    monkeypatch.setattr("tqdm.std.time", iter(range(10**9)).__next__)  # no two looks are too close to draw
    train.fit(vit(), digits, 0.05, SMALL)
    out, err = capfd.readouterr()
    assert err == "" and all(word in out for word in ("loss ", "accuracy ", "images/s", "s left"))


class Stiff(nn.Sequential):
    def __init__(self, classes=10):
        super().__init__(nn.Flatten(), nn.Linear(3 * 32 * 32, classes))


def test_a_model_of_one_size_trains_at_that_size(digits, capsys):
    history = train.fit(Stiff(), digits, 0.05, SMALL, bar=False)
    assert {e["size"] for e in history} == {32} and "32 x 32 only" in capsys.readouterr().out


def test_logits_of_another_shape(digits):
    with pytest.raises(ValueError, match=r"\(2, 10\) but give \(2, 7\)"):
        train.fit(Stiff(7), digits, 0.05, SMALL, bar=False)


@pytest.mark.parametrize("minutes", [0, -1, float("nan"), float("inf")])
def test_minutes(digits, minutes):
    with pytest.raises(ValueError, match="minutes should be"):
        train.fit(vit(), digits, minutes, bar=False)


def test_smaller_pictures_get_the_mean_of_their_positions():
    model = vit().positional_embedding
    table = model(torch.zeros(1, 65, 32))[0]
    small = model(torch.zeros(2, 17, 32))
    assert torch.equal(small[1, 0], table[0])
    assert torch.allclose(small[1, 1], table[[1, 2, 9, 10]].mean(0), atol=1e-6)


def test_course_vit_starts_from_the_grid_or_from_nothing():
    start = train.course_vit().positional_embedding.embedding.learnable_positions[1:]
    near = nn.functional.cosine_similarity(start[27], start, dim=-1)
    # its four neighbours
    assert near.argsort(descending=True)[1:5].sort().values.tolist() == [19, 26, 28, 35]
    assert (
        train.course_vit(positions="random").positional_embedding.embedding.learnable_positions.std() < 0.03
    )


def test_command_line(tmp_path, capsys):
    arguments = ["--minutes", "0.02", "--data", "digits", "--out", str(tmp_path)]
    train.main(arguments)
    log = json.loads((tmp_path / "log.json").read_text())
    assert 0 <= log["test_accuracy"] <= 1 and "Test accuracy" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stop:
        train.main([*arguments, "--seed", "1"])
    assert stop.value.code == 1 and "seed 0, now 1" in capsys.readouterr().err
