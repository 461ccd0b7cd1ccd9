"""Momentum by short annealed runs: a momentum range test finds no optimum (report, section 4.3)."""

import dataclasses
import math
from collections.abc import Sequence

from tunesmith.coupling import equivalent_lr
from tunesmith.errors import InputError
from tunesmith.experiment import Experiment
from tunesmith.fleet import Execute, execute_here
from tunesmith.probes.annealed import Candidate, annealed_runs, shortened
from tunesmith.settings import Settings
from tunesmith.task import Task

MOMENTA = (0.9, 0.95, 0.97, 0.99)
"""What the report tries (section 4.3)."""
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
    valid_examples: int | None = None,
    optimizer_name: str | None = None,
    execute: Execute = execute_here,
) -> Experiment:
    """Short annealed runs at several momenta, at learning rates that move the weights equally far.

    Costs `total_steps` updates and one evaluation for each value. Judges nothing: see `reading.comparison`.

    Args:
        task: What to train.
        settings: Their `lr` belongs to their `momentum`; each arm gets the learning rate of equal lr/(1-m) (equal lr for Adam kinds), m taken at the
            bottom of its cycle.
        total_steps: Updates of each run.
        planned_steps: Updates of the training that the runs stand for: they get its total decay. None means `total_steps`.
        values: Momenta (beta1 for Adam kinds), each in [0, 1). Default: the report's.
        lr_interval: No arm's learning rate lies outside. In the report's 3-layer net the edge hardly depends on momentum (METHOD, section 2.3).
        seed: Fixes initialisation and order for all arms.
        valid_examples: Size of the fixed validation slice; None for all of it.
        optimizer_name: What the task's optimizer acts like, where it is the user's own. None means its name.
        execute: Where the runs are made.

    Source: Smith 2018, section 4.3: .9, .95, .97, .99, cyclical. Differs: each run is annealed to zero, and compared at equal lr/(1-m).
    """
    name = optimizer_name or task.optimizer_name
    candidates = []
    for value in values:
        moved = at_momentum(settings, value, optimizer_name=name, lr_interval=lr_interval)
        moved = shortened(moved, total_steps=total_steps, planned_steps=planned_steps or total_steps, optimizer_name=name)
        candidates.append(Candidate(label=f"momentum {value:g}", value=value, settings=moved, total_steps=total_steps))
    return annealed_runs(task, candidates, probe="momentum", seed=seed, valid_examples=valid_examples, execute=execute)


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
    lr = equivalent_lr(settings.lr, momentum=settings.resolved_min_momentum, other_momentum=value if lowest is None else lowest, optimizer_name=optimizer_name)
    lr = min(max(float(f"{lr:.3g}"), lr_interval[0]), lr_interval[1])
    return dataclasses.replace(settings, lr=lr, min_lr=None, momentum=value, min_momentum=lowest)
