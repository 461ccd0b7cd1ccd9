"""Prints what "well tuned" means for each bed: a grid of peak learning rates under 1cycle, two seeds each, and what twice the length would gain.

    python -m benchmarks.clues.tuning             # three minutes
    python -m benchmarks.clues.tuning --fresh     # the beds of the fresh part, two minutes

Its figures were copied into `beds.py` and `fresh_beds.py` by hand, once (the fresh ones rounded).
"""

import sys

import numpy as np

from benchmarks.clues.beds import BEDS, Bed
from benchmarks.clues.fresh_beds import FRESH_BEDS
from tunesmith.engine import run_spec
from tunesmith.settings import RunSpec

SEEDS = (1000, 1001)
_LOSES_LITTLE, _IS_LOST = 0.05, 0.5


def final_loss(bed: Bed, lr: float, *, steps: int) -> tuple[float, float]:
    """Means over the seeds: the validation loss after the first update of a run, and at its end (+inf where one diverged)."""
    curves = [run_spec(bed.task(), RunSpec(settings=bed.settings(lr=lr), total_steps=steps, seed=seed, evaluations=0)).curve for seed in SEEDS]
    return float(np.mean([curve.train_loss[0] for curve in curves])), float(np.mean([curve.final_valid_loss for curve in curves]))


def main() -> None:
    """Try every rate on every bed, print the loss of each and the three that `beds.py` wants."""
    for bed in (FRESH_BEDS if "--fresh" in sys.argv else BEDS).values():
        is_plain = bed.optimizer in {"sgd", "nesterov"}
        rates = [float(f"{rate:.1g}") for rate in np.geomspace(1e-3 if is_plain else 1e-4, 10.0 if is_plain else 1.0, 9)]
        found = {rate: final_loss(bed, rate, steps=bed.steps) for rate in rates}
        best = min(found, key=lambda rate: found[rate][1])
        start, least = found[best]
        low = min(rate for rate, (_, end) in found.items() if end <= least + _LOSES_LITTLE * (start - least))
        edge = min((rate for rate, (_, end) in found.items() if rate > best and not end <= least + _IS_LOST * (start - least)), default=float("inf"))
        print(bed.name, {rate: round(end, 4) for rate, (_, end) in found.items()})
        twice = final_loss(bed, best, steps=2 * bed.steps)[1]
        print(f"    lr={best:g}, low_lr={low:g}, edge_lr={edge:g}; start {start:.3f}, end {least:.4f}, at twice the length {twice:.4f}")


if __name__ == "__main__":
    main()
