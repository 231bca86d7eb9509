"""JupyterLab as `make lab` starts it, on a copy of the course, and what a person does in it.

Used by tests/lessons/test_browser_lab.py and benchmarks/first_minutes.py.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import requests

from course.base.paths import ROOT

SECONDS = 120  # until something counts as stuck


def copy_course(there: Path) -> Path:
    """The tree as git knows it, changes included, without what it ignores."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():  # not deleted
            (there / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, there / name)
    return there


def at_home(home: Path) -> dict[str, str]:
    """The environment of a person whose home folder is `home`: nothing of Jupyter's comes from this machine's user."""
    home.mkdir(parents=True, exist_ok=True)
    return {
        **os.environ,
        "HOME": str(home),
        "USERPROFILE": str(home),  # Windows
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "share"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
    }


@dataclass
class Lab:
    """A running JupyterLab; `url` ends in a slash."""

    url: str
    token: str
    start: str  # the page that `make lab` opens in a person's browser
    log: Path
    course: Path
    env: dict[str, str]

    def address(self, path: str = "") -> str:
        """JupyterLab without the tabs of an earlier visit, showing a file of the course if one is given."""
        return f"{self.url}lab{'/tree/' * bool(path)}{path}?reset&token={self.token}"

    def run(self, *words: str) -> str:
        """What `python -m ...` prints, run in the course as this person."""
        done = subprocess.run(
            [sys.executable, "-m", *words], cwd=self.course, env=self.env, capture_output=True, text=True
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"python -m {' '.join(words)} ended with {done.returncode}:\n{said}"
        return said


@contextmanager
def jupyterlab(course: Path, env: dict[str, str], *flags: str):
    """A Lab on `course`, started by `make lab`, until the block ends; its kernels end with it.

    Args:
        flags: of make.

    Raises:
        RuntimeError: if it does not start within two minutes; with what it said.
    """
    log, runtime = Path(env["HOME"]) / "lab.log", Path(env["JUPYTER_RUNTIME_DIR"])
    command = ["make", "--silent", *flags, "lab"]
    with log.open("w") as output:
        # BROWSER: what it calls to open one
        process = subprocess.Popen(
            command, cwd=course, env={**env, "BROWSER": "true"}, stdout=output, stderr=subprocess.STDOUT
        )
    lab = None
    try:
        deadline = time.monotonic() + SECONDS
        # written last, when the server listens; like a person's own server it takes the first free port from 8888
        while not (start := list(runtime.glob("jpserver-*-open.html"))):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"JupyterLab did not start; its log:\n{tail(log)}")
            time.sleep(0.1)
        about = json.loads(next(runtime.glob("jpserver-*.json")).read_text())
        lab = Lab(about["url"], about["token"], start[0].as_uri(), log, course, env)
        yield lab
    finally:
        if lab:
            with suppress(requests.RequestException):
                headers = {"Authorization": f"token {lab.token}"}
                requests.post(f"{lab.url}api/shutdown", headers=headers, timeout=SECONDS)
        else:
            process.terminate()
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def tail(log: Path, lines: int = 40) -> str:
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-lines:])


class Story:
    """Steps of one person in one browser window; after each a numbered screenshot is left in `folder`."""

    def __init__(self, page, lab: Lab, folder: Path) -> None:
        self.page, self.lab, self.folder, self.number = page, lab, folder, 0
        folder.mkdir(parents=True, exist_ok=True)
        # JupyterLab asks this of everybody once, in the corner where formgrader has its buttons
        page.add_locator_handler(
            page.get_by_text("Would you like to get notified about official Jupyter news?"),
            lambda: page.get_by_role("button", name="No", exact=True).click(),
        )

    @contextmanager
    def step(self, name: str):
        """One step, named in a few words; if it fails, the message says where the screenshot is and what the server logged."""
        self.number += 1
        shot = self.folder / f"{self.number:02}-{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.png"
        try:
            yield
        except Exception as error:
            shot = shot.with_stem(f"{shot.stem}-failed")
            with suppress(Exception):
                self.page.screenshot(path=shot)
            where = f"Step {self.number}, {name}. Screenshot: {shot}\nThe server's log:\n{tail(self.lab.log)}"
            raise AssertionError(f"{error}\n{where}") from error
        self.page.screenshot(path=shot)

    def menu(self, *labels: str) -> None:
        """Choose from JupyterLab's menu bar, for example `menu("File", "Download")`."""
        self.page.locator(".lm-MenuBar-item", has_text=re.compile(f"^{labels[0]}$")).click()
        for label in labels[1:]:
            self.page.locator(".lm-Menu-item:visible", has_text=re.compile(f"^{label}")).first.click()


class OpenNotebook:
    """The notebook that lies open in JupyterLab; cells are named by a text in their source."""

    def __init__(self, page) -> None:
        self.page = page

    def cell(self, text: str):
        return self.page.locator(".jp-CodeCell").filter(has=self.page.locator(".jp-InputArea", has_text=text))

    def output(self, text: str):
        """The output of a cell."""
        return self.cell(text).locator(".jp-Cell-outputArea")

    def ready(self) -> None:
        """Wait until the kernel has started and has nothing to do."""
        self.page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()

    def run(self, text: str) -> None:
        """Click into a cell and press Shift+Enter."""
        self.cell(text).locator(".cm-content").click()
        self.page.keyboard.press("Shift+Enter")

    def run_from_the_top(self, text: str) -> None:
        """Press Shift+Enter on the first cell, and again on each that follows, that with the text included."""
        cells = self.page.locator(".jp-Notebook .jp-Cell")
        last = cells.evaluate_all("(cells, last) => cells.indexOf(last)", self.cell(text).element_handle())
        cells.first.locator(".jp-InputPrompt").click()
        for _ in range(last + 1):
            self.page.keyboard.press("Shift+Enter")

    def write(self, text: str, left: str, right: str) -> None:
        """Make the line `left = ...` of a cell `left = right`, by keyboard."""
        line = self.cell(text).locator(".cm-line", has_text=f"{left} =")
        line.click()
        self.page.keyboard.press("End")
        self.page.keyboard.press("Shift+Home")  # back to the indentation
        self.page.keyboard.type(f"{left} = {right}")

    def new_cell_below(self, text: str, source: str) -> None:
        """Insert a cell below another one, with the keyboard as JupyterLab teaches it (Escape, B, Enter), and run it."""
        self.cell(text).locator(".cm-content").click()
        for key in ("Escape", "b", "Enter"):
            self.page.keyboard.press(key)
        self.page.keyboard.type(source)
        self.page.keyboard.press("Shift+Enter")
