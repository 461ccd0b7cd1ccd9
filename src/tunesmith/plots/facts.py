"""The numbers that figures draw, worked out once for matplotlib and plotly alike: raw points, smoothed lines, ranges and positions. Draws nothing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.curve import Curve, Run
from tunesmith.reading.smoothing import LARGEST, smooth
from tunesmith.reading.track import smoothing_width
from tunesmith.schedules import lr_schedule, momentum_schedule
from tunesmith.settings import Settings

Interval = tuple[float, float]
Floats = NDArray[np.float64]

MOST_POINTS = 600
"""Raw points that one line draws; longer ones are thinned evenly (our choice: a figure is a few hundred pixels wide)."""
HEADROOM = 0.35
"""Share of the drop that is drawn above the first smoothed loss: what diverges leaves the figure instead of flattening it (our choice)."""
_LEVEL_PAD = 0.1
"""Drawn around a loss that is zero everywhere."""
_FIRST_SHARE = 0.02
_MOST_SCHEDULE_POINTS = 5000


@dataclass(frozen=True, kw_only=True)
class Line:
    """Points of a line, in order; values that are not finite are left out.

    Attributes:
        x, y: Coordinates.
        every: How many recorded points stand behind each one drawn; 1 where nothing was thinned.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    every: int = 1


@dataclass(frozen=True, kw_only=True)
class RangeTestFacts:
    """A range test: loss against learning rate.

    Attributes:
        train, valid: Raw losses.
        train_smooth, valid_smooth: The same, smoothed without lag.
        train_width, valid_width: Width of the smoothing in points: standard deviation of the Gaussian.
        edge, zone: As given: intervals of the learning rate.
        lr_range: Smallest and largest rate reached.
        lowest_lr: Where a logarithmic axis begins: above the few smallest rates, which would take most of it after a linear sweep; 0 where no rate is positive.
        loss_range: What to draw; a diverging loss leaves it at the top.
        dropped: Values that were not finite.
    """

    train: Line
    valid: Line
    train_smooth: Line
    valid_smooth: Line
    train_width: float
    valid_width: float
    edge: Interval | None
    zone: Interval | None
    lr_range: Interval
    lowest_lr: float
    loss_range: Interval
    dropped: int


@dataclass(frozen=True, kw_only=True)
class CurveFacts:
    """One run: losses against applied updates.

    Attributes:
        train: Smoothed training loss. `train_width` is the standard deviation of its Gaussian, in updates.
        valid: Raw validation loss.
        lr: Learning rate.
        last: Last finite point of `valid`, or of `train` where there is none; None for a run without one.
        has_ended_well: Whether the run finished.
    """

    train: Line
    train_width: float
    valid: Line
    lr: Line
    last: tuple[float, float] | None
    has_ended_well: bool


def thinned_line(x: Floats, y: Floats, *, most: int = MOST_POINTS) -> Line:
    """A line of at most about `most` points, evenly picked, the last among them; what is no number that can be drawn is left out."""
    kept = np.isfinite(x) & (np.abs(y) < LARGEST)  # NaN compares false
    x, y = x[kept], y[kept]
    every = max(1, math.ceil(x.size / most))
    picked = np.unique(np.append(np.arange(0, x.size, every), x.size - 1)) if x.size else np.arange(0)
    return Line(x=tuple(x[picked].tolist()), y=tuple(y[picked].tolist()), every=every)


def _smoothed(y: Floats) -> tuple[Floats, float]:
    width = smoothing_width(y.size)
    finite = np.where(np.isfinite(y), y, np.nan)
    if y.size < 2 or not np.isfinite(finite).any():  # noqa: PLR2004 (a single point is its own mean)
        return finite, width
    return np.asarray(smooth(finite, width_points=width), dtype=float), width


def loss_range(lines: Sequence[Line]) -> Interval:
    """What to draw of these lines: from the lowest value to a little above where they began, or to the highest if that is lower; lone points give way to lines.

    Example:
        >>> loss_range([Line(x=(0, 1, 2, 3), y=(2.0, 1.0, 0.5, 90.0))])
        (0.425, 2.606)
    """
    filled = [line.y for line in lines if len(line.y) > 1] or [line.y for line in lines if line.y]
    if not filled:
        return (0.0, 1.0)
    low, high = min(min(y) for y in filled), max(max(y) for y in filled)
    start = max(y[0] for y in filled)
    drop = max(start - low, 1e-3 * abs(start), 1e-12)
    top = min(high, start + HEADROOM * drop)
    pad = max(0.04 * (top - low), 1e-3 * abs(top)) or _LEVEL_PAD
    below = min(pad, 0.15 * low) if low > 0 else pad  # a positive loss keeps a positive range, for logarithmic axes
    return (round(low - below, 12), round(top + pad, 12))


def lr_at_evaluations(curve: Curve) -> Floats:
    """Learning rate of the update before each evaluation; the first update's for an evaluation before any."""
    steps = np.asarray(curve.eval_step, dtype=int)
    lr = np.asarray(curve.lr, dtype=float)
    return lr[np.clip(steps - 1, 0, lr.size - 1)] if lr.size else np.full(steps.size, np.nan)


def range_test_facts(curve: Curve, *, edge: Interval | None = None, zone: Interval | None = None) -> RangeTestFacts:
    """What a figure of a range test shows.

    Args:
        curve: A sweep of the learning rate; it may have diverged at its first update.
        edge: Interval in which the loss breaks away.
        zone: Interval of usable peaks.
    """
    lr, train = np.asarray(curve.lr, dtype=float), np.asarray(curve.train_loss, dtype=float)
    valid_lr, valid = lr_at_evaluations(curve), np.asarray(curve.valid_loss, dtype=float)
    train_smooth, train_width = _smoothed(train)
    valid_smooth, valid_width = _smoothed(valid)
    lines = [thinned_line(lr, train_smooth), thinned_line(valid_lr, valid_smooth)]
    reached = lr[np.isfinite(lr)]
    positive = reached[reached > 0]
    return RangeTestFacts(
        train=thinned_line(lr, train),
        valid=thinned_line(valid_lr, valid),
        train_smooth=lines[0],
        valid_smooth=lines[1],
        train_width=train_width,
        valid_width=valid_width,
        edge=edge,
        zone=zone,
        lr_range=(float(reached.min()), float(reached.max())) if reached.size else (0.0, 1.0),
        lowest_lr=float(np.quantile(positive, _FIRST_SHARE, method="higher")) if positive.size else 0.0,
        loss_range=loss_range(lines),
        dropped=int((~np.isfinite(train)).sum() + (~np.isfinite(valid)).sum()),
    )


def curve_facts(run: Run) -> CurveFacts:
    """What a figure of one run shows."""
    curve = run.curve
    steps = np.arange(len(curve.train_loss), dtype=float)
    train_smooth, width = _smoothed(np.asarray(curve.train_loss, dtype=float))
    train = thinned_line(steps, train_smooth)
    valid = thinned_line(np.asarray(curve.eval_step, dtype=float), np.asarray(curve.valid_loss, dtype=float))
    ends = valid if valid.x else train
    return CurveFacts(
        train=train,
        train_width=width,
        valid=valid,
        lr=thinned_line(np.arange(len(curve.lr), dtype=float), np.asarray(curve.lr, dtype=float)),
        last=(ends.x[-1], ends.y[-1]) if ends.x else None,
        has_ended_well=math.isfinite(curve.final_valid_loss),
    )


def schedule_facts(settings: Settings, total_steps: int) -> tuple[Line, Line]:
    """Learning rate and momentum of a schedule, one point an update where they fit.

    Raises:
        InputError: An unknown schedule, or `total_steps` < 1.

    Example:
        >>> lr, momentum = schedule_facts(Settings(lr=0.5, schedule="constant"), 3)
        >>> lr.y, momentum.y
        ((0.5, 0.5, 0.5), (0.9, 0.9, 0.9))
    """
    schedules = lr_schedule(settings, total_steps=total_steps), momentum_schedule(settings, total_steps=total_steps)
    steps = np.arange(total_steps, dtype=float)
    lr, momentum = (thinned_line(steps, np.array([schedule(step) for step in range(total_steps)]), most=_MOST_SCHEDULE_POINTS) for schedule in schedules)
    return lr, momentum


def joint_range(ranges: Sequence[Interval]) -> Interval:
    """The smallest interval that holds all of these; (0, 1) for none.

    Example:
        >>> joint_range([(0.2, 1.0), (0.1, 0.5)])
        (0.1, 1.0)
    """
    return (min(low for low, _ in ranges), max(high for _, high in ranges)) if ranges else (0.0, 1.0)
