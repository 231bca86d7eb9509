"""What is shown can be read without being seen: alt texts, a reading for every figure, even colour maps."""

import inspect
import re

import nbformat
import pytest
from bs4 import BeautifulSoup

from helpers import show
from tests import notebooks
from tests.notebooks import ROOT

EVEN = {"viridis", "cividis", "gray"}  # perceptually even, and told apart by colour-blind readers
MARKDOWN = re.compile(r"!\[([^\]]*)\]\(([^)]*)\)")
LESSONS = sorted((ROOT / "lessons").glob("*/*.py"))
DOCUMENTS = sorted(path for folder in (".", "docs", "data") for path in (ROOT / folder).glob("*.md"))
FILES = [*LESSONS, *DOCUMENTS]


def prose(path):
    """The text that people read: of a lesson its markdown cells, of a document all but its code."""
    if path.suffix == ".py":
        lines = path.read_text("utf-8").split("# %%")
        return "\n".join(
            re.sub("^# ?", "", cell, flags=re.M) for cell in lines if cell.startswith(" [markdown]")
        )
    return re.sub(r"```.*?```|`[^`\n]*`", "", path.read_text("utf-8"), flags=re.DOTALL)


def images(text: str) -> list[tuple[str, str]]:
    """(alt text, source) of every picture, in markdown or in HTML."""
    tags = BeautifulSoup(text, "html.parser").find_all(["img", "svg"])
    html = [(tag.get("alt") or tag.get("aria-label") or "", tag.get("src", "svg")) for tag in tags]
    return MARKDOWN.findall(text) + html


def unsaid(alt: str) -> bool:
    """Whether an alt text says too little: fewer than three words, or a file's name."""
    return len(alt.split()) < 3 or re.search(r"\.(png|svg|jpe?g|gif)\b", alt, re.I) is not None


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("![a photo of a temple](x.png)", 0),
        ("![](x.png)", 1),
        ("![photo](x.png)", 1),
        ("![the file photo.png here](x.png)", 1),
        ('<img src="x.png" alt="a photo of a temple">', 0),
        ('<img src="x.png">', 1),
        ("<svg><path d='M0 0'/></svg>", 1),
        ('<svg aria-label="a red line going up"></svg>', 0),
        ("no picture at all", 0),
    ],
)
def test_the_test_finds_pictures_that_say_nothing(text, wrong):
    assert len([alt for alt, _ in images(text) if unsaid(alt)]) == wrong


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_picture_in_lessons_and_documents_says_what_it_shows(path):
    assert [(alt, source) for alt, source in images(prose(path)) if unsaid(alt)] == []


def test_there_are_pictures_to_test():
    assert sum(len(images(prose(path))) for path in FILES) > 0


@pytest.mark.parametrize("path", notebooks.SOLUTIONS, ids=lambda p: p.stem)
def test_every_picture_in_a_notebook_says_what_it_shows(path):
    cells = nbformat.read(path, as_version=4).cells
    found = [image for cell in cells if cell.cell_type == "markdown" for image in images(cell.source)]
    assert [image for image in found if unsaid(image[0])] == []
    for cell in cells:
        assert "plt.show()" not in cell.source, (
            f"show.finish(says) shows a figure with what it says:\n{cell.source}"
        )


def test_every_function_that_makes_a_figure_says_what_to_see():
    drawing = {
        name: function
        for name, function in vars(show).items()
        if inspect.isfunction(function) and "finish(says)" in inspect.getsource(function)
    }
    assert {"bars", "curves", "heatmap", "images", "panels", "patches"} <= drawing.keys()
    for name, function in drawing.items():
        assert inspect.signature(function).parameters["says"].default is inspect.Parameter.empty, name


def test_no_rainbow_and_no_map_that_colour_blind_readers_lose():
    named = {
        match
        for path in [*LESSONS, *(ROOT / "helpers").rglob("*.py")]
        for match in re.findall(r"cmap(?:: str)?\s*=\s*[\"'](\w+)[\"']|cm\.(\w+)", path.read_text("utf-8"))
    }
    used = {a or b for a, b in named}
    assert "viridis" in used
    assert used <= EVEN
