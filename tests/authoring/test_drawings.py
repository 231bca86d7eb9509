"""The course's own drawings: their text stays in its box in whatever font a machine has, and they can be read in grey."""

import base64
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib
import pytest

from helpers.figures.diagram import DIAGRAMS

DRAWINGS = sorted(DIAGRAMS.glob("*.svg"))
# DejaVu Sans, which matplotlib brings, is wider than Helvetica, Arial and Liberation Sans
FONTS = Path(matplotlib.get_data_path(), "fonts", "ttf")
WIDE, BOLD = (
    base64.b64encode((FONTS / name).read_bytes()).decode()
    for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
)
STYLE = f"""
@font-face {{ font-family: Wide; src: url(data:font/ttf;base64,{WIDE}) }}
@font-face {{ font-family: Wide; font-weight: bold; src: url(data:font/ttf;base64,{BOLD}) }}
body {{ margin: 0 }} svg, svg * {{ font-family: Wide !important }}
"""
# What stands out: of the uppermost box around its middle, of the page, or into another text.
OUT = """async () => {
  await document.fonts.ready;
  const svg = document.querySelector('svg'), page = svg.getBoundingClientRect(), wrong = [];
  const box = e => e.getBoundingClientRect(), area = b => b.width * b.height;
  const rects = [...svg.querySelectorAll('rect')].map(box).filter(b => area(b) < 0.9 * area(page));
  const texts = [...svg.querySelectorAll('text')].map(t => [t.textContent, box(t)]);
  texts.forEach(([said, t], i) => {
    const x = (t.left + t.right) / 2, y = (t.top + t.bottom) / 2;
    const around = rects.filter(b => b.left <= x && x <= b.right && b.top <= y && y <= b.bottom && area(b) > 900);
    const inner = around.at(-1);
    const room = (b, side) => side ? [t.top - b.top, b.bottom - t.bottom] : [t.left - b.left, b.right - t.right];
    if (inner && Math.min(...room(inner, t.height > 2 * t.width)) < 2) wrong.push([said, 'its box']);
    if (t.left < page.left || t.right > page.right || t.bottom > page.bottom) wrong.push([said, 'the page']);
    for (const [other, o] of texts.slice(i + 1)) {
      const across = Math.min(t.right, o.right) - Math.max(t.left, o.left);
      const down = Math.min(t.bottom, o.bottom) - Math.max(t.top, o.top);
      if (across > 0 && down > 4) wrong.push([said, other]);
    }
  });
  return wrong;
}"""


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.stem)
def test_text_stays_in_its_box_in_a_wide_font(path, page):
    drawing = re.sub(r"<\?xml.*?\?>", "", path.read_text("utf-8"))
    page.set_content(f"<style>{STYLE}</style>{drawing}")
    assert page.evaluate(OUT) == []


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.stem)
def test_what_is_written_stands_out_in_grey(path):
    """Text is dark, or white on dark: contrast is of luminance, which is what grey keeps."""
    tree = ET.parse(path).getroot()
    colours = {tree.get("fill"), *(text.get("fill") for text in tree.findall(".//{*}text"))} - {
        None,
        "#FFFFFF",
    }
    fills = {rect.get("fill") for rect in tree.findall(".//{*}rect")} - {None, "none"}
    pale = [luminance(fill) for fill in fills if luminance(fill) > 0.5]  # what text stands on
    for colour in colours:
        assert (min(pale) + 0.05) / (luminance(colour) + 0.05) >= 4.5, colour


def test_the_cheat_sheet_prints_on_one_page_of_a4(page):
    page.goto((DIAGRAMS / "cheat_sheet.svg").as_uri())
    pdf = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
    assert re.search(rb"/MediaBox \[0 0 59[45][.\d]* 84[12]", pdf)
