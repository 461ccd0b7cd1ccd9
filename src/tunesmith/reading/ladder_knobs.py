"""What the rungs of the ladder tell of each knob: which values cannot be told from the best, and how sure that is. Numbers in, records out."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import fmean

from tunesmith.finding import Finding
from tunesmith.reading.comparison import MOST_CONFIDENCE
from tunesmith.reading.joint_choices import JointChoice
from tunesmith.reading.weight_decay import LATE

Scores = Mapping[int, float]
"""Seed → score, smaller is better."""

TOLD_APART, CLOSE, UNKNOWN = "told_apart", "close", "unknown"
_NEAR_SHARE = 0.002
"""Of what was learnt: smaller differences count as none, the noise of one validation is seldom smaller (our choice)."""
_DOUBT = {
    "max_lr": "That the same peak, carried to the full length, is best there.",
    "momentum": "That the order stays the same in full, or that a cycle beats a constant momentum.",
    "weight_decay": LATE,
    "total_decay": LATE,
}


@dataclass(frozen=True, kw_only=True)
class KnobContrast:
    """One knob on a rung: its values beside the best, all other knobs alike.

    Attributes:
        knob: "max_lr", "momentum", and "total_decay", or "weight_decay" where the ladder kept that itself between lengths.
        value: The best.
        losses: Value, ascending → mean score of the best; of any other that, and how much worse it is on the seeds that both have. Infinite where a run did
            not finish.
        close: Values that cannot be told from the best, itself among them; all that finished where the noise is not known.
        state: "told_apart": every other value is worse. "close": some value cannot be told from the best. "unknown": so is the noise, as nothing was repeated.
        confidence: Probability that the best value beats the next, given the noise between seeds; .5 where that is not known.
        steps: Updates of that rung's runs; 0 where nobody said.
    """

    knob: str
    value: float
    losses: Mapping[float, float]
    close: tuple[float, ...]
    state: str
    confidence: float
    steps: int = 0

    @property
    def matters(self) -> bool | None:
        """Whether some value is worse than the best; None where the noise is not known."""
        return None if self.state == UNKNOWN else len(self.close) < len(self.losses)

    @property
    def finding(self) -> Finding:
        """The same as a finding."""
        listed = ", ".join(f"{value:.3g} {'failed' if math.isinf(loss) else format(loss, '.4g')}" for value, loss in self.losses.items())
        said = {
            TOLD_APART: " Every other value is worse by more than the noise between seeds.",
            CLOSE: f" {len(self.close)} of {len(self.losses)} cannot be told apart.",
            UNKNOWN: " Nothing was repeated on another seed, so the noise is not known.",
        }[self.state]
        return Finding(
            kind=self.knob, value=self.value, interval=None if self.state == UNKNOWN else (min(self.close), max(self.close)), confidence=self.confidence,
            evidence=f"At {self.steps} updates, other knobs alike: {listed}.{said}", not_established=_DOUBT[self.knob],
        )  # fmt: skip


def first_contrasts(rungs: Mapping[int, Mapping[JointChoice, Scores]], *, learnt: float, close_noise: float) -> tuple[KnobContrast, ...]:
    """Each knob on the lowest rung that varies it: what decay does is not tried on the shortest runs.

    Args:
        rungs: Updates, ascending → choice → seed → score; the best choice of each first.
        learnt: What the best run learnt.
        close_noise: From how many standard deviations of a difference on values can be told apart.
    """
    found: dict[str, KnobContrast] = {}
    for steps, scores in rungs.items():
        for contrast in knob_contrasts(scores, learnt=learnt, close_noise=close_noise):
            found.setdefault(contrast.knob, replace(contrast, steps=steps))
    return tuple(found.values())


def knob_contrasts(scores: Mapping[JointChoice, Scores], *, learnt: float, close_noise: float) -> tuple[KnobContrast, ...]:
    """What one rung tells of each knob that was varied there.

    The peak is compared along the line of peaks at one momentum and one decay, that of the best choice where it has several, else the longest; momentum between
    the best peaks at one decay, for a peak belongs to its momentum; decay at one peak and momentum.

    Args:
        scores: Choice → seed → score, smaller is better; the best choice first.
        learnt: What the best run learnt.
        close_noise: From how many standard deviations of a difference on values can be told apart.
    """
    best = next((choice for choice, losses in scores.items() if all(map(math.isfinite, losses.values()))), None)
    if best is None:
        return ()
    found = []
    for knob, value, alike in _KNOBS:
        line = _line(scores, best, value=value, alike=alike)
        if len(line) > 1:
            name = "total_decay" if knob == "weight_decay" and best.is_total_decay else knob
            found.append(_contrast(name, line, noise=lambda loss: noise_up_to(scores.values(), loss), near=_NEAR_SHARE * learnt, close_noise=close_noise))
    return tuple(contrast for contrast in found if contrast is not None)


_KNOBS: tuple[tuple[str, Callable[[JointChoice], float], Callable[[JointChoice], tuple[object, ...]]], ...] = (
    ("max_lr", lambda choice: choice.lr, lambda choice: (choice.momentum, choice.decay, choice.condition)),
    ("momentum", lambda choice: choice.momentum, lambda choice: (choice.decay, choice.condition)),
    ("weight_decay", lambda choice: choice.decay, lambda choice: (choice.lr, choice.momentum, choice.condition)),
)
"""Knob, its value in a choice, and what else must be alike."""


def _line(
    scores: Mapping[JointChoice, Scores], best: JointChoice, *, value: Callable[[JointChoice], float], alike: Callable[[JointChoice], tuple[object, ...]]
) -> dict[float, Scores]:
    """Value → scores of the best choice with it, all else alike, the best first: beside the best choice if that has neighbours, else where most were tried."""
    lines: dict[tuple[object, ...], dict[float, Scores]] = {}
    for choice, found in scores.items():
        lines.setdefault(alike(choice), {}).setdefault(value(choice), found)
    return lines[alike(best)] if len(lines[alike(best)]) > 1 else max(lines.values(), key=len)


def _contrast(knob: str, line: Mapping[float, Scores], *, noise: Callable[[float], float], near: float, close_noise: float) -> KnobContrast | None:
    best, mean = next((value, fmean(found.values())) for value, found in line.items())
    if not math.isfinite(mean):
        return None
    beside = {value: _beside(found, line[best]) for value, found in sorted(line.items())}
    spread = {value: noise(mean + max(0.0, loss)) * math.sqrt(2 / n_seeds) for value, (loss, n_seeds) in beside.items()}
    is_known = noise(math.inf) > 0
    close = tuple(
        value
        for value, (loss, _) in beside.items()
        if math.isfinite(loss) and (not is_known or loss <= max(near, close_noise * spread[value]))
    )  # fmt: skip
    chances = [0.5 * (1 + math.erf(loss / max(spread[value], 1e-12) / math.sqrt(2))) for value, (loss, _) in beside.items() if value != best]
    return KnobContrast(
        knob=knob, value=best, losses={value: mean + loss for value, (loss, _) in beside.items()}, close=close,
        state=UNKNOWN if not is_known else CLOSE if len(close) > 1 else TOLD_APART,
        confidence=round(max(0.5, min([MOST_CONFIDENCE, *chances])), 3) if is_known else 0.5,
    )  # fmt: skip


def noise_up_to(scores: Iterable[Scores], loss: float) -> float:
    """Standard deviation between seeds, pooled over the repeated choices that are no worse than `loss`: noise grows with the loss.

    Over all of them where none is as good; 0 where none was repeated, or a seed of each failed.

    Example:
        >>> scores = [{0: 1.0, 1: 1.2}, {0: 3.0, 1: 5.0}, {0: 2.0}]
        >>> [round(noise_up_to(scores, loss), 2) for loss in (1.5, 9.0)]
        [0.14, 1.0]
    """
    repeated = [list(found.values()) for found in scores if len(found) > 1 and all(map(math.isfinite, found.values()))]
    kept = [losses for losses in repeated if fmean(losses) <= loss] or repeated
    degrees = sum(len(losses) - 1 for losses in kept)
    return math.sqrt(math.fsum((one - fmean(losses)) ** 2 for losses in kept for one in losses) / degrees) if degrees else 0.0


def _beside(found: Scores, best: Scores) -> tuple[float, int]:
    """How much worse than the best, on the seeds that both have, and how many these are; what a seed does to both cancels."""
    seeds = found.keys() & best.keys()
    if not seeds or not all(map(math.isfinite, found.values())):
        return fmean(found.values()) - fmean(best.values()), 1
    return fmean(found[seed] - best[seed] for seed in seeds), len(seeds)
