"""The truth about batch sizes: after how many modelled seconds each reaches the target. Arithmetic on final losses."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.finders.judging import typical_spread

CLOSE = 1.2
"""A batch size is good where its time to target is within this factor of the best (the bar of the issue)."""
TARGET_MARGIN = 0.05
"""The target lies so much, as a share of the best median loss, above it (the bar of the issue)."""
FEWEST_FULL_UPDATES = 100
"""A batch size of which a full training has fewer updates is no candidate (our choice: the ladder's short runs would have a dozen)."""
SIZES = (32, 64, 128, 256, 512)
"""The candidates."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What is known of one task, by one loss.

    Attributes:
        losses: Batch size → updates → final losses, of all studies and seeds; +inf where a training was lost, or a study ended without settings.
        seconds_per_step: Batch size → modelled seconds of an update.
        candidates: The batch sizes among which the best is looked for; other sizes in `losses` are those that a study chose.
    """

    losses: Mapping[int, Mapping[int, Sequence[float]]]
    seconds_per_step: Mapping[int, float]
    candidates: tuple[int, ...]

    @property
    def medians(self) -> dict[int, dict[int, float]]:
        """Batch size → updates → median loss over studies and seeds."""
        return {size: {steps: statistics.median(found) for steps, found in sorted(curve.items())} for size, curve in self.losses.items()}

    @property
    def target(self) -> float:
        """The best median over candidates and lengths, and 5 % of its size above it."""
        medians = self.medians
        best = min((loss for size in self.candidates for loss in medians[size].values()), default=math.inf)
        return best + TARGET_MARGIN * abs(best) if math.isfinite(best) else best

    def lowest(self, batch_size: int) -> tuple[int, float]:
        """Updates and median loss of the length that ends lowest."""
        return min(self.medians[batch_size].items(), key=lambda point: point[1])

    @property
    def margin_spreads(self) -> float:
        """How far the target lies above the best, in standard deviations between trainings of one size and length: studies and seeds together.

        The median over the candidates, each at its best length; +nan where no candidate has several trainings that ended. Where this is small, sizes are told
        apart by luck.
        """
        best = min(self.lowest(size)[1] for size in self.candidates)
        spread = typical_spread([self.losses[size][self.lowest(size)[0]] for size in self.candidates])
        return (self.target - best) / spread if spread > 0 else math.nan

    @property
    def times(self) -> dict[int, float]:
        """Batch size → modelled seconds to the target; +inf where it is never reached."""
        return {size: time_to_target(curve, self.target, seconds_per_step=self.seconds_per_step[size]) for size, curve in self.medians.items()}

    @property
    def best(self) -> int | None:
        """The candidate that is soonest there; None where none is."""
        times = self.times
        reached = [size for size in self.candidates if math.isfinite(times[size])]
        return min(reached, key=lambda size: times[size]) if reached else None

    def ratio(self, batch_size: int) -> float | None:
        """Time to target of a batch size over that of the best candidate; +inf where it never gets there, None where that size was never trained."""
        if self.best is None or batch_size not in self.losses:
            return None
        return self.times[batch_size] / self.times[self.best]


def time_to_target(curve: Mapping[int, float], target: float, *, seconds_per_step: float) -> float:
    """The shortest modelled time after which the loss is at the target.

    Between two lengths the loss is taken to fall straight in the logarithm of the length.

    Args:
        curve: Updates → final loss of a training of that length.
        target: What is to be reached; where it is not finite nothing reaches it.
        seconds_per_step: Of this batch size.

    Returns:
        Seconds. The shortest length's where that is good enough already; +inf where none is.

    Example:
        >>> curve = {100: 3.0, 400: 1.0, 1600: 2.0}
        >>> [round(time_to_target(curve, target, seconds_per_step=0.01), 2) for target in (3.0, 2.0, 1.0, 0.5)]
        [1.0, 2.0, 4.0, inf]
    """
    points = sorted(curve.items()) if math.isfinite(target) else []
    if points and points[0][1] <= target:
        return seconds_per_step * points[0][0]
    for (short, before), (long, after) in pairwise(points):
        if after <= target:
            share = (before - target) / (before - after) if math.isfinite(before) else 1.0
            return seconds_per_step * short * (long / short) ** share
    return math.inf


def largest_that_fits(candidates: Sequence[int]) -> int:
    """What a finder of the largest batch would say: memory never limits the bench's tasks, so it is the largest candidate."""
    return max(candidates)


def is_close(ratio: float | None) -> bool:
    """Whether a time to target counts as good: within a factor 1.2 of the best.

    Example:
        >>> is_close(1.2), is_close(1.21), is_close(None)
        (True, False, False)
    """
    return ratio is not None and ratio <= CLOSE
