"""helpers.files: a file is there as a whole or not at all, and others may read it."""

import os
import sys

import pytest

from helpers import files


@pytest.mark.skipif(sys.platform == "win32", reason="no umask")
@pytest.mark.parametrize("umask, mode", [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_who_may_read_it_is_for_the_umask_to_say(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        files.write(tmp_path / "below" / "record.json", b"x")
    finally:
        os.umask(before)
    assert (tmp_path / "below" / "record.json").stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step):
    path = tmp_path / "record.json"
    files.write(path, b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, step, full)
    with pytest.raises(OSError, match="No space left"):
        files.write(path, b"new")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["record.json"]


def test_a_file_that_says_the_same_is_left_alone(tmp_path):
    path = tmp_path / "record.json"
    files.write(path, b"same")
    os.utime(path, (0, 0))
    files.write(path, b"same")
    assert path.stat().st_mtime == 0
    files.write(path, b"other")
    assert path.read_bytes() == b"other" and path.stat().st_mtime > 0
