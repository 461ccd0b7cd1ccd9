"""An exponential moving average of the weights, evaluated and kept in their place where the task asks for it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


class WeightAverage:
    """Average of a network's parameters; its buffers are the network's own.

    The decay grows in as min(decay, (1 + t)/(10 + t)), so that a short run is not judged by its initial weights (our choice; common practice).
    """

    def __init__(self, model: nn.Module, *, decay: float) -> None:
        self._decay = decay
        self._updates = 0
        self._average = [parameter.detach().clone() for parameter in model.parameters()]

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take in the weights after an update."""
        decay = min(self._decay, (1 + self._updates) / (10 + self._updates))
        self._updates += 1
        torch._foreach_lerp_(self._average, [parameter.detach() for parameter in model.parameters()], 1 - decay)  # noqa: SLF001 (torch's only fused form)

    @contextmanager
    def in_place_of(self, model: nn.Module) -> Iterator[None]:
        """The average in the network's parameters for a while."""
        parameters = list(model.parameters())
        kept = [parameter.data for parameter in parameters]
        try:
            for parameter, average in zip(parameters, self._average, strict=True):
                parameter.data = average
            yield
        finally:
            for parameter, data in zip(parameters, kept, strict=True):
                parameter.data = data
