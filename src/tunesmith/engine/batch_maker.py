"""Training batches from a maker of the user's own: it is called again for each pass, and held to the sizes that it was asked for."""

from collections.abc import Generator

import torch

from tunesmith.engine.device import count_examples, to_device
from tunesmith.errors import TaskError
from tunesmith.task import Batch, BatchMaker


def maker_updates(maker: BatchMaker, *, sizes: list[int], seed: int, device: torch.device) -> Generator[list[Batch]]:
    """For each update the list of its micro-batches; endless, a new pass when one is over.

    A smaller batch that ends a pass, and the micro-batches before it that make no whole update, are dropped: full batches only.

    Args:
        maker: (batch_size, generator) → iterable of batches.
        sizes: Of the micro-batches of one update.
        seed: Of the generator, which goes on from pass to pass.
        device: Where batches go.

    Raises:
        TaskError: Micro-batches that differ in size, a pass without a whole update, or a batch of another size before the end of a pass.
    """
    if len(set(sizes)) > 1:
        raise TaskError(f"With a batch maker, batch_size must be a multiple of micro_batch_size: got {sum(sizes)} and {sizes[0]}. Change one of them.")
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield from _one_pass(maker, generator, sizes=sizes, device=device)


def _one_pass(maker: BatchMaker, generator: torch.Generator, *, sizes: list[int], device: torch.device) -> Generator[list[Batch]]:
    size, group = sizes[0], list[Batch]()
    n_batches, n_updates, last_count = 0, 0, size
    for batch in maker(size, generator):
        if last_count != size:  # only the last batch of a pass may be smaller
            raise _wrong_size(last_count, size)
        n_batches, last_count = n_batches + 1, count_examples(batch)
        if last_count > size:
            raise _wrong_size(last_count, size)
        if last_count == size:
            group.append(to_device(batch, device))
        if len(group) == len(sizes):
            yield group
            n_updates, group = n_updates + 1, list[Batch]()
    if n_batches == 0:
        raise TaskError(f"Task.train, called with batch_size {size}, must yield at least one batch at every call, and yielded none. Look at the maker.")
    if n_updates == 0 and last_count != size:
        raise _wrong_size(last_count, size)
    if n_updates == 0:
        raise TaskError(
            f"Task.train, called with batch_size {size}, must yield the {len(sizes)} micro-batches of an update in one pass, "
            f"and yielded {n_batches}. Lower batch_size, or raise micro_batch_size."
        )


def _wrong_size(count: int, size: int) -> TaskError:
    return TaskError(
        f"Task.train, called with batch_size {size}, must yield batches of that size, got one of {count}. "
        f"Use the batch_size it is given, or fix it: --fix batch_size={count}."
    )
