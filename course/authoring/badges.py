"""Where the course opens with nothing installed: Colab, Kaggle, Binder, Codespaces.

Every address comes from two lines of pyproject.toml, `Repository` and `version`. Badges and the setup cell name
the tag `v<version>` and never a branch: a notebook that a student opened in March finds the helpers of March.
"""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

from course.base.paths import ROOT

if sys.version_info < (3, 11):
    import tomli as tomllib
else:
    import tomllib

COLAB = "https://colab.research.google.com"
KAGGLE = "https://kaggle.com"
BINDER = "https://mybinder.org"
CODESPACES = "https://codespaces.new"


def project() -> dict:
    """The [project] table of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def repository() -> str:
    """The one repository setting, "https://github.com/OWNER/NAME"."""
    return project()["urls"]["Repository"].rstrip("/")


def slug() -> str:
    """ "OWNER/NAME"."""
    return repository().removeprefix("https://github.com/")


def tag() -> str:
    """The release that badges and setup cells point at, e.g. "v0.1.0"."""
    return f"v{project()['version']}"


def elsewhere() -> list[str]:
    """Why one click leads somewhere else than to this clone, a sentence each with what mends it; empty if it does not.

    Only a git clone can tell, and of its origin only a hosted address, not a folder. What has no tag at hand because
    it is shallow says nothing about tags.
    """
    if not (top := _git("rev-parse", "--show-toplevel")) or Path(top) != ROOT:
        return []
    found = []
    origin = _git("remote", "get-url", "origin")
    if (ours := _hosted(origin)) and ours.lower() != _hosted(repository()).lower():
        found.append(
            f"Badges and setup cells name {repository()}, but this clone's origin is {ours}. If it is a course of its "
            "own, set Repository in pyproject.toml to its address, then: make notebooks"
        )
    if _git("rev-parse", "--is-shallow-repository") == "false" and not _git("tag", "--list", tag()):
        found.append(
            f"Badges and setup cells name the tag {tag()}, which this clone does not have. When all is committed: "
            f"git tag {tag()} && git push origin {tag()}"
        )
    return found


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, errors="replace")
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _hosted(address: str) -> str:
    """ "OWNER/NAME" of https://host/OWNER/NAME.git, ssh://git@host/OWNER/NAME or git@host:OWNER/NAME; else ""."""
    found = re.fullmatch(r"(?:(?:https?|ssh|git)://[^/]+/|[^/:]{2,}:(?!/))(.+?)(?:\.git)?/*", address)
    return found[1] if found else ""


def archive() -> str:
    """The one file from which the setup cell installs `helpers`."""
    return f"{repository()}/archive/refs/tags/{tag()}.zip"


def _badge(place: str, image: str, address: str) -> str:
    return f"[![Open in {place}]({image})]({address})"


def colab(part: str, name: str) -> str:
    """Address that opens `notebooks/<part>/<name>.ipynb` in Colab."""
    return f"{COLAB}/github/{slug()}/{_released(part, name)}"


def kaggle(part: str, name: str) -> str:
    """Address that opens it in Kaggle."""
    return f"{KAGGLE}/kernels/welcome?src={repository()}/{_released(part, name)}"


def _released(part: str, name: str) -> str:
    return f"blob/{tag()}/notebooks/{part}/{name}.ipynb"


def notebook_badges(part: str, name: str) -> str:
    """Markdown for the top of a notebook: open it in Colab or in Kaggle."""
    pictured = _badge("Kaggle", f"{KAGGLE}/static/images/open-in-kaggle.svg", kaggle(part, name))
    return f"{colab_badge(part, name)} {pictured}"


def notebook_links(part: str, name: str) -> str:
    """The same as words, for a table: a picture in one has no width on a phone."""
    return f"[Colab]({colab(part, name)}) · [Kaggle]({kaggle(part, name)})"


def colab_badge(part: str, name: str) -> str:
    """Markdown: the button that opens a notebook in Colab."""
    return _badge("Colab", f"{COLAB}/assets/colab-badge.svg", colab(part, name))


def front_badges(part: str, name: str) -> str:
    """Markdown for the top of the README: the notebook to begin with, whether the tests pass, the licences."""
    workflow = f"{repository()}/actions/workflows/ci.yml"
    tests = f"[![Do the tests pass?]({workflow}/badge.svg)]({workflow})"
    return f"{colab_badge(part, name)} {tests} [Code: MIT, text: CC BY 4.0](LICENSE)"


def course_badges(part: str, name: str) -> str:
    """Markdown: open the whole course in Binder, at one of its notebooks, or in a codespace."""
    lab = f"{BINDER}/v2/gh/{slug()}/{tag()}?labpath={quote(f'notebooks/{part}/{name}.ipynb', safe='')}"
    place = f"{CODESPACES}/{slug()}?quickstart=1"  # a codespace lives on a branch, so no tag here
    codespaces = _badge("Codespaces", "https://github.com/codespaces/badge.svg", place)
    return f"{_badge('Binder', f'{BINDER}/badge_logo.svg', lab)} {codespaces}"
