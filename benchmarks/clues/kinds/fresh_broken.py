"""Fresh runs that break, swing, never begin, or cannot be judged."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.clues.beds import Bed, Part
from benchmarks.clues.fresh_beds import fresh_order
from benchmarks.clues.kind import Order

_DRAWN_SHARE = 0.7


def rate_thirty_times(bed: Bed, seed: int) -> Order:
    """Thirty times the best rate, from the first update on: the loss is thrown up at once, and comes back to chance at best.

    Lost or unstable; where it lies level above its start somebody may say that it never began.
    """
    return fresh_order(
        bed, task=bed.task(), settings=bed.settings(lr=30 * bed.lr, schedule="constant"), seed=seed, since=(0.0, 0.2), stops_when_diverged=seed % 2 == 0
    )


def rate_warmed_too_high(bed: Bed, seed: int) -> Order:
    """The rate rises in a straight line to thirty times the best: first it learns, then it is thrown off."""
    task = bed.task(schedule=lambda step, total_steps: (step + 1) / total_steps)
    return fresh_order(
        bed,
        task=task,
        settings=bed.settings(lr=30 * bed.lr, schedule="task"),
        seed=seed,
        since=(0.02, 0.9),
        least_evaluations=40,
        stops_when_diverged=seed % 2 == 0,
    )


def dead_relu(bed: Bed, seed: int) -> Order:
    """The outputs pass a ReLU far on its flat side: no gradient, one and the same loss from the first update to the last."""
    return fresh_order(bed, task=bed.task(model=lambda: nn.Sequential(bed.model(bed.width), _Flat())), settings=bed.settings(), seed=seed, since=(0.0, 0.1))


class _Flat(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x - 500) + 0.3


def zero_rate(bed: Bed, seed: int) -> Order:
    """A schedule that is zero throughout (a unit too small by far): the weights do not move; batches vary, the validation loss does not."""
    task = bed.task(schedule=lambda _step, _total_steps: 0.0)
    return fresh_order(bed, task=task, settings=bed.settings(schedule="task"), seed=seed, since=(0.0, 0.1))


def handful_redrawn(bed: Bed, seed: int) -> Order:
    """Seven labels in ten are drawn at random, and each evaluation draws two or three examples anew: its error is larger than what there is to gain."""
    (x, y), (x_valid, y_valid) = bed.data()
    random = torch.Generator().manual_seed(seed)
    y, y_valid = (torch.where(torch.rand(part.shape, generator=random) < _DRAWN_SHARE, torch.randint(bed.classes, part.shape, generator=random), part)
                  for part in (y, y_valid))  # fmt: skip

    def draw(batch_size: int, generator: torch.Generator) -> Iterable[Part]:
        del batch_size, generator  # another draw at every evaluation is the point
        chosen = torch.randint(len(x_valid), (2,), generator=random)
        return [(x_valid[chosen], y_valid[chosen])]

    settings = bed.settings(lr=bed.low_lr, schedule="one_cycle_fastai")
    return fresh_order(bed, task=bed.task(train=(x, y), valid=draw), settings=settings, seed=seed, least_evaluations=24)


def _smooth(kind: str) -> tuple[Part, Part]:
    random = torch.Generator().manual_seed(51)
    x = torch.randn(1600, 6, generator=random)
    signal = x @ torch.randn(6, 3, generator=random) / 2
    if kind == "halves":
        y = (signal[:, 0] * 1.2 > torch.randn(1600, generator=random)).long()
    elif kind == "one":
        y = 2 * signal[:, :1] + torch.randn(1600, 1, generator=random) / 2
    else:
        y = signal + torch.randn(1600, 3, generator=random) / 3
    return (x[:800], y[:800]), (x[800:], y[800:])


_SWING: dict[str, Any] = {"half": "fresh", "width": 1, "batch_size": 800, "low_lr": 0.01, "edge_lr": 10.0}
SWINGS = (
    Bed(name="swing_halves", data=lambda: _smooth("halves"), model=lambda _: nn.Linear(6, 2), classes=2, lr=0.01, steps=500, **_SWING),
    Bed(name="swing_huber", data=lambda: _smooth("one"), model=lambda _: nn.Linear(6, 1), classes=0, lr=0.002, steps=400, loss=F.huber_loss, **_SWING),
    Bed(name="swing_many", data=lambda: _smooth("many"), model=lambda _: nn.Linear(6, 3), classes=0, lr=0.003, optimizer="nesterov", steps=300, **_SWING),
)  # fmt: skip


def heavy_momentum(bed: Bed, seed: int) -> Order:
    """Momentum .997 on the whole training set at once: the weights roll through the minimum and back, and lose .0015 an update of their swing.

    The batch has no noise, so what goes up and down is the swing alone.
    """
    settings = bed.settings(momentum=0.997, schedule="constant")
    return fresh_order(bed, task=bed.task(), settings=settings, seed=seed, since=(0.0, 0.6), least_evaluations=40)


def burst_recovered(bed: Bed, seed: int) -> Order:
    """From .35 of a tuned run on, a fifteenth of it gets other labels (each the next class; of copies the negative): both losses jump and come down again.

    The run goes on for half its length after that, and ends near where it would have: unstable for a while, and nothing else.
    """
    return _with_bad_batches(bed, seed, end=0.42, begin=0.35)


def bad_to_the_end(bed: Bed, seed: int) -> Order:
    """From .6 of a tuned run on all training labels are dealt at random, inputs five times too large: both losses jump, and stay."""
    return _with_bad_batches(bed, seed, end=1.0, begin=0.6)


def _with_bad_batches(bed: Bed, seed: int, *, begin: float, end: float) -> Order:
    (x, y), _ = bed.data()
    updates = itertools.count()

    def draw(batch_size: int, generator: torch.Generator) -> Iterator[Part]:
        for chosen in torch.randperm(len(x), generator=generator).split(batch_size):
            is_bad = begin <= next(updates) / total_steps < end
            if is_bad and end == 1.0:
                yield 5 * x[chosen], y[chosen[torch.randperm(len(chosen), generator=generator)]]
            elif is_bad:
                yield x[chosen], (y[chosen] + 1) % bed.classes if bed.classes else -y[chosen]
            else:
                yield x[chosen], y[chosen]

    ordered = fresh_order(
        bed, task=bed.task(train=draw, examples_per_epoch=len(x)), settings=bed.settings(lr=bed.lr / 2, schedule="warmup_linear"), seed=seed,
        since=(begin - 0.03, begin + 0.15), least_evaluations=40, stops_when_diverged=False,
    )  # fmt: skip
    total_steps = ordered.spec.total_steps
    return ordered


def nan_midway(bed: Bed, seed: int) -> Order:
    """A tuned run whose batch at half of the way holds a value that is not a number: nothing is finite after it."""
    (x, y), _ = bed.data()
    updates = itertools.count()

    def draw(batch_size: int, generator: torch.Generator) -> Iterator[Part]:
        for chosen in torch.randperm(len(x), generator=generator).split(batch_size):
            yield (x[chosen] * float("nan") if next(updates) == broken else x[chosen]), y[chosen]

    ordered = fresh_order(
        bed, task=bed.task(train=draw, examples_per_epoch=len(x)), settings=bed.settings(schedule="warmup_linear"), seed=seed, since=(0.45, 0.55)
    )
    broken = ordered.spec.total_steps // 2
    return ordered
