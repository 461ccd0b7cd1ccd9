"""Fits the constants of `tunesmith.reading.outlook` on the fit half of the tasks, and prints them beside those that stand in the module.

python -m benchmarks.clues.fit_outlook        # a minute or two; trains nothing
"""

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.clues.cut_runs import SHARES, cut_pairs
from benchmarks.clues.foresight import Foresight, foresight
from benchmarks.clues.short_runs import FIT_TASKS, REPORT_TASKS, ROWS, contenders, pairs_of
from tunesmith.integrations.logs import read_log
from tunesmith.log import Series, TrainingLog, from_curve
from tunesmith.reading.outlook import pair as today
from tunesmith.reading.outlook.pair import Basis, cut_score, rehearsal_features
from tunesmith.reading.outlook.standing import Standing, standing_of

_SHRINK = 1e-3
_MEMORIES = (0.0, 2.0, 5.0, 10.0, 20.0)
_PARTS = (
    ("difference", 0.0, (0,)),
    ("difference and memory", today.MEMORY, (0,)),
    ("and gap", today.MEMORY, (0, 1)),
    ("and roughness", today.MEMORY, (0, 2)),
    ("all", today.MEMORY, (0, 1, 2)),
)
_RIGHT = 0.85
_BARS = (0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


@dataclass(frozen=True, kw_only=True)
class Rehearsals:
    """Pairs of short runs, the better first.

    Attributes:
        read: Both standings of the pairs in which neither run was lost.
        survived, fell: Pairs in which only the worse run was lost, and only the better one.
    """

    read: list[tuple[Standing, Standing]]
    survived: int
    fell: int


def rehearsals(names: Sequence[str]) -> Rehearsals:
    """Both kinds of short runs, with the decay as drawn and with the same total decay."""
    known = contenders(ROWS, names=names)
    places = [{id(one): standing_of(from_curve(getattr(one, kind), name=kind)) for one in known} for kind in ("plain", "matched")]
    both = [(place[id(better)], place[id(worse)]) for better, worse in pairs_of(known) for place in places]
    return Rehearsals(
        read=[pair for pair in both if today.read_pair(*pair).basis is Basis.REHEARSAL],
        survived=sum(worse.is_lost and not better.is_lost for better, worse in both),
        fell=sum(better.is_lost and not worse.is_lost for better, worse in both),
    )


def fit_rehearsal(pairs: Sequence[tuple[Standing, Standing]], *, memory: float, columns: Sequence[int] = (0, 1, 2)) -> tuple[NDArray[np.float64], float]:
    """Weights of the features in `columns`, and the mean log loss."""
    features = np.array([rehearsal_features(*pair, memory=memory) for pair in pairs])[:, columns]

    def loss(weights: NDArray[np.float64]) -> float:
        return float(np.logaddexp(0, -features @ weights).mean() + _SHRINK * (weights**2).sum())

    found = minimize(loss, np.zeros(features.shape[1]))
    return found.x, float(found.fun)


def without(part: Rehearsals, *, weights: NDArray[np.float64], memory: float, columns: Sequence[int]) -> Foresight:
    """How well the features in `columns` alone foresee."""
    logits = np.array([rehearsal_features(*pair, memory=memory) for pair in part.read])[:, columns] @ weights
    return foresight([*(1 / (1 + np.exp(-logits))).tolist(), *[today.SURVIVOR] * part.survived, *[1 - today.SURVIVOR] * part.fell])


def bar(pairs: Sequence[tuple[Standing, Standing]], *, weights: NDArray[np.float64], memory: float) -> float:
    """The lowest probability, in steps of .05, from which on .85 are right."""
    logits = np.array([rehearsal_features(*pair, memory=memory) for pair in pairs]) @ weights
    for share in _BARS:
        answered = logits[np.abs(logits) >= math.log(share / (1 - share))]
        if answered.size and (answered > 0).mean() >= _RIGHT:
            return share
    return 1.0


def standings_of_cuts(names: Sequence[str]) -> list[tuple[Standing, Standing]]:
    """Full runs cut at shares of their length, the better first."""
    pairs = [(standing_of(pair.logs[0]), standing_of(pair.logs[1])) for pair in cut_pairs(ROWS, names=names, shares=SHARES)]
    return [pair for pair in pairs if today.read_pair(*pair).basis in (Basis.CUT, Basis.COMPLETE)]


def fit_cut(pairs: Sequence[tuple[Standing, Standing]]) -> NDArray[np.float64]:
    """Gain, its spread, and the spread between seeds."""

    def loss(logs: NDArray[np.float64]) -> float:
        gain, spread, seeds = logs[0], math.exp(logs[1]), math.exp(logs[2])
        scores = np.array([cut_score(one, other, gain=gain, spread=spread, seeds=seeds) for one, other in pairs])
        return float(np.logaddexp(0, -1.7 * np.arcsinh(scores)).mean())

    found = minimize(loss, np.array([0.0, -1.5, -4.5]), method="Nelder-Mead", options={"maxiter": 200, "xatol": 1e-2, "fatol": 1e-5}).x
    return np.array([found[0], math.exp(found[1]), math.exp(found[2])])


def gains(path: Path) -> list[tuple[float, float]]:
    """Heat, and what was still gained as a share of the drop, of a CSV log cut at shares of its length."""
    (log,) = read_log(path)
    end = standing_of(log)
    places = [standing_of(_until(log, share * float(log.valid_loss.step[-1]))) for share in SHARES[:-1]]
    return [(place.heat, (place.level - end.level) / place.drop) for place in places]


def _until(log: TrainingLog, step: float) -> TrainingLog:
    def cut(series: Series) -> Series:
        keep = series.step <= step
        return Series(step=series.step[keep], value=series.value[keep])

    return replace(log, lr=cut(log.lr), train_loss=cut(log.train_loss), valid_loss=cut(log.valid_loss))


def main() -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--curves", type=Path, help="folder of CSV logs: print too what each gained from 30, 60 and 85 % of its length on")
    given = parser.parse_args()
    known, others = rehearsals(FIT_TASKS), rehearsals(REPORT_TASKS)
    for names, part in ((FIT_TASKS, known), (REPORT_TASKS, others)):
        print(f"{', '.join(names)}: {len(part.read)} pairs of short runs; where one alone was lost, {part.survived} keep that order and {part.fell} do not")
    fits = {memory: fit_rehearsal(known.read, memory=memory) for memory in _MEMORIES}
    for memory, (weights, loss) in fits.items():
        print(f"memory {memory:g}: weights {weights.round(2)}, log loss {loss:.4f}, bar {bar(known.read, weights=weights, memory=memory):.2f}")
    for name, memory, columns in _PARTS:
        weights, _ = fit_rehearsal(known.read, memory=memory, columns=columns)
        for half, part in (("fit", known), ("report", others)):
            found = without(part, weights=weights, memory=memory, columns=columns)
            print(f"{name}, {half} half: decided {found.decided:.3f}, right {found.right:.3f}, Brier {found.brier:.3f}")
    features = np.array([rehearsal_features(*pair) for pair in known.read])
    against = [total > 0 for total, difference in zip(features @ today.REHEARSAL, features[:, 0], strict=True) if total * difference < 0]
    print(f"answers against the run that stands lower: {len(against)}, right in {sum(against) / len(against):.2f}")
    print(f"in the module: memory {today.MEMORY:g}, weights {today.REHEARSAL}, bar {today.DECIDED_FROM}")
    cuts = {names: standings_of_cuts(names) for names in (FIT_TASKS, REPORT_TASKS)}
    print(f"cut: gain, its spread, seeds {fit_cut(cuts[FIT_TASKS]).round(3)}; in the module: {today.GAIN}, {today.GAIN_SPREAD}, {today.SEEDS}")
    print(f"the same of the report half: {fit_cut(cuts[REPORT_TASKS]).round(3)}")
    for path in sorted(given.curves.glob("*.csv")) if given.curves else ():
        print(f"{path.stem}: " + ", ".join(f"heat {heat:.2f} gained {gain:.3f}" for heat, gain in gains(path)))


if __name__ == "__main__":
    main()
