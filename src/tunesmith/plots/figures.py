"""Records drawn on matplotlib Axes, through its object interface: nothing is shown, no global state is touched; what is drawn is in `facts` and `arms`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tunesmith.curve import Curve, Run
from tunesmith.experiment import Experiment
from tunesmith.plots.arms import experiment_facts
from tunesmith.plots.digits import interval_text, number_text
from tunesmith.plots.facts import Interval, Line, RangeTestFacts, curve_facts, joint_range, loss_range, range_test_facts, schedule_facts
from tunesmith.plots.overlays import repeats_band
from tunesmith.plots.palette import TRAINING, VALIDATION, WARNING, ramp
from tunesmith.settings import Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INCHES = (7.0, 4.0)


def plot_range_test(
    curve: Curve | Sequence[Curve],
    *,
    edge: Interval | None = None,
    zone: Interval | None = None,
    suggested: float | None = None,
    is_log: bool = False,
    ax: "Axes | None" = None,
) -> "Axes":
    """Loss against learning rate: raw points, lines smoothed without lag, edge and zone shaded, the reach of repeats as a band.

    Args:
        curve: A sweep of the learning rate; or repeats of it over the same rates, of which the first is drawn as a line.
        edge: Interval in which the loss breaks away, as a reading found it.
        zone: Interval of usable peaks.
        suggested: The suggestion, marked.
        is_log: Whether the axis of learning rates is logarithmic; it then begins above the few smallest rates.
        ax: Axes to draw on; None for those of a new figure.

    Returns:
        The Axes; `ax.figure.savefig(…)` writes it.

    Example:
        >>> rates = tuple(step / 100 for step in range(1, 101))
        >>> curve = Curve(lr=rates, momentum=rates, train_loss=tuple(1 - rate / 2 for rate in rates), eval_step=(), valid_loss=())
        >>> ax = plot_range_test(curve, zone=(0.3, 0.8))
        >>> ax.get_xlabel(), ax.get_title(loc="left")
        ('learning rate', '100 updates, n = 1 sweep; Gaussian smoothing, width 2.5 updates')
    """
    ax = axes_or_new(ax)
    curves = [curve] if isinstance(curve, Curve) else list(curve)
    facts = range_test_facts(curves[0], edge=edge, zone=zone)
    for raw, smoothed, color, name in ((facts.train, facts.train_smooth, TRAINING, "training"), (facts.valid, facts.valid_smooth, VALIDATION, "validation")):
        if raw.x:
            ax.plot(raw.x, raw.y, ".", color=color, alpha=0.35, markersize=3)
            ax.plot(smoothed.x, smoothed.y, color=color, label=f"{name}, smoothed")
    for is_validation, color in ((False, TRAINING), (True, VALIDATION)):
        band = repeats_band(curves, is_validation=is_validation)
        if len(curves) > 1 and len(band.x) > 1:
            name = "validation" if is_validation else "training"
            ax.fill_between(band.x, band.low, band.high, color=color, alpha=0.2, linewidth=0, label=f"{name}, {len(curves)} repeats")
    if facts.zone is not None:
        ax.axvspan(*facts.zone, color=VALIDATION, alpha=0.12, linewidth=0, label=f"zone {interval_text(facts.zone)}")
    if facts.edge is not None:
        ax.axvspan(*facts.edge, color=WARNING, alpha=0.25, linewidth=1.5, label=f"edge {interval_text(facts.edge)}")  # a line, where it is a point
    if suggested is not None:
        ax.axvline(suggested, color=VALIDATION, linestyle="--", linewidth=1, label=f"suggested {number_text(suggested)}")
    ax.set_ylim(*facts.loss_range)
    if is_log and facts.lowest_lr > 0:
        ax.set_xscale("log")
        ax.set_xlim(left=facts.lowest_lr)
    ax.set_title(_how_drawn(facts, updates=len(curves[0].lr), n=len(curves)), loc="left", fontsize="small", color=TRAINING)
    return named(ax, x="learning rate", y="loss")


def _how_drawn(facts: RangeTestFacts, *, updates: int, n: int) -> str:
    widths = f"{number_text(facts.train_width, digits=2)} updates"
    if facts.valid.x:
        widths += f" and {number_text(facts.valid_width, digits=2)} evaluations"
    return f"{updates} updates, n = {n} sweep{'s' if n > 1 else ''}; Gaussian smoothing, width {widths}"


def plot_experiment(
    experiment: Experiment, ax: "Axes | None" = None, *, chosen: float | None = None, interval: Interval | None = None, goal: str = "loss"
) -> "Axes":
    """Final validation loss, or the metric that decides, of each run of an experiment against its knob; a cross at the top is a run that did not finish.

    Args:
        experiment: A probe's runs.
        ax: Axes to draw on; None for those of a new figure.
        chosen: The knob's value that was chosen, marked.
        interval: Values that the evidence cannot tell from it, shaded.
        goal: What decides: "loss" or a metric's name.
    """
    ax = axes_or_new(ax)
    facts = experiment_facts(experiment, goal=goal, chosen=chosen, interval=interval)
    colors = ramp(facts.n_values)
    if facts.interval is not None:
        ax.axvspan(*facts.interval, color=VALIDATION, alpha=0.12, linewidth=0)
    if facts.chosen is not None:
        ax.axvline(facts.chosen, color=VALIDATION, linestyle=":")
    ax.plot([position for position, _ in facts.means], [mean for _, mean in facts.means], color=TRAINING, linewidth=1)
    for point in facts.points:
        has_ended = point.result is not None
        height = point.result if point.result is not None else facts.result_range[1]
        ax.plot([point.position], [height], "o" if has_ended else "x", color=colors[point.rank] if has_ended else WARNING, clip_on=False)
    ax.set_xticks([position for position, _ in facts.ticks], [in_words(text) for _, text in facts.ticks])
    ax.set_ylim(*facts.result_range)
    ax.set_title(f"n = {len(facts.points)} run{'s' if len(facts.points) != 1 else ''}, not smoothed", loc="left", fontsize="small", color=TRAINING)
    return named(ax, x=experiment.probe.replace("_", " "), y=in_words(f"final validation {goal}"))


def plot_curves(runs: Sequence[Run], ax: "Axes | None" = None) -> "Axes":
    """Validation loss of each run against its updates, and its smoothed training loss, thin; dotted where a run did not finish.

    Args:
        runs: Runs of any kind.
        ax: Axes to draw on; None for those of a new figure.
    """
    ax = axes_or_new(ax)
    facts = [curve_facts(run) for run in runs]
    for run, drawn, color in zip(runs, facts, ramp(len(runs)) if runs else (), strict=True):
        style = "-" if drawn.has_ended_well else ":"
        ax.plot(drawn.train.x, drawn.train.y, style, color=color, linewidth=0.8, alpha=0.6)
        ax.plot(drawn.valid.x, drawn.valid.y, style, color=color, label=f"lr {number_text(run.spec.settings.lr)}, seed {run.spec.seed}")
    good = [drawn for drawn in facts if drawn.has_ended_well] or facts
    if good:
        ax.set_ylim(*joint_range([loss_range([drawn.train, drawn.valid]) for drawn in good]))
    return named(ax, x="updates", y="loss (validation; training thin, smoothed)")


def plot_schedule(settings: Settings, total_steps: int, ax: "Axes | None" = None) -> "Axes":
    """Learning rate and momentum of every update of a schedule.

    Args:
        settings: The knobs, with the schedule's name; not "task", whose shape is not in them.
        total_steps: Updates; ≥ 1.
        ax: Axes of the learning rate; momentum, where it moves, is drawn on a twin at the right. None for those of a new figure.

    Raises:
        InputError: An unknown schedule, or `total_steps` < 1.
    """
    ax = axes_or_new(ax)
    lr, momentum = schedule_facts(settings, total_steps)
    _plot_line(ax, lr, color=VALIDATION, label="learning rate")
    if settings.momentum != settings.resolved_min_momentum:
        twin = ax.twinx()
        _plot_line(twin, momentum, color=TRAINING, label="momentum")
        ax.plot([], [], color=TRAINING, label="momentum (right)")
        twin.set_ylabel("momentum")
    named(ax, x="updates", y="learning rate")
    ax.legend(frameon=False, fontsize="small", loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)  # above: the two lines fill the axes
    return ax


def axes_or_new(ax: "Axes | None") -> "Axes":
    """The Axes given, or those of a new figure that nobody shows."""
    if ax is not None:
        return ax
    from matplotlib.figure import Figure  # noqa: PLC0415 (loaded only to draw)

    return Figure(figsize=_INCHES, layout="constrained").subplots()


def _plot_line(ax: "Axes", line: Line, *, color: str, label: str) -> None:
    ax.plot(line.x, line.y, color=color, label=label)


def in_words(text: str) -> str:
    """Text that matplotlib does not read as a formula."""
    return text.replace("$", r"\$")


def named(ax: "Axes", *, x: str, y: str, legend_title: str | None = None) -> "Axes":
    """The Axes with their labels and, where something is labelled, a legend."""
    ax.set_xlabel(in_words(x))
    ax.set_ylabel(y)
    ax.spines[["top", "right"]].set_visible(False)
    if ax.get_legend_handles_labels()[1]:
        ax.legend(frameon=False, fontsize="small", title=legend_title, title_fontsize="small")
    return ax
