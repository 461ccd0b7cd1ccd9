"""`train`: trains with a plan, keeps the weights and the curves."""

import csv
import dataclasses
from collections.abc import Callable
from pathlib import Path

from tunesmith.curve import Curve
from tunesmith.engine import run_spec
from tunesmith.engine.device import resolve_device
from tunesmith.errors import InputError, StudyError
from tunesmith.plan import Plan, Trained
from tunesmith.recipe.checkpoint import save_weights
from tunesmith.recipe.confirming import trained
from tunesmith.recipe.fitting import check_where_it_fits
from tunesmith.recipe.loader import fixed_size_of, in_batches_of
from tunesmith.recipe.progress import Progress, SilentProgress
from tunesmith.schedules.cyclical import short_cycles_advice
from tunesmith.settings import RunSpec
from tunesmith.task import Task

EVALUATIONS = 20


def train(
    task: Task,
    plan: Plan,
    *,
    out: str | Path,
    seeds: int = 1,
    seed: int = 0,
    schedule: str | None = None,
    cycles: int | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> Trained:
    """Train with a plan: `OUT/weights.pt` and `OUT/curve.csv`, or `OUT/seed-N/…` for several seeds.

    Costs the plan's length for each seed. The weights are a state dict that `torch.load(weights_only=True)` reads.

    Args:
        task: What to train; the plan's length is kept in updates, and its micro-batches where the task does not say.
        plan: With settings.
        out: Folder to write to; made.
        seeds: How many trainings; ≥ 1.
        seed: The first seed; the others follow it.
        schedule: Another shape than the plan's, over its range of learning rates and with its total decay (`Plan.for_schedule`); None means the plan's.
        cycles: How many cycles, for triangular, triangular2 and exp_range; None means the plan's, or the schedule's usual number where `schedule` is given.
        device: "auto", or as torch spells it.
        progress: Hears what happens.

    Returns:
        The goal's final values, seed by seed.

    Raises:
        InputError: `seeds` < 1, a plan without settings, or one for another optimizer or other parameter groups; a schedule that there is not.
    """
    if seeds < 1:
        raise InputError(f"seeds must be ≥ 1, got {seeds}. Pass how many trainings you want.")
    heard = progress or SilentProgress()
    if schedule is not None or cycles is not None:
        plan = _reshaped(task, plan, schedule=schedule, cycles=cycles, heard=heard)
    if plan.settings is None:
        raise InputError(f"A plan must hold settings to train with, and this study ended with '{plan.outcome}'. " + " ".join(plan.advice))
    if plan.optimizer_name != task.optimizer_name:
        raise InputError(
            f"Plan and task must use one optimizer, got '{plan.optimizer_name}' and '{task.optimizer_name}'. Tune the task again, or change its optimizer."
        )
    if plan.has_custom_param_groups != (task.param_groups is not None):
        ours, theirs = ("its own", "the default") if plan.has_custom_param_groups else ("the default", "its own")
        raise InputError(f"Plan and task must use the same param_groups, and the plan was tuned with {ours}, while the task has {theirs}. Change the task's.")
    device = str(resolve_device(device))
    if task.micro_batch_size is None and plan.micro_batch_size is not None:
        task = dataclasses.replace(task, micro_batch_size=plan.micro_batch_size)
        if plan.micro_batch_size < plan.settings.batch_size:
            heard.message(f"{plan.micro_batch_size} examples go through the network at once, as the plan says; an update still has {plan.batch_size}.")
    task = in_batches_of(task, fixed_size_of(task, batch_size=plan.batch_size))
    check_where_it_fits(task, device=device)
    curves: list[Curve] = []
    used = list(range(seed, seed + seeds))
    for number in used:
        heard.stage("train", f"Training {plan.total_steps} updates on seed {number}.")
        folder = Path(out) if seeds == 1 else Path(out) / f"seed-{number}"
        spec = RunSpec(
            settings=plan.settings, total_steps=plan.total_steps, seed=number, evaluations=EVALUATIONS, evaluates_test=task.test is not None, keeps_weights=True
        )
        result = run_spec(task, spec, device=device, on_step=_reporter(heard, spec, task))
        if result.weights is not None:
            save_weights(result.weights, folder / "weights.pt")
        write_curve(result.curve, folder / "curve.csv")
        curves.append(result.curve)
    return trained(task, curves, seeds=used)


def _reshaped(task: Task, plan: Plan, *, schedule: str | None, cycles: int | None, heard: Progress) -> Plan:
    shape = task.schedule if callable(task.schedule) else None
    changed = plan.for_schedule(plan.schedule if schedule is None else schedule, cycles=cycles, shape=shape)
    heard.message("The schedule is not the plan's: its range of learning rates and its total decay are kept, and nothing was tuned for this shape.")
    too_short = short_cycles_advice(changed.cycles, epochs=changed.epochs)
    if too_short:
        heard.message(too_short)
    return changed


def write_curve(curve: Curve, path: Path) -> None:
    """A curve as CSV, columns of docs/command-line.md: step, lr, momentum, train_loss, valid_loss, metrics; cells are empty where nothing was evaluated.

    Raises:
        StudyError: The file cannot be written.
    """
    rows_of = {step: i for i, step in enumerate(curve.eval_step)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["step", "lr", "momentum", "train_loss", "valid_loss", *curve.metrics])
            for step, (lr, momentum, loss) in enumerate(zip(curve.lr, curve.momentum, curve.train_loss, strict=True), start=1):
                at = rows_of.get(step)
                found = [""] * (1 + len(curve.metrics)) if at is None else [curve.valid_loss[at], *(values[at] for values in curve.metrics.values())]
                writer.writerow([step, lr, momentum, loss, *found])
    except OSError as error:
        raise StudyError(f"A curve must be writable to {path}, and was not ({error}). Free space or pass another --out.") from error


def _reporter(heard: Progress, spec: RunSpec, task: Task) -> Callable[[int, float], None]:
    def on_step(step: int, examples: float) -> None:
        heard.run(label=f"seed {spec.seed}", step=step, total_steps=spec.total_steps, cost=examples / max(1.0, task.full_training_examples))

    return on_step
