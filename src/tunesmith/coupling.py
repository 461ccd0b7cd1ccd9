"""How the knobs act on each other: which settings are the same step in other clothes."""


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
