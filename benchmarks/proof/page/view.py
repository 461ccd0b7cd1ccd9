"""The document as the page reads it: what is measured, where each method stands on each task, and the medians over tasks. Draws nothing."""

import math
from collections.abc import Iterable
from statistics import median
from typing import NamedTuple

from benchmarks.proof.summary import Document

EVEN = 0.5
"""The share of wins of two methods that are as good as each other."""


class Stand(NamedTuple):
    """Where a method stands: total cost in full trainings, percentile, regret; infinite where it diverged."""

    total: float
    percentile: float
    regret: float


class View:
    """A document, looked up by task and method.

    Args:
        document: As `summary.summarize` makes it, infinities null.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self.results: dict[tuple[str, str], Document] = {(result["task"], result["method"]): result for result in document["results"]}
        with_curves = {task for curves in document["curves"].values() for task in curves}
        scored = with_curves | {task for task, _ in self.results}
        self.tasks = [name for name in document["tasks"] if name in scored]
        self.methods = list(document["methods"])
        self.ours = sorted((name for name in self.methods if document["methods"][name]["is_ours"]), key=lambda name: (family_of(name), budget_of(name) or 0.0))
        self.peers = [name for name in self.methods if name not in self.ours]
        self.searching = [name for name in self.methods if document["methods"][name]["searches_on"]]

    def done(self, task: str, method: str) -> Document | None:
        """The result, where there is one."""
        result = self.results.get((task, method))
        return result if result is not None and result["state"] == "done" else None

    def stand(self, task: str, method: str) -> Stand | None:
        """The median study at its end."""
        result = self.done(task, method)
        return None if result is None else Stand(result["total"], value_of(result["percentile"]), value_of(result["regret"]))

    def curve(self, task: str, method: str) -> list[Stand]:
        """The stands of a method that goes on searching, as far as it searched or is looked at."""
        points = [Stand(total, value_of(rank), value_of(regret)) for total, rank, regret in self.document["curves"].get(method, {}).get(task, [])]
        last = max((one["total"] for one in self.document["snapshots"] if one["method"] == method), default=math.inf)
        return _ended([point for point in points if point.total <= last], self.stand(task, method))

    def at_cost(self, task: str, method: str, total: float) -> Stand | None:
        """The best stand that `total` pays for: of a method that decides once, its only one."""
        known = self.curve(task, method) if method in self.searching else [stand for stand in [self.stand(task, method)] if stand is not None]
        paid = [stand for stand in known if stand.total <= total * (1 + 1e-9)]
        return paid[-1] if paid else None

    def tasks_of(self, method: str) -> list[str]:
        """The tasks that it has a stand on."""
        return [task for task in self.tasks if self.done(task, method) or self.curve(task, method)]

    def median_stand(self, method: str) -> Stand | None:
        """Medians over the tasks that it was run on, each by itself."""
        stands = [stand for task in self.tasks for stand in [self.stand(task, method)] if stand is not None]
        return Stand(*(median(column) for column in zip(*stands, strict=True))) if stands else None

    def median_curve(self, method: str) -> list[Stand]:
        """Medians over tasks at each cost; a task on which nothing is chosen yet counts as infinite."""
        curves = [curve for task in self.tasks for curve in [self.curve(task, method)] if curve]
        totals = sorted({stand.total for curve in curves for stand in curve})
        points = [Stand(total, *_medians(curves, total)) for total in totals] if curves else []
        return _ended([point for point in points if math.isfinite(point.percentile)], self.median_stand(method))

    def failed(self, method: str) -> float | None:
        """Share of failed retrainings, mean over tasks. None where it was not run."""
        return next((line["failed"] for line in self.document["overall"] if line["method"] == method and line["snapshot"] is None), None)

    def crashes(self, method: str) -> int:
        """Studies that crashed, over all tasks."""
        return sum(result["n_crashed"] for (_, name), result in self.results.items() if name == method)


def family_of(name: str) -> str:
    """A method's name without its budget."""
    return name.partition("@")[0]


def budget_of(name: str) -> float | None:
    """The number after the "@"; None where there is none.

    Example:
        >>> budget_of("report@0.5"), budget_of("untuned")
        (0.5, None)
    """
    _, at, number = name.partition("@")
    return float(number) if at else None


def value_of(number: float | None) -> float:
    """A number of the document; null is infinite."""
    return math.inf if number is None else number


def _ended(points: list[Stand], end: Stand | None) -> list[Stand]:
    """The points up to the median total of the finished studies, and their end."""
    return points if end is None or not points else [*(point for point in points if point.total < end.total), end]


def _medians(curves: Iterable[list[Stand]], total: float) -> tuple[float, float]:
    reached = [max((stand for stand in curve if stand.total <= total), default=None) for curve in curves]
    return (
        median(math.inf if stand is None else stand.percentile for stand in reached),
        median(math.inf if stand is None else stand.regret for stand in reached),
    )
