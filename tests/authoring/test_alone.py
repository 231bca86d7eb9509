"""A notebook on its own, as Colab and Kaggle run it: an empty folder, their packages, the course's archive from a server.

The environment is a stand-in: a real venv into whose site-packages the distributions below and what they depend on
are linked from the one that runs the tests. So there is no vit-course in it, no nbgrader, no JupyterLab.
"""

import http.server
import importlib.metadata
import io
import json
import os
import re
import subprocess
import sys
import threading
import venv
import zipfile
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement

from course.authoring import badges
from course.authoring.figures import client
from tests import needs, notebooks

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ordinary users can't make links on Windows")

# Colab has these, and Kaggle's image is made from Colab's; pip, ipykernel and hatchling (which pip would fetch) run it all.
THERE = ("torch", "torchvision", "einops", "timm", "numpy", "matplotlib", "scikit-learn", "pooch", "requests")
THERE += ("ipywidgets",)  # 7.7 there; timm's progress bars ask for it
TOOLS = ("pip", "ipykernel", "hatchling")
IN_FULL = ("q6_residual_block", "inside_a_pretrained_vit")


def closure(names) -> dict[str, importlib.metadata.Distribution]:
    """The distributions of that name and all that they require here, by name."""
    found: dict[str, importlib.metadata.Distribution] = {}
    left = list(names)
    while left:
        name = re.sub(r"[-_.]+", "-", left.pop()).lower()
        if name in found:
            continue
        try:
            found[name] = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another system or Python
        needs = [Requirement(text) for text in found[name].requires or ()]
        left += [need.name for need in needs if not need.marker or need.marker.evaluate({"extra": ""})]
    return found


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    """Python of an environment that has what Colab has, and not the course."""
    folder = tmp_path_factory.mktemp("colab")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(
        subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    )
    for distribution in closure(THERE + TOOLS).values():
        for top in {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
            there = Path(distribution.locate_file(top))
            if there.exists() and not (site / top).exists():
                (site / top).symlink_to(there)
    return python


@pytest.fixture(scope="module")
def archive():
    """Address of a server on this machine that has the working tree as GitHub packs a tag."""
    needs.need("loopback")
    root = notebooks.ROOT
    names = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=root, capture_output=True, check=True
    ).stdout
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name in names.decode().split("\0"):
            if name and (root / name).is_file():
                file.write(root / name, f"vit-course-{badges.tag()}/{name}")

    class Server(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(packed.getvalue())))
            self.end_headers()
            self.wfile.write(packed.getvalue())

        do_HEAD = do_GET

        def log_message(self, *_) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/{badges.tag()}.zip"
        server.shutdown()


@pytest.fixture
def run(colab, tmp_path, monkeypatch):
    """run(cells) -> a notebook of them, executed in an empty folder."""
    spec = tmp_path / "jupyter" / "kernels" / "colab"
    spec.mkdir(parents=True)
    argv = [str(colab), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(
        json.dumps({"argv": argv, "display_name": "colab", "language": "python"})
    )
    folder, home = tmp_path / "empty", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    environment = {"JUPYTER_PATH": tmp_path / "jupyter", "HOME": home, "XDG_CACHE_HOME": home / ".cache"}
    environment |= {"PIP_NO_BUILD_ISOLATION": "0", "PIP_RETRIES": "0", "PIP_CONFIG_FILE": os.devnull}
    environment |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    for name, value in environment.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("PYTHONPATH", raising=False)

    def run(cells):
        nb = nbformat.v4.new_notebook(cells=cells)
        with client(nb, folder, kernel_name="colab", timeout=300, allow_errors=True) as executing:
            executing.execute()
        return nb

    return run


def cells(path, address, in_full=True):
    """A release's cells, all or up to the first check; the archive comes from `address`."""
    nb = notebooks.read(path)
    setup = next(c for c in nb.cells if "setup" in c.metadata.get("tags", []))
    assert badges.archive() in setup.source
    setup.source = setup.source.replace(badges.archive(), address)
    first = next(i for i, c in enumerate(nb.cells) if c.source.startswith("check("))
    return nb.cells if in_full else nb.cells[: first + 1]


def new_session(path):
    code = f"%reset -f\nimport os\nos.makedirs('../{path.stem}')\nos.chdir('../{path.stem}')"
    return nbformat.v4.new_code_cell(code)


def said(nb, kind):
    return [o for c in nb.cells if c.cell_type == "code" for o in c.outputs if o.output_type == kind]


def verdicts(nb):
    """What the checks said; nothing may have gone wrong around them."""
    assert said(nb, "error") == []
    assert [o.text for o in said(nb, "stream") if o.name == "stderr"] == []
    shown = [o.data["text/plain"] for o in said(nb, "display_data") if "text/plain" in o.data]
    return [text for text in shown if text.startswith(("○", "✗", "✓"))]


@pytest.mark.needs("loopback")
def test_without_network_a_sentence_and_nothing_else(run):
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as closed:
        address = f"http://127.0.0.1:{closed.server_address[1]}/gone.zip"  # nobody listens there afterwards
    nb = run(cells(notebooks.RELEASES[0], address, in_full=False))
    setup = next(c for c in nb.cells if "setup" in c.metadata.get("tags", []))
    (error,) = [o for o in setup.outputs if o.output_type == "error"]
    assert error.ename == "SystemExit"
    assert re.search(
        r"could not be fetched from http\S+gone\.zip\.\npip says: .*refused.*\nCheck the network",
        error.evalue,
    )
    assert "Internet" in error.evalue and "make lab" in error.evalue


def test_every_release_up_to_its_first_check(run, archive):
    """One kernel for all, forgetting everything in between but the imports, which are what takes long."""
    asking = [path for path in notebooks.RELEASES if notebooks.exercises_of(path)]
    many = [cell for path in asking for cell in (new_session(path), *cells(path, archive, in_full=False))]
    nb = run([nbformat.from_dict(cell | {"id": f"c{i}"}) for i, cell in enumerate(many)])
    found = verdicts(nb)
    assert len(found) == len(asking) and all(text.startswith("○ not attempted") for text in found)


@pytest.mark.parametrize("name", IN_FULL)
def test_a_release_to_its_end(name, run, archive):
    path = next(path for path in notebooks.RELEASES if path.stem == name)
    where = nbformat.v4.new_code_cell("import helpers; print(helpers.__file__)")
    nb = run([*cells(path, archive), where])
    found = verdicts(nb)
    assert len(found) == len(notebooks.exercises_of(path))
    assert all(text.startswith("○ not attempted") for text in found)
    file = Path(nb.cells[-1].outputs[0].text.strip())
    assert "site-packages" in file.parts and notebooks.ROOT not in file.parents
