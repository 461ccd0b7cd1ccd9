"""Fresh runs with nothing to mend: well tuned under five schedules, and solved long before the end."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.clues.beds import Bed, Part
from benchmarks.clues.fresh_beds import fresh_order, rmsprop
from benchmarks.clues.kind import Order


def tuned_fastai_cycle(bed: Bed, seed: int) -> Order:
    """fast.ai's cycle at the grid's best rate: it ends at its best, and no other rate of the grid would end much better. Nothing else fits that curve.

    CIFAR is given twice its bed's length, without which twice as long would gain.
    """
    share = 2.0 if bed.name == "cifar_resnet" else 1.0
    return fresh_order(bed, task=bed.task(), settings=bed.settings(schedule="one_cycle_fastai"), seed=seed, share=share)


def tuned_half_cosine(bed: Bed, seed: int) -> Order:
    """Half a cosine from half the best rate of a cycle, since it starts at its peak: near the grid's best, and still at its best at the end."""
    return fresh_order(bed, task=bed.task(), settings=bed.settings(lr=bed.lr / 2, schedule="cosine"), seed=seed)


def tuned_linear_decay(bed: Bed, seed: int) -> Order:
    """A warm-up, then linear to zero, at the best rate: it ends at its least, and neither another rate nor twice the length would gain much."""
    return fresh_order(bed, task=bed.task(), settings=bed.settings(schedule="warmup_linear"), seed=seed)


def tuned_step_drops(bed: Bed, seed: int) -> Order:
    """Half the best rate, a tenth of it from half of the run, a hundredth from three quarters.

    After the drops the loss is level, so `plateaued` is right too.
    """
    return fresh_order(bed, task=bed.task(), settings=bed.settings(lr=bed.lr / 2, schedule="step"), seed=seed)


def tuned_warm_restarts(bed: Bed, seed: int) -> Order:
    """Half cosines of one, two and four sevenths of the run (SGDR): each restart lifts the loss for a while, as it must, and the run ends at its best.

    The restarts stand in the rate's column, so rises that begin there are no instability. Where the last cycle gains little over the second, somebody may
    call the run longer than it need be, so `plateaued` is right too.
    """

    def shape(step: int, total_steps: int) -> float:
        share, begin, length = step / total_steps, 0.0, 1 / 7
        while share >= begin + length and begin + length < 1 - 1 / 14:
            begin, length = begin + length, 2 * length
        return (1 + math.cos(math.pi * min(1.0, (share - begin) / length))) / 2

    return fresh_order(bed, task=bed.task(schedule=shape), settings=bed.settings(lr=bed.lr / 2, schedule="task"), seed=seed, least_evaluations=24)


def _poisson_loss(output: Tensor, target: Tensor) -> Tensor:
    return F.poisson_nll_loss(output, target, log_input=True)


def _made(answer: Callable[[Tensor, torch.Generator], Tensor], *, n_inputs: int) -> Callable[[], tuple[Part, Part]]:
    def data() -> tuple[Part, Part]:
        random = torch.Generator().manual_seed(21)
        x = torch.randn(7000, n_inputs, generator=random)
        y = answer(x @ torch.randn(n_inputs, 3, generator=random) / n_inputs**0.5, random)
        return (x[:6000], y[:6000]), (x[6000:], y[6000:])

    return data


def _counts(signal: Tensor, random: torch.Generator) -> Tensor:
    return torch.poisson((signal[:, :1] * 0.7 + 0.5).exp(), generator=random)


def _classes(signal: Tensor, random: torch.Generator) -> Tensor:
    return torch.multinomial((1.5 * signal).softmax(dim=1), 1, generator=random).squeeze(1)


def _heavy_tails(signal: Tensor, random: torch.Generator) -> Tensor:
    noise = torch.randn(signal.shape[0], 1, generator=random) / torch.rand(signal.shape[0], 1, generator=random).clamp(min=0.1).sqrt()
    return 2 * signal[:, :1] + 0.3 * noise


_EASY: dict[str, Any] = {"half": "fresh", "steps": 480, "batch_size": 200}
EASY = (
    Bed(name="easy_poisson", data=_made(_counts, n_inputs=8), model=lambda width: nn.Linear(8, width), width=1, classes=0, lr=0.005, low_lr=0.005,
        edge_lr=1.0, loss=_poisson_loss, **_EASY),
    Bed(name="easy_softmax", data=_made(_classes, n_inputs=12), model=lambda width: nn.Linear(12, width), width=3, classes=3, lr=0.05, low_lr=0.05,
        edge_lr=10.0, optimizer="nesterov", **_EASY),
    Bed(name="easy_huber", data=_made(_heavy_tails, n_inputs=6), model=lambda width: nn.Linear(6, width), width=1, classes=0, lr=0.002, low_lr=0.002,
        edge_lr=1.0, optimizer=rmsprop, loss=F.huber_loss, **_EASY),
)  # fmt: skip


def easy_four_times(bed: Bed, seed: int) -> Order:
    """A convex problem of a few unknowns and 6,000 examples, at a constant rate, four times as long as it needs: level from the first quarter on, no gap.

    Nothing is wrong with it but its length, so `balanced` is right too.
    """
    return fresh_order(bed, task=bed.task(), settings=bed.settings(schedule="constant"), seed=seed, since=(0.02, 0.5))
