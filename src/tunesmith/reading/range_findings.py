"""What a range test shows, in findings: the suggestion, the zone, the edge, an early hump, and where each metric is near its best."""

import math
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from tunesmith.curve import Curve
from tunesmith.finding import Finding
from tunesmith.reading.edge import Edge
from tunesmith.reading.smoothing import smooth
from tunesmith.reading.track import Track, smoothing_width
from tunesmith.thresholds import Thresholds

Spacing = Literal["linear", "exponential", "uneven"]
Interval = tuple[float, float]

SHORTEST_TRAINING, LONGEST_TRAINING = 2, 10
"""The suggestion is for trainings of so many times the sweep's updates (our choice: what it was fitted on, LOG.md, 2026-11-22)."""
_EVEN = 0.01
"""Steps of a spacing may differ by this share and still be called even: recorded learning rates are rounded."""
_HUMP_DROP, _SHARED_RISE = 0.1, 0.5
"""A hump rises by this share of the whole drop, and the training loss by less than this share of the hump's rise (our choice)."""
_FEWEST_HIGH = 2
"""Evaluations in the upper half of a hump (our choice: a single one may be an accident)."""
_LOWER_IS_BETTER = ("loss", "error", "perplexity", "mae", "mse", "rmse")
_FEWEST_VALUES = 5


def spacing_of(lr: ArrayLike) -> Spacing:
    """How the learning rates of a sweep are spaced.

    Example:
        >>> spacing_of(np.linspace(0, 1, 20)), spacing_of(np.geomspace(1e-5, 1, 20)), spacing_of(np.linspace(0, 1, 20) ** 2)
        ('linear', 'exponential', 'uneven')
    """
    rates = np.asarray(lr, dtype=float)
    if rates.size < 3 or _is_even(np.diff(rates)):  # noqa: PLR2004 (two points lie on any line)
        return "linear"
    return "exponential" if (rates > 0).all() and _is_even(np.diff(np.log(rates))) else "uneven"


def _is_even(differences: np.ndarray) -> bool:
    middle = float(np.median(differences))
    return middle > 0 and bool(np.mean(np.abs(differences - middle) <= _EVEN * middle) >= 0.9)  # noqa: PLR2004 (a few may be rounded)


def place_text(interval: Interval) -> str:
    """Where an interval of learning rates lies, to two digits, in words.

    Example:
        >>> place_text((0.186, 0.194)), place_text((0.1, 0.2))
        ('near 0.19', 'between 0.1 and 0.2')
    """
    low, high = f"{interval[0]:.2g}", f"{interval[1]:.2g}"
    return f"near {low}" if low == high else f"between {low} and {high}"


def sweep_text(curve: Curve, *, updates: int) -> str:
    """The sweep in a few words: spacing, length, ends."""
    return f"One {spacing_of(curve.lr)} sweep of {updates} updates from {curve.lr[0]:.2g} to {curve.lr[-1]:.2g}"


def range_findings(
    curve: Curve,
    judge: Track,
    *,
    is_validation: bool,
    edge: Edge | None,
    hump: int | None,
    zone: Interval,
    suggested: float,
    best_lr: float,
    updates: int | None,
    thresholds: Thresholds,
) -> tuple[Finding, ...]:
    """The findings of a sweep that shows something.

    Args:
        curve: What was recorded.
        judge: The loss that the zone was read from.
        is_validation: Whether that is the validation loss.
        edge: Where both losses jump for good.
        hump: Index of the top of an early hump of that loss.
        zone: Where the loss is near its best.
        suggested: The suggestion.
        best_lr: Where the loss is best.
        updates: Updates of the sweep; None means one a row.
        thresholds: The constants of judgement.
    """
    n = len(curve.lr) if updates is None else updates
    sweep, loss = sweep_text(curve, updates=n), "validation loss" if is_validation else "training loss"
    updates_a_row = n / len(curve.lr)
    read = "the upper end of the zone, for no edge was seen" if edge is None else f"{suggested / edge.lr:.2g} of the edge"
    read += "" if edge is None or hump is None else ", beyond the early hump"
    found = [
        Finding(
            kind="suggestion", value=float(suggested), interval=(suggested / 2, 2 * suggested), confidence=0.4 if edge is None else 0.7,
            evidence=f"{sweep}: {read}; as the peak of one cycle of {SHORTEST_TRAINING * n} to {LONGEST_TRAINING * n} updates.",
            not_established="That the suggestion is the best peak: one sweep confounds learning rate and elapsed training, and cannot see late overfitting.",
            action="Try it, a third and three times of it in short annealed runs.",
        ),
        Finding(
            kind="zone", value=best_lr, interval=(min(zone[0], best_lr), max(zone[1], best_lr)), confidence=0.6,
            evidence=f"{sweep}: the {loss} is best near {best_lr:.2g} and near its best from {zone[0]:.2g} to {zone[1]:.2g}.",
            not_established="Where the zone lies in a test of another length.",
        ),
    ]  # fmt: skip
    if edge is not None:
        found.append(_edge_finding(edge, sweep, updates_a_row=updates_a_row))
    if hump is not None:
        found.append(
            Finding(
                kind="early_overfitting_hump", since_step=round(updates_a_row * int(judge.step[hump])), value=float(judge.lr[hump]), confidence=0.7,
                evidence=f"The loss rises around learning rate {judge.lr[hump]:.2g} and falls again later.",
                not_established="That small learning rates overfit in a full training.", action="Ignore the first minimum: larger learning rates do better.",
            )
        )  # fmt: skip
    return (*found, *(finding for name in curve.metrics if (finding := _metric_finding(curve, name, thresholds)) is not None))


def _edge_finding(edge: Edge, sweep: str, *, updates_a_row: float) -> Finding:
    how = "the loss rises for good, as fast as from an edge" if edge.grows else "the loss was lost from one update to the next"
    doubt = "" if edge.grows else "That the learning rate is to blame: NaN in the data does the same. "
    return Finding(
        kind="edge", since_step=round(updates_a_row * edge.since_step), value=edge.lr, interval=edge.interval, confidence=0.9 if edge.grows else 0.5,
        evidence=f"{sweep}: {how} {place_text(edge.interval)}; {edge.n_near} points of the sweep lie within a factor of 2 of it.",
        not_established=f"{doubt}Where constant learning rates of another length diverge.", action="Stay well below it.",
    )  # fmt: skip


def hump_of(valid: Track, train: Track, thresholds: Thresholds) -> int | None:
    """Index of the top of a rise of the validation loss before its best point that the training loss has no part in; None where there is none.

    Where the training loss rises too, it is no overfitting: a loss that oscillates or jumps and comes back does that.
    """
    before = valid.smoothed[: valid.best_at + 1]
    if before.size < 4 or valid.drop <= 0:  # noqa: PLR2004 (a hump needs a minimum, a top and a fall)
        return None
    lowest_so_far = np.fmin.accumulate(before)
    rise = before - lowest_so_far
    top = int(np.nanargmax(rise))
    if rise[top] <= max(_HUMP_DROP * valid.drop, 4 * valid.noise) or before[top] - valid.best <= thresholds.hump_share * rise[top]:
        return None
    low = int(np.nanargmin(before[: top + 1]))
    if np.count_nonzero(before[low:] > (before[low] + before[top]) / 2) < _FEWEST_HIGH:  # one bad batch is no hump
        return None
    trained = train.smoothed[train.index_at(int(valid.step[top]))] - train.smoothed[train.index_at(int(valid.step[low]))]
    return None if trained > _SHARED_RISE * rise[top] else top


def _metric_finding(curve: Curve, name: str, thresholds: Thresholds) -> Finding | None:
    """Where a metric is near its best; None where it does not move. Smaller is better where the name says so, as in "error"."""
    values = np.asarray(curve.metrics[name], dtype=float)
    sign = -1.0 if any(word in name.lower() for word in _LOWER_IS_BETTER) else 1.0
    smoothed = sign * smooth(values, width_points=smoothing_width(values.size))
    if np.count_nonzero(np.isfinite(smoothed)) < _FEWEST_VALUES:
        return None
    first = float(smoothed[np.isfinite(smoothed)][0])
    best = int(np.nanargmax(smoothed))
    gain = float(smoothed[best]) - first
    if not gain > 0:
        return None
    lr = np.asarray(curve.lr)[np.asarray(curve.eval_step, dtype=int) - 1]
    near = np.flatnonzero(smoothed >= smoothed[best] - thresholds.zone_rise * gain)
    zone = float(lr[near[0]]), float(lr[near[-1]])
    return Finding(
        kind=f"zone of {name}", value=float(lr[best]), interval=zone, confidence=0.5,
        evidence=f"The metric {name} is best near {lr[best]:.2g} ({sign * smoothed[best]:.3g}), near that from {zone[0]:.2g} to {zone[1]:.2g}.",
        not_established=f"That the learning rate with the best {name} is a good one for the loss, which decides here.",
    )  # fmt: skip


def far_apart(one: Interval, other: Interval) -> float:
    """By which factor two intervals of learning rates lie apart; 1 where they overlap.

    Example:
        >>> far_apart((0.1, 0.2), (0.15, 0.3)), far_apart((0.1, 0.2), (0.4, 0.8))
        (1.0, 2.0)
    """
    low, high = max(one[0], other[0]), min(one[1], other[1])
    return 1.0 if low <= high or high <= 0 else math.exp(math.log(low) - math.log(high))
