"""helpers/data/__init__.py and helpers/data/cifar.py: every form in which CIFAR-10 lies on a disk, photos, models, no network.

CIFAR-10 is played by 23 random pictures in exactly its format. Nothing here touches the real data folder.
"""
# ruff: noqa: F401, F811

import errno
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pooch
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save, save_file

from course.base.paths import ROOT
from helpers import data
from helpers.data import __main__, cifar, downloads
from tests.mirrors import (
    CLASSES,
    NAME,
    SIZES,
    SMALL,
    closed_port,
    here,
    listing,
    no_network,
    png,
    register,
    said,
    server,
)

ARRAYS = ["cifar10-test.safetensors", "cifar10-train.safetensors"]


def put_tarball(folder, content=SMALL.tarball):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NAME).write_bytes(content)


def unpack(folder):
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(SMALL.tarball)) as tar:
        # Debian 12's Python does not know the filter, which later ones want to be told
        tar.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))


def put_picture(path, label, number):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (32, 32), (20 * label, 50 * number, 0)).save(path)


def put_class_folders(folder, suffix=".png"):
    """Two training pictures and a test picture of each class; red tells the class, green the number."""
    for label, name in enumerate(CLASSES):
        for number, split in enumerate(("train", "train", "test")):
            put_picture(folder / split / name / f"{number}{suffix}", label, number)


def check_small(images, split="train"):
    batches = [name for name in SIZES if (name == "test_batch") == (split == "test")]
    pixels = np.concatenate([SMALL.pixels[name] for name in batches]).reshape(-1, 3, 32, 32)
    assert images.images.dtype == torch.uint8 and images.labels.dtype == torch.int64
    assert images.images.is_contiguous()
    assert torch.equal(images.images, torch.from_numpy(pixels))
    assert images.labels.tolist() == [label for name in batches for label in SMALL.labels[name]]
    assert images.class_names == tuple(CLASSES)
    assert images.source == "CIFAR-10"


def check_stand_in(images, out, *phrases):
    assert images.source == "scikit-learn digits (stand-in)"
    assert out.count("\n") == 1 and "stand in" in out and "data.cifar10(download=True)" in out
    for phrase in phrases:
        assert phrase in out


# ------------------------------------------------------------------------------
# No network


@pytest.mark.parametrize(
    "name, value, phrase",
    [("VIT_OFFLINE", "1", "VIT_OFFLINE is set"), ("NBGRADER_EXECUTION", "autograde", "while grading")],
)
def test_offline_and_grading_try_nothing(name, value, phrase, register, no_network, monkeypatch, said):
    register("http://127.0.0.1:1/never")
    monkeypatch.setenv(name, value)
    check_stand_in(data.cifar10(), said(), phrase)
    assert data.photo("santorini").shape == (3, 224, 224)
    out = said()
    assert out.count("\n") == 1 and phrase in out and "'china' stands in" in out


def test_a_cell_says_once_that_something_stands_in(no_network, monkeypatch, said):
    cell = SimpleNamespace(execution_count=1)
    monkeypatch.setattr(data, "shell", lambda: cell)
    monkeypatch.setattr(data, "_told", {})
    for _ in range(2):
        data.cifar10("train", download=False)
        data.cifar10("test", download=False)
        assert said().count("stand in") == 1
        cell.execution_count += 1


def test_download_false_tries_nothing(register, no_network, said):
    register("http://127.0.0.1:1/never")
    check_stand_in(data.cifar10(download=False), said(), "download=False")


def test_download_then_use_the_arrays(server, register, here, said):
    server.pages["/a"] = SMALL.tarball
    register(server.address("/a"))
    check_small(data.cifar10())
    check_small(data.cifar10("test", download=True), "test")
    (here / NAME).unlink()
    check_small(data.cifar10(download=False))
    assert server.asked == ["/a"]
    assert listing(here) == ARRAYS
    assert said() == ""


def test_every_mirror_fails_and_digits_stand_in(server, register, here, said):
    server.pages["/wrong"] = b"<html>please log in</html>"
    register(server.address("/wrong"), server.address("/no"))
    host = server.address().removeprefix("http://")
    reasons = f"could not be downloaded ({host}: wrong bytes; {host}: HTTP 404)"
    images = data.cifar10("test")
    check_stand_in(images, said(), reasons)
    assert len(images.labels) == 360 and listing(here) == []
    # the next cell does not wait again, unless it is told to
    check_stand_in(data.cifar10(), said(), reasons)
    assert server.asked == ["/wrong", "/no"]
    with pytest.raises(data.DownloadError, match="By hand: open one of these"):
        data.cifar10(download=True)
    server.pages["/no"] = SMALL.tarball
    check_small(data.cifar10(download=True))


# ------------------------------------------------------------------------------
# Copies on the disk


@pytest.mark.parametrize("where", ["vit", "default", "cache/vit-course"])
@pytest.mark.parametrize("put", [put_tarball, unpack])
def test_every_folder_is_looked_in(where, put, register, no_network, tmp_path, said):
    register("http://127.0.0.1:1/never")
    put(tmp_path / where)
    check_small(data.cifar10())
    assert said() == ""


def test_damaged_batches_and_arrays_are_made_again(register, no_network, here):
    register("http://127.0.0.1:1/never")
    put_tarball(here)
    unpack(here)
    (here / cifar.BATCHES / "data_batch_3").write_bytes(b"half")
    check_small(data.cifar10())
    assert listing(here) == [cifar.BATCHES, NAME, *ARRAYS]
    good = (here / ARRAYS[1]).read_bytes()
    one_bit = bytearray(good)
    one_bit[-1000] ^= 1
    for damaged in (good[:-1], good[:5], b"", bytes(one_bit)):
        (here / ARRAYS[1]).write_bytes(damaged)
        check_small(data.cifar10())
        assert cifar.read_arrays(here / ARRAYS[1]) is not None


def test_damaged_batches_without_a_tarball_are_not_used(register, here, said):
    register("http://127.0.0.1:1/never")
    unpack(here)
    (here / "cifar-10-batches-py" / "batches.meta").unlink()
    check_stand_in(data.cifar10(download=False), said(), "No intact copy")


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(errno.ENOSPC, "No space left on device")])
def test_arrays_that_cannot_be_written_to_the_end_are_not_used(
    error, register, no_network, here, monkeypatch
):
    def half(_, path, about):
        path.write_bytes(b"half")
        raise error

    register("http://127.0.0.1:1/never")
    put_tarball(here)
    with monkeypatch.context() as patch:
        patch.setattr("safetensors.torch.save_file", half)
        if error is KeyboardInterrupt:
            with pytest.raises(KeyboardInterrupt):
                data.cifar10()
        else:
            check_small(data.cifar10())  # a full disk only costs time
    assert listing(here) == [NAME]
    assert not list((here / downloads.HIDDEN).glob("*.part"))
    check_small(data.cifar10())
    assert listing(here) == [NAME, *ARRAYS]


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="needs POSIX permissions")
@pytest.mark.parametrize("default_can_be_written", [True, False])
@pytest.mark.parametrize("put", [put_tarball, unpack, put_class_folders])
def test_read_only_vit_data(put, default_can_be_written, register, no_network, monkeypatch):
    register("http://127.0.0.1:1/never")
    registry = downloads.shipped("registry.txt").read_text()
    root = Path(tempfile.mkdtemp())  # not tmp_path: `nobody` could not enter it
    try:
        put(root / "vit")
        (root / "default").mkdir()
        (root / "registry.txt").write_text(registry)
        monkeypatch.setenv("VIT_DATA", str(root / "vit"))
        monkeypatch.setattr(downloads, "data_folder", lambda: root / "default")
        monkeypatch.setattr(downloads, "shipped", lambda name: root / name)
        monkeypatch.setattr(pooch, "os_cache", lambda _: root / "cannot" / "be" / "made")
        (root / "default").chmod(0o777 if default_can_be_written else 0o555)
        before = sorted(os.listdir(root / "vit"))
        (root / "vit").chmod(0o555)
        root.chmod(0o555)
        am_root = os.geteuid() == 0
        if am_root:
            os.seteuid(65534)  # root may write anywhere, whatever the permissions say
        try:
            for _ in range(2):
                for split in ("train", "test"):
                    pictures = data.cifar10(split)
                    if put is put_class_folders:
                        assert pictures.source.startswith("CIFAR-10 (class folders")
                    else:
                        check_small(pictures, split)
        finally:
            if am_root:
                os.seteuid(0)
        assert sorted(os.listdir(root / "vit")) == before
        kept_here = put is not unpack and default_can_be_written
        kept = [name.split("-")[1].split(".")[0] for name in listing(root / "default")]
        assert kept == (["test", "train"] if kept_here else [])
    finally:
        for folder in (root, root / "vit", root / "default"):
            folder.chmod(0o755)
        shutil.rmtree(root)


def test_no_folder_can_be_written(register, server, monkeypatch, said):
    register(server.address("/a"))
    monkeypatch.setattr(downloads, "writable_folder", lambda: None)
    check_stand_in(data.cifar10(), said(), "no folder can be written")
    assert server.asked == []


# ------------------------------------------------------------------------------
# Class folders


@pytest.mark.parametrize("inside", ["", "cifar10"])
def test_class_folders(inside, register, no_network, here, said):
    register("http://127.0.0.1:1/never")
    put_class_folders(here / inside)
    train, test = data.cifar10(), data.cifar10("test")
    assert train.images.shape == (20, 3, 32, 32) and train.images.dtype == torch.uint8
    assert train.labels.dtype == torch.int64 and train.class_names == tuple(CLASSES)
    assert train.source == "CIFAR-10 (class folders, 20 of 50,000 pictures)"
    assert len(test.labels) == 10 and "10 of 10,000" in test.source
    # each picture has the colour that says what it is: class and number
    assert (train.images[:, 0] == 20 * train.labels[:, None, None]).all()
    assert sorted(train.images[:, 1, 0, 0].tolist()) == [0] * 10 + [50] * 10
    # mixed, and always in the same order
    assert train.labels.tolist() != sorted(train.labels.tolist())
    again = data.cifar10()
    assert torch.equal(again.images, train.images) and torch.equal(again.labels, train.labels)
    assert again.source == train.source and said() == ""


def test_class_folders_are_decoded_once_until_they_change(register, no_network, here, monkeypatch):
    register("http://127.0.0.1:1/never")
    put_class_folders(here)
    data.cifar10()
    with monkeypatch.context() as patch:
        patch.setattr(Image, "open", None)
        assert len(data.cifar10().labels) == 20
    put_picture(here / "train" / "bird" / "new.png", 2, 7)
    os.utime(here / "train" / "bird", ns=(1, 1))  # clocks of disks are coarse
    assert len(data.cifar10().labels) == 21
    assert len([name for name in listing(here) if name.startswith("cifar10-train")]) == 1


def test_jpeg_grey_and_other_files_in_class_folders(register, no_network, here):
    register("http://127.0.0.1:1/never")
    put_class_folders(here, ".jpg")
    Image.new("L", (32, 32), 77).save(here / "train" / "dog" / "grey.JPG")
    (here / "train" / "dog" / "notes.txt").write_text("no picture")
    train = data.cifar10()
    assert train.source == "CIFAR-10 (class folders, JPEG, 21 of 50,000 pictures)"
    assert [77, 77, 77] in train.images[:, :, 3, 3].tolist()


@pytest.mark.parametrize(
    "content, complaint",
    [(b"half", "cannot be read as a picture"), (png(31), "should be 32x32 pixels but is 31x31")],
)
def test_a_class_folder_with_a_bad_picture(content, complaint, register, no_network, here):
    register("http://127.0.0.1:1/never")
    put_class_folders(here)
    (here / "train" / "ship" / "bad.png").write_bytes(content)
    with pytest.raises(ValueError, match=rf"bad\.png {complaint}"):
        data.cifar10()
    assert not list(here.glob("*.safetensors"))


def test_an_incomplete_set_of_class_folders_is_not_taken(register, no_network, here, said):
    register("http://127.0.0.1:1/never")
    put_class_folders(here)
    shutil.rmtree(here / "train" / "truck")
    check_stand_in(data.cifar10(download=False), said(), "No intact copy")
    for folder in (here / "test").iterdir():
        for picture in folder.iterdir():
            picture.unlink()
    check_stand_in(data.cifar10("test", download=False), said(), "No intact copy")


# ------------------------------------------------------------------------------
# Digits and photos


def test_digits_pixel_by_pixel(no_network):
    images = data.digits()
    assert images.images.shape == (1797, 3, 32, 32) and images.images.dtype == torch.uint8
    assert images.labels.shape == (1797,) and images.labels.dtype == torch.int64
    assert images.class_names == tuple("0123456789")
    assert images.labels[:10].tolist() == list(range(10))
    # the first row of the first 8x8 digit is 0 0 5 13 9 1 0 0
    row = [0, 0, 80, 207, 143, 16, 0, 0]
    assert images.images[0, :, :4, ::4].tolist() == [[row] * 4] * 3
    assert images.images[0, 0, 0].tolist() == [value for value in row for _ in range(4)]
    assert images.images.min() == 0 and images.images.max() == 255


def test_digits_splits_are_disjoint_and_complete(no_network):
    everything, train, test = data.digits(), data.digits("train"), data.digits("test")
    assert (len(train.labels), len(test.labels)) == (1437, 360)

    def rows(images):  # no two of the 1,797 digits are the same, so a row names a picture
        pairs = zip(images.images, images.labels.tolist(), strict=True)
        return {(label, image.numpy().tobytes()) for image, label in pairs}

    assert len(rows(everything)) == 1797
    assert rows(train) | rows(test) == rows(everything)
    assert rows(train) & rows(test) == set()
    # every class is about a fifth of its pictures in the test part
    share = test.labels.bincount() / everything.labels.bincount()
    assert share.min() > 0.19 and share.max() < 0.21
    assert torch.equal(data.digits("test").images, test.images)


@given(split=st.sampled_from([None, "train", "test"]), index=st.integers(0, 359))
@settings(max_examples=15, deadline=None)
def test_any_digit_is_gray_and_in_blocks(split, index):
    image = data.digits(split).images[index]
    assert image.shape == (3, 32, 32) and image.dtype == torch.uint8
    assert (image == image[:1]).all()
    blocks = image.reshape(3, 8, 4, 8, 4)
    assert (blocks == blocks[:, :, :1, :, :1]).all()


@given(name=st.sampled_from(["china", "flower"]), size=st.integers(8, 300))
@settings(max_examples=25, deadline=None)
def test_a_photo_has_the_size_asked_for(name, size):
    picture = data.photo(name, size)
    assert picture.shape == (3, size, size) and picture.dtype == torch.uint8
    # the average colour survives: nothing wrapped around 0 or 255, and it is the centre that was cut out
    centre = data.photo(name)[:, :, 106:533].float()
    assert (picture.float().mean((1, 2)) - centre.mean((1, 2))).abs().max() < 3


def test_photos(no_network):
    china, flower = data.photo("china"), data.photo("flower")
    assert china.shape == flower.shape == (3, 427, 640)
    assert china.dtype == torch.uint8 and china.is_contiguous() and not torch.equal(china, flower)
    assert china[:, 0, 0].tolist() == [174, 201, 231]  # a blue sky: red, green, blue in this order


def test_the_cat_ships_and_the_small_model_knows_it(no_network, monkeypatch):
    monkeypatch.setattr(downloads, "shipped", lambda name: ROOT / "data" / name)
    cat = data.photo("cat")
    assert cat.shape == (3, 224, 224) and data.photo("cat", size=32).shape == (3, 32, 32)
    red, green, blue = cat.float().mean((1, 2))
    assert red > green > blue  # it is ginger
    model, config, names, _ = data.pretrained("vit_cifar10")
    mean, std = (torch.tensor(config[key]).view(3, 1, 1) for key in ("mean", "std"))
    with torch.no_grad():
        probability = model(((data.photo("cat", size=32) / 255 - mean) / std)[None])[0].softmax(0)
    assert names[int(probability.argmax())] == "cat" and probability.max() > 0.6


def test_santorini_is_downloaded(server, register, said):
    server.pages["/p"] = png()
    register(server.address("/p"))
    picture = data.photo("santorini")
    assert picture.shape == (3, 224, 224) and picture[:, 5, 5].tolist() == [10, 20, 30]
    assert data.photo("santorini", size=96, download=False).shape == (3, 96, 96)
    assert server.asked == ["/p"] and said() == ""


def test_santorini_without_a_network(register, said):
    register(closed_port())
    assert torch.equal(data.photo("santorini"), data.photo("china", 224))
    out = said()
    assert out.count("\n") == 1 and "data.photo('santorini', download=True)" in out
    assert torch.equal(data.photo("santorini", size=50), data.photo("china", 50))
    with pytest.raises(data.DownloadError, match="By hand"):
        data.photo("santorini", download=True)


# ------------------------------------------------------------------------------
# Models

TINY = "vit_tiny_patch16_224.augreg_in21k_ft_in1k"
SMALL_VIT = {"img_size": 32, "patch_size": 4, "num_classes": 10, "embed_dim": 128, "depth": 6, "num_heads": 4}
SMALL_VIT["mlp_ratio"] = 2.0


@pytest.fixture
def checkpoint(here):
    """Write a random checkpoint in the format of the one that ships with the course; returns its model."""

    def write(**changes):
        from timm.models.vision_transformer import VisionTransformer

        model = VisionTransformer(**SMALL_VIT).half()
        about = {"timm": SMALL_VIT, "mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.4], "class_names": CLASSES}
        about = {key: json.dumps(value) for key, value in (about | changes).items() if value is not None}
        save_file(model.state_dict(), downloads.shipped(data.SHIPPED), about)
        return model.float().eval()

    return write


@pytest.fixture(scope="module")
def tiny():
    """timm's ViT-Tiny with random weights, and its safetensors file. (ViT-Base was tried once by hand.)"""
    import timm

    model = timm.create_model(TINY, pretrained=False).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return model, save(model.state_dict())


def test_a_pretrained_model_comes_through_the_same_cache(tiny, server, register, here, monkeypatch, said):
    model, content = tiny
    server.pages[f"/mirror/{TINY}.safetensors"] = content
    register("http://127.0.0.1:1/never", files={f"{TINY}.safetensors": content})
    monkeypatch.setenv("VIT_MIRROR", server.address("/mirror"))
    loaded = data.pretrained(TINY)
    picture = torch.rand(1, 3, 224, 224)
    with torch.no_grad():
        assert torch.equal(loaded.model(picture), model(picture))
    assert not loaded.model.training and loaded.model.cls_token.dtype == torch.float32
    assert loaded.config == {"mean": (0.5,) * 3, "std": (0.5,) * 3, "img_size": 224, "patch_size": 16}
    assert len(loaded.class_names) == 1000 and "goldfish" in loaded.class_names[1]
    assert "dome" in loaded.class_names[538]
    assert loaded.source == TINY
    monkeypatch.setenv("VIT_OFFLINE", "1")
    assert torch.equal(data.pretrained(TINY).model.cls_token, model.cls_token)
    assert len(server.asked) == 1 and said() == ""


def test_without_a_network_the_small_vit_stands_in(checkpoint, register, no_network, monkeypatch, said):
    register("http://127.0.0.1:1/never", files={f"{name}.safetensors": b"" for name in data.PRETRAINED})
    monkeypatch.setenv("VIT_OFFLINE", "1")
    model = checkpoint()
    loaded = data.pretrained()
    out = said()
    assert out.count("\n") == 1 and data.PRETRAINED[0] in out and "VIT_OFFLINE is set" in out
    assert (
        "the course's own small ViT" in out
        and f"data.pretrained('{data.PRETRAINED[0]}', download=True)" in out
    )
    picture = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(loaded.model(picture), model(picture))
    assert not loaded.model.training and loaded.model.cls_token.dtype == torch.float32
    assert loaded.config == {"mean": (0.4, 0.5, 0.6), "std": (0.2, 0.3, 0.4), "img_size": 32, "patch_size": 4}
    assert loaded.class_names == tuple(CLASSES) and "ships with the course" in loaded.source


@pytest.mark.parametrize(
    "changes, complaint",
    [
        ({"mean": None, "std": None}, "should also name: mean, std"),
        ({"timm": SMALL_VIT | {"embed_dim": 64}}, "do not fit the model.*size mismatch"),
        ({"timm": SMALL_VIT | {"depth": 2}}, "do not fit the model.*Unexpected key"),
    ],
)
def test_a_shipped_checkpoint_that_is_not_right(changes, complaint, checkpoint):
    checkpoint(**changes)
    with pytest.raises(ValueError, match=f"(?s){complaint}"):
        data._shipped()


def test_a_shipped_checkpoint_that_is_missing_or_damaged(checkpoint):
    with pytest.raises(FileNotFoundError, match=r"git checkout -- data/vit_cifar10\.safetensors"):
        data._shipped()
    downloads.shipped(data.SHIPPED).write_bytes(b"half")
    with pytest.raises(ValueError, match="is damaged"):
        data._shipped()


@pytest.mark.parametrize("name", data.PRETRAINED)
def test_every_pinned_tag_is_registered_and_known_to_timm(name):
    import timm

    assert timm.get_pretrained_cfg(name).tag == name.split(".")[1]
    lines = (ROOT / "data" / "registry.txt").read_text().splitlines()
    assert len({line.split()[1] for line in lines if line.startswith(f"{name}.safetensors ")}) == 1


# ------------------------------------------------------------------------------
# python -m helpers.data


@pytest.fixture
def run(said):
    def command(*arguments):
        status = __main__.main(list(arguments))
        return status, said()

    return command


def everything(**changes):
    files = {NAME: SMALL.tarball, "santorini.png": png()}
    return files | {f"{name}.safetensors": b"weights" for name in data.PRETRAINED} | changes


def test_the_list_of_an_empty_machine(register, no_network, run):
    register("http://127.0.0.1:1/never", files=everything())
    status, out = run()
    assert status == 0 and out.count("not here") == 5
    assert "come with scikit-learn" in out and "python -m helpers.data get NAME" in out
    assert all(line == line.rstrip() for line in out.splitlines())


def test_get_list_verify_remove(register, server, here, checkpoint, run, tmp_path):
    checkpoint()
    server.pages["/a"] = SMALL.tarball
    register(server.address("/a"), files=everything())
    status, out = run("get", "cifar10")
    assert status == 0 and out.count("verified") == 3 and str(here / NAME) in out
    assert run("verify")[0] == 0

    (here / NAME).write_bytes(b"half")
    status, out = run("verify", "cifar10")
    assert status == 1 and out.count("damaged") == 1
    assert run()[0] == 0  # the list is only a list

    # somebody else's copies are not ours to delete
    unpack(tmp_path / "default")
    put_class_folders(here)
    data.cifar10()
    status, out = run("remove", "cifar10")
    assert status == 0 and out.count("removed") == 3 and out.count("kept") == 3
    assert listing(here) == ["test", "train"] and listing(tmp_path / "default") == [cifar.BATCHES]
    status, out = run("verify", "cifar10")
    assert status == 0 and out.count("not verifiable") == 2 and out.count("verified") == 1


def test_get_that_fails_says_what_to_do(register, server, here, run):
    register(server.address("/a"), files=everything())
    status, out = run("get", "santorini")
    assert status == 1 and "By hand" in out and "404" in out


def test_an_unfinished_download_is_listed_and_can_be_removed(register, here, run):
    register("http://127.0.0.1:1/never", files=everything())
    (here / downloads.HIDDEN).mkdir(parents=True)
    (here / downloads.HIDDEN / "santorini.png.part").write_bytes(b"half")
    assert "unfinished" in run("verify", "santorini")[1]
    assert "removed" in run("remove", "santorini")[1]
    assert "not here" in run("verify", "santorini")[1]


@pytest.mark.parametrize("wrong", [["get"], ["get", "mnist"], ["fetch"]])
def test_a_mistyped_command(wrong, capfd):
    with pytest.raises(SystemExit):
        __main__.main(wrong)
    assert "usage: python -m helpers.data" in capfd.readouterr().err


def test_the_command_line_works():
    done = subprocess.run([sys.executable, "-m", "helpers.data", "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and "get" in done.stdout and "remove" in done.stdout


# ------------------------------------------------------------------------------
# Mistakes


@given(st.text().filter(lambda text: text not in ("train", "test")))
def test_unknown_splits(split):
    with pytest.raises(ValueError, match="'train' or 'test' but is"):
        data.cifar10(split)
    with pytest.raises(ValueError, match="'train', 'test' or None"):
        data.digits(split)


@given(st.text().filter(lambda text: text not in data.PHOTOS))
def test_unknown_photos(name):
    with pytest.raises(ValueError, match="'cat', 'china', 'flower', 'santorini' but is"):
        data.photo(name)


@given(st.integers(max_value=0))
def test_impossible_sizes(size):
    with pytest.raises(ValueError, match=f"at least 1 pixel but is {size}"):
        data.photo("china", size)


@given(st.text().filter(lambda text: text not in data.PRETRAINED))
def test_unknown_models(name):
    with pytest.raises(ValueError, match=r"augreg2_in21k_ft_in1k.* but is"):
        data.pretrained(name)


def test_importing_is_cheap():
    code = (
        "import helpers, sys; before = {*sys.modules}; import helpers.data; print(*{*sys.modules} - before)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.stderr == ""
    heavy = {
        "torch",
        "torchvision",
        "sklearn",
        "pooch",
        "requests",
        "tqdm",
        "PIL",
        "timm",
        "safetensors",
        "filelock",
    }
    assert heavy & set(done.stdout.split()) == set()
