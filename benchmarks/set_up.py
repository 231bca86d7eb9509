"""What each command installs: seconds, packages and size, for somebody who has nothing, and again with uv's cache.

    python -m benchmarks.set_up      writes benchmarks/set_up.json; needs 8 GB of disk, and takes minutes
    make notebooks                   stamps the table of README.md from that file

Two clones one after the other in one home folder: the first fetches everything, at the speed of this network. The parts
come one on top of the other, as `make lab`, `make demo` and `make test` bring them.
"""

import json
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from benchmarks.first_minutes import machine, newcomer
from course.base.paths import ROOT

PARTS = {"lab": "make lab", "course": "make demo, python -m course", "dev": "make test"}
CUDA = ("nvidia", "triton", "cuda")  # what PyTorch brings for graphics cards


def size(folder: Path) -> int:
    """Bytes that a file system gives to it; what is linked twice counts once."""
    said = subprocess.run(
        ["du", "-s", "--block-size=1", str(folder)], capture_output=True, text=True, check=True
    )
    return int(said.stdout.split()[0])


def set_up(course: Path, env: dict[str, str]) -> dict[str, dict[str, float]]:
    """Clone into `course` and bring one part after the other."""
    subprocess.run(["git", "clone", "-q", str(ROOT), str(course)], env=env, check=True)
    found = {}
    for part in PARTS:
        print(f"{part} ...", end=" ", flush=True)
        before = time.monotonic()
        done = subprocess.run(
            ["make", "-s", f".venv/.{part}"], cwd=course, env=env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        seconds = time.monotonic() - before
        (packages,) = (course / ".venv").glob("lib/python*/site-packages")
        found[part] = {
            "seconds": round(seconds, 1),
            "packages": len(list(packages.glob("*.dist-info"))),
            "bytes": size(course / ".venv"),
            "bytes_cuda": sum(size(path) for path in packages.iterdir() if path.name.startswith(CUDA)),
        }
        print(f"{seconds:.0f} s", flush=True)
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        env = newcomer(Path(folder) / "home")
        first = set_up(Path(folder) / "first", env)
        again = set_up(Path(folder) / "again", env)
    report = {
        "date": date.today().isoformat(),
        "machine": machine(),
        "parts": {
            part: {"command": PARTS[part], **first[part], "seconds_cached": again[part]["seconds"]}
            for part in PARTS
        },
    }
    Path(__file__).with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
