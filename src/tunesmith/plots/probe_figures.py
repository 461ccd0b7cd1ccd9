"""Experiments as figures, each drawn as suits its probe: range tests under conditions over one another, loss over capacity, and the figures of `figures`."""

from typing import TYPE_CHECKING

from tunesmith.experiment import Experiment
from tunesmith.finding import Finding
from tunesmith.plots.digits import number_text
from tunesmith.plots.figures import axes_or_new, in_words, named, plot_experiment, plot_range_test
from tunesmith.plots.overlays import ConditionFacts, capacity_facts, height_at, overlay_facts
from tunesmith.plots.palette import TRAINING, VALIDATION, WARNING, distinct
from tunesmith.reading import read_capacity, read_conditions, read_min_lr, read_range
from tunesmith.reading.capacity import FALLING, LEVEL, RISING, CapacityReading
from tunesmith.reading.conditions import ConditionsReading
from tunesmith.settings import RunKind

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BAR, _BAR_GAP = 0.022, 0.034
"""Height of a zone's bar and the room that it takes, as shares of the Axes."""
_MOST_LEVEL_TICKS = 7
_MEANING = {FALLING: "falling:\nunderfitting", LEVEL: "level", RISING: "rising:\noverfitting"}


def plot(experiment: Experiment, ax: "Axes | None" = None) -> "Axes":
    """The figure that suits an experiment's probe. Draws, never shows: `plot(experiment).figure.savefig("figure.png")` writes it.

    Args:
        experiment: As a probe or a study gives it.
        ax: matplotlib Axes to draw on; None for those of a new figure.

    Returns:
        The Axes. "lr_range": loss against learning rate, zone and edge marked, repeats as a band. "lr_range_under": all conditions over one another, ranked.
        "capacity": loss over the number of parameters, its parts named. Any other: the final validation loss against the probe's knob.

    Raises:
        CurveError: An experiment without the runs that its probe makes.
    """
    match experiment.probe:
        case "lr_range":
            curves = [arm.run.curve for arm in experiment.arms if arm.run.spec.kind == RunKind.LINEAR_RAMP]
            if curves:
                last = experiment.arms[max(i for i, arm in enumerate(experiment.arms) if arm.run.spec.kind == RunKind.LINEAR_RAMP)].run.spec
                same = [
                    arm.run.curve
                    for arm in experiment.arms
                    if arm.run.spec.kind == RunKind.LINEAR_RAMP and (arm.run.spec.settings, arm.run.spec.total_steps) == (last.settings, last.total_steps)
                ]
                reading = read_range(curves[-1])
                return plot_range_test(same[::-1], edge=reading.edge, zone=reading.zone, suggested=reading.suggested_lr, ax=ax)
        case "lr_range_under":
            return plot_conditions(experiment, read_conditions(experiment), ax)
        case "capacity":
            return plot_capacity(read_capacity(experiment), ax)
        case "min_lr":
            return plot_experiment(experiment, ax, interval=_interval(read_min_lr(experiment).findings))
        case _:
            pass
    return plot_experiment(experiment, ax)


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


def plot_capacity(reading: CapacityReading, ax: "Axes | None" = None) -> "Axes":
    """Final validation loss over the number of parameters, on a logarithmic axis: each seed, the mean, the parts named, the network to take ringed.

    Args:
        reading: What was read from `probes.capacity`.
        ax: Axes to draw on; None for those of a new figure.
    """
    ax = axes_or_new(ax)
    facts = capacity_facts(reading)
    colors = {FALLING: TRAINING, LEVEL: VALIDATION, RISING: WARNING}
    ax.set_xscale("log")
    for part, low, high in facts.parts:
        ax.axvspan(low, high, color=colors[part], alpha=0.1, linewidth=0)
        words = _meaning(reading, part)
        ax.text((low * high) ** 0.5, 0.97, words, transform=ax.get_xaxis_transform(), ha="center", va="top", fontsize="small", color=colors[part])
    finished = [network for network in facts.networks if network.loss < float("inf")]
    ax.plot([network.n_parameters for network in finished], [network.loss for network in finished], color=TRAINING, linewidth=1, zorder=1)
    top = facts.loss_range[1]
    for network in facts.networks:
        for loss in network.losses:
            has_ended = loss < float("inf")
            ax.plot([network.n_parameters], [loss if has_ended else top], "o" if has_ended else "x", color=colors.get(network.part, WARNING), markersize=5)
    if facts.best is not None:
        place = (facts.best.n_parameters, facts.best.loss)
        ax.plot(*place, "o", color=VALIDATION, fillstyle="none", markersize=14)
        ax.annotate(in_words(f"take {facts.best.label}"), place, xytext=(0, 12), textcoords="offset points", ha="center", color=VALIDATION)
    ax.minorticks_off()
    ticks = [in_words(f"{network.label}\n{network.n_parameters:,.0f}") for network in facts.networks]
    ax.set_xticks([network.n_parameters for network in facts.networks], ticks)
    if len(facts.networks) > _MOST_LEVEL_TICKS:
        ax.tick_params(axis="x", labelrotation=45)
    low, high = facts.loss_range
    ax.set_xlim(*facts.size_range)
    ax.set_ylim(low, high + 0.14 * (high - low))
    seeds = max((len(network.losses) for network in facts.networks), default=0)
    noise = f", standard deviation between seeds {number_text(facts.noise, digits=2)}" if facts.noise > 0 else ""
    ax.set_title(
        f"short annealed runs, n = {seeds} seed{'s' if seeds != 1 else ''} a network{noise}; not smoothed", loc="left", fontsize="small", color=TRAINING
    )
    return named(ax, x="network, and its trained parameters, logarithmic", y="final validation loss")


def _meaning(reading: CapacityReading, part: str) -> str:
    if part == RISING and not any(finding.kind == "overfitting" for finding in reading.findings):
        return "rising:\nundertrained"
    return _MEANING[part]
