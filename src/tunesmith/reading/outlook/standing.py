"""Where a training stands at the end of its log: its level, its noise, its gap, and how much annealing it still has before it. One log, no judgement."""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from tunesmith.log import NOTHING, Floats, Series, StepUnit, TrainingLog, direction_of
from tunesmith.reading.smoothing import LARGEST, noise_of
from tunesmith.thresholds import DEFAULT_THRESHOLDS, Thresholds

FEWEST = 3
"""Values that a curve must have before its place is worth a comparison (our choice)."""
ANNEALED = 0.06
"""A learning rate at or below this share of its peak is annealed (our choice; the last row of the author's triangles has .053, that of his steps .01)."""
NO_LR = 0.5
"""Heat of a log that says neither its learning rate nor its length: between annealed and at its peak (our choice)."""
_COMPLETE = 0.99
_BINS = 30
_FEWEST_FOR_NOISE = 10
_LAST_HOT, _LAST_ANNEALED = 0.1, 0.05
_FEWEST_RATES = 2
"""One learning rate is no schedule."""


class Measure(StrEnum):
    """What of a log is compared, in words."""

    NOTHING = "nothing of the kind"
    VALIDATION_LOSS = "validation loss"
    TRAINING_LOSS = "training loss"
    METRIC = "validation metric"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What the last part of a log shows. Lower is better: a metric of which more is better is turned over.

    Attributes:
        n: Finite values of what is compared.
        measure: What is compared; NOTHING where the log has nothing of it.
        metric: Name of the metric that is compared; empty for a loss.
        level: Where it stands now.
        drop: From its start to its best; 0 or more.
        first: The loss that it began with, where zero is the floor of a loss; NaN of a metric, and of a loss that falls to zero or below.
        heat: Annealing still to come: learning rate now as a share of its peak, 1 while it has not fallen; 0 once the training is complete.
        noise: Standard deviation of one value, as the scatter of neighbours tells it; it says nothing of other seeds.
        level_noise: Standard deviation of `level`, from the last third alone.
        gap: Validation minus training loss now; 0 where the log does not tell.
        roughness: Largest rise above the lowest before it.
        heat_is_known: Whether learning rates or the length say so; else `heat` is `NO_LR`.
        is_complete: Whether the log says how long the training was meant to be, and it was that long.
        is_lost: Whether it diverged: what it ends with is not finite, or far above its start.
    """

    n: int
    measure: Measure
    level: float
    drop: float
    heat: float
    metric: str = ""
    first: float = math.nan
    noise: float = 0.0
    level_noise: float = 0.0
    gap: float = 0.0
    roughness: float = 0.0
    heat_is_known: bool = True
    is_complete: bool = False
    is_lost: bool = False

    @property
    def compared(self) -> str:
        """What is compared, in words."""
        return f"validation {self.metric}" if self.metric else str(self.measure)

    @property
    def is_annealed(self) -> bool:
        """Whether the learning rate is known to have come down."""
        return self.heat_is_known and self.heat <= ANNEALED


def standing_of(log: TrainingLog, *, goal: str = "loss", by_training: bool = False, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> Standing:
    """Read the end of a log.

    Args:
        log: As any tool wrote it.
        goal: "loss", or the name of a validation metric that says whether more is better.
        by_training: Read the training loss in place of the validation loss.
        thresholds: `diverged_rise` says from where on a loss is lost.

    Example:
        >>> from tunesmith.log import Series, StepUnit, TrainingLog
        >>> falling = Series.of(range(1, 6), (2.0, 1.0, 0.7, 0.6, 0.5))
        >>> rates = Series.of(range(1, 6), (0.1, 0.5, 1.0, 0.6, 0.2))
        >>> standing = standing_of(TrainingLog(name="a", source="CSV", step_unit=StepUnit.EPOCH, lr=rates, valid_loss=falling))
        >>> standing.compared, standing.level, standing.heat
        ('validation loss', 0.6, 0.2)
    """
    measure, series = _compared(log, goal, by_training=by_training)
    metric = goal if measure is Measure.METRIC else ""
    values = sign_of(goal) * _finite(series)
    heat, is_known, is_complete = _heat(log)
    is_lost = _ends_badly(series) or _has_diverged(log, thresholds)
    if values.size == 0:
        return Standing(
            n=0, measure=measure, metric=metric, level=math.nan, drop=0.0, heat=heat, heat_is_known=is_known, is_complete=is_complete, is_lost=is_lost
        )
    last = values[-_last(values.size, is_annealed=is_known and heat <= ANNEALED) :]
    level, thinned = float(np.median(last)), _thinned(values)
    start = _start(log, values=values, is_loss=goal == "loss")
    return Standing(
        n=values.size,
        measure=measure,
        metric=metric,
        level=level,
        drop=max(0.0, max(start, level) - float(thinned.min())),
        first=start if goal == "loss" and values.min() > 0 else math.nan,
        heat=heat,
        noise=noise_of(values),
        level_noise=noise_of(values[-max(_FEWEST_FOR_NOISE, values.size // 3) :]) / math.sqrt(last.size),
        gap=_gap(log, level=level) if measure is Measure.VALIDATION_LOSS else 0.0,
        roughness=float((thinned - np.minimum.accumulate(thinned)).max()),
        heat_is_known=is_known,
        is_complete=is_complete,
        is_lost=is_lost,
    )


def sign_of(goal: str) -> float:
    """What turns the goal so that lower is better: -1 for a metric of which more is better."""
    return -1.0 if goal != "loss" and direction_of(goal) else 1.0


def can_be_read(log: TrainingLog, *, by_training: bool) -> bool:
    """Whether a log has enough of its validation loss, or of its training loss."""
    return _finite(log.train_loss if by_training else log.valid_loss).size >= FEWEST


def _compared(log: TrainingLog, goal: str, *, by_training: bool) -> tuple[Measure, Series]:
    if goal != "loss":
        measure, series = Measure.METRIC, log.valid_metrics.get(goal, NOTHING)
    else:
        measure, series = (Measure.TRAINING_LOSS, log.train_loss) if by_training else (Measure.VALIDATION_LOSS, log.valid_loss)
    return (measure, series) if len(series) else (Measure.NOTHING, NOTHING)


def _finite(series: Series) -> Floats:
    return series.value[np.abs(series.value) < LARGEST]  # NaN compares false


def _ends_badly(series: Series) -> bool:
    return len(series) > 0 and not abs(float(series.value[-1])) < LARGEST


def _has_diverged(log: TrainingLog, thresholds: Thresholds) -> bool:
    """Whether the training loss ends far above where it began: by `Thresholds.diverged_rise` times what it had gained, or its start if that is more.

    The engine stops a run by the same threshold, but at the update where its smoothed loss passes it, and measured from the best so far.
    """
    if len(log.train_loss) == 0:
        return False
    if _ends_badly(log.train_loss):
        return True
    values = _finite(log.train_loss)
    start, end = float(np.median(values[:FEWEST])), float(np.median(values[-5:]))
    return end > start + thresholds.diverged_rise * max(start - float(values.min()), abs(start))


def _last(n: int, *, is_annealed: bool) -> int:
    """How many values make the level: few once the rate is low, since the loss still falls there; several while it is high, since it is ragged there."""
    return max(1, round(_LAST_ANNEALED * n)) if is_annealed else min(n, max(FEWEST, round(_LAST_HOT * n)))


def _thinned(values: Floats) -> Floats:
    """Medians of about thirty stretches: rises of a long log are then no more a matter of noise than those of a short one."""
    if values.size < 2 * _BINS:
        return values
    return np.array([np.median(part) for part in np.array_split(values, _BINS)])


def _start(log: TrainingLog, *, values: Floats, is_loss: bool) -> float:
    """Where training began. Not the first validation loss alone: before the first update that of a network with BatchNorm may be anything."""
    training = _finite(log.train_loss)
    return float(training[0]) if is_loss and training.size else float(np.median(values[:FEWEST]))


def _gap(log: TrainingLog, *, level: float) -> float:
    training = _finite(log.train_loss)
    return level - float(np.median(training[-max(min(training.size, 5), round(_LAST_HOT * training.size)) :])) if training.size else 0.0


def _heat(log: TrainingLog) -> tuple[float, bool, bool]:
    """Heat, whether it is known, and whether the training is complete."""
    progress = _progress(log)
    if progress is not None and progress >= _COMPLETE:
        return 0.0, True, True
    rates = _finite(log.lr)
    if rates.size < _FEWEST_RATES or rates.max() <= 0:
        return (NO_LR, False, False) if progress is None else (1.0 - progress, True, False)
    return float(np.clip(rates[-1] / rates.max(), 0.0, 1.0)), True, False


def _progress(log: TrainingLog) -> float | None:
    """Share of the planned updates that the log covers."""
    if log.step_unit is not StepUnit.STEP or not log.total_steps:
        return None
    last = max((float(one.step[-1]) for one in (log.train_loss, log.valid_loss, log.lr) if len(one)), default=0.0)
    return min(1.0, last / log.total_steps)
