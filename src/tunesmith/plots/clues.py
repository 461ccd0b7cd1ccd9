"""Training curves with their clues as matplotlib figures: one curve, several over one another, or each in a panel of its own."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tunesmith.diagnosis import CurveDiagnosis, Diagnosis, OutlookOutcome, short_titles
from tunesmith.finding import Finding
from tunesmith.plots.clue_facts import ClueFacts, Mark, clue_facts, height_at
from tunesmith.plots.clue_view import Exit, drawn_range, exits_of, is_wide
from tunesmith.plots.digits import number_text, percent_text
from tunesmith.plots.facts import Interval, Line, joint_range
from tunesmith.plots.figures import axes_or_new, in_words, named
from tunesmith.plots.palette import TRAINING, VALIDATION, WARNING, distinct
from tunesmith.reading.clues.clue import DECIDES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANEL_INCHES = (6.2, 4.1)
_ROW = 0.075
"""Height of a label's row, as a share of the Axes."""
_LR_BELOW, _LR_HEIGHT = 0.17, 0.13
"""How far below the Axes the panel of the learning rate ends, and how high it is, as shares of theirs."""
_MARGIN = 0.015
_MOST_PANELS = 24
_SIDE_BY_SIDE, _MANY_SIDE_BY_SIDE = 2, 3
"""Of a figure: more would be a picture that few programs open (our choice)."""
_INK = "#3c434d"
_LONGEST_NAME = 56
_FEW_DOTS = 30
"""So few values are drawn as dots, joined by the line (our choice)."""


def plot_clues(curve: CurveDiagnosis, ax: "Axes | None" = None) -> "Axes":
    """One training curve: raw losses faint, smoothed ones strong, the learning rate on a thin panel below, each clue marked where it begins.

    Args:
        curve: What was read of it.
        ax: Axes to draw on; None for those of a new figure.
    """
    ax = axes_or_new(ax)
    facts = clue_facts(curve)
    for raw, smoothed, color, name in ((facts.train, facts.train_smooth, TRAINING, "training"), (facts.valid, facts.valid_smooth, VALIDATION, "validation")):
        if raw.x:
            ax.plot(raw.x, raw.y, ".-", color=color, alpha=0.3, markersize=3, linewidth=0.6, zorder=1)
            ax.plot(smoothed.x, smoothed.y, _style(smoothed), color=color, markersize=5, linewidth=1.8, label=name, zorder=2)
    _set_range(ax, facts.y_range, is_log=facts.is_log, rows=facts.rows)
    _set_width(ax, facts.x_range)
    for mark in facts.marks:
        _draw_mark(ax, mark)
    _draw_exits(ax, facts.exits, color=WARNING, scale=1.0)
    has_lr = len(facts.lr.x) > 1
    if has_lr:
        _draw_lr(ax, facts)
    if not facts.train.x and not facts.valid.x:
        ax.text(0.5, 0.5, "no loss and no metric", transform=ax.transAxes, ha="center", color=TRAINING)
    named(ax, x="" if has_lr else facts.unit, y=in_words(facts.what))
    return _headed(ax, curve, name=_names([curve])[0])


def plot_diagnosis(diagnosis: Diagnosis, ax: "Axes | None" = None) -> "Axes":
    """A diagnosis on one Axes: one curve as `plot_clues` draws it; of several the smoothed losses over one another, each verdict marked and in the legend.

    Args:
        diagnosis: What was read.
        ax: Axes to draw on; None for those of a new figure.
    """
    if len(diagnosis.curves) == 1:
        return plot_clues(diagnosis.curves[0], ax)
    ax = axes_or_new(ax)
    facts = [clue_facts(curve) for curve in diagnosis.curves]
    lines = [one.valid_smooth if one.valid_smooth.y else one.train_smooth for one in facts]
    units = {one.unit for one in facts}
    low, high = joint_range([one.y_range for one in facts])
    bounds = drawn_range(low, high)
    for curve, name, line, color in zip(diagnosis.curves, _names(diagnosis.curves), lines, distinct(len(facts)), strict=True):
        scale = 1.0 if len(units) == 1 else 100 / max(1, curve.last_step)
        verdict = curve.findings[0]
        said = f"{name}: {_verdict(verdict, unit=str(curve.log.step_unit))}"
        ax.plot([x * scale for x in line.x], line.y, _style(line), color=color, linewidth=1.6, label=in_words(said))
        height = None if verdict.since_step is None else height_at(line, verdict.since_step)
        if verdict.since_step is not None and height is not None:
            ax.plot([verdict.since_step * scale], [height], "o", color=color, markeredgecolor="white", markersize=7, zorder=4)
        _draw_exits(ax, exits_of(line, bounds), color=color, scale=scale)
    _set_range(ax, bounds, is_log=is_wide(low, high), rows=0)
    _number_steps(ax)
    whats = {one.what for one in facts}
    named(ax, x=units.pop() if len(units) == 1 else "share of the run, %", y=in_words(f"{whats.pop() if len(whats) == 1 else 'loss or metric'}, smoothed"))
    ax.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(-0.02, -0.14))
    ax.set_title(in_words(_outlook(diagnosis)), loc="left", fontsize="medium", color=_INK)
    return ax


def diagnosis_figure(diagnosis: Diagnosis) -> "Figure":
    """A figure with a panel for each curve, at most 24, and which will end better above them."""
    from matplotlib.figure import Figure  # noqa: PLC0415 (loaded only to draw)

    curves = diagnosis.curves[:_MOST_PANELS]
    count = len(curves)
    columns = min(count, _SIDE_BY_SIDE if count <= _SIDE_BY_SIDE**2 else _MANY_SIDE_BY_SIDE)
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(columns * _PANEL_INCHES[0], rows * _PANEL_INCHES[1]), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).flatten().tolist()
    for curve, ax, name in zip(curves, panels, _names(curves), strict=False):
        plot_clues(curve, ax)
        _headed(ax, curve, name=name)
    for ax in panels[count:]:
        ax.set_visible(False)
    left_out = f" (the first {count} of {len(diagnosis.curves)} curves)" if count < len(diagnosis.curves) else ""
    if diagnosis.outlook is not None:
        figure.suptitle(in_words(_outlook(diagnosis) + left_out), fontsize="medium")
    return figure


def _outlook(diagnosis: Diagnosis) -> str:
    outlook = diagnosis.outlook
    if outlook is None or outlook.best is None or outlook.outcome is OutlookOutcome.CANNOT_TELL:
        return "Which will end better: cannot tell yet"
    return f"{_names(diagnosis.curves)[outlook.best]} will end better (probability {percent_text(outlook.probability)})"


def _verdict(finding: Finding, *, unit: str) -> str:
    since = "" if finding.since_step is None else f" since {unit} {finding.since_step:,}"
    return f"{finding.kind.replace('_', ' ')}{since}" + ("" if finding.is_confident else " (likely)" if finding.confidence >= DECIDES else " (tentative)")


def _names(curves: Sequence[CurveDiagnosis]) -> list[str]:
    """The titles of curves without the folder that they share, their ends where they are long, and without what the font cannot draw."""
    from matplotlib.font_manager import FontProperties, findfont, get_font  # noqa: PLC0415 (loaded only to draw)

    font = get_font(findfont(FontProperties()))
    names: list[str] = []
    for title in short_titles(curves):
        drawable = "".join(letter if letter.isprintable() and font.get_char_index(ord(letter)) else "\ufffd" for letter in title)
        names.append(drawable if len(drawable) <= _LONGEST_NAME else f"…{drawable[1 - _LONGEST_NAME :]}")
    return names


def _style(line: Line) -> str:
    return ".-" if len(line.x) <= _FEW_DOTS else "-"


def _headed(ax: "Axes", curve: CurveDiagnosis, *, name: str) -> "Axes":
    """The Axes with name and verdict above them at the left and the legend at the right, where no line passes."""
    verdict = _verdict(curve.findings[0], unit=str(curve.log.step_unit))
    ax.set_title(in_words(f"{name}\n{verdict}"), loc="left", fontsize="small", color=_INK)
    if ax.get_legend() is not None:
        ax.legend(frameon=False, fontsize="small", loc="lower right", bbox_to_anchor=(1.0, 0.98), borderaxespad=0.1, labelspacing=0.1)
    return ax


def _set_range(ax: "Axes", bounds: Interval, *, is_log: bool, rows: int) -> None:
    """The range of the losses, with room above them for the rows of labels."""
    low, high = bounds
    room = 1 / (1 - _ROW * rows) if rows else 1.0
    if not is_log:
        ax.set_ylim(low, low + (high - low) * room)
        return
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter  # noqa: PLC0415 (loaded only to draw)

    ax.set_yscale("log")
    ax.set_ylim(low, low * (high / low) ** room)
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.yaxis.set_major_formatter(FuncFormatter(_loss_text))
    ax.yaxis.set_minor_formatter(NullFormatter())


def _set_width(ax: "Axes", bounds: Interval) -> None:
    margin = _MARGIN * (bounds[1] - bounds[0])
    ax.set_xlim(bounds[0] - margin, bounds[1] + margin)
    _number_steps(ax)


def _number_steps(ax: "Axes") -> None:
    """Whole steps on the axis, written in full."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: PLC0415 (loaded only to draw)

    ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    ax.xaxis.set_major_formatter(FuncFormatter(_step_text))


def _step_text(step: float, _place: object) -> str:
    return f"{round(step):,}"


def _loss_text(loss: float, _place: object) -> str:
    return number_text(loss)


def _draw_mark(ax: "Axes", mark: Mark) -> None:
    from matplotlib.patheffects import withStroke  # noqa: PLC0415 (loaded only to draw)

    color = VALIDATION if mark.is_good else WARNING
    top = 1 - _ROW * mark.row
    ax.plot([mark.step, mark.step], [0, top], transform=ax.get_xaxis_transform(), color=color, linestyle=":", linewidth=1.2, zorder=3)
    if mark.height is not None:
        ax.plot([mark.step], [mark.height], "o", color=color, markeredgecolor="white", markersize=7, zorder=4)
    shift, side = ((-4, 0), "right") if mark.is_left else ((4, 0), "left")
    place = {"xycoords": ax.get_xaxis_transform(), "textcoords": "offset points", "ha": side, "va": "top"}
    text = ax.annotate(in_words(mark.text), (mark.step, top), xytext=shift, **place, color=color, fontsize="small", zorder=5)
    text.set_path_effects([withStroke(linewidth=2.5, foreground="white")])  # readable where a spike passes behind it


def _draw_exits(ax: "Axes", exits: Sequence[Exit], *, color: str, scale: float) -> None:
    """A small triangle at the edge of the figure where a curve leaves it."""
    for one in exits:
        look = {"marker": "^" if one.is_top else "v", "color": color, "markeredgecolor": "white", "markersize": 7, "clip_on": False, "zorder": 6}
        ax.plot([one.step * scale], [1.0 if one.is_top else 0.0], transform=ax.get_xaxis_transform(), linestyle="none", **look)


def _draw_lr(ax: "Axes", facts: ClueFacts) -> None:
    """The learning rate on a thin panel that shares the axis of steps."""
    panel = ax.inset_axes((0, -_LR_BELOW - 0.02, 1, _LR_HEIGHT), sharex=ax)
    panel.plot(facts.lr.x, facts.lr.y, color=TRAINING, linewidth=1.2)
    highest = max(facts.lr.y)
    panel.set_ylim(0, highest * 1.15 if highest > 0 else 1)
    panel.set_yticks([0, highest], ["0", number_text(highest, digits=2)], fontsize="x-small")
    panel.set_ylabel("lr", rotation=0, ha="right", va="center", fontsize="small")
    panel.set_xlabel(facts.unit)
    panel.spines[["top", "right"]].set_visible(False)
    ax.tick_params(axis="x", labelbottom=False)
