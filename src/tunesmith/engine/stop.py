"""When a run is lost: a loss that is not finite, or that has risen far above where it began."""

import math
import statistics
from collections import deque

from tunesmith.thresholds import Thresholds

_WINDOW = 5
_NOISE_UPDATES = 20
_ALL = (1 << _WINDOW) - 1
_MAJORITIES = frozenset(bits for bits in range(_ALL + 1) if bits.bit_count() > _WINDOW // 2)
"""Which of the last five losses were usual, one bit each: those where most were."""


class DivergenceWatch:
    """Reads training losses one by one and says when the run has diverged.

    The rule works on differences, so it holds for losses below zero: the median of the last five losses lies above the median of the first five by
    `Thresholds.diverged_rise` times the largest of (first - best, |first|, ten times the noise of one batch).

    Example:
        >>> watch = DivergenceWatch(Thresholds())
        >>> [watch.has_diverged(loss) for loss in (1.0, 0.9, 0.8, 0.7, 0.6, 2.0, 9.0, 9.0, 9.0)]
        [False, False, False, False, False, False, False, False, True]
    """

    def __init__(self, thresholds: Thresholds) -> None:
        self._rise = thresholds.diverged_rise
        self._recent: deque[float] = deque(maxlen=_WINDOW)
        self._early: list[float] = []
        self._first = math.inf
        self._best = math.inf
        self._bound = math.inf
        self._low, self._high = math.inf, -math.inf
        self._usual = 0

    def has_diverged(self, loss: float) -> bool:
        """Take in the next loss, which must be finite; whether the run is lost by now."""
        self._recent.append(loss)
        self._usual = (self._usual << 1 | (self._low <= loss <= self._high)) & _ALL
        if self._usual in _MAJORITIES:  # the quick way, and the usual one: the median lies between best and bound as well, so nothing moves
            return False
        return self._has_risen(loss)

    def _has_risen(self, loss: float) -> bool:
        if len(self._early) < _NOISE_UPDATES:
            self._early.append(loss)
        if len(self._recent) < _WINDOW:
            return False
        level = sorted(self._recent)[_WINDOW // 2]  # the median
        if math.isinf(self._first):
            self._first = level
        if level < self._best or len(self._early) < _NOISE_UPDATES:
            self._best = min(self._best, level)
            self._bound = self._first + self._rise * max(self._first - self._best, abs(self._first), 10 * self._noise())
            self._usual = 0  # judged by another range
        if len(self._early) == _NOISE_UPDATES:
            self._low, self._high = self._best, self._bound
        return level > self._bound

    def _noise(self) -> float:
        differences = [abs(after - before) for before, after in zip(self._early, self._early[1:], strict=False)]
        return statistics.median(differences) if differences else 0.0
