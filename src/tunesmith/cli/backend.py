"""What does the work that the commands ask for: one record of functions, so that a test can hand over others. Each loads what it needs when it is called."""

import functools
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar

from tunesmith.errors import InputError
from tunesmith.settings import Json, Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tunesmith.plan import Plan, Trained
    from tunesmith.rescaling import Rescaled
    from tunesmith.study import Study
    from tunesmith.task import Task

# ruff: noqa: PLC0415 (the point of this file: loaded when called)


_PROBES = frozenset({"lr_range", "lr_range_under", "min_lr", "capacity", "momentum", "weight_decay", "batch_size"})
"""Studies of a single probe, as their descriptions name them."""
_DRAWN_BESIDE = {"momentum": ("momentum_cycle",)}
"""Experiments that a probe's figure shows in panels of their own."""
PLOT_ENDINGS = (".png", ".svg", ".pdf")

P = ParamSpec("P")
T = TypeVar("T")


class Result(Protocol):
    """What a single probe found."""

    def to_dict(self) -> dict[str, Json]:
        """The JSON object of docs/command-line.md: "version", "outcome", what was found, "findings", "advice"."""
        ...


def _late(find: Callable[[], Callable[P, T]]) -> Callable[P, T]:
    """The function that `find` imports, when it is called, with its own types."""

    @functools.wraps(find)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        return find()(*args, **kwargs)

    return call


@_late
def _load_task() -> "Callable[[str], Task]":
    from tunesmith.task_file import load_task

    return load_task


@_late
def _load_tasks() -> "Callable[[str], dict[str, Task] | list[Task]]":
    from tunesmith.task_file import load_tasks

    return load_tasks


@_late
def _tune() -> "Callable[..., Plan]":
    from tunesmith.recipe import tune

    return tune


@_late
def _train() -> "Callable[..., Trained]":
    from tunesmith.recipe import train

    return train


@_late
def _lr_range() -> "Callable[..., Result]":
    from tunesmith.recipe.single import lr_range

    return lr_range


@_late
def _min_lr() -> "Callable[..., Result]":
    from tunesmith.recipe.single import min_lr

    return min_lr


@_late
def _lr_range_under() -> "Callable[..., Result]":
    from tunesmith.recipe.several import lr_range_under

    return lr_range_under


@_late
def _capacity() -> "Callable[..., Result]":
    from tunesmith.recipe.several import capacity

    return capacity


@_late
def _momentum() -> "Callable[..., Result]":
    from tunesmith.recipe.knobs import momentum

    return momentum


@_late
def _batch_size() -> "Callable[..., Result]":
    from tunesmith.recipe.batch_size import batch_size

    return batch_size


@_late
def _weight_decay() -> "Callable[..., Result]":
    from tunesmith.recipe.knobs import weight_decay

    return weight_decay


@_late
def _read_curve_file() -> "Callable[[Path], Result]":
    from tunesmith.reading.range_test import read_curve_file

    return read_curve_file


def _demo_task() -> "Task":
    from tunesmith import demo_task

    return demo_task.task()


def _open_study(folder: Path) -> "Study":
    from tunesmith.study import Study

    if not (folder / "study.sqlite").exists() and any(next(folder.glob(pattern), None) for pattern in ("curve.csv", "seed-*/curve.csv")):
        raise InputError(
            f"A study must be the --out folder of a search or a probe, and {str(folder)!r} is one of a `tunesmith train`, which holds weights and curves. "
            f"`tunesmith diagnose {folder}` reads its curves."
        )
    return Study.open(folder)


def _summarize(folder: Path) -> str:
    from tunesmith.report import summarize

    with _open_study(folder) as study:
        return summarize(study)


def _study_to_json(folder: Path) -> dict[str, Json]:
    from tunesmith.report import study_to_json

    with _open_study(folder) as study:
        return study_to_json(study)


def _write_report(folder: Path, path: Path) -> None:
    from tunesmith.report import write_report

    with _open_study(folder) as study:
        write_report(study, path)


def _find_plan(place: Path) -> "Plan":
    """The plan of a study's folder, or of a plan.toml."""
    if not place.is_dir():
        from tunesmith.plan import Plan

        return Plan.load(place)
    with _open_study(place) as study:
        probe = str(study.description.get("recipe", ""))
        if study.plan is None and probe in _PROBES:
            raise InputError(
                f"A plan must come from a `tunesmith tune`, and {str(place)!r} holds a single probe, {probe.replace('_', ' ')}, which makes none. "
                f"`tunesmith show {place}` says what it found; tune into another folder for a plan."
            )
        if study.plan is None:
            raise InputError(f"A study must have ended before its plan can be used, and {str(place)!r} has not. Start its `tunesmith tune` again: it goes on.")
        return study.plan


def _rescale(place: Path, batch_size: int, devices: int) -> "Rescaled":
    """The plan of a study's folder, or of a plan.toml, at another batch size, by what the study measured."""
    from tunesmith.rescaling import rescale

    plan, measured = _find_plan(place), ()
    if place.is_dir():
        with _open_study(place) as study:
            measured = tuple(finding for experiment in reversed(study.experiments()) for finding in experiment.findings)
    return rescale(plan, batch_size, devices=devices, measured=measured)


def _write_plan(plan: "Plan", path: Path) -> None:
    from tunesmith.plan_file import write_plan

    write_plan(plan, path)


def _export(plan: "Plan", to: str) -> str:
    from tunesmith.report.export import export_json, export_toml, export_torch

    return {"torch": export_torch, "toml": export_toml, "json": export_json}[to](plan)


def _schedule_names() -> tuple[str, ...]:
    from tunesmith.schedules import SCHEDULES

    return tuple(SCHEDULES)


def _schedule_values(settings: Settings, total_steps: int) -> tuple[list[float], list[float]]:
    """Learning rate and momentum of every update."""
    from tunesmith.schedules import lr_schedule, momentum_schedule

    schedules = lr_schedule(settings, total_steps=total_steps), momentum_schedule(settings, total_steps=total_steps)
    lr, momentum = ([float(schedule(step)) for step in range(total_steps)] for schedule in schedules)
    return lr, momentum


def _plot_schedule(settings: Settings, total_steps: int, path: Path) -> None:
    from tunesmith.plots import plot_schedule

    with _figure_in(path) as (ax,):
        plot_schedule(settings, total_steps, ax)


def _plot_probe(folder: Path, probe: str, path: Path) -> None:
    """The figure of a probe's experiment in a study, by the study's goal."""
    from tunesmith.plots import plot

    with _open_study(folder) as study:
        stored = {found.probe: found for found in study.experiments()}
        goal, is_higher_better = study.description.get("goal", "loss"), study.description.get("goal_is_higher_better", False)
    if probe not in stored:
        raise InputError(f"--plot must have an experiment '{probe}' to draw, and {str(folder)!r} holds none. Leave it out.")
    drawn = [stored[name] for name in (probe, *_DRAWN_BESIDE.get(probe, ())) if name in stored]
    with _figure_in(path, panels=len(drawn)) as panels:
        for experiment, ax in zip(drawn, panels, strict=True):
            plot(experiment, ax, goal=str(goal), higher_is_better=bool(is_higher_better))


@contextmanager
def _figure_in(path: Path, *, panels: int = 1) -> Generator[list["Axes"]]:
    """Axes to draw on, side by side; the figure is written afterwards."""
    from matplotlib.figure import Figure

    if path.suffix.lower() not in PLOT_ENDINGS:
        raise InputError(f"--plot must name a file that ends in {', '.join(PLOT_ENDINGS)}, got {str(path)!r}. Give it another ending.")
    figure = Figure(figsize=(7.0 if panels == 1 else 5.0 * panels, 4.0), layout="constrained")
    yield list(figure.subplots(1, panels, squeeze=False).flat)
    figure.savefig(path, dpi=150)


@dataclass(frozen=True, kw_only=True)
class Backend:
    """What does the work.

    Attributes:
        load_task: "FILE:FUNCTION" → the task.
        load_tasks: The same → a series of tasks.
        demo_task: () → the task of `tunesmith demo`.
        tune: As `tunesmith.tune`.
        train: As `tunesmith.train`.
        lr_range, lr_range_under, min_lr, momentum, weight_decay, batch_size: One probe on a task, read.
        capacity: One probe on a series of tasks, read.
        read_curve_file: CSV of a recorded sweep → what a range test finds in it.
        summarize: Folder of a study → text for a terminal.
        study_to_json: Folder of a study → JSON object.
        write_report: (folder of a study, path) → writes one HTML file.
        find_plan: Folder of a study, or a plan.toml → the plan.
        rescale: (folder of a study or a plan.toml, batch size, devices) → the plan there, and how sure it is.
        write_plan: (plan, path) → writes a plan.toml.
        export: (plan, "torch" | "toml" | "json") → text.
        schedule_names: () → names that `--schedule` takes.
        schedule_values: (settings, total_steps) → learning rate and momentum of every update.
        plot_schedule: (settings, total_steps, path) → writes a figure.
        plot_probe: (folder of a study, name of a probe, path) → writes the figure of its experiment.
    """

    load_task: "Callable[[str], Task]" = _load_task
    load_tasks: "Callable[[str], dict[str, Task] | list[Task]]" = _load_tasks
    demo_task: "Callable[[], Task]" = _demo_task
    tune: "Callable[..., Plan]" = _tune
    train: "Callable[..., Trained]" = _train
    lr_range: Callable[..., Result] = _lr_range
    lr_range_under: Callable[..., Result] = _lr_range_under
    min_lr: Callable[..., Result] = _min_lr
    momentum: Callable[..., Result] = _momentum
    weight_decay: Callable[..., Result] = _weight_decay
    batch_size: Callable[..., Result] = _batch_size
    capacity: Callable[..., Result] = _capacity
    read_curve_file: Callable[[Path], Result] = _read_curve_file
    summarize: Callable[[Path], str] = _summarize
    study_to_json: Callable[[Path], dict[str, Json]] = _study_to_json
    write_report: Callable[[Path, Path], None] = _write_report
    find_plan: "Callable[[Path], Plan]" = _find_plan
    rescale: "Callable[[Path, int, int], Rescaled]" = _rescale
    write_plan: "Callable[[Plan, Path], None]" = _write_plan
    export: "Callable[[Plan, str], str]" = _export
    schedule_names: Callable[[], tuple[str, ...]] = _schedule_names
    schedule_values: Callable[[Settings, int], tuple[list[float], list[float]]] = _schedule_values
    plot_schedule: Callable[[Settings, int, Path], None] = _plot_schedule
    plot_probe: Callable[[Path, str, Path], None] = _plot_probe
