"""Where batches come from: the generators and positions that reading a loader moves, and the way back. The examples themselves are not copied."""

from collections import deque
from collections.abc import Iterable
from typing import TypeAlias

from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from tunesmith.in_script.randomness import RANDOM_SOURCES, PutBack, RandomSource, keep_source, reseed, seed_of
from tunesmith.in_script.snapshot import keep_container, restore_all

_MOST_ENTRIES = 1_000
"""A container of more entries is taken for the examples, not for a state, and left alone (our choice)."""
_PLAIN = (str, bytes, int, float, complex, type(None), type, Tensor)
_LEFT_ALONE = frozenset({"torch", "threading", "multiprocessing", "concurrent", "asyncio", "logging", "subprocess"})
"""Packages whose objects are machinery: to set a thread or a process back would break it."""
_CODE = frozenset({"function", "method", "builtin_function_or_method", "module", "partial", "generator"})
Container: TypeAlias = dict[object, object] | list[object] | set[object] | deque[object] | tuple[object, ...] | frozenset[object]


class Sources:
    """Where loaders stand: generators at any depth, attributes of loaders, samplers and datasets, and small containers in these.

    A loader with persistent workers starts fresh ones meanwhile, and has its own again afterwards. An iterator that is used up cannot be wound back.

    Args:
        loaders: DataLoaders, or any other iterables.
    """

    def __init__(self, loaders: Iterable[object]) -> None:
        self._seen: dict[int, object] = {}  # holds on to the objects, so that ids stay theirs
        self._ways: list[PutBack] = []
        self._random: list[RandomSource] = []
        self._persistent: list[DataLoader[object]] = []
        for loader in loaders:
            self._visit(loader, keeps=True)

    def restore(self) -> None:
        """Put everything back."""
        restore_all(self._ways)

    def set_workers_aside(self) -> None:
        """From now on loaders with persistent workers start fresh ones; `restore` brings the old ones back."""
        for loader in self._persistent:
            loader._iterator = None  # noqa: SLF001 (torch has no public way)

    def reseed(self, seed: int) -> None:
        """Start every generator again, each from a seed of its own."""
        for index, source in enumerate(self._random):
            reseed(source, seed=seed_of(seed, f"source {index}"))

    def _visit(self, value: object, *, keeps: bool) -> None:
        if isinstance(value, _PLAIN) or id(value) in self._seen:
            return
        self._seen[id(value)] = value
        if isinstance(value, RANDOM_SOURCES):
            self._random.append(value)
            self._ways.append(keep_source(value))
        elif isinstance(value, (dict, list, set, deque, tuple, frozenset)):
            self._visit_container(value, keeps=keeps)
        elif _is_walked(value):
            is_state = keeps or isinstance(value, (DataLoader, Dataset, Sampler))
            if is_state:
                self._ways.append(keep_container(vars(value)))
            if isinstance(value, DataLoader) and value.persistent_workers:
                self._persistent.append(value)
            for name, part in list(vars(value).items()):
                if not (isinstance(value, DataLoader) and name == "_iterator"):
                    self._visit(part, keeps=is_state and isinstance(part, (dict, list, set, deque)))

    def _visit_container(self, value: Container, *, keeps: bool) -> None:
        if len(value) > _MOST_ENTRIES:
            return
        if keeps and not isinstance(value, (tuple, frozenset)):
            self._ways.append(keep_container(value))
        for part in list(value.values() if isinstance(value, dict) else value):
            self._visit(part, keeps=False)


def _is_walked(value: object) -> bool:
    if isinstance(value, (DataLoader, Dataset, Sampler)):
        return True
    kind = type(value)
    return hasattr(value, "__dict__") and kind.__name__ not in _CODE and kind.__module__.split(".", maxsplit=1)[0] not in _LEFT_ALONE
