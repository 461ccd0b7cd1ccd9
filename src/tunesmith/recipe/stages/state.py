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


def values_are_free(limits: Limits, name: str) -> bool:
    """Whether there is anything to choose."""
    return limits.is_free(name) and limits.bounds.get(name, (0.0, 1.0))[0] < limits.bounds.get(name, (0.0, 1.0))[1]
