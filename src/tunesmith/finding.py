"""What a reading concludes from curves. Records only."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Self

from tunesmith.settings import Json

CONFIDENT = 0.8
"""From this confidence on a finding counts as confident (docs/command-line.md)."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One conclusion, with the evidence for it and what it does not establish.

    Attributes:
        kind: What was found, such as "edge", "overfitting", "momentum".
        since_step: Update at which it begins; None where it concerns a whole run or several.
        value: The number found, if there is one.
        interval: Values that the evidence cannot tell from `value`, low to high.
        confidence: 0 to 1; confident is ≥ .8.
        evidence: Which runs, steps and seeds, in a sentence.
        not_established: What the evidence does not show, in a sentence.
        action: What to do, in a sentence; empty for nothing.
    """

    kind: str
    since_step: int | None = None
    value: float | None = None
    interval: tuple[float, float] | None = None
    confidence: float
    evidence: str
    not_established: str
    action: str = ""

    @property
    def is_confident(self) -> bool:
        """Whether `confidence` is at least .8."""
        return self.confidence >= CONFIDENT

    def to_dict(self) -> dict[str, Json]:
        """A JSON object; a value that is not finite becomes null."""
        data = dataclasses.asdict(self)
        data["value"] = self.value if self.value is not None and math.isfinite(self.value) else None
        data["interval"] = None if self.interval is None else list(self.interval)
        return data

    @classmethod
    def from_dict(cls, data: dict) -> Self:
        """The record that `to_dict` was called on."""
        fields = dict(data)
        interval = fields.get("interval")
        fields["interval"] = None if interval is None else (float(interval[0]), float(interval[1]))
        return cls(**fields)
