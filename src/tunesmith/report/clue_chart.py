"""The figure of a curve and its clues as plotly's JSON, from the facts that matplotlib draws too."""

import math

from tunesmith.plots.clue_facts import ClueFacts, Mark
from tunesmith.plots.clue_view import Exit
from tunesmith.plots.facts import Interval, Line
from tunesmith.plots.palette import TRAINING, VALIDATION, WARNING
from tunesmith.report.canvas import Spec, axis_title, corner_note, label, layout_of, log_axis, note, thin_axis, trace, upright, with_marks

_LABEL_HEIGHT = 0.07
_LR_TOP, _LOSS_BOTTOM = 0.16, 0.28
_RAW: Spec = {"mode": "markers", "opacity": 0.35, "showlegend": False}
_FEW_DOTS = 30


def clue_figure(facts: ClueFacts) -> Spec:
    """One curve: raw losses as dots, smoothed ones as lines, each clue marked where it begins, the learning rate on a thin panel below."""
    has_lr = len(facts.lr.x) > 1
    bottom = _LOSS_BOTTOM if has_lr else 0.0
    data: list[Spec] = []
    for raw, smoothed, color, name in ((facts.train, facts.train_smooth, TRAINING, "training"), (facts.valid, facts.valid_smooth, VALIDATION, "validation")):
        if raw.x:
            data.append({**trace(raw, name=f"{name}, raw", color=color), **_RAW})
            mode: Spec = {"mode": "lines+markers"} if len(smoothed.x) <= _FEW_DOTS else {}
            data.append({**trace(smoothed, name=name, color=color), **mode})
    if has_lr:
        data.append({**trace(facts.lr, name="learning rate", color=TRAINING), "yaxis": "y2", "showlegend": False})
    data += [_dot(mark) for mark in facts.marks if mark.height is not None]
    low, high = _shown_range(facts)
    data += [_exit(one, edge=high if one.is_top else low) for one in facts.exits]
    span = facts.x_range[1] - facts.x_range[0]
    x: Spec = {"title": axis_title(facts.unit), "tickformat": ",d", "range": [facts.x_range[0] - 0.015 * span, facts.x_range[1] + 0.015 * span]}
    y: Spec = {**_loss_axis(facts), "domain": [bottom, 1.0]}
    layout = layout_of(x={**x, "anchor": "y2"} if has_lr else x, y=y, title=label(facts.what), has_legend=True)
    if has_lr:
        layout["yaxis2"] = {**thin_axis(), "domain": [0, _LR_TOP]}
    shapes = [upright(mark.step, _color(mark), bottom=bottom) for mark in facts.marks]
    height = _LABEL_HEIGHT * (1 - bottom)
    notes = [note(label(mark.text), mark.step, y=1 - height * mark.row, color=_color(mark), anchor="right" if mark.is_left else "left") for mark in facts.marks]
    titles = [corner_note("learning rate", y=_LR_TOP)] if has_lr else []
    return {"data": [*data], "layout": with_marks(layout, shapes=shapes, notes=[*notes, *titles])}


def _loss_axis(facts: ClueFacts) -> Spec:
    low, high = _shown_range(facts)
    return log_axis(low, high) if facts.is_log else {"range": [low, high], "nticks": 6}


def _shown_range(facts: ClueFacts) -> Interval:
    """The range of the losses, with room above them for the rows of labels."""
    low, high = facts.y_range
    room = 1 / (1 - _LABEL_HEIGHT * facts.rows)
    return (low, low * math.pow(high / low, room) if facts.is_log else low + (high - low) * room)


def _exit(one: Exit, *, edge: float) -> Spec:
    """A small triangle at the edge of the figure where a curve leaves it."""
    look: Spec = {"mode": "markers", "marker": {"color": WARNING, "size": 9, "symbol": "triangle-up" if one.is_top else "triangle-down"}}
    return {**trace(Line(x=(one.step,), y=(edge,)), name="leaves the figure", color=WARNING), **look, "showlegend": False, "cliponaxis": False}


def _dot(mark: Mark) -> Spec:
    place = Line(x=(mark.step,), y=(mark.height or 0.0,))
    look: Spec = {"mode": "markers", "marker": {"color": _color(mark), "size": 9}, "showlegend": False}
    return {**trace(place, name=mark.text, color=_color(mark)), **look}


def _color(mark: Mark) -> str:
    return VALIDATION if mark.is_good else WARNING
