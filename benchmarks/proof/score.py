"""The arithmetic of the scores. Losses in, numbers out; no files, no torch."""

import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

N_BOOTSTRAP = 2000


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
        return statistics.median(self.tests)


Trajectory = list[Point]
"""The points of one study, in the order of their total cost; one point where a method decides only once."""


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
    paid = [point for point in trajectory if point.total <= total + 1e-9]
    return paid[-1].test if paid else math.inf


def cost_to_reach(trajectories: Sequence[Trajectory], target: float, *, grid: Sequence[float]) -> float:
    """Smallest total cost of the grid at which the median over studies is at most `target`; infinite where it is at none.

    Example:
        >>> cost_to_reach([[Point(total=1.0, tests=(0.5,)), Point(total=4.0, tests=(0.2,))]], 0.3, grid=[1.0, 2.0, 4.0])
        4.0
    """
    return next((total for total in grid if statistics.median(at_cost(one, total) for one in trajectories) <= target), math.inf)


def win_share(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """How often one of `ours` is below one of `theirs`; ties count half.

    Example:
        >>> win_share([1.0, 2.0], [2.0])
        0.75
    """
    pairs = [(mine, other) for mine in ours for other in theirs]
    return sum(1.0 if mine < other else 0.5 if mine == other else 0.0 for mine, other in pairs) / len(pairs)


def bootstrapped_wins(tasks: Sequence[tuple[Sequence[float], Sequence[float]]], *, seed: int = 0) -> tuple[float, float, float]:
    """Mean share of wins over tasks, and a 95 % interval from resampling tasks, and studies within them.

    Args:
        tasks: (our studies' losses, theirs) for each task.
        seed: Of the resampling.
    """
    rng = random.Random(seed)  # noqa: S311 (nothing here is secret)

    def resampled(values: Sequence[float]) -> list[float]:
        return rng.choices(values, k=min(len(values), 10))

    def once() -> float:
        return statistics.fmean(win_share(resampled(ours), resampled(theirs)) for ours, theirs in rng.choices(tasks, k=len(tasks)))

    means = sorted(once() for _ in range(N_BOOTSTRAP))
    share = statistics.fmean(win_share(ours, theirs) for ours, theirs in tasks)
    return share, means[int(0.025 * N_BOOTSTRAP)], means[int(0.975 * N_BOOTSTRAP) - 1]


def profile(regrets: Sequence[float], levels: Sequence[float]) -> list[float]:
    """Share of `regrets` at or below each level.

    Example:
        >>> profile([0.5, 2.0, math.inf], [1.0, 4.0])
        [0.3333333333333333, 0.6666666666666666]
    """
    return [sum(regret <= level for regret in regrets) / len(regrets) for level in levels]


@dataclass(frozen=True, kw_only=True)
class RandomTraining:
    """A row of the reference as random search meets it: what it pays, what it sees, what it gets."""

    cost: float
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
        spent += row.cost
        if spent > budget:
            return points
        if row.valid < best:
            best = row.valid
            points.append(Point(total=spent + row.cost, tests=(row.test,)))
