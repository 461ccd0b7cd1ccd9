"""What other shares of the edge would have been worth, from the rows alone: a look at a rule before it is changed, not a judgement.

    python -m benchmarks.finders.shares

The loss at a learning rate is taken from the grid: its mean test loss over the seeds, between neighbours by a straight line in the logarithms of both. Good
is what lies within 10 %, or two standard deviations between the grid's seeds, of the lowest such mean; the bench itself trains every suggestion on fresh
seeds. A pair whose reading has no edge is counted as none.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

import numpy as np

from benchmarks.finders.__main__ import METHODS, N_SEEDS, OUR_METHODS_FOLDER, RESULTS, TASKS
from benchmarks.finders.grid import rates_of
from benchmarks.finders.judging import SHARE, SPREADS, pooled_spread
from benchmarks.finders.summary import Document, summarize
from benchmarks.proof.methods import find_methods
from benchmarks.proof.store import Store
from benchmarks.proof.table import rows_of
from benchmarks.proof.tasks import find_tasks

SHARES = (1 / 2, 1 / 3, 1 / 4, 1 / 6, 1 / 8, 1 / 12)
_LOST = 1e3
_NUMBER = r"([-+.\de]+)"


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
    allowed = means[best] + max(SHARE * means[best], SPREADS * pooled_spread([columns[best]]))
    return Landscape(rates=tuple(rates), losses=tuple(means), allowed=allowed)


def edge_of(note: str) -> float | None:
    """The edge in what a method noted: the geometric mean of its ends.

    Example:
        >>> edge_of("found; zone (0.1, 0.2); edge (0.4, 0.9)"), edge_of("never_diverged; zone (0.1, 0.2); edge None")
        (0.6, None)
    """
    found = re.search(rf"edge \({_NUMBER}, {_NUMBER}\)", note)
    return round(math.sqrt(float(found[1]) * float(found[2])), 9) if found else None


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
    for share in (None, *SHARES):
        cells = [_good_on([pair for pair in pairs if pair["task"] == task], land, share=share) for task, land in lands.items()]
        title = "suggested" if share is None else f"edge / {1 / share:.0f}"
        lines.append([title, str(sum(good for good, _ in cells)), *(f"{good}" + (f" ({none} without an edge)" if none else "") for good, none in cells)])
    return rows_of(lines)


def _good_on(pairs: Sequence[Document], land: Landscape, *, share: float | None) -> tuple[int, int]:
    """How many are good, and how many have no rate."""
    edges = [edge_of(pair["note"]) for pair in pairs]
    rates = [pair["lr"] for pair in pairs] if share is None else [None if edge is None else share * edge for edge in edges]
    return sum(rate is not None and land.is_good(rate) for rate in rates), sum(rate is None for rate in rates)


if __name__ == "__main__":
    main()
