"""The pictures of the course: CIFAR-10, scikit-learn's digits and a few photos.

    cifar10("train"), cifar10("test")     60,000 small colour pictures (Krizhevsky, 2009), downloaded once
    digits()                              1,797 handwritten digits, always there: they stand in for CIFAR-10
    photo("china")                        one photo to cut into patches

Every download is checked against its sha256 in data/registry.txt, and several mirrors are tried in turn.
Without a network the notebooks still run: something that ships with scikit-learn stands in, and one printed
line says so.

Environment variables, all optional:
    VIT_DATA      a folder to look in first, possibly read-only (downloads go there if it can be written)
    VIT_MIRROR    http(s):// or file:// address of a folder that is tried before the mirrors in the registry
    VIT_OFFLINE   1: never download unasked

Nothing here writes to stderr: in a graded cell, nbgrader gives zero for a single line there. Heavy packages
are imported inside the functions that use them, so importing this module costs nothing.
"""

import contextlib
import os
import shutil
import sys
import tarfile
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

if TYPE_CHECKING:
    import torch

HERE = Path(__file__).resolve().parent
TARBALL = "cifar-10-python.tar.gz"
BATCHES = "cifar-10-batches-py"  # the folder inside the tarball, where torchvision looks for it
PHOTOS = ("china", "flower", "santorini")
TIMEOUT = (5, 30)  # seconds to connect, seconds of silence: a blocked network is noticed soon
BAR_AFTER = 2  # seconds: no progress bar for what is over before one would look at it

# Files whose automatic download failed, and why: the next cell does not wait for every mirror again.
_gave_up: dict[str, str] = {}


class Images(NamedTuple):
    """Labelled pictures, all of one size.

    Attributes
    ----------
    images : torch.Tensor, uint8, (N, 3, 32, 32)
        Red, green, blue in 0..255.
    labels : torch.Tensor, int64, (N,)
        Index into `class_names`.
    class_names : tuple of str
    source : str
        "CIFAR-10", or what stands in for it.
    """

    images: "torch.Tensor"
    labels: "torch.Tensor"
    class_names: tuple[str, ...]
    source: str


class DownloadError(RuntimeError):
    """No mirror gave the file. The message names each one, why it failed, and what to do by hand."""

    def __init__(self, message: str, short: str):
        super().__init__(message)
        self.short = short  # one phrase, for the line that announces the stand-in


# ------------------------------------------------------------------------------
# The pictures


def cifar10(split: str = "train", download: bool | None = None) -> Images:
    """CIFAR-10: 32x32 colour pictures of 10 classes. Takes about a second once it is on the disk.

    Parameters
    ----------
    split : "train" (50,000 pictures) or "test" (10,000)
    download : bool, optional
        What to do when no intact copy is on this machine.
        None: download, except with VIT_OFFLINE or while grading; if that fails, digits stand in and a line
        says so. True: download or raise. False: never touch the network, digits stand in.

    Raises
    ------
    ValueError
        For any other split.
    DownloadError
        With download=True, when every mirror failed.

    Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
    """
    if split not in ("train", "test"):
        raise ValueError(f"split should be 'train' or 'test' but is {split!r}.")
    for folder in _folders():
        if (images := _read_batches(folder, split)) is not None:
            return images
    tarball, why = _fetch(TARBALL, download)
    if tarball is not None:
        return _unpack(tarball, split)
    print(
        f"No intact copy of CIFAR-10 is on this machine and {why}: scikit-learn's 8x8 digits, "
        "enlarged to 32x32, stand in. `data.cifar10(download=True)` tries the download.",
        flush=True,
    )
    return digits(split)


def digits(split: str | None = None) -> Images:
    """Handwritten digits, 8x8 in 0..16, enlarged to 32x32 in 0..255 with three equal channels.

    Parameters
    ----------
    split : None (all 1,797), "train" (1,437) or "test" (360)
        The split is always the same, with every class in equal proportion on both sides.

    Raises
    ------
    ValueError
        For any other split.

    Source: scikit-learn's `load_digits`: the test set of the UCI handwritten digits (Alpaydin and Kaynak).
    """
    if split not in (None, "train", "test"):
        raise ValueError(f"split should be 'train', 'test' or None (all) but is {split!r}.")
    with _quiet():
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
    """One photo.

    Parameters
    ----------
    name : "china" or "flower" (427x640, ship with scikit-learn), or "santorini" (224x224, downloaded)
    size : int, optional
        Side in pixels, usually 224: the centre square is cut out and resized, antialiased. None: as it is.
    download : bool, optional
        As in `cifar10`. The centre of "china" at 224x224 stands in for "santorini", and a line says so.

    Returns
    -------
    torch.Tensor, uint8, (3, H, W)
        Red, green, blue in 0..255.

    Raises
    ------
    ValueError
        For an unknown name, or a size below 1.
    DownloadError
        With download=True, when every mirror failed.
    """
    if name not in PHOTOS:
        raise ValueError(f"name should be one of {', '.join(map(repr, PHOTOS))} but is {name!r}.")
    if size is not None and size < 1:
        raise ValueError(f"size should be at least 1 pixel but is {size}.")
    with _quiet():
        import numpy as np
        import torch
        from PIL import Image
        from sklearn.datasets import load_sample_image

    picture = None
    if name == "santorini":
        path, why = _fetch("santorini.png", download)
        if path is not None:
            with Image.open(path) as file:
                picture = file.convert("RGB")
        else:
            print(
                f"The photo 'santorini' is not on this machine and {why}: the centre of 'china' stands in. "
                "`data.photo('santorini', download=True)` tries the download.",
                flush=True,
            )
            name, size = "china", size or 224
    if picture is None:
        picture = Image.fromarray(load_sample_image(f"{name}.jpg"))

    if size is not None:
        # the largest square in the middle; PIL's bicubic resize is antialiased
        side = min(picture.size)
        left, top = (picture.width - side) // 2, (picture.height - side) // 2
        picture = picture.crop((left, top, left + side, top + side))
        picture = picture.resize((size, size), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()  # (H, W, 3) -> (3, H, W)


# ------------------------------------------------------------------------------
# CIFAR-10 on the disk


def _read_batches(folder: Path, split: str) -> Images | None:
    """Read the unpacked batches in `folder`; None if absent or not intact (torchvision checks their md5)."""
    if not os.path.isdir(folder / BATCHES):
        return None
    with _quiet():  # numpy 2.4.0 to 2.4.4 warn about these pickles, which Python 2 wrote
        import torch
        from torchvision.datasets import CIFAR10

        try:
            dataset = CIFAR10(folder, train=split == "train", download=False)
        except RuntimeError:
            return None
    images = torch.from_numpy(dataset.data)  # (N, 32, 32, 3)
    images = images.permute(0, 3, 1, 2).contiguous()  # (N, 3, 32, 32)
    return Images(images, torch.tensor(dataset.targets), tuple(dataset.classes), "CIFAR-10")


def _unpack(tarball: Path, split: str) -> Images:
    """Read CIFAR-10 from a verified tarball, and keep the unpacked batches if a folder can be written.

    They are unpacked into a temporary folder and moved in one step, so that half of them is never used.
    """
    folder = _writable_folder()  # None: the system's temporary folder, and nothing is kept
    with tempfile.TemporaryDirectory(prefix="unpacking-", dir=folder) as tmp:
        with tarfile.open(tarball) as tar:
            tar.extraction_filter = getattr(tarfile, "data_filter", None)  # Python 3.10.11 has none
            tar.extractall(tmp)
        images = _read_batches(Path(tmp), split)
        if images is None:
            raise RuntimeError(f"{tarball} has the right sha256 but not the batches torchvision knows.")
        if folder is not None:
            with contextlib.suppress(OSError):  # keeping them only saves time
                if (folder / BATCHES).exists():  # damaged, or it would have been used
                    os.replace(folder / BATCHES, Path(tmp) / "damaged")
                os.replace(Path(tmp) / BATCHES, folder / BATCHES)
    return images


# ------------------------------------------------------------------------------
# Folders and downloads


def data_folder() -> Path:
    """Where data lives unless VIT_DATA says otherwise: data/ of the checkout, or the user's cache folder."""
    if _registry_file().parent != HERE:
        return _registry_file().parent
    return Path(_pooch().os_cache("vit-course"))


def _registry_file() -> Path:
    """data/registry.txt of the checkout; in an installed package, its copy beside this module."""
    checkout = HERE.parent / "data" / "registry.txt"
    return checkout if checkout.is_file() else HERE / "registry.txt"


def _folders() -> list[Path]:
    """The folders to look in, in this order; the first that can be written takes the downloads."""
    folders = [data_folder(), Path(_pooch().os_cache("vit-course"))]
    if os.environ.get("VIT_DATA"):
        folders.insert(0, Path(os.environ["VIT_DATA"]).expanduser())
    return folders


def _writable_folder() -> Path | None:
    """The first of `_folders` that a file can be written to, created if need be; None if there is none."""
    for folder in _folders():
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
            return folder
    return None


def _fetch(filename: str, download: bool | None) -> tuple[Path | None, str]:
    """Find or download one file of the registry: its path and "", or None and a phrase that says why not."""
    sha256, urls = _registry()[filename]
    for folder in _folders():
        if os.path.isfile(folder / filename) and _pooch().file_hash(str(folder / filename)) == sha256:
            return folder / filename, ""
    if download is None:
        if os.environ.get("NBGRADER_EXECUTION"):
            return None, "nothing is downloaded while grading"
        if os.environ.get("VIT_OFFLINE", "0") not in ("", "0"):
            return None, "VIT_OFFLINE is set"
        if filename in _gave_up:
            return None, _gave_up[filename]
    elif not download:
        return None, "download=False"
    try:
        return _download(filename, sha256, urls), ""
    except DownloadError as error:
        if download:
            raise
        _gave_up[filename] = error.short
        return None, error.short


def _registry() -> dict[str, tuple[str, list[str]]]:
    """File name -> (sha256, addresses in the order in which they are tried), VIT_MIRROR first."""
    mirror = os.environ.get("VIT_MIRROR", "").rstrip("/")
    registry: dict[str, tuple[str, list[str]]] = {}
    for line in _registry_file().read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            filename, sha256, url = line.split()
            first = [f"{mirror}/{filename}"] if mirror else []
            registry.setdefault(filename, (sha256, first))[1].append(url)
    return registry


def _download(filename: str, sha256: str, urls: list[str]) -> Path:
    """Download one file into the first writable folder, from the first address that gives the right bytes.

    pooch writes to a temporary file, checks the hash, and only then moves it: a broken or interrupted
    download is never used. Raises DownloadError.
    """
    folder = _writable_folder()
    if folder is None:
        tried = ", ".join(map(str, _folders()))
        raise DownloadError(
            f"{filename} has nowhere to go: none of {tried} can be written. Set VIT_DATA to one that can.",
            "no folder can be written to keep it",
        )
    failures = []
    for url in urls:
        try:
            _pooch().retrieve(url, sha256, fname=filename, path=folder, downloader=_copy_to)
        except (OSError, ValueError) as error:  # no network, HTTP error, full disk; wrong hash
            failures.append((url, error))
        else:
            with contextlib.suppress(OSError):
                os.chmod(folder / filename, 0o644)  # temporary files are private, a shared folder is not
            return folder / filename
    raise DownloadError(
        f"{filename} could not be downloaded. Tried:\n"
        + "".join(f"  {url}\n    {type(error).__name__}: {error}\n" for url, error in failures)
        + f"By hand: open one of these in a browser, save the file as {folder / filename}, and run this again.",
        f"could not be downloaded ({'; '.join(_short(url, error) for url, error in failures)})",
    )


def _short(url: str, error: Exception) -> str:
    """One failure in a few words: "zenodo.org: HTTP 404"."""
    reason = type(error).__name__
    if getattr(error, "response", None) is not None:
        reason = f"HTTP {error.response.status_code}"
    elif type(error) is ValueError:  # pooch: the hash does not match
        reason = "wrong bytes"
    return f"{urlsplit(url).netloc or url}: {reason}"


def _copy_to(url: str, output_file: str, _: object) -> None:
    """Copy `url` to `output_file`, as pooch asks of a downloader; a bar on stdout if it takes a while."""
    if url.startswith("file:"):
        shutil.copyfile(url2pathname(urlsplit(url).path), output_file)
        return
    with _quiet():
        import requests
        from tqdm import tqdm

    # the bytes as they are on the server: no gzip on the way, or the hash would be that of something else
    identity = {"Accept-Encoding": "identity"}
    response = requests.get(url, stream=True, timeout=TIMEOUT, headers=identity)
    with response, open(output_file, "wb") as file:
        response.raise_for_status()
        title = f"{Path(urlsplit(url).path).name} from {urlsplit(url).netloc}"
        total = int(response.headers.get("Content-Length", 0)) or None
        with tqdm(None, title, total, unit="B", unit_scale=True, delay=BAR_AFTER, file=sys.stdout) as bar:
            for chunk in response.iter_content(2**16):
                file.write(chunk)
                bar.update(len(chunk))


def _pooch():
    """pooch, imported when first needed and kept off stderr."""
    with _quiet():
        import pooch
    pooch.get_logger().setLevel("ERROR")
    return pooch


@contextlib.contextmanager
def _quiet():
    """Hide the warnings of other people's packages: on stderr they would cost the points of a graded cell."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
