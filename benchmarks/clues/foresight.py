"""How well somebody foresaw: the probabilities that were given to what came true → shares, Brier score, tables."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.clues.calibration import brier, reliability
from tunesmith.reading.outlook import DECIDED_FROM
from tunesmith.reading.outlook.pair import COIN_TOSS


@dataclass(frozen=True, kw_only=True)
class Foresight:
    """How well somebody saw which of two ends better.

    Attributes:
        n: Pairs.
        decided: Share with an answer.
        right: Of those.
        brier: Of all; 0 at best, .25 for a coin toss.
    """

    n: int
    decided: float
    right: float
    brier: float


def foresight(stated: Sequence[float], *, bar: float = DECIDED_FROM) -> Foresight:
    """Score probabilities given to what came true; an answer is one from `bar` on.

    Example:
        >>> foresight([0.9, 0.1, 0.6, 0.5])
        Foresight(n=4, decided=0.5, right=0.5, brier=0.3075)
    """
    said = [one for one in stated if max(one, 1 - one) >= bar]
    right = sum(one > COIN_TOSS for one in said) / max(1, len(said))
    return Foresight(n=len(stated), decided=len(said) / max(1, len(stated)), right=right, brier=round(brier(stated), 6))


def of_lower(votes: Sequence[float], *, rate: float) -> Foresight:
    """Score who always names the lower: votes of 1 where that is right, 0 where wrong, .5 where neither is lower; as sure as `rate` says."""
    found = foresight(votes, bar=1.0)
    return Foresight(n=found.n, decided=found.decided, right=found.right, brier=round(brier([0.5 + (vote - 0.5) * (2 * rate - 1) for vote in votes]), 6))


def table(found: dict[str, dict[str, Foresight]]) -> list[str]:
    """Group of pairs → who was asked → answer, as lines of Markdown."""
    asked = list(next(iter(found.values())))
    head = "| pairs | n | " + " | ".join(f"{who}: decided | right | Brier" for who in asked) + " |"
    rows = (
        f"| {group} | {part[asked[0]].n} | " + " | ".join(f"{one.decided:.3f} | {one.right:.3f} | {one.brier:.3f}" for one in part.values()) + " |"
        for group, part in found.items()
    )
    return [head, "|---" * (2 + 3 * len(asked)) + "|", *rows]


def reliability_table(parts: dict[str, Sequence[float]]) -> list[str]:
    """What was stated beside what came true, as lines of Markdown."""
    rows = (
        f"| {name} | {part.low:g} to {part.high:g} | {part.n} | {part.stated:.3f} | {part.observed:.3f} |"
        for name, stated in parts.items()
        for part in reliability(stated)
        if part.n
    )
    return ["| pairs | stated | n | mean stated | came true |", "|---|---|---|---|---|", *rows]
