"""A log as the clues read it: both losses as lines, the metrics, and how far the learning rate has come."""

from dataclasses import dataclass

import numpy as np

from tunesmith.curve import RunOutcome
from tunesmith.log import NOTHING, Series, StepUnit, TrainingLog, direction_of
from tunesmith.reading.clues.line import FEWEST_POINTS, Floats, Line, line_of
from tunesmith.reading.smoothing import LARGEST

_CONSTANT = 1.05
_ANNEALED, _HIGH = 0.15, 0.3
"""A learning rate below the one share of its peak is annealed, above the other it is not (our choice: the author's cycles end at a tenth or below)."""
_NEARLY, _FEWEST_EVALUATIONS = 0.97, 3
_BEGINNING, _LITTLE_FALL = 0.02, 0.1
_TINY = 1e-300


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

    def share_of_start(self, share: float) -> float:
        """That share of the first loss; 0 where zero is no floor, for then shares say nothing."""
        return share * self.start if self.is_positive else 0.0

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
        """Whether the log goes back to the beginning: its first point lies there, or the second is not much lower."""
        line = self.train if self.train is not None and self.is_loss else self.main
        if line.n < FEWEST_POINTS:
            return False
        return bool(line.step[0] <= _BEGINNING * line.step[-1] or line.smoothed[0] - line.smoothed[1] <= _LITTLE_FALL * (line.smoothed[0] - line.best))

    @property
    def is_positive(self) -> bool:
        """Whether zero is a floor of the loss."""
        return self.is_loss and all(line.is_positive for line in (self.train, self.valid) if line is not None)

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
        share = float(self.lr.value[-1] / self.lr.value.max())
        return None if _ANNEALED < share < _HIGH else share <= _ANNEALED

    def progress(self, line: Line) -> Floats:
        """Share of the run's whole way that was behind at each point of a line: of the summed learning rate where it is known, else of the steps."""
        way = line.step
        if not self.lr_is_constant:
            rates = np.maximum(self.lr.value, 0.0)
            passed = np.concatenate([[0.0], np.cumsum((rates[1:] + rates[:-1]) / 2 * np.diff(self.lr.step))])
            summed = np.interp(line.step, self.lr.step, passed + rates[0] * self.lr.step[0])
            way = summed if summed[-1] > 0 else way
        return np.asarray(way / max(float(way[-1]), _TINY))


def story_of(log: TrainingLog, *, outcome: RunOutcome = RunOutcome.FINISHED) -> Story | None:
    """The story of a log; None where it has neither a loss nor a metric whose direction is known."""
    train, valid = line_of(log.train_loss), line_of(log.valid_loss)
    metric, metric_name = _metric(log)
    is_loss = train is not None or valid is not None
    if not is_loss:
        valid = metric
    if valid is not None and valid.n < _FEWEST_EVALUATIONS and train is not None and train.n > valid.n:
        valid = None  # one or two evaluations show no shape: what there is to read is the training loss
    main = valid or train
    if main is None:
        return None
    lr = log.lr
    known = np.abs(lr.value) < LARGEST  # NaN compares false
    lr = Series(step=lr.step[known], value=lr.value[known]) if known.any() and np.max(lr.value[known]) > 0 else NOTHING
    return Story(log=log, train=train, valid=valid, main=main, metric=metric, metric_name=metric_name, is_loss=is_loss, lr=lr, outcome=outcome)


def _metric(log: TrainingLog) -> tuple[Line | None, str]:
    """The first metric of which more is better, else the first of which less is; without words for a loss."""
    for wanted in (True, False):
        for name, series in log.valid_metrics.items():
            if direction_of(name) is wanted and "loss" not in name.lower():
                line = line_of(series, sign=-1.0 if wanted else 1.0)
                if line is not None:
                    return line, name
    return None, ""
