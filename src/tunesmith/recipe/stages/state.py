"""What passes from stage to stage."""

from dataclasses import dataclass, field

from tunesmith.experiment import Arm, Experiment
from tunesmith.finding import Finding
from tunesmith.reading.comparison import Comparison, compare, noise_between_seeds
from tunesmith.recipe.allowance import ShortSize
from tunesmith.recipe.laboratory import Laboratory
from tunesmith.recipe.limits import Limits
from tunesmith.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """Where the search stands.

    Attributes:
        settings: The best known knobs.
        short: Price of a short run, and the stages that are not dropped.
        experiments: Short-run experiments so far: where the noise between seeds is read from.
        findings: What was found so far.
    """

    settings: Settings
    short: ShortSize
    experiments: tuple[Experiment, ...] = ()
    findings: tuple[Finding, ...] = field(default=())


def short_steps(lab: Laboratory, tuning: Tuning, *, batch_size: int) -> int:
    """Updates of a short run at `batch_size`."""
    return tuning.short.steps_at(batch_size, norm_examples=lab.norm_examples(batch_size))


def price_of(lab: Laboratory, tuning: Tuning, *, values: int) -> float:
    """Examples that short runs at so many values of a knob take; that at hand was run before, unless the batch size has changed since."""
    size, steps = tuning.settings.batch_size, short_steps(lab, tuning, batch_size=tuning.settings.batch_size)
    specs = [arm.run.spec for experiment in tuning.experiments for arm in experiment.arms]
    was_run = any(spec.settings.batch_size == size and spec.total_steps == steps and not spec.gradient_points for spec in specs)
    return tuning.short.examples * (values - was_run)


def judge(lab: Laboratory, tuning: Tuning, experiment: Experiment) -> Comparison:
    """Rank the arms by the task's goal, with the noise between seeds that the search has seen so far."""
    goal, higher = lab.task.goal, lab.task.goal_is_higher_better
    noise = noise_between_seeds((*tuning.experiments, experiment), goal=goal, higher_is_better=higher)
    return compare(experiment, noise=noise, goal=goal, higher_is_better=higher, thresholds=lab.thresholds)


def arm_of(experiment: Experiment, label: str) -> Arm:
    """The first run of a label."""
    return next(arm for arm in experiment.arms if arm.label == label)


def merged(first: Experiment, second: Experiment) -> Experiment:
    """The arms of both, as one experiment."""
    return Experiment(probe=first.probe, arms=first.arms + second.arms)


def lr_interval(limits: Limits, *, largest_lr: float | None) -> tuple[float, float]:
    """What a learning rate that follows another knob may become: within the user's bounds, and below `largest_lr` where those allow it."""
    low, high = limits.interval("lr")
    return low, high if largest_lr is None else max(low, min(high, largest_lr))


def rounded(value: float, *, digits: int = 2) -> float:
    """The value to a few significant digits: more would claim a precision that short runs do not have.

    Example:
        >>> rounded(0.10606), rounded(0.00034, digits=1)
        (0.11, 0.0003)
    """
    return float(f"{value:.{digits}g}")
