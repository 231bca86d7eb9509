"""What one sees while a model trains: a bar with a line of numbers, and in a notebook the curve so far under it."""

import sys
import time
from base64 import b64encode
from io import BytesIO
from typing import Any

EVERY = 1.0  # seconds between two looks of a notebook: each carries the whole curve


def in_notebook() -> bool:
    """Whether HTML can be shown: there is a Jupyter kernel around us."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return hasattr(shell, "kernel")


class Progress:
    """One output that is drawn again and again: in a notebook HTML, elsewhere a line of tqdm."""

    def __init__(self) -> None:
        self.share, self.text, self.curve = 0.0, "", ""
        self.handle, self.shown = None, 0.0
        self.bar = None
        if not in_notebook():
            from tqdm import tqdm

            form = "{percentage:3.0f}%|{bar:20}| {desc}"
            self.bar = tqdm(total=1.0, bar_format=form, file=sys.stdout, mininterval=0.5)

    def show(self, share: float, text: str, left: str = "") -> None:
        """How much is done, 0..1, the numbers, and what is left to do."""
        self.share, self.text = min(1.0, share), text
        if self.bar is not None:
            self.bar.set_description_str(text + left, refresh=False)
            self.bar.update(self.share - self.bar.n)
        elif time.monotonic() - self.shown > EVERY:
            self._display(left)

    def draw(self, history: list[dict[str, Any]]) -> None:
        """The accuracies of a History."""
        if self.bar is not None:
            return
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7, 2.8), layout="constrained")
        ax = figure.subplots()
        for name, line in (("train", "-"), ("validation", "--")):
            places = [entry["seconds"] / 60 for entry in history]
            ax.plot(places, [entry[f"{name}_accuracy"] for entry in history], line, marker=".", label=name)
        ax.set(xlabel="minutes", ylabel="accuracy")
        ax.grid(alpha=0.3)
        figure.legend(loc="outside right upper")
        png = BytesIO()
        figure.savefig(png, format="png")
        alt = f"Accuracy so far; on validation pictures now {history[-1]['validation_accuracy']:.1%}."
        picture = b64encode(png.getvalue()).decode()
        self.curve = f'<br><img alt="{alt}" src="data:image/png;base64,{picture}">'
        self._display()

    def close(self, share: float) -> None:
        """The last look, with nothing left to do."""
        self.show(share, self.text)
        if self.bar is None:
            self._display()
        else:
            self.bar.close()

    def _display(self, left: str = "") -> None:
        from IPython.display import display

        line = f"{self.share:.0%} {self.text}{left}"
        html = f'<progress value="{self.share:.3f}" max="1"></progress> {line}{self.curve}'
        looks = {"text/plain": line, "text/html": html}
        if self.handle is None:
            self.handle = display(looks, raw=True, display_id=True)
        else:
            self.handle.update(looks, raw=True)
        self.shown = time.monotonic()
