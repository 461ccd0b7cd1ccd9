"""`tunesmith demo`, `tune` and `train`."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunesmith.cli.backend import Backend
from tunesmith.cli.command import JSON_VERSION, Voice, command
from tunesmith.cli.options import (
    cycles_option,
    device_option,
    out_option,
    parse_bounds,
    parse_fixed,
    positive,
    require_apart,
    require_cycles,
    require_name,
    seed_option,
)
from tunesmith.cli.wording import trained_text
from tunesmith.settings import Json

if TYPE_CHECKING:
    from tunesmith.plan import Plan

DEMO_FOLDER = Path("runs/demo")
DEMO_CONFIRM_SEEDS = 3
"""The demo shows how noise between seeds is measured; its full training takes seconds."""
RECIPES = ("ladder", "report")
"""Recipes that there are."""
_RECIPE_HELP = "report: section 5 of Smith's report, one probe after another. ladder: all knobs and the length together, then the batch size."

CONTRACT_KEYS = ("version", "outcome", "plan", "cost", "confirmed", "current", "findings", "advice")
"""What `tune --format json` prints, in this order (docs/command-line.md); what else a plan file holds stays there."""


def plan_document(plan: "Plan") -> dict[str, Json]:
    """The JSON document that `tune` and `demo` print."""
    document = plan.to_dict()
    return {key: document[key] for key in CONTRACT_KEYS}


def _finish(backend: Backend, voice: Voice, plan: "Plan", *, out: Path) -> int:
    voice.result(lambda: plan_document(plan), lambda: backend.summarize(out))
    if (out / "report.html").is_file():
        voice.say(f"Report: {out / 'report.html'}")
    return 0 if plan.outcome.has_plan else 1


@command("demo", example="tunesmith demo --out runs/demo")
@out_option(text=f"Folder of the study. Default: {DEMO_FOLDER}; where it holds a finished demo, that is shown at once.", is_required=False)
def demo(backend: Backend, voice: Voice, *, out: Path | None) -> int:
    """Tune a small network on real data that ships with the package, in under a minute."""
    folder = DEMO_FOLDER if out is None else out
    voice.say(f"Demo: handwritten digits, into {folder}.")
    with voice.working() as progress:
        plan = backend.tune(backend.demo_task(), out=folder, progress=progress, confirm_seeds=DEMO_CONFIRM_SEEDS)
    return _finish(backend, voice, plan, out=folder)


@command("tune", example="tunesmith tune train.py:task --out runs/mine --budget 1.0 --fix batch_size=64 --bound weight_decay=0:1e-3")
@click.argument("task", metavar="FILE:FUNCTION")
@out_option(text="Folder of the study; the same command again goes on where it stopped.")
@click.option("--budget", type=float, default=1.0, show_default=True, callback=positive, help="What the search may cost, in full trainings.")
@seed_option
@click.option("--recipe", default=RECIPES[0], show_default=True, metavar="NAME", help=_RECIPE_HELP)
@click.option("--fix", multiple=True, metavar="KNOB=VALUE", help="Decide a knob: lr, batch_size, momentum, weight_decay or epochs. May be repeated.")
@click.option("--bound", multiple=True, metavar="KNOB=LOW:HIGH", help="Keep a knob inside: lr, batch_size, momentum or weight_decay. May be repeated.")
@click.option("--schedule", metavar="NAME", help="Shape to tune for. Default: the task's.")
@cycles_option(text="the task's, or 1, 4 and 4.")
@click.option("--confirm-seeds", type=click.IntRange(min=1), default=1, show_default=True, help="Fresh seeds that train the plan in full at the end.")
@device_option
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes that train at the same time.")
@click.option("--time-model", type=click.Path(path_type=Path), metavar="FILE", help="time_model.json of another machine. Default: measured here, once.")
def tune(
    backend: Backend,
    voice: Voice,
    *,
    task: str,
    out: Path,
    budget: float,
    seed: int,
    recipe: str,
    fix: tuple[str, ...],
    bound: tuple[str, ...],
    schedule: str | None,
    cycles: int | None,
    confirm_seeds: int,
    device: str,
    workers: int,
    time_model: Path | None,
) -> int:
    """Find learning rate, batch size, momentum and weight decay for the task that FUNCTION in FILE returns.

    Prints a forecast of the cost, then searches, then trains the plan on fresh seeds. Exits with 0 where there is a plan to use, with 1 where the study
    abstained or its budget was spent.
    """
    fixed, bounds = parse_fixed(fix), parse_bounds(bound)
    require_apart(fixed, bounds)
    _require_recipe(recipe)
    if schedule is not None:
        require_name(schedule, backend.schedule_names(), what="--schedule")
    require_cycles(cycles, schedule=schedule)
    with voice.working() as progress:
        plan = backend.tune(
            backend.load_task(task),
            out=out,
            progress=progress,
            budget=budget,
            seed=seed,
            recipe=recipe,
            fixed=fixed,
            bounds=bounds,
            schedule=schedule,
            cycles=cycles,
            confirm_seeds=confirm_seeds,
            device=device,
            workers=workers,
            reference=task,
            time_model=time_model,
        )
    return _finish(backend, voice, plan, out=out)


def _require_recipe(recipe: str) -> None:
    require_name(recipe, RECIPES, what="--recipe")


@command("train", example="tunesmith train train.py:task --plan runs/mine/plan.toml --out runs/final --seeds 3")
@click.argument("task", metavar="FILE:FUNCTION")
@click.option("--plan", "plan_file", type=click.Path(path_type=Path), required=True, metavar="PLAN.toml", help="What to train with, from `tunesmith tune`.")
@out_option(text="Folder for the weights and the curves.")
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True, help="Trainings, each with its own seed.")
@click.option("--schedule", metavar="NAME", help="Another shape, over the plan's range of learning rates. Default: the plan's.")
@cycles_option(text="the plan's, or 1, 4 and 4.")
@device_option
def train(backend: Backend, voice: Voice, *, task: str, plan_file: Path, out: Path, seeds: int, schedule: str | None, cycles: int | None, device: str) -> int:
    """Train the task with a plan in full, and keep the weights."""
    if schedule is not None:
        require_name(schedule, backend.schedule_names(), what="--schedule")
    require_cycles(cycles, schedule=schedule)
    plan = backend.find_plan(plan_file)
    with voice.working() as progress:
        trained = backend.train(backend.load_task(task), plan, out=out, seeds=seeds, schedule=schedule, cycles=cycles, device=device, progress=progress)
    voice.result(lambda: {"version": JSON_VERSION, "goal": plan.goal, "out": str(out), **trained.to_dict()}, lambda: trained_text(trained, goal=plan.goal))
    voice.say(f"Weights and curves: {out}")
    lost = [seed for seed, value in zip(trained.seeds, trained.valid, strict=True) if not math.isfinite(value)]
    if lost:
        voice.say(f"Training must end with a finite loss, and did not on seed {', '.join(str(seed) for seed in lost)}: lower the plan's max_lr, or tune again.")
    return 1 if lost else 0
