"""Reads an LR range test: the edge where the loss jumps for good, the zone where it is near its best, and what to use.

The axis is the learning rate itself, as the test was swept. Rules on the slope are not used: they measure when in the sweep the loss happened to fall
and shrink as the sweep grows (METHOD, trap 4).
"""

import dataclasses
import math
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tunesmith.curve import Curve, RunOutcome
from tunesmith.errors import CurveError
from tunesmith.finding import Finding
from tunesmith.reading.curve_file import is_sweep, read_sweep
from tunesmith.reading.edge import Edge, find_edge
from tunesmith.reading.track import FEWEST_POINTS, Track, train_track, valid_track
from tunesmith.settings import Json
from tunesmith.thresholds import DEFAULT_THRESHOLDS, Thresholds

RANGE_VERSION = 1
SUGGESTED_SHARE = 0.2
"""Of the edge: what is suggested as the peak of a training (our choice: on networks the best 1cycle peak lies at .05 to .4 of the edge of a sweep of a
quarter of the training, and a fifth is within a few per cent of the best more often than other shares, LOG.md, 2026-11-22)."""
EDGE_FRACTION = 0.5
"""Of the edge: the largest rate worth trying (our choice: on noisy quadratics the best 1cycle peak lies at .35-.7 of it)."""
_NOISY_SHARE = 0.05
_FEWEST_NEAR = 20
"""Updates within a factor of 2 of an edge that is not clear, below which it is not told (our choice)."""
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
    RangeOutcome.FOUND: "Use the suggestion as the peak of a cycle and a tenth of it as the start; confirm it with short runs.",
    RangeOutcome.NEVER_DIVERGED: "The loss never jumped: raise end_lr to see the edge. The suggestion is the upper end of the zone.",
    RangeOutcome.DIVERGED_AT_ONCE: "The loss jumped before it had fallen: lower start_lr and end_lr, or look for a bug in the loss or the data.",
    RangeOutcome.FLAT: "The loss did not fall: raise end_lr or steps, or look whether the network can learn from these data at all.",
    RangeOutcome.TOO_NOISY: "The noise is larger than the drop: use a larger batch, more steps, or more validation examples.",
}


@dataclass(frozen=True, kw_only=True)
class RangeReading:
    """What was read from an LR range test.

    Attributes:
        outcome: found, never_diverged, diverged_at_once, flat or too_noisy.
        suggested_lr: Peak of a cycle: a fifth of the edge, or the upper end of the zone where no edge was seen; None where nothing can be suggested.
        largest_lr: The largest peak worth trying: half of the edge, or the upper end of the zone where that is lower; None where nothing can be suggested.
        zone: Learning rates, low to high, where the loss is near its best; None where there is none.
        edge: Interval, low to high, where the loss begins to jump for good; None where it did not.
        findings: The evidence.
        advice: What to do.
    """

    outcome: RangeOutcome
    suggested_lr: float | None
    largest_lr: float | None = None
    zone: tuple[float, float] | None
    edge: tuple[float, float] | None
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


def read_range(curve: Curve, *, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> RangeReading:
    """Edge, zone and suggestion of a range test that was swept linearly.

    The edge is where training and validation loss have both risen, for good, from their best by `Thresholds.edge_rise` of their drop; a rise that later
    falls again is a hump and not the edge (METHOD, trap 1). Where validation was not recorded the training loss decides alone.

    Args:
        curve: One row an update; evaluations where there are any.
        thresholds: The constants of judgement.

    Example:
        >>> from tunesmith.curve import Curve
        >>> lrs = tuple(i / 100 for i in range(1, 101))
        >>> losses = tuple(1.0 - 0.6 * min(1.0, lr / 0.3) + (5.0 if lr > 0.8 else 0.0) for lr in lrs)
        >>> good = read_range(Curve(lr=lrs, momentum=lrs, train_loss=losses, eval_step=(), valid_loss=()))
        >>> str(good.outcome), 0.7 < good.edge[0] < 0.85, round(good.suggestion(), 1)
        ('found', True, 0.4)
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
    edge = find_edge(train, valid, curve, thresholds)
    if not any(track.has_dropped(thresholds) for track in tracks):
        return _without_suggestion(
            _outcome_without_drop(train, curve, thresholds), curve, evidence=f"Drop {train.drop:.3g} against noise of one point {train.noise:.3g}."
        )
    if edge is not None and edge.wanders and edge.n_near < _FEWEST_NEAR:
        evidence = f"The loss wanders above its start from {edge.lr:.2g} on, and explodes only later; {edge.n_near} updates lie within a factor of 2."
        return _without_suggestion(RangeOutcome.TOO_NOISY, curve, evidence=evidence)
    judge = valid if valid is not None and valid.has_dropped(thresholds) else train
    zone, best_lr = _zone(judge, edge, thresholds)
    largest = zone[1] if edge is None else min(zone[1], EDGE_FRACTION * edge.lr)
    suggested = zone[1] if edge is None else SUGGESTED_SHARE * edge.lr
    if largest <= 0:
        return _without_suggestion(_outcome_without_drop(train, curve, thresholds), curve, evidence="The loss was best at learning rate 0.")
    outcome = RangeOutcome.NEVER_DIVERGED if edge is None else RangeOutcome.FOUND
    return RangeReading(
        outcome=outcome,
        suggested_lr=float(suggested),
        largest_lr=float(largest),
        zone=zone,
        edge=None if edge is None else edge.interval,
        findings=_findings(curve, judge, is_validation=judge is valid, edge=edge, zone=zone, suggested=suggested, best_lr=best_lr, thresholds=thresholds),
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
    top = top if edge is None else min(top, edge.interval[0])
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


def place_text(interval: tuple[float, float]) -> str:
    """Where an interval of learning rates lies, to two digits, in words.

    Example:
        >>> place_text((0.186, 0.194)), place_text((0.1, 0.2))
        ('near 0.19', 'between 0.1 and 0.2')
    """
    low, high = f"{interval[0]:.2g}", f"{interval[1]:.2g}"
    return f"near {low}" if low == high else f"between {low} and {high}"


def _findings(
    curve: Curve,
    judge: Track,
    *,
    is_validation: bool,
    edge: Edge | None,
    zone: tuple[float, float],
    suggested: float,
    best_lr: float,
    thresholds: Thresholds,
) -> tuple[Finding, ...]:
    sweep = f"One linear sweep of {len(curve.lr)} updates from {curve.lr[0]:.2g} to {curve.lr[-1]:.2g}"
    loss = "validation loss" if is_validation else "training loss"
    found = [
        Finding(
            kind="suggestion", value=float(suggested), confidence=0.6 if edge is None else 0.7,
            evidence=f"{sweep}: the {loss} is best near {best_lr:.2g} and stays near its best up to {zone[1]:.2g}.",
            not_established="That this is the best peak for a full training: learning rate and elapsed training are confounded in one sweep.",
            action="Try it, a half and a quarter of it in short annealed runs.",
        ),
        Finding(
            kind="zone", value=best_lr, interval=zone, confidence=0.6,
            evidence=f"{sweep}: the {loss} is near its best from {zone[0]:.2g} to {zone[1]:.2g}.",
            not_established="Where it would be in a test of another length.",
        ),
    ]  # fmt: skip
    if edge is not None:
        found.append(
            Finding(
                kind="edge", since_step=edge.since_step, value=edge.lr, interval=edge.interval, confidence=0.5 if edge.wanders else 0.9,
                evidence=f"{sweep}: the loss rises for good, as fast as from an edge {place_text(edge.interval)}.",
                not_established="Where constant learning rates of another length diverge.", action="Stay below half of it.",
            )
        )  # fmt: skip
    hump = _hump(judge, thresholds) if is_validation else None  # overfitting shows in the validation loss alone
    if hump is not None:
        found.append(
            Finding(
                kind="early_overfitting_hump", since_step=int(judge.step[hump]), value=float(judge.lr[hump]), confidence=0.7,
                evidence=f"The loss rises around learning rate {judge.lr[hump]:.2g} and falls again later.",
                not_established="That small learning rates overfit in a full training.", action="Ignore the first minimum: larger learning rates do better.",
            )
        )  # fmt: skip
    return tuple(found)


def _hump(track: Track, thresholds: Thresholds) -> int | None:
    """Index of the top of a rise that lies before the best point; None where there is none."""
    best = int(np.nanargmin(track.smoothed))
    before = track.smoothed[: best + 1]
    if before.size < 4 or track.drop <= 0:  # noqa: PLR2004 (a hump needs a minimum, a top and a fall)
        return None
    lowest_so_far = np.fmin.accumulate(before)
    rise = before - lowest_so_far
    top = int(np.nanargmax(rise))
    is_hump = rise[top] > max(thresholds.hump_share * 0.2 * track.drop, 4 * track.noise)
    return top if is_hump and before[top] - track.best > thresholds.hump_share * rise[top] else None


def read_curve_file(path: Path, *, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> RangeReading:
    """Edge, zone and suggestion of a sweep that somebody else recorded, see `reading.curve_file.read_sweep`.

    Raises:
        CurveError: The file cannot be read as a sweep.
    """
    return read_range(read_sweep(path), thresholds=thresholds)


def read_range_test(lr: ArrayLike, train_loss: ArrayLike, valid_loss: ArrayLike | None = None, *, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> RangeReading:
    """Edge, zone and suggestion of a sweep given as plain numbers.

    Args:
        lr: Learning rate of each row, ascending, shape (n,).
        train_loss: Training loss of each row, shape (n,); NaN and infinity may occur.
        valid_loss: Validation loss of each row, shape (n,), NaN where it was not taken; None where it never was.
        thresholds: The constants of judgement.

    Raises:
        CurveError: Arrays of different length, fewer than ten rows, or learning rates that do not rise.

    Example:
        >>> lr = np.linspace(0.01, 1, 100)
        >>> reading = read_range_test(lr, np.where(lr < 0.6, 2 - np.minimum(lr, 0.3) * 5, 9.0))
        >>> str(reading.outcome), round(reading.suggestion(), 2)
        ('found', 0.28)
    """
    lrs, train = np.asarray(lr, dtype=float), np.asarray(train_loss, dtype=float)
    valid = np.full(lrs.shape, np.nan) if valid_loss is None else np.asarray(valid_loss, dtype=float)
    if lrs.ndim != 1 or train.shape != lrs.shape or valid.shape != lrs.shape or lrs.size < FEWEST_POINTS:
        raise CurveError(
            f"A sweep must be arrays of one length, at least {FEWEST_POINTS}, got shapes {lrs.shape}, {train.shape} and {valid.shape}. Pass one value a row."
        )
    if not is_sweep(lrs):
        raise CurveError("A sweep's learning rates must be finite, ≥ 0 and ascending, and these are not. Sort the rows by step.")
    evaluated = np.flatnonzero(~np.isnan(valid))
    curve = Curve(
        lr=tuple(lrs.tolist()), momentum=tuple([math.nan] * lrs.size), train_loss=tuple(train.tolist()),
        eval_step=tuple((evaluated + 1).tolist()), valid_loss=tuple(valid[evaluated].tolist()),
    )  # fmt: skip
    return read_range(curve, thresholds=thresholds)
