"""The pictures and the pretrained models of the course.

    cifar10("train"), cifar10("test")     60,000 small colour pictures (Krizhevsky, 2009), downloaded once
    digits()                              1,797 handwritten digits, always there: they stand in for CIFAR-10
    photo("cat"), photo("china")          one photo to cut into patches
    pretrained()                          a ViT that has seen ImageNet; the course's own small one stands in

Without a network the notebooks still run: something that ships with scikit-learn or with the course stands in,
and one printed line says so. `python -m helpers.data` shows what is on this machine, gets more, and removes it.
Where files come from and go to, and the environment variables for that: helpers/data/downloads.py.

Heavy packages are imported inside the functions that use them, so importing this module costs nothing.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from helpers.data import cifar, downloads
from helpers.data.cifar import Images
from helpers.data.downloads import DownloadError, quiet
from helpers.figures.output import shell, text

if TYPE_CHECKING:
    import timm
    import torch

__all__ = ["DownloadError", "Images", "Pretrained", "cifar10", "digits", "photo", "pretrained"]

PHOTOS = ("cat", "china", "flower", "santorini")
CAT = "chelsea.jpg"
SHIPPED = "vit_cifar10.safetensors"
PRETRAINED = (
    "vit_base_patch16_224.augreg2_in21k_ft_in1k",  # 346 MB; what timm means by vit_base_patch16_224 today
    "vit_base_patch16_224.orig_in21k_ft_in1k",  # 346 MB; the paper's own weights
    "vit_tiny_patch16_224.augreg_in21k_ft_in1k",  # 23 MB
)


class Pretrained(NamedTuple):
    """A trained Vision Transformer.

    Attributes:
        model: float32, in eval mode.
        config: mean, std: 3 floats each, to be used on pictures in 0..1 as (picture - mean) / std;
            img_size, patch_size: pixels.
        class_names: what each output stands for.
        source: the timm tag, or what stands in for it.
    """

    model: "timm.models.vision_transformer.VisionTransformer"
    config: dict
    class_names: tuple[str, ...]
    source: str


_told: dict[str, int] = {}


def _tell(sentence: str) -> None:
    """Say what stands in, once for each run of a cell."""
    run = getattr(shell(), "execution_count", None)
    if run is None or _told.get(sentence) != run:
        text(sentence)
        _told[sentence] = run


# --- the pictures ---------------------------------------------------------------------------------


def cifar10(split: str = "train", download: bool | None = None) -> Images:
    """CIFAR-10: 32x32 colour pictures of 10 classes.

    Class folders (`train/<class>/*.png` or `.jpg`) do as well; helpers/data/cifar.py has every form.

    Args:
        split: "train" (50,000 pictures) or "test" (10,000).
        download: what to do when no intact copy is on this machine. None: download, except with VIT_OFFLINE or while
            grading; if that fails, digits stand in and a line says so. True: download or raise. False: never touch
            the network, digits stand in.

    Raises:
        ValueError: for any other split, and for a class folder with something that is not a 32x32 picture.
        DownloadError: with download=True, when every mirror failed.

    Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
    """
    if split not in cifar.SPLITS:
        raise ValueError(f"split should be 'train' or 'test' but is {split!r}.")
    for folder in downloads.folders():
        if (images := cifar.read(folder, split)) is not None:
            return images
    tarball, why = downloads.fetch(cifar.TARBALL, download)
    if tarball is not None:
        return cifar.unpack(tarball, split)
    _tell(
        f"No intact copy of CIFAR-10 is on this machine and {why}: scikit-learn's 8x8 digits, "
        "enlarged to 32x32, stand in. `data.cifar10(download=True)` tries the download.",
    )
    return digits(split)


def digits(split: str | None = None) -> Images:
    """Handwritten digits, 8x8 in 0..16, enlarged to 32x32 in 0..255 with three equal channels.

    Args:
        split: None (all 1,797), "train" (1,437) or "test" (360): always the same, with every class in equal proportion
            on both sides. ValueError for any other.

    Source: scikit-learn's `load_digits`: the test set of the UCI handwritten digits (Alpaydin and Kaynak).
    """
    if split not in (None, "train", "test"):
        raise ValueError(f"split should be 'train', 'test' or None (all) but is {split!r}.")
    with quiet():
        import torch
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split

    bunch = load_digits()
    rows = range(len(bunch.target))
    if split is not None:
        train, test = train_test_split(rows, test_size=0.2, random_state=0, stratify=bunch.target)
        rows = sorted(train if split == "train" else test)
    rows = torch.tensor(rows)

    gray = torch.from_numpy(bunch.images)[rows]  # (N, 8, 8), float64, 0..16
    gray = (gray * (255 / 16)).round().to(torch.uint8)
    gray = gray.repeat_interleave(4, dim=1).repeat_interleave(4, dim=2)  # (N, 32, 32): each pixel becomes 4x4
    images = gray[:, None].repeat(1, 3, 1, 1)  # (N, 3, 32, 32)
    labels = torch.from_numpy(bunch.target).long()[rows]  # (N,)
    return Images(images, labels, tuple("0123456789"), "scikit-learn digits (stand-in)")


def photo(name: str, size: int | None = None, download: bool | None = None) -> "torch.Tensor":
    """One photo: uint8, (3, H, W), red, green, blue in 0..255.

    Args:
        name: "cat" (224x224, ships with the course), "china" or "flower" (427x640, ship with scikit-learn), or
            "santorini" (224x224, downloaded).
        size: side in pixels, usually 224: the centre square is cut out and resized, antialiased. None: as it is.
        download: as in `cifar10`. The centre of "china" at 224x224 stands in for "santorini", and a line says so.

    Raises:
        ValueError: for an unknown name, or a size below 1.
        DownloadError: with download=True, when every mirror failed.
    """
    if name not in PHOTOS:
        raise ValueError(f"name should be one of {', '.join(map(repr, PHOTOS))} but is {name!r}.")
    if size is not None and size < 1:
        raise ValueError(f"size should be at least 1 pixel but is {size}.")
    with quiet():
        import numpy as np
        import torch
        from PIL import Image

    path = downloads.shipped(CAT) if name == "cat" else None
    if name == "santorini":
        path, why = downloads.fetch("santorini.png", download)
        if path is None:
            _tell(
                f"The photo 'santorini' is not on this machine and {why}: the centre of 'china' stands in. "
                "`data.photo('santorini', download=True)` tries the download.",
            )
            name, size = "china", size or 224
    if path is not None:
        with Image.open(path) as file:
            picture = file.convert("RGB")
    else:
        with quiet():
            from sklearn.datasets import load_sample_image  # seconds, which the cat need not wait for
        picture = Image.fromarray(load_sample_image(f"{name}.jpg"))

    if size is not None:
        # the largest square in the middle; PIL's bicubic resize is antialiased
        side = min(picture.size)
        left, top = (picture.width - side) // 2, (picture.height - side) // 2
        picture = picture.crop((left, top, left + side, top + side))
        picture = picture.resize((size, size), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()  # (H, W, 3) -> (3, H, W)


# --- the models -----------------------------------------------------------------------------------


def pretrained(name: str = PRETRAINED[0], download: bool | None = None) -> Pretrained:
    """A ViT trained on ImageNet, by its exact timm tag.

    Args:
        name: one of PRETRAINED. The tag matters: three sets of weights have been called vit_base_patch16_224.
            Or "vit_cifar10", the small ViT that ships with the course.
        download: as in `cifar10`. The small ViT that ships with the course (CIFAR-10, 32x32) stands in, and a line
            says so.

    Raises:
        ValueError: for another name, and for weights that do not fit the model.
        DownloadError: with download=True, when every mirror failed.
        FileNotFoundError: if the course's own checkpoint, which should stand in, is missing.

    Source: Steiner et al., "How to train your ViT?", 2021 (augreg); Dosovitskiy et al., 2020 (orig); by way of
    timm on huggingface.co. The sha256 in data/registry.txt are those that several projects report for these files.
    """
    if name == Path(SHIPPED).stem:
        return _shipped()
    if name not in PRETRAINED:
        raise ValueError(f"name should be one of {', '.join(map(repr, PRETRAINED))} but is {name!r}.")
    path, why = downloads.fetch(f"{name}.safetensors", download)
    if path is None:
        _tell(
            f"{name} is not on this machine and {why}: the course's own small ViT, trained on CIFAR-10 "
            f"(32x32 pictures, 10 classes), stands in. `data.pretrained({name!r}, download=True)` tries the download.",
        )
        return _shipped()
    with quiet():
        import timm

        model = timm.create_model(name, pretrained=False)
        config = timm.data.resolve_model_data_config(model)
        class_names = tuple(timm.data.ImageNetInfo().label_descriptions())
    _load(model, path)
    config = {"mean": config["mean"], "std": config["std"], "img_size": config["input_size"][-1]}
    config["patch_size"] = model.patch_embed.patch_size[0]
    return Pretrained(model, config, class_names, name)


def _shipped() -> Pretrained:
    """The small ViT in data/vit_cifar10.safetensors: weights in float16, everything else in its metadata."""
    path = downloads.shipped(SHIPPED)
    if not path.is_file():
        raise FileNotFoundError(
            f"The course's own checkpoint should be {path} but is not there. It comes with the course: "
            f"`git checkout -- data/{SHIPPED}`, or install the course again."
        )
    with quiet():
        from safetensors import SafetensorError, safe_open
        from timm.models.vision_transformer import VisionTransformer

        try:
            with safe_open(path, "pt") as file:
                about = file.metadata() or {}
        except SafetensorError as error:
            raise ValueError(
                f"{path} is damaged ({error}): `git checkout -- data/{SHIPPED}` restores it."
            ) from error
        if missing := {"timm", "mean", "std", "class_names"} - about.keys():
            raise ValueError(f"The metadata of {path} should also name: {', '.join(sorted(missing))}.")
        arguments = json.loads(about["timm"])
        model = VisionTransformer(**arguments)
    _load(model, path)
    config = {key: tuple(json.loads(about[key])) for key in ("mean", "std")}
    config |= {"img_size": arguments["img_size"], "patch_size": arguments["patch_size"]}
    class_names = tuple(json.loads(about["class_names"]))
    return Pretrained(model, config, class_names, "vit_cifar10 (ships with the course)")


def _load(model: "torch.nn.Module", path) -> None:
    """Put the weights of a safetensors file into a model; float32 whatever the file has. ValueError if they don't fit."""
    with quiet():
        from safetensors.torch import load_file

        try:
            model.load_state_dict(load_file(path))
        except RuntimeError as error:
            raise ValueError(f"The weights in {path} do not fit the model: {error}") from error
    model.eval()
