"""One probe of a task and of changed ones beside it, in a study of its own: what `tunesmith lr-range --under` and `tunesmith capacity` call."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from tunesmith import probes
from tunesmith.errors import InputError
from tunesmith.experiment import Experiment
from tunesmith.probes.capacity import RATE_EVALUATIONS, named_tasks, usual_capacity_steps
from tunesmith.probes.lr_range import sweep_of, usual_settings, usual_steps
from tunesmith.probes.lr_range_under import ConditionSpec, brackets_under, check_conditions
from tunesmith.reading.capacity import CapacityReading, read_capacity
from tunesmith.reading.conditions import ConditionsReading, read_conditions
from tunesmith.recipe.allowance import CONSTANT_EVALUATIONS, SWEEP_EVALUATIONS
from tunesmith.recipe.probe_study import open_probe_study, parameters_of, starting_settings, validation_of, write_study_report
from tunesmith.recipe.progress import Progress
from tunesmith.settings import Settings
from tunesmith.task import AS_GIVEN, Task

MOST_SWEEPS, FARTHER = 2, 2.0
"""An overlay that ended before any condition could be told from another is made once more, this many times farther (both our choice)."""


def lr_range_under(
    task: Task,
    conditions: Mapping[str, Mapping[str, float]],
    *,
    out: str | Path,
    names: Sequence[str] | None = (),
    seed: int = 0,
    device: str = "auto",
    start_lr: float | None = None,
    end_lr: float | None = None,
    steps: int | None = None,
    batch_size: int | None = None,
    repeats: int = 1,
    progress: Progress | None = None,
) -> ConditionsReading:
    """Linear LR range tests of a task under several conditions, stored, laid over one another and ranked.

    Costs each condition `repeats` sweeps of `steps` updates, with up to 25 evaluations for at most a quarter of their price, the last one apart. Without
    `end_lr` also a sweep of at most 100 updates, and all sweeps once more where the first show no difference.

    Args:
        task: What to train.
        conditions: Name → fields of Settings to replace.
        out: Folder of the study.
        names: Of `task.conditions`, to be laid over as well; None for all of them. The task as given is then laid beside them.
        seed: Fixes every random draw.
        device: "auto", or as torch spells it.
        start_lr: Where every sweep begins; ≥ 0. Default 0.
        end_lr: Where it ends; > `start_lr`. Default: found by a short exponential sweep of each condition, and doubled once where that shows no difference.
        steps: Updates of each sweep, ≥ 20. Default: a quarter of a full training, at least 100.
        batch_size: Default: the user's current one, or 64, halved where a full training would have fewer than 600 updates.
        repeats: Sweeps of each condition, on further seeds; ≥ 1.
        progress: Hears what happens.

    Returns:
        What was read: the conditions ranked, best first, and the advice.

    Raises:
        InputError: No condition, two that are the same or of one name, an unknown name or field, a value out of its range, or a sweep that does not rise.
        TaskError: A changed task that cannot be compared.
        BudgetError: `steps` < 20.
        UserCodeError: The task's own code raised.
        StudyError: A folder that cannot be used, or one that holds runs of another task of a condition's name.
    """
    changed = probes.named_conditions(task, None if names is None else list(names)) if names is None or names else {}
    twice = sorted(set(conditions) & set(changed))
    if twice:
        raise InputError(f"Conditions must have names of their own, and '{twice[0]}' is given twice. Rename one.")
    _laid(task, conditions, changed, settings=usual_settings(task))  # raises before anything is written
    with open_probe_study(task, out=out, seed=seed, device=device, probe="lr_range_under", progress=progress, changed=changed) as lab:
        settings = starting_settings(lab, batch_size)
        laid = _laid(task, conditions, changed, settings=settings)
        arms = check_conditions(task, laid, settings)
        length = usual_steps(task, settings.batch_size) if steps is None else steps
        sweep_of(settings, start_lr=0.0, end_lr=1.0, steps=length, seed=0)  # raises where the length is too short
        end, sweeps = end_lr, MOST_SWEEPS if end_lr is None else 1
        if end is None:
            lab.progress.stage("bracket", f"Short exponential sweeps under {len(arms)} conditions, for the order of magnitude.")
            found, end = brackets_under(arms, seed=lab.search_seed(0), optimizer_name=lab.checked.acts_like, execute=lab.executor("search"))
            lab.put(Experiment(probe="bracket", arms=found, verdict=f"The linear sweeps end at {end:.2g}, half of the middle one of their ends."))
        evaluations, valid_examples = validation_of(lab, steps=length, batch_size=min(arm.settings.batch_size for arm in arms), evaluations=SWEEP_EVALUATIONS)
        for sweep in range(1, sweeps + 1):
            lab.progress.stage("lr_range_under", f"Range tests under {len(arms)} conditions: learning rate to {end:.2g} in {length} updates each.")
            experiment = probes.lr_range_under(
                task, laid, settings, start_lr=start_lr or 0.0, end_lr=end, steps=length, seed=lab.search_seed(0), repeats=repeats,
                evaluations=evaluations, valid_examples=valid_examples, execute=lab.executor("search"),
            )  # fmt: skip
            reading = read_conditions(experiment, thresholds=lab.thresholds)
            if not reading.ends_too_early or sweep == sweeps:
                break
            end = FARTHER * end
        lab.put(dataclasses.replace(experiment, findings=reading.findings, verdict=reading.advice))
        write_study_report(lab.study)
    return reading


def _laid(task: Task, conditions: Mapping[str, Mapping[str, float]], changed: Mapping[str, Task], *, settings: Settings) -> dict[str, ConditionSpec]:
    """Everything to lay over one another: beside changed tasks the task as given, unless a condition is just that."""
    laid: dict[str, ConditionSpec] = dict(conditions)
    arms = check_conditions(task, laid, settings) if conditions or not changed else []
    if changed and AS_GIVEN not in changed and all(arm.settings != settings for arm in arms):
        laid = {AS_GIVEN: {}, **laid}
    return {**laid, **changed}


def capacity(
    tasks: Mapping[str, Task] | Sequence[Task],
    *,
    out: str | Path,
    seed: int = 0,
    device: str = "auto",
    steps: int | None = None,
    batch_size: int | None = None,
    repeats: int = 2,
    progress: Progress | None = None,
) -> CapacityReading:
    """Short annealed runs of a series of networks, each at its own learning rate, stored and read.

    Costs each network at most 100 + (1 + `repeats`) · `steps` updates, and their evaluations: at most a quarter of the price of the updates, the last one of
    each run apart.

    Args:
        tasks: Name → the task with that network, or the tasks alone; at least two.
        out: Folder of the study; its costs are counted in full trainings of the first task.
        seed: Fixes every random draw.
        device: "auto", or as torch spells it.
        steps: Updates of each run, ≥ 20. Default: an eighth of a full training, at least 100.
        batch_size: Default: the first task's current one, or 64, halved where a full training would have fewer than 600 updates.
        repeats: Seeds of each network, ≥ 1; with one the noise is unknown, and nothing can be told.
        progress: Hears what happens.

    Returns:
        What was read: each network's part of the curve of loss over capacity, and which one to take.

    Raises:
        InputError: Fewer than two networks, names without a network, or numbers out of their range.
        TaskError: Tasks that cannot be compared.
        BudgetError: `steps` < 20.
        UserCodeError: A task's own code raised.
        StudyError: A folder that cannot be used, or one that holds runs of another network of that name.
    """
    named = named_tasks(tasks)
    first = next(iter(named.values()))
    with open_probe_study(first, out=out, seed=seed, device=device, probe="capacity", progress=progress, changed=named) as lab:
        settings = starting_settings(lab, batch_size)
        length = usual_capacity_steps(first, settings.batch_size) if steps is None else steps
        evaluations, valid_examples = validation_of(lab, steps=length, batch_size=settings.batch_size, evaluations=RATE_EVALUATIONS)
        lab.progress.stage("capacity", f"{len(named)} networks, small to large: a range test and {repeats} short runs of {length} updates each.")
        experiment = probes.capacity(
            named,
            settings,
            total_steps=length,
            sizes=parameters_of(lab.study),
            repeats=repeats,
            seed=lab.search_seed(0),
            evaluations=min(evaluations, CONSTANT_EVALUATIONS),
            sweep_evaluations=evaluations,
            valid_examples=valid_examples,
            optimizer_name=lab.checked.acts_like,
            execute=lab.executor("search"),
        )
        reading = read_capacity(experiment, goal=first.goal, higher_is_better=first.goal_is_higher_better, thresholds=lab.thresholds)
        lab.put(dataclasses.replace(experiment, findings=reading.findings, verdict=reading.advice))
        write_study_report(lab.study)
    return reading
