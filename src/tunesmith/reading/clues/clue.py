"""How a clue becomes a finding, and how sure it is of itself."""

import math

from tunesmith.finding import Finding
from tunesmith.reading.clues.advice import action_of

DECIDES = 0.5
"""A clue of which a reading is less sure than that decides nothing (our choice)."""
UNDECIDED = 0.45
"""Confidence in what may as well be something else (our choice)."""


def clue(
    kind: str, *, confidence: float, evidence: str, not_established: str, since: float | None = None, value: float | None = None, action: str | None = None
) -> Finding:
    """The finding; its action is what the kind asks for."""
    return Finding(
        kind=kind, since_step=None if since is None else round(since), value=None if value is None else float(value), confidence=round(float(confidence), 3),
        evidence=evidence, not_established=not_established, action=action_of(kind) if action is None else action,
    )  # fmt: skip


def sureness(ratio: float, *, most: float = 0.95) -> float:
    """Confidence of a clue that is `ratio` times as large as it must be: .5 at 1, .8 at 2, more beyond, at most `most`; below .5 under 1 (our choice).

    Example:
        >>> [round(sureness(ratio), 2) for ratio in (0.5, 1, 2, 4, 100)]
        [0.2, 0.5, 0.8, 0.95, 0.95]
    """
    if not ratio > 0:  # NaN compares false
        return 0.0
    doublings = math.log2(ratio) if math.isfinite(ratio) else math.inf
    return min(most, max(0.0, DECIDES + 0.3 * min(1.0, doublings) + 0.15 * max(0.0, doublings - 1)))


def ratio_of(*pairs: tuple[float, float]) -> float:
    """How many times what was found is what it must be at least, for the pair (found, needed) where that is least; 0 where it was not found."""
    least = math.inf
    for found, needed in pairs:
        if not found > 0 or math.isnan(needed):
            return 0.0
        least = min(least, found / needed if needed > 0 else math.inf)
    return least
