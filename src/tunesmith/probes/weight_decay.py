"""Weight decay by grid, in short annealed runs whose total decay matches that of the full training."""

import dataclasses
from collections.abc import Sequence

from tunesmith.experiment import Experiment
from tunesmith.fleet import Execute, execute_here
from tunesmith.probes.annealed import Candidate, annealed_runs, shortened
from tunesmith.settings import Settings
from tunesmith.task import Task

SHALLOW_GRID = (1e-4, 1e-3, 1e-2)
UNKNOWN_GRID = (0.0, 1e-5, 1e-4, 1e-3)
DEEP_GRID = (0.0, 1e-6, 1e-5, 1e-4)
"""Grids of the report, section 4.4 (METHOD, section 2.5)."""
ADAMW_TOTAL_DECAYS = (0.0, 0.3, 1.0, 3.0)
"""For AdamW, where torch multiplies the decay by the learning rate, a grid in total decay (METHOD, section 2.5)."""
SHALLOW_LAYERS, DEEP_LAYERS, LITTLE_DATA = 4, 20, 5_000
"""What shallow, deep and little mean (our choice)."""


def weight_decay(
    task: Task,
    settings: Settings,
    *,
    total_steps: int,
    planned_steps: int,
    values: Sequence[float],
    seed: int = 0,
    repeats: int = 1,
    evaluations: int = 0,
    valid_examples: int | None = None,
    optimizer_name: str | None = None,
    execute: Execute = execute_here,
) -> Experiment:
    """Short annealed runs at several weight decays.

    Costs each value `repeats` runs of `total_steps` updates, with `evaluations` + 1 evaluations. Judges nothing: see `reading.weight_decay`. A short run is
    given the full training's total decay, so its weight decay is `planned_steps / total_steps` times the value it stands for: that ranks better (METHOD,
    section 2.5).

    Args:
        task: What to train.
        settings: The other knobs.
        total_steps: Updates of each run.
        planned_steps: Updates of the training that the values are for; ≥ `total_steps`.
        values: Weight decays of the full training; ≥ 0.
        seed: Fixes initialisation and order for all arms.
        repeats: Seeds, `seed`, `seed + 1`, …, shared by all values; ≥ 1. One seed leaves the noise unknown.
        evaluations: Evaluations on the way.
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
    return annealed_runs(
        task, candidates, probe="weight_decay", seed=seed, repeats=repeats, evaluations=evaluations, valid_examples=valid_examples, execute=execute
    )  # fmt: skip


def usual_decays(*, acts_like: str, n_weight_layers: int, n_train: int, total_decay_of_one: float) -> tuple[float, ...]:
    """Weight decays to try where nobody says, ascending: the report's grids, by optimizer, depth of the network and size of the data.

    Args:
        acts_like: What the optimizer acts like; "adamw" gets a grid in total decay.
        n_weight_layers: Layers with weights.
        n_train: Training examples.
        total_decay_of_one: Total decay of the full training at a weight decay of 1; read for "adamw" alone.

    Example:
        >>> usual_decays(acts_like="sgd", n_weight_layers=3, n_train=1000, total_decay_of_one=1.0)
        (0.0001, 0.001, 0.01)
        >>> usual_decays(acts_like="adamw", n_weight_layers=3, n_train=1000, total_decay_of_one=30.0)
        (0.0, 0.01, 0.03, 0.1)
    """
    if acts_like == "adamw":
        return tuple(float(f"{total / total_decay_of_one:.1g}") for total in ADAMW_TOTAL_DECAYS)
    if n_weight_layers >= DEEP_LAYERS:
        return DEEP_GRID
    return SHALLOW_GRID if n_weight_layers <= SHALLOW_LAYERS or n_train < LITTLE_DATA else UNKNOWN_GRID
