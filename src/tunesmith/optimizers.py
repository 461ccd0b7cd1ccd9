"""torch optimizers at given settings: parameter groups with ratios, and the one place that moves their knobs."""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import nn
from torch.optim import Optimizer

from tunesmith.errors import InputError
from tunesmith.settings import Settings

ParamGroup: TypeAlias = dict[str, object]
ParamGroups: TypeAlias = list[ParamGroup]
OptimizerMaker: TypeAlias = Callable[[ParamGroups, Settings], Optimizer]

OPTIMIZER_NAMES = ("sgd", "nesterov", "adam", "adamw")
NORM_LAYERS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.LocalResponseNorm, nn.RMSNorm)  # noqa: SLF001 (torch has no public name for it)


def default_param_groups(model: nn.Module) -> ParamGroups:
    """Two groups: weights, which decay, and biases and parameters of norms, which do not.

    No decay on biases and norms is common practice (METHOD, section 2.5). Frozen parameters are left out.

    Example:
        >>> groups = default_param_groups(nn.Sequential(nn.Linear(2, 3), nn.LayerNorm(3)))
        >>> [(len(group["params"]), group["weight_decay_scale"]) for group in groups]
        [(1, 1.0), (3, 0.0)]
    """
    undecayed = {id(p) for module in model.modules() if isinstance(module, NORM_LAYERS) for p in module.parameters(recurse=False)}
    weights = [p for p in model.parameters() if p.requires_grad and p.ndim > 1 and id(p) not in undecayed]
    others = [p for p in model.parameters() if p.requires_grad and not (p.ndim > 1 and id(p) not in undecayed)]
    groups: ParamGroups = [
        {"params": weights, "lr_scale": 1.0, "weight_decay_scale": 1.0},
        {"params": others, "lr_scale": 1.0, "weight_decay_scale": 0.0},
    ]
    return [group for group in groups if group["params"]]


def make_optimizer(optimizer: str | OptimizerMaker, groups: ParamGroups, settings: Settings) -> Optimizer:
    """A torch optimizer over `groups`, its learning rates at the peak.

    Args:
        optimizer: One of OPTIMIZER_NAMES, or a maker `(param_groups, settings) -> Optimizer`.
        groups: As `torch.optim` takes them, each with an optional `lr_scale` and `weight_decay_scale` (default 1).
        settings: The knobs.

    Raises:
        InputError: An unknown name.
    """
    scaled: ParamGroups = []
    for group in groups:
        lr_scale, decay_scale = float(group.get("lr_scale", 1.0)), float(group.get("weight_decay_scale", 1.0))  # type: ignore[arg-type]
        scaled.append(
            {
                **group,
                "lr_scale": lr_scale,
                "weight_decay_scale": decay_scale,
                "lr": settings.lr * lr_scale,
                "weight_decay": settings.weight_decay * decay_scale,
            }
        )
    if callable(optimizer):
        made = optimizer(scaled, settings)
        for group in made.param_groups:
            group.setdefault("lr_scale", group["lr"] / settings.lr)
        return made
    if optimizer == "sgd":
        return torch.optim.SGD(scaled, lr=settings.lr, momentum=settings.momentum)
    if optimizer == "nesterov":
        return torch.optim.SGD(scaled, lr=settings.lr, momentum=settings.momentum, nesterov=settings.momentum > 0)
    if optimizer == "adam":
        return torch.optim.Adam(scaled, lr=settings.lr, betas=(settings.momentum, 0.999))
    if optimizer == "adamw":
        return torch.optim.AdamW(scaled, lr=settings.lr, betas=(settings.momentum, 0.999))
    raise InputError(f"Task.optimizer must be one of {', '.join(OPTIMIZER_NAMES)} or a function (param_groups, settings) -> Optimizer, got {optimizer!r}.")


def set_knobs(optimizer: Optimizer, *, lr: float, momentum: float) -> None:
    """Give every parameter group its share of `lr`, and `momentum` (beta1 for Adam kinds)."""
    for group in optimizer.param_groups:
        group["lr"] = lr * group["lr_scale"]
        if "momentum" in group:
            group["momentum"] = momentum
        elif "betas" in group:
            group["betas"] = (momentum, *group["betas"][1:])


def acts_like(optimizer_name: str, optimizer: Optimizer) -> str:
    """Whose arithmetic couples the optimizer's knobs: its own name, or for a maker's optimizer "sgd", "adam" or "adamw" by what its groups hold.

    Example:
        >>> acts_like("custom", torch.optim.NAdam([nn.Parameter(torch.zeros(1))])), acts_like("nesterov", torch.optim.SGD([nn.Parameter(torch.zeros(1))]))
        ('adam', 'nesterov')
    """
    if optimizer_name in OPTIMIZER_NAMES:
        return optimizer_name
    if not any("betas" in group for group in optimizer.param_groups):
        return "sgd"
    is_decoupled = "adamw" in type(optimizer).__name__.lower() or any(group.get("decoupled_weight_decay") for group in optimizer.param_groups)
    return "adamw" if is_decoupled else "adam"
