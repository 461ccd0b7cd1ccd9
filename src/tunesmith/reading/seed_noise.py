"""How far results of one setting lie apart from seed to seed: what is known before anything is repeated, and what repeats add.

One full training says nothing about its own noise, and two say little. But the noise of well-tuned trainings is much the same share of what was learnt on
very different tasks: on thirteen of sixteen between .0017 and .0131 of (loss at the start - loss at the end), on three with hardly anything to learn more;
for an accuracy it is a fifth to all of what drawing the validation examples anew would give (`python -m benchmarks.seed_noise` prints them). That is where a
study starts from; each seed beyond the first moves it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist, fmean, stdev
from typing import Self

LOSS_SHARE, LOSS_LOG_SD = 0.0085, 0.9
"""Of what was learnt: the median over sixteen tasks, and a standard deviation of the logarithm between that of the middle half and that of all (our choice)."""
MOST_EXAMPLES_SD = 5.0
"""Standard deviation of a single example's loss, in means: where the loss ends above zero the noise is not thought larger than what so skewed losses leave in
a mean of the validation examples, however much was learnt (on tasks that end near zero: 2.7 to 4.9)."""
DRAWN_SHARE, DRAWN_LOG_SD = 0.5, 0.6
"""Of the standard error of a share of the validation examples (fitted on thirteen of these tasks)."""
LEAST_LOG_SD = 1e-3
"""Nothing is known better than to a thousandth."""
INTERVAL_LEVEL = 0.9
"""Of the prediction interval stated with a plan."""
DECIDING = 0.95
"""Probability from which on one of two is said to be better (our choice)."""
_NORMAL = NormalDist()
_GRID = tuple(_NORMAL.inv_cdf((i + 0.5) / 64) for i in range(64))


@dataclass(frozen=True, kw_only=True)
class SeedNoise:
    """Standard deviation between seeds, and how well that is known.

    Attributes:
        sd: Best guess; 0 where nothing is known.
        log_sd: Standard deviation of the natural logarithm of that guess; 0 is certainty.
        measured: From how many repeats beyond the first; 0 where it is only what is usual.

    Example:
        >>> noise = SeedNoise.usual_of_loss(initial=2.3, final=0.3, n_valid=1000)
        >>> [round(bound, 3) for bound in noise.interval(0.3, n=1)]
        [0.232, 0.368]
        >>> round(noise.with_repeats([0.30, 0.31, 0.29, 0.30]).bound(4, 4), 3)
        0.015
    """

    sd: float
    log_sd: float = 0.0
    measured: int = 0

    @classmethod
    def usual_of_loss(cls, *, initial: float, final: float, n_valid: int) -> Self:
        """What is usual where the loss fell from `initial` to `final`, judged on `n_valid` examples; unknown where it did not fall."""
        learnt = initial - final
        if not (math.isfinite(learnt) and learnt > 0):
            return cls(sd=0.0)
        sd = LOSS_SHARE * learnt
        return cls(sd=min(sd, MOST_EXAMPLES_SD * final / math.sqrt(n_valid)) if final > 0 else sd, log_sd=LOSS_LOG_SD)

    @classmethod
    def usual_of_share(cls, share: float, *, n_valid: int) -> Self:
        """What is usual for a metric that is a share of `n_valid` examples, such as accuracy; unknown where it is not within (0, 1)."""
        if not 0 < share < 1:
            return cls(sd=0.0)
        return cls(sd=DRAWN_SHARE * math.sqrt(share * (1 - share) / n_valid), log_sd=DRAWN_LOG_SD)

    def with_repeats(self, values: Sequence[float]) -> "SeedNoise":
        """What is known after results of one setting on several seeds; those that are not finite do not count.

        The logarithms of both estimates are weighed by how well each is known; the repeats alone decide where nothing was known before.
        """
        finite = [value for value in values if math.isfinite(value)]
        degrees = len(finite) - 1
        if degrees < 1 or not stdev(finite):
            return self
        log = math.log(stdev(finite)) - _log_bias(degrees)
        variance = _trigamma(degrees / 2) / 4
        if self.sd <= 0:
            return SeedNoise(sd=math.exp(log), log_sd=math.sqrt(variance), measured=degrees)
        before = 1 / max(self.log_sd, LEAST_LOG_SD) ** 2
        total = before + 1 / variance
        return SeedNoise(sd=math.exp((before * math.log(self.sd) + log / variance) / total), log_sd=math.sqrt(1 / total), measured=self.measured + degrees)

    def bound(self, n_one: int, n_other: int) -> float:
        """By how much the means of `n_one` and `n_other` runs must differ for the better to be said to be better; 0 where the noise is unknown."""
        return self._quantile(2 * DECIDING - 1) * self.sd * math.sqrt(1 / n_one + 1 / n_other)

    def interval(self, mean: float, *, n: int) -> tuple[float, float] | None:
        """Where one new run ends in nine of ten cases, after `n` runs with that mean; None where the noise is unknown."""
        if self.sd <= 0 or not math.isfinite(mean):
            return None
        half = self._quantile(INTERVAL_LEVEL) * self.sd * math.sqrt(1 + 1 / n)
        return mean - half, mean + half

    @cached_property
    def _scales(self) -> tuple[float, ...]:
        """Standard deviations, equally likely."""
        return tuple(self.sd * math.exp(self.log_sd * point) for point in _GRID)

    def _quantile(self, share: float) -> float:
        """How many `sd` to both sides hold `share` of the results, the uncertainty of `sd` included."""
        low, high = 0.0, 100.0
        if self.sd <= 0:
            return 0.0
        for _ in range(60):
            middle = (low + high) / 2
            held = fmean(2 * _NORMAL.cdf(middle * self.sd / scale) - 1 for scale in self._scales)
            low, high = (middle, high) if held < share else (low, middle)
        return (low + high) / 2


def _trigamma(x: float) -> float:
    """Variance of the logarithm of a gamma variable of shape `x`."""
    total = 0.0
    while x < 8:  # noqa: PLR2004 (from here on the series is good to nine digits)
        total += 1 / x**2
        x += 1
    return total + 1 / x + 1 / (2 * x**2) + 1 / (6 * x**3) - 1 / (30 * x**5)


def _log_bias(degrees: int) -> float:
    """Expected logarithm of a sample's standard deviation over the true one: (digamma(k/2) - log(k/2)) / 2."""
    x, shift = degrees / 2, 0.0
    while x < 8:  # noqa: PLR2004 (as above)
        shift -= 1 / x
        x += 1
    digamma = shift + math.log(x) - 1 / (2 * x) - 1 / (12 * x**2) + 1 / (120 * x**4)
    return (digamma - math.log(degrees / 2)) / 2
