"""Full-length runs: the plan on fresh seeds, and the user's current settings exactly as given."""

from collections.abc import Sequence

from tunesmith.cost import total_steps_for
from tunesmith.experiment import Arm, Experiment
from tunesmith.fleet import Execute, execute_here
from tunesmith.settings import RunKind, RunSpec, Settings
from tunesmith.task import Task


def confirm(
    task: Task,
    settings: Settings,
    *,
    total_steps: int,
    seeds: Sequence[int],
    evaluations: int = 20,
    valid_examples: int | None = None,
    execute: Execute = execute_here,
) -> Experiment:
    """Train with the settings as a user's own loop would, once for each seed, and keep the weights.

    Costs `total_steps` updates and `evaluations` + 1 evaluations for each seed, and one of the test set where there is one.
    BatchNorm statistics are not re-estimated, since a user's own loop will not do it.

    Args:
        task: What to train.
        settings: The plan.
        total_steps: Updates.
        seeds: Seeds that no probe has used.
        evaluations: Evaluations on the way, for the clues.
        valid_examples: Size of the fixed validation slice; None for all of it.
        execute: Where the runs are made.
    """
    specs = [
        RunSpec(
            settings=settings,
            total_steps=total_steps,
            seed=seed,
            evaluations=evaluations,
            valid_examples=valid_examples,
            evaluates_test=task.test is not None,
            keeps_weights=True,
        )
        for seed in seeds
    ]
    return _experiment(task, specs, probe="confirm", execute=execute)


def current(
    task: Task,
    *,
    seeds: Sequence[int],
    evaluations: int = 20,
    valid_examples: int | None = None,
    reestimates_norm: bool = False,
    total_steps: int | None = None,
    probe: str = "current",
    execute: Execute = execute_here,
) -> Experiment:
    """Train with what the user trains with today, exactly as given, once for each seed.

    Costs one full training for each seed, or `total_steps` updates. `task.current` must be Settings or a maker.

    Args:
        task: What to train.
        seeds: One run each.
        evaluations: Evaluations on the way.
        valid_examples: Size of the fixed validation slice; None for all of it.
        reestimates_norm: Whether BatchNorm statistics are re-estimated before evaluations, as in the short runs of a search.
        probe: The experiment's name.
        total_steps: Updates, where it is not to be a full training; the schedule of Settings shrinks with it, that of a maker cannot.
        execute: Where the runs are made.
    """
    if isinstance(task.current, Settings):
        settings, kind = task.current, RunKind.CYCLE
    else:
        settings, kind = Settings(batch_size=task.reference_batch_size), RunKind.CURRENT
    specs = [
        RunSpec(
            settings=settings,
            total_steps=current_steps(task, settings) if total_steps is None else total_steps,
            seed=seed,
            kind=kind,
            evaluations=evaluations,
            valid_examples=valid_examples,
            reestimates_norm=reestimates_norm,
            stops_when_diverged=False,
            evaluates_test=task.test is not None and total_steps is None,
        )
        for seed in seeds
    ]
    return _experiment(task, specs, probe=probe, execute=execute)


def current_steps(task: Task, settings: Settings) -> int:
    """Updates of a full training with the user's settings: their own epochs where they say so, else the task's."""
    if settings.epochs is not None:
        return total_steps_for(epochs=settings.epochs, n_train=task.n_train, batch_size=settings.batch_size)
    return task.steps_at(settings.batch_size)


def _experiment(task: Task, specs: list[RunSpec], *, probe: str, execute: Execute) -> Experiment:
    arms = [Arm(label=f"seed {run.spec.seed}", value=float(run.spec.seed), run=run) for run in execute(task, specs)]
    return Experiment(probe=probe, arms=tuple(arms))
