"""The figures of a batch size: predicted time to a target, throughput, and the noise of the gradients on the way; what is drawn is in `batch_size_facts`."""

from typing import TYPE_CHECKING

from tunesmith.experiment import Experiment
from tunesmith.plots.batch_size_facts import RESULT, THROUGHPUT, TIME, BatchSizeFacts, batch_size_facts
from tunesmith.plots.digits import number_text
from tunesmith.plots.figures import axes_or_new, in_words, named
from tunesmith.plots.palette import TRAINING, VALIDATION, WARNING
from tunesmith.reading.batch_size import BatchSizeReading

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INCHES = (11.0, 5.0)
_SIZES = "total batch size, logarithmic"


def plot_batch_size(
    reading: BatchSizeReading, ax: "Axes | None" = None, *, goal: str = "loss", higher_is_better: bool = False, experiment: Experiment | None = None
) -> "Axes":
    """Predicted time to the same loss over the batch size, the fastest counting 1: the size to use ringed, with what half and double would cost.

    Shaded is what the noise scale's interval allows. Where no prediction can be made: what runs of the same time ended with, or throughput.

    Args:
        reading: What was read from `probes.batch_size`, or from the batch size of a study.
        ax: matplotlib Axes to draw on. None for those of a new figure, whose further Axes show throughput, and the noise scale on the way.
        goal: What it was read by: "loss" or a metric's name.
        higher_is_better: Its direction.
        experiment: What it was read from: it holds the gradient samples. None leaves them out.
    """
    facts = batch_size_facts(reading, goal=goal, higher_is_better=higher_is_better, experiment=experiment)
    draw = {TIME: _plot_times, RESULT: _plot_results, THROUGHPUT: _plot_throughput}[facts.main]
    beside = ([_plot_throughput] if facts.has_throughput and facts.main != THROUGHPUT else []) + ([_plot_noise] if facts.moments.x else [])
    if ax is not None or not beside:
        return draw(facts, axes_or_new(ax))
    from matplotlib.figure import Figure  # noqa: PLC0415 (loaded only to draw)

    figure = Figure(figsize=_INCHES, layout="constrained")
    grid = figure.add_gridspec(len(beside), 2, width_ratios=(5, 3))
    main = draw(facts, figure.add_subplot(grid[:, 0]))
    for row, draw_small in enumerate(beside):
        draw_small(facts, figure.add_subplot(grid[row, 1]))
    return main


def _plot_times(facts: BatchSizeFacts, ax: "Axes") -> "Axes":
    low, high = facts.band
    ax.fill_between(low.x, low.y, high.y, color=VALIDATION, alpha=0.12, linewidth=0)
    ax.plot(facts.time_line.x, facts.time_line.y, "o-", color=VALIDATION, linewidth=2, markersize=5)
    _set_log(ax, facts.time_range)
    ax.set_yticks(facts.time_ticks, [number_text(time) for time in facts.time_ticks])
    if facts.chosen.time is not None:
        where = (facts.chosen.position, facts.chosen.time)
        ax.plot(*where, "o", color=VALIDATION, fillstyle="none", markersize=14)
        side, shift = ("left", 8) if facts.side == "right" else ("right", -8)
        said = f"use {facts.chosen.size.batch_size:,}"
        ax.annotate(said, where, xytext=(shift, 8), textcoords="offset points", ha=side, va="bottom", color=VALIDATION)
    for place, remark in facts.remarks:
        if place.time is not None:
            side, shift = ("right", 4) if place.position < facts.chosen.position else ("left", -4)
            said = {"textcoords": "offset points", "ha": side, "va": "top", "color": TRAINING, "fontsize": "small"}
            ax.annotate(remark, (place.position, place.time), xytext=(shift, -8), **said)
    ax.set_title(_noise_words(facts), loc="left", fontsize="small", color=TRAINING)
    return _sized(facts, ax, y="predicted time to the same loss, fastest = 1")


def _noise_words(facts: BatchSizeFacts) -> str:
    if facts.noise is None or facts.scale is None:
        return ""
    low, high = facts.noise.interval
    ends = f"{number_text(low, digits=2)} to {number_text(high, digits=2)}" if high < float("inf") else f"at least {number_text(low, digits=2)}"
    return f"from a noise scale of about {number_text(facts.scale, digits=2)} ({ends}: shaded)"


def _plot_results(facts: BatchSizeFacts, ax: "Axes") -> "Axes":
    means = [(place.position, place.mean) for place in facts.places if place.mean is not None]
    ax.plot([position for position, _ in means], [mean for _, mean in means], color=TRAINING, linewidth=1)
    for place in facts.places:
        for result in place.results:
            height, marker, color = (facts.failed_at, "x", WARNING) if result is None else (result, "o", VALIDATION)
            ax.plot([place.position], [height], marker, color=color, markersize=5, clip_on=False)
    if facts.chosen.mean is not None:
        ax.plot([facts.chosen.position], [facts.chosen.mean], "o", color=VALIDATION, fillstyle="none", markersize=14)
    ax.set_ylim(*facts.result_range)
    ax.set_title("runs of the same time; not smoothed", loc="left", fontsize="small", color=TRAINING)
    return _sized(facts, ax, y=in_words(f"final validation {facts.goal}"))


def _plot_throughput(facts: BatchSizeFacts, ax: "Axes") -> "Axes":
    ax.plot(facts.perfect.x, facts.perfect.y, color=TRAINING, linewidth=0.8, linestyle="--")
    ax.plot(facts.rate_line.x, facts.rate_line.y, "o-", color=VALIDATION, linewidth=1.5, markersize=4)
    if facts.knee is not None and facts.knee.rate is not None:
        ax.axvline(facts.knee.position, color=TRAINING, linestyle=":", linewidth=1)
        ax.text(facts.knee.position, 0.03, " knee", transform=ax.get_xaxis_transform(), color=TRAINING, fontsize="small")
    _set_log(ax, facts.rate_range)
    ax.set_title("dashed: if an update took no longer", loc="left", fontsize="small", color=TRAINING)
    return _sized(facts, ax, y="examples a second")


def _plot_noise(facts: BatchSizeFacts, ax: "Axes") -> "Axes":
    if facts.noise_interval is not None and facts.noise is not None and facts.noise.first_step is not None and facts.noise.last_step is not None:
        low, high = facts.noise_interval
        ax.fill_between([facts.noise.first_step, facts.noise.last_step], [low, low], [high, high], color=VALIDATION, alpha=0.12, linewidth=0)
    if facts.scale is not None and facts.noise is not None and facts.noise.first_step is not None and facts.noise.last_step is not None:
        ax.plot([facts.noise.first_step, facts.noise.last_step], [facts.scale, facts.scale], color=VALIDATION, linewidth=1.5)
    ax.plot(facts.moments.x, facts.moments.y, "o", color=TRAINING, markersize=4)
    ax.axhline(facts.chosen.size.batch_size, color=TRAINING, linestyle=":", linewidth=1)
    _set_log(ax, facts.noise_range)
    ax.set_title(f"dotted: batch size {facts.chosen.size.batch_size:,}", loc="left", fontsize="small", color=TRAINING)
    return named(ax, x="updates of the run", y="noise scale")


def _set_log(ax: "Axes", bounds: tuple[float, float]) -> None:
    """A logarithmic y axis with round numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator  # noqa: PLC0415 (loaded only to draw)

    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.yaxis.set_major_formatter(FuncFormatter(_tick_text))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_ylim(*bounds)


def _tick_text(value: float, _position: int | None = None) -> str:
    return number_text(value, digits=2)


def _sized(facts: BatchSizeFacts, ax: "Axes", *, y: str) -> "Axes":
    ax.minorticks_off()
    ax.set_xticks([position for position, _ in facts.ticks], [text for _, text in facts.ticks])
    ax.set_xlim(*facts.size_range)
    return named(ax, x=_SIZES, y=y)
