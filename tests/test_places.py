"""Colab, Kaggle, Binder, Codespaces: badges from one setting, and the files that these places read."""

import json
import re
from urllib.parse import unquote

import json5
import pytest
import yaml

from course import build, places
from tests import notebooks


@pytest.mark.parametrize("path", notebooks.RELEASES, ids=lambda p: p.stem)
def test_a_notebook_opens_itself_at_the_tag_whose_helpers_it_installs(path):
    nb = notebooks.read(path)
    here = f"blob/{places.tag()}/notebooks/{path.parent.name}/{path.name})"
    assert f"https://colab.research.google.com/github/{places.slug()}/{here}" in nb.cells[0].source
    assert f"https://kaggle.com/kernels/welcome?src={places.repository()}/{here}" in nb.cells[0].source
    (setup,) = [c for c in nb.cells if "setup" in c.metadata.get("tags", [])]
    assert f'archive = "{places.repository()}/archive/refs/tags/{places.tag()}.zip"' in setup.source


def test_the_readme_opens_the_whole_course(root):
    readme = (root / "README.md").read_text("utf-8")
    assert places.course_badges() in readme
    binder = re.search(r"\(https://mybinder\.org/v2/gh/([^)?]+)\?labpath=([^)]+)\)", readme)
    assert binder[1] == f"{places.slug()}/{places.tag()}"
    assert (root / unquote(binder[2])).exists()
    assert f"(https://codespaces.new/{places.slug()}?quickstart=1)" in readme


def test_a_fork_changes_one_line(monkeypatch):
    project = places.project() | {
        "urls": {"Repository": "https://github.com/ada/attention/"},
        "version": "2.0",
    }
    monkeypatch.setattr(places, "project", lambda: project)
    text = build.readme_table() + build.solution(build.lessons()[0]).cells[0].source
    addresses = re.findall(r"\.svg\)\]\((https://[^)]+)\)", text)
    assert len(addresses) == 2 * len(build.lessons()) + 2 + 2
    assert all("ada/attention" in address for address in addresses)
    assert all("v2.0" in address for address in addresses if not address.startswith(places.CODESPACES))


@pytest.mark.parametrize("path", notebooks.RELEASES, ids=lambda p: p.stem)
def test_nothing_needs_widgets(path, root):
    """Colab has ipywidgets 7, Binder 8; widget state in a file makes GitHub refuse to show it."""
    nb = notebooks.read(path)
    assert "widgets" not in nb.metadata
    code = "\n".join(c.source for c in nb.cells if c.cell_type == "code")
    assert not re.search(
        r"ipywidgets|tqdm\.(auto|notebook)|interact\(|%matplotlib (widget|notebook)|%load_ext", code
    )


def test_helpers_need_no_widgets(root):
    code = "\n".join(path.read_text("utf-8") for path in (root / "helpers").rglob("*.py"))
    assert not re.search(r"ipywidgets|tqdm\.(auto|notebook)", code)


def test_binder_builds_the_course_from_environment_yml(root):
    """repo2docker takes .binder/ before binder/ before the root; here the root's environment.yml is all that it needs."""
    assert not (root / ".binder").exists() and not (root / "binder").exists()
    environment = yaml.safe_load((root / "environment.yml").read_text("utf-8"))
    assert environment["channels"] == ["conda-forge"]
    plain = [d for d in environment["dependencies"] if isinstance(d, str)]
    assert {"pytorch", "torchvision", "pip"} <= set(plain), "pip's PyTorch is too large for Binder"
    (pip,) = [d["pip"] for d in environment["dependencies"] if isinstance(d, dict)]
    assert pip == ["-e .[lab]"]


def test_the_workflow_runs_the_students_commands_for_windows(root):
    text = (root / "docs" / "students.md").read_text("utf-8")
    clone, _, *commands = re.search(r"### Windows\n.*?```text\n(.*?)```", text, re.DOTALL)[1].splitlines()
    assert clone == f"git clone {places.repository()}" and len(commands) == 2
    workflow = (root / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    runs = [step.get("run", "") for step in yaml.safe_load(workflow)["jobs"]["windows"]["steps"]]
    for command in commands:
        assert any(run.startswith(command) for run in runs), command


def test_the_codespace_sets_itself_up(root):
    text = (root / ".devcontainer" / "devcontainer.json").read_text("utf-8")
    settings = json5.loads(text)
    assert re.fullmatch(r"mcr\.microsoft\.com/devcontainers/python:3\.1[0-9]", settings["image"])
    assert settings["postCreateCommand"] == "make setup"
    assert "--privileged" in settings["runArgs"]
    python = settings["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert python.endswith("/.venv/bin/python")
    # comments are allowed in this file, trailing commas are not
    json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))
