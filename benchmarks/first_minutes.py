"""From `git clone` to the first *correct* in JupyterLab, in a real browser: how many seconds each stage takes.

    python -m benchmarks.first_minutes                 writes benchmarks/first_minutes.json; needs Chromium and 20 GB of disk
    python -m benchmarks.first_minutes --keep FOLDER   and keeps a screenshot of each stage in the browser
    make notebooks                                     stamps the sentence of README.md from that file

A home folder and an environment of its own: nothing is installed yet, and no installer has anything in a cache (cold);
then the same once more in another folder, by the same person (warm). The clone comes from this checkout, so its download
is not in the seconds; that of the packages is, at the speed of this machine's network. The notebook is the one that
`make lab` opens, and the browser is driven by a script that knows the answer, so the seconds are the machine's, without
those of a reader.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from course.base.paths import ROOT
from tests import needs
from tests.browser import TIMEOUT
from tests.lab import OpenNotebook, Story, at_home, jupyterlab

KEY, CELL, BLANK, ANSWER = "q0_best_class", "def best_class", "best", "logits.argmax(dim=1)"


def newcomer(home: Path) -> dict[str, str]:
    """The environment of somebody who has Python and git, and nothing of the course."""
    env = at_home(home)
    for name in ("PYTHONPATH", "VIRTUAL_ENV", "PIP_CACHE_DIR", "VIT_OFFLINE"):
        env.pop(name, None)
    ours = Path(sys.prefix, "bin")
    env["PATH"] = os.pathsep.join(p for p in env["PATH"].split(os.pathsep) if Path(p) != ours)
    return env


def measure(folder: Path, home: Path, keep: Path | None = None) -> dict[str, float]:
    """Seconds of each stage, in order.

    Args:
        folder: where the course is cloned to.
        home: of the person; caches are there.
    """
    seconds: dict[str, float] = {}

    @contextmanager
    def stage(name: str):
        print(f"{name} ...", end=" ", flush=True)
        before = time.monotonic()
        yield
        seconds[name] = round(time.monotonic() - before, 1)
        print(f"{seconds[name]} s", flush=True)

    course, env = folder / "course", newcomer(home)
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
        story, notebook = Story(page, lab, keep or folder / "screenshots"), OpenNotebook(page)
        check = f'check("{KEY}")'
        with stage("the notebook opens"), story.step("the notebook opens"):
            page.goto(lab.start)
            notebook.ready()
        with stage("run to the blank"), story.step("run to the blank"):
            notebook.run_from_the_top(check)
            expect(notebook.output(check)).to_contain_text("not attempted", timeout=TIMEOUT)
        with stage("the first correct"), story.step("the first correct"):
            notebook.write(CELL, BLANK, ANSWER)
            notebook.run(CELL)
            notebook.run(check)
            expect(notebook.output(check)).to_contain_text("✓ correct", timeout=TIMEOUT)
        browser.close()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keep", type=Path, help="folder for the screenshots")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    found: dict[str, list[dict[str, float]]] = {"cold": [], "warm": []}
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory(dir=Path.home()) as folder:  # below /tmp it might lie in memory
            for cache, rounds in found.items():
                print(f"{cache}: ", end="")
                there = Path(folder) / cache
                rounds.append(measure(there, Path(folder) / "home", options.keep))
                size = sum(path.lstat().st_size for path in there.rglob("*") if path.is_file())
                shutil.rmtree(there)
    report = {
        "date": date.today().isoformat(),
        "machine": {
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "system": platform.system(),
            "python": platform.python_version(),
        },
        "bytes": size,
        "seconds": {
            cache: {stage: [one[stage] for one in rounds] for stage in rounds[0]}
            for cache, rounds in found.items()
        },
        "total": {cache: [round(sum(one.values()), 1) for one in rounds] for cache, rounds in found.items()},
    }
    options.out.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    print(f"together {report['total']} s")


if __name__ == "__main__":
    main()
