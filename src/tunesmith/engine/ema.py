"""An exponential moving average of the weights, evaluated and kept in their place where the task asks for it."""

from collections.abc import Generator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """Average of a network's parameters; its buffers are the network's own.

    The decay grows in as min(decay, (1 + t)/(10 + t)), so that a short run is not judged by its initial weights (our choice; common practice).

    Args:
        model: The network that is trained.
        decay: In (0, 1), or None for no average: then both methods do nothing.
    """

    def __init__(self, model: nn.Module, *, decay: float | None) -> None:
        self._decay = decay
        self._updates = 0
        self._parameters: list[Tensor] = [] if decay is None else list(model.parameters())
        self._average = [parameter.detach().clone() for parameter in self._parameters]

    def update(self) -> None:
        """Take in the weights after an update."""
        if self._decay is None:
            return
        decay = min(self._decay, (1 + self._updates) / (10 + self._updates))
        self._updates += 1
        with torch.no_grad():
            torch._foreach_lerp_(self._average, self._parameters, 1 - decay)

    @contextmanager
    def in_place_of_weights(self) -> Generator[None]:
        """The average in the network's parameters for a while."""
        kept = [parameter.data for parameter in self._parameters]
        try:
            for parameter, average in zip(self._parameters, self._average, strict=True):
                parameter.data = average
            yield
        finally:
            for parameter, data in zip(self._parameters, kept, strict=True):
                parameter.data = data
