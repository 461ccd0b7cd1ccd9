"""What must hold before a script's training is touched; each failure is one sentence."""

import inspect
import math
from collections.abc import Iterable, Sequence, Sized
from numbers import Integral, Real

from torch import nn
from torch.optim import Optimizer

from tunesmith.errors import BudgetError, InputError
from tunesmith.in_script.stream import is_used_up_by_reading
from tunesmith.probes.lr_range import FEWEST_STEPS


def check_range(*, start_lr: float, end_lr: float, steps: int, spacing: str) -> None:
    """The interval and its length.

    Raises:
        InputError: Not 0 ≤ start_lr < end_lr, or 0 < start_lr for an exponential sweep; an unknown spacing.
        BudgetError: Fewer than 20 steps.
    """
    if spacing not in ("linear", "exponential"):
        raise InputError(f"spacing must be 'linear' or 'exponential', got {spacing!r}. Pass one of the two.")
    for name, value, kind in (("start_lr", start_lr, Real), ("end_lr", end_lr, Real), ("steps", steps, Integral)):
        if not isinstance(value, kind):
            raise InputError(f"{name} must be a {'whole number' if kind is Integral else 'number'}, got {value!r}. Pass one.")
    if not (0 <= start_lr < end_lr and math.isfinite(end_lr)):
        raise InputError(f"A range test must have 0 ≤ start_lr < end_lr, both finite, got start_lr={start_lr!r} and end_lr={end_lr!r}. Swap or change them.")
    if spacing == "exponential" and start_lr == 0:
        raise InputError("An exponential sweep must have start_lr > 0, got 0. Pass a small one such as 1e-6, or spacing='linear'.")
    if steps < FEWEST_STEPS:
        raise BudgetError(f"A range test must have at least {FEWEST_STEPS} steps to be read, got {steps}. Raise steps.")


def check_amounts(*, accumulate: int, repeats: int, evaluations: int, valid_share: float, clip_grad_norm: float | None) -> None:
    """Numbers that have a smallest value.

    Raises:
        InputError: One that is too small.
    """
    for name, count in (("accumulate", accumulate), ("repeats", repeats), ("evaluations", evaluations)):
        if not isinstance(count, Integral) or count < 1:
            raise InputError(f"{name} must be a whole number ≥ 1, got {count!r}. Pass one, or leave it out.")
    for name, value in (("valid_share", valid_share), ("clip_grad_norm", clip_grad_norm)):
        if value is not None and not isinstance(value, Real):
            raise InputError(f"{name} must be a number, got {value!r}. Pass one, or leave it out.")
    if not 0 < valid_share < math.inf:
        raise InputError(f"valid_share must be finite and > 0, got {valid_share!r}. Pass a share of the updates' cost such as 0.25, or no valid_loader.")
    if clip_grad_norm is not None and not clip_grad_norm > 0:
        raise InputError(f"clip_grad_norm must be > 0, got {clip_grad_norm!r}. Pass a norm such as 1.0, or leave it out.")


def check_optimizers(model: nn.Module, optimizers: Sequence[Optimizer], *, loss: object) -> None:
    """That the optimizers move parameters of the network (or of a loss that is a module), and can be stepped by themselves.

    Raises:
        InputError: No optimizer, a stranger's parameters, nothing to train, or a step that needs a closure.
    """
    if not optimizers:
        raise InputError("A range test must have an optimizer, and got an empty list. Pass the one of your loop.")
    ours = {id(parameter) for module in (model, loss) if isinstance(module, nn.Module) for parameter in module.parameters()}
    given = [parameter for optimizer in optimizers for group in optimizer.param_groups for parameter in group["params"]]
    n_strangers = sum(id(parameter) not in ours for parameter in given)
    if n_strangers:
        raise InputError(
            f"The optimizer must hold parameters of the model that is given, and {n_strangers} of its {len(given)} are not the model's. "
            "Make the optimizer from model.parameters(), after the model is what it will be."
        )
    if not any(parameter.requires_grad for parameter in given):
        raise InputError("At least one of the optimizer's parameters must require a gradient, and none does. Look at requires_grad.")
    for optimizer in optimizers:
        closure = inspect.signature(optimizer.step).parameters.get("closure")
        if closure is not None and closure.default is inspect.Parameter.empty:
            raise InputError(f"An optimizer must step without a closure, and {type(optimizer).__name__} needs one. Try the range with another optimizer.")


def check_loaders(train_loader: object, valid_loader: object | None, *, accumulate: int) -> None:
    """What can be said of the loaders without reading them.

    Raises:
        InputError: Not iterable, empty, shorter than an update, or a validation loader that can be read only once.
    """
    for name, loader in (("train_loader", train_loader), ("valid_loader", valid_loader)):
        if loader is None and name == "valid_loader":
            continue
        if not isinstance(loader, Iterable) and not hasattr(loader, "__getitem__"):
            raise InputError(f"{name} must be a DataLoader or another iterable of batches, got {type(loader).__name__}. Pass what your loop iterates over.")
        if _length(loader) == 0:
            raise InputError(f"{name} must yield at least one batch, and its length is 0. Look at its dataset, and at drop_last.")
    length = _length(train_loader)
    if length is not None and length < accumulate:
        raise InputError(
            f"A pass over train_loader must hold the micro-batches of at least one update, got {length} with accumulate={accumulate}. Lower accumulate."
        )
    if valid_loader is not None and is_used_up_by_reading(valid_loader):
        raise InputError(
            f"valid_loader must give the same examples at every pass, and a {type(valid_loader).__name__} can be read only once. "
            "Pass a DataLoader or a list of batches."
        )


def _length(loader: object) -> int | None:
    if not isinstance(loader, Sized):
        return None
    try:
        return len(loader)
    except (TypeError, NotImplementedError):  # a DataLoader over a stream
        return None
