"""The setup cell where something is missing: a sentence that names the cause and its cure, and no surprise where nothing is."""

import ast
import http.server
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import threading
import venv
from importlib.metadata import distribution, version
from pathlib import Path
from types import SimpleNamespace

import pytest

from course.authoring import build
from tests import notebooks

OWN = "On your own machine: start with `make lab` in the course folder (Windows: docs/students.md), or choose its kernel."
NETWORK = (
    f"Check the network (Kaggle: switch Internet on in the panel on the right) and run this cell again. {OWN}"
)
FULL = "The disk is full: make room and run this cell again."
MANAGED = f"This kernel is the system's own Python, in which pip may not install. {OWN}"


def stamped(archive="https://example.org/v1.zip", needed='["einops", "numpy"]') -> str:
    return build.BOOTSTRAP.format(archive=archive, needed=needed)


def test_every_notebook_has_it_with_what_it_imports():
    for path in notebooks.RELEASES:
        (cell,) = [c for c in notebooks.read(path).cells if "setup" in c.metadata.get("tags", [])]
        above, below = cell.source.split("    raise\n\n")
        (needed,) = [line for line in above.split("\n") if line.startswith("    needed = ")]
        imported = {
            node.module or "" for node in ast.walk(ast.parse(below)) if isinstance(node, ast.ImportFrom)
        }
        assert ('"einops"' in needed) == any(name.split(".")[0] == "einops" for name in imported)
        assert (
            '"torch"' in needed and '"numpy"' in needed and "helpers" not in needed and "math" not in needed
        )


def test_an_old_python_can_read_it():
    """It says that it is too old; and names are bound within blocks only, so that grading takes none for a student's."""
    top = ast.parse(stamped(), feature_version=(3, 6)).body
    assert {type(node) for node in top} == {ast.Import, ast.If, ast.Try}


def test_a_python_that_is_too_old_is_named(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 8, 10))
    with pytest.raises(SystemExit, match=r"needs Python 3\.10 or newer; this kernel runs"):
        exec(stamped(), {})


# --- pip's answers, as they were recorded ---------------------------------------------------------


@pytest.fixture
def no_helpers(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "helpers"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "helpers", None)  # neither found nor imported


def pip_gives(monkeypatch, returncode, said="", then=lambda: None):
    calls = []

    def run(command, **options):
        calls.append(command)
        then()
        return SimpleNamespace(returncode=returncode, stdout=said)

    monkeypatch.setattr("subprocess.run", run)
    return calls


def test_nothing_happens_where_helpers_are_installed(monkeypatch, capfd):
    calls = pip_gives(monkeypatch, 1)
    exec(stamped(), {})
    assert calls == []
    assert capfd.readouterr() == ("", "")


def test_without_helpers_one_archive_is_installed_without_dependencies(monkeypatch, no_helpers, capfd):
    calls = pip_gives(monkeypatch, 0, then=lambda: monkeypatch.delitem(sys.modules, "helpers"))
    exec(stamped(), {})
    (command,) = calls
    assert command[:3] == [sys.executable, "-m", "pip"] and "install" in command
    assert "--no-deps" in command and command[-1] == "https://example.org/v1.zip"
    assert capfd.readouterr() == ("", "")


POOL = "Could not install packages due to an OSError: HTTPSConnectionPool(host='example.org', port=443): Max retries exceeded"
TRACE = "ERROR: Exception:\nTraceback (most recent call last):\n  File ...\n"
HATCHLING = """\
  error: subprocess-exited-with-error

  × pip subprocess to install build dependencies did not run successfully.
  │ exit code: 1
  ╰─> [3 lines of output]
      {}
      ERROR: No matching distribution found for hatchling>=1.26
      [end of output]

  note: This error originates from a subprocess, and is likely not a problem with pip.
error: subprocess-exited-with-error
"""


@pytest.mark.parametrize(
    ("printed", "said", "cure"),
    [
        (f"ERROR: {POOL} (Caused by NameResolutionError('no'))\n", f"{POOL} (Caused by NameResolutionError('no'))", NETWORK),
        (f"ERROR: {POOL} (Caused by ProxyError('407'))\n", f"{POOL} (Caused by ProxyError('407'))", NETWORK),
        (f"ERROR: {POOL} (Caused by ResponseError('503'))\n", f"{POOL} (Caused by ResponseError('503'))", OWN),
        (f"{TRACE}pip._vendor.X: Read timed out.\n", "pip._vendor.X: Read timed out.", NETWORK),
        (
            HATCHLING.format("WARNING: Retrying after connection broken by 'NewConnectionError(...)'"),
            "No matching distribution found for hatchling>=1.26",
            NETWORK,
        ),
        (HATCHLING.format(""), "No matching distribution found for hatchling>=1.26", OWN),
        ("\x1b[1;31merror\x1b[0m: \x1b[1mexternally-managed-environment\x1b[0m\n\nhint: See PEP 668\n", "externally-managed-environment", MANAGED),
        ("ERROR: [Errno 28] No space left on device\n", "[Errno 28] No space left on device", FULL),
        ("ERROR: [Errno 122] Disk quota exceeded\n", "[Errno 122] Disk quota exceeded", FULL),
        (f"{TRACE}X: No usable temporary directory found in []\n", "X: No usable temporary directory found in []", FULL),
        ("ERROR: Cannot unpack file /tmp/v1.zip\n", "Cannot unpack file /tmp/v1.zip", OWN),
        ("", "", OWN),
    ],
)  # fmt: skip
def test_what_pip_said_stands_above_the_cure(printed, said, cure, monkeypatch, no_helpers):
    pip_gives(monkeypatch, 1, printed)
    with pytest.raises(SystemExit) as stopped:
        exec(stamped(), {})
    assert str(stopped.value).split("\n") == [
        "The course's `helpers` are not installed and could not be fetched from https://example.org/v1.zip.",
        f"pip says: {said}",
        cure,
    ]


def test_installed_where_this_kernel_does_not_look(monkeypatch, no_helpers):
    """As the first package in somebody's home: that folder is looked at from the next start on."""
    pip_gives(monkeypatch, 0)
    with pytest.raises(SystemExit, match=r"are installed, but this kernel does not see them yet: restart it"):
        exec(stamped(), {})


@pytest.mark.parametrize(("name", "package"), [("einops", "einops"), ("sklearn", "scikit-learn")])
def test_a_package_that_is_missing_is_named(name, package, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SystemExit) as stopped:
        exec(stamped(needed=f'["{name}", "numpy"]'), {})
    assert str(stopped.value) == (
        f"This kernel's Python lacks what this notebook imports: {name}. {OWN} Elsewhere: run "
        f"`%pip install {package}` in a new cell, then this one again."
    )


def test_what_is_there_and_broken_speaks_for_itself(monkeypatch):
    def broken(name):
        raise OSError(f"{name} has no libcudart.so")

    monkeypatch.setattr("importlib.import_module", broken)
    with pytest.raises(OSError, match=r"einops has no libcudart\.so"):
        exec(stamped(), {})


# --- the real thing -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """Python of an environment that has nothing, not even pip."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False, symlinks=sys.platform != "win32")
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


@pytest.fixture(scope="module")
def with_pip(tmp_path_factory):
    """A folder for PYTHONPATH that has pip, and only pip."""
    folder = tmp_path_factory.mktemp("pip")
    shutil.copytree(
        Path(distribution("pip").locate_file("pip")), folder / "pip", ignore=shutil.ignore_patterns("*.pyc")
    )
    return folder


def run(python, folder, source, **environment):
    """What the cell says as a script in this folder, in a kernel's colours; it may not print anything."""
    (folder / "cell.py").write_text(source, "utf-8")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHON"))}
    settings = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_RETRIES": "0",
        "NO_PROXY": "127.0.0.1",
        "FORCE_COLOR": "1",
    }
    done = subprocess.run(
        [python, "cell.py"],
        cwd=folder,
        env=inherited | settings | {name: str(value) for name, value in environment.items()},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "" and bool(done.stderr) == (done.returncode != 0)
    return done.stderr.rstrip("\n")


def refused(archive, said, cure) -> str:
    return f"The course's `helpers` are not installed and could not be fetched from {archive}.\npip says: {said}\n{cure}"


def test_no_pip(bare, tmp_path):
    archive = "https://example.org/v1.zip"
    cure = f"This kernel's Python has no pip. {OWN}"
    assert run(bare, tmp_path, stamped(archive)) == refused(archive, f"{bare}: No module named pip", cure)


@pytest.mark.needs("loopback")
def test_nobody_listens(bare, with_pip, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        archive = f"http://127.0.0.1:{taken.getsockname()[1]}/v1.zip"
        first, said, cure = run(bare, tmp_path, stamped(archive), PYTHONPATH=with_pip).split("\n")
    assert f"could not be fetched from {archive}." in first and "\x1b" not in said
    assert "refused" in said and cure == NETWORK


@pytest.mark.needs("loopback")
def test_the_tag_is_not_there(bare, with_pip, tmp_path):
    class Server(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(404)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        archive = f"http://127.0.0.1:{server.server_address[1]}/v1.zip"
        first, said, cure = run(bare, tmp_path, stamped(archive), PYTHONPATH=with_pip).split("\n")
        server.shutdown()
    assert archive in first and "HTTP error 404" in said and "\x1b" not in said
    assert cure == f"This release of the course is not there: tell your instructor. {OWN}"


@pytest.mark.skipif(sys.platform != "linux", reason="made of links, in Linux's places")
@pytest.mark.skipif(int(version("pip").split(".")[0]) < 23, reason="pip knows of PEP 668 since 23.0")
def test_a_python_that_belongs_to_the_system(with_pip, tmp_path):
    """A home of Python with Debian's mark in it: the standard library of this one, linked."""
    real = Path(sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix}))
    home = tmp_path / "usr"
    library = home / real.relative_to(sys.base_prefix)
    library.mkdir(parents=True)
    for entry in real.iterdir():
        if entry.name not in ("site-packages", "dist-packages", "EXTERNALLY-MANAGED"):
            (library / entry.name).symlink_to(entry)
    (library / "EXTERNALLY-MANAGED").write_text("[externally-managed]\nError=Try apt install python3-xyz.\n")
    (folder := tmp_path / "work").mkdir()
    archive = "http://127.0.0.1:1/v1.zip"
    told = run(sys._base_executable, folder, stamped(archive), PYTHONHOME=home, PYTHONPATH=with_pip)
    assert told == refused(archive, "externally-managed-environment", MANAGED)


SHADOWS = {
    "a file": ("helpers.py", ""),
    "a file that fails": ("helpers.py", "import nowhere\n"),
    "a file beside a check.py": ("helpers.py", "import check\n"),
    "a package": ("helpers/__init__.py", ""),
}


@pytest.mark.parametrize("kind", SHADOWS)
def test_what_stands_in_the_way_of_helpers_is_named(kind, root, tmp_path):
    """Beside the notebook, where it comes before what is installed; pip is not asked."""
    name, text = SHADOWS[kind]
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    (tmp_path / "check.py").write_text("")
    assert run(sys.executable, tmp_path, stamped(), PYTHONPATH=root) == (
        f"`{tmp_path / name.split('/')[0]}` stands in the way of the course's `helpers`. Rename it (a package that was "
        "installed: `%pip uninstall helpers`), restart the kernel and run this cell again."
    )


def test_another_package_of_that_name(bare, tmp_path):
    (tmp_path / "site" / "helpers").mkdir(parents=True)
    (tmp_path / "site" / "helpers" / "__init__.py").write_text("")
    (folder := tmp_path / "work").mkdir()
    told = run(bare, folder, stamped(), PYTHONPATH=tmp_path / "site")
    assert told.startswith(f"`{tmp_path / 'site' / 'helpers'}` stands in the way")


def test_a_folder_of_that_name_with_no_package_in_it_is_no_obstacle(root, tmp_path):
    (tmp_path / "helpers").mkdir()
    assert run(sys.executable, tmp_path, stamped(), PYTHONPATH=root) == ""


PIP = """\
import shutil, sysconfig
shutil.copytree({helpers!r}, sysconfig.get_path("purelib") + "/helpers")
"""


def test_installed_into_a_python_that_has_nothing_else(bare, root, tmp_path):
    """Everything that is missing is said at once; a folder `helpers` beside the notebook does not matter here either."""
    (tmp_path / "site" / "pip").mkdir(parents=True)
    (tmp_path / "site" / "pip" / "__main__.py").write_text(PIP.format(helpers=str(root / "helpers")))
    folder = tmp_path / "work"
    (folder / "helpers").mkdir(parents=True)
    told = run(bare, folder, stamped(), PYTHONPATH=tmp_path / "site")
    shutil.rmtree(next(bare.parent.parent.rglob("site-packages/helpers")))
    assert told == (
        f"This kernel's Python lacks what this notebook imports: einops numpy. {OWN} Elsewhere: run "
        "`%pip install einops numpy` in a new cell, then this one again."
    )
