"""Reads momentum from short annealed runs: which constant value, and whether a cycle does better (report, section 4.3)."""

import dataclasses
import math
from collections.abc import Sequence

from tunesmith.experiment import Experiment
from tunesmith.reading.knob import AT_BORDER, CANNOT_TELL, DOES_NOT_MATTER, FOUND, Judged, KnobReading, KnobValue, choice, judge_values, lr_at, undecided
from tunesmith.reading.paired import BEST

USUAL_MOMENTUM = 0.95
"""What is taken where nothing speaks against it: usually the best constant one (report, section 4.3)."""
_MEMORY_SHARE = 1 / 5
"""Of a run: a momentum that remembers longer, 1/(1-m) updates, is judged too early (our choice)."""
_SAME_MOVE = 0.03
_AGAIN = "Keep the momentum at hand, or give more repeats, or more steps."


def read_momentum(experiment: Experiment, *, goal: str = "loss", higher_is_better: bool = False) -> KnobReading:
    """Which momentum, from runs at several values.

    .95 is suggested unless the runs tell it from the best; then the nearest value that they do not: a knob moves only for a reason.

    Args:
        experiment: What `probes.momentum` returned: `value` of an arm is its momentum (beta1 for Adam kinds), arms of one label are seeds.
        goal: What decides: "loss" or a metric's name.
        higher_is_better: Its direction.

    Raises:
        CurveError: No run.

    Example:
        >>> from tunesmith.curve import Curve, Run
        >>> from tunesmith.experiment import Arm
        >>> from tunesmith.settings import RunSpec, Settings
        >>> def arm(momentum, loss, seed):
        ...     curve = Curve(lr=(0.1,), momentum=(0.9,), train_loss=(2.0,), eval_step=(1,), valid_loss=(loss + 0.01 * momentum * seed,))
        ...     return Arm(label=f"momentum {momentum}", value=momentum, run=Run(spec=RunSpec(settings=Settings(), total_steps=1, seed=seed), curve=curve))
        >>> arms = [arm(momentum, loss, seed) for momentum, loss in ((0.9, 1.1), (0.95, 1.0), (0.99, 1.5)) for seed in (0, 1)]
        >>> reading = read_momentum(Experiment(probe="momentum", arms=tuple(arms)))
        >>> reading.outcome, reading.suggestion, [value.state for value in reading.values]
        ('found', 0.95, ['worse', 'best', 'worse'])
    """
    judged = judge_values(experiment, goal=goal, higher_is_better=higher_is_better)
    if judged.outcome == CANNOT_TELL or judged.best is None:
        return undecided(judged, knob="momentum", action=_AGAIN)
    suggestion = min((value.value for value in judged.as_good), key=lambda value: abs(math.log((1 - value) / (1 - USUAL_MOMENTUM))))
    lr = lr_at(judged, suggestion)
    action = f"Use momentum {suggestion:g} with a peak of {lr:.2g} in runs of this length."
    if judged.outcome == DOES_NOT_MATTER:
        action = f"Momentum does not matter here from {judged.values[0].value:g} to {judged.values[-1].value:g}: take {suggestion:g}, and tune something else."
    doubt = f"That the order stays the same in a full training. {_rates_text(experiment, judged.values)}{_memory_text(experiment, judged.values)}"
    finding = choice(judged, kind="momentum", suggestion=suggestion, not_established=doubt.strip(), action=action)
    return KnobReading(
        knob="momentum", outcome=judged.end_outcome(suggestion), suggestion=suggestion, lr=lr, values=judged.values, noise=judged.comparison.noise,
        findings=(finding,), advice=action + _border_text(judged, suggestion),
    )  # fmt: skip


def next_momentum(reading: KnobReading) -> float | None:
    """The value to try beyond the border where the suggestion lies on it: half or twice the distance to 1; None where it does not, or nothing is beyond.

    Example:
        >>> from tunesmith.reading.knob import KnobReading
        >>> next_momentum(KnobReading(knob="momentum", outcome="found", suggestion=0.95, lr=0.1, values=(), noise=0.1, findings=(), advice="")) is None
        True
    """
    if reading.outcome != AT_BORDER or reading.suggestion is None:
        return None
    tried = [value.value for value in reading.values]
    distance = 1 - reading.suggestion
    value = round(1 - distance / 2, 4) if reading.suggestion == max(tried) else round(max(0.0, 1 - 2 * distance), 4)
    return None if value in tried or value >= 1 else value


def read_momentum_cycle(experiment: Experiment, *, goal: str = "loss", higher_is_better: bool = False) -> KnobReading:
    """Whether momentum that falls while the learning rate rises does better than the constant one that it falls from.

    The constant one is suggested unless the runs tell it from the best.

    Args:
        experiment: What `probes.momentum_cycle` returned: `value` of an arm is its lowest momentum, that of the constant one the largest.
        goal: What decides: "loss" or a metric's name.
        higher_is_better: Its direction.

    Raises:
        CurveError: No run.
    """
    judged = judge_values(experiment, goal=goal, higher_is_better=higher_is_better)
    if judged.outcome == CANNOT_TELL or judged.best is None:
        return undecided(judged, knob="momentum_cycle", action="Keep the constant momentum, or give more repeats.")
    constant = judged.values[-1]
    suggestion = constant.value if constant.is_as_good else judged.best.value
    if judged.outcome == DOES_NOT_MATTER:
        action = f"A cycle does no better and no worse than a constant {constant.value:g} here: take the constant one."
    elif suggestion == constant.value:
        action = f"Keep momentum constant at {constant.value:g}: no cycle is better."
    else:
        action = f"Use cyclical momentum: from {constant.value:g} down to {suggestion:g} while the learning rate rises to {lr_at(judged, suggestion):.2g}."
    doubt = (
        "How much larger a learning rate a cycle stands: it is known to steady large ones (report, section 4.3). "
        "These runs compare at equal lr/(1-m) where the rate is largest."
    )
    finding = choice(judged, kind="momentum_cycle", suggestion=suggestion, not_established=doubt, action=action)
    outcome = FOUND if judged.outcome == FOUND and suggestion == constant.value else judged.end_outcome(suggestion)  # above the constant one there is no cycle
    return KnobReading(
        knob="momentum_cycle", outcome=outcome, suggestion=suggestion, lr=lr_at(judged, suggestion), values=judged.values, noise=judged.comparison.noise,
        findings=(finding,), advice=action,
    )  # fmt: skip


def with_cycle(reading: KnobReading, cycle: KnobReading) -> KnobReading:
    """The reading of the constant values, with what the cycles add: their lowest momentum and rate where one of them is better."""
    is_cycled = cycle.suggestion is not None and cycle.suggestion != reading.suggestion
    return dataclasses.replace(
        reading,
        lr=cycle.lr if is_cycled else reading.lr,
        min_momentum=cycle.suggestion if is_cycled else None,
        cycle=cycle.values,
        findings=(*reading.findings, *cycle.findings),
        advice=cycle.advice if is_cycled else f"{reading.advice} As to cycles: {cycle.advice[0].lower()}{cycle.advice[1:]}",
    )


def _rates_text(experiment: Experiment, values: Sequence[KnobValue]) -> str:
    lowest = {arm.label: arm.run.spec.settings.resolved_min_momentum for arm in experiment.arms}
    moves = [value.lr / (1 - lowest[value.label]) for value in values]
    if len({value.lr for value in values}) == 1 and len(values) > 1:
        return "All values had the same learning rate, as suits beta1 of Adam kinds. "
    if max(moves) <= (1 + _SAME_MOVE) * min(moves):
        return "All values had the same lr/(1-m): that another ratio does not suit one of them better. "
    return "Not all values had the same lr/(1-m), since some rates were kept below what the range test found. "


def _memory_text(experiment: Experiment, values: Sequence[KnobValue]) -> str:
    steps = min(arm.run.spec.total_steps for arm in experiment.arms)
    long = [value for value in values if value.state != BEST and _MEMORY_SHARE * steps * (1 - value.value) < 1]
    if not long:
        return ""
    named = " and ".join(f"{value.value:g}" for value in long)
    return f"That {named} would not gain in longer runs: a memory of 1/(1-m) updates is more than a fifth of these. "


def _border_text(judged: Judged, suggestion: float) -> str:
    if judged.end_outcome(suggestion) != AT_BORDER:
        return ""
    most, more = ("largest", "larger") if suggestion == judged.values[-1].value else ("smallest", "smaller")
    return f" It is the {most} value tried: try {more} ones."
