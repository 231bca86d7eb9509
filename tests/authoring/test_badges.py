"""Colab, Kaggle, Binder, Codespaces: badges from one setting, and the files that these places read."""

import json
import os
import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import json5
import pytest
import yaml
from typer.testing import CliRunner

from course.__main__ import app
from course.authoring import badges, build
from tests import notebooks


@pytest.mark.parametrize("path", notebooks.RELEASES, ids=lambda p: p.stem)
def test_a_notebook_opens_itself_at_the_tag_whose_helpers_it_installs(path):
    nb = notebooks.read(path)
    here = f"blob/{badges.tag()}/notebooks/{path.parent.name}/{path.name})"
    assert f"https://colab.research.google.com/github/{badges.slug()}/{here}" in nb.cells[0].source
    assert f"https://kaggle.com/kernels/welcome?src={badges.repository()}/{here}" in nb.cells[0].source
    (setup,) = [c for c in nb.cells if "setup" in c.metadata.get("tags", [])]
    assert f'archive = "{badges.repository()}/archive/refs/tags/{badges.tag()}.zip"' in setup.source


def test_the_readme_opens_the_whole_course(root):
    readme = (root / "README.md").read_text("utf-8")
    first = build.start()
    assert badges.course_badges(first.parent.name, first.stem) in readme
    binder = re.search(r"\(https://mybinder\.org/v2/gh/([^)?]+)\?labpath=([^)]+)\)", readme)
    assert binder[1] == f"{badges.slug()}/{badges.tag()}"
    assert (root / unquote(binder[2])).exists()
    assert f"(https://codespaces.new/{badges.slug()}?quickstart=1)" in readme


def test_a_fork_changes_one_line(monkeypatch):
    project = badges.project() | {
        "urls": {"Repository": "https://github.com/ada/attention/"},
        "version": "2.0",
    }
    monkeypatch.setattr(badges, "project", lambda: project)
    solved = build.solutions()
    text = build.begin(solved) + build.readme_table(solved) + next(iter(solved.values())).cells[0].source
    text = text.split("\n\n# ")[0]  # what follows is the lesson's own
    addresses = re.findall(r"\]\((https://[^)]+(?<!\.svg))\)", text)  # pictures are nobody's
    assert len(addresses) == 2 + 2 * len(build.lessons()) + 2 + 2
    assert all("ada/attention" in address for address in addresses)
    assert all("v2.0" in address for address in addresses if ".ipynb" in address)


def test_it_begins_at_the_lesson_that_says_so(monkeypatch, tmp_path, root):
    assert badges.colab(build.start().parent.name, build.start().stem) in (root / "README.md").read_text(
        "utf-8"
    )
    monkeypatch.setattr(build, "ROOT", tmp_path)
    for name, about in {"1_a/x": "", "2_b/y": " order=2 start=true", "2_b/z": " order=1"}.items():
        lesson = tmp_path / "lessons" / f"{name}.py"
        lesson.parent.mkdir(parents=True, exist_ok=True)
        lesson.write_text(f"# %% [markdown]{about}\n")
    assert build.start().stem == "y"
    lesson.with_name("y.py").write_text("# %% [markdown]\n")
    assert build.start().stem == "x", "the first of the course"


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
    assert clone == f"git clone {badges.repository()}" and len(commands) == 2
    assert f"\n{clone} && cd " in (root / "README.md").read_text("utf-8")
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


# --- whether one click means this clone -----------------------------------------------------------


def git(folder: Path, *words: str) -> None:
    names = {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    subprocess.run(["git", *words], cwd=folder, env=kept | names, check=True, capture_output=True)


@pytest.fixture
def clone(tmp_path, monkeypatch, root):
    """A repository of ours with a release, whose badges lead to it."""
    folder = tmp_path.resolve() / "clone"
    folder.mkdir()
    (folder / "pyproject.toml").write_bytes((root / "pyproject.toml").read_bytes())
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "course")
    git(folder, "tag", badges.tag())
    git(folder, "remote", "add", "origin", f"{badges.repository()}.git")
    monkeypatch.setattr(badges, "ROOT", folder)
    return folder


@pytest.mark.parametrize(
    "origin",
    [
        "https://github.com/{}",
        "https://github.com/{}.git/",
        "https://me:secret@github.com/{}.git",
        "git@github.com:{}.git",
        "work:{}",  # an alias of somebody's ~/.ssh/config
        "ssh://git@github.com:22/{}.git",
        "/srv/git/course.git",
        "../course",
        "file:///srv/git/course.git",
        "C:\\git\\course",
    ],
)
def test_quiet_where_origin_is_this_repository_or_no_address(clone, origin):
    git(clone, "remote", "set-url", "origin", origin.format(badges.slug().upper()))
    assert badges.elsewhere() == []


@pytest.mark.parametrize(
    "origin",
    ["https://github.com/ada/attention.git", "git@github.com:ada/attention", "ssh://git@a.b/ada/attention/"],
)
def test_a_fork_is_told_to_name_itself(clone, origin):
    git(clone, "remote", "set-url", "origin", origin)
    (said,) = badges.elsewhere()
    assert f"name {badges.repository()}, but this clone's origin is ada/attention. " in said
    assert "set Repository in pyproject.toml" in said and said.endswith("make notebooks")


def test_a_tag_that_is_not_there_is_told_how_to_make_it(clone):
    git(clone, "tag", "--delete", badges.tag())
    (said,) = badges.elsewhere()
    assert said.endswith(f"git tag {badges.tag()} && git push origin {badges.tag()}")


def test_quiet_where_git_cannot_tell(clone, tmp_path, monkeypatch):
    git(clone, "tag", "--delete", badges.tag())
    git(tmp_path, "clone", "-q", "--depth=1", clone.as_uri(), "shallow")
    monkeypatch.setattr(badges, "ROOT", tmp_path.resolve() / "shallow")
    assert badges.elsewhere() == []
    git(clone, "remote", "set-url", "origin", "https://github.com/ada/attention")
    (clone / "within").mkdir()  # an unpacked archive in somebody's own repository
    (clone / "within" / "pyproject.toml").write_bytes((clone / "pyproject.toml").read_bytes())
    monkeypatch.setattr(badges, "ROOT", clone / "within")
    assert badges.elsewhere() == []
    monkeypatch.setattr(badges, "ROOT", clone)
    assert len(badges.elsewhere()) == 2
    monkeypatch.setenv("PATH", "")
    assert badges.elsewhere() == []


@pytest.mark.parametrize("how", [[], ["--check"]])
def test_make_notebooks_says_it_and_does_not_fail(monkeypatch, how):
    monkeypatch.setattr(build, "build", lambda: {})
    monkeypatch.setattr(build, "drift", lambda files: [])
    monkeypatch.setattr(badges, "elsewhere", lambda: ["They name another."])
    done = CliRunner().invoke(app, ["build", *how])
    assert done.exit_code == 0 and done.output == "0 files are up to date.\nThey name another.\n"
