"""The yardstick: random settings of every length, and the best of them on fresh seeds."""

import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.proof.cache import Row
from benchmarks.proof.space import draw, steps_at
from benchmarks.proof.store import Store
from tunesmith.settings import Settings

N_REFERENCE = 96
"""Random settings of a task: a percentile is worth about one of them (our choice)."""
N_BEST = 10
"""How many of them, the best by validation loss, are trained again: a tenth (our choice)."""
FRESH_SEEDS = (900_001, 900_002, 900_003, 900_004, 900_005)
"""Seeds of every retraining, which no search uses."""
REFERENCE_SEED = 1_000_000
"""Random setting i is trained on this seed plus i."""


def reference_key(store: Store, index: int) -> Row:
    """The key of random setting `index`: it depends on nothing but the task and the index, so that a table needs no data to be drawn up."""
    return store.key(draw=0, index=index)


def make_reference(store: Store, index: int) -> Row:
    """Random setting `index`: settings, seed, losses, cost; found or trained."""

    def make() -> Row:
        task = store.task.whole
        settings, share = draw(task, seed=0, index=index)
        steps = steps_at(task, settings.batch_size, share=share)
        seed = REFERENCE_SEED + index
        return {"settings": settings.to_dict(), "share": share, "total_steps": steps, "seed": seed} | store.train(settings, total_steps=steps, seed=seed)

    return store.reference.once(reference_key(store, index), make)


def reference_rows(store: Store) -> list[Row]:
    """The random settings that are known, in the order of their index."""
    found = (store.reference.get(reference_key(store, index)) for index in range(N_REFERENCE))
    return [row for row in found if row is not None]


def best_of(rows: list[Row]) -> list[Row]:
    """The `N_BEST` rows with the lowest validation loss."""
    finished = [row for row in rows if row["valid"]["loss"] is not None]
    return sorted(finished, key=lambda row: row["valid"]["loss"])[:N_BEST]


def oracle_key(store: Store, place: int, seed: int) -> Row:
    """The key of the reference's best setting number `place` on a fresh seed."""
    row = best_of(reference_rows(store))[place]
    return store.training_key(Settings.from_dict(row["settings"]), total_steps=row["total_steps"], seed=seed)


def make_oracle(store: Store, place: int, seed: int) -> Row:
    """The reference's best setting number `place`, on a fresh seed; found or trained."""
    row = best_of(reference_rows(store))[place]
    settings = Settings.from_dict(row["settings"])
    return store.trainings.once(oracle_key(store, place, seed), lambda: store.train(settings, total_steps=row["total_steps"], seed=seed))


@dataclass(frozen=True)
class Oracle:
    """The best of the random settings, known as well as five retrainings tell: what a search that wastes nothing could expect of them.

    Attributes:
        test: Mean test loss of the setting whose five retrainings have the best mean validation loss.
        spread: Standard deviation between seeds: the median of the ten settings', so that one at the brink does not hide what all others lose.
        n: Retrainings it rests on.
    """

    test: float
    spread: float
    n: int


def oracle_of(store: Store) -> Oracle | None:
    """The oracle, where the reference is complete and all its retrainings are known."""
    if len(reference_rows(store)) < N_REFERENCE:
        return None
    means: list[tuple[float, float]] = []
    spreads: list[float] = []
    n = 0
    for row in best_of(reference_rows(store)):
        retrained = list(_retrainings(store, row))
        if len(retrained) < len(FRESH_SEEDS):
            return None
        n += len(retrained)
        tests = [_loss(again["test"]) for again in retrained]
        means.append((sum(_loss(again["valid"]) for again in retrained) / len(retrained), sum(tests) / len(tests)))
        spreads.append(statistics.stdev(tests) if all(map(math.isfinite, tests)) else math.inf)
    if not means:
        return None
    return Oracle(test=min(means)[1], spread=statistics.median_low(spreads), n=n)


def _retrainings(store: Store, row: Row) -> Iterator[Row]:
    for seed in FRESH_SEEDS:
        key = store.training_key(Settings.from_dict(row["settings"]), total_steps=row["total_steps"], seed=seed)
        known = store.trainings.get(key)
        if known is not None:
            yield known


def _loss(values: Row) -> float:
    return math.inf if values["loss"] is None else float(values["loss"])
