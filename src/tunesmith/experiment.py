"""What a probe did and what was read from it. Records only."""

import math
from dataclasses import dataclass, field
from typing import Any, Self

from tunesmith.curve import Run
from tunesmith.errors import InputError
from tunesmith.finding import Finding
from tunesmith.settings import Json


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One run of a probe and what sets it apart.

    Attributes:
        label: A few words for tables and figures, such as "momentum .95".
        value: The knob's value that sets it apart; None where no number does.
        run: The run.
    """

    label: str
    value: float | None
    run: Run

    @property
    def title(self) -> str:
        """The label with the seed, which some labels name already."""
        seed = f"seed {self.run.spec.seed}"
        return self.label if seed in self.label else f"{self.label}, {seed}"


@dataclass(frozen=True, kw_only=True)
class SizeTimes:
    """What batch sizes are compared by, besides their runs.

    Attributes:
        seconds_per_step: Batch size → modelled seconds of an update.
        loading_seconds: Batch size → seconds of it spent waiting for data; empty where that was not measured.
        contenders: Sizes that may be chosen; all of `seconds_per_step` where it is empty.
        slope: By how much the logarithm of the loss falls with the last doubling of a full training's length; 0 where that is not known.
        n_train: Training examples.
    """

    seconds_per_step: dict[int, float]
    loading_seconds: dict[int, float] = field(default_factory=dict)
    contenders: tuple[int, ...] = ()
    slope: float = 0.0
    n_train: int

    def __post_init__(self) -> None:
        if not all(size >= 1 and 0 < seconds < math.inf for size, seconds in self.seconds_per_step.items()) or not 0 <= self.slope < math.inf:
            raise InputError(
                f"SizeTimes must have batch sizes ≥ 1 with finite seconds > 0, and a finite slope ≥ 0, got {self.seconds_per_step} and {self.slope}. "
                "Measure the time model again."
            )

    def to_dict(self) -> dict[str, Json]:
        """A JSON object that `from_dict` turns back into an equal record."""
        return {
            "seconds_per_step": {str(size): seconds for size, seconds in self.seconds_per_step.items()},
            "loading_seconds": {str(size): seconds for size, seconds in self.loading_seconds.items()},
            "contenders": list(self.contenders),
            "slope": self.slope,
            "n_train": self.n_train,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The record that `to_dict` was called on."""
        seconds, loading = ({int(size): float(found) for size, found in data[name].items()} for name in ("seconds_per_step", "loading_seconds"))
        contenders = tuple(map(int, data["contenders"]))
        return cls(seconds_per_step=seconds, loading_seconds=loading, contenders=contenders, slope=float(data["slope"]), n_train=int(data["n_train"]))


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A probe's runs, in the order in which they were made.

    Attributes:
        probe: Name of the probe: "bracket", "lr_range", "lr_range_under", "capacity", "batch_size", "peak_lr", "min_lr", "momentum",
            "momentum_cycle", "weight_decay", "ladder", "confirm", "current" or "current_quarter".
        arms: The runs.
        findings: What was read from them; empty straight from a probe, which judges nothing.
        verdict: What the recipe decided because of it, in a sentence; empty straight from a probe.
        times: What "batch_size" compares by; None for other probes.
    """

    probe: str
    arms: tuple[Arm, ...]
    findings: tuple[Finding, ...] = ()
    verdict: str = ""
    times: SizeTimes | None = None


def experiment_to_dict(experiment: Experiment) -> dict[str, Json]:
    """A JSON object with run keys in the place of runs; `experiment_from_dict` needs the runs again."""
    times: dict[str, Json] = {} if experiment.times is None else {"times": experiment.times.to_dict()}
    return times | {
        "probe": experiment.probe,
        "arms": [{"label": arm.label, "value": arm.value, "key": arm.run.spec.key} for arm in experiment.arms],
        "findings": [finding.to_dict() for finding in experiment.findings],
        "verdict": experiment.verdict,
    }


def experiment_from_dict(data: dict[str, Any], *, runs: dict[str, Run]) -> Experiment:
    """The record that `experiment_to_dict` was called on, given its runs by key."""
    return Experiment(
        probe=data["probe"],
        arms=tuple(Arm(label=arm["label"], value=arm["value"], run=runs[arm["key"]]) for arm in data["arms"]),
        findings=tuple(Finding.from_dict(finding) for finding in data["findings"]),
        verdict=data["verdict"],
        times=SizeTimes.from_dict(data["times"]) if "times" in data else None,
    )
