"""What is said of training curves: the clues of each, and which of several will end better. Records only."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Self

from tunesmith.finding import Finding
from tunesmith.log import TrainingLog
from tunesmith.settings import Json

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, kw_only=True, eq=False)
class CurveDiagnosis:
    """One curve and what it shows.

    Attributes:
        log: The curve, raw.
        findings: At least one, what matters most first. Their kinds are those of `reading.clues.KINDS`.
        file: The file or folder that it was read from, as it was given; None for what came from Python.
        run: Which of the runs in there; None where it holds one.
    """

    log: TrainingLog
    findings: tuple[Finding, ...]
    file: str | None = None
    run: str | None = None

    @property
    def verdict(self) -> str:
        """The kind that matters most."""
        return self.findings[0].kind

    @property
    def title(self) -> str:
        """What people know the curve by: its file, and which run of it."""
        if self.file is None:
            return self.log.name
        return self.file if self.run is None else f"{self.file}: {self.run}"

    @property
    def last_step(self) -> int:
        """The last step of its losses and metrics; 0 where it has none."""
        log = self.log
        read = (log.train_loss, log.valid_loss, *log.train_metrics.values(), *log.valid_metrics.values())
        return int(max((series.step[-1] for series in read if len(series)), default=0))

    def to_dict(self) -> dict[str, Json]:
        """A JSON object that `from_dict` turns back."""
        return {"file": self.file, "run": self.run, "log": self.log.to_dict(), "findings": [finding.to_dict() for finding in self.findings]}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The record that `to_dict` was called on."""
        findings = tuple(Finding.from_dict(finding) for finding in data["findings"])
        return cls(log=TrainingLog.from_dict(data["log"]), findings=findings, file=data.get("file"), run=data.get("run"))


def short_titles(curves: Sequence[CurveDiagnosis]) -> list[str]:
    """The titles of curves without the folder that all their files share.

    Example:
        >>> from tunesmith.log import StepUnit
        >>> log = TrainingLog(name="metrics.csv", source="CSV", step_unit=StepUnit.STEP)
        >>> short_titles([CurveDiagnosis(log=log, findings=(), file=f"logs/{run}/metrics.csv") for run in "ab"])
        ['a/metrics.csv', 'b/metrics.csv']
    """
    folders = [PurePath(curve.file).parent.parts for curve in curves if curve.file is not None]
    shared = 0
    while folders and all(len(parts) > shared and parts[shared] == folders[0][shared] for parts in folders):
        shared += 1
    files = [None if curve.file is None else str(PurePath(*PurePath(curve.file).parts[shared:])) for curve in curves]
    return [dataclasses.replace(curve, file=file).title for curve, file in zip(curves, files, strict=True)]


@dataclass(frozen=True, kw_only=True)
class NotRead:
    """A file among several that could not be read.

    Attributes:
        file: As it was given.
        why: What is wrong with it, in a sentence.
    """

    file: str
    why: str

    def to_dict(self) -> dict[str, Json]:
        """A JSON object."""
        return {"file": self.file, "why": self.why}


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
        not_read: Files that could not be read beside those that could. `ts.diagnose` leaves none out: it raises.
    """

    curves: tuple[CurveDiagnosis, ...]
    outlook: Outlook | None = None
    not_read: tuple[NotRead, ...] = ()

    @property
    def verdict(self) -> str:
        """Of the first curve."""
        return self.curves[0].verdict

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Of the first curve."""
        return self.curves[0].findings

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The curves with their clues marked; several over one another. Never shown: `plot().figure.savefig(…)`.

        Args:
            ax: matplotlib Axes to draw on; None for those of a new figure.
        """
        import tunesmith  # noqa: PLC0415 (the root joins a record with its figure: records know nothing of drawing)

        return tunesmith.plot(self, ax)

    def to_dict(self) -> dict[str, Json]:
        """A JSON object that `from_dict` turns back: everything, the raw curves too. `tunesmith diagnose --format json` leaves these out."""
        not_read: list[Json] = [file.to_dict() for file in self.not_read]
        outlook = None if self.outlook is None else self.outlook.to_dict()
        return {"curves": [curve.to_dict() for curve in self.curves], "outlook": outlook, "not_read": not_read}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The record that `to_dict` was called on."""
        outlook = None if data["outlook"] is None else Outlook.from_dict(data["outlook"])
        not_read = tuple(NotRead(**file) for file in data.get("not_read", ()))
        return cls(curves=tuple(CurveDiagnosis.from_dict(curve) for curve in data["curves"]), outlook=outlook, not_read=not_read)
