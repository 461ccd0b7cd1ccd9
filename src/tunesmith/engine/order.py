"""Which examples, in which order, as indices; nothing here looks at the data.

Training (docs/counting.md): one endless stream of shuffled epochs, full batches only, cut across epoch borders.
The stream depends on the seed alone, so two batch sizes see the same examples in the same order.
"""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

SLICE_SEED = 20180326
"""Fixes which examples a validation slice or a slice for BatchNorm statistics holds: the same for every run and seed."""
_CPU = torch.device("cpu")


def order_stream(*, n_examples: int, chunk_sizes: Iterable[int], seed: int, device: torch.device = _CPU) -> Iterator[Tensor]:
    """Index tensors of the given sizes, cut from an endless stream of shuffled epochs.

    Args:
        n_examples: Examples in one epoch; ≥ 1.
        chunk_sizes: As many as chunks are wanted.
        seed: Fixes the order, the same on every device.
        device: Where the indices lie. An epoch moves there at once, so that a step waits for no copy.

    Example:
        >>> [chunk.tolist() for chunk in order_stream(n_examples=3, chunk_sizes=[2, 2, 2], seed=0)]
        [[2, 0], [1, 2], [1, 0]]
    """
    generator = torch.Generator().manual_seed(seed)
    pool, start, n_pool = torch.empty(0, dtype=torch.long, device=device), 0, 0
    for size in chunk_sizes:
        if start + size > n_pool:
            pool, start, n_pool = pool[start:], 0, n_pool - start
            while n_pool < size:
                pool, n_pool = torch.cat([pool, torch.randperm(n_examples, generator=generator).to(device)]), n_pool + n_examples
        yield pool.narrow(0, start, size)
        start += size


def micro_sizes(batch_size: int, micro_batch_size: int | None) -> list[int]:
    """Sizes of the micro-batches that make one batch.

    Example:
        >>> micro_sizes(100, 40), micro_sizes(100, None)
        ([40, 40, 20], [100])
    """
    micro = min(micro_batch_size or batch_size, batch_size)
    whole, rest = divmod(batch_size, micro)
    return [micro] * whole + ([rest] if rest else [])


def slice_indices(n_examples: int, n_slice: int | None) -> Tensor:
    """Which examples a slice holds: a fixed random choice in ascending order, the same for every run.

    Example:
        >>> slice_indices(5, None).tolist(), len(slice_indices(5, 2))
        ([0, 1, 2, 3, 4], 2)
    """
    if n_slice is None or n_slice >= n_examples:
        return torch.arange(n_examples)
    generator = torch.Generator().manual_seed(SLICE_SEED)
    return torch.randperm(n_examples, generator=generator)[:n_slice].sort().values
