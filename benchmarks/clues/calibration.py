"""Do stated probabilities come true? Brier score, a table and a picture of stated against observed. Pure arithmetic, and one figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from matplotlib.figure import Figure

from tunesmith.reading.outlook.pair import COIN_TOSS

EDGES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_DPI = 80


@dataclass(frozen=True, kw_only=True)
class Bin:
    """Forecasts of about one probability.

    Attributes:
        low, high: Of the stated probabilities, that of the likelier side.
        n: Forecasts.
        stated: Their mean; 0 where there are none.
        observed: Share of which the likelier side came true.
    """

    low: float
    high: float
    n: int
    stated: float
    observed: float


def brier(stated: Sequence[float]) -> float:
    """Mean squared distance of the probabilities given to what came true: 0 at best, .25 for a coin toss.

    Example:
        >>> brier([1.0, 0.5])
        0.125
    """
    return sum((1 - one) ** 2 for one in stated) / max(1, len(stated))


def reliability(stated: Sequence[float]) -> tuple[Bin, ...]:
    """Forecasts sorted by how sure they were; `stated` is the probability given to what came true. A toss at exactly .5 is right by half.

    Example:
        >>> [(part.n, round(part.stated, 2), round(part.observed, 2)) for part in reliability([0.85, 0.15, 0.88]) if part.n]
        [(3, 0.86, 0.67)]
    """
    return tuple(_bin(stated, low=low, high=high) for low, high in pairwise(EDGES))


def _bin(stated: Sequence[float], *, low: float, high: float) -> Bin:
    chosen = [one for one in stated if low <= max(one, 1 - one) < high or (high == EDGES[-1] and max(one, 1 - one) == high)]
    right = sum(0.5 if one == COIN_TOSS else float(one > COIN_TOSS) for one in chosen)
    n = len(chosen)
    return Bin(low=low, high=high, n=n, stated=sum(max(one, 1 - one) for one in chosen) / max(1, n), observed=right / max(1, n))


def draw(parts: dict[str, Sequence[float]], path: Path) -> None:
    """One line a part: stated probability against the share that came true, with two standard errors of pairs that were independent; below, how many say so."""
    figure = Figure(figsize=(6.4, 6.2), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(4, 1), sharex=True)
    above.plot((0.5, 1), (0.5, 1), color="0.6", linestyle="--", linewidth=1, label="as stated")
    width = 0.08 / max(1, len(parts))
    for number, (name, stated) in enumerate(parts.items()):
        bins = [part for part in reliability(stated) if part.n]
        color = f"C{number}"
        label = f"{name}: {len(stated)} pairs, Brier {brier(stated):.3f}"
        error = [2 * (part.observed * (1 - part.observed) / part.n) ** 0.5 for part in bins]
        above.errorbar([part.stated for part in bins], [part.observed for part in bins], yerr=error, color=color, marker="o", capsize=3, label=label)
        below.bar(
            [(part.low + part.high) / 2 + (number - (len(parts) - 1) / 2) * width for part in bins],
            [part.n / len(stated) for part in bins],
            width=width,
            color=color,
        )
    above.set(ylabel="share that came true", ylim=(0.4, 1.02), xlim=(0.49, 1.01))
    above.set_title("Which of two settings ends better: stated and observed", fontsize=11)
    above.legend(loc="lower right", fontsize=9, frameon=False)
    below.set(xlabel="probability stated for the likelier one", ylabel="share of its pairs")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=_DPI)
