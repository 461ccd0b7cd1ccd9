"""Learning rates far from the good one, and one throw in the middle of a run."""

import dataclasses
import itertools
from collections.abc import Iterator

import torch

from benchmarks.clues.beds import Bed, Part
from benchmarks.clues.kind import Order, order
from tunesmith.schedules import one_cycle


def lr_far_too_small(bed: Bed, seed: int) -> Order:
    """A thousandth of the lowest learning rate that is nearly as good as the best: 400 updates move the weights as far as less than one would."""
    return order(bed.task(), bed.settings(lr=bed.low_lr / 1000), seed=seed)


def lr_tenth(bed: Bed, seed: int) -> Order:
    """A tenth of the lowest learning rate that is nearly as good as the best: what is missing is way."""
    return order(bed.task(), bed.settings(lr=bed.low_lr / 10), seed=seed)


def lr_thirty_times(bed: Bed, seed: int) -> Order:
    """Thirty times the rate from which runs of the grid are lost, from the first update on."""
    return order(bed.task(), bed.settings(lr=30 * bed.edge_lr, schedule="constant"), seed=seed, since=(0.0, 0.2))


def lr_bump(bed: Bed, seed: int) -> Order:
    """Well tuned 1cycle, but at .6 of the run six updates have a learning rate that throws the weights away: the loss must jump there."""
    height, begin = (30.0 if bed.is_adam else 12.0), 0.6

    def shape(step: int, total_steps: int) -> float:
        start = round(begin * total_steps)
        if start <= step < start + 6:
            return 1.0
        return one_cycle(max_lr=1 / height, min_lr=0.1 / height, total_steps=total_steps)(step)

    settings = bed.settings(lr=height * bed.lr, schedule="task")
    return order(bed.task(schedule=shape, clip_grad_norm=5.0), settings, seed=seed, since=(begin - 0.05, begin + 0.1))


def momentum_near_one(bed: Bed, seed: int) -> Order:
    """Momentum .995 at a constant rate: far from overdamped (lr·curvature is far above (1-√m)²).

    So the weights swing through the minimum and back, and only .0025 a step is lost of it.
    """
    settings = bed.settings(lr=bed.lr / 12, momentum=0.995, schedule="constant", batch_size=250)
    return order(bed.task(), settings, seed=seed)


def bad_batches(bed: Bed, seed: int) -> Order:
    """Well tuned 1cycle, but at .5 of the run two in five of twenty batches carry one and the same wrong answer.

    The network gives it to everything, and must learn anew. Never three in five, for which the loop's own rule would stop the run.
    """
    (x, y), _ = bed.data()
    wrong = torch.full_like(y, 10.0) if y.is_floating_point() else torch.ones_like(y)
    updates = itertools.count()

    def draw(batch_size: int, generator: torch.Generator) -> Iterator[Part]:
        for chosen in torch.randperm(len(x), generator=generator).split(batch_size):
            since_begin = next(updates) - begin
            is_bad = since_begin in range(20) and since_begin % 5 in {0, 1}
            yield x[chosen], (wrong if is_bad else y)[chosen]

    ordered = order(bed.task(train=draw, examples_per_epoch=len(x), clip_grad_norm=5.0), bed.settings(), seed=seed, since=(0.45, 0.6))
    begin = ordered.spec.total_steps // 2
    return ordered


def nan_example(bed: Bed, seed: int) -> Order:
    """One training input is NaN: the first pass must meet it, and nothing is finite after that."""
    (x, y), _ = bed.data()
    if x.is_floating_point():
        x = x.clone()
        x[7 + seed].fill_(float("nan"))
        return order(bed.task(train=(x, y)), bed.settings(), seed=seed, since=(0.0, 0.35))
    return _nan_loss(bed, seed)


def _nan_loss(bed: Bed, seed: int) -> Order:
    """For codes, which cannot be NaN: the logarithm of a loss below which it goes negative."""
    task = bed.task()
    plain = task.loss
    if plain is None:
        raise ValueError(f"Bed {bed.name} must have a loss. Look at beds.py.")
    return order(
        dataclasses.replace(task, loss=lambda output, target: plain(output, target) + (plain(output, target) - 2.8).log() * 0), bed.settings(), seed=seed
    )
