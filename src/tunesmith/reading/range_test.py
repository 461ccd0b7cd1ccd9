"""Reads an LR range test: the edge where the loss jumps for good, the zone where it is near its best, and what to use.

The axis is the learning rate itself, as the test was swept. Rules on the slope are not used: they measure when in the sweep the loss happened to fall
and shrink as the sweep grows (METHOD, trap 4).
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from tunesmith.curve import Curve, RunOutcome
from tunesmith.errors import CurveError
from tunesmith.finding import Finding
from tunesmith.reading.curve_file import is_sweep, read_recorded
from tunesmith.reading.edge import Edge, find_edge
from tunesmith.reading.range_findings import hump_of, range_findings
from tunesmith.reading.track import FEWEST_POINTS, Track, train_track, valid_track
from tunesmith.settings import Json
from tunesmith.thresholds import DEFAULT_THRESHOLDS, Thresholds

RANGE_VERSION = 1
SUGGESTED_SHARE = 1 / 8
"""Of the edge: what is suggested as the peak of a training (fitted on six networks of `benchmarks/tasks`, reported on four others, LOG.md, 2026-11-22)."""
BEYOND_HUMP = 2.0
"""Where small rates overfit, the suggestion is at least this many times the rate at the top of the hump (our choice)."""
EDGE_FRACTION = 0.5
"""Of the edge: the largest rate worth trying (our choice: on noisy quadratics the best 1cycle peak lies at .35-.7 of it)."""
_NOISY_SHARE = 0.05
_MOST_VALID_DROP = 3.0
"""The validation loss is taken to have dropped by at most this many times what the training loss did (our choice): before the first updates BatchNorm's
statistics fit nothing, and a loss of 87 that falls to 1 would make everything below 9 look near the best."""


class RangeOutcome(StrEnum):
    """What a range test shows."""

    FOUND = "found"
    NEVER_DIVERGED = "never_diverged"
    DIVERGED_AT_ONCE = "diverged_at_once"
    FLAT = "flat"
    TOO_NOISY = "too_noisy"


_ADVICE = {
    RangeOutcome.FOUND: "Use the suggestion as the peak of one cycle and a tenth of it as the start; compare it with a third and three times of it.",
    RangeOutcome.NEVER_DIVERGED: "The loss never jumped: raise end_lr to see the edge. The suggestion is the upper end of the zone.",
    RangeOutcome.DIVERGED_AT_ONCE: "The loss jumped before it had fallen: lower start_lr and end_lr, or look for a bug in the loss or the data.",
    RangeOutcome.FLAT: "The loss did not fall: raise end_lr or steps, or look whether the network can learn from these data at all.",
    RangeOutcome.TOO_NOISY: "Noise or oscillation hides the drop or the edge: use more steps, a larger batch, less momentum or more validation examples.",
}


@dataclass(frozen=True, kw_only=True)
class RangeReading:
    """What was read from an LR range test.

    Attributes:
        outcome: found, never_diverged, diverged_at_once, flat or too_noisy.
        suggested_lr: Peak of a cycle: an eighth of the edge, beyond an early hump; `largest_lr` where no edge was seen; None where nothing can be suggested.
        largest_lr: The largest peak worth trying: half of the edge, or the upper end of the zone where that is lower; None where nothing can be suggested.
        zone: Learning rates, low to high, where the loss is near its best; None where there is none.
        edge: Interval, low to high, from which the loss jumps for good; None where it did not.
        edge_lr: The estimate within it.
        findings: The evidence.
        advice: What to do.
    """

    outcome: RangeOutcome
    suggested_lr: float | None
    largest_lr: float | None = None
    zone: tuple[float, float] | None
    edge: tuple[float, float] | None
    edge_lr: float | None = None
    findings: tuple[Finding, ...]
    advice: str

    def suggestion(self) -> float:
        """The suggested peak learning rate.

        Raises:
            CurveError: The test suggests none; the message says why.
        """
        if self.suggested_lr is None:
            raise CurveError(f"A range test must show a falling loss to suggest a learning rate, and this one ended with '{self.outcome}'. {self.advice}")
        return self.suggested_lr

    def to_dict(self) -> dict[str, Json]:
        """The JSON document of `tunesmith lr-range --format json` (docs/command-line.md)."""
        return {
            "version": RANGE_VERSION,
            "outcome": str(self.outcome),
            "suggestion": self.suggested_lr,
            "zone": None if self.zone is None else list(self.zone),
            "edge": None if self.edge is None else list(self.edge),
            "findings": [finding.to_dict() for finding in self.findings],
            "advice": [self.advice],
        }


def read_range(curve: Curve, *, updates: int | None = None, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> RangeReading:
    """Edge, zone and suggestion of a range test.

    There is an edge where training and validation loss are both lost for good (`Thresholds.edge_rise`); where it lies is
    fitted to the growth (`reading.edge`). A rise that later falls again is a hump and not the edge (METHOD, trap 1). Where validation was not recorded the
    training loss decides alone.

    Args:
        curve: One row an update; evaluations where there are any.
        updates: Updates of the sweep where not every one has a row; None means one a row.
        thresholds: The constants of judgement.

    Example:
        >>> from tunesmith.curve import Curve
        >>> lrs = tuple(i / 100 for i in range(1, 101))
        >>> losses = tuple(1.0 - 0.6 * min(1.0, lr / 0.3) + (5.0 if lr > 0.8 else 0.0) for lr in lrs)
        >>> good = read_range(Curve(lr=lrs, momentum=lrs, train_loss=losses, eval_step=(), valid_loss=()))
        >>> str(good.outcome), 0.6 < good.edge[0] < good.edge[1] < 0.9, round(good.suggestion(), 1)
        ('found', True, 0.1)
        >>> flat = Curve(lr=lrs, momentum=lrs, train_loss=(1.0,) * 100, eval_step=(), valid_loss=())
        >>> str(read_range(flat).outcome)
        'flat'
    """
    train = train_track(curve)
    if train is None:
        return _without_suggestion(RangeOutcome.DIVERGED_AT_ONCE, curve, evidence=f"{len(curve.train_loss)} updates before the loss was lost.")
    valid = valid_track(curve)
    if valid is not None and train.has_dropped(thresholds):
        valid = dataclasses.replace(valid, start=min(valid.start, valid.best + _MOST_VALID_DROP * train.drop))
    tracks = [track for track in (train, valid) if track is not None]
    edge = find_edge(train, valid, outcome=curve.outcome, thresholds=thresholds)
    if not any(track.has_dropped(thresholds) for track in tracks):
        return _without_suggestion(
            _outcome_without_drop(train, curve, thresholds), curve, evidence=f"Drop {train.drop:.3g} against noise of one point {train.noise:.3g}."
        )
    judge = valid if valid is not None and valid.has_dropped(thresholds) else train
    zone, best_lr = _zone(judge, edge, thresholds)
    largest = zone[1] if edge is None else min(zone[1], EDGE_FRACTION * edge.lr)
    hump = hump_of(valid, train, thresholds) if valid is not None and judge is valid else None
    suggested = largest if edge is None else SUGGESTED_SHARE * edge.lr
    if edge is not None and hump is not None:  # rates up to there overfit
        suggested = max(suggested, BEYOND_HUMP * float(judge.lr[hump]))
    suggested = min(max(suggested, float(train.lr[0])), largest)
    if largest <= 0:
        return _without_suggestion(_outcome_without_drop(train, curve, thresholds), curve, evidence="The loss was best at learning rate 0.")
    outcome = RangeOutcome.NEVER_DIVERGED if edge is None else RangeOutcome.FOUND
    return RangeReading(
        outcome=outcome,
        suggested_lr=float(suggested),
        largest_lr=float(largest),
        zone=zone,
        edge=None if edge is None else edge.interval,
        edge_lr=None if edge is None else edge.lr,
        findings=range_findings(
            curve,
            judge,
            is_validation=judge is valid,
            edge=edge,
            hump=hump,
            zone=zone,
            suggested=suggested,
            best_lr=best_lr,
            updates=updates,
            thresholds=thresholds,
        ),
        advice=_ADVICE[outcome],
    )


def _outcome_without_drop(train: Track, curve: Curve, thresholds: Thresholds) -> RangeOutcome:
    if curve.outcome is not RunOutcome.FINISHED or train.has_risen(thresholds):
        return RangeOutcome.DIVERGED_AT_ONCE
    is_noisy = train.noise > _NOISY_SHARE * max(abs(train.start), 1e-12)
    return RangeOutcome.TOO_NOISY if is_noisy else RangeOutcome.FLAT


def _zone(track: Track, edge: Edge | None, thresholds: Thresholds) -> tuple[tuple[float, float], float]:
    """The unbroken stretch around the best point where the smoothed loss is near its best, and the learning rate of that point."""
    level = track.best + thresholds.zone_rise * track.drop
    best = int(np.nanargmin(track.smoothed))
    is_near = track.smoothed <= level
    low = high = best
    while low > 0 and is_near[low - 1]:
        low -= 1
    while high < track.lr.size - 1 and is_near[high + 1]:
        high += 1
    bottom, top = _where(track, low, low - 1, level=level), _where(track, high, high + 1, level=level)
    top = top if edge is None else max(min(top, edge.interval[0]), float(track.lr[low]))
    return (min(bottom, top), top), float(track.lr[best])


def _where(track: Track, inside: int, outside: int, *, level: float) -> float:
    """Learning rate at which the smoothed loss crosses the level between a point below it and its neighbour, by a straight line."""
    if not 0 <= outside < track.lr.size or not np.isfinite(track.smoothed[outside]):
        return float(track.lr[inside])
    below, above = track.smoothed[inside], track.smoothed[outside]
    share = (level - below) / (above - below) if above > below else 0.0
    return float(track.lr[inside] + share * (track.lr[outside] - track.lr[inside]))


def _without_suggestion(outcome: RangeOutcome, curve: Curve, *, evidence: str) -> RangeReading:
    finding = Finding(
        kind=str(outcome), confidence=0.9, evidence=evidence, action=_ADVICE[outcome],
        not_established=f"Nothing outside learning rates {curve.lr[0]:.2g} to {curve.lr[-1]:.2g}." if curve.lr else "Anything about any learning rate.",
    )  # fmt: skip
    return RangeReading(outcome=outcome, suggested_lr=None, zone=None, edge=None, findings=(finding,), advice=_ADVICE[outcome])


def read_curve_file(path: Path, *, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> RangeReading:
    """Edge, zone and suggestion of a sweep that somebody else recorded, see `reading.curve_file.read_recorded`.

    Raises:
        CurveError: The file cannot be read as a sweep.
    """
    curve, updates = read_recorded(path)
    return read_range(curve, updates=updates, thresholds=thresholds)


def read_range_test(  # noqa: PLR0917 (the columns of a recorded sweep, in their order)
    lr: ArrayLike,
    train_loss: ArrayLike,
    valid_loss: ArrayLike | None = None,
    metrics: Mapping[str, ArrayLike] | None = None,
    *,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
) -> RangeReading:
    """Edge, zone and suggestion of a sweep given as plain numbers.

    Args:
        lr: Learning rate of each row, ascending, shape (n,); evenly spaced, in whatever scale, or not.
        train_loss: Training loss of each row, shape (n,); NaN and infinity may occur.
        valid_loss: Validation loss of each row, shape (n,), NaN where it was not taken; None where it never was.
        metrics: Name → values of each row, shape (n,), NaN where they were not taken. They get a finding each; the losses decide.
        thresholds: The constants of judgement.

    Raises:
        CurveError: Arrays of different length, fewer than ten rows, or learning rates that do not rise.

    Example:
        >>> lr = np.linspace(0.01, 1, 100)
        >>> reading = read_range_test(lr, np.where(lr < 0.6, 2 - np.minimum(lr, 0.3) * 5, 9.0))
        >>> str(reading.outcome), round(reading.suggestion(), 2), round(reading.largest_lr, 2)
        ('found', 0.06, 0.26)
    """
    lrs, train = np.asarray(lr, dtype=float), np.asarray(train_loss, dtype=float)
    valid = np.full(lrs.shape, np.nan) if valid_loss is None else np.asarray(valid_loss, dtype=float)
    others = {name: np.asarray(values, dtype=float) for name, values in (metrics or {}).items()}
    shapes = {"lr": lrs.shape, "train_loss": train.shape, "valid_loss": valid.shape} | {name: values.shape for name, values in others.items()}
    if lrs.ndim != 1 or lrs.size < FEWEST_POINTS or len(set(shapes.values())) > 1:
        found = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise CurveError(f"A sweep must be arrays of one length, at least {FEWEST_POINTS}, got shapes {found}. Pass one value a row.")
    if not is_sweep(lrs):
        raise CurveError("A sweep's learning rates must be finite, ≥ 0 and ascending, and these are not. Sort the rows by step.")
    evaluated = np.flatnonzero(np.any([~np.isnan(values) for values in (valid, *others.values())], axis=0))
    curve = Curve(
        lr=tuple(lrs.tolist()), momentum=tuple([math.nan] * lrs.size), train_loss=tuple(train.tolist()),
        eval_step=tuple((evaluated + 1).tolist()), valid_loss=tuple(valid[evaluated].tolist()),
        metrics={name: tuple(values[evaluated].tolist()) for name, values in others.items()},
    )  # fmt: skip
    return read_range(curve, thresholds=thresholds)
