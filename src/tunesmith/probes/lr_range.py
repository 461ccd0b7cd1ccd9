"""LR range tests: the learning rate raised through one run, the losses recorded."""

import dataclasses

from tunesmith.coupling import is_adam_kind
from tunesmith.errors import BudgetError, InputError
from tunesmith.experiment import Arm, Experiment
from tunesmith.fleet import Execute, execute_here
from tunesmith.reading.bracket import bracket_end
from tunesmith.settings import RunKind, RunSpec, Settings
from tunesmith.task import Task

FEWEST_STEPS = 20
"""A sweep of fewer updates has too few points to read an edge from (our choice)."""
FEWEST_USUAL_STEPS = 100
USUAL_SHARE = 0.25
"""Of a full training: the length of a range test where nobody says (our choice; the report's take dozens of epochs)."""
MOST_BRACKET_STEPS = 100
USUAL_MOMENTUM, LOWEST_MOMENTUM = 0.95, 0.85
"""The report's usual best, cycled (section 4.3)."""
SGD_RANGE = (1e-4, 30.0)
ADAM_RANGE = (1e-5, 1.0)
"""What the bracket sweeps: from where nothing learns to where nearly everything diverges (our choice: typical edges are .01 to 4 for SGD, METHOD 2.1)."""


def lr_range(
    task: Task,
    settings: Settings | None = None,
    *,
    start_lr: float = 0.0,
    end_lr: float | None = None,
    steps: int | None = None,
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
        settings: Start point; its `lr` and `min_lr` are ignored. None means momentum .95 falling to .85 (report, section 4.3) and the task's batch size.
        start_lr: Where the sweep begins; ≥ 0.
        end_lr: Where it ends; > start_lr. The sweep is linear, as in the report. None finds it by an exponential sweep of at most 100 updates, see `bracket`,
            which is then the second arm.
        steps: Updates, ≥ 20. None means a quarter of a full training, at least 100 (our choice; the report's take dozens of epochs).
        seed: Fixes initialisation, order and augmentation.
        evaluations: Evaluations on the way, evenly spaced in the learning rate.
        valid_examples: Size of the fixed validation slice; None for all of it.
        execute: Where the run is made. Default: in this process.

    Returns:
        An experiment whose first arm is the sweep; its curve has outcome DIVERGED or NOT_FINITE where the loss went astray, and ends there.

    Raises:
        BudgetError: `steps` < 20.
        InputError: `start_lr` ≥ `end_lr`.

    Source: Smith 2018, arXiv:1803.09820, section 4.1. Differs: statistics of BatchNorm are re-estimated before an evaluation (METHOD, trap 5).
    """
    settings = settings or usual_settings(task)
    length = usual_steps(task, settings.batch_size) if steps is None else steps
    brackets: tuple[Arm, ...] = ()
    if end_lr is None:
        found, end_lr = found_end(task, settings, seed=seed, execute=execute)
        brackets = (found,)
    spec = sweep_of(settings, start_lr=start_lr, end_lr=end_lr, steps=length, seed=seed)
    spec = dataclasses.replace(spec, evaluations=evaluations, valid_examples=valid_examples, reestimates_norm=True)
    sweep = Arm(label=f"linear {start_lr:.2g} to {end_lr:.2g}", value=end_lr, run=execute(task, [spec])[0])
    return Experiment(probe="lr_range", arms=(sweep, *brackets))


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
    return Experiment(probe="bracket", arms=(_bracket_arm(task, settings, start_lr=start_lr, end_lr=end_lr, steps=steps, seed=seed, execute=execute),))


def _bracket_arm(task: Task, settings: Settings, *, start_lr: float, end_lr: float, steps: int, seed: int, execute: Execute, condition: str = "") -> Arm:
    spec = sweep_of(settings, kind=RunKind.EXPONENTIAL_RAMP, start_lr=start_lr, end_lr=end_lr, steps=steps, seed=seed)
    spec = dataclasses.replace(spec, valid_examples=1, condition=condition)
    return Arm(label=f"exponential {start_lr:.2g} to {end_lr:.2g}", value=end_lr, run=execute(task, [spec])[0])


def found_end(task: Task, settings: Settings, *, seed: int, execute: Execute, optimizer_name: str | None = None, condition: str = "") -> tuple[Arm, float]:
    """A bracket, and where a linear sweep should end because of it.

    Args:
        task: What to train.
        settings: Start point.
        seed: Fixes every random draw.
        execute: Where the run is made.
        optimizer_name: What the task's optimizer acts like, where it is the user's own. None means its name.
        condition: The changed task's name, if it is one.
    """
    low, high = sweep_range(optimizer_name or task.optimizer_name)
    arm = _bracket_arm(task, settings, start_lr=low, end_lr=high, steps=MOST_BRACKET_STEPS, seed=seed, execute=execute, condition=condition)
    return arm, bracket_end(arm.run.curve) if arm.run.curve.lr else high


def sweep_range(optimizer_name: str) -> tuple[float, float]:
    """What the bracket sweeps for this optimizer."""
    return ADAM_RANGE if is_adam_kind(optimizer_name) else SGD_RANGE


def usual_settings(task: Task) -> Settings:
    """Where a sweep of this task starts if nobody says: the report's usual momentum, no weight decay, the task's batch size."""
    return Settings(momentum=USUAL_MOMENTUM, min_momentum=LOWEST_MOMENTUM, batch_size=task.reference_batch_size)


def usual_steps(task: Task, batch_size: int) -> int:
    """Updates of a range test of this task if nobody says."""
    return max(FEWEST_USUAL_STEPS, round(USUAL_SHARE * task.steps_at(batch_size)))


def sweep_of(settings: Settings, *, start_lr: float, end_lr: float, steps: int, seed: int, kind: RunKind = RunKind.LINEAR_RAMP) -> RunSpec:
    """The order for a sweep of the learning rate.

    Raises:
        BudgetError: `steps` < 20.
        InputError: `start_lr` ≥ `end_lr`.
    """
    if steps < FEWEST_STEPS:
        raise BudgetError(f"A sweep must have at least {FEWEST_STEPS} steps to be read, got {steps}. Raise steps or the budget.")
    if not 0 <= start_lr < end_lr:
        raise InputError(f"A sweep must have 0 ≤ start_lr < end_lr, got {start_lr!r} and {end_lr!r}. Swap or change them.")
    swept = dataclasses.replace(settings, lr=end_lr, min_lr=start_lr)
    return RunSpec(settings=swept, total_steps=steps, seed=seed, kind=kind)
