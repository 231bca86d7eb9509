"""Set-up against package indexes on this machine that answer as real ones do, badly too; tiny packages stand in for PyTorch."""

import ast
import http.server
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest

from course import install
from tests import needs

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="folders of an environment are named otherwise there"
)

CP = f"cp{sys.version_info[0]}{sys.version_info[1]}"
LINUX = f"{CP}-{CP}-linux_{os.uname().machine}" if hasattr(os, "uname") else ""
PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "tiny"
version = "1"
dependencies = ["tiny[helpers]"]

[project.optional-dependencies]
helpers = [
    "torch>=2",
]
lab = [
    "tiny[helpers]",
    "lab-thing",
]
course = [
    "tiny[lab]",
    "staff-thing",
]
"""
ELSEWHERE = "https://127.0.0.1:9/simple"  # nobody is there
PINS = "torch==2.15.0\ntorchvision==0.29.2\nlab-thing==1.0\n"
# what builds the tiny course: no tool from elsewhere
BACKEND = """\
from pathlib import Path
from zipfile import ZipFile
import re

def build_wheel(folder, config_settings=None, metadata_directory=None):
    text = Path("pyproject.toml").read_text()
    lines = ["Metadata-Version: 2.1", "Name: tiny", "Version: 1", "Requires-Dist: tiny[helpers]"]
    for extra, body in re.findall(r"^(\\w+) = \\[\\n(.*?)\\n\\]", text, re.MULTILINE | re.DOTALL):
        lines.append(f"Provides-Extra: {extra}")
        lines += [f"Requires-Dist: {need} ; extra == '{extra}'" for need in re.findall(r'"(.*?)"', body)]
    with ZipFile(Path(folder, "tiny-1-py3-none-any.whl"), "w") as wheel:
        wheel.writestr("tiny-1.dist-info/METADATA", "\\n".join(lines) + "\\n")
        wheel.writestr("tiny-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("tiny-1.dist-info/RECORD", "")
    return "tiny-1-py3-none-any.whl"

build_editable = build_wheel
"""


def wheel(name: str, version: str, tag: str = "py3-none-any") -> tuple[str, bytes]:
    """A package with one module of 1,000 bytes, which says its version."""
    module, folder = name.replace("-", "_"), f"{name.replace('-', '_')}-{version}.dist-info"
    files = {f"{module}.py": f"__version__ = {version!r}\n".ljust(1000, "#")}
    files[f"{folder}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    files[f"{folder}/WHEEL"] = f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n"
    record = "".join(f"{path},,{len(text)}\n" for path, text in files.items())
    files[f"{folder}/RECORD"] = f"{record}{folder}/RECORD,,\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for path, text in files.items():
            file.writestr(path, text)
    return f"{module}-{version}-{tag}.whl", packed.getvalue()


class Index(http.server.ThreadingHTTPServer):
    """A package index on a free port. `how` it answers: well, 404, 407, hang, trickle, nonsense, filtered, no file."""

    daemon_threads = True

    def __init__(self, *wheels: tuple[str, bytes], how: str = "well"):
        needs.need("loopback")
        super().__init__(("127.0.0.1", 0), Answer)
        self.files, self.how, self.asked = dict(wheels), how, []
        self.over = threading.Event()
        self.address = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def end(self) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        how, name = self.server.how, self.path.strip("/").split("/")[-1].replace("%2B", "+")
        is_file = name.endswith(".whl")
        body = self.server.files.get(name, b"")
        if not is_file:
            names = [file for file in self.server.files if file.split("-")[0] == name.replace("-", "_")]
            links = (f'<a href="/files/{file.replace("+", "%2B")}">{file}</a><br>' for file in names)
            body = "\n".join(links).encode()
        if how in ("404", "407") or not body:
            return self.send_error(int(how) if how.isdigit() else 404)
        if how == "nonsense" or (how == "filtered" and is_file):
            body = b"<html><body>Please log in to the network of this hotel.</body></html>"
        if how == "hang" or (how == "no file" and is_file):
            return self.server.over.wait(60)
        partial = re.match(r"bytes=(\d+)-(\d+)?$", self.headers.get("Range", ""))
        whole = len(body)
        if partial:
            first, last = int(partial[1]), min(int(partial[2] or whole), whole - 1)
            body = body[first : last + 1]
        self.send_response(206 if partial else 200)
        self.send_header("Content-Type", "application/octet-stream" if is_file else "text/html")
        self.send_header("Content-Length", str(len(body)))
        if partial:
            self.send_header("Content-Range", f"bytes {first}-{last}/{whole}")
        self.end_headers()
        if self.command == "HEAD":
            return None
        if how == "trickle":
            for byte in body:
                self.wfile.write(bytes([byte]))
                if self.server.over.wait(0.4):
                    return None
        return self.wfile.write(body)

    do_HEAD = do_CONNECT = do_GET

    def handle(self):
        try:
            super().handle()
        except ConnectionError:  # who asked has gone
            pass

    def log_message(self, *_):
        pass


ORDINARY = (
    *(wheel("torch", v) for v in ("2.15.0", "2.16.0")),
    wheel("torchvision", "0.29.2"),
    wheel("torchvision", "0.30.0"),
    wheel("lab-thing", "1.0"),
    wheel("lab-thing", "1.1"),
    wheel("staff-thing", "3.0"),
)
FOR_CPU = (wheel("torch", "2.15.0+cpu", LINUX), wheel("torchvision", "0.29.2+cpu", LINUX))
LATER = (wheel("torch", "2.16.0+cpu", LINUX), wheel("torchvision", "0.30.0+cpu", LINUX))


@pytest.fixture
def index():
    """index(*wheels, how=...) -> Index, ended after the test."""
    begun = []

    def begin(*wheels, how="well"):
        begun.append(Index(*wheels, how=how))
        return begun[-1]

    yield begin
    for each in begun:
        each.end()


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """An environment with pip and uv, to be copied: making one takes seconds."""
    folder = tmp_path_factory.mktemp("fresh") / ".venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    os.symlink(Path(sys.executable).parent / "uv", folder / "bin" / "uv")
    return folder


def heed_ctrl_c() -> None:
    """What a shell starts in the background ignores Ctrl-C, and so do its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Course:
    """A tiny course in a folder, and a newcomer who sets it up."""

    def __init__(self, folder: Path, fresh: Path, ordinary: Index, **env: str):
        self.folder, self.venv, self.ordinary = folder, folder / ".venv", ordinary
        (folder / "course").mkdir(parents=True)
        shutil.copy(install.__file__, folder / "course" / "install.py")
        for name, text in (("pyproject.toml", PYPROJECT), ("constraints.txt", PINS), ("backend.py", BACKEND)):
            (folder / name).write_text(text)
        shutil.copytree(fresh, self.venv, symlinks=True)
        # as behind a mirror
        (folder / "pip.conf").write_text(f"[global]\nindex-url = {ordinary.address}/simple\n")
        self.env = {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), "NO_PROXY": "127.0.0.1"}
        self.env |= {
            "PIP_CONFIG_FILE": str(folder / "pip.conf"),
            "UV_CACHE_DIR": str(folder / "cache"),
            **env,
        }

    def start(self, part: str = "lab") -> subprocess.Popen:
        command = [sys.executable, "course/install.py", part]
        return subprocess.Popen(
            command, cwd=self.folder, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True, preexec_fn=heed_ctrl_c,
        )  # fmt: skip

    def set_up(self, part: str = "lab", code: int = 0) -> str:
        begun, process = time.monotonic(), self.start(part)
        said, _ = process.communicate(timeout=120)
        self.seconds = time.monotonic() - begun
        assert process.returncode == code, said
        assert "Traceback" not in said
        print(said)
        return said

    def has(self) -> dict[str, str]:
        """Package -> version."""
        found = self.venv.glob("lib/python*/site-packages/*.dist-info")
        names = (path.name.removesuffix(".dist-info").split("-") for path in found)
        return {name: version for name, version in names if name not in ("pip", "tiny", "setuptools")}

    def complete(self) -> set[str]:
        return {path.name for path in self.venv.glob(".[a-z]*")} - {".lock", ".pins", ".gitignore"}


@pytest.fixture
def course(tmp_path, fresh, index):
    """The tiny course whose index for processors is on this machine, too."""
    course = Course(tmp_path / "course", fresh, index(*ORDINARY))
    course.cpu = index(*FOR_CPU)
    course.env["VIT_TORCH"] = course.cpu.address
    return course


CPU = {"torch": "2.15.0+cpu", "torchvision": "0.29.2+cpu"}
PYPI = {"torch": "2.15.0", "torchvision": "0.29.2"}


def test_each_part_brings_what_it_needs_and_no_more(course):
    said = course.set_up("lab")
    assert course.has() == CPU | {"lab_thing": "1.0"}
    assert course.complete() == {".lab", ".helpers"}
    assert re.search(r"Set up in \d+ s\.", said)
    asked = len(course.cpu.asked)
    course.set_up("course")
    assert course.has() == CPU | {"lab_thing": "1.0", "staff_thing": "3.0"}
    assert course.complete() == {".lab", ".helpers", ".course"}
    assert len(course.cpu.asked) == asked, "PyTorch is there already"


@pytest.mark.parametrize("how", ["404", "hang", "nonsense", "filtered", "no file", "trickle", "closed"])
def test_an_index_that_does_not_answer_well_is_left_within_its_time(how, index, monkeypatch):
    monkeypatch.setattr(install, "CHOICE_SECONDS", 1.0)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    cpu = index(*FOR_CPU, how=how)
    if how == "closed":
        cpu.end()
    before = time.monotonic()
    assert not install.offers(cpu.address)
    assert time.monotonic() - before < 2
    if how != "closed":
        cpu.how = "well"
        assert install.offers(f"{cpu.address}/")


def test_without_that_index_pytorch_comes_from_the_ordinary_one(course):
    course.cpu.how = "hang"
    said = course.set_up()
    assert "PyTorch's own index cannot be had now: the ordinary one is asked" in said
    assert course.has() == PYPI | {"lab_thing": "1.0"}
    assert course.seconds < install.CHOICE_SECONDS + 10


def test_an_index_that_breaks_off_in_the_middle(course):
    shown = course.cpu.files
    course.cpu.files = {name: data[: len(data) // 2] for name, data in shown.items()}
    course.set_up()
    assert course.has() == PYPI | {"lab_thing": "1.0"}


def test_what_is_installed_is_not_taken_away(course):
    course.set_up()
    pins = course.folder / "constraints.txt"
    pins.write_text("torch==2.16.0\ntorchvision==0.30.0\nlab-thing==1.1\n")
    course.cpu.how = "404"
    del course.env["VIT_TORCH"]
    # without the variable it is the build that is there which decides; its index is not on this machine
    script = course.folder / "course" / "install.py"
    script.write_text(script.read_text().replace(install.CPU_INDEX, course.cpu.address))
    assert "the PyTorch that is installed stays" in course.set_up()
    assert course.has() == CPU | {"lab_thing": "1.1"}
    course.cpu.how, course.cpu.files = "well", dict(LATER)
    course.set_up()
    assert course.has() == {"torch": "2.16.0+cpu", "torchvision": "0.30.0+cpu", "lab_thing": "1.1"}


def test_the_variable_can_ask_for_the_ordinary_build(course):
    course.env["VIT_TORCH"] = "pypi"
    course.set_up()
    assert course.has()["torch"] == "2.15.0" and not course.cpu.asked


def test_the_choice_follows_the_machine(monkeypatch, tmp_path):
    """No driver: the build for processors. A driver, or another system: the ordinary one."""
    asked = []
    monkeypatch.setattr(install, "VENV", tmp_path)
    monkeypatch.setattr(install, "offers", lambda index: asked.append(index))
    monkeypatch.delenv("VIT_TORCH", raising=False)
    for system, driver, expected in (
        ("linux", False, 1),
        ("linux", True, 0),
        ("darwin", False, 0),
        ("win32", False, 0),
    ):
        asked.clear()
        monkeypatch.setattr(sys, "platform", system)
        monkeypatch.setattr(install, "NVIDIA", (str(tmp_path) if driver else "/nowhere",))
        assert install.pytorch({}) == install.PINS
        assert asked == [install.CPU_INDEX] * expected, system


def test_pins_that_cannot_be_met_are_left_with_a_sentence(course):
    (course.folder / "constraints.txt").write_text(PINS.replace("lab-thing==1.0", "lab-thing==9.9"))
    said = course.set_up()
    assert "The versions of constraints.txt cannot be had any more" in said
    assert course.has() == CPU | {"lab_thing": "1.1"} and ".lab" in course.complete()


def test_without_uv_pip_does_it(course):
    (course.venv / "bin" / "uv").unlink()
    course.set_up("course")
    assert course.has() == CPU | {"lab_thing": "1.0", "staff_thing": "3.0"}
    assert any(path.startswith("/simple/uv") for path in course.ordinary.asked)


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("404", "The package index lacks something or is out of order"),
        ("407", "The proxy wants a name and a password: set HTTPS_PROXY="),
        ("nobody", "The package index cannot be reached: see to the network"),
    ],
)
@pytest.mark.parametrize("uv", [True, False], ids=["uv", "pip"])
def test_what_went_wrong_is_one_sentence_and_the_next_run_goes_on(how, sentence, uv, course, index):
    course.env["VIT_TORCH"] = "pypi"
    before = dict(course.env)
    if how == "404":
        course.ordinary.how = how
    else:
        if how == "407":  # a proxy, which this index is good for, too
            course.env |= {"HTTPS_PROXY": index(how=how).address, "NO_PROXY": ""}
        course.env |= {"UV_DEFAULT_INDEX": ELSEWHERE, "PIP_INDEX_URL": ELSEWHERE}
    if not uv:
        (course.venv / "bin" / "uv").unlink()
    said = course.set_up(code=1)
    (last,) = said.splitlines()[-1:]
    assert last.startswith(f"Not set up. {sentence}") and last.endswith("; then run the same command again.")
    assert not re.search("ERROR|WARNING|error:", said)  # a sentence, not what pip says
    assert ".lab" not in course.complete()
    course.ordinary.how, course.env = "well", before
    course.set_up()
    assert course.complete() == {".lab", ".helpers"}


def test_what_was_complete_serves_on_without_network(course):
    course.set_up()
    course.env |= {
        "UV_DEFAULT_INDEX": "http://127.0.0.1:9",
        "PIP_INDEX_URL": "http://127.0.0.1:9",
        "UV_NO_CACHE": "1",
    }
    (course.folder / "constraints.txt").write_text(PINS.replace("lab-thing==1.0", "lab-thing==1.1"))
    assert "going on with those of the last time" in course.set_up()
    assert course.has() == CPU | {"lab_thing": "1.0"}


def test_stopped_in_the_middle_the_next_run_goes_on(course):
    name = next(name for name in course.ordinary.files if name.startswith("lab_thing-1.0"))
    course.ordinary.how = "no file"
    process = course.start()
    while not any(path.endswith(name) for path in course.ordinary.asked):
        time.sleep(0.05)
        assert process.poll() is None, process.stdout.read()
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does it
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and "Stopped. Run the same command again: it goes on from here." in said
    assert "Traceback" not in said
    course.ordinary.how = "well"
    course.set_up()
    assert course.has() == CPU | {"lab_thing": "1.0"}


@pytest.mark.parametrize("harm", ["cut", "gone", "no list"])
def test_what_a_killed_set_up_left_half_done_comes_again(harm, course):
    course.set_up()
    (module,) = course.venv.glob("lib/python*/site-packages/lab_thing.py")
    if harm == "no list":
        next(module.parent.glob("lab_thing-*.dist-info/RECORD")).unlink()
    module.unlink()
    if harm == "cut":  # as a full disk leaves it
        module.write_text("__version")
    (course.venv / ".unfinished").touch()
    course.set_up()
    assert "__version__ = '1.0'" in module.read_text() and course.complete() == {".lab", ".helpers"}


def test_an_environment_whose_python_is_gone_is_made_anew(course):
    (course.venv / "bin" / "python").unlink()
    (course.venv / "bin" / "python").symlink_to("/nowhere/python3")
    course.env["VIT_TORCH"] = "pypi"
    course.set_up()  # uv went with it, and this index has none: by pip
    assert course.has() == PYPI | {"lab_thing": "1.0"}


@pytest.mark.parametrize("name", ["with blank", "ü & ' é", "[x]"])
def test_odd_folders(name, tmp_path, fresh, index):
    course = Course(tmp_path / name, fresh, index(*ORDINARY), VIT_TORCH="pypi")
    course.set_up()
    assert course.has() == PYPI | {"lab_thing": "1.0"}


def test_without_a_home(course):
    del course.env["HOME"], course.env["UV_CACHE_DIR"]
    course.set_up()
    assert course.has() == CPU | {"lab_thing": "1.0"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("error: failed to write to file `x`: No space left on device (os error 28)", "The disk is full"),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            "The disk is full",
        ),
        ("OSError('Tunnel connection failed: 407 Proxy Authentication Required')", "The proxy wants a name"),
        (
            "client error (Connect): dns error: failed to lookup address information",
            "The package index cannot",
        ),
        ("invalid peer certificate: UnknownIssuer", "The network's certificate is not known here"),
        ("error: Failed to create `.venv`: Permission denied (os error 13)", "Something cannot be written"),
        ("something else", "The lines above say why"),
    ],
)
def test_a_cause_has_its_cure(text, sentence):
    assert install.CAUSES[install.cause(text)][1].startswith(sentence)


def test_parts_are_those_of_pyproject():
    assert install.parts("lab") == ["lab", "helpers"]
    assert install.parts("dev") == [
        "dev",
        "cluster",
        "course",
        "lab",
        "helpers",
        "site",
        "course",
        "lab",
        "helpers",
    ]


def test_no_pin_names_a_host(root):
    text = (root / "constraints.txt").read_text("utf-8")
    assert "://" not in text and "make pins" in text
    names = {re.split(r"[=\s;]", line)[0] for line in text.splitlines() if not line.startswith("#")}
    assert {"torch", "torchvision", "soupsieve", "uv", "nbgrader"} <= names


def test_an_old_python_can_read_it_to_say_so(root):
    """No syntax that came later than f-strings: it has to come as far as its own sentence."""
    ast.parse((root / "course" / "install.py").read_text("utf-8"), feature_version=(3, 8))
