"""Two plans of one task and seed at equal modelled seconds: which trains to the lower test loss, in units of the spread between seeds."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.batch.lengths import Schedule


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One study with the batch size free beside one with it fixed, same task and seed.

    Attributes:
        free, fixed: Test losses of the retrainings, at equal modelled seconds; +inf where one was lost.
        free_whole, fixed_whole: The same for the plans as they were handed out.
        seconds: Modelled seconds of each training, at equal time.
        free_seconds, fixed_seconds: Modelled seconds of the plans as they were handed out.
    """

    free: tuple[float, ...]
    fixed: tuple[float, ...]
    free_whole: tuple[float, ...]
    fixed_whole: tuple[float, ...]
    seconds: float
    free_seconds: float
    fixed_seconds: float


def at_equal_seconds(free: Schedule, fixed: Schedule, *, times: Mapping[int, float]) -> tuple[Schedule, Schedule]:
    """Both at the modelled seconds of the shorter one: the longer one is shortened, the shorter one stays as it is."""
    seconds = min(free.seconds(times), fixed.seconds(times))
    return free.within(seconds, times), fixed.within(seconds, times)


def pooled_spread(groups: Sequence[Sequence[float]]) -> float:
    """Standard deviation between seeds, over groups that have means of their own; groups in which a training was lost do not count.

    Returns:
        +nan where no group is left.

    Example:
        >>> pooled_spread([[1.0, 3.0], [10.0, 12.0], [1.0, float("inf")]]) ** 2
        2.0000000000000004
    """
    variances = [statistics.variance(group) for group in groups if len(group) > 1 and all(map(math.isfinite, group))]
    return math.sqrt(statistics.fmean(variances)) if variances else math.nan


def differences(pairs: Sequence[Pair]) -> list[float]:
    """(free - fixed) / spread of each pair of one task, at equal seconds; negative where the free batch size is better.

    A plan that lost a training is worse by infinity, two that did are alike.
    """
    spread = pooled_spread([group for pair in pairs for group in (pair.free, pair.fixed)])
    return [_difference(pair, spread) for pair in pairs]


def _difference(pair: Pair, spread: float) -> float:
    free, fixed = statistics.fmean(pair.free), statistics.fmean(pair.fixed)
    if free == fixed:
        return 0.0
    if not (math.isfinite(free) and math.isfinite(fixed)):
        return math.inf if free > fixed else -math.inf
    return (free - fixed) / spread if spread > 0 else math.copysign(math.inf, free - fixed)
