"""Made-up range tests whose edge is known, and made-up runs whose clue is."""

import numpy as np
from numpy.typing import NDArray

from tunesmith.curve import Curve, RunOutcome

Floats = NDArray[np.float64]


def made_sweep(
    seed: int, *, edge: float = 0.6, noise: float = 0.1, n: int = 200, n_valid: int = 20, drop: float = 2.0, half: float = 0.08
) -> tuple[Floats, Floats, Floats]:
    """LR from 1/n to 1, training loss, and validation loss (NaN where it was not taken), as on a quadratic with noisy gradients.

    The loss halves its way down from 2.5 to .5 every `half` of LR; beyond the edge it grows exponentially, noise and all.
    """
    random = np.random.default_rng(seed)
    lr = np.linspace(1 / n, 1, n)
    rise = drop * np.expm1(np.clip(8 * (lr - edge) / edge, 0, 6))
    clean = 0.5 + drop * 0.5 ** (lr / half) + rise
    train = clean + noise * random.standard_normal(n) * (1 + rise)
    valid = np.full(n, np.nan)
    if n_valid:
        at = np.unique(np.linspace(n / n_valid - 1, n - 1, n_valid).astype(int))
        valid[at] = clean[at] + 0.1 + noise / 2 * random.standard_normal(at.size)
    return lr, train, valid


def made_run(valid: Floats, train: Floats, *, outcome: RunOutcome = RunOutcome.FINISHED) -> Curve:
    """A run with as many updates as `train` is long, evaluated evenly."""
    steps = np.linspace(train.size / valid.size, train.size, valid.size).round().astype(int)
    return Curve(
        lr=(0.1,) * train.size,
        momentum=(0.9,) * train.size,
        train_loss=tuple(train.tolist()),
        eval_step=tuple(steps.tolist()),
        valid_loss=tuple(valid.tolist()),
        outcome=outcome,
    )


def made_clue(kind: str, seed: int, *, noise: float = 0.02, n: int = 20, steps: int = 400) -> Curve:
    """A run that is balanced, unfinished, overfitting, overfitting from its first evaluation on ("memory"), unstable, or never started."""
    random = np.random.default_rng(seed)
    t, s = (np.arange(n) + 1) / n, (np.arange(steps) + 1) / steps
    valid, train = {
        "balanced": (0.5 + 2 * np.exp(-t / 0.12), 0.5 + 2 * np.exp(-s / 0.12)),
        "unfinished": (2.5 - 1.5 * t, 2.5 - 1.5 * s),
        "overfitting": (0.5 + 2 * np.exp(-t / 0.12) + 0.8 * np.clip(t - 0.4, 0, 1), 2.5 * np.exp(-s / 0.2)),
        "memory": (2 + 1.5 * t, 2 * np.exp(-s / 0.2)),
        "unstable": (
            0.5 + 2 * np.exp(-t / 0.12) + 2 * np.exp(-(((t - 0.5) / 0.08) ** 2)) + 0.3 * (t > 0.5),
            0.5 + 2 * np.exp(-s / 0.12) + 2 * np.exp(-(((s - 0.5) / 0.08) ** 2)) + 0.3 * (s > 0.5),
        ),
        "never_started": (np.full(n, 2.0), np.full(steps, 2.0)),
    }[kind]
    return made_run(valid + noise * random.standard_normal(n), train + 5 * noise * random.standard_normal(steps))
