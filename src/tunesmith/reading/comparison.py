"""Compares arms under noise: which is best, which cannot be told from it, and how sure that is."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tunesmith.experiment import Experiment
from tunesmith.finding import Finding
from tunesmith.reading.goal import arm_scores
from tunesmith.thresholds import DEFAULT_THRESHOLDS, Thresholds

MOST_CONFIDENCE = 0.75
"""What a choice between short runs is believed at most (our choice: their noise has two or three degrees of freedom)."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Arms ranked by their mean score.

    Attributes:
        best: Label of the arm with the smallest mean score; empty where every arm failed.
        scores: Label → mean score; +inf where any of its runs failed: a setting at the brink loses to one a step back from it.
        values: Label → the knob's value.
        close: Labels that cannot be told from the best, the best among them.
        noise: Standard deviation between seeds that was assumed; 0 where it is not known.
        confidence: Probability that the best is better than the runner-up, given the noise; .5 where the noise is not known.
    """

    best: str
    scores: dict[str, float]
    values: dict[str, float | None]
    close: tuple[str, ...]
    noise: float
    confidence: float

    @property
    def matters(self) -> bool:
        """Whether some finished arm can be told from the best; False where the noise is not known."""
        return self.noise > 0 and any(math.isfinite(found) and label not in self.close for label, found in self.scores.items())

    @property
    def interval(self) -> tuple[float, float] | None:
        """Values that cannot be told from the best, low to high; None where the noise is not known."""
        if self.noise <= 0:
            return None
        values = [value for label in self.close if (value := self.values[label]) is not None]
        return (min(values), max(values)) if values else None

    def prefers(self, incumbent: float) -> bool:
        """Whether the incumbent value should be kept: nothing finished, the noise is not known, or no arm beats it by more than the noise of one run.

        Keeping is a preference and not a proof: arms can be told apart only from `Thresholds.close_noise` on. An incumbent that failed is not kept.
        """
        label = next((label for label, value in self.values.items() if value == incumbent), "")
        if not self.best or label not in self.scores:
            return not self.best
        if not math.isfinite(self.scores[label]):
            return False
        return self.noise <= 0 or self.scores[label] - self.scores[self.best] <= self.noise


def compare(
    experiment: Experiment, *, noise: float, goal: str = "loss", higher_is_better: bool = False, thresholds: Thresholds = DEFAULT_THRESHOLDS
) -> Comparison:
    """Rank the arms of an experiment; arms of one label are seeds of one setting.

    Args:
        experiment: Runs to the end; those that failed never win.
        noise: Standard deviation of a score between seeds, see `noise_between_seeds`; 0 where it is not known.
        goal: What decides: "loss" or a metric's name.
        higher_is_better: Its direction.
        thresholds: `close_noise` says from how many standard deviations of a difference on arms can be told apart.
    """
    by_label = arm_scores(experiment.arms, goal=goal, higher_is_better=higher_is_better)
    means = {label: sum(found) / len(found) for label, found in by_label.items()}
    values = {arm.label: arm.value for arm in experiment.arms}
    finished = sorted((label for label in means if math.isfinite(means[label])), key=means.__getitem__)
    if not finished:
        return Comparison(best="", scores=means, values=values, close=(), noise=noise, confidence=0.0)
    best = finished[0]

    def spread(label: str) -> float:
        return noise * math.sqrt(1 / len(by_label[best]) + 1 / len(by_label[label]))

    close = tuple(label for label in finished if means[label] - means[best] <= thresholds.close_noise * spread(label))
    return Comparison(best=best, scores=means, values=values, close=close, noise=noise, confidence=_confidence(means, finished, spread))


def _confidence(means: dict[str, float], finished: list[str], spread: Callable[[str], float]) -> float:
    if len(finished) < 2:  # noqa: PLR2004 (nothing to be better than)
        return 0.5
    gap, deviation = means[finished[1]] - means[finished[0]], spread(finished[1])
    if deviation <= 0:
        return 0.5
    return 0.5 * (1 + math.erf(gap / deviation / math.sqrt(2)))


def noise_between_seeds(experiments: Iterable[Experiment], *, goal: str = "loss", higher_is_better: bool = False) -> float:
    """Standard deviation of a score between seeds, pooled over every label that was run with two seeds or more; 0 where none was."""
    total, degrees = 0.0, 0
    for experiment in experiments:
        for found in arm_scores(experiment.arms, goal=goal, higher_is_better=higher_is_better).values():
            finite = [value for value in found if math.isfinite(value)]
            mean = sum(finite) / len(finite) if finite else 0.0
            total += sum((value - mean) ** 2 for value in finite)
            degrees += max(0, len(finite) - 1)
    return math.sqrt(total / degrees) if degrees else 0.0


def choice_finding(kind: str, comparison: Comparison, *, chosen: float, evidence: str, not_established: str, action: str = "") -> Finding:
    """The finding that a knob's value was chosen by a comparison."""
    return Finding(
        kind=kind,
        value=chosen,
        interval=comparison.interval,
        confidence=_capped(comparison, chosen=chosen),
        evidence=evidence + _doubt(comparison),
        not_established=not_established,
        action=action,
    )


def _capped(comparison: Comparison, *, chosen: float) -> float:
    """A noise known from two or three repeats supports no more than .75, and a value that is not the best of those tried no more than .5."""
    is_best = comparison.best != "" and comparison.values[comparison.best] == chosen
    return round(min(comparison.confidence, MOST_CONFIDENCE if is_best else 0.5), 3)


def _doubt(comparison: Comparison) -> str:
    if comparison.noise <= 0:
        return " The noise between seeds is not known, since no setting was repeated."
    return "" if comparison.matters else " No arm that finished can be told from the best: these runs cannot tell whether it matters."
