"""Set-up: `make` calls this for what a command needs; without make: python3 course/install.py lab

    python3 course/install.py lab       a student's part: helpers and JupyterLab
    python3 course/install.py course    the staff's, too; `site`, `dev`: other extras of pyproject.toml

Makes .venv, brings what is missing, and marks each part that is complete with a file .venv/.<part>. uv does the work
where it can be had, pip elsewhere. Versions are those of constraints.txt; where they cannot be met, the newest that go
together. On Linux without an NVIDIA driver PyTorch comes from its own index, built for processors: without 4 GB of CUDA's libraries.
VIT_TORCH=cpu, pypi (the ordinary index) or an index's address decides otherwise, the first time PyTorch is installed.

It runs before anything is installed, so by hand what libraries do: standard library only.
"""

import csv
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from contextlib import suppress
from pathlib import Path

if sys.version_info < (3, 10):  # noqa: UP036  this file runs before anything was asked
    sys.exit(
        f"This course needs Python 3.10 or newer, this is {platform.python_version()}: install a newer one from "
        "https://www.python.org/downloads/, then use it: make PYTHON=python3.12 setup, or python3.12 course/install.py lab."
    )

ROOT = Path(__file__).resolve().parent.parent  # run by its path, this file finds no course.base.paths
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
UV = BIN / ("uv.exe" if os.name == "nt" else "uv")
PINS = ROOT / "constraints.txt"
UNFINISHED = VENV / ".unfinished"  # there while packages are being laid out

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
CHOICE_SECONDS = 5.0  # in which that index has to show that it has PyTorch
FETCH_SECONDS = 1800.0  # in which PyTorch has to come from it
NVIDIA = ("/proc/driver/nvidia/version", "/dev/nvidiactl", "/usr/lib/wsl/lib/libcuda.so.1")

# What a failed installation says, and what to do about it; the first that fits counts.
CAUSES = {
    "venv": (
        r"ensurepip",
        "This Python cannot make environments: install python3-venv (sudo apt install python3-venv)",
    ),
    "disk": (
        r"No space left|os error 28|Errno 28|quota exceeded",
        "The disk is full: make room (3 GB; 7 GB with CUDA's libraries)",
    ),
    "writing": (
        r"Permission denied|Read-only file system|os error 13\b|os error 30\b",
        "Something cannot be written: keep the course in a folder of your own",
    ),
    "password": (
        r"\b407\b|(?i:proxy auth)",
        "The proxy wants a name and a password: set HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT",
    ),
    "proxy": (
        r"(?i)proxyerror|proxy connect|tunnel",
        "The proxy does not let this through: see to HTTPS_PROXY (or https_proxy) in your environment",
    ),
    "certificate": (
        r"(?i)certificate|UnknownIssuer",
        "The network's certificate is not known here: name its file in SSL_CERT_FILE",
    ),
    "network": (
        r"(?i)dns error|name resolution|name or service not known|connection refused|unreachable|timed? ?out|"
        r"error sending request|connection reset|connection broken|max retries",
        "The package index cannot be reached: see to the network, and to PIP_INDEX_URL if you have set it",
    ),
    "index": (
        r"(?i)no solution found|resolutionimpossible|no matching distribution|HTTP status|HTTP error|\d{3} (client|server) error",
        "The package index lacks something or is out of order: try later, or name another in PIP_INDEX_URL",
    ),
    "unknown": ("", "The lines above say why"),
}


class Failed(Exception):
    """A command failed; the text is what it said at the end."""


def say(text: str) -> None:
    print(text, flush=True)


def cause(text: str) -> str:
    return next(name for name, (pattern, _) in CAUSES.items() if re.search(pattern, text))


# --- uv and pip ---------------------------------------------------------------------------------------


def run(*command: object, seconds: float | None = None, env: dict[str, str] | None = None) -> str:
    """What a command says, to the end; what it fetches is shown at once.

    Raises Failed if it fails, cannot be started or takes longer than `seconds`.
    """
    said: list[str] = []
    how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    how |= {"cwd": ROOT, "env": env, "encoding": "utf-8", "errors": "replace"}
    try:
        process = subprocess.Popen([str(word) for word in command], **how)
    except OSError as error:
        raise Failed(str(error)) from None
    timer = threading.Timer(seconds or 0, process.kill)
    if seconds:
        timer.start()
    try:
        for line in process.stdout:
            said.append(line.rstrip())
            if re.match(r"\s*Downloading .*\d ?[kMG]i?B", line):
                say(f"  {line.strip()}")
        code = process.wait()
    finally:
        timer.cancel()
        process.wait()  # after Ctrl-C, which it has got too
    if code != 0:
        raise Failed("\n".join(line for line in said if line.strip()) or f"it ended with code {code}")
    return "\n".join(said)


def works(*command: object) -> bool:
    try:
        run(*command)
    except Failed:
        return False
    return True


def settings() -> dict[str, str]:
    """The environment for uv and pip. What pip has been told of index, proxy and certificates, uv is told too."""
    env = {"UV_SYSTEM_CERTS": "1", "UV_NO_CONFIG": "1", "UV_PYTHON_DOWNLOADS": "never"}
    if "HOME" not in os.environ and os.name != "nt":
        env["UV_CACHE_DIR"] = str(VENV / ".cache")
    uvs = {"index-url": "UV_DEFAULT_INDEX", "proxy": "ALL_PROXY", "cert": "SSL_CERT_FILE"}
    try:
        listed = run(PYTHON, "-m", "pip", "config", "list")
    except Failed:  # a configuration that pip cannot read is said when it is used
        listed = ""
    for name, value in re.findall(r"^(?:global|install|:env:)\.([\w-]+)='(.*)'$", listed, re.MULTILINE):
        if name in uvs:
            env[uvs[name]] = value
    ours = {"PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_PROGRESS_BAR": "off"}
    return env | dict(os.environ) | ours | {"PYTHONUTF8": "1"}


def install(
    *what: str, env: dict[str, str], pins: Path | None = PINS, index: str = "", pip: bool = False
) -> None:
    """Install by uv, or by pip where there is no uv. From `index` alone what is named, without its dependencies.

    Raises Failed: as the tool does.
    """
    constraints = ["-c", pins] if pins else []
    if UV.exists() and not pip:
        asked = ["--default-index", index, "--no-deps"] if index else []
        hurry = {"UV_HTTP_TIMEOUT": "15", "UV_HTTP_RETRIES": "1"} if index else {}
        command = [UV, "pip", "install", "--python", PYTHON]
    else:
        asked = ["--index-url", index, "--no-deps"] if index else []
        hurry = {}
        command = [PYTHON, "-m", "pip", "install", "--retries", "1", "--timeout", "15"]
    run(*command, *asked, *constraints, *what, env=env | hurry, seconds=FETCH_SECONDS if index else None)


# --- PyTorch for the machine that is there ------------------------------------------------------------


def site_packages() -> Path:
    return next(VENV.glob("lib/python*/site-packages"), VENV / "Lib" / "site-packages")


def installed(name: str) -> str:
    """Its version, "" if it is not there."""
    found = [path.name.split("-")[1] for path in site_packages().glob(f"{name}-*.dist-info")]
    return found[0].removesuffix(".dist") if found else ""


def offers(index: str) -> bool:
    """Whether an index has PyTorch for this Python: its pages, and the first bytes of the files, in five seconds."""
    cp = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    yes: list[bool] = []

    def look() -> None:
        for name in ("torch", "torchvision"):
            page = f"{index.rstrip('/')}/{name}/"
            with urllib.request.urlopen(page, timeout=CHOICE_SECONDS) as answer:
                text = answer.read(20_000_000).decode("utf-8", "replace")
            wheels = rf'href="([^"]*/)?({name}-[^"/]*-{cp}-{cp}-[^"/]*{platform.machine()}\.whl[^"]*)"'
            *_, last = re.finditer(wheels, text)
            request = urllib.request.Request(urllib.parse.urljoin(page, (last[1] or "") + last[2]))
            request.add_header("Range", "bytes=0-65535")
            with urllib.request.urlopen(request, timeout=CHOICE_SECONDS) as answer:
                if answer.read(65536)[:2] != b"PK":
                    return
        yes.append(True)

    def quietly() -> None:
        with suppress(OSError, ValueError):  # all of the network's faults; no wheel, an odd address
            look()

    thread = threading.Thread(target=quietly, daemon=True)  # an answer that trickles is left behind
    thread.start()
    thread.join(CHOICE_SECONDS)
    return bool(yes)


def pytorch(env: dict[str, str]) -> Path:
    """Install PyTorch from its own index where that is better; the versions to hold everything else to.

    What is installed stays if that index cannot be had now.
    """
    torch, wanted = installed("torch"), os.environ.get("VIT_TORCH", "")
    if f"torch=={torch.split('+')[0]}" in re.findall(r"^torch==\S+", PINS.read_text("utf-8"), re.MULTILINE):
        return PINS
    if torch:
        index = CPU_INDEX if torch.endswith("+cpu") else ""
    elif wanted:
        index = {"cpu": CPU_INDEX, "pypi": ""}.get(wanted, wanted)
    else:
        index = "" if sys.platform != "linux" or any(map(os.path.exists, NVIDIA)) else CPU_INDEX
    if not index:
        return PINS
    try:
        if not offers(index):
            raise Failed
        place = "its own index: the build for processors" if index == CPU_INDEX else index
        say(f"PyTorch is fetched from {place}.")
        install("torch", "torchvision", env=env, index=index)
    except Failed:
        if torch:
            say("PyTorch's own index cannot be had now: the PyTorch that is installed stays.")
            kept = [f"{name}=={installed(name)}" for name in ("torch", "torchvision")]
            lines = [x for x in PINS.read_text("utf-8").splitlines() if not re.match("torch(vision)?==", x)]
            pins = VENV / ".pins"
            pins.write_text("\n".join([*lines, *kept]), "utf-8")
            return pins
        say(
            "PyTorch's own index cannot be had now: the ordinary one is asked, whose PyTorch has CUDA's libraries (4 GB more). "
            "To wait for the smaller one: Ctrl-C, and run this another time."
        )
    return PINS


# --- the environment ----------------------------------------------------------------------------------


def environment() -> None:
    """.venv with pip in it; one that works is kept. Raises Failed with what Python said."""
    if works(PYTHON, "-c", "import sys, pip; sys.exit(sys.version_info < (3, 10))"):
        return
    try:
        run(sys.executable, "-m", "venv", "--clear", VENV)
    except Failed as first:  # Debian and Ubuntu split ensurepip off; pip then comes from outside
        try:
            run(sys.executable, "-m", "venv", "--clear", "--without-pip", VENV)
            run(sys.executable, "-m", "pip", "--python", PYTHON, "install", "pip")
        except Failed:
            raise first from None


def forget_broken() -> None:
    """After a set-up that was cut off: what is not whole counts as not installed, so that it comes again."""
    for info in site_packages().glob("*.dist-info"):
        try:
            with open(info / "RECORD", encoding="utf-8", newline="") as stream:
                whole = all(
                    not size or (info.parent / path).stat().st_size == int(size)
                    for path, _, size in csv.reader(stream)
                )
        except (OSError, ValueError):
            whole = False
        if not whole:
            shutil.rmtree(info)


def parts(part: str) -> list[str]:
    """The extra and those that it holds."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    found = re.search(rf'^{part} = \[\s+"[\w-]+\[([\w,]+)\]"', text, re.MULTILINE)
    return [part, *(inner for held in (found[1].split(",") if found else ()) for inner in parts(held))]


def bring(part: str) -> None:
    """Install one extra, and mark it and those that it holds as complete.

    Raises Failed with what uv or pip said last.
    """
    environment()
    env = settings()
    if UNFINISHED.exists():
        forget_broken()
    UNFINISHED.touch()
    if not works(UV, "--version"):
        try:
            install("uv", env=env, pip=True)
        except Failed:
            UV.unlink(missing_ok=True)
    pins, what = pytorch(env), ("torch", "torchvision", "-e", f".[{part}]")
    try:
        install(*what, env=env, pins=pins)
    except Failed as failed:
        why = cause(str(failed))
        if why == "index":
            install(*what, env=env, pins=None)
            say(
                "The versions of constraints.txt cannot be had any more: the newest that go together are installed."
            )
        elif UV.exists() and why not in ("disk", "writing", "password"):
            say("uv could not; pip tries, which takes longer.")
            install(*what, env=env, pins=pins, pip=True)
        else:
            raise
    UNFINISHED.unlink()
    # uv does not compile; kernels in a sandbox cannot, and would do it in memory at each start
    if part != "lab":
        with suppress(Failed):  # there is always a file or two that is not for this Python
            run(PYTHON, "-m", "compileall", "-q", "-j", "0", site_packages())
    for each in parts(part):
        (VENV / f".{each}").touch()


def main(part: str) -> int:
    before = time.monotonic()
    known = re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    if part not in known:
        say(
            f"There is no part {part!r}: say lab (students), course (staff), site (the web site) or dev (contributors)."
        )
        return 2
    say(f"Setting up .venv ({part}): the first time takes minutes, most of them for PyTorch.")
    try:
        bring(part)
    except KeyboardInterrupt:
        say("Stopped. Run the same command again: it goes on from here.")
        return 130
    except (Failed, OSError) as error:
        why, last = cause(str(error)), str(error).splitlines()[-12:]
        if (VENV / f".{part}").exists() and why in ("network", "proxy"):
            say(
                "The packages could not be brought up to date, there is no network: going on with those of the last time."
            )
            return 0
        if why == "unknown":
            say("\n".join([*last, ""]))
        say(f"Not set up. {CAUSES[why][1]}; then run the same command again.")
        return 1
    say(f"Set up in {time.monotonic() - before:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "lab"))
