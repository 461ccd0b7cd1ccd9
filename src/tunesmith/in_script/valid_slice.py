"""A fixed slice of a validation loader, the same examples at every pass, and told apart when they are not."""

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing
from typing import TypeAlias

import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from tunesmith.engine.device import count_examples
from tunesmith.engine.fingerprint import digest
from tunesmith.engine.order import SLICE_SEED, slice_indices
from tunesmith.errors import InputError
from tunesmith.in_script.stream import one_pass
from tunesmith.task import Batch

_COMPARED_VALUES = 256
"""Values of each tensor of a batch, evenly spread, that two passes are compared by (our choice: all of them would cost as much as a small network)."""
Open: TypeAlias = Callable[[], Iterable[Batch]]


class ValidSlice:
    """The slice: at most `n_examples` of a loader.

    Of a DataLoader with an index for each example they are a fixed random choice, so that data sorted by class do no harm; of anything else the first.

    Args:
        loader: The script's validation loader.
        n_examples: At most this many.
    """

    def __init__(self, loader: Iterable[Batch], *, n_examples: int) -> None:
        self._open, self._n_examples = _opener(loader, n_examples), n_examples
        self._first_digest: str | None = None

    def batches(self) -> Generator[Batch]:
        """The slice, batch by batch.

        Raises:
            InputError: No batch, or others than at the first pass.
        """
        left, seen = self._n_examples, list[str]()
        with closing(one_pass(self._open())) as batches:
            for batch in batches:
                count = count_examples(batch)
                kept = batch if count <= left else _chosen(batch, count=count, chosen=slice_indices(count, left))
                seen.append(digest(_sampled(kept)))
                left -= min(count, left)
                yield kept
                if left == 0:
                    break
        self._compare(digest(seen), n_batches=len(seen))

    def _compare(self, found: str, *, n_batches: int) -> None:
        if self._first_digest is None:
            if n_batches == 0:
                raise InputError("valid_loader must yield at least one batch, and yielded none. Look at its dataset, and at drop_last.")
            self._first_digest = found
        elif found != self._first_digest:
            what = "no batch at all" if n_batches == 0 else "other examples"
            raise InputError(
                f"valid_loader must give the same examples at every pass, and a later one gave {what}. "
                "Fix what is random in it (augmentation, a stream that goes on), or pass a list of batches."
            )


def _opener(loader: Iterable[Batch], n_examples: int) -> Open:
    if not isinstance(loader, DataLoader) or isinstance(loader.dataset, IterableDataset) or loader.batch_size is None:
        return lambda: loader
    indices = list(loader.sampler)
    chosen = [indices[position] for position in slice_indices(len(indices), n_examples).tolist()]
    return lambda: DataLoader(
        loader.dataset,
        batch_size=loader.batch_size,
        sampler=chosen,
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        worker_init_fn=loader.worker_init_fn,
        multiprocessing_context=loader.multiprocessing_context,
        timeout=loader.timeout,
        generator=torch.Generator().manual_seed(SLICE_SEED),
    )


def _chosen(batch: Batch, *, count: int, chosen: Tensor) -> Batch:
    """These examples of a batch, where it is made of tensors and plain containers; objects of other types are left whole."""
    if isinstance(batch, Tensor):
        return batch[chosen.to(batch.device)] if batch.ndim and batch.shape[0] == count else batch
    if type(batch) is list and len(batch) == count and all(isinstance(part, (str, bytes, int, float)) for part in batch):
        return [batch[position] for position in chosen.tolist()]
    if type(batch) in (tuple, list):
        return type(batch)(_chosen(part, count=count, chosen=chosen) for part in batch)
    if type(batch) is dict:
        return {name: _chosen(part, count=count, chosen=chosen) for name, part in batch.items()}
    return batch


def _sampled(batch: Batch) -> Batch:
    if isinstance(batch, Tensor):
        flat = batch.detach().reshape(-1) if batch.layout is torch.strided else batch.detach().to_dense().reshape(-1)
        return [str(tuple(batch.shape)), flat[:: max(1, flat.numel() // _COMPARED_VALUES)]]
    if isinstance(batch, Mapping):
        return {name: _sampled(part) for name, part in batch.items()}
    return [_sampled(part) for part in batch] if isinstance(batch, (tuple, list)) else batch
