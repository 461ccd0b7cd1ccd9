"""Figures on the page: their data, collected for one script, and the frame with its caption."""

from tunesmith.report.finite import finite_json
from tunesmith.report.markup import Markup, element
from tunesmith.settings import Json

_PAPER_PIXELS = {1: 640, 2: 316, 5: 392, 3: 240}


class Plots:
    """The figures of one page, numbered as they are added: figure n is drawn into the element `plot-n`."""

    def __init__(self) -> None:
        self._figures: list[Json] = []

    @property
    def figures(self) -> list[Json]:
        """What plotly draws, in order."""
        return list(self._figures)

    def add(self, spec: dict[str, Json], *, name: str, height: int, share: int = 1) -> Markup:
        """The place for a figure.

        Args:
            spec: Its data and layout, as plotly's JSON.
            name: What it shows, for readers who do not see it.
            height: Pixels.
            share: 1 for the whole width, 2 for half, 5 and 3 for five and three eighths: its width on paper.
        """
        number = len(self._figures)
        self._figures.append(finite_json(spec))
        return element("div", id=f"plot-{number}", class_="plot", style=f"height:{height}px", role="img", aria_label=name, data_paper=str(_PAPER_PIXELS[share]))


def figure(*places: Markup, claim: str, caption: str, class_: str = "single") -> Markup:
    """Figures side by side with one caption: first what to see, then how it was made."""
    return element("figure", element("div", *places, class_=class_), element("figcaption", element("b", claim), " ", caption))
