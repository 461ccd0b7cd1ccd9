"""Reads weight decay from short annealed runs, and says which value to try next: past a border, or at the middle exponent (report, section 4.4)."""

import math
from collections.abc import Mapping, Sequence

from tunesmith.experiment import Experiment
from tunesmith.reading.knob import AT_BORDER, CANNOT_TELL, DOES_NOT_MATTER, FOUND, Judged, KnobReading, choice, judge_values, lr_at, undecided

LATE = "How much decay a full training needs against overfitting: that comes late, and short runs do not see it."
_MATCHED = (
    "That it suits another peak: the best decay falls as the learning rate grows. "
    "That the full training wants the same total decay, for which these values stand: one that has converged long before its end wants the same decay instead."
)

_NEAR = 5.0
"""Values that cannot be told apart and differ by less than this factor are near enough (our choice; the report: one digit)."""


def read_weight_decay(experiment: Experiment, *, goal: str = "loss", higher_is_better: bool = False) -> KnobReading:
    """Which weight decay, from runs at several values.

    The largest that is worse than the best by no more than one standard error of the difference, or by nothing of consequence, is suggested: overfitting comes
    late, so a decay that a short run does not feel is worth having. Where it does not matter, the largest tried.

    Args:
        experiment: What `probes.weight_decay` returned: `value` of an arm is its weight decay, arms of one label are seeds.
        goal: What decides: "loss" or a metric's name.
        higher_is_better: Its direction.

    Raises:
        CurveError: No run.

    Source: Breiman et al. 1984, Classification and Regression Trees, for the rule of one standard error.

    Example:
        >>> from tunesmith.curve import Curve, Run
        >>> from tunesmith.experiment import Arm
        >>> from tunesmith.settings import RunSpec, Settings
        >>> def arm(decay, loss, seed):
        ...     curve = Curve(lr=(0.1,), momentum=(0.9,), train_loss=(2.0,), eval_step=(1,), valid_loss=(loss + 0.01 * loss * seed,))
        ...     return Arm(label=f"weight decay {decay}", value=decay, run=Run(spec=RunSpec(settings=Settings(), total_steps=1, seed=seed), curve=curve))
        >>> arms = [arm(decay, loss, seed) for decay, loss in ((0.0, 1.2), (1e-4, 1.0), (1e-3, 1.001), (1e-2, 1.3)) for seed in (0, 1)]
        >>> reading = read_weight_decay(Experiment(probe="weight_decay", arms=tuple(arms)))
        >>> reading.outcome, reading.suggestion
        ('found', 0.001)
    """
    judged = judge_values(experiment, goal=goal, higher_is_better=higher_is_better)
    if judged.outcome == CANNOT_TELL or judged.best is None:
        return undecided(judged, knob="weight_decay", action="Keep the weight decay at hand, or give more repeats, or more steps.")
    suggestion = _largest_as_good(judged)
    doubt = f"{LATE} {_MATCHED}"
    if judged.outcome == DOES_NOT_MATTER:
        action = f"Weight decay does not matter to these runs up to {suggestion:g}, the largest value tried: take it against late overfitting, or none."
    else:
        action = f"Use weight decay {suggestion:g}."
    if judged.outcome == FOUND and judged.is_at_border(suggestion):
        action += f" It is the {'largest' if suggestion == judged.values[-1].value else 'smallest'} value tried: try beyond it."
    finding = choice(judged, kind="weight_decay", suggestion=suggestion, not_established=doubt, action=action)
    return KnobReading(
        knob="weight_decay", outcome=judged.end_outcome(suggestion), suggestion=suggestion, lr=lr_at(judged, suggestion), values=judged.values,
        noise=judged.comparison.noise, findings=(finding,), advice=action,
    )  # fmt: skip


def _largest_as_good(judged: Judged) -> float:
    if judged.outcome == DOES_NOT_MATTER:
        return judged.values[-1].value
    error = judged.comparison.standard_error
    return max(value.value for value in judged.as_good if judged.is_harmless(value) or (value.difference is not None and value.difference <= error))


def next_decay(scores: Mapping[float, float]) -> float:
    """The value to try next, to one digit: past the border where the best lies on it, else the middle exponent between the best and the better neighbour.

    Between the smallest value and zero, that is a decade below the smallest. It may be one that was tried: then nothing is left to try.

    Args:
        scores: Weight decay → score, smaller is better; at least one.

    Source: METHOD, section 2.5; the report bisects the exponent, section 4.4.

    Example:
        >>> next_decay({1e-4: 1.2, 1e-3: 1.0, 1e-2: 1.1}), next_decay({1e-4: 1.2, 1e-3: 1.0}), next_decay({0.0: 1.0, 1e-4: 0.9, 1e-3: 1.1})
        (0.003, 0.01, 1e-05)
    """
    tried = sorted(scores)
    at = tried.index(min(scores, key=scores.__getitem__))
    if at == len(tried) - 1:
        value = tried[-1] * 10 if tried[-1] > 0 else 1e-5
    elif at == 0:
        value = tried[0] / 10
    else:
        below, above = tried[at - 1], tried[at + 1]
        neighbour = below if scores[below] <= scores[above] else above
        value = tried[at] / 10 if neighbour == 0.0 else math.sqrt(tried[at] * neighbour)
    return float(f"{value:.1g}")


def refined_decay(reading: KnobReading) -> float | None:
    """The value that makes the answer surer; None where it does not matter, nothing can be told, or nothing is left to try.

    As `next_decay` beside the suggestion, but below the smallest value comes zero, beyond which there is nothing; and where zero is suggested, a decade
    below the smallest. Between two that cannot be told apart nothing is tried once they lie within a factor of five: one digit is enough.
    """
    if reading.outcome not in (FOUND, AT_BORDER) or reading.suggestion is None:
        return None
    scores = {value.value: value.loss for value in reading.values} | {reading.suggestion: -math.inf}
    tried = sorted(scores)
    if reading.suggestion == tried[0]:
        value = 0.0 if tried[0] > 0 else float(f"{tried[1] / 10:.1g}")
        return None if value in scores else value
    value = next_decay(scores)
    if value in scores:
        return None
    between = [found for found in reading.values if found.value in _around(value, tried)]
    is_near = len(between) > 1 and all(found.is_as_good for found in between) and between[1].value < _NEAR * between[0].value
    return None if is_near else value


def _around(value: float, tried: Sequence[float]) -> tuple[float, ...]:
    """The neighbours of a value that was not tried: one, where it lies past the border."""
    return tuple([other for other in tried if other < value][-1:] + [other for other in tried if other > value][:1])
