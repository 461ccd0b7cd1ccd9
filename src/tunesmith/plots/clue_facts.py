"""The numbers behind the figure of a training curve with its clues: thinned points, smoothed lines, ranges, and where labels have room. Draws nothing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunesmith.diagnosis import CurveDiagnosis
from tunesmith.finding import Finding
from tunesmith.log import NOTHING, Series
from tunesmith.plots.facts import HEADROOM, MOST_POINTS, Floats, Interval, Line, smoothing_width
from tunesmith.reading.smoothing import LARGEST, smooth

GOOD_CLUES = frozenset({"balanced"})
"""Clues that are no trouble."""
_WIDE_RATIO, _LARGEST_RATIO = 8.0, 300.0
"""Losses that span the first factor are drawn on a logarithmic axis, which spans at most the second (our choice: else the end of a training is a flat line)."""
_FIRST_POINTS, _STRANGE = 5, 3.0
"""Our choice: a curve begins at the highest of its first five values that is no more than three times their median: an untrained network's may be huge."""
_CHARACTER = 1 / 85
"""Width of a small letter, as a share of Axes seven inches wide."""
_LINE_GAP = 0.015
_MOST_ROWS = 6
_KEPT_POINTS = 2000
"""Means that are smoothed of a longer curve: five for each point that is drawn (our choice)."""


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
        train_smooth, valid_smooth: The same, smoothed without lag.
        what: What is drawn: "loss", or the metric's name.
        lr: Learning rate; without points where the log has none.
        x_range, y_range: What to draw.
        is_log: Whether the axis of the losses is logarithmic.
        unit: What steps count, in the plural.
        marks: Clues that begin at a step.
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

    @property
    def rows(self) -> int:
        """Rows that are kept free above the curve for the labels; where there are more, they lie on it."""
        return min(_MOST_ROWS, max((mark.row + 1 for mark in self.marks), default=0))


def clue_facts(curve: CurveDiagnosis) -> ClueFacts:
    """What a figure of a curve and its clues shows."""
    train, valid, what = _shown(curve)
    top = _top([train, valid])
    train_raw, train_smooth = _lines(train, top=top)
    valid_raw, valid_smooth = _lines(valid, top=top)
    lines = [line for line in (train_smooth, valid_smooth) if line.y] or [Line(x=(), y=())]
    low = min((min(line.y) for line in lines if line.y), default=0.0)
    low, high = (low, top) if top > low else (low - 0.05, low + 0.05)
    is_log = is_wide(low, high)
    x_range = _x_range(curve, [train, valid])
    main = valid_smooth if valid_smooth.y else train_smooth
    return ClueFacts(
        train=train_raw,
        valid=valid_raw,
        train_smooth=train_smooth,
        valid_smooth=valid_smooth,
        what=what,
        lr=_thinned(curve.log.lr),
        x_range=x_range,
        y_range=padded(max(low, high / _LARGEST_RATIO), high, is_log=True) if is_log else padded(low, high, is_log=False),
        is_log=is_log,
        unit=f"{curve.log.step_unit}s",
        marks=_marks(curve.findings, main, x_range),
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


def _top(series: Sequence[Series]) -> float:
    """The highest loss to draw: a little above where the curves begin, or the highest there is."""
    found = [finite for one in series if (finite := one.value[np.abs(one.value) < LARGEST]).size]  # NaN compares false
    if not found:
        return 1.0
    starts = []
    for values in found:
        first = values[:_FIRST_POINTS]
        usual = first[np.abs(first) <= _STRANGE * np.median(np.abs(first))]
        starts.append(float((usual if usual.size else first).max()))
    start, low = max(starts), min(float(values.min()) for values in found)
    return min(max(float(values.max()) for values in found), start + HEADROOM * max(start - low, 0.0))


def _lines(series: Series, *, top: float) -> tuple[Line, Line]:
    """Raw, and smoothed without the values that lie above the figure: smoothing a jump would show it before it happened."""
    steps, values = _means(series)
    inside = np.where(values <= top, values, np.nan)  # NaN compares false
    smoothed = smooth(inside, width_points=smoothing_width(inside.size)) if np.isfinite(inside).sum() > _FIRST_POINTS else inside
    return _thinned(series), _line(steps, np.where(np.isfinite(inside), smoothed, np.nan))


def _means(series: Series) -> tuple[Floats, Floats]:
    """Means over neighbours, where there are more points than a figure can show."""
    values = np.where(np.abs(series.value) < LARGEST, series.value, np.nan)
    every = math.ceil(values.size / _KEPT_POINTS)
    if every <= 1:
        return series.step, values
    starts = np.arange(0, values.size, every)
    known = np.isfinite(values)
    counts = np.add.reduceat(known.astype(float), starts)
    totals = np.add.reduceat(np.where(known, values, 0.0), starts)
    lengths = np.diff(np.append(starts, values.size))
    return np.add.reduceat(series.step, starts) / lengths, np.where(counts > 0, totals / np.maximum(counts, 1), np.nan)


def _thinned(series: Series) -> Line:
    return _line(series.step, series.value)


def _line(x: Floats, y: Floats) -> Line:
    kept = np.abs(y) < LARGEST
    x, y = x[kept], y[kept]
    every = max(1, math.ceil(x.size / MOST_POINTS))
    picked = np.unique(np.append(np.arange(0, x.size, every), x.size - 1)) if x.size else np.arange(0)
    return Line(x=tuple(x[picked].tolist()), y=tuple(y[picked].tolist()), every=every)


def is_wide(low: float, high: float) -> bool:
    """Whether losses span so much that their axis is logarithmic.

    Example:
        >>> is_wide(0.1, 2.3), is_wide(0.5, 2.3), is_wide(0.0, 2.3)
        (True, False, False)
    """
    return low > 1 / LARGEST and high > _WIDE_RATIO * low


def padded(low: float, high: float, *, is_log: bool) -> Interval:
    """The range with a little air at its ends; a positive one stays positive."""
    if is_log:
        pad = (high / low) ** 0.04
        return low / pad, high * pad
    pad = max(0.04 * (high - low), 1e-3 * max(abs(low), abs(high)))
    pad = pad if pad > 1 / LARGEST else 0.05  # next to nothing has no ticks
    return (low - (min(pad, 0.15 * low) if low > 0 else pad), high + pad)


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
