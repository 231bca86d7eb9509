"""Figures say in words what they show, diagrams carry their alt text."""

import base64
import re
import xml.etree.ElementTree as ET

import matplotlib
import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup

matplotlib.use("agg")

from helpers import show
from helpers.figures import diagram, output, plots

DRAWINGS = sorted(diagram.DIAGRAMS.glob("*.svg"))


@pytest.fixture
def shown(monkeypatch):
    """Outputs as a notebook gets them: HTML, plain text, and what it reads."""
    import IPython.display

    seen = []
    monkeypatch.setattr(output, "shell", lambda: True)

    def display(data, raw, metadata):
        seen.append((data["text/html"], data["text/plain"], metadata.get("vit", {}).get("reading", "")))

    monkeypatch.setattr(IPython.display, "display", display)
    return seen


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda p: p.stem)
def test_every_drawing_says_what_it_shows(path, shown):
    root = ET.parse(path).getroot()
    assert len(root.findtext(f"{{{diagram.SVG}}}desc").split()) > 25
    show.diagram(path.stem)
    ((html, _, alt),) = shown
    assert f'alt="{alt[:20]}' in html
    assert "(b, " in path.read_text("utf-8") or "48" in path.read_text("utf-8"), "shapes stand on the arrows"


@pytest.mark.parametrize("question", [f"q{i}" for i in range(1, 8)])
def test_the_map_marks_where_you_are(question, shown):
    show.diagram("course_map", here=question)
    ((_, _, alt),) = shown
    assert alt.endswith(f"You are here: {question.upper()}.")


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda p: p.stem)
def test_a_drawing_takes_the_sizes_of_a_model(path, shown):
    """Written with the sizes that it was drawn for, it says what it says; with others it says those."""
    drawn = {"image": 32, "patch": 4, "D": 192, "blocks": "L", "heads": 3, "hidden": 768, "classes": 10}
    other = {"image": 224, "patch": 16, "D": 1024, "blocks": 24, "heads": 16, "hidden": 4096, "classes": 1000}
    show.diagram(path.stem)
    show.diagram(path.stem, sizes=drawn)
    show.diagram(path.stem, sizes=other)
    (_, _, plain), (_, _, same), (html, _, filled) = shown
    assert plain == same
    svg = base64.b64decode(BeautifulSoup(html, "html.parser").img["src"].split(",")[1]).decode()
    if "data-sizes" in path.read_text("utf-8"):
        assert "(b, 197, 1024)" in svg and "(b, 197, 1024)" in filled
        assert not re.search(r"\b(65|192)\b", re.sub(r"<desc.*?</desc>|<[^>]*>", " ", svg) + filled)
        assert "{" not in svg and "data-sizes" not in svg


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
        lambda says: show.matrices(
            {"a": torch.rand(2, 3), "b": torch.rand(3, 3)}, says, rows="xy", written=".1f", mark={"a": 1}
        ),
        lambda says: show.arrows({"a": (1.0, 2.0), "b": (0.0, -1.0)}, ["A", "B"], says),
        lambda says: show.curves({"a": [1, 2]}, says, x=[2, 4], log="xy"),
        lambda says: show.curves({"a": [1, 2, 1]}, says, smooth=True),
        lambda says: show.heatmaps({"a": torch.rand(2, 3), "b": torch.rand(4, 2)}, says, square=True),
        lambda says: show.bars([1.0, 3.0], says, names=["a", "b"], mark=1),
        lambda says: show.panels(
            torch.rand(3, 2, 4), says, titles=["a"], photo=torch.rand(3, 8, 16), mark=(1, 2)
        ),
        lambda says: show.panels(
            torch.rand(2, 2, 4), says, photo=torch.rand(3, 8, 16), mark=[(1, 2), (0, 0)], log=True
        ),
        lambda says: show.panels(torch.randn(2, 5, 5), says, own=True, axes=("key", "query")),
        lambda says: show.dots(torch.rand(4, 3), says, level=0.5, name="even"),
    ],
)
def test_figures_print_their_reading(draw, capsys, monkeypatch):
    import matplotlib.pyplot as plt

    monkeypatch.setattr(plt, "show", lambda: None)
    draw("the left one is brighter.")
    plt.gcf().canvas.draw()
    plt.close("all")
    assert capsys.readouterr().out == "What to see: the left one is brighter.\n"


def test_a_figure_in_a_notebook_has_alt_text_and_caption(tmp_path):
    from nbformat import v4

    from course.authoring.figures import run

    source = "from helpers import show\nshow.heatmap([[1, 2], [3, 4]], 'it grows.', title='a', xlabel='key', ylabel='query')"
    nb = v4.new_notebook(cells=[v4.new_code_cell(source)])
    run(nb)
    (found,) = nb.cells[0].outputs
    page = BeautifulSoup(found.data["text/html"], "html.parser")
    assert page.figure.img["alt"] == "A figure. a. across: key, up: query."
    assert page.figure.img["src"].startswith("data:image/png;base64,iVBOR")
    assert page.figure.figcaption.get_text() == found.data["text/plain"] == "What to see: it grows."
    assert found.metadata.vit.reading == "it grows."


def test_sentences_and_tables_are_html_in_notebooks_and_lines_elsewhere(shown, monkeypatch, capsys):
    def both():
        show.text("`x` is 3 < 4.")
        show.table([("conv", "1,024"), ("all of it", "7")], ("layer", "numbers"), says="most is in one.")

    both()
    (line, *_), (table, _, reading) = shown
    assert line == '<p style="max-width:60em;overflow-wrap:anywhere"><code>x</code> is 3 &lt; 4.</p>'
    page = BeautifulSoup(table, "html.parser")
    assert [cell.get_text() for cell in page.find_all("th")] == ["layer", "numbers", "conv", "all of it"]
    assert page.td["style"] == "text-align:right;white-space:nowrap" and reading == "most is in one."
    monkeypatch.setattr(output, "shell", lambda: None)
    both()
    lines = [
        "`x` is 3 < 4.",
        "layer      numbers",
        "conv         1,024",
        "all of it        7",
        "What to see: most is in one.",
    ]
    assert capsys.readouterr().out.splitlines() == lines


def test_no_line_breaks_within_a_number_a_shape_or_an_arrow(shown):
    show.text("It is 3.6e-07: `a b -> b a`.")
    show.table([("(8, 65, 192)", "the tokens, with the class token in front")])
    (line, *_), (table, *_) = shown
    whole = BeautifulSoup(line, "html.parser").find_all("span", style="white-space:nowrap")
    assert [span.get_text() for span in whole] == ["3.6e-07", "->"]
    shape, long = BeautifulSoup(table, "html.parser").find("tr").find_all(True)
    assert "nowrap" in shape["style"] and "min-width" in long["style"]


@pytest.mark.parametrize(
    ("prediction", "result", "said"),
    [
        (..., (2, 3), "It is `(2, 3)`. You have written down no prediction"),
        ((2, 3), torch.Size([2, 3]), "✓ As you predicted: `(2, 3)`."),
        ([2, 3], (2, 3), "✓"),
        ("Yes ", "yes", "✓"),
        (1, 0.9999, "✓"),
        ("0.5", 0.6, "You predicted `0.5`, and it is `0.6`."),
        ([0, 1.0], (0.0, 1), "✓"),
        ((3, 2), (2, 3), "You predicted `(3, 2)`, and it is `(2, 3)`."),
    ],
)
def test_a_prediction_is_compared(prediction, result, said, capsys):
    show.compare(prediction, result)
    assert capsys.readouterr().out.startswith(said)


def test_labels_of_words_in_one_place_do_not_cover_each_other(monkeypatch):
    import matplotlib.pyplot as plt

    monkeypatch.setattr(plt, "show", lambda: None)
    groups = {"a": ["cat", "dog", "cow"], "b": ["rain", "snow", "fog"]}
    show.word_maps({"map": torch.zeros(6, 2)}, groups, "they lie in one place.")
    figure = plt.gcf()
    figure.canvas.draw()
    ax = figure.axes[0]
    boxes = [matplotlib.text.Text.get_window_extent(text) for text in ax.texts]  # without the leaders
    assert sorted(text.get_text() for text in ax.texts) == ["cat", "cow", "dog", "fog", "rain", "snow"]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert len({path.get_paths()[0].vertices.tobytes() for path in ax.collections}) == 2, "markers differ"
    plt.close("all")


def test_patches_that_do_not_fill_the_picture():
    with pytest.raises(ValueError, match="patches of 5 pixels do not fill a picture of 8 x 12 pixels"):
        show.patches(torch.rand(3, 8, 12), 5, "")


def test_many_small_pictures_say_what_to_see(capsys):
    pictures, maps = np.random.rand(3, 3, 8, 8), np.random.rand(3, 4, 4)
    show.below(pictures, maps, "each has its map.", titles=["a", "b", "c"])
    show.layers({"one": maps, "two": maps[:, :2, :2]}, "two layers.", photo=pictures[0])
    show.mosaics({"before": np.random.rand(2, 3, 2, 3), "after": np.zeros((2, 3, 2, 3))}, "two panels.")
    said = capsys.readouterr().out
    assert [line.removeprefix("What to see: ") for line in said.splitlines()] == [
        "each has its map.", "two layers.", "two panels."
    ]  # fmt: skip


def test_a_line_looks_the_same_in_every_figure(monkeypatch):
    import matplotlib.pyplot as plt

    plt.close("all")
    drawn = []
    monkeypatch.setattr(plots, "finish", lambda says: drawn.append(plt.gcf().axes[0].lines))
    show.curves({"b": [1, 2]}, "", looks={"b": 1}, level={"guessing": 0.1}, point={"best": (1, 2)})
    show.curves({"a": [1, 2], "b": [3, 4]}, "", x={"a": [0, 1], "b": [0, 5]})
    assert drawn[0][0].get_color() == drawn[1][1].get_color()
    assert [line.get_label() for line in drawn[0]] == ["b", "guessing", "best"]
    assert list(drawn[1][1].get_xdata()) == [0, 5]
    plt.close("all")
