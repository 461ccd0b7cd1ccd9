"""Weight decay by grid, in short annealed runs whose total decay matches that of the full training."""

import dataclasses
from collections.abc import Sequence

from tunesmith.experiment import Experiment
from tunesmith.fleet import Execute, execute_here
from tunesmith.probes.annealed import Candidate, annealed_runs, shortened
from tunesmith.settings import Settings
from tunesmith.task import Task


def weight_decay(
    task: Task,
    settings: Settings,
    *,
    total_steps: int,
    planned_steps: int,
    values: Sequence[float],
    seed: int = 0,
    valid_examples: int | None = None,
    optimizer_name: str | None = None,
    execute: Execute = execute_here,
) -> Experiment:
    """Short annealed runs at several weight decays.

    Costs `total_steps` updates and one evaluation for each value. Judges nothing: see `reading.comparison`. A short run is given the full training's total
    decay, so its weight decay is `planned_steps / total_steps` times the value it stands for: that ranks better (METHOD, section 2.5).

    Args:
        task: What to train.
        settings: The other knobs.
        total_steps: Updates of each run.
        planned_steps: Updates of the training that the values are for; ≥ `total_steps`.
        values: Weight decays of the full training; ≥ 0.
        seed: Fixes initialisation and order for all arms.
        valid_examples: Size of the fixed validation slice; None for all of it.
        optimizer_name: What the task's optimizer acts like, where it is the user's own. None means its name.
        execute: Where the runs are made.

    Source: Smith 2018, section 4.4. Differs: annealed, and total decay matched.
    """
    name = optimizer_name or task.optimizer_name
    candidates = [
        Candidate(
            label=f"weight decay {value:.6g}" if value else "no weight decay",
            value=value,
            settings=shortened(dataclasses.replace(settings, weight_decay=value), total_steps=total_steps, planned_steps=planned_steps, optimizer_name=name),
            total_steps=total_steps,
        )
        for value in values
    ]
    return annealed_runs(task, candidates, probe="weight_decay", seed=seed, valid_examples=valid_examples, execute=execute)
