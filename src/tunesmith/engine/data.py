"""Batches for training and evaluation, on one device: from tensors (resident there when they fit), Datasets or batch makers."""

import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import cycle
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, TensorDataset

from tunesmith.engine.batch_maker import maker_updates
from tunesmith.engine.device import count_examples, to_device
from tunesmith.engine.order import SLICE_SEED, micro_sizes, order_stream, slice_indices
from tunesmith.errors import TaskError
from tunesmith.task import Batch, Data, Task

EVALUATION_BATCH_SIZE = 256
"""Examples a forward pass in evaluation; fixed, so that a validation loss does not depend on the training batch (our choice)."""
RESIDENT_SHARE = 0.5
"""Data moves to an accelerator for good when it takes at most this share of the free memory (our choice)."""

IndexedData: TypeAlias = Dataset[Any] | tuple[Tensor, ...]
_CPU = torch.device("cpu")


class TaskBatches:
    """A task's data as batches on one device.

    Tensors move to an accelerator once, where they fit, and stay for as long as this object: training, evaluation and statistics share them.

    Args:
        task: Whose data.
        device: Where batches go.
    """

    def __init__(self, task: Task, *, device: torch.device) -> None:
        self._task = task
        self._device = device
        self._moved: dict[int, tuple[Tensor, ...]] = {}  # by the id of a tuple that the task holds on to

    def for_training(self, *, batch_size: int, seed: int, micro_batch_size: int | None = None) -> Generator[list[Batch]]:
        """For each update the list of its micro-batches; endless, so that a skipped update can be made up for.

        Args:
            batch_size: Total batch size; ≤ the training set.
            seed: Fixes the order, and what a maker's generator draws.
            micro_batch_size: Examples that go through the network at once; None for what the task says.

        Raises:
            TaskError: A batch larger than the data, or a maker that yields nothing or batches of another size.
        """
        task = self._task
        if batch_size > task.n_train:
            raise TaskError(f"A batch must be no larger than the training set: got batch_size {batch_size} and {task.n_train} examples. Lower batch_size.")
        sizes = micro_sizes(batch_size, micro_batch_size or task.micro_batch_size)
        if not isinstance(task.train, (tuple, Dataset)):
            return maker_updates(task.train, sizes=sizes, seed=seed, device=self._device)
        batches_of, home = self._batches_of(task.train, seed=seed)
        order = order_stream(n_examples=task.n_train, chunk_sizes=cycle(sizes), seed=seed, device=home)
        return _grouped(batches_of(order), count=len(sizes))

    def for_evaluation(self, data: Data, *, n_examples: int | None, batch_size: int = EVALUATION_BATCH_SIZE) -> Iterator[Batch]:
        """The fixed slice of `n_examples` (None: all) of `data`, in the same batches at every call; what is not in the slice is not read."""
        size = min(batch_size, self._task.micro_batch_size or batch_size)
        if not isinstance(data, (tuple, Dataset)):
            size = size if n_examples is None else min(size, n_examples)  # or a slice smaller than a batch would cost a whole one
            yield from _first_batches(data(size, torch.Generator().manual_seed(SLICE_SEED)), n_examples=n_examples, device=self._device)
            return
        batches_of, home = self._batches_of(data, seed=SLICE_SEED)
        yield from batches_of(slice_indices(_length(data), n_examples).to(home).split(size))

    def _batches_of(self, data: IndexedData, *, seed: int) -> tuple[Callable[[Iterable[Tensor]], Iterator[Batch]], torch.device]:
        """What makes batches of `data` out of index tensors, and the device that these should lie on."""
        if isinstance(data, TensorDataset) and self._task.collate_fn is None:
            data = data.tensors
        if isinstance(data, tuple):
            parts = self._resident(data)
            return lambda order: _tensor_batches(parts, order, self._device), parts[0].device
        return lambda order: _loader_batches(data, self._task, order, seed=seed, device=self._device), _CPU

    def _resident(self, parts: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        if id(parts) not in self._moved:
            fits = True
            if self._device.type == "cuda":
                free_bytes, _ = torch.cuda.mem_get_info(self._device)
                fits = sum(part.numel() * part.element_size() for part in parts) <= RESIDENT_SHARE * free_bytes
            self._moved[id(parts)] = tuple(part.to(self._device) for part in parts) if fits else parts
        return self._moved[id(parts)]


def _length(data: IndexedData) -> int:
    return len(data[0]) if isinstance(data, tuple) else len(data)  # pyrefly: ignore[bad-argument-type] (Task refuses Datasets without a length)


def _first_batches(batches: Iterable[Batch], *, n_examples: int | None, device: torch.device) -> Iterator[Batch]:
    seen = 0
    for batch in batches:
        seen += count_examples(batch)
        yield to_device(batch, device)
        if n_examples is not None and seen >= n_examples:
            return


def _grouped(batches: Iterator[Batch], *, count: int) -> Generator[list[Batch]]:
    while count == 1:
        yield [next(batches)]
    while True:
        yield [next(batches) for _ in range(count)]


def _tensor_batches(parts: tuple[Tensor, ...], order: Iterable[Tensor], device: torch.device) -> Iterator[Batch]:
    is_home = parts[0].device.type == device.type
    for indices in order:
        batch = tuple([part.index_select(0, indices) for part in parts])
        yield batch if is_home else to_device(batch, device)
        del batch  # or the next one could not take its memory, which the cache still knows


def _loader_batches(data: Dataset[Any], task: Task, order: Iterable[Tensor], *, seed: int, device: torch.device) -> Iterator[Batch]:
    has_workers = task.num_workers > 0
    loader = DataLoader(
        data,
        batch_sampler=(indices.tolist() for indices in order),
        collate_fn=task.collate_fn,
        num_workers=task.num_workers,
        generator=torch.Generator().manual_seed(seed),
        worker_init_fn=_seed_numpy_in_worker if has_workers else None,
        # A task's file is no importable module, so its Dataset cannot be sent to a fresh process; "fork" is no longer everyone's default.
        multiprocessing_context="fork" if has_workers and sys.platform == "linux" else None,
        pin_memory=device.type == "cuda",
    )
    batches = iter(loader)
    try:
        for batch in batches:
            yield to_device(batch, device)
    finally:
        # torch itself ends its workers when the iterator is collected, which an exception's traceback puts off, by seconds or for good.
        shut_down = getattr(batches, "_shutdown_workers", None)
        if shut_down is not None:
            shut_down()


def _seed_numpy_in_worker(_worker: int) -> None:
    np.random.seed(torch.initial_seed() % 2**32)  # noqa: NPY002 (the global generator is what a user's Dataset draws from)
