"""One probe of one task, in a study of its own: what `tunesmith lr-range` and `tunesmith min-lr` call."""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

from tunesmith import probes
from tunesmith.errors import BudgetError, InputError
from tunesmith.experiment import Arm, Experiment
from tunesmith.probes.lr_range import FEWEST_STEPS, usual_steps
from tunesmith.reading.drift import compare_lengths
from tunesmith.reading.min_lr import SHARES, MinLrReading, read_min_lr
from tunesmith.reading.range_test import RangeReading
from tunesmith.recipe.allowance import CONSTANT_EVALUATIONS
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.probe_study import open_probe_study, starting_settings, validation_of, write_study_report
from tunesmith.recipe.progress import Progress
from tunesmith.recipe.sweeping import Sweep, make_sweep, one_sweep, put_sweeps
from tunesmith.settings import Settings
from tunesmith.task import Task

FEWEST_CONSTANT_STEPS, CONSTANT_SHARE = 100, 1 / 8
"""Of a full training: the length of a run at a constant rate, and the least of it (both our choice; the report says a few hundred iterations)."""


def lr_range(
    task: Task,
    *,
    out: str | Path,
    seed: int = 0,
    device: str = "auto",
    start_lr: float | None = None,
    end_lr: float | None = None,
    steps: int | None = None,
    compare_steps: int | None = None,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> RangeReading:
    """One linear LR range test of a task, stored and read.

    Costs `steps` updates, and `compare_steps` where given, with up to 25 evaluations for at most a quarter of their price, the last one apart. Without
    `end_lr` also a sweep of at most 100 updates, and `steps` once more where the first sweep did not end near the edge.

    Args:
        task: What to train.
        out: Folder of the study.
        seed: Fixes every random draw.
        device: "auto", or as torch spells it.
        start_lr: Where the sweep begins; ≥ 0. Default 0.
        end_lr: Where it ends; > `start_lr`. Default: found by a short exponential sweep; a range test that went much too far, or not far enough, is then
            made once more.
        steps: Updates, ≥ 20. Default: a quarter of a full training, at least 100.
        compare_steps: Updates of another sweep over the same learning rates, ≥ 20 and not `steps`; the reading of the first gets a finding "drift" that
            compares them.
        batch_size: Default: the user's current one, or 64, halved where a full training would have fewer than 600 updates.
        progress: Hears what happens.

    Returns:
        What was read from the last sweep of `steps` updates. The study's experiment holds every sweep, that one last.

    Raises:
        InputError: A sweep that does not rise, a batch size that the training set does not have, or two equal lengths.
        BudgetError: `steps` or `compare_steps` < 20.
        TaskError: A task that contradicts itself.
        UserCodeError: The task's own code raised.
        StudyError: A folder that cannot be used, or that holds another study.
    """
    with open_probe_study(task, out=out, seed=seed, device=device, probe="lr_range", progress=progress) as lab:
        settings = starting_settings(lab, batch_size)
        length = usual_steps(task, settings.batch_size) if steps is None else steps
        _check_lengths(length, compared=compare_steps)
        sweep, before = make_sweep(lab, settings, start_lr=start_lr, end_lr=end_lr, length=length)
        reading = sweep.reading
        if compare_steps is not None:
            reading = _compared(lab, settings, sweep, start_lr=start_lr, length=compare_steps, before=before)
        write_study_report(lab.study)
    return reading


def min_lr(
    task: Task,
    *,
    out: str | Path,
    seed: int = 0,
    device: str = "auto",
    max_lr: float | None = None,
    steps: int | None = None,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> MinLrReading:
    """The learning rate to start a cycle from, by the report's three ways.

    Costs five runs of `steps` updates, at most two more where a limit was found, and without `max_lr` what `lr_range` costs; each with its evaluations, for
    at most a quarter of the price of the updates, the last one apart.

    Args:
        task: What to train.
        out: Folder of the study.
        seed: Fixes every random draw.
        device: "auto", or as torch spells it.
        max_lr: The peak; finite, > 0. Default: found by a range test first.
        steps: Updates of each constant-rate run, ≥ 20. Default: an eighth of a full training, at least 100. The rates on either side of the limit found get a
            second seed.
        batch_size: Default: the user's current one, or 64, halved where a full training would have fewer than 600 updates.
        progress: Hears what happens.

    Returns:
        What was read: the three ways, and the rate to start from.

    Raises:
        InputError: A peak that is no rate, or a batch size that the training set does not have.
        BudgetError: `steps` < 20.
        TaskError: A task that contradicts itself.
        UserCodeError: The task's own code raised.
        StudyError: A folder that cannot be used, or that holds another study.
        CurveError: Without `max_lr`, a range test that suggests nothing.
    """
    if max_lr is not None and not (math.isfinite(max_lr) and max_lr > 0):
        raise InputError(f"max_lr must be finite and > 0, got {max_lr!r}. Pass the peak of your cycle.")
    if steps is not None and steps < FEWEST_STEPS:
        raise BudgetError(f"A run at a constant rate must have at least {FEWEST_STEPS} steps to be read, got {steps}. Raise steps.")
    with open_probe_study(task, out=out, seed=seed, device=device, probe="min_lr", progress=progress) as lab:
        settings = starting_settings(lab, batch_size)
        peak = max_lr
        if peak is None:
            sweep, _ = make_sweep(lab, settings, start_lr=None, end_lr=None, length=usual_steps(task, settings.batch_size))
            peak = sweep.reading.suggestion()
        settings = dataclasses.replace(settings, lr=peak, min_lr=None)
        length = max(FEWEST_CONSTANT_STEPS, round(CONSTANT_SHARE * task.steps_at(settings.batch_size))) if steps is None else steps
        lab.progress.stage("min_lr", f"Constant learning rates below {peak:.2g}, {length} updates each.")
        experiment = _constant_runs(lab, settings, length=length, shares=SHARES, repeat=0)
        reading = read_min_lr(experiment, max_lr=peak, thresholds=lab.thresholds)
        if reading.doubtful:
            lab.progress.stage("min_lr", f"A second seed on either side of the limit: {' and '.join(f'{lr:.2g}' for lr in reading.doubtful)}.")
            again = _constant_runs(lab, settings, length=length, shares=[lr / peak for lr in reading.doubtful], repeat=1)
            experiment = dataclasses.replace(experiment, arms=experiment.arms + again.arms)
            reading = read_min_lr(experiment, max_lr=peak, thresholds=lab.thresholds)
        lab.put(dataclasses.replace(experiment, findings=reading.findings, verdict=reading.advice))
        write_study_report(lab.study)
    return reading


def _constant_runs(lab: Laboratory, settings: Settings, *, length: int, shares: Sequence[float], repeat: int) -> Experiment:
    evaluations, valid_examples = validation_of(lab, steps=length, batch_size=settings.batch_size, evaluations=CONSTANT_EVALUATIONS)
    return probes.min_lr(
        lab.task, settings, total_steps=length, shares=shares, seed=lab.search_seed(repeat), evaluations=evaluations, valid_examples=valid_examples,
        execute=lab.executor("search"),
    )  # fmt: skip


def _check_lengths(length: int, *, compared: int | None) -> None:
    """Refuse lengths that cannot be read or compared, before anything is trained."""
    for name, steps in (("steps", length), ("compare_steps", compared)):
        if steps is not None and steps < FEWEST_STEPS:
            raise BudgetError(f"A sweep must have at least {FEWEST_STEPS} steps to be read, got {name}={steps}. Raise {name}.")
    if compared == length:
        raise InputError(f"compare_steps must differ from the {length} steps of the sweep, or there is nothing to compare. Pass for example {4 * length}.")


def _compared(lab: Laboratory, settings: Settings, sweep: Sweep, *, start_lr: float | None, length: int, before: Sequence[Arm]) -> RangeReading:
    """The sweep's reading with a finding on how far the suggestion moves with the length, from one more sweep over the same learning rates."""
    other = one_sweep(lab, settings, start_lr=start_lr, end_lr=sweep.end_lr, length=length)
    shorter, longer = sorted((sweep, other), key=lambda one: one.length)
    drift = compare_lengths(shorter.reading, longer.reading, steps=(shorter.length, longer.length))
    reading = dataclasses.replace(sweep.reading, findings=(*sweep.reading.findings, drift))
    arms = [dataclasses.replace(one.arm, label=f"{one.arm.label}, {one.length} updates") for one in (other, sweep)]
    put_sweeps(lab, [*before, *arms], reading)
    return reading
