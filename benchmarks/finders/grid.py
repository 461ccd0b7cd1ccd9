"""The yardstick: twelve learning rates, each a full training, for every task and seed; and the keys and jobs of every training of this bench."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.proof.cache import Row
from benchmarks.proof.collect import loss_of
from benchmarks.proof.jobs import Job
from benchmarks.proof.store import Facts, Store
from benchmarks.proof.study import RETRAINING_SEEDS
from tunesmith.coupling import is_adam_kind
from tunesmith.settings import Settings

N_RATES = 12
RANGES = {"sgd": (1e-3, 3.0), "adam": (1e-4, 0.3)}
"""By the kind of optimizer, not by the task; three and a half decades (our choice: the best on these tasks lies inside, and the tables say where not)."""
GRID_SEED = 2_000_000
"""The grid of pair (task, seed) is trained on this plus the seed, all twelve alike."""
BATCH_SIZE = 64


def rates_of(optimizer: str) -> tuple[float, ...]:
    """The twelve learning rates for an optimizer, to three digits.

    Example:
        >>> rates_of("sgd")[:3], rates_of("adamw")[-1]
        ((0.001, 0.00207, 0.00429), 0.3)
    """
    low, high = RANGES["adam" if is_adam_kind(optimizer) else "sgd"]
    return tuple(float(f"{low * (high / low) ** (i / (N_RATES - 1)):.3g}") for i in range(N_RATES))


@dataclass(frozen=True)
class Training:
    """A full training at a learning rate: 1cycle up to it from a tenth, momentum .9, batches of 64, torch's weight decay (.01 for AdamW, else none)."""

    lr: float
    seed: int

    def settings(self, facts: Facts) -> Settings:
        """What the bare loop trains with."""
        return Settings(
            lr=self.lr, momentum=0.9, weight_decay=0.01 if facts.optimizer == "adamw" else 0.0,
            batch_size=min(BATCH_SIZE, facts.n_train), schedule="one_cycle",
        )  # fmt: skip

    def total_steps(self, facts: Facts) -> int:
        """Updates of a full training."""
        return max(1, round(facts.full_training_examples / self.settings(facts).batch_size))

    def known(self, store: Store) -> Row | None:
        """Its row; None where it was not trained."""
        facts = store.known_facts()
        return None if facts is None else store.trainings.get(self._key(store, facts))

    def run(self, store: Store) -> Row:
        """Its row, found or trained.

        Raises:
            ValueError: The task was not loaded yet.
        """
        facts = store.known_facts()
        if facts is None:
            raise ValueError(f"{store.task.name} must have been loaded once, and was not.")
        return store.trainings.once(self._key(store, facts), lambda: store.train(self.settings(facts), total_steps=self.total_steps(facts), seed=self.seed))

    def _key(self, store: Store, facts: Facts) -> Row:
        return store.training_key(self.settings(facts), total_steps=self.total_steps(facts), seed=self.seed)


def grid(store: Store, seed: int) -> list[Training]:
    """The twelve trainings of a pair; none before the task was loaded."""
    facts = store.known_facts()
    return [] if facts is None else [Training(lr, GRID_SEED + seed) for lr in rates_of(facts.optimizer)]


def retrainings(lr: float) -> list[Training]:
    """A learning rate on the fresh seeds, the same for everybody."""
    return [Training(lr, seed) for seed in RETRAINING_SEEDS]


def tests_of(store: Store, lr: float) -> list[float] | None:
    """Test loss of each retraining, infinite where it diverged; None where one is missing."""
    rows = [training.known(store) for training in retrainings(lr)]
    return None if any(row is None for row in rows) else [loss_of(row["test"]) for row in rows if row is not None]


def best_rate(store: Store, seed: int) -> float | None:
    """The learning rate of the grid with the lowest validation loss; None before the grid is complete, or where all of it diverged."""
    rows = [(training.lr, training.known(store)) for training in grid(store, seed)]
    losses = [(loss_of(row["valid"]), lr) for lr, row in rows if row is not None]
    finished = [pair for pair in losses if pair[0] < float("inf")]
    return min(finished)[1] if len(losses) == N_RATES and finished else None


def training_jobs(store: Store, trainings: Iterable[Training], *, title: str) -> list[Job]:
    """One job for all of these that are missing; none where nothing is."""
    missing = [training for training in trainings if training.known(store) is None]
    return [Job(f"{store.task.name}: {title}", partial(_run_all, store, missing), is_done=partial(_are_known, store, missing))] if missing else []


def _run_all(store: Store, trainings: Sequence[Training]) -> None:
    for training in trainings:
        training.run(store)


def _are_known(store: Store, trainings: Sequence[Training]) -> bool:
    return all(training.known(store) is not None for training in trainings)
