"""Well tuned runs, and the same cut short or drawn out."""

from typing import Any

import torch
from torch import nn

from benchmarks.clues.beds import Bed, Part, mlp
from benchmarks.clues.kind import Order, order
from tunesmith.schedules import one_cycle


def one_cycle_tuned(bed: Bed, seed: int) -> Order:
    """1cycle at the grid's best rate; twice the length gains at most a twentieth of the drop."""
    return order(bed.task(), bed.settings(), seed=seed)


def step_decay(bed: Bed, seed: int) -> Order:
    """The best rate, a tenth of it from half of the run on, a hundredth from three quarters on: the loss drops at the first step, as it must, and is level."""
    return order(
        bed.task(schedule=lambda step, total_steps: 0.1 ** ((step >= total_steps / 2) + (step >= 3 * total_steps / 4))),
        bed.settings(schedule="task"),
        seed=seed,
    )


def cosine_tuned(bed: Bed, seed: int) -> Order:
    """The best rate, half a cosine to zero."""
    return order(bed.task(), bed.settings(schedule="cosine"), seed=seed)


def warmup_linear_tuned(bed: Bed, seed: int) -> Order:
    """The best rate, a warm-up, linear to zero."""
    return order(bed.task(), bed.settings(schedule="warmup_linear"), seed=seed)


def cut_at_a_third(bed: Bed, seed: int) -> Order:
    """1cycle of three times the length, cut where its rate is still rising: it never came to anneal."""

    def shape(step: int, total_steps: int) -> float:
        return one_cycle(max_lr=1.0, min_lr=0.1, total_steps=total_steps * 3)(step)

    return order(bed.task(schedule=shape), bed.settings(schedule="task"), seed=seed, steps_share=0.3)


def constant_too_short(bed: Bed, seed: int) -> Order:
    """An eighth of the length at the lowest good rate, which is held: it ends in the middle of its way."""
    return order(bed.task(), bed.settings(lr=bed.low_lr, schedule="constant"), seed=seed, steps_share=0.125)


def long_zero_tail(bed: Bed, seed: int) -> Order:
    """1cycle is over after a fifth of the run; the learning rate of the rest is 0, so the weights do not move."""

    def shape(step: int, total_steps: int) -> float:
        return one_cycle(max_lr=1.0, min_lr=0.1, total_steps=total_steps // 5)(step) if step < total_steps // 5 else 0.0

    return order(bed.task(schedule=shape), bed.settings(lr=bed.lr, schedule="task"), seed=seed, since=(0.08, 0.3))


def _bowl() -> tuple[Part, Part]:
    random = torch.Generator().manual_seed(0)
    x, weights = torch.randn(6000, 10, generator=random), torch.randn(10, 1, generator=random)
    y = x @ weights + torch.randn(6000, 1, generator=random) / 2
    return (x[:5000], y[:5000]), (x[5000:], y[5000:])


def _halves() -> tuple[Part, Part]:
    random = torch.Generator().manual_seed(0)
    x, weights = torch.randn(6000, 10, generator=random), torch.randn(10, 1, generator=random)
    y = (x @ weights + torch.randn(6000, 1, generator=random) > 0).long().squeeze(1)
    return (x[:5000], y[:5000]), (x[5000:], y[5000:])


_SOLVED: dict[str, Any] = {"half": "report", "low_lr": 0.01, "edge_lr": 1.0, "batch_size": 100}
CONVEX = (
    Bed(name="bowl_sgd", data=_bowl, model=lambda width: nn.Linear(10, width), width=1, classes=0, lr=0.01, **_SOLVED),
    Bed(name="bowl_adam", data=_bowl, model=lambda width: nn.Linear(10, width), width=1, classes=0, lr=0.03, optimizer="adamw", **_SOLVED),
    Bed(name="logistic", data=_halves, model=lambda width: nn.Linear(10, width), width=2, classes=2, lr=0.2, **_SOLVED),
)
SWINGING = (
    Bed(name="swing_linear", data=_bowl, model=lambda width: nn.Linear(10, width), width=1, classes=0, lr=0.01, **_SOLVED),
    Bed(name="swing_logistic", data=_halves, model=lambda width: nn.Linear(10, width), width=2, classes=2, lr=6.0, **_SOLVED),
    Bed(name="swing_mlp", data=_bowl, model=mlp(10, 1), width=32, classes=0, lr=0.005, **_SOLVED),
)


def solved_early(bed: Bed, seed: int) -> Order:
    """A convex problem of ten unknowns and 5,000 examples, at a rate that solves it in a seventh of the run, which then goes on."""
    return order(bed.task(), bed.settings(), seed=seed, since=(0.02, 0.5))


def dead_network(bed: Bed, seed: int) -> Order:
    """The last layer's outputs go through a ReLU far on its flat side: gradients are zero, the loss is constant."""
    return order(bed.task(model=lambda: nn.Sequential(bed.model(bed.width), _Dead())), bed.settings(), seed=seed, since=(0.0, 0.1))


class _Dead(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x - 1000)
