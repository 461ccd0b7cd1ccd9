"""Whether the intervals that plans state for one new training hold what they say: nine of ten."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from tunesmith.reading.seed_noise import INTERVAL_LEVEL


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How often retrainings ended in the interval of their study.

    Attributes:
        n_studies: With an interval.
        n_retrainings: Of these studies.
        held: Share of the retrainings that ended within.
        design_effect: By how much the retrainings of one study are alike: 1 where they are independent, their number a study where they always agree.
        p_value: Two-sided, of a binomial test against the stated level with as many trials as the retrainings are worth; NaN without studies.
    """

    n_studies: int
    n_retrainings: int
    held: float
    design_effect: float
    p_value: float


def coverage(studies: Sequence[Sequence[bool]]) -> Coverage:
    """The test, clustered by study.

    Args:
        studies: For each study with an interval, whether each of its retrainings ended in it.

    Example:
        >>> coverage([[True] * 3] * 45 + [[False] * 3] * 5).held
        0.9
    """
    flat = [held for study in studies for held in study]
    if not flat:
        return Coverage(n_studies=0, n_retrainings=0, held=math.nan, design_effect=math.nan, p_value=math.nan)
    share, size = statistics.fmean(flat), len(flat) / len(studies)
    within = share * (1 - share)
    between = statistics.pvariance([statistics.fmean(study) for study in studies])
    alike = 0.0 if not within or size <= 1 else min(1.0, max(0.0, (between / within - 1 / size) / (1 - 1 / size)))
    effect = 1 + (size - 1) * alike
    trials = max(1, round(len(flat) / effect))
    return Coverage(
        n_studies=len(studies), n_retrainings=len(flat), held=share, design_effect=effect, p_value=two_sided(round(share * trials), trials, INTERVAL_LEVEL)
    )


def two_sided(successes: int, trials: int, probability: float) -> float:
    """The exact binomial test: how likely an outcome is that is no more likely than this one.

    Example:
        >>> round(two_sided(9, 10, 0.9), 6), round(two_sided(4, 10, 0.9), 6)
        (1.0, 0.000147)
    """
    chances = [math.comb(trials, k) * probability**k * (1 - probability) ** (trials - k) for k in range(trials + 1)]
    return min(1.0, sum(chance for chance in chances if chance <= chances[successes] * (1 + 1e-9)))
