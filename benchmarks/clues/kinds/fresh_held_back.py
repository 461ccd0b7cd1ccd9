"""Fresh runs that one thing holds back: the network, the rate, the decay, the clipping, the noise on its inputs, the length."""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from benchmarks.clues.beds import Bed, Part
from benchmarks.clues.fresh_beds import dropped_mlp, fresh_order, spirals
from benchmarks.clues.kind import Order

_BOARD_FROM = 0.7


def _unequal_arms() -> tuple[Part, Part]:
    """One arm ten times as common as each of the others, so that a line has something to learn."""
    (x, y), (x_valid, y_valid) = spirals()
    keep, keep_valid = ((part == 0) | (torch.arange(len(part)) % 10 < 1) for part in (y, y_valid))
    return (x[keep], y[keep]), (x_valid[keep_valid], y_valid[keep_valid])


def _board() -> tuple[Part, Part]:
    random = torch.Generator().manual_seed(41)
    x = torch.rand(2400, 2, generator=random) * 3
    y = ((x.floor().sum(dim=1) % 2 == 0) & (x[:, 0] > _BOARD_FROM)).long()
    x = torch.cat([x - 1.5, torch.randn(2400, 2, generator=random)], dim=1)
    return (x[:1600], y[:1600]), (x[1600:], y[1600:])


def _products() -> tuple[Part, Part]:
    random = torch.Generator().manual_seed(42)
    x = torch.randn(2400, 6, generator=random)
    y = (x[:, 0] * x[:, 1] + x[:, 2] * x[:, 3] + x[:, 4]).unsqueeze(1) / 1.7
    return (x[:1600], y[:1600]), (x[1600:], y[1600:])


_LINE: dict[str, Any] = {"half": "fresh", "low_lr": 0.01, "edge_lr": 3.0, "width": 1}
LINES = (
    Bed(name="line_arms", data=_unequal_arms, model=lambda _: nn.Linear(2, 3), classes=3, lr=0.1, optimizer="nesterov", batch_size=32, steps=300, **_LINE),
    Bed(name="line_board", data=_board, model=lambda _: nn.Linear(4, 2), classes=2, lr=0.03, optimizer="adam", batch_size=64, steps=400, **_LINE),
    Bed(name="line_products", data=_products, model=lambda _: nn.Linear(6, 1), classes=0, lr=0.03, batch_size=100, steps=250, **_LINE),
)


def line_through_curves(bed: Bed, seed: int) -> Order:
    """A linear model of spirals, of a chess board, of products: what is usual is learned at once, and no more, with both losses equal and level.

    That it is level early is as true as that it could be lower with another network.
    """
    return fresh_order(bed, task=bed.task(), settings=bed.settings(schedule="warmup_linear"), seed=seed)


def bottleneck(bed: Bed, seed: int) -> Order:
    """All goes through a single number (of spirals: two units a layer): pixels, ten digits, three arms cannot be told apart behind it.

    Both losses level high, and together: that it is level early is true as well.
    """
    (x, _), _ = bed.data()
    narrow = {
        "copy_adam": lambda: bed.model(1),
        "mnist_dropout": lambda: nn.Sequential(nn.Linear(x.shape[1], 1), nn.Tanh(), nn.Linear(1, 10)),
        "spiral_adam": lambda: bed.model(2),
    }[bed.name]
    return fresh_order(bed, task=bed.task(model=narrow), settings=bed.settings(lr=bed.lr / 2, schedule="one_cycle_fastai"), seed=seed)


def drowned_inputs(bed: Bed, seed: int) -> Order:
    """Augmentation that drowns what it should vary: noise of twice the inputs' spread at every update; of digits: dropout of six in seven.

    Training is harder than validation, so its loss is the higher one, and both stay high.
    """
    (x, y), _ = bed.data()

    def draw(batch_size: int, generator: torch.Generator) -> Iterator[Part]:
        for chosen in torch.randperm(len(x), generator=generator).split(batch_size):
            yield x[chosen] + 2 * x.std() * torch.randn(x[chosen].shape, generator=generator), y[chosen]

    settings = bed.settings(schedule="one_cycle_fastai", lr=bed.lr / 2)
    if bed.name == "mnist_dropout":
        return fresh_order(bed, task=bed.task(model=lambda: dropped_mlp(bed.width, dropout=0.86)), settings=settings, seed=seed)
    return fresh_order(bed, task=bed.task(train=draw, examples_per_epoch=len(x)), settings=settings, seed=seed)


CLIPPED_AT = {"mnist_dropout": 0.01, "coast_ln": 0.01, "cifar_resnet": 0.04}


def clipped_to_a_crawl(bed: Bed, seed: int) -> Order:
    """The gradient's norm is clipped far below what it ever is, so every update is as short as the last: the loss goes down a steady slope to the end.

    On the curves that is a rate too small or a run too short; either knob mends it.
    """
    return fresh_order(bed, task=bed.task(clip_grad_norm=CLIPPED_AT[bed.name]), settings=bed.settings(schedule="constant", lr=bed.lr / 2), seed=seed)


def rate_ten_times_too_small(bed: Bed, seed: int) -> Order:
    """A tenth of the lowest rate that is nearly as good as the best, held to the end: it falls steadily, and is falling still."""
    return fresh_order(bed, task=bed.task(), settings=bed.settings(lr=bed.low_lr / 10, schedule="constant"), seed=seed)


DECAYS = {"mnist_dropout": 0.15, "taught_rms": 0.05, "copy_adam": 0.003}


def decay_crushes(bed: Bed, seed: int) -> Order:
    """Weight decay a hundred times what is usual: the loss falls and stops high, both losses equal, since the weights cannot grow.

    On the curves alone that is underfitting, and level early.
    """
    settings = bed.settings(lr=bed.lr / 2, weight_decay=DECAYS[bed.name], schedule="warmup_linear")
    return fresh_order(bed, task=bed.task(), settings=settings, seed=seed)


def cosine_cut_at_a_third(bed: Bed, seed: int) -> Order:
    """Half a cosine of thrice the length, cut where its rate is still three quarters of the peak: the anneal, and its gain, never came."""

    def shape(step: int, total_steps: int) -> float:
        return (1 + math.cos(math.pi * step / (3 * total_steps))) / 2

    return fresh_order(bed, task=bed.task(schedule=shape), settings=bed.settings(schedule="task", lr=bed.lr / 2), seed=seed, share=0.5)
