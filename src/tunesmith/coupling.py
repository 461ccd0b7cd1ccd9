"""How the knobs act on each other: which settings are the same step in other clothes."""

import dataclasses
import math
from collections.abc import Callable

from tunesmith.settings import Settings

LR_EXPONENT = 0.5
"""The learning rate goes like the batch size to this power where nobody measured it. For SGD kinds our choice between the report's .44 (CIFAR-10) and .63
(CIFAR-100; METHOD, section 2.4); for Adam kinds the square-root rule (Malladi et al. 2022, arXiv:2205.10287)."""


def is_adam_kind(optimizer_name: str) -> bool:
    """Whether momentum leaves the size of a step alone (beta1), as in "adam" and "adamw"."""
    return optimizer_name in ("adam", "adamw")


def equivalent_lr(lr: float, *, momentum: float, other_momentum: float, optimizer_name: str) -> float:
    """The learning rate at `other_momentum` that moves the weights as far: equal lr/(1-m) for SGD kinds, equal lr for Adam kinds.

    Source: METHOD, section 2.3.

    Example:
        >>> round(equivalent_lr(0.1, momentum=0.9, other_momentum=0.95, optimizer_name="sgd"), 3)
        0.05
        >>> equivalent_lr(0.1, momentum=0.9, other_momentum=0.95, optimizer_name="adamw")
        0.1
    """
    return lr if is_adam_kind(optimizer_name) else lr * (1 - other_momentum) / (1 - momentum)


def lr_power(noise_scale: float, *, base: int, other: int, optimizer_name: str) -> float:
    """The power of the batch size by which the best learning rate grows from one size to another.

    That of SGD goes like 1 / (1 + noise scale / batch size), that of Adam kinds like its square root.

    Args:
        noise_scale: Critical batch size; ≥ 0, may be infinite.
        base: The one batch size.
        other: The other, not the same.
        optimizer_name: What the optimizer acts like.

    Source: McCandlish et al. 2018, arXiv:1812.06162, section 2.2; for Adam kinds Malladi et al. 2022, arXiv:2205.10287.

    Example:
        >>> [lr_power(scale, base=64, other=256, optimizer_name="sgd") for scale in (0.0, 128.0, float("inf"))]
        [0.0, 0.5, 1.0]
    """
    power = 1.0 if math.isinf(noise_scale) else math.log((1 + noise_scale / base) / (1 + noise_scale / other)) / math.log(other / base)
    return round(power / 2 if is_adam_kind(optimizer_name) else power, 3)


def at_batch_size(
    settings: Settings,
    *,
    batch_size: int,
    total_steps: int,
    optimizer_name: str,
    lr_exponent: float = LR_EXPONENT,
    new_steps: int | None = None,
    final_lr: Callable[[float], float] = float,
) -> tuple[Settings, int]:
    """Settings and updates of a training at another total batch size.

    Both learning rates go like the batch size to the power `lr_exponent`, momentum stays, and the weight decay makes up for rate and updates, so that the
    total decay of the run stays. For "adam", whose decay passes through its normalisation, it stays as it is.

    Args:
        settings: The knobs at their own batch size.
        batch_size: The new one; ≥ 1.
        total_steps: Updates at the old one; ≥ 1.
        optimizer_name: As in `total_decay`.
        lr_exponent: 0 is a constant rate, 1 a linear one. Default: `LR_EXPONENT`.
        new_steps: Updates at the new one; ≥ 1. Default: those of the same epochs.
        final_lr: What becomes of the learning rate so found, such as rounding and bounds; the decay is kept for what comes out.

    Source: METHOD, sections 2.4 and 2.5.

    Example:
        >>> flat = Settings(lr=0.1, weight_decay=1e-3, batch_size=32, schedule="constant")
        >>> larger, steps = at_batch_size(flat, batch_size=128, total_steps=1000, optimizer_name="sgd")
        >>> larger.lr, larger.weight_decay, steps
        (0.2, 0.002, 250)
    """
    steps = max(1, round(total_steps * settings.batch_size / batch_size)) if new_steps is None else new_steps  # docs/counting.md
    growth = final_lr(settings.lr * (batch_size / settings.batch_size) ** lr_exponent) / settings.lr
    decay = settings.weight_decay if optimizer_name == "adam" else settings.weight_decay * total_steps / steps / growth
    lr, min_lr = settings.lr * growth, settings.resolved_min_lr * growth
    return dataclasses.replace(settings, batch_size=batch_size, lr=lr, min_lr=min_lr, weight_decay=decay, epochs=None), steps
