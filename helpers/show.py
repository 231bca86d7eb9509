"""What the notebooks show: text, tables, figures and drawings.

Every figure takes `says`, the one statement that it makes, and shows it underneath, so that it can be read without being
seen. A figure that a lesson draws with matplotlib ends in `show.finish(says)`.
"""

from helpers.figures.diagram import diagram
from helpers.figures.explore import explore
from helpers.figures.grids import below, layers, mosaics
from helpers.figures.moving import moving
from helpers.figures.output import compare, finish, matrix, says, table, text
from helpers.figures.pictures import images, panels, patches
from helpers.figures.plots import arrows, bars, curves, dots, heatmap, heatmaps, matrices, word_maps

__all__ = [
    "arrows", "bars", "below", "compare", "curves", "diagram", "dots", "explore", "finish", "heatmap", "heatmaps", "images",
    "layers", "matrices", "matrix", "mosaics", "moving", "panels", "patches", "says", "table", "text", "word_maps",
]  # fmt: skip
