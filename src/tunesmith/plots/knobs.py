"""The figure of a knob that was read from short annealed runs on shared seeds; what is drawn is in `knob_facts`."""

from typing import TYPE_CHECKING

from tunesmith.plots.digits import number_text
from tunesmith.plots.figures import axes_or_new, in_words, named
from tunesmith.plots.knob_facts import knob_facts
from tunesmith.plots.palette import TRAINING, VALIDATION, WARNING
from tunesmith.reading.knob import KnobReading

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_AXES = {
    "momentum": "constant momentum, by its distance to 1",
    "momentum_cycle": "lowest momentum, where the learning rate is largest",
    "weight_decay": "weight decay of the full training, logarithmic",
}
_MOST_LEVEL_TICKS = 6


def plot_knob(reading: KnobReading, ax: "Axes | None" = None, *, goal: str = "loss", higher_is_better: bool = False) -> "Axes":
    """What decides, at the end of the short runs, over the knob's values: a thin line a seed, the mean, the value to take ringed.

    Shaded is what cannot be told from the best; a cross at the worse end is a run that did not finish.

    Args:
        reading: What was read from `probes.momentum`, `probes.momentum_cycle` or `probes.weight_decay`.
        ax: matplotlib Axes to draw on; None for those of a new figure.
        goal: What it was read by: "loss" or a metric's name.
        higher_is_better: Its direction.
    """
    ax = axes_or_new(ax)
    facts = knob_facts(reading, goal=goal, higher_is_better=higher_is_better)
    if facts.as_good is not None:
        ax.axvspan(*facts.as_good, color=VALIDATION, alpha=0.12, linewidth=0)
    for line in facts.seed_lines:
        ax.plot(line.x, line.y, color=TRAINING, linewidth=0.6, alpha=0.7, zorder=1)
    ax.plot(facts.mean_line.x, facts.mean_line.y, color=VALIDATION, linewidth=2, zorder=2)
    for place in facts.places:
        for result in place.results:
            height, marker, color = (facts.failed_at, "x", WARNING) if result is None else (result, "o", place.color)
            ax.plot([place.position], [height], marker, color=color, markersize=5, clip_on=False, zorder=3)
    if facts.chosen is not None and facts.chosen.mean is not None:
        where = (facts.chosen.position, facts.chosen.mean)
        ax.plot(*where, "o", color=VALIDATION, fillstyle="none", markersize=14, zorder=4)
        said = in_words(f"take {number_text(facts.chosen.value.value)}")
        ax.text(where[0], 0.97, said, transform=ax.get_xaxis_transform(), ha="center", va="top", color=VALIDATION)
    ax.margins(x=0.08)
    ax.minorticks_off()
    ax.set_xticks([position for position, _ in facts.ticks], [in_words(text) for _, text in facts.ticks])
    if len(facts.ticks) > _MOST_LEVEL_TICKS:
        ax.tick_params(axis="x", labelrotation=45)
    ax.set_ylim(*facts.result_range)
    noise = f", paired noise {number_text(facts.noise, digits=2)}" if facts.noise > 0 else ""
    seeds = f"n = {facts.n_seeds} seed{'s' if facts.n_seeds > 1 else ''} a value"
    ax.set_title(f"short annealed runs, {seeds}{noise}; not smoothed", loc="left", fontsize="small", color=TRAINING)
    return named(ax, x=_AXES.get(facts.knob, facts.knob.replace("_", " ")), y=in_words(f"final validation {facts.goal}"))
