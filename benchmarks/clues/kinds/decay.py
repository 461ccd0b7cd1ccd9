"""Weight decay far too large, unstable, and none where it is needed."""

import torch
from torch import nn

from benchmarks.clues.beds import Bed, Part
from benchmarks.clues.kind import Order, order


def decay_far_too_large(bed: Bed, seed: int) -> Order:
    """The decay has the size of the whole gradient (SGD: .3), or shrinks the weights e^100-fold over the run (AdamW): nothing can be held."""
    weight_decay = 100 / (bed.lr / 2 * 400) if bed.is_adam else 0.3
    return order(bed.task(), bed.settings(weight_decay=weight_decay), seed=seed)


def decay_too_large(bed: Bed, seed: int) -> Order:
    """Ten times what is usual at most: SGD .15, AdamW e^60-fold over the run. The network learns, and less than it could."""
    weight_decay = 60 / (bed.lr / 2 * 400) if bed.is_adam else 0.15
    return order(bed.task(), bed.settings(weight_decay=weight_decay), seed=seed)


def decay_unstable(bed: Bed, seed: int) -> Order:
    """The decay alone, without any loss, is beyond heavy ball's limit lr·wd < 2(1+m) (AdamW: lr·wd < 2): weights must grow without bound."""
    weight_decay = (3 if bed.is_adam else 3 * 2 * 1.9) / bed.lr
    return order(bed.task(), bed.settings(weight_decay=weight_decay, schedule="constant"), seed=seed, since=(0.0, 0.2))


def no_decay_little_data(bed: Bed, seed: int) -> Order:
    """Sixty examples, two hundred passes, a network with many times as many weights, no decay: it learns them by heart."""
    (x, y), _ = bed.data()
    n = 60
    begin = seed * n
    return order(bed.task(train=(x[begin : begin + n], y[begin : begin + n])), bed.settings(schedule="constant", batch_size=30), seed=seed, since=(0.0, 0.6))


def _none() -> tuple[Part, Part]:
    """The kind makes its data from its seed."""
    return (torch.empty(0), torch.empty(0)), (torch.empty(0), torch.empty(0))


RIDGE = tuple(
    Bed(
        name=f"ridge_{d}", half="report", data=_none, model=lambda width: nn.Linear(width, 1), width=d, classes=0, lr=lr, low_lr=lr, edge_lr=10 * lr,
        optimizer=optimizer, batch_size=25,
    )
    for d, lr, optimizer in ((40, 0.02, "sgd"), (80, 0.01, "nesterov"), (120, 0.03, "adamw"))
)  # fmt: skip


def ridge_needed(bed: Bed, seed: int) -> Order:
    """Least squares of d unknowns from 1.1·d noisy equations: the unregularised answer errs several times as much as ridge's."""
    random = torch.Generator().manual_seed(seed)
    d, n = bed.width, round(1.1 * bed.width)
    x, weights = torch.randn(n + 1000, d, generator=random), torch.randn(d, 1, generator=random) / d**0.5
    y = x @ weights + torch.randn(n + 1000, 1, generator=random)
    task = bed.task(train=(x[:n], y[:n]), valid=(x[n:], y[n:]))
    return order(task, bed.settings(schedule="constant"), seed=seed, since=(0.0, 0.5))
