"""Reads range tests under several conditions: which one tolerates the largest learning rate with a flat loss (METHOD, section 2.1).

That condition is the balance sought. A loss that has turned up slowly is not flat, and a condition that ends clearly worse than another has too much
regularisation, however large a rate it stands.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np
from numpy.typing import NDArray

from tunesmith.curve import Curve
from tunesmith.errors import CurveError
from tunesmith.experiment import Experiment
from tunesmith.finding import Finding
from tunesmith.reading.range_test import RangeOutcome, RangeReading, read_range
from tunesmith.reading.track import SMOOTHING_SHARE, train_track, valid_track
from tunesmith.settings import Json, RunKind
from tunesmith.thresholds import DEFAULT_THRESHOLDS, Thresholds

CONDITIONS_VERSION = 1
FLAT_SHARE = 0.03
"""A loss is flat, and another condition's best loss as good, within this share of the drop from start to best (our choice, and the share that `clues`
calls level; larger takes slow overfitting for flat, smaller takes noise for a rise)."""
_FLAT_ERRORS = 4.0
"""And flat within this many standard errors of a smoothed point, where that is more: the best point is the lowest of many, a rise the highest (our choice)."""
_BEST_ERRORS = 2.0
"""And as good within this many standard errors of the difference of two best losses (our choice)."""

Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What a range test says under one condition.

    Attributes:
        label: The condition's name.
        outcome: Of its range test; of several repeats the most frequent.
        tolerated_lr: The largest learning rate with a flat loss, below the edge; None where the test suggests nothing. Of several repeats the median.
        interval: Rates that the evidence cannot tell from it: the evaluations before and after, its noise, its repeats; open above where the loss was flat to
            the end of the sweep.
        suggested_lr, zone, edge: Of its range test read by itself.
        best_loss: Lowest smoothed loss; the mean of several repeats.
        is_as_good: Whether that loss is as good as the best condition's.
        n: Repeats.
    """

    label: str
    outcome: RangeOutcome
    tolerated_lr: float | None
    interval: Interval | None
    suggested_lr: float | None
    zone: Interval | None
    edge: Interval | None
    best_loss: float | None
    is_as_good: bool
    n: int

    def to_dict(self) -> dict[str, Json]:
        """A JSON object; an open end of the interval is null."""
        return {
            "label": self.label,
            "tolerated_lr": self.tolerated_lr,
            "interval": None if self.interval is None else [end if math.isfinite(end) else None for end in self.interval],
            "edge": None if self.edge is None else list(self.edge),
            "best_loss": self.best_loss,
            "is_as_good": self.is_as_good,
            "outcome": str(self.outcome),
            "suggestion": self.suggested_lr,
            "zone": None if self.zone is None else list(self.zone),
            "n": self.n,
        }


@dataclass(frozen=True, kw_only=True)
class ConditionsReading:
    """Range tests under several conditions, ranked.

    Attributes:
        outcome: "found", "no_difference" where the first cannot be told from another, or "not_found" where no test suggests anything.
        best: Label of the first, or of the one with the lowest loss among those that cannot be told from it; None where there is none.
        suggested_lr: Peak of a cycle under it.
        conditions: Best first: those as good as the best loss by the rate that they tolerate, then the others by their loss.
        close: Labels that cannot be told from the first, itself among them.
        findings: The evidence.
        advice: What to do.
    """

    outcome: str
    best: str | None
    suggested_lr: float | None
    conditions: tuple[Condition, ...]
    close: tuple[str, ...]
    findings: tuple[Finding, ...]
    advice: str

    @property
    def ends_too_early(self) -> bool:
        """Whether conditions cannot be told apart because their losses are flat to the end of the sweep."""
        return len(self.close) > 1 and any(condition.interval is not None and math.isinf(condition.interval[1]) for condition in self.conditions[:1])

    def to_dict(self) -> dict[str, Json]:
        """The JSON document of `tunesmith lr-range --under … --format json` (docs/command-line.md)."""
        return {
            "version": CONDITIONS_VERSION,
            "outcome": self.outcome,
            "suggestion": self.suggested_lr,
            "best": self.best,
            "close": list(self.close),
            "conditions": [condition.to_dict() for condition in self.conditions],
            "findings": [finding.to_dict() for finding in self.findings],
            "advice": [self.advice],
        }


@dataclass(frozen=True)
class _Sweep:
    """One sweep: its range test read by itself, and its flat stretch."""

    reading: RangeReading
    best: float
    drop: float
    error: float
    tolerated: float
    interval: Interval


def read_conditions(experiment: Experiment, *, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> ConditionsReading:
    """Rank conditions by the largest learning rate that they tolerate with a flat loss.

    Args:
        experiment: Linear sweeps over one interval; arms of one label are repeats. Runs of another kind are passed over.
        thresholds: The constants of judgement.

    Raises:
        CurveError: No linear sweep.

    Example:
        >>> from tunesmith.curve import Run
        >>> from tunesmith.experiment import Arm
        >>> from tunesmith.settings import RunSpec, Settings
        >>> def arm(label, breaks_at):
        ...     lrs = tuple(i / 100 for i in range(1, 101))
        ...     losses = tuple(1.0 - 0.6 * min(1.0, lr / 0.2) + (5.0 if lr > breaks_at else 0.0) for lr in lrs)
        ...     spec = RunSpec(settings=Settings(lr=1.0), total_steps=100, seed=0, kind="linear_ramp")
        ...     return Arm(label=label, value=None, run=Run(spec=spec, curve=Curve(lr=lrs, momentum=lrs, train_loss=losses, eval_step=(), valid_loss=())))
        >>> reading = read_conditions(Experiment(probe="lr_range_under", arms=(arm("little decay", 0.5), arm("more decay", 0.8))))
        >>> reading.outcome, reading.best, 0.6 < reading.conditions[0].tolerated_lr < 0.85
        ('found', 'more decay', True)
    """
    curves: dict[str, list[Curve]] = {}
    for arm in experiment.arms:
        if arm.run.spec.kind == RunKind.LINEAR_RAMP:
            curves.setdefault(arm.label, []).append(arm.run.curve)
    if not curves:
        raise CurveError("Conditions must be read from linear sweeps of the learning rate, and there is none. Pass what probes.lr_range_under returned.")
    swept = {label: [(read_range(curve, thresholds=thresholds), curve) for curve in found] for label, found in curves.items()}
    sweeps = {label: [sweep for reading, curve in found if (sweep := _sweep(reading, curve)) is not None] for label, found in swept.items()}
    readings = {label: [reading for reading, _ in found] for label, found in swept.items()}
    ranked = _ranked([_condition(label, readings[label], sweeps) for label in curves])
    usable = [condition for condition in ranked if condition.tolerated_lr is not None]
    if not usable:
        return _not_found(ranked)
    first = usable[0]
    close = tuple(condition.label for condition in usable if condition.is_as_good and _overlap(condition.interval, first.interval))
    best = min((condition for condition in usable if condition.label in close), key=lambda condition: condition.best_loss or 0.0)
    advice = _advice(usable, close, best=best)
    return ConditionsReading(
        outcome="found" if len(close) == 1 else "no_difference",
        best=best.label,
        suggested_lr=best.suggested_lr,
        conditions=ranked,
        close=close,
        findings=_findings(experiment, ranked, close=close, advice=advice),
        advice=advice,
    )


def _sweep(reading: RangeReading, curve: Curve) -> _Sweep | None:
    train = train_track(curve)
    if reading.suggested_lr is None or train is None:
        return None
    track = valid_track(curve) or train
    smoothed = np.where(np.isnan(track.raw), np.nan, track.smoothed)  # a mean of neighbours is no evidence that the loss was there
    at, best, error = track.best_at, track.best, track.standard_error
    drop = max(train.start - best, 0.0)
    margin = max(FLAT_SHARE * drop, _FLAT_ERRORS * error)
    spacing = float(np.median(np.diff(track.lr))) * max(1.0, track.raw.size * SMOOTHING_SHARE)
    strictly = min(FLAT_SHARE * drop, margin - error)  # what noise hides may be a rise
    low, middle, high = (_flat_to(track.lr, smoothed, at=at, level=best + rise) for rise in (strictly, margin, margin + error))
    end, highest = float(track.lr[-1]), math.inf
    if reading.edge is not None and reading.edge_lr is not None:
        end = reading.edge_lr
        highest = max(reading.edge[1], end + spacing)
    middle = min(middle, end)
    interval = (max(0.0, min(low, middle) - spacing), min(high + spacing, highest))
    return _Sweep(reading=reading, best=best, drop=drop, error=error, tolerated=middle, interval=interval)


def _flat_to(lr: NDArray[np.float64], smoothed: NDArray[np.float64], *, at: int, level: float) -> float:
    """Learning rate at which the smoothed loss, followed from its best point on, first passes the level, by a straight line; infinite where it does not."""
    above = np.flatnonzero(~(smoothed[at:] <= level))  # NaN counts as above
    if above.size == 0:
        return math.inf
    outside = at + int(above[0])
    inside = max(at, outside - 1)
    rise = float(smoothed[outside] - smoothed[inside])
    share = min(1.0, max(0.0, (level - float(smoothed[inside])) / rise)) if math.isfinite(rise) and rise > 0 else 0.0
    return float(lr[inside] + share * (lr[outside] - lr[inside]))


def _condition(label: str, readings: Sequence[RangeReading], sweeps: dict[str, list[_Sweep]]) -> Condition:
    mine, n = sweeps[label], len(readings)
    outcomes = [reading.outcome for reading in readings]
    if 2 * len(mine) <= n:  # a condition under which half of the repeats are lost is not tolerated
        lost = [outcome for outcome, reading in zip(outcomes, readings, strict=True) if reading.suggested_lr is None]
        return Condition(
            label=label, outcome=max(lost, key=lost.count), tolerated_lr=None, interval=None, suggested_lr=None, zone=None, edge=None, best_loss=None,
            is_as_good=False, n=n,
        )  # fmt: skip
    leader = min((found for found in sweeps.values() if found), key=_best)
    margin = max(FLAT_SHARE * fmean(sweep.drop for sweep in leader), _BEST_ERRORS * math.hypot(_error(mine), _error(leader)))
    return Condition(
        label=label,
        outcome=max(outcomes, key=outcomes.count),
        tolerated_lr=median(sweep.tolerated for sweep in mine),
        interval=(min(sweep.interval[0] for sweep in mine), max(sweep.interval[1] for sweep in mine)),
        suggested_lr=median(sweep.reading.suggestion() for sweep in mine),
        zone=_middle([sweep.reading.zone for sweep in mine]),
        edge=_middle([sweep.reading.edge for sweep in mine]),
        best_loss=_best(mine),
        is_as_good=_best(mine) - _best(leader) <= margin,
        n=n,
    )


def _best(sweeps: Sequence[_Sweep]) -> float:
    return fmean(sweep.best for sweep in sweeps)


def _error(sweeps: Sequence[_Sweep]) -> float:
    """Standard error of the mean of the best losses: from their repeats where there are some, from the noise of the curve otherwise, whichever is more."""
    within = math.sqrt(sum(sweep.error**2 for sweep in sweeps)) / len(sweeps)
    between = float(np.std([sweep.best for sweep in sweeps], ddof=1)) / math.sqrt(len(sweeps)) if len(sweeps) > 1 else 0.0
    return max(within, between)


def _middle(intervals: Sequence[Interval | None]) -> Interval | None:
    known = [interval for interval in intervals if interval is not None]
    return (median(low for low, _ in known), median(high for _, high in known)) if known else None


def _ranked(conditions: Sequence[Condition]) -> tuple[Condition, ...]:
    def place(condition: Condition) -> tuple[int, float, float]:
        if condition.tolerated_lr is None or condition.best_loss is None:
            return (2, 0.0, 0.0)
        return (0, -condition.tolerated_lr, condition.best_loss) if condition.is_as_good else (1, condition.best_loss, 0.0)

    return tuple(sorted(conditions, key=place))


def _overlap(one: Interval | None, other: Interval | None) -> bool:
    return one is not None and other is not None and one[0] <= other[1] and other[0] <= one[1]


def _advice(usable: Sequence[Condition], close: Sequence[str], *, best: Condition) -> str:
    first = usable[0]
    peak = f"{best.suggested_lr:.2g}"
    if len(usable) == 1:
        return f"Only '{first.label}' gives a usable range test: use it with a peak of about {peak}, or lay other conditions beside it."
    if len(close) > 1:
        is_open = first.interval is not None and math.isinf(first.interval[1])
        others = ", ".join(f"'{label}'" for label in close)
        more = "raise end_lr, since the loss was flat to its end" if is_open else "more steps, evaluations or repeats may tell"
        return f"These tests cannot tell {others} apart; {more}. Until then take the one with the lowest loss, '{best.label}', with a peak of about {peak}."
    return f"Use '{first.label}' with a peak of about {peak}: it tolerates the largest learning rate with a flat loss, which is the balance sought."


def _findings(experiment: Experiment, ranked: Sequence[Condition], *, close: Sequence[str], advice: str) -> tuple[Finding, ...]:
    first = ranked[0]
    specs = [arm.run.spec for arm in experiment.arms if arm.run.spec.kind == RunKind.LINEAR_RAMP]
    doubts = [
        "That the order holds in a full training: learning rate and elapsed training are confounded in a sweep.",
        "How much another seed would differ." if first.n == 1 else "",
        "What the batch size does by itself: at equal updates a larger batch sees more examples."
        if len({spec.settings.batch_size for spec in specs}) > 1
        else "",
    ]
    balance = Finding(
        kind="balance", value=first.tolerated_lr, interval=first.interval, confidence=0.7 if len(close) == 1 and len(ranked) > 1 else 0.4,
        evidence=f"{len(ranked)} conditions, {first.n} sweep{'s' if first.n > 1 else ''} each of {specs[0].total_steps} updates: {_told(first)}",
        not_established=" ".join(filter(None, doubts)), action=advice,
    )  # fmt: skip
    return (balance, *(_finding(condition, is_close=len(close) > 1 and condition.label in close) for condition in ranked))


def _finding(condition: Condition, *, is_close: bool) -> Finding:
    return Finding(
        kind="condition", value=condition.tolerated_lr, interval=condition.interval, confidence=0.6,
        evidence=_told(condition) + (" It cannot be ruled out as the best." if is_close else ""),
        not_established="Where it would be in a test of another length.",
    )  # fmt: skip


def _told(condition: Condition) -> str:
    if condition.tolerated_lr is None or condition.best_loss is None:
        return f"'{condition.label}': {str(condition.outcome).replace('_', ' ')}, nothing can be suggested."
    edge = "no edge" if condition.edge is None else f"edge near {math.sqrt(condition.edge[0] * condition.edge[1]):.2g}"
    worse = "" if condition.is_as_good else ", clearly worse than the best condition's"
    return f"'{condition.label}': flat up to {condition.tolerated_lr:.2g}, {edge}, best loss {condition.best_loss:.3g}{worse}."


def _not_found(ranked: Sequence[Condition]) -> ConditionsReading:
    advice = "No condition gives a usable range test: change end_lr or steps, or look at what each outcome says."
    finding = Finding(
        kind="balance", confidence=0.9, evidence=" ".join(_told(condition) for condition in ranked),
        not_established="Anything about learning rates that were not swept.", action=advice,
    )  # fmt: skip
    return ConditionsReading(outcome="not_found", best=None, suggested_lr=None, conditions=tuple(ranked), close=(), findings=(finding,), advice=advice)
