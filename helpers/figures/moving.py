"""Pictures with a slider: helpers/figures/<name>.html, each an SVG that is right as it stands and a script that moves it."""

import base64
import html
import re

from helpers.figures import frame
from helpers.figures.diagram import DIAGRAMS
from helpers.figures.output import put

NAMES = ("clocks", "pipeline", "softmax")
SVG = re.compile("<svg.*</svg>", re.DOTALL)
ALONE = re.compile(r"@media \(prefers-reduced-motion.*")  # a drawing that moves by itself where it is no page


def moving(name: str) -> None:
    """Show a picture with a slider; where no script runs it stands still.

    Args:
        name: "clocks", the pairs of the positional encoding as the hands of clocks, with a slider for the position;
            "pipeline", a photo that flows through the ViT of Q1 to Q7, to be stopped at any time; or
            "softmax", five scores and what softmax makes of them, with a slider for the temperature.

    Raises:
        ValueError: for another name.
    """
    if name not in NAMES:
        raise ValueError(f"name should be one of {', '.join(map(repr, NAMES))} but is {name!r}.")
    page = frame.page(name)
    if name == "pipeline":
        drawing = SVG.search((DIAGRAMS / "vit_in_motion.svg").read_text("utf-8")).group()
        still = ALONE.sub("", drawing)
        # in the page its button starts and stops it
        page = page.replace(
            "<!-- svg -->", drawing.replace("(prefers-reduced-motion: no-preference)", "all"), 1
        )
    else:
        still = SVG.search(page).group()
    says = " ".join(html.unescape(re.search("<desc.*?>(.*?)</desc>", still, re.DOTALL).group(1)).split())
    source = base64.b64encode(still.encode()).decode()
    tag = f'<img src="data:image/svg+xml;base64,{source}" alt="{html.escape(says, quote=True)}" style="max-width:100%">'
    put(says, frame.framed(f'<figure style="margin:0">{tag}</figure>', page), says)
