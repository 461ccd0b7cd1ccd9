"""Figures of a batch size as plotly's JSON, from the facts that matplotlib draws too."""

import math

from tunesmith.plots.batch_size_facts import BatchSizeFacts, SizePlace
from tunesmith.plots.digits import number_text
from tunesmith.plots.facts import Line
from tunesmith.plots.palette import TRAINING, VALIDATION, WARNING
from tunesmith.report.canvas import Spec, axis_title, label, layout_of, log_axis, note, trace, upright, with_marks
from tunesmith.settings import Json

_SIZE, _RING = 9, 20
_BAND = "rgba(47, 127, 193, 0.14)"
"""The colour of what decides, faint."""
_SILENT: Spec = {"hoverinfo": "skip", "hovertemplate": None}


def times_figure(facts: BatchSizeFacts) -> Spec:
    """Predicted time to the same loss over the batch size, with what the noise scale's interval allows; the size to use ringed, half and double named."""
    low, high = facts.band
    data: list[Spec] = [*_band(low, high)]
    said = [_said(place, f"{number_text(place.time)} times the fastest{_allowed(place)}") for place in facts.places if place.time is not None]
    data.append(_dots(facts.time_line, said, mode="lines+markers"))
    notes: list[Spec] = []
    if facts.chosen.time is not None:
        data.append(_ring(facts.chosen.position, facts.chosen.time))
        where = (facts.chosen.position, math.log10(facts.chosen.time))
        notes.append(
            _remark(f"use {facts.chosen.size.batch_size:,}", *where, color=VALIDATION, side="left" if facts.side == "right" else "right", is_above=True)
        )
    notes += [
        _remark(
            label(text.replace("\n", " · ")), place.position, math.log10(place.time), color=TRAINING,
            side="right" if place.position < facts.chosen.position else "left", is_above=False,
        )
        for place, text in facts.remarks if place.time is not None
    ]  # fmt: skip
    y: Spec = {
        "type": "log", "range": [*map(math.log10, facts.time_range)], "tickmode": "array", "tickvals": [*facts.time_ticks],
        "ticktext": [number_text(time) for time in facts.time_ticks],
    }  # fmt: skip
    return _panel(facts, data, y=y, title="predicted time to the same loss, fastest = 1", notes=notes)


def throughput_figure(facts: BatchSizeFacts) -> Spec:
    """Examples a second over the batch size, beside what they would be if an update took no longer with more of them."""
    thin: Spec = {"color": TRAINING, "width": 1, "dash": "dash"}
    said = [_said(place, f"{number_text(place.rate)} examples a second") for place in facts.places if place.rate is not None]
    data: list[Spec] = [
        {**trace(facts.perfect, name="if an update took no longer", color=TRAINING), "line": thin, **_SILENT},
        _dots(facts.rate_line, said, mode="lines+markers"),
    ]
    knee = facts.knee
    shapes = [upright(knee.position, TRAINING)] if knee is not None else []
    is_late = knee is not None and knee.position > facts.places[0].position
    notes = [note("knee", knee.position, y=0.12, color=TRAINING, anchor="right" if is_late else "left")] if knee is not None else []
    return _panel(facts, data, y=log_axis(*facts.rate_range), title="examples a second", notes=notes, shapes=shapes)


def noise_figure(facts: BatchSizeFacts) -> Spec:
    """The noise scale at each moment of the run that sampled gradients, with the value and interval that were reckoned with, and the size to use."""
    noise = facts.noise
    data: list[Spec] = []
    if noise is not None and noise.first_step is not None and noise.last_step is not None:
        ends = (float(noise.first_step), float(noise.last_step))
        if facts.noise_interval is not None:
            low, high = facts.noise_interval
            data += _band(Line(x=ends, y=(low, low)), Line(x=ends, y=(high, high)))
        if facts.scale is not None:
            data.append({**trace(Line(x=ends, y=(facts.scale, facts.scale)), name="noise scale", color=VALIDATION), **_SILENT})
    texts: list[Json] = [f"after {step:,.0f} updates: {number_text(value)}" for step, value in zip(facts.moments.x, facts.moments.y, strict=True)]
    data.append(_dots(facts.moments, texts, mode="markers", color=TRAINING))
    size = facts.chosen.size.batch_size
    level: Spec = {"type": "line", "xref": "paper", "yref": "y", "x0": 0, "x1": 1, "y0": size, "y1": size}
    shape: Spec = {**level, "line": {"color": TRAINING, "width": 1.5, "dash": "dot"}}
    place: Spec = {"xref": "paper", "yref": "y", "x": 1, "y": math.log10(size), "xanchor": "right", "yanchor": "bottom", "showarrow": False}
    said: Spec = {"text": f"batch size {size:,}", **place, "font": {"color": TRAINING, "size": 12}}
    layout = layout_of(
        x={"title": axis_title("updates of the run"), "rangemode": "tozero"}, y=log_axis(*facts.noise_range), title="noise scale, in examples"
    )  # fmt: skip
    return {"data": [*data], "layout": with_marks(layout, shapes=[shape], notes=[said])}


def results_figure(facts: BatchSizeFacts) -> Spec:
    """What runs of the same time ended with over the batch size; a cross at the worse end is one that did not finish."""
    means = [(place.position, place.mean) for place in facts.places if place.mean is not None]
    through = Line(x=tuple(position for position, _ in means), y=tuple(mean for _, mean in means))
    thin: Spec = {"color": TRAINING, "width": 1}
    data: list[Spec] = [{**trace(through, name="means", color=TRAINING), "line": thin, **_SILENT}]
    for place in facts.places:
        heights: list[Json] = [facts.failed_at if result is None else result for result in place.results]
        texts = [_said(place, "did not finish" if result is None else number_text(result, digits=4)) for result in place.results]
        colors: list[Json] = [WARNING if result is None else VALIDATION for result in place.results]
        symbols: list[Json] = ["x" if result is None else "circle" for result in place.results]
        drawn: Spec = {"type": "scatter", "mode": "markers", "x": [place.position] * len(heights), "y": heights, "text": [*texts], "cliponaxis": False}
        data.append({**drawn, "hovertemplate": "%{text}<extra></extra>", "marker": {"color": colors, "size": _SIZE, "symbol": symbols}})
    if facts.chosen.mean is not None:
        data.append(_ring(facts.chosen.position, facts.chosen.mean))
    return _panel(facts, data, y={"range": [*facts.result_range], "nticks": 6}, title=label(f"final validation {facts.goal}"), notes=[])


def _panel(facts: BatchSizeFacts, data: list[Spec], *, y: Spec, title: str, notes: list[Spec], shapes: list[Spec] | None = None) -> Spec:
    ticks: Spec = {"tickmode": "array", "tickvals": [position for position, _ in facts.ticks], "ticktext": [text for _, text in facts.ticks]}
    layout = layout_of(x={**ticks, "range": [*facts.size_range], "title": axis_title("total batch size, logarithmic")}, y=y, title=title)
    return {"data": [*data], "layout": with_marks(layout, shapes=shapes or [], notes=notes)}


def _band(low: Line, high: Line) -> list[Spec]:
    none: Spec = {"width": 0, "color": _BAND}
    under, over = ({**trace(line, name="allowed", color=VALIDATION), "line": none, **_SILENT} for line in (low, high))
    return [under, {**over, "fill": "tonexty", "fillcolor": _BAND}]


def _dots(line: Line, texts: list[Json], *, mode: str, color: str = VALIDATION) -> Spec:
    own: Spec = {"mode": mode, "text": texts, "hovertemplate": "%{text}<extra></extra>", "marker": {"color": color, "size": _SIZE}, "cliponaxis": False}
    return {**trace(line, name="measured", color=color), **own}


def _ring(x: float, y: float) -> Spec:
    ring: Spec = {"color": VALIDATION, "size": _RING, "symbol": "circle-open", "line": {"color": VALIDATION, "width": 1.5}}
    return {**trace(Line(x=(x,), y=(y,)), name="to use", color=VALIDATION), "mode": "markers", "marker": ring, "cliponaxis": False, **_SILENT}


def _said(place: SizePlace, text: str) -> Json:
    return f"batch size {place.size.batch_size:,}<br>{text}"


def _allowed(place: SizePlace) -> str:
    return "" if place.allowed is None else f"<br>{number_text(place.allowed[0])} to {number_text(place.allowed[1])} allowed"


def _remark(text: str, x: float, y: float, *, color: str, side: str, is_above: bool) -> Spec:
    """Words beside a point; `y` is the logarithm of its height."""
    place: Spec = {"xref": "x", "yref": "y", "x": x, "y": y, "xanchor": side, "yanchor": "bottom" if is_above else "top", "yshift": 7 if is_above else -7}
    shift: Spec = {"xshift": 8 if side == "left" else -8} if is_above else {}
    return {"text": text, **place, **shift, "showarrow": False, "font": {"color": color, "size": 12}}
