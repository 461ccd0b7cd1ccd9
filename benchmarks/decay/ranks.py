"""Rank correlation where values may be infinite or tied, and how sure it is."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

RESAMPLES = 2000
COVERAGE = 0.9
_SEED = 6

Floats = NDArray[np.float64]


def rank_correlations(one: Floats, other: Floats) -> Floats:
    """Spearman's of every row of `one` with the same row of `other`: ties share their mean rank, NaN ranks last, with infinity; 0 where one is all tied.

    Example:
        >>> rank_correlations(np.array([[1.0, 2.0, np.inf], [5.0, 5.0, 5.0]]), np.array([[1.0, 3.0, np.nan], [1.0, 2.0, 3.0]])).round(3).tolist()
        [1.0, 0.0]
    """
    first, second = (rankdata(np.nan_to_num(values, nan=np.inf, posinf=np.inf), axis=-1) for values in (one, other))  # (rows, values)
    first, second = (ranks - ranks.mean(axis=-1, keepdims=True) for ranks in (first, second))
    scale = np.sqrt((first**2).sum(axis=-1) * (second**2).sum(axis=-1))
    return np.divide((first * second).sum(axis=-1), scale, out=np.zeros_like(scale), where=scale > 0)


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Spearman's of two sequences.

    Example:
        >>> rank_correlation([1.0, 2.0, 3.0, 4.0], [10.0, 30.0, 20.0, float("inf")])
        0.8
    """
    return float(rank_correlations(np.asarray([one], dtype=float), np.asarray([other], dtype=float))[0])


def resamples(count: int) -> NDArray[np.int64]:
    """Numbers 0 to count - 1 drawn with replacement, a row a resample; the same at every call. (RESAMPLES, count)."""
    return np.random.default_rng(_SEED).integers(count, size=(RESAMPLES, count))


def interval(values: Floats) -> tuple[float, float]:
    """The middle COVERAGE of the values."""
    low, high = np.quantile(values, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return float(low), float(high)


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """How sure the mean of the values is, by drawing them again."""
    drawn = np.asarray(values, dtype=float)[resamples(len(values))]  # (RESAMPLES, values)
    return interval(drawn.mean(axis=1))
