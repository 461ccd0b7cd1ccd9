"""One probe of one task, in a study of its own: what `tunesmith lr-range` and `tunesmith min-lr` call."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tunesmith import probes
from tunesmith.errors import BudgetError, InputError
from tunesmith.experiment import Experiment
from tunesmith.probes.lr_range import FEWEST_STEPS, MOST_BRACKET_STEPS, sweep_range, usual_steps
from tunesmith.reading.bracket import bracket_end, next_end
from tunesmith.reading.drift import compare_lengths
from tunesmith.reading.min_lr import SHARES, MinLrReading, read_min_lr
from tunesmith.reading.range_test import RangeReading, read_range
from tunesmith.recipe.bench import opened, starting_settings, validation_of, write_its_report
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.progress import Progress
from tunesmith.settings import Settings
from tunesmith.task import Task

FEWEST_CONSTANT_STEPS = 100
CONSTANT_SHARE = 1 / 8
"""Of a full training: the length of a run at a constant rate (our choice; the report says a few hundred iterations)."""
SWEEP_EVALUATIONS = 24
CONSTANT_EVALUATIONS = 9


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

    Args:
        task: What to train.
        out: Folder of the study.
        seed: Fixes every random draw.
        device: "auto", or as torch spells it.
        start_lr: Default 0.
        end_lr: Default: found by a short exponential sweep; a range test that went much too far, or not far enough, is then made once more.
        steps: Updates. Default: a quarter of a full training, at least 100.
        compare_steps: Updates of a second sweep over the same learning rates; the reading of the first gets a finding "drift" that compares them.
        batch_size: Default: the user's current one, or 64.
        progress: Hears what happens.
    """
    with opened(task, out=out, seed=seed, device=device, probe="lr_range", progress=progress) as lab:
        settings = starting_settings(lab, batch_size)
        sweep = _sweep(lab, settings, start_lr=start_lr, end_lr=end_lr, steps=steps)
        if compare_steps is not None:
            other = _one_sweep(lab, settings, start_lr=start_lr, end_lr=sweep.end_lr, length=compare_steps)
            sweep = _with_drift(lab, sweep, other)
        write_its_report(lab)
    return sweep.reading


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

    Args:
        task: What to train.
        out: Folder of the study.
        seed: Fixes every random draw.
        device: "auto", or as torch spells it.
        max_lr: The peak. Default: found by a range test first.
        steps: Updates of each constant-rate run. Default: an eighth of a full training, at least 100. The rates on either side of the limit found get a second
            seed.
        batch_size: Default: the user's current one, or 64.
        progress: Hears what happens.
    """
    with opened(task, out=out, seed=seed, device=device, probe="min_lr", progress=progress) as lab:
        settings = starting_settings(lab, batch_size)
        peak = max_lr if max_lr is not None else _sweep(lab, settings, start_lr=None, end_lr=None, steps=None).reading.suggestion()
        if not (math.isfinite(peak) and peak > 0):
            raise InputError(f"max_lr must be finite and > 0, got {peak!r}. Pass the peak of your cycle.")
        settings = dataclasses.replace(settings, lr=peak, min_lr=None)
        length = max(FEWEST_CONSTANT_STEPS, round(CONSTANT_SHARE * task.steps_at(settings.batch_size))) if steps is None else steps
        if length < FEWEST_STEPS:
            raise BudgetError(f"A run at a constant rate must have at least {FEWEST_STEPS} steps to be read, got {length}. Raise steps.")
        lab.progress.stage("min_lr", f"Constant learning rates below {peak:.2g}, {length} updates each.")
        experiment = _constant_runs(lab, settings, length=length, shares=SHARES, repeat=0)
        reading = read_min_lr(experiment, max_lr=peak, thresholds=lab.thresholds)
        if reading.doubtful:
            lab.progress.stage("min_lr", f"A second seed on either side of the limit: {' and '.join(f'{lr:.2g}' for lr in reading.doubtful)}.")
            again = _constant_runs(lab, settings, length=length, shares=[lr / peak for lr in reading.doubtful], repeat=1)
            experiment = dataclasses.replace(experiment, arms=experiment.arms + again.arms)
            reading = read_min_lr(experiment, max_lr=peak, thresholds=lab.thresholds)
        lab.put(dataclasses.replace(experiment, findings=reading.findings, verdict=reading.advice))
        write_its_report(lab)
    return reading


def _constant_runs(lab: Laboratory, settings: Settings, *, length: int, shares: Sequence[float], repeat: int) -> Experiment:
    evaluations, valid_examples = validation_of(lab, steps=length, batch_size=settings.batch_size, evaluations=CONSTANT_EVALUATIONS)
    return probes.min_lr(
        lab.task, settings, total_steps=length, shares=shares, seed=lab.search_seed(repeat), evaluations=evaluations, valid_examples=valid_examples,
        execute=lab.executor("search"),
    )  # fmt: skip


@dataclass(frozen=True)
class _Sweep:
    """A range test that was made, and what was read from it."""

    experiment: Experiment
    reading: RangeReading
    end_lr: float
    length: int


def _sweep(lab: Laboratory, settings: Settings, *, start_lr: float | None, end_lr: float | None, steps: int | None) -> _Sweep:
    """One range test. Where nobody said how far, a bracket does, and a sweep that went much too far or not far enough is made once more."""
    length = usual_steps(lab.task, settings.batch_size) if steps is None else steps
    low, high = sweep_range(lab.checked.acts_like)
    if end_lr is not None:
        return _one_sweep(lab, settings, start_lr=start_lr, end_lr=end_lr, length=length)
    found = probes.bracket(lab.task, settings, start_lr=low, end_lr=high, steps=MOST_BRACKET_STEPS, seed=lab.search_seed(0), execute=lab.executor("search"))
    end_lr = bracket_end(found.arms[0].run.curve)
    lab.put(dataclasses.replace(found, verdict=f"The linear sweep ends at {end_lr:.2g}."))
    sweep = _one_sweep(lab, settings, start_lr=start_lr, end_lr=end_lr, length=length)
    again = next_end(sweep.reading, end_lr=end_lr, highest=high)
    return sweep if again is None or again <= (start_lr or 0.0) else _one_sweep(lab, settings, start_lr=start_lr, end_lr=again, length=length)


def _one_sweep(lab: Laboratory, settings: Settings, *, start_lr: float | None, end_lr: float, length: int) -> _Sweep:
    lab.progress.stage("lr_range", f"Range test: learning rate to {end_lr:.2g} in {length} updates.")
    evaluations, valid_examples = validation_of(lab, steps=length, batch_size=settings.batch_size, evaluations=SWEEP_EVALUATIONS)
    experiment = probes.lr_range(
        lab.task,
        settings,
        start_lr=start_lr or 0.0,
        end_lr=end_lr,
        steps=length,
        seed=lab.search_seed(0),
        evaluations=evaluations,
        valid_examples=valid_examples,
        execute=lab.executor("search"),
    )
    reading = read_range(experiment.arms[0].run.curve, thresholds=lab.thresholds)
    experiment = dataclasses.replace(experiment, findings=reading.findings, verdict=reading.advice)
    lab.put(experiment)
    return _Sweep(experiment=experiment, reading=reading, end_lr=end_lr, length=length)


def _with_drift(lab: Laboratory, sweep: _Sweep, other: _Sweep) -> _Sweep:
    """The first sweep, its reading with a finding on how far the suggestion moves with the length; stored last, as the one that counts."""
    shorter, longer = sorted((sweep, other), key=lambda one: one.length)
    drift = compare_lengths(shorter.reading, longer.reading, steps=(shorter.length, longer.length))
    reading = dataclasses.replace(sweep.reading, findings=(*sweep.reading.findings, drift))
    experiment = dataclasses.replace(sweep.experiment, findings=reading.findings)
    lab.put(experiment)
    return dataclasses.replace(sweep, experiment=experiment, reading=reading)
