"""Batch makers that give batches of one size whatever they are asked for: what can be tuned with them."""

import dataclasses
from collections.abc import Sequence

import torch
from torch.utils.data import Dataset

from tunesmith.engine.largest import LargestBatches
from tunesmith.engine.seeds import isolated_rng
from tunesmith.engine.user_code import user_code
from tunesmith.errors import InputError
from tunesmith.recipe.batch_choice import candidate_sizes
from tunesmith.recipe.limits import Limits
from tunesmith.task import Task

_SEED = 0
_CPU = torch.device("cpu")


def fixed_size_of(task: Task, *, batch_size: int | None) -> int | None:
    """Examples in every batch of the task's maker; None where it heeds the size that it is called with, or there is none.

    Args:
        task: Whose training data.
        batch_size: The total, where the user fixed it.

    Raises:
        TaskError: A maker of one size, and neither `batch_size` nor `Task.micro_batch_size` is that size.
        UserCodeError: The maker raised.
    """
    if isinstance(task.train, (tuple, Dataset)):
        return None
    allowed = dataclasses.replace(task, micro_batch_size=task.micro_batch_size or batch_size)
    with isolated_rng(_SEED, _CPU), user_code():
        return LargestBatches(allowed, device=_CPU, seed=_SEED).fixed_size


def in_batches_of(task: Task, size: int | None) -> Task:
    """The task, what goes through the network at once being a batch of its maker; as it is where `size` is None."""
    return task if size is None else dataclasses.replace(task, micro_batch_size=size)


def in_multiples(sizes: Sequence[int], of: int | None, *, task: Task, limits: Limits) -> list[int]:
    """Candidate batch sizes that are made of whole batches of a maker; as they are where `of` is None.

    Raises:
        InputError: None is.

    Example:
        >>> in_multiples([64, 128, 32], None, task=None, limits=None)  # type: ignore[arg-type]
        [64, 128, 32]
    """
    if of is None:
        return list(sizes)
    first = sizes[0]
    if first % of and limits.is_free("batch_size"):
        first = of * max(1, round(first / of))
        sizes = candidate_sizes(task, first=first, limits=limits)
    found = [size for size in sizes if size % of == 0]
    if first not in found:
        raise InputError(
            f"Task.train, a batch maker, yields {of} examples whatever it is asked for, so that batch_size must be a multiple of {of}, got {first}. "
            f"Take one, such as {of * max(1, round(first / of))}."
        )
    return found
