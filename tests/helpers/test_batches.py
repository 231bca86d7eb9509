"""helpers.training.batches: nothing leaks between training and validation, and augmentation only moves what it should."""

import pytest
import torch

from helpers.training.batches import augment, normalise, resize, split


def rng():
    return torch.Generator().manual_seed(0)


def pictures(b=64, side=32):
    return torch.randint(0, 256, (b, 3, side, side), dtype=torch.uint8, generator=rng())


def test_split_is_stratified_disjoint_and_repeatable():
    labels = torch.arange(10).repeat(50)[torch.randperm(500, generator=rng())]
    train, kept = split(labels, 0.1, seed=3)
    assert sorted([*train.tolist(), *kept.tolist()]) == list(range(500))
    assert labels[kept].bincount().tolist() == [5] * 10
    again = split(labels, 0.1, seed=3)
    assert torch.equal(train, again[0]) and torch.equal(kept, again[1])
    assert not torch.equal(kept, split(labels, 0.1, seed=4)[1])


def test_crop_and_flip_move_whole_rows_and_columns():
    ramp = torch.arange(32, dtype=torch.uint8).expand(200, 3, 32, 32)  # each pixel holds its column
    moved = augment(ramp, rng())
    assert moved.shape == ramp.shape and moved.dtype == torch.uint8
    assert (moved == moved[:, :1, :1]).all()  # channels and rows still agree
    middle = moved[:, 0, 0, 8:24].int().diff()
    flipped = (middle == -1).all(1)
    assert (flipped | (middle == 1).all(1)).all() and 60 < flipped.sum() < 140
    # up to an eighth of the side (and the flip's one)
    assert (moved[:, 0, 0, 16].int() - 16).abs().max() <= 5


@pytest.mark.parametrize("strong", [False, True])
def test_augmentation_repeats_with_its_seed_and_changes_without(strong):
    x = pictures()
    assert torch.equal(augment(x, rng(), strong), augment(x, rng(), strong))
    one = rng()
    assert not torch.equal(augment(x, one, strong), augment(x, one, strong))


def test_strong_augmentation_stays_a_picture():
    x = pictures(400) // 2 + 64
    strong = augment(x, rng(), strong=True)
    assert strong.shape == x.shape and strong.dtype == torch.uint8
    flat = strong.flatten(1).float().std(1)
    assert flat.min() > 5  # no picture became one colour
    blanked = (strong[:, :, 1:] == strong[:, :, :-1]).all(1).float().flatten(1).mean(1) > 0.05
    assert 120 < blanked.sum() < 280  # about half of them have a grey square


def test_normalise_and_resize():
    x = pictures()
    mean, std = (x / 255).mean((0, 2, 3)), (x / 255).std((0, 2, 3))
    z = normalise(x, mean.tolist(), std.tolist())
    assert torch.allclose(z.mean((0, 2, 3)), torch.zeros(3), atol=1e-4)
    assert torch.allclose(z.std((0, 2, 3)), torch.ones(3), atol=1e-3)
    assert resize(z, 32) is z
    assert torch.allclose(resize(z, 16)[0, 0, 0, 0], z[0, 0, :2, :2].mean())
