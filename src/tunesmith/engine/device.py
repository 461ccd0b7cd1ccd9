"""Where a run computes: the device by name, batches moved to it, and threads pinned."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from tunesmith.errors import InputError
from tunesmith.task import Batch

SMALL_NETWORK_PARAMETERS = 10_000_000
"""Below this many parameters a run on the CPU gets one thread: a second one slows small matrices down, and bits then depend on the machine (our choice)."""


def resolve_device(name: str) -> torch.device:
    """The device called `name`; "auto" takes CUDA, else MPS, else the CPU.

    Raises:
        InputError: A device that this machine or this build of torch does not have.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"--device must be one that torch can use here, got {name!r} ({reason}). Pass auto, cpu, cuda or mps.") from error
    return device


@contextmanager
def pinned_threads(model: nn.Module, device: torch.device) -> Generator[int]:
    """Pin torch's intra-op threads for a run on the CPU: one for a small network; put back afterwards. Yields their number."""
    before = torch.get_num_threads()
    is_small = sum(parameter.numel() for parameter in model.parameters()) < SMALL_NETWORK_PARAMETERS
    threads = 1 if device.type == "cpu" and is_small else before
    try:
        torch.set_num_threads(threads)
        yield threads
    finally:
        torch.set_num_threads(before)


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The batch with every tensor in it on `device`: tensors, tuples, lists, mappings, and objects that have a method `to` (which is trusted)."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if callable(getattr(batch, "to", None)):  # before tuples: torch's PackedSequence is one, and keeps a part of itself on the CPU
        return batch.to(device)
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(to_device(part, device) for part in batch))
    if isinstance(batch, (tuple, list)):
        return type(batch)(to_device(part, device) for part in batch)
    if isinstance(batch, Mapping):
        return {name: to_device(part, device) for name, part in batch.items()}
    return batch


def count_examples(batch: Batch) -> int:
    """Examples in a batch: the first dimension of the first tensor in it that has one; 1 where there is none.

    Example:
        >>> count_examples({"names": ["a", "b", "c"], "pixels": torch.zeros(3, 8, 8)})
        3
    """
    found = _first_dimension(batch)
    return 1 if found is None else found


def _first_dimension(batch: Batch) -> int | None:
    if isinstance(batch, Tensor):
        return int(batch.shape[0]) if batch.ndim else None
    parts = batch.values() if isinstance(batch, Mapping) else batch if isinstance(batch, (tuple, list)) else ()
    return next((found for part in parts if (found := _first_dimension(part)) is not None), None)
