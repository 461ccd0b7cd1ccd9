"""Capacity: short annealed runs of a series of networks, small to large, each at its own learning rate."""

import dataclasses
from collections.abc import Mapping, Sequence

from tunesmith.engine.device import resolve_device
from tunesmith.engine.seeds import child_seed, isolated_rng
from tunesmith.engine.user_code import user_code
from tunesmith.errors import InputError
from tunesmith.experiment import Arm, Experiment
from tunesmith.fleet import Execute, execute_here
from tunesmith.probes.comparable import require_comparable
from tunesmith.probes.lr_range import found_end, sweep_of, usual_settings
from tunesmith.reading.range_test import read_range
from tunesmith.settings import RunSpec, Settings
from tunesmith.task import Task

FEWEST_USUAL_STEPS, USUAL_SHARE = 100, 1 / 8
"""The length of a short annealed run if nobody says: this share of a full training, as the longest that `tune` makes, and the least of it (our choice)."""
RATE_EVALUATIONS = 19
"""On the way of a network's own range test (our choice, as `lr_range`: it need only find a rate)."""
STEP_BACK = 0.5
"""Of the largest rate that a range test finds worth trying, the peak of the annealed runs (our choice: at the brink one seed in two collapses, which drowns
what capacity does)."""


def capacity(
    tasks: Mapping[str, Task] | Sequence[Task],
    settings: Settings | None = None,
    *,
    total_steps: int | None = None,
    repeats: int = 2,
    seed: int = 0,
    max_lrs: Mapping[str, float] | None = None,
    sizes: Mapping[str, int] | None = None,
    evaluations: int = 9,
    sweep_evaluations: int = RATE_EVALUATIONS,
    valid_examples: int | None = None,
    optimizer_name: str | None = None,
    execute: Execute = execute_here,
) -> Experiment:
    """Short annealed runs of a series of networks: where the loss falls with capacity, where it is level, where it rises.

    A learning rate that suits one network is too large for another, so each network gets its own: half of the largest rate that a range test of its own, as
    long as one short run, finds worth trying, unless `max_lrs` gives it. Costs a network `repeats` runs of `total_steps` updates with `evaluations` + 1
    evaluations each, and for the range test at most `total_steps` + 100 updates with `sweep_evaluations` + 2 evaluations. A network whose range test
    suggests nothing gets no runs.

    Args:
        tasks: Name → the task with that network, or the tasks alone, which are then named by their number of parameters. At least two, alike but for
            the network: made by `dataclasses.replace(task, model=…)`.
        settings: Everything but the learning rate. None means momentum .95 falling to .85 (report, section 4.3) and the first task's batch size.
        total_steps: Updates of each annealed run, ≥ 20. None means an eighth of a full training of the first task, at least 100 (our choice).
        repeats: Seeds, `seed`, `seed + 1`, …, shared by all networks; ≥ 1. Their spread is the noise: one seed leaves it unknown. Default 2 (our choice).
        seed: Fixes initialisation, order and augmentation.
        max_lrs: Name → peak learning rate, for networks whose rate is known.
        sizes: Name → number of trained parameters. None counts them, for which each network is made once.
        evaluations: Evaluations on the way of each annealed run.
        sweep_evaluations: The same of each range test.
        valid_examples: Size of the fixed validation slice; None for all of it.
        optimizer_name: What the task's optimizer acts like, where it is the user's own. None means its name.
        execute: Where the runs are made.

    Returns:
        Arms in order of size: for each network its sweeps, then its annealed runs, labelled with its name; `value` is the number of trained parameters.

    Raises:
        InputError: Fewer than two networks, names without a network, or numbers out of their range.
        TaskError: Tasks that cannot be compared.
        BudgetError: `total_steps` < 20.

    Source: Smith 2018, arXiv:1803.09820, section 3: a network of too little capacity underfits and one of too much overfits, which the loss shows early. The
    series of short runs is our choice.
    """
    named = named_tasks(tasks, sizes=sizes)
    first = next(iter(named.values()))
    for name, task in named.items():
        require_comparable(first, task, name=name)
    if repeats < 1:
        raise InputError(f"repeats must be ≥ 1, got {repeats}. Pass how many seeds you want; two show the noise.")
    known = _checked_rates(max_lrs or {}, named)
    counted = {name: float(count_parameters(task) if sizes is None else sizes[name]) for name, task in named.items()}
    start = settings or usual_settings(first)
    length = usual_capacity_steps(first, start.batch_size) if total_steps is None else total_steps
    sweep_of(start, start_lr=0.0, end_lr=1.0, steps=length, seed=seed)  # raises where the length is too short, before anything is trained
    arms: list[Arm] = []
    for name in sorted(named, key=counted.__getitem__):
        task = named[name]
        swept: list[Arm] = []
        lr = known.get(name)
        if lr is None:
            swept, lr = _own_rate(
                task,
                start,
                name=name,
                steps=length,
                seed=seed,
                evaluations=sweep_evaluations,
                valid_examples=valid_examples,
                optimizer_name=optimizer_name,
                execute=execute,
            )
        arms += [dataclasses.replace(arm, label=name, value=counted[name]) for arm in swept]
        if lr is None:
            continue
        specs = [
            RunSpec(
                settings=dataclasses.replace(start, lr=lr, min_lr=None), total_steps=length, seed=seed + repeat, evaluations=evaluations,
                valid_examples=valid_examples, reestimates_norm=True, condition=name,
            )
            for repeat in range(repeats)
        ]  # fmt: skip
        arms += [Arm(label=name, value=counted[name], run=run) for run in execute(task, specs)]
    return Experiment(probe="capacity", arms=tuple(arms))


def _own_rate(
    task: Task,
    settings: Settings,
    *,
    name: str,
    steps: int,
    seed: int,
    evaluations: int,
    valid_examples: int | None,
    optimizer_name: str | None,
    execute: Execute,
) -> tuple[list[Arm], float | None]:
    """A network's sweeps, and the peak to train it at; None where they find no rate worth trying."""
    bracket, end_lr = found_end(task, settings, seed=seed, execute=execute, optimizer_name=optimizer_name, condition=name)
    spec = sweep_of(settings, start_lr=0.0, end_lr=end_lr, steps=steps, seed=seed)
    spec = dataclasses.replace(spec, evaluations=evaluations, valid_examples=valid_examples, reestimates_norm=True, condition=name)
    sweep = Arm(label=name, value=None, run=execute(task, [spec])[0])
    largest = read_range(sweep.run.curve).largest_lr
    return [bracket, sweep], None if largest is None else float(f"{STEP_BACK * largest:.3g}")


def usual_capacity_steps(task: Task, batch_size: int) -> int:
    """Updates of each annealed run if nobody says."""
    return max(FEWEST_USUAL_STEPS, round(USUAL_SHARE * task.steps_at(batch_size)))


def count_parameters(task: Task) -> int:
    """Trained parameters of the task's network, which is made once on the CPU for it."""
    with isolated_rng(child_seed(0, "init"), resolve_device("cpu")), user_code():
        return sum(parameter.numel() for parameter in task.model().parameters() if parameter.requires_grad)


def named_tasks(tasks: Mapping[str, Task] | Sequence[Task], *, sizes: Mapping[str, int] | None = None) -> dict[str, Task]:
    """The networks by name, in the order given.

    Raises:
        InputError: Fewer than two, something else than tasks, or sizes of others.
    """
    named = dict(tasks) if isinstance(tasks, Mapping) else {}
    if not isinstance(tasks, Mapping):
        for task in tasks:
            if not isinstance(task, Task):
                raise InputError(f"Capacity must be given tasks, got a {type(task).__name__}. Pass a list of Task, or a dict from names to them.")
            size = f"{count_parameters(task):,} parameters"
            named[size if size not in named else f"{size}, network {len(named) + 1}"] = task
    strange = next((name for name, task in named.items() if not isinstance(task, Task) or not isinstance(name, str) or not name.strip()), None)
    if strange is not None:
        raise InputError(
            f"Capacity must be given tasks by name, and {strange!r} names a {type(named[strange]).__name__}. Pass for example {{'width 64': task}}."
        )
    if len(named) < 2:  # noqa: PLR2004 (one network has nothing beside it)
        raise InputError(f"Capacity must be given at least two networks, got {len(named)}. Add a smaller and a larger one.")
    if sizes is not None and set(sizes) != set(named):
        raise InputError(f"sizes must name the networks {sorted(named)}, got {sorted(sizes)}. Leave it out to have their parameters counted.")
    return named


def _checked_rates(max_lrs: Mapping[str, float], named: Mapping[str, Task]) -> dict[str, float]:
    unknown = sorted(set(max_lrs) - set(named))
    if unknown:
        raise InputError(f"max_lrs must name networks among {sorted(named)}, got {unknown[0]!r}. Leave out those whose rate a range test is to find.")
    for name, lr in max_lrs.items():
        Settings(lr=lr)  # raises where it is no rate
        if not isinstance(name, str):
            raise InputError(f"max_lrs must go from names to rates, got {name!r}. Pass for example {{'width 64': 0.1}}.")
    return dict(max_lrs)
