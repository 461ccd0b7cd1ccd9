"""The numbers behind the figure of an experiment: where each arm stands on its knob's axis and what its run ended with. Draws nothing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from tunesmith.curve import RunOutcome
from tunesmith.experiment import Arm, Experiment
from tunesmith.plots.digits import number_text
from tunesmith.reading.goal import final_value

_LOGARITHMIC = frozenset({"batch_size", "min_lr", "peak_lr", "weight_decay"})
_WIDE = 20.0
"""Knobs of unknown kind get a logarithmic axis when their values span this factor (our choice)."""


@dataclass(frozen=True, kw_only=True)
class KnobScale:
    """A knob's axis: logarithmic with a place for zero, -log10(1-m) for momentum, linear, or the order of the arms.

    Attributes:
        name: "log", "momentum", "linear" or "order".
        zero: Where zero stands on a logarithmic axis: a decade below the smallest value (METHOD, section 2.5).
    """

    name: str
    zero: float = 0.0

    def place(self, value: float) -> float:
        """Position of `value` on the axis.

        Example:
            >>> KnobScale(name="log", zero=-5.0).place(0.0), KnobScale(name="log").place(0.01), round(KnobScale(name="momentum").place(0.9), 12)
            (-5.0, -2.0, 1.0)
        """
        if self.name == "log":
            return math.log10(value) if value > 0 else self.zero
        if self.name == "momentum":
            return -math.log10(max(1e-12, 1 - value))
        return value


@dataclass(frozen=True, kw_only=True)
class KnobPoint:
    """One arm on its knob's axis.

    Attributes:
        label: The arm's label, as the study has it.
        value: The knob's value, or None.
        position: Where it stands on the axis.
        result: Final validation loss, or metric; None where the run did not finish.
        outcome: How the run ended.
        seed: The run's seed.
        rank: Number of its value among the values, from 0: arms of one value share a colour.
    """

    label: str
    value: float | None
    position: float
    result: float | None
    outcome: RunOutcome
    seed: int
    rank: int


@dataclass(frozen=True, kw_only=True)
class ExperimentFacts:
    """An experiment: what its runs ended with against the knob.

    Attributes:
        probe: The probe's name.
        scale: The axis.
        ticks: (position, text) of each value.
        points: One an arm, in the experiment's order.
        means: (position, mean result) of each value with a finished run, along the axis.
        n_values: How many different values there are.
        chosen: Position of the value that was chosen, if it was one of these.
        interval: Positions between which the evidence cannot tell values apart.
        result_range: What to draw.
    """

    probe: str
    scale: KnobScale
    ticks: tuple[tuple[float, str], ...]
    points: tuple[KnobPoint, ...]
    means: tuple[tuple[float, float], ...]
    n_values: int
    chosen: float | None
    interval: tuple[float, float] | None
    result_range: tuple[float, float]


def knob_scale(probe: str, values: Sequence[float | None]) -> KnobScale:
    """The axis that suits a probe's values.

    Example:
        >>> knob_scale("weight_decay", [0.0, 1e-4, 1e-3])
        KnobScale(name='log', zero=-5.0)
        >>> knob_scale("width", [None, None]).name
        'order'
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known or len(known) < len(values):
        return KnobScale(name="order")
    if probe in ("momentum", "momentum_cycle") and max(known) < 1:
        return KnobScale(name="momentum")
    positive = [value for value in known if value > 0]
    is_wide = len(positive) == len(known) and max(known) >= _WIDE * min(known)
    if min(known) >= 0 and positive and (probe in _LOGARITHMIC or is_wide):
        return KnobScale(name="log", zero=round(math.log10(min(positive)) - 1, 12))
    return KnobScale(name="linear")


def experiment_facts(
    experiment: Experiment, *, goal: str = "loss", chosen: float | None = None, interval: tuple[float, float] | None = None
) -> ExperimentFacts:
    """What a figure of an experiment's results shows.

    Args:
        experiment: A probe's runs.
        goal: "loss" of the validation set, or the metric that decides.
        chosen: The knob's value that was chosen.
        interval: Values that the evidence cannot tell from it.
    """
    scale = knob_scale(experiment.probe, [arm.value for arm in experiment.arms])
    keys = [(arm.value if arm.value is not None and scale.name != "order" else index) for index, arm in enumerate(experiment.arms)]
    ranks = {key: rank for rank, key in enumerate(sorted(set(keys)))}
    points = tuple(_point(arm, goal=goal, position=scale.place(key), rank=ranks[key]) for arm, key in zip(experiment.arms, keys, strict=True))
    texts = {point.position: point.label if scale.name == "order" else number_text(point.value) for point in points}
    has_place = scale.name != "order"
    return ExperimentFacts(
        probe=experiment.probe,
        scale=scale,
        ticks=tuple(sorted(texts.items())),
        points=points,
        means=_means(points),
        n_values=len(ranks),
        chosen=next((point.position for point in points if has_place and chosen is not None and math.isclose(point.value or 0.0, chosen, rel_tol=1e-6)), None),
        interval=(scale.place(interval[0]), scale.place(interval[1])) if has_place and interval is not None else None,
        result_range=_result_range(points),
    )


def _point(arm: Arm, *, goal: str, position: float, rank: int) -> KnobPoint:
    curve, value = arm.run.curve, final_value(arm.run.curve, goal=goal)
    result = value if math.isfinite(value) else None
    return KnobPoint(label=arm.label, value=arm.value, position=position, result=result, outcome=curve.outcome, seed=arm.run.spec.seed, rank=rank)


def _means(points: Sequence[KnobPoint]) -> tuple[tuple[float, float], ...]:
    results: dict[float, list[float]] = {}
    for point in points:
        if point.result is not None:
            results.setdefault(point.position, []).append(point.result)
    return tuple((position, fmean(values)) for position, values in sorted(results.items()))


def _result_range(points: Sequence[KnobPoint]) -> tuple[float, float]:
    results = [point.result for point in points if point.result is not None]
    if not results:
        return (0.0, 1.0)
    low, high = min(results), max(results)
    pad = max(0.12 * (high - low), 0.01 * abs(high)) or 0.1
    return (low - pad, high + pad)


def separated(positions: Sequence[float], *, gap: float) -> tuple[float, ...]:
    """These label positions, moved as little as keeps neighbours `gap` apart.

    Example:
        >>> separated([0.0, 0.1, 5.0], gap=1.0)
        (-0.45, 0.55, 5.0)
    """
    order = sorted(range(len(positions)), key=lambda index: positions[index])
    groups: list[list[int]] = []
    centres: list[float] = []
    for index in order:
        groups.append([index])
        centres.append(positions[index])
        while len(groups) > 1 and centres[-1] - centres[-2] < gap * (len(groups[-1]) + len(groups[-2])) / 2 - 1e-12:
            merged = groups[-2] + groups[-1]
            groups[-2:], centres[-2:] = [merged], [fmean(positions[member] for member in merged)]
    places = {member: centre + gap * (rank - (len(group) - 1) / 2) for group, centre in zip(groups, centres, strict=True) for rank, member in enumerate(group)}
    return tuple(round(places[index], 12) for index in range(len(positions)))
