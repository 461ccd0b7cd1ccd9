"""The numbers behind the figures of a batch size: predicted time, throughput, noise scale on the way, results in the same time. Draws nothing."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tunesmith.experiment import Experiment
from tunesmith.plots.batch_size_noise import allowed_times, noise_moments
from tunesmith.plots.digits import number_text
from tunesmith.plots.facts import Interval, Line
from tunesmith.plots.goal_axis import goal_axis
from tunesmith.reading.batch_size import BatchSizeReading
from tunesmith.reading.batch_times import point_of
from tunesmith.reading.batch_value import BatchSizeValue
from tunesmith.reading.noise_scale import NoiseScale

TIME, RESULT, THROUGHPUT = "time", "result", "throughput"
"""What the first panel shows."""
_PAD, _PAD_WORDS = 0.35, 1.1
"""Free at either end of the axis of sizes, and where words stand at the right one, in doublings."""
_ROOM, _MOST_ABOVE = 1.35, 3.0
"""Room at either end of logarithmic axes; a band that reaches higher than the second factor above the longest time is cut (our choice)."""
_MANY_TIMES, _FEW_TICKS = 10.0, (1.0, 1.2, 1.5, 2.0, 3.0, 5.0, 7.0)


@dataclass(frozen=True, kw_only=True)
class SizePlace:
    """One batch size on its axis.

    Attributes:
        size: What was read of it.
        position: Its logarithm to base 2.
        time: Predicted time to a target, the fastest size counting 1; None where it is not known.
        allowed: Times that the noise scale's interval allows; None where there is no prediction.
        rate: Examples a second; None where no time model was stored.
        results: What each seed ended with in the same time, as the goal counts it; None where it did not finish.
        mean: Their mean; None where one did not finish or none was run.
    """

    size: BatchSizeValue
    position: float
    time: float | None
    allowed: Interval | None
    rate: float | None
    results: tuple[float | None, ...]
    mean: float | None


@dataclass(frozen=True, kw_only=True)
class BatchSizeFacts:
    """Batch sizes: what each is predicted to cost, how fast it is, and how it ended.

    Attributes:
        goal: "loss", or the metric that decides.
        places: The sizes, ascending.
        chosen: The one to use.
        base: The one that the others were held against; None where it is not among them.
        knee: The smallest with four fifths of the best throughput; None without a time model, and where it is the largest: then there is no knee.
        noise: Noise scale; None where no gradients were sampled.
        scale: The noise scale reckoned with; None where nothing is known of it.
        moments: (update, noise scale) at each moment of the longest runs that sampled gradients, where the mean gradient stands out from its noise.
        n_lost: Moments where it does not.
        result_range: Results to draw.
        failed_at: Where a run that did not finish stands: at the worse end.
    """

    goal: str
    places: tuple[SizePlace, ...]
    chosen: SizePlace
    base: SizePlace | None
    knee: SizePlace | None
    noise: NoiseScale | None
    scale: float | None
    moments: Line
    n_lost: int
    result_range: Interval
    failed_at: float

    @property
    def main(self) -> str:
        """What the first panel shows: the predicted time where there is one, else results of several sizes, else throughput."""
        if len(self.time_line.x) > 1:
            return TIME
        n_ran = sum(bool(place.results) for place in self.places)
        return THROUGHPUT if n_ran < 2 < 1 + len(self.rate_line.x) else RESULT  # noqa: PLR2004 (nothing beside it)

    @property
    def has_throughput(self) -> bool:
        """Whether there is more than one size to compare."""
        return len(self.rate_line.x) > 1

    @property
    def has_results(self) -> bool:
        """Whether several sizes were run."""
        return sum(bool(place.results) for place in self.places) > 1

    @property
    def ticks(self) -> tuple[tuple[float, str], ...]:
        """(position, size)."""
        return tuple((place.position, number_text(place.size.batch_size)) for place in self.places)

    @property
    def size_range(self) -> Interval:
        """Positions to draw."""
        has_words_at_end = any(place is self.places[-1] and place.position > self.chosen.position for place, _ in self.remarks)
        return (self.places[0].position - _PAD, self.places[-1].position + (_PAD_WORDS if has_words_at_end else _PAD))

    @property
    def time_line(self) -> Line:
        """Predicted times over the sizes."""
        return _line((place.position, place.time) for place in self.places)

    @property
    def band(self) -> tuple[Line, Line]:
        """Lower and upper border of what the noise scale's interval allows."""
        known = [(place.position, place.allowed) for place in self.places if place.allowed is not None]
        return _line((position, low) for position, (low, _) in known), _line((position, high) for position, (_, high) in known)

    @property
    def time_range(self) -> Interval:
        """Times to draw, on a logarithmic axis: all of the line, and of the band what is not far above it."""
        longest = max(self.time_line.y, default=1.0)
        most = max(self.band[1].y, default=longest)
        return (1 / _ROOM, max(1.5, min(most, _MOST_ABOVE * longest)) * _ROOM)

    @property
    def time_ticks(self) -> tuple[float, ...]:
        """Round times inside the range."""
        powers = [power * 10**decade for decade in range(7) for power in ((1.0, 2.0, 5.0) if self.time_range[1] > _MANY_TIMES or decade else _FEW_TICKS)]
        return tuple(time for time in powers if time <= self.time_range[1])

    @property
    def rate_line(self) -> Line:
        """Examples a second over the sizes."""
        return _line((place.position, place.rate) for place in self.places)

    @property
    def perfect(self) -> Line:
        """What throughput would be if an update took as long at every size as it does at the smallest."""
        line = self.rate_line
        return Line(x=line.x, y=tuple(line.y[0] * 2 ** (position - line.x[0]) for position in line.x))

    @property
    def rate_range(self) -> Interval:
        """Examples a second to draw, on a logarithmic axis; what is perfect may leave it."""
        rates = self.rate_line.y or (1.0,)
        return (min(rates) / _ROOM, max(rates) * _ROOM)

    @property
    def noise_interval(self) -> Interval | None:
        """The noise scale's interval, an open end cut at what is drawn; None where it says nothing."""
        if self.noise is None or self.noise.n_samples == 0:
            return None
        low, high = self.noise_range
        ends = (max(low, min(self.noise.interval[0], high)), min(high, self.noise.interval[1]))
        return None if ends == (low, high) else ends

    @property
    def noise_range(self) -> Interval:
        """Noise scales to draw, on a logarithmic axis."""
        ends = () if self.noise is None else self.noise.interval
        known = [*self.moments.y, *([] if self.scale is None else [self.scale]), float(self.chosen.size.batch_size), *ends]
        finite = [value for value in known if 0 < value < math.inf]
        return (min(finite) / _ROOM, max(finite) * _ROOM)

    @property
    def remarks(self) -> tuple[tuple[SizePlace, str], ...]:
        """What is written below a size: what half and double of the chosen one would cost, and which came first; lines parted by a newline."""
        found: dict[int, list[str]] = {}
        for share, word in ((0.5, "half"), (2.0, "double")):
            if (cost := self.cost_of(share)) is not None:
                found[cost[0].size.batch_size] = [f"{word}: {ratio_text(cost[1])} times"]
        if self.base is not None and self.base is not self.chosen:
            found.setdefault(self.base.size.batch_size, []).append("tried first")
        return tuple((place, "\n".join(found[place.size.batch_size])) for place in self.places if place.size.batch_size in found)

    @property
    def side(self) -> str:
        """Where words beside the chosen size stand free of the line: "left" of the point or "right"."""
        times = [place.time for place in self.places if place.time is not None]
        index = times.index(self.chosen.time) if self.chosen.time in times else 0
        return "left" if 0 < index < len(times) - 1 and times[index - 1] < times[index + 1] else "right"

    def cost_of(self, share: float) -> tuple[SizePlace, float] | None:
        """The size that is `share` of the chosen one, with how many times as long it takes to a target; None where that is not known.

        Args:
            share: .5 for half, 2 for double.
        """
        wanted = share * self.chosen.size.batch_size
        place = next((place for place in self.places if place.size.batch_size == wanted), None)
        return None if place is None or place.time is None or not self.chosen.time else (place, place.time / self.chosen.time)


def batch_size_facts(reading: BatchSizeReading, *, goal: str = "loss", higher_is_better: bool = False, experiment: Experiment | None = None) -> BatchSizeFacts:
    """What figures of a batch size show.

    Args:
        reading: What was read; its losses are scores, of which the smaller is the better.
        goal: What decided: "loss" or a metric's name.
        higher_is_better: Its direction.
        experiment: What it was read from: it holds the gradient samples, and says whether there was a time model. None for neither.
    """
    axis = goal_axis((loss for size in reading.sizes for loss in size.losses), goal=goal, higher_is_better=higher_is_better)
    allowed = allowed_times(reading)
    is_timed = experiment is None or experiment.times is not None
    places = tuple(
        SizePlace(
            size=size, position=math.log2(size.batch_size), time=_finite(size.predicted), allowed=allowed.get(size.batch_size),
            rate=_finite(size.examples_per_second) if is_timed and size.seconds_per_step > 0 else None, results=tuple(map(axis.result, size.losses)),
            mean=axis.result(size.loss),
        )
        for size in reading.sizes
    )  # fmt: skip
    moments, n_lost = noise_moments(experiment)
    has_knee = is_timed and reading.knee < places[-1].size.batch_size
    by_size = {place.size.batch_size: place for place in places}
    return BatchSizeFacts(
        goal=goal, places=places, chosen=by_size[reading.suggestion], base=by_size.get(reading.base), knee=by_size.get(reading.knee) if has_knee else None,
        noise=reading.noise_scale, scale=point_of(reading.noise_scale), moments=moments, n_lost=n_lost, result_range=axis.bounds, failed_at=axis.failed_at,
    )  # fmt: skip


def ratio_text(ratio: float) -> str:
    """How many times as long, to a hundredth where that is about one.

    Example:
        >>> [ratio_text(ratio) for ratio in (0.8781, 1.2057, 12.34)]
        ['0.88', '1.21', '12.3']
    """
    return number_text(ratio, digits=3 if ratio >= 1 else 2)


def _line(points: Iterable[tuple[float, float | None]]) -> Line:
    known: Sequence[tuple[float, float]] = [(x, y) for x, y in points if y is not None]
    return Line(x=tuple(x for x, _ in known), y=tuple(y for _, y in known))


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
