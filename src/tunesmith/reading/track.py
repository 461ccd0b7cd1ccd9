"""One loss of a sweep against the learning rate: raw, smoothed, and where it stands. What the readings of a range test share."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tunesmith.curve import Curve
from tunesmith.reading.smoothing import LARGEST, noise_of, smooth
from tunesmith.thresholds import Thresholds

Floats = NDArray[np.float64]

FEWEST_POINTS = 10
SMOOTHING_SHARE = 1 / 40
"""Width of the smoothing as a share of the points (our choice)."""
_FEWEST_EVALUATIONS = 5
_FEW_POINTS_PENALTY = 3
"""A drop must be larger by this over n where the noise was read from n points, which know it badly (our choice: one to ten false alarms in a hundred)."""
_ROUNDING = 1e-9
"""Share of a loss that a mean of it may be off by."""


MOST_POINTS = 10_000
"""Points that are read at most: of a longer sweep each is the mean of several updates (our choice: so reading takes less than a second)."""


def smoothing_width(count: int) -> float:
    """Standard deviation, in points, of the Gaussian that smooths `count` points of a loss; figures smooth likewise: a reader sees the line that was judged.

    Example:
        >>> smoothing_width(400), smoothing_width(10)
        (10.0, 0.5)
    """
    return max(0.5, count * SMOOTHING_SHARE)


@dataclass(frozen=True, kw_only=True)
class Track:
    """One loss against the learning rate.

    Attributes:
        lr, step: Learning rate and number of each point, shape (n,).
        raw: As recorded, NaN where it was not finite.
        smoothed: Without lag; NaN after the last finite point.
        start: Median of the first `start_points` finite values.
        best_at, best: Where the smoothed loss is lowest, and how low.
        start_points: How many values make the start.
        every: Updates that one point is the mean of.
        noise, noise_points: Standard deviation of one point, and how many points it was read from.
    """

    lr: Floats
    step: NDArray[np.int64]
    raw: Floats
    smoothed: Floats
    start: float
    start_points: int
    best_at: int
    best: float
    noise: float
    noise_points: int
    every: int = 1

    @property
    def drop(self) -> float:
        """From the start to the best."""
        return self.start - self.best

    def index_at(self, step: int) -> int:
        """Index of the point that the update belongs to; the last for a later one."""
        return int(np.searchsorted(self.step[:-1], step))

    @property
    def standard_error(self) -> float:
        """Of a smoothed point: a Gaussian of width w averages about 3.5 w points."""
        return self.noise / math.sqrt(3.5 * max(1.0, self.raw.size * SMOOTHING_SHARE))

    @property
    def drop_error(self) -> float:
        """Of a difference to the start: both its ends are noisy, the start (a median of few points) far more than a smoothed point."""
        start_error = self.noise * math.sqrt((1 if self.start_points == 1 else math.pi / 2) / self.start_points)
        return math.hypot(start_error, self.standard_error) * (1 + _FEW_POINTS_PENALTY / self.noise_points) + _ROUNDING * abs(self.start)

    def has_dropped(self, thresholds: Thresholds) -> bool:
        """Whether the drop is more than noise, and goes on after the points that make the start."""
        return self.best_at >= self.start_points and self.drop > thresholds.flat_drop * self.drop_error

    def has_risen(self, thresholds: Thresholds) -> bool:
        """Whether the sweep ends above its start by more than noise, or in losses that are not finite."""
        return bool(np.isnan(self.smoothed[-1]) or self.smoothed[-1] - self.start > thresholds.flat_drop * self.drop_error)


def train_track(curve: Curve) -> Track | None:
    """The training loss; None below ten updates or without enough finite losses."""
    if len(curve.train_loss) < FEWEST_POINTS:
        return None
    every = -(-len(curve.train_loss) // MOST_POINTS)
    lr, loss = np.asarray(curve.lr, dtype=float), np.asarray(curve.train_loss, dtype=float)
    step = np.arange(loss.size)
    if every > 1:
        whole = loss.size // every * every
        lr, step = lr[every - 1 : whole : every], step[every - 1 : whole : every]
        with np.errstate(over="ignore", invalid="ignore"):
            loss = loss[:whole].reshape(-1, every).mean(axis=1)
    n = loss.size
    return _track(
        lr, step, loss, width_points=max(1.0, n * SMOOTHING_SHARE), start_points=max(3, min(5, n // 10)), noise_order=4, every=every
    )  # fourth differences: the training loss may oscillate


def valid_track(curve: Curve) -> Track | None:
    """The validation loss; None below five evaluations, which show no shape."""
    steps = np.asarray(curve.eval_step, dtype=int) - 1
    if steps.size < _FEWEST_EVALUATIONS:
        return None
    return _track(np.asarray(curve.lr)[steps], steps, curve.valid_loss, width_points=smoothing_width(steps.size), start_points=1, noise_order=2)


def _track(lr: ArrayLike, step: ArrayLike, raw: ArrayLike, *, width_points: float, start_points: int, noise_order: int, every: int = 1) -> Track | None:
    values, lrs, steps = np.asarray(raw, dtype=float), np.asarray(lr, dtype=float), np.asarray(step, dtype=int)
    values = np.where(np.abs(values) < LARGEST, values, np.nan)  # NaN compares false
    finite = values[~np.isnan(values)]
    if finite.size < max(3, start_points):
        return None
    smoothed = smooth(values, width_points=width_points)
    smoothed[int(np.flatnonzero(~np.isnan(values))[-1]) + 1 :] = np.nan  # a mean of neighbours must not go on where the loss was lost for good
    start, best = float(np.median(finite[:start_points])), int(np.nanargmin(smoothed))
    quiet = values[: max(best + start_points, FEWEST_POINTS)]  # before the jump, which would drown the noise
    return Track(
        lr=lrs,
        step=steps,
        raw=values,
        smoothed=smoothed,
        start=start,
        start_points=start_points,
        best_at=best,
        best=float(smoothed[best]),
        noise=noise_of(quiet, order=noise_order),
        noise_points=quiet.size,
        every=every,
    )
