"""The setup cell where something is missing: a sentence that says what to do, and no surprise where nothing is."""

import sys
from types import SimpleNamespace

import pytest

from tests import notebooks


@pytest.fixture(scope="module")
def bootstrap():
    """The stamped part of a release's setup cell, without the lesson's own imports."""
    nb = notebooks.read(notebooks.RELEASES[0])
    cell = next(c for c in nb.cells if "setup" in c.metadata.get("tags", []))
    return cell.source.split("\nimport matplotlib")[0]


class Hidden:
    """An import hook under which `helpers` does not exist."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "helpers":
            raise ModuleNotFoundError(f"No module named {name!r}")


@pytest.fixture
def no_helpers(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "helpers"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Hidden(), *sys.meta_path])


def pip_gives(monkeypatch, returncode):
    calls = []
    monkeypatch.setattr(
        "subprocess.run", lambda *a, **k: (calls.append(a[0]), SimpleNamespace(returncode=returncode))[1]
    )
    return calls


def test_nothing_happens_where_helpers_are_installed(bootstrap, monkeypatch, capfd):
    calls = pip_gives(monkeypatch, 1)
    exec(bootstrap, {})
    assert calls == []
    assert capfd.readouterr() == ("", "")


def test_without_helpers_one_archive_is_installed_without_dependencies(bootstrap, monkeypatch, no_helpers):
    calls = pip_gives(monkeypatch, 0)
    exec(bootstrap, {})
    (command,) = calls
    assert command[:4] == [sys.executable, "-m", "pip", "install"]
    assert "--no-deps" in command
    assert command[-1].endswith(".zip")


def test_without_helpers_and_network_a_sentence_says_what_to_do(bootstrap, monkeypatch, no_helpers):
    pip_gives(monkeypatch, 1)
    with pytest.raises(
        SystemExit, match=r"could not be fetched from https://.*Check the network.*make setup"
    ):
        exec(bootstrap, {})


def test_a_python_that_is_too_old_is_named(bootstrap, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 8, 10))
    with pytest.raises(SystemExit, match=r"needs Python 3\.10 or newer; this kernel runs"):
        exec(bootstrap, {})
