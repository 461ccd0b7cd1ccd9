"""One update as a script makes it: several optimizers, micro-batches, a gradient scaler, clipping."""

from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from tunesmith.engine.device import count_examples, to_device
from tunesmith.errors import InputError
from tunesmith.task import Batch, TrainingStep

Counted: TypeAlias = tuple[Tensor, int]


class Updater:
    """Applies updates of one or several optimizers to one network.

    Args:
        model: The network.
        optimizers: Stepped in this order, all of them at each update.
        loss_of: (model, batch) → mean loss.
        scaler: Of the script, or None.
        clip_grad_norm: Largest norm of the gradients of all that the optimizers move; None for no clipping.
        device: Where batches go.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizers: Sequence[Optimizer],
        *,
        loss_of: TrainingStep,
        scaler: torch.amp.GradScaler | None,
        clip_grad_norm: float | None,
        device: torch.device,
    ) -> None:
        self._model, self._optimizers, self._loss_of = model, optimizers, loss_of
        self._scaler = scaler if scaler is not None and scaler.is_enabled() else None
        self._clip_grad_norm = clip_grad_norm
        self._device = None if device.type == "cpu" else device
        self._clipped = [parameter for optimizer in optimizers for group in optimizer.param_groups for parameter in group["params"]]

    def backward(self, micro_batches: list[Batch]) -> Counted:
        """Fresh gradients of the mean loss over all examples; that loss, and how many examples there were."""
        for optimizer in self._optimizers:
            optimizer.zero_grad()
        if len(micro_batches) == 1:
            batch = micro_batches[0]
            return self._add_gradients(batch), _count(batch)
        counts = [_count(batch) for batch in micro_batches]
        total = sum(counts)
        losses = [self._add_gradients(batch, share=count / total).detach() for batch, count in zip(micro_batches, counts, strict=True)]
        return torch.stack(losses).sum(), total

    def apply(self) -> bool:
        """Apply the update; False where a gradient overflowed and nothing was applied: the scale is then lowered."""
        if self._scaler is None:
            if self._clip_grad_norm is not None:
                nn.utils.clip_grad_norm_(self._clipped, self._clip_grad_norm)
            for optimizer in self._optimizers:
                optimizer.step()
            return True
        before = self._scaler.get_scale()  # sync
        if self._clip_grad_norm is not None:
            for optimizer in self._optimizers:
                self._scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(self._clipped, self._clip_grad_norm)
        for optimizer in self._optimizers:
            self._scaler.step(optimizer)
        self._scaler.update()
        return self._scaler.get_scale() >= before  # sync

    def _add_gradients(self, batch: Batch, *, share: float = 1.0) -> Tensor:
        if self._device is not None:
            batch = to_device(batch, self._device)
        loss = self._loss_of(self._model, batch)
        try:
            scaled = loss if share == 1.0 else loss * share
            (scaled if self._scaler is None else self._scaler.scale(scaled)).backward()
        except (AttributeError, RuntimeError, TypeError) as error:
            if (problem := _problem(loss)) is None:
                raise
            raise InputError(
                f"The loss must be a scalar tensor with a gradient, got {problem}. Return the mean over the batch, as F.cross_entropy does."
            ) from error
        return scaled


def _count(batch: Batch) -> int:
    """`count_examples`, the usual batch first: between two updates of a small network every call counts."""
    first = batch[0] if type(batch) in (tuple, list) and batch else batch
    return first.shape[0] if isinstance(first, Tensor) and first.ndim else count_examples(batch)


def _problem(loss: object) -> str | None:
    """Why a backward pass could not start from `loss`; None where it is none of its fault. Asked only when one failed."""
    if not isinstance(loss, Tensor):
        return f"a {type(loss).__name__}"
    if loss.numel() != 1:
        return f"a tensor of shape {tuple(loss.shape)}"
    return None if loss.requires_grad else "one without a gradient"
