"""From `git clone` to the first *correct* in JupyterLab, in a real browser: how many seconds each stage takes.

    python -m benchmarks.first_minutes                 writes benchmarks/first_minutes.json; needs Chromium and 8 GB of disk
    python -m benchmarks.first_minutes --keep FOLDER   and keeps a screenshot of each stage in the browser
    make notebooks                                     stamps the sentence of README.md from that file

Each round has a home folder and an environment of its own: nothing is installed, no cache holds anything; then the same
person clones again, with the packages in uv's cache. The clone comes from this checkout, so its download is not in the
seconds; that of the packages is, at the speed of this machine's network. The browser is driven by a script that knows
the answer, so the seconds are the machine's, without those of a reader.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import psutil
from playwright.sync_api import expect, sync_playwright

from course.base.paths import ROOT
from tests import needs
from tests.browser import TIMEOUT
from tests.lab import OpenNotebook, Story, at_home, jupyterlab

KEY, ANSWER = "q0_best_class", ("best", "logits.argmax(dim=1)")


def machine() -> dict[str, object]:
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def received() -> int:
    """Bytes that came over this machine's network so far."""
    cards = psutil.net_io_counters(pernic=True)
    return sum(card.bytes_recv for name, card in cards.items() if name != "lo")


def newcomer(home: Path) -> dict[str, str]:
    """The environment of somebody who has Python and git, and nothing of the course."""
    env = at_home(home)
    for name in (
        "PYTHONPATH",
        "VIRTUAL_ENV",
        "PIP_CACHE_DIR",
        "UV_CACHE_DIR",
        "VIT_OFFLINE",
        "PYTHONDONTWRITEBYTECODE",
    ):
        env.pop(name, None)
    ours = Path(sys.prefix, "bin")
    env["PATH"] = os.pathsep.join(p for p in env["PATH"].split(os.pathsep) if Path(p) != ours)
    return env


def measure(course: Path, env: dict[str, str], screenshots: Path) -> dict[str, float]:
    """Seconds of each stage, in order, of somebody with this environment who clones into `course`."""
    seconds: dict[str, float] = {}

    @contextmanager
    def stage(name: str):
        print(f"{name} ...", end=" ", flush=True)
        before = time.monotonic()
        yield
        seconds[name] = round(time.monotonic() - before, 1)
        print(f"{seconds[name]} s", flush=True)

    with stage("git clone"):
        subprocess.run(["git", "clone", "-q", str(ROOT), str(course)], env=env, check=True)
    with stage("installation"):
        subprocess.run(["make", "--silent", ".venv/.lab"], cwd=course, env=env, check=True)
    started = time.monotonic()
    with jupyterlab(course, env) as lab, sync_playwright() as playwright:
        seconds["make lab"] = round(time.monotonic() - started, 1)
        print(f"make lab ... {seconds['make lab']} s", flush=True)
        browser = playwright.chromium.launch(executable_path=needs.browser(), timeout=TIMEOUT)
        page = browser.new_page(viewport={"width": 1300, "height": 950})
        page.set_default_timeout(TIMEOUT)
        story, notebook = Story(page, lab, screenshots), OpenNotebook(page)
        check = f'check("{KEY}")'
        with stage("the notebook opens"), story.step("the notebook opens"):
            page.goto(lab.start)
            notebook.ready()
        with stage("run to the blank"), story.step("run to the blank"):
            notebook.run_from_the_top(check)
            expect(notebook.output(check)).to_contain_text("not attempted", timeout=TIMEOUT)
        with stage("the first correct"), story.step("the first correct"):
            notebook.write("def best_class", *ANSWER)
            notebook.run("def best_class")
            notebook.run(check)
            expect(notebook.output(check)).to_contain_text("✓ correct", timeout=TIMEOUT)
        browser.close()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keep", type=Path, help="folder for the screenshots")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    report = {"date": date.today().isoformat(), "machine": machine(), "empty": [], "cached": [], "bytes": []}
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            env, before = newcomer(folder / "home"), received()
            for cache in ("empty", "cached"):
                keep = (options.keep or folder) / cache
                report[cache].append(measure(folder / cache / "course", env, keep / "screenshots"))
                if cache == "empty":
                    report["bytes"].append(received() - before)
                print(f"{cache} cache: {sum(report[cache][-1].values()):.1f} s together", flush=True)
            (torch,) = (folder / "empty" / "course" / ".venv").glob(
                "lib/python*/site-packages/torch-*.dist-info"
            )
            report["torch"] = torch.name.removesuffix(".dist-info")
    options.out.write_text(json.dumps(report, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
