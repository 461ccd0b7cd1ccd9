"""How often a rule for the batch size is near the best, over tasks, and what the choice costs."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.batch.collect import TaskSummary
from benchmarks.batch.truth import is_close, largest_that_fits
from benchmarks.finders.judging import wilson

OURS = "tune, batch free"
RULES: dict[str, Callable[[Sequence[int]], int]] = {"always 32": lambda _: 32, "always 64": lambda _: 64, "largest that fits": largest_that_fits}
"""What one does without measuring; each sees the candidates."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """How often a rule is within a factor 1.2 of the best.

    Attributes:
        n: (task, study) pairs; for a rule that draws nothing, tasks.
        n_close: Of them.
        worst: The largest ratio of its time to target to the best; +inf where it never gets there, or nothing was chosen.
    """

    n: int
    n_close: int
    worst: float

    @property
    def interval(self) -> tuple[float, float]:
        """95 %, Wilson; the studies of one task are taken as independent, which they are not quite."""
        return wilson(self.n_close, self.n)


def share_of(rule: str, tasks: Sequence[TaskSummary], *, on: str) -> Share:
    """Of ours or of a rule, over the tasks whose truth is known, by one loss.

    A batch size whose time to target was never trained is not near the best.
    """
    ratios = [ratio for task in tasks if on in task.truths for ratio in _ratios(rule, task, on=on)]
    worst = max((math.inf if ratio is None else ratio for ratio in ratios), default=math.nan)
    return Share(n=len(ratios), n_close=sum(map(is_close, ratios)), worst=worst)


def _ratios(rule: str, task: TaskSummary, *, on: str) -> list[float | None]:
    truth = task.truths[on]
    if rule == OURS:
        return [None if choice.batch_size is None else truth.ratio(choice.batch_size) for choice in task.choices]
    return [truth.ratio(RULES[rule](task.candidates))]


def stage_costs(tasks: Sequence[TaskSummary]) -> list[float]:
    """What choosing the batch size cost, in full trainings, of every study."""
    return [choice.free.stage_cost for task in tasks for choice in task.choices]
