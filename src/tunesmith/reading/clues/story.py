"""A log as the clues read it: both losses as lines, the metrics, and how far the learning rate has come."""

from dataclasses import dataclass

import numpy as np

from tunesmith.curve import RunOutcome
from tunesmith.log import NOTHING, Series, StepUnit, TrainingLog, direction_of
from tunesmith.reading.clues.line import FEWEST_POINTS, Floats, Line, line_of
from tunesmith.reading.smoothing import LARGEST

_CONSTANT = 1.05  # a learning rate that varies by less never changed (our choice)
_ANNEALED, _HIGH = 0.15, 0.3
"""A learning rate below the one share of its peak is annealed, above the other it is not (our choice: the author's cycles end at a tenth or below)."""
_NEARLY, _FEWEST_EVALUATIONS = 0.97, 3  # share of the planned steps that is all of them; evaluations that show a shape (our choice)
_BEGINNING, _LITTLE_FALL, _EVEN = 0.02, 0.1, 1.5
"""A log goes back to the beginning from this share of its steps on, or with this share of the gain between its first points, evenly apart (our choice)."""
_LARGEST_CROSS_ENTROPY = 12.0
"""The logarithm of 160,000 classes: a first loss beyond it that never halves has an offset (our choice)."""
_MANY_NOISES = 8.0  # standard deviations of a point that a gain beyond doubt exceeds (our choice)
_FAR = 0.1
"""A log that begins beyond this share of its length is counted from its first step: it was resumed, or its steps are times (our choice)."""
_LAST_RATES = 0.03  # share of the rows in which the learning rate must have come down (our choice)
_COMPARABLE = 4.0
"""Losses that differ by more than this factor all along their beginning are measured in different units (our choice)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Story:
    """What a log tells.

    Attributes:
        log: As it was read.
        train, valid: The losses; None where there is none. `valid` is a metric, turned so that lower is better, where the log has no loss at all.
        metric: The validation metric with a known direction, turned so that lower is better; None without.
        metric_name: Its name.
        is_loss: Whether `valid` is a loss.
        main: The line that decides: the validation loss, else the training loss.
        lr: The learning rate; empty where it is not known.
        outcome: How the loop that made the run says that it ended; FINISHED where nobody says.
        train_unit: What the training loss was multiplied with, where it is measured in another unit than the validation loss, so that both begin alike.
    """

    log: TrainingLog
    train: Line | None
    valid: Line | None
    main: Line
    metric: Line | None
    metric_name: str
    is_loss: bool
    lr: Series
    outcome: RunOutcome = RunOutcome.FINISHED
    train_unit: float = 1.0

    @property
    def unit(self) -> str:
        """What a step is, for sentences."""
        return {StepUnit.STEP: "step", StepUnit.EPOCH: "epoch", StepUnit.ROW: "row"}[self.log.step_unit]

    @property
    def name(self) -> str:
        """What decides, in words: the loss or a metric."""
        return "loss" if self.is_loss else self.metric_name

    def shown(self, value: float) -> float:
        """A value as the log has it: a metric of which more is better was turned."""
        return -value if not self.is_loss and direction_of(self.metric_name) else value

    def shown_train(self, value: float) -> float:
        """A training loss as the log has it."""
        return value / self.train_unit

    def share_of_start(self, share: float) -> float:
        """That share of the first loss; 0 where zero is no floor, for then shares say nothing."""
        return share * self.start if self.zero_is_floor else 0.0

    @property
    def last_step(self) -> float:
        """Where the run ends."""
        return max(line.step[-1] for line in (self.train, self.valid) if line is not None)

    @property
    def n_points(self) -> int:
        """Points of the line that decides."""
        return self.main.n

    @property
    def is_short(self) -> bool:
        """Whether there are too few points to tell noise from shape."""
        return self.n_points < FEWEST_POINTS

    @property
    def start(self) -> float:
        """The loss before anything was learnt, as far as the log goes back."""
        return self.main.start if self.train is None or not self.is_loss else self.train.start

    @property
    def start_is_known(self) -> bool:
        """Whether the log goes back to the beginning: its first point lies there, or is the first of even ones and the second is not much lower."""
        line = self.train if self.train is not None and self.is_loss else self.main
        if line.n < FEWEST_POINTS or line.origin:
            return False
        is_first = line.step[0] <= _EVEN * float(np.median(np.diff(line.step)))
        falls_little = line.smoothed[0] - line.smoothed[1] <= _LITTLE_FALL * (line.smoothed[0] - line.best)
        return bool(line.step[0] <= _BEGINNING * line.step[-1] or (is_first and falls_little))

    @property
    def zero_is_floor(self) -> bool:
        """Whether shares of the first loss mean something: no loss is below zero, and none is so high, having fallen so little, that it must have an offset."""
        lines = [line for line in (self.train, self.valid) if line is not None]
        if not self.is_loss or not all(line.is_positive for line in lines):
            return False
        return self.start <= _LARGEST_CROSS_ENTROPY or min(line.best for line in lines) <= self.start / 2

    @property
    def has_gained(self) -> bool:
        """Whether a loss fell by far more than its noise."""
        return any(line.drop > _MANY_NOISES * line.noise for line in (self.train, self.valid) if line is not None)

    @property
    def scale(self) -> float:
        """What was gained at most, of either loss: the yardstick of rises and falls."""
        lowest = min(line.best for line in (self.train, self.valid) if line is not None)
        return max(self.start - lowest, 0.0)

    def lr_at(self, step: float) -> float:
        """The learning rate at a step; NaN where it is not known."""
        return float(np.interp(step, self.lr.step, self.lr.value)) if len(self.lr) else float("nan")

    @property
    def lr_is_constant(self) -> bool:
        """Whether the learning rate, as far as it is known, never changed."""
        return not len(self.lr) or float(self.lr.value.max()) <= _CONSTANT * float(self.lr.value.min())

    @property
    def annealed(self) -> bool | None:
        """Whether the learning rate came down at the end; None where that is not known or between the two, and for a constant one."""
        planned = self.log.total_steps if self.log.step_unit is StepUnit.STEP else None
        if planned is not None and self.last_step < _NEARLY * planned:
            return False
        if self.lr_is_constant:
            return None
        last = max(2, round(_LAST_RATES * len(self.lr)))  # the last row of a warm restart has the next cycle's rate already
        share = float(self.lr.value[-last:].min() / self.lr.value.max())
        return None if _ANNEALED < share < _HIGH else share <= _ANNEALED

    def progress(self, line: Line) -> Floats:
        """Share of the run's whole way that was behind at each point of a line: of the summed learning rate where it is known, else of the steps."""
        way = line.step - line.origin
        if not self.lr_is_constant:
            rates = np.maximum(self.lr.value, 0.0)
            passed = np.concatenate([[0.0], np.cumsum((rates[1:] + rates[:-1]) / 2 * np.diff(self.lr.step))])
            summed = np.interp(line.step, self.lr.step, passed + rates[0] * max(0.0, float(self.lr.step[0]) - line.origin))
            way = summed if summed[-1] > 0 else way
        return np.asarray(way / way[-1] if way[-1] > 0 else np.ones_like(way))


def story_of(log: TrainingLog, *, outcome: RunOutcome = RunOutcome.FINISHED) -> Story | None:
    """The story of a log; None where it has neither a loss nor a metric whose direction is known."""
    origin = _origin(log)
    train, valid = line_of(log.train_loss, origin=origin), line_of(log.valid_loss, origin=origin)
    metric, metric_name = _metric(log, origin=origin)
    is_loss = train is not None or valid is not None
    if not is_loss:
        valid = metric
    if train is not None and valid is not None:
        train, valid = _worth_reading(train, valid)
    main = valid or train
    if main is None:
        return None
    train_unit = 1.0 if train is None or valid is None else _unit_of(train, valid)
    train = train if train is None or train_unit == 1.0 else train.times(train_unit)
    lr = log.lr
    known = np.abs(lr.value) < LARGEST  # NaN compares false
    lr = Series(step=lr.step[known], value=lr.value[known]) if known.any() and np.max(lr.value[known]) > 0 else NOTHING
    return Story(
        log=log, train=train, valid=valid, main=main, metric=metric, metric_name=metric_name, is_loss=is_loss, lr=lr, outcome=outcome, train_unit=train_unit
    )


def _metric(log: TrainingLog, *, origin: float) -> tuple[Line | None, str]:
    """The first metric of which more is better, else the first of which less is; without words for a loss."""
    for wanted in (True, False):
        for name, series in log.valid_metrics.items():
            if direction_of(name) is wanted and "loss" not in name.lower():
                line = line_of(series, sign=-1.0 if wanted else 1.0, origin=origin)
                if line is not None:
                    return line, name
    return None, ""


def _origin(log: TrainingLog) -> float:
    """The step that a run is counted from."""
    series = [one for one in (log.train_loss, log.valid_loss, *log.valid_metrics.values()) if len(one)]
    first, last = min((float(one.step[0]) for one in series), default=0.0), max((float(one.step[-1]) for one in series), default=0.0)
    return 0.0 if 0 <= first <= _FAR * last else first


def _worth_reading(train: Line, valid: Line) -> tuple[Line | None, Line | None]:
    """Both losses, but for one of a point or two beside another of many, which shows no shape."""
    if valid.n < _FEWEST_EVALUATIONS < train.n:
        return train, None
    return (None, valid) if train.n < _FEWEST_EVALUATIONS < valid.n else (train, valid)


def _unit_of(train: Line, valid: Line) -> float:
    """What to multiply the training loss with: 1 where both begin about as large, or are so somewhere in the first third."""
    if not (train.is_positive and valid.is_positive) or train.start <= 0 or 1 / _COMPARABLE <= valid.start / train.start <= _COMPARABLE:
        return 1.0
    early = valid.raw[: max(_FEWEST_EVALUATIONS, valid.n // 3)]
    beside = np.array([train.at(step) for step in valid.step[: early.size]])
    ratios = early[(beside > 0) & (early > 0)] / beside[(beside > 0) & (early > 0)]  # NaN compares false
    if not ratios.size or (np.maximum(ratios, 1 / ratios) <= _COMPARABLE).any():
        return 1.0
    return float(ratios[0])
