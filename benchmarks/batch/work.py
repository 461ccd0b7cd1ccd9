"""Which rows the batch bench wants, step by step, and the making of those that are missing."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from benchmarks.batch import making
from benchmarks.batch.equal import at_equal_seconds
from benchmarks.batch.lengths import Schedule, lengths
from benchmarks.batch.rows import Sizes, TaskRows, Wanted
from benchmarks.batch.truth import FEWEST_FULL_UPDATES, SIZES
from benchmarks.proof.cache import Row
from benchmarks.proof.reference import FRESH_SEEDS

STEPS = ("times", "choice", "truth", "equal")
"""In the order of making: the truth is also asked at sizes that were chosen and are no candidates."""
TRUTH_STUDIES = (0, 1, 2)
"""Their losses are pooled: the truth of one study is its ladder's luck."""
RETRAINING_SEEDS = FRESH_SEEDS[:3]
"""Of plans at equal seconds, the same for every plan."""
COMPARED_SIZE = 64
"""What the plan with the batch size free is held against (the bar of the issue)."""


def truth_seeds(study: int) -> tuple[int, int]:
    """Two fresh seeds, others for each study, so that no luck of a seed is in all of a size's losses.

    Example:
        >>> truth_seeds(1)
        (910010, 910011)
    """
    return 910_000 + 10 * study, 910_001 + 10 * study


def candidates(sizes: Sizes) -> tuple[int, ...]:
    """The batch sizes of which a full training has enough updates."""
    return tuple(size for size in SIZES if sizes.full_steps(size) >= FEWEST_FULL_UPDATES)


def truth_sizes(rows: TaskRows, sizes: Sizes) -> list[int]:
    """Batch sizes whose time to target is asked: the candidates, and what was chosen beside them."""
    return sorted({*candidates(sizes), *rows.chosen_sizes()})


def truth_plan(batch_size: int, study: int) -> Wanted:
    """The `tune` that sets the other knobs at a batch size."""
    return Wanted(batch_size=batch_size, has_current=False, study=study)


def truth_schedules(schedule: Schedule, sizes: Sizes) -> list[Schedule]:
    """A plan at all lengths."""
    return [schedule.at_length(steps) for steps in lengths(sizes.full_steps(schedule.settings.batch_size))]


def free_and_fixed(study: int) -> tuple[Wanted, Wanted]:
    """The `tune` that chooses a batch size, and the one beside it."""
    return Wanted(batch_size=None, has_current=True, study=study), Wanted(batch_size=COMPARED_SIZE, has_current=True, study=study)


def compared_schedules(rows: TaskRows, sizes: Sizes, study: int) -> tuple[Schedule, Schedule, Schedule, Schedule] | None:
    """Free and fixed at equal seconds, free and fixed as handed out; None where one is not planned yet."""
    free, fixed = (rows.plan(wanted) for wanted in free_and_fixed(study))
    if free is None or fixed is None:
        return None
    wholes = free.schedule or sizes.untuned, fixed.schedule or sizes.untuned
    return (*at_equal_seconds(*wholes, times=sizes.seconds_per_step), *wholes)


def do(step: str, every: Sequence[TaskRows], *, n_seeds: int, deadline: float) -> None:
    """Make what a step lacks, study by study, task by task; nothing new after the deadline of `time.monotonic`."""
    for label, rows, key, make in _jobs(step, every, n_seeds=n_seeds):
        if rows.rows.get(key) is not None:
            continue
        if time.monotonic() > deadline:
            return
        started = time.monotonic()
        rows.rows.put(key, make())
        if step == "times":
            rows.write_time_model()
        print(f"{step}: {rows.task.name}, {label}: {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)


_Job = tuple[str, TaskRows, Row, Callable[[], Row]]


def _jobs(step: str, every: Sequence[TaskRows], *, n_seeds: int) -> Iterator[_Job]:
    """One after another: what comes later may ask for what was made before."""
    if step == "times":
        yield from (("seconds a step", rows, rows.key("times"), partial(making.measure, rows)) for rows in every)
        return
    measured = [(rows, sizes) for rows in every if (sizes := rows.sizes()) is not None]
    studies = TRUTH_STUDIES if step == "truth" else range(n_seeds)
    for study in studies:
        for rows, sizes in measured:
            yield from {"choice": _choices, "truth": _truths, "equal": _equals}[step](rows, sizes, study)


def _choices(rows: TaskRows, sizes: Sizes, study: int) -> Iterator[_Job]:
    for wanted in free_and_fixed(study):
        yield _planning(rows, wanted, sizes)


def _truths(rows: TaskRows, sizes: Sizes, study: int) -> Iterator[_Job]:
    for batch_size in truth_sizes(rows, sizes):
        wanted = truth_plan(batch_size, study)
        yield _planning(rows, wanted, sizes)
        planned = rows.plan(wanted)
        if planned is not None and planned.schedule is not None:
            yield from _trainings(rows, truth_schedules(planned.schedule, sizes), seeds=truth_seeds(study))


def _equals(rows: TaskRows, sizes: Sizes, study: int) -> Iterator[_Job]:
    found = compared_schedules(rows, sizes, study)
    if found is not None:
        yield from _trainings(rows, found, seeds=RETRAINING_SEEDS)


def _planning(rows: TaskRows, wanted: Wanted, sizes: Sizes) -> _Job:
    label = f"study {wanted.study}, batch {'free' if wanted.batch_size is None else wanted.batch_size}"
    return label, rows, rows.plan_key(wanted), partial(making.plan, rows, wanted, sizes=sizes)


def _trainings(rows: TaskRows, schedules: Iterable[Schedule], *, seeds: Iterable[int]) -> Iterator[_Job]:
    for schedule in schedules:
        for seed in seeds:
            label = f"batch {schedule.settings.batch_size}, {schedule.total_steps} updates, seed {seed}"
            yield label, rows, rows.training_key(schedule, seed=seed), partial(making.train, rows, schedule, seed=seed)
