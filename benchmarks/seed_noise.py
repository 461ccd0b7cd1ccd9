"""How far seeds of well-tuned full trainings lie apart, as a share of what was learnt: where `tunesmith.reading.seed_noise` has its constants from.

    python -m benchmarks.seed_noise        from the committed rows; loads each task for the loss of its untrained network, trains nothing

For each task the ten best random settings with five retrainings each, as the proof bench's oracle has them: medians of their standard deviations.
"""

import json
import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.proof.reference import FRESH_SEEDS
from benchmarks.proof.store import Store
from benchmarks.proof.table import rows_of
from benchmarks.proof.tasks import TASKS_FOLDER, find_tasks
from tunesmith.engine import check_task

RESULTS = Path(__file__).parent / "results"
FOLDERS = ((TASKS_FOLDER, RESULTS, "proof bench"), (Path(__file__).parent / "kept_apart", RESULTS / "kept_apart", "kept apart"))
N_BEST = 10
NORMAL_QUARTERS = 1.349
"""Standard deviations between the quartiles of a normal distribution."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Of a task's best settings.

    Attributes:
        task: Its name.
        role: Whether the constants were fitted on it.
        learnt: Loss of the untrained network less the final validation loss.
        loss: Standard deviation of the final validation loss between seeds.
        level: That loss.
        n_valid: Validation examples.
        accuracy: Mean and standard deviation of the accuracy; None where it has none.
    """

    task: str
    role: str
    learnt: float
    loss: float
    level: float
    n_valid: int
    accuracy: tuple[float, ...] | None

    @property
    def share(self) -> float:
        """Of what was learnt."""
        return self.loss / self.learnt

    @property
    def drawn(self) -> float | None:
        """The accuracy's spread over the standard error of drawing the validation examples anew."""
        if self.accuracy is None:
            return None
        mean, deviation = self.accuracy
        return deviation / math.sqrt(mean * (1 - mean) / self.n_valid)


def spreads() -> Iterator[Spread]:
    """Every task's."""
    for folder, cache, role in FOLDERS:
        for task in find_tasks([], folder=folder):
            store = Store(cache, task)
            found = defaultdict(list)
            for key, row in store.trainings.all():
                if key["task"] == task.identity and "settings" in key and key.get("seed") in FRESH_SEEDS and row["outcome"] == "finished":
                    found[json.dumps([key["settings"], key["total_steps"]], sort_keys=True)].append(row["valid"])
            best = sorted((rows for rows in found.values() if len(rows) == len(FRESH_SEEDS)), key=lambda rows: statistics.fmean(row["loss"] for row in rows))[
                :N_BEST
            ]
            whole = task.whole
            level = statistics.median(statistics.fmean(row["loss"] for row in rows) for rows in best)
            accuracies = [[row["accuracy"] for row in rows] for rows in best if "accuracy" in rows[0]]
            yield Spread(
                task=task.name, role=role, learnt=check_task(task.without_test).initial_loss - level,
                loss=statistics.median(statistics.stdev(row["loss"] for row in rows) for rows in best), level=level, n_valid=whole.n_valid or 0,
                accuracy=tuple(statistics.median(map(of, accuracies)) for of in (statistics.fmean, statistics.stdev)) if accuracies else None,
            )  # fmt: skip


def told(found: Iterable[Spread]) -> str:
    """The table, and what the constants come from."""
    every = list(found)
    lines = [["task", "role", "learnt", "spread", "share of what was learnt", "in means of one example", "accuracy: spread over drawing anew"]]
    lines += [
        [
            one.task,
            one.role,
            f"{one.learnt:.3f}",
            f"{one.loss:.4f}",
            f"{one.share:.4f}",
            "" if one.level <= 0 else f"{one.loss * math.sqrt(one.n_valid) / one.level:.2f}",
            "" if one.drawn is None else f"{one.drawn:.2f}",
        ]
        for one in every
    ]
    parts = [rows_of(lines)]
    shares = sorted(one.share for one in every)
    logs = [math.log(share) for share in shares]
    quarters = statistics.quantiles(logs, n=4)
    parts.append(
        f"Median share {statistics.median(shares):.4f}, n = {len(shares)}; standard deviation of the logarithm {statistics.stdev(logs):.2f}, "
        f"of the middle half {(quarters[2] - quarters[0]) / NORMAL_QUARTERS:.2f}."
    )
    drawn = [math.log(one.drawn) for one in every if one.drawn]
    middle, spread = math.exp(statistics.fmean(drawn)), statistics.stdev(drawn)
    parts.append(f"Accuracy: geometric mean {middle:.2f}, standard deviation of the logarithm {spread:.2f}, n = {len(drawn)}.")
    return "\n\n".join(parts)


if __name__ == "__main__":
    print(told(spreads()))
