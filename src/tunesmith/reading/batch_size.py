"""Reads a batch size from seconds a step, the gradient noise scale and short annealed runs at equal wall time.

Time to a target goes like seconds a step times (1 + noise scale / batch size). That proposes; runs that end at the same modelled second decide.
"""

import dataclasses
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median

from tunesmith.coupling import LR_EXPONENT, is_adam_kind
from tunesmith.curve import Curve
from tunesmith.errors import CurveError
from tunesmith.experiment import Arm, Experiment, SizeTimes
from tunesmith.finding import Finding
from tunesmith.reading.comparison import MOST_CONFIDENCE
from tunesmith.reading.goal import arm_scores, final_value
from tunesmith.reading.knob import Judged, judge_values
from tunesmith.reading.noise_scale import NOT_ESTABLISHED, NoiseScale, predicted_time, read_noise_scale
from tunesmith.settings import Json

BATCH_SIZE_VERSION = 1
WORTH = 0.15
"""Batch sizes whose times to the target differ by less than this share count as equally fast (our choice: the time model and the noise scale are hardly better
known; the aim is a fifth)."""
LATE_SHARE = 0.5
"""Of a short run, left out: the noise scale grows with training, and the second half of a run of a quarter of the length stands for the whole (our choice)."""
KNEE_SHARE = 0.8
"""At the knee throughput is this share of the largest measured (our choice)."""
CLEARLY_WORSE, START_UPDATES = 0.2, 5
"""On a single seed a run is worse than another of the same time where its loss is, by this share of what was learnt since these first updates (our choice, as
for the ladder's choices: the noise of so short runs seldom is a fifth of it, and they favour small batches)."""
LOADER_BOUND = 0.5
"""A task is bound by its loader where more than this share of an update goes by waiting for data (our choice)."""
ASSUMED_INTERVAL = (0.25, 0.75)
"""Of the learning rate's exponent where nothing was measured (our choice: around the report's .44 and .63)."""
_WORTH_SAYING = 0.01
"""A predicted rise of the loss is told from here on (our choice)."""
FOUND, DOES_NOT_MATTER, CANNOT_TELL = "found", "does_not_matter", "cannot_tell"


@dataclass(frozen=True, kw_only=True)
class BatchSizeValue:
    """One batch size, and what is known of it.

    Attributes:
        batch_size: The total.
        seconds_per_step: Of an update, as the time model says.
        predicted: Seconds to a target by the noise scale, the fastest size counting 1; None where that is not known.
        lr: Peak learning rate of its runs; None where it was not run.
        total_steps: Updates of its runs; 0 where it was not run.
        losses: What decides, as a score where smaller is better, at the end of each run, one a seed; infinite where a run did not finish.
        ends: "loss" and each metric → mean at the end of the finished runs.
        state: As in a knob's value ("best", "close", "worse", "unsteady", "failed", "unknown"); "not run" where it was not.
    """

    batch_size: int
    seconds_per_step: float
    predicted: float | None
    lr: float | None = None
    total_steps: int = 0
    losses: tuple[float, ...] = ()
    ends: Mapping[str, float] = field(default_factory=dict)
    state: str = "not run"

    @property
    def examples_per_second(self) -> float:
        """Throughput."""
        return self.batch_size / self.seconds_per_step

    @property
    def seconds(self) -> float:
        """Modelled seconds of a run."""
        return self.total_steps * self.seconds_per_step

    @property
    def loss(self) -> float:
        """Mean over the seeds; infinite where any failed or none ran."""
        return fmean(self.losses) if self.losses else math.inf

    def to_dict(self) -> dict[str, Json]:
        """A JSON object; what is not finite is null."""
        return {
            "batch_size": self.batch_size,
            "seconds_per_step": _finite(self.seconds_per_step),
            "examples_per_second": _finite(self.examples_per_second),
            "predicted_time": self.predicted,
            "lr": self.lr,
            "total_steps": self.total_steps,
            "losses": [loss if math.isfinite(loss) else None for loss in self.losses],
            "ends": {name: value if math.isfinite(value) else None for name, value in self.ends.items()},
            "state": self.state,
        }


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
            "noise_scale": None if noise is None else {"value": noise.value, "interval": [_finite(end) for end in noise.interval]},
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
        CurveError: No run with a batch size.
    """
    judged = judge_values(_best_rates(experiment, goal=goal, higher_is_better=higher_is_better), goal=goal, higher_is_better=higher_is_better)
    base = experiment.arms[0].run.spec.settings.batch_size
    seconds = _seconds_by_runs(judged, experiment) if experiment.times is None else experiment.times.seconds_per_step
    noise = noise_of(experiment)
    times = relative_times(noise, seconds)
    sizes = _values(experiment, judged, seconds=seconds, times=times)
    good = _as_good(experiment, judged, sizes, times=times)
    suggestion = fastest_of(good, times, base=base) if good else base
    exponent, allowed = lr_exponent(noise, base=base, other=suggestion if suggestion != base else 2 * base, optimizer_name=optimizer_name)
    outcome, why = _outcome(sizes, times, good=good, suggestion=suggestion, base=base)
    why += _rise_text(experiment.times, suggestion=suggestion)
    knee = knee_of(seconds)
    findings = (
        _choice(judged, sizes, suggestion=suggestion, why=why, times=times, metrics=metrics or {}),
        *([] if noise is None else [_noise_finding(noise)]),
        _exponent_finding(noise, exponent, allowed),
        *([] if experiment.times is None else [_throughput(seconds, knee=knee, loading=experiment.times.loading_seconds)]),
    )
    chosen = next(size for size in sizes if size.batch_size == suggestion)
    return BatchSizeReading(
        outcome=outcome, suggestion=suggestion, base=base, lr=chosen.lr, sizes=sizes, knee=knee, noise_scale=noise, lr_exponent=exponent,
        lr_exponent_interval=allowed, findings=findings, advice=findings[0].action,
    )  # fmt: skip


def noise_of(experiment: Experiment) -> NoiseScale | None:
    """The noise scale in the second half of the longest runs that sampled gradients; None where none did."""
    sampled = {arm.run.spec.key: arm.run for arm in experiment.arms if arm.run.curve.gradients}.values()
    if not sampled:
        return None
    longest = max(run.spec.total_steps for run in sampled)
    samples = [sample for run in sampled if run.spec.total_steps == longest for sample in run.curve.gradients]
    n_train = sys.maxsize if experiment.times is None else experiment.times.n_train
    return read_noise_scale(samples, n_train=n_train, total_steps=longest, after_share=LATE_SHARE)


def relative_times(noise: NoiseScale | None, seconds_per_step: Mapping[int, float]) -> dict[int, float]:
    """Predicted time to a target, the fastest counting 1; empty where the noise scale is not known at all.

    Example:
        >>> clear = NoiseScale(value=100, interval=(90, 110), trace=100, square=1, n_samples=9, n_dropped=0, first_step=0, last_step=9, early=90, late=110)
        >>> {size: round(time, 2) for size, time in relative_times(clear, {25: 0.0125, 100: 0.02, 400: 0.05}).items()}
        {25: 1.56, 100: 1.0, 400: 1.56}
    """
    scale = point_of(noise)
    if scale is None or not seconds_per_step:
        return {}
    times = {size: predicted_time(scale, batch_size=size, seconds_per_step=seconds) for size, seconds in seconds_per_step.items()}
    return {size: time / min(times.values()) for size, time in times.items()}


def point_of(noise: NoiseScale | None) -> float | None:
    """The noise scale to reckon with: its value, the ratio of the means where that is not clear of infinity, the interval's lower end where there is none."""
    if noise is None or noise.n_samples == 0:
        return None
    if noise.value is not None:
        return noise.value
    if noise.trace is not None and noise.square is not None and noise.square > 0:
        return noise.trace / noise.square
    return noise.interval[0] if noise.interval[0] > 0 else None


def fastest_of(sizes: Sequence[int], times: Mapping[int, float], *, base: int) -> int:
    """The base where it is as fast as any of these, else the smallest that is.

    Example:
        >>> fastest_of([64, 128, 256], {64: 1.4, 128: 1.1, 256: 1.0}, base=64), fastest_of([64, 128], {64: 1.1, 128: 1.0}, base=64)
        (128, 64)
    """
    known = [size for size in sizes if size in times]
    if not known:
        return base if base in sizes else min(sizes)
    best = min(times[size] for size in known)
    near = [size for size in known if times[size] <= (1 + WORTH) * best]
    return base if base in near else min(near)


def knee_of(seconds_per_step: Mapping[int, float]) -> int:
    """The smallest size with four fifths of the largest throughput.

    Raises:
        CurveError: Seconds that are none.

    Example:
        >>> knee_of({32: 0.010, 64: 0.011, 128: 0.014, 256: 0.027})
        128
    """
    if any(not seconds > 0 for seconds in seconds_per_step.values()):
        raise CurveError(f"Seconds of an update must be > 0 at every batch size, got {dict(seconds_per_step)}. Measure the time model again.")
    rates = {size: size / seconds for size, seconds in seconds_per_step.items()}
    return min(size for size, rate in rates.items() if rate >= KNEE_SHARE * max(rates.values()))


def lr_exponent(noise: NoiseScale | None, *, base: int, other: int, optimizer_name: str) -> tuple[float, tuple[float, float]]:
    """The power of the batch size by which the learning rate grows between two sizes, and the powers that the noise scale's interval allows.

    The best rate of SGD goes like 1 / (1 + noise scale / batch size), that of Adam kinds like its square root.

    Source: McCandlish et al. 2018, arXiv:1812.06162, section 2.2; for Adam kinds Malladi et al. 2022, arXiv:2205.10287.

    Example:
        >>> lr_exponent(None, base=64, other=128, optimizer_name="sgd")
        (0.5, (0.25, 0.75))
    """
    scale = point_of(noise)
    if noise is None or scale is None:
        return LR_EXPONENT, ASSUMED_INTERVAL
    low, high = (_power(end, base=base, other=other, optimizer_name=optimizer_name) for end in noise.interval)
    return _power(scale, base=base, other=other, optimizer_name=optimizer_name), (low, high)


def _power(noise_scale: float, *, base: int, other: int, optimizer_name: str) -> float:
    power = 1.0 if math.isinf(noise_scale) else math.log((1 + noise_scale / base) / (1 + noise_scale / other)) / math.log(other / base)
    return round(power / 2 if is_adam_kind(optimizer_name) else power, 3)


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


def _as_good(experiment: Experiment, judged: Judged, sizes: Sequence[BatchSizeValue], *, times: Mapping[int, float]) -> list[int]:
    """The contenders whose runs end as well as the best in the same time; on one seed: whose loss is not clearly worse, or that are predicted, not run."""
    contenders = () if experiment.times is None else experiment.times.contenders
    allowed = [size for size in sizes if not contenders or size.batch_size in contenders]
    if judged.comparison.is_noise_known:
        as_good = {int(value.value) for value in judged.as_good}
        return [size.batch_size for size in allowed if size.batch_size in as_good]
    finished = [size for size in sizes if math.isfinite(size.loss)]
    if not finished:
        return []
    least, learnt = _learnt(experiment, finished)
    near = {size.batch_size for size in finished if size.ends.get("loss", math.inf) <= least + CLEARLY_WORSE * learnt}
    return [size.batch_size for size in allowed if size.batch_size in near or (not size.losses and size.batch_size in times)]


def _learnt(experiment: Experiment, finished: Sequence[BatchSizeValue]) -> tuple[float, float]:
    """The smallest loss that runs at a batch size ended with, and how far that is below where training began."""
    least = min((size.ends["loss"] for size in finished if "loss" in size.ends), default=math.inf)
    first = [loss for arm in _with_sizes(experiment) for loss in arm.run.curve.train_loss[:START_UPDATES] if math.isfinite(loss)]
    return least, max(0.0, median(first) - least) if first and math.isfinite(least) else 0.0


def _outcome(sizes: Sequence[BatchSizeValue], times: Mapping[int, float], *, good: Sequence[int], suggestion: int, base: int) -> tuple[str, str]:
    """What was found, and why in a sentence."""
    ran = [size for size in sizes if size.losses]
    if not any(math.isfinite(size.loss) for size in ran):
        return CANNOT_TELL, "No run finished."
    if not times and len(ran) < 2:  # noqa: PLR2004 (nothing beside it)
        return CANNOT_TELL, "No other batch size was run, and the gradients' noise scale was not measured, or is not clear."
    if not times:
        return FOUND, f"Of {len(ran)} sizes in runs of the same time."
    slowest = max(times, key=times.__getitem__)
    if times[slowest] <= 1 + WORTH and suggestion == base:
        return DOES_NOT_MATTER, f"From {min(times)} to {max(times)} every size is predicted to reach a target within {WORTH:.0%} of the fastest."
    told = _time_text(times, suggestion=suggestion, base=base)
    lost = [size.batch_size for size in ran if size.batch_size not in good and (size.batch_size == base or times.get(size.batch_size, 0.0) < times[suggestion])]
    return FOUND, told + (f"; {' and '.join(map(str, lost))} ended worse in the same time." if lost else ".")


def _time_text(times: Mapping[int, float], *, suggestion: int, base: int) -> str:
    """How soon the suggestion is predicted to be there, as the beginning of a sentence."""
    fastest = min(times, key=times.__getitem__)
    own = times[suggestion]
    if suggestion == fastest:
        told = f"Batch size {suggestion} is predicted to reach a target soonest"
    elif own <= 1 + WORTH:
        kept = "the first size stays where it is" if suggestion == base else "it is the smallest"
        told = f"Batch size {suggestion} is predicted to take {own:.2f} times as long to a target as {fastest}, and {kept} within {WORTH:.0%} of the fastest"
    else:
        told = f"Batch size {suggestion} is predicted to take {own:.2f} times as long to a target as {fastest}"
    return told if suggestion == base or base not in times else f"{told}; {base} is predicted to take {times[base]:.2f} times as long as the fastest"


def _rise_text(times: SizeTimes | None, *, suggestion: int) -> str:
    """What the next larger size would cost in loss, where that is clear; a target that the epochs do not reach is not reached soon."""
    rises = {} if times is None else times.rises
    if suggestion not in rises or suggestion * 2 not in rises:
        return ""
    more = (1 + rises[suggestion * 2]) / (1 + rises[suggestion]) - 1
    return f" In the same epochs {suggestion * 2} is predicted to end with {more:.0%} more loss." if more >= _WORTH_SAYING else ""


def _choice(judged: Judged, sizes: Sequence[BatchSizeValue], *, suggestion: int, why: str, times: Mapping[int, float], metrics: Mapping[str, bool]) -> Finding:
    near = [size for size, time in times.items() if time <= (1 + WORTH) * times[suggestion]] if suggestion in times else [suggestion]
    compared = f" {judged.evidence}" if len(judged.values) > 1 else " No other size was run beside it."
    ranked = _rankings(sizes, metrics)
    costs = [
        f"{size} would take {times[size] / times[suggestion]:.2f} times as long"
        for size in (suggestion // 2, suggestion * 2)
        if size in times and suggestion in times
    ]
    return Finding(
        kind="batch_size", value=float(suggestion), interval=(float(min(near)), float(max(near))) if times else None,
        confidence=MOST_CONFIDENCE if len(judged.values) > 1 and times else 0.5, evidence=f"{why}{compared}{ranked}",
        not_established="How it generalises in a full training: short runs favour small batches, and a noise scale knows nothing of overfitting.",
        action=f"Use batch size {suggestion}" + (f": to the same loss {' and '.join(costs)}." if costs else "."),
    )  # fmt: skip


def _rankings(sizes: Sequence[BatchSizeValue], metrics: Mapping[str, bool]) -> str:
    """How the sizes rank by the loss and by each metric; they may disagree (METHOD, section 2.4)."""
    ran = [size for size in sizes if size.ends]
    if len(ran) < 2 or not metrics:  # noqa: PLR2004 (nothing to rank)
        return ""
    orders = {"loss": _order(ran, "loss", is_higher_better=False)} | {name: _order(ran, name, is_higher_better=higher) for name, higher in metrics.items()}
    told = "; ".join(f"by {name} {', '.join(map(str, order))}" for name, order in orders.items() if order)
    return f" Best first, {told}{'' if len(set(map(tuple, orders.values()))) == 1 else ': they disagree, and the goal decides'}."


def _order(sizes: Sequence[BatchSizeValue], name: str, *, is_higher_better: bool) -> list[int]:
    sign = -1 if is_higher_better else 1
    return [size.batch_size for size in sorted((size for size in sizes if name in size.ends), key=lambda size: sign * size.ends[name])]


def _noise_finding(noise: NoiseScale) -> Finding:
    steps = "" if noise.first_step is None else f" after {noise.first_step} to {noise.last_step} updates"
    grew = f", {noise.early:.3g} in the first half and {noise.late:.3g} in the second" if noise.early is not None and noise.late is not None else ""
    point = point_of(noise)
    reckoned = "" if point is None else f" Reckoned with: {point:.3g}."
    unclear = "" if noise.value is not None else f" The mean gradient cannot be told from zero: the noise scale is at least {noise.interval[0]:.3g}.{reckoned}"
    return Finding(
        kind="noise_scale", value=None if noise.value is None else float(f"{noise.value:.3g}"),
        interval=(float(f"{noise.interval[0]:.3g}"), float(f"{noise.interval[1]:.3g}")) if math.isfinite(noise.interval[1]) else None,
        confidence=MOST_CONFIDENCE if noise.value is not None else 0.5,
        evidence=f"{noise.n_samples} samples of gradients{steps}{grew}.{unclear}", not_established=NOT_ESTABLISHED,
    )  # fmt: skip


def _exponent_finding(noise: NoiseScale | None, exponent: float, allowed: tuple[float, float]) -> Finding:
    is_measured = point_of(noise) is not None
    return Finding(
        kind="lr_exponent", value=exponent, interval=allowed, confidence=0.6 if is_measured else 0.3,
        evidence="From the noise scale: the best learning rate goes like 1 / (1 + noise scale / batch size), its square root for Adam kinds."
        if is_measured else "Assumed: between the .44 and .63 that the report has on two data sets.",
        not_established="That the learning rate should not be tuned again at another batch size.",
    )  # fmt: skip


def _throughput(seconds: Mapping[int, float], *, knee: int, loading: Mapping[int, float]) -> Finding:
    """How many examples a second each size trains on, and whether the loader sets the pace."""
    rates = ", ".join(f"{size}: {size / found:,.0f}" if size > 100 * found else f"{size}: {size / found:.3g}" for size, found in sorted(seconds.items()))
    waits = {size: loading[size] / found for size, found in seconds.items() if size in loading}
    bound = bool(waits) and min(waits.values()) > LOADER_BOUND
    action = "Make the data faster (num_workers=, a smaller or decoded copy, tensors in memory): no batch size will." if bound else ""
    waiting = f" Waiting for data takes {min(waits.values()):.0%} of an update and more: the loader sets the pace." if bound else ""
    return Finding(
        kind="loader_bound" if bound else "throughput", value=float(knee), confidence=MOST_CONFIDENCE,
        evidence=f"Examples a second at each batch size: {rates}. From {knee} on throughput is within a fifth of the best.{waiting}",
        not_established="What another machine, or this one when it is busy, would do: --time-model takes another's.", action=action,
    )  # fmt: skip


def _seconds_by_runs(judged: Judged, experiment: Experiment) -> dict[int, float]:
    """Relative seconds a step where no time model was stored: runs of one time made the fewer updates, the longer one took."""
    steps = {int(value.value): next(arm.run.spec.total_steps for arm in experiment.arms if arm.label == value.label) for value in judged.values}
    return {size: max(steps.values()) / count for size, count in steps.items()}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
