"""Compares settings that were run on the same seeds: what a seed does to all of them cancels, and what is left is the noise.

Numbers in, numbers out; which knob it is and what to do about it is said in `knob`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

LEVEL = 0.95
"""Of all intervals of a comparison together (our choice, the usual one)."""
_ROUGH_LEVEL = 0.01
"""A setting is rough where seeds disagree about it so much more than about the others that chance does so once in a hundred comparisons (our choice)."""
_FLOAT_NOISE = 1e-6
"""Of the results' size: differences below are arithmetic (our choice: single precision has seven digits)."""

_FEWEST_POOLED = 3
"""Settings whose noise is taken together at least (our choice: of two, the noise has as few degrees of freedom as there are seeds)."""

BEST, CLOSE, WORSE, UNSTEADY, FAILED, UNKNOWN = "best", "close", "worse", "unsteady", "failed", "unknown"


@dataclass(frozen=True, kw_only=True)
class PairedScore:
    """One setting beside the best.

    Attributes:
        scores: One a seed, smaller is better; infinite where a run did not finish.
        difference: Mean score minus that of the best; None where it did not finish on every seed.
        interval: Values of the difference that the evidence allows, all intervals together at 95 %; None for the best itself, and where the noise is not known.
        state: "best", "close" (cannot be told from it), "worse", "unsteady" (its seeds disagree far more than those of the others), "failed", or "unknown"
            where the noise is.
    """

    scores: tuple[float, ...]
    difference: float | None
    interval: tuple[float, float] | None
    state: str

    @property
    def mean(self) -> float:
        """Mean score; infinite where any seed failed: a setting at the brink loses to one a step back from it."""
        return sum(self.scores) / len(self.scores)


@dataclass(frozen=True, kw_only=True)
class PairedComparison:
    """Settings on the same seeds.

    Attributes:
        best: Name of the setting with the smallest mean among those whose seeds agree; empty where none finished.
        scores: Name → its score beside the best.
        noise: Standard deviation of a run's score beyond what its seed does to all settings, among the best three; 0 where it is not known.
        seed_spread: Standard deviation between seeds of what they do to all settings; 0 where it is not known.
        standard_error: Of a difference of two means, among the best three; 0 where it is not known.
        is_noise_known: Whether two settings or more were run on two seeds or more.
    """

    best: str
    scores: Mapping[str, PairedScore]
    noise: float
    seed_spread: float
    standard_error: float
    is_noise_known: bool


def compare_paired(scores: Mapping[str, Mapping[int, float]]) -> PairedComparison:
    """Settings beside the best of them, seed by seed.

    Scores are taken as setting + seed + noise. The intervals are Tukey's: with 95 % none of them is wrong, though the best was chosen by the same runs. Noise
    grows with the loss, so each setting is compared by the noise of those that are no worse than itself, at least three; one whose noise is of another kind by
    its own.

    Args:
        scores: Name → seed → score, smaller is better, infinite for a run that did not finish. Only seeds that all settings share are compared.

    Example:
        >>> found = compare_paired({"a": {0: 1.0, 1: 2.0, 2: 3.0}, "b": {0: 1.51, 1: 2.5, 2: 3.49}, "c": {0: 1.01, 1: 1.98, 2: 3.02}})
        >>> found.best, [score.state for score in found.scores.values()], round(found.seed_spread, 1)
        ('a', ['best', 'worse', 'close'], 1.0)
    """
    seeds = _shared_seeds(scores)
    table = {name: tuple(found[seed] for seed in seeds) if seeds else tuple(found.values()) for name, found in scores.items()}
    finished = [name for name, found in table.items() if all(map(math.isfinite, found))]
    if not finished:
        return _without_noise(table, finished)
    is_noise_known = len(seeds) > 1 and len(finished) > 1
    if not is_noise_known:
        return _without_noise(table, finished)
    results = np.array([table[name] for name in finished])  # (settings, seeds)
    steady = _steady_rows(results)
    variance, _ = _noise(results, steady[:_FEWEST_POOLED])
    best = _best_row(results, steady)
    found = {name: _beside(results, row, best, steady=steady) for row, name in enumerate(finished)}
    failed = {name: PairedScore(scores=table[name], difference=None, interval=None, state=FAILED) for name in table if name not in found}
    return PairedComparison(
        best=finished[best],
        scores={name: found[name] if name in found else failed[name] for name in table},
        noise=math.sqrt(variance),
        seed_spread=float(results[steady].mean(axis=0).std(ddof=1)),
        standard_error=math.sqrt(2 * variance / len(seeds)),
        is_noise_known=True,
    )


def _shared_seeds(scores: Mapping[str, Mapping[int, float]]) -> list[int]:
    shared = set.intersection(*(set(found) for found in scores.values())) if scores else set()
    return sorted(shared)


def _without_noise(table: Mapping[str, tuple[float, ...]], finished: list[str]) -> PairedComparison:
    means = {name: sum(table[name]) / len(table[name]) for name in finished}
    best = min(means, key=means.__getitem__) if means else ""
    return PairedComparison(
        best=best,
        scores={
            name: PairedScore(
                scores=found,
                difference=means[name] - means[best] if name in means else None,
                interval=None,
                state=FAILED if name not in means else BEST if name == best else UNKNOWN,
            )
            for name, found in table.items()
        },
        noise=0.0,
        seed_spread=0.0,
        standard_error=0.0,
        is_noise_known=False,
    )


def _noise(results: np.ndarray, rows: list[int]) -> tuple[float, int]:
    """Variance of a score beyond what its seed does to all of these rows, and its degrees of freedom."""
    degrees = (len(rows) - 1) * (results.shape[1] - 1)
    return _residual_squares(results[rows]) / degrees, degrees


def _residual_squares(results: np.ndarray) -> float:
    residuals = results - results.mean(axis=1, keepdims=True) - results.mean(axis=0) + results.mean()
    return float((residuals**2).sum())


def _steady_rows(results: np.ndarray) -> list[int]:
    """Rows whose noise is alike, best first: the roughest is left out as long as an F test says that it is of another kind, down to two."""
    from scipy.stats import f  # noqa: PLC0415 (takes a moment to load)

    rows, seeds = list(range(len(results))), results.shape[1]
    while len(rows) > 2:  # noqa: PLR2004 (of two, neither is the odd one)
        total = _residual_squares(results[rows])
        if total <= results[rows].size * (_FLOAT_NOISE * float(np.abs(results[rows]).max())) ** 2:
            break
        without = {row: _residual_squares(results[[other for other in rows if other != row]]) for row in rows}
        roughest = min(rows, key=without.__getitem__)
        degrees = (len(rows) - 2) * (seeds - 1)
        rest = max(without[roughest], 1e-12 * total) / degrees
        if (total - without[roughest]) / (seeds - 1) <= rest * float(f.ppf(1 - _ROUGH_LEVEL / len(rows), seeds - 1, degrees)):
            break
        rows.remove(roughest)
    return sorted(rows, key=lambda row: results[row].mean())


def _best_row(results: np.ndarray, steady: list[int]) -> int:
    """The smallest mean of the steady; a rough one only where its worst seed is better than that."""
    means = results.mean(axis=1)
    best = min(steady, key=lambda row: means[row])
    better = [row for row in range(len(results)) if row not in steady and results[row].max() < means[best]]
    return min(better, key=lambda row: means[row]) if better else best


def _beside(results: np.ndarray, row: int, best: int, *, steady: list[int]) -> PairedScore:
    scores, seeds = tuple(map(float, results[row])), results.shape[1]
    if row == best:
        return PairedScore(scores=scores, difference=0.0, interval=None, state=BEST)
    differences = results[row] - results[best]
    if row in steady and best in steady:
        variance, degrees = _noise(results, steady[: max(_FEWEST_POOLED, steady.index(row) + 1)])
        of_difference = 2 * variance
    else:
        degrees, of_difference = seeds - 1, float(differences.var(ddof=1))
    reach = _quantile(len(results), degrees) * math.sqrt(of_difference / (2 * seeds))  # Tukey's quantile is that of a range: √2 times that of a difference
    reach = max(reach, _FLOAT_NOISE * float(np.abs(results[[row, best]]).max()))
    difference = float(differences.mean())
    state = WORSE if difference > reach else CLOSE if row in steady else UNSTEADY
    return PairedScore(scores=scores, difference=difference, interval=(difference - reach, difference + reach), state=state)


@cache
def _quantile(settings: int, degrees: int) -> float:
    from scipy.stats import studentized_range  # noqa: PLC0415 (takes a moment to load)

    return float(studentized_range.ppf(LEVEL, settings, degrees))
