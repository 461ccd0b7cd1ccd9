"""One quantity of a log against the steps: raw, smoothed without lag, and where it stands."""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.log import Series
from tunesmith.reading.smoothing import LARGEST, noise_of, smooth
from tunesmith.reading.track import smoothing_width

Floats = NDArray[np.float64]

MOST_POINTS = 400
"""Points that a shape is read from: of a longer series each is the mean of several (our choice: shapes that matter take more than a hundredth of a run)."""
FEWEST_POINTS = 5
"""With fewer, noise cannot be told from shape (our choice)."""
_FIRST_POINTS = 3
_TINY = 1e-300
_EARLY, _ERRORS, _EXPLODED = 20, 3.0, 1.5
"""The median of the first points is the start where it lies within so many standard deviations of the noise, read from so many points,
and is not so many times the first (our choice)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """One quantity, lower is better.

    Attributes:
        step: Where each point lies, shape (n,); of a mean, where its last value lies.
        origin: The step from which the run is counted: 0, or the first one of a log that begins far from it.
        raw: As recorded, or a mean; NaN where nothing was finite.
        smoothed: Without lag; finite.
        start: The first values: their median, or the first alone where it explodes at once.
        best_at: Where the smoothed line is lowest.
        noise: Standard deviation of a point about the line.
        tail_noise: The same of the last third, where that is less.
        lost_at: Step of the first value after which nothing was finite; None where the line ends in a finite value.
        is_positive: Whether no value is below zero: then zero is a floor, and shares of the start mean something.
    """

    step: Floats
    origin: float
    raw: Floats
    smoothed: Floats
    start: float
    best_at: int
    noise: float
    tail_noise: float
    lost_at: float | None
    is_positive: bool

    @property
    def n(self) -> int:
        """How many points."""
        return self.step.size

    @property
    def best(self) -> float:
        """The lowest of the smoothed line."""
        return float(self.smoothed[self.best_at])

    @property
    def final(self) -> float:
        """The end of the smoothed line."""
        return float(self.smoothed[-1])

    @property
    def drop(self) -> float:
        """From the start to the best; at least 0."""
        return max(0.0, self.start - self.best)

    @property
    def width(self) -> float:
        """Standard deviation of the smoothing, in points."""
        return smoothing_width(self.n)

    @property
    def error(self) -> float:
        """Standard error of a smoothed point: a Gaussian of width w averages about 3.5 w points."""
        return self.noise / math.sqrt(max(1.0, 3.5 * self.width))

    @property
    def tail_error(self) -> float:
        """Standard error of a smoothed point near the end."""
        return self.tail_noise / math.sqrt(max(1.0, 3.5 * self.width))

    def at(self, step: float) -> float:
        """The smoothed line at a step."""
        return float(np.interp(step, self.step, self.smoothed))

    def share(self, index: int) -> float:
        """How far in the run a point lies, 0 to 1."""
        return float((self.step[index] - self.origin) / self.span)

    @property
    def span(self) -> float:
        """Steps from the origin to the end; above 0."""
        return max(float(self.step[-1]) - self.origin, _TINY)

    def step_at(self, share: float) -> float:
        """The step at that share of the run."""
        return self.origin + share * self.span

    def times(self, factor: float) -> "Line":
        """The same line in other units."""
        return dataclasses.replace(
            self, raw=factor * self.raw, smoothed=factor * self.smoothed, start=factor * self.start,
            noise=factor * self.noise, tail_noise=factor * self.tail_noise,
        )  # fmt: skip


def line_of(series: Series, *, sign: float = 1.0, origin: float = 0.0) -> Line | None:
    """The line of a series; None where nothing in it is finite. `sign` -1 for what should rise."""
    with np.errstate(over="ignore", invalid="ignore"):
        values = sign * series.value
    values = np.where(np.abs(values) < LARGEST, values, np.nan)  # NaN compares false
    finite = np.flatnonzero(~np.isnan(values))
    if not finite.size:
        return None
    lost_at = None if finite[-1] == values.size - 1 else float(series.step[finite[-1] + 1])
    step, values = series.step[: finite[-1] + 1], values[: finite[-1] + 1]
    known = values[finite]
    step, raw = _thinned(step, values)
    smoothed = smooth(raw, width_points=smoothing_width(raw.size))
    if np.isnan(smoothed).any():  # a gap wider than the smoothing
        known_at = ~np.isnan(smoothed)
        smoothed = np.interp(step, step[known_at], smoothed[known_at])
    best_at, noise = int(np.argmin(smoothed)), noise_of(raw)
    median = float(np.median(known[:_FIRST_POINTS]))
    is_noise = abs(median - known[0]) <= _ERRORS * noise_of(values[:_EARLY]) and median <= _EXPLODED * abs(known[0])
    is_falling = bool((np.diff(known[:_FIRST_POINTS]) < 0).all())
    start = median if (is_noise or known[0] <= 0) and not is_falling else float(known[0])
    return Line(
        step=step, origin=origin, raw=raw, smoothed=smoothed, start=start, best_at=best_at, noise=noise,
        tail_noise=min(noise, noise_of(raw[-max(FEWEST_POINTS, raw.size // 3) :])),
        lost_at=lost_at, is_positive=bool(known.min() >= 0),
    )  # fmt: skip


def _thinned(step: Floats, values: Floats) -> tuple[Floats, Floats]:
    every = -(-values.size // MOST_POINTS)
    if every == 1:
        return step, values
    begins = np.arange(0, values.size, every)
    ends = np.minimum(begins + every, values.size)
    is_known = ~np.isnan(values)
    total, count = np.add.reduceat(np.where(is_known, values, 0.0), begins), np.add.reduceat(is_known, begins)
    with np.errstate(invalid="ignore"):
        return step[ends - 1], total / np.where(count > 0, count, np.nan)
