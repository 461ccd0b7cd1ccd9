"""Everything that training may change in networks, optimizers and a gradient scaler: one copy of its bits, and the way back as often as wanted.

Nothing is changed while it is taken down, and nothing is allocated on the way back, so a full memory cannot stop it.
"""

from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter
from torch.optim import Optimizer

from tunesmith.errors import InputError
from tunesmith.in_script.randomness import RANDOM_SOURCES, PutBack, keep_source

_PLAIN = (str, bytes, int, float, complex, type(None), type)
_OBJECTS = (nn.Module, Optimizer, torch.amp.GradScaler)
_HOOKS = ("_backward_hooks", "_post_accumulate_grad_hooks")


class Snapshot:
    """The bits of `roots` and of all that they hold: attributes, containers, tensors, gradients, hooks, generators.

    Objects stay the same objects: what a hook, a scheduler or a captured graph points to holds its old bits again. Objects of other classes that a
    network holds are left alone.

    Args:
        roots: Networks, optimizers, gradient scalers.
        moves_gradients: Whether gradients will be taken out of the way by `set_gradients_aside` instead of being copied.

    Attributes:
        kept_bytes: Size of the copies.

    Raises:
        InputError: A lazy network that has not seen its first batch: what it becomes cannot be undone.
    """

    def __init__(self, roots: Iterable[object], *, moves_gradients: bool = False) -> None:
        self.kept_bytes = 0
        self._moves_gradients = moves_gradients
        self._lenders: list[Tensor] = []
        self._seen: dict[int, object] = {}  # holds on to the objects, so that ids stay theirs
        self._ways: list[PutBack] = []
        for root in roots:
            self._visit(root)

    def restore(self) -> None:
        """Put everything back; what fails does not keep the rest from it."""
        restore_all(self._ways)

    def set_gradients_aside(self) -> None:
        """Take the gradients that were not copied away from their weights, so that nothing can write into them before `restore` brings them back."""
        for tensor in self._lenders:
            tensor.grad = None

    def _visit(self, value: object) -> None:
        if isinstance(value, _PLAIN) or id(value) in self._seen:
            return
        self._seen[id(value)] = value
        if isinstance(value, Tensor):
            self._keep_tensor(value)
        elif isinstance(value, _OBJECTS):
            self._keep_object(value)
        elif isinstance(value, RANDOM_SOURCES):
            self._ways.append(keep_source(value))
        elif isinstance(value, (dict, list, set, deque)):
            self._ways.append(keep_container(value))
            self._visit_all(value.values() if isinstance(value, dict) else value)
        elif isinstance(value, (tuple, frozenset)):
            self._visit_all(value)

    def _visit_all(self, values: Iterable[object]) -> None:
        for value in list(values):
            self._visit(value)

    def _keep_object(self, value: nn.Module | Optimizer | torch.amp.GradScaler) -> None:
        self._ways.append(keep_container(vars(value)))
        self._visit_all(vars(value).values())
        if isinstance(value, nn.Module):  # a scripted network keeps all of this where vars() does not look
            self._ways.append(partial(_set_training, value, is_training=value.training))
            self._visit_all([*value.parameters(recurse=False), *value.buffers(recurse=False), *value.children()])

    def _keep_tensor(self, tensor: Tensor) -> None:
        if isinstance(tensor, (UninitializedParameter, UninitializedBuffer)):
            raise InputError("A network must have its weights to be put back later, and a lazy one has none yet. Pass one batch through it first.")
        where = tensor.data  # the same memory, even when the tensor is moved elsewhere meanwhile
        memory = _distinct(where)
        bits = memory.clone()
        self.kept_bytes += _n_bytes(bits)
        self._ways += [partial(_set_bits, tensor, where, bits=bits), keep_container(vars(tensor)), *(_keep_hooks(tensor, name) for name in _HOOKS)]
        if tensor.is_leaf:
            grad = tensor.grad
            if self._moves_gradients and grad is not None and _owns_its_memory(grad):
                self._lenders.append(tensor)
            else:
                self._visit(grad)
            self._ways.append(partial(_set_leaf, tensor, grad, requires_grad=tensor.requires_grad))


def restore_all(ways: list[PutBack]) -> None:
    """Go every way back; the first failure is raised at the end, once all have been tried."""
    failures: list[Exception] = []
    for way in ways:
        try:
            way()
        except Exception as error:  # noqa: BLE001 (raised below)
            failures.append(error)
    if failures:
        raise failures[0]


def keep_container(container: object) -> PutBack:
    """The way back for what a dict, list, set or deque holds; the things themselves are not copied."""
    if isinstance(container, dict):
        return partial(_refill_dict, container, dict(container))
    if isinstance(container, list):
        return partial(_refill_list, container, list(container))
    filled = cast("set[object] | deque[object]", container)
    return partial(_refill, filled, list(filled))


def _refill_dict(container: dict[object, object], kept: dict[object, object]) -> None:
    container.clear()
    container.update(kept)


def _refill_list(container: list[object], kept: list[object]) -> None:
    container[:] = kept


def _refill(container: set[object] | deque[object], kept: list[object]) -> None:
    container.clear()
    container.update(kept) if isinstance(container, set) else container.extend(kept)


def _set_training(module: nn.Module, *, is_training: bool) -> None:
    if module.training is not is_training:
        module.training = is_training


def _distinct(tensor: Tensor) -> Tensor:
    """One element for each place in memory: an expanded tensor names some of them more than once, and could not be written to."""
    if tensor.layout is torch.strided:
        for dimension, stride in enumerate(tensor.stride()):
            if stride == 0 and tensor.shape[dimension] > 1:
                tensor = tensor.narrow(dimension, 0, 1)
    return tensor


def _set_bits(tensor: Tensor, where: Tensor, *, bits: Tensor) -> None:
    if tensor.layout is not torch.strided:  # `where` would not share what copying gives it
        with torch.no_grad():
            tensor.copy_(bits)
        return
    _distinct(where).copy_(bits)
    if _lies_elsewhere(tensor, where):
        tensor.data = where


def _lies_elsewhere(tensor: Tensor, where: Tensor) -> bool:
    if (tensor.shape, tensor.dtype, tensor.device) != (where.shape, where.dtype, where.device):
        return True
    return tensor.data_ptr() != where.data_ptr() or tensor.stride() != where.stride()


def _set_leaf(tensor: Tensor, grad: Tensor | None, *, requires_grad: bool) -> None:
    if tensor.requires_grad is not requires_grad:
        tensor.requires_grad_(requires_grad)
    if tensor.grad is not grad:
        tensor.grad = grad


def _keep_hooks(tensor: Tensor, name: str) -> PutBack:
    hooks: dict[object, object] | None = getattr(tensor, name, None)
    return partial(_set_hooks, tensor, name, hooks=hooks, kept=None if hooks is None else dict(hooks))


def _set_hooks(tensor: Tensor, name: str, *, hooks: dict[object, object] | None, kept: dict[object, object] | None) -> None:
    if hooks is not None and kept is not None:
        _refill_dict(hooks, kept)
    if getattr(tensor, name, None) is not hooks:
        setattr(tensor, name, hooks)


def _owns_its_memory(grad: Tensor) -> bool:
    """Whether a gradient that no weight refers to can be written to by nobody: one that lies in a larger piece of memory, as in buckets, can."""
    return grad.layout is torch.strided and not grad._is_view() and grad.untyped_storage().nbytes() == grad.nbytes  # noqa: SLF001 (torch has no public name for it)


def _n_bytes(tensor: Tensor) -> int:
    with suppress(NotImplementedError, RuntimeError):  # a layout that does not say
        return tensor.nbytes
    return 0
