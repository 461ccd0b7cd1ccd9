"""Validation losses that say nothing: few examples drawn anew each time, or a network that is itself random."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from benchmarks.clues.beds import Bed, Part
from benchmarks.clues.kind import Order, order
from benchmarks.clues.kinds.labels import uniform

_SHARE = 0.9


def few_redrawn(bed: Bed, seed: int) -> Order:
    """Nine labels in ten are drawn at random (of prices: noise of thrice their spread), and each evaluation draws two other examples.

    The error of an evaluation is above all that can be gained.
    """
    (x, y), (x_valid, y_valid) = bed.data()
    random = torch.Generator().manual_seed(seed)
    y, y_valid = (uniform(part, share=_SHARE, classes=bed.classes, seed=seed + i) for i, part in enumerate((y, y_valid)))
    n_examples = 2 if x.is_floating_point() else 1

    def draw(batch_size: int, generator: torch.Generator) -> Iterable[Part]:
        del batch_size, generator  # another draw at every evaluation is the point
        chosen = torch.randint(len(x_valid), (n_examples,), generator=random)
        return [(x_valid[chosen], y_valid[chosen])]

    return order(bed.task(train=(x, y), valid=draw), bed.settings(lr=bed.low_lr), seed=seed)


class _Shaky(nn.Module):
    """A network whose evaluations are off by a random amount, the same for all examples of a batch."""

    def __init__(self, inner: nn.Module, *, is_regression: bool) -> None:
        super().__init__()
        self.inner, self.is_regression = inner, is_regression
        self.random = torch.Generator().manual_seed(0)  # the loop puts torch's own generator back after an evaluation

    def forward(self, x: Tensor) -> Tensor:
        output = self.inner(x)
        if self.training:
            return output
        return output + (2 if self.is_regression else 3) * torch.randn(output.shape[-1], generator=self.random)


def shaky_evaluation(bed: Bed, seed: int) -> Order:
    """Evaluations of one batch by a network with random biases: the validation loss moves between two of them by more than the training ever gained."""
    (x, y), (x_valid, y_valid) = bed.data()
    noisy, noisy_valid = (uniform(part, share=_SHARE, classes=bed.classes, seed=seed + i) for i, part in enumerate((y, y_valid[: bed.batch_size])))

    def model() -> nn.Module:
        return _Shaky(bed.model(bed.width), is_regression=not bed.classes)

    return order(bed.task(train=(x, noisy), valid=(x_valid[: bed.batch_size], noisy_valid), model=model), bed.settings(lr=bed.low_lr), seed=seed)
