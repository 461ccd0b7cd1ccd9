"""What is said of training curves: the clues of each, and which of several will end better. Records only."""

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from tunesmith.finding import Finding
from tunesmith.log import TrainingLog
from tunesmith.settings import Json


@dataclass(frozen=True, kw_only=True, eq=False)
class CurveDiagnosis:
    """One curve and what it shows.

    Attributes:
        log: The curve, raw.
        findings: At least one, what matters most first. Their kinds are those of `reading.clues.KINDS`.
    """

    log: TrainingLog
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> str:
        """The kind that matters most."""
        return self.findings[0].kind

    def to_dict(self) -> dict[str, Json]:
        """A JSON object that `from_dict` turns back."""
        return {"log": self.log.to_dict(), "findings": [finding.to_dict() for finding in self.findings]}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The record that `to_dict` was called on."""
        return cls(log=TrainingLog.from_dict(data["log"]), findings=tuple(Finding.from_dict(finding) for finding in data["findings"]))


class OutlookOutcome(StrEnum):
    """What a comparison of curves came to."""

    DECIDED = "decided"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, kw_only=True)
class PairOutlook:
    """Which of two curves will end better.

    Attributes:
        better, worse: Indices of the curves, the one thought better first.
        probability: That `better` ends better; .5 to 1.
        outcome: DECIDED where the evidence is enough to act on.
        evidence: From which part of the curves, in a sentence.
    """

    better: int
    worse: int
    probability: float
    outcome: OutlookOutcome
    evidence: str

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The record that a part of `Outlook.to_dict` was made of."""
        return cls(
            better=data["better"],
            worse=data["worse"],
            probability=data["probability"],
            outcome=OutlookOutcome(data["outcome"]),
            evidence=data["evidence"],
        )


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """Which of several curves will end better.

    Attributes:
        outcome: DECIDED where one is better than each of the others.
        best: Its index; None where that cannot be told yet.
        probability: That it ends better than all of the others; of the likeliest where none is decided; .5 to 1 for two curves.
        pairs: Every pair.
        evidence: What was compared, in a sentence.
        not_established: What that does not show, in a sentence.
        action: What to do, in a sentence; empty for nothing.
    """

    outcome: OutlookOutcome
    best: int | None
    probability: float
    pairs: tuple[PairOutlook, ...]
    evidence: str
    not_established: str
    action: str = ""

    def to_dict(self) -> dict[str, Json]:
        """A JSON object that `from_dict` turns back."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The record that `to_dict` was called on."""
        return cls(
            outcome=OutlookOutcome(data["outcome"]),
            best=data["best"],
            probability=data["probability"],
            pairs=tuple(PairOutlook.from_dict(pair) for pair in data["pairs"]),
            evidence=data["evidence"],
            not_established=data["not_established"],
            action=data["action"],
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Diagnosis:
    """What `ts.diagnose` found.

    Attributes:
        curves: One for each run that was given, at least one.
        outlook: Which will end better; None for a single curve.
    """

    curves: tuple[CurveDiagnosis, ...]
    outlook: Outlook | None = None

    @property
    def verdict(self) -> str:
        """Of the first curve."""
        return self.curves[0].verdict

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Of the first curve."""
        return self.curves[0].findings

    def to_dict(self) -> dict[str, Json]:
        """A JSON object that `from_dict` turns back."""
        return {"curves": [curve.to_dict() for curve in self.curves], "outlook": None if self.outlook is None else self.outlook.to_dict()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The record that `to_dict` was called on."""
        outlook = None if data["outlook"] is None else Outlook.from_dict(data["outlook"])
        return cls(curves=tuple(CurveDiagnosis.from_dict(curve) for curve in data["curves"]), outlook=outlook)
