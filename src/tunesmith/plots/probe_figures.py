"""What was found as a figure, each drawn as suits it: a diagnosis of curves, range tests under conditions, loss over capacity, and those of `figures`."""

import math
from typing import TYPE_CHECKING

from tunesmith.diagnosis import CurveDiagnosis, Diagnosis
from tunesmith.experiment import Experiment
from tunesmith.finding import Finding
from tunesmith.plots.batch_size import plot_batch_size
from tunesmith.plots.clues import plot_clues, plot_diagnosis
from tunesmith.plots.digits import number_text
from tunesmith.plots.figures import axes_or_new, in_words, named, plot_experiment, plot_range_test
from tunesmith.plots.knobs import plot_knob
from tunesmith.plots.ladder import plot_ladder
from tunesmith.plots.overlays import ConditionFacts, capacity_facts, height_at, overlay_facts
from tunesmith.plots.palette import TRAINING, VALIDATION, distinct
from tunesmith.reading import read_capacity, read_conditions, read_ladder, read_min_lr, read_range
from tunesmith.reading.batch_size import read_batch_size
from tunesmith.reading.capacity import CapacityReading
from tunesmith.reading.conditions import ConditionsReading
from tunesmith.reading.experiment import KNOB_READINGS
from tunesmith.settings import RunKind, RunSpec

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BAR, _BAR_GAP = 0.022, 0.034
"""Height of a zone's bar and the room that it takes, as shares of the Axes."""
_MOST_LEVEL_TICKS = 7


def plot(found: Experiment | Diagnosis | CurveDiagnosis, ax: "Axes | None" = None, *, goal: str = "loss", higher_is_better: bool = False) -> "Axes":
    """The figure that suits an experiment's probe, or a diagnosis. Draws, never shows: `plot(experiment).figure.savefig("figure.png")` writes it.

    Args:
        found: An experiment, as a probe or a study gives it; or what `diagnose` found, or one curve of it.
        ax: matplotlib Axes to draw on; None for those of a new figure.
        goal: What decides between runs to the end: "loss" or a metric's name, as `Task.goal`. Range tests are judged by their losses.
        higher_is_better: Its direction.

    Returns:
        The Axes. "lr_range": loss against learning rate, zone and edge marked, repeats as a band. "lr_range_under": all conditions over one another, ranked.
        "capacity": the goal over the number of parameters, its parts named. "momentum", "momentum_cycle", "weight_decay": the goal over the values, a line a
        seed, the value to take ringed. "ladder": the goal over the length of the runs, a line a joint choice; on a new figure, second Axes show the shortest
        runs over their peak. "batch_size": the predicted time to the same loss over the size, the one to use ringed, half and double named; on a new figure,
        further Axes show throughput and the noise scale on the way; where no time can be predicted, what runs of the same time ended with, or throughput.
        Any other: the goal at the end of each run against the probe's knob.
        A diagnosis: the curve with its clues marked; several curves over one another.

    Raises:
        CurveError: An experiment without the runs that its probe makes.
    """
    if isinstance(found, Diagnosis):
        return plot_diagnosis(found, ax)
    if isinstance(found, CurveDiagnosis):
        return plot_clues(found, ax)
    return _plot_experiment(found, ax, goal=goal, higher_is_better=higher_is_better)


def _plot_experiment(experiment: Experiment, ax: "Axes | None", *, goal: str, higher_is_better: bool) -> "Axes":
    sweeps = [arm.run for arm in experiment.arms if arm.run.spec.kind == RunKind.LINEAR_RAMP]
    match experiment.probe:
        case "lr_range" if sweeps:
            reading = read_range(sweeps[-1].curve)
            repeats = [run.curve for run in reversed(sweeps) if _is_repeat(run.spec, sweeps[-1].spec)]
            return plot_range_test(repeats, edge=reading.edge, zone=reading.zone, suggested=reading.suggested_lr, ax=ax)
        case "lr_range_under":
            return plot_conditions(experiment, read_conditions(experiment), ax)
        case "capacity":
            reading = read_capacity(experiment, goal=goal, higher_is_better=higher_is_better)
            return plot_capacity(reading, ax, goal=goal, higher_is_better=higher_is_better)
        case "momentum" | "momentum_cycle" | "weight_decay":
            knob = KNOB_READINGS[experiment.probe](experiment, goal=goal, higher_is_better=higher_is_better)
            return plot_knob(knob, ax, goal=goal, higher_is_better=higher_is_better)
        case "batch_size":
            sizes = read_batch_size(experiment, goal=goal, higher_is_better=higher_is_better)
            return plot_batch_size(sizes, ax, goal=goal, higher_is_better=higher_is_better, experiment=experiment)
        case "ladder":
            ladder = read_ladder(experiment, goal=goal, higher_is_better=higher_is_better)
            return plot_ladder(ladder, ax, goal=goal, higher_is_better=higher_is_better)
        case "min_lr":
            return plot_experiment(experiment, ax, interval=_interval(read_min_lr(experiment).findings), goal=goal)
        case _:
            return plot_experiment(experiment, ax, goal=goal)


def _is_repeat(one: RunSpec, other: RunSpec) -> bool:
    return (one.settings, one.total_steps) == (other.settings, other.total_steps)


def _interval(findings: tuple[Finding, ...]) -> tuple[float, float] | None:
    return findings[0].interval if findings else None


def plot_conditions(experiment: Experiment, reading: ConditionsReading, ax: "Axes | None" = None, *, is_log: bool = False) -> "Axes":
    """Range tests under several conditions over one another: one colour a condition, best first in the legend; repeats as a band.

    The bars at the bottom are the zones; a dot on a line is the largest rate with a flat loss, a dashed line the edge.

    Args:
        experiment: What `probes.lr_range_under` returned.
        reading: What was read from it.
        ax: Axes to draw on; None for those of a new figure.
        is_log: Whether the axis of learning rates is logarithmic.
    """
    ax = axes_or_new(ax)
    facts = overlay_facts(experiment, reading)
    for rank, (shown, color) in enumerate(zip(facts.ranked, distinct(len(facts.ranked)), strict=True)):
        _plot_condition(ax, shown, color=color, place=rank)
    low, high = facts.loss_range
    ax.set_ylim(low - (high - low) * (_BAR_GAP * len(facts.ranked) + 0.02), high)
    if is_log and facts.lowest_lr > 0:
        ax.set_xscale("log")
    ax.set_xlim(facts.lowest_lr if is_log and facts.lowest_lr > 0 else facts.lr_range[0], facts.lr_range[1])
    repeats = max(shown.band.n for shown in facts.ranked)
    unit = "evaluations" if facts.is_validation else "updates"
    sweeps = f"n = {repeats} sweep{'s' if repeats > 1 else ''} a condition"
    said = f"{facts.steps} updates each, {sweeps}; Gaussian smoothing, width {number_text(facts.width, digits=2)} {unit}"
    ax.set_title(said, loc="left", fontsize="small", color=TRAINING)
    return named(ax, x="learning rate", y=f"{'validation' if facts.is_validation else 'training'} loss, smoothed", legend_title="best first")


def _plot_condition(ax: "Axes", shown: ConditionFacts, *, color: str, place: int) -> None:
    condition, band = shown.condition, shown.band
    if condition.tolerated_lr is None:
        said = str(condition.outcome).replace("_", " ")
    else:
        said = f"flat to {number_text(condition.tolerated_lr, digits=2)}" if condition.is_as_good else "its best loss is worse"
    label = in_words(f"{place + 1}. {condition.label}: {said}")
    ax.plot(band.x, band.mean, color=color, linewidth=2 if place == 0 else 1.4, label=label, zorder=3 - place / 100)
    if band.n > 1:
        ax.fill_between(band.x, band.low, band.high, color=color, alpha=0.18, linewidth=0)
    if condition.tolerated_lr is not None and condition.is_as_good and band.x:
        ax.plot([condition.tolerated_lr], [height_at(band, condition.tolerated_lr)], "o", color=color, markeredgecolor="white", markersize=7, zorder=4)
    if condition.edge is not None:
        ax.axvline((condition.edge[0] * condition.edge[1]) ** 0.5, color=color, linestyle="--", linewidth=1, alpha=0.8)
    if condition.zone is not None:
        bottom = 0.012 + _BAR_GAP * place
        ax.fill_between(condition.zone, bottom, bottom + _BAR, transform=ax.get_xaxis_transform(), color=color, linewidth=0)


def plot_capacity(reading: CapacityReading, ax: "Axes | None" = None, *, goal: str = "loss", higher_is_better: bool = False) -> "Axes":
    """What decides, at the end of the runs, over the number of parameters, logarithmic: each seed, the mean, the parts named, the network to take ringed.

    Args:
        reading: What was read from `probes.capacity`.
        ax: Axes to draw on; None for those of a new figure.
        goal: What it was read by: "loss" or a metric's name.
        higher_is_better: Its direction.
    """
    ax = axes_or_new(ax)
    facts = capacity_facts(reading, goal=goal, higher_is_better=higher_is_better)
    ax.set_xscale("log")
    for part in facts.parts:
        ax.axvspan(part.low, part.high, color=part.color, alpha=0.1, linewidth=0)
        place = (math.sqrt(part.low * part.high), 0.97)
        ax.text(*place, "\n".join(part.words), transform=ax.get_xaxis_transform(), ha="center", va="top", fontsize="small", color=part.color)
    ax.plot(facts.line.x, facts.line.y, color=TRAINING, linewidth=1, zorder=1)
    for point in facts.points:
        for result in point.results:
            height, marker = (facts.failed_at, "x") if result is None else (result, "o")
            ax.plot([point.network.n_parameters], [height], marker, color=point.color, markersize=5, clip_on=False)
    if facts.best is not None and facts.best.mean is not None:
        place = (facts.best.network.n_parameters, facts.best.mean)
        ax.plot(*place, "o", color=VALIDATION, fillstyle="none", markersize=14)
        ax.annotate(in_words(f"take {facts.best.network.label}"), place, xytext=(0, 12), textcoords="offset points", ha="center", color=VALIDATION)
    ax.minorticks_off()
    networks = [point.network for point in facts.points]
    ax.set_xticks([network.n_parameters for network in networks], [in_words(f"{network.label}\n{network.n_parameters:,.0f}") for network in networks])
    if len(networks) > _MOST_LEVEL_TICKS:
        ax.tick_params(axis="x", labelrotation=45)
    low, high = facts.result_range
    ax.set_xlim(*facts.size_range)
    ax.set_ylim(low, high + 0.14 * (high - low))
    seeds = max((len(network.losses) for network in networks), default=0)
    noise = f", standard deviation between seeds {number_text(facts.noise, digits=2)}" if facts.noise > 0 else ""
    ax.set_title(
        f"short annealed runs, n = {seeds} seed{'s' if seeds != 1 else ''} a network{noise}; not smoothed", loc="left", fontsize="small", color=TRAINING
    )
    return named(ax, x="network, and its trained parameters, logarithmic", y=in_words(f"final validation {facts.goal}"))
