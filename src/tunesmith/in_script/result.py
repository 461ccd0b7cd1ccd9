"""What a range test inside a script gives back: the reading, the raw curves behind it, and what to do with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

from tunesmith.cost import Cost
from tunesmith.curve import Curve
from tunesmith.errors import CurveError
from tunesmith.finding import Finding
from tunesmith.in_script.groups import lr_shares, set_lr
from tunesmith.in_script.preserve import Optimizers, as_optimizers
from tunesmith.reading.range_test import RANGE_VERSION, RangeOutcome
from tunesmith.settings import Json

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Spacing = Literal["linear", "exponential"]
Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class LrRangeTest:
    """A range test inside a script: what was read, and the raw curves.

    Attributes:
        outcome: "found", "never_diverged", "diverged_at_once", "flat" or "too_noisy". Of several repeats the most frequent.
        suggested_lr: Peak for the group with the largest learning rate; None where nothing can be suggested. Of several repeats the median.
        interval: Smallest and largest suggestion of the repeats; None where fewer than two suggest.
        zone: Learning rates, low to high, where the loss is near its best; None where there is none.
        edge: Interval, low to high, where the loss begins to jump for good; None where it did not.
        findings: The evidence, and what it does not establish.
        advice: What to do.
        start_lr, end_lr, steps, spacing: The sweep: all of the above holds for this length.
        runs: Raw values of every repeat: one row an update, one an evaluation.
        compared: Raw values of the sweep of another length; None where none was asked for.
    """

    outcome: RangeOutcome
    suggested_lr: float | None
    interval: Interval | None
    zone: Interval | None
    edge: Interval | None
    findings: tuple[Finding, ...]
    advice: str
    start_lr: float
    end_lr: float
    steps: int
    spacing: Spacing
    runs: tuple[Curve, ...]
    compared: Curve | None = None

    @property
    def history(self) -> Curve:
        """Raw values of the sweep (of several repeats the first): `lr`, `train_loss`, `eval_step`, `valid_loss`, `metrics`, `outcome`."""
        return self.runs[0]

    @property
    def cost(self) -> Cost:
        """Examples and seconds that all sweeps took, evaluations included."""
        return sum((run.cost for run in self.runs), Cost() if self.compared is None else self.compared.cost)

    def suggestion(self) -> float:
        """The suggested peak for the group with the largest learning rate.

        Raises:
            CurveError: The test suggests none; the message says why.
        """
        if self.suggested_lr is None:
            raise CurveError(f"A range test must show a falling loss to suggest a learning rate, and this one ended with '{self.outcome}'. {self.advice}")
        return self.suggested_lr

    def apply(self, optimizer: Optimizers) -> None:
        """Set the suggestion in the optimizer or optimizers: the largest learning rate becomes the suggestion, the others keep their ratio to it.

        Make a scheduler afterwards: it takes its base rates from the optimizer.

        Raises:
            CurveError: The test suggests none.
            InputError: Several groups, all at 0.
        """
        set_lr(lr_shares(as_optimizers(optimizer)), self.suggestion())

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Loss against learning rate, raw and smoothed, edge and zone marked; several repeats as a band. Never shown: `plot().figure.savefig(…)`.

        Args:
            ax: Axes to draw on; None for those of a new figure.
        """
        from tunesmith.plots import plot_range_test  # noqa: PLC0415 (loaded only to draw)

        return plot_range_test(self.runs, edge=self.edge, zone=self.zone, suggested=self.suggested_lr, is_log=self.spacing == "exponential", ax=ax)

    def to_dict(self) -> dict[str, Json]:
        """A JSON object: that of `tunesmith lr-range --format json` (docs/command-line.md), and the sweep with its raw curves."""
        return {
            "version": RANGE_VERSION,
            "outcome": str(self.outcome),
            "suggestion": self.suggested_lr,
            "interval": _to_list(self.interval),
            "zone": _to_list(self.zone),
            "edge": _to_list(self.edge),
            "findings": [finding.to_dict() for finding in self.findings],
            "advice": [self.advice],
            "start_lr": self.start_lr,
            "end_lr": self.end_lr,
            "steps": self.steps,
            "spacing": self.spacing,
            "runs": [run.to_dict() for run in self.runs],
            "compared": None if self.compared is None else self.compared.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The record that `to_dict` was called on."""
        return cls(
            outcome=RangeOutcome(data["outcome"]),
            suggested_lr=data["suggestion"],
            interval=_to_interval(data["interval"]),
            zone=_to_interval(data["zone"]),
            edge=_to_interval(data["edge"]),
            findings=tuple(Finding.from_dict(finding) for finding in data["findings"]),
            advice=data["advice"][0],
            start_lr=data["start_lr"],
            end_lr=data["end_lr"],
            steps=data["steps"],
            spacing=data["spacing"],
            runs=tuple(Curve.from_dict(run) for run in data["runs"]),
            compared=None if data.get("compared") is None else Curve.from_dict(data["compared"]),
        )


def _to_list(interval: Interval | None) -> list[Json] | None:
    return None if interval is None else list(interval)


def _to_interval(stored: Sequence[float] | None) -> Interval | None:
    return None if stored is None else (float(stored[0]), float(stored[1]))
