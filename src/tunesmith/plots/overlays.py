"""The numbers behind figures of several things at once: repeats of a sweep as a band, range tests under conditions, loss over capacity. Draws nothing."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunesmith.curve import Curve
from tunesmith.experiment import Experiment
from tunesmith.plots.facts import Interval, Line, loss_range, lr_at_evaluations, range_test_facts
from tunesmith.plots.goal_axis import goal_axis
from tunesmith.plots.palette import TRAINING, VALIDATION, WARNING
from tunesmith.reading.capacity import FALLING, LEVEL, RISING, CapacityReading, Network
from tunesmith.reading.conditions import Condition, ConditionsReading
from tunesmith.reading.smoothing import smooth
from tunesmith.reading.track import smoothing_width
from tunesmith.settings import RunKind


@dataclass(frozen=True, kw_only=True)
class Band:
    """Smoothed losses of repeats against the learning rate: what all of them reached.

    Attributes:
        x: Learning rates.
        low, mean, high: Smallest, mean and largest smoothed loss at each; equal where there is one repeat.
        n: Repeats.
    """

    x: tuple[float, ...]
    low: tuple[float, ...]
    mean: tuple[float, ...]
    high: tuple[float, ...]
    n: int


def repeats_band(curves: Sequence[Curve], *, is_validation: bool) -> Band:
    """The reach of repeats; over the rates that all of them reached, and of those only where all losses are finite."""
    pairs = [(lr_at_evaluations(c), c.valid_loss) if is_validation else (np.asarray(c.lr, dtype=float), c.train_loss) for c in curves]
    length = min(len(losses) for _, losses in pairs)
    width = smoothing_width(length)
    raw = np.array([np.asarray(losses[:length], dtype=float) for _, losses in pairs])  # (repeats, points)
    smoothed = np.stack([smooth(row, width_points=width) for row in raw]) if length else raw
    kept = np.isfinite(smoothed).all(axis=0) & np.isfinite(raw).all(axis=0)
    found = smoothed[:, kept]
    low, mean, high = (tuple(values.tolist()) for values in ((found.min(axis=0), found.mean(axis=0), found.max(axis=0)) if length else ((found[0],) * 3)))
    return Band(x=tuple(pairs[0][0][:length][kept].tolist()), low=low, mean=mean, high=high, n=len(curves))


def height_at(band: Band, lr: float) -> float:
    """The mean loss at a learning rate, by straight lines between the points."""
    return float(np.interp(lr, band.x, band.mean))


@dataclass(frozen=True, kw_only=True)
class ConditionFacts:
    """One condition in the overlay.

    Attributes:
        condition: What was read.
        band: Its smoothed validation loss (training loss where too little was validated).
        is_validation: Which of the two.
    """

    condition: Condition
    band: Band
    is_validation: bool


@dataclass(frozen=True, kw_only=True)
class OverlayFacts:
    """Range tests under conditions over one another.

    Attributes:
        ranked: Best first.
        loss_range: What to draw.
        lr_range: Smallest and largest rate reached.
        lowest_lr: Where a logarithmic axis begins.
        steps: Updates of each sweep.
        width: Width of the smoothing in points: standard deviation of the Gaussian.
        is_validation: Whether every line is a validation loss.
    """

    ranked: tuple[ConditionFacts, ...]
    loss_range: Interval
    lr_range: Interval
    lowest_lr: float
    steps: int
    width: float
    is_validation: bool


def overlay_facts(experiment: Experiment, reading: ConditionsReading) -> OverlayFacts:
    """What a figure of range tests under conditions shows."""
    curves: dict[str, list[Curve]] = {}
    for arm in experiment.arms:
        if arm.run.spec.kind == RunKind.LINEAR_RAMP:
            curves.setdefault(arm.label, []).append(arm.run.curve)
    is_validation = all(len(curve.valid_loss) > 1 for found in curves.values() for curve in found)
    ranked = tuple(
        ConditionFacts(condition=condition, band=repeats_band(curves[condition.label], is_validation=is_validation), is_validation=is_validation)
        for condition in reading.conditions
    )
    single = [range_test_facts(curve) for found in curves.values() for curve in found]
    ranges = [loss_range([Line(x=facts.band.x, y=facts.band.mean)]) for facts in ranked if facts.band.x]
    points = [len(curve.valid_loss if is_validation else curve.train_loss) for found in curves.values() for curve in found]
    return OverlayFacts(
        ranked=ranked,
        loss_range=(min(low for low, _ in ranges), max(high for _, high in ranges)) if ranges else (0.0, 1.0),
        lr_range=(min(facts.lr_range[0] for facts in single), max(facts.lr_range[1] for facts in single)),
        lowest_lr=min(facts.lowest_lr for facts in single),
        steps=max(len(curve.lr) for found in curves.values() for curve in found),
        width=smoothing_width(max(points)),
        is_validation=is_validation,
    )


_PART_COLORS = {FALLING: TRAINING, LEVEL: VALIDATION, RISING: WARNING}
_OVERFITTING = "overfitting"


@dataclass(frozen=True, kw_only=True)
class CapacityPart:
    """A stretch of the axis of parameters that could be named.

    Attributes:
        name: "falling", "level" or "rising".
        meaning: "underfitting", "overfitting" or "undertrained"; empty for the level part.
        low, high: Its ends, halfway between networks.
    """

    name: str
    meaning: str
    low: float
    high: float

    @property
    def words(self) -> tuple[str, ...]:
        """What stands beside it, line by line."""
        return (f"{self.name}:", self.meaning) if self.meaning else (self.name,)

    @property
    def color(self) -> str:
        """Of the stretch and of its networks."""
        return part_color(self.name)


def part_color(name: str) -> str:
    """The colour of a part, and of a network in it; that of a warning where the part is unknown."""
    return _PART_COLORS.get(name, WARNING)


@dataclass(frozen=True, kw_only=True)
class CapacityPoint:
    """One network in the figure.

    Attributes:
        network: What was read.
        color: Of its part.
        results: What each seed ended with, as the goal itself; None where it did not finish.
        mean: Of the seeds; None where one did not finish.
    """

    network: Network
    color: str
    results: tuple[float | None, ...]
    mean: float | None


@dataclass(frozen=True, kw_only=True)
class CapacityFacts:
    """The goal over capacity.

    Attributes:
        goal: "loss", or the metric that decides.
        points: The networks that were trained, by size.
        parts: Those that could be named, along the axis of parameters, in order.
        size_range: What to draw.
        result_range: The same.
        failed_at: Where a run that did not finish stands: at the worse end of the range.
        best: The network to take, if one can be named.
        noise: Standard deviation between seeds; 0 where it is not known.
    """

    goal: str
    points: tuple[CapacityPoint, ...]
    parts: tuple[CapacityPart, ...]
    size_range: Interval
    result_range: Interval
    failed_at: float
    best: CapacityPoint | None
    noise: float

    @property
    def line(self) -> Line:
        """The means of the networks of which every seed finished."""
        finished = [(point.network.n_parameters, point.mean) for point in self.points if point.mean is not None]
        return Line(x=tuple(size for size, _ in finished), y=tuple(mean for _, mean in finished))


def capacity_facts(reading: CapacityReading, *, goal: str = "loss", higher_is_better: bool = False) -> CapacityFacts:
    """What a figure of the goal over capacity shows.

    Args:
        reading: What was read; its losses are scores, of which the smaller is the better.
        goal: What decided: "loss" or a metric's name.
        higher_is_better: Its direction.
    """
    networks = tuple(network for network in reading.networks if network.losses)
    sizes = [max(1.0, network.n_parameters) for network in networks] or [1.0]
    pad = max(1.25, (max(sizes) / min(sizes)) ** 0.06)
    size_range = (min(sizes) / pad, max(sizes) * pad)
    axis = goal_axis((loss for network in networks for loss in network.losses), goal=goal, higher_is_better=higher_is_better)
    points = tuple(
        CapacityPoint(network=network, color=part_color(network.part), results=tuple(map(axis.result, network.losses)), mean=axis.result(network.loss))
        for network in networks
    )
    rise = _OVERFITTING if any(finding.kind == _OVERFITTING for finding in reading.findings) else "undertrained"
    return CapacityFacts(
        goal=goal,
        points=points,
        parts=_parts([(network.part, max(1.0, network.n_parameters)) for network in networks], size_range, {FALLING: "underfitting", RISING: rise}),
        size_range=size_range,
        result_range=axis.bounds,
        failed_at=axis.failed_at,
        best=next((point for point in points if point.network.label == reading.best), None),
        noise=reading.noise,
    )


def _parts(places: Sequence[tuple[str, float]], size_range: Interval, meanings: dict[str, str]) -> tuple[CapacityPart, ...]:
    found: list[CapacityPart] = []
    for index, (name, _) in enumerate(places):
        low = size_range[0] if index == 0 else math.sqrt(places[index - 1][1] * places[index][1])
        high = size_range[1] if index == len(places) - 1 else math.sqrt(places[index][1] * places[index + 1][1])
        if found and found[-1].name == name:
            found[-1] = dataclasses.replace(found[-1], high=high)
        else:
            found.append(CapacityPart(name=name, meaning=meanings.get(name, ""), low=low, high=high))
    return tuple(part for part in found if part.name in _PART_COLORS)
