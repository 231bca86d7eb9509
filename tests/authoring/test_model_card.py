"""course.authoring.model_card: what ships is the run that its card tells of, and timm gets the same logits from it."""

import json
from dataclasses import replace

import pytest
import torch

from benchmarks import checkpoint as recipe
from course.authoring import model_card
from helpers import data, train
from helpers.training import checkpoints


@pytest.fixture
def run(tmp_path):
    torch.manual_seed(0)
    vit = train.course_vit()
    notes = {"mean": [0.5, 0.5, 0.5], "std": [0.2, 0.2, 0.2]}
    checkpoints.save(vit.state_dict(), tmp_path / "best.safetensors", notes)
    how = {"strong": True, "data": "CIFAR-10", "half_size": 0.5, "matrix_lr": 0.01, "lr": 0.002}
    how |= {"batch_size": 128, "label_smoothing": 0.1}
    machine = {"device": "cpu", "threads": 2, "cores": 2, "precision": "float32", "torch": "2.15.0"}
    log = {"minutes": 90.0, "recipe": how, "machine": machine, "history": [{"images": 1234567}]}
    checkpoints.write_json(tmp_path / "log.json", {**log, "test_accuracy": 0.8512})
    return tmp_path


def test_timm_gets_the_same_logits(run, tmp_path):
    path = model_card.pack(run, tmp_path, ("a",) * 10)
    weights, notes = checkpoints.read(path)
    assert path.stat().st_size < 4e6 and {t.dtype for t in weights.values()} == {torch.float16}
    from timm.models.vision_transformer import VisionTransformer

    theirs = VisionTransformer(**notes["timm"])
    theirs.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    ours = train.course_vit()
    checkpoints.load(ours, run / "best.safetensors")
    ours.half().float()
    x = torch.randn(3, 3, 32, 32, generator=torch.manual_seed(1))
    with torch.no_grad():
        assert (theirs.eval()(x) - ours.eval()(x)).abs().max() < 1e-4


def test_the_card_holds_the_logs_numbers(run, tmp_path):
    model_card.pack(run, tmp_path, ("a",) * 10)
    card = (tmp_path / "vit_cifar10.md").read_text()
    assert all(words in card for words in ("85.1%", "90 minutes", "1,234,567", "2 thread(s)", "turns"))


def test_two_trainings_become_one_checkpoint(tmp_path, monkeypatch):
    for name, (_, how) in {"FIRST": recipe.FIRST, "SECOND": recipe.SECOND}.items():
        monkeypatch.setattr(recipe, name, (0.25, replace(how, batch_size=32)))
    digits = data.digits("train")
    recipe.make(digits, data.digits("test"), tmp_path)
    model_card.pack(tmp_path, tmp_path, digits.class_names)
    first, second = (recipe.ended(tmp_path / name)["head.weight"] for name in ("first", "second"))
    weights, _ = checkpoints.read(tmp_path / "vit_cifar10.safetensors")
    assert torch.equal(weights["head.weight"].half(), second.half())
    assert not torch.equal(weights["head.weight"].half(), first.half())  # a few steps, on a busy machine
    card = (tmp_path / "vit_cifar10.md").read_text()
    assert "training 2" in card and "CutMix" in card


def test_a_run_that_was_not_tested_does_not_ship(run, tmp_path):
    log = json.loads((run / "log.json").read_text())
    del log["test_accuracy"]
    (run / "log.json").write_text(json.dumps(log))
    with pytest.raises(ValueError, match="no test accuracy"):
        model_card.pack(run, tmp_path / "x", ())
