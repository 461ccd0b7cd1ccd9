"""A stand-in until the reading is there."""

from tunesmith.curve import Curve
from tunesmith.finding import Finding
from tunesmith.log import TrainingLog
from tunesmith.reading.clues import old
from tunesmith.thresholds import DEFAULT_THRESHOLDS, Thresholds


def read_clues(run: Curve | TrainingLog, *, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> tuple[Finding, ...]:
    """What the shape of a run says, most important first; at least one finding."""
    if isinstance(run, TrainingLog):
        steps = tuple(int(step) for step in run.valid_loss.step)
        n = max(steps, default=1)
        run = Curve(
            lr=(0.1,) * n, momentum=(0.9,) * n, train_loss=tuple(2 - i / n for i in range(n)), eval_step=steps, valid_loss=tuple(run.valid_loss.value.tolist())
        )
    return old.read_clues(run, thresholds=thresholds)
