"""One probe on its own, in a study of its own: what `tunesmith lr-range` and `tunesmith min-lr` call."""

import dataclasses
import math
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tunesmith import probes
from tunesmith.engine import check_task
from tunesmith.engine.device import resolve_device
from tunesmith.errors import BudgetError, InputError
from tunesmith.probes.lr_range import FEWEST_STEPS
from tunesmith.reading.min_lr import MinLrReading, read_min_lr
from tunesmith.reading.range_test import RangeReading, read_range
from tunesmith.recipe.allowance import MOST_BRACKET_STEPS, first_batch_size
from tunesmith.recipe.description import check_kind, describe
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.limits import Limits
from tunesmith.recipe.progress import Progress, SilentProgress
from tunesmith.recipe.report_recipe import first_settings
from tunesmith.recipe.stages.sweep import bracket_end, sweep_range
from tunesmith.report import write_report
from tunesmith.settings import Settings
from tunesmith.study import Study
from tunesmith.study.connection import told
from tunesmith.task import Task
from tunesmith.thresholds import DEFAULT_THRESHOLDS

SWEEP_SHARE = 0.25
"""Of a full training: the length of a range test on its own (our choice; the report's take dozens of epochs)."""
FEWEST_SWEEP_STEPS = 100
CONSTANT_SHARE = 1 / 8
SWEEP_EVALUATIONS = 24


def lr_range(
    task: Task,
    *,
    out: str | Path,
    seed: int = 0,
    device: str = "auto",
    start_lr: float | None = None,
    end_lr: float | None = None,
    steps: int | None = None,
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
        end_lr: Default: found by a short exponential sweep.
        steps: Updates. Default: a quarter of a full training, at least 100.
        batch_size: Default: the user's current one, or 64.
        progress: Hears what happens.
    """
    with _laboratory(task, out=out, seed=seed, device=device, probe="lr_range", progress=progress) as lab:
        settings = _settings(lab, batch_size)
        reading = _sweep(lab, settings, start_lr=start_lr, end_lr=end_lr, steps=steps)
        _write_report(lab)
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

    Args:
        task: What to train.
        out: Folder of the study.
        seed: Fixes every random draw.
        device: "auto", or as torch spells it.
        max_lr: The peak. Default: found by a range test first.
        steps: Updates of each constant-rate run. Default: an eighth of a full training.
        batch_size: Default: the user's current one, or 64.
        progress: Hears what happens.
    """
    with _laboratory(task, out=out, seed=seed, device=device, probe="min_lr", progress=progress) as lab:
        settings = _settings(lab, batch_size)
        peak = max_lr if max_lr is not None else _sweep(lab, settings, start_lr=None, end_lr=None, steps=None).suggestion()
        if not (math.isfinite(peak) and peak > 0):
            raise InputError(f"max_lr must be finite and > 0, got {peak!r}. Pass the peak of your cycle.")
        settings = dataclasses.replace(settings, lr=peak, min_lr=None)
        length = max(FEWEST_SWEEP_STEPS, round(CONSTANT_SHARE * task.steps_at(settings.batch_size))) if steps is None else steps
        if length < FEWEST_STEPS:
            raise BudgetError(f"A run at a constant rate must have at least {FEWEST_STEPS} steps to be read, got {length}. Raise steps.")
        lab.progress.stage("min_lr", f"Constant learning rates below {peak:.2g}, {length} updates each.")
        experiment = probes.min_lr(task, settings, total_steps=length, seed=lab.search_seed(0), execute=lab.executor("search"))
        reading = read_min_lr(experiment, max_lr=peak, thresholds=lab.thresholds)
        lab.put(dataclasses.replace(experiment, findings=reading.findings, verdict=reading.advice))
        _write_report(lab)
    return reading


def _write_report(lab: Laboratory) -> None:
    path = lab.study.folder / "report.html"
    with told(path, doing="Writing"):
        write_report(lab.study, path)


@contextmanager
def _laboratory(task: Task, *, out: str | Path, seed: int, device: str, probe: str, progress: Progress | None) -> Generator[Laboratory]:
    check_kind(Path(out), recipe=probe)
    device = str(resolve_device(device))
    checked = check_task(task, device=device)
    description = describe(task, checked, budget=math.inf, seed=seed, recipe=probe, limits=Limits(fixed={}, bounds={}), device=device)
    with Study.create(Path(out), fingerprint=checked.fingerprint, description=description) as study:
        yield Laboratory(
            task=task,
            checked=checked,
            study=study,
            budget=math.inf,
            seed=seed,
            device=device,
            thresholds=DEFAULT_THRESHOLDS,
            progress=progress or SilentProgress(),
        )


def _settings(lab: Laboratory, batch_size: int | None) -> Settings:
    if batch_size is not None and not 1 <= batch_size <= lab.task.n_train:
        raise InputError(f"batch_size must be between 1 and the {lab.task.n_train} training examples, got {batch_size}. Pass a smaller one.")
    size = first_batch_size(usual=lab.task.reference_batch_size, full_training_examples=lab.full_training_examples, fixed=batch_size)
    return first_settings(lab, Limits(fixed={}, bounds={}), batch_size=size)


def _sweep(lab: Laboratory, settings: Settings, *, start_lr: float | None, end_lr: float | None, steps: int | None) -> RangeReading:
    length = max(FEWEST_SWEEP_STEPS, round(SWEEP_SHARE * lab.task.steps_at(settings.batch_size))) if steps is None else steps
    if end_lr is None:
        low, high = sweep_range(lab.checked.acts_like)
        found = probes.bracket(lab.task, settings, start_lr=low, end_lr=high, steps=MOST_BRACKET_STEPS, seed=lab.search_seed(0), execute=lab.executor("search"))
        end_lr = bracket_end(found.arms[0].run.curve)
        lab.put(dataclasses.replace(found, verdict=f"The linear sweep ends at {end_lr:.2g}."))
    lab.progress.stage("lr_range", f"Range test: learning rate to {end_lr:.2g} in {length} updates.")
    experiment = probes.lr_range(
        lab.task,
        settings,
        start_lr=start_lr or 0.0,
        end_lr=end_lr,
        steps=length,
        seed=lab.search_seed(0),
        evaluations=SWEEP_EVALUATIONS,
        execute=lab.executor("search"),
    )
    reading = read_range(experiment.arms[0].run.curve, thresholds=lab.thresholds)
    lab.put(dataclasses.replace(experiment, findings=reading.findings, verdict=reading.advice))
    return reading
