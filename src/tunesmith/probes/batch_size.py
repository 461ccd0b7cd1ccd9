"""Batch sizes at equal wall time: short annealed runs that end at the same modelled second (report, remark 4)."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

from tunesmith.coupling import LR_EXPONENT, at_batch_size
from tunesmith.errors import InputError
from tunesmith.experiment import Experiment, SizeTimes
from tunesmith.fleet import Execute, execute_here
from tunesmith.probes.annealed import Candidate, GradientSampling, annealed_runs, shortened
from tunesmith.settings import Settings
from tunesmith.task import Task


def batch_size(
    task: Task,
    settings: Settings,
    *,
    seconds_per_step: Mapping[int, float],
    total_steps: int,
    sizes: Sequence[int] | None = None,
    planned_steps: int | None = None,
    lr_exponent: float = LR_EXPONENT,
    lr_factors: Sequence[float] = (1.0,),
    lr_interval: tuple[float, float] = (0.0, math.inf),
    sampling: GradientSampling | None = None,
    seed: int = 0,
    repeats: int = 1,
    evaluations: int = 0,
    valid_examples: int | None = None,
    optimizer_name: str | None = None,
    execute: Execute = execute_here,
) -> Experiment:
    """Short annealed runs at several batch sizes that all take the same modelled time, from the same initial weights.

    Costs each size and learning rate `repeats` runs of as many updates as fit into the seconds of `total_steps` updates at the settings' own batch size. Judges
    nothing: see `reading.batch_size`. The runs at the base come first.

    Args:
        task: What to train.
        settings: At their own batch size, the base; the training that the runs stand for.
        seconds_per_step: Time model: batch size → seconds of an update; the base among them. Never measured here, so that the load does not choose a size.
        total_steps: Updates of a run at the base.
        sizes: Batch sizes to run, each in the time model. None means all of it.
        planned_steps: Updates of the training at the base that the runs stand for: they get its total decay. None means `total_steps`.
        lr_exponent: The learning rate goes like the batch size to this power. Default .5 (`coupling.LR_EXPONENT`).
        lr_factors: Times that rate, each tried at each size. Default: it alone.
        lr_interval: No learning rate lies outside.
        sampling: Gradient samples of the runs at the base, for the noise scale; they change nothing in the run. None for none.
        seed: Fixes initialisation and order for all runs.
        repeats: Seeds, `seed`, `seed + 1`, …, shared by all; ≥ 1.
        evaluations: Evaluations on the way.
        valid_examples: Size of the fixed validation slice; None for all of it.
        optimizer_name: What the task's optimizer acts like, where it is the user's own. None means its name.
        execute: Where the runs are made.

    Raises:
        InputError: A batch size that the time model lacks.

    Source: Smith 2018, remark 4 and section 4.2. Differs: annealed, total decay kept, time modelled instead of measured by a clock.
    """
    name, base = optimizer_name or task.optimizer_name, settings.batch_size
    tried = sorted(seconds_per_step if sizes is None else sizes, key=lambda size: (size != base, size))  # its first run tells a reading which is the base
    missing = [size for size in (*tried, base) if size not in seconds_per_step]
    if missing:
        raise InputError(f"A time model must hold every batch size that is compared, and lacks {missing[0]}. Measure it too, or leave it out.")
    short = shortened(settings, total_steps=total_steps, planned_steps=planned_steps or total_steps, optimizer_name=name)
    runs = [
        _candidate(
            short, size, total_steps=total_steps, seconds_per_step=seconds_per_step, lr_exponent=lr_exponent, factor=factor, lr_interval=lr_interval,
            optimizer_name=name,
        )
        for size in tried
        for factor in lr_factors
    ]  # fmt: skip
    runs = list(dict.fromkeys(runs))  # an interval may turn two factors into one rate
    return dataclasses.replace(
        annealed_runs(
            task, runs, probe="batch_size", seed=seed, repeats=repeats, evaluations=evaluations, valid_examples=valid_examples,
            sampled={candidate.label: sampling for candidate in runs if sampling is not None and candidate.settings.batch_size == base}, execute=execute,
        ),
        times=SizeTimes(seconds_per_step=dict(seconds_per_step), n_train=task.n_train),
    )  # fmt: skip


def steps_in_time(total_steps: int, *, base: int, size: int, seconds_per_step: Mapping[int, float]) -> int:
    """Updates at `size` that take as long as `total_steps` at `base`; at least one.

    Example:
        >>> steps_in_time(100, base=64, size=256, seconds_per_step={64: 0.010, 256: 0.025})
        40
    """
    return max(1, round(total_steps * seconds_per_step[base] / seconds_per_step[size]))


def _candidate(
    short: Settings,
    size: int,
    *,
    total_steps: int,
    seconds_per_step: Mapping[int, float],
    lr_exponent: float,
    factor: float,
    lr_interval: tuple[float, float],
    optimizer_name: str,
) -> Candidate:
    """A run of the same time at another size, and of the same total decay."""
    steps = steps_in_time(total_steps, base=short.batch_size, size=size, seconds_per_step=seconds_per_step)
    if size == short.batch_size and factor == 1 and lr_interval[0] <= short.lr <= lr_interval[1]:
        settings = short
    else:
        scaled, _ = at_batch_size(
            short, batch_size=size, total_steps=total_steps, optimizer_name=optimizer_name, lr_exponent=lr_exponent, new_steps=steps,
            final_lr=lambda lr: min(max(float(f"{lr * factor:.3g}"), lr_interval[0]), lr_interval[1]),
        )  # fmt: skip
        settings = scaled if short.min_lr is not None else dataclasses.replace(scaled, min_lr=None)
    return Candidate(label=f"batch size {size} (lr {settings.lr:.3g}, {steps} updates)", value=float(size), settings=settings, total_steps=steps)
