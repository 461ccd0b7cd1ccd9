"""What a reading concludes from curves. Records only."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Self

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
        """A JSON object, without NaN and infinities: a value that is not finite becomes null, and so does an open end of an interval."""
        data = dataclasses.asdict(self)
        data["value"] = _or_null(self.value)
        data["interval"] = None if self.interval is None else [_or_null(end) for end in self.interval]
        return data

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The record that `to_dict` was called on; where an interval ends in null (or NaN, TOML's word for it), it is open.

        Example:
            >>> finding = Finding(kind="edge", interval=(0.5, math.inf), confidence=0.8, evidence="One sweep.", not_established="Other lengths.")
            >>> finding.to_dict()["interval"], Finding.from_dict(finding.to_dict()).interval
            ([0.5, None], (0.5, inf))
        """
        fields = dict(data)
        interval = fields.get("interval")
        fields["interval"] = None if interval is None else (_end(interval[0], -math.inf), _end(interval[1], math.inf))
        return cls(**fields)


def _or_null(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _end(stored: float | None, where_open: float) -> float:
    return where_open if stored is None or math.isnan(stored) else float(stored)
