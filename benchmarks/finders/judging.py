"""The arithmetic of the judgement. Losses in, numbers out; no files, no torch."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

SHARE = 0.1
"""A suggestion may lose this share of the best's loss …"""
SPREADS = 2.0
"""… or this many standard deviations between seeds, whichever is more."""
_Z = 1.959964


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A suggestion beside the best learning rate of the same pair.

    Attributes:
        test: Mean test loss of its retrainings; infinite where one diverged.
        allowed: How high that may be.
        ratio: Over the best's mean.
    """

    test: float
    allowed: float
    ratio: float

    @property
    def is_within(self) -> bool:
        """Whether it does as well as the best, within what is allowed."""
        return self.test <= self.allowed


def judge(tests: Sequence[float], *, best: Sequence[float], spread: float) -> Judgement:
    """A suggestion's test losses beside the best's on the same seeds.

    Args:
        tests: Of the suggestion's retrainings.
        best: Of the best's.
        spread: Between seeds, of the task.

    Example:
        >>> judge([0.54, 0.56], best=[0.5, 0.5], spread=0.01).is_within, judge([0.54, 0.57], best=[0.5, 0.5], spread=0.01).is_within
        (True, False)
        >>> judge([0.54, 0.57], best=[0.5, 0.5], spread=0.03).is_within
        True
    """
    test, target = sum(tests) / len(tests), sum(best) / len(best)
    return Judgement(test=test, allowed=target + max(SHARE * target, SPREADS * spread), ratio=test / target)


def typical_spread(groups: Sequence[Sequence[float]]) -> float:
    """Standard deviation between seeds: the median of the groups' (the lower of two), so that a rate at the brink does not hide what all others lose.

    Groups with a loss that is not finite are left out.

    Example:
        >>> typical_spread([[1.0, 2.0, 3.0], [10.0, 10.0, 10.0], [0.0, 50.0, 100.0]])
        1.0
    """
    spreads = [statistics.stdev(group) for group in groups if len(group) > 1 and all(map(math.isfinite, group))]
    return statistics.median_low(spreads) if spreads else 0.0


def wilson(successes: int, n: int) -> tuple[float, float]:
    """95 % interval of a share, by Wilson's score.

    Example:
        >>> [round(end, 2) for end in wilson(17, 20)]
        [0.64, 0.95]
    """
    if n == 0:
        return 0.0, 1.0
    share = successes / n
    middle, half = share + _Z**2 / (2 * n), _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    scale = 1 + _Z**2 / n
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)
