"""What a study says about itself: task, sizes, budget, versions, thresholds."""

import math
from pathlib import Path

import numpy as np
import scipy
import torch

import tunesmith
from tunesmith.engine import Checked
from tunesmith.errors import StudyError
from tunesmith.recipe.laboratory import describe_device
from tunesmith.recipe.limits import Limits
from tunesmith.settings import Json
from tunesmith.study import Study
from tunesmith.study.folder import DATABASE_NAME
from tunesmith.task import Task
from tunesmith.thresholds import DEFAULT_THRESHOLDS


def describe(task: Task, checked: Checked, *, budget: float, seed: int, recipe: str, limits: Limits, device: str) -> dict[str, Json]:
    """The description that is stored with a study and shown in its report; a budget without end is null."""
    return {
        "task": getattr(task.model, "__qualname__", type(task.model).__name__),
        "n_train": task.n_train,
        "n_valid": checked.n_valid,
        "n_parameters": checked.n_parameters,
        "goal": task.goal,
        "goal_is_higher_better": task.goal_is_higher_better,
        "metrics": {name: metric.higher_is_better for name, metric in task.metrics.items()},
        "optimizer": task.optimizer_name,
        "schedule": task.schedule_name,
        "cycles": task.cycles,
        "full_training_examples": task.full_training_examples,
        "recipe": recipe,
        "budget": budget if math.isfinite(budget) else None,
        "seed": seed,
        "fixed": dict(limits.fixed),
        "bounds": {name: list(pair) for name, pair in limits.bounds.items()},
        "device": describe_device(device),
        "versions": {"tunesmith": tunesmith.__version__, "torch": str(torch.__version__), "numpy": np.__version__, "scipy": scipy.__version__},
        "thresholds": DEFAULT_THRESHOLDS.to_dict(),
    }


def check_kind(folder: Path, *, recipe: str) -> None:
    """Refuse a folder that holds a study of another kind: its evidence would be overwritten.

    What cannot be read as a study is left to `Study.create`, which says why, or begins it where a kill left an empty one.

    Raises:
        StudyError: A study of another kind.
    """
    if not (folder / DATABASE_NAME).is_file():
        return
    try:
        with Study.open(folder) as study:
            kind = study.description.get("recipe")
    except StudyError:
        return
    if kind != recipe:
        raise StudyError(f"A folder must hold one kind of study, and {folder} holds one of '{kind}', not '{recipe}'. Pass another --out.")
