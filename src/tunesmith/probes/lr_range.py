"""LR range tests: the learning rate raised through one run, the losses recorded."""

import dataclasses

from tunesmith.errors import BudgetError, InputError
from tunesmith.experiment import Arm, Experiment
from tunesmith.fleet import Execute, execute_here
from tunesmith.settings import RunKind, RunSpec, Settings
from tunesmith.task import Task

FEWEST_STEPS = 20
"""A sweep of fewer updates has too few points to read an edge from (our choice)."""


def lr_range(
    task: Task,
    settings: Settings,
    *,
    start_lr: float,
    end_lr: float,
    steps: int,
    seed: int = 0,
    evaluations: int = 19,
    valid_examples: int | None = None,
    execute: Execute = execute_here,
) -> Experiment:
    """Raise the learning rate linearly through one short run and record the losses.

    Costs `steps` updates and `evaluations` + 1 evaluations. Judges nothing: see `reading.range_test`. Momentum falls from `settings.momentum` to
    `settings.min_momentum` as the learning rate rises, as it will in the cycle.

    Args:
        task: What to train; a fresh network is made from it.
        settings: Start point; its `lr` and `min_lr` are ignored.
        start_lr: Where the sweep begins; ≥ 0.
        end_lr: Where it ends; > start_lr. The sweep is linear, as in the report.
        steps: Updates, ≥ 20.
        seed: Fixes initialisation, order and augmentation.
        evaluations: Evaluations on the way, evenly spaced in the learning rate.
        valid_examples: Size of the fixed validation slice; None for all of it.
        execute: Where the run is made. Default: in this process.

    Returns:
        An experiment of one arm; its curve has outcome DIVERGED or NOT_FINITE where the loss went astray, and ends there.

    Raises:
        BudgetError: `steps` < 20.
        InputError: `start_lr` ≥ `end_lr`.

    Source: Smith 2018, arXiv:1803.09820, section 4.1. Differs: statistics of BatchNorm are re-estimated before an evaluation (METHOD, trap 5).
    """
    spec = _sweep(settings, kind=RunKind.LINEAR_RAMP, start_lr=start_lr, end_lr=end_lr, steps=steps, seed=seed)
    spec = dataclasses.replace(spec, evaluations=evaluations, valid_examples=valid_examples, reestimates_norm=True)
    return Experiment(probe="lr_range", arms=(Arm(label=f"linear {start_lr:.2g} to {end_lr:.2g}", value=end_lr, run=execute(task, [spec])[0]),))


def bracket(
    task: Task,
    settings: Settings,
    *,
    start_lr: float,
    end_lr: float,
    steps: int,
    seed: int = 0,
    execute: Execute = execute_here,
) -> Experiment:
    """Raise the learning rate exponentially through a very short run, on the training loss alone, to learn its order of magnitude.

    Costs at most `steps` updates and one evaluation. A linear sweep needs an upper end of the right order; this finds one. It is not a range test:
    where it diverges depends on how fast it rises.

    Args:
        task: What to train; a fresh network is made from it.
        settings: Start point; its `lr` and `min_lr` are ignored.
        start_lr: Where the sweep begins; > 0.
        end_lr: Where it ends; > start_lr.
        steps: Updates, ≥ 20.
        seed: Fixes initialisation, order and augmentation.
        execute: Where the run is made. Default: in this process.

    Raises:
        BudgetError: `steps` < 20.
        InputError: `start_lr` ≥ `end_lr`.
    """
    spec = _sweep(settings, kind=RunKind.EXPONENTIAL_RAMP, start_lr=start_lr, end_lr=end_lr, steps=steps, seed=seed)
    spec = dataclasses.replace(spec, valid_examples=1)
    return Experiment(probe="bracket", arms=(Arm(label=f"exponential {start_lr:.2g} to {end_lr:.2g}", value=end_lr, run=execute(task, [spec])[0]),))


def _sweep(settings: Settings, *, kind: RunKind, start_lr: float, end_lr: float, steps: int, seed: int) -> RunSpec:
    if steps < FEWEST_STEPS:
        raise BudgetError(f"A sweep must have at least {FEWEST_STEPS} steps to be read, got {steps}. Raise steps or the budget.")
    if not 0 <= start_lr < end_lr:
        raise InputError(f"A sweep must have 0 ≤ start_lr < end_lr, got {start_lr!r} and {end_lr!r}. Swap or change them.")
    swept = dataclasses.replace(settings, lr=end_lr, min_lr=start_lr)
    return RunSpec(settings=swept, total_steps=steps, seed=seed, kind=kind)
