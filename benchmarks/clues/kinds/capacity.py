"""Networks that cannot hold the rule, and ones held back by dropout."""

from typing import Any

import torch
from torch import nn

from benchmarks.clues.beds import Bed, Part
from benchmarks.clues.kind import Order, order


def _parity(bits: int) -> tuple[Part, Part]:
    random = torch.Generator().manual_seed(0)
    corners = torch.randint(2, (3000, bits), generator=random)
    y = corners.sum(dim=1) % 2
    keep = (y == 0) | torch.rand(3000, generator=random).lt(0.4)  # so that there is something to learn: which class is the usual one
    x = torch.cat([2.0 * corners - 1 + 0.2 * torch.randn(3000, bits, generator=random), torch.ones(3000, 1)], dim=1)[keep]
    return (x[:1200], y[keep][:1200]), (x[1200:], y[keep][1200:])


def _ring() -> tuple[Part, Part]:
    random = torch.Generator().manual_seed(0)
    x = torch.randn(2400, 4, generator=random)
    y = x.square().sum(dim=1, keepdim=True) / 2
    return (x[:1200], y[:1200]), (x[1200:], y[1200:])


_LINEAR: dict[str, Any] = {"half": "fit", "lr": 0.03, "low_lr": 0.01, "edge_lr": 1.0}
LINEAR = (
    Bed(name="xor_linear", data=lambda: _parity(2), model=lambda width: nn.Linear(3, width), width=2, classes=2, **_LINEAR),
    Bed(name="parity_linear", data=lambda: _parity(4), model=lambda width: nn.Linear(5, width), width=2, classes=2, **_LINEAR),
    Bed(name="ring_linear", data=_ring, model=lambda width: nn.Linear(4, width), width=1, classes=0, **_LINEAR),
)


def linear_on_xor(bed: Bed, seed: int) -> Order:
    """A linear model of what no linear model can hold (XOR, parity, distance from the centre): it learns the mean, and never more."""
    return order(bed.task(), bed.settings(), seed=seed)


def too_narrow(bed: Bed, seed: int) -> Order:
    """All that is known of the inputs goes through a single number: ten digits, prices, or characters cannot be told apart behind it."""
    (x, y), _ = bed.data()
    n_out = bed.classes or y.shape[-1]
    if x.is_floating_point():
        return order(bed.task(model=lambda: nn.Sequential(nn.Linear(x.shape[1], 1), nn.Tanh(), nn.Linear(1, n_out))), bed.settings(), seed=seed)
    return order(bed.task(model=lambda: bed.model(1)), bed.settings(), seed=seed)


def dropout_too_strong(bed: Bed, seed: int) -> Order:
    """Seventeen in twenty inputs of every example are set to zero in training: little of the rule is left to learn."""
    return order(bed.task(model=lambda: nn.Sequential(nn.Dropout(0.85), bed.model(bed.width))), bed.settings(), seed=seed)
