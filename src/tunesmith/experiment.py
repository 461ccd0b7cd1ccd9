"""What a probe did and what was read from it. Records only."""

from dataclasses import dataclass
from typing import Any

from tunesmith.curve import Run
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
class Experiment:
    """A probe's runs, in the order in which they were made.

    Attributes:
        probe: Name of the probe: "bracket", "lr_range", "lr_range_under", "capacity", "batch_size", "peak_lr", "min_lr", "momentum",
            "momentum_cycle", "weight_decay", "ladder", "confirm", "current" or "current_quarter".
        arms: The runs.
        findings: What was read from them; empty straight from a probe, which judges nothing.
        verdict: What the recipe decided because of it, in a sentence; empty straight from a probe.
    """

    probe: str
    arms: tuple[Arm, ...]
    findings: tuple[Finding, ...] = ()
    verdict: str = ""


def experiment_to_dict(experiment: Experiment) -> dict[str, Json]:
    """A JSON object with run keys in the place of runs; `experiment_from_dict` needs the runs again."""
    return {
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
    )
