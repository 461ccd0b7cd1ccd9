"""Figures of the report as plotly's JSON, from the facts that matplotlib draws too."""

import math
from collections.abc import Sequence

from tunesmith.finding import Finding
from tunesmith.plots.arms import ExperimentFacts, KnobPoint, separated
from tunesmith.plots.clue_facts import GOOD_CLUES
from tunesmith.plots.digits import interval_text, number_text
from tunesmith.plots.facts import CurveFacts, Line, RangeTestFacts, joint_range, loss_range
from tunesmith.plots.overlays import CapacityFacts, OverlayFacts, height_at
from tunesmith.plots.palette import TRAINING, VALIDATION, WARNING, distinct, ramp
from tunesmith.report.canvas import (
    NAMED,
    Spec,
    axis_title,
    band,
    corner_note,
    end_note,
    label,
    layout_of,
    log_axis,
    loss_axis,
    note,
    thin_axis,
    trace,
    upright,
    with_marks,
)

_LABEL_PIXELS = 14
_MARGINS_PIXELS = 74
_TICK_CHARACTERS = 14
Named = tuple[str, CurveFacts]
_POINTS: Spec = {"mode": "markers", "opacity": 0.4, "showlegend": False}


def range_test_figure(facts: RangeTestFacts, *, is_logarithmic: bool, suggested: float | None = None) -> Spec:
    """Loss against learning rate: raw points, smoothed lines, edge and zone shaded."""
    low, high = facts.lr_range
    is_logarithmic = is_logarithmic and facts.lowest_lr > 0
    low = facts.lowest_lr if is_logarithmic else low
    data = [
        {**trace(line, name=name, color=color), **(_POINTS if is_raw else {})}
        for line, name, color, is_raw in (
            (facts.train, "training, each batch", TRAINING, True),
            (facts.train_smooth, "training", TRAINING, False),
            (facts.valid, "validation, each evaluation", VALIDATION, True),
            (facts.valid_smooth, "validation", VALIDATION, False),
        )
        if len(line.x) > 1
    ]
    shapes, notes = _range_marks(facts, is_logarithmic=is_logarithmic, suggested=suggested)
    axis: Spec = log_axis(low, high * 1.03) if is_logarithmic and high > low else {"range": [low, high * 1.01] if high > low else None}
    layout = layout_of(
        x={**axis, "title": axis_title(f"learning rate{', logarithmic' if is_logarithmic else ''}")},
        y=loss_axis(facts.loss_range),
        title="loss",
        has_legend=True,
    )
    return {"data": [*data], "layout": with_marks(layout, shapes=shapes, notes=notes)}


def _range_marks(facts: RangeTestFacts, *, is_logarithmic: bool, suggested: float | None) -> tuple[list[Spec], list[Spec]]:
    """Shapes and notes; plotly wants a shape's place as it is and a note's as its logarithm."""
    least = facts.lowest_lr if is_logarithmic else facts.lr_range[0]

    def place(lr: float) -> float:
        return math.log10(max(lr, least)) if is_logarithmic else lr

    middle = (place(least) + place(facts.lr_range[1])) / 2
    shapes: list[Spec] = []
    notes: list[Spec] = []
    if facts.zone is not None:
        low, high = max(facts.zone[0], least), facts.zone[1]
        is_late = place(low) > middle
        shapes.append(band(low, high, VALIDATION))
        notes.append(
            note(f"zone {interval_text(facts.zone)}", place(high if is_late else low), y=0.99, color=VALIDATION, anchor="right" if is_late else "left")
        )
    if facts.edge is not None:
        low, high = max(facts.edge[0], least), facts.edge[1]
        shapes += [band(low, high, WARNING, opacity=0.2), upright(low, WARNING)]
        notes.append(note("edge", place(low), y=0.88, color=WARNING, anchor="right"))
    if suggested is not None and suggested > 0:
        side = "right" if place(suggested) > middle else "left"
        shapes.append(upright(suggested, VALIDATION))
        notes.append(note(f"suggested {number_text(suggested)}", place(suggested), y=0.77, color=VALIDATION, anchor=side))
    return shapes, notes


def sweep_figure(named: Sequence[tuple[str, RangeTestFacts]]) -> Spec:
    """Smoothed validation loss (training loss where none was recorded) of several sweeps over one another."""
    colors = ramp(len(named))
    lines = [facts.valid_smooth if len(facts.valid_smooth.x) > 1 else facts.train_smooth for _, facts in named]
    data = [trace(line, name=name, color=color) for (name, _), line, color in zip(named, lines, colors, strict=True)]
    bounds = joint_range([loss_range([line]) for line in lines])
    layout = layout_of(x={"title": axis_title("learning rate")}, y=loss_axis(bounds), title="smoothed loss", has_legend=True)
    return {"data": [*data], "layout": layout}


def overlay_figure(facts: OverlayFacts) -> Spec:
    """Range tests under conditions over one another, best first: smoothed losses, the largest rate with a flat loss as a dot, the edge upright."""
    data: list[Spec] = []
    shapes: list[Spec] = []
    for rank, (shown, color) in enumerate(zip(facts.ranked, distinct(len(facts.ranked)), strict=True), start=1):
        condition, line = shown.condition, shown.band
        data.append(trace(Line(x=line.x, y=line.mean), name=label(f"{rank}. {condition.label}"), color=color))
        if condition.tolerated_lr is not None and condition.is_as_good and line.x:
            place = condition.tolerated_lr
            dot: Spec = {"mode": "markers", "marker": {"color": color, "size": 9}, "showlegend": False}
            data.append({**trace(Line(x=(place,), y=(height_at(line, place),)), name=label(condition.label), color=color), **dot})
        if condition.edge is not None:
            shapes.append(upright(math.sqrt(max(0.0, condition.edge[0] * condition.edge[1])), color))
    title = f"smoothed {'validation' if facts.is_validation else 'training'} loss"
    layout = layout_of(x={"title": axis_title("learning rate"), "range": [*facts.lr_range]}, y=loss_axis(facts.loss_range), title=title, has_legend=True)
    return {"data": [*data], "layout": with_marks(layout, shapes=shapes, notes=[])}


def capacity_figure(facts: CapacityFacts) -> Spec:
    """What each network ended with over its trained parameters, the parts shaded and named; what did not finish stands at the worse end."""
    data: list[Spec] = [{**trace(facts.line, name="mean", color=TRAINING), "showlegend": False}]
    for point in facts.points:
        heights = tuple(facts.failed_at if result is None else result for result in point.results)
        points: Spec = {"mode": "markers", "showlegend": False, "marker": {"color": point.color, "size": 8}}
        line = Line(x=(point.network.n_parameters,) * len(heights), y=heights)
        data.append({**trace(line, name=label(point.network.label), color=TRAINING), **points})
    shapes = [band(part.low, part.high, part.color, opacity=0.1) for part in facts.parts]
    notes = [note("<br>".join(part.words), math.log10(math.sqrt(part.low * part.high)), y=0.99, color=part.color, anchor="center") for part in facts.parts]
    low, high = facts.result_range
    layout = layout_of(
        x={**log_axis(*facts.size_range), "title": axis_title("trained parameters, logarithmic")},
        y={"range": [low, high + 0.1 * (high - low)]}, title=label(f"final validation {facts.goal}"), has_legend=False,
    )  # fmt: skip
    return {"data": [*data], "layout": with_marks(layout, shapes=shapes, notes=notes)}


def knob_figure(facts: ExperimentFacts, *, title: str, goal: str) -> Spec:
    """What each run ended with against the knob; what did not finish stands at the top."""
    colors = ramp(facts.n_values)
    top = facts.result_range[1]
    means = Line(x=tuple(x for x, _ in facts.means), y=tuple(y for _, y in facts.means))
    thin: Spec = {"color": TRAINING, "width": 1}
    data: list[Spec] = [{**trace(means, name="mean", color=TRAINING), "line": thin, "hoverinfo": "skip", "hovertemplate": None}]
    data += [_dot(point, color=colors[point.rank], top=top) for point in facts.points]
    shapes = [] if facts.interval is None else [band(*facts.interval, VALIDATION)]
    notes: list[Spec] = []
    if facts.chosen is not None:
        shapes.append(upright(facts.chosen, VALIDATION))
        is_late = facts.chosen > max(position for position, _ in facts.ticks) - 0.1 * _span(facts)
        notes.append(note("chosen", facts.chosen, y=1.0, color=VALIDATION, anchor="right" if is_late else "left"))
    positions, texts = [position for position, _ in facts.ticks], [label(text, longest=_TICK_CHARACTERS) for _, text in facts.ticks]
    left, right = (min(positions) - 0.08 * _span(facts), max(positions) + 0.08 * _span(facts)) if positions else (0.0, 1.0)
    x: Spec = {"tickmode": "array", "tickvals": [*positions], "ticktext": [*texts], "range": [left, right], "title": axis_title(label(title))}
    low, high = facts.result_range
    layout = layout_of(x=x, y={"range": [low, high + 0.06 * (high - low)], "nticks": 6}, title=label(f"final validation {goal}"))
    return {"data": [*data], "layout": with_marks(layout, shapes=shapes, notes=notes)}


def _span(facts: ExperimentFacts) -> float:
    positions = [position for position, _ in facts.ticks]
    return (max(positions) - min(positions) or 1.0) if positions else 1.0


def _dot(point: KnobPoint, *, color: str, top: float) -> Spec:
    has_ended = point.result is not None
    said = number_text(point.result) if has_ended else str(point.outcome).replace("_", " ")
    return {
        "type": "scatter", "mode": "markers", "x": [point.position], "y": [point.result if has_ended else top], "name": label(point.label),
        "text": [f"{label(point.label)}<br>{said}, seed {point.seed}"], "hovertemplate": "%{text}<extra></extra>",
        "marker": {"color": color if has_ended else WARNING, "size": 10, "symbol": "circle" if has_ended else "x"},
    }  # fmt: skip


def shows_validation(curves: Sequence[CurveFacts]) -> bool:
    """Whether every run was validated on its way, and not only at its end."""
    return all(len(curve.valid.x) > 1 for curve in curves)


def way_title(curves: Sequence[CurveFacts]) -> str:
    """What `curves_figure` shows."""
    return "validation loss on the way" if shows_validation(curves) else "training loss on the way"


def curves_figure(facts: ExperimentFacts, curves: Sequence[CurveFacts], *, totals: Sequence[int], is_share: bool, height: int) -> Spec:
    """Validation loss of each run on its way (training loss where they were validated only at their end), in the colours of `knob_figure`, each value named."""
    colors = ramp(facts.n_values)
    lines = [curve.valid if shows_validation(curves) else curve.train for curve in curves]
    good = [line for line, curve in zip(lines, curves, strict=True) if curve.has_ended_well] or lines
    axis = loss_axis(joint_range([loss_range([line]) for line in good]))
    data: list[Spec] = []
    ends: list[tuple[float, str, str]] = []
    named: set[int] = set()
    for point, curve, line, total in zip(facts.points, curves, lines, totals, strict=True):
        scale = 100 / total if is_share else 1.0
        color = colors[point.rank] if curve.has_ended_well else WARNING
        drawn = trace(Line(x=tuple(x * scale for x in line.x), y=line.y), name=f"{point.label}, seed {point.seed}", color=color)
        drawn["line"] = {"color": color, "width": 2.5 if point.position == facts.chosen else 1.5, "dash": "solid" if curve.has_ended_well else "dot"}
        data.append(drawn)
        if curve.has_ended_well and line.y and point.rank not in named:
            named.add(point.rank)
            ends.append((line.y[-1], dict(facts.ticks)[point.position], color))
    layout = layout_of(
        x={"title": axis_title("share of the run, %" if is_share else "updates"), "range": [0, 100 if is_share else max(totals)]},
        y=axis,
        title=way_title(curves),
        right=58,
    )
    return {"data": [*data], "layout": with_marks(layout, notes=_end_labels(ends, axis, pixels=height - _MARGINS_PIXELS))}


def _end_labels(ends: Sequence[tuple[float, str, str]], axis: Spec, *, pixels: int) -> list[Spec]:
    bounds = axis["range"]
    assert isinstance(bounds, list)  # noqa: S101 (as loss_axis makes it)
    low, high = (float(bound) for bound in bounds if isinstance(bound, (int, float)))
    is_log = axis.get("type") == "log"
    heights = [((math.log10(loss) if is_log else loss) - low) / (high - low) for loss, _, _ in ends]
    places = separated(heights, gap=_LABEL_PIXELS / pixels)
    return [end_note(label(text, longest=_TICK_CHARACTERS), y=place, color=color) for place, (_, text, color) in zip(places, ends, strict=True)]


def confirm_figure(plan: Sequence[Named], current: Sequence[Named], *, others: Sequence[Named] = (), clues: Sequence[Finding] = ()) -> Spec:
    """Losses of full trainings against updates, clues marked, the learning rate on a thin panel below.

    Args:
        plan: The plan's runs, each with its name.
        current: Those of the current settings.
        others: The plan at other lengths.
        clues: What was read from the plan's runs; those that begin at a step are marked.
    """
    data: list[Spec] = []
    for index, (name, facts) in enumerate(plan):
        line: Spec = {"color": TRAINING, "width": 1.5}
        data.append({**trace(facts.train, name="plan, training", color=TRAINING, hover=NAMED), "text": label(name), "line": line, "showlegend": index == 0})
    groups = (
        (others, VALIDATION, "dot", "other lengths, validation"),
        (current, TRAINING, "dash", "current settings, validation"),
        (plan, VALIDATION, "solid", "plan, validation"),
    )
    for pairs, color, dash, group in groups:
        for index, (name, facts) in enumerate(pairs):
            own: Spec = {"text": label(name), "line": {"color": color, "width": 2, "dash": dash}}
            data.append({**trace(facts.valid, name=group, color=color, hover=NAMED), **own, "showlegend": index == 0})
            data.append({**trace(facts.lr, name="learning rate", color=color, hover=NAMED), **own, "yaxis": "y2", "showlegend": False})
    bounds = [loss_range([facts.train, facts.valid]) for _, facts in plan] + [loss_range([facts.valid]) for _, facts in [*current, *others]]
    y: Spec = {**loss_axis(joint_range(bounds)), "domain": [0.3, 1]}
    layout = layout_of(x={"title": axis_title("updates"), "rangemode": "tozero", "anchor": "y2"}, y=y, title="loss", has_legend=True)
    layout["yaxis2"] = {**thin_axis(), "domain": [0, 0.2]}
    marked = [(float(clue.since_step), label(clue.kind.replace("_", " ")), _clue_color(clue)) for clue in clues if clue.since_step is not None]
    shapes = [upright(step, color, bottom=0.3) for step, _, color in marked]
    notes = [note(kind, step, y=1 - 0.08 * index, color=color, anchor="right") for index, (step, kind, color) in enumerate(marked)]
    return {"data": [*data], "layout": with_marks(layout, shapes=shapes, notes=[*notes, corner_note("learning rate", y=0.2)])}


def _clue_color(clue: Finding) -> str:
    return VALIDATION if clue.kind in GOOD_CLUES else WARNING
