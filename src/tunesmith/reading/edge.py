"""The edge of a range test: the learning rate from which the loss jumps for good.

The jump is seen after the edge, not at it: what grows starts small, and the sweep goes on meanwhile. In a short sweep it is seen at 1.2 to 1.5 times the edge.
But how fast the loss grows tells how far beyond the edge it is: on a quadratic the steepest direction grows at each update by a factor that depends on
nothing else. So the edge is fitted to the growth that was recorded.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.curve import RunOutcome
from tunesmith.reading.smoothing import LARGEST
from tunesmith.reading.track import Track
from tunesmith.thresholds import Thresholds

Floats = NDArray[np.float64]

_MOMENTUM = 0.9
"""Of the law of growth (our choice: Nesterov's step at .9 lies between plain SGD and heavy ball at high momentum, and a sweep that somebody else recorded
tells neither its momentum nor its kind)."""
_PERCENTILE, _WINDOW_SHARE = 20.0, 1 / 20
"""A loss is lost for good when this percentile of each later window, of this share of the sweep, lies above the level (our choice: an oscillation comes
back below it)."""
_FOOT_RISE, _FOOT_NOISE = 0.1, 3.0
"""The jump begins to be seen at this share of the drop above the best, and this many times the noise of a point (our choice)."""
_LARGEST_GROWTH = 1e6
"""Times the drop; growth beyond it is not fitted (our choice)."""
_LOWEST_SHARE = 0.6
"""Of the learning rate at which the jump begins to be seen: the fit is not followed further down (our choice)."""
_CANDIDATES = 200
"""Edges that are tried, evenly in log learning rate over a factor of 4: steps of .7 % (our choice)."""
_HALF_WIDTH, _HALF_WIDTH_OF_JUMP = 0.1, 0.25
"""The interval reaches this far to either side, in log learning rate, and further by this share of the jump's own width: so that it held 90 to 95 of 100
truths of the made-up sweeps of seeds 0 to 999 (`benchmarks/sweeps`)."""
_HIGHEST_LEVEL = 0.8
"""Share of the drop above which noise does not lift that level: a network that is lost often goes back to about its first loss (our choice)."""


@dataclass(frozen=True, kw_only=True)
class Edge:
    """Where the loss jumps for good.

    Attributes:
        lr: The estimate.
        interval: Low to high around `lr`, cut at the end of the sweep; holds the truth in about nine of ten made-up sweeps.
        since_step: Update at which the jump begins to be seen.
        grows: Whether growth was recorded; where the loss turned from fair to NaN in one update, something else than the rate may be to blame.
        n_near: Points of the track within a factor of 2 of it.
    """

    lr: float
    interval: tuple[float, float]
    since_step: int
    grows: bool
    n_near: int


def find_edge(train: Track, valid: Track | None, *, outcome: RunOutcome, thresholds: Thresholds) -> Edge | None:
    """The edge, or None where the loss did not jump for good.

    Where there are evaluations, both losses must have jumped; but where the run was given up, the training loss decides alone: validation had no time.

    Args:
        train: The training loss.
        valid: The validation loss, if it was recorded.
        outcome: How the run ended.
        thresholds: `edge_rise` is the share of the drop above the best from which a loss is lost.
    """
    losses, lost_level = _filled(train.raw), _lost_level(train, thresholds)
    quantiles = _low_percentiles(losses)
    lost = min(_after_last(quantiles <= lost_level), _exploding_end(losses, train))
    if outcome is not RunOutcome.FINISHED:
        lost = min(lost, losses.size - 1)
    elif valid is not None and lost < losses.size:
        valid_lost = _after_last(_filled(valid.raw) <= _lost_level(valid, thresholds))
        if valid_lost == valid.raw.size and np.count_nonzero(valid.step >= train.step[lost]) > 1:
            return None
        if valid_lost < valid.raw.size:
            lost = max(lost, train.index_at(int(valid.step[valid_lost - 1])) + 1 if valid_lost else 0)
    if lost >= losses.size:
        return None
    foot = _after_last(losses[:lost] <= train.best + max(_FOOT_RISE * train.drop, _FOOT_NOISE * train.noise))
    first, last = max(0, foot - 1), _end_of_growth(losses, lost, train)
    highest = float(train.lr[lost])
    if highest <= 0:
        return None
    fitted = _fit(train.lr[first : last + 1], _log_excess(losses[first : last + 1], train), every=train.every) if last > first else highest
    lr = min(max(fitted, _LOWEST_SHARE * float(train.lr[min(foot, lost)])), highest)
    reach = math.exp(_HALF_WIDTH + _HALF_WIDTH_OF_JUMP * math.log(max(float(train.lr[last]), lr) / max(float(train.lr[first]), lr / 2)))
    return Edge(
        lr=lr,
        interval=(lr / reach, min(lr * reach, float(train.lr[-1])) if last > foot else highest),
        since_step=int(train.step[foot]),
        grows=last > foot,
        n_near=int(np.count_nonzero((train.lr >= lr / 2) & (train.lr <= 2 * lr))),
    )


def _lost_level(track: Track, thresholds: Thresholds) -> float:
    return track.best + min(max(thresholds.edge_rise * track.drop, 4 * track.standard_error), _HIGHEST_LEVEL * track.drop)


def _exploding_end(losses: Floats, train: Track) -> int:
    """Where the sweep's last losses begin that all lie a drop above the start: no window shows so short an end. Past the end for a single finite one."""
    begins = _after_last(losses <= train.start + max(train.drop, 4 * train.noise))
    return begins if losses.size - begins > 1 or losses[-1] >= LARGEST else losses.size


def _filled(raw: Floats) -> Floats:
    """Losses with single holes filled from the left, and huge from where they were lost for good."""
    finite = np.flatnonzero(~np.isnan(raw))
    at = np.searchsorted(finite, np.arange(raw.size), side="right") - 1
    filled = raw[finite[np.maximum(at, 0)]]
    filled[finite[-1] + 1 :] = LARGEST
    return filled


def _low_percentiles(losses: Floats) -> Floats:
    from scipy.ndimage import percentile_filter  # noqa: PLC0415 (scipy is loaded only where it is used)

    window = max(3, 2 * int(losses.size * _WINDOW_SHARE / 2) + 1)
    return np.asarray(percentile_filter(losses, _PERCENTILE, size=window, mode="mirror"), dtype=float)


def _after_last(holds: NDArray[np.bool_]) -> int:
    """Index after the last that holds; 0 for none."""
    return int(np.flatnonzero(holds)[-1]) + 1 if holds.any() else 0


def _end_of_growth(losses: Floats, lost: int, train: Track) -> int:
    """Last index of the growth that is fitted: a few points beyond the one that was lost."""
    largest = train.best + _LARGEST_GROWTH * max(train.drop, train.noise)
    end = min(losses.size, lost + max(3, int(losses.size * _WINDOW_SHARE / 2)) + 1)
    last = lost if losses[lost] < largest else lost - 1  # a loss that became NaN does not say how fast it grew
    while last + 1 < end and losses[last + 1] < largest:
        last += 1
    return last


def _log_excess(losses: Floats, train: Track) -> Floats:
    least = max(train.noise, 0.1 * train.drop, 1e-12 * abs(train.start))
    most = _LARGEST_GROWTH * max(train.drop, least)
    return np.log(np.clip(losses - train.best, least or 1e-300, most or 1.0))


def _fit(lr: Floats, log_excess: Floats, *, every: int) -> float:
    """The edge with which the growth of a quadratic's steepest direction, update by update, follows the recorded one best."""
    candidates = np.geomspace(lr[-1] / 4, lr[-1], _CANDIDATES)
    growth = 2 * every * _log_factor(lr[None, 1:] / candidates[:, None])  # the loss goes with the square of the weights
    expected = np.concatenate([np.zeros((_CANDIDATES, 1)), np.cumsum(growth, axis=1)], axis=1)
    return float(candidates[int(np.argmin(np.var(log_excess[None] - expected, axis=1)))])


def _log_factor(over: Floats) -> Floats:
    """Log of the factor by which an unstable direction grows in an update at `over` times the edge; 0 below it.

    With k = lr·h - 1 for curvature h, Nesterov's step as torch has it has the root -r of r² = (1+m)·k·r + m·k; r = 1 at lr·h = 2(1+m)/(1+2m).
    """
    m = _MOMENTUM
    k = 2 * (1 + m) / (1 + 2 * m) * np.maximum(over, 1.0) - 1
    return np.log(((1 + m) * k + np.sqrt(((1 + m) * k) ** 2 + 4 * m * k)) / 2)
