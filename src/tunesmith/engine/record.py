"""What a run does, taken down row by row while it does it; and whether the run is lost by now."""

import math

import torch
from torch import Tensor

from tunesmith.cost import Cost
from tunesmith.curve import Curve, GradientSample, RunOutcome
from tunesmith.engine.stop import DivergenceWatch
from tunesmith.thresholds import Thresholds

_READ_EVERY_UPDATES = {"cpu": 1}
_READ_EVERY_ON_ACCELERATOR = 16
"""A loss on an accelerator is read when this many wait, since each reading makes it stop (our choice). So a lost run may go on for 15 updates."""
_MOST_SKIPPED_IN_A_ROW = 50
"""A gradient scaler that has halved its scale this often has met no overflow, but NaN (our choice; 2^-50 of the usual scale is far below any loss)."""


class Record:
    """Rows of a curve in the making. The outcome is FINISHED, and the run not lost, for as long as nothing has gone wrong.

    Args:
        thresholds: When a run counts as diverged.
        stops_when_diverged: Whether that is an outcome; a loss that is not finite always is.
        batch_size: Examples that each update costs.
        device: Where losses come from.
    """

    def __init__(self, *, thresholds: Thresholds, stops_when_diverged: bool, batch_size: int, device: torch.device) -> None:
        self.updates = 0
        self.outcome = RunOutcome.FINISHED
        self.is_lost = False
        self._watch = DivergenceWatch(thresholds)
        self._stops_when_diverged = stops_when_diverged
        self._read_every = _READ_EVERY_UPDATES.get(device.type, _READ_EVERY_ON_ACCELERATOR)
        self._batch_size = batch_size
        self._skipped = 0
        self._skipped_in_a_row = 0
        self._evaluated_examples = 0
        self._unread: list[Tensor] = []
        self._lr: list[float] = []
        self._momentum: list[float] = []
        self._train_loss: list[float] = []
        self._eval_step: list[int] = []
        self._evaluated: dict[str, list[float]] = {"loss": []}
        self._test: dict[str, float] = {}
        self._gradients: list[GradientSample] = []

    def add_update(self, *, lr: float, momentum: float, loss: Tensor) -> None:
        """Take down an applied update, and the loss of its batch before it."""
        self.updates += 1
        self._skipped_in_a_row = 0
        self._lr.append(lr)
        self._momentum.append(momentum)
        if self._read_every == 1:
            self._take(loss.item())
            return
        self._unread.append(loss.detach())
        if len(self._unread) >= self._read_every:
            self.read_losses()

    def add_skipped(self) -> None:
        """Take down that an update was not applied: it cost something, and makes no row."""
        self._skipped += 1
        self._skipped_in_a_row += 1
        if self._skipped_in_a_row > _MOST_SKIPPED_IN_A_ROW:
            self._lose(RunOutcome.NOT_FINITE)

    def add_evaluation(self, values: dict[str, float], *, examples: int) -> None:
        """Take down an evaluation after the updates so far."""
        self._evaluated_examples += examples
        self._eval_step.append(self.updates)
        for name, value in values.items():
            self._evaluated.setdefault(name, []).append(value)

    def add_test(self, values: dict[str, float], *, examples: int) -> None:
        """Take down the values on the test set."""
        self._evaluated_examples += examples
        self._test = values

    def add_gradients(self, samples: list[GradientSample]) -> None:
        """Take down gradients that were taken at the weights of this moment and led to no update."""
        self._gradients.extend(samples)

    def read_losses(self) -> RunOutcome:
        """Fetch and judge the losses that wait on the device; the outcome so far."""
        if self._unread:
            for loss in torch.stack(self._unread).tolist():  # sync
                self._take(loss)
            self._unread.clear()
        return self.outcome

    @property
    def spent_examples(self) -> float:
        """Examples spent so far, forward and backward counting 1."""
        return self._cost(seconds=0.0).full_trainings(full_training_examples=1)

    def curve(self, *, seconds: float) -> Curve:
        """All of it."""
        self.read_losses()
        return Curve(
            lr=tuple(self._lr),
            momentum=tuple(self._momentum),
            train_loss=tuple(self._train_loss),
            eval_step=tuple(self._eval_step),
            valid_loss=tuple(self._evaluated["loss"]),
            metrics={name: tuple(values) for name, values in self._evaluated.items() if name != "loss"},
            test=self._test,
            outcome=self.outcome,
            cost=self._cost(seconds=seconds),
            gradients=tuple(self._gradients),
        )

    def _take(self, loss: float) -> None:
        self._train_loss.append(loss)
        if self.is_lost:
            return
        if not math.isfinite(loss):
            self._lose(RunOutcome.NOT_FINITE)
        elif self._watch.has_diverged(loss) and self._stops_when_diverged:
            self._lose(RunOutcome.DIVERGED)

    def _lose(self, outcome: RunOutcome) -> None:
        if not self.is_lost:
            self.outcome, self.is_lost = outcome, True

    def _cost(self, *, seconds: float) -> Cost:
        trained_examples = (self.updates + self._skipped) * self._batch_size + sum(sample.examples for sample in self._gradients)
        return Cost(trained_examples=trained_examples, evaluated_examples=self._evaluated_examples, seconds=seconds)
