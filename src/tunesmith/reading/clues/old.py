"""Reads one finished run for the clues of under- and overfitting (METHOD, section 3). First version: what the confirming run needs."""

import math

import numpy as np
from numpy.typing import NDArray

from tunesmith.curve import Curve, RunOutcome
from tunesmith.finding import Finding
from tunesmith.reading.smoothing import LARGEST, noise_of, smooth
from tunesmith.thresholds import DEFAULT_THRESHOLDS, Thresholds

_FEWEST_EVALUATIONS = 5
_LAST_SHARE = 0.1
_LEVEL_SHARE = 0.03
_NOISE_UPDATES = 20


def read_clues(curve: Curve, *, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> tuple[Finding, ...]:
    """What the shape of a run's validation loss says, most important first; "balanced" where there is nothing to mend.

    Args:
        curve: A run with at least five evaluations, annealed at its end.
        thresholds: The constants of judgement.

    Example:
        >>> steps = tuple(range(10, 210, 10))
        >>> down = tuple(2.0 - 1.5 * min(1.0, i / 8) for i in range(20))
        >>> rows = dict(lr=(0.1,) * 200, momentum=(0.9,) * 200, train_loss=tuple(2.0 - i / 120 for i in range(200)), eval_step=steps)
        >>> [finding.kind for finding in read_clues(Curve(valid_loss=down, **rows))]
        ['balanced']
        >>> up = tuple(value + max(0, i - 8) * 0.1 for i, value in enumerate(down))
        >>> [finding.kind for finding in read_clues(Curve(valid_loss=up, **rows))]
        ['overfitting']
    """
    if curve.outcome in (RunOutcome.DIVERGED, RunOutcome.NOT_FINITE):
        return (_lost(curve),)
    values = np.asarray(curve.valid_loss, dtype=float)
    if values.size < _FEWEST_EVALUATIONS or not (np.abs(values) < LARGEST).all():  # NaN compares false
        return (_unreadable(values),)
    smoothed = smooth(values, width_points=max(0.5, values.size / 20))
    best, final, start = int(np.argmin(smoothed)), float(smoothed[-1]), max(float(values[0]), _start(curve))
    drop, noise = start - float(smoothed[best]), noise_of(values)
    rise, has_fallen = final - float(smoothed[best]), drop > thresholds.flat_drop * math.hypot(noise, _start_error(curve))
    train_fell = _train_level(curve, share=1.0) < _train_level(curve, share=(best + 1) / values.size)
    if has_fallen and rise > thresholds.lost_share * drop and not train_fell:  # spikes make noise of a ruin: this holds whatever the noise
        return (_unstable(curve, step=curve.eval_step[int(np.argmax(smoothed))], rise=rise),)
    before, top = _worst_jump(smoothed)
    if smoothed[top] - smoothed[before] > max(thresholds.unstable_rise * drop, 4 * noise) and final - smoothed[before] > _LEVEL_SHARE * drop:
        return (_unstable(curve, step=curve.eval_step[top], rise=float(smoothed[top] - smoothed[before])),)
    if rise > max(thresholds.overfit_rise * drop, (2 if has_fallen else 2 * thresholds.flat_drop) * noise) and train_fell:
        return (_overfitting(curve, best=best, rise=rise, drop=drop),)
    if not has_fallen:
        return (_never_started(drop=drop, noise=noise),)
    slope = float(smoothed[-1 - max(1, round(_LAST_SHARE * values.size))]) - final
    if slope > max(thresholds.unfinished_slope * drop, 2 * noise):
        return (_unfinished(curve, slope=slope, drop=drop),)
    level = np.flatnonzero(smoothed <= smoothed[best] + max(_LEVEL_SHARE * drop, 2 * noise))
    return (_balanced(curve, since=int(level[0])),)


def _worst_jump(smoothed: NDArray[np.float64]) -> tuple[int, int]:
    """Indices of the lowest point before the largest rise that came at least half of the way down again, and of its top; both 0 where there is none."""
    lowest = np.minimum.accumulate(smoothed)
    top = int(np.argmax(smoothed - lowest))
    if smoothed[top] - smoothed[top:].min() < (smoothed[top] - lowest[top]) / 2:
        return 0, 0
    return int(np.argmin(smoothed[: top + 1])), top


def _start(curve: Curve) -> float:
    early = [loss for loss in curve.train_loss[:5] if math.isfinite(loss)]
    return float(np.median(early)) if early else -math.inf


def _start_error(curve: Curve) -> float:
    """Standard error of a median of five training losses."""
    return noise_of(curve.train_loss[: max(_NOISE_UPDATES, len(curve.train_loss) // 10)]) * math.sqrt(math.pi / 2 / 5)


def _train_level(curve: Curve, *, share: float) -> float:
    """Median training loss of the tenth of the updates that ends at `share` of the run."""
    end = max(1, round(share * len(curve.train_loss)))
    begin = max(0, end - max(5, len(curve.train_loss) // 10))
    return float(np.median(curve.train_loss[begin:end]))


def _lost(curve: Curve) -> Finding:
    return Finding(
        kind="diverged", since_step=max(0, len(curve.train_loss) - 1), confidence=0.99, evidence=f"The run was lost at update {len(curve.train_loss)}.",
        not_established="Whether the learning rate, the weight decay or the data is to blame.", action="Halve the peak learning rate.",
    )  # fmt: skip


def _unreadable(values: NDArray[np.float64]) -> Finding:
    return Finding(
        kind="too_noisy", confidence=0.5, evidence=f"{values.size} evaluations, {int(np.isfinite(values).sum())} of them finite.",
        not_established="Anything about under- or overfitting.", action="Evaluate at least five times in a run.",
    )  # fmt: skip


def _never_started(*, drop: float, noise: float) -> Finding:
    return Finding(
        kind="never_started", since_step=0, value=drop, confidence=0.9, evidence=f"The validation loss fell by {drop:.3g}, its noise is {noise:.3g}.",
        not_established="Whether another learning rate would train this network.", action="Raise the learning rate tenfold, or look at the data.",
    )  # fmt: skip


def _overfitting(curve: Curve, *, best: int, rise: float, drop: float) -> Finding:
    step = curve.eval_step[best]
    return Finding(
        kind="overfitting", since_step=step, value=rise, confidence=float(min(0.95, 0.7 + rise / max(drop, rise))),
        evidence=f"The validation loss was lowest at update {step} and rose by {rise:.3g} until the end while the training loss fell on.",
        not_established="Which of more weight decay, a larger learning rate or a shorter training mends it best.",
        action="Train shorter, or with more weight decay or a larger learning rate.",
    )  # fmt: skip


def _unstable(curve: Curve, *, step: int, rise: float) -> Finding:
    return Finding(
        kind="unstable", since_step=step, value=rise, confidence=0.85,
        evidence=f"The validation loss jumped by {rise:.3g} near update {step} of {len(curve.lr)}, and did not come all the way back.",
        not_established="That this happens on every seed.", action="Halve the peak learning rate.",
    )  # fmt: skip


def _unfinished(curve: Curve, *, slope: float, drop: float) -> Finding:
    return Finding(
        kind="unfinished", since_step=curve.eval_step[-1], value=slope, confidence=float(min(0.95, 0.6 + slope / drop)),
        evidence=f"The validation loss still fell by {slope:.3g} over the last tenth of the run.",
        not_established="How much a longer training would gain.", action="Train longer if it is worth the price.",
    )  # fmt: skip


def _balanced(curve: Curve, *, since: int) -> Finding:
    return Finding(
        kind="balanced", since_step=curve.eval_step[since], confidence=0.8,
        evidence=f"The validation loss fell, was level from about update {curve.eval_step[since]} on, and did not turn up.",
        not_established="That no other settings do better.",
    )  # fmt: skip
