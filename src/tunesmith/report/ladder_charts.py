"""Figures of the ladder as plotly's JSON, from the facts that matplotlib draws too."""

import math
from typing import TYPE_CHECKING

from tunesmith.plots.digits import number_text
from tunesmith.plots.facts import Line
from tunesmith.plots.ladder_facts import LadderFacts, LadderLine, LadderPoint
from tunesmith.plots.palette import TRAINING, VALIDATION, WARNING
from tunesmith.report.canvas import Spec, axis_title, label, layout_of, log_axis, note, trace, with_marks

if TYPE_CHECKING:
    from tunesmith.settings import Json

_SYMBOLS = ("circle", "square", "diamond", "triangle-up")
_SIZE, _RING = 9, 20


def lengths_figure(facts: LadderFacts) -> Spec:
    """What each joint choice ended with over the length of its runs, the winners joined, the best ringed; what did not finish stands at the worse end."""
    broad: Spec = {"color": TRAINING, "width": 9}
    data: list[Spec] = [{**trace(facts.winners, name="winners", color=TRAINING), "line": broad, "opacity": 0.25, "hoverinfo": "skip", "hovertemplate": None}]
    for line in facts.lines:
        drawn = trace(line.mean_line, name=label(line.choice.label), color=line.color)
        data.append({**drawn, "line": {"color": line.color, "width": 3 if line.is_best else 1.2}, "hoverinfo": "skip", "hovertemplate": None})
        data += [_points(point, line, x=float(point.score.steps), facts=facts) for point in line.points]
    if facts.best is not None and facts.best.mean is not None:
        ring: Spec = {"color": VALIDATION, "size": _RING, "symbol": "circle-open", "line": {"color": VALIDATION, "width": 1.5}}
        place = Line(x=(float(facts.best.score.steps),), y=(facts.best.mean,))
        data.append({**trace(place, name="best", color=VALIDATION), "mode": "markers", "marker": ring, "hoverinfo": "skip", "hovertemplate": None})
    notes = [
        note(trend, math.log10(math.sqrt(shorter * longer)), y=1.0, color=WARNING if trend == "worse" else TRAINING, anchor="center")
        for shorter, longer, trend in facts.trends
    ]
    x: Spec = {"type": "log", "range": [*map(math.log10, facts.length_range)], **_ticks([float(length) for length in facts.lengths], digits=3)}
    return _panel(facts, data, x=x, title="updates of the run, logarithmic", notes=notes)


def peaks_figure(facts: LadderFacts) -> Spec:
    """What the shortest runs ended with over their peak: a line for each momentum and decay."""
    data: list[Spec] = []
    for lines in facts.peak_lines:
        finished = [(line.choice.lr, line.points[0].mean) for line in lines if line.points[0].mean is not None]
        through = Line(x=tuple(lr for lr, _ in finished), y=tuple(mean for _, mean in finished if mean is not None))
        thin: Spec = {"color": TRAINING, "width": 1}
        data.append({**trace(through, name="means", color=TRAINING), "line": thin, "hoverinfo": "skip", "hovertemplate": None})
        data += [_points(line.points[0], line, x=line.choice.lr, facts=facts) for line in lines]
    return _panel(facts, data, x=log_axis(*facts.peak_range), title="peak learning rate, logarithmic", notes=[])


def _panel(facts: LadderFacts, data: list[Spec], *, x: Spec, title: str, notes: list[Spec]) -> Spec:
    y: Spec = log_axis(*facts.result_range) if facts.is_log else {"range": [*facts.result_range], "nticks": 6}
    layout = layout_of(x={**x, "title": axis_title(title)}, y=y, title=label(f"final validation {facts.goal}"))
    return {"data": [*data], "layout": with_marks(layout, notes=notes)}


def _points(point: LadderPoint, line: LadderLine, *, x: float, facts: LadderFacts) -> Spec:
    """One point a seed; a point of many seeds shows each."""
    symbol = _SYMBOLS[line.shape] + ("" if line.is_filled else "-open")
    has_ended = [result is not None for result in point.results]
    said = [number_text(result, digits=4) if result is not None else "did not finish, or ended worse than untrained" for result in point.results]
    settings = f"lr {number_text(point.score.lr)}, weight decay {number_text(point.score.weight_decay, digits=2)} at {point.score.steps:,} updates"
    texts: list[Json] = [
        f"{label(line.choice.label, longest=60)}<br>{settings}<br>{result}, seed {seed}" for result, seed in zip(said, point.score.losses, strict=True)
    ]
    colors: list[Json] = [line.color if ended else WARNING for ended in has_ended]
    symbols: list[Json] = [symbol if ended else "x" for ended in has_ended]
    heights: list[Json] = [facts.failed_at if result is None else result for result in point.results]
    return {
        "type": "scatter", "mode": "markers", "name": label(line.choice.label), "x": [x] * len(heights), "y": heights, "text": texts,
        "hovertemplate": "%{text}<extra></extra>", "cliponaxis": False,
        "marker": {"color": colors, "size": _SIZE, "symbol": symbols, "line": {"color": colors, "width": 1.5}},
    }  # fmt: skip


def _ticks(values: list[float], *, digits: int) -> Spec:
    return {"tickmode": "array", "tickvals": [*values], "ticktext": [number_text(value, digits=digits) for value in values]}
