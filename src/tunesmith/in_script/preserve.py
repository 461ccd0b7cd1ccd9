"""The contract of a probe inside somebody's training, on its own: whatever happens in the `with`, nothing is left of it afterwards."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

import torch
from torch import nn
from torch.optim import Optimizer

from tunesmith.errors import InputError
from tunesmith.in_script.randomness import keep_global, keep_torch_modes
from tunesmith.in_script.snapshot import Snapshot, restore_all
from tunesmith.in_script.sources import Sources

Several: TypeAlias = Sequence[nn.Module] | nn.Module
Optimizers: TypeAlias = Sequence[Optimizer] | Optimizer


@contextmanager
def preserve(model: Several, optimizer: Optimizers = (), *, scaler: torch.amp.GradScaler | None = None, loaders: object = ()) -> Generator[Callable[[], None]]:
    """Try anything on a network in the `with`; afterwards it, and training it further, are bit for bit as if nothing had happened.

    Put back are: weights, buffers, gradients (and which of them were None), `requires_grad`, train or eval mode of every submodule, hooks, other
    attributes of modules; the optimizers' state and parameter groups; the scaler; Python's, numpy's, torch's and the accelerators' global random
    generators; and of the loaders, their samplers and datasets: generators, attributes and small containers. Also after an exception, Ctrl-C or
    when memory ran out. Costs one copy of weights, buffers, gradients and optimizer state, and nothing else.

    Not put back: a used-up iterator, files, and objects of other classes that a network holds.

    Args:
        model: The network, or several.
        optimizer: The optimizer, or several.
        scaler: The gradient scaler, if there is one.
        loaders: What batches are read from: one DataLoader or other iterable, or a tuple of several.

    Yields:
        A function that puts everything back at once, for several tries in one `with`.

    Raises:
        InputError: Something that is not a network, an optimizer or a scaler; a lazy network before its first batch.

    Example:
        >>> model = nn.Linear(2, 1)
        >>> before = model.weight.detach().clone()
        >>> with preserve(model):
        ...     _ = nn.init.zeros_(model.weight)
        >>> torch.equal(model.weight, before)
        True
    """
    with _preserved(model, optimizer, scaler=scaler, loaders=loaders, moves_gradients=False) as put_back:
        yield put_back


@contextmanager
def preserve_for_sweep(model: Several, optimizer: Optimizers, *, scaler: torch.amp.GradScaler | None, loaders: object) -> Generator[Callable[[], None]]:
    """As `preserve`, for what begins by clearing the gradients anyway: they are taken out of the way instead of being copied."""
    with _preserved(model, optimizer, scaler=scaler, loaders=loaders, moves_gradients=True) as put_back:
        yield put_back


@contextmanager
def _preserved(
    model: Several, optimizer: Optimizers, *, scaler: torch.amp.GradScaler | None, loaders: object, moves_gradients: bool
) -> Generator[Callable[[], None]]:
    models, optimizers = as_models(model), as_optimizers(optimizer)
    if scaler is not None and not isinstance(scaler, torch.amp.GradScaler):
        raise InputError(f"scaler must be a torch.amp.GradScaler, got {type(scaler).__name__}. Pass the one of your loop, or leave it out.")
    everywhere, sources = [*keep_global(), *keep_torch_modes()], Sources(loaders if isinstance(loaders, tuple) else (loaders,))
    snapshot = Snapshot((*models, *optimizers, scaler), moves_gradients=moves_gradients)

    ways = [snapshot.restore, sources.restore, *everywhere]

    def put_back() -> None:
        restore_all(ways)
        set_aside()

    def set_aside() -> None:
        sources.set_workers_aside()
        snapshot.set_gradients_aside()

    try:
        set_aside()
        yield put_back
    finally:
        try:
            restore_all(ways)
        except BaseException:  # Ctrl-C once more, in the middle of it: begin again, then let it through
            restore_all(ways)
            raise


def as_models(model: Several) -> tuple[nn.Module, ...]:
    """One or several networks as a tuple.

    Raises:
        InputError: Something else.
    """
    given: tuple[object, ...] = tuple(model) if isinstance(model, (list, tuple)) else (model,)
    models = tuple(one for one in given if isinstance(one, nn.Module))
    if len(models) < len(given):
        raise InputError(f"model must be a torch.nn.Module, or a list of them, got {_first_other(given, nn.Module)}. Pass the network itself.")
    return models


def as_optimizers(optimizer: Optimizers) -> tuple[Optimizer, ...]:
    """One or several optimizers as a tuple.

    Raises:
        InputError: Something else.
    """
    given: tuple[object, ...] = tuple(optimizer) if isinstance(optimizer, (list, tuple)) else (optimizer,)
    optimizers = tuple(one for one in given if isinstance(one, Optimizer))
    if len(optimizers) < len(given):
        raise InputError(f"optimizer must be a torch.optim.Optimizer, or a list of them, got {_first_other(given, Optimizer)}. Pass the one of your loop.")
    return optimizers


def _first_other(given: tuple[object, ...], kind: type) -> str:
    return next(type(one).__name__ for one in given if not isinstance(one, kind))
