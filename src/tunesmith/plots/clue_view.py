"""Which part of a training curve a figure shows, and where the curve leaves it. Draws nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.log import Series
from tunesmith.plots.facts import HEADROOM, Floats, Interval, Line
from tunesmith.reading.smoothing import LARGEST

_WIDE_RATIO, _LARGEST_RATIO = 8.0, 1e4
"""Losses that span the first factor are drawn on a logarithmic axis, which spans at most the second (our choice: else the end of a training is a flat line)."""
_FIRST_POINTS, _STRANGE = 5, 3.0
"""Our choice: a curve begins at the highest of its first five values that is no more than three times their median: an untrained network's may be huge."""
_MOST_RISE = 10.0
"""An end that lies no more than ten times the drop above the lowest is shown; one further up leaves the figure (our choice)."""
_APART = 0.1
"""Marks of what leaves the figure lie at least this share of its width apart (our choice)."""


@dataclass(frozen=True, kw_only=True)
class Exit:
    """Where a curve leaves the figure.

    Attributes:
        step: The first that lies outside.
        is_top: Whether above it; what is no number counts as above.
    """

    step: float
    is_top: bool


def bounds_of(series: Sequence[Series], lines: Sequence[Line]) -> Interval:
    """Lowest and highest loss to draw: from the lowest line to a little above where the curves begin, and every end unless it is far above."""
    found = [finite for one in series if (finite := one.value[np.abs(one.value) < LARGEST]).size]  # NaN compares false
    if not found or not lines:
        return (0.0, 1.0)
    starts = []
    for values in found:
        first = values[:_FIRST_POINTS]
        usual = first[np.abs(first) <= _STRANGE * np.median(np.abs(first))]
        starts.append(float((usual if usual.size else first).max()))
    start, low = max(starts), min(min(line.y) for line in lines)
    drop = max(start - low, 0.0)
    ends = [line.y[-1] for line in lines if line.y[-1] - low <= _MOST_RISE * drop]
    top = max(min(max(float(values.max()) for values in found), start + HEADROOM * drop), *ends, low)
    return (low, top) if top > low else (low - 0.05, low + 0.05)


def drawn_range(low: float, high: float) -> Interval:
    """The range of an axis for losses from `low` to `high`: a logarithmic one spans at most a factor of ten thousand."""
    return padded(max(low, high / _LARGEST_RATIO), high, is_log=True) if is_wide(low, high) else padded(low, high, is_log=False)


def all_exits(series: Series, line: Line, *, x_range: Interval, y_range: Interval) -> list[Exit]:
    """Of the line, of values that lie far above the figure, and of what is no number; those next to one another count once."""
    far = y_range[1] + HEADROOM * (y_range[1] - y_range[0])
    above = [Exit(step=step, is_top=True) for step in _begins(series.step, ~(series.value <= far))]  # NaN compares false
    apart = _APART * (x_range[1] - x_range[0])
    kept: list[Exit] = []
    for one in sorted([*exits_of(line, y_range), *above], key=lambda one: one.step):
        if not any(one.is_top == other.is_top and one.step - other.step < apart for other in kept):
            kept.append(one)
    return kept


def exits_of(line: Line, y_range: Interval) -> list[Exit]:
    """Where a line leaves the figure.

    Example:
        >>> exits_of(Line(x=(0, 1, 2, 3), y=(1.0, 5.0, 6.0, 1.0)), (0.5, 2.0))
        [Exit(step=1.0, is_top=True)]
    """
    steps, values = np.array(line.x), np.array(line.y)
    return [
        Exit(step=step, is_top=is_top) for is_top, outside in ((True, values > y_range[1]), (False, values < y_range[0])) for step in _begins(steps, outside)
    ]


def _begins(steps: Floats, outside: NDArray[np.bool_]) -> list[float]:
    """First step of each stretch."""
    return [float(step) for step in steps[outside & ~np.append(False, outside[:-1])]]


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
