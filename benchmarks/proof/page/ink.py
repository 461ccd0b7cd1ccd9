"""From a matplotlib figure to SVG inside the page: text stays text, colours follow the reader's light or dark mode, the same figure gives the same bytes."""

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import cycle

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmarks.proof.page.view import budget_of
from tunesmith.report.markup import Markup

_NAMES = ("ink", "muted", "rule", "paper", "ours", "worse", *(f"peer-{index}" for index in range(7)))
_STAND_IN = {name: f"#0101{index:02x}" for index, name in enumerate(_NAMES)}
"""Name of a colour of the style sheet → the colour that stands for it while matplotlib draws."""
INK, MUTED, RULE, PAPER, OURS, WORSE = (_STAND_IN[name] for name in _NAMES[:6])
_PEER_COLORS = [_STAND_IN[name] for name in _NAMES[6:]]
_MARKERS = {"s": 7.5, "^": 9.0, "D": 7.0, "v": 9.0, "P": 9.0, "X": 9.0, "p": 9.0, "*": 12.0, "<": 9.0, ">": 9.0, "h": 9.0, "d": 9.5}
"""Marker → its size, so that all look equally large."""
_DASHES = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (3, 1.5)))
_FONT = 11.5
_BELOW = 44
"""Room for the x axis' numbers and title, in pixels."""
PANEL_WIDTH, WIDE = 470, 940
"""Widths of a plot, in pixels of an unscaled page."""

Dash = str | tuple[float, tuple[float, ...]]


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a method is drawn, the same in every plot.

    Attributes:
        color, marker, dash: Of its line and points.
        size: Of its marker, in pixels.
        width: Of its line.
        front: What is drawn later, over the others.
    """

    color: str
    marker: str
    dash: Dash
    size: float
    width: float
    front: int


def looks_of(ours: Sequence[str], peers: Sequence[str]) -> dict[str, Look]:
    """Ours in one colour, larger for a larger budget; every peer with a marker of its own, up to a dozen of them."""
    budgets = sorted(budget_of(name) or 0.0 for name in ours)
    looks = {
        name: Look(color=OURS, marker="o", dash="-", size=6.5 + 1.2 * rank, width=1.5 + 0.45 * rank, front=5)
        for name in ours
        for rank in [budgets.index(budget_of(name) or 0.0)]
    }
    return looks | {
        name: Look(color=color, marker=marker, dash=dash, size=_MARKERS[marker], width=1.4, front=3)
        for name, color, marker, dash in zip(peers, cycle(_PEER_COLORS), cycle(_MARKERS), cycle(_DASHES), strict=False)
    }


def drawn(
    draw: Callable[[Axes], None], *, name: str, title: str, width: float = PANEL_WIDTH, height: float = 310, margins: Sequence[float] = (46, 12, 26)
) -> Markup:
    """An SVG element with one pair of axes.

    Args:
        draw: Draws on them.
        name: Different for each plot of a page, so that what is referred to inside is its own.
        title: Read out to those who do not see it.
        width: In pixels.
        height: In pixels.
        margins: Left, right and above the axes, in pixels.
    """
    left, right, above = margins
    with rc_context(_SETTINGS | {"svg.hashsalt": name}):
        figure = Figure(figsize=(width / 72, height / 72), dpi=72)
        axes = figure.add_axes((left / width, _BELOW / height, (width - left - right) / width, (height - _BELOW - above) / height))
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(length=3, pad=4)
        draw(axes)
        return _inline(figure, title)


_SETTINGS = {
    "svg.fonttype": "none", "text.parse_math": False, "font.size": _FONT, "text.color": INK, "axes.labelcolor": MUTED, "axes.edgecolor": RULE,
    "axes.facecolor": "none", "figure.facecolor": "none", "xtick.color": RULE, "ytick.color": RULE, "xtick.labelcolor": MUTED, "ytick.labelcolor": MUTED,
    "axes.linewidth": 1.0, "path.simplify": False,
}  # fmt: skip


def key_mark(look: Look, *, has_line: bool, name: str) -> Markup:
    """The marker of a method, as it stands in the key."""
    with rc_context(_SETTINGS | {"svg.hashsalt": name}):
        figure = Figure(figsize=(26 / 72, 14 / 72), dpi=72)
        line = Line2D(
            [0.06, 0.5, 0.94], [0.5] * 3, linestyle=look.dash if has_line else "none", linewidth=look.width, color=look.color, markevery=[1], **mark(look)
        )
        figure.add_artist(line)
        return _inline(figure, "")


def mark(look: Look) -> dict[str, object]:
    """The arguments of a marker, edged in the paper's colour so that neighbours stay apart."""
    return {"marker": look.marker, "markersize": look.size, "markerfacecolor": look.color, "markeredgecolor": PAPER, "markeredgewidth": 0.7}


def _inline(figure: Figure, title: str) -> Markup:
    written = io.StringIO()
    figure.savefig(written, format="svg", metadata={"Date": None})
    text = written.getvalue()
    text = text[text.index("<svg") :]
    for pattern, instead in _CLEANING:
        text = pattern.sub(instead, text)
    for name, color in _STAND_IN.items():
        text = text.replace(color, f"var(--{name})")
    label = f'role="img" aria-label="{escape(title, quote=True)}"' if title else 'aria-hidden="true"'
    return Markup(text.replace("<svg ", f"<svg {label} ", 1))


_CLEANING = [
    (re.compile(r"<metadata>.*?</metadata>\s*", re.DOTALL), ""),
    (re.compile(r"<defs>\s*<style.*?</style>\s*</defs>\s*", re.DOTALL), ""),
    (re.compile(r"<!--.*?-->\s*", re.DOTALL), ""),
    (re.compile(r'(<g) id="[^"]*"'), r"\1"),
    (re.compile(r'(<svg [^>]*?) width="[\d.]+pt" height="[\d.]+pt"'), r"\1"),
    (re.compile(r"font-family: [^;\"]*;? ?"), ""),
    (re.compile(r' transform="rotate\(-0 [^)]*\)"'), ""),
    (re.compile(r"\s*\n\s*"), "\n"),
]
"""What matplotlib writes and a page does not need; names inside the SVG that would be there twice; fonts, which are the page's."""
