"""What a task's precision means for one update: autocast around the network, and a scaled loss where the type is too narrow for gradients."""

from collections.abc import Callable
from typing import TypeAlias, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from tunesmith.task import Batch, Task

Returned = TypeVar("Returned")
Step: TypeAlias = Callable[[nn.Module, Batch], Returned]
_AUTOCAST_TYPE = {"bf16": torch.bfloat16, "fp16": torch.float16}


def in_precision(step: Step[Returned], task: Task, *, device: torch.device) -> Step[Returned]:
    """`step` under the autocast of the task's precision; `step` itself for fp32, so that it costs nothing there."""
    if task.precision == "fp32":
        return step
    dtype = _AUTOCAST_TYPE[task.precision]

    def cast(model: nn.Module, batch: Batch) -> Returned:
        with torch.autocast(device.type, dtype=dtype):
            return step(model, batch)

    return cast


class LossScale:
    """The gradient scaler of fp16, and nothing at all for wider types.

    Args:
        task: Whose precision.
        device: Where its network computes.
    """

    def __init__(self, task: Task, *, device: torch.device) -> None:
        self._scaler = torch.amp.GradScaler(device.type) if task.precision == "fp16" else None

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of `loss`, scaled, to those of the network."""
        (loss if self._scaler is None else self._scaler.scale(loss)).backward()

    @property
    def factor(self) -> float:
        """What gradients are larger by than they truly are."""
        return 1.0 if self._scaler is None else self._scaler.get_scale()  # sync

    def unscale(self, optimizer: Optimizer) -> None:
        """Give the gradients their true size, so that they can be clipped."""
        if self._scaler is not None:
            self._scaler.unscale_(optimizer)

    def apply(self, optimizer: Optimizer) -> bool:
        """Apply the update; False where a gradient overflowed and nothing was applied: the scale is then halved."""
        if self._scaler is None:
            optimizer.step()
            return True
        before = self._scaler.get_scale()  # sync
        self._scaler.step(optimizer)
        self._scaler.update()
        return self._scaler.get_scale() >= before  # sync
