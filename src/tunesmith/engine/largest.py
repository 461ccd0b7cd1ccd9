"""Batches as large as the data can give: what is measured with them holds for every batch of the same number of examples."""

import copy
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import fields, is_dataclass
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, TensorDataset, default_collate

from tunesmith.engine.batch_maker import maker_updates
from tunesmith.engine.data import TaskBatches
from tunesmith.engine.device import count_examples, to_device
from tunesmith.errors import TaskError
from tunesmith.task import Batch, BatchMaker, Task

MOST_EXAMPLES_SEEN = 2000
"""Examples of a Dataset that are looked at for the largest; of more, evenly spaced ones (our choice: seconds of reading, also where images are decoded)."""
BATCHES_SEEN = 3
"""Batches of a maker of which the largest is taken (our choice)."""
_ASKED = (1, 3)

Shape: TypeAlias = tuple[int, ...]


class LargestBatches:
    """Batches of any number of examples, at the largest shapes found in the training data.

    Tensors: all examples have one shape. A Dataset: copies of the example with most elements, through the task's `collate_fn`. A maker: the largest of a few
    batches.

    Args:
        task: Whose training data.
        device: Where batches go.
        seed: Of the order, and of a maker's generator.

    Attributes:
        has_equal_shapes: Whether all examples that were looked at have the same shapes; None where a maker hides them.
        fixed_size: The size of every batch of a maker that does not heed the size it is called with; None for all others.
        note: What was looked at, in a sentence; empty where nothing needs to be said.

    Raises:
        TaskError: A maker that gives batches of one size whatever it is asked for, unless that size is `Task.micro_batch_size`.
    """

    def __init__(self, task: Task, *, device: torch.device, seed: int) -> None:
        self._task, self._device, self._seed = task, device, seed
        self._data = TaskBatches(task, device=device)
        self._example: Any = None
        self.has_equal_shapes: bool | None = True
        self.fixed_size: int | None = None
        self.note = ""
        if isinstance(task.train, Dataset) and (task.collate_fn is not None or not isinstance(task.train, TensorDataset)):
            self._look_at_examples(task.train)
        elif not isinstance(task.train, (tuple, Dataset)):
            self._look_at_maker(task.train)

    def of(self, size: int) -> Batch:
        """A batch of `size` examples on the device."""
        train = self._task.train
        if self._example is not None:
            # Real copies: a loader holds that many examples, and a collate function may change what it is given.
            return to_device((self._task.collate_fn or default_collate)([copy.deepcopy(self._example) for _ in range(size)]), self._device)
        if isinstance(train, (tuple, Dataset)):
            with closing(self._data.for_training(batch_size=size, seed=self._seed)) as batches:
                return next(batches)[0]
        with closing(maker_updates(train, sizes=[size], seed=self._seed, device=torch.device("cpu"))) as batches:
            return to_device(max((batch for [batch] in islice(batches, BATCHES_SEEN)), key=elements), self._device)

    def _look_at_examples(self, data: Dataset[Any]) -> None:
        n_train = self._task.n_train
        n_seen = min(n_train, MOST_EXAMPLES_SEEN)
        shapes, most = set[tuple[Shape, ...]](), -1
        for index in (round(i * (n_train - 1) / max(n_seen - 1, 1)) for i in range(n_seen)):
            example = data[index]
            shapes.add(shapes_in(example))
            if elements(example) > most:
                most, self._example = elements(example), example
        self.has_equal_shapes = len(shapes) == 1
        if not self.has_equal_shapes:
            seen = f"all {n_train:,}" if n_seen == n_train else f"{n_seen:,} of {n_train:,}, evenly spaced,"
            self.note = f"Examples differ in shape: of {seen} the largest was taken, for every place in the batch."

    def _look_at_maker(self, maker: BatchMaker) -> None:
        self.has_equal_shapes = None
        self.note = f"Batches come from a maker: the largest of {BATCHES_SEEN} was taken, and memory may depend on the data of others."
        first_batches = [next(iter(maker(asked, torch.Generator().manual_seed(self._seed))), None) for asked in _ASKED]
        counts = {count_examples(batch) for batch in first_batches if batch is not None}
        if len(counts) != 1:  # it heeds the size, or gives nothing, which the first batch will say
            return
        [self.fixed_size] = counts
        if self.fixed_size != self._task.micro_batch_size:
            raise TaskError(
                f"Task.train, a batch maker, must yield batches of the size that it is called with, and yields {self.fixed_size} whatever it is asked for. "
                f"Use its batch_size. Or fix it: with --fix batch_size={self.fixed_size} the other knobs can be tuned, "
                f"with Task.micro_batch_size={self.fixed_size} also the batch size, in multiples of it."
            )


def elements(part: object) -> int:
    """Numbers in an example or a batch: those of tensors and arrays in it, lengths of lists of numbers and of texts.

    Example:
        >>> elements({"pixels": torch.zeros(3, 8, 8), "tokens": [5, 2, 9], "label": 4})
        196
    """
    return sum(math.prod(shape) for shape in shapes_in(part))


def tensor_bytes(batch: Batch) -> int:
    """Bytes of the tensors in a batch."""
    if isinstance(batch, Tensor):
        return batch.numel() * batch.element_size()
    return sum(tensor_bytes(part) for part in _parts(batch))


def shapes_in(part: object) -> tuple[Shape, ...]:
    """Shapes of everything in an example or a batch, in order; () for a single number and for what is not known."""
    if isinstance(part, (Tensor, np.ndarray)):
        return (tuple(part.shape),)
    if isinstance(part, (str, bytes)):
        return ((len(part),),)
    if isinstance(part, Sequence) and all(isinstance(item, (int, float)) for item in part):
        return ((len(part),),)
    inner = tuple(_parts(part))
    if inner:
        return tuple(shape for item in inner for shape in shapes_in(item))
    size = getattr(part, "size", None)  # images of Pillow
    return (size,) if isinstance(size, tuple) and all(isinstance(length, int) for length in size) else ((),)


def _parts(whole: object) -> Iterable[object]:
    if isinstance(whole, Mapping):
        return whole.values()
    if isinstance(whole, Sequence) and not isinstance(whole, (str, bytes)):
        return whole
    if is_dataclass(whole):
        return [getattr(whole, item.name) for item in fields(whole)]
    return ()
