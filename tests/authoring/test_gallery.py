"""The README's gallery: its figures are still in the solutions, small, and described."""

import io
import re

import numpy as np
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from course.authoring import gallery
from tests import notebooks
from tests.notebooks import ROOT

README = (ROOT / "README.md").read_text("utf-8")
BLOCK = gallery.BLOCK.search(README)


def png(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, "png")
    return file.getvalue()


NOISE = np.random.default_rng(0).integers(0, 256, (300, 900, 3), dtype=np.uint8)


@pytest.mark.parametrize("figure", gallery.FIGURES, ids=gallery.name)
def test_a_figure_is_still_in_its_solution(figure):
    nb = notebooks.read(ROOT / "solutions" / f"{figure.notebook}.ipynb")
    assert gallery.cell_of(nb, figure)
    assert figure.title in nb.cells[0].source


def test_a_figure_that_has_gone_is_named():
    nb = notebooks.read(notebooks.SOLUTIONS[0])
    figure = gallery.Figure("part/name", "no such text", "", "", "")
    with pytest.raises(gallery.PictureError, match="'no such text' is in 0 cells of part/name"):
        gallery.cell_of(nb, figure)


def test_the_readme_shows_what_is_there_and_says_what_it_shows():
    shown = BeautifulSoup(BLOCK[0], "html.parser").find_all("img")
    assert [tag["src"] for tag in shown] == [f"docs/pictures/{gallery.name(f)}" for f in gallery.FIGURES]
    for tag, figure in zip(shown, gallery.FIGURES, strict=True):
        assert tag["alt"].startswith(figure.shows)
    files = sorted(gallery.FOLDER.iterdir())
    assert [path.name for path in files] == sorted(map(gallery.name, gallery.FIGURES))
    assert sum(path.stat().st_size for path in files) < 150_000


def test_pictures_are_small_and_drawn_the_same_way(tmp_path):
    picture = gallery.small(png(NOISE))
    assert picture.size == (gallery.WIDTH, 240)
    assert gallery.keep(picture, tmp_path / "new" / "a.png")
    before = (tmp_path / "new" / "a.png").read_bytes()
    assert not gallery.keep(gallery.small(png(NOISE)), tmp_path / "new" / "a.png")
    assert (tmp_path / "new" / "a.png").read_bytes() == before


def test_a_picture_that_looks_the_same_keeps_its_file_and_another_does_not(tmp_path):
    path = tmp_path / "a.png"
    grey = np.full((40, 60, 3), 100, np.uint8)
    assert gallery.keep(gallery.small(png(grey)), path)
    assert not gallery.keep(gallery.small(png(grey + np.uint8(1))), path)
    assert gallery.keep(gallery.small(png(grey + np.uint8(50))), path)
    assert gallery.keep(gallery.small(png(grey[:20])), path)


def test_a_reading_is_escaped():
    figure = gallery.FIGURES[0]
    text = gallery.gallery({figure: 'a < b & "c"'})
    assert re.search(r'alt="[^"]*A &lt; b &amp; &quot;c&quot;"', text)
