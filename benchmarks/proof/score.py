"""The arithmetic of the scores. Losses in, numbers out; no files, no torch."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

N_BOOTSTRAP = 2000
"""Enough for two digits of an interval (our choice)."""

_MANY_TOTALS, _STEP = 2000, 0.01


@dataclass(frozen=True, kw_only=True)
class Point:
    """What a method would use, had it stopped at a total cost.

    Attributes:
        total: Search and final training, in full trainings.
        tests: Test losses of its retrainings on fresh seeds; infinite where one diverged.
    """

    total: float
    tests: tuple[float, ...]

    @property
    def test(self) -> float:
        """The median retraining."""
        return median(self.tests)


Trajectory = list[Point]
"""The points of one study, in the order in which they were chosen; one point where a method decides only once."""


def percentile(value: float, others: Sequence[float]) -> float:
    """Share of `others` below `value`, in per cent; ties count half. 0 is better than all of them.

    Example:
        >>> percentile(2.0, [1.0, 2.0, 3.0, math.inf])
        37.5
    """
    below = sum(other < value for other in others) + 0.5 * sum(other == value for other in others)
    return 100 * below / len(others)


def at_cost(trajectory: Trajectory, total: float) -> float:
    """Test loss of the last point that `total` pays for; infinite where it pays for none.

    Example:
        >>> points = [Point(total=1.0, tests=(0.5,)), Point(total=4.0, tests=(0.2,))]
        >>> at_cost(points, 0.5), at_cost(points, 3.0), at_cost(points, 4.0)
        (inf, 0.5, 0.2)
    """
    paid = [point for point in trajectory if point.total <= total]
    return paid[-1].test if paid else math.inf


def cost_to_reach(trajectories: Sequence[Trajectory], target: float) -> float:
    """Smallest total cost at which the median over studies is at most `target`; infinite where it never is.

    Example:
        >>> cost_to_reach([[Point(total=1.0, tests=(0.5,)), Point(total=4.0, tests=(0.2,))]], 0.3)
        4.0
    """
    totals = np.unique([point.total for trajectory in trajectories for point in trajectory])
    if not len(totals):
        return math.inf
    if len(totals) > _MANY_TOTALS:  # of random search: steps of one per cent
        totals = np.geomspace(totals[0], totals[-1], math.ceil(math.log(totals[-1] / totals[0]) / _STEP))
    medians = np.median([_at_costs(trajectory, totals) for trajectory in trajectories], axis=0)
    reached = np.flatnonzero(medians <= target)
    return float(totals[reached[0]]) if len(reached) else math.inf


def _at_costs(trajectory: Trajectory, totals: np.ndarray) -> np.ndarray:
    """`at_cost` for many ascending totals at once."""
    order = sorted(range(len(trajectory)), key=lambda i: trajectory[i].total)
    last_paid = np.maximum.accumulate([-1, *order])  # how far along the study what is paid for reaches
    n_paid = np.searchsorted([trajectory[i].total for i in order], totals, side="right")
    tests = np.array([*(point.test for point in trajectory), math.inf])
    return tests[last_paid[n_paid]]


def win_share(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """How often one of `ours` is below one of `theirs`; ties count half.

    Example:
        >>> win_share([1.0, 2.0], [2.0])
        0.75
    """
    return float(_wins(ours, theirs).mean())


def _wins(ours: Sequence[float], theirs: Sequence[float]) -> np.ndarray:
    mine, other = np.array(ours)[:, None], np.array(theirs)[None, :]
    return (mine < other) + 0.5 * (mine == other)  # (ours, theirs)


def bootstrapped_wins(tasks: Sequence[tuple[Sequence[float], Sequence[float]]], *, seed: int = 0) -> tuple[float, float, float]:
    """Mean over tasks of `win_share`, and a 95 % interval from resampling tasks, and the studies of either side within them.

    This is the probability of improvement (Agarwal et al. 2021, arXiv:2108.13264), with a stratified bootstrap. It does not resample retrainings.

    Args:
        tasks: (our studies' losses, theirs) for each task.
        seed: Of the resampling.
    """
    rng = np.random.default_rng(seed)
    tables = [_wins(ours, theirs) for ours, theirs in tasks]

    def resampled(wins: np.ndarray) -> float:
        n_ours, n_theirs = wins.shape
        return float(wins[rng.integers(n_ours, size=n_ours)][:, rng.integers(n_theirs, size=n_theirs)].mean())

    def once() -> float:
        return float(np.mean([resampled(tables[i]) for i in rng.integers(len(tables), size=len(tables))]))

    low, high = np.quantile([once() for _ in range(N_BOOTSTRAP)], [0.025, 0.975])
    return float(np.mean([wins.mean() for wins in tables])), float(low), float(high)


def profile(regrets: Sequence[float], levels: Sequence[float]) -> list[float]:
    """Share of `regrets` at or below each level.

    Example:
        >>> profile([0.5, 2.0, math.inf], [1.0, 4.0])
        [0.3333333333333333, 0.6666666666666666]
    """
    return [sum(regret <= level for regret in regrets) / len(regrets) for level in levels]


@dataclass(frozen=True, kw_only=True)
class RandomTraining:
    """A row of the reference as random search meets it.

    Attributes:
        search: What it costs with its validations, in full trainings.
        final: What it costs to train again without them.
        valid: What is seen.
        test: What is got.
    """

    search: float
    final: float
    valid: float
    test: float


def random_searches(rows: Sequence[RandomTraining], *, budget: float, n: int, seed: int = 0) -> list[Trajectory]:
    """`n` random searches, drawn from the reference with replacement until `budget` is spent.

    Each new best by validation loss is a point; its total charges the chosen training once more, as for every peer. Its test loss is that of
    the very training that was found: luck with the seed counts in favour of random search.
    """
    rng = random.Random(seed)  # noqa: S311 (nothing here is secret)
    return [_random_search(rows, budget=budget, rng=rng) for _ in range(n)]


def _random_search(rows: Sequence[RandomTraining], *, budget: float, rng: random.Random) -> Trajectory:
    spent, best, points = 0.0, math.inf, []
    while True:
        row = rng.choice(rows)
        spent += row.search
        if spent > budget:
            return points
        if row.valid < best:
            best = row.valid
            points.append(Point(total=spent + row.final, tests=(row.test,)))
