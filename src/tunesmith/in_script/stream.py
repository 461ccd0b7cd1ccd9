"""Training batches, update by update, from whatever a script iterates over; a new pass when one is over."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing

from tunesmith.errors import InputError
from tunesmith.task import Batch


def updates(loader: Iterable[Batch], *, accumulate: int) -> Generator[list[Batch]]:
    """For each update the list of its micro-batches; endless, so that a skipped update can be made up for.

    An update may take its micro-batches from the end of one pass and the beginning of the next, so that none is dropped.

    Args:
        loader: A DataLoader or any other iterable; it is started again when it is exhausted.
        accumulate: Micro-batches of one update; ≥ 1.

    Raises:
        InputError: No batch at all, a pass shorter than an update, or an iterator that is used up and gives nothing more.

    Example:
        >>> stream = updates(["a", "b", "c"], accumulate=2)
        >>> next(stream), next(stream)
        (['a', 'b'], ['c', 'a'])
    """
    group: list[Batch] = []
    n_before = 0
    while True:
        n_batches = 0
        with closing(one_pass(loader)) as batches:
            for batch in batches:
                n_batches += 1
                group.append(batch)
                if len(group) == accumulate:
                    yield group
                    group = []
        _check_pass(loader, n_batches=n_batches, n_before=n_before, accumulate=accumulate)
        n_before += n_batches


def one_pass(loader: Iterable[Batch]) -> Generator[Batch]:
    """The batches of one pass; worker processes end with it, also where it is left early."""
    batches: Iterator[Batch] = iter(loader)
    try:
        yield from batches
    finally:
        # torch itself ends its workers when the iterator is collected, which an exception's traceback puts off, by seconds or for good.
        shut_down = getattr(batches, "_shutdown_workers", None)
        if shut_down is not None:
            shut_down()


def is_used_up_by_reading(loader: object) -> bool:
    """Whether `loader` is an iterator (such as a generator), which cannot be started again."""
    return isinstance(loader, Iterator)


def _check_pass(loader: Iterable[Batch], *, n_batches: int, n_before: int, accumulate: int) -> None:
    if n_batches + n_before == 0 and not is_used_up_by_reading(loader):
        raise InputError("train_loader must yield at least one batch, and yielded none. Look at its dataset, and at drop_last.")
    if n_batches == 0 or is_used_up_by_reading(loader):
        raise InputError(
            f"train_loader must last for the whole test or start again, and this one was used up after {n_before + n_batches} batches. "
            "Pass a DataLoader, a list, or an object whose __iter__ begins anew."
        )
    if n_batches < accumulate:
        raise InputError(
            f"A pass over train_loader must hold the micro-batches of at least one update, got {n_batches} with accumulate={accumulate}. Lower accumulate."
        )
