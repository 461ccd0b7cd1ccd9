"""Validation losses that must turn twice or more: swings whose period is known, humps that a closed form or a second phase ends."""

import itertools
import math
from collections.abc import Iterator

import torch
from torch import nn

from benchmarks.clues.beds import Bed, Part
from benchmarks.clues.kind import Order, order
from benchmarks.clues.kinds.labels import shuffled


def _bowl(d: int) -> tuple[Part, Part]:
    random = torch.Generator().manual_seed(0)
    x, weights = torch.randn(2000, d, generator=random), torch.randn(d, 1, generator=random)
    y = x @ (weights / weights.norm()) * 2 + torch.randn(2000, 1, generator=random) / 3
    return (x[:1000], y[:1000]), (x[1000:], y[1000:])


BOWLS = tuple(
    Bed(
        name=f"swing_{d}", half="fit", data=lambda d=d: _bowl(d), model=lambda width: nn.Linear(width, 1), width=d, classes=0,
        lr=1.0, low_lr=1.0, edge_lr=2.0, batch_size=500,
    )
    for d in (4, 12, 30)
)  # fmt: skip
_SWINGS = 8


def swinging_bowl(bed: Bed, seed: int) -> Order:
    """Heavy ball with momentum .99 on least squares whose curvatures are all about 2.

    The weights swing with the period 2π/√(2·lr), the loss twice as often, and of the swing only (1-m)/2 a step is lost.
    """
    total_steps = (400, 320, 360, 280)[seed % 4]
    lr = (math.pi * _SWINGS / total_steps) ** 2 / 2  # √(2·lr)·T = π·swings of the loss
    return order(bed.task(), bed.settings(lr=lr, momentum=0.99, schedule="constant"), seed=seed, since=(0.0, 0.5))


def subset_first(bed: Bed, seed: int) -> Order:
    """Until .45 of the run every batch is of the same fifty examples, three labels in ten of them wrong; then of all, with right labels.

    The first part must overfit, the second, whose rate falls to zero, takes it back: the validation loss rises under a falling training loss, and falls again.
    """
    (x, y), _ = bed.data()
    begin, updates = 50 * seed, itertools.count()
    few = (x[begin : begin + 50], shuffled(y[begin : begin + 50], share=0.3, seed=seed))

    def draw(batch_size: int, generator: torch.Generator) -> Iterator[Part]:
        for chosen in torch.randperm(len(x), generator=generator).split(batch_size):
            if next(updates) < switch:
                few_chosen = torch.randint(len(few[0]), (batch_size,), generator=generator)
                yield few[0][few_chosen], few[1][few_chosen]
            else:
                yield x[chosen], y[chosen]

    def shape(step: int, total_steps: int) -> float:
        return min(1.0, (total_steps - step) / total_steps / 0.4)

    ordered = order(bed.task(train=draw, examples_per_epoch=len(x), schedule=shape), bed.settings(schedule="task"), seed=seed, since=(0.0, 0.45))
    switch = round(0.45 * ordered.spec.total_steps)
    return ordered


TWO_SPEEDS = tuple(
    Bed(
        name=f"two_speeds_{n}", half="report", data=lambda: _bowl(4), model=lambda width: nn.Linear(width, 1, bias=False), width=n, classes=0,
        lr=0.1, low_lr=0.01, edge_lr=0.7, optimizer=optimizer, batch_size=n,
    )
    for n, optimizer in ((120, "sgd"), (160, "nesterov"), (200, "sgd"))
)  # fmt: skip
_RAISED_AT, _LOW_SHARE = 0.4, 0.04
_N_LOUD, _N_QUIET, _LOUD, _MIDDLE, _QUIET = 4, 8, 1.5, 0.7, 0.2


def two_speed_features(bed: Bed, seed: int) -> Order:
    """Least squares of loud inputs that matter, many middling ones that do not, and quiet ones that matter most.

    The first .4 of the run has a small learning rate: the loud inputs are learned, then the middling ones (.7 an example, orthonormal) learn by heart .7 of
    what the quiet ones would explain. By the closed form that adds .7 of the quiet ones' variance to the validation loss. Then the rate is 25 times larger, the
    quiet ones are learned and all errors go.

    Source: Heckel and Yilmaz, arXiv:2007.10099: epoch-wise double descent is several trade-offs one after the other.
    """
    random = torch.Generator().manual_seed(seed)
    n, n_middle = bed.width, round(0.7 * bed.width)
    loud, quiet, middle = (torch.randn(n + 1000, count, generator=random) for count in (_N_LOUD, _N_QUIET, n_middle))
    middle[:n] = torch.linalg.qr(middle[:n])[0] * n**0.5
    y = loud.sum(dim=1, keepdim=True) + quiet.sum(dim=1, keepdim=True)
    x = torch.cat([_LOUD * loud, _QUIET * quiet, _MIDDLE * middle], dim=1)

    def shape(step: int, total_steps: int) -> float:
        share = step / total_steps
        return _LOW_SHARE if share < _RAISED_AT else (1 - share) / (1 - _RAISED_AT)

    task = bed.task(train=(x[:n], y[:n]), valid=(x[n:], y[n:]), model=lambda: nn.Linear(x.shape[1], 1, bias=False), schedule=shape)
    return order(task, bed.settings(schedule="task"), seed=seed, since=(0.0, 0.4))
