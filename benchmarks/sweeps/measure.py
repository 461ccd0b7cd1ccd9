"""Reads made-up sweeps and scores what was read against the truth: our edge, its interval, false alarms, and how far suggestions move with the length."""

import dataclasses
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.finders.rules import RULES
from benchmarks.sweeps.problems import LENGTHS, Case, Floats, draw, record, train, truths
from tunesmith.curve import Curve
from tunesmith.reading.range_test import RangeReading, read_range

FEWEST_NEAR = 20
"""Updates within a factor of 2 of the truth from which a sweep has enough of them to be read to a fifth."""
SHORT, LONG = 100, 1000
FIFTH, HALF = 0.2, 1.5
OURS = "tunesmith"
_BEYOND = 1.1
"""A sweep ends below its edge where the truth lies at least this far beyond its end; closer, nobody can say."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One sweep and what was read from it.

    Attributes:
        case: What was swept.
        truth: Where runs of that length at a constant rate diverge.
        curve: What was recorded.
        reading: Ours.
    """

    case: Case
    truth: float
    curve: Curve
    reading: RangeReading

    @property
    def is_near(self) -> bool:
        """Whether enough updates lie within a factor of 2 of the truth."""
        lr = np.asarray(self.curve.lr)
        return int(np.count_nonzero((lr >= self.truth / 2) & (lr <= 2 * self.truth))) >= FEWEST_NEAR

    @property
    def edge(self) -> float | None:
        """Our estimate."""
        return next((finding.value for finding in self.reading.findings if finding.kind == "edge"), None)

    @property
    def is_covered(self) -> bool:
        """Whether our interval holds the truth."""
        return self.reading.edge is not None and self.reading.edge[0] <= self.truth <= self.reading.edge[1]


def read_samples(seeds: Iterable[int], *, can_miss: bool = False) -> list[Sample]:
    """A case a seed, swept and read."""
    cases = [draw(seed, can_miss=can_miss) for seed in seeds]
    samples = []
    for steps in LENGTHS:
        group = [case for case in cases if case.steps == steps]
        if group:
            rates = np.stack([case.rates() for case in group])
            for case, truth, lr, losses in zip(group, truths(group), rates, train(group, rates, seed=2), strict=True):
                curve = record(case, lr, losses)
                samples.append(Sample(case=case, truth=float(truth), curve=curve, reading=read_range(curve)))
    return sorted(samples, key=lambda sample: sample.case.seed)


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """How near the estimates of some sweeps lie; shares of all of them, those without an estimate included, where not said otherwise.

    Attributes:
        n, n_answered: Sweeps, and those with an edge.
        in_fifth: Within 20 % of the truth.
        in_fifth_answered, in_half_answered: Within 20 %, and within a factor of 1.5, of those answered.
        covered: Of those answered, truth inside the interval.
        quantiles: 5, 50 and 95 % of estimate over truth.
        outcomes: How often each.
    """

    n: int
    n_answered: int
    in_fifth: float
    in_fifth_answered: float
    in_half_answered: float
    covered: float
    quantiles: tuple[float, float, float]
    outcomes: dict[str, int]


def accuracy(samples: Sequence[Sample]) -> Accuracy | None:
    """None for no sweep that was answered."""
    answered = [sample for sample in samples if sample.edge is not None]
    if not answered:
        return None
    off = np.array([(sample.edge or math.nan) / sample.truth for sample in answered])
    fifth = int(np.count_nonzero(np.abs(off - 1) <= FIFTH))
    low, middle, high = np.quantile(off, [0.05, 0.5, 0.95])
    return Accuracy(
        n=len(samples),
        n_answered=len(answered),
        in_fifth=fifth / len(samples),
        in_fifth_answered=fifth / len(answered),
        in_half_answered=float(np.mean((off <= HALF) & (off >= 1 / HALF))),
        covered=sum(sample.is_covered for sample in answered) / len(answered),
        quantiles=(float(low), float(middle), float(high)),
        outcomes=dict(Counter(str(sample.reading.outcome) for sample in samples).most_common()),
    )


def false_alarms(samples: Sequence[Sample]) -> tuple[int, int]:
    """Edges seen in sweeps that end clearly below theirs, and the number of such sweeps."""
    below = [sample for sample in samples if sample.curve.lr[-1] * _BEYOND < sample.truth]
    return sum(sample.reading.edge is not None for sample in below), len(below)


@dataclass(frozen=True, kw_only=True)
class Drift:
    """How far a rule's suggestion moves when a sweep over the same range gets ten times as long.

    Attributes:
        rule: Its name.
        n, n_silent: Pairs of sweeps, and those of which one or both gave no suggestion.
        in_half: Share of the pairs that moved by less than a factor of 1.5, of those that gave two.
        quantiles: 5, 50 and 95 % of long over short.
        of_edge: 5, 50 and 95 % of the short sweep's suggestion over the quadratic's edge.
    """

    rule: str
    n: int
    n_silent: int
    in_half: float
    quantiles: tuple[float, float, float]
    of_edge: tuple[float, float, float]


def drifts(seeds: Sequence[int], *, is_exponential: bool) -> list[Drift]:
    """Our suggestion's drift, and every peer's rule's, on the same whole records."""
    cases = [case for case in map(draw, seeds) if (case.kind == "exponential") == is_exponential]
    short, long = (_curves(cases, steps) for steps in (SHORT, LONG))
    suggest: dict[str, Callable[[Curve], float | None]] = {OURS: lambda curve: read_range(curve).suggested_lr}
    suggest |= {name: lambda curve, rule=rule: rule(np.asarray(curve.lr), np.asarray(curve.train_loss)) for name, rule in RULES.items()}
    return [_drift(name, cases, short=[rule(curve) for curve in short], long=[rule(curve) for curve in long]) for name, rule in suggest.items()]


def _curves(cases: Sequence[Case], steps: int) -> list[Curve]:
    lengthened = [dataclasses.replace(case, steps=steps, ending="whole") for case in cases]
    rates = np.stack([case.rates() for case in lengthened])
    return [record(case, lr, losses) for case, lr, losses in zip(lengthened, rates, train(lengthened, rates, seed=2), strict=True)]


def _drift(name: str, cases: Sequence[Case], *, short: Sequence[float | None], long: Sequence[float | None]) -> Drift:
    both = [(before, after, case) for before, after, case in zip(short, long, cases, strict=True) if before and after]
    moved = np.array([after / before for before, after, _ in both])
    return Drift(
        rule=name,
        n=len(cases),
        n_silent=len(cases) - len(both),
        in_half=float(np.mean((moved < HALF) & (moved > 1 / HALF))),
        quantiles=_quantiles(moved),
        of_edge=_quantiles(np.array([before / case.quadratic_edge for before, _, case in both])),
    )


def _quantiles(values: Floats) -> tuple[float, float, float]:
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    return float(low), float(middle), float(high)
