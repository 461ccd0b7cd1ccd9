"""Axes bent by hand: where a value lies between 0 and 1, which values are named, and a lane at the border for what is off the scale."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

LANE = 1.07
"""Where what is off the scale is drawn."""
_LARGEST_REGRET = 1000.0
_MOST_TICKS = 8
"""As many names stand side by side."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """One axis.

    Attributes:
        title: With its unit.
        low, high: Values at the ends.
        ticks: Values that are named.
        bend: Rising function under which equal steps are drawn equally long.
    """

    title: str
    low: float
    high: float
    ticks: tuple[float, ...]
    bend: Callable[[float], float] = float

    def place(self, value: float) -> float:
        """0 at `low`, 1 at `high`; below `low` 0, above `high` in the lane.

        Example:
            >>> scale = Scale(title="regret", low=0.0, high=10.0, ticks=(0.0, 10.0))
            >>> scale.place(5.0), scale.place(-1.0), scale.place(math.inf) == LANE
            (0.5, 0.0, True)
        """
        if not value <= self.high:
            return LANE
        start, end = self.bend(self.low), self.bend(self.high)
        return (self.bend(max(value, self.low)) - start) / (end - start)


def cost_scale(totals: Iterable[float], *, title: str = "total cost, full trainings") -> Scale:
    """A logarithmic axis around the positive values."""
    known = [total for total in totals if 0 < total < math.inf] or [1.0]
    low, high = min(known) / 1.15, max(known) * 1.15
    decades = [step * 10.0**power for power in range(-4, 7) for step in (1, 2, 5)]
    named = [value for value in decades if low <= value <= high]
    if len(named) > _MOST_TICKS:
        named = [value for value in named if math.log10(value).is_integer()]
    return Scale(title=title, low=low, high=high, ticks=tuple(named), bend=math.log10)


PERCENTILE = Scale(title="percentile, % of random settings (0 is best)", low=0.0, high=100.0, ticks=(0, 1, 5, 10, 20, 30, 50, 75, 100), bend=math.sqrt)


def regret_scale(regrets: Iterable[float]) -> Scale:
    """Even between -1 and 1, logarithmic beyond; what is larger than a thousand is off the scale."""
    known = [regret for regret in regrets if math.isfinite(regret)] or [0.0]
    low = min(-1.0, *known)
    largest = max((regret for regret in known if regret <= _LARGEST_REGRET), default=1.0)
    high = max(10.0, largest * 1.1)
    return Scale(
        title="regret, standard deviations between seeds (0 is the oracle)",
        low=low * 1.1,
        high=high,
        ticks=tuple(tick for tick in (-1000, -100, -30, -10, -3, -1, 0, 1, 3, 10, 30, 100, 300, 1000) if low <= tick <= high),
        bend=math.asinh,
    )


def number_text(value: float) -> str:
    r"""A tick's name.

    Example:
        >>> number_text(0.5), number_text(-3.0) == "\N{MINUS SIGN}3", number_text(100.0)
        ('0.5', True, '100')
    """
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")
