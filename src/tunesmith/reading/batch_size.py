"""Reads a batch size from seconds a step, the gradient noise scale and short annealed runs at equal wall time.

Time to a target goes like seconds a step times (1 + noise scale / batch size). That proposes; runs that end at the same modelled second decide.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from tunesmith.curve import Curve
from tunesmith.errors import CurveError
from tunesmith.experiment import Arm, Experiment
from tunesmith.finding import Finding
from tunesmith.reading.batch_times import fastest_of, knee_of, lr_exponent, noise_of, point_of, relative_times, rises_of
from tunesmith.reading.batch_value import BatchSizeValue, finite
from tunesmith.reading.batch_words import (
    choice_finding,
    exponent_finding,
    noise_finding,
    outcome_of,
    rise_text,
    throughput_finding,
)
from tunesmith.reading.goal import arm_scores, final_value
from tunesmith.reading.knob import Judged, judge_values
from tunesmith.reading.noise_scale import NoiseScale
from tunesmith.reading.seed_noise import SeedNoise
from tunesmith.settings import Json

BATCH_SIZE_VERSION = 1
CLEARLY_WORSE, CLEARLY_WORSE_SDS, START_UPDATES = 0.2, 4.0, 5
"""On a single seed a run is worse than another of the same time where its loss is, by this share of what was learnt since these first updates (our choice, as
for the ladder's choices: the noise of so short runs seldom is a fifth of it, and they favour small batches), or a metric by so many of the standard deviations
that are usual between full trainings (our choice: those of short runs are larger)."""


@dataclass(frozen=True, kw_only=True)
class BatchSizeReading:
    """A batch size, read from times, gradients and runs.

    Attributes:
        outcome: "found": some size takes clearly longer to the target. "does_not_matter": none does. "cannot_tell": neither noise scale nor runs say anything.
        suggestion: The total batch size to use; the first one where nothing can be told.
        base: The size that the others were held against.
        lr: Peak learning rate at the suggestion, for runs of this length; None where it was not run.
        sizes: Ascending.
        knee: The smallest size with four fifths of the best throughput.
        noise_scale: Critical batch size; None where no gradients were sampled.
        lr_exponent: The learning rate grows like the batch size to this power.
        lr_exponent_interval: Exponents that the evidence allows.
        findings: The evidence.
        advice: What to do.
    """

    outcome: str
    suggestion: int
    base: int
    lr: float | None
    sizes: tuple[BatchSizeValue, ...]
    knee: int
    noise_scale: NoiseScale | None
    lr_exponent: float
    lr_exponent_interval: tuple[float, float]
    findings: tuple[Finding, ...]
    advice: str

    @property
    def chosen(self) -> BatchSizeValue:
        """What is known of the suggestion."""
        return next(size for size in self.sizes if size.batch_size == self.suggestion)

    def exponent_to(self, size: int, *, optimizer_name: str) -> float:
        """The power of the batch size by which the learning rate grows from the base to a size."""
        return lr_exponent(self.noise_scale, base=self.base, other=size, optimizer_name=optimizer_name)[0] if size != self.base else self.lr_exponent

    def to_dict(self) -> dict[str, Json]:
        """The JSON document of `tunesmith batch-size` (docs/command-line.md)."""
        noise = self.noise_scale
        return {
            "version": BATCH_SIZE_VERSION,
            "outcome": self.outcome,
            "suggestion": self.suggestion,
            "lr": self.lr,
            "sizes": [size.to_dict() for size in self.sizes],
            "knee": self.knee,
            "noise_scale": None if noise is None else {"value": noise.value, "interval": [finite(end) for end in noise.interval]},
            "lr_exponent": {"value": self.lr_exponent, "interval": list(self.lr_exponent_interval)},
            "findings": [finding.to_dict() for finding in self.findings],
            "advice": [self.advice],
        }


def read_batch_size(
    experiment: Experiment, *, goal: str = "loss", higher_is_better: bool = False, metrics: Mapping[str, bool] | None = None, optimizer_name: str = "sgd"
) -> BatchSizeReading:
    """Which batch size reaches a target soonest.

    Of the sizes whose runs are as good as the best in the same time, those predicted within 15 % of the fastest count as fast; the first size is kept where it
    is one of them, else the smallest is taken: it leaves the most updates.

    Args:
        experiment: What `probes.batch_size` returned: `value` of an arm is its batch size, None where it only sampled gradients; with its time model.
        goal: What decides between the runs: "loss" or a metric's name.
        higher_is_better: Its direction.
        metrics: Name → whether higher is better, of the metrics whose ranking is to be told beside that of the loss.
        optimizer_name: What the optimizer acts like: for Adam kinds the learning rate grows half as fast.

    Raises:
        CurveError: No run with a batch size, or runs that no probe of it made.
    """
    _check(experiment)
    judged = judge_values(_best_rates(experiment, goal=goal, higher_is_better=higher_is_better), goal=goal, higher_is_better=higher_is_better)
    base = experiment.arms[0].run.spec.settings.batch_size
    seconds = _seconds_by_runs(judged, experiment) if experiment.times is None else experiment.times.seconds_per_step
    noise = noise_of(experiment)
    times = relative_times(noise, seconds)
    sizes = _values(experiment, judged, seconds=seconds, times=times)
    good = _as_good(experiment, judged, sizes, times=times, goal=goal)
    contenders = () if experiment.times is None else experiment.times.contenders
    eligible = [size for size in good if not contenders or size in contenders]
    suggestion = fastest_of(eligible, times, base=base) if eligible else base
    exponent, allowed = lr_exponent(noise, base=base, other=suggestion if suggestion != base else 2 * base, optimizer_name=optimizer_name)
    is_clear = noise is not None and noise.value is not None
    outcome, why = outcome_of(sizes, times, good=good, suggestion=suggestion, base=base, is_clear=is_clear)
    why += rise_text(rises_of(experiment, base=base), suggestion=suggestion)
    knee = knee_of(seconds)
    findings = (
        choice_finding(judged, sizes, suggestion=suggestion, good=good, why=why, times=times, metrics=metrics or {}),
        *([] if noise is None else [noise_finding(noise)]),
        *([] if point_of(noise) is None else [exponent_finding(exponent, allowed)]),
        *([] if experiment.times is None else [throughput_finding(seconds, knee=knee, loading=experiment.times.loading_seconds)]),
    )
    chosen = next(size for size in sizes if size.batch_size == suggestion)
    return BatchSizeReading(
        outcome=outcome, suggestion=suggestion, base=base, lr=chosen.lr, sizes=sizes, knee=knee, noise_scale=noise, lr_exponent=exponent,
        lr_exponent_interval=allowed, findings=findings, advice=findings[0].action,
    )  # fmt: skip


def _check(experiment: Experiment) -> None:
    """Refuse what no probe made: a stranger's study may hold anything."""
    values = [arm.value for arm in experiment.arms if arm.value is not None]
    if not values or not all(math.isfinite(value) and value >= 1 and value == int(value) for value in values):
        raise CurveError(f"A batch size must be read from runs whose values are batch sizes, got {values}. Pass what probes.batch_size returned.")
    base = experiment.arms[0].run.spec.settings.batch_size
    if base not in values and (experiment.times is None or base not in experiment.times.seconds_per_step):
        raise CurveError(f"The first run's batch size, {base}, must be timed or run with a value, and is not. Pass what probes.batch_size returned.")


def _best_rates(experiment: Experiment, *, goal: str, higher_is_better: bool) -> Experiment:
    """The experiment with one learning rate a batch size: the one whose runs end best."""
    means = {
        label: fmean(found) for label, found in arm_scores(_with_sizes(experiment), goal=goal, higher_is_better=higher_is_better).items()
    }  # fmt: skip
    best: dict[float, str] = {}
    for arm in sorted(_with_sizes(experiment), key=lambda arm: means[arm.label]):
        best.setdefault(arm.value or 0.0, arm.label)
    return Experiment(probe=experiment.probe, arms=tuple(arm for arm in _with_sizes(experiment) if arm.label in best.values()))


def _with_sizes(experiment: Experiment) -> tuple[Arm, ...]:
    return tuple(arm for arm in experiment.arms if arm.value is not None)


def _values(experiment: Experiment, judged: Judged, *, seconds: Mapping[int, float], times: Mapping[int, float]) -> tuple[BatchSizeValue, ...]:
    """Every size that was timed or run, with what is known of it."""
    ran = {int(value.value): value for value in judged.values}
    found = []
    for size in sorted({*seconds, *ran}):
        row = BatchSizeValue(batch_size=size, seconds_per_step=seconds.get(size, math.nan), predicted=times.get(size))
        if size in ran:
            runs = [arm.run for arm in experiment.arms if arm.label == ran[size].label]
            row = dataclasses.replace(
                row, lr=ran[size].lr, total_steps=runs[0].spec.total_steps, losses=ran[size].losses, ends=_ends([run.curve for run in runs]),
                state=ran[size].state,
            )  # fmt: skip
        found.append(row)
    return tuple(found)


def _ends(curves: Sequence[Curve]) -> dict[str, float]:
    """Loss and each metric → mean over the runs that finished."""
    names = ("loss", *(curves[0].metrics if curves else ()))
    values = {name: [value for curve in curves if math.isfinite(value := final_value(curve, goal=name))] for name in names}
    return {name: fmean(found) for name, found in values.items() if found}


def _as_good(experiment: Experiment, judged: Judged, sizes: Sequence[BatchSizeValue], *, times: Mapping[int, float], goal: str) -> list[int]:
    """Sizes whose runs end as well as the best in the same time; on one seed: that do not end clearly worse by the goal, or that are predicted, not run."""
    if judged.comparison.is_noise_known:
        as_good = {int(value.value) for value in judged.as_good}
        return [size.batch_size for size in sizes if size.batch_size in as_good]
    finished = [size for size in sizes if math.isfinite(size.loss)]
    if not finished:
        return []
    best = min(size.loss for size in finished)
    near = {size.batch_size for size in finished if size.loss <= best + _clearly_worse(experiment, best=best, goal=goal)}
    return [size.batch_size for size in sizes if size.batch_size in near or (not size.losses and size.batch_size in times)]


def _clearly_worse(experiment: Experiment, *, best: float, goal: str) -> float:
    """By how much a run on the same single seed must be worse than the best score to count as worse.

    Of a loss a share of what was learnt, of a metric that is a share of the validation examples so many of its usual standard deviations; of another metric any
    difference.
    """
    runs = [arm.run for arm in _with_sizes(experiment)]
    if goal == "loss":
        first = [loss for run in runs for loss in run.curve.train_loss[:START_UPDATES] if math.isfinite(loss)]
        return CLEARLY_WORSE * max(0.0, median(first) - best) if first else 0.0
    n_valid = max((run.spec.valid_examples or 0 for run in runs), default=0)
    return CLEARLY_WORSE_SDS * SeedNoise.usual_of_share(abs(best), n_valid=n_valid).sd if n_valid else 0.0


def _seconds_by_runs(judged: Judged, experiment: Experiment) -> dict[int, float]:
    """Relative seconds a step where no time model was stored: runs of one time made the fewer updates, the longer one took."""
    steps = {int(value.value): next(arm.run.spec.total_steps for arm in experiment.arms if arm.label == value.label) for value in judged.values}
    return {size: max(steps.values()) / count for size, count in steps.items()}
