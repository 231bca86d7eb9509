"""Tools of the data tests: a web server on this machine that can misbehave, and a place where nothing real is reached.

CIFAR-10 is played by 23 random pictures in exactly its format.
"""

import hashlib
import io
import pickle
import socket
import sys
import tarfile
import threading
import warnings
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pooch
import pytest
from PIL import Image

from helpers.data import downloads
from tests import needs

CLASSES = "airplane automobile bird cat deer dog frog horse ship truck".split()
NAME = "cifar-10-python.tar.gz"
SIZES = {f"data_batch_{i}": 4 for i in range(1, 6)} | {"test_batch": 3}  # pictures in each batch


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
BIG = np.random.default_rng(1).bytes(300_000)  # more than one chunk: it can break off in the middle


def png(side=224):
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), (10, 20, 30)).save(buffer, "png")
    return buffer.getvalue()


# What the tests' registry has: file name -> content.
FILES = {NAME: SMALL.tarball, "santorini.png": png(), "big.bin": BIG}


@dataclass
class Page:
    """One address, and how it misbehaves."""

    content: bytes
    status: int = 200
    ranges: bool = True  # does the server know the Range header?
    cut: list = field(default_factory=list)  # after so many bytes the connection breaks, one entry a request
    lie: int = 0  # announced as so many bytes more than there are
    headers: dict = field(default_factory=dict)
    gate: threading.Event | None = None  # half of the content is sent, the rest when it is set


class Server(ThreadingHTTPServer):
    """Answers from `pages` (path -> bytes or Page; anything else is 404).

    `asked` notes the paths, `starts` from which byte on, `reached` is set by every request.
    """

    def __init__(self):
        needs.need("loopback")
        super().__init__(("127.0.0.1", 0), Answer)
        self.pages, self.asked, self.starts, self.reached = {}, [], [], threading.Event()

    def address(self, path=""):
        return f"http://127.0.0.1:{self.server_port}{path}"

    def handle_error(self, *_):
        pass  # a client that was killed


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        page = self.server.pages.get(self.path, Page(b"not here", status=404))
        page = Page(page) if isinstance(page, bytes) else page
        asked_range = self.headers.get("Range", "bytes=0-")
        start = int(asked_range.removeprefix("bytes=").removesuffix("-")) if page.ranges else 0
        self.server.asked.append(self.path)
        self.server.starts.append(start)
        self.server.reached.set()
        body, status = page.content[start:], page.status
        if start and status == 200:
            status = 206 if body else 416
        self.send_response(status)
        for name, value in page.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) + page.lie))
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(page.content) - 1}/{len(page.content)}")
        self.end_headers()
        if page.gate is not None:
            half = len(body) // 2
            self.wfile.write(body[:half])
            page.gate.wait(120)
            body = body[half:]
        self.wfile.write(body[: page.cut.pop(0)] if page.cut else body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        for page in server.pages.values():
            if isinstance(page, Page) and page.gate is not None:
                page.gate.set()
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
    monkeypatch.setattr(downloads, "data_folder", lambda: tmp_path / "default")
    monkeypatch.setattr(downloads, "shipped", lambda name: tmp_path / "shipped" / name)
    monkeypatch.setattr(downloads, "_gave_up", {})
    from torchvision.datasets import CIFAR10

    monkeypatch.setattr(CIFAR10, "train_list", [[n, SMALL.md5[n]] for n in SIZES if n != "test_batch"])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", SMALL.md5["test_batch"]]])
    monkeypatch.setattr(CIFAR10, "meta", CIFAR10.meta | {"md5": SMALL.md5["batches.meta"]})
    (tmp_path / "shipped").mkdir()
    return tmp_path / "vit"


@pytest.fixture
def register(tmp_path):
    """Write a registry in which each of FILES, or of what is given, is at these addresses."""

    def write(*urls, files=FILES):
        lines = ["# a comment", ""]
        for name, content in files.items():
            lines += [f"{name} {hashlib.sha256(content).hexdigest()} {url}" for url in urls]
        (tmp_path / "shipped" / "registry.txt").write_text("\n".join(lines) + "\n")

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


def listing(folder):
    """What one sees in a folder."""
    return sorted(path.name for path in folder.iterdir() if path.name != downloads.HIDDEN)
