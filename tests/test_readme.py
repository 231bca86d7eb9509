"""What the README promises exists: its commands, its links, its badges."""

import re
import subprocess

import pytest

from course import build


@pytest.fixture(scope="module")
def readme(root):
    return (root / "README.md").read_text("utf-8")


def targets(root):
    return set(re.findall(r"^([a-z]+):", (root / "Makefile").read_text(), re.MULTILINE))


def test_every_make_command_exists(readme, root):
    named = set(re.findall(r"make ([a-z]+)", readme))
    assert {"lab", "test", "demo", "notebooks", "check"} <= named
    assert named <= targets(root)


def test_every_target_is_in_make_help(root):
    said = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=root, capture_output=True, text=True
    ).stdout
    assert {line.split()[1] for line in said.splitlines()} == targets(root)


def test_every_python_command_exists(readme, root):
    known = set(re.findall(r"@app\.command\(\)\ndef (\w+)", (root / "course" / "__main__.py").read_text()))
    assert set(re.findall(r"python -m course (\w+)", readme)) <= known


def test_every_local_link_leads_somewhere(readme, root):
    links = re.findall(r"\]\(([^)#]+)\)", readme) + re.findall(r'(?:src|href)="([^"#]+)"', readme)
    local = [link for link in links if "://" not in link]
    assert local
    assert [link for link in local if not (root / link).exists()] == []


def test_pictures_have_alt_text(readme):
    assert re.findall(r"!\[\]\(", readme) == []
    assert [tag for tag in re.findall(r"<img[^>]*>", readme) if not re.search(r'alt="[^"]{20,}"', tag)] == []


def test_the_table_is_what_the_lessons_give(readme):
    assert build.readme_table() in readme


def test_grading_is_named_as_linux_only(readme):
    assert re.search(r"grading needs Linux", readme, re.IGNORECASE)
