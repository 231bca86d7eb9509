"""One version: pyproject.toml, CITATION.cff, CHANGELOG.md, and the tag that badges and setup cells name."""

import re

import yaml

from course.authoring import badges


def test_the_version_is_the_same_wherever_it_stands(root):
    version = badges.project()["version"]
    cited = yaml.safe_load((root / "CITATION.cff").read_text("utf-8"))
    assert cited["version"] == version and cited["repository-code"] == badges.repository()
    headings = re.findall(r"^## (\S+)", (root / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[0] == version and badges.tag() == f"v{version}"
    assert f"/{badges.tag()}/" in (root / "README.md").read_text("utf-8")


def test_who_finds_a_hole_tells_it_in_private(root):
    assert f"{badges.repository()}/security/advisories/new" in (root / "SECURITY.md").read_text("utf-8")
