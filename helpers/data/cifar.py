"""CIFAR-10 on the disk, in each of the forms in which people have it.

    cifar10-train.safetensors, cifar10-test.safetensors    one array a split: what we make of the others, fast
    cifar-10-batches-py/                                   the unpacked archive, as torchvision leaves it
    train/<class>/*.png, test/<class>/*.png                class folders, also .jpg, also inside a folder cifar10/
    cifar-10-python.tar.gz                                 the archive (helpers/data/downloads.py fetches it)

`read` looks in one folder for the first three; `unpack` reads the archive, and keeps it as arrays.
"""

import contextlib
import hashlib
import json
import os
import pickle
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from helpers.data import downloads

if TYPE_CHECKING:
    import torch

TARBALL = "cifar-10-python.tar.gz"
BATCHES = "cifar-10-batches-py"  # the folder inside the tarball, where torchvision looks for it
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SPLITS = {"train": 50_000, "test": 10_000}
PICTURES = (".png", ".jpg", ".jpeg")


class Images(NamedTuple):
    """Labelled pictures, all of one size."""

    images: "torch.Tensor"  # uint8, (N, 3, 32, 32): red, green, blue in 0..255
    labels: "torch.Tensor"  # int64, (N,): index into `class_names`
    class_names: tuple[str, ...]
    source: str  # "CIFAR-10", "CIFAR-10 (class folders)", or what stands in for it


def read(folder: Path, split: str) -> Images | None:
    """What `folder` has of one split, in any form but the archive; None if nothing intact."""
    return (
        read_arrays(folder / f"cifar10-{split}.safetensors")
        or read_batches(folder, split)
        or _read_class_folders(folder, split)
    )


# --- one array file -------------------------------------------------------------------------------


def read_arrays(path: Path, stamp: str | None = "") -> Images | None:
    """Pictures that `_write_arrays` wrote; None if absent, damaged, or made from something else than `stamp`.

    stamp=None: whatever they were made from.
    """
    if not os.path.isfile(path):
        return None
    with downloads.quiet():
        from safetensors import SafetensorError, safe_open
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata() or {}
            # copies: nothing of the file stays open, so that it can be replaced or removed
            images, labels = (file.get_tensor(name).clone() for name in ("images", "labels"))
    except (OSError, SafetensorError):
        return None
    if about.get("sha256") != _sha256(images, labels) or stamp not in (None, about["stamp"]):
        return None
    return Images(images, labels, tuple(json.loads(about["class_names"])), about["source"])


def _write_arrays(path: Path, pictures: Images, stamp: str = "") -> None:
    """Keep pictures in one file: with their own sha256, and what they were made from."""
    with downloads.quiet():
        from safetensors.torch import save_file
    about = {
        "source": pictures.source,
        "class_names": json.dumps(pictures.class_names),
        "sha256": _sha256(pictures.images, pictures.labels),
        "stamp": stamp,
    }
    part = path.parent / downloads.HIDDEN / f"{path.name}.part"
    try:
        save_file({"images": pictures.images, "labels": pictures.labels}, part, about)
        downloads.place(part, path, pictures.source)
    finally:
        part.unlink(missing_ok=True)


def _sha256(images: "torch.Tensor", labels: "torch.Tensor") -> str:
    digest = hashlib.sha256(images.numpy())
    digest.update(labels.numpy())
    return digest.hexdigest()


# --- the archive, packed and unpacked -------------------------------------------------------------


def read_batches(folder: Path, split: str) -> Images | None:
    """Read the unpacked batches in `folder`; None if absent or not intact (torchvision checks their md5)."""
    if not os.path.isdir(folder / BATCHES):
        return None
    with downloads.quiet():  # numpy 2.4.0 to 2.4.4 warn about these pickles, which Python 2 wrote
        import torch
        from torchvision.datasets import CIFAR10

        try:
            dataset = CIFAR10(folder, train=split == "train", download=False)
        except RuntimeError:
            return None
    images = torch.from_numpy(dataset.data)  # (N, 32, 32, 3)
    images = images.permute(0, 3, 1, 2).contiguous()  # (N, 3, 32, 32)
    return Images(images, torch.tensor(dataset.targets), tuple(dataset.classes), "CIFAR-10")


def unpack(tarball: Path, split: str) -> Images:
    """Read a verified archive, and keep both splits as arrays if a folder can be written and has the room.

    torchvision would unpack it onto the disk first; reading it where it is leaves nothing half unpacked.
    """
    folder = downloads.writable_folder()
    with contextlib.nullcontext() if folder is None else downloads.alone(folder, "cifar10"):
        if folder is not None:  # another process may have done it meanwhile
            kept = read_arrays(folder / f"cifar10-{split}.safetensors")
            if kept is not None:
                return kept
        both = _read_tarball(tarball)
        if folder is not None:
            with contextlib.suppress(OSError):  # keeping them only saves time
                for name, pictures in both.items():
                    _write_arrays(folder / f"cifar10-{name}.safetensors", pictures)
    return both[split]


def _read_tarball(tarball: Path) -> dict[str, Images]:
    """Both splits, from an archive whose sha256 has been checked: it is safe to unpickle."""
    with downloads.quiet():
        import numpy as np
        import torch

        with tarfile.open(tarball) as tar:
            kinds = ("data_batch_", "test_batch", "batches.meta")
            wanted = (m for m in tar if Path(m.name).name.startswith(kinds))
            files = {Path(m.name).name: pickle.load(tar.extractfile(m), encoding="latin1") for m in wanted}
    class_names = tuple(files.pop("batches.meta")["label_names"])
    both = {}
    for split in SPLITS:
        batches = [files[name] for name in sorted(files) if (name == "test_batch") == (split == "test")]
        pixels = np.concatenate([batch["data"] for batch in batches])  # (N, 3072)
        labels = [label for batch in batches for label in batch["labels"]]
        images = torch.from_numpy(pixels.reshape(-1, 3, 32, 32))
        both[split] = Images(images, torch.tensor(labels), class_names, "CIFAR-10")
    return both


# --- class folders --------------------------------------------------------------------------------


def class_folders(folder: Path, split: str) -> Path | None:
    """The folder with one sub-folder a class, directly in `folder` or in its cifar10/."""
    for root in (folder / split, folder / "cifar10" / split):
        if all(os.path.isdir(root / name) for name in CLASSES):
            return root
    return None


def kept_arrays(root: Path, split: str) -> str:
    """Name of the array file that is kept of the class folders in `root`."""
    return f"cifar10-{split}-{hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:8]}.safetensors"


def _read_class_folders(folder: Path, split: str) -> Images | None:
    """Pictures in class folders: slowly the first time, then from one array file in the first writable folder.

    They are read again when a picture was added or removed (the folders' times tell). None if there are none.
    """
    if (root := class_folders(folder, split)) is None:
        return None
    stamp = f"{root.resolve()} {[os.stat(root / name).st_mtime_ns for name in CLASSES]}"
    for place in downloads.folders():
        kept = read_arrays(place / kept_arrays(root, split), stamp)
        if kept is not None:
            return kept
    home = downloads.writable_folder()
    if home is None:
        return _decode(root, split)
    with downloads.alone(home, f"cifar10-{split}"):
        path = home / kept_arrays(root, split)
        pictures = read_arrays(path, stamp)
        if pictures is None and (pictures := _decode(root, split)) is not None:
            with contextlib.suppress(OSError):  # keeping them only saves time
                _write_arrays(path, pictures, stamp)
    return pictures


def _decode(root: Path, split: str) -> Images | None:
    """Open every picture in the class folders. Raises ValueError for one that is not a 32x32 picture."""
    with downloads.quiet():
        import numpy as np
        import torch
        from PIL import Image

    files = [
        (root / name / file, label)
        for label, name in enumerate(CLASSES)
        for file in sorted(os.listdir(root / name))
        if file.lower().endswith(PICTURES)
    ]
    if not files:
        return None
    # mixed, always in the same way: in the archive the classes are mixed too
    order = torch.randperm(len(files), generator=torch.Generator().manual_seed(0)).tolist()
    images = np.empty((len(files), 32, 32, 3), np.uint8)
    with downloads.bar(f"Reading {root}", len(files), unit=" pictures") as shown:
        for row, index in enumerate(order):
            path, _ = files[index]
            try:
                with Image.open(path) as file:
                    picture = np.asarray(file.convert("RGB"))
            except OSError as error:
                raise ValueError(f"{path} cannot be read as a picture: {error}") from error
            if picture.shape != (32, 32, 3):
                height, width, _ = picture.shape
                raise ValueError(f"{path} should be 32x32 pixels but is {width}x{height}.")
            images[row] = picture
            shown.update()
    labels = torch.tensor([files[index][1] for index in order])
    source = "class folders" if files[0][0].suffix.lower() == ".png" else "class folders, JPEG"
    if len(files) != SPLITS[split]:
        source += f", {len(files):,} of {SPLITS[split]:,} pictures"
    images = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()  # (N, 3, 32, 32)
    return Images(images, labels, CLASSES, f"CIFAR-10 ({source})")
