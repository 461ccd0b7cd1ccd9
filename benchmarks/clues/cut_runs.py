"""The full runs of the pairs, cut at shares of their length: logs that stop in the middle of their schedule, and how another seed of each ended."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path

from benchmarks.proof.cache import Row, Rows
from tunesmith.log import Series, StepUnit, TrainingLog
from tunesmith.schedules import lr_schedule
from tunesmith.settings import Settings

SHARES = (0.3, 0.6, 0.85, 1.0)


@dataclass(frozen=True, kw_only=True)
class CutPair:
    """Two cut logs, the one first whose other seed ends better.

    Attributes:
        task: Name.
        shares: Of the length that each log covers.
        logs: What each has until there.
    """

    task: str
    shares: tuple[float, float]
    logs: tuple[TrainingLog, TrainingLog]


def cut_pairs(folder: Path, *, names: Sequence[str], shares: Sequence[float] = SHARES) -> list[CutPair]:
    """Every two settings of a task, both seeds, at equal and at unequal shares; without those of which both ended alike."""
    return [pair for name in names for pair in _of_task(name, [row for _, row in Rows(folder / f"{name}.jsonl").all()], shares)]


def log_of(row: Row, *, seed: int, share: float) -> TrainingLog:
    """A full run's validation losses until `share` of its length, with the learning rates that its settings make.

    Training losses were not kept: the first of the short run, another seed of the same network before any update, stands for the start.
    """
    steps = row["total_steps"]
    run = row["full"][seed]
    rate = lr_schedule(Settings.from_dict(row["settings"]), total_steps=steps)
    kept = [(step, float(loss)) for step, loss in zip(run["eval_step"], run["valid_loss"], strict=True) if step <= share * steps]
    return TrainingLog(
        name=f"seed {seed}, {share:.0%}",
        source="bench",
        step_unit=StepUnit.STEP,
        lr=Series.of((step for step, _ in kept), (rate(step - 1) for step, _ in kept)),
        train_loss=Series.of((1,), (float(row["plain"]["train_loss"][0]),)),
        valid_loss=Series.of((step for step, _ in kept), (loss for _, loss in kept)),
        total_steps=steps,
    )


def _of_task(name: str, rows: list[Row], shares: Sequence[float]) -> Iterator[CutPair]:
    logs = {(index, seed, share): log_of(row, seed=seed, share=share) for index, row in enumerate(rows) for seed in (0, 1) for share in shares}
    for (one, other), seed in product(combinations(range(len(rows)), 2), (0, 1)):
        ends = [float(rows[index]["full"][1 - seed]["end"]) for index in (one, other)]
        if ends[0] == ends[1] or all(math.isinf(end) for end in ends):
            continue
        better, worse = (one, other) if ends[0] < ends[1] else (other, one)
        for mine, others in product(shares, shares):
            yield CutPair(task=name, shares=(mine, others), logs=(logs[better, seed, mine], logs[worse, seed, others]))
