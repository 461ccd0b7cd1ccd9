"""Records drawn on matplotlib Axes, through its object interface: nothing is shown, no global state is touched; what is drawn is in `facts` and `arms`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tunesmith.curve import Curve, Run
from tunesmith.experiment import Experiment
from tunesmith.plots.arms import experiment_facts
from tunesmith.plots.digits import interval_text, number_text
from tunesmith.plots.facts import Interval, Line, curve_facts, joint_range, loss_range, range_test_facts, schedule_facts
from tunesmith.plots.palette import TRAINING, VALIDATION, WARNING, ramp
from tunesmith.settings import Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INCHES = (7.0, 4.0)


def plot_range_test(curve: Curve, *, edge: Interval | None = None, zone: Interval | None = None, ax: "Axes | None" = None) -> "Axes":
    """Loss against learning rate: raw points, lines smoothed without lag, edge and zone shaded.

    Args:
        curve: A sweep of the learning rate.
        edge: Interval in which the loss breaks away, as a reading found it.
        zone: Interval of usable peaks.
        ax: Axes to draw on; None for those of a new figure.

    Returns:
        The Axes; `ax.figure.savefig(…)` writes it.

    Example:
        >>> rates = tuple(step / 100 for step in range(1, 101))
        >>> curve = Curve(lr=rates, momentum=rates, train_loss=tuple(1 - rate / 2 for rate in rates), eval_step=(), valid_loss=())
        >>> plot_range_test(curve, zone=(0.3, 0.8)).get_xlabel()
        'learning rate'
    """
    ax = _axes(ax)
    facts = range_test_facts(curve, edge=edge, zone=zone)
    for raw, smoothed, color, name in ((facts.train, facts.train_smooth, TRAINING, "training"), (facts.valid, facts.valid_smooth, VALIDATION, "validation")):
        if raw.x:
            ax.plot(raw.x, raw.y, ".", color=color, alpha=0.35, markersize=3)
            ax.plot(smoothed.x, smoothed.y, color=color, label=f"{name}, smoothed")
    if facts.zone is not None:
        ax.axvspan(*facts.zone, color=VALIDATION, alpha=0.12, linewidth=0, label=f"zone {interval_text(facts.zone)}")
    if facts.edge is not None:
        ax.axvspan(*facts.edge, color=WARNING, alpha=0.25, linewidth=1.5, label=f"edge {interval_text(facts.edge)}")  # a line, where it is a point
    ax.set_ylim(*facts.loss_range)
    return _named(ax, x="learning rate", y="loss")


def plot_experiment(experiment: Experiment, ax: "Axes | None" = None, *, chosen: float | None = None, interval: Interval | None = None) -> "Axes":
    """Final validation loss of each run of an experiment against its knob; a cross at the top is a run that did not finish.

    Args:
        experiment: A probe's runs.
        ax: Axes to draw on; None for those of a new figure.
        chosen: The knob's value that was chosen, marked.
        interval: Values that the evidence cannot tell from it, shaded.
    """
    ax = _axes(ax)
    facts = experiment_facts(experiment, chosen=chosen, interval=interval)
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
    ax.set_xticks([position for position, _ in facts.ticks], [_literal(text) for _, text in facts.ticks])
    ax.set_ylim(*facts.result_range)
    return _named(ax, x=experiment.probe.replace("_", " "), y="final validation loss")


def plot_curves(runs: Sequence[Run], ax: "Axes | None" = None) -> "Axes":
    """Validation loss of each run against its updates, and its smoothed training loss, thin; dotted where a run did not finish.

    Args:
        runs: Runs of any kind.
        ax: Axes to draw on; None for those of a new figure.
    """
    ax = _axes(ax)
    facts = [curve_facts(run) for run in runs]
    for run, drawn, color in zip(runs, facts, ramp(len(runs)) if runs else (), strict=True):
        style = "-" if drawn.has_ended_well else ":"
        ax.plot(drawn.train.x, drawn.train.y, style, color=color, linewidth=0.8, alpha=0.6)
        ax.plot(drawn.valid.x, drawn.valid.y, style, color=color, label=f"lr {number_text(run.spec.settings.lr)}, seed {run.spec.seed}")
    good = [drawn for drawn in facts if drawn.has_ended_well] or facts
    if good:
        ax.set_ylim(*joint_range([loss_range([drawn.train, drawn.valid]) for drawn in good]))
    return _named(ax, x="updates", y="loss (validation; training thin, smoothed)")


def plot_schedule(settings: Settings, total_steps: int, ax: "Axes | None" = None) -> "Axes":
    """Learning rate and momentum of every update of a schedule.

    Args:
        settings: The knobs, with the schedule's name; not "task", whose shape is not in them.
        total_steps: Updates; ≥ 1.
        ax: Axes of the learning rate; momentum, where it moves, is drawn on a twin at the right. None for those of a new figure.

    Raises:
        InputError: An unknown schedule, or `total_steps` < 1.
    """
    ax = _axes(ax)
    lr, momentum = schedule_facts(settings, total_steps)
    _plot_line(ax, lr, color=VALIDATION, label="learning rate")
    if settings.momentum != settings.resolved_min_momentum:
        twin = ax.twinx()
        _plot_line(twin, momentum, color=TRAINING, label="momentum")
        ax.plot([], [], color=TRAINING, label="momentum (right)")
        twin.set_ylabel("momentum")
    _named(ax, x="updates", y="learning rate")
    ax.legend(frameon=False, fontsize="small", loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)  # above: the two lines fill the axes
    return ax


def _axes(ax: "Axes | None") -> "Axes":
    if ax is not None:
        return ax
    from matplotlib.figure import Figure  # noqa: PLC0415 (loaded only to draw)

    return Figure(figsize=_INCHES, layout="constrained").subplots()


def _plot_line(ax: "Axes", line: Line, *, color: str, label: str) -> None:
    ax.plot(line.x, line.y, color=color, label=label)


def _literal(text: str) -> str:
    """Text that matplotlib does not read as a formula."""
    return text.replace("$", r"\$")


def _named(ax: "Axes", *, x: str, y: str) -> "Axes":
    ax.set_xlabel(_literal(x))
    ax.set_ylabel(y)
    ax.spines[["top", "right"]].set_visible(False)
    if ax.get_legend_handles_labels()[1]:
        ax.legend(frameon=False, fontsize="small")
    return ax
