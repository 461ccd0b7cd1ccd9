"""LR range tests under several conditions: the same sweep, repeated with one thing changed at a time."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median_high
from typing import TypeAlias

from tunesmith.errors import InputError
from tunesmith.experiment import Arm, Experiment
from tunesmith.fleet import Execute, execute_here
from tunesmith.probes.comparable import require_comparable
from tunesmith.probes.lr_range import found_end, sweep_of, usual_settings, usual_steps
from tunesmith.settings import RunSpec, Settings
from tunesmith.task import Task

ConditionSpec: TypeAlias = Mapping[str, float | None] | Task
"""Fields of Settings to replace, or a changed task."""

SWEPT_FIELDS = ("batch_size", "min_momentum", "momentum", "weight_decay")
"""Fields of Settings that act on a sweep: its learning rate is what is swept, and it follows no schedule."""


END_SHARE = 0.5
"""Of the end that a bracket gives to a lone sweep, which must find its edge: an overlay needs its evaluations below the edges (our choice)."""


@dataclass(frozen=True, kw_only=True)
class ConditionArm:
    """A condition that was checked: what to train, and with what.

    Attributes:
        name: What the user calls it.
        task: What to train.
        settings: The knobs.
        is_changed_task: Whether the task is a changed one.
        value: The number that sets it apart, where one number does.
    """

    name: str
    task: Task
    settings: Settings
    is_changed_task: bool
    value: float | None


def lr_range_under(
    task: Task,
    conditions: Mapping[str, ConditionSpec],
    settings: Settings | None = None,
    *,
    start_lr: float = 0.0,
    end_lr: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    repeats: int = 1,
    evaluations: int = 19,
    valid_examples: int | None = None,
    optimizer_name: str | None = None,
    execute: Execute = execute_here,
) -> Experiment:
    """The same LR range test under several conditions: the one that tolerates the largest rate with a flat loss is the balance sought.

    Costs `steps` updates and `evaluations` + 1 evaluations for each condition and repeat, less where a loss diverges. Judges nothing: see
    `reading.conditions`. All arms make the same number of updates, so a condition with a larger batch sees more examples; all share the seed, and with it
    initial weights and data order where the condition leaves them alone.

    Args:
        task: What to train.
        conditions: Name → fields of Settings to replace, such as `{"weight_decay": 1e-3}`, `{"momentum": 0.95, "min_momentum": 0.85}` or
            `{"batch_size": 256}`; or a changed task (other dropout, augmentation, width), made by `dataclasses.replace(task, model=…)`. `{}` leaves all as
            it is. Momentum without min_momentum is constant. The names in `task.conditions` may be given as
            `{name: dataclasses.replace(task, model=task.conditions[name])}`, see `named_conditions`.
        settings: Start point; its `lr` and `min_lr` are ignored. None means momentum .95 falling to .85 (report, section 4.3) and the task's batch size.
        start_lr: Where every sweep begins; ≥ 0.
        end_lr: Where every sweep ends. None finds it by a short exponential sweep of each condition: half of
            the middle one of their ends. These runs are then the last arms.
        steps: Updates of each sweep, ≥ 20. None means a quarter of a full training, at least 100 (our choice).
        seed: Fixes initialisation, order and augmentation for all arms.
        repeats: Sweeps of each condition, with seeds `seed`, `seed + 1`, …; they share a label.
        evaluations: Evaluations on the way, evenly spaced in the learning rate.
        valid_examples: Size of the fixed validation slice; None for all of it.
        optimizer_name: What the task's optimizer acts like, where it is the user's own. None means its name.
        execute: Where the runs are made.

    Raises:
        InputError: No condition, two that are the same, an unknown field, a value out of its range, or a sweep that does not rise.
        TaskError: A changed task that cannot be compared.
        BudgetError: `steps` < 20.

    Source: Smith 2018, arXiv:1803.09820, section 4.1 and figures 5 to 8. Differs: statistics of BatchNorm are re-estimated before an evaluation.
    """
    if repeats < 1:
        raise InputError(f"repeats must be ≥ 1, got {repeats}. Pass how many sweeps of each condition you want.")
    arms = check_conditions(task, conditions, settings or usual_settings(task))
    length = usual_steps(task, arms[0].settings.batch_size) if steps is None else steps
    brackets: tuple[Arm, ...] = ()
    if end_lr is None:
        brackets, end_lr = brackets_under(arms, seed=seed, optimizer_name=optimizer_name, execute=execute)
    specs = [
        dataclasses.replace(
            sweep_of(arm.settings, start_lr=start_lr, end_lr=end_lr, steps=length, seed=seed + repeat),
            evaluations=evaluations,
            valid_examples=valid_examples,
            reestimates_norm=True,
            condition=arm.name if arm.is_changed_task else "",
        )
        for arm in arms
        for repeat in range(repeats)
    ]
    return Experiment(probe="lr_range_under", arms=_made([arm for arm in arms for _ in range(repeats)], specs, execute=execute) + brackets)


def brackets_under(arms: list[ConditionArm], *, seed: int, optimizer_name: str | None, execute: Execute) -> tuple[tuple[Arm, ...], float]:
    """A short exponential sweep of each condition, and where a linear sweep of all of them should end.

    At half of the middle one of their ends: a bracket ends well above the edge, and a condition under which nothing is learnt must not stretch the axis.
    """
    found = [
        found_end(arm.task, arm.settings, seed=seed, execute=execute, optimizer_name=optimizer_name, condition=arm.name if arm.is_changed_task else "")
        for arm in arms
    ]
    labelled = tuple(dataclasses.replace(bracket, label=f"{arm.name}, exponential") for arm, (bracket, _) in zip(arms, found, strict=True))
    return labelled, float(f"{END_SHARE * median_high(end for _, end in found):.3g}")


def named_conditions(task: Task, names: list[str] | None = None) -> dict[str, Task]:
    """The task with each of its `conditions`, by name; all of them where no names are given.

    Raises:
        InputError: A name that the task does not have.
    """
    unknown = [name for name in names or () if name not in task.conditions]
    if unknown or not task.conditions:
        known = f"one of {', '.join(map(repr, task.conditions))}" if task.conditions else "one that the task has, and it has none"
        raise InputError(f"A condition must name {known}, got {(unknown or ['none'])[0]!r}. Add it to Task.conditions, or change the name.")
    return {name: dataclasses.replace(task, model=task.conditions[name]) for name in (task.conditions if names is None else names)}


def check_conditions(task: Task, conditions: Mapping[str, ConditionSpec], settings: Settings) -> list[ConditionArm]:
    """The conditions as what to train with what, in the order given.

    Raises:
        InputError: See `lr_range_under`.
        TaskError: A changed task that cannot be compared.
    """
    if not conditions:
        raise InputError("A range test under conditions must be given at least one, got none. Pass for example {'decay 1e-3': {'weight_decay': 1e-3}}.")
    arms: list[ConditionArm] = []
    for name, condition in conditions.items():
        arm = _arm(task, name, condition, settings=settings)
        twin = next((other for other in arms if other.settings == arm.settings and other.task is arm.task), None)
        if twin is not None:
            raise InputError(f"Conditions must differ, and '{twin.name}' and '{name}' are the same. Leave one out.")
        arms.append(arm)
    return arms


def _arm(task: Task, name: str, condition: ConditionSpec, *, settings: Settings) -> ConditionArm:
    if not isinstance(name, str) or not name.strip():
        raise InputError(f"A condition's name must be a few words, got {name!r}. Pass for example 'no dropout'.")
    if isinstance(condition, Task):
        require_comparable(task, condition, name=name)
        return ConditionArm(name=name, task=condition, settings=settings, is_changed_task=condition is not task, value=None)
    if not isinstance(condition, Mapping):
        raise InputError(
            f"A condition must be a mapping of Settings fields or a Task, and '{name}' is a {type(condition).__name__}. Pass {{'weight_decay': 1e-3}}."
        )
    unknown = sorted(set(condition) - set(SWEPT_FIELDS))
    if unknown:
        raise InputError(
            f"A condition must change {', '.join(SWEPT_FIELDS)}, and '{name}' changes {', '.join(unknown)}. "
            "A range test moves the learning rate itself and follows no schedule; change anything else by a changed task."
        )
    changed = {"min_momentum": None, **condition} if "momentum" in condition else dict(condition)
    try:
        moved = dataclasses.replace(settings, **changed)  # type: ignore[arg-type]  # the ranges are held in one place
    except InputError as error:
        raise InputError(f"Condition '{name}': {error}") from error
    if moved.batch_size > task.n_train:
        raise InputError(f"Condition '{name}': batch_size must be at most the {task.n_train} training examples, got {moved.batch_size}. Pass a smaller one.")
    numbers = list(condition.values())
    return ConditionArm(name=name, task=task, settings=moved, is_changed_task=False, value=numbers[0] if len(numbers) == 1 else None)


def _made(arms: list[ConditionArm], specs: list[RunSpec], *, execute: Execute) -> tuple[Arm, ...]:
    """The runs in the order of the specs; those of one task are ordered together, so that they can go at the same time."""
    made: dict[int, Arm] = {}
    for task in {id(arm.task): arm.task for arm in arms}.values():
        places = [place for place, arm in enumerate(arms) if arm.task is task]
        for place, run in zip(places, execute(task, [specs[place] for place in places]), strict=True):
            made[place] = Arm(label=arms[place].name, value=arms[place].value, run=run)
    return tuple(made[place] for place in range(len(arms)))
