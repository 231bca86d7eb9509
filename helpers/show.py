"""What the notebooks show: text, tables, figures and drawings.

Every figure takes `says`, the one statement that it makes, and shows it underneath, so that it can be read without being
seen. A figure that a lesson draws with matplotlib ends in `show.finish(says)`.
"""

from helpers.figures.diagram import diagram
from helpers.figures.output import compare, finish, says, table, text
from helpers.figures.pictures import images, mosaic, outline, panels, patches
from helpers.figures.plots import bars, curves, dots, heatmap, word_map

__all__ = [
    "bars", "compare", "curves", "diagram", "dots", "finish", "heatmap", "images", "mosaic", "outline", "panels", "patches", "says", "table",
    "text", "word_map",
]  # fmt: skip
