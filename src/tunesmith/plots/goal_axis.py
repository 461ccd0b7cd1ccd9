"""The axis of what decides: scores turned back into the loss or metric that the user knows, with room for runs that failed. Draws nothing."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from tunesmith.plots.facts import Interval

_MARGIN, _LEAST_MARGIN, _ANY_MARGIN = 0.12, 0.01, 0.1
"""Room beyond the results: as a share of their range, at least of the largest, and where all are zero (our choice)."""


@dataclass(frozen=True, kw_only=True)
class GoalAxis:
    """Where results lie.

    Attributes:
        sign: -1 for a metric of which more is better: its scores are turned, so that the smaller is the better.
        bounds: Lowest and highest result to draw.
    """

    sign: float
    bounds: Interval

    @property
    def failed_at(self) -> float:
        """Where runs stand that did not finish: at the worse end."""
        return self.bounds[1] if self.sign > 0 else self.bounds[0]

    def result(self, score: float) -> float | None:
        """The loss or metric that a score stands for; None of a run that did not finish."""
        return self.sign * score if math.isfinite(score) else None


def goal_axis(scores: Iterable[float], *, goal: str, higher_is_better: bool) -> GoalAxis:
    """The axis for these scores, of which the smaller is the better.

    Example:
        >>> axis = goal_axis([-0.8, -0.9, math.inf], goal="accuracy", higher_is_better=True)
        >>> axis.result(-0.8), axis.result(math.inf), axis.failed_at == axis.bounds[0]
        (0.8, None, True)
    """
    sign = -1.0 if goal != "loss" and higher_is_better else 1.0
    finite = [score for score in scores if math.isfinite(score)] or [0.0, 1.0]
    margin = max(_MARGIN * (max(finite) - min(finite)), _LEAST_MARGIN * abs(max(finite))) or _ANY_MARGIN
    low, high = sorted((sign * (min(finite) - margin), sign * (max(finite) + margin)))
    return GoalAxis(sign=sign, bounds=(low, high))
