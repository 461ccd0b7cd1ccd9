"""The learning rate to start a cycle from: short runs at constant learning rates below the peak (report, section 4.1, the third way)."""

from collections.abc import Sequence

from tunesmith.errors import InputError
from tunesmith.experiment import Arm, Experiment
from tunesmith.fleet import Execute, execute_here
from tunesmith.reading.min_lr import SHARES
from tunesmith.settings import RunSpec, Settings
from tunesmith.task import Task


def min_lr(
    task: Task,
    settings: Settings,
    *,
    total_steps: int,
    shares: Sequence[float] = SHARES,
    seed: int = 0,
    evaluations: int = 9,
    valid_examples: int | None = None,
    execute: Execute = execute_here,
) -> Experiment:
    """Short runs at constant learning rates that are shares of the peak.

    Costs `total_steps` updates and `evaluations` + 1 evaluations for each share. Judges nothing: see `reading.min_lr`.

    Args:
        task: What to train.
        settings: Their `lr` is the peak.
        total_steps: Updates of each run; the report takes a few hundred.
        shares: Of the peak, each in (0, 1]. Default: what the author and the report use, a fortieth to a third (METHOD, section 2.1).
        seed: Fixes initialisation and order for all arms.
        evaluations: Evaluations on the way.
        valid_examples: Size of the fixed validation slice; None for all of it.
        execute: Where the runs are made.

    Raises:
        InputError: No share, or one outside (0, 1].

    Source: Smith 2018, arXiv:1803.09820, section 4.1: "the largest initial learning rate at which convergence begins without signs of overfitting".
    """
    if not shares or not all(0 < share <= 1 for share in shares):
        raise InputError(f"shares must be fractions of the peak in (0, 1], got {list(shares)}. Leave them out for a fortieth to a third.")
    specs = [
        RunSpec(
            settings=Settings(
                lr=settings.lr * share,
                momentum=settings.momentum,
                weight_decay=settings.weight_decay,
                batch_size=settings.batch_size,
                schedule="constant",
            ),
            total_steps=total_steps, seed=seed, evaluations=evaluations, valid_examples=valid_examples, reestimates_norm=True,
        )
        for share in shares
    ]  # fmt: skip
    arms = [Arm(label=f"constant lr {run.spec.settings.lr:.2g}", value=run.spec.settings.lr, run=run) for run in execute(task, specs)]
    return Experiment(probe="min_lr", arms=tuple(arms))
