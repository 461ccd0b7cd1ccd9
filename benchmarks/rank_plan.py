"""Where a study's confirmed plan stands among random full trainings of the same task.

    python benchmarks/rank_plan.py runs/adult_mlp benchmarks/results/random_adult_mlp.jsonl

Percentile: the share of random trainings with a lower loss, ties counted half; 0 is better than all of them. Quartile 1 is the best.
A diverged training counts as worse than any number. Below the ranks: what random search would have reached at the plan's whole price (search,
confirming and baseline): the loss of the training with the best validation loss among that many, drawn without replacement (median of 2,000 draws).
"""

import argparse
import math
import random
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from random_reference import read_records

from tunesmith.plan import Plan

N_DRAWS = 2000
QUARTILES = 4


def percentile(value: float, others: Sequence[float]) -> float:
    """Share of `others` below `value`, in per cent; ties count half.

    Example:
        >>> percentile(2.0, [1.0, 2.0, 3.0, float("inf")])
        37.5
    """
    below = sum(other < value for other in others) + 0.5 * sum(other == value for other in others)
    return 100 * below / len(others)


def quartile(percent: float) -> int:
    """1 for the best quarter to 4.

    Example:
        >>> quartile(0.0), quartile(24.9), quartile(25.0), quartile(100.0)
        (1, 1, 2, 4)
    """
    return min(QUARTILES, 1 + int(percent // (100 / QUARTILES)))


def losses(records: list[dict], name: str) -> list[float]:
    """One loss a training, infinite where it diverged."""
    return [math.inf if entry[name] is None else entry[name] for entry in records]


def random_search(valid: list[float], other: list[float], *, n_trainings: int) -> float:
    """Median over draws of `other` at the lowest `valid` among `n_trainings`."""
    rng = random.Random(0)  # noqa: S311 (nothing here is secret)
    draws = (rng.sample(range(len(valid)), min(n_trainings, len(valid))) for _ in range(N_DRAWS))
    return statistics.median(other[min(draw, key=lambda i: valid[i])] for draw in draws)


def describe(name: str, values: tuple[float, ...], others: list[float]) -> str:
    """A line of the table."""
    ranks = [percentile(value, others) for value in values]
    middle = statistics.median(ranks)
    return (
        f"{name:10}  plan {', '.join(f'{value:.4f}' for value in values)}  percentile {', '.join(f'{rank:.1f}' for rank in ranks)} (median {middle:.1f})  "
        f"quartile {quartile(middle)}  random: best {min(others):.4f}, median {statistics.median(others):.4f}"
    )


def main() -> None:
    """Print the ranks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, metavar="STUDY_DIR")
    parser.add_argument("random", type=Path, metavar="RANDOM.jsonl")
    arguments = parser.parse_args()
    plan, records = Plan.load(arguments.study / "plan.toml"), read_records(arguments.random)
    if plan.goal != "loss":
        sys.exit(f"The plan must have been decided by the loss, and {arguments.study} was by {plan.goal!r}. Tune with goal='loss'.")
    if plan.confirmed is None or not records:
        sys.exit("There must be a confirmed plan and at least one random training. Run `tunesmith tune` to its end, and random_reference.py.")
    valid, test = losses(records, "valid_loss"), losses(records, "test_loss")
    n_trainings = max(1, round(plan.cost.total))
    diverged = sum(math.isinf(loss) for loss in valid)
    print(f"{len(records)} random full trainings, {diverged} of them diverged")
    print(f"plan: {plan.outcome}, {plan.total_steps} steps, confirmed on {len(plan.confirmed.seeds)} fresh seed(s)")
    print(describe("validation", plan.confirmed.valid, valid))
    if plan.confirmed.test is not None:
        print(describe("test", plan.confirmed.test, test))
    print(
        f"price: search {plan.cost.search:.2f}, total {plan.cost.total:.2f} full trainings; random search of {n_trainings}: "
        f"validation {random_search(valid, valid, n_trainings=n_trainings):.4f}, test {random_search(valid, test, n_trainings=n_trainings):.4f} (medians)"
    )


if __name__ == "__main__":
    main()
