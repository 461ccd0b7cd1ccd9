"""Learning rates of all parameter groups of all optimizers, moved together: each keeps its ratio to the largest."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from torch import Tensor
from torch.optim import Optimizer

from tunesmith.errors import InputError

Group: TypeAlias = dict[str, Any]
Shares: TypeAlias = list[tuple[Group, float]]


def lr_shares(optimizers: Sequence[Optimizer]) -> Shares:
    """Every parameter group with its share of the largest learning rate.

    Where a warm-up has set all of them to 0, the ratios of `initial_lr` count, which schedulers keep.

    Raises:
        InputError: Several groups at 0, so that no ratio is known.

    Example:
        >>> import torch
        >>> groups = [{"params": [torch.zeros(1)], "lr": 0.5}, {"params": [torch.zeros(1)], "lr": 0.05}]
        >>> [share for _, share in lr_shares([torch.optim.SGD(groups)])]
        [1.0, 0.1]
    """
    groups: list[Group] = [group for optimizer in optimizers for group in optimizer.param_groups]
    for name in ("lr", "initial_lr"):
        rates = [float(group.get(name, 0.0)) for group in groups]
        if max(rates) > 0:
            return [(group, rate / max(rates)) for group, rate in zip(groups, rates, strict=True)]
    if len(groups) == 1:
        return [(groups[0], 1.0)]
    raise InputError(f"At least one of {len(groups)} parameter groups must have lr > 0, or their ratios are not known, and all are 0. Set their lr first.")


def set_lr(shares: Shares, lr: float) -> None:
    """Give every group its share of `lr`; a learning rate that is a tensor stays that tensor."""
    for group, share in shares:
        held = group["lr"]
        if isinstance(held, Tensor):
            held.fill_(lr * share)
        else:
            group["lr"] = lr * share


def lead_momentum(shares: Shares) -> float:
    """Momentum (beta1 for Adam kinds) of the group with the largest learning rate; 0 where it has none."""
    group = max(shares, key=lambda pair: pair[1])[0]
    return float(group["momentum"] if "momentum" in group else group["betas"][0] if "betas" in group else 0.0)
