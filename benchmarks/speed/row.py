"""One line of the bench: what was measured, every sample of it, and its median and quartiles."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

UNAVAILABLE = "not installed"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line.

    Attributes:
        subject: What was measured, such as "MLP: engine / bare".
        unit: "ratio", "CPU ms", "bytes a point", …
        samples: One value a turn; empty where it could not be measured, and then `note` says why.
        note: What one must know to read the number.
    """

    subject: str
    unit: str
    samples: tuple[float, ...] = ()
    note: str = ""

    @property
    def quartiles(self) -> tuple[float, float, float] | None:
        """First quartile, median, third quartile of the samples; None where there are none.

        Example:
            >>> Row(subject="a", unit="s", samples=(1.0, 2.0, 3.0)).quartiles
            (1.5, 2.0, 2.5)
        """
        if not self.samples:
            return None
        if len(self.samples) == 1:
            return (self.samples[0],) * 3
        low, middle, high = statistics.quantiles(self.samples, n=4, method="inclusive")
        return low, middle, high

    def to_dict(self) -> dict[str, Any]:
        """A JSON object."""
        low, median, high = self.quartiles or (None, None, None)
        return {
            "subject": self.subject,
            "unit": self.unit,
            "median": median,
            "low_quartile": low,
            "high_quartile": high,
            "n": len(self.samples),
            "note": self.note,
            "samples": list(self.samples),
        }


def missing(subject: str, unit: str, *, package: str) -> Row:
    """The line of a peer that is not there."""
    return Row(subject=subject, unit=unit, note=f"{UNAVAILABLE}: {package}")


def ratios(above: Iterable[float], below: Iterable[float]) -> tuple[float, ...]:
    """The ratio in each turn.

    Example:
        >>> ratios([2.0, 3.0], [1.0, 2.0])
        (2.0, 1.5)
    """
    return tuple(a / b for a, b in zip(above, below, strict=True))
