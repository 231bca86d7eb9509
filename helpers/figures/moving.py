"""Pictures with a slider: helpers/figures/<name>.html, each an SVG that is right as it stands and a script that moves it."""

import base64
import html
import re

from helpers.figures import frame
from helpers.figures.output import put

NAMES = ("clocks", "softmax")
SVG = re.compile("<svg.*?</svg>", re.DOTALL)


def moving(name: str) -> None:
    """Show a picture with a slider; where no script runs it stands still.

    Args:
        name: "clocks", the pairs of the positional encoding as the hands of clocks, with a slider for the position; or
            "softmax", five scores and what softmax makes of them, with a slider for the temperature.

    Raises:
        ValueError: for another name.
    """
    if name not in NAMES:
        raise ValueError(f"name should be one of {', '.join(map(repr, NAMES))} but is {name!r}.")
    page = frame.page(name)
    svg = SVG.search(page).group()
    says = " ".join(html.unescape(re.search("<desc>(.*?)</desc>", svg, re.DOTALL).group(1)).split())
    source = base64.b64encode(svg.encode()).decode()
    alt = html.escape(says, quote=True)
    still = f'<img src="data:image/svg+xml;base64,{source}" alt="{alt}" style="max-width:100%">'
    put(says, frame.framed(f'<figure style="margin:0">{still}</figure>', page), says)
