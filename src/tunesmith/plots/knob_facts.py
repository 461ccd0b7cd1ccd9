"""The numbers behind the figure of a knob that was read from short annealed runs on shared seeds. Draws nothing."""

from dataclasses import dataclass

from tunesmith.plots.arms import KnobScale, knob_scale
from tunesmith.plots.digits import number_text
from tunesmith.plots.facts import Interval, Line
from tunesmith.plots.goal_axis import goal_axis
from tunesmith.plots.palette import TRAINING, VALIDATION, WARNING
from tunesmith.reading.knob import KnobReading, KnobValue

_COLORS = {"best": VALIDATION, "close": VALIDATION, "unknown": TRAINING}


@dataclass(frozen=True, kw_only=True)
class KnobPlace:
    """One value on its knob's axis.

    Attributes:
        value: What was read of it.
        position: Where it stands.
        results: What each seed ended with, as the goal counts it; None where it did not finish.
        mean: Their mean; None where one did not finish.
        color: Blue for what cannot be told from the best, vermilion for what is worse, unsteady or failed, grey where nothing is known.
    """

    value: KnobValue
    position: float
    results: tuple[float | None, ...]
    mean: float | None
    color: str


@dataclass(frozen=True, kw_only=True)
class KnobFacts:
    """The goal over a knob's values, seed by seed.

    Attributes:
        knob: "momentum", "momentum_cycle" or "weight_decay".
        goal: "loss", or the metric that decides.
        scale: The axis.
        ticks: (position, text) of each value.
        places: The values, ascending.
        chosen: The value suggested, if there is one.
        as_good: Positions of the values that cannot be told from the best, low to high; None where the noise is not known.
        result_range: What to draw.
        failed_at: Where a run that did not finish stands: at the worse end of the range.
        noise: Standard deviation of a run beyond what its seed does to all values; 0 where it is not known.
    """

    knob: str
    goal: str
    scale: KnobScale
    ticks: tuple[tuple[float, str], ...]
    places: tuple[KnobPlace, ...]
    chosen: KnobPlace | None
    as_good: Interval | None
    result_range: Interval
    failed_at: float
    noise: float

    @property
    def n_seeds(self) -> int:
        """Seeds of a value."""
        return max(len(place.results) for place in self.places)

    @property
    def mean_line(self) -> Line:
        """The means of the values that finished on every seed."""
        finished = [(place.position, place.mean) for place in self.places if place.mean is not None]
        return Line(x=tuple(position for position, _ in finished), y=tuple(mean for _, mean in finished))

    @property
    def seed_lines(self) -> tuple[Line, ...]:
        """Each seed's results over the values where it finished: what moves all of a line at once is the seed."""
        lines = []
        for index in range(self.n_seeds):
            found = [(place.position, result) for place in self.places if index < len(place.results) and (result := place.results[index]) is not None]
            lines.append(Line(x=tuple(position for position, _ in found), y=tuple(result for _, result in found)))
        return tuple(lines)


def knob_facts(reading: KnobReading, *, goal: str = "loss", higher_is_better: bool = False) -> KnobFacts:
    """What a figure of a knob shows.

    Args:
        reading: What was read; its losses are scores, of which the smaller is the better.
        goal: What decided: "loss" or a metric's name.
        higher_is_better: Its direction.
    """
    axis = goal_axis((loss for value in reading.values for loss in value.losses), goal=goal, higher_is_better=higher_is_better)
    scale = knob_scale(reading.knob, [value.value for value in reading.values])
    places = tuple(
        KnobPlace(
            value=value, position=scale.place(value.value), results=tuple(map(axis.result, value.losses)), mean=axis.result(value.loss),
            color=_COLORS.get(value.state, WARNING),
        )
        for value in reading.values
    )  # fmt: skip
    good = [place.position for place in places if place.value.is_as_good]
    suggested = reading.suggestion if reading.min_momentum is None else None  # a cycle is no value of this axis
    return KnobFacts(
        knob=reading.knob,
        goal=goal,
        scale=scale,
        ticks=tuple((place.position, number_text(place.value.value)) for place in places),
        places=places,
        chosen=next((place for place in places if place.value.value == suggested), None),
        as_good=(min(good), max(good)) if good and reading.noise > 0 else None,
        result_range=axis.bounds,
        failed_at=axis.failed_at,
        noise=reading.noise,
    )
