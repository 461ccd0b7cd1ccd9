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
        self._clip_grad_norm, self._device = clip_grad_norm, device
        self._clipped = [parameter for optimizer in optimizers for group in optimizer.param_groups for parameter in group["params"]]

    def backward(self, micro_batches: list[Batch]) -> Counted:
        """Fresh gradients of the mean loss over all examples; that loss, and how many examples there were."""
        for optimizer in self._optimizers:
            optimizer.zero_grad()
        if len(micro_batches) == 1:
            return self._add_gradients(micro_batches[0], share=None), count_examples(micro_batches[0])
        counts = [count_examples(micro_batch) for micro_batch in micro_batches]
        losses = [self._add_gradients(micro_batch, share=count / sum(counts)) for micro_batch, count in zip(micro_batches, counts, strict=True)]
        return torch.stack(losses).sum(), sum(counts)

    def apply(self) -> bool:
        """Apply the update; False where a gradient overflowed and nothing was applied: the scale is then lowered."""
        if self._scaler is None:
            self._clip()
            for optimizer in self._optimizers:
                optimizer.step()
            return True
        before = self._scaler.get_scale()  # sync
        if self._clip_grad_norm is not None:
            for optimizer in self._optimizers:
                self._scaler.unscale_(optimizer)
            self._clip()
        for optimizer in self._optimizers:
            self._scaler.step(optimizer)
        self._scaler.update()
        return self._scaler.get_scale() >= before  # sync

    def _add_gradients(self, micro_batch: Batch, *, share: float | None) -> Tensor:
        loss = self._loss_of(self._model, micro_batch if self._device.type == "cpu" else to_device(micro_batch, self._device))
        if not isinstance(loss, Tensor) or loss.ndim or not loss.requires_grad:
            raise InputError(f"The loss must be a scalar tensor with a gradient, got {_named(loss)}. Return the mean over the batch, as F.cross_entropy does.")
        if share is not None:
            loss = loss * share
        (loss if self._scaler is None else self._scaler.scale(loss)).backward()
        return loss.detach()

    def _clip(self) -> None:
        if self._clip_grad_norm is not None:
            nn.utils.clip_grad_norm_(self._clipped, self._clip_grad_norm)


def _named(loss: object) -> str:
    if not isinstance(loss, Tensor):
        return f"a {type(loss).__name__}"
    return f"a tensor of shape {tuple(loss.shape)}" if loss.ndim else "one without a gradient"
