"""The space that random search, Optuna and the reference draw from."""

import math
import random
from dataclasses import dataclass

from tunesmith.coupling import is_adam_kind
from tunesmith.settings import Settings
from tunesmith.task import Task

LENGTH_SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
"""Lengths, as shares of a full training T."""
ZERO_DECAY_SHARE = 0.25
"""How often a random weight decay is exactly 0 (our choice)."""


@dataclass(frozen=True)
class Space:
    """Ranges, all logarithmic.

    Attributes:
        lr: Peak learning rate: four decades around the optimizer's habit.
        batch_size: Total batch size.
        momentum_gap: 1 - momentum (beta1 for Adam kinds).
        weight_decay: Where it is not 0.
    """

    lr: tuple[float, float]
    batch_size: tuple[int, int]
    momentum_gap: tuple[float, float]
    weight_decay: tuple[float, float]


def space_of(task: Task) -> Space:
    """The space for a task: four decades of learning rate around the optimizer's habit, and weight decay as it is usual for it (our choice)."""
    is_adam, is_decoupled = is_adam_kind(task.optimizer_name), task.optimizer_name == "adamw"
    return Space(
        lr=(1e-5, 1e-1) if is_adam else (3e-4, 3.0),
        batch_size=(min(16, task.n_train), min(512, task.n_train)),
        momentum_gap=(0.01, 0.2),
        weight_decay=(1e-4, 1.0) if is_decoupled else (1e-6, 1e-1),
    )


def draw(task: Task, *, seed: int, index: int) -> tuple[Settings, float]:
    """Random settings number `index`, and their share of the full length: of the seed and the index alone."""
    rng = random.Random(f"{seed}/{index}")  # noqa: S311 (nothing here is secret)
    space = space_of(task)
    has_decay = rng.random() >= ZERO_DECAY_SHARE
    settings = Settings(
        lr=_log_uniform(rng, *space.lr),
        batch_size=round(_log_uniform(rng, *space.batch_size)),
        momentum=1 - _log_uniform(rng, *space.momentum_gap),
        weight_decay=_log_uniform(rng, *space.weight_decay) if has_decay else 0.0,
        schedule="one_cycle",
    )
    return settings, rng.choice(LENGTH_SHARES)


def steps_at(task: Task, batch_size: int, *, share: float = 1.0) -> int:
    """Updates of `share` of a full training; at least one."""
    return max(1, round(share * task.full_training_examples / batch_size))


def _log_uniform(rng: random.Random, low: float, high: float) -> float:
    return math.exp(rng.uniform(math.log(low), math.log(high)))
