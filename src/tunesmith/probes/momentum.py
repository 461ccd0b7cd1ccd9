"""Momentum by short annealed runs, constant and cyclical: a momentum range test finds no optimum (report, section 4.3)."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

from tunesmith.coupling import equivalent_lr
from tunesmith.errors import InputError
from tunesmith.experiment import Experiment
from tunesmith.fleet import Execute, execute_here
from tunesmith.probes.annealed import Candidate, annealed_runs, shortened
from tunesmith.settings import Settings
from tunesmith.task import Task

MOMENTA = (0.9, 0.95, 0.97, 0.99)
"""What the report tries (section 4.3)."""
LOWEST = (0.8, 0.85)
"""Where a cycle falls to (report, section 4.3)."""
LARGEST_DROP = 0.1
"""Momentum falls by this from its largest value while the learning rate rises: .95 → .85 in the report (section 4.3)."""


def momentum(
    task: Task,
    settings: Settings,
    *,
    total_steps: int,
    planned_steps: int | None = None,
    values: Sequence[float] = MOMENTA,
    lr_interval: tuple[float, float] = (0.0, math.inf),
    seed: int = 0,
    repeats: int = 1,
    evaluations: int = 0,
    valid_examples: int | None = None,
    optimizer_name: str | None = None,
    execute: Execute = execute_here,
) -> Experiment:
    """Short annealed runs at several momenta, at learning rates that move the weights equally far.

    Costs each value `repeats` runs of `total_steps` updates, with `evaluations` + 1 evaluations. Judges nothing: see `reading.momentum`.

    Args:
        task: What to train.
        settings: Their `lr` belongs to their `momentum`, constant or cyclical, as are then all arms; each gets the learning rate of equal lr/(1-m) (equal lr
            for Adam kinds), m taken at the bottom of its cycle.
        total_steps: Updates of each run.
        planned_steps: Updates of the training that the runs stand for: they get its total decay. None means `total_steps`.
        values: Momenta (beta1 for Adam kinds), each in [0, 1). Default: the report's.
        lr_interval: No arm's learning rate lies outside. In the report's 3-layer net the edge hardly depends on momentum (METHOD, section 2.3).
        seed: Fixes initialisation and order for all arms.
        repeats: Seeds, `seed`, `seed + 1`, …, shared by all values; ≥ 1. One seed leaves the noise unknown.
        evaluations: Evaluations on the way.
        valid_examples: Size of the fixed validation slice; None for all of it.
        optimizer_name: What the task's optimizer acts like, where it is the user's own. None means its name.
        execute: Where the runs are made.

    Source: Smith 2018, section 4.3: .9, .95, .97, .99, cyclical. Differs: each run is annealed to zero, and compared at equal lr/(1-m).
    """
    name = optimizer_name or task.optimizer_name
    moved = {f"momentum {value:g}": (value, at_momentum(settings, value, optimizer_name=name, lr_interval=lr_interval)) for value in values}
    candidates = _candidates(moved, total_steps=total_steps, planned_steps=planned_steps, optimizer_name=name)
    return annealed_runs(
        task, candidates, probe="momentum", seed=seed, repeats=repeats, evaluations=evaluations, valid_examples=valid_examples, execute=execute
    )  # fmt: skip


def momentum_cycle(
    task: Task,
    settings: Settings,
    *,
    total_steps: int,
    planned_steps: int | None = None,
    lowest: Sequence[float] = LOWEST,
    lr_interval: tuple[float, float] = (0.0, math.inf),
    seed: int = 0,
    repeats: int = 1,
    evaluations: int = 0,
    valid_examples: int | None = None,
    optimizer_name: str | None = None,
    execute: Execute = execute_here,
) -> Experiment:
    """Short annealed runs at a constant momentum, and at cycles that fall from it while the learning rate rises.

    Costs each of them `repeats` runs of `total_steps` updates, with `evaluations` + 1 evaluations. Judges nothing: see `reading.momentum`.

    Args:
        task: What to train.
        settings: Their `momentum` is the constant one, and their `lr` belongs to it; a cycle gets the learning rate of equal lr/(1-m) (equal lr for Adam
            kinds), m taken at its lowest.
        total_steps: Updates of each run.
        planned_steps: Updates of the training that the runs stand for: they get its total decay. None means `total_steps`.
        lowest: Where the cycles fall to, each in [0, `settings.momentum`). Default: the report's.
        lr_interval: No arm's learning rate lies outside.
        seed: Fixes initialisation and order for all arms.
        repeats: Seeds, `seed`, `seed + 1`, …, shared by all arms; ≥ 1.
        evaluations: Evaluations on the way.
        valid_examples: Size of the fixed validation slice; None for all of it.
        optimizer_name: What the task's optimizer acts like, where it is the user's own. None means its name.
        execute: Where the runs are made.

    Returns:
        An experiment "momentum_cycle"; `value` of an arm is its lowest momentum, so that of the constant one is the largest.

    Raises:
        InputError: No cycle, or one that does not fall.

    Source: Smith 2018, section 4.3: from the best constant momentum down to .85 or .8. Differs: compared at equal lr/(1-m).
    """
    top = settings.momentum
    if not lowest or not all(0 <= value < top for value in lowest):
        raise InputError(f"lowest must be momenta in [0, {top:g}), below the constant one, got {list(lowest)}. Pass for example [{max(0.0, top - 0.1):.2g}].")
    name = optimizer_name or task.optimizer_name
    moved = {f"constant {top:g}": (top, dataclasses.replace(settings, min_momentum=None))}
    for value in lowest:
        lr = _moved_lr(settings.lr, momentum=top, other_momentum=value, optimizer_name=name, lr_interval=lr_interval)
        moved[f"{top:g} to {value:g}"] = (value, dataclasses.replace(settings, lr=lr, min_lr=None, min_momentum=value))
    candidates = _candidates(moved, total_steps=total_steps, planned_steps=planned_steps, optimizer_name=name)
    return annealed_runs(
        task, candidates, probe="momentum_cycle", seed=seed, repeats=repeats, evaluations=evaluations, valid_examples=valid_examples, execute=execute
    )  # fmt: skip


def at_momentum(settings: Settings, value: float, *, optimizer_name: str, lr_interval: tuple[float, float] = (0.0, math.inf)) -> Settings:
    """The settings at another largest momentum, cycled down by at most .1, with the learning rate that moves the weights as far.

    Raises:
        InputError: A momentum out of its range.

    Example:
        >>> moved = at_momentum(Settings(lr=0.1, momentum=0.9, min_momentum=0.8), 0.95, optimizer_name="sgd")
        >>> round(moved.lr, 3), moved.momentum, round(moved.min_momentum, 2)
        (0.075, 0.95, 0.85)
    """
    if not 0 <= value < 1:
        raise InputError(f"A momentum to try must be in [0, 1), got {value!r}. Pass a fraction such as 0.9.")
    lowest = max(0.0, round(value - LARGEST_DROP, 6)) if settings.min_momentum is not None else None
    bottom, other = settings.resolved_min_momentum, value if lowest is None else lowest
    lr = _moved_lr(settings.lr, momentum=bottom, other_momentum=other, optimizer_name=optimizer_name, lr_interval=lr_interval)
    return dataclasses.replace(settings, lr=lr, min_lr=None, momentum=value, min_momentum=lowest)


def _moved_lr(lr: float, *, momentum: float, other_momentum: float, optimizer_name: str, lr_interval: tuple[float, float]) -> float:
    """The learning rate that moves the weights as far at another momentum, to three digits, within the interval."""
    moved = equivalent_lr(lr, momentum=momentum, other_momentum=other_momentum, optimizer_name=optimizer_name)
    return min(max(float(f"{moved:.3g}"), lr_interval[0]), lr_interval[1])


def _candidates(moved: Mapping[str, tuple[float, Settings]], *, total_steps: int, planned_steps: int | None, optimizer_name: str) -> list[Candidate]:
    """Label → (value, settings of the training that is stood for), as short runs with its total decay."""
    planned = planned_steps or total_steps
    return [
        Candidate(
            label=label,
            value=value,
            settings=shortened(settings, total_steps=total_steps, planned_steps=planned, optimizer_name=optimizer_name),
            total_steps=total_steps,
        )
        for label, (value, settings) in moved.items()
    ]
