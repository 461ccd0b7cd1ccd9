"""What rescaling gives, as records."""

import dataclasses
from dataclasses import dataclass
from enum import StrEnum

from tunesmith.finding import Finding
from tunesmith.plan import Plan
from tunesmith.settings import Json


class RescaleOutcome(StrEnum):
    """How far a rescaled plan can be trusted."""

    UNCHANGED = "unchanged"
    CARRIED_OVER = "carried_over"
    RANGE_TEST_FIRST = "range_test_first"
    TUNE_AGAIN = "tune_again"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One knob before and after.

    Attributes:
        before, after: Its values; None for a `micro_batch_size` that is the whole batch.
        interval: What the exponent of the learning rate leaves open of `after`; None for a knob that does not depend on it.
    """

    before: float | None
    after: float | None
    interval: tuple[float, float] | None = None

    def to_dict(self) -> dict[str, Json]:
        """A JSON object."""
        return {"before": self.before, "after": self.after, "interval": None if self.interval is None else list(self.interval)}


@dataclass(frozen=True, kw_only=True)
class Split:
    """How the examples of one update are spread: micro-batch x accumulation x devices, the last micro-batch smaller where that does not go up.

    Attributes:
        devices: Devices that train together.
        per_device: Examples of one update on each.
        micro_batch_size: Examples that go through the network at once; BatchNorm's statistics come from these.
        accumulation: Micro-batches of one update on each device.
    """

    devices: int
    per_device: int
    micro_batch_size: int
    accumulation: int

    def to_dict(self) -> dict[str, Json]:
        """A JSON object."""
        return dict(dataclasses.asdict(self))


@dataclass(frozen=True, kw_only=True)
class Rescaled:
    """A plan at another total batch size, by rule.

    Attributes:
        outcome: How far it can be trusted.
        plan: The new plan: not confirmed; its outcome and its cost are the study's. It carries `findings` and `advice`, and what rescaling it again needs.
        changes: Knob → before and after, in the order of a table.
        split: How an update is spread over devices.
        findings: One for each knob, and how long a training takes to the same loss.
        advice: What to do, the probe to repeat first.
    """

    outcome: RescaleOutcome
    plan: Plan
    changes: dict[str, Change]
    split: Split
    findings: tuple[Finding, ...]
    advice: tuple[str, ...]

    def to_dict(self) -> dict[str, Json]:
        """The JSON document of `tunesmith rescale --format json` (docs/command-line.md), less its version."""
        return {
            "outcome": str(self.outcome),
            "plan": self.plan.knobs_dict(),
            "changes": {name: change.to_dict() for name, change in self.changes.items()},
            "split": self.split.to_dict(),
            "findings": [finding.to_dict() for finding in self.findings],
            "advice": list(self.advice),
        }
