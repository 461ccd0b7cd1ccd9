"""Settings at another length, and how long they then take by a time model."""

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tunesmith.settings import Settings

SHARES = (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
"""Lengths at which settings are retrained, in full trainings (our choice: a task that overfits early reaches its target below a sixteenth)."""
FEWEST_UPDATES = 16
"""Of a retraining: a 1cycle of fewer is no cycle (our choice)."""
LENGTH_EXPONENT = 0.25
"""The peak learning rate falls with this power of the length, as the ladder carries settings between its lengths."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """What is trained, and how long.

    Attributes:
        settings: The knobs.
        total_steps: Updates; ≥ 1.
    """

    settings: Settings
    total_steps: int

    def at_length(self, total_steps: int) -> "Schedule":
        """The same for another length: the peak by the length's fourth root, the total decay kept.

        Example:
            >>> short = Schedule(settings=Settings(lr=0.1, weight_decay=1e-3), total_steps=1600).at_length(100)
            >>> short.settings.lr, short.settings.weight_decay, short.total_steps
            (0.2, 0.008, 100)
        """
        ratio = self.total_steps / total_steps
        higher = ratio**LENGTH_EXPONENT
        changed = replace(
            self.settings,
            lr=self.settings.lr * higher,
            min_lr=None if self.settings.min_lr is None else self.settings.min_lr * higher,
            weight_decay=self.settings.weight_decay * ratio / higher,
        )
        return Schedule(settings=changed, total_steps=total_steps)

    def seconds(self, times: Mapping[int, float]) -> float:
        """Modelled seconds of the training: updates times seconds a step."""
        return self.total_steps * seconds_per_step(times, self.settings.batch_size)

    def within(self, seconds: float, times: Mapping[int, float]) -> "Schedule":
        """The same, shortened to so many modelled seconds where it takes longer; at least one update."""
        if self.seconds(times) <= seconds:
            return self
        return self.at_length(max(1, round(seconds / seconds_per_step(times, self.settings.batch_size))))


def lengths(full_steps: int) -> list[int]:
    """Updates of the retrainings, ascending.

    Args:
        full_steps: Updates of a full training.

    Example:
        >>> lengths(1000)
        [16, 31, 62, 125, 250, 500, 1000]
    """
    return sorted({max(FEWEST_UPDATES, round(share * full_steps)) for share in SHARES})


def seconds_per_step(times: Mapping[int, float], batch_size: int) -> float:
    """Of a batch size, also one that was not timed: straight between its neighbours on logarithmic scales, beyond the largest in proportion to the batch.

    Args:
        times: Batch size → seconds an update, as measured.
        batch_size: Below the smallest the time of the smallest is taken.

    Example:
        >>> times = {32: 1.0, 128: 2.0}
        >>> [round(seconds_per_step(times, size), 2) for size in (16, 32, 64, 128, 256)]
        [1.0, 1.0, 1.41, 2.0, 4.0]
    """
    if batch_size in times:
        return times[batch_size]
    sizes = sorted(times)
    at = bisect_left(sizes, batch_size)
    if at == 0:
        return times[sizes[0]]
    if at == len(sizes):
        return times[sizes[-1]] * batch_size / sizes[-1]
    low, high = sizes[at - 1], sizes[at]
    share = math.log(batch_size / low) / math.log(high / low)
    return math.exp((1 - share) * math.log(times[low]) + share * math.log(times[high]))
