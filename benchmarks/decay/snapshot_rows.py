"""The runs of the snapshot bench as rows: which tasks, settings and seeds, and what makes a row that is missing."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.decay.branches import BRANCH_SHARE, DECAYS, TRUNK_SHARE, apart, branched
from benchmarks.machine import describe_machine
from benchmarks.proof.cache import Row, Rows
from benchmarks.proof.tasks import TASKS_FOLDER, BenchTask
from tunesmith.settings import Settings

BASES = {
    "wine_mlp": Settings(lr=0.085, momentum=0.95, min_momentum=0.85, batch_size=64),
    "california_mlp": Settings(lr=0.14982422264530532, momentum=0.8290929778806417, batch_size=102),
    "adult_mlp": Settings(lr=0.11507082933840061, momentum=0.9365085982992831, batch_size=43),
    "digits_cnn": Settings(lr=0.099, momentum=0.95, min_momentum=0.85, batch_size=32),
    "digits_finetune": Settings(lr=0.0089, momentum=0.95, min_momentum=0.85, batch_size=32),
    "mnist_noisy_labels": Settings(lr=0.001, momentum=0.95, min_momentum=0.85, batch_size=64),
}
"""Task → good settings but for the weight decay: of the proof bench's full-length 1cycles on three or more fresh seeds, the one with the lowest mean validation
loss. Two are the second best: california_mlp's for its larger batch (within .0001 of the best), digits_cnn's because with less decay than its own the best one
lost nearly every full run. The last two tasks train with AdamW."""
TRUTH_SEEDS = (101, 102, 103, 104, 105)
STUDY_SEEDS = (1, 2, 3, 4, 5)
FULL = "full"
EQUAL_SHARE = (TRUNK_SHARE + len(DECAYS) * BRANCH_SHARE) / len(DECAYS)
"""Annealed runs of this length, one a decay, cost what trunk and branches cost: 7/40."""
SHORT = {"T/8, annealed": 1 / 8, "7T/40, annealed": EQUAL_SHARE, "T/4, annealed": 1 / 4}
SAME_RATE = {"T/8, decay of the full run": 1 / 8, "7T/40, decay of the full run": EQUAL_SHARE, "T/4, decay of the full run": 1 / 4}
"""The same without matching."""
BRANCHED = ("annealed trunk", "peak, own length", "peak, same rate")
RIVALS = (*SHORT, *SAME_RATE, *BRANCHED)
ROWS = Path(__file__).parents[1] / "results" / "snapshot"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What is known of one task.

    Attributes:
        task: Name.
        truth: Seed → final validation losses of the full trainings, one a total decay; +inf where one was lost.
        rivals: Way → study's seed → likewise.
        costs: Way → examples trained by its runs, in full trainings.
        seconds: CPU seconds of all.
    """

    task: str
    truth: dict[int, list[float]]
    rivals: dict[str, dict[int, list[float]]]
    costs: dict[str, float]
    seconds: float


def make_rows(folder: Path, *, names: Sequence[str] = tuple(BASES), minutes: float = math.inf) -> int:
    """Train what `folder` lacks, and begin nothing new after `minutes`; how many rows that were."""
    made, deadline = 0, time.monotonic() + 60 * minutes
    for name in names:
        task, settings = BenchTask(name=name, path=TASKS_FOLDER / f"{name}.py"), BASES[name]
        rows = Rows(folder / f"{name}.jsonl")
        missing = [(FULL, seed) for seed in TRUTH_SEEDS] + [(way, seed) for seed in STUDY_SEEDS for way in RIVALS]
        for way, seed in missing:
            if rows.get(_key(task, way, seed)) is not None or time.monotonic() > deadline:
                continue
            if way in BRANCHED:
                found = branched(task.without_test, settings, seed=seed)
            else:
                share = ({FULL: 1.0} | SHORT | SAME_RATE)[way]
                found = {way: apart(task.without_test, settings, share=share, seed=seed, keeps_rate=way in SAME_RATE)}
            for one, row in found.items():
                rows.put(_key(task, one, seed), row | {"cost": row["steps"] * settings.batch_size / task.whole.full_training_examples})
            made += len(found)
    if made:
        Rows(folder / "machines.jsonl").once(describe_machine(), dict)
    return made


def measured(folder: Path, *, names: Sequence[str] = tuple(BASES)) -> list[Measured]:
    """Every task of which all is known."""
    found = []
    for name in names:
        task, rows = BenchTask(name=name, path=TASKS_FOLDER / f"{name}.py"), Rows(folder / f"{name}.jsonl")
        known = {(way, seed): rows.get(_key(task, way, seed)) for way in (FULL, *RIVALS) for seed in (TRUTH_SEEDS if way == FULL else STUDY_SEEDS)}
        complete = {key: row for key, row in known.items() if row is not None}
        if len(complete) < len(known):
            continue
        losses = {key: [math.inf if loss is None else loss for loss in row["losses"]] for key, row in complete.items()}
        found.append(
            Measured(
                task=name,
                truth={seed: losses[FULL, seed] for seed in TRUTH_SEEDS},
                rivals={way: {seed: losses[way, seed] for seed in STUDY_SEEDS} for way in RIVALS},
                costs={way: complete[way, STUDY_SEEDS[0]]["cost"] for way in RIVALS},
                seconds=sum(row["seconds"] for row in complete.values()),
            )
        )
    return found


def _key(task: BenchTask, way: str, seed: int) -> Row:
    return {"task": task.identity, "settings": BASES[task.name].to_dict(), "decays": list(DECAYS), "way": way, "seed": seed}
