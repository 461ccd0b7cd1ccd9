"""Reads a knob from short annealed runs on shared seeds: which values are as good as the best, whether it matters, and whether the answer lies at a border.

What holds for any knob is here; `momentum` and `weight_decay` choose among the values and say what to do.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from tunesmith.errors import CurveError
from tunesmith.experiment import Arm, Experiment
from tunesmith.finding import Finding
from tunesmith.reading.comparison import MOST_CONFIDENCE
from tunesmith.reading.goal import score
from tunesmith.reading.paired import BEST, CLOSE, FAILED, UNSTEADY, PairedComparison, compare_paired
from tunesmith.settings import Json

KNOB_VERSION = 1
SMALL_SHARE = 0.02
"""Of what the runs learnt, or of what the best ends with where that is less: a difference of no consequence (our choice)."""
_START_UPDATES = 5
FOUND, AT_BORDER, DOES_NOT_MATTER, CANNOT_TELL = "found", "at_border", "does_not_matter", "cannot_tell"


@dataclass(frozen=True, kw_only=True)
class KnobValue:
    """One value of a knob and what its runs ended with.

    Attributes:
        label: A few words.
        value: The knob's value.
        lr: Peak learning rate of its runs.
        losses: Final validation loss (or the goal, as a score where smaller is better) of each seed; infinite where a run did not finish.
        difference: Mean minus that of the best; None where a seed failed.
        interval: Differences that the evidence allows, all intervals together at 95 %; None for the best, and where the noise is not known.
        state: "best", "close", "worse", "unsteady", "failed" or "unknown".
    """

    label: str
    value: float
    lr: float
    losses: tuple[float, ...]
    difference: float | None
    interval: tuple[float, float] | None
    state: str

    @property
    def loss(self) -> float:
        """Mean over the seeds; infinite where any failed."""
        return fmean(self.losses)

    @property
    def is_as_good(self) -> bool:
        """Whether it is the best, or cannot be told from it."""
        return self.state in (BEST, CLOSE)

    def to_dict(self) -> dict[str, Json]:
        """A JSON object; what is not finite is null."""
        return {
            "label": self.label,
            "value": self.value,
            "lr": self.lr,
            "loss": self.loss if math.isfinite(self.loss) else None,
            "losses": [loss if math.isfinite(loss) else None for loss in self.losses],
            "difference": self.difference,
            "interval": None if self.interval is None else list(self.interval),
            "state": self.state,
        }


@dataclass(frozen=True, kw_only=True)
class KnobReading:
    """A knob, read from short annealed runs.

    Attributes:
        knob: "momentum", "momentum_cycle" or "weight_decay".
        outcome: "found": some value is clearly worse than the suggestion. "at_border": so it is, but the suggestion is the last value tried on its side.
            "does_not_matter": no difference is larger than one of no consequence. "cannot_tell": the noise hides what difference there may be.
        suggestion: The value to use; None where nothing can be told.
        lr: Peak learning rate of its runs, in these short runs.
        values: In ascending order.
        noise: Standard deviation of a run beyond what its seed does to all values; 0 where it is not known.
        findings: The evidence.
        advice: What to do.
        min_momentum: Momentum where the learning rate is largest, where a cycle is suggested; None for a constant one, and for other knobs.
        cycle: Cycles beside the constant momentum, in ascending order of their lowest; empty where none was tried, and for other knobs.
    """

    knob: str
    outcome: str
    suggestion: float | None
    lr: float | None
    values: tuple[KnobValue, ...]
    noise: float
    findings: tuple[Finding, ...]
    advice: str
    min_momentum: float | None = None
    cycle: tuple[KnobValue, ...] = ()

    def to_dict(self) -> dict[str, Json]:
        """The JSON document of `tunesmith momentum` and `tunesmith weight-decay` (docs/command-line.md)."""
        document: dict[str, Json] = {"version": KNOB_VERSION, "outcome": self.outcome, "suggestion": self.suggestion}
        if self.knob == "momentum":
            document["min_momentum"] = self.min_momentum
        document |= {"lr": self.lr, "values": [value.to_dict() for value in self.values]}
        if self.knob == "momentum":
            document["cycle"] = [value.to_dict() for value in self.cycle]
        return document | {"noise": self.noise, "findings": [finding.to_dict() for finding in self.findings], "advice": [self.advice]}


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What the runs say of any knob.

    Attributes:
        outcome: "found", "does_not_matter" or "cannot_tell"; whether the answer lies at a border depends on what is chosen.
        why: The same in a sentence.
        values: Ascending.
        comparison: All of them beside the best.
        evidence: Lengths, seeds and results, in sentences.
        small: A difference of no consequence.
    """

    outcome: str
    why: str
    values: tuple[KnobValue, ...]
    comparison: PairedComparison
    evidence: str
    small: float

    @property
    def best(self) -> KnobValue | None:
        """The value with the smallest mean; None where none finished."""
        return next((value for value in self.values if value.label == self.comparison.best), None)

    @property
    def as_good(self) -> tuple[KnobValue, ...]:
        """Those that cannot be told from the best, or are worse by nothing of consequence; the best among them."""
        return tuple(value for value in self.values if value.is_as_good or self.is_harmless(value))

    def is_harmless(self, value: KnobValue) -> bool:
        """Whether the evidence allows no difference from the best but one of no consequence."""
        return value.interval is not None and value.interval[1] <= self.small

    def is_at_border(self, value: float) -> bool:
        """Whether nothing was tried on one side of it; below zero there is nothing to try."""
        return (value == self.values[0].value and value > 0) or value == self.values[-1].value

    def end_outcome(self, suggestion: float) -> str:
        """The outcome once a value is chosen."""
        return AT_BORDER if self.outcome == FOUND and self.is_at_border(suggestion) else self.outcome

    def confidence(self, suggestion: float) -> float:
        """What a choice by short runs is believed at most, less where it is not the best of them."""
        return MOST_CONFIDENCE if self.outcome == DOES_NOT_MATTER or (self.best is not None and self.best.value == suggestion) else 0.6


def judge_values(experiment: Experiment, *, goal: str, higher_is_better: bool) -> Judged:
    """The values of an experiment beside the best of them.

    Args:
        experiment: Short annealed runs; arms of one label are seeds of one value.
        goal: What decides: "loss" or a metric's name.
        higher_is_better: Its direction.

    Raises:
        CurveError: No arm with a value.
    """
    arms: dict[str, list[Arm]] = {}
    for arm in sorted((arm for arm in experiment.arms if arm.value is not None), key=lambda arm: arm.value or 0.0):
        arms.setdefault(arm.label, []).append(arm)
    if not arms:
        raise CurveError(f"A knob must be read from runs with its values, and '{experiment.probe}' holds none. Pass what its probe returned.")
    scores = {label: {arm.run.spec.seed: score(arm.run.curve, goal=goal, higher_is_better=higher_is_better) for arm in mine} for label, mine in arms.items()}
    comparison = compare_paired(scores)
    values = tuple(
        KnobValue(
            label=label, value=mine[0].value or 0.0, lr=mine[0].run.spec.settings.lr, losses=comparison.scores[label].scores,
            difference=comparison.scores[label].difference, interval=comparison.scores[label].interval, state=comparison.scores[label].state,
        )
        for label, mine in arms.items()
    )  # fmt: skip
    small = SMALL_SHARE * _yardstick(experiment.arms, values, goal=goal)
    outcome, why = _outcome(values, comparison, small=small)
    return Judged(outcome=outcome, why=why, values=values, comparison=comparison, evidence=_evidence(experiment, values, comparison), small=small)


def _outcome(values: Sequence[KnobValue], comparison: PairedComparison, *, small: float) -> tuple[str, str]:
    finished = [value for value in values if value.state != FAILED]
    if len(finished) < 2:  # noqa: PLR2004 (one value has nothing beside it)
        return CANNOT_TELL, "Fewer than two values finished on every seed."
    if not comparison.is_noise_known:
        return CANNOT_TELL, "No value was repeated on a second seed, so the noise is not known."
    bound = max(value.interval[1] for value in finished if value.interval is not None)
    is_even = all(value.is_as_good for value in values)
    is_smooth = not any(value.state in (FAILED, UNSTEADY) for value in values)
    if is_smooth and (bound <= small or (is_even and bound <= comparison.seed_spread)):
        than = f"{small:.2g}, {SMALL_SHARE:.0%} of what counts here" if bound <= small else f"what another seed does ({comparison.seed_spread:.2g})"
        return DOES_NOT_MATTER, f"It does not matter here: with 95 % no value is worse than the best by more than {bound:.2g}, which is less than {than}."
    if is_even:
        return CANNOT_TELL, f"No value can be told from the best, but the noise leaves room for differences up to {bound:.2g}."
    worse = [f"{value.value:g} {'did not finish' if value.state == FAILED else 'is ' + value.state}" for value in values if not value.is_as_good]
    return FOUND, f"It matters: {', '.join(worse)}."


def _yardstick(arms: Sequence[Arm], values: Sequence[KnobValue], *, goal: str) -> float:
    """What the runs learnt, or what the best of them ended with where that is less; of a metric what it gained between its first and last evaluation.

    Zero where nothing is known: then no difference counts as small.
    """
    ends = [value.loss for value in values if math.isfinite(value.loss)]
    if not ends:
        return 0.0
    if goal != "loss":
        gained = [abs(found[-1] - found[0]) for arm in arms if len(found := arm.run.curve.metrics.get(goal, ())) > 1]
        return float(np.median([gain for gain in gained if math.isfinite(gain)] or [0.0]))
    first = [loss for arm in arms for loss in arm.run.curve.train_loss[:_START_UPDATES] if math.isfinite(loss)]
    return max(0.0, min(float(np.median(first)) - min(ends), abs(min(ends)))) if first else 0.0


def _evidence(experiment: Experiment, values: Sequence[KnobValue], comparison: PairedComparison) -> str:
    steps = sorted({arm.run.spec.total_steps for arm in experiment.arms})
    lengths = f"{steps[0]}" if len(steps) == 1 else f"{steps[0]} to {steps[-1]}"
    seeds = max(len(value.losses) for value in values)
    noise = f" Noise of a run beside the others of its seed {comparison.noise:.2g}, spread between seeds {comparison.seed_spread:.2g}."
    return (
        f"Short annealed runs of {lengths} updates on {seeds} seed{'s, the same for all values' if seeds > 1 else ''}: {', '.join(map(_listed, values))}."
        f"{noise if comparison.is_noise_known else ''}"
    )


def _listed(value: KnobValue) -> str:
    if value.state == FAILED:
        return f"{value.label} failed"
    beside = "" if value.interval is None else f" ({value.difference:+.2g}, {value.interval[0]:.2g} to {value.interval[1]:.2g})"
    return f"{value.label} {value.loss:.4g}{beside}{', about which its seeds disagree' if value.state == UNSTEADY else ''}"


def choice(judged: Judged, *, kind: str, suggestion: float, not_established: str, action: str) -> Finding:
    """The finding that a value was chosen."""
    tried = [value.value for value in (judged.values if judged.outcome == DOES_NOT_MATTER else judged.as_good)]
    border = " It is the last value tried on its side: a better one may lie beyond." if judged.end_outcome(suggestion) == AT_BORDER else ""
    return Finding(
        kind=kind, value=suggestion, interval=(min(tried), max(tried)), confidence=judged.confidence(suggestion), evidence=f"{judged.why} {judged.evidence}",
        not_established=not_established + border, action=action,
    )  # fmt: skip


def undecided(judged: Judged, *, knob: str, action: str) -> KnobReading:
    """The reading where nothing can be told."""
    finding = Finding(
        kind=knob, confidence=MOST_CONFIDENCE, evidence=f"{judged.why} {judged.evidence}",
        not_established=f"Which {knob.replace('_', ' ')} is best.", action=action,
    )  # fmt: skip
    return KnobReading(
        knob=knob, outcome=CANNOT_TELL, suggestion=None, lr=None, values=judged.values, noise=judged.comparison.noise, findings=(finding,),
        advice=f"{judged.why} {action}",
    )  # fmt: skip


def lr_at(judged: Judged, value: float) -> float:
    """Peak learning rate of a value's runs."""
    return next(found.lr for found in judged.values if found.value == value)
