"""Reads the same runs as other people's logs would have them: fewer rows, a column less. How much of the reading is left?

    python -m benchmarks.clues.views > benchmarks/results/clues_views.md     # a minute; trains nothing

A view keeps what is right: a swing that lies between two rows is missed, and counted as missed.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from benchmarks.clues.__main__ import ROWS, read_rows
from benchmarks.clues.kind import HALVES
from benchmarks.clues.kinds import KINDS
from benchmarks.clues.score import Reader, Verdict, score
from tunesmith.curve import Curve
from tunesmith.log import NOTHING, Series, TrainingLog, from_curve
from tunesmith.reading.clues import read_clues

View = Callable[[TrainingLog], TrainingLog]


def in_rows(count: int | None = None) -> View:
    """One row an evaluation, or `count` of them: the mean training loss since the row before, the learning rate now, the validation loss now."""

    def view(log: TrainingLog) -> TrainingLog:
        steps = log.valid_loss.step
        if steps.size < (count or 1):
            return log
        if count is not None:
            steps = steps[np.unique(np.linspace(steps.size / count - 1, steps.size - 1, count).round().astype(int))]
        part = np.searchsorted(steps, log.train_loss.step)
        inside = part < steps.size
        with np.errstate(invalid="ignore"):
            train = np.bincount(part[inside], weights=log.train_loss.value[inside], minlength=steps.size) / np.bincount(part[inside], minlength=steps.size)
        last = log.train_loss.step[~inside]
        if last.size and not np.isfinite(log.train_loss.value[-1]):  # a run that was lost says so in a last row
            steps, train = np.append(steps, last[-1]), np.append(train, log.train_loss.value[-1])
        kept = np.isin(log.valid_loss.step, steps)
        metrics = {name: Series.of(series.step[kept], series.value[kept]) for name, series in log.valid_metrics.items()}
        return replace(
            log,
            train_loss=Series.of(steps, train),
            lr=Series.of(steps, np.interp(steps, log.lr.step, log.lr.value)),
            valid_loss=Series.of(log.valid_loss.step[kept], log.valid_loss.value[kept]),
            valid_metrics=metrics,
        )

    return view


VIEWS: dict[str, View] = {
    "as recorded": lambda log: log,
    "a row an evaluation": in_rows(),
    "ten rows": in_rows(10),
    "five rows": in_rows(5),
    "no learning rate": lambda log: replace(log, lr=NOTHING),
    "no training loss": lambda log: replace(log, train_loss=NOTHING),
    "no validation": lambda log: replace(log, valid_loss=NOTHING, valid_metrics={}),
}


def reader_of(view: View) -> Reader:
    """What is read of a run's log as that view has it."""

    def read(curve: Curve) -> Verdict:
        first = read_clues(view(from_curve(curve, name="run")))[0]
        return Verdict(name=first.kind, confidence=first.confidence, since_step=first.since_step)

    return read


def main() -> None:
    """Print the table."""
    print("# The same runs as sparser logs\n\nSee the top of `clues/views.py`; columns as in `clues.md`.\n")
    print("| view | half | runs | decided | right | sure and wrong |\n|---|---|---|---|---|---|")
    for name, view in VIEWS.items():
        answers = read_rows(ROWS, kinds=KINDS, read=reader_of(view))
        for half in HALVES:
            found = score([one for one in answers if one.half == half])
            print(f"| {name} | {half} | {found.n} | {found.decided or 0:.2f} | {found.right or 0:.2f} | {found.confidently_wrong or 0:.3f} |", flush=True)


if __name__ == "__main__":
    main()
