"""Readings of several repeats of one sweep joined to one result. The readings themselves are `reading.range_test`'s."""

import statistics
from collections.abc import Sequence

from tunesmith.curve import Curve
from tunesmith.finding import Finding
from tunesmith.in_script.result import Interval, LrRangeTest, Spacing
from tunesmith.reading.drift import compare_lengths
from tunesmith.reading.range_test import RangeOutcome, RangeReading, read_range
from tunesmith.thresholds import DEFAULT_THRESHOLDS, Thresholds

_CAUTION = (RangeOutcome.TOO_NOISY, RangeOutcome.FLAT, RangeOutcome.DIVERGED_AT_ONCE, RangeOutcome.NEVER_DIVERGED, RangeOutcome.FOUND)
"""Where two outcomes are equally frequent, the one that claims less comes first (our choice)."""


def join(
    runs: Sequence[Curve],
    *,
    start_lr: float,
    end_lr: float,
    steps: int,
    spacing: Spacing,
    compared: Curve | None = None,
    compare_steps: int | None = None,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
) -> LrRangeTest:
    """Read every repeat and join what agrees.

    The outcome is the most frequent one. Of the repeats that show it, the one with the median suggestion gives findings and advice; suggestion and
    zone are medians; the edge reaches from the lowest to the highest.

    Args:
        runs: At least one curve of the same sweep.
        start_lr: Where the sweep began.
        end_lr: Where it was to end.
        steps: Updates that it was to have.
        spacing: Of its learning rates.
        compared: A sweep of another length over the same learning rates, for the finding "drift".
        compare_steps: Updates that it was to have; None means as many as it has.
        thresholds: The constants of judgement.

    Example:
        >>> lrs = tuple(i / 100 for i in range(1, 101))
        >>> losses = tuple(1.0 - 0.6 * min(1.0, lr / 0.3) + (5.0 if lr > 0.8 else 0.0) for lr in lrs)
        >>> curve = Curve(lr=lrs, momentum=lrs, train_loss=losses, eval_step=(), valid_loss=())
        >>> result = join([curve, curve], start_lr=0.01, end_lr=1.0, steps=100, spacing="linear")
        >>> str(result.outcome), round(result.suggestion(), 1), [round(end, 1) for end in result.interval]
        ('found', 0.1, [0.1, 0.1])
    """
    readings = [read_range(run, thresholds=thresholds) for run in runs]
    outcome = _most_frequent([reading.outcome for reading in readings])
    agreeing = sorted((reading for reading in readings if reading.outcome is outcome), key=lambda reading: reading.suggested_lr or 0.0)
    shown = agreeing[len(agreeing) // 2]
    suggested = [reading.suggested_lr for reading in agreeing if reading.suggested_lr is not None]
    zones = [reading.zone for reading in agreeing if reading.zone is not None]
    edges = [reading.edge for reading in agreeing if reading.edge is not None]
    edge = (min(low for low, _ in edges), max(high for _, high in edges)) if edges else None
    interval = (suggested[0], suggested[-1]) if len(suggested) > 1 else None
    findings = shown.findings if len(readings) == 1 else (*shown.findings, _agreement(readings, outcome, interval))
    if compared is not None:
        findings = (*findings, compare_lengths(shown, read_range(compared, thresholds=thresholds), steps=(steps, compare_steps or len(compared.lr))))
    return LrRangeTest(
        outcome=outcome,
        suggested_lr=statistics.median(suggested) if suggested else None,
        interval=interval,
        zone=_median_zone(zones, edge),
        edge=edge,
        findings=findings,
        advice=shown.advice,
        start_lr=start_lr,
        end_lr=end_lr,
        steps=steps,
        spacing=spacing,
        runs=tuple(runs),
        compared=compared,
    )


def _median_zone(zones: Sequence[Interval], edge: Interval | None) -> Interval | None:
    if not zones:
        return None
    low, high = statistics.median(low for low, _ in zones), statistics.median(high for _, high in zones)
    high = high if edge is None else min(high, edge[0])
    return min(low, high), high


def _most_frequent(outcomes: Sequence[RangeOutcome]) -> RangeOutcome:
    return max(_CAUTION, key=outcomes.count)  # the first of several that are as frequent


def _agreement(readings: Sequence[RangeReading], outcome: RangeOutcome, interval: Interval | None) -> Finding:
    n_agreeing = sum(reading.outcome is outcome for reading in readings)
    reach = "" if interval is None else f", with suggestions from {interval[0]:.2g} to {interval[1]:.2g}"
    return Finding(
        kind="repeats",
        interval=interval,
        confidence=n_agreeing / len(readings),
        evidence=f"{n_agreeing} of {len(readings)} sweeps from the same weights, in other data orders, end with '{outcome}'{reach}.",
        not_established="How far the suggestion moves with other initial weights or another number of steps.",
        action="" if n_agreeing == len(readings) else "The repeats disagree: use more steps, or a larger batch.",
    )
