"""What the rows of one task add up to: the truth by either loss, the choices, the pairs at equal seconds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.batch.equal import Pair
from benchmarks.batch.lengths import Schedule, lengths
from benchmarks.batch.rows import Planned, Sizes, TaskRows
from benchmarks.batch.truth import Truth
from benchmarks.batch.work import RETRAINING_SEEDS, TRUTH_STUDIES, candidates, compared_schedules, free_and_fixed, truth_plan, truth_seeds, truth_sizes

JUDGED = ("california_mlp", "mnist_noisy_labels", "digits_cnn", "mnist_lenet")
"""The four tasks that the bar is stated for: on the first two an example of a large batch costs a third or less of one in a batch of 32, so that larger batches
pay by speed; on the last two more than half, so that they hardly do."""
LOSSES = ("valid", "test")
"""The first decides; the second shows whether it paints the same picture."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One study with the batch size free.

    Attributes:
        study: Its seed.
        free: What it came to.
        fixed: The study beside it with the batch size fixed; None before it was made.
        pair: The two, retrained; None before that was done.
    """

    study: int
    free: Planned
    fixed: Planned | None
    pair: Pair | None

    @property
    def batch_size(self) -> int | None:
        """What was chosen; None where the study ended without settings."""
        return None if self.free.schedule is None else self.free.schedule.settings.batch_size


@dataclass(frozen=True, kw_only=True)
class TaskSummary:
    """One task.

    Attributes:
        name: Of the task.
        truths: Loss → truth; empty before all of it is trained.
        alone: Loss → the best candidate by each study of the truth alone, None where it reaches no target.
        candidates: Batch sizes among which the best is looked for.
        choices: By study.
        n_older: Plans that an earlier code made.
    """

    name: str
    truths: dict[str, Truth]
    alone: dict[str, list[int | None]]
    candidates: tuple[int, ...]
    choices: list[Choice]
    n_older: int

    @property
    def is_judged(self) -> bool:
        """Whether the bar is stated for this task."""
        return self.name in JUDGED

    @property
    def pairs(self) -> list[Pair]:
        """Those that are retrained."""
        return [choice.pair for choice in self.choices if choice.pair is not None]


def task_summary(rows: TaskRows, *, n_seeds: int) -> TaskSummary:
    """What is known of a task."""
    sizes = rows.sizes()
    if sizes is None:
        return TaskSummary(name=rows.task.name, truths={}, alone={}, candidates=(), choices=[], n_older=0)
    truths = {on: found for on in LOSSES if (found := _truth(rows, sizes, TRUTH_STUDIES, on=on)) is not None}
    alone = {on: [None if (one := _truth(rows, sizes, (study,), on=on)) is None else one.best for study in TRUTH_STUDIES] for on in truths}
    choices = [choice for study in range(n_seeds) if (choice := _choice(rows, sizes, study)) is not None]
    plans = [rows.plan(truth_plan(size, study)) for size in truth_sizes(rows, sizes) for study in TRUTH_STUDIES]
    plans += [plan for choice in choices for plan in (choice.free, choice.fixed)]
    n_older = sum(plan is not None and not plan.is_current for plan in plans)
    return TaskSummary(name=rows.task.name, truths=truths, alone=alone, candidates=candidates(sizes), choices=choices, n_older=n_older)


def _truth(rows: TaskRows, sizes: Sizes, studies: Sequence[int], *, on: str) -> Truth | None:
    """None before every candidate is trained."""
    found = {size: _losses(rows, sizes, size, studies=studies, on=on) for size in truth_sizes(rows, sizes)}
    known = {size: curve for size, curve in found.items() if curve is not None}
    wanted = candidates(sizes)
    if not wanted or not known.keys() >= set(wanted):
        return None
    return Truth(losses=known, seconds_per_step={size: sizes.seconds_of(size) for size in known}, candidates=wanted)


def _losses(rows: TaskRows, sizes: Sizes, batch_size: int, *, studies: Sequence[int], on: str) -> dict[int, list[float]] | None:
    """Updates → final losses; None where one is missing. A study without settings lost all of its trainings."""
    found: dict[int, list[float]] = {steps: [] for steps in lengths(sizes.full_steps(batch_size))}
    for study in studies:
        planned = rows.plan(truth_plan(batch_size, study))
        if planned is None:
            return None
        for steps, losses in found.items():
            for seed in truth_seeds(study):
                loss = math.inf if planned.schedule is None else rows.loss(planned.schedule.at_length(steps), seed=seed, on=on)
                if loss is None:
                    return None
                losses.append(loss)
    return found


def _choice(rows: TaskRows, sizes: Sizes, study: int) -> Choice | None:
    free, fixed = (rows.plan(wanted) for wanted in free_and_fixed(study))
    return None if free is None else Choice(study=study, free=free, fixed=fixed, pair=_pair(rows, sizes, study))


def _pair(rows: TaskRows, sizes: Sizes, study: int) -> Pair | None:
    schedules = compared_schedules(rows, sizes, study)
    if schedules is None:
        return None
    losses = [_tests(rows, schedule) for schedule in schedules]
    if any(None in found for found in losses):
        return None
    free, fixed, free_whole, fixed_whole = (tuple(loss for loss in found if loss is not None) for found in losses)
    free_seconds, fixed_seconds = (schedule.seconds(sizes.seconds_per_step) for schedule in schedules[2:])
    return Pair(
        free=free,
        fixed=fixed,
        free_whole=free_whole,
        fixed_whole=fixed_whole,
        seconds=min(free_seconds, fixed_seconds),
        free_seconds=free_seconds,
        fixed_seconds=fixed_seconds,
    )


def _tests(rows: TaskRows, schedule: Schedule) -> list[float | None]:
    return [rows.loss(schedule, seed=seed, on="test") for seed in RETRAINING_SEEDS]
