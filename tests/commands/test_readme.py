"""What the README and the guides promise exists: their commands, their links, the README's badges."""

import re
import subprocess
import sys
from types import ModuleType

import pytest
import torch

from course.authoring import build
from helpers.checks.judge import judge
from helpers.checks.observe import State, observe
from tests import notebooks

GUIDES = [
    build.ROOT / "README.md",
    build.ROOT / "CONTRIBUTING.md",
    build.ROOT / "SECURITY.md",
    *sorted((build.ROOT / "docs").glob("*.md")),
]


@pytest.fixture(scope="module")
def readme(root):
    return (root / "README.md").read_text("utf-8")


@pytest.fixture(params=GUIDES, ids=lambda path: path.name)
def guide(request):
    return request.param


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


def test_every_command_exists(guide, root):
    text = guide.read_text("utf-8")
    known = set(
        re.findall(
            r"@app\.command\((?:\"\w+\")?\)\ndef (\w+?)_?\(", (root / "course" / "__main__.py").read_text()
        )
    )
    assert set(re.findall(r"python -m course (\w+)", text)) <= known
    assert set(re.findall(r"(?:`|&& |^)make ([a-z]+)", text, re.MULTILINE)) <= targets(root)
    assert set(re.findall(r"nbgrader ([a-z]+_[a-z]+)", text)) <= {
        "generate_assignment", "release_assignment", "fetch_assignment", "generate_feedback", "release_feedback",
    }  # fmt: skip


def headings(path):
    """Anchors that GitHub gives to the headings of a file."""
    titles = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_local_link_leads_somewhere(guide):
    text = re.sub(r"```.*?```", "", guide.read_text("utf-8"), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    for link in [link for link in links if "://" not in link]:
        path, _, anchor = link.partition("#")
        target = guide.parent / path if path else guide
        assert target.exists(), link
        assert not anchor or anchor in headings(target), link


def test_pictures_have_alt_text(readme):
    assert re.findall(r"!\[\]\(", readme) == []
    assert [tag for tag in re.findall(r"<img[^>]*>", readme) if not re.search(r'alt="[^"]{20,}"', tag)] == []


def test_the_table_is_what_the_lessons_give(readme):
    assert build.readme_table(build.solutions()) in readme


def test_grading_is_named_as_linux_only(readme):
    assert re.search(r"grading needs Linux", readme, re.IGNORECASE)


@pytest.fixture
def example(root) -> list[str]:
    """What docs/add-a-lesson.md prints: lesson, observer, exercise, answers."""
    return re.findall(
        r"```python\n(.*?)```", (root / "docs" / "add-a-lesson.md").read_text("utf-8"), re.DOTALL
    )


def test_the_example_of_a_lesson_passes_ruff_as_it_is_printed(root, example):
    places = ("lessons/new", "helpers/observers", "helpers/exercises", "tests/answers")
    for name, block in zip((f"{place}/layer_norm.py" for place in places), example, strict=True):
        for command in (["check"], ["format", "--diff"]):
            done = subprocess.run(
                ["ruff", *command, "--stdin-filename", name, "-"],
                input=block,
                cwd=root,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stdout + done.stderr


def test_the_example_of_a_lesson_judges_its_answers(example, monkeypatch):
    lesson, *others = example
    made = {}
    for name, text in zip(("helpers.observers.layer_norm", "exercise", "answers"), others, strict=True):
        made[name] = ModuleType(name)
        monkeypatch.setitem(sys.modules, name, made[name])
        exec(text, vars(made[name]))
    exercise, answers = made["exercise"].exercise, made["answers"]
    (answer,) = re.findall(r"^def layer_norm.*?^    return y$", lesson, re.MULTILINE | re.DOTALL)

    def verdict(change):
        space = {"torch": torch}
        exec(notebooks.apply(answer, change), space)
        cases = exercise.cases(0)
        return judge(exercise, cases, observe(exercise.observer, space["layer_norm"], cases, space))

    for change in ({}, *answers.RIGHT):
        assert verdict(change).state is State.CORRECT
    for mistake, change in answers.WRONG:
        assert verdict(change).misconceptions == (mistake,)
