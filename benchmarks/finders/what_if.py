"""What other rates out of the same readings would have been worth, from the rows alone: a look at a rule before it is changed, not a judgement.

    python -m benchmarks.finders.what_if

The loss at a learning rate is taken from the grid: its mean test loss over the seeds, between neighbours by a straight line in the logarithms of both. Good
is what lies within 10 %, or two standard deviations between the grid's seeds, of the lowest such mean; the bench itself trains every suggestion on fresh
seeds. "none": pairs whose reading lacks what a rule needs. Whoever chooses a rule by this table has looked at these tasks.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean

import numpy as np

from benchmarks.finders.choices import METHODS, N_SEEDS, OUR_METHODS_FOLDER, TASKS
from benchmarks.finders.grid import rates_of
from benchmarks.finders.judging import SHARE, SPREADS, typical_spread
from benchmarks.finders.summary import Document, summarize
from benchmarks.proof.command import RESULTS
from benchmarks.proof.methods import find_methods
from benchmarks.proof.store import Store
from benchmarks.proof.table import rows_of
from benchmarks.proof.tasks import find_tasks

_LOST = 1e3


@dataclass(frozen=True, kw_only=True)
class Noted:
    """What a method noted of its reading.

    Attributes:
        lr: Its suggestion.
        zone: Low to high; None where it has none.
        edge: The geometric mean of its ends; infinite where there is none.
    """

    lr: float
    zone: tuple[float, float] | None
    edge: float

    @property
    def middle(self) -> float | None:
        """The geometric middle of the zone, or half the edge where that is lower."""
        return None if self.zone is None or self.zone[0] <= 0 else min(self.edge / 2, math.sqrt(self.zone[0] * self.zone[1]))

    @classmethod
    def of(cls, lr: float, note: str) -> "Noted":
        """Read it from the note.

        Example:
            >>> Noted.of(0.2, "found; zone (0.1, 0.2); edge (0.4, 0.9)")
            Noted(lr=0.2, zone=(0.1, 0.2), edge=0.6)
            >>> Noted.of(0.2, "never_diverged; zone (0.1, 0.2); edge None; swept to 0.2").edge
            inf
        """
        zone, edge = (_interval(name, note) for name in ("zone", "edge"))
        return cls(lr=lr, zone=zone, edge=math.inf if edge is None else round(math.sqrt(edge[0] * edge[1]), 9))


def _interval(name: str, note: str) -> tuple[float, float] | None:
    found = re.search(rf"{name} \(([^,]+), ([^)]+)\)", note)
    return (float(found[1]), float(found[2])) if found else None


def _share(divisor: float) -> Callable[[Noted], float | None]:
    return lambda noted: noted.edge / divisor if math.isfinite(noted.edge) else None


RULES: dict[str, Callable[[Noted], float | None]] = {
    "suggested": lambda noted: noted.lr,
    "suggested / 2": lambda noted: noted.lr / 2,
    "suggested / 4": lambda noted: noted.lr / 4,
    **{f"edge / {divisor}": _share(divisor) for divisor in (2, 3, 4, 6, 8, 12)},
    "the zone's lower end": lambda noted: noted.zone[0] if noted.zone is not None and noted.zone[0] > 0 else None,
    "edge / 2 or the zone's geometric middle, the lower": lambda noted: noted.middle,
}
"""What could be suggested instead."""


@dataclass(frozen=True, kw_only=True)
class Landscape:
    """Mean test loss of a task's grid.

    Attributes:
        rates: Ascending.
        losses: One for each; a training that diverged counts as a thousand.
        allowed: Up to where a loss is good.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    allowed: float

    def is_good(self, lr: float) -> bool:
        """Whether the loss at this rate is good; outside the grid it is that at its end.

        Example:
            >>> land = Landscape(rates=(0.01, 0.1, 1.0), losses=(1.0, 0.5, 1.0), allowed=0.6)
            >>> land.is_good(0.08), land.is_good(0.4)
            (True, False)
        """
        return float(np.exp(np.interp(math.log(lr), np.log(self.rates), np.log(self.losses)))) <= self.allowed

    @property
    def interval(self) -> tuple[float, float]:
        """The lowest and the highest good rate, to a per cent."""
        rates = np.geomspace(self.rates[0], self.rates[-1], 1 + round(100 * math.log(self.rates[-1] / self.rates[0])))
        good = [float(lr) for lr in rates if self.is_good(float(lr))]
        return good[0], good[-1]


def landscape(seeds: Sequence[Document], rates: Sequence[float]) -> Landscape:
    """The grid of a task, its complete seeds together."""
    columns = list(zip(*(found["test"] for found in seeds if None not in found["test"]), strict=True))
    means = [mean(min(loss, _LOST) for loss in column) for column in columns]
    best = min(range(len(means)), key=means.__getitem__)
    allowed = means[best] + max(SHARE * means[best], SPREADS * typical_spread([columns[best]]))
    return Landscape(rates=tuple(rates), losses=tuple(means), allowed=allowed)


def main() -> None:
    """Print a table for each of our finders."""
    stores = [Store(RESULTS / "finders", task) for task in find_tasks(list(TASKS))]
    methods = find_methods([name for name in METHODS if (OUR_METHODS_FOLDER / f"{name}.py").exists()], folder=OUR_METHODS_FOLDER)
    document = summarize(stores, methods, n_seeds=N_SEEDS, made={})
    lands = {
        name: landscape(task["seeds"], rates_of(task["facts"]["optimizer"]))
        for name, task in document["tasks"].items()
        if any(None not in found["test"] for found in task["seeds"])
    }
    for name, land in lands.items():
        low, high = land.interval
        print(f"{name}: lowest mean test loss {min(land.losses):.4f}, good up to {land.allowed:.4f}: learning rates {low:.3g} to {high:.3g}")
    for method in methods:
        pairs = [pair for pair in document["pairs"] if pair["method"] == method.name and pair["task"] in lands and pair["lr"] is not None]
        print(f"\n## {method.name}, {len(pairs)} suggestions\n\n{_table(pairs, lands)}")


def _table(pairs: Sequence[Document], lands: dict[str, Landscape]) -> str:
    lines = [["rate", "good", *lands]]
    noted = {task: [Noted.of(pair["lr"], pair["note"]) for pair in pairs if pair["task"] == task] for task in lands}
    for name, rule in RULES.items():
        rates = {task: [rule(one) for one in noted[task]] for task in lands}
        good = {task: sum(rate is not None and land.is_good(rate) for rate in rates[task]) for task, land in lands.items()}
        none = {task: f" ({rates[task].count(None)} none)" if None in rates[task] else "" for task in lands}
        lines.append([name, str(sum(good.values())), *(f"{good[task]}{none[task]}" for task in lands)])
    return rows_of(lines)


if __name__ == "__main__":
    main()
