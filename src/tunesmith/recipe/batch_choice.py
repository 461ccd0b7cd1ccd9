"""Total batch size: candidates by updates and data, proposed by time model and noise scale, decided by short annealed runs at equal wall time.

Used by every recipe and by `tunesmith batch-size`. What a proposal may cost is theirs; what is as good and as fast is said by `reading.batch_size`.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

from torch.utils.data import Dataset

from tunesmith.cost import FORWARD_SHARE
from tunesmith.coupling import at_batch_size
from tunesmith.experiment import Arm, Experiment, SizeTimes
from tunesmith.finding import Finding
from tunesmith.probes.annealed import MICRO_BATCH_SIZE, NORM_MICRO_BATCH_SIZE, GradientSampling
from tunesmith.probes.batch_size import batch_size as run_in_time
from tunesmith.probes.batch_size import steps_in_time
from tunesmith.reading.batch_size import BatchSizeReading, read_batch_size
from tunesmith.reading.batch_times import WORTH, lr_exponent, noise_of, point_of
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.limits import Limits
from tunesmith.recipe.stages.state import rounded
from tunesmith.recipe.time_model import TimeModel
from tunesmith.settings import Settings
from tunesmith.task import Task

FEWEST_UPDATES = 300
"""A full training must keep so many at a batch size for it to be a candidate (our choice: half of what the first size is chosen by)."""
LARGEST_DATA_SHARE = 1 / 4
"""Of the training set that a batch may take (our choice: beyond it, an epoch is hardly more than an update)."""
SMALLEST_SIZE = 8
"""No candidate is smaller unless the user's bounds say so (our choice)."""
MOST_DOUBLINGS = 4
"""Candidates lie at most so many doublings above the first, and half as many below (our choice)."""
SAMPLING_SHARE = 0.01
"""Of the budget, what gradient samples of a run may cost (our choice)."""
LEAST_SAMPLE, MOST_MICRO_BATCHES = 32, 32
"""Examples of a sample, however small the budget, and micro-batches of one, however large (our choice)."""


def candidate_sizes(task: Task, *, first: int, limits: Limits) -> list[int]:
    """The first batch size, then its doubles and halves, the nearest first, within the user's bounds, 300 updates and a quarter of the data."""
    if not limits.is_free("batch_size"):
        return [first]
    low, high = limits.bounds.get("batch_size", (SMALLEST_SIZE, math.inf))
    least = math.ceil(max(low, 1)) if "batch_size" in limits.bounds else 1
    first = int(min(max(first, least), max(min(high, task.n_train), 1)))
    high = min(high, LARGEST_DATA_SHARE * task.n_train, task.full_training_examples / FEWEST_UPDATES)
    powers = sorted((power for power in range(-MOST_DOUBLINGS // 2, MOST_DOUBLINGS + 1) if power), key=lambda power: (abs(power), -power))
    sizes = [first * 2**power if power > 0 else first // 2**-power for power in powers if power > 0 or first % 2**-power == 0]
    return [first, *(size for size in sizes if low <= size <= high)]


def sampling_of(lab: Laboratory, times: TimeModel, *, base: int, only_where_useful: bool = True) -> GradientSampling | None:
    """Where runs at the first batch size sample gradients; None where no size can be faster, or the data are too few for two micro-batches.

    Whatever the noise scale, a larger size is no faster than its throughput, and a smaller one no faster than its updates.

    Args:
        lab: Whose task and budget.
        times: Seconds a step at each size.
        base: The first batch size.
        only_where_useful: False samples also where no size can be faster: the noise scale was asked for.
    """
    own = times.seconds_per_step.get(base)
    if own is None:
        return None
    if only_where_useful and not any(max(size / base, 1.0) * own > (1 + WORTH) * seconds for size, seconds in times.seconds_per_step.items()):
        return None
    usual = NORM_MICRO_BATCH_SIZE if lab.checked.has_batch_norm else MICRO_BATCH_SIZE
    at_once = lab.task.micro_batch_size
    size = min(usual, at_once or usual)
    if at_once is not None and not isinstance(lab.task.train, (tuple, Dataset)) and all(other % at_once == 0 for other in times.seconds_per_step):
        size = at_once  # a batch maker may give batches of no other size
    one = GradientSampling(micro_batches=1, micro_batch_size=size).examples
    affordable = int(SAMPLING_SHARE * min(1.0, lab.budget) * lab.full_training_examples / one)
    count = min(max(affordable, LEAST_SAMPLE // size, 2), MOST_MICRO_BATCHES, lab.task.n_train // size)
    return GradientSampling(micro_batches=count, micro_batch_size=size) if count > 1 else None


def decide(lab: Laboratory, experiment: Experiment, *, beside: Arm, sizes: Sequence[int], limits: Limits, reserve: float = 0.0) -> BatchSizeReading:
    """Run the contenders one after another for the time of a run at the base, until one is not worse; the reading, stored.

    Where the budget has no run for the first of them, it is taken on the word of noise scale and time model; once a run has spoken against one, another needs a
    run of its own, or the base is kept.

    Args:
        lab: Where runs are made.
        experiment: As for `contenders`.
        beside: A finished run at the base, on the search's first seed: what they are held against.
        sizes: The contenders, the most promising first; the base, needing no run, ends them.
        limits: Keeps learning rates where the user wants them.
        reserve: Examples that must be left over.
    """
    base = beside.run.spec.settings
    label = f"batch size {base.batch_size} (lr {base.lr:.3g}, {beside.run.spec.total_steps} updates)"
    held = dataclasses.replace(beside, value=float(base.batch_size), label=label)
    experiment = dataclasses.replace(experiment, arms=(*experiment.arms, held))
    for i, size in enumerate(sizes):
        is_payable = comparison_examples(lab, experiment, beside=beside, size=size) <= lab.left - reserve
        if size != base.batch_size and not is_payable and i > 0:
            continue
        if size != base.batch_size and is_payable:
            experiment = dataclasses.replace(experiment, arms=(*experiment.arms, _run(lab, experiment, base, size=size, beside=beside, limits=limits)))
        experiment = with_contenders(experiment, [size])
        if read_sizes(lab, experiment).suggestion == size:
            break
    return stored(lab, experiment)


def _run(lab: Laboratory, experiment: Experiment, base: Settings, *, size: int, beside: Arm, limits: Limits) -> Arm:
    """A run at another size that takes as long as `beside`, evaluated as that was."""
    spec = beside.run.spec
    steps = steps_in_time(spec.total_steps, base=base.batch_size, size=size, seconds_per_step=_seconds(experiment))
    lab.progress.stage("batch_size", f"Batch size {size} beside {base.batch_size}: {steps} and {spec.total_steps} updates, in the same time.")
    exponent, _ = lr_exponent(noise_of(experiment), base=base.batch_size, other=size, optimizer_name=lab.checked.acts_like)
    made = run_in_time(
        lab.task, base, seconds_per_step=_seconds(experiment), total_steps=spec.total_steps, sizes=[size], lr_exponent=exponent,
        lr_interval=limits.interval("lr"), seed=spec.seed, evaluations=spec.evaluations, valid_examples=spec.valid_examples,
        optimizer_name=lab.checked.acts_like, execute=lab.executor("search"),
    )  # fmt: skip
    return made.arms[0]


def comparison_examples(lab: Laboratory, experiment: Experiment, *, beside: Arm, size: int) -> float:
    """What a run at `size` costs that takes as long as `beside`, evaluated as that was, in examples forward and backward."""
    spec = beside.run.spec
    steps = steps_in_time(spec.total_steps, base=spec.settings.batch_size, size=size, seconds_per_step=_seconds(experiment))
    return steps * size + FORWARD_SHARE * ((spec.valid_examples or lab.checked.n_valid) + lab.norm_examples(size)) * (spec.evaluations + 1)


def moved(settings: Settings, total_steps: int, *, reading: BatchSizeReading, lab: Laboratory, limits: Limits, keeps_epochs: bool) -> tuple[Settings, int]:
    """Settings and length of a training at the batch size that was chosen: momentum and total decay stay, and the learning rate goes by its exponent.

    The length is that of the same progress: updates / (1 + noise scale / batch size) stays the same, as far as the task's epochs go. With `keeps_epochs` it is
    that of the same epochs.
    """
    base, size = settings.batch_size, reading.suggestion
    if size == base:
        return settings, total_steps
    scale = point_of(reading.noise_scale) or 0.0
    full, whole = lab.task.steps_at(size), lab.task.steps_at(base)
    steps = round(full * total_steps / whole) if keeps_epochs else min(full, round(total_steps * (1 + scale / size) / (1 + scale / base)))
    lr = limits.clip("lr", rounded(settings.lr * (size / base) ** reading.lr_exponent))
    scaled, steps = at_batch_size(
        settings, batch_size=size, total_steps=total_steps, optimizer_name=lab.checked.acts_like, new_steps=max(1, steps), final_lr=lambda _: lr
    )  # fmt: skip
    decay = limits.clip("weight_decay", rounded(scaled.weight_decay))
    return dataclasses.replace(scaled, lr=lr, min_lr=None, weight_decay=decay), steps  # the rate without rounding error


def kept(size: int, limits: Limits, *, sizes: Sequence[int], times: Mapping[int, float], is_sampled: bool) -> Finding:
    """The finding where nothing was compared, and why."""
    if not limits.is_free("batch_size"):
        why = "It was fixed."
    elif len(sizes) < 2:  # noqa: PLR2004 (the first alone)
        why = f"Any other would leave fewer than {FEWEST_UPDATES} updates in a full training, or take more than a quarter of the data."
    elif size not in times or len(times) < 2:  # noqa: PLR2004 (as above)
        why = "The time model has no other size."
    elif not is_sampled:
        why = "By the time model no other size can be faster, whatever the noise of the gradients."
    else:
        why = "The budget has no runs for it."
    return Finding(kind="batch_size", value=float(size), confidence=0.5, evidence=why, not_established="That another batch size is not better.")


def timed(arms: Sequence[Arm], model: TimeModel, *, sizes: Sequence[int], n_train: int, slope: float = 0.0) -> Experiment:
    """Runs that sampled gradients, with the part of a time model that sizes are compared by."""
    seconds = {size: model.seconds_per_step[size] for size in sorted(sizes) if size in model.seconds_per_step}
    loading = {size: model.loading_seconds[size] for size in seconds if size in model.loading_seconds}
    return Experiment(probe="batch_size", arms=tuple(arms), times=SizeTimes(seconds_per_step=seconds, loading_seconds=loading, slope=slope, n_train=n_train))


def _seconds(experiment: Experiment) -> dict[int, float]:
    return {} if experiment.times is None else experiment.times.seconds_per_step


def with_contenders(experiment: Experiment, sizes: Sequence[int]) -> Experiment:
    """The experiment with the sizes that may be chosen."""
    return experiment if experiment.times is None else dataclasses.replace(experiment, times=dataclasses.replace(experiment.times, contenders=tuple(sizes)))


def stored(lab: Laboratory, experiment: Experiment) -> BatchSizeReading:
    """What was read from an experiment, which is stored with it."""
    reading = read_sizes(lab, experiment)
    lab.put(dataclasses.replace(experiment, findings=reading.findings, verdict=reading.advice))
    return reading


def read_sizes(lab: Laboratory, experiment: Experiment) -> BatchSizeReading:
    """The reading by the goal of the task, the rankings by its metrics told."""
    task = lab.task
    return read_batch_size(
        experiment, goal=task.goal, higher_is_better=task.goal_is_higher_better, optimizer_name=lab.checked.acts_like,
        metrics={name: metric.higher_is_better for name, metric in task.metrics.items()},
    )  # fmt: skip
