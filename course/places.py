"""Where the course opens with nothing installed: Colab, Kaggle, Binder, Codespaces.

Every address comes from two lines of pyproject.toml, `Repository` and `version`. Badges and the setup cell name
the tag `v<version>` and never a branch: a notebook that a student opened in March finds the helpers of March.
"""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import quote

if sys.version_info < (3, 11):
    import tomli as tomllib
else:
    import tomllib

ROOT = Path(__file__).resolve().parent.parent
FIRST = "notebooks/2_build_a_vit/q1_positional_encoding.ipynb"  # what Binder opens

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


def archive() -> str:
    """The one file from which the setup cell installs `helpers`."""
    return f"{repository()}/archive/refs/tags/{tag()}.zip"


def _badge(place: str, image: str, address: str) -> str:
    return f"[![Open in {place}]({image})]({address})"


def notebook_badges(part: str, name: str) -> str:
    """Markdown: open `notebooks/<part>/<name>.ipynb` in Colab or in Kaggle."""
    path = f"blob/{tag()}/notebooks/{part}/{name}.ipynb"
    return " ".join(
        (
            _badge("Colab", f"{COLAB}/assets/colab-badge.svg", f"{COLAB}/github/{slug()}/{path}"),
            _badge(
                "Kaggle",
                f"{KAGGLE}/static/images/open-in-kaggle.svg",
                f"{KAGGLE}/kernels/welcome?src={repository()}/{path}",
            ),
        )
    )


def course_badges() -> str:
    """Markdown: open the whole course in Binder or in a codespace."""
    lab = f"{BINDER}/v2/gh/{slug()}/{tag()}?labpath={quote(FIRST, safe='')}"
    return " ".join(
        (
            _badge("Binder", f"{BINDER}/badge_logo.svg", lab),
            _badge(
                "Codespaces",
                "https://github.com/codespaces/badge.svg",
                f"{CODESPACES}/{slug()}?quickstart=1",  # a codespace lives on a branch, so no tag here
            ),
        )
    )
