"""Gradients of several micro-batches at the weights of one moment of a run, which itself goes on as if nothing had been asked."""

from collections.abc import Generator
from contextlib import closing, contextmanager

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from tunesmith.curve import GradientSample
from tunesmith.engine.data import TaskBatches
from tunesmith.engine.precision import LossScale, in_precision
from tunesmith.engine.seeds import child_seed, isolated_rng
from tunesmith.engine.steps import training_step
from tunesmith.errors import TaskError
from tunesmith.settings import RunSpec
from tunesmith.task import Batch, Task

SAMPLES_AT_A_MOMENT = 2
"""The fewest that tell the noise of a sample from what changes on the way (our choice)."""
_FEWEST_MICRO_BATCHES = 2
"""One gradient alone shows no noise."""


class GradientSampler:
    """Takes the samples of one run, each from micro-batches that are drawn without replacement.

    The loss is that of the training, in the mode and precision of the training, but gradients are not clipped, and the network is not the compiled one: another
    batch size might compile the run's own network anew. A batch maker's pass goes on from sample to sample, so that one without a random order shows more than
    its beginning. Weights, gradients, buffers and the global generators are afterwards as they were; what user code keeps elsewhere cannot be put back.

    Args:
        task: What is trained.
        spec: The order for the run: its seed, and how many micro-batches of which size.
        model: The network, as it was made.
        data: The task's batches, shared with the training.
        device: Where the network computes.
    """

    def __init__(self, task: Task, spec: RunSpec, model: nn.Module, *, data: TaskBatches, device: torch.device) -> None:
        self._task = task
        self._spec = spec
        self._model = model
        self._data = data
        self._device = device
        self._loss_of = in_precision(training_step(task), task, device=device)
        self._of_maker: Generator[list[Batch]] | None = None

    def samples(self, *, step: int, scale: LossScale) -> list[GradientSample]:
        """Two samples, drawn apart, of the gradients at the weights as they are now.

        Args:
            step: Updates that were applied before; with the run's seed it fixes every draw.
            scale: The run's gradient scaler.

        Raises:
            TaskError: A training set without two micro-batches, or a maker that does not yield what it was asked for.
        """
        size = min(self._spec.gradient_micro_batch_size, self._task.micro_batch_size or self._task.n_train)
        count = min(self._spec.gradient_micro_batches, self._task.n_train // size)
        if count < _FEWEST_MICRO_BATCHES:
            raise TaskError(
                f"gradient_micro_batch_size must be at most half the training set, got {size} and {self._task.n_train} examples. "
                "Lower gradient_micro_batch_size."
            )
        seeds = [child_seed(self._spec.seed, f"gradients/{step}/{number}") for number in range(SAMPLES_AT_A_MOMENT)]
        return [self._sample(step, size=size, count=count, seed=seed, scale=scale) for seed in seeds]

    def close(self) -> None:
        """End the pass of a batch maker that the next sample would go on with."""
        if self._of_maker is not None:
            self._of_maker.close()

    def _sample(self, step: int, *, size: int, count: int, seed: int, scale: LossScale) -> GradientSample:
        parameters = [parameter for parameter in self._model.parameters() if parameter.requires_grad]
        squares, total = list[float](), [torch.zeros_like(parameter, dtype=torch.promote_types(parameter.dtype, torch.float32)) for parameter in parameters]
        share = size / self._spec.settings.batch_size if self._task.precision == "fp16" else 1.0
        with isolated_rng(seed, self._device), _untouched(self._model):
            for micro_batch in self._micro_batches(size=size, count=count, seed=seed):
                gradients = self._gradients(micro_batch, parameters, share=share, scale=scale)
                squares.append(_square(gradients))
                torch._foreach_add_(total, gradients)
        return GradientSample(
            step=step, micro_batch_size=size, n_micro_batches=count, mean_square=sum(squares) / count, square_of_mean=_square(total) / count**2
        )

    def _micro_batches(self, *, size: int, count: int, seed: int) -> list[Batch]:
        if isinstance(self._task.train, (tuple, Dataset)):
            with closing(self._data.for_training(batch_size=count * size, micro_batch_size=size, seed=seed)) as batches:
                return next(batches)
        if self._of_maker is None:
            self._of_maker = self._data.for_training(batch_size=count * size, micro_batch_size=size, seed=seed)
        return next(self._of_maker)

    def _gradients(self, micro_batch: Batch, parameters: list[nn.Parameter], *, share: float, scale: LossScale) -> list[Tensor]:
        """Of the mean loss of one micro-batch, at their true size. `share` makes an example's loss what it is in a batch of the run, so fp16 can hold it."""
        for parameter in parameters:
            parameter.grad = None
        scale.backward(self._loss_of(self._model, micro_batch) * share)
        factor = scale.factor * share
        dense = [parameter.grad.to_dense() if parameter.grad is not None else torch.zeros_like(parameter) for parameter in parameters]
        return dense if factor == 1 else [gradient / factor for gradient in dense]


def _square(gradients: list[Tensor]) -> float:
    """Squared norm of all of them together, in double precision: what is read off is a difference of such squares."""
    if not gradients:
        return 0.0
    return float(torch.stack([torch.linalg.vector_norm(gradient, dtype=torch.float64) for gradient in gradients]).square().sum())  # sync


@contextmanager
def _untouched(model: nn.Module) -> Generator[None]:
    """A network's gradients, buffers and modes put back bit for bit, also after an exception."""
    gradients = [(parameter, parameter.grad) for parameter in model.parameters()]
    buffers = [(module, name, buffer, buffer.clone()) for module in model.modules() for name, buffer in module.named_buffers(recurse=False)]
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for parameter, gradient in gradients:
            parameter.grad = gradient
        with torch.no_grad():
            for module, name, buffer, content in buffers:
                setattr(module, name, buffer.copy_(content))
        for module, mode in modes:
            module.training = mode
