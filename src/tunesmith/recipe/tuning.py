"""`tune`: check the task, open the study, run a recipe, confirm, and write plan and report."""

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path

from tunesmith.cost import Cost
from tunesmith.engine import Checked, check_task
from tunesmith.engine.device import resolve_device
from tunesmith.errors import InputError, TaskError
from tunesmith.finding import Finding
from tunesmith.fleet import Processes, TaskChanges, TaskSource
from tunesmith.plan import Plan, StudyOutcome
from tunesmith.plan_file import write_plan
from tunesmith.probes import named_conditions
from tunesmith.probes.comparable import require_comparable
from tunesmith.recipe.allowance import BRACKET_SHARE
from tunesmith.recipe.confirming import Confirmed, confirm_plan
from tunesmith.recipe.description import check_kind, describe
from tunesmith.recipe.fitting import check_where_it_fits, cost_of, fit_of, halved_where_it_ran_out, in_micro_batches
from tunesmith.recipe.forecast import forecast_of
from tunesmith.recipe.found import Found, first_size, refused
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.ladder.climb import bracket_share, climb
from tunesmith.recipe.limits import Limits
from tunesmith.recipe.loader import fixed_size_of, in_batches_of, in_multiples
from tunesmith.recipe.probe_study import hold_conditions, write_study_report
from tunesmith.recipe.progress import Progress, SilentProgress
from tunesmith.recipe.report_recipe import search
from tunesmith.recipe.time_model import find_time_model, looking_examples
from tunesmith.schedules import SCHEDULES
from tunesmith.schedules.cyclical import short_cycles_advice
from tunesmith.settings import Settings
from tunesmith.study import Study
from tunesmith.task import Task
from tunesmith.thresholds import DEFAULT_THRESHOLDS

RECIPES = ("ladder", "report")
"""The first is the default: better at half the cost (docs/how-good-is-it.md)."""
MOST_SEED = 2**40
"""Seeds below this fit a database's whole numbers with room for those of single runs."""
_ONE_PROCESS = (
    "All runs stay in this process, one after another: other workers must load the task themselves, since a Task object cannot be sent to them. "
    'Pass reference="FILE:FUNCTION" as well.'
)


_ADVISING = ("condition", "loader_bound")
"""Kinds of finding whose action is advice beside the plan: what no knob of it changes."""
_MUST = {"lr": "finite and > 0", "momentum": "in [0, 1)", "weight_decay": "finite and ≥ 0"}


def tune(
    task: Task,
    *,
    out: str | Path,
    budget: float = 1.0,
    seed: int = 0,
    recipe: str = RECIPES[0],
    fixed: Mapping[str, float] | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    schedule: str | None = None,
    cycles: int | None = None,
    confirm_seeds: int = 1,
    device: str = "auto",
    workers: int = 1,
    reference: str | None = None,
    time_model: str | Path | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Tune learning rate, batch size, momentum, weight decay and length of a task (recipe report: not the length), and hand back a plan with its evidence.

    Costs at most `budget` full trainings for the search, the plan's own length for each confirming seed and at most two more for plans that its curve suggests,
    and a quarter of a training with the current settings, or all of one, or both.
    The same call again resumes: finished runs are read from the study. Same seed and time model, CPU: the same plan, bit for bit.

    Args:
        task: What to train.
        out: The study's folder; made, or resumed if it holds a study of the same task.
        budget: Cap of the search in full trainings of `epochs * n_train` examples; > 0. Default 1.0 (docs/counting.md).
        seed: Fixes every random draw; ≥ 0.
        recipe: "ladder", all knobs but the batch size together, and the length, by annealed runs of rising length, then the batch size; or "report", section 5
            of the report.
        fixed: Knob → value that is not tuned: lr, batch_size, momentum, weight_decay, epochs.
        bounds: Knob → (low, high).
        schedule: Name in `tunesmith.schedules.SCHEDULES`; None means the task's.
        cycles: How many cycles, for triangular, triangular2 and exp_range; None means the task's, or the schedule's usual number where `schedule` is given.
        confirm_seeds: Fresh seeds that the plan is trained on; ≥ 1.
        device: "auto", or as torch spells it.
        workers: Processes that train at the same time; ≥ 1. Runs that wait for one another's results still go one after another. Same bits with any number.
        reference: "FILE:FUNCTION" of `task`, from which other processes load it: with more than one worker a Task alone cannot be sent to them, and all runs
            stay in this process.
        time_model: Another machine's `time_model.json`; None measures here, once.
        progress: Hears what happens; None for silence.

    Returns:
        The plan; `plan.outcome` says whether to use it.

    Raises:
        InputError: Arguments that contradict the task, a task that cannot be trained, a folder that cannot be used.
        UserCodeError: The task's own code raised.
    """
    _check_options(recipe=recipe, budget=budget, confirm_seeds=confirm_seeds, seed=seed, workers=workers, schedule=schedule)
    check_kind(Path(out), recipe=recipe)
    heard = progress or SilentProgress()
    if task.conditions and recipe != "ladder":
        heard.message("Task.conditions are weighed by recipe ladder alone: this one tunes the task's own network.")
    limits = Limits(fixed=dict(fixed or {}), bounds=dict(bounds or {}))
    changes = TaskChanges(schedule=schedule, cycles=cycles, epochs=limits.fixed.get("epochs"))
    task = changes.made_in(task)
    if too_short := short_cycles_advice(Settings(schedule=task.schedule_name, cycles=task.cycles).resolved_cycles, epochs=task.full_epochs):
        heard.message(too_short)
    device = str(resolve_device(device))
    if workers > 1 and reference is not None:
        TaskSource.of(reference)  # raises before anything is written
    of_loader = fixed_size_of(task, batch_size=limits.fixed_batch_size())
    task = in_batches_of(task, of_loader)
    checked = check_where_it_fits(task, device=device)
    _check_limits(task, limits)
    conditions = named_conditions(task) if task.conditions and recipe == "ladder" else {}
    changed = {name: _check_condition(task, other, name=name, device=device) for name, other in conditions.items()}
    checked = dataclasses.replace(checked, has_batch_norm=any(found.has_batch_norm for found in (checked, *changed.values())))
    sizes = in_multiples(first_size(task, limits), of_loader, task=task, limits=limits)
    description = describe(task, checked, budget=budget, seed=seed, recipe=recipe, limits=limits, device=device)
    with Study.create(Path(out), fingerprint=checked.fingerprint, description=description) as study:
        hold_conditions(study, changed)
        fit = fit_of(task, study, device=device, sizes=sizes, budget=budget, seed=seed, progress=heard)
        cut = in_micro_batches(task, fit, sizes=sizes)
        conditions = {name: dataclasses.replace(other, micro_batch_size=cut.micro_batch_size) for name, other in conditions.items()}
        changes = dataclasses.replace(changes, micro_batch_size=cut.micro_batch_size)
        processes = _processes(cut, reference=reference, changes=changes, workers=workers, device=device, heard=heard)
        lab = Laboratory(
            task=task,
            checked=checked,
            study=study,
            budget=budget,
            seed=seed,
            device=device,
            thresholds=DEFAULT_THRESHOLDS,
            progress=heard,
            processes=processes,
        )
        lab.cut_batches(cut)
        lab.charge("check", Cost(trained_examples=checked.trained_examples, evaluated_examples=checked.evaluated_examples))
        lab.charge("what fits", cost_of(fit))
        with halved_where_it_ran_out(cut, fit, study):
            plan = _tuned(lab, limits, conditions, sizes=sizes, recipe=recipe, confirm_seeds=confirm_seeds, time_model=time_model)
        study.put_plan(plan)
        write_plan(plan, study.folder / "plan.toml")
        write_study_report(study)
    return plan


def _check_options(*, recipe: str, budget: float, confirm_seeds: int, seed: int, workers: int, schedule: str | None) -> None:
    if recipe not in RECIPES:
        raise InputError(f"recipe must be one of {', '.join(RECIPES)}, got {recipe!r}.")
    if not 0 < budget < float("inf") or confirm_seeds < 1 or not 0 <= seed < MOST_SEED:
        raise InputError(f"budget must be finite and > 0, confirm_seeds ≥ 1 and seed in [0, {MOST_SEED}), got {budget!r}, {confirm_seeds!r} and {seed!r}.")
    if workers < 1:
        raise InputError(f"workers must be ≥ 1, got {workers!r}. Pass how many processes may train at the same time.")
    if schedule is not None and schedule not in SCHEDULES:
        raise InputError(f"schedule must be one of {', '.join(SCHEDULES)}, got {schedule!r}.")


def _processes(task: Task, *, reference: str | None, changes: TaskChanges, workers: int, device: str, heard: Progress) -> Processes | None:
    """Other processes, which make the same task: one cut into micro-batches here has another fingerprint than the one that was checked."""
    if workers > 1 and reference is None:
        heard.message(_ONE_PROCESS)
    if workers == 1 or reference is None:
        return None
    fingerprint = check_task(task, device=device).fingerprint
    source = TaskSource.of(reference, changes=changes)
    return Processes(source=source, workers=workers, device=device, thresholds=DEFAULT_THRESHOLDS, fingerprint=fingerprint)


def _check_condition(task: Task, other: Task, *, name: str, device: str) -> Checked:
    require_comparable(task, other, name=name)
    try:
        return check_where_it_fits(other, device=device)
    except TaskError as error:
        raise TaskError(f"Condition '{name}': {error}") from error


def _tuned(
    lab: Laboratory,
    limits: Limits,
    conditions: Mapping[str, Task],
    *,
    sizes: list[int],
    recipe: str,
    confirm_seeds: int,
    time_model: str | Path | None,
) -> Plan:
    share = bracket_share(lab, sizes[0]) if recipe == "ladder" else BRACKET_SHARE
    not_begun = refused(lab, limits, batch_size=sizes[0], bracket_share=share)
    if not_begun is not None:
        return _plan(lab, not_begun, None)
    times = find_time_model(lab, sizes, given=None if time_model is None else Path(time_model))
    lab.set_aside(max(looking_examples(lab, first=sizes[0]), lab.looked_examples))
    seconds_per_step = times.seconds_per_step
    lab.progress.forecast(
        forecast_of(lab, limits, batch_size=sizes[0], seconds_per_step=seconds_per_step, confirm_seeds=confirm_seeds, is_ladder=recipe == "ladder")
    )
    fallback, annealed = None, None  # of several lengths, to hold current settings against; a large budget pays for those in full
    if recipe == "ladder":
        climbed = climb(lab, limits, sizes=sizes, times=times, conditions=conditions)
        found, steps, lengths, fallback = climbed.found, climbed.total_steps, climbed.lengths, climbed.fallback
        annealed = climbed.experiment if lab.budget <= 1 else None
    else:
        found = search(lab, limits, sizes=sizes, times=times)
        steps, lengths = 0 if found.settings is None else lab.task.steps_at(found.settings.batch_size), None
    if found.settings is None:
        return _plan(lab, found, None)
    confirmed = confirm_plan(lab, found.settings, total_steps=steps, seeds=confirm_seeds, limits=limits, search=annealed, lengths=lengths)
    if confirmed.outcome is StudyOutcome.ABSTAINED and fallback is not None:
        settings, steps = fallback
        lab.progress.decided(f"The plan did not train at batch size {found.settings.batch_size}: it is tried at the first one, {settings.batch_size}.")
        confirmed = confirm_plan(lab, settings, total_steps=steps, seeds=confirm_seeds, limits=limits, search=annealed)
    return _plan(lab, found, confirmed)


def _plan(lab: Laboratory, found: Found, confirmed: Confirmed | None) -> Plan:
    task = lab.task
    settings = None if confirmed is None else confirmed.settings
    outcome = found.outcome if confirmed is None else confirmed.outcome
    micro = task.micro_batch_size
    plan = Plan(
        outcome=outcome,
        settings=None if outcome is StudyOutcome.ABSTAINED else settings,
        optimizer_name=task.optimizer_name,
        n_train=task.n_train,
        total_steps=confirmed.total_steps if confirmed is not None and settings is not None and outcome is not StudyOutcome.ABSTAINED else 0,
        micro_batch_size=micro,
        has_custom_param_groups=task.param_groups is not None,
        clip_grad_norm=task.clip_grad_norm,
        precision=task.precision,
        ema=task.ema,
        goal=task.goal,
        cost=lab.cost(),
        confirmed=None if confirmed is None else confirmed.confirmed,
        current=None if confirmed is None else confirmed.current,
        findings=((*confirmed.findings, *_as_confirmed(found.findings, found.settings, confirmed)) if confirmed is not None else found.findings),
        advice=confirmed.advice if confirmed is not None else found.advice,
    )
    tried = tuple(dict.fromkeys(finding.action for finding in found.findings if finding.kind in _ADVISING and finding.action))
    plan = dataclasses.replace(plan, advice=(*plan.advice, *tried))
    too_short = "" if plan.settings is None else short_cycles_advice(plan.cycles, epochs=plan.epochs)
    return dataclasses.replace(plan, advice=(*plan.advice, too_short)) if too_short else plan


def _as_confirmed(findings: tuple[Finding, ...], searched: Settings | None, confirmed: Confirmed) -> tuple[Finding, ...]:
    """The search's findings, where confirming changed a knob with a word on it: no interval was measured for the new value."""
    settings = confirmed.settings
    if settings is None or searched is None:
        return findings
    names = {"max_lr": "lr", "weight_decay": "weight_decay", "momentum": "momentum"}
    now = {kind: getattr(settings, name) for kind, name in names.items() if getattr(settings, name) != getattr(searched, name)}
    now |= {"length": float(confirmed.total_steps), "batch_size": float(settings.batch_size)}
    if confirmed.takes_current:
        changed = "That is what you train with today; what the search found is in the evidence."
    else:
        changed = "Confirming changed it: other settings did better in full."
    return tuple(
        dataclasses.replace(finding, value=now[finding.kind], interval=None, confidence=0.5, evidence=f"{finding.evidence} {changed}")
        if finding.kind in now and finding.value != now[finding.kind]
        else finding
        for finding in findings
    )


def _check_limits(task: Task, limits: Limits) -> None:
    size = limits.fixed_batch_size()
    if size is not None and (not 1 <= size <= task.n_train or size != limits.fixed["batch_size"]):
        raise InputError(f"batch_size must be a whole number from 1 to the {task.n_train} training examples, got {limits.fixed['batch_size']}. Fix another.")
    smallest, _ = limits.interval("batch_size")
    if smallest > task.n_train:
        raise InputError(f"bounds of batch_size must leave sizes of at most the {task.n_train} training examples, got from {smallest:g} on. Move them.")
    if isinstance(task.current, Settings) and task.current.batch_size > task.n_train:
        raise InputError(f"Task.current must have a batch_size of at most the {task.n_train} training examples, got {task.current.batch_size}. Lower it.")
    for name, must in _MUST.items():
        value = limits.fixed.get(name)
        if value is not None and not _is_allowed(name, value):
            raise InputError(f"fixed {name} must be {must}, got {value!r}. Fix another.")
        low, high = limits.interval(name)
        if (low >= 1 and name == "momentum") or high < 0 or (high == 0 and name == "lr"):
            raise InputError(f"bounds of {name} must leave values that are {must}, got {(low, high)!r}. Move them.")


def _is_allowed(name: str, value: float) -> bool:
    return math.isfinite(value) and value >= 0 and not (name == "lr" and value == 0) and not (name == "momentum" and value >= 1)
