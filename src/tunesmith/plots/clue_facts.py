"""The numbers behind the figure of a training curve with its clues: thinned points, smoothed lines, ranges, and where labels have room. Draws nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunesmith.diagnosis import CurveDiagnosis
from tunesmith.finding import Finding
from tunesmith.log import NOTHING, Series
from tunesmith.plots.clue_view import Exit, all_exits, bounds_of, drawn_range, is_wide
from tunesmith.plots.facts import Interval, Line, thinned_line
from tunesmith.reading.clues.line import Line as Judged
from tunesmith.reading.clues.line import line_of
from tunesmith.reading.smoothing import smooth

GOOD_CLUES = frozenset({"balanced"})
"""Clues that are no trouble."""
_CHARACTER = 1 / 85
"""Width of a small letter, as a share of Axes seven inches wide."""
_LINE_GAP = 0.015
_MOST_ROWS = 6
_LIGHTLY, _LEAST_WIDTH, _EARLY_WIDTHS, _STEEP = 1 / 8, 0.5, 2.5, 3.0
"""Our choice: a start is steep where the line that is judged lies more than three times the noise off one smoothed by an eighth; over the first two and a half
widths the one goes over into the other."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A clue on the curve.

    Attributes:
        step: Where it begins.
        height: The loss there; None where nothing is drawn there.
        text: A few words.
        is_good: Whether it is no trouble.
        row: Of its label, counted from the top, so that no two overlap.
        is_left: Whether the label stands left of the line.
    """

    step: float
    height: float | None
    text: str
    is_good: bool
    row: int
    is_left: bool


@dataclass(frozen=True, kw_only=True)
class ClueFacts:
    """One curve with its clues.

    Attributes:
        train, valid: Raw losses, thinned; where there is neither loss, `valid` is a metric.
        train_smooth, valid_smooth: The same, smoothed without lag, as the reading does.
        what: What is drawn: "loss", or the metric's name.
        lr: Learning rate; without points where the log has none.
        x_range, y_range: What to draw.
        is_log: Whether the axis of the losses is logarithmic.
        unit: What steps count, in the plural.
        marks: Clues that begin at a step.
        exits: Where the losses leave the figure.
    """

    train: Line
    valid: Line
    train_smooth: Line
    valid_smooth: Line
    what: str
    lr: Line
    x_range: Interval
    y_range: Interval
    is_log: bool
    unit: str
    marks: tuple[Mark, ...]
    exits: tuple[Exit, ...]

    @property
    def rows(self) -> int:
        """Rows that are kept free above the curve for the labels; where there are more, they lie on it."""
        return min(_MOST_ROWS, max((mark.row + 1 for mark in self.marks), default=0))


def clue_facts(curve: CurveDiagnosis) -> ClueFacts:
    """What a figure of a curve and its clues shows."""
    train, valid, what = _shown(curve)
    judged = [line_of(series) for series in (train, valid)]
    train_smooth, valid_smooth = (_smoothed(line) for line in judged)
    low, high = bounds_of([train, valid], [line for line in (train_smooth, valid_smooth) if line.y])
    y_range = drawn_range(low, high)
    x_range = _x_range(curve, [train, valid])
    drawn = ((train, train_smooth), (valid, valid_smooth))
    exits = [one for series, line in drawn for one in all_exits(series, line, x_range=x_range, y_range=y_range)]
    return ClueFacts(
        train=thinned_line(train.step, train.value),
        valid=thinned_line(valid.step, valid.value),
        train_smooth=train_smooth,
        valid_smooth=valid_smooth,
        what=what,
        lr=thinned_line(curve.log.lr.step, curve.log.lr.value),
        x_range=x_range,
        y_range=y_range,
        is_log=is_wide(low, high),
        unit=f"{curve.log.step_unit}s",
        marks=_marks(curve.findings, valid_smooth if valid_smooth.y else train_smooth, x_range),
        exits=tuple(exits),
    )


def _shown(curve: CurveDiagnosis) -> tuple[Series, Series, str]:
    """The losses; where there are none, the first metric."""
    log = curve.log
    if len(log.train_loss) or len(log.valid_loss):
        return log.train_loss, log.valid_loss, "loss"
    for name, series in log.valid_metrics.items():
        return log.train_metrics.get(name, NOTHING), series, name
    for name, series in log.train_metrics.items():
        return series, NOTHING, name
    return NOTHING, NOTHING, "loss"


def _smoothed(judged: Judged | None) -> Line:
    """The line that is judged. Where a loss falls steeply from the start, its first points lie far below the dots: there it is drawn with less smoothing."""
    if judged is None:
        return Line(x=(), y=())
    lightly = smooth(judged.raw, width_points=max(_LEAST_WIDTH, _LIGHTLY * judged.width))
    drawn = judged.smoothed
    if abs(lightly[0] - drawn[0]) > _STEEP * judged.noise:
        weight = np.clip(np.arange(judged.n) / (_EARLY_WIDTHS * judged.width), 0.0, 1.0)
        drawn = np.where(np.isfinite(lightly), weight * drawn + (1 - weight) * lightly, drawn)
    return thinned_line(judged.step, drawn)


def _x_range(curve: CurveDiagnosis, series: Sequence[Series]) -> Interval:
    found = [one.step for one in (*series, curve.log.lr) if len(one)]
    low, high = (min(float(steps[0]) for steps in found), max(float(steps[-1]) for steps in found)) if found else (0.0, 1.0)
    return (low, high) if high > low else (low - 1, low + 1)


def height_at(line: Line, step: float) -> float | None:
    """The loss at a step, by straight lines between the points; None outside of them.

    Example:
        >>> height_at(Line(x=(0, 10), y=(2.0, 1.0)), 5), height_at(Line(x=(), y=()), 5)
        (1.5, None)
    """
    if not line.x or not line.x[0] <= step <= line.x[-1]:
        return None
    return float(np.interp(step, line.x, line.y))


def _marks(findings: Sequence[Finding], main: Line, x_range: Interval) -> tuple[Mark, ...]:
    """Clues with a step, in the order of their steps, each label in the first row where it has room."""
    low, high = x_range
    ends: list[list[Interval]] = []
    marks: list[Mark] = []
    for finding in sorted((one for one in findings if one.since_step is not None), key=lambda one: one.since_step or 0):
        step = float(min(max(finding.since_step or 0, low), high))
        text = finding.kind.replace("_", " ")
        place, width = (step - low) / (high - low), len(text) * _CHARACTER + _LINE_GAP
        is_left = place + width > 1 and place - width >= 0
        taken = (place - width, place) if is_left else (place, place + width)
        row = next((at for at, row in enumerate(ends) if all(taken[1] <= left or right <= taken[0] for left, right in row)), len(ends))
        ends[row : row + 1] = [[*(ends[row] if row < len(ends) else []), taken]]
        marks.append(Mark(step=step, height=height_at(main, step), text=text, is_good=finding.kind in GOOD_CLUES, row=row, is_left=is_left))
    return tuple(marks)
