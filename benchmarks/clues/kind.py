"""What a truth task is: a kind says which verdicts are right and why, and makes the order for a run of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from benchmarks.clues.beds import Bed
from tunesmith.settings import RunSpec, Settings
from tunesmith.task import Task

VERDICTS = (
    "balanced", "underfitting", "overfitting", "early_overfitting_hump", "unstable", "diverged", "oscillating", "never_started", "unfinished", "plateaued",
    "weight_decay_high", "weight_decay_low", "metrics_disagree", "too_noisy",
)  # fmt: skip
"""What a reading may answer."""

HALVES = ("fit", "report", "fresh")
"""On "fit" thresholds may be set, of "report" figures are stated; "fresh" was made after these had been looked at, by somebody who did not know the reading."""

_LENGTHS = (400, 320, 360, 280)
_EVALUATIONS = (40, 20, 30, 50)


@dataclass(frozen=True, kw_only=True)
class Order:
    """One run to be made.

    Attributes:
        task: What to train.
        spec: How.
        since: Shares of the run between which the clue begins; None where the construction does not say.
    """

    task: Task
    spec: RunSpec
    since: tuple[float, float] | None = None


Maker: TypeAlias = Callable[[Bed, int], Order]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One way in which trainings go, with its right answers.

    Attributes:
        name: Of the maker.
        half: One of HALVES. Its beds belong to the same.
        accepted: Verdicts that are right, the best first.
        knobs: Knob → "raise" or "lower", where a direction is right.
        beds: On which it is made.
        make: (bed, seed) → order. Its docstring says why the verdicts are right.
    """

    name: str
    half: str
    accepted: tuple[str, ...]
    beds: tuple[Bed, ...]
    make: Maker
    knobs: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = set(self.accepted) - set(VERDICTS)
        if unknown or not self.accepted:
            raise ValueError(f"Kind.accepted of {self.name} must be verdicts, at least one, got {self.accepted!r}. See VERDICTS.")
        strangers = [bed.name for bed in self.beds if bed.half != self.half]
        if strangers:
            raise ValueError(f"Kind.beds of {self.name} must belong to the half {self.half!r}, got {strangers}. Move the kind or take other beds.")


def order(task: Task, settings: Settings, *, seed: int, steps_share: float = 1.0, since: tuple[float, float] | None = None) -> Order:
    """A run whose length and number of evaluations go with the seed, so that no reading can live on one of each."""
    total_steps, evaluations = round(steps_share * _LENGTHS[seed % 4]), _EVALUATIONS[seed % 4]
    spec = RunSpec(settings=settings, total_steps=total_steps, seed=seed, evaluations=min(evaluations, total_steps) - 1)
    return Order(task=task, spec=spec, since=since)
