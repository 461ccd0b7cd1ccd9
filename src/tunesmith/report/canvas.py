"""The parts of a figure as plotly's JSON: traces, axes, marks. Every string from a study goes through `label`."""

import html
import math
from collections.abc import Sequence

from tunesmith.plots.digits import number_text
from tunesmith.plots.facts import Interval, Line
from tunesmith.plots.palette import TRAINING
from tunesmith.report.wording import plain
from tunesmith.settings import Json

Spec = dict[str, Json]

_WIDE_RATIO, _LARGEST_RATIO = 5.0, 300.0
"""Losses that span this factor are drawn on a logarithmic axis, up to the second factor (our choice: else the end of a training is a flat line)."""
PLAIN = "%{x:.4~g}: %{y:.4~g}<extra>%{fullData.name}</extra>"
NAMED = "%{x:.4~g}: %{y:.4~g}<extra>%{text}</extra>"
"""What the pointer shows; a name comes from the trace or its `text`: inside a template a name could hold a placeholder."""
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def label(text: str, *, longest: int = 40) -> str:
    """Text for a figure: plotly reads some HTML in labels, so it is escaped, and cut to `longest` characters.

    Example:
        >>> label("<b>bold</b>"), label("momentum .95", longest=9)
        ('&lt;b&gt;bold&lt;/b&gt;', 'momentum…')
    """
    short = plain(text)
    return html.escape(short if len(short) <= longest else short[: longest - 1] + "…", quote=False)


def _rounded(values: Sequence[float]) -> list[Json]:
    return [float(f"{value:.5g}") for value in values]


def trace(line: Line, *, name: str, color: str, hover: str = PLAIN) -> Spec:
    """A line under a name that the legend and the pointer show."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": label(name),
        "x": _rounded(line.x),
        "y": _rounded(line.y),
        "line": {"color": color, "width": 2},
        "marker": {"color": color, "size": 4},
        "hovertemplate": hover,
    }


def layout_of(*, x: Spec, y: Spec, title: str, has_legend: bool = False, right: int = 12) -> Spec:
    """A quiet frame: the title of the y axis lies at its top, the legend at the right of it.

    Args:
        x: What is particular about the x axis.
        y: What is particular about the y axis.
        title: Of the y axis.
        has_legend: Whether the traces are named above the figure.
        right: Margin at the right, in pixels.
    """
    axis: Spec = {"zeroline": False, "showline": False, "ticks": "outside", "ticklen": 4, "fixedrange": True, "automargin": True, "exponentformat": "e"}
    legend: Spec = {"orientation": "h", "x": 1, "xanchor": "right", "y": 1.01, "yanchor": "bottom", "itemclick": False, "itemdoubleclick": False}
    return {
        "margin": {"l": 44, "r": right, "t": 30, "b": 44},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": _FONT, "size": 12, "color": TRAINING},
        "showlegend": has_legend,
        "legend": legend,
        "hovermode": "closest",
        "dragmode": False,
        "xaxis": {**axis, "showgrid": False, **x},
        "yaxis": {**axis, **y},
        "annotations": [corner_note(title, y=1.0)],
        "shapes": [],
    }


def axis_title(text: str) -> Spec:
    """The title of an x axis."""
    return {"text": text, "standoff": 6, "font": {"size": 12}}


def with_marks(layout: Spec, *, shapes: Sequence[Spec] = (), notes: Sequence[Spec] = ()) -> Spec:
    """The layout with these shapes and notes added."""
    old_shapes, old_annotations = layout["shapes"], layout["annotations"]
    assert isinstance(old_shapes, list) and isinstance(old_annotations, list)  # noqa: S101, PT018 (as layout_of makes them)
    return {**layout, "shapes": [*old_shapes, *shapes], "annotations": [*old_annotations, *notes]}


def _ticks(low: float, high: float) -> tuple[list[Json], list[Json]]:
    """Ticks of a logarithmic axis: 1, 2, 5 times powers of ten, or the powers alone where there are many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if math.log10(high / low) <= 2.5 else (1,)  # noqa: PLR2004 (about eight ticks)
    values = [step * 10.0**power for power in powers for step in steps if low <= step * 10.0**power <= high]
    return [*values], [number_text(value) for value in values]


def log_axis(low: float, high: float) -> Spec:
    """A logarithmic axis whose ticks are whole numbers, not plotly's bare digits."""
    values, texts = _ticks(low, high)
    return {"type": "log", "range": [math.log10(low), math.log10(high)], "tickmode": "array", "tickvals": values, "ticktext": texts}


def loss_axis(bounds: Interval) -> Spec:
    """The axis of a loss: logarithmic where it spans much."""
    low, high = bounds
    return log_axis(max(low, high / _LARGEST_RATIO), high) if low > 0 and high > _WIDE_RATIO * low else {"range": [low, high], "nticks": 6}


def band(low: float, high: float, color: str, *, opacity: float = 0.12) -> Spec:
    """A shaded stretch of the x axis; its ends are values of the axis, also of a logarithmic one."""
    place: Spec = {"xref": "x", "yref": "paper", "x0": low, "x1": high, "y0": 0, "y1": 1}
    return {"type": "rect", **place, "fillcolor": color, "opacity": opacity, "line": {"width": 0}, "layer": "below"}


def upright(x: float, color: str, *, bottom: float = 0.0) -> Spec:
    """A dotted line across the figure, or down to `bottom` of its height."""
    place: Spec = {"xref": "x", "yref": "paper", "x0": x, "x1": x, "y0": bottom, "y1": 1}
    return {"type": "line", **place, "line": {"color": color, "width": 1.5, "dash": "dot"}}


def note(text: str, x: float, *, y: float, color: str, anchor: str = "left") -> Spec:
    """Words beside a mark.

    Args:
        text: Safe already: numbers, or through `label`.
        x: Place on the axis; its logarithm where that is logarithmic.
        y: Height, 0 to 1.
        color: Of the words.
        anchor: "left" for words right of the mark, "right" for words left of it.
    """
    shift = 3 if anchor == "left" else -3
    place: Spec = {"xref": "x", "yref": "paper", "x": x, "y": y, "xanchor": anchor, "xshift": shift, "yanchor": "top"}
    return {"text": text, **place, "showarrow": False, "font": {"color": color, "size": 12}}


def corner_note(text: str, *, y: float) -> Spec:
    """Words above the left end of a panel whose top is at height `y`: the title of its y axis."""
    place: Spec = {"xref": "paper", "yref": "paper", "x": 0, "y": y, "yshift": 6, "xanchor": "left", "yanchor": "bottom"}
    return {"text": text, **place, "showarrow": False, "font": {"size": 12}}


def end_note(text: str, *, y: float, color: str) -> Spec:
    """Words at the right edge, at height `y`, for the line that ends there."""
    place: Spec = {"xref": "paper", "yref": "paper", "x": 1, "y": y, "xshift": 6, "xanchor": "left", "yanchor": "middle"}
    return {"text": text, **place, "showarrow": False, "font": {"color": color}}


def thin_axis() -> Spec:
    """The y axis of a thin panel."""
    return {"zeroline": False, "showgrid": False, "ticks": "outside", "ticklen": 4, "nticks": 3, "rangemode": "tozero", "fixedrange": True, "automargin": True}
