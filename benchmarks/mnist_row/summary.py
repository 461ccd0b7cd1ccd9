"""Means, spreads and paired differences out of rows: arithmetic only, nothing is trained."""

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from scipy.stats import t

from benchmarks.mnist_row.arms import Arm, Size
from benchmarks.proof.cache import Row, Rows

LEVEL = 0.95
"""Of an interval (our choice, the usual one)."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """An arm's trainings.

    Attributes:
        arm: What was trained.
        accuracy: Seed → test accuracy in per cent; 0 where the training was lost.
        loss: Seed → test loss; infinite where the training was lost.
        fitted: Seed → loss of 5,000 of the images that it was trained on.
        seconds: Of the mean training.
    """

    arm: Arm
    accuracy: Mapping[int, float]
    loss: Mapping[int, float]
    fitted: Mapping[int, float]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Paired:
    """Differences seed by seed.

    Attributes:
        n: Seeds that both have.
        mean: Of the differences.
        interval: Where the mean of many seeds would lie, by Student's t; None with fewer than two seeds, and where a training was lost.
        won: Seeds with a difference above 0.
    """

    n: int
    mean: float
    interval: tuple[float, float] | None
    won: int


def result_of(rows: Rows, arm: Arm, size: Size, *, seeds: range) -> Result | None:
    """What the arm's rows say; None where there is none yet."""
    found: dict[int, Row] = {seed: row for seed in seeds if (row := rows.get(arm.key(size, seed=seed))) is not None}
    if not found:
        return None
    return Result(
        arm=arm,
        accuracy={seed: 100 * row["test"]["accuracy"] if row["test"] else 0.0 for seed, row in found.items()},
        loss={seed: row["test"]["loss"] if row["test"] else math.inf for seed, row in found.items()},
        fitted={seed: row["trained_images_loss"] if row["test"] else math.inf for seed, row in found.items()},
        seconds=statistics.fmean(row["seconds"] for row in found.values()),
    )


def paired(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Paired | None:
    """Ours minus theirs on the seeds that both have; None where there is none.

    Example:
        >>> found = paired({0: 3.0, 1: 5.0, 2: 9.0}, {0: 2.0, 1: 3.0, 2: 6.0})
        >>> found.mean, [round(end, 2) for end in found.interval], found.won
        (2.0, [-0.48, 4.48], 3)
    """
    differences = [ours[seed] - theirs[seed] for seed in sorted(ours.keys() & theirs.keys())]
    if not differences:
        return None
    mean, won = statistics.fmean(differences), sum(difference > 0 for difference in differences)
    if len(differences) == 1 or not math.isfinite(mean):
        return Paired(n=len(differences), mean=mean, interval=None, won=won)
    reach = float(t.ppf((1 + LEVEL) / 2, len(differences) - 1)) * statistics.stdev(differences) / math.sqrt(len(differences))
    return Paired(n=len(differences), mean=mean, interval=(mean - reach, mean + reach), won=won)
