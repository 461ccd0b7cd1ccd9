"""One batch size and what is known of it. A record only."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import fmean

from tunesmith.settings import Json


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
            "seconds_per_step": finite(self.seconds_per_step),
            "examples_per_second": finite(self.examples_per_second),
            "predicted_time": self.predicted,
            "lr": self.lr,
            "total_steps": self.total_steps,
            "losses": [loss if math.isfinite(loss) else None for loss in self.losses],
            "ends": {name: value if math.isfinite(value) else None for name, value in self.ends.items()},
            "state": self.state,
        }


def finite(value: float) -> float | None:
    """The value, or None where JSON has no number for it."""
    return value if math.isfinite(value) else None
