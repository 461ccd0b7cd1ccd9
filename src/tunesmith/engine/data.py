"""Batches for training and evaluation, from tensors (resident on the device when they fit), Datasets or batch makers.

Training order (docs/counting.md): one endless stream of shuffled epochs, full batches only, cut across epoch borders.
The stream depends on the seed alone, so two batch sizes see the same examples in the same order.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, TensorDataset

from tunesmith.engine.device import count_examples, to_device
from tunesmith.errors import TaskError
from tunesmith.task import Batch, Data, Task

EVALUATION_BATCH_SIZE = 256
"""Examples a forward pass in evaluation; fixed, so that a validation loss does not depend on the training batch (our choice)."""
RESIDENT_SHARE = 0.5
"""Data moves to an accelerator for good when it takes at most this share of the free memory (our choice)."""
SLICE_SEED = 20180326
"""Fixes which examples a validation slice or a slice for BatchNorm statistics holds: the same for every run and seed."""

IndexBatches: TypeAlias = Callable[[Iterable[Tensor]], Iterator[Batch]]


def order_stream(*, n_examples: int, chunk_sizes: Iterator[int], seed: int) -> Iterator[Tensor]:
    """Index tensors of the given sizes, cut from an endless stream of shuffled epochs.

    Example:
        >>> [chunk.tolist() for chunk in order_stream(n_examples=3, chunk_sizes=iter([2, 2, 2]), seed=0)]
        [[2, 0], [1, 2], [1, 0]]
    """
    generator = torch.Generator().manual_seed(seed)
    pool = torch.empty(0, dtype=torch.long)
    for size in chunk_sizes:
        while pool.numel() < size:
            pool = torch.cat([pool, torch.randperm(n_examples, generator=generator)])
        yield pool[:size]
        pool = pool[size:]


def micro_sizes(batch_size: int, micro_batch_size: int | None) -> list[int]:
    """Sizes of the micro-batches that make one batch.

    Example:
        >>> micro_sizes(100, 40), micro_sizes(100, None)
        ([40, 40, 20], [100])
    """
    micro = min(micro_batch_size or batch_size, batch_size)
    whole, rest = divmod(batch_size, micro)
    return [micro] * whole + ([rest] if rest else [])


def training_batches(task: Task, *, batch_size: int, updates: int, seed: int, device: torch.device) -> Iterator[list[Batch]]:
    """For each update the list of its micro-batches, on the device; endless, so that a skipped update can be made up for.

    Args:
        task: Whose training data.
        batch_size: Total batch size; ≤ the training set.
        updates: A bound for loaders that read ahead.
        seed: Fixes the order, and what a maker's generator draws.
        device: Where batches go.

    Raises:
        TaskError: A batch larger than the data, or a maker that yields nothing or batches of another size.
    """
    sizes = micro_sizes(batch_size, task.micro_batch_size)
    if batch_size > task.n_train:
        raise TaskError(f"A batch must be no larger than the training set: got batch_size {batch_size} and {task.n_train} examples. Lower batch_size.")
    if not isinstance(task.train, (tuple, Dataset)):
        return _maker_updates(task.train, sizes=sizes, seed=seed, device=device)
    chunk_sizes = (size for _ in range(2 * updates + 2) for size in sizes)
    chunks = order_stream(n_examples=task.n_train, chunk_sizes=chunk_sizes, seed=seed)
    batches = _index_batches(task.train, task=task, seed=seed, device=device)(chunks)
    return _grouped(batches, len(sizes))


def evaluation_batches(task: Task, data: Data, *, n_examples: int | None, device: torch.device, batch_size: int = EVALUATION_BATCH_SIZE) -> Iterator[Batch]:
    """The fixed slice of `n_examples` (None: all) of `data`, in the same batches at every call."""
    size = min(batch_size, task.micro_batch_size or batch_size)
    if isinstance(data, (tuple, Dataset)):
        indices = slice_indices(_length(data), n_examples)
        yield from _index_batches(data, task=task, seed=SLICE_SEED, device=device)(iter(indices.split(size)))
        return
    seen = 0
    for batch in data(size, torch.Generator().manual_seed(SLICE_SEED)):
        if n_examples is not None and seen >= n_examples:
            return
        seen += count_examples(batch)
        yield to_device(batch, device)


def slice_indices(n_examples: int, n_slice: int | None) -> Tensor:
    """Which examples a slice holds: a fixed random choice in ascending order, the same for every run."""
    if n_slice is None or n_slice >= n_examples:
        return torch.arange(n_examples)
    generator = torch.Generator().manual_seed(SLICE_SEED)
    return torch.randperm(n_examples, generator=generator)[:n_slice].sort().values


def _length(data: tuple[Tensor, ...] | Dataset) -> int:
    return int(data[0].shape[0]) if isinstance(data, tuple) else len(data)  # pyrefly: ignore[bad-argument-type] (Task refuses Datasets without a length)


def _grouped(batches: Iterator[Batch], count: int) -> Iterator[list[Batch]]:
    if count == 1:
        for batch in batches:
            yield [batch]
        return
    while True:
        yield [next(batches) for _ in range(count)]


def _index_batches(data: tuple[Tensor, ...] | Dataset, *, task: Task, seed: int, device: torch.device) -> IndexBatches:
    if isinstance(data, TensorDataset) and task.collate_fn is None:
        data = data.tensors
    if isinstance(data, tuple):
        parts = _resident(data, device)
        return lambda chunks: _tensor_batches(parts, chunks, device)
    return lambda chunks: _loader_batches(data, task=task, chunks=chunks, seed=seed, device=device)


def _resident(parts: tuple[Tensor, ...], device: torch.device) -> tuple[Tensor, ...]:
    if device.type != "cuda":
        return tuple(part.to(device) for part in parts)
    free_bytes, _ = torch.cuda.mem_get_info(device)
    data_bytes = sum(part.numel() * part.element_size() for part in parts)
    return tuple(part.to(device) for part in parts) if data_bytes <= RESIDENT_SHARE * free_bytes else parts


def _tensor_batches(parts: tuple[Tensor, ...], chunks: Iterable[Tensor], device: torch.device) -> Iterator[Batch]:
    home = parts[0].device
    for chunk in chunks:
        indices = chunk.to(home)
        batch = tuple(part.index_select(0, indices) for part in parts)
        yield batch if home == device else to_device(batch, device)


def _loader_batches(data: Dataset, *, task: Task, chunks: Iterable[Tensor], seed: int, device: torch.device) -> Iterator[Batch]:
    loader = DataLoader(
        data,
        batch_sampler=_Chunks(chunks),  # pyrefly: ignore[bad-argument-type] (any iterable of index lists serves)
        collate_fn=task.collate_fn,
        num_workers=task.num_workers,
        generator=torch.Generator().manual_seed(seed),
        worker_init_fn=_seed_numpy_in_worker if task.num_workers else None,
        pin_memory=device.type == "cuda",
    )
    for batch in loader:
        yield to_device(batch, device)


class _Chunks:
    """Index tensors as lists, for a DataLoader's batch_sampler; no length, since the stream has none."""

    def __init__(self, chunks: Iterable[Tensor]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[list[int]]:
        return (chunk.tolist() for chunk in self._chunks)


def _seed_numpy_in_worker(_worker: int) -> None:
    np.random.seed(torch.initial_seed() % 2**32)  # noqa: NPY002 (the global generator is what a user's Dataset draws from)


def _maker_updates(maker: Callable[[int, torch.Generator], Iterable[Batch]], *, sizes: list[int], seed: int, device: torch.device) -> Iterator[list[Batch]]:
    if len(set(sizes)) > 1:
        raise TaskError(f"With a batch maker, batch_size must be a multiple of micro_batch_size: got {sum(sizes)} and {sizes[0]}. Change one of them.")
    generator = torch.Generator().manual_seed(seed)
    while True:
        passes = iter(maker(sizes[0], generator))
        first = next(passes, None)
        if first is None:
            raise TaskError(f"Task.train, called with batch_size {sizes[0]}, must yield at least one batch, and yielded none. Look at the maker.")
        if count_examples(first) != sizes[0]:
            raise TaskError(
                f"Task.train, called with batch_size {sizes[0]}, must yield batches of that size, got one of {count_examples(first)}. "
                f"Use the batch_size it is given, or fix it: --fix batch_size={count_examples(first)}."
            )
        yield from _grouped_whole(chain([first], passes), count=len(sizes), size=sizes[0], device=device)


def _grouped_whole(batches: Iterable[Batch], *, count: int, size: int, device: torch.device) -> Iterator[list[Batch]]:
    """Updates of `count` whole batches; a smaller batch at the end of a pass, or a group that it leaves incomplete, is dropped."""
    group: list[Batch] = []
    for batch in batches:
        if count_examples(batch) != size:
            continue
        group.append(to_device(batch, device))
        if len(group) == count:
            yield group
            group = []
