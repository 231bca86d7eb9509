"""Figures say in words what they show, diagrams carry their alt text."""

import xml.etree.ElementTree as ET

import matplotlib
import numpy as np
import pytest
import torch

matplotlib.use("agg")

from helpers import show

DRAWINGS = sorted(show.DIAGRAMS.glob("*.svg"))


@pytest.fixture
def shown(monkeypatch):
    """HTML of what `display` was given, and its metadata."""
    import IPython.display

    seen = []
    monkeypatch.setattr(
        IPython.display, "display", lambda obj, metadata=None: seen.append((obj.data, metadata))
    )
    return seen


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda p: p.stem)
def test_every_drawing_says_what_it_shows(path, shown):
    root = ET.parse(path).getroot()
    assert len(root.findtext(f"{{{show.SVG}}}desc").split()) > 25
    show.diagram(path.stem)
    (html, metadata), = shown  # fmt: skip
    assert f'alt="{metadata["alt"][:20]}' in html
    assert "(b, " in path.read_text("utf-8") or "48" in path.read_text("utf-8"), "shapes stand on the arrows"


@pytest.mark.parametrize("question", [f"q{i}" for i in range(1, 8)])
def test_the_map_marks_where_you_are(question, shown):
    show.diagram("course_map", here=question)
    ((_, metadata),) = shown
    assert metadata["alt"].endswith(f"You are here: {question.upper()}.")


def test_diagram_names_what_there_is():
    with pytest.raises(ValueError, match="course_map"):
        show.diagram("map")
    with pytest.raises(ValueError, match="no group 'q9'"):
        show.diagram("course_map", here="q9")


@pytest.mark.parametrize(
    "draw",
    [
        lambda says: show.heatmap(torch.rand(3, 5, requires_grad=True), says),
        lambda says: show.curves({"a": torch.rand(4), "b": [1, 2, 3]}, says),
        lambda says: show.curves({"a": [1, 2]}, says, x=[3, 4]),
        lambda says: show.images(
            torch.randint(0, 256, (3, 3, 8, 8), dtype=torch.uint8), says, titles=["a", "b"]
        ),
        lambda says: show.images(np.random.rand(12, 1, 4, 4), says, columns=5),
        lambda says: show.patches(torch.rand(3, 8, 12), 4, says),
    ],
)
def test_figures_print_their_reading(draw, capsys, monkeypatch):
    import matplotlib.pyplot as plt

    monkeypatch.setattr(plt, "show", lambda: None)
    draw("the left one is brighter.")
    plt.gcf().canvas.draw()
    plt.close("all")
    assert capsys.readouterr().out == "What to see: the left one is brighter.\n"


def test_labels_of_words_in_one_place_do_not_cover_each_other():
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(5, 5))
    show.word_map(torch.zeros(6, 2), {"a": ["cat", "dog", "cow"], "b": ["rain", "snow", "fog"]}, "map", ax)
    figure.canvas.draw()
    boxes = [matplotlib.text.Text.get_window_extent(text) for text in ax.texts]  # without the leaders
    assert sorted(text.get_text() for text in ax.texts) == ["cat", "cow", "dog", "fog", "rain", "snow"]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert len({path.get_paths()[0].vertices.tobytes() for path in ax.collections}) == 2, "markers differ"
    plt.close("all")


def test_patches_that_do_not_fill_the_picture():
    with pytest.raises(ValueError, match="patches of 5 pixels do not fill a picture of 8 x 12 pixels"):
        show.patches(torch.rand(3, 8, 12), 5, "")
