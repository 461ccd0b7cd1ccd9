"""The figures of the ladder: what each joint choice ended with over the length of its runs, and over the peak on the lowest rung."""

from typing import TYPE_CHECKING

from tunesmith.plots.digits import number_text
from tunesmith.plots.figures import in_words, named
from tunesmith.plots.ladder_facts import LadderFacts, LadderLine, LadderPoint, ladder_facts
from tunesmith.plots.palette import TRAINING, VALIDATION, WARNING
from tunesmith.reading.ladder import LadderReading

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKERS = ("o", "s", "D", "^")
_INCHES = (11.0, 5.6)
_COLUMNS = 3


def plot_ladder(reading: LadderReading, ax: "Axes | None" = None, *, goal: str = "loss", higher_is_better: bool = False) -> "Axes":
    """What decides, at the end of each run, over the length of the runs: a line a joint choice, the winners of the rungs joined in grey, the best ringed.

    Colour is the peak, from small (blue) to large (orange), shape the momentum; a hollow point has more than the least decay. A cross at the worse end is a run
    that did not finish or ended above the loss of an untrained network.

    Args:
        reading: What was read of recipe `ladder`.
        ax: matplotlib Axes to draw on. None for those of a new figure, whose second Axes show the lowest rung over the peak.
        goal: What it was read by: "loss" or a metric's name.
        higher_is_better: Its direction.
    """
    facts = ladder_facts(reading, goal=goal, higher_is_better=higher_is_better)
    if ax is not None:
        return _plot_lengths(facts, ax, has_legend=True)
    from matplotlib.figure import Figure  # noqa: PLC0415 (loaded only to draw)

    figure = Figure(figsize=_INCHES, layout="constrained")
    grid = figure.add_gridspec(1, 2, width_ratios=(5, 3))
    left = figure.add_subplot(grid[0, 0])
    right = figure.add_subplot(grid[0, 1], sharey=left)
    _plot_lengths(facts, left, has_legend=False)
    _plot_peaks(facts, right)
    handles, texts = left.get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=_COLUMNS, frameon=False, fontsize="small")
    return left


def _plot_lengths(facts: LadderFacts, ax: "Axes", *, has_legend: bool) -> "Axes":
    ax.plot(facts.winners.x, facts.winners.y, color=TRAINING, linewidth=6, alpha=0.25, zorder=1)
    for line in facts.lines:
        ax.plot(line.mean_line.x, line.mean_line.y, color=line.color, linewidth=2.4 if line.is_best else 1.0, zorder=2)
        for index, point in enumerate(line.points):
            _dots(ax, point, line=line, x=float(point.score.steps), facts=facts, name=line.choice.label if index == 0 else None)
    if facts.best is not None and facts.best.mean is not None:
        where = (float(facts.best.score.steps), facts.best.mean)
        ax.plot(*where, "o", color=VALIDATION, fillstyle="none", markersize=15, zorder=4)
    for shorter, longer, trend in facts.trends:
        color = WARNING if trend == "worse" else TRAINING
        ax.text((shorter * longer) ** 0.5, 0.98, trend, transform=ax.get_xaxis_transform(), ha="center", va="top", fontsize="small", color=color)
    ax.set_xscale("log")
    ax.minorticks_off()
    ax.set_xticks(facts.lengths, [number_text(length) for length in facts.lengths])
    ax.set_xlim(*facts.length_range)
    _set_results(ax, facts)
    seeds = f"n = 1{f' to {facts.n_seeds} seeds' if facts.n_seeds > 1 else ' seed'}"
    ax.set_title(f"whole annealed runs, {seeds} a choice; not smoothed", loc="left", fontsize="small", color=TRAINING)
    ax = named(ax, x="length of the run in updates, logarithmic", y=in_words(f"final validation {facts.goal}"))
    legend = ax.get_legend()
    if legend is not None and not has_legend:
        legend.remove()
    return ax


def _plot_peaks(facts: LadderFacts, ax: "Axes") -> None:
    for lines in facts.peak_lines:
        finished = [(line.choice.lr, line.points[0].mean) for line in lines if line.points[0].mean is not None]
        ax.plot([lr for lr, _ in finished], [mean for _, mean in finished if mean is not None], color=TRAINING, linewidth=1, zorder=1)
        for line in lines:
            _dots(ax, line.points[0], line=line, x=line.choice.lr, facts=facts, name=None)
    ax.set_xscale("log")
    ax.minorticks_off()
    peaks = sorted({line.choice.lr for lines in facts.peak_lines for line in lines})
    ax.set_xticks(peaks, [number_text(peak, digits=2) for peak in peaks], rotation=45)
    ax.set_xlim(*facts.peak_range)
    _set_results(ax, facts)
    ax.set_title(f"the runs of {number_text(facts.lengths[0])} updates", loc="left", fontsize="small", color=TRAINING)
    named(ax, x="peak learning rate, logarithmic", y="")


def _dots(ax: "Axes", point: LadderPoint, *, line: LadderLine, x: float, facts: LadderFacts, name: str | None) -> None:
    """One point a seed; the first carries the name for the legend."""
    for index, result in enumerate(point.results):
        label = None if name is None or index else in_words(f"{name} (best)" if line.is_best else name)
        if result is None:
            ax.plot([x], [facts.failed_at], "x", color=WARNING, markersize=6, clip_on=False, zorder=3, label=label)
        else:
            face = line.color if line.is_filled else "white"
            ax.plot([x], [result], _MARKERS[line.shape], color=line.color, markerfacecolor=face, markersize=6, zorder=3, label=label)


def _set_results(ax: "Axes", facts: LadderFacts) -> None:
    if facts.is_log:
        from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter  # noqa: PLC0415 (loaded only to draw)

        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        ax.yaxis.set_major_formatter(FuncFormatter(_tick_text))
        ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set_ylim(*facts.result_range)


def _tick_text(value: float, _position: int | None = None) -> str:
    return number_text(value, digits=2)
